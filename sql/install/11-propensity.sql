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
