-- Reference values, where they are: beta distribution and blending.
-- Tolerances are those that come with the values.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/beta_distribution.csv" && echo true || echo false`
BEGIN;
SELECT plan(7);
\if :there
CREATE TEMP TABLE dist (x float8, alpha float8, beta float8, log_pdf float8,
	pdf float8, cdf float8, sf float8, log_cdf float8, log_sf float8);
CREATE TEMP TABLE quantile (p float8, alpha float8, beta float8,
	quantile float8, upper float8, log_quantile float8);
CREATE TEMP TABLE sequences (number int, weights float8[], n int,
	sequence int[], max_deviation float8);
\copy dist FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/beta_distribution.csv"' CSV HEADER
\copy quantile FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/beta_quantile.csv"' CSV HEADER
\copy sequences FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/blend_sequence.csv"' CSV HEADER

SELECT is_empty($$
	SELECT x, alpha, beta, cdf, bandit.beta_cdf(x, alpha, beta) FROM dist
	WHERE cdf > 1e-300 AND abs(bandit.beta_cdf(x, alpha, beta) / cdf - 1)
		> CASE WHEN alpha + beta > 1e7 THEN 1e-11 ELSE 1e-12 END$$,
	'beta_cdf agrees with ' || (SELECT count(*) FROM dist) || ' reference values');
SELECT is_empty($$
	SELECT x, alpha, beta, pdf, bandit.beta_pdf(x, alpha, beta) FROM dist
	WHERE pdf > 1e-300 AND bandit.beta_pdf(x, alpha, beta) <> pdf
		AND abs(bandit.beta_pdf(x, alpha, beta) / pdf - 1)
		> CASE WHEN alpha + beta > 1e7 THEN 1e-10 ELSE 1e-11 END$$,
	'beta_pdf does');
SELECT is_empty($$
	SELECT p, alpha, beta, quantile, bandit.beta_quantile(p, alpha, beta)
	FROM quantile
	WHERE CASE WHEN quantile < 1e-300
		THEN abs(bandit.beta_quantile(p, alpha, beta) - quantile) > 1e-300
		ELSE abs(bandit.beta_quantile(p, alpha, beta) / quantile - 1) > 1e-11 END$$,
	'beta_quantile agrees with ' || (SELECT count(*) FROM quantile) || ' reference values');
SELECT is_empty($$
	SELECT number, sequence, got
	FROM sequences s CROSS JOIN LATERAL (
		SELECT array_agg(b.list ORDER BY b.position) AS got
		FROM bandit.blend((
			SELECT jsonb_agg((SELECT jsonb_agg(list * 1000000 + item)
				FROM generate_series(1, s.n) item) ORDER BY list)
			FROM generate_series(1, cardinality(s.weights)) list), s.weights, s.n) b) b
	WHERE got IS DISTINCT FROM sequence$$,
	'blend gives the ' || (SELECT count(*) FROM sequences) || ' reference sequences to the letter');
CREATE TEMP TABLE top_k (number int, arms int, k int, arm int, alpha float8,
	beta float8, propensity float8, monte_carlo float8, draws bigint);
\copy top_k FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/top_k_propensity.csv"' CSV HEADER
CREATE TEMP TABLE top_k_case AS
SELECT number, k, array_agg(alpha ORDER BY arm) AS alphas,
	array_agg(beta ORDER BY arm) AS betas, array_agg(propensity ORDER BY arm) AS wanted
FROM top_k GROUP BY number, k;
SELECT is_empty($$
	SELECT number, i, wanted[i], got[i]
	FROM top_k_case, bandit.top_k_propensity(alphas, betas, k) got,
		generate_subscripts(wanted, 1) i
	WHERE abs(wanted[i] - got[i]) > 1e-9$$,
	'top_k_propensity agrees in ' || (SELECT count(*) FROM top_k_case) || ' cases');
SELECT is_empty($$
	SELECT number, i FROM top_k_case c, bandit.rank_propensity(alphas, betas, k) got,
		generate_subscripts(wanted, 1) i
	WHERE abs(wanted[i] - (SELECT sum(got[i][r]) FROM generate_series(1, c.k) r)) > 1e-9$$,
	'the ranks of rank_propensity add up to it');
CREATE TEMP TABLE counts (number int, probabilities float8[], k int, pmf float8, cdf float8);
\copy counts FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/poisson_binomial.csv"' CSV HEADER
SELECT is_empty($$
	SELECT number, k, pmf, got[k + 1] FROM counts, bandit.poisson_binomial(probabilities) got
	WHERE abs(pmf - got[k + 1]) > least(1e-14, 1e-10 * pmf)$$,
	'poisson_binomial agrees in ' || (SELECT count(*) FROM counts) || ' places');
\else
SELECT skip('no reference values beside the checkout', 7);
\endif
SELECT * FROM finish();
ROLLBACK;
