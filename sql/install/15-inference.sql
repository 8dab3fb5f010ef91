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

CREATE FUNCTION bandit_internal.student(degrees bigint)
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT sqrt(degrees * q / (1 - q)) FROM (SELECT CASE WHEN degrees > 0 THEN
		bandit.beta_quantile(0.95, 0.5, degrees / 2.0::float8) END) AS s (q);
END;
COMMENT ON FUNCTION bandit_internal.student(bigint) IS
'The quantile 0.975 of Student''s distribution: a 95 % interval is that many standard errors to each side. NULL without degrees of freedom.';
