-- The beta distribution as SQL sees it.
\set VERBOSITY terse
SELECT bandit.beta_cdf(0.3, 2, 3), bandit.beta_pdf(0.3, 2, 3),
	round(bandit.beta_quantile(0.3483, 2, 3)::numeric, 12) AS quantile;

-- known exactly: uniform, and Beta(2, 1) with cdf x^2
SELECT bandit.beta_cdf(0.25, 1, 1) AS uniform,
	bandit.beta_cdf(0.5, 2, 1) AS square,
	bandit.beta_quantile(0.25, 2, 1) AS root,
	bandit.beta_pdf(0.5, 2, 1) AS line;

-- ends
SELECT x, bandit.beta_cdf(x, 2, 3) AS cdf, bandit.beta_pdf(x, 0.5, 2) AS pdf
FROM unnest(ARRAY[-1, 0, 1, 2, 'NaN']::float8[]) x;
SELECT bandit.beta_pdf(0, 1, 3), bandit.beta_pdf(1, 3, 1), bandit.beta_pdf(0, 2, 2);
SELECT bandit.beta_quantile(0, 2, 3), bandit.beta_quantile(1, 2, 3),
	bandit.beta_quantile(0.01, 1e-3, 1e-3) AS below_double;
SELECT bandit.beta_cdf(NULL, 2, 3) IS NULL AND bandit.beta_sample(NULL, 1) IS NULL AS null_in_null_out;

-- the same seed draws the same, by every road
SELECT bandit.set_seed(42);
SELECT bandit.beta_sample(2, 3), bandit.beta_sample(0.5, 0.5);
SELECT bandit.set_seed(42);
SELECT bandit.beta_sample(2, 3), bandit.beta_sample(0.5, 0.5);
SELECT bandit.set_seed(42);
SELECT * FROM bandit.beta_sample(2, 3, 2);
SELECT count(*) FROM bandit.beta_sample(2, 3, 0);
SELECT bandit.set_seed(43);
SELECT bandit.beta_sample(2, 3);

-- tiny shapes: no NaN, and the mean of 20,000 draws of variance 0.2495 within
-- 5.5 standard errors of 1/2 (4e-8)
SELECT count(*) FILTER (WHERE s = 'NaN') AS nans,
	abs(avg(s) - 0.5) < 5.5 * sqrt(0.2495 / 20000) AS centred
FROM bandit.beta_sample(1e-3, 1e-3, 20000) s;
SELECT bandit.beta_sample(1e-300, 1e-300) IN (0, 1) AS no_nan;
SELECT count(*) FILTER (WHERE s IN (0, 1)) AS at_the_ends
FROM bandit.beta_sample(5e-324, 5e-324, 1000) s;

-- NaN and NULL are handed on
SELECT bandit.beta_pdf('NaN', 2, 3), bandit.beta_cdf('NaN', 2, 3), bandit.beta_quantile('NaN', 2, 3);
SELECT bandit.beta_quantile(0.5, NULL, 1) IS NULL AND bandit.beta_pdf(0.5, 1, NULL) IS NULL AS null_in_null_out;
SELECT count(*) FROM bandit.beta_sample(1, 1, NULL);

-- errors
SELECT bandit.beta_sample(0, 1);
SELECT bandit.beta_sample(1, -1);
SELECT bandit.beta_sample('NaN', 1);
SELECT bandit.beta_cdf(0.5, 'Infinity', 1);
SELECT * FROM bandit.beta_sample(1, 1, -1);
SELECT bandit.beta_quantile(-0.1, 1, 1);
SELECT bandit.beta_quantile(1.1, 1, 1);
SELECT bandit.beta_quantile('Infinity', 1, 1);
SELECT * FROM bandit.beta_sample(1, 0, 1);

-- and with what they say besides
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT bandit.beta_pdf(0.5, '-Infinity', 2);
\set VERBOSITY sqlstate
SELECT bandit.beta_pdf(0.5, '-Infinity', 2);
SELECT bandit.beta_quantile(2, 1, 1);
SELECT * FROM bandit.beta_sample(1, 1, -1);

-- long integrals hear of a cancellation
SET statement_timeout = '100ms';
SELECT bandit.expected_losses(array_agg(1 + g % 7)::float8[], array_agg(2 + g % 11)::float8[]) FROM generate_series(1, 4000) g;
RESET statement_timeout;
