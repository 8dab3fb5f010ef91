\echo Use "CREATE EXTENSION bandit" to load this file. \quit

CREATE SCHEMA bandit;

COMMENT ON SCHEMA bandit IS
'Contextual Thompson sampling: which arm serves a request, what was learnt, whether it helped';

CREATE SCHEMA bandit_internal;

COMMENT ON SCHEMA bandit_internal IS
'What bandit''s own functions call; nothing here is meant for applications, and any of it may change';
-- The beta distribution: draws, density, distribution, quantiles.

CREATE FUNCTION bandit.set_seed(seed bigint) RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'bandit_set_seed';
COMMENT ON FUNCTION bandit.set_seed(bigint) IS
'Makes the session''s draws repeat from here on: beta_sample, select_arms, and the ids and draws of choose and recommend. The same seed gives the same draws on every supported server version and machine.';

CREATE FUNCTION bandit.beta_sample(alpha float8, beta float8) RETURNS float8
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'bandit_beta_sample';
COMMENT ON FUNCTION bandit.beta_sample(float8, float8) IS
'A draw from Beta(alpha, beta), 0..1 (Marsaglia and Tsang 2000, in logarithms). Never NaN, however small the shapes; raises invalid_parameter_value unless both are finite and positive.';

CREATE FUNCTION bandit.beta_sample(alpha float8, beta float8, n int)
RETURNS SETOF float8
LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 100
AS 'MODULE_PATHNAME', 'bandit_beta_samples';
COMMENT ON FUNCTION bandit.beta_sample(float8, float8, int) IS
'n draws from Beta(alpha, beta), those that n calls of beta_sample(alpha, beta) would make. Raises invalid_parameter_value when n is negative, or a shape not finite and positive.';

CREATE FUNCTION bandit.beta_pdf(x float8, alpha float8, beta float8)
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_beta_pdf';
COMMENT ON FUNCTION bandit.beta_pdf(float8, float8, float8) IS
'Density of Beta(alpha, beta) at x; 0 outside [0, 1], at 0 and 1 the limit, which may be Infinity; NaN at NaN. Relative error below 1e-11 (1e-10 where alpha + beta > 1e7). Raises invalid_parameter_value unless both shapes are finite and positive.';

CREATE FUNCTION bandit.beta_cdf(x float8, alpha float8, beta float8)
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_beta_cdf';
COMMENT ON FUNCTION bandit.beta_cdf(float8, float8, float8) IS
'P(X <= x) for X ~ Beta(alpha, beta), the regularised incomplete beta function I_x(alpha, beta) (DLMF 8.17). Relative error below 1e-12 (1e-11 where alpha + beta > 1e7). The upper tail is beta_cdf(1 - x, beta, alpha). NaN at NaN; raises invalid_parameter_value unless both shapes are finite and positive.';

CREATE FUNCTION bandit.beta_quantile(p float8, alpha float8, beta float8)
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_beta_quantile';
COMMENT ON FUNCTION bandit.beta_quantile(float8, float8, float8) IS
'The x with beta_cdf(x, alpha, beta) = p, for p in 0..1: p = 0.025 and 0.975 bound the equal-tailed 95 % credible interval. Relative error below 1e-11; quantiles below 2.2e-308 are 0. NaN at NaN; raises invalid_parameter_value when p is outside 0..1, or a shape not finite and positive.';
-- How probable choices are, before anybody draws.

CREATE FUNCTION bandit.top_k_propensity(
	alphas float8[],
	betas float8[],
	k int DEFAULT 1)
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_top_k_propensity';
COMMENT ON FUNCTION bandit.top_k_propensity(float8[], float8[], int) IS
'The exact probability that each arm, with the posterior Beta(alphas[i], betas[i]), has one of the k largest draws; they add up to k. By quadrature of the arm''s density times the Poisson-binomial distribution of how many others draw above it (Hong 2013), without Monte Carlo; absolute error below 1e-9. Equal arms get equal answers. Time grows with arms times k times the number of different scales. Raises array_subscript_error for arrays that are empty, of different lengths or not one-dimensional, null_value_not_allowed for null elements, invalid_parameter_value for shapes that are not finite and positive or k outside 1 .. number of arms.';

CREATE FUNCTION bandit.rank_propensity(
	alphas float8[],
	betas float8[],
	k int DEFAULT 1)
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_rank_propensity';
COMMENT ON FUNCTION bandit.rank_propensity(float8[], float8[], int) IS
'The exact probability of each arm (row) to have each of the k largest draws (column): rank_propensity(...)[i][r] is that of arm i at rank r. A row adds up to the arm''s top_k_propensity, a column to 1. Accuracy and errors as there; time grows with the square of k.';

CREATE FUNCTION bandit.policy_propensity(
	policy text,
	alphas float8[],
	betas float8[],
	k int DEFAULT 1,
	floors float8[] DEFAULT NULL,
	epsilon float8 DEFAULT 0.1)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_policy_propensity';
COMMENT ON FUNCTION bandit.policy_propensity(text, float8[], float8[], int, float8[], float8) IS
'The probability that each arm, with the posterior Beta(alphas[i], betas[i]), is in a list of k that the policy picks; they add up to k. policy: see bandits.policy. floors: the exploration floor of each arm, 0 to 1, summing to 1 at most; none by default. epsilon: of epsilon_greedy alone, spread evenly over what floors leave. thompson is top_k_propensity; so is top_two but for k = 1, where the leader and a challenger share evenly. uniform gives k/n; the other policies 1 or 0, and equal shares where scores tie. One place with floors: floor + (1 - sum of floors) * propensity; a list: each place names an arm by its floor or nobody, and the best that is not in the list yet takes what is left. Absolute error below 1e-9. NULL if any other argument than floors is NULL. Errors as top_k_propensity; invalid_parameter_value for an unknown policy, for floors or epsilon out of range; array_subscript_error for floors of another length; program_limit_exceeded for floors where arms times k squared exceeds a million.';

CREATE FUNCTION bandit.policy_rank_propensity(
	policy text,
	alphas float8[],
	betas float8[],
	k int DEFAULT 1,
	floors float8[] DEFAULT NULL,
	epsilon float8 DEFAULT 0.1)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_policy_rank_propensity';
COMMENT ON FUNCTION bandit.policy_rank_propensity(text, float8[], float8[], int, float8[], float8) IS
'The probability of each arm (row) to take each of the k places (column) of a list that the policy picks. A row adds up to the arm''s policy_propensity, a column to 1. Arguments and errors as there.';

CREATE FUNCTION bandit.poisson_binomial(probabilities float8[])
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'bandit_poisson_binomial';
COMMENT ON FUNCTION bandit.poisson_binomial(float8[]) IS
'The distribution of the number of successes in independent trials of these probabilities, at most 10000 of them: element 1 is P(none), element n + 1 P(all) (Hong 2013). Every term that is added is positive. Errors: array_subscript_error for an empty array or one of more dimensions, null_value_not_allowed for null elements, invalid_parameter_value for probabilities outside 0..1, program_limit_exceeded.';
-- A bandit played without a database, and what is lost to the best.

CREATE FUNCTION bandit.simulate(
	probabilities float8[],
	horizon int DEFAULT 10000,
	runs int DEFAULT 100,
	policy text DEFAULT 'thompson',
	prior_alpha float8 DEFAULT 1,
	prior_beta float8 DEFAULT 1,
	delay int DEFAULT 1,
	epsilon float8 DEFAULT 0.1,
	exploration_floor float8 DEFAULT 0,
	half_life float8 DEFAULT NULL,
	replacement float8 DEFAULT 0,
	replacement_learnt text DEFAULT 'next batch',
	arms int DEFAULT NULL,
	rate_alpha float8 DEFAULT 1,
	rate_beta float8 DEFAULT 1,
	rotate_every int DEFAULT NULL,
	drift float8 DEFAULT 0,
	checkpoints int[] DEFAULT NULL,
	seed bigint DEFAULT 1,
	OUT step int,
	OUT regret float8,
	OUT standard_error float8,
	OUT per_step float8,
	OUT best_share float8)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_simulate';
COMMENT ON FUNCTION bandit.simulate(float8[], int, int, text, float8, float8, int, float8, float8, float8, float8, text, int, float8, float8, int, float8, int[], bigint) IS
'Plays a problem of Bernoulli arms many times, and tells the regret at checkpoints: the mean over runs of the sum, over steps so far, of the best rate minus that of the arm played; its standard error (NULL for one run); regret per step; and the share of steps that played the best arm. The same seed gives the same numbers.
probabilities: each arm''s rate; NULL: so many arms with rates from Beta(rate_alpha, rate_beta), new in each run. horizon: steps of a run. policy, epsilon, exploration_floor: as columns of bandit.bandits. half_life: in steps; NULL forgets nothing. delay: feedback comes every so many steps, all at once. replacement: at each step, with this probability, an arm at random becomes a new one, its rate from Beta(rate_alpha, rate_beta); the player starts it again from the prior at once, or with the next batch of feedback (replacement_learnt), and what was not known of the old one is lost (Chapelle and Li 2011, section 3). rotate_every: every so many steps each arm gets the rate of the next. drift: standard deviation, per step, of a random walk of each rate''s logit. checkpoints: steps; by default 1, 2, 5, 10, ... and the horizon.
A step of Thompson sampling takes about 30 ns an arm. Errors: array_subscript_error, null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit.pseudo_regret(probabilities float8[], pulls bigint[])
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_pseudo_regret';
COMMENT ON FUNCTION bandit.pseudo_regret(float8[], bigint[]) IS
'What was lost to always playing the best arm, where the rates are known: the sum of pulls times (best rate - rate). Errors: array_subscript_error, null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit.lai_robbins_constant(probabilities float8[])
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_lai_robbins_constant';
COMMENT ON FUNCTION bandit.lai_robbins_constant(float8[]) IS
'c, where no policy that is good for all rates has, in the long run, a regret below c ln T after T steps (Lai and Robbins 1985): the sum, over arms worse than the best, of (best - rate) / KL(rate, best). 0 when all are equal. Errors as those of pseudo_regret.';
-- What another policy would have earned, from this one's log (off-policy
-- evaluation).  The state is public sums, so that parts can be combined.

CREATE TYPE bandit.policy_value AS (
	estimate float8,
	standard_error float8,
	lower float8,
	upper float8,
	n bigint,
	effective_n float8,
	mean_weight float8,
	max_weight float8
);
COMMENT ON TYPE bandit.policy_value IS
'What a policy earns per decision, as estimated from another policy''s log, and how far to trust it. The weight of a row is the probability of its choice under the policy evaluated over that under the policy that logged it.';
COMMENT ON COLUMN bandit.policy_value.estimate IS
'Mean reward per decision, in units of the reward; NULL without rows, of snips also where all weights are 0.';
COMMENT ON COLUMN bandit.policy_value.standard_error IS
'Standard error of the estimate, rows taken as independent; NULL below two rows.';
COMMENT ON COLUMN bandit.policy_value.lower IS
'estimate - 1.96 standard errors: lower end of the normal 95 % interval, not cut at 0. Do not trust it where effective_n is below 100.';
COMMENT ON COLUMN bandit.policy_value.upper IS
'estimate + 1.96 standard errors.';
COMMENT ON COLUMN bandit.policy_value.n IS
'Rows counted; those with a null argument are not.';
COMMENT ON COLUMN bandit.policy_value.effective_n IS
'As how many rows of the policy itself they are worth: (sum of weights)^2 / sum of squared weights (Kish 1965); 0 where all weights are 0.';
COMMENT ON COLUMN bandit.policy_value.mean_weight IS
'Mean weight: near 1, within sampling error, where the logged probabilities are right and everything the policy does was possible. NULL without rows.';
COMMENT ON COLUMN bandit.policy_value.max_weight IS
'Largest weight, after clipping; NULL without rows.';

CREATE FUNCTION bandit_internal.ips_step(
	state float8[],
	reward float8,
	logged float8,
	target float8)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_ips_step';
COMMENT ON FUNCTION bandit_internal.ips_step(float8[], float8, float8, float8) IS
'Adds a row to the sums of bandit.ips and snips.';

CREATE FUNCTION bandit_internal.ips_step(
	state float8[],
	reward float8,
	logged float8,
	target float8,
	clip float8)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_ips_step';
COMMENT ON FUNCTION bandit_internal.ips_step(float8[], float8, float8, float8, float8) IS
'The same with the weight capped at clip.';

CREATE FUNCTION bandit_internal.dr_step(
	state float8[],
	reward float8,
	logged float8,
	target float8,
	q_logged float8,
	v_target float8)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_dr_step';
COMMENT ON FUNCTION bandit_internal.dr_step(float8[], float8, float8, float8, float8, float8) IS
'Adds a row to the sums of bandit.dr.';

CREATE FUNCTION bandit_internal.dr_step(
	state float8[],
	reward float8,
	logged float8,
	target float8,
	q_logged float8,
	v_target float8,
	clip float8)
RETURNS float8[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_dr_step';
COMMENT ON FUNCTION bandit_internal.dr_step(float8[], float8, float8, float8, float8, float8, float8) IS
'The same with the weight capped at clip.';

CREATE FUNCTION bandit_internal.moments_combine(
	state float8[],
	other float8[])
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_moments_combine';
COMMENT ON FUNCTION bandit_internal.moments_combine(float8[], float8[]) IS
'The sums of two parts of a log together (Chan, Golub and LeVeque 1983).';

CREATE FUNCTION bandit_internal.mean_value(
	state float8[])
RETURNS bandit.policy_value
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_mean_value';
COMMENT ON FUNCTION bandit_internal.mean_value(float8[]) IS
'The estimate of bandit.ips and dr from their sums.';

CREATE FUNCTION bandit_internal.ratio_value(
	state float8[])
RETURNS bandit.policy_value
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_ratio_value';
COMMENT ON FUNCTION bandit_internal.ratio_value(float8[]) IS
'The estimate of bandit.snips from its sums.';

CREATE AGGREGATE bandit.ips(reward float8, logged float8, target float8) (
	SFUNC = bandit_internal.ips_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.mean_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.ips(float8, float8, float8) IS
'What another policy would earn, by inverse propensity: the mean of reward * target / logged (Horvitz and Thompson 1952), without bias. reward: what the logged choice earned. logged: the probability, more than 0, with which the policy of the log made it at that moment. target: the probability, 0 to 1, with which the policy evaluated would have. Rows with a null argument are left out: where silence is a failure, say coalesce(reward, 0). SELECT (bandit.ips(...)).* gives the fields. Errors: invalid_parameter_value for logged outside (0, 1], target outside [0, 1], or a value that is NaN or infinite; numeric_value_out_of_range.';

CREATE AGGREGATE bandit.ips(reward float8, logged float8, target float8, clip float8) (
	SFUNC = bandit_internal.ips_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.mean_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.ips(float8, float8, float8, float8) IS
'ips with weights capped at clip (> 0; null or Infinity: no cap): less variance for a bias towards 0, if rewards are not negative (Ionides 2008). Errors: invalid_parameter_value for logged outside (0, 1], target outside [0, 1], or a value that is NaN or infinite; numeric_value_out_of_range.';

CREATE AGGREGATE bandit.snips(reward float8, logged float8, target float8) (
	SFUNC = bandit_internal.ips_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.ratio_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.snips(float8, float8, float8) IS
'What another policy would earn, by self-normalised inverse propensity: sum of w reward over sum of w, w = target / logged (Swaminathan and Joachims 2015). It never leaves the range of the rewards, and varies less than ips; its bias vanishes with n. Standard error by the delta method: sum of w^2 (reward - estimate)^2, over the squared sum of w. Arguments, nulls and errors as ips. Replay by rejection (Li et al. 2011) is this with target 1 or 0: whether the policy evaluated would have chosen the same.';

CREATE AGGREGATE bandit.snips(reward float8, logged float8, target float8, clip float8) (
	SFUNC = bandit_internal.ips_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.ratio_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.snips(float8, float8, float8, float8) IS
'snips with weights capped at clip (> 0; null or Infinity: no cap). Errors as ips.';

CREATE AGGREGATE bandit.dr(reward float8, logged float8, target float8, q_logged float8, v_target float8) (
	SFUNC = bandit_internal.dr_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.mean_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.dr(float8, float8, float8, float8, float8) IS
'What another policy would earn, doubly robust: the mean of v_target + (reward - q_logged) * target / logged (Dudik, Langford and Li 2011). q_logged: the reward that a model predicts for the logged choice; v_target: what it predicts for the policy evaluated, the sum over arms of probability times prediction. Right if either the model or the probabilities are; the better the model, the smaller the error. The model must come from other rows than those it scores: yesterdays posterior means, say. The other arguments, nulls and errors as ips.';

CREATE AGGREGATE bandit.dr(reward float8, logged float8, target float8, q_logged float8, v_target float8, clip float8) (
	SFUNC = bandit_internal.dr_step,
	STYPE = float8[],
	FINALFUNC = bandit_internal.mean_value,
	COMBINEFUNC = bandit_internal.moments_combine,
	INITCOND = '{0,0,0,0,0,0,0,0,0,0,0}',
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE bandit.dr(float8, float8, float8, float8, float8, float8) IS
'dr with weights capped at clip (> 0; null or Infinity: no cap; Su et al. 2020). Errors as ips.';

CREATE FUNCTION bandit_internal.rejection_step(
	state internal,
	reward float8,
	served text,
	arms text[],
	policy text,
	seed bigint)
RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_rejection_step';
COMMENT ON FUNCTION bandit_internal.rejection_step(internal, float8, text, text[], text, bigint) IS
'Shows a row of a uniform log to the policy of bandit.replay_policy.';

CREATE FUNCTION bandit_internal.rejection_value(state internal)
RETURNS bandit.policy_value
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_rejection_value';
COMMENT ON FUNCTION bandit_internal.rejection_value(internal) IS
'The estimate of bandit.replay_policy.';

CREATE AGGREGATE bandit.replay_policy(reward float8, served text, arms text[], policy text, seed bigint) (
	SFUNC = bandit_internal.rejection_step,
	STYPE = internal,
	FINALFUNC = bandit_internal.rejection_value
);
COMMENT ON AGGREGATE bandit.replay_policy(float8, text, text[], text, bigint) IS
'What a policy that learns as it goes would have earned on the rows of a log whose choices were uniform over arms, whatever came before: where the policy chooses what the log served it gets the reward and learns, other rows are rejected unseen (Li et al. 2011). Give the order of the log: replay_policy(reward, served, arms, policy, seed ORDER BY at), and GROUP BY the context for a learner in each. reward: 0 to 1. policy: see bandits.policy; it starts from Beta(1, 1), epsilon is 0.1. arms, policy and seed are those of the first row; the same seed gives the same answer. effective_n: rows accepted; mean_weight: near 1 if the log is uniform; lower and upper take accepted rows as independent. Rows with a null argument are left out. Errors: invalid_parameter_value for a reward out of range, an unknown policy, a served arm that is not in arms; array_subscript_error; null_value_not_allowed.';
-- Whether a difference is one: beliefs compared, intervals, tests.  a is the
-- control's side and b the treatment's, where there are such.

CREATE FUNCTION bandit.beta_beats(
	alpha_a float8,
	beta_a float8,
	alpha_b float8,
	beta_b float8)
RETURNS float8
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT (bandit.top_k_propensity(ARRAY[alpha_a, alpha_b],
		ARRAY[beta_a, beta_b], 1))[1];
END;
COMMENT ON FUNCTION bandit.beta_beats(float8, float8, float8, float8) IS
'P(A > B) for two independent rates, A ~ Beta(alpha_a, beta_a), B ~ Beta(alpha_b, beta_b): the first of their top_k_propensity. Absolute error below 1e-9. NULL in, NULL out; invalid_parameter_value unless all shapes are finite and positive.';

CREATE FUNCTION bandit.beta_expected_loss(
	alpha_a float8,
	beta_a float8,
	alpha_b float8,
	beta_b float8)
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'bandit_beta_expected_loss';
COMMENT ON FUNCTION bandit.beta_expected_loss(float8, float8, float8, float8) IS
'What choosing A loses on average to B, E max(B - A, 0) for independent rates, A ~ Beta(alpha_a, beta_a), B ~ Beta(alpha_b, beta_b), in units of the rate (Miller 2015; Stucchio 2015). By quadrature of F_A (1 - F_B), so small losses keep their digits: relative error below 1e-6, absolute below 1e-9. Choose A when it is below what you care about. NULL in, NULL out; errors: invalid_parameter_value unless all shapes are finite and positive, numeric_value_out_of_range.';

CREATE FUNCTION bandit.beta_lift_quantile(
	p float8,
	alpha_a float8,
	beta_a float8,
	alpha_b float8,
	beta_b float8)
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000000
AS 'MODULE_PATHNAME', 'bandit_beta_lift_quantile';
COMMENT ON FUNCTION bandit.beta_lift_quantile(float8, float8, float8, float8, float8) IS
'The p-quantile, 0 < p < 1, of the lift B/A - 1 of two independent rates, A ~ Beta(alpha_a, beta_a), B ~ Beta(alpha_b, beta_b): 0.5 is the median, 0.025 and 0.975 bound the equal-tailed 95 % credible interval. Solves P(B <= r A) = p by quadrature; relative error of 1 + lift below 1e-6. There is no mean to report: it is infinite for alpha_a <= 1. NULL in, NULL out; errors: invalid_parameter_value for p or shapes out of range, numeric_value_out_of_range for a lift that no float8 holds.';

CREATE FUNCTION bandit.expected_maximum(alphas float8[], betas float8[])
RETURNS float8
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'bandit_expected_maximum';
COMMENT ON FUNCTION bandit.expected_maximum(float8[], float8[]) IS
'The expected value of the largest of independent rates, each Beta(alphas[i], betas[i]): what the best arm earns, known or not. The integral of 1 - product of the F_i; absolute error below 1e-9. Errors as top_k_propensity, numeric_value_out_of_range.';

CREATE FUNCTION bandit.expected_losses(alphas float8[], betas float8[])
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 100000
AS 'MODULE_PATHNAME', 'bandit_expected_losses';
COMMENT ON FUNCTION bandit.expected_losses(float8[], float8[]) IS
'What playing each arm is expected to lose to the best of them, per play: expected_maximum minus the arm''s mean, at least 0 (the regret per play, as far as the posteriors know). Accuracy and errors as expected_maximum.';

CREATE FUNCTION bandit.wilson_interval(
	successes float8,
	n float8,
	confidence float8 DEFAULT 0.95,
	OUT lower float8,
	OUT upper float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_wilson_interval';
COMMENT ON FUNCTION bandit.wilson_interval(float8, float8, float8) IS
'Confidence interval of a share of n independent trials (Wilson 1927), within 0..1; lower is exactly 0 for no success. NULLs for n = 0. For one look, at an n that was fixed before; see confidence_sequence_rate. Absolute error below 1e-12. Errors: invalid_parameter_value unless 0 <= successes <= n and 0 < confidence < 1.';

CREATE FUNCTION bandit.confidence_sequence_rate(
	successes float8,
	n float8,
	alpha float8 DEFAULT 0.05,
	prior_a float8 DEFAULT 1,
	prior_b float8 DEFAULT 1,
	OUT lower float8,
	OUT upper float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_confidence_sequence_rate';
COMMENT ON FUNCTION bandit.confidence_sequence_rate(float8, float8, float8, float8, float8) IS
'An interval of a rate that may be looked at as often as one likes: with probability 1 - alpha it holds the truth at every n at once. The rates p with ln B(a + s, b + f) - ln B(a, b) - s ln p - f ln(1 - p) < ln(1/alpha), B the beta function (Robbins 1970; Howard et al. 2021). Exact at every n, for rewards in 0..1 of constant mean too. n = 0 gives 0..1. Absolute error below 1e-9. Errors: invalid_parameter_value unless 0 <= successes <= n, 0 < alpha < 1, prior_a and prior_b positive.';

CREATE FUNCTION bandit.confidence_sequence_difference(
	n_a float8,
	mean_a float8,
	variance_a float8,
	n_b float8,
	mean_b float8,
	variance_b float8,
	alpha float8 DEFAULT 0.05,
	planned_n float8 DEFAULT 10000,
	OUT difference float8,
	OUT standard_error float8,
	OUT lower float8,
	OUT upper float8,
	OUT p_always_valid float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_confidence_sequence_difference';
COMMENT ON FUNCTION bandit.confidence_sequence_difference(float8, float8, float8, float8, float8, float8, float8, float8) IS
'The difference of two means, b - a, with an interval and a p-value that may be looked at as often as one likes: the normal-mixture confidence sequence (Robbins 1970; Johari et al. 2022; Waudby-Smith et al. 2024). n counts independent units, users and not their impressions; variance is that of one unit. planned_n: the n_a + n_b at which the interval is to be tightest, fixed before the start. The guarantee is asymptotic: do not look before 100 units a side. alpha: probability that the interval ever misses. Take the smallest p_always_valid so far. NULLs for an n of 0; without variance only the difference is known. Relative error below 1e-10. Errors: invalid_parameter_value.';

CREATE FUNCTION bandit.srm_test(
	counts bigint[],
	weights float8[],
	OUT n float8,
	OUT chi_square float8,
	OUT degrees float8,
	OUT p_value float8,
	OUT log_bayes_factor float8,
	OUT p_always_valid float8)
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_srm_test';
COMMENT ON FUNCTION bandit.srm_test(bigint[], float8[]) IS
'Sample-ratio mismatch: whether as many users came to each side as were to. counts: users per side; weights: their shares, in any unit. p_value is Pearson''s, chi_square with degrees = sides - 1: an alarm below 0.001 at one look (Fabijan et al. 2019); do not trust it where an expected count is below 5. p_always_valid may be looked at every day: 1 / the Bayes factor of a Dirichlet(1, ..., 1) against the weights, at most 1 (Lindon and Malek 2022); take the smallest so far. For several periods of different weights add the log_bayes_factors, and p is exp(-sum). No users: p = 1. Errors: array_subscript_error for fewer than two sides or different lengths, null_value_not_allowed, invalid_parameter_value for negative counts or weights that are not finite and positive.';
-- What the built-in arms of a recommender can be told.

CREATE FUNCTION bandit.arm_options(
	OUT arm text,
	OUT option text,
	OUT initial float8,
	OUT lowest float8,
	OUT highest float8,
	OUT whole boolean,
	OUT description text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'bandit_arm_options';
COMMENT ON FUNCTION bandit.arm_options() IS
'The options of the built-in arms: which numbers each takes, the value it takes by itself, the bounds, and what it does. Told through bandit.add_arm, or UPDATE bandit.arms SET options = ''{"rank": 64}''; the next bandit.train, or request, goes by it.';

CREATE FUNCTION bandit_internal.check_options(source text, options jsonb)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_check_options';
COMMENT ON FUNCTION bandit_internal.check_options(text, jsonb) IS
'True, or an error that says what is wrong with the options of an arm of that source. Errors: invalid_parameter_value for what is no JSON object of numbers, an option that the arm does not have, or a number out of its bounds.';
-- The data model.  Names are keys, so that they mean the same on every node
-- and every row reads by itself.  The bandit comes first in every key.

CREATE TABLE bandit.bandits (
	name text COLLATE "C" PRIMARY KEY
		CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
	features text[] COLLATE "C" NOT NULL DEFAULT '{}'
		CHECK (pg_catalog.array_position(features, NULL) IS NULL),
	prior_alpha float8 NOT NULL DEFAULT 1
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8 NOT NULL DEFAULT 1
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	policy text NOT NULL DEFAULT 'thompson'
		CHECK (policy IN ('thompson', 'top_two', 'greedy', 'epsilon_greedy',
						  'ucb1', 'bayes_ucb', 'uniform')),
	epsilon float8 NOT NULL DEFAULT 0.1 CHECK (epsilon BETWEEN 0 AND 1),
	exploration_floor float8 NOT NULL DEFAULT 0
		CHECK (exploration_floor BETWEEN 0 AND 1),
	half_life interval CHECK (half_life > '0'),
	backoff_strength float8 DEFAULT 10
		CHECK (backoff_strength >= 0 AND backoff_strength < 'Infinity'),
	attribution_window interval NOT NULL DEFAULT '24 hours'
		CHECK (attribution_window > '0'),
	on_silence text NOT NULL DEFAULT 'failure'
		CHECK (on_silence IN ('failure', 'reward', 'nothing')),
	silence_reward float8 NOT NULL DEFAULT 0
		CHECK (silence_reward BETWEEN 0 AND 1),
	examination float8 NOT NULL DEFAULT 1
		CHECK (examination BETWEEN 0 AND 1),
	combine text NOT NULL DEFAULT 'priority'
		CHECK (combine IN ('priority', 'first', 'last', 'max', 'sum')),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

CREATE TABLE bandit.arms (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	arm text COLLATE "C" NOT NULL
		CHECK (pg_catalog.octet_length(arm) BETWEEN 1 AND 63),
	position int NOT NULL CHECK (position > 0),
	role text NOT NULL DEFAULT 'arm' CHECK (role IN ('arm', 'control')),
	enabled boolean NOT NULL DEFAULT true,
	source text,
	prior_alpha float8
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	exploration_floor float8 CHECK (exploration_floor BETWEEN 0 AND 1),
	options jsonb NOT NULL DEFAULT '{}',
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, arm),
	UNIQUE (bandit, position),
	CHECK (bandit_internal.check_options(source, options)),
	CHECK ((prior_alpha IS NULL) = (prior_beta IS NULL))
);

CREATE UNIQUE INDEX arms_one_control ON bandit.arms (bandit)
	WHERE role = 'control';

CREATE TABLE bandit.recommenders (
	bandit text COLLATE "C" PRIMARY KEY
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	ratings regclass NOT NULL,
	user_column text NOT NULL,
	item_column text NOT NULL,
	value_column text,
	time_column text,
	items regclass,
	items_key_column text,
	title_column text,
	attributes_column text,
	vector_column text,
	attribute_separator text NOT NULL DEFAULT '|'
		CHECK (attribute_separator <> ''),
	key_type text NOT NULL CHECK (key_type IN ('bigint', 'text')),
	neutral_value float8 NOT NULL DEFAULT 2.5,
	exclude_seen boolean NOT NULL DEFAULT true,
	exclude_disliked boolean NOT NULL DEFAULT true,
	blend_arms int NOT NULL DEFAULT 3 CHECK (blend_arms BETWEEN 1 AND 1000),
	time_zone text NOT NULL DEFAULT 'UTC',
	period_from int[] NOT NULL DEFAULT '{5,12,17,22}'
		CHECK (pg_catalog.array_length(period_from, 1) = 4
			   AND 0 <= period_from[1] AND period_from[1] < period_from[2]
			   AND period_from[2] < period_from[3]
			   AND period_from[3] < period_from[4] AND period_from[4] <= 24),
	weekend_days int[] NOT NULL DEFAULT '{6,7}'
		CHECK (weekend_days OPERATOR(pg_catalog.<@) '{1,2,3,4,5,6,7}'::int[]),
	user_type_from int[] NOT NULL DEFAULT '{5,100}'
		CHECK (pg_catalog.array_length(user_type_from, 1) = 2
			   AND 0 < user_type_from[1]
			   AND user_type_from[1] < user_type_from[2]),
	saturation_from float8[] NOT NULL DEFAULT '{0.70,0.80}'
		CHECK (pg_catalog.array_length(saturation_from, 1) = 2
			   AND 0 < saturation_from[1]
			   AND saturation_from[1] < saturation_from[2]
			   AND saturation_from[2] < 1),
	session_gap interval NOT NULL DEFAULT '30 minutes'
		CHECK (session_gap > '0'),
	session_from int[] NOT NULL DEFAULT '{2,9}'
		CHECK (pg_catalog.array_length(session_from, 1) = 2
			   AND 0 < session_from[1] AND session_from[1] < session_from[2]),
	attribute_count int NOT NULL DEFAULT 0 CHECK (attribute_count >= 0),
	CHECK (items IS NULL OR items_key_column IS NOT NULL)
);

-- Rows of one context are all alike: two sessions that meet it first at the
-- same time write one each, under slots of their own, and neither waits.
CREATE TABLE bandit.contexts (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	slot bigint NOT NULL,
	context jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(context) = 'object'),
	PRIMARY KEY (bandit, context_hash, slot)
);

-- Written for every response: no CHECKs, which every statement would parse
-- anew; the extension's functions write nothing that is not finite.
CREATE TABLE bandit.evidence (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	arm text COLLATE "C" NOT NULL,
	slot bigint NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, context_hash, arm, slot)
) WITH (fillfactor = 50);

-- What contexts borrow, as of the last bandit.refresh_priors; never written
-- by feedback.  A row is an arm in a node: the contexts that agree in their
-- first "level" features.
CREATE TABLE bandit.priors (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	context_hash bigint NOT NULL,
	level int NOT NULL CHECK (level >= 0),
	arm text COLLATE "C" NOT NULL,
	prior_alpha float8 NOT NULL
		CHECK (prior_alpha > 0 AND prior_alpha < 'Infinity'),
	prior_beta float8 NOT NULL
		CHECK (prior_beta > 0 AND prior_beta < 'Infinity'),
	child_alpha float8 NOT NULL
		CHECK (child_alpha > 0 AND child_alpha < 'Infinity'),
	child_beta float8 NOT NULL
		CHECK (child_beta > 0 AND child_beta < 'Infinity'),
	strength float8 NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	refreshed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (bandit, context_hash, level, arm)
);

CREATE TABLE bandit.decisions (
	decision_id uuid NOT NULL,
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	subject text COLLATE "C",
	variant text NOT NULL CHECK (variant IN ('treatment', 'control', 'shadow')),
	decided_at timestamptz NOT NULL,
	arms text[] COLLATE "C" NOT NULL,
	alphas float8[] NOT NULL,
	betas float8[] NOT NULL,
	picks text[] COLLATE "C" NOT NULL,
	items bigint[],
	item_keys text[],
	item_arms text[] COLLATE "C",
	policy text NOT NULL DEFAULT 'thompson',
	floors float8[],
	pick_ms real[],
	settled_at timestamptz
) PARTITION BY RANGE (decision_id);

-- Keys and indexes are those of the partitions, never of the parent: a dump
-- attaches a partition before it makes the partition's indexes, and would
-- find them made.  Ranges of ids are disjoint, so a key of each partition is
-- a key of the whole.
CREATE TABLE bandit.decisions_default PARTITION OF bandit.decisions (
	PRIMARY KEY (decision_id, bandit)
) DEFAULT;
CREATE INDEX decisions_subject ON bandit.decisions_default
	(bandit, subject, decision_id);
CREATE INDEX decisions_unsettled ON bandit.decisions_default
	(bandit, decision_id) WHERE settled_at IS NULL;

CREATE TABLE bandit.feedback (
	decision_id uuid NOT NULL,
	bandit text COLLATE "C" NOT NULL,
	item_id bigint,
	kind text COLLATE "C" NOT NULL,
	arm text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	value float8,
	reward float8,
	priority int NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	retracted boolean NOT NULL DEFAULT false,
	received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	changed_at timestamptz
) PARTITION BY RANGE (decision_id);

CREATE TABLE bandit.feedback_default PARTITION OF bandit.feedback (
	CONSTRAINT feedback_once
		UNIQUE NULLS NOT DISTINCT (decision_id, bandit, item_id, arm, kind)
) DEFAULT;

-- What dropped feedback had added to the evidence.  Its children are detached
-- partitions of feedback that have not been summed up yet: their columns of
-- these names mean the same, so a read of this table reads all of it.
CREATE TABLE bandit.checkpoints (
	bandit text COLLATE "C" NOT NULL,
	context_hash bigint NOT NULL,
	arm text COLLATE "C" NOT NULL,
	successes float8 NOT NULL,
	failures float8 NOT NULL,
	pulls bigint NOT NULL,
	received_at timestamptz NOT NULL,
	PRIMARY KEY (bandit, context_hash, arm)
);

CREATE TABLE bandit.outcome_rules (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	kind text COLLATE "C" NOT NULL
		CHECK (pg_catalog.octet_length(kind) BETWEEN 1 AND 63
			   AND kind NOT IN ('reward', 'outcome', 'silence', 'correction',
							'checkpoint')),
	outcome text CHECK (outcome IN ('success', 'failure', 'neutral')),
	success_from float8,
	failure_to float8,
	zero_at float8,
	one_at float8,
	priority int NOT NULL DEFAULT 0,
	PRIMARY KEY (bandit, kind),
	CHECK (success_from > failure_to),
	CHECK (zero_at <> one_at),
	CHECK ((zero_at IS NULL) = (one_at IS NULL)),
	CHECK ('NaN' NOT IN (success_from, failure_to, zero_at, one_at)),
	CHECK ((outcome IS NOT NULL)::int
		   + (success_from IS NOT NULL OR failure_to IS NOT NULL)::int
		   + (zero_at IS NOT NULL)::int = 1)
);

CREATE TABLE bandit.watches (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	source regclass NOT NULL,
	kind text COLLATE "C" NOT NULL,
	user_column text NOT NULL,
	item_column text NOT NULL,
	value_column text,
	PRIMARY KEY (bandit, source, kind)
);

-- A trained part of a recommender.  "data" is a compact image that backends
-- map into memory; the newest version of an arm is the one that serves.
CREATE TABLE bandit.models (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	arm text COLLATE "C" NOT NULL,
	version uuid NOT NULL,
	users int NOT NULL,
	items int NOT NULL,
	ratings bigint NOT NULL,
	seconds float8 NOT NULL,
	trained_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	data bytea NOT NULL,
	PRIMARY KEY (bandit, arm, version)
);
ALTER TABLE bandit.models ALTER COLUMN data SET STORAGE EXTERNAL;
-- What every table and column means, its unit and its range.

COMMENT ON TABLE bandit.bandits IS
'One row per decision problem, with its settings; change them with UPDATE.';
COMMENT ON COLUMN bandit.bandits.name IS
'Its name, the key everywhere: 1 to 63 bytes.';
COMMENT ON COLUMN bandit.bandits.features IS
'The only keys that a context may have, so that personal data cannot slip in.';
COMMENT ON COLUMN bandit.bandits.prior_alpha IS
'First shape of the Beta prior of every arm: successes believed in before any was seen. Finite, greater than 0.';
COMMENT ON COLUMN bandit.bandits.prior_beta IS
'Second shape of the prior: failures believed in before any was seen. Finite, greater than 0.';
COMMENT ON COLUMN bandit.bandits.policy IS
'By what the arms are put in order, best first. thompson: a draw from each posterior. top_two: the same, but when one arm is picked, every other time it is a challenger, the best of a redraw that the first did not win (Russo 2016). greedy: the posterior mean. epsilon_greedy: the same, with an exploration floor of epsilon / n for each of n arms. ucb1: mean + sqrt(2 ln N / (alpha + beta)), N the sum of alpha + beta over the arms (Auer et al. 2002, the prior counted as observations). bayes_ucb: the posterior''s quantile at 1 - 1/N (Kaufmann et al. 2012). uniform: at random. Equal scores are ordered at random.';
COMMENT ON COLUMN bandit.bandits.epsilon IS
'How often epsilon_greedy explores, 0 to 1; no other policy uses it.';
COMMENT ON COLUMN bandit.bandits.exploration_floor IS
'Each place of a list is given to each arm with at least this probability, 0 to 1, whatever the policy says: p = f + (1 - sum of f) w. Over all arms at most 1.';
COMMENT ON COLUMN bandit.bandits.half_life IS
'Evidence counts half as much when it is this old, a quarter at twice the age, and so on, towards the prior, which does not erode; longer than 0, a month counts 30 days. NULL: nothing is forgotten. A change holds for what is forgotten from then on.';
COMMENT ON COLUMN bandit.bandits.backoff_strength IS
'What a context may borrow from its parents (itself without its last feature, ... , all contexts), in observations: 10 is as much as ten responses. 0: nothing, contexts stand alone. NULL: as much as the data say, fitted to how different sibling contexts are. Takes effect through bandit.refresh_priors.';
COMMENT ON COLUMN bandit.bandits.attribution_window IS
'How long after a decision a response still counts for it; longer than 0.';
COMMENT ON COLUMN bandit.bandits.on_silence IS
'What an item (or an arm, of a decision without items) becomes that nobody responded to when its window has passed: failure; reward, see silence_reward; or nothing.';
COMMENT ON COLUMN bandit.bandits.silence_reward IS
'What silence is worth where on_silence is reward: 0 to 1, rounded to 2^-20.';
COMMENT ON COLUMN bandit.bandits.examination IS
'How probably a user who has looked at an item looks at the next one below: 0 to 1 (the persistence of rank-biased precision, Moffat and Zobel 2008). The first item was looked at, and all up to the last one responded to (cascade: Craswell et al. 2008): their silence counts fully. An item d places below counts examination ^ d. 1, the default: all were looked at.';
COMMENT ON COLUMN bandit.bandits.combine IS
'What responses of several kinds to one item are worth together, as one reward: priority, that of the kind with the highest priority, the newest among equals; first; last; max; or sum, 1 at most. A change counts for responses from then on.';
COMMENT ON COLUMN bandit.bandits.created_at IS 'When it was made.';

COMMENT ON TABLE bandit.arms IS
'One row per arm of a bandit: an alternative that may serve a request.';
COMMENT ON COLUMN bandit.arms.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.arms.arm IS
'Name of the arm within its bandit: 1 to 63 bytes.';
COMMENT ON COLUMN bandit.arms.position IS
'Order of registration, from 1, with gaps where arms were removed. Arms are drawn in this order.';
COMMENT ON COLUMN bandit.arms.role IS
'arm: drawn and learnt about. control: serves the control side and fills short lists, never learns; at most one.';
COMMENT ON COLUMN bandit.arms.enabled IS
'Whether it may be drawn; evidence of what it served before still comes in.';
COMMENT ON COLUMN bandit.arms.options IS
'What a built-in arm is told: a JSON object of numbers, see bandit.arm_options. What is not told, the arm takes by itself.';
COMMENT ON COLUMN bandit.arms.source IS
'Who makes the arm''s items, in a recommender: the name of a built-in arm, or a function''s qualified signature. NULL in any other bandit.';
COMMENT ON COLUMN bandit.arms.prior_alpha IS
'The arm''s own prior, in place of the bandit''s prior_alpha; NULL: the bandit''s. Finite, greater than 0.';
COMMENT ON COLUMN bandit.arms.prior_beta IS
'The arm''s own prior, in place of the bandit''s prior_beta; NULL: the bandit''s. Finite, greater than 0.';
COMMENT ON COLUMN bandit.arms.exploration_floor IS
'The arm''s own floor, in place of the bandit''s exploration_floor; NULL: the bandit''s. 0 to 1.';
COMMENT ON COLUMN bandit.arms.created_at IS 'When it was added.';

COMMENT ON TABLE bandit.recommenders IS
'One row per bandit whose arms recommend items: where its users, items and ratings are, and how the features of a context are computed.';
COMMENT ON COLUMN bandit.recommenders.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.recommenders.ratings IS
'The user''s table or view with one row per interaction of a user with an item.';
COMMENT ON COLUMN bandit.recommenders.user_column IS
'Column of ratings: the user''s key.';
COMMENT ON COLUMN bandit.recommenders.item_column IS
'Column of ratings: the item''s key.';
COMMENT ON COLUMN bandit.recommenders.value_column IS
'Column of ratings: how much, such as stars; NULL: every row counts as 1.';
COMMENT ON COLUMN bandit.recommenders.time_column IS
'Column of ratings: when, as timestamptz, timestamp, date, or Unix seconds; NULL: not known.';
COMMENT ON COLUMN bandit.recommenders.items IS
'The user''s table or view with one row per item; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.items_key_column IS
'Column of items: the item''s key, as item_column has it.';
COMMENT ON COLUMN bandit.recommenders.title_column IS
'Column of items: what to call it; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.attributes_column IS
'Column of items: attributes such as genres, as text[] or as text with separators; NULL: none.';
COMMENT ON COLUMN bandit.recommenders.vector_column IS
'Column of items with a vector of each, for the arm embeddings; anything that can be cast to real[]. NULL: they are made of titles and attributes.';
COMMENT ON COLUMN bandit.recommenders.attribute_separator IS
'What stands between attributes in a text; not empty.';
COMMENT ON COLUMN bandit.recommenders.key_type IS
'bigint: keys are smallint, integer or bigint. text: keys are uuid, text or varchar.';
COMMENT ON COLUMN bandit.recommenders.neutral_value IS
'The value that is neither liked nor disliked; a rating weighs value minus this.';
COMMENT ON COLUMN bandit.recommenders.exclude_seen IS
'Whether items that the user had are never recommended to him.';
COMMENT ON COLUMN bandit.recommenders.exclude_disliked IS
'Where exclude_seen is off: whether items that the user values below neutral_value are still never recommended to him.';
COMMENT ON COLUMN bandit.recommenders.blend_arms IS
'From how many arms a list is blended: 1 to 1000.';
COMMENT ON COLUMN bandit.recommenders.time_zone IS
'The time zone in which time_period and day_of_week are told.';
COMMENT ON COLUMN bandit.recommenders.period_from IS
'The hours, 0 to 24, at which morning, afternoon, evening and night begin, ascending.';
COMMENT ON COLUMN bandit.recommenders.weekend_days IS
'ISO days of the week that are weekend: 1 is Monday, 7 is Sunday.';
COMMENT ON COLUMN bandit.recommenders.user_type_from IS
'Interactions from which a user is regular, and from which a power_user; fewer is cold_start.';
COMMENT ON COLUMN bandit.recommenders.saturation_from IS
'Normalised entropies, between 0 and 1, from which genre_saturation is medium, and from which it is low; less is high.';
COMMENT ON COLUMN bandit.recommenders.session_gap IS
'A pause longer than this starts a new session.';
COMMENT ON COLUMN bandit.recommenders.session_from IS
'Requests so far in the session from which session_position is middle, and from which it is late; fewer is start.';
COMMENT ON COLUMN bandit.recommenders.attribute_count IS
'How many different attributes the items have, by which entropy is normalised; counted when the recommender was made.';

COMMENT ON TABLE bandit.contexts IS
'Leads from a hash back to the context it is of. Written once per context; equal rows in several slots mean that sessions met it at the same time.';
COMMENT ON COLUMN bandit.contexts.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.contexts.context_hash IS
'First 8 bytes of SHA-256 over the context''s canonical text, see bandit.context_hash.';
COMMENT ON COLUMN bandit.contexts.slot IS
'A random number, so that no session waits for another''s row.';
COMMENT ON COLUMN bandit.contexts.context IS
'The context: an object whose keys are features of the bandit.';

COMMENT ON TABLE bandit.evidence IS
'What an arm has earned in a context: the sum over its slots, always equal to the sum of the ledger, bandit.feedback and bandit.checkpoints. The posterior is the prior plus this. Slots are all alike; several let sessions learn about one arm at the same time.';
COMMENT ON COLUMN bandit.evidence.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.evidence.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.evidence.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.evidence.slot IS
'Who wrote it: the number of a backend, for as long as it lives, or a random one of 62 bits, of a transaction at REPEATABLE READ or SERIALIZABLE. Only the sum over slots has a meaning; bandit.fold adds them together.';
COMMENT ON COLUMN bandit.evidence.successes IS
'Sum of rewards, multiples of 2^-20; of one slot it may be negative, over all it is not.';
COMMENT ON COLUMN bandit.evidence.failures IS
'Sum of 1 minus reward, multiples of 2^-20; of one slot it may be negative, over all it is not.';
COMMENT ON COLUMN bandit.evidence.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.evidence.updated_at IS
'When this slot was written last.';

COMMENT ON TABLE bandit.priors IS
'What each arm borrows in each context from those like it: a row per arm and node, a node being the contexts that agree in their first "level" features (in the order of bandits.features). Level 0 is all contexts together. Written by bandit.refresh_priors. An arm without evidence in a node has no row there, and takes what the nearest level above lends.';
COMMENT ON COLUMN bandit.priors.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.priors.context_hash IS
'Hash of the context without all features after the first "level" ones.';
COMMENT ON COLUMN bandit.priors.level IS
'How many features the node''s contexts agree in; from 0 to all, which is one context.';
COMMENT ON COLUMN bandit.priors.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.priors.prior_alpha IS
'First shape of the node''s own prior, without the node''s own evidence; greater than 0.';
COMMENT ON COLUMN bandit.priors.prior_beta IS
'Second shape of the same; greater than 0.';
COMMENT ON COLUMN bandit.priors.child_alpha IS
'First shape of the prior that a context one level down has, if it has no evidence; greater than 0.';
COMMENT ON COLUMN bandit.priors.child_beta IS
'Second shape of the same; greater than 0.';
COMMENT ON COLUMN bandit.priors.strength IS
'What a node of this level may borrow, in observations: set, or fitted to the spread of siblings.';
COMMENT ON COLUMN bandit.priors.successes IS
'Successes in all contexts of the node when it was refreshed, aged by then.';
COMMENT ON COLUMN bandit.priors.failures IS
'Failures, likewise.';
COMMENT ON COLUMN bandit.priors.refreshed_at IS
'When the row was last found different.';

COMMENT ON TABLE bandit.decisions IS
'What was served: one row per request, with the posteriors it was drawn from. Its keys and indexes are those of its partitions: one that is made by hand must be LIKE bandit.decisions_default INCLUDING ALL.';
COMMENT ON COLUMN bandit.decisions.decision_id IS
'UUID version 7: time, then random bits, which also seed the draws.';
COMMENT ON COLUMN bandit.decisions.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.decisions.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.decisions.subject IS
'Whom it was for: a user''s key as text; NULL: nobody in particular.';
COMMENT ON COLUMN bandit.decisions.variant IS
'treatment: the bandit chose. control: the control served. shadow: the application did, and the bandit watched.';
COMMENT ON COLUMN bandit.decisions.decided_at IS 'When it was made.';
COMMENT ON COLUMN bandit.decisions.arms IS
'The arms that could be drawn, in order of registration.';
COMMENT ON COLUMN bandit.decisions.alphas IS
'Their posteriors'' first shapes at that moment, as arms.';
COMMENT ON COLUMN bandit.decisions.betas IS
'Their posteriors'' second shapes at that moment, as arms.';
COMMENT ON COLUMN bandit.decisions.picks IS
'The arms selected, best draw first. Of a shadow: the arm that the application chose; of a list, those that the bandit would have selected.';
COMMENT ON COLUMN bandit.decisions.items IS
'The items served, by position; NULL when the decision serves no items.';
COMMENT ON COLUMN bandit.decisions.item_keys IS
'Their keys in the user''s table, by position, where keys are uuid or text; else NULL.';
COMMENT ON COLUMN bandit.decisions.item_arms IS
'The arm that each item is credited to, by position; NULL where a shadow credits it to nobody.';
COMMENT ON COLUMN bandit.decisions.policy IS
'The policy that put the arms in order, see bandits.policy.';
COMMENT ON COLUMN bandit.decisions.floors IS
'The exploration floor of each arm, as in arms, that of epsilon_greedy included; NULL: none.';
COMMENT ON COLUMN bandit.decisions.pick_ms IS
'How long the list of each pick took, in milliseconds, as picks; NULL in it: the arm failed; NULL: no lists were made.';
COMMENT ON COLUMN bandit.decisions.settled_at IS
'When its attribution window was closed and silence counted; NULL: not yet.';

COMMENT ON TABLE bandit.decisions_default IS
'Decisions for which no partition was made, see bandit.make_partitions; the model of every partition.';

COMMENT ON TABLE bandit.feedback IS
'The ledger: one row per response learnt, with what it added to bandit.evidence. Its keys are those of its partitions: one that is made by hand must be LIKE bandit.feedback_default INCLUDING ALL.';
COMMENT ON COLUMN bandit.feedback.decision_id IS
'The decision that the response is credited to.';
COMMENT ON COLUMN bandit.feedback.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.feedback.item_id IS
'The item responded to; NULL: the decision as such.';
COMMENT ON COLUMN bandit.feedback.kind IS
'What the response was: click, rating and so on, as in bandit.outcome_rules; or reward, outcome, silence, correction.';
COMMENT ON COLUMN bandit.feedback.arm IS 'The arm that is credited.';
COMMENT ON COLUMN bandit.feedback.context_hash IS
'Hash of the decision''s context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.feedback.value IS
'What came with it, such as stars; NULL: nothing.';
COMMENT ON COLUMN bandit.feedback.reward IS
'What it was worth, 0 to 1; NULL: neutral.';
COMMENT ON COLUMN bandit.feedback.priority IS
'Of several responses to one item the one with the highest priority counts.';
COMMENT ON COLUMN bandit.feedback.successes IS
'What this row added to the evidence''s successes, as of received_at: a multiple of 2^-20 unless the bandit forgets. Less than nothing where it replaced a response that counted more.';
COMMENT ON COLUMN bandit.feedback.failures IS
'The same for failures.';
COMMENT ON COLUMN bandit.feedback.pulls IS
'The same for pulls; 0 where another row counts the item already.';
COMMENT ON COLUMN bandit.feedback.retracted IS
'Whether the response was taken back, or is none, as a correction. The row stays for what it adds: other rows were reckoned against it.';
COMMENT ON COLUMN bandit.feedback.received_at IS
'When it was learnt; from then on it fades, where the bandit forgets.';
COMMENT ON COLUMN bandit.feedback.changed_at IS
'When it was changed or taken back last; NULL: never. Of responses that count equally the one that was received or changed last does.';

COMMENT ON TABLE bandit.feedback_default IS
'Feedback for which no partition was made, see bandit.make_partitions; the model of every partition.';

COMMENT ON TABLE bandit.checkpoints IS
'What the feedback that bandit.drop_partitions dropped had added to bandit.evidence: a row per bandit, context and arm, summed over all drops. Partitions that are detached but not summed up yet are its children (inheritance), so that reading it reads them too.';
COMMENT ON COLUMN bandit.checkpoints.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.checkpoints.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.checkpoints.arm IS 'The arm that was credited.';
COMMENT ON COLUMN bandit.checkpoints.successes IS
'What it had added to the evidence''s successes, a multiple of 2^-20; where the bandit has a half-life, aged to received_at.';
COMMENT ON COLUMN bandit.checkpoints.failures IS
'What it had added to the evidence''s failures, likewise.';
COMMENT ON COLUMN bandit.checkpoints.pulls IS
'What it had added to the evidence''s pulls.';
COMMENT ON COLUMN bandit.checkpoints.received_at IS
'The time that successes and failures are of: when they were summed up last.';

COMMENT ON TABLE bandit.outcome_rules IS
'One row per bandit and kind of response: what it is worth. Exactly one of outcome, the thresholds, or the linear map is given.';
COMMENT ON COLUMN bandit.outcome_rules.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.outcome_rules.kind IS
'The kind of response: 1 to 63 bytes, not reward, outcome or silence.';
COMMENT ON COLUMN bandit.outcome_rules.outcome IS
'What it is whatever the value: success, failure or neutral; NULL: look at the value.';
COMMENT ON COLUMN bandit.outcome_rules.success_from IS
'A value of at least this is a success; NULL: none is.';
COMMENT ON COLUMN bandit.outcome_rules.failure_to IS
'A value of at most this is a failure; NULL: none is. What lies between is neutral.';
COMMENT ON COLUMN bandit.outcome_rules.zero_at IS
'The value worth a reward of 0, on a line to one_at; beyond the ends the reward stays 0 or 1.';
COMMENT ON COLUMN bandit.outcome_rules.one_at IS
'The value worth a reward of 1.';
COMMENT ON COLUMN bandit.outcome_rules.priority IS
'Of several responses to one item the one with the highest priority counts.';

COMMENT ON TABLE bandit.watches IS
'One row per table that a bandit learns from, see bandit.watch.';
COMMENT ON COLUMN bandit.watches.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.watches.source IS
'The user''s table, which has a trigger that calls bandit.learn().';
COMMENT ON COLUMN bandit.watches.kind IS
'What kind of response a row is, as in bandit.outcome_rules.';
COMMENT ON COLUMN bandit.watches.user_column IS
'Column of source: the user''s key.';
COMMENT ON COLUMN bandit.watches.item_column IS
'Column of source: the item''s key.';
COMMENT ON COLUMN bandit.watches.value_column IS
'Column of source: a number for the rule to look at; NULL: none.';

COMMENT ON TABLE bandit.models IS
'What training has made of a recommender''s ratings. The newest version of an arm''s model serves.';
COMMENT ON COLUMN bandit.models.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.models.arm IS 'The arm it is for.';
COMMENT ON COLUMN bandit.models.version IS
'UUID version 7: of two versions the larger is the newer.';
COMMENT ON COLUMN bandit.models.users IS 'Users it was trained on.';
COMMENT ON COLUMN bandit.models.items IS 'Items it was trained on.';
COMMENT ON COLUMN bandit.models.ratings IS 'Ratings it was trained on.';
COMMENT ON COLUMN bandit.models.seconds IS 'How long training took.';
COMMENT ON COLUMN bandit.models.trained_at IS 'When it was trained.';
COMMENT ON COLUMN bandit.models.data IS
'The trained model, in a form of its own that servers map into memory.';

-- The default partitions are read as tables too, so they say the same.
DO $$
DECLARE
	one record;
BEGIN
	FOR one IN
		SELECT i.inhrelid::pg_catalog.regclass AS partition, a.attname,
			pg_catalog.col_description(i.inhparent, p.attnum) AS meaning
		FROM pg_catalog.pg_inherits i
		JOIN pg_catalog.pg_attribute a ON a.attrelid = i.inhrelid
		JOIN pg_catalog.pg_attribute p
			ON p.attrelid = i.inhparent AND p.attname = a.attname
		WHERE i.inhparent IN ('bandit.decisions'::pg_catalog.regclass,
							  'bandit.feedback'::pg_catalog.regclass)
			AND a.attnum > 0 AND NOT a.attisdropped
	LOOP
		EXECUTE pg_catalog.format('COMMENT ON COLUMN %s.%I IS %L',
								  one.partition, one.attname, one.meaning);
	END LOOP;
END;
$$;
-- Context: its canonical text, its hash, and the settings cache.

CREATE FUNCTION bandit.context_canonical(context jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_context_canonical';
COMMENT ON FUNCTION bandit.context_canonical(jsonb) IS
'The canonical text of a context, which context_hash hashes: keys in code-point order, no white space, numbers without trailing zeros, text unescaped. Objects that are equal as jsonb have equal texts. Raises invalid_parameter_value unless the context is an object.';

CREATE FUNCTION bandit.context_hash(context jsonb) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_context_hash';
COMMENT ON FUNCTION bandit.context_hash(jsonb) IS
'The first 8 bytes, big-endian, of SHA-256 over the UTF-8 of context_canonical(context). Frozen: any client can compute it. Raises invalid_parameter_value unless the context is an object.';

CREATE FUNCTION bandit.key_id(key text) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_key_id';
COMMENT ON FUNCTION bandit.key_id(text) IS
'The number that stands for a text or uuid key inside a recommender: the first 8 bytes, big-endian, of SHA-256 over its UTF-8. The same on every node. Two of ten million keys meet with a probability of 3e-6.';

CREATE FUNCTION bandit.invalidate_cache() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'bandit_invalidate_cache';
COMMENT ON FUNCTION bandit.invalidate_cache() IS
'Statement trigger on the tables of settings and models: every backend, and every standby, reads them anew after the transaction';
-- Priors, policies and floors: what is believed before anything was seen, and
-- what is tried whatever is believed.

CREATE FUNCTION bandit_internal.base_rate_prior(base_rate float8,
	base_weight float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT (base_rate > 0 AND base_rate < 1) THEN
		RAISE EXCEPTION 'base_rate must be between 0 and 1, not %', base_rate
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is a share: 0.02 where two of a hundred responses are successes.';
	ELSIF NOT (base_weight > 0 AND base_weight < 'Infinity') THEN
		RAISE EXCEPTION 'base_weight must be finite and positive, not %', base_weight
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says how many observations the base rate is worth.';
	END IF;
	base_weight := coalesce(base_weight, 1 / least(base_rate, 1 - base_rate));
	RETURN ARRAY[base_rate * base_weight, (1 - base_rate) * base_weight];
END;
$$;

COMMENT ON FUNCTION bandit_internal.base_rate_prior(float8, float8) IS
'The Beta prior {alpha, beta} of mean base_rate, between 0 and 1, that is worth base_weight observations; without one the least weight that keeps both shapes from falling below 1. Errors: invalid_parameter_value.';

CREATE FUNCTION bandit_internal.find_prior(prior_alpha float8,
	prior_beta float8, base_rate float8, base_weight float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF base_rate IS NOT NULL THEN
		IF prior_alpha IS NOT NULL OR prior_beta IS NOT NULL THEN
			RAISE EXCEPTION 'a prior is given both as shapes and as a base rate'
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Give prior_alpha and prior_beta, or base_rate.';
		END IF;
		RETURN bandit_internal.base_rate_prior(base_rate, base_weight);
	ELSIF base_weight IS NOT NULL THEN
		RAISE EXCEPTION 'base_weight needs a base_rate'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	prior_alpha := coalesce(prior_alpha, 1);
	prior_beta := coalesce(prior_beta, 1);
	PERFORM bandit_internal.check_prior(prior_alpha, prior_beta);
	RETURN ARRAY[prior_alpha, prior_beta];
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_prior(float8, float8, float8, float8) IS
'The prior {alpha, beta} that the arguments of create_bandit mean: two shapes, each 1 when left out, or a base rate with or without its weight. Errors: those of check_prior and base_rate_prior; invalid_parameter_value for both at once.';

CREATE FUNCTION bandit_internal.check_policy(policy text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (policy IN ('thompson', 'top_two', 'greedy', 'epsilon_greedy', 'ucb1',
				   'bayes_ucb', 'uniform')) IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no policy %', coalesce(quote_ident(policy), 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'The policies are thompson, top_two, greedy, epsilon_greedy, ucb1, bayes_ucb and uniform.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_policy(text) IS
'Raises invalid_parameter_value unless it is the name of a policy, see bandits.policy.';

CREATE FUNCTION bandit_internal.check_floor(exploration_floor float8, arms int)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (exploration_floor BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'exploration_floor must be between 0 and 1, not %', coalesce(exploration_floor::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF exploration_floor * arms > 1 + 1e-9 THEN
		RAISE EXCEPTION 'the exploration floors of % arms sum to %', arms, exploration_floor * arms
			USING ERRCODE = 'invalid_parameter_value',
				HINT = format('They may sum to 1: at most %s each.', round(1.0 / arms, 4));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_floor(float8, int) IS
'Raises invalid_parameter_value unless so many arms may have that exploration floor each.';

CREATE FUNCTION bandit_internal.check_floors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	over record;
BEGIN
	SELECT b.name, count(*) AS arms,
		sum(coalesce(a.exploration_floor, b.exploration_floor)) AS total
	INTO over
	FROM bandit.bandits b
	JOIN bandit.arms a ON a.bandit = b.name AND a.role = 'arm'
	GROUP BY b.name
	HAVING sum(coalesce(a.exploration_floor, b.exploration_floor)) > 1 + 1e-9
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the exploration floors of bandit "%" sum to %', over.name, over.total
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('It has %s arms.', over.arms),
				HINT = 'They may sum to 1. Lower exploration_floor in bandit.bandits or bandit.arms first.';
	END IF;
	RETURN NULL;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_floors() IS
'Statement trigger on bandits and arms: raises invalid_parameter_value where the exploration floors of a bandit''s arms, disabled ones included, sum over 1.';

CREATE TRIGGER check_floors
	AFTER INSERT OR UPDATE OF exploration_floor ON bandit.bandits
	FOR EACH STATEMENT EXECUTE FUNCTION bandit_internal.check_floors();
CREATE TRIGGER check_floors
	AFTER INSERT OR UPDATE OF exploration_floor, role ON bandit.arms
	FOR EACH STATEMENT EXECUTE FUNCTION bandit_internal.check_floors();

CREATE FUNCTION bandit_internal.aged(amount float8, since timestamptz,
	at timestamptz, half_life interval)
RETURNS float8
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_aged';

COMMENT ON FUNCTION bandit_internal.aged(float8, timestamptz, timestamptz, interval) IS
'What an amount of evidence of one time counts at another: amount times 2^-((at - since) / half_life), more than amount if at comes first; amount itself if half_life is NULL. A month has 30 days. What is smaller than 1e-40 is 0. NULL if amount or either time is.';

CREATE FUNCTION bandit_internal.leader(bandit text, OUT arm text,
	OUT alpha float8, OUT beta float8)
RETURNS record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT p.arm, p.alpha, p.beta
	FROM (
		SELECT a.arm, a.position,
			coalesce(a.prior_alpha, b.prior_alpha) + coalesce(sum(
				bandit_internal.aged(e.successes, e.updated_at,
					greatest(e.updated_at, now()), b.half_life)), 0) AS alpha,
			coalesce(a.prior_beta, b.prior_beta) + coalesce(sum(
				bandit_internal.aged(e.failures, e.updated_at,
					greatest(e.updated_at, now()), b.half_life)), 0) AS beta
		FROM bandit.bandits b
		JOIN bandit.arms a ON a.bandit = b.name AND a.role = 'arm' AND a.enabled
		LEFT JOIN bandit.evidence e ON e.bandit = a.bandit AND e.arm = a.arm
		WHERE b.name = leader.bandit
		GROUP BY a.arm, a.position, a.prior_alpha, a.prior_beta,
			b.prior_alpha, b.prior_beta, b.half_life
	) AS p
	ORDER BY p.alpha / (p.alpha + p.beta) DESC, p.position
	LIMIT 1;
END;

COMMENT ON FUNCTION bandit_internal.leader(text) IS
'The enabled arm with the largest posterior mean over all contexts together, and that posterior; nulls if there is no enabled arm.';

CREATE FUNCTION bandit.new_arm_prior(bandit text, beats_leader float8,
	strength float8 DEFAULT 2, OUT prior_alpha float8, OUT prior_beta float8)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	leader record;
	low float8 := -700;
	high float8 := 700;
	middle float8;
BEGIN
	IF (beats_leader > 0 AND beats_leader < 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'beats_leader must be between 0 and 1, not %', coalesce(beats_leader::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is the probability that a draw of the new arm exceeds one of the leader.';
	ELSIF (strength > 0 AND strength < 'Infinity') IS NOT TRUE THEN
		RAISE EXCEPTION 'strength must be finite and positive, not %', coalesce(strength::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO leader FROM bandit_internal.leader(new_arm_prior.bandit);
	IF leader.arm IS NULL THEN
		RAISE EXCEPTION 'bandit "%" has no enabled arm to compare with', new_arm_prior.bandit
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Give prior_alpha and prior_beta instead, or nothing for the bandit''s prior.';
	END IF;

	-- the probability grows with the mean: bisect its logit
	FOR i IN 1 .. 100 LOOP
		middle := (low + high) / 2;
		prior_alpha := greatest(strength / (1 + exp(-middle)), 1e-300);
		prior_beta := greatest(strength / (1 + exp(middle)), 1e-300);
		EXIT WHEN high - low < 1e-12 * (1 + abs(middle));
		IF (bandit.top_k_propensity(ARRAY[prior_alpha, leader.alpha],
				ARRAY[prior_beta, leader.beta]))[1] < beats_leader THEN
			low := middle;
		ELSE
			high := middle;
		END IF;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit.new_arm_prior(text, float8, float8) IS
'The prior Beta(prior_alpha, prior_beta) for a new arm that makes its draw exceed the leader''s with probability beats_leader, between 0 and 1. The leader is the enabled arm with the largest posterior mean over all contexts together. strength: prior_alpha + prior_beta, how many observations the prior is worth; 2 as for the flat prior. Errors: invalid_parameter_value; object_not_in_prerequisite_state when there is no enabled arm.';
-- Bandits and their arms: made, changed and dropped while they serve.
--
-- Names are the keys of every table, so nothing here hands out an id.  Every
-- function checks all it is given before it writes; a change of arms locks
-- the bandit's row first, so that two sessions never take the same position.

CREATE FUNCTION bandit.builtin_arms() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '{svd,item_cf,graph,embeddings,long_tail,serendipity}'::text[];
END;

COMMENT ON FUNCTION bandit.builtin_arms() IS
'Names of the arms that a recommender has built in. The control, hybrid, is not among them: every recommender has it, under that reserved name.';

CREATE FUNCTION bandit_internal.is_builtin_arm(arm text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT arm = ANY (bandit.builtin_arms());
END;

COMMENT ON FUNCTION bandit_internal.is_builtin_arm(text) IS
'Whether a recommender has an arm of that name built in; see bandit.builtin_arms().';

CREATE FUNCTION bandit_internal.check_name(what text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION '% must not be null', what
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF value = '' THEN
		RAISE EXCEPTION '% must not be empty', what
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF octet_length(value) > 63 THEN
		RAISE EXCEPTION '% "%" is too long', what, value
			USING ERRCODE = 'name_too_long',
				DETAIL = format('It has %s bytes.', octet_length(value)),
				HINT = 'At most 63 bytes are allowed.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_name(text, text) IS
'Raises unless the value is a name of 1 to 63 bytes. "what" opens the message. Errors: null_value_not_allowed, invalid_parameter_value, name_too_long.';

CREATE FUNCTION bandit_internal.check_names(what text, names text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one text;
	seen text[] := '{}';
BEGIN
	IF names IS NULL THEN
		RAISE EXCEPTION 'the list of %s must not be null', what
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'An empty list is ''{}''.';
	END IF;
	FOREACH one IN ARRAY names LOOP
		PERFORM bandit_internal.check_name('name of ' || what, one);
		IF one = ANY (seen) THEN
			RAISE EXCEPTION '% "%" is given twice', what, one
				USING ERRCODE = 'duplicate_object';
		END IF;
		seen := seen || one;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_names(text, text[]) IS
'Raises unless the list holds distinct names of 1 to 63 bytes each; it may be empty. Errors: those of bandit_internal.check_name, and duplicate_object.';

CREATE FUNCTION bandit_internal.check_prior(prior_alpha float8, prior_beta float8)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF prior_alpha IS NULL OR prior_beta IS NULL THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Beta(1, 1) is the flat prior.';
	ELSIF NOT (prior_alpha > 0 AND prior_alpha < 'Infinity'
			   AND prior_beta > 0 AND prior_beta < 'Infinity') THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must be finite and positive'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('They are %s and %s.', prior_alpha, prior_beta),
				HINT = 'Beta(1, 1) is the flat prior.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_prior(float8, float8) IS
'Raises unless both shapes of a Beta prior are finite and positive. Errors: null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.require_bandit(name text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	known text;
BEGIN
	IF require_bandit.name IS NULL THEN
		RAISE EXCEPTION 'name of bandit must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF EXISTS (SELECT FROM bandit.bandits b WHERE b.name = require_bandit.name) THEN
		RETURN;
	END IF;

	SELECT string_agg(quote_ident(b.name), ', ' ORDER BY b.name) INTO known
	FROM bandit.bandits b HAVING count(*) BETWEEN 1 AND 10;
	RAISE EXCEPTION 'bandit "%" does not exist', require_bandit.name
		USING ERRCODE = 'undefined_object',
			HINT = CASE WHEN known IS NULL
				THEN 'SELECT name FROM bandit.bandits lists them; bandit.create_bandit makes one.'
				ELSE 'These exist: ' || known || '.' END;
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_bandit(text) IS
'Raises null_value_not_allowed or undefined_object unless there is such a bandit.';

CREATE FUNCTION bandit_internal.lock_bandit(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_bandit(lock_bandit.name);
	PERFORM FROM bandit.bandits b WHERE b.name = lock_bandit.name
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN			-- dropped meanwhile
		RAISE EXCEPTION 'bandit "%" does not exist', lock_bandit.name
			USING ERRCODE = 'undefined_object';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.lock_bandit(text) IS
'Locks a bandit''s settings against other changes until the transaction ends; serving and feedback go on. Errors: null_value_not_allowed; undefined_object when there is no such bandit.';

CREATE FUNCTION bandit.create_bandit(name text, arms text[],
	features text[] DEFAULT '{}', prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL,
	attribution_window interval DEFAULT '24 hours',
	on_silence text DEFAULT 'failure', policy text DEFAULT 'thompson',
	base_rate float8 DEFAULT NULL, base_weight float8 DEFAULT NULL,
	exploration_floor float8 DEFAULT 0, half_life interval DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	prior float8[];
BEGIN
	PERFORM bandit_internal.check_name('name of bandit', create_bandit.name);
	PERFORM bandit_internal.check_names('arm', create_bandit.arms);
	PERFORM bandit_internal.check_names('feature', create_bandit.features);
	prior := bandit_internal.find_prior(create_bandit.prior_alpha,
		create_bandit.prior_beta, create_bandit.base_rate,
		create_bandit.base_weight);
	PERFORM bandit_internal.check_policy(create_bandit.policy);
	PERFORM bandit_internal.check_floor(create_bandit.exploration_floor,
										cardinality(create_bandit.arms));
	IF create_bandit.half_life <= '0' THEN
		RAISE EXCEPTION 'half_life must be longer than zero'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'NULL forgets nothing.';
	ELSIF (create_bandit.attribution_window > '0') IS NOT TRUE THEN
		RAISE EXCEPTION 'attribution_window must be longer than zero'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says how long after a decision a response still counts for it.';
	ELSIF (create_bandit.on_silence IN ('failure', 'nothing')) IS NOT TRUE THEN
		RAISE EXCEPTION 'on_silence must be "failure" or "nothing"'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says what a decision without any response counts as.';
	END IF;

	INSERT INTO bandit.bandits (name, features, prior_alpha, prior_beta,
		attribution_window, on_silence, policy, exploration_floor, half_life)
	VALUES (create_bandit.name, create_bandit.features, prior[1], prior[2],
		create_bandit.attribution_window, create_bandit.on_silence,
		create_bandit.policy, create_bandit.exploration_floor,
		create_bandit.half_life)
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" already exists', create_bandit.name
			USING ERRCODE = 'duplicate_object',
				HINT = 'Take another name, or drop it with bandit.drop_bandit.';
	END IF;

	INSERT INTO bandit.arms (bandit, arm, position)
	SELECT create_bandit.name, a.arm, a.position
	FROM unnest(create_bandit.arms) WITH ORDINALITY AS a (arm, position);
	INSERT INTO bandit.outcome_rules (bandit, kind, outcome, success_from,
									  failure_to, priority)
	VALUES (create_bandit.name, 'click', 'success', NULL, NULL, 10),
		(create_bandit.name, 'rating', NULL, 4, 2, 20),
		(create_bandit.name, 'thumbs_up', 'success', NULL, NULL, 30),
		(create_bandit.name, 'thumbs_down', 'failure', NULL, NULL, 30);
	RETURN cardinality(create_bandit.arms);
END;
$$;

COMMENT ON FUNCTION bandit.create_bandit(text, text[], text[], float8, float8, interval, text, text, float8, float8, float8, interval) IS
'Makes a bandit and its arms, with rules for click, rating, thumbs_up and thumbs_down. Returns the number of arms made: there is no id to return, for the name is the key.
features: the only keys that a context may have. prior_alpha, prior_beta: the Beta prior of every arm in every context, both or none. base_rate: instead, a rate that is known from elsewhere, between 0 and 1, worth base_weight observations: Beta(rate weight, (1 - rate) weight); by default as few as keep both shapes from falling below 1. With neither the prior is flat, Beta(1, 1). policy, exploration_floor, half_life, attribution_window, on_silence: see the columns of bandit.bandits. The list of arms may be empty: bandit.add_arm adds them.
Errors: duplicate_object for a bandit that exists and for an arm or feature given twice; null_value_not_allowed, name_too_long, invalid_parameter_value.';

CREATE FUNCTION bandit.drop_bandit(name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	watched record;
BEGIN
	PERFORM bandit_internal.lock_bandit(drop_bandit.name);
	FOR watched IN
		SELECT w.source, w.kind FROM bandit.watches w
		WHERE w.bandit = drop_bandit.name
	LOOP
		BEGIN
			PERFORM bandit_internal.drop_watch_triggers(drop_bandit.name,
											  watched.source, watched.kind);
		EXCEPTION WHEN insufficient_privilege THEN
			-- a trigger without its row in watches does nothing
			RAISE WARNING 'trigger on % stays, because only the owner of the table may drop it', watched.source;
		END;
	END LOOP;

	-- first, as drop_partitions does, which keeps others out of it
	DELETE FROM bandit.checkpoints c WHERE c.bandit = drop_bandit.name;
	DELETE FROM bandit.feedback f WHERE f.bandit = drop_bandit.name;
	DELETE FROM bandit.decisions d WHERE d.bandit = drop_bandit.name;
	DELETE FROM bandit.evidence e WHERE e.bandit = drop_bandit.name;
	DELETE FROM bandit.contexts c WHERE c.bandit = drop_bandit.name;
	DELETE FROM bandit.bandits b WHERE b.name = drop_bandit.name;
END;
$$;

COMMENT ON FUNCTION bandit.drop_bandit(text) IS
'Deletes a bandit with all that belongs to it: settings, arms, rules, watches and their triggers, models, contexts, evidence, decisions, feedback, checkpoints. Errors: undefined_object when there is no such bandit. A watch trigger on a table of somebody else stays, with a warning and without effect: a later bandit of the same name learns nothing from it until bandit.watch says so.';

CREATE FUNCTION bandit_internal.arm_signature(source regprocedure, key_type text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted regtype := arm_signature.key_type::regtype;
	function record;
	results oid[];
BEGIN
	SELECT n.nspname, p.proname, p.proretset, p.prokind, p.prorettype,
		p.proargtypes::oid[] AS arguments, n.oid = pg_my_temp_schema() AS temporary,
		(SELECT array_agg(a.type ORDER BY a.place)
		 FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY
			AS a (type, mode, place)
		 WHERE a.mode IN ('o', 'b', 't')) AS outputs
	INTO function
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE p.oid = arm_signature.source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'function with OID % does not exist', arm_signature.source::oid
			USING ERRCODE = 'undefined_function';
	ELSIF function.temporary THEN
		RAISE EXCEPTION 'an arm must not be a temporary function'
			USING ERRCODE = 'invalid_function_definition';
	END IF;

	-- a composite result has its columns in the catalog, not in the function
	results := coalesce(function.outputs,
		(SELECT array_agg(a.atttypid ORDER BY a.attnum)
		 FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
		 WHERE t.oid = function.prorettype AND a.attnum > 0
			AND NOT a.attisdropped));
	IF (function.prokind = 'f' AND function.proretset
		AND array_to_string(function.arguments, ',')
			= concat_ws(',', wanted::oid, 'int4'::regtype::oid)
		AND results = ARRAY[wanted, 'float8'::regtype]::oid[]) IS NOT TRUE
	THEN
		RAISE EXCEPTION 'function % cannot be an arm', arm_signature.source
			USING ERRCODE = 'invalid_function_definition',
				DETAIL = format('It returns %s.',
					coalesce(pg_get_function_result(arm_signature.source), 'nothing')),
				HINT = format('Expected is (user_id %1$s, n integer) RETURNS TABLE (item_id %1$s, score double precision).', wanted);
	END IF;
	RETURN format('%I.%I(%s,integer)', function.nspname, function.proname,
				  wanted);
END;
$$;

COMMENT ON FUNCTION bandit_internal.arm_signature(regprocedure, text) IS
'The schema-qualified, quoted signature of a function that is to be an arm of a recommender whose keys are bigint or text. Errors: invalid_function_definition unless it takes (key, integer) and returns a set of (key, double precision).';

CREATE FUNCTION bandit_internal.arm_source(key_type text, arm text,
	source regprocedure)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF key_type IS NULL AND source IS NULL THEN
		RETURN NULL;
	ELSIF key_type IS NULL THEN
		RAISE EXCEPTION 'an arm of a plain bandit cannot have a source'
			USING ERRCODE = 'wrong_object_type',
				HINT = 'Leave the source out; bandit.create_recommender makes a bandit whose arms are functions.';
	ELSIF arm = 'hybrid' THEN
		RAISE EXCEPTION 'arm name "hybrid" is reserved for the control'
			USING ERRCODE = 'reserved_name',
				HINT = 'Every recommender has it already.';
	ELSIF source IS NULL AND NOT bandit_internal.is_builtin_arm(arm) THEN
		RAISE EXCEPTION 'there is no built-in arm "%"', arm
			USING ERRCODE = 'undefined_object',
				HINT = format('Built in are %s. For an arm of your own call bandit.add_arm with a source, such as ''my_arm(%s,integer)''.',
					array_to_string(bandit.builtin_arms(), ', '), key_type);
	ELSIF source IS NULL THEN
		RETURN arm;
	ELSIF bandit_internal.is_builtin_arm(arm) THEN
		RAISE EXCEPTION 'arm name "%" is reserved for the built-in arm', arm
			USING ERRCODE = 'reserved_name',
				HINT = 'Give a function another name as an arm.';
	END IF;
	RETURN bandit_internal.arm_signature(source, key_type);
END;
$$;

COMMENT ON FUNCTION bandit_internal.arm_source(text, text, regprocedure) IS
'What bandit.arms.source has to say for a new arm, given the key_type of its recommender: NULL for a plain bandit, whose key_type is NULL; the name of a built-in arm; or a function''s signature. Errors: wrong_object_type, reserved_name, undefined_object, and those of bandit_internal.arm_signature.';

CREATE FUNCTION bandit.add_arm(bandit text, arm text,
	source regprocedure DEFAULT NULL, prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL, beats_leader float8 DEFAULT NULL,
	options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	key_type text;
BEGIN
	PERFORM bandit_internal.lock_bandit(add_arm.bandit);
	PERFORM bandit_internal.check_name('name of arm', add_arm.arm);
	IF add_arm.prior_alpha IS NOT NULL OR add_arm.prior_beta IS NOT NULL THEN
		PERFORM bandit_internal.check_prior(add_arm.prior_alpha, add_arm.prior_beta);
		IF add_arm.beats_leader IS NOT NULL THEN
			RAISE EXCEPTION 'a prior is given both as shapes and as beats_leader'
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Give prior_alpha and prior_beta, or beats_leader.';
		END IF;
	ELSIF add_arm.beats_leader IS NOT NULL THEN
		SELECT p.prior_alpha, p.prior_beta
		INTO add_arm.prior_alpha, add_arm.prior_beta
		FROM bandit.new_arm_prior(add_arm.bandit, add_arm.beats_leader) p;
	END IF;

	SELECT r.key_type INTO key_type
	FROM bandit.recommenders r WHERE r.bandit = add_arm.bandit;
	INSERT INTO bandit.arms (bandit, arm, position, source, prior_alpha,
							 prior_beta, options)
	SELECT add_arm.bandit, add_arm.arm, coalesce(max(a.position), 0) + 1,
		bandit_internal.arm_source(key_type, add_arm.arm, add_arm.source),
		add_arm.prior_alpha, add_arm.prior_beta,
		coalesce(add_arm.options, '{}')
	FROM bandit.arms a WHERE a.bandit = add_arm.bandit
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" already has an arm "%"', add_arm.bandit, add_arm.arm
			USING ERRCODE = 'duplicate_object';
	END IF;
	IF EXISTS (SELECT FROM bandit.evidence e
			   WHERE e.bandit = add_arm.bandit AND e.arm = add_arm.arm) THEN
		RAISE NOTICE 'arm "%" goes on with the evidence it had earned before', add_arm.arm
			USING HINT = 'Take a new name for something that is new.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit.add_arm(text, text, regprocedure, float8, float8, float8, jsonb) IS
'Adds an arm to a running bandit; it comes after the others. source: for a recommender a function (user_id key, n integer) RETURNS TABLE (item_id key, score double precision), where key is bigint or text like the recommender''s, or NULL for a built-in arm; for any other bandit NULL. prior_alpha, prior_beta: the arm''s own prior, both or none; by default the bandit''s. beats_leader: instead, how probable it shall be, between 0 and 1, that a draw of the new arm exceeds the leader''s, see bandit.new_arm_prior. options: what a built-in arm is told, see bandit.arm_options. An arm that had been removed goes on with its evidence.
Errors: undefined_object, duplicate_object, reserved_name, invalid_function_definition, wrong_object_type, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.require_arm(bandit text, arm text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	role text;
	known text;
BEGIN
	IF require_arm.arm IS NULL THEN
		RAISE EXCEPTION 'name of arm must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT a.role INTO role FROM bandit.arms a
	WHERE a.bandit = require_arm.bandit AND a.arm = require_arm.arm;
	IF role = 'arm' THEN
		RETURN;
	ELSIF role = 'control' THEN
		RAISE EXCEPTION 'arm "%" is the control of bandit "%"', require_arm.arm, require_arm.bandit
			USING ERRCODE = 'wrong_object_type',
				HINT = 'The control cannot be disabled or removed: it fills short lists.';
	END IF;
	SELECT string_agg(quote_ident(a.arm), ', ' ORDER BY a.position) INTO known
	FROM bandit.arms a
	WHERE a.bandit = require_arm.bandit AND a.role = 'arm';
	RAISE EXCEPTION 'bandit "%" has no arm "%"', require_arm.bandit, require_arm.arm
		USING ERRCODE = 'undefined_object',
			HINT = coalesce('It has these: ' || known || '.',
							'It has no arms; bandit.add_arm adds one.');
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_arm(text, text) IS
'Raises unless the bandit has that arm and it is not the control. Errors: null_value_not_allowed, undefined_object, wrong_object_type.';

CREATE FUNCTION bandit_internal.tell_armless(bandit text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF NOT EXISTS (SELECT FROM bandit.arms a
				   WHERE a.bandit = tell_armless.bandit AND a.enabled
						AND a.role = 'arm') THEN
		RAISE NOTICE 'bandit "%" has no enabled arm left', tell_armless.bandit
			USING HINT = 'bandit.set_arm enables one, bandit.add_arm adds one.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_armless(text) IS
'Says so, in a notice, when a bandit has no enabled arm left.';

CREATE FUNCTION bandit.set_arm(bandit text, arm text, enabled boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(set_arm.bandit);
	PERFORM bandit_internal.require_arm(set_arm.bandit, set_arm.arm);
	IF set_arm.enabled IS NULL THEN
		RAISE EXCEPTION 'enabled must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	UPDATE bandit.arms a SET enabled = set_arm.enabled
	WHERE a.bandit = set_arm.bandit AND a.arm = set_arm.arm;
	PERFORM bandit_internal.tell_armless(set_arm.bandit);
END;
$$;

COMMENT ON FUNCTION bandit.set_arm(text, text, boolean) IS
'Enables or disables an arm. A disabled arm is not drawn, and goes on learning from what it has served. Disabling the last one is allowed, with a notice. Errors: undefined_object; wrong_object_type for the control; null_value_not_allowed.';

CREATE FUNCTION bandit.remove_arm(bandit text, arm text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(remove_arm.bandit);
	PERFORM bandit_internal.require_arm(remove_arm.bandit, remove_arm.arm);
	DELETE FROM bandit.arms a
	WHERE a.bandit = remove_arm.bandit AND a.arm = remove_arm.arm;
	PERFORM bandit_internal.tell_armless(remove_arm.bandit);
END;
$$;

COMMENT ON FUNCTION bandit.remove_arm(text, text) IS
'Removes an arm from a running bandit. What was trained for a built-in arm stays, because the control fuses it. Its evidence stays, unseen, because the ledger that it is the sum of stays: late responses are still counted and un-learned exactly, and an arm that is added again under that name goes on where it was. Errors: undefined_object; wrong_object_type for the control; null_value_not_allowed.';
-- Selection and decisions.

CREATE FUNCTION bandit.select_arms(
	bandit text,
	context jsonb DEFAULT '{}',
	k int DEFAULT 3,
	OUT rank int,
	OUT arm text,
	OUT sample float8,
	OUT weight float8,
	OUT alpha float8,
	OUT beta float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100 ROWS 3
AS 'MODULE_PATHNAME', 'bandit_select_arms';
COMMENT ON FUNCTION bandit.select_arms(text, jsonb, int) IS
'The k best arms in this context by the bandit''s policy, best first; by default those with the largest draws from their posteriors (Thompson sampling). sample: the draw, 0 to 1, or what else the policy orders by (a mean, an upper bound); weight: its share of the selected samples, equal under uniform; a place that an exploration floor gave away keeps its weight; alpha, beta: the arm''s posterior. All enabled arms when there are fewer than k; no rows when there are none. Reads only, so it runs on a standby. Raises undefined_object for an unknown bandit, invalid_parameter_value for k < 1 or a context with undeclared keys.';

CREATE FUNCTION bandit.choose(
	bandit text,
	context jsonb DEFAULT '{}',
	subject text DEFAULT NULL,
	k int DEFAULT 1,
	OUT decision_id uuid,
	OUT rank int,
	OUT arm text,
	OUT weight float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500 ROWS 1
AS 'MODULE_PATHNAME', 'bandit_choose';
COMMENT ON FUNCTION bandit.choose(text, jsonb, text, int) IS
'Selects k arms as select_arms does and logs the decision, for any use that is not a recommender. subject: whom it is for, any text, or null. Tell what came of it with reward(decision_id, ...). No rows, and nothing logged, when no arm is enabled. Raises read_only_sql_transaction where it cannot log.';

CREATE FUNCTION bandit.decision_time(decision_id uuid) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_decision_time';
COMMENT ON FUNCTION bandit.decision_time(uuid) IS
'When a decision was made, to the microsecond, from its id (UUID version 7)';

CREATE FUNCTION bandit.first_decision_id(at timestamptz) RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_first_decision_id';
COMMENT ON FUNCTION bandit.first_decision_id(timestamptz) IS
'The smallest id that a decision made at that time can have: a range of time is a range of ids';
-- Which columns of a user's table are meant, by name and type.
--
-- A column has a use: user, item, value, time (in ratings), key, title,
-- attributes (in items).  What is named by the caller is checked, what is not
-- is looked for, and where two would do, nobody guesses.

CREATE FUNCTION bandit_internal.base_type(type oid) RETURNS oid
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH RECURSIVE chain AS (
		SELECT t.oid, t.typtype, t.typbasetype
		FROM pg_catalog.pg_type t WHERE t.oid = base_type.type
		UNION ALL
		SELECT t.oid, t.typtype, t.typbasetype
		FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.typbasetype
		WHERE c.typtype = 'd'
	)
	SELECT c.oid FROM chain c WHERE c.typtype <> 'd';
END;

COMMENT ON FUNCTION bandit_internal.base_type(oid) IS
'The type that a domain is made of, over any number of domains; any other type is its own.';

CREATE FUNCTION bandit_internal.column_types(use text) RETURNS regtype[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE use
		WHEN 'value' THEN
			'{smallint,integer,bigint,real,double precision,numeric}'::regtype[]
		WHEN 'time' THEN
			'{timestamptz,timestamp,date,integer,bigint}'::regtype[]
		WHEN 'title' THEN '{text,varchar}'::regtype[]
		WHEN 'attributes' THEN '{text[],varchar[],text,varchar}'::regtype[]
		ELSE '{smallint,integer,bigint,uuid,text,varchar}'::regtype[]
	END;
END;

COMMENT ON FUNCTION bandit_internal.column_types(text) IS
'The types that a column of that use may have, domains over them included. Uses: user, item, value, time, key, title, attributes. A time that is a number is Unix seconds.';

CREATE FUNCTION bandit_internal.column_names(use text) RETURNS text[]
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
	SELECT CASE use
		WHEN 'user' THEN '{userid,user,uid,customerid,customer,memberid,member,
			accountid,account,visitorid,visitor,viewerid,viewer,readerid,reader,
			listenerid,listener,playerid,player,personid,person}'::text[]
		WHEN 'item' THEN '{itemid,item,movieid,movie,filmid,film,videoid,video,
			showid,show,productid,product,sku,articleid,article,newsid,postid,
			storyid,bookid,book,isbn,songid,song,trackid,track,albumid,album,
			artistid,artist,gameid,game,courseid,course,recipeid,recipe,
			documentid,document,contentid,listingid,placeid}'::text[]
		WHEN 'value' THEN '{rating,score,stars,value,grade,strength,preference,
			plays,playcount,listens}'::text[]
		WHEN 'time' THEN '{timestamp,time,ts,datetime,date,unixtime,epoch,
			at,createdat,created,ratedat,occurredat,happenedat,recordedat,addedat,
			watchedat,clickedat,boughtat,purchasedat,readat,playedat,
			eventtime,createdtime,ratingtime}'::text[]
		WHEN 'key' THEN '{id,key}'::text[]
		WHEN 'title' THEN '{title,name,label,headline,itemname,itemtitle,
			productname,movietitle,booktitle}'::text[]
		WHEN 'attributes' THEN '{genres,genre,tags,categories,category,
			attributes,topics,keywords,labels}'::text[]
	END;
END;

COMMENT ON FUNCTION bandit_internal.column_names(text) IS
'The names by which a column of that use is recognised, in lower case and without underscores, as bandit_internal.plain_name makes them.';

CREATE FUNCTION bandit_internal.plain_name(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT lower(replace(name, '_', '') COLLATE "C");
END;

COMMENT ON FUNCTION bandit_internal.plain_name(text) IS
'A column''s name as it is compared: userId, user_id and USERID are all userid.';

CREATE FUNCTION bandit_internal.fitting_columns(source regclass, use text)
RETURNS TABLE (place int, name text, type text, base regtype)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT a.attnum::int, a.attname::text,
		format_type(a.atttypid, a.atttypmod), b.base::regtype
	FROM pg_catalog.pg_attribute a,
		LATERAL bandit_internal.base_type(a.atttypid) AS b (base)
	WHERE a.attrelid = fitting_columns.source AND a.attnum > 0
		AND NOT a.attisdropped
		AND b.base = ANY (bandit_internal.column_types(fitting_columns.use))
	ORDER BY a.attnum;
END;

COMMENT ON FUNCTION bandit_internal.fitting_columns(regclass, text) IS
'The columns of a table whose type suits a use, in the table''s order.';

CREATE FUNCTION bandit_internal.fitting_list(source regclass, use text,
	among text[] DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT string_agg(format('%I (%s)', f.name, f.type), ', '
					  ORDER BY f.place)
	FROM bandit_internal.fitting_columns(fitting_list.source, fitting_list.use) f
	WHERE fitting_list.among IS NULL OR f.name = ANY (fitting_list.among);
END;

COMMENT ON FUNCTION bandit_internal.fitting_list(regclass, text, text[]) IS
'bandit_internal.fitting_columns as one line for a message, or those of them that are named; NULL when there are none.';

CREATE FUNCTION bandit_internal.check_relation(parameter text, source regclass,
	kinds text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	kind "char";
	persistence "char";
BEGIN
	IF source IS NULL THEN
		RAISE EXCEPTION '% must not be null', parameter
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT c.relkind, c.relpersistence INTO kind, persistence
	FROM pg_class c WHERE c.oid = source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'relation with OID % does not exist', source::oid
			USING ERRCODE = 'undefined_table';
	ELSIF strpos(kinds, kind::text) = 0 THEN
		RAISE EXCEPTION '% cannot be used as %', source, parameter
			USING ERRCODE = 'wrong_object_type',
				DETAIL = format('It is %s.', CASE kind
					WHEN 'v' THEN 'a view' WHEN 'm' THEN 'a materialized view'
					WHEN 'f' THEN 'a foreign table' WHEN 'i' THEN 'an index'
					WHEN 'S' THEN 'a sequence' ELSE 'not a table' END),
				HINT = CASE WHEN strpos(kinds, 'v') = 0
					THEN 'Only tables of this database tell what happens to their rows.'
					ELSE 'It must be a table or a view.' END;
	ELSIF persistence = 't' THEN
		-- other sessions could not read it, and no dump could restore it
		RAISE EXCEPTION '% cannot be used as %', source, parameter
			USING ERRCODE = 'wrong_object_type',
				DETAIL = 'It is temporary.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_relation(text, regclass, text) IS
'Raises unless the relation is of one of the kinds given as letters of pg_class.relkind, and not temporary. Errors: null_value_not_allowed, undefined_table, wrong_object_type.';

CREATE FUNCTION bandit_internal.check_column(source regclass, use text, given text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	type text;
BEGIN
	SELECT format_type(a.atttypid, a.atttypmod) INTO type
	FROM pg_attribute a
	WHERE a.attrelid = source AND a.attname = given AND a.attnum > 0
		AND NOT a.attisdropped;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'column "%" of % does not exist', given, source
			USING ERRCODE = 'undefined_column',
				HINT = coalesce('Columns of a fitting type: '
					|| bandit_internal.fitting_list(source, use) || '.',
					'The table has no column of a fitting type.');
	ELSIF bandit_internal.fitting_list(source, use, ARRAY[given]) IS NULL THEN
		RAISE EXCEPTION 'column "%" of % cannot be the % column', given, source, use
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = format('Its type is %s.', type),
				HINT = format('The type must be one of %s.',
					array_to_string(bandit_internal.column_types(use), ', '));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_column(regclass, text, text) IS
'Raises unless the table has that column, of a type that suits the use. Errors: undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.find_column(source regclass, use text, given text,
	parameter text, also text[] DEFAULT '{}', required boolean DEFAULT false)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found text[];
BEGIN
	IF given = '' AND NOT required THEN
		RETURN NULL;
	ELSIF given IS NOT NULL THEN
		PERFORM bandit_internal.check_column(source, use, given);
		RETURN given;
	END IF;

	-- a number called date is more likely 20260131 than Unix seconds
	SELECT array_agg(f.name) INTO found
	FROM bandit_internal.fitting_columns(source, use) f
	WHERE (bandit_internal.plain_name(f.name) = ANY (bandit_internal.column_names(use))
		   OR bandit_internal.plain_name(f.name) = ANY (also))
		AND NOT (use = 'time' AND f.base = ANY ('{integer,bigint}'::regtype[])
				 AND bandit_internal.plain_name(f.name) = 'date');

	IF cardinality(found) > 1 THEN
		RAISE EXCEPTION 'more than one column of % could be the % column', source, use
			USING ERRCODE = 'ambiguous_column',
				DETAIL = format('Candidates: %s.',
					bandit_internal.fitting_list(source, use, found)),
				HINT = format('Say which one is meant, with %s => ''%s''%s.',
					parameter, found[1],
					CASE WHEN required THEN '' ELSE ', or '''' for none' END);
	ELSIF found IS NULL AND required THEN
		RAISE EXCEPTION 'no column of % looks like the % column', source, use
			USING ERRCODE = 'undefined_column',
				DETAIL = coalesce('Columns of a fitting type: '
					|| bandit_internal.fitting_list(source, use) || '.',
					format('It has no column of one of the types %s.',
						array_to_string(bandit_internal.column_types(use), ', '))),
				HINT = format('Name it with %s => ''...''.', parameter);
	END IF;
	RETURN found[1];
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_column(regclass, text, text, text, text[], boolean) IS
'The column of a table for a use: the given one, checked, or else the only one that is recognised by name and type. "also" adds names to bandit_internal.column_names; "parameter" is what the hint tells the caller to set. An empty name stands for none where none is required. Returns NULL when there is none and none is required. Errors: ambiguous_column, undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.item_names(items regclass) RETURNS text[]
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT ARRAY[one.word, one.word || 'id', plain.word || 'id']
	FROM pg_catalog.pg_class c,
		LATERAL bandit_internal.plain_name(c.relname::text) AS plain (word),
		LATERAL rtrim(plain.word, 's') AS one (word)
	WHERE c.oid = item_names.items;
END;

COMMENT ON FUNCTION bandit_internal.item_names(regclass) IS
'Names of columns that would point at a row of that table: for wines they are wine, wineid and winesid.';

CREATE FUNCTION bandit_internal.foreign_keys(source regclass, target regclass)
RETURNS TABLE (source_column text, target_column text)
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT DISTINCT s.attname::text, t.attname::text
	FROM pg_catalog.pg_constraint c
	JOIN pg_catalog.pg_attribute s
		ON s.attrelid = c.conrelid AND s.attnum = c.conkey[1]
	JOIN pg_catalog.pg_attribute t
		ON t.attrelid = c.confrelid AND t.attnum = c.confkey[1]
	WHERE c.contype = 'f' AND c.conrelid = foreign_keys.source
		AND c.confrelid = foreign_keys.target AND cardinality(c.conkey) = 1;
END;

COMMENT ON FUNCTION bandit_internal.foreign_keys(regclass, regclass) IS
'The columns of one table that point at a column of another by a foreign key of one column.';

CREATE FUNCTION bandit_internal.primary_key(source regclass) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.name
	FROM pg_catalog.pg_index i
	JOIN bandit_internal.fitting_columns(primary_key.source, 'key') f
		ON f.place = i.indkey[0]
	WHERE i.indrelid = primary_key.source AND i.indisprimary
		AND i.indnkeyatts = 1;
END;

COMMENT ON FUNCTION bandit_internal.primary_key(regclass) IS
'The primary key of a table if it is one column whose type suits a key; else NULL.';

CREATE FUNCTION bandit_internal.key_type(source regclass, name text) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT CASE WHEN f.base = ANY ('{smallint,integer,bigint}'::regtype[])
		THEN 'bigint' ELSE 'text' END
	FROM bandit_internal.fitting_columns(key_type.source, 'key') f
	WHERE f.name = key_type.name;
END;

COMMENT ON FUNCTION bandit_internal.key_type(regclass, text) IS
'How a column''s keys are treated: bigint for smallint, integer and bigint; text for uuid, text and varchar.';
-- Recommenders: bandits whose arms produce items, over the user's own tables.

CREATE FUNCTION bandit_internal.find_item_columns(wanted bandit.recommenders)
RETURNS bandit.recommenders
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	keys record;
	names text[] := bandit_internal.item_names(wanted.items);
BEGIN
	-- a foreign key says more than any name; two of them say nothing
	SELECT min(k.source_column) AS item, min(k.target_column) AS key INTO keys
	FROM bandit_internal.foreign_keys(wanted.ratings, wanted.items) k
	WHERE (wanted.item_column IS NULL OR k.source_column = wanted.item_column)
		AND (wanted.items_key_column IS NULL
			 OR k.target_column = wanted.items_key_column)
	HAVING count(*) = 1;

	wanted.item_column := bandit_internal.find_column(wanted.ratings, 'item',
		coalesce(wanted.item_column, keys.item), 'item_column', names, true);
	wanted.items_key_column := bandit_internal.find_column(wanted.items, 'key',
		coalesce(wanted.items_key_column, keys.key,
				 bandit_internal.primary_key(wanted.items)),
		'items_key_column',
		names || bandit_internal.plain_name(wanted.item_column)
			|| bandit_internal.column_names('item'), true);
	wanted.title_column := bandit_internal.find_column(wanted.items, 'title',
		wanted.title_column, 'title_column');
	wanted.attributes_column := bandit_internal.find_column(wanted.items, 'attributes',
		wanted.attributes_column, 'attributes_column');
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_item_columns(bandit.recommenders) IS
'A recommender''s row with the columns about items filled in. A foreign key from ratings to items decides the item and key columns, then the primary key of items, then names. Errors: those of bandit_internal.find_column.';

CREATE FUNCTION bandit_internal.find_columns(wanted bandit.recommenders)
RETURNS bandit.recommenders
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	wanted.user_column := bandit_internal.find_column(wanted.ratings, 'user',
		wanted.user_column, 'user_column', required => true);
	IF wanted.items IS NOT NULL THEN
		wanted := bandit_internal.find_item_columns(wanted);
	ELSE
		wanted.item_column := bandit_internal.find_column(wanted.ratings, 'item',
			wanted.item_column, 'item_column', required => true);
		wanted.items_key_column := nullif(wanted.items_key_column, '');
		wanted.title_column := nullif(wanted.title_column, '');
		wanted.attributes_column := nullif(wanted.attributes_column, '');
	END IF;
	wanted.value_column := bandit_internal.find_column(wanted.ratings, 'value',
		wanted.value_column, 'value_column');
	wanted.time_column := bandit_internal.find_column(wanted.ratings, 'time',
		wanted.time_column, 'time_column');
	IF wanted.user_column = wanted.item_column THEN
		RAISE EXCEPTION 'column "%" of % cannot be both the user and the item', wanted.user_column, wanted.ratings
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	wanted.key_type := bandit_internal.key_type(wanted.ratings, wanted.user_column);
	PERFORM bandit_internal.check_key_type(wanted.ratings, wanted.item_column,
								  wanted.key_type);
	IF wanted.items IS NOT NULL THEN
		PERFORM bandit_internal.check_key_type(wanted.items, wanted.items_key_column,
									  wanted.key_type);
	END IF;
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_columns(bandit.recommenders) IS
'A recommender''s row with every column that was not named found by name and type, and key_type. Errors: those of bandit_internal.find_column; datatype_mismatch when users and items are not keyed alike; invalid_parameter_value when they are the same column.';

CREATE FUNCTION bandit_internal.check_key_type(source regclass, name text,
	wanted text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bandit_internal.key_type(source, name) <> wanted THEN
		RAISE EXCEPTION 'keys in column "%" of % are of another kind than the recommender''s', name, source
			USING ERRCODE = 'datatype_mismatch',
				DETAIL = format('The column is %s; the recommender''s keys are %s.',
					bandit_internal.fitting_list(source, 'key', ARRAY[name]),
					CASE wanted WHEN 'bigint' THEN 'whole numbers'
						ELSE 'uuid, text or varchar' END),
				HINT = 'Users and items must both be whole numbers, or both uuid, text or varchar.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_key_type(regclass, text, text) IS
'Raises datatype_mismatch unless a column''s keys are of that kind, bigint or text.';

CREATE FUNCTION bandit_internal.count_attributes(wanted bandit.recommenders)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	pieces text;
	counted int;
BEGIN
	IF wanted.attributes_column IS NULL THEN
		RETURN 0;
	END IF;
	IF EXISTS (SELECT FROM bandit_internal.fitting_columns(wanted.items, 'attributes') f
			   WHERE f.name = wanted.attributes_column
					AND f.base = ANY ('{text[],varchar[]}'::regtype[])) THEN
		pieces := format('i.%I', wanted.attributes_column);
	ELSE
		pieces := format('string_to_array(i.%I::text, %L)',
						 wanted.attributes_column, wanted.attribute_separator);
	END IF;
	EXECUTE format('SELECT count(DISTINCT a) FROM %s i, unnest(%s) a WHERE a <> ''''',
				   wanted.items, pieces) INTO counted;
	RETURN counted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.count_attributes(bandit.recommenders) IS
'How many different attributes, such as genres, the items have; 0 without an attributes column. Reads the whole table of items, with the caller''s rights.';

CREATE FUNCTION bandit_internal.tell_columns(wanted bandit.recommenders)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	about_items text := 'no table of items';
BEGIN
	IF wanted.items IS NOT NULL THEN
		about_items := format('%s (%s)', wanted.items, concat_ws(', ',
			format('key %I', wanted.items_key_column),
			format('title %s', coalesce(quote_ident(wanted.title_column), 'none')),
			format('attributes %s', coalesce(quote_ident(wanted.attributes_column), 'none'))));
	END IF;
	RAISE NOTICE 'recommender "%" reads % (%) and %', wanted.bandit,
		wanted.ratings, concat_ws(', ',
			format('user %I', wanted.user_column),
			format('item %I', wanted.item_column),
			format('value %s', coalesce(quote_ident(wanted.value_column), 'none')),
			format('time %s', coalesce(quote_ident(wanted.time_column), 'none'))),
		about_items
		USING HINT = 'Columns that were not named were found by name and type. Name any that is wrong, or '''' for none.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_columns(bandit.recommenders) IS
'Says in one notice which columns a recommender reads.';

CREATE FUNCTION bandit_internal.tell_index(wanted bandit.recommenders)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_class c
			   WHERE c.oid = wanted.ratings AND c.relkind IN ('r', 'p', 'm'))
		AND NOT EXISTS (
			SELECT FROM pg_index i JOIN pg_attribute a
				ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
			WHERE i.indrelid = wanted.ratings AND i.indpred IS NULL
				AND i.indisvalid AND a.attname = wanted.user_column)
	THEN
		RAISE NOTICE '% has no index that leads to the rows of one user', wanted.ratings
			USING DETAIL = 'Every recommendation will read the whole table.',
				HINT = format('CREATE INDEX ON %s (%s);', wanted.ratings,
					concat_ws(', ', quote_ident(wanted.user_column),
							  quote_ident(wanted.time_column)));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_index(bandit.recommenders) IS
'Suggests an index, in a notice, when the ratings have none whose first column is the user.';

CREATE FUNCTION bandit_internal.check_vectors(items regclass, name text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	EXECUTE format('SELECT i.%I::real[] FROM %s i LIMIT 0', name, items);
	-- any text may be cast, at the risk of each of its rows
	IF EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
			WHERE a.attrelid = items AND a.attname = name AND t.typcategory = 'S') THEN
		RAISE cannot_coerce;
	END IF;
EXCEPTION WHEN cannot_coerce THEN
	RAISE EXCEPTION 'column "%" of % cannot be read as vectors', name, items
		USING ERRCODE = 'datatype_mismatch',
			HINT = 'Vectors are real[], double precision[], or pgvector''s vector.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_vectors(regclass, text) IS
'Raises unless a column of a table of items can be cast to real[]. Errors: undefined_column, datatype_mismatch.';

CREATE FUNCTION bandit_internal.check_recommender(wanted bandit.recommenders,
	arms text[], features text[])
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	known text[] := '{time_period,day_of_week,user_type,genre_saturation,session_position}';
	one text;
BEGIN
	FOREACH one IN ARRAY features LOOP
		IF one <> ALL (known) THEN
			RAISE EXCEPTION 'there is no feature "%"', one
				USING ERRCODE = 'invalid_parameter_value',
					HINT = format('The features of a recommender are %s.',
						array_to_string(known, ', '));
		END IF;
	END LOOP;
	PERFORM bandit_internal.arm_source(wanted.key_type, a, NULL) FROM unnest(arms) a;

	IF wanted.items IS NULL AND coalesce(wanted.items_key_column,
			wanted.title_column, wanted.attributes_column,
			wanted.vector_column) IS NOT NULL THEN
		RAISE EXCEPTION 'a column of items is named, but no table of items'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name the table with items => ''...''.';
	END IF;
	IF wanted.vector_column IS NOT NULL THEN
		PERFORM bandit_internal.check_vectors(wanted.items, wanted.vector_column);
	END IF;
	IF wanted.exclude_seen IS NULL THEN
		RAISE EXCEPTION 'exclude_seen must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF (wanted.blend_arms BETWEEN 1 AND 1000) IS NOT TRUE THEN
		RAISE EXCEPTION 'blend_arms must be from 1 to 1000'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (wanted.neutral_value > '-Infinity'
		   AND wanted.neutral_value < 'Infinity') IS NOT TRUE THEN
		RAISE EXCEPTION 'neutral_value must be finite'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (wanted.attribute_separator <> '') IS NOT TRUE THEN
		RAISE EXCEPTION 'attribute_separator must not be empty'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM bandit_internal.check_time_zone(wanted.time_zone);
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_recommender(bandit.recommenders, text[], text[]) IS
'Raises unless the arms are built in, the features known and the settings within their ranges. Errors: undefined_object, reserved_name, null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.check_time_zone(time_zone text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF time_zone IS NULL THEN
		RAISE EXCEPTION 'time_zone must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM now() AT TIME ZONE time_zone;
EXCEPTION WHEN invalid_parameter_value THEN
	RAISE EXCEPTION 'time zone "%" is not known', time_zone
		USING ERRCODE = 'invalid_parameter_value',
			HINT = 'SELECT name FROM pg_timezone_names lists them.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_time_zone(text) IS
'Raises unless the server knows the time zone. Errors: null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit.create_recommender(name text, ratings regclass,
	user_column text DEFAULT NULL, item_column text DEFAULT NULL,
	value_column text DEFAULT NULL, time_column text DEFAULT NULL,
	items regclass DEFAULT NULL, items_key_column text DEFAULT NULL,
	title_column text DEFAULT NULL, attributes_column text DEFAULT NULL,
	arms text[] DEFAULT '{svd,item_cf,graph,embeddings,long_tail,serendipity}',
	features text[] DEFAULT
		'{time_period,day_of_week,user_type,genre_saturation,session_position}',
	blend_arms int DEFAULT 3, exclude_seen boolean DEFAULT true,
	neutral_value float8 DEFAULT 2.5, time_zone text DEFAULT 'UTC',
	prior_alpha float8 DEFAULT NULL, prior_beta float8 DEFAULT NULL,
	attribution_window interval DEFAULT '24 hours',
	on_silence text DEFAULT 'failure',
	attribute_separator text DEFAULT '|', policy text DEFAULT 'thompson',
	base_rate float8 DEFAULT NULL, base_weight float8 DEFAULT NULL,
	exploration_floor float8 DEFAULT 0, half_life interval DEFAULT NULL,
	vector_column text DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	made int;
	r bandit.recommenders;
BEGIN
	made := bandit.create_bandit(create_recommender.name,
		create_recommender.arms, create_recommender.features,
		create_recommender.prior_alpha, create_recommender.prior_beta,
		create_recommender.attribution_window, create_recommender.on_silence,
		create_recommender.policy, create_recommender.base_rate,
		create_recommender.base_weight, create_recommender.exploration_floor,
		create_recommender.half_life);
	PERFORM bandit_internal.check_relation('ratings', create_recommender.ratings, 'rpvmf');
	IF create_recommender.items IS NOT NULL THEN
		PERFORM bandit_internal.check_relation('items', create_recommender.items, 'rpvmf');
	END IF;

	r.bandit := create_recommender.name;
	r.ratings := create_recommender.ratings;
	r.user_column := create_recommender.user_column;
	r.item_column := create_recommender.item_column;
	r.value_column := create_recommender.value_column;
	r.time_column := create_recommender.time_column;
	r.items := create_recommender.items;
	r.items_key_column := create_recommender.items_key_column;
	r.title_column := create_recommender.title_column;
	r.attributes_column := create_recommender.attributes_column;
	r.vector_column := nullif(create_recommender.vector_column, '');
	r.attribute_separator := create_recommender.attribute_separator;
	r.blend_arms := create_recommender.blend_arms;
	r.exclude_seen := create_recommender.exclude_seen;
	r.neutral_value := create_recommender.neutral_value;
	r.time_zone := create_recommender.time_zone;
	r := bandit_internal.find_columns(r);
	PERFORM bandit_internal.check_recommender(r, create_recommender.arms,
									 create_recommender.features);
	INSERT INTO bandit.recommenders (bandit, ratings, user_column, item_column,
		value_column, time_column, items, items_key_column, title_column,
		attributes_column, vector_column, attribute_separator, key_type,
		neutral_value, exclude_seen, exclude_disliked, blend_arms, time_zone,
		attribute_count)
	VALUES (r.bandit, r.ratings, r.user_column, r.item_column,
		r.value_column, r.time_column, r.items, r.items_key_column,
		r.title_column, r.attributes_column, r.vector_column,
		r.attribute_separator, r.key_type,
		r.neutral_value, r.exclude_seen, true, r.blend_arms, r.time_zone,
		bandit_internal.count_attributes(r));

	UPDATE bandit.arms a SET source = a.arm WHERE a.bandit = r.bandit;
	INSERT INTO bandit.arms (bandit, arm, position, role, source)
	VALUES (r.bandit, 'hybrid', made + 1, 'control', 'hybrid');
	PERFORM bandit_internal.tell_columns(r);
	PERFORM bandit_internal.tell_index(r);
	RETURN made;
END;
$$;

COMMENT ON FUNCTION bandit.create_recommender(text, regclass, text, text, text, text, regclass, text, text, text, text[], text[], int, boolean, float8, text, float8, float8, interval, text, text, text, float8, float8, float8, interval, text) IS
'Makes a bandit whose arms recommend items, over tables of your own. Returns the number of arms made; the control, hybrid, comes on top.
ratings: a table or view with a row per interaction of a user with an item. items: a table or view with a row per item, if there is one. Columns that are not named are found by name and type, and a notice says which; '''' means none. User and item keys are both smallint, integer or bigint, or both uuid, text or varchar. value_column: a number, such as stars. time_column: timestamptz, timestamp, date, or Unix seconds. attributes_column: text[], or text separated by attribute_separator. vector_column: vectors of the items, of your own making, for the arm embeddings: real[] or anything that can be cast to it, such as pgvector''s vector; without it they are made of titles and attributes.
arms: built-in ones; bandit.add_arm adds functions of your own. features: which of the five features of bandit.user_context make a context. blend_arms: from how many arms a list is blended, 1 to 1000. exclude_seen: never recommend what the user had; without it, still not what he values below neutral_value (column exclude_disliked of bandit.recommenders). neutral_value: the value that is neither liked nor disliked. time_zone: in which the features read the clock. The other parameters are those of bandit.create_bandit.
Errors: ambiguous_column (the detail lists the candidates), undefined_column, datatype_mismatch, wrong_object_type, undefined_object, reserved_name, and those of bandit.create_bandit.';
-- Training: what the arms of a recommender serve from, made from its tables.

CREATE FUNCTION bandit.train(
	name text,
	arm text DEFAULT NULL,
	OUT arm text,
	OUT version uuid,
	OUT users int,
	OUT items int,
	OUT ratings bigint,
	OUT bytes bigint,
	OUT seconds float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 2
AS 'MODULE_PATHNAME', 'bandit_train';
COMMENT ON FUNCTION bandit.train(text, text) IS
'Trains a recommender on its tables as they are now, read with the caller''s rights, and returns a row per part: the catalogue (counts, averages and attributes of the items), which every arm uses, and what the given arm needs, or all arms when it is NULL. hybrid needs those of all arms, and item_cf in any case. version is a UUID of version 7, which orders by time; items are those of the table of items for the catalogue, those with a rating for an arm; bytes is what one backend keeps in memory; seconds of the catalogue include reading the ratings.
A new version replaces the old one when the transaction commits; until then, and meanwhile, everybody is served from the old one. Two trainings of one recommender take turns. Equal tables give equal bytes. Long runs say every 5 seconds how far they are.
Items and ratings that are added later are not recommended or counted before the next training; users'' own histories are always read as they are.
Errors: undefined_object for an unknown recommender or arm, wrong_object_type for a bandit that is no recommender, read_only_sql_transaction, program_limit_exceeded when a part would exceed 500 MB.';
-- Recommendations: a user's context, one arm's list, the blended list.

CREATE FUNCTION bandit.user_context(
	bandit text,
	user_id bigint,
	at timestamptz DEFAULT pg_catalog.now())
RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'bandit_user_context';
COMMENT ON FUNCTION bandit.user_context(text, bigint, timestamptz) IS
'The features of a user''s moment that the bandit declares, from rows strictly before it: time_period (morning, afternoon, evening, night), day_of_week (weekday, weekend), user_type (cold_start, regular, power_user), genre_saturation (low, medium, high: low entropy of the last 20 interactions'' attributes is high), session_position (start, middle, late). Boundaries and time zone are columns of bandit.recommenders. An unknown user is cold_start, low, start.';

CREATE FUNCTION bandit.user_context(
	bandit text,
	user_key text,
	at timestamptz DEFAULT pg_catalog.now())
RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'bandit_user_context_key';
COMMENT ON FUNCTION bandit.user_context(text, text, timestamptz) IS
'user_context for a recommender whose users have uuid or text keys';

CREATE FUNCTION bandit.candidates(
	name text,
	arm text,
	user_id bigint,
	n int DEFAULT 20,
	OUT item_id bigint,
	OUT score float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_candidates';
COMMENT ON FUNCTION bandit.candidates(text, text, bigint, int) IS
'One arm''s list for a user, for inspection: best first, ties by item, nothing the user has seen (unless exclude_seen is off). score is the arm''s own and compares within one arm only. Raises what the arm raises.';

CREATE FUNCTION bandit.candidates(
	name text,
	arm text,
	user_key text,
	n int DEFAULT 20,
	OUT item_key text,
	OUT score float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_candidates_key';
COMMENT ON FUNCTION bandit.candidates(text, text, text, int) IS
'candidates for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.predict(
	name text,
	arm text,
	user_id bigint,
	item_ids bigint[],
	OUT item_id bigint,
	OUT predicted float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_predict';
COMMENT ON FUNCTION bandit.predict(text, text, bigint, bigint[]) IS
'What a user would rate items, by a built-in arm that predicts ratings (svd, item_cf), from what he has rated until now: a row per item given, in their order, within the values that training saw. predicted is NULL where the arm is not trained or the ratings have no values. For looking at, and for measuring an arm: lists by predicted rating are poor. Errors: undefined_object, wrong_object_type, invalid_parameter_value for an arm that predicts nothing.';

CREATE FUNCTION bandit.predict(
	name text,
	arm text,
	user_key text,
	item_keys text[],
	OUT item_key text,
	OUT predicted float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_predict_key';
COMMENT ON FUNCTION bandit.predict(text, text, text, text[]) IS
'predict for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.recommend(
	name text,
	user_id bigint,
	n int DEFAULT 20,
	use_bandit boolean DEFAULT NULL,
	context jsonb DEFAULT NULL,
	OUT "position" int,
	OUT item_id bigint,
	OUT arm text,
	OUT score float8,
	OUT weight float8,
	OUT variant text,
	OUT decision_id uuid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_recommend';
COMMENT ON FUNCTION bandit.recommend(text, bigint, int, boolean, jsonb) IS
'A list of n items for a user: arms are drawn for the user''s context (user_context, or the context given), their lists blended by weight, what they leave open filled by the control. arm brought the item; score is that arm''s; weight is the arm''s share of the list, 0 for what fills up. use_bandit false serves the control alone, true the bandit; null takes the user''s side of the running experiment, if there is one (bandit.start_experiment), else the bandit. The decision is logged and learns from what the user does next; in a read-only transaction decision_id is null and nothing is logged. An arm that fails is skipped with a message of level bandit.arm_error_level.';

CREATE FUNCTION bandit.recommend(
	name text,
	user_key text,
	n int DEFAULT 20,
	use_bandit boolean DEFAULT NULL,
	context jsonb DEFAULT NULL,
	OUT "position" int,
	OUT item_key text,
	OUT arm text,
	OUT score float8,
	OUT weight float8,
	OUT variant text,
	OUT decision_id uuid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_recommend_key';
COMMENT ON FUNCTION bandit.recommend(text, text, int, boolean, jsonb) IS
'recommend for a recommender whose users and items have uuid or text keys';
-- How good the arms' lists and predictions are, by ratings kept back.

CREATE FUNCTION bandit.evaluate(
	name text,
	arms text[] DEFAULT NULL,
	n int DEFAULT 20,
	test_share float8 DEFAULT 0.2,
	liked_from float8 DEFAULT NULL,
	OUT arm text,
	OUT users int,
	OUT recall float8,
	OUT ndcg float8,
	OUT hit_rate float8,
	OUT coverage float8,
	OUT novelty float8,
	OUT rmse float8,
	OUT mae float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 8
AS 'MODULE_PATHNAME', 'bandit_evaluate';
COMMENT ON FUNCTION bandit.evaluate(text, text[], int, float8, float8) IS
'Trains built-in arms on all but the newest ratings of every user, in memory and with the caller''s rights, and measures how they would have served those: a row per arm, popularity (the number of ratings) first, as the one to beat. What is in service is not touched, and nothing is stored.
arms: names of built-in arms or hybrid; by default those that the recommender has. n: length of the lists, 1 to 1000. test_share: of each user''s ratings in order of time (without a column of times: in a fixed order by hash), ties by item, the last part, between 0 and 1, rounded down, is kept back. liked_from: from which value on a test item is relevant; by default what makes a rating a success (bandit.outcome_rules), else above neutral_value.
users: those with a relevant test item; means over them are recall (relevant items found, of all relevant ones), ndcg (binary gain, log2 discount, against the best list of n) and hit_rate (any found). coverage: different items in all lists, of the items rated in training. novelty: mean -log2 of the share of users who rated a listed item. rmse, mae: of predicted ratings over all test ratings, an unknown item''s included; NULL for an arm that predicts none.
Errors: invalid_parameter_value, also for an arm that is a function of your own, which would see what is kept back; undefined_object, wrong_object_type, and those of bandit.train.';
-- Blending lists by weight.

CREATE FUNCTION bandit.blend(
	lists jsonb,
	weights float8[] DEFAULT NULL,
	n int DEFAULT 20,
	OUT "position" int,
	OUT item text,
	OUT list int)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'bandit_blend';
COMMENT ON FUNCTION bandit.blend(jsonb, float8[], int) IS
'Merges lists of items, such as ''[[1, 2, 3], ["x", "y"]]'', by weight: after every prefix each list has had within one item of its share (Tijdeman 1980). An item is given once, credited to the list (from 1) that brought it first; an exhausted list hands its share on. weights: one per list, >= 0; null or all 0 means equal. n <= 0 gives no rows. Items are text: 1 and "1" are one item, and so are 1 and 1.0. Raises invalid_parameter_value when lists is not an array of arrays of numbers and strings, or weights are not finite, negative, or not one per list; null_value_not_allowed for null arguments and weights; program_limit_exceeded above 1000 lists.';
-- Feedback: what came of decisions, learnt once; silence; the ledger's proof.

CREATE FUNCTION bandit.reward(
	decision_id uuid,
	reward float8,
	arm text DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_reward';
COMMENT ON FUNCTION bandit.reward(uuid, float8, text) IS
'Tells what a decision earned: 0 (failure) to 1 (success), fractions allowed, rounded to 2^-20. arm may be left out where the decision picked just one. True when it was new; a second reward for the same arm replaces the first. A null decision_id does nothing; an unknown one is a warning and false, for a late response must not fail the application. Raises invalid_parameter_value for a reward outside 0..1 or an arm that was not picked.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_id bigint,
	item_id bigint,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback';
COMMENT ON FUNCTION bandit.feedback(text, bigint, bigint, text, float8) IS
'Tells that a user responded to an item. It is credited to the newest decision that served the item to the user within the attribution window; with no such decision nothing is learnt, and the result is false. What a kind is worth says bandit.outcome_rules. The same response twice is learnt once; another value replaces the first.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_key text,
	item_key text,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback_key';
COMMENT ON FUNCTION bandit.feedback(text, text, text, text, float8) IS
'feedback for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.update_bandit(
	bandit text,
	context jsonb,
	arm text,
	outcome text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_update_bandit';
COMMENT ON FUNCTION bandit.update_bandit(text, jsonb, text, text) IS
'Teaches an arm one outcome in a context without a decision: success, failure, or neutral (a pull without evidence). Written to the ledger like any feedback.';

CREATE FUNCTION bandit.learn() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'bandit_learn';
COMMENT ON FUNCTION bandit.learn() IS
'Row trigger on an application''s table, installed by watch: learns from what is inserted, moves the evidence when a row changes, takes it back when a row is deleted. Never fails the application''s statement.';

CREATE FUNCTION bandit_internal.add_evidence(
	bandit text,
	context_hash bigint,
	arm text,
	successes float8,
	failures float8,
	pulls bigint)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_add_evidence';
COMMENT ON FUNCTION bandit_internal.add_evidence(text, bigint, text, float8, float8, bigint) IS
'Internal: adds to an arm''s evidence in a free slot. Only for whoever has written the ledger rows that say the same; runs with the caller''s rights.';

CREATE FUNCTION bandit_internal.item_shortfall(
	decision_id uuid,
	bandit text,
	item_id bigint,
	arm text,
	OUT successes float8,
	OUT failures float8,
	OUT pulls bigint)
RETURNS record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_item_shortfall';
COMMENT ON FUNCTION bandit_internal.item_shortfall(uuid, text, bigint, text) IS
'Internal: what the responses to an item (NULL: to the arm) of a decision that is not settled are worth together, less what their rows of the ledger added; as of now(). Not zero only where responses of different kinds could not see each other.';

CREATE FUNCTION bandit_internal.item_state(
	decision_id uuid,
	bandit text,
	item_id bigint,
	arm text,
	OUT known bigint,
	OUT live bigint,
	OUT pulls bigint)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_item_state';
COMMENT ON FUNCTION bandit_internal.item_state(uuid, text, bigint, text) IS
'Internal: how many responses to an item (NULL: to the arm) of a decision the ledger has, how many of them were not taken back, and the pulls they added. What is committed now counts, whatever the transaction''s snapshot.';
-- Evidence: slots added together, held against the ledger, made anew from it.

CREATE FUNCTION bandit_internal.take_slots(slots bigint[])
RETURNS bigint[]
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_take_slots';
COMMENT ON FUNCTION bandit_internal.take_slots(bigint[]) IS
'Internal: holds those of these slots of bandit.evidence that nobody holds, until the transaction ends, and returns them. Never waits.';

CREATE FUNCTION bandit_internal.lock_evidence(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- who waited must see what the one before it has done
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'evidence cannot be put in order at %',
				upper(current_setting('transaction_isolation'))
			USING ERRCODE = 'invalid_transaction_state',
				HINT = 'Use a transaction at READ COMMITTED.';
	END IF;
	PERFORM bandit_internal.lock_bandit(lock_evidence.name);
END;
$$;
COMMENT ON FUNCTION bandit_internal.lock_evidence(text) IS
'Locks a bandit for who adds its evidence together or makes it anew; feedback goes on. Errors: those of lock_bandit; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';

CREATE FUNCTION bandit_internal.fold_slots(name text, contexts bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	half_life interval;
	free bigint[];
	gone bigint;
BEGIN
	SELECT b.half_life INTO half_life FROM bandit.bandits b
	WHERE b.name = fold_slots.name;

	-- what is held from here on, the next statement sees as it is
	free := bandit_internal.take_slots(ARRAY(
		SELECT DISTINCT e.slot FROM bandit.evidence e
		WHERE e.bandit = fold_slots.name AND e.slot < 1::bigint << 32
			AND (contexts IS NULL OR e.context_hash = ANY (contexts))));
	WITH ranked AS (
		SELECT e.ctid AS place, e.context_hash, e.arm,
			row_number() OVER (one_arm ORDER BY e.slot) AS number,
			max(e.updated_at) OVER one_arm AS latest
		FROM bandit.evidence e
		WHERE e.bandit = fold_slots.name
			AND (e.slot = ANY (free) OR e.slot >= 1::bigint << 32)
			AND (contexts IS NULL OR e.context_hash = ANY (contexts))
		WINDOW one_arm AS (PARTITION BY e.context_hash, e.arm)
	), folded AS (
		DELETE FROM bandit.evidence e USING ranked r
		WHERE e.ctid = r.place AND r.number > 1
		RETURNING e.*, r.latest
	), sums AS (
		SELECT f.context_hash, f.arm, f.latest, count(*) AS slots,
			sum(bandit_internal.aged(f.successes, f.updated_at, f.latest,
				half_life)) AS successes,
			sum(bandit_internal.aged(f.failures, f.updated_at, f.latest,
				half_life)) AS failures,
			sum(f.pulls) AS pulls
		FROM folded f
		GROUP BY f.context_hash, f.arm, f.latest
	), kept AS (
		UPDATE bandit.evidence e SET
			successes = bandit_internal.aged(e.successes, e.updated_at,
				s.latest, half_life) + s.successes,
			failures = bandit_internal.aged(e.failures, e.updated_at,
				s.latest, half_life) + s.failures,
			pulls = e.pulls + s.pulls, updated_at = s.latest
		FROM sums s
		JOIN ranked r ON r.context_hash = s.context_hash AND r.arm = s.arm
			AND r.number = 1
		WHERE e.ctid = r.place
		RETURNING s.slots
	)
	SELECT coalesce(sum(k.slots), 0) INTO gone FROM kept k;
	RETURN gone;
END;
$$;
COMMENT ON FUNCTION bandit_internal.fold_slots(text, bigint[]) IS
'Adds together the slots of evidence in these contexts, or in all for NULL, that no transaction is writing to; returns how many rows that saved. For who has locked the bandit, at READ COMMITTED, with the rights of the extension''s owner.';

CREATE FUNCTION bandit.fold(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone bigint;
BEGIN
	PERFORM bandit_internal.lock_evidence(fold.name);
	gone := bandit_internal.fold_slots(fold.name, NULL);

	-- a context that several sessions met at once
	DELETE FROM bandit.contexts c
	WHERE c.bandit = fold.name AND EXISTS (
		SELECT FROM bandit.contexts d
		WHERE d.bandit = c.bandit AND d.context_hash = c.context_hash
			AND d.slot < c.slot);
	RETURN gone;
END;
$$;
COMMENT ON FUNCTION bandit.fold(text) IS
'Adds the slots of every arm''s evidence together, those that no transaction is writing to, and returns how many rows that saved. Never waits for feedback, nor feedback for it. settle does it in passing for the contexts that it settles. Errors: undefined_object; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';

CREATE FUNCTION bandit.verify(
	name text,
	OUT context_hash bigint,
	OUT arm text,
	OUT expected float8[],
	OUT found float8[])
RETURNS SETOF record
-- volatile, for a snapshot younger than its locks: where it has waited for
-- drop_partitions, it must see what became of the partitions that are gone
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH settings AS (
		SELECT b.half_life FROM bandit.bandits b WHERE b.name = verify.name
	), ledger AS (
		SELECT f.context_hash, f.arm,
			sum(bandit_internal.aged(f.successes, f.received_at, now(),
				s.half_life)) AS successes,
			sum(bandit_internal.aged(f.failures, f.received_at, now(),
				s.half_life)) AS failures,
			sum(f.pulls)::float8 AS pulls
		FROM settings s CROSS JOIN (
			SELECT l.context_hash, l.arm, l.successes, l.failures, l.pulls,
				l.received_at
			FROM bandit.feedback l WHERE l.bandit = verify.name
			UNION ALL
			SELECT c.context_hash, c.arm, c.successes, c.failures, c.pulls,
				c.received_at
			FROM bandit.checkpoints c WHERE c.bandit = verify.name
		) AS f
		GROUP BY f.context_hash, f.arm
	), earned AS (
		SELECT e.context_hash, e.arm,
			sum(bandit_internal.aged(e.successes, e.updated_at, now(),
				s.half_life)) AS successes,
			sum(bandit_internal.aged(e.failures, e.updated_at, now(),
				s.half_life)) AS failures,
			sum(e.pulls)::float8 AS pulls
		FROM settings s JOIN bandit.evidence e ON e.bandit = verify.name
		GROUP BY e.context_hash, e.arm
	), both_sides AS (
		SELECT context_hash, arm,
			ARRAY[COALESCE(l.successes, 0), COALESCE(l.failures, 0),
				COALESCE(l.pulls, 0)] AS expected,
			ARRAY[COALESCE(e.successes, 0), COALESCE(e.failures, 0),
				COALESCE(e.pulls, 0)] AS found
		FROM ledger l FULL JOIN earned e USING (context_hash, arm)
	)
	SELECT b.context_hash, b.arm, b.expected, b.found
	FROM both_sides b CROSS JOIN settings s
	WHERE b.expected <> b.found
		AND (s.half_life IS NULL
			OR b.expected[3] <> b.found[3]
			OR abs(b.expected[1] - b.found[1])
				> 1e-9 * (1 + b.expected[1] + b.expected[2])
			OR abs(b.expected[2] - b.found[2])
				> 1e-9 * (1 + b.expected[1] + b.expected[2]))
	ORDER BY b.arm, b.context_hash;
END;
COMMENT ON FUNCTION bandit.verify(text) IS
'A row per arm and context whose evidence is not the fold of the ledger; none when all is well. expected is what bandit.feedback, and bandit.checkpoints for what was dropped of it, add up to, found what bandit.evidence holds, each as {successes, failures, pulls}. Equality is exact: rewards are multiples of 2^-20. A bandit with a half-life is compared as of now, to a relative 1e-9, and differs after its half_life was changed, since what was forgotten before stays forgotten. Arms that were removed are looked at too.';

CREATE FUNCTION bandit.rebuild(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	changed bigint := 0;
	wrong record;
BEGIN
	PERFORM bandit_internal.lock_evidence(rebuild.name);
	-- ledger and evidence of the same moment; what comes meanwhile adds up
	FOR wrong IN SELECT v.* FROM bandit.verify(rebuild.name) v LOOP
		PERFORM bandit_internal.add_evidence(rebuild.name, wrong.context_hash,
			wrong.arm, wrong.expected[1] - wrong.found[1],
			wrong.expected[2] - wrong.found[2],
			(wrong.expected[3] - wrong.found[3])::bigint);
		changed := changed + 1;
	END LOOP;
	RETURN changed;
END;
$$;
COMMENT ON FUNCTION bandit.rebuild(text) IS
'Brings the evidence of a bandit to what the ledger adds up to, and returns how many pairs of context and arm were wrong; 0 when bandit.verify finds nothing. Takes up a half_life that was changed. Feedback goes on meanwhile: what differs is added, not set. Errors: undefined_object; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';
-- A decision, looked at again: its draws, its odds, what came of it.

CREATE FUNCTION bandit.replay(
	decision_id uuid,
	OUT arm text,
	OUT rank int,
	OUT sample float8,
	OUT weight float8,
	OUT alpha float8,
	OUT beta float8)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 ROWS 6
AS 'MODULE_PATHNAME', 'bandit_replay';
COMMENT ON FUNCTION bandit.replay(uuid) IS
'Draws a logged decision again, from its id and the posteriors its row keeps: every arm that was drawn, in the order of drawing, with the same draws to the bit. rank and weight are null for arms that were not picked. No rows for an unknown decision, or for one of the control, which draws nothing.';

CREATE FUNCTION bandit.propensities(
	decision_id uuid,
	OUT rank int,
	OUT arm text,
	OUT propensity float8,
	OUT picked boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT r.rank::int, a.arm, o.odds[a.place][r.rank],
		d.picks[r.rank] = a.arm
	FROM bandit.decisions d
	CROSS JOIN LATERAL bandit.policy_rank_propensity(d.policy, d.alphas,
		d.betas, cardinality(d.picks), d.floors, 0) AS o (odds)
	CROSS JOIN LATERAL generate_subscripts(d.picks, 1) AS r (rank)
	CROSS JOIN LATERAL unnest(d.arms) WITH ORDINALITY AS a (arm, place)
	WHERE d.decision_id = propensities.decision_id
		AND cardinality(d.arms) > 0
	ORDER BY r.rank, a.place;
END;
COMMENT ON FUNCTION bandit.propensities(uuid) IS
'How probable every outcome of a logged decision was, exactly, under the policy, the posteriors and the exploration floors that its row keeps: for each place of the list (rank), each arm, the probability that the arm took it, and whether it did (picked). Each rank adds up to 1. No rows for an unknown decision, or for one of the control. Errors: program_limit_exceeded as bandit.policy_propensity.';

CREATE FUNCTION bandit.explain(
	decision_id uuid,
	OUT arm text,
	OUT rank int,
	OUT alpha float8,
	OUT beta float8,
	OUT sample float8,
	OUT weight float8,
	OUT propensity float8,
	OUT items int,
	OUT responses int,
	OUT successes float8,
	OUT failures float8,
	OUT context jsonb,
	OUT policy text,
	OUT deterministic boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH decision AS (
		SELECT d.* FROM bandit.decisions d
		WHERE d.decision_id = explain.decision_id
	), odds AS (
		SELECT o.place, o.propensity
		FROM decision d
		CROSS JOIN LATERAL unnest(bandit.policy_propensity(d.policy, d.alphas,
			d.betas, cardinality(d.picks), d.floors, 0))
			WITH ORDINALITY AS o (propensity, place)
		WHERE cardinality(d.arms) > 0 AND (d.floors IS NULL
			OR (cardinality(d.arms) + 4.0) * cardinality(d.picks)
				* (cardinality(d.picks) + 1) <= 1e6)
	), drawn AS (
		SELECT r.*, row_number() OVER () AS place
		FROM bandit.replay(explain.decision_id) r
	), served AS (
		SELECT s.arm, count(*)::int AS items
		FROM decision d CROSS JOIN LATERAL unnest(d.item_arms) AS s (arm)
		WHERE s.arm IS NOT NULL
		GROUP BY s.arm
	), earned AS (
		SELECT f.arm, count(*) FILTER (WHERE f.kind <> 'silence')::int AS responses,
			sum(f.successes) AS successes, sum(f.failures) AS failures
		FROM decision d JOIN bandit.feedback f
			ON f.decision_id = d.decision_id AND f.bandit = d.bandit
		GROUP BY f.arm
	)
	SELECT COALESCE(n.arm, s.arm), n.rank, n.alpha, n.beta, n.sample, n.weight,
		o.propensity, COALESCE(s.items, 0), COALESCE(e.responses, 0),
		COALESCE(e.successes, 0), COALESCE(e.failures, 0),
		(SELECT c.context FROM bandit.contexts c
			WHERE c.bandit = d.bandit AND c.context_hash = d.context_hash LIMIT 1),
		d.policy,
		d.floors IS NULL
			AND d.policy IN ('greedy', 'epsilon_greedy', 'ucb1', 'bayes_ucb')
	FROM drawn n
	LEFT JOIN odds o ON o.place = n.place
	FULL JOIN served s ON s.arm = n.arm
	LEFT JOIN earned e ON e.arm = COALESCE(n.arm, s.arm)
	CROSS JOIN decision d
	ORDER BY n.rank, n.place, COALESCE(n.arm, s.arm);
END;
COMMENT ON FUNCTION bandit.explain(uuid) IS
'Why a decision was made and what came of it, a row per arm, the picked ones first: the posterior it was drawn from (alpha, beta), its draw (sample), its share of the list (weight), the exact probability that the policy picks it given those posteriors, exploration floors included (propensity; NULL where the list is too long to tell, see bandit.policy_propensity), how many items were credited to it, how many responses came, and what it earned, silence included. The control has no draw. policy: the one that decided. deterministic: it ordered the arms by scores, without exploration, so that every propensity is 1 or 0, but for ties, and says nothing of what the other arms would have earned. No rows for an unknown decision.';
-- Silence: what a matured decision earned that nobody responded to.

CREATE FUNCTION bandit.settle(
	name text,
	at timestamptz DEFAULT pg_catalog.now(),
	batch int DEFAULT 1000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings bandit.bandits;
	total bigint := 0;
	settled bigint;
	share record;
	contexts bigint[] := '{}';
	silence float8;		-- the reward of it; null: it does not count
	due uuid[];
	-- whether a statement sees what was committed before it
	fresh boolean := current_setting('transaction_isolation') LIKE 'read %';
BEGIN
	PERFORM bandit_internal.require_bandit(settle.name);
	SELECT b.* INTO settings FROM bandit.bandits b WHERE b.name = settle.name;
	silence := CASE settings.on_silence WHEN 'failure' THEN 0
		WHEN 'reward' THEN round(settings.silence_reward * 1048576) / 1048576 END;
	IF batch IS NULL OR batch < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'batch must be at least 1';
	END IF;

	LOOP
		settled := 0;
		-- Responses hold the decisions they are to.  Those that have ended by
		-- now are seen by the next statement, not by one that locks.
		due := ARRAY(
			SELECT d.decision_id FROM bandit.decisions d
			WHERE d.bandit = settings.name
				AND d.settled_at IS NULL
				AND d.decision_id <
					bandit.first_decision_id(at - settings.attribution_window)
			ORDER BY d.decision_id
			LIMIT batch
			FOR UPDATE SKIP LOCKED);
		FOR share IN
			WITH done AS (
				UPDATE bandit.decisions d SET settled_at = at
				WHERE d.decision_id = ANY (due) AND d.bandit = settings.name
				RETURNING d.decision_id, d.bandit, d.context_hash, d.variant,
					d.items, d.item_arms, d.picks
			), items AS (
				SELECT d.decision_id, d.bandit, d.context_hash, i.item, i.arm,
					i.place, r.known, r.live, r.pulls,
					-- the first one is looked at in any case
					coalesce(max(i.place) FILTER (WHERE r.live > 0)
						OVER (PARTITION BY d.decision_id), 1) AS last,
					NOT EXISTS (
						SELECT FROM bandit.arms a
						WHERE a.bandit = d.bandit AND a.arm = i.arm
							AND a.role = 'control') AS trains
				FROM done d
				CROSS JOIN LATERAL ROWS FROM (
					unnest(d.items), unnest(d.item_arms))
					WITH ORDINALITY AS i (item, arm, place)
				CROSS JOIN LATERAL (
					SELECT count(*) AS known, sum(f.pulls) AS pulls,
						count(*) FILTER (WHERE NOT f.retracted) AS live
					FROM bandit.feedback f
					WHERE f.decision_id = d.decision_id
						AND f.bandit = d.bandit AND f.item_id = i.item
					HAVING fresh
					UNION ALL
					SELECT s.known, s.pulls, s.live
					FROM bandit_internal.item_state(d.decision_id, d.bandit,
						i.item, i.arm) s
					WHERE NOT fresh) AS r
				WHERE d.variant <> 'control' AND i.arm IS NOT NULL
			), silent AS (
				SELECT i.*, CASE
						WHEN settings.examination = 1 OR i.place <= i.last THEN 1
						WHEN settings.examination = 0 THEN 0
						WHEN (i.place - i.last) * ln(settings.examination) < -20
							THEN 0
						ELSE round(settings.examination ^ (i.place - i.last)
							* 1048576) / 1048576 END AS weight
				FROM items i
				WHERE i.trains
			), said AS (
				-- a row for every arm, also with no silent item: responses
				-- that are taken back later must find that silence counts
				SELECT s.decision_id, s.bandit, s.context_hash, s.arm,
					NULL::bigint AS item, 'silence' AS kind,
					count(*) FILTER (WHERE s.live = 0) AS pulls,
					count(*) FILTER (WHERE s.live = 0)::float8 AS weight
				FROM silent s
				WHERE silence IS NOT NULL AND settings.examination = 1
				GROUP BY s.decision_id, s.bandit, s.context_hash, s.arm
				UNION ALL
				SELECT s.decision_id, s.bandit, s.context_hash, s.arm, s.item,
					'silence', 1, s.weight
				FROM silent s
				WHERE silence IS NOT NULL AND settings.examination < 1
					AND s.live = 0 AND s.weight > 0
				UNION ALL
				SELECT d.decision_id, d.bandit, d.context_hash, p.arm, NULL,
					'silence', 1, 1
				FROM done d
				CROSS JOIN LATERAL unnest(d.picks) AS p(arm)
				CROSS JOIN LATERAL bandit_internal.item_state(d.decision_id,
					d.bandit, NULL, p.arm) AS r
				WHERE silence IS NOT NULL AND d.variant <> 'control'
					AND d.items IS NULL AND r.live = 0
			), ledger AS (
				INSERT INTO bandit.feedback (decision_id, bandit, item_id, arm,
					kind, context_hash, reward, priority, successes, failures,
					pulls, retracted)
				SELECT s.decision_id, s.bandit, s.item, s.arm, s.kind,
					s.context_hash, silence, 0, s.weight * silence,
					s.weight * (1 - silence), s.pulls, false
				FROM said s
				UNION ALL
				-- responses of different kinds that could not see each other,
				-- or thought that silence had been counted
				SELECT i.decision_id, i.bandit, i.item, i.arm, 'correction',
					i.context_hash, NULL, 0, c.successes, c.failures, c.pulls,
					true
				FROM (
					SELECT i.decision_id, i.bandit, i.context_hash, i.item, i.arm
					FROM items i
					WHERE i.trains
						AND (i.known > 1 OR i.known = 1 AND i.pulls <> 1)
					UNION ALL
					SELECT d.decision_id, d.bandit, d.context_hash, NULL, p.arm
					FROM done d
					CROSS JOIN LATERAL unnest(d.picks) AS p (arm)
					CROSS JOIN LATERAL bandit_internal.item_state(
						d.decision_id, d.bandit, NULL, p.arm) AS r
					WHERE d.items IS NULL AND d.variant <> 'control'
						AND r.live > 0 AND r.pulls <> 1
				) AS i
				CROSS JOIN LATERAL bandit_internal.item_shortfall(
					i.decision_id, i.bandit, i.item, i.arm) AS c
				WHERE (abs(c.successes) > 1e-12 OR abs(c.failures) > 1e-12
						OR c.pulls <> 0)
				RETURNING context_hash, arm, successes, failures, pulls
			)
			SELECT l.context_hash, l.arm, sum(l.successes) AS successes,
				sum(l.failures) AS failures,
				sum(l.pulls)::bigint AS pulls, 0::bigint AS decisions
			FROM ledger l
			GROUP BY l.context_hash, l.arm
			UNION ALL
			SELECT NULL, NULL, NULL, NULL, NULL, count(*) FROM done
		LOOP
			settled := settled + share.decisions;
			CONTINUE WHEN share.arm IS NULL;
			IF cardinality(contexts) < 1000 THEN
				contexts := contexts || share.context_hash;
			END IF;
			PERFORM bandit_internal.add_evidence(settings.name, share.context_hash,
				share.arm, share.successes, share.failures, share.pulls);
		END LOOP;
		total := total + settled;
		EXIT WHEN settled < batch;
	END LOOP;

	-- in passing, where nobody else puts the evidence in order
	IF cardinality(contexts) > 0
		AND current_setting('transaction_isolation') = 'read committed' THEN
		PERFORM FROM bandit.bandits b WHERE b.name = settings.name
			FOR NO KEY UPDATE SKIP LOCKED;
		IF FOUND THEN
			PERFORM bandit_internal.fold_slots(settings.name, contexts);
		END IF;
	END IF;
	RETURN total;
END
$$;
COMMENT ON FUNCTION bandit.settle(text, timestamptz, int) IS
'Closes the decisions whose attribution window had passed at that time and returns how many. Every item (or arm) of theirs that nobody responded to becomes a failure of its arm, or what the bandit''s on_silence says; where bandits.examination is below 1, items below the last one that was responded to count by how probably they were looked at. Works in batches of decisions; several sessions may settle at once. A decision that a response is being written for is left for the next time. A response that comes later corrects what silence said; and what responses of different kinds at the same moment counted twice is put right.';
-- Watches: triggers on the user's own tables that learn from their rows.

CREATE FUNCTION bandit_internal.watch_triggers(source regclass, bandit text, kind text)
RETURNS TABLE (name text, inherited boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- pg_trigger keeps arguments in the server's encoding, each ended by \0
	SELECT t.tgname::text, t.tgparentid <> 0
	FROM pg_catalog.pg_trigger t,
		LATERAL (SELECT
			convert_to(watch_triggers.bandit, getdatabaseencoding())
			|| '\x00'::bytea
			|| convert_to(watch_triggers.kind, getdatabaseencoding())
			|| '\x00'::bytea) AS a (opening)
	WHERE t.tgrelid = watch_triggers.source
		AND t.tgfoid = 'bandit.learn()'::regprocedure
		AND substr(t.tgargs, 1, length(a.opening)) = a.opening
	ORDER BY t.tgname;
END;

COMMENT ON FUNCTION bandit_internal.watch_triggers(regclass, text, text) IS
'Names of the triggers by which a bandit learns responses of a kind from a table, and whether a partition has them from its parent. Found by what they call, not by their names.';

CREATE FUNCTION bandit_internal.new_trigger_name(source regclass, bandit text,
	kind text, suffix text DEFAULT '')
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	fresh text := format('bandit_%s_%s%s', new_trigger_name.kind,
						 new_trigger_name.bandit, new_trigger_name.suffix);
BEGIN
	-- names joined by _ may meet: a_b of c, and a of b_c
	IF octet_length(fresh) > 63
		OR EXISTS (SELECT FROM pg_trigger t
				   WHERE t.tgrelid = new_trigger_name.source
						AND t.tgname = fresh) THEN
		WHILE octet_length(fresh) > 54 LOOP
			fresh := left(fresh, -1);
		END LOOP;
		fresh := fresh || '_' || left(md5(concat_ws(chr(1),
			new_trigger_name.kind, new_trigger_name.bandit,
			new_trigger_name.suffix)), 8);
	END IF;
	RETURN fresh;
END;
$$;

COMMENT ON FUNCTION bandit_internal.new_trigger_name(regclass, text, text, text) IS
'A name for a trigger that watches a table: bandit_<kind>_<bandit><suffix>, cut and made unique by a hash where it would be longer than 63 bytes or taken.';

CREATE FUNCTION bandit_internal.drop_watch_triggers(bandit text, source regclass,
	kind text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one text;
BEGIN
	FOR one IN
		SELECT t.name FROM bandit_internal.watch_triggers(drop_watch_triggers.source,
			drop_watch_triggers.bandit, drop_watch_triggers.kind) t
		WHERE NOT t.inherited
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', one, drop_watch_triggers.source);
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.drop_watch_triggers(text, regclass, text) IS
'Drops the triggers of a watch; triggers or a table that are gone already are no error. Errors: insufficient_privilege unless the caller owns the table.';

CREATE FUNCTION bandit_internal.create_watch_triggers(w bandit.watches)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	plain boolean;
	call text := format('FOR EACH ROW EXECUTE FUNCTION bandit.learn(%L, %L, %L, %L, %L)',
		w.bandit, w.kind, w.user_column, w.item_column,
		coalesce(w.value_column, ''));
BEGIN
	-- where a row trigger may see all rows of its statement, it reads ahead
	SELECT c.relkind = 'r' AND NOT c.relispartition
		AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
	INTO plain FROM pg_class c WHERE c.oid = w.source;
	IF plain THEN
		EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s'
			' REFERENCING NEW TABLE AS bandit_new_rows %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind), w.source,
			call);
		EXECUTE format('CREATE TRIGGER %I AFTER UPDATE OR DELETE ON %s %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind, '_changed'),
			w.source, call);
	ELSE
		EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %s %s',
			bandit_internal.new_trigger_name(w.source, w.bandit, w.kind), w.source,
			call);
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.create_watch_triggers(bandit.watches) IS
'Makes the triggers of a watch. An ordinary table gets two, one of them with a transition table, in which bulk loads are looked at together; a partition, a partitioned table and an inheritance child, which may not have such a trigger, get one.';

CREATE FUNCTION bandit_internal.require_rule(bandit text, kind text)
RETURNS bandit.outcome_rules
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	rule bandit.outcome_rules;
BEGIN
	PERFORM bandit_internal.check_name('kind', require_rule.kind);
	SELECT o.* INTO rule FROM bandit.outcome_rules o
	WHERE o.bandit = require_rule.bandit AND o.kind = require_rule.kind;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" has no outcome rule for "%"', require_rule.bandit, require_rule.kind
			USING ERRCODE = 'undefined_object',
				HINT = format('Say what such a response means, for example: INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES (%L, %L, ''success'').',
					require_rule.bandit, require_rule.kind);
	END IF;
	RETURN rule;
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_rule(text, text) IS
'The outcome rule of a bandit for a kind of response. Errors: undefined_object when there is none; null_value_not_allowed.';

CREATE FUNCTION bandit_internal.same_column(source regclass, use text, name text)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT f.name
	FROM bandit_internal.fitting_columns(same_column.source, same_column.use) f
	WHERE f.name = same_column.name;
END;

COMMENT ON FUNCTION bandit_internal.same_column(regclass, text, text) IS
'The name, if the table has a column of that name whose type suits the use; else NULL.';

CREATE FUNCTION bandit_internal.find_watch_columns(wanted bandit.watches)
RETURNS bandit.watches
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	r bandit.recommenders;
	rule bandit.outcome_rules;
	keys record;
BEGIN
	SELECT o.* INTO r FROM bandit.recommenders o
	WHERE o.bandit = wanted.bandit;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" is not a recommender', wanted.bandit
			USING ERRCODE = 'wrong_object_type',
				HINT = 'A row leads to its decision by user and item. For any other bandit call bandit.reward with the decision_id.';
	END IF;
	rule := bandit_internal.require_rule(wanted.bandit, wanted.kind);

	-- a column named as in the ratings means the same, then a foreign key
	SELECT min(k.source_column) AS item INTO keys
	FROM bandit_internal.foreign_keys(wanted.source, r.items) k HAVING count(*) = 1;
	wanted.user_column := bandit_internal.find_column(wanted.source, 'user',
		coalesce(wanted.user_column,
				 bandit_internal.same_column(wanted.source, 'user', r.user_column)),
		'user_column', required => true);
	wanted.item_column := bandit_internal.find_column(wanted.source, 'item',
		coalesce(wanted.item_column,
				 bandit_internal.same_column(wanted.source, 'item', r.item_column),
				 keys.item),
		'item_column', bandit_internal.item_names(r.items), true);
	IF rule.outcome IS NULL THEN
		wanted.value_column := bandit_internal.find_column(wanted.source, 'value',
			coalesce(wanted.value_column,
					 bandit_internal.same_column(wanted.source, 'value', r.value_column)),
			'value_column', ARRAY[bandit_internal.plain_name(wanted.kind)], true);
	ELSE
		-- what such a rule says does not depend on a value
		wanted.value_column := bandit_internal.find_column(wanted.source, 'value',
			coalesce(wanted.value_column, ''), 'value_column');
	END IF;

	PERFORM bandit_internal.check_key_type(wanted.source, c, r.key_type)
	FROM unnest(ARRAY[wanted.user_column, wanted.item_column]) AS c;
	RETURN wanted;
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_watch_columns(bandit.watches) IS
'A watch''s row with every column that was not named found: by the recommender''s own names, by a foreign key to its items, by name and type. Errors: wrong_object_type for a bandit that is no recommender, undefined_object without an outcome rule, and those of bandit_internal.find_column and bandit_internal.check_key_type.';

CREATE FUNCTION bandit.watch(name text, source regclass, kind text,
	user_column text DEFAULT NULL, item_column text DEFAULT NULL,
	value_column text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	w bandit.watches;
BEGIN
	PERFORM bandit_internal.lock_bandit(watch.name);
	PERFORM bandit_internal.check_relation('source', watch.source, 'rp');
	w.bandit := watch.name;
	w.source := watch.source;
	w.kind := watch.kind;
	w.user_column := watch.user_column;
	w.item_column := watch.item_column;
	w.value_column := watch.value_column;
	w := bandit_internal.find_watch_columns(w);

	INSERT INTO bandit.watches SELECT w.* ON CONFLICT DO NOTHING;
	IF NOT FOUND OR EXISTS (SELECT
		FROM bandit_internal.watch_triggers(w.source, w.bandit, w.kind) t
		WHERE t.inherited)
	THEN
		RAISE EXCEPTION 'bandit "%" already learns "%" from %', w.bandit, w.kind, w.source
			USING ERRCODE = 'duplicate_object',
				HINT = 'To change the columns call bandit.unwatch first.';
	END IF;
	-- those that a bandit of that name left behind when it was dropped
	PERFORM bandit_internal.drop_watch_triggers(w.bandit, w.source, w.kind);
	PERFORM bandit_internal.create_watch_triggers(w);
	RAISE NOTICE 'bandit "%" learns "%" from % (%)', w.bandit, w.kind,
		w.source, concat_ws(', ', format('user %I', w.user_column),
			format('item %I', w.item_column),
			format('value %s', coalesce(quote_ident(w.value_column), 'none')));
END;
$$;

COMMENT ON FUNCTION bandit.watch(text, regclass, text, text, text, text) IS
'Makes a recommender learn from the rows of a table: a row inserted, changed or deleted there is a response of that kind learnt, changed or un-learned. Installs row triggers, so it takes the right to do so, and says in a notice which columns it reads. A bulk load is looked at in pieces, not row by row; an ordinary table''s trigger on INSERT has a transition table for that, so the table can become a partition or an inheritance child only after bandit.unwatch; watch the parent then. TRUNCATE teaches nothing and takes nothing back. Columns that are not named are found as bandit.create_recommender does, and first of all by the names that the ratings have. kind: one that has a row in bandit.outcome_rules; value_column is needed, and looked for, only where that rule looks at values.
Errors: undefined_object, duplicate_object, wrong_object_type (not a table of this database, or no recommender), ambiguous_column, undefined_column, datatype_mismatch, insufficient_privilege.';

CREATE FUNCTION bandit.unwatch(name text, source regclass,
	kind text DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	one text;
	removed int := 0;
BEGIN
	PERFORM bandit_internal.lock_bandit(unwatch.name);
	FOR one IN
		DELETE FROM bandit.watches w
		WHERE w.bandit = unwatch.name AND w.source = unwatch.source
			AND (unwatch.kind IS NULL OR w.kind = unwatch.kind)
		RETURNING w.kind
	LOOP
		PERFORM bandit_internal.drop_watch_triggers(unwatch.name, unwatch.source, one);
		removed := removed + 1;
	END LOOP;
	RETURN removed;
END;
$$;

COMMENT ON FUNCTION bandit.unwatch(text, regclass, text) IS
'Stops learning from a table, for one kind of response or for all, and drops the triggers. A table that is not watched teaches nothing, even where a trigger stayed behind. Returns the number of watches removed, 0 when there were none. What was learnt stays. Errors: undefined_object, insufficient_privilege.';
-- Retention: partitions of decisions and feedback, made ahead, dropped by age.
--
-- A response never waits long for any of this.  What takes time is done
-- before or after the locks that it would meet: partitions are created before
-- they are attached, and summed up after they were detached, one call later.
-- Locks are taken in this order: checkpoints, then decisions, then feedback.

CREATE FUNCTION bandit_internal.partitions(parent regclass,
	OUT partition regclass, OUT first_id uuid, OUT end_id uuid,
	OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT p.partition, p.first_id, p.end_id,
		coalesce(bandit.decision_time(p.first_id), '-infinity'),
		coalesce(bandit.decision_time(p.end_id), 'infinity')
	FROM (
		SELECT c.oid::regclass AS partition,
			substring(b.bound FROM 'FROM \(''([^'']+)''')::uuid AS first_id,
			substring(b.bound FROM 'TO \(''([^'']+)''')::uuid AS end_id
		FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid
		CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS b (bound)
		WHERE i.inhparent = partitions.parent
			AND b.bound LIKE 'FOR VALUES FROM (%'
	) AS p
	ORDER BY p.first_id NULLS FIRST;
END;

COMMENT ON FUNCTION bandit_internal.partitions(regclass) IS
'The partitions of decisions or feedback, but for the default one, by time: the first id, and the first one after it, of each; as times too. A bound that is not there is a null id and an infinite time.';

CREATE FUNCTION bandit_internal.lock_briefly(VARIADIC tables regclass[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
SET deadlock_timeout = '50ms'
AS $$
DECLARE
	wanted text;
	holders text;
BEGIN
	SELECT string_agg('ONLY ' || t.name::text, ', ' ORDER BY t.place) INTO wanted
	FROM unnest(tables) WITH ORDINALITY AS t (name, place);
	FOR attempt IN 1 .. 60 LOOP
		BEGIN
			EXECUTE 'LOCK TABLE ' || wanted || ' IN ACCESS EXCLUSIVE MODE';
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			-- whoever queued behind this goes first
			PERFORM pg_sleep(least(0.05 * attempt, 1));
		END;
	END LOOP;

	SELECT string_agg(DISTINCT l.pid::text, ', ') INTO holders
	FROM pg_locks l
	WHERE l.locktype = 'relation' AND l.relation = ANY (tables) AND l.granted
		AND l.pid <> pg_backend_pid()
		AND l.database = (SELECT d.oid FROM pg_database d
						  WHERE d.datname = current_database());
	RAISE EXCEPTION 'could not lock % within a minute', array_to_string(tables, ', ')
		USING ERRCODE = 'lock_not_available',
			DETAIL = 'Used by the transactions of these processes: '
				|| coalesce(holders, 'none any more') || '.',
			HINT = 'Nothing was changed. Call it again when no long transaction uses them.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.lock_briefly(regclass[]) IS
'Locks these tables, without their children, against everything until the transaction ends. Asks for a tenth of a second at a time, so that nobody queues behind it for longer, and is itself the one to yield in a deadlock; for a minute. Errors: lock_not_available.';

CREATE FUNCTION bandit_internal.missing_partitions(at timestamptz,
	ahead interval, width interval,
	OUT parent regclass, OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
BEGIN ATOMIC
	WITH existing AS (
		SELECT t.parent, t.place, coalesce((
				SELECT range_agg(tstzrange(p.starts, p.ends))
				FROM bandit_internal.partitions(t.parent) p), '{}') AS ranges
		FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
			WITH ORDINALITY AS t (parent, place)
	)
	-- weeks start on Monday
	SELECT e.parent, lower(g.gap), upper(g.gap)
	FROM existing e
	CROSS JOIN generate_series(
		date_bin(width, at, '2001-01-01 00:00+00'), at + ahead, width)
		AS s (starts)
	CROSS JOIN unnest(tstzmultirange(tstzrange(s.starts, s.starts + width))
		- e.ranges) AS g (gap)
	ORDER BY lower(g.gap), e.place;
END;

COMMENT ON FUNCTION bandit_internal.missing_partitions(timestamptz, interval, interval) IS
'What has to be made for decisions and feedback to have partitions of that width from "at" to "at" plus "ahead": the parts of multiples of width, counted from Monday, 2001-01-01 in UTC, that no partition covers.';

CREATE FUNCTION bandit_internal.create_partition(parent regclass,
	starts timestamptz, ends timestamptz)
RETURNS regclass
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	-- a time without zone, in UTC
	begins timestamp := create_partition.starts AT TIME ZONE 'UTC';
	kind text := (SELECT c.relname FROM pg_class c WHERE c.oid = parent);
	name text := kind || to_char(begins, '_YYYYMMDD')
		|| CASE WHEN begins::time <> '00:00' THEN to_char(begins, '_HH24MISS') ELSE '' END;
BEGIN
	EXECUTE format('CREATE TABLE bandit.%I (LIKE bandit.%I INCLUDING ALL)',
		name, kind || '_default');
	EXECUTE format('COMMENT ON TABLE bandit.%I IS %L', name, format(
		'Partition of bandit.%s: decisions from %s to before %s, see bandit.make_partitions.',
		kind, starts, ends));
	RETURN format('bandit.%I', name)::regclass;
END;
$$;

COMMENT ON FUNCTION bandit_internal.create_partition(regclass, timestamptz, timestamptz) IS
'Creates, but does not attach, a table for the rows of decisions or feedback of that time, with the keys and indexes of the default partition. Named after the start, in UTC.';

CREATE FUNCTION bandit.make_partitions(ahead interval DEFAULT '7 days',
	width interval DEFAULT '1 day', at timestamptz DEFAULT pg_catalog.now(),
	OUT partition regclass, OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	missing record;
	skipped timestamptz;
	new_tables regclass[] := '{}';
	parents regclass[] := '{}';
	bounds uuid[] := '{}';
	first_id uuid;
	end_id uuid;
BEGIN
	IF (width >= '1 minute' AND extract(year FROM width) = 0
		AND extract(month FROM width) = 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'width must be at least a minute, in days or smaller units, not %', coalesce(width::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (ahead >= '0' AND ahead < 1000 * width) IS NOT TRUE THEN
		RAISE EXCEPTION 'ahead must be less than 1000 times width, and not negative, not %', coalesce(ahead::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF isfinite(at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a finite time'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	-- one maker at a time; decisions, feedback and verify go on
	LOCK TABLE ONLY bandit.checkpoints IN SHARE UPDATE EXCLUSIVE MODE;
	FOR missing IN
		SELECT m.* FROM bandit_internal.missing_partitions(at, ahead, width) m
	LOOP
		first_id := bandit.first_decision_id(missing.starts);
		end_id := bandit.first_decision_id(missing.ends);
		IF EXISTS (SELECT FROM bandit.decisions_default d
				WHERE d.decision_id >= first_id AND d.decision_id < end_id)
			OR EXISTS (SELECT FROM bandit.feedback_default f
				WHERE f.decision_id >= first_id AND f.decision_id < end_id)
		THEN
			IF missing.starts IS DISTINCT FROM skipped THEN
				RAISE NOTICE 'no partition is made from % to %, for the default partition has rows of that time', missing.starts, missing.ends
					USING HINT = 'They stay there until bandit.drop_partitions deletes them by age.';
			END IF;
			skipped := missing.starts;
			CONTINUE;
		END IF;
		parents := parents || missing.parent;
		new_tables := new_tables || bandit_internal.create_partition(
			missing.parent, missing.starts, missing.ends);
		bounds := bounds || first_id || end_id;
	END LOOP;
	IF new_tables = '{}' THEN
		RETURN;
	END IF;

	PERFORM bandit_internal.lock_briefly('bandit.decisions_default',
										 'bandit.feedback_default');
	FOR i IN 1 .. cardinality(new_tables) LOOP
		EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
			parents[i], new_tables[i], bounds[2 * i - 1], bounds[2 * i]);
		partition := new_tables[i];
		starts := bandit.decision_time(bounds[2 * i - 1]);
		ends := bandit.decision_time(bounds[2 * i]);
		RETURN NEXT;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit.make_partitions(interval, interval, timestamptz) IS
'Makes the partitions of decisions and feedback that are missing from "at" to "at" plus "ahead", each as wide as "width" (at least a minute, in days or smaller units; days and weeks begin at midnight UTC, weeks on Monday), and returns them with the times of their decisions. What is there already, of whatever width, is left alone, so it can be called at any time, by several sessions at once. A time of which the default partition has rows gets no partition, and a notice.
Locks: what is new is attached while both default partitions are locked exclusively, which reads each of them once per partition; SHARE UPDATE EXCLUSIVE on decisions and feedback. Errors: invalid_parameter_value; lock_not_available when a long transaction is in the way for a minute; check_violation when a decision for such a time was logged meanwhile: call it again.';

CREATE FUNCTION bandit_internal.checkpoint(source regclass,
	before uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source_rows text;
	summed bigint;
BEGIN
	IF before IS NULL THEN
		source_rows := format('SELECT f.* FROM ONLY %s f', source);
	ELSE
		-- a response that is being changed right now has another turn
		source_rows := format('DELETE FROM ONLY %1$s f USING (
				SELECT x.ctid AS place FROM ONLY %1$s x
				WHERE x.decision_id < $1 AND NOT EXISTS (
					SELECT FROM bandit.decisions d
					WHERE d.decision_id < $1 AND d.decision_id = x.decision_id
						AND d.bandit = x.bandit)
				FOR UPDATE OF x SKIP LOCKED) AS old
			WHERE f.ctid = old.place RETURNING f.*', source);
	END IF;
	EXECUTE format($sql$
		WITH gone AS (%s), sums AS (
			SELECT g.bandit, g.context_hash, g.arm,
				sum(bandit_internal.aged(g.successes, g.received_at, now(),
					b.half_life)) AS successes,
				sum(bandit_internal.aged(g.failures, g.received_at, now(),
					b.half_life)) AS failures,
				sum(g.pulls)::bigint AS pulls, count(*) AS summed
			FROM gone g LEFT JOIN bandit.bandits b ON b.name = g.bandit
			GROUP BY g.bandit, g.context_hash, g.arm
		), added AS (
			INSERT INTO bandit.checkpoints AS c (bandit, context_hash, arm,
				successes, failures, pulls, received_at)
			SELECT s.bandit, s.context_hash, s.arm, s.successes, s.failures,
				s.pulls, now()
			FROM sums s
			WHERE s.successes <> 0 OR s.failures <> 0 OR s.pulls <> 0
			ON CONFLICT (bandit, context_hash, arm) DO UPDATE SET
				successes = excluded.successes + bandit_internal.aged(
					c.successes, c.received_at, now(),
					(SELECT b.half_life FROM bandit.bandits b
					 WHERE b.name = c.bandit)),
				failures = excluded.failures + bandit_internal.aged(
					c.failures, c.received_at, now(),
					(SELECT b.half_life FROM bandit.bandits b
					 WHERE b.name = c.bandit)),
				pulls = c.pulls + excluded.pulls,
				received_at = excluded.received_at
		)
		SELECT coalesce(sum(s.summed), 0) FROM sums s$sql$, source_rows)
	INTO summed USING before;
	RETURN summed;
END;
$$;

COMMENT ON FUNCTION bandit_internal.checkpoint(regclass, uuid) IS
'Adds up what the rows of a detached partition of feedback had added to the evidence, to bandit.checkpoints, and returns how many rows that were. With an id, only rows before it whose decision is gone, and deletes them. Sums are exact, rewards being multiples of 2^-20; those of a bandit with a half-life are aged to now(). The caller has locked bandit.checkpoints and removes what was summed in the same transaction.';

CREATE FUNCTION bandit_internal.old_partitions(at timestamptz,
	older_than interval, OUT partition regclass, OUT open_bandit text,
	OUT unsettled bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
BEGIN ATOMIC
	SELECT p.partition, d.open_bandit,
		CASE t.place WHEN 1 THEN d.unsettled ELSE 0 END
	FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
		WITH ORDINALITY AS t (parent, place)
	CROSS JOIN LATERAL bandit_internal.partitions(t.parent) p
	CROSS JOIN LATERAL (
		SELECT min(b.name) FILTER (WHERE d.decision_id
				>= bandit.first_decision_id(at - b.attribution_window))
				AS open_bandit,
			count(*) FILTER (WHERE b.on_silence <> 'nothing') AS unsettled
		FROM bandit.bandits b
		JOIN bandit.decisions d ON d.bandit = b.name
		WHERE d.settled_at IS NULL AND d.decision_id < p.end_id
			AND d.decision_id >= coalesce(p.first_id,
				'00000000-0000-0000-0000-000000000000')
	) AS d
	WHERE p.ends <= at - older_than
	ORDER BY t.place, p.starts;
END;

COMMENT ON FUNCTION bandit_internal.old_partitions(timestamptz, interval) IS
'The partitions of decisions, then those of feedback, that are older than that at a time. open_bandit: a bandit that has a decision of their time which is neither settled nor out of its attribution window; NULL: none. unsettled: of decisions, how many are not settled whose silence would count.';

CREATE FUNCTION bandit_internal.delete_old(at timestamptz,
	older_than interval, OUT partition text, OUT deleted bigint,
	OUT unsettled bigint)
RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	before uuid := bandit.first_decision_id(at - older_than);
BEGIN
	partition := 'bandit.decisions_default';
	WITH old AS (
		SELECT d.ctid AS place FROM ONLY bandit.decisions_default d
		WHERE d.decision_id < before
			AND (d.settled_at IS NOT NULL OR NOT EXISTS (
				SELECT FROM bandit.bandits b
				WHERE b.name = d.bandit AND d.decision_id
					>= bandit.first_decision_id(at - b.attribution_window)))
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM ONLY bandit.decisions_default d USING old
		WHERE d.ctid = old.place
		RETURNING d.bandit, d.settled_at
	)
	SELECT count(*), count(*) FILTER (WHERE g.settled_at IS NULL
		AND b.on_silence <> 'nothing')
	INTO deleted, unsettled
	FROM gone g LEFT JOIN bandit.bandits b ON b.name = g.bandit;
	RETURN NEXT;
	partition := 'bandit.feedback_default';
	unsettled := 0;
	deleted := bandit_internal.checkpoint('bandit.feedback_default', before);
	RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION bandit_internal.delete_old(timestamptz, interval) IS
'Deletes from the default partitions the decisions that are older than that at a time, but for those that are open, and sums up and deletes the feedback on what is gone. Returns how many rows each lost, and how many of those were not settled and silence would count. Only rows that nobody else has locked go; a response that is on its way to such a decision may still be learnt, as if it were the first.';

CREATE FUNCTION bandit_internal.detach_partitions(going regclass[],
	OUT partition text, OUT starts timestamptz, OUT ends timestamptz,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
BEGIN
	PERFORM bandit_internal.lock_briefly(VARIADIC
		'{bandit.decisions,bandit.decisions_default,bandit.feedback,bandit.feedback_default}'::regclass[]
		|| going);
	FOR old IN
		SELECT t.parent, p.*
		FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
			WITH ORDINALITY AS t (parent, place)
		CROSS JOIN LATERAL bandit_internal.partitions(t.parent) p
		WHERE p.partition = ANY (going)
		ORDER BY t.place, p.starts
	LOOP
		partition := old.partition::text;
		starts := old.starts;
		ends := old.ends;
		IF old.parent = 'bandit.decisions'::regclass THEN
			EXECUTE format('DROP TABLE %s', old.partition);
			action := 'dropped';
		ELSE
			EXECUTE format('ALTER TABLE bandit.feedback DETACH PARTITION %s', old.partition);
			EXECUTE format('ALTER TABLE %s INHERIT bandit.checkpoints', old.partition);
			action := 'detached';
		END IF;
		RETURN NEXT;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.detach_partitions(regclass[]) IS
'Drops these partitions of decisions, and makes those of feedback children of bandit.checkpoints. Holds its locks until the transaction ends, so it should be the last thing in it.';

CREATE FUNCTION bandit.drop_partitions(
	older_than interval DEFAULT '90 days',
	at timestamptz DEFAULT pg_catalog.now(),
	OUT partition text, OUT starts timestamptz, OUT ends timestamptz,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	old record;
	going regclass[] := '{}';
	unsettled bigint := 0;
BEGIN
	IF (older_than >= '0') IS NOT TRUE THEN
		RAISE EXCEPTION 'older_than must not be negative, not %', coalesce(older_than::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF isfinite(at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a finite time'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
		-- an old snapshot would not see all that it sums up
		RAISE EXCEPTION 'partitions can only be dropped at READ COMMITTED'
			USING ERRCODE = 'invalid_transaction_state';
	END IF;

	-- one at a time, and not while a bandit is dropped
	LOCK TABLE ONLY bandit.checkpoints IN SHARE ROW EXCLUSIVE MODE;

	-- what the last call detached: nobody but verify looks at it
	FOR partition IN
		SELECT i.inhrelid::regclass::text FROM pg_inherits i
		WHERE i.inhparent = 'bandit.checkpoints'::regclass ORDER BY 1
	LOOP
		PERFORM bandit_internal.checkpoint(partition::regclass);
		EXECUTE format('DROP TABLE %s', partition);
		action := 'dropped';
		RETURN NEXT;
	END LOOP;

	FOR old IN SELECT * FROM bandit_internal.delete_old(at, older_than) LOOP
		unsettled := unsettled + old.unsettled;
		CONTINUE WHEN old.deleted = 0;
		partition := old.partition;
		ends := at - older_than;
		action := format('deleted %s rows', old.deleted);
		RETURN NEXT;
	END LOOP;

	FOR old IN SELECT * FROM bandit_internal.old_partitions(at, older_than) LOOP
		IF old.open_bandit IS NULL THEN
			going := going || old.partition;
			unsettled := unsettled + old.unsettled;
		ELSE
			RAISE NOTICE '% stays, for decisions of bandit "%" are still open', old.partition, old.open_bandit
				USING HINT = 'Their attribution window has not passed.';
		END IF;
	END LOOP;
	IF unsettled > 0 THEN
		RAISE WARNING '% decisions are dropped that were never settled', unsettled
			USING DETAIL = 'The silence of their items was not counted.',
				HINT = 'Call bandit.settle for every bandit before bandit.drop_partitions.';
	END IF;
	IF going <> '{}' THEN
		RETURN QUERY SELECT * FROM bandit_internal.detach_partitions(going);
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit.drop_partitions(interval, timestamptz) IS
'Retention: lets go of decisions and feedback that are older than older_than, at the time "at", without losing what was learnt; returns what was done. A partition of decisions is dropped once all of it is too old; its feedback is detached at the same time, counts on as a child of bandit.checkpoints, and at the next call it is summed up there and dropped. So call it regularly, say daily; what it frees of feedback is free a call later. Rows in the default partitions that are too old are summed up and deleted one by one.
What has a decision that is not settled and still within its bandit''s attribution window stays, with a notice. Decisions that should have been settled are a warning: their silence will never count. What becomes of a dropped decision can no longer be learnt, changed or taken back: reward calls it unknown, a trigger does nothing. bandit.verify goes on to hold.
Locks: decisions, feedback, their default partitions and those that go, exclusively, at the end and however large they are for no longer than it takes to change the catalog (DETACH CONCURRENTLY cannot be had: it refuses where there is a default partition). Whoever drops a bandit meanwhile waits. Errors: invalid_parameter_value; invalid_transaction_state but at READ COMMITTED; lock_not_available when a long transaction is in the way for a minute; dependent_objects_still_exist where somebody''s view depends on a partition.';
-- Back-off: a context that has seen little borrows from those like it.

CREATE FUNCTION bandit_internal.moment_strength(successes float8[],
	trials float8[], families bigint[], OUT pooled_rate float8,
	OUT rho float8, OUT strength float8)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH siblings AS (
		SELECT t.s, t.n, t.family,
			sum(t.s) OVER w / sum(t.n) OVER w AS p
		FROM unnest(successes, trials, families) AS t (s, n, family)
		WINDOW w AS (PARTITION BY t.family)
	), spread AS (
		SELECT sum(f.spread) - sum(f.members - 1) AS excess,
			sum(f.c) - sum(f.members - 1) AS scale
		FROM (
			SELECT count(*) AS members,
				sum(b.n * (b.s / b.n - b.p) ^ 2) / (min(b.p) * (1 - min(b.p))) AS spread,
				sum(b.n) - sum(b.n ^ 2) / sum(b.n) AS c
			FROM siblings b
			WHERE b.p > 0 AND b.p < 1
			GROUP BY b.family
		) AS f
	)
	SELECT (SELECT sum(b.s) / sum(b.n) FROM siblings b), r.rho,
		CASE WHEN r.rho > 0 THEN 1 / r.rho - 1 END
	FROM spread s
	CROSS JOIN LATERAL (SELECT s.excess / nullif(s.scale, 0)) AS r (rho);
END;

COMMENT ON FUNCTION bandit_internal.moment_strength(float8[], float8[], bigint[]) IS
'How alike the rates of siblings are, by moments (Kleinman 1973): successes and trials (greater than 0) of each, and which family, by parent, it belongs to. Within a family of rate p, S = sum n_i (p_i - p)^2 and c = N - sum n_i^2 / N; over families rho = (sum S / (p (1 - p)) - sum (k - 1)) / (sum c - sum (k - 1)), and strength = 1 / rho - 1, in observations. pooled_rate is that of all together. Families whose rate is 0 or 1 say nothing. rho is NULL where it cannot be known; strength is NULL where rho is not positive: no more spread than chance.';

CREATE FUNCTION bandit_internal.nodes(name text, OUT level int,
	OUT context_hash bigint, OUT parent_hash bigint, OUT arm text,
	OUT successes float8, OUT failures float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
-- statistics know nothing of what is made in here: a loop would be quadratic
SET enable_nestloop = off SET jit = off
BEGIN ATOMIC
	WITH settings AS (
		SELECT b.features, b.half_life FROM bandit.bandits b
		WHERE b.name = nodes.name
	), earned AS (
		SELECT e.context_hash, e.arm,
			sum(bandit_internal.aged(e.successes, e.updated_at,
				greatest(e.updated_at, now()), s.half_life)) AS successes,
			sum(bandit_internal.aged(e.failures, e.updated_at,
				greatest(e.updated_at, now()), s.half_life)) AS failures
		FROM settings s
		JOIN bandit.evidence e ON e.bandit = nodes.name
		JOIN bandit.arms a ON a.bandit = e.bandit AND a.arm = e.arm
			AND a.role = 'arm'
		GROUP BY e.context_hash, e.arm
	), known AS (
		SELECT c.context_hash, min(c.slot) AS slot
		FROM bandit.contexts c WHERE c.bandit = nodes.name
		GROUP BY c.context_hash
	), chain AS (
		SELECT k.context_hash AS cell, l.level,
			bandit.context_hash(coalesce((
				SELECT jsonb_object_agg(f.key, f.value)
				FROM jsonb_each(c.context) f
				WHERE f.key = ANY (s.features[1:l.level])), '{}')) AS node
		FROM settings s
		CROSS JOIN known k
		JOIN bandit.contexts c ON c.bandit = nodes.name
			AND c.context_hash = k.context_hash AND c.slot = k.slot
		CROSS JOIN LATERAL generate_series(0, cardinality(s.features))
			AS l (level)
	)
	SELECT n.level, n.node, n.parent, e.arm, sum(greatest(e.successes, 0)),
		sum(greatest(e.failures, 0))
	FROM (
		SELECT c.*, lag(c.node) OVER (PARTITION BY c.cell ORDER BY c.level)
			AS parent
		FROM chain c
	) AS n
	JOIN earned e ON e.context_hash = n.cell
	GROUP BY n.level, n.node, n.parent, e.arm
	HAVING sum(greatest(e.successes, 0)) + sum(greatest(e.failures, 0)) > 0;
END;

COMMENT ON FUNCTION bandit_internal.nodes(text) IS
'The evidence of each arm in each node: the contexts that agree in their first "level" features, for every level from 0, which is all contexts, to the number of features. parent_hash is the node one level up that it belongs to; NULL at level 0. Only what is not zero.';

CREATE FUNCTION bandit.refresh_priors(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	settings bandit.bandits;
	changed bigint := 0;
BEGIN
	PERFORM bandit_internal.lock_bandit(refresh_priors.name);
	SELECT * INTO settings FROM bandit.bandits b
	WHERE b.name = refresh_priors.name;
	IF settings.backoff_strength = 0 OR cardinality(settings.features) = 0 THEN
		DELETE FROM bandit.priors p WHERE p.bandit = settings.name;
		GET DIAGNOSTICS changed = ROW_COUNT;
		RETURN changed;
	END IF;

	WITH RECURSIVE nodes AS MATERIALIZED (
		SELECT n.*, n.successes + n.failures AS n
		FROM bandit_internal.nodes(settings.name) n
	), own AS (
		SELECT a.arm, coalesce(a.prior_alpha, settings.prior_alpha) AS alpha,
			coalesce(a.prior_beta, settings.prior_beta) AS beta
		FROM bandit.arms a
		WHERE a.bandit = settings.name AND a.role = 'arm'
	), fitted AS (
		-- clamped: from hardly more than nothing to nearly equal
		SELECT n.arm, n.level, least(greatest(coalesce(
				(bandit_internal.moment_strength(array_agg(n.successes),
					array_agg(n.n), array_agg(n.parent_hash))).strength,
				1000), 2), 1000) AS strength
		FROM nodes n
		WHERE settings.backoff_strength IS NULL AND n.level > 0 AND n.n >= 1
		GROUP BY n.arm, n.level
		HAVING count(*) FILTER (WHERE n.n >= 10) >= 5
			AND sum(n.successes) > 0 AND sum(n.failures) > 0
	), strengths AS (
		-- an arm's own prior is worth at least what it says
		SELECT o.arm, l.level, greatest(o.alpha + o.beta, coalesce(
			settings.backoff_strength, f.strength, 10)) AS strength
		FROM own o
		CROSS JOIN generate_series(1, cardinality(settings.features) + 1)
			AS l (level)
		LEFT JOIN fitted f ON f.arm = o.arm AND f.level = l.level
	), tree AS (
		SELECT 0 AS level, bandit.context_hash('{}') AS context_hash, o.arm,
			o.alpha, o.beta, coalesce(n.successes, 0) AS successes,
			coalesce(n.failures, 0) AS failures,
			o.alpha + o.beta AS strength
		FROM own o
		LEFT JOIN nodes n ON n.level = 0 AND n.arm = o.arm
		UNION ALL
		SELECT n.level, n.context_hash, n.arm, b.share * b.mean,
			b.share * (1 - b.mean), n.successes, n.failures, s.strength
		FROM tree t
		JOIN nodes n ON n.level = t.level + 1 AND n.arm = t.arm
			AND n.parent_hash = t.context_hash
		JOIN strengths s ON s.arm = n.arm AND s.level = n.level
		-- what the parent believes without this node: nothing counts twice
		CROSS JOIN LATERAL (
			SELECT t.alpha + greatest(t.successes - n.successes, 0) AS alpha,
				t.beta + greatest(t.failures - n.failures, 0) AS beta
		) AS others
		CROSS JOIN LATERAL (
			SELECT others.alpha / (others.alpha + others.beta) AS mean,
				least(s.strength, others.alpha + others.beta) AS share
		) AS b
	), found AS (
		SELECT t.*, b.share * b.mean AS child_alpha,
			b.share * (1 - b.mean) AS child_beta
		FROM tree t
		JOIN strengths s ON s.arm = t.arm AND s.level = t.level + 1
		CROSS JOIN LATERAL (
			SELECT (t.alpha + t.successes)
					/ (t.alpha + t.beta + t.successes + t.failures) AS mean,
				least(s.strength, t.alpha + t.beta + t.successes + t.failures)
					AS share
		) AS b
	), gone AS (
		DELETE FROM bandit.priors p
		WHERE p.bandit = settings.name AND NOT EXISTS (
			SELECT FROM found f WHERE f.context_hash = p.context_hash
				AND f.level = p.level AND f.arm = p.arm)
		RETURNING 1
	), written AS (
		INSERT INTO bandit.priors AS p (bandit, context_hash, level, arm,
			prior_alpha, prior_beta, child_alpha, child_beta, strength,
			successes, failures)
		SELECT settings.name, f.context_hash, f.level, f.arm,
			greatest(f.alpha, 1e-300), greatest(f.beta, 1e-300),
			greatest(f.child_alpha, 1e-300), greatest(f.child_beta, 1e-300),
			f.strength, f.successes, f.failures
		FROM found f
		ON CONFLICT (bandit, context_hash, level, arm) DO UPDATE SET
			prior_alpha = excluded.prior_alpha,
			prior_beta = excluded.prior_beta,
			child_alpha = excluded.child_alpha,
			child_beta = excluded.child_beta, strength = excluded.strength,
			successes = excluded.successes, failures = excluded.failures,
			refreshed_at = excluded.refreshed_at
		WHERE (p.prior_alpha, p.prior_beta, p.child_alpha, p.child_beta)
			IS DISTINCT FROM (excluded.prior_alpha, excluded.prior_beta,
				excluded.child_alpha, excluded.child_beta)
		RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
	INTO changed;
	RETURN changed;
END;
$$;

COMMENT ON FUNCTION bandit.refresh_priors(text) IS
'Works out anew what each context borrows from its parents: itself without its last feature, and so on up to all contexts together, in the order of bandits.features. Returns the number of rows of bandit.priors that changed. Call it from time to time, as often as settle or as train: serving takes up the result at once, and between calls only a context''s own evidence moves.
A node''s prior has the mean that its parent believes without the node''s own evidence, so that nothing counts twice, and is worth min(strength, what the parent knows) observations; strength is bandits.backoff_strength, or fitted for each arm and level to the spread of siblings (Kleinman 1973) where at least 5 of them have 10 responses, within 2 and 1000, else 10; and never less than the arm''s own prior. At the top is the arm''s own prior. Hierarchical shrinkage: Casella 1985; Gelman et al., Bayesian Data Analysis, ch. 5; Hong et al. 2022. Errors: undefined_object.';
-- Views for psql and dashboards: what was learnt, in numbers and in a bar.

CREATE FUNCTION bandit_internal.context_priors(bandit text, context jsonb,
	OUT arm text, OUT alpha float8, OUT beta float8)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 6
AS 'MODULE_PATHNAME', 'bandit_context_priors';

COMMENT ON FUNCTION bandit_internal.context_priors(text, jsonb) IS
'The Beta prior of every arm of a bandit in a context, as it is served from: borrowed from the context''s parents where bandit.refresh_priors found something, else the arm''s own. A null context has nothing to borrow. Errors: undefined_object.';

CREATE VIEW bandit.bandit_states AS
SELECT c.bandit, c.context_hash, c.context, a.arm,
	p.alpha + e.successes AS alpha, p.beta + e.failures AS beta,
	e.pulls, e.successes, e.failures, e.updated_at,
	p.alpha AS prior_alpha, p.beta AS prior_beta
FROM (SELECT k.bandit, k.context_hash,
		(SELECT y.context FROM bandit.contexts y
		 WHERE y.bandit = k.bandit AND y.context_hash = k.context_hash
		 ORDER BY y.slot LIMIT 1) AS context
	  FROM (SELECT x.bandit, x.context_hash FROM bandit.contexts x
			UNION
			SELECT x.bandit, x.context_hash FROM bandit.evidence x) AS k
	 ) AS c
JOIN bandit.bandits b ON b.name = c.bandit
CROSS JOIN LATERAL bandit_internal.context_priors(b.name, c.context) AS p
JOIN bandit.arms a ON a.bandit = c.bandit AND a.arm = p.arm AND a.role = 'arm'
CROSS JOIN LATERAL (
	SELECT coalesce(sum(x.pulls), 0)::bigint AS pulls,
		coalesce(sum(bandit_internal.aged(x.successes, x.updated_at,
			greatest(x.updated_at, now()), b.half_life)), 0) AS successes,
		coalesce(sum(bandit_internal.aged(x.failures, x.updated_at,
			greatest(x.updated_at, now()), b.half_life)), 0) AS failures,
		max(x.updated_at) AS updated_at
	FROM bandit.evidence x
	WHERE x.bandit = c.bandit AND x.context_hash = c.context_hash
		AND x.arm = a.arm) AS e;

COMMENT ON VIEW bandit.bandit_states IS
'What is believed of every arm in every context met so far: Beta(alpha, beta), the prior, which may be borrowed, plus the context''s own evidence. An arm without evidence shows its prior; the control, which never learns, and removed arms do not show.';
COMMENT ON COLUMN bandit.bandit_states.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.bandit_states.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.bandit_states.context IS
'The context itself; NULL if only its hash is known here.';
COMMENT ON COLUMN bandit.bandit_states.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.bandit_states.alpha IS
'First shape of the posterior: prior plus successes; greater than 0.';
COMMENT ON COLUMN bandit.bandit_states.beta IS
'Second shape of the posterior: prior plus failures; greater than 0.';
COMMENT ON COLUMN bandit.bandit_states.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.bandit_states.successes IS
'Sum of rewards, each from 0 to 1.';
COMMENT ON COLUMN bandit.bandit_states.failures IS
'Sum of 1 minus reward over the responses that were not neutral.';
COMMENT ON COLUMN bandit.bandit_states.updated_at IS
'When it learnt last; NULL if never.';
COMMENT ON COLUMN bandit.bandit_states.prior_alpha IS
'First shape of the prior in this context: the arm''s own, or borrowed from the context''s parents, see bandit.refresh_priors.';
COMMENT ON COLUMN bandit.bandit_states.prior_beta IS
'Second shape of the same.';

CREATE FUNCTION bandit_internal.interval_bar(lower float8, mean float8, upper float8,
	scale float8, width int DEFAULT 20)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shades text[] := '{#,=,-}';
	length float8 := greatest(scale, upper, mean);
	ends int[];
BEGIN
	IF lower IS NULL OR mean IS NULL OR upper IS NULL OR scale IS NULL THEN
		RETURN NULL;
	ELSIF NOT length > 0 THEN
		RETURN repeat(' ', width);
	END IF;
	-- full block, dark shade, light shade; not every encoding has them
	IF getdatabaseencoding() = 'UTF8' THEN
		shades := ARRAY[chr(9608), chr(9619), chr(9617)];
	END IF;
	ends := ARRAY[round(width * lower / length),
				  round(width * mean / length),
				  round(width * upper / length)];
	RETURN rpad(repeat(shades[1], ends[1])
		|| repeat(shades[2], ends[2] - ends[1])
		|| repeat(shades[3], ends[3] - ends[2]), width);
END;
$$;

COMMENT ON FUNCTION bandit_internal.interval_bar(float8, float8, float8, float8, int) IS
'A bar of text, "width" characters for the length "scale": solid up to the lower end of an interval, dark up to the mean, light up to the upper end. Block characters in a UTF-8 database, else # = and -. NULL in, NULL out.';

CREATE VIEW bandit.arm_stats AS
SELECT s.bandit, s.arm, s.enabled, s.pulls, s.successes, s.failures,
	round(s.mean::numeric, 4)::float8 AS mean,
	round(s.lower::numeric, 4)::float8 AS lower,
	round(s.upper::numeric, 4)::float8 AS upper,
	round(s.pulls / nullif(sum(s.pulls) OVER every_arm, 0), 4)::float8 AS share,
	bandit_internal.interval_bar(s.lower, s.mean, s.upper,
						max(s.upper) OVER every_arm) AS bar
FROM (
	SELECT p.*, p.alpha / (p.alpha + p.beta) AS mean,
		bandit.beta_quantile(0.025, p.alpha, p.beta) AS lower,
		bandit.beta_quantile(0.975, p.alpha, p.beta) AS upper
	FROM (
		SELECT a.bandit, a.arm, a.position, a.enabled,
			coalesce(e.pulls, 0)::bigint AS pulls,
			coalesce(e.successes, 0) AS successes,
			coalesce(e.failures, 0) AS failures,
			coalesce(a.prior_alpha, b.prior_alpha)
				+ coalesce(e.successes, 0) AS alpha,
			coalesce(a.prior_beta, b.prior_beta)
				+ coalesce(e.failures, 0) AS beta
		FROM bandit.arms a
		JOIN bandit.bandits b ON b.name = a.bandit
		LEFT JOIN (
			SELECT x.bandit, x.arm, sum(x.pulls) AS pulls,
				sum(bandit_internal.aged(x.successes, x.updated_at,
					greatest(x.updated_at, now()), y.half_life)) AS successes,
				sum(bandit_internal.aged(x.failures, x.updated_at,
					greatest(x.updated_at, now()), y.half_life)) AS failures
			FROM bandit.evidence x
			JOIN bandit.bandits y ON y.name = x.bandit
			GROUP BY x.bandit, x.arm
		) AS e ON e.bandit = a.bandit AND e.arm = a.arm
		WHERE a.role = 'arm'
	) AS p
) AS s
WINDOW every_arm AS (PARTITION BY s.bandit)
ORDER BY s.bandit, s.position;

COMMENT ON VIEW bandit.arm_stats IS
'How every arm is doing over all contexts together, in order of registration. The interval is the equal-tailed 95 % credible interval of Beta(prior + evidence). The control, which never learns, does not show.';
COMMENT ON COLUMN bandit.arm_stats.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.arm_stats.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.arm_stats.enabled IS 'Whether it may be drawn.';
COMMENT ON COLUMN bandit.arm_stats.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.arm_stats.successes IS
'Sum of rewards, each from 0 to 1.';
COMMENT ON COLUMN bandit.arm_stats.failures IS
'Sum of 1 minus reward over the responses that were not neutral.';
COMMENT ON COLUMN bandit.arm_stats.mean IS
'Mean of the posterior, 0 to 1, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.lower IS
'Lower end of the 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.upper IS
'Upper end of the 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.share IS
'Share of the bandit''s pulls, 0 to 1, rounded to 4 digits; NULL before the first pull.';
COMMENT ON COLUMN bandit.arm_stats.bar IS
'The interval as 20 characters, on a scale that ends at the bandit''s largest upper end: solid up to lower, dark up to mean, light up to upper.';

CREATE VIEW bandit.context_stats AS
SELECT t.bandit, t.context_hash, t.context, t.arm, t.pulls, t.successes,
	t.failures,
	round(t.prior_alpha::numeric, 4)::float8 AS borrowed_successes,
	round(t.prior_beta::numeric, 4)::float8 AS borrowed_failures,
	round(t.mean::numeric, 4)::float8 AS mean,
	round(bandit.beta_quantile(0.025, t.alpha, t.beta)::numeric, 4)::float8
		AS lower,
	round(bandit.beta_quantile(0.975, t.alpha, t.beta)::numeric, 4)::float8
		AS upper,
	row_number() OVER (PARTITION BY t.bandit, t.context_hash
		ORDER BY t.mean DESC, t.pulls DESC, t.arm) = 1 AS leads,
	t.updated_at
FROM (
	SELECT s.*, s.alpha / (s.alpha + s.beta) AS mean
	FROM bandit.bandit_states s
) AS t;

COMMENT ON VIEW bandit.context_stats IS
'What is known of every arm in every context, a row each: its own evidence, what it borrows from its parents (the same context without its last feature, and so on, see bandit.refresh_priors; without back-off the arm''s own prior), and the two together. Removed arms and the control do not show.';
COMMENT ON COLUMN bandit.context_stats.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.context_stats.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.context_stats.context IS
'The context itself; NULL if only its hash is known here.';
COMMENT ON COLUMN bandit.context_stats.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.context_stats.pulls IS
'Responses counted in this context, neutral ones included.';
COMMENT ON COLUMN bandit.context_stats.successes IS
'Own evidence: sum of rewards in this context, each from 0 to 1, aged if the bandit forgets.';
COMMENT ON COLUMN bandit.context_stats.failures IS
'Own evidence: sum of 1 minus reward, likewise.';
COMMENT ON COLUMN bandit.context_stats.borrowed_successes IS
'Borrowed evidence: the first shape of the prior in this context, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.borrowed_failures IS
'Borrowed evidence: the second shape of the prior, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.mean IS
'The result: mean of the posterior, 0 to 1, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.lower IS
'Lower end of the equal-tailed 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.upper IS
'Upper end of the same.';
COMMENT ON COLUMN bandit.context_stats.leads IS
'Whether it has the largest posterior mean in this context; among equals the one pulled most, then the first by name.';
COMMENT ON COLUMN bandit.context_stats.updated_at IS
'When it learnt last in this context; NULL if never.';
-- Experiments: a share of the users gets the bandit, the others the control.

CREATE TABLE bandit.experiments (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	experiment uuid NOT NULL,
	period int NOT NULL CHECK (period > 0),
	allocation float8 NOT NULL CHECK (allocation BETWEEN 0 AND 1),
	planned_users int NOT NULL CHECK (planned_users > 0),
	began_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	ended_at timestamptz,
	PRIMARY KEY (bandit, experiment, period)
);

CREATE UNIQUE INDEX experiments_running ON bandit.experiments (bandit)
	WHERE ended_at IS NULL;

COMMENT ON TABLE bandit.experiments IS
'Periods of experiments: one of a bandit runs at a time, and has a new period whenever its allocation changes. A user''s side is a hash of experiment and user, so it is the same on every node.';
COMMENT ON COLUMN bandit.experiments.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.experiments.experiment IS
'The key of the hash: another one for each experiment, so that their sides are independent.';
COMMENT ON COLUMN bandit.experiments.period IS
'From 1, in order of time, within the experiment.';
COMMENT ON COLUMN bandit.experiments.allocation IS
'Share of users, 0 to 1, whom the bandit serves: those whose hash, as a share of all hashes, is below it. Raising it moves nobody out; lowering it moves users to the control.';
COMMENT ON COLUMN bandit.experiments.planned_users IS
'Users of both sides at which the always-valid interval is to be tightest, fixed at the start; planned_n of bandit.confidence_sequence_difference.';
COMMENT ON COLUMN bandit.experiments.began_at IS 'When the allocation came into force.';
COMMENT ON COLUMN bandit.experiments.ended_at IS
'When it ended; NULL while it is in force.';

CREATE FUNCTION bandit.experiment_side(name text, subject text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'bandit_experiment_side';
COMMENT ON FUNCTION bandit.experiment_side(text, text) IS
'A user''s side in the running experiment of a bandit, treatment or control; NULL when none runs. Treatment where the first 8 bytes of SHA-256(experiment || ''/'' || subject), as a share of 2^64, are below the allocation. subject: the user as in bandit.decisions, a number in decimal or the key. Errors: undefined_object.';

CREATE FUNCTION bandit_internal.check_allocation(allocation float8)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (allocation BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'allocation must be between 0 and 1, not %',
				coalesce(allocation::text, 'null')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is the share of users whom the bandit serves.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_allocation(float8) IS
'Raises invalid_parameter_value unless it is a share, 0 to 1.';

CREATE FUNCTION bandit.start_experiment(name text, allocation float8,
	planned_users int DEFAULT 10000)
RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	made uuid := gen_random_uuid();
BEGIN
	PERFORM bandit_internal.check_allocation(start_experiment.allocation);
	IF (start_experiment.planned_users > 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'planned_users must be positive'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM bandit_internal.lock_bandit(start_experiment.name);
	IF NOT EXISTS (SELECT FROM bandit.arms a
				   WHERE a.bandit = start_experiment.name AND a.role = 'control') THEN
		RAISE EXCEPTION 'bandit "%" has no control', start_experiment.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'An experiment compares a recommender with its control; see bandit.create_recommender.';
	ELSIF EXISTS (SELECT FROM bandit.experiments e
				  WHERE e.bandit = start_experiment.name AND e.ended_at IS NULL) THEN
		RAISE EXCEPTION 'an experiment of bandit "%" is running', start_experiment.name
			USING ERRCODE = 'object_in_use',
				HINT = 'Change its share with bandit.set_allocation, or end it with bandit.stop_experiment.';
	END IF;
	INSERT INTO bandit.experiments (bandit, experiment, period, allocation, planned_users)
	VALUES (start_experiment.name, made, 1, start_experiment.allocation,
			start_experiment.planned_users);
	RETURN made;
END;
$$;
COMMENT ON FUNCTION bandit.start_experiment(text, float8, int) IS
'Starts an experiment on a recommender: bandit.recommend, where use_bandit is null, serves the share "allocation" of the users by the bandit and the others by the control. Returns its key. planned_users: users at which the always-valid interval is to be tightest. Errors: invalid_parameter_value, undefined_object, object_not_in_prerequisite_state for a bandit without a control, object_in_use while another experiment of the bandit runs.';

CREATE FUNCTION bandit.stop_experiment(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(stop_experiment.name);
	UPDATE bandit.experiments e SET ended_at = clock_timestamp()
	WHERE e.bandit = stop_experiment.name AND e.ended_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no experiment of bandit "%" is running', stop_experiment.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'bandit.start_experiment starts one.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit.stop_experiment(text) IS
'Ends the running experiment: the bandit serves everybody again. Its periods stay in bandit.experiments. Errors: undefined_object; object_not_in_prerequisite_state when none runs.';

CREATE FUNCTION bandit.set_allocation(name text, allocation float8)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	running bandit.experiments;
BEGIN
	PERFORM bandit_internal.check_allocation(set_allocation.allocation);
	PERFORM bandit_internal.lock_bandit(set_allocation.name);
	SELECT * INTO running FROM bandit.experiments e
	WHERE e.bandit = set_allocation.name AND e.ended_at IS NULL;
	PERFORM bandit.stop_experiment(set_allocation.name);
	IF set_allocation.allocation < running.allocation THEN
		RAISE NOTICE 'users move from the bandit to the control: the allocation falls from % to %',
			running.allocation, set_allocation.allocation;
	END IF;
	INSERT INTO bandit.experiments (bandit, experiment, period, allocation, planned_users)
	VALUES (running.bandit, running.experiment, running.period + 1,
			set_allocation.allocation, running.planned_users);
END;
$$;
COMMENT ON FUNCTION bandit.set_allocation(text, float8) IS
'Begins a new period of the running experiment, with another share of users for the bandit. Raising it moves nobody out of the treatment; lowering it moves users to the control, and a notice says so. Errors as those of stop_experiment; invalid_parameter_value.';
-- What an experiment says: each side by each measure, and the verdict.
--
-- Users were randomised, so users are the unit: a rate is a ratio of sums over
-- users, and its variance that of the delta method (Deng, Knoblich and Lu
-- 2018), because the items shown to one user are alike.

CREATE FUNCTION bandit_internal.catalogue(name text, OUT item_id bigint,
	OUT head boolean, OUT attributes int[])
RETURNS SETOF record
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'bandit_catalogue';
COMMENT ON FUNCTION bandit_internal.catalogue(text) IS
'The items of a recommender as of the last training: the number that stands for each in bandit.decisions, whether it is in the popular head, and its attributes, numbered from 0 without gaps. Errors: undefined_object, wrong_object_type for a bandit that is no recommender.';

CREATE FUNCTION bandit_internal.treats(experiment uuid, allocation float8, subject text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ((bandit.key_id(experiment || '/' || subject) >> 11) & 9007199254740991)::float8
		/ 9007199254740992 < allocation;
END;
COMMENT ON FUNCTION bandit_internal.treats(uuid, float8, text) IS
'Whether a user is on the bandit''s side at that allocation, as bandit.experiment_side has it; also for experiments that have ended.';

CREATE FUNCTION bandit_internal.newest_period(name text)
RETURNS bandit.experiments
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	found_period bandit.experiments;
BEGIN
	PERFORM bandit_internal.require_bandit(newest_period.name);
	SELECT * INTO found_period FROM bandit.experiments e
	WHERE e.bandit = newest_period.name ORDER BY e.began_at DESC, e.period DESC LIMIT 1;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" has had no experiment', newest_period.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'bandit.start_experiment starts one.';
	END IF;
	RETURN found_period;
END;
$$;
COMMENT ON FUNCTION bandit_internal.newest_period(text) IS
'The newest period of the newest experiment of a bandit. Errors: undefined_object; object_not_in_prerequisite_state without one.';

CREATE FUNCTION bandit_internal.experiment_end(period bandit.experiments,
	at timestamptz)
RETURNS timestamptz
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT least((period).ended_at, at - b.attribution_window)
	FROM bandit.bandits b WHERE b.name = (period).bandit;
END;
COMMENT ON FUNCTION bandit_internal.experiment_end(bandit.experiments, timestamptz) IS
'Up to when a period''s decisions count: those whose attribution window had passed at that time.';

CREATE FUNCTION bandit_internal.experiment_decisions(period bandit.experiments,
	until timestamptz, OUT decision_id uuid, OUT variant text, OUT subject text,
	OUT items bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT d.decision_id, d.variant, d.subject, d.items
	FROM (
		SELECT x.decision_id, x.variant, x.subject, x.items,
			bool_or((x.variant = 'treatment') <> bandit_internal.treats(
				(period).experiment, (period).allocation, x.subject))
				OVER (PARTITION BY x.subject) AS forced
		FROM bandit.decisions x
		WHERE x.bandit = (period).bandit AND x.subject IS NOT NULL
			AND x.variant <> 'shadow'
			AND x.items IS NOT NULL
			AND x.decision_id >= bandit.first_decision_id((period).began_at)
			AND x.decision_id < bandit.first_decision_id(until)
	) AS d
	WHERE NOT d.forced;
END;
COMMENT ON FUNCTION bandit_internal.experiment_decisions(bandit.experiments, timestamptz) IS
'The decisions of a period that count, made before "until": lists for known users, without any user who was served against his side (use_bandit) in it.';

CREATE FUNCTION bandit_internal.experiment_subjects(period bandit.experiments,
	at timestamptz,
	OUT variant text, OUT subject text, OUT lists float8, OUT items float8,
	OUT reward float8, OUT clicked float8, OUT ratings float8, OUT stars float8,
	OUT thumbs float8, OUT thumbs_up float8, OUT known float8, OUT tail float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH served AS MATERIALIZED (
		SELECT * FROM bandit_internal.experiment_decisions(period,
			bandit_internal.experiment_end(period, at))
	), answered AS (
		SELECT s.variant, s.subject,
			coalesce((array_agg(f.reward ORDER BY f.priority DESC, f.received_at DESC)
				FILTER (WHERE f.kind <> 'neutral'))[1], 0) AS reward,
			bool_or(f.kind = 'click') AS clicked,
			max(f.value) FILTER (WHERE f.kind = 'rating') AS stars,
			bool_or(f.kind = 'thumbs_up') AS up,
			bool_or(f.kind IN ('thumbs_up', 'thumbs_down')) AS thumb
		FROM served s
		JOIN bandit.feedback f USING (decision_id)
		WHERE f.bandit = (period).bandit AND f.item_id IS NOT NULL
			AND NOT f.retracted AND f.kind NOT IN ('silence', 'correction')
		GROUP BY s.variant, s.subject, s.decision_id, f.item_id
	), responses AS (
		SELECT a.variant, a.subject, sum(a.reward) AS reward,
			count(*) FILTER (WHERE a.clicked) AS clicked,
			count(a.stars) AS ratings, sum(a.stars) AS stars,
			count(*) FILTER (WHERE a.thumb) AS thumbs,
			count(*) FILTER (WHERE a.up) AS thumbs_up
		FROM answered a GROUP BY a.variant, a.subject
	), shown AS (
		SELECT s.variant, s.subject, count(DISTINCT s.decision_id) AS lists,
			count(i.item) AS items, count(c.item_id) AS known,
			count(*) FILTER (WHERE NOT c.head) AS tail
		FROM served s
		LEFT JOIN LATERAL unnest(s.items) AS i (item) ON true
		LEFT JOIN bandit_internal.catalogue((period).bandit) c ON c.item_id = i.item
		GROUP BY s.variant, s.subject
	)
	SELECT s.variant, s.subject, s.lists, s.items, coalesce(r.reward, 0),
		coalesce(r.clicked, 0), coalesce(r.ratings, 0), coalesce(r.stars, 0),
		coalesce(r.thumbs, 0), coalesce(r.thumbs_up, 0), s.known, s.tail
	FROM shown s LEFT JOIN responses r USING (variant, subject);
END;
COMMENT ON FUNCTION bandit_internal.experiment_subjects(bandit.experiments, timestamptz) IS
'Per user of a period: lists and items shown by decisions that have matured, and what came of them; reward is that of an item''s response of the highest priority, summed; known and tail count the items that the catalogue knows and those outside its head.';

CREATE FUNCTION bandit_internal.experiment_rates(period bandit.experiments,
	at timestamptz,
	OUT place int, OUT metric text, OUT is_share boolean, OUT variant text,
	OUT users bigint, OUT y float8, OUT n float8, OUT rate float8,
	OUT variance float8, OUT design_effect float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH each AS (
		SELECT m.place, m.metric, m.is_share, s.variant, m.y, m.n,
			sum(m.y) OVER side / sum(m.n) OVER side AS rate
		FROM bandit_internal.experiment_subjects(period, at) s
		CROSS JOIN LATERAL (VALUES
			(1, 'reward', true, s.reward, s.items),
			(2, 'ctr', true, s.clicked, s.items),
			(3, 'mean rating', false, s.stars, s.ratings),
			(4, 'thumbs-up rate', true, s.thumbs_up, s.thumbs),
			(5, 'long-tail rate', true, s.tail, s.known)
		) AS m (place, metric, is_share, y, n)
		WHERE m.n > 0
		WINDOW side AS (PARTITION BY m.place, s.variant)
	), pooled AS (
		SELECT e.place, e.metric, e.is_share, e.variant, count(*) AS users,
			sum(e.y) AS y, sum(e.n) AS n, e.rate,
			sum((e.y - e.rate * e.n) ^ 2) * count(*)
				/ nullif(count(*) - 1, 0) / sum(e.n) ^ 2 AS variance
		FROM each e GROUP BY e.place, e.metric, e.is_share, e.variant, e.rate
	)
	SELECT p.place, p.metric, p.is_share, p.variant, p.users, p.y, p.n, p.rate,
		p.variance, CASE WHEN p.is_share THEN greatest(1, coalesce(
			p.variance / nullif(p.rate * (1 - p.rate) / p.n, 0), 1)) END
	FROM pooled p;
END;
COMMENT ON FUNCTION bandit_internal.experiment_rates(bandit.experiments, timestamptz) IS
'Per measure and side: users, rate = sum of y / sum of n over users, its variance by the delta method, NULL for one user, and the design effect of a share: variance over that of as many independent trials, at least 1.';

CREATE FUNCTION bandit_internal.entropy(weights float8[], categories int)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN sum(w) > 0 THEN
		CASE WHEN categories > 1 THEN
			(ln(sum(w)) - coalesce(sum(w * ln(w)) FILTER (WHERE w > 0), 0) / sum(w))
				/ ln(categories)
		ELSE 0 END END
	FROM unnest(weights) w;
END;
COMMENT ON FUNCTION bandit_internal.entropy(float8[], int) IS
'Shannon entropy of shares, over that of as many categories used alike: 0 for one category, 1 for all alike. weights need not sum to 1; NULL for none; 0 where there is but one category.';

CREATE FUNCTION bandit_internal.experiment_diversity(period bandit.experiments,
	at timestamptz,
	OUT variant text, OUT users bigint, OUT value float8, OUT lower float8,
	OUT upper float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH catalogue AS MATERIALIZED (
		SELECT * FROM bandit_internal.catalogue((period).bandit)
	), categories AS (
		SELECT max(a)::int + 1 AS n FROM catalogue c, unnest(c.attributes) a
	), served AS MATERIALIZED (
		SELECT d.variant, d.subject, i.item,
			abs(bandit.key_id(d.subject) % 20) AS part
		FROM bandit_internal.experiment_decisions(period,
			bandit_internal.experiment_end(period, at)) d,
			unnest(d.items) AS i (item)
	), weights AS (
		SELECT s.variant, s.part, a.attribute,
			sum(1.0::float8 / cardinality(c.attributes)) AS weight
		FROM served s
		JOIN catalogue c ON c.item_id = s.item
		CROSS JOIN LATERAL unnest(c.attributes) AS a (attribute)
		GROUP BY s.variant, s.part, a.attribute
	), sums AS (
		SELECT w.variant, w.attribute, sum(w.weight) AS weight
		FROM weights w GROUP BY w.variant, w.attribute
	), parts AS (
		-- all but one of the parts, each in turn
		SELECT p.variant, p.part, bandit_internal.entropy(
			array_agg(greatest(s.weight - coalesce(w.weight, 0), 0)),
			(SELECT n FROM categories)) AS value
		FROM (SELECT DISTINCT w.variant, w.part FROM weights w) AS p
		JOIN sums s ON s.variant = p.variant
		LEFT JOIN weights w ON w.variant = p.variant AND w.part = p.part
			AND w.attribute = s.attribute
		GROUP BY p.variant, p.part
	), errors AS (
		SELECT p.variant, CASE WHEN count(*) = 20 THEN
			2.093 * sqrt(19.0 / 20 * 19 * var_samp(p.value)) END AS error
		FROM parts p GROUP BY p.variant
	), whole AS (
		SELECT s.variant, bandit_internal.entropy(array_agg(s.weight),
			(SELECT n FROM categories)) AS value
		FROM sums s GROUP BY s.variant
	)
	SELECT w.variant, (SELECT count(DISTINCT s.subject) FROM served s
		WHERE s.variant = w.variant), w.value, greatest(w.value - e.error, 0),
		least(w.value + e.error, 1)
	FROM whole w JOIN errors e USING (variant);
END;
COMMENT ON FUNCTION bandit_internal.experiment_diversity(bandit.experiments, timestamptz) IS
'Per side: the normalised entropy of the attributes of the items shown, an item spreading 1 over its attributes, with a 95 % interval by the jackknife over 20 parts of the users (Efron 1982; 2.093 is Student''s quantile for 19 degrees). No rows where items have no attributes.';

CREATE FUNCTION bandit_internal.experiment_srm(name text, at timestamptz)
RETURNS float8
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT least(1, exp(-coalesce(sum(t.log_bayes_factor), 0)))
	FROM bandit.experiments e
	CROSS JOIN LATERAL (
		SELECT count(DISTINCT d.subject) FILTER (WHERE d.variant = 'treatment') AS treated,
			count(DISTINCT d.subject) FILTER (WHERE d.variant = 'control') AS others
		FROM bandit_internal.experiment_decisions(e, coalesce(e.ended_at, at)) d
	) AS c
	CROSS JOIN LATERAL bandit.srm_test(ARRAY[c.treated, c.others],
		ARRAY[e.allocation, 1 - e.allocation]) AS t
	WHERE e.allocation > 0 AND e.allocation < 1
		AND e.bandit = experiment_srm.name
		AND e.experiment = (bandit_internal.newest_period(experiment_srm.name)).experiment;
END;
COMMENT ON FUNCTION bandit_internal.experiment_srm(text, timestamptz) IS
'How far the users who came are from the allocation in force when they came, over all periods of the newest experiment: an always-valid p-value, 1 / the product of the periods'' Bayes factors, at most 1 (Lindon and Malek 2022). Below 0.001 the split is broken, and nothing else of the report may be believed.';

CREATE FUNCTION bandit.experiment_report(name text,
	at timestamptz DEFAULT now(), OUT metric text,
	OUT variant text, OUT value float8, OUT lower float8, OUT upper float8,
	OUT users bigint, OUT note text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH period AS MATERIALIZED (
		SELECT bandit_internal.newest_period(experiment_report.name) AS p
	), rates AS MATERIALIZED (
		SELECT r.* FROM period, bandit_internal.experiment_rates(p, experiment_report.at) r
	), sides AS (
		SELECT r.place, r.metric, r.variant, r.rate AS value,
			CASE WHEN r.is_share THEN w.lower ELSE r.rate - 1.96 * sqrt(r.variance) END AS lower,
			CASE WHEN r.is_share THEN w.upper ELSE r.rate + 1.96 * sqrt(r.variance) END AS upper,
			r.users
		FROM rates r
		LEFT JOIN LATERAL bandit.wilson_interval(r.y / r.design_effect,
			r.n / r.design_effect) w ON r.variance IS NOT NULL
				AND r.y >= 0 AND r.y <= r.n
		UNION ALL
		SELECT 6, 'diversity', d.variant, d.value, d.lower, d.upper, d.users
		FROM period, bandit_internal.experiment_diversity(p, experiment_report.at) d
	), all_sides AS (
		SELECT m.place, m.metric, v.variant, s.value, s.lower, s.upper,
			coalesce(s.users, 0) AS users,
			CASE WHEN s.users IS NULL THEN 'no data' END AS note
		FROM (VALUES (1, 'reward'), (2, 'ctr'), (3, 'mean rating'),
			(4, 'thumbs-up rate'), (5, 'long-tail rate'), (6, 'diversity')) AS m (place, metric)
		CROSS JOIN (VALUES ('treatment'), ('control')) AS v (variant)
		LEFT JOIN sides s USING (place, metric, variant)
	), differences AS (
		SELECT t.place, t.metric, 'difference' AS variant, t.rate - c.rate AS value,
			d.lower, d.upper, t.users + c.users AS users,
			CASE WHEN d.lower IS NULL THEN 'no interval before 100 users a side'
				ELSE 'always-valid' END AS note
		FROM rates t
		JOIN rates c ON c.place = t.place AND c.variant = 'control'
		CROSS JOIN period
		LEFT JOIN LATERAL bandit.confidence_sequence_difference(
			c.users, c.rate, c.variance * c.users, t.users, t.rate,
			t.variance * t.users, 0.05, (p).planned_users) AS d
			ON t.users >= 100 AND c.users >= 100
		WHERE t.variant = 'treatment'
	)
	SELECT r.metric, r.variant, round(r.value::numeric, 6)::float8,
		round(r.lower::numeric, 6)::float8, round(r.upper::numeric, 6)::float8,
		r.users, r.note
	FROM (SELECT * FROM all_sides UNION ALL SELECT * FROM differences) AS r
	ORDER BY r.place, r.variant = 'difference', r.variant = 'control';
END;
COMMENT ON FUNCTION bandit.experiment_report(text, timestamptz) IS
'The newest experiment of a recommender by each measure: a row per side (treatment, control), and one of the difference, treatment minus control. reward: of an item shown, 0 to 1, that of its response of the highest priority, 0 without one; ctr: share of items shown that were clicked; mean rating, of items that were rated; thumbs-up rate: share of items with a thumb whose thumb was up; long-tail rate: share of items shown that are outside the popular head; diversity: entropy of the attributes shown, 0 to 1. lower and upper: 95 % intervals, Wilson''s with a design effect for shares, the normal one for mean ratings, the jackknife''s for diversity; of differences always-valid ones, which may be looked at every day (bandit.confidence_sequence_difference), from 100 users a side on. users: those who have any of it; they are the unit of every interval. Counted are the decisions of the newest period, within one allocation, whose attribution window had passed at the time "at", without users who were ever served against their side. Errors: undefined_object; object_not_in_prerequisite_state when there has been no experiment.';

CREATE FUNCTION bandit.experiment_verdict(name text,
	at timestamptz DEFAULT now(), OUT verdict text, OUT rule text,
	OUT users_treatment bigint, OUT users_control bigint,
	OUT treatment float8, OUT control float8, OUT difference float8, OUT lower float8, OUT upper float8,
	OUT lift float8, OUT lift_lower float8, OUT lift_upper float8,
	OUT p_better float8, OUT loss_if_kept float8, OUT loss_if_stopped float8,
	OUT srm_p float8)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	period bandit.experiments := bandit_internal.newest_period(experiment_verdict.name);
	side record;
	t record;		-- treatment
	c record;		-- control
	a float8[];
	b float8[];
BEGIN
	srm_p := bandit_internal.experiment_srm(experiment_verdict.name, experiment_verdict.at);
	users_treatment := 0;
	users_control := 0;
	FOR side IN
		SELECT r.* FROM bandit_internal.experiment_rates(period, experiment_verdict.at) r
		WHERE r.metric = 'reward'
	LOOP
		IF side.variant = 'treatment' THEN
			t := side;
			users_treatment := t.users;
		ELSE
			c := side;
			users_control := c.users;
		END IF;
	END LOOP;
	IF least(users_treatment, users_control) > 0 THEN
		treatment := t.rate;
		control := c.rate;
		difference := t.rate - c.rate;
		a := ARRAY[1 + c.y / c.design_effect, 1 + greatest(c.n - c.y, 0) / c.design_effect];
		b := ARRAY[1 + t.y / t.design_effect, 1 + greatest(t.n - t.y, 0) / t.design_effect];
		p_better := bandit.beta_beats(b[1], b[2], a[1], a[2]);
		loss_if_kept := bandit.beta_expected_loss(b[1], b[2], a[1], a[2]);
		loss_if_stopped := bandit.beta_expected_loss(a[1], a[2], b[1], b[2]);
		lift := bandit.beta_lift_quantile(0.5, a[1], a[2], b[1], b[2]);
		lift_lower := bandit.beta_lift_quantile(0.025, a[1], a[2], b[1], b[2]);
		lift_upper := bandit.beta_lift_quantile(0.975, a[1], a[2], b[1], b[2]);
	END IF;
	IF least(users_treatment, users_control) >= 100 THEN
		SELECT d.lower, d.upper INTO lower, upper
		FROM bandit.confidence_sequence_difference(c.users, c.rate, c.variance * c.users,
			t.users, t.rate, t.variance * t.users, 0.05, period.planned_users) d;
	END IF;
	SELECT v.verdict, v.rule INTO verdict, rule FROM (VALUES
		(1, srm_p < 0.001, 'check the split',
			'more users on one side than its share allows (srm_p < 0.001); nothing else counts'),
		(2, least(users_treatment, users_control) = 0, 'no data',
			'a side has no user with a matured decision'),
		(3, least(users_treatment, users_control) < 100, 'too early',
			'fewer than 100 users on a side'),
		(4, lower > 0, 'keep', 'the always-valid interval of the difference is above 0'),
		(5, upper < 0, 'stop', 'the always-valid interval of the difference is below 0'),
		(6, true, 'too early', 'the always-valid interval of the difference holds 0, or nothing varies')
	) AS v (place, applies, verdict, rule)
	WHERE v.applies ORDER BY v.place LIMIT 1;
END;
$$;
COMMENT ON FUNCTION bandit.experiment_verdict(text, timestamptz) IS
'One row: keep, stop, too early, no data, or check the split, with the rule that made it, from the reward of bandit.experiment_report. treatment, control: reward per item; difference: the one minus the other, with its always-valid 95 % interval (lower, upper), NULL before 100 users a side. By posteriors Beta(1 + s/D, 1 + f/D), D the design effect of users: lift, the median of treatment / control - 1, with its 95 % credible interval; p_better, the probability that the treatment is better; loss_if_kept and loss_if_stopped, what either choice is expected to lose, in units of reward per item. srm_p: sample-ratio mismatch over all periods, always-valid. The credible numbers are for one look, the verdict for as many as you like. Errors as bandit.experiment_report.';
-- What it cost to learn, how the arms did over time, and what another policy
-- would have earned.

CREATE FUNCTION bandit_internal.regret_draws(alphas float8[], betas float8[],
	counts float8[], draws int, key bigint)
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_regret_draws';
COMMENT ON FUNCTION bandit_internal.regret_draws(float8[], float8[], float8[], int, bigint) IS
'Draws of the sum over arms of counts[i] * (largest rate - rate i), the rates independent Beta(alphas[i], betas[i]); the same for the same arguments. Errors: array_subscript_error, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.check_bucket(bucket interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (bucket > '0'::interval AND extract(month FROM bucket) + extract(year FROM bucket) = 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'bucket must be positive, and have no months'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Such as ''1 day'' or ''1 hour''.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_bucket(interval) IS
'Raises invalid_parameter_value unless time can be cut into pieces of that length.';

CREATE FUNCTION bandit.regret(name text, bucket interval DEFAULT '1 day',
	OUT period timestamptz, OUT decisions bigint, OUT served bigint,
	OUT regret float8, OUT cumulative float8, OUT lower float8, OUT upper float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_bandit(regret.name);
	PERFORM bandit_internal.check_bucket(regret.bucket);
	RETURN QUERY
	WITH states AS MATERIALIZED (
		SELECT p.*, bandit.expected_losses(p.alphas, p.betas) AS losses
		FROM (
			SELECT s.context_hash, array_agg(s.arm ORDER BY s.arm) AS arms,
				array_agg(s.alpha ORDER BY s.arm) AS alphas,
				array_agg(s.beta ORDER BY s.arm) AS betas
			FROM bandit.bandit_states s WHERE s.bandit = regret.name
			GROUP BY s.context_hash OFFSET 0
		) AS p
	), logged AS MATERIALIZED (
		SELECT date_bin(regret.bucket, d.decided_at, timestamptz '2000-01-01') AS period,
			d.context_hash, coalesce(d.item_arms, d.picks) AS served
		FROM bandit.decisions d
		WHERE d.bandit = regret.name AND d.variant = 'treatment'
	), periods AS (
		SELECT l.period, count(*) AS decisions FROM logged l GROUP BY l.period
	), counts AS (
		SELECT l.period, l.context_hash, a.arm, count(*)::float8 AS n
		FROM logged l CROSS JOIN LATERAL unnest(l.served) AS a (arm)
		GROUP BY l.period, l.context_hash, a.arm
	), so_far AS (
		SELECT p.period, s.context_hash, s.alphas, s.betas, s.losses, a.arm,
			coalesce(c.n, 0) AS n, sum(coalesce(c.n, 0)) OVER (
				PARTITION BY s.context_hash, a.arm ORDER BY p.period) AS total
		FROM periods p CROSS JOIN states s
		CROSS JOIN LATERAL unnest(s.arms) AS a (arm)
		LEFT JOIN counts c ON c.period = p.period
			AND c.context_hash = s.context_hash AND c.arm = a.arm
	), contexts AS MATERIALIZED (
		SELECT f.period, f.context_hash, f.alphas, f.betas, f.losses,
			array_agg(f.n ORDER BY f.arm) AS n,
			array_agg(f.total ORDER BY f.arm) AS total
		FROM so_far f
		GROUP BY f.period, f.context_hash, f.alphas, f.betas, f.losses
		HAVING sum(f.total) > 0
	), means AS (
		SELECT c.period, sum(m.regret) AS regret, sum(m.cumulative) AS cumulative,
			sum(m.served)::bigint AS served
		FROM contexts c
		CROSS JOIN LATERAL (
			SELECT sum(u.n * u.loss) AS regret, sum(u.total * u.loss) AS cumulative,
				sum(u.n) AS served
			FROM unnest(c.n, c.total, c.losses) AS u (n, total, loss)) AS m
		GROUP BY c.period
	), worlds AS (
		SELECT c.period, w.number, sum(w.regret) AS regret
		FROM contexts c
		CROSS JOIN LATERAL unnest(bandit_internal.regret_draws(c.alphas, c.betas,
			c.total, 400, c.context_hash)) WITH ORDINALITY AS w (regret, number)
		GROUP BY c.period, w.number
	), intervals AS (
		SELECT w.period, percentile_cont(0.025) WITHIN GROUP (ORDER BY w.regret) AS lower,
			percentile_cont(0.975) WITHIN GROUP (ORDER BY w.regret) AS upper
		FROM worlds w GROUP BY w.period
	)
	SELECT p.period, p.decisions, m.served, m.regret, m.cumulative, i.lower, i.upper
	FROM periods p
	JOIN means m ON m.period = p.period
	JOIN intervals i ON i.period = p.period
	ORDER BY p.period;
END;
$$;
COMMENT ON FUNCTION bandit.regret(text, interval) IS
'What choosing other arms than the best one of each context is estimated to have cost so far, a row per piece of time with decisions. served: items (or, by choose, arms) that arms were credited with; regret: of this piece, in units of reward, by today''s posteriors: the sum of bandit.expected_losses of the arms served; cumulative: up to the end of the piece; lower, upper: its 95 % credible interval, from 400 worlds drawn from the posteriors, the same ones for every row and call. A bandit that learns has a curve that flattens. It never falls to 0 while an arm may be better than is known. Removed arms, what the control filled and its traffic do not count; decisions dropped by retention neither. bucket: length of a piece, counted from 2000-01-01 00:00 in UTC. Errors: undefined_object, invalid_parameter_value.';

CREATE FUNCTION bandit.arm_history(name text, bucket interval DEFAULT '1 day',
	OUT period timestamptz, OUT arm text, OUT served bigint, OUT share float8,
	OUT pulls bigint, OUT successes float8, OUT failures float8, OUT mean float8,
	OUT mean_so_far float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_bandit(arm_history.name);
	PERFORM bandit_internal.check_bucket(arm_history.bucket);
	RETURN QUERY
	WITH logged AS (
		SELECT date_bin(arm_history.bucket, d.decided_at, timestamptz '2000-01-01') AS period,
			a.arm, count(*) AS served
		FROM bandit.decisions d
		CROSS JOIN LATERAL unnest(coalesce(d.item_arms, d.picks)) AS a (arm)
		WHERE d.bandit = arm_history.name AND d.variant = 'treatment'
		GROUP BY 1, 2
	), learnt AS (
		SELECT date_bin(arm_history.bucket, bandit.decision_time(f.decision_id),
				timestamptz '2000-01-01') AS period, f.arm, sum(f.pulls)::bigint AS pulls,
			sum(f.successes) AS successes, sum(f.failures) AS failures
		FROM bandit.feedback f WHERE f.bandit = arm_history.name
		GROUP BY 1, 2
	), rows AS (
		SELECT coalesce(l.period, e.period) AS period,
			coalesce(l.arm, e.arm) AS arm, coalesce(l.served, 0) AS served,
			coalesce(e.pulls, 0) AS pulls, coalesce(e.successes, 0) AS successes,
			coalesce(e.failures, 0) AS failures
		FROM logged l FULL JOIN learnt e ON e.period = l.period AND e.arm = l.arm
	)
	SELECT r.period, r.arm::text, r.served,
		r.served / nullif(sum(r.served) OVER piece, 0)::float8,
		r.pulls, r.successes, r.failures,
		r.successes / nullif(r.successes + r.failures, 0),
		sum(r.successes) OVER past / nullif(sum(r.successes + r.failures) OVER past, 0)
	FROM rows r
	WINDOW piece AS (PARTITION BY r.period),
		past AS (PARTITION BY r.arm ORDER BY r.period)
	ORDER BY r.period, r.arm;
END;
$$;
COMMENT ON FUNCTION bandit.arm_history(text, interval) IS
'How the arms did over time, from the log and the ledger: a row per arm and piece of time in which it was served. served: items, or choices, that it was credited with, share of those of all arms; pulls, successes, failures: what was learnt from the decisions of that piece, silence included, as far as it has been settled; mean: successes / (successes + failures), mean_so_far: the same over all pieces up to this one; neither knows a prior or a half-life. What retention has dropped does not show. bucket as in bandit.regret. Errors: undefined_object, invalid_parameter_value.';
-- Another policy, another prior or other arms, on the decisions that were logged.

CREATE FUNCTION bandit_internal.arm_rewards(name text, since timestamptz,
	until timestamptz, OUT decision_id uuid, OUT arm text, OUT reward float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT d.decision_id, d.picks, d.items, d.item_arms
		FROM bandit.decisions d
		WHERE d.bandit = arm_rewards.name AND d.variant = 'treatment'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), responses AS (
		SELECT f.decision_id, f.item_id, f.arm, coalesce((array_agg(f.reward
			ORDER BY f.priority DESC, f.received_at DESC))[1], 0) AS reward
		FROM logged l JOIN bandit.feedback f USING (decision_id)
		WHERE f.bandit = arm_rewards.name AND NOT f.retracted
			AND f.kind NOT IN ('silence', 'correction')
		GROUP BY f.decision_id, f.item_id, f.arm
	)
	SELECT l.decision_id, i.arm, avg(coalesce(r.reward, 0))
	FROM logged l
	CROSS JOIN LATERAL unnest(l.items, l.item_arms) AS i (item, arm)
	LEFT JOIN responses r ON r.decision_id = l.decision_id AND r.item_id = i.item
	WHERE l.items IS NOT NULL
	GROUP BY l.decision_id, i.arm
	UNION ALL
	SELECT l.decision_id, p.arm, coalesce(r.reward, 0)
	FROM logged l
	CROSS JOIN LATERAL unnest(l.picks) AS p (arm)
	LEFT JOIN responses r ON r.decision_id = l.decision_id AND r.arm = p.arm
		AND r.item_id IS NULL
	WHERE l.items IS NULL;
END;
COMMENT ON FUNCTION bandit_internal.arm_rewards(text, timestamptz, timestamptz) IS
'What each arm earned in each decision of the bandit''s side made from "since" until before "until": the mean reward of its items, or the reward of the choice; a response of the highest priority counts, 0 without one.';

CREATE FUNCTION bandit_internal.place_weights(name text, since timestamptz,
	until timestamptz, policy text, arms text[], prior_alpha float8,
	prior_beta float8, OUT decision_id uuid, OUT subject text, OUT reward float8,
	OUT weight float8, OUT weighted float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shift AS MATERIALIZED (
		SELECT a.arm,
			coalesce(place_weights.prior_alpha - coalesce(a.prior_alpha, b.prior_alpha), 0) AS alpha,
			coalesce(place_weights.prior_beta - coalesce(a.prior_beta, b.prior_beta), 0) AS beta
		FROM bandit.arms a JOIN bandit.bandits b ON b.name = a.bandit
		WHERE a.bandit = place_weights.name
	), target AS MATERIALIZED (
		SELECT d.decision_id, d.subject, d.policy, d.arms, d.alphas, d.betas,
			d.picks, d.floors, x.arms AS t_arms, x.alphas AS t_alphas,
			x.betas AS t_betas, x.floors AS t_floors
		FROM bandit.decisions d
		CROSS JOIN LATERAL (
			SELECT array_agg(u.arm ORDER BY u.place) AS arms,
				array_agg(greatest(u.alpha + coalesce(s.alpha, 0), 1e-3) ORDER BY u.place) AS alphas,
				array_agg(greatest(u.beta + coalesce(s.beta, 0), 1e-3) ORDER BY u.place) AS betas,
				CASE WHEN d.floors IS NOT NULL AND place_weights.policy IS NULL
					THEN array_agg(u.floor ORDER BY u.place) END AS floors
			FROM unnest(d.arms, d.alphas, d.betas, coalesce(d.floors,
				array_fill(0::float8, ARRAY[cardinality(d.arms)])))
				WITH ORDINALITY AS u (arm, alpha, beta, floor, place)
			LEFT JOIN shift s ON s.arm = u.arm
			WHERE place_weights.arms IS NULL OR u.arm = ANY (place_weights.arms)
		) AS x
		WHERE d.bandit = place_weights.name AND d.variant = 'treatment'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
			AND cardinality(d.arms) > 0
	)
	SELECT t.decision_id, coalesce(t.subject, t.decision_id::text), avg(r.reward),
		avg(w.weight), avg(w.weight * r.reward)
	FROM target t
	CROSS JOIN LATERAL bandit.policy_rank_propensity(t.policy, t.alphas, t.betas,
		cardinality(t.picks), t.floors, 0) AS p (odds)
	CROSS JOIN LATERAL bandit.policy_rank_propensity(
		coalesce(place_weights.policy, t.policy), t.t_alphas, t.t_betas,
		least(cardinality(t.picks), cardinality(t.t_arms)), t.t_floors,
		CASE WHEN place_weights.policy IS NULL THEN 0 ELSE 0.1 END) AS e (odds)
	CROSS JOIN LATERAL generate_series(1,
		least(cardinality(t.picks), cardinality(t.t_arms))) AS k (rank)
	CROSS JOIN LATERAL (SELECT
		coalesce(e.odds[array_position(t.t_arms, t.picks[k.rank])][k.rank], 0)
		/ nullif(p.odds[array_position(t.arms, t.picks[k.rank])][k.rank], 0) AS weight) AS w
	JOIN bandit_internal.arm_rewards(place_weights.name, since, until) r
		ON r.decision_id = t.decision_id AND r.arm = t.picks[k.rank]
	GROUP BY t.decision_id, t.subject;
END;
COMMENT ON FUNCTION bandit_internal.place_weights(text, timestamptz, timestamptz, text, text[], float8, float8) IS
'Per decision of the bandit''s side, means over the places of its list: reward of the arm that took the place, weight (the probability that another policy gives it the place, over the exact one that it had), and their product. policy NULL: the one it was made by; arms NULL: all that it was made from; priors NULL: those it was made with, else evidence is kept and the prior replaced.';

CREATE FUNCTION bandit_internal.check_target(name text, policy text, arms text[],
	prior_alpha float8, prior_beta float8, min_effective_n float8)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	unknown text;
BEGIN
	PERFORM bandit.policy_propensity(check_target.policy, '{1,1}', '{1,1}', 1)
	WHERE check_target.policy IS NOT NULL;
	SELECT w.arm INTO unknown FROM unnest(check_target.arms) AS w (arm)
	WHERE NOT EXISTS (SELECT FROM bandit.arms a
		WHERE a.bandit = check_target.name AND a.arm = w.arm AND a.role = 'arm');
	IF FOUND THEN
		RAISE EXCEPTION 'bandit "%" has no arm "%"', check_target.name, unknown
			USING ERRCODE = 'undefined_object',
				HINT = 'SELECT arm FROM bandit.arms lists them.';
	ELSIF cardinality(check_target.arms) = 0 THEN
		RAISE EXCEPTION 'arms must not be empty'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF NOT (coalesce(check_target.prior_alpha, 1) > 0 AND coalesce(check_target.prior_alpha, 1) < 'Infinity'
			AND coalesce(check_target.prior_beta, 1) > 0 AND coalesce(check_target.prior_beta, 1) < 'Infinity') THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must be finite and positive'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (check_target.min_effective_n >= 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'min_effective_n must not be negative'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_target(text, text, text[], float8, float8, float8) IS
'Raises unless bandit.evaluate_policy can take these arguments.';

CREATE FUNCTION bandit.evaluate_policy(name text, policy text DEFAULT NULL,
	arms text[] DEFAULT NULL, prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL, since timestamptz DEFAULT '-infinity',
	min_effective_n float8 DEFAULT 100, at timestamptz DEFAULT now(),
	OUT decisions bigint, OUT users bigint, OUT effective_n float8,
	OUT mean_weight float8, OUT estimate float8, OUT lower float8,
	OUT upper float8, OUT logged float8, OUT difference float8,
	OUT difference_lower float8, OUT difference_upper float8, OUT verdict text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	settings bandit.bandits;
	weight_error float8;
	error float8;
BEGIN
	PERFORM bandit_internal.require_bandit(evaluate_policy.name);
	SELECT b.* INTO settings FROM bandit.bandits b WHERE b.name = evaluate_policy.name;
	PERFORM bandit_internal.check_target(settings.name, evaluate_policy.policy,
		evaluate_policy.arms, evaluate_policy.prior_alpha, evaluate_policy.prior_beta,
		evaluate_policy.min_effective_n);
	WITH each AS MATERIALIZED (
		SELECT w.* FROM bandit_internal.place_weights(settings.name,
			greatest(evaluate_policy.since, timestamptz '2000-01-01'),
			evaluate_policy.at - settings.attribution_window, evaluate_policy.policy,
			evaluate_policy.arms, evaluate_policy.prior_alpha, evaluate_policy.prior_beta) w
	), totals AS (
		SELECT count(*) AS n, count(DISTINCT e.subject) AS s, avg(e.reward) AS v0,
			sum(e.weighted) / nullif(sum(e.weight), 0) AS v, avg(e.weight) AS w,
			sum(e.weight) ^ 2 / nullif(sum(e.weight ^ 2), 0) AS kish,
			stddev_samp(e.weight) / sqrt(count(*)) AS w_error
		FROM each e
	), subjects AS (
		-- what each user adds to the estimates, to first order
		SELECT sum(e.weighted - t.v * e.weight) / (t.w * t.n) AS of_target,
			sum(e.reward - t.v0) / t.n AS of_logged
		FROM each e CROSS JOIN totals t
		GROUP BY e.subject, t.w, t.n
	), errors AS (
		SELECT sqrt(sum(of_target ^ 2) * count(*) / nullif(count(*) - 1, 0)) AS target,
			sqrt(sum((of_target - of_logged) ^ 2) * count(*) / nullif(count(*) - 1, 0)) AS difference
		FROM subjects
	)
	SELECT t.n, t.s, t.kish, t.w, t.w_error, t.v, t.v - 1.96 * e.target, t.v + 1.96 * e.target,
		t.v0, t.v - t.v0, e.difference
	INTO decisions, users, effective_n, mean_weight, weight_error, estimate, lower, upper,
		logged, difference, error
	FROM totals t CROSS JOIN errors e;
	difference_lower := difference - 1.96 * error;
	difference_upper := difference + 1.96 * error;
	verdict := CASE
		WHEN decisions = 0 THEN 'no data'
		WHEN estimate IS NULL THEN 'never seen: what it would do was never done'
		WHEN effective_n < evaluate_policy.min_effective_n
			THEN format('too little evidence: effective_n is below %s', evaluate_policy.min_effective_n)
		WHEN abs(mean_weight - 1) > 3 * weight_error + 1e-9
			THEN 'not supported: mean_weight is not 1, so it would do what was never done'
		WHEN difference_lower > 0 THEN 'better'
		WHEN difference_upper < 0 THEN 'worse'
		ELSE 'no difference seen' END;
END;
$$;
COMMENT ON FUNCTION bandit.evaluate_policy(text, text, text[], float8, float8, timestamptz, float8, timestamptz) IS
'What another policy, prior or set of arms would have earned per item on the decisions that the bandit logged: an estimate by self-normalised importance weighting (snips; Swaminathan and Joachims 2015), place by place of a list, through the exact probabilities of what was done. It supposes that what an arm''s items earn does not depend on the arms beside it, and takes the evidence as it was: another policy would have learnt otherwise. policy: as bandits.policy; NULL: the logged one, floors included; another has none, and epsilon 0.1; arms: a subset; prior_alpha, prior_beta: instead of each arm''s own. since, at: decisions from then on whose window had passed at that time. logged: the mean reward of what was served; lower and upper, of estimate and difference: normal 95 % intervals over users. effective_n: (sum w)^2 / sum w^2 (Kish 1965); mean_weight: 1 if what the other would do was done often enough. verdict: better, worse or no difference seen, but neither with effective_n below min_effective_n nor with a mean_weight off 1 by 3 standard errors. For one look, and one other policy. Errors: undefined_object for a bandit or arm, invalid_parameter_value for policy, priors or min_effective_n.';
-- A bandit that watches what the application chooses by itself.

CREATE FUNCTION bandit.shadow_choose(name text, context jsonb, arm text,
	subject text DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_shadow_choose';
COMMENT ON FUNCTION bandit.shadow_choose(text, jsonb, text, text) IS
'Logs a choice that the application made by itself, with the posteriors that bandit.choose would have drawn from; returns the decision''s id. Nothing is served. Tell what came of it with bandit.reward, and the arm learns; silence counts as ever. bandit.replay shows what would have been chosen, bandit.shadow_report whether it would have been better. subject: as in bandit.choose. NULL, and nothing is logged, in a read-only transaction. Errors: undefined_object for a bandit, or an arm that it does not have; invalid_parameter_value for a context with undeclared keys.';

CREATE FUNCTION bandit.shadow_recommend(name text, user_id bigint, item_ids bigint[],
	context jsonb DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_shadow_recommend';
COMMENT ON FUNCTION bandit.shadow_recommend(text, bigint, bigint[], jsonb) IS
'Logs a list that the application served by itself, and makes the one that bandit.recommend would have served; returns the decision''s id. What both have is credited to the arm that would have brought it, which learns from what the user does with it; the other items are credited to the control. As in recommend, arms that fail are skipped. NULL, and nothing is logged, in a read-only transaction. Errors: those of recommend; invalid_parameter_value for an empty list, or one with nulls.';

CREATE FUNCTION bandit.shadow_recommend(name text, user_key text, item_keys text[],
	context jsonb DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_shadow_recommend_key';
COMMENT ON FUNCTION bandit.shadow_recommend(text, text, text[], jsonb) IS
'shadow_recommend for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit_internal.shadow_choices(name text, since timestamptz,
	until timestamptz, OUT decisions bigint, OUT users bigint, OUT agreement float8,
	OUT application float8, OUT estimate float8, OUT error float8, OUT unseen float8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT d.decision_id, d.subject, d.context_hash, d.picks[1] AS arm,
			coalesce((bandit.policy_propensity(d.policy, d.alphas, d.betas, 1, d.floors, 0))
				[array_position(d.arms, d.picks[1])], 0) AS agreement
		FROM bandit.decisions d
		WHERE d.bandit = shadow_choices.name AND d.variant = 'shadow' AND d.items IS NULL
			AND cardinality(d.arms) > 0
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), totals AS (
		SELECT count(*) AS n, count(DISTINCT l.subject) AS users, avg(l.agreement) AS agreement
		FROM logged l
	), states AS (
		SELECT p.context_hash, u.arm, u.alpha, u.beta, u.pulls, u.odds
		FROM (
			SELECT s.context_hash, array_agg(s.arm ORDER BY s.arm) AS arms,
				array_agg(s.alpha ORDER BY s.arm) AS alphas,
				array_agg(s.beta ORDER BY s.arm) AS betas,
				array_agg(s.pulls ORDER BY s.arm) AS pulls
			FROM bandit.bandit_states s WHERE s.bandit = shadow_choices.name
			GROUP BY s.context_hash
		) AS p
		JOIN bandit.bandits b ON b.name = shadow_choices.name
		CROSS JOIN LATERAL unnest(p.arms, p.alphas, p.betas, p.pulls,
			bandit.policy_propensity(b.policy, p.alphas, p.betas, 1, NULL, b.epsilon))
			AS u (arm, alpha, beta, pulls, odds)
	), shares AS (
		-- how often an arm would be, and was, chosen in a context
		SELECT c.n * s.odds / t.n AS would, coalesce(a.n, 0) / t.n::float8 AS was,
			s.alpha / (s.alpha + s.beta) AS mean, s.pulls,
			s.alpha * s.beta / ((s.alpha + s.beta) ^ 2 * (s.alpha + s.beta + 1)) AS variance
		FROM (SELECT l.context_hash, count(*) AS n FROM logged l GROUP BY 1) AS c
		JOIN states s ON s.context_hash = c.context_hash
		CROSS JOIN totals t
		LEFT JOIN (SELECT l.context_hash, l.arm, count(*) AS n FROM logged l GROUP BY 1, 2) AS a
			ON a.context_hash = s.context_hash AND a.arm = s.arm
	)
	SELECT t.n, t.users, t.agreement, v.application, v.estimate, v.error, v.unseen
	FROM totals t
	CROSS JOIN (
		SELECT sum(s.was * s.mean) AS application, sum(s.would * s.mean) AS estimate,
			sqrt(sum((s.would - s.was) ^ 2 * s.variance)) AS error,
			coalesce(sum(s.would) FILTER (WHERE s.pulls < 10), 0) AS unseen
		FROM shares s
	) AS v;
END;
COMMENT ON FUNCTION bandit_internal.shadow_choices(text, timestamptz, timestamptz) IS
'The numbers of bandit.shadow_report for choices: sums over contexts and arms of how often an arm was and would be chosen, times its posterior mean; the error is that of the difference, over independent Beta posteriors.';

CREATE FUNCTION bandit_internal.shadow_lists(name text, since timestamptz,
	until timestamptz, OUT decisions bigint, OUT users bigint, OUT agreement float8,
	OUT application float8, OUT estimate float8, OUT error float8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shown AS MATERIALIZED (
		SELECT d.decision_id, coalesce(d.subject, d.decision_id::text) AS subject, i.item,
			EXISTS (SELECT FROM bandit.arms a WHERE a.bandit = d.bandit
				AND a.arm = i.arm AND a.role = 'arm')::int AS both
		FROM bandit.decisions d
		CROSS JOIN LATERAL unnest(d.items, d.item_arms) AS i (item, arm)
		WHERE d.bandit = shadow_lists.name AND d.variant = 'shadow'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), responses AS (
		SELECT f.decision_id, f.item_id, coalesce((array_agg(f.reward
			ORDER BY f.priority DESC, f.received_at DESC))[1], 0) AS reward
		FROM bandit.feedback f
		WHERE f.bandit = shadow_lists.name AND NOT f.retracted
			AND f.kind NOT IN ('silence', 'correction')
			AND f.decision_id IN (SELECT s.decision_id FROM shown s)
		GROUP BY f.decision_id, f.item_id
	), subjects AS (
		SELECT s.subject, count(DISTINCT s.decision_id) AS lists, count(*)::float8 AS n,
			sum(s.both)::float8 AS m, sum(coalesce(r.reward, 0)) AS y,
			sum(s.both * coalesce(r.reward, 0)) AS z
		FROM shown s
		LEFT JOIN responses r ON r.decision_id = s.decision_id AND r.item_id = s.item
		GROUP BY s.subject
	), totals AS (
		SELECT sum(s.lists)::bigint AS lists, count(*) AS users, sum(s.n) AS n, sum(s.m) AS m,
			sum(s.y) / sum(s.n) AS application, sum(s.z) / nullif(sum(s.m), 0) AS estimate
		FROM subjects s
	), errors AS (
		SELECT sqrt(sum(((s.z - t.estimate * s.m) / t.m - (s.y - t.application * s.n) / t.n) ^ 2)
			* count(*) / nullif(count(*) - 1, 0)) AS error
		FROM subjects s CROSS JOIN totals t WHERE t.m > 0
	)
	SELECT coalesce(t.lists, 0), t.users, t.m / t.n, t.application, t.estimate, e.error
	FROM totals t LEFT JOIN errors e ON true;
END;
COMMENT ON FUNCTION bandit_internal.shadow_lists(text, timestamptz, timestamptz) IS
'The numbers of bandit.shadow_report for lists: mean rewards of all items shown and of those that the bandit''s arms would have shown too; the error of the difference over users, to first order.';

CREATE FUNCTION bandit.shadow_report(name text, since timestamptz DEFAULT '-infinity',
	at timestamptz DEFAULT now(), OUT decisions bigint, OUT users bigint,
	OUT agreement float8, OUT application float8, OUT estimate float8,
	OUT difference float8, OUT lower float8, OUT upper float8, OUT unseen float8,
	OUT verdict text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	first timestamptz := greatest(shadow_report.since, timestamptz '2000-01-01');
	until timestamptz;
	error float8;
BEGIN
	PERFORM bandit_internal.require_bandit(shadow_report.name);
	SELECT shadow_report.at - b.attribution_window INTO until
	FROM bandit.bandits b WHERE b.name = shadow_report.name;
	IF EXISTS (SELECT FROM bandit.recommenders r WHERE r.bandit = shadow_report.name) THEN
		SELECT l.decisions, l.users, l.agreement, l.application, l.estimate, l.error
		INTO decisions, users, agreement, application, estimate, error
		FROM bandit_internal.shadow_lists(shadow_report.name, first, until) l;
	ELSE
		SELECT c.decisions, c.users, c.agreement, c.application, c.estimate, c.error, c.unseen
		INTO decisions, users, agreement, application, estimate, error, unseen
		FROM bandit_internal.shadow_choices(shadow_report.name, first, until) c;
	END IF;
	difference := estimate - application;
	lower := difference - 1.96 * error;
	upper := difference + 1.96 * error;
	verdict := CASE
		WHEN decisions = 0 THEN 'no data'
		WHEN estimate IS NULL THEN 'never seen: nothing that it would show was shown'
		WHEN decisions < 100 THEN 'too early: fewer than 100 decisions'
		WHEN unseen > 0.1 THEN 'too little seen: it would often choose what was hardly ever chosen'
		WHEN lower > 0 THEN 'better'
		WHEN upper < 0 THEN 'worse'
		ELSE 'no difference seen' END;
END;
$$;
COMMENT ON FUNCTION bandit.shadow_report(text, timestamptz, timestamptz) IS
'Whether a bandit that watches the application (bandit.shadow_choose, shadow_recommend) would do better, from the decisions since a time whose window had passed at another. agreement: of choices the mean probability that it would have chosen the same, as it knew then; of lists the share of items that its arms would have shown too. application: mean reward of what the application served; estimate: of choices what the policy would earn with what is known now, without exploration floors, the posterior means of what it would choose; of lists the mean reward of the items that it would have shown too, which says nothing of those that were never shown. lower, upper: 95 % interval of the difference. unseen: share of its choices that would fall on an arm with fewer than 10 responses in the context, where the mean is mostly prior. verdict: better, worse, no difference seen; or why not to say. It supposes that nothing but the context tells the application what to choose; where it knows more, only an experiment tells. Errors: undefined_object.';
-- Alerts: episodes in which something was out of its bounds.

CREATE TABLE bandit.alerts (
	alert_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	metric text COLLATE "C" NOT NULL,
	arm text COLLATE "C",
	severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
	value float8,
	threshold float8,
	message text NOT NULL,
	action text,
	acted_at timestamptz,
	opened_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	resolved_at timestamptz
);

-- one episode at a time
CREATE UNIQUE INDEX alerts_open ON bandit.alerts (bandit, metric, arm)
	NULLS NOT DISTINCT WHERE resolved_at IS NULL;

COMMENT ON TABLE bandit.alerts IS
'Episodes in which a metric was out of its bounds: one row from when it was first seen until it was seen within them again; resolved_at is NULL while it lasts. Written by bandit.guard and bandit.check_health. Opening, worsening and resolving are sent to NOTIFY bandit_alerts, as JSON, and to the server log. A row may be deleted once it is of no use.';
COMMENT ON COLUMN bandit.alerts.alert_id IS 'The key.';
COMMENT ON COLUMN bandit.alerts.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.alerts.metric IS
'What is out of bounds: a metric of bandit.guards or bandit.metrics.';
COMMENT ON COLUMN bandit.alerts.arm IS
'The arm that it is about; NULL: the bandit as a whole.';
COMMENT ON COLUMN bandit.alerts.severity IS
'warning, or critical; the worst it has been in this episode.';
COMMENT ON COLUMN bandit.alerts.value IS 'The metric when it was last seen.';
COMMENT ON COLUMN bandit.alerts.threshold IS 'The bound then.';
COMMENT ON COLUMN bandit.alerts.message IS 'What it was then, in words.';
COMMENT ON COLUMN bandit.alerts.action IS
'What a guard did about it: control (the experiment''s allocation was set to 0) or disable (the arm was disabled); NULL: nothing.';
COMMENT ON COLUMN bandit.alerts.acted_at IS 'When it did; what was before does not count against the arm again.';
COMMENT ON COLUMN bandit.alerts.opened_at IS 'When it was first seen.';
COMMENT ON COLUMN bandit.alerts.last_seen_at IS 'When it was last seen out of bounds.';
COMMENT ON COLUMN bandit.alerts.resolved_at IS
'When it was seen within bounds again, or nobody watched it any more; NULL: it lasts.';

CREATE FUNCTION bandit_internal.tell_alert(event text, alert bandit.alerts)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE LOG 'bandit "%": % alert %: %', (alert).bandit, (alert).severity, event,
		(alert).message;
	PERFORM pg_notify('bandit_alerts', json_build_object('event', event,
		'alert_id', (alert).alert_id, 'bandit', (alert).bandit,
		'metric', (alert).metric, 'arm', (alert).arm, 'severity', (alert).severity,
		'value', CASE WHEN (alert).value NOT IN ('NaN', 'Infinity', '-Infinity')
			THEN (alert).value END,
		'threshold', (alert).threshold, 'message', (alert).message,
		'action', (alert).action, 'opened_at', (alert).opened_at)::text);
END;
$$;
COMMENT ON FUNCTION bandit_internal.tell_alert(text, bandit.alerts) IS
'Sends what happened to an alert (opened, worsened, resolved) to NOTIFY bandit_alerts and to the server log.';

CREATE FUNCTION bandit_internal.note_alert(bandit text, metric text, arm text,
	severity text, value float8, threshold float8, message text, action text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	before bandit.alerts;
	after bandit.alerts;
BEGIN
	SELECT a.* INTO before FROM bandit.alerts a
	WHERE a.bandit = note_alert.bandit AND a.metric = note_alert.metric
		AND a.arm IS NOT DISTINCT FROM note_alert.arm AND a.resolved_at IS NULL
	FOR NO KEY UPDATE;
	INSERT INTO bandit.alerts AS a (bandit, metric, arm, severity, value, threshold,
		message, action, acted_at)
	VALUES (note_alert.bandit, note_alert.metric, note_alert.arm, note_alert.severity,
		note_alert.value, note_alert.threshold, note_alert.message, note_alert.action,
		CASE WHEN note_alert.action IS NOT NULL THEN clock_timestamp() END)
	ON CONFLICT (bandit, metric, arm) WHERE resolved_at IS NULL DO UPDATE SET
		severity = CASE WHEN a.severity = 'critical' THEN a.severity ELSE excluded.severity END,
		value = excluded.value, threshold = excluded.threshold,
		message = excluded.message, last_seen_at = excluded.last_seen_at,
		action = coalesce(excluded.action, a.action),
		acted_at = coalesce(excluded.acted_at, a.acted_at)
	RETURNING a.* INTO after;
	IF before.alert_id IS DISTINCT FROM after.alert_id THEN
		PERFORM bandit_internal.tell_alert('opened', after);
	ELSIF before.severity <> after.severity OR note_alert.action IS NOT NULL THEN
		PERFORM bandit_internal.tell_alert('worsened', after);
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.note_alert(text, text, text, text, float8, float8, text, text) IS
'Opens an alert, or notes that it lasts. Says so once when it opens, and when it becomes critical or something was done about it.';

CREATE FUNCTION bandit_internal.resolve_alert(bandit text, metric text, arm text,
	message text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	alert bandit.alerts;
BEGIN
	UPDATE bandit.alerts a SET resolved_at = now()
	WHERE a.bandit = resolve_alert.bandit AND a.metric = resolve_alert.metric
		AND a.arm IS NOT DISTINCT FROM resolve_alert.arm AND a.resolved_at IS NULL
	RETURNING a.* INTO alert;
	IF FOUND THEN
		alert.message := resolve_alert.message;
		PERFORM bandit_internal.tell_alert('resolved', alert);
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.resolve_alert(text, text, text, text) IS
'Ends the alert of that bandit, metric and arm, if one is open, and says so.';
-- Guardrails: bounds that hold whether or not anybody looks.

CREATE TABLE bandit.guards (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	metric text COLLATE "C" NOT NULL
		CHECK (metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')),
	bound float8 NOT NULL CHECK (bound >= 0 AND bound < 'Infinity'),
	action text NOT NULL DEFAULT 'alert' CHECK (action IN ('alert', 'control', 'disable')),
	lookback interval NOT NULL DEFAULT '1 hour' CHECK (lookback > '0'),
	first_decisions int NOT NULL DEFAULT 1000 CHECK (first_decisions > 0),
	min_sample int NOT NULL DEFAULT 100 CHECK (min_sample > 0),
	PRIMARY KEY (bandit, metric),
	CHECK (bound <= 1 OR metric = 'arm_p95_ms'),
	CHECK (action = 'alert' OR action = CASE metric WHEN 'reward_drop' THEN 'control' ELSE 'disable' END)
);

COMMENT ON TABLE bandit.guards IS
'Guardrails, checked by bandit.guard. reward_drop: how far the reward per item may fall below the control''s, as a share of it, in the running experiment; new_arm_share: how much of the items (or choices) an arm may have in its first decisions; arm_error_rate: share of the requests for an arm''s list that fail; arm_p95_ms: 95th percentile of the time that an arm''s list takes, in milliseconds.';
COMMENT ON COLUMN bandit.guards.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.guards.metric IS 'reward_drop, new_arm_share, arm_error_rate or arm_p95_ms.';
COMMENT ON COLUMN bandit.guards.bound IS
'The largest value allowed: a share, 0 to 1, or milliseconds.';
COMMENT ON COLUMN bandit.guards.action IS
'What to do when it is exceeded beyond doubt: alert (nothing else), control (of reward_drop: set the experiment''s allocation to 0) or disable (of the others: disable the arm, unless it is the last).';
COMMENT ON COLUMN bandit.guards.lookback IS
'How far back arm_error_rate and arm_p95_ms look.';
COMMENT ON COLUMN bandit.guards.first_decisions IS
'How many decisions of the bandit, since the arm was added, new_arm_share looks at.';
COMMENT ON COLUMN bandit.guards.min_sample IS
'Requests (of new_arm_share: decisions) below which the status is unknown. reward_drop needs 100 users on each side.';

CREATE FUNCTION bandit.set_guard(name text, metric text, bound float8,
	action text DEFAULT 'alert', lookback interval DEFAULT '1 hour',
	first_decisions int DEFAULT 1000, min_sample int DEFAULT 100)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	fitting text := CASE set_guard.metric WHEN 'reward_drop' THEN 'control' ELSE 'disable' END;
BEGIN
	PERFORM bandit_internal.require_bandit(set_guard.name);
	IF (set_guard.metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')) IS NOT TRUE THEN
		RAISE EXCEPTION 'unknown metric "%"', set_guard.metric
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Guards are reward_drop, new_arm_share, arm_error_rate and arm_p95_ms.';
	ELSIF (set_guard.bound >= 0 AND set_guard.bound <=
			CASE set_guard.metric WHEN 'arm_p95_ms' THEN 1e12 ELSE 1 END) IS NOT TRUE THEN
		RAISE EXCEPTION 'bound must be % for %, not %',
				CASE set_guard.metric WHEN 'arm_p95_ms' THEN 'a time in milliseconds'
					ELSE 'a share between 0 and 1' END,
				set_guard.metric, coalesce(set_guard.bound::text, 'null')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (set_guard.action IN ('alert', fitting)) IS NOT TRUE THEN
		RAISE EXCEPTION 'action must be alert or % for %', fitting, set_guard.metric
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (set_guard.lookback > '0' AND set_guard.first_decisions > 0
			AND set_guard.min_sample > 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'lookback, first_decisions and min_sample must be positive'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO bandit.guards (bandit, metric, bound, action, lookback, first_decisions, min_sample)
	VALUES (set_guard.name, set_guard.metric, set_guard.bound, set_guard.action,
		set_guard.lookback, set_guard.first_decisions, set_guard.min_sample)
	ON CONFLICT (bandit, metric) DO UPDATE SET bound = excluded.bound,
		action = excluded.action, lookback = excluded.lookback,
		first_decisions = excluded.first_decisions, min_sample = excluded.min_sample;
END;
$$;
COMMENT ON FUNCTION bandit.set_guard(text, text, float8, text, interval, int, int) IS
'Sets a guardrail, a row of bandit.guards; see the columns there. DELETE FROM bandit.guards takes it away. Errors: undefined_object; invalid_parameter_value.';

CREATE FUNCTION bandit_internal.guarded_arms(name text, at timestamptz,
	OUT metric text, OUT arm text, OUT value float8, OUT lower float8, OUT sample bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH judged AS MATERIALIZED (
		-- arms as they are since they were added, or last disabled by a guard
		SELECT g.metric, g.bound, g.lookback, g.first_decisions, a.arm,
			greatest(a.created_at, (SELECT max(l.acted_at) FROM bandit.alerts l
				WHERE l.bandit = a.bandit AND l.metric = g.metric AND l.arm = a.arm)) AS since
		FROM bandit.guards g JOIN bandit.arms a ON a.bandit = g.bandit
		WHERE g.bandit = guarded_arms.name AND a.enabled AND a.role = 'arm'
			AND g.metric <> 'reward_drop'
	), shares AS (
		SELECT j.metric, j.arm, avg(f.share) AS value, count(f.share) AS n
		FROM judged j
		LEFT JOIN LATERAL (
			SELECT (SELECT count(*) FILTER (WHERE s.arm = j.arm) / nullif(count(*), 0)::float8
				FROM unnest(coalesce(d.item_arms, d.picks)) AS s (arm)) AS share
			FROM bandit.decisions d
			WHERE d.bandit = guarded_arms.name AND d.variant = 'treatment'
				AND d.decision_id >= bandit.first_decision_id(j.since)
			ORDER BY d.decision_id LIMIT j.first_decisions
		) AS f ON true
		WHERE j.metric = 'new_arm_share' GROUP BY j.metric, j.arm
	), requests AS (
		SELECT j.metric, j.arm, j.bound, r.ms
		FROM judged j
		JOIN bandit.decisions d ON d.bandit = guarded_arms.name AND d.pick_ms IS NOT NULL
			AND d.decision_id >= bandit.first_decision_id(greatest(j.since, at - j.lookback))
		CROSS JOIN LATERAL unnest(d.picks, d.pick_ms) AS r (arm, ms)
		WHERE j.metric IN ('arm_error_rate', 'arm_p95_ms') AND r.arm = j.arm
	), counted AS (
		SELECT s.metric, s.arm, s.value, s.value * s.n AS hits, s.n, 0 AS allowed
		FROM shares s
		UNION ALL
		SELECT r.metric, r.arm, avg((r.ms IS NULL)::int),
			count(*) FILTER (WHERE r.ms IS NULL), count(*), 0
		FROM requests r WHERE r.metric = 'arm_error_rate' GROUP BY r.metric, r.arm
		UNION ALL
		SELECT r.metric, r.arm, percentile_cont(0.95) WITHIN GROUP (ORDER BY r.ms),
			count(*) FILTER (WHERE r.ms > r.bound), count(r.ms), 0.05
		FROM requests r WHERE r.metric = 'arm_p95_ms' GROUP BY r.metric, r.arm
	)
	SELECT j.metric, j.arm, c.value,
		CASE WHEN j.metric <> 'arm_p95_ms' THEN w.lower
			WHEN w.lower > c.allowed THEN c.value ELSE 0 END,
		coalesce(c.n, 0)
	FROM judged j
	LEFT JOIN counted c ON c.metric = j.metric AND c.arm = j.arm
	LEFT JOIN LATERAL bandit.wilson_interval(c.hits, c.n) AS w ON c.n > 0;
END;
COMMENT ON FUNCTION bandit_internal.guarded_arms(text, timestamptz) IS
'What the guards of arms measure, a row per guard and enabled arm: value; lower, what it is at least with 97.5 % confidence (Wilson''s bound; a percentile is above its bound as surely as the share of slower requests is above 5 %); sample, requests or decisions.';

CREATE FUNCTION bandit_internal.guard_values(name text, at timestamptz,
	OUT metric text, OUT arm text, OUT value float8, OUT bound float8, OUT status text,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	rule bandit.guards;
	verdict record;
	worst float8;
BEGIN
	SELECT g.* INTO rule FROM bandit.guards g
	WHERE g.bandit = guard_values.name AND g.metric = 'reward_drop';
	IF FOUND THEN
		metric := rule.metric;
		bound := rule.bound;
		action := rule.action;
		status := 'unknown';
		IF EXISTS (SELECT FROM bandit.experiments e
				   WHERE e.bandit = guard_values.name AND e.ended_at IS NULL) THEN
			SELECT v.* INTO verdict FROM bandit.experiment_verdict(guard_values.name, guard_values.at) v;
			value := -verdict.difference / nullif(verdict.control, 0);
			worst := -verdict.upper / nullif(verdict.control, 0);
			status := CASE WHEN worst IS NULL THEN 'unknown' WHEN worst > rule.bound THEN 'alert'
				WHEN value > rule.bound THEN 'warning' ELSE 'ok' END;
		END IF;
		RETURN NEXT;
	END IF;
	RETURN QUERY
	SELECT m.metric, m.arm, m.value, g.bound,
		CASE WHEN m.sample < g.min_sample THEN 'unknown' WHEN m.lower > g.bound THEN 'alert'
			WHEN m.value > g.bound THEN 'warning' ELSE 'ok' END, g.action
	FROM bandit_internal.guarded_arms(guard_values.name, guard_values.at) m
	JOIN bandit.guards g ON g.bandit = guard_values.name AND g.metric = m.metric
	ORDER BY m.metric, m.value DESC, m.arm;
END;
$$;
COMMENT ON FUNCTION bandit_internal.guard_values(text, timestamptz) IS
'A row per guard, and per enabled arm where it is about arms: ok; warning, the value is above the bound; alert, so is the end of its interval; unknown, too few of them.';

CREATE FUNCTION bandit_internal.act_on_guard(name text, arm text, action text,
	OUT done text, OUT words text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF action = 'control' THEN
		IF EXISTS (SELECT FROM bandit.experiments e WHERE e.bandit = act_on_guard.name
				   AND e.ended_at IS NULL AND e.allocation > 0) THEN
			PERFORM bandit.set_allocation(act_on_guard.name, 0);
			done := action;
			words := '; the allocation was set to 0, so the control serves everybody';
		END IF;
	ELSIF action = 'disable' THEN
		IF (SELECT count(*) FROM bandit.arms a WHERE a.bandit = act_on_guard.name
			AND a.enabled AND a.role = 'arm') > 1 THEN
			PERFORM bandit.set_arm(act_on_guard.name, act_on_guard.arm, false);
			done := action;
			words := '; it was disabled';
		ELSE
			words := '; it is the only arm and was left enabled';
		END IF;
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.act_on_guard(text, text, text) IS
'Does what a guard says and tells what was done; nothing where there is nothing to do.';

CREATE FUNCTION bandit_internal.guard_words(metric text, arm text, value float8, bound float8)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE metric
		WHEN 'reward_drop' THEN format('the reward is %s %% below the control''s, by more than %s %%', v.percent, b.percent)
		WHEN 'new_arm_share' THEN format('new arm "%s" has %s %% of the items, more than %s %%', arm, v.percent, b.percent)
		WHEN 'arm_error_rate' THEN format('arm "%s" fails in %s %% of its requests, more than %s %%', arm, v.percent, b.percent)
		ELSE format('arm "%s" takes %s ms in one of 20 requests, more than %s ms', arm,
			round(value::numeric, 1), round(bound::numeric, 1)) END
	FROM (SELECT round(100 * value::numeric, 1)) AS v (percent),
		(SELECT round(100 * bound::numeric, 1)) AS b (percent);
END;
COMMENT ON FUNCTION bandit_internal.guard_words(text, text, float8, float8) IS
'What a guard found, in words.';

CREATE FUNCTION bandit.guard(name text, at timestamptz DEFAULT now(),
	OUT metric text, OUT arm text, OUT value float8, OUT bound float8,
	OUT status text, OUT action text, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	found record;
	deed record;
BEGIN
	PERFORM bandit_internal.lock_bandit(guard.name);
	FOR found IN
		SELECT v.* FROM bandit_internal.guard_values(guard.name, guard.at) v
	LOOP
		metric := found.metric;
		arm := found.arm;
		value := found.value;
		bound := found.bound;
		status := found.status;
		action := NULL;
		message := NULL;
		IF status IN ('warning', 'alert') THEN
			message := bandit_internal.guard_words(metric, arm, value, bound);
			IF status = 'alert' THEN
				SELECT d.* INTO deed FROM bandit_internal.act_on_guard(guard.name, arm, found.action) d;
				action := deed.done;
				message := message || coalesce(deed.words, '');
			END IF;
			PERFORM bandit_internal.note_alert(guard.name, metric, arm,
				CASE status WHEN 'alert' THEN 'critical' ELSE 'warning' END,
				value, bound, message, action);
		ELSIF status = 'ok' THEN
			PERFORM bandit_internal.resolve_alert(guard.name, metric, arm, 'within bounds again');
		END IF;
		RETURN NEXT;
	END LOOP;
	-- of guards that were taken away, and of arms that were removed
	PERFORM bandit_internal.resolve_alert(l.bandit, l.metric, l.arm, 'not watched any more')
	FROM bandit.alerts l
	WHERE l.bandit = guard.name AND l.resolved_at IS NULL
		AND l.metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')
		AND NOT EXISTS (SELECT FROM bandit.guards g
			LEFT JOIN bandit.arms a ON a.bandit = g.bandit AND a.arm = l.arm
			WHERE g.bandit = l.bandit AND g.metric = l.metric
				AND (l.arm IS NULL OR a.arm IS NOT NULL));
END;
$$;
COMMENT ON FUNCTION bandit.guard(text, timestamptz) IS
'Checks the guards of a bandit and does what they say, a row per guard, and per enabled arm where it is about arms. status: ok; warning: the value is above the bound; alert: beyond doubt, its interval is (Wilson''s at 95 %, of reward_drop the always-valid one of the experiment, so that it may be asked every minute); unknown: too few requests, or no experiment with 100 users on each side. Only an alert is acted on; action: what was done, control or disable. A warning or an alert is a row of bandit.alerts, told to NOTIFY bandit_alerts and to the server log when it opens, worsens and resolves. An arm that was disabled stays so, and its alert open, until somebody enables it (bandit.set_arm); it is then judged by what it does from then on. Errors: undefined_object.';
-- What the server has to know of the extension's objects: what a dump holds,
-- who may call what, and when cached settings are out of date.

-- All rows are the user's.  A partition is dumped by itself: the default ones
-- are members of the extension, later ones are not and need no word here.
SELECT pg_catalog.pg_extension_config_dump('bandit.bandits', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.arms', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.recommenders', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.contexts', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.evidence', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.priors', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.experiments', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.decisions', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.decisions_default', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.feedback', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.feedback_default', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.checkpoints', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.outcome_rules', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.watches', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.models', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.alerts', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.guards', '');

-- ALWAYS: whoever changes a setting, a replica's session too.
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.bandits
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.arms
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.recommenders
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.outcome_rules
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.models
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.priors
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.experiments
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.watches
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();

ALTER TABLE bandit.bandits ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.arms ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.recommenders ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.outcome_rules ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.models ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.priors ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.experiments ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.watches ENABLE ALWAYS TRIGGER invalidate_cache;

-- Nobody may call anything that was not granted to him.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal FROM PUBLIC;
