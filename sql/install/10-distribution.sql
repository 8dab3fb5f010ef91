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
