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
