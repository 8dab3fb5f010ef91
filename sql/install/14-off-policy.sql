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
