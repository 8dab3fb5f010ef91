-- Comparisons, intervals and tests: reference values and edges.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/beta_pair.csv" && echo true || echo false`
BEGIN;
SELECT plan(36);

\if :there
CREATE TEMP TABLE pair (alpha_a float8, beta_a float8, alpha_b float8, beta_b float8,
	p_b_better float8, loss_if_a float8, loss_if_b float8,
	difference_mean float8, difference_sd float8, difference_lower float8,
	difference_median float8, difference_upper float8,
	lift_lower float8, lift_median float8, lift_upper float8);
CREATE TEMP TABLE maximum (number int, alphas float8[], betas float8[], expected float8, losses float8[]);
CREATE TEMP TABLE wilson (successes float8, n float8, confidence float8, lower float8, upper float8);
CREATE TEMP TABLE rate (successes float8, n float8, alpha float8, prior_a float8, prior_b float8,
	lower float8, upper float8);
CREATE TEMP TABLE difference (n_a float8, mean_a float8, variance_a float8,
	n_b float8, mean_b float8, variance_b float8, alpha float8, planned_n float8,
	difference float8, standard_error float8, rho_squared float8,
	lower float8, upper float8, p float8);
CREATE TEMP TABLE ratio (number int, counts bigint[], weights float8[], n float8,
	chi_square float8, degrees float8, p_value float8, log_bayes_factor float8, p_always_valid float8);
\copy pair FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/beta_pair.csv"' CSV HEADER
\copy maximum FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/expected_maximum.csv"' CSV HEADER
\copy wilson FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/wilson_interval.csv"' CSV HEADER
\copy rate FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/confidence_sequence_rate.csv"' CSV HEADER
\copy difference FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/confidence_sequence_difference.csv"' CSV HEADER
\copy ratio FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/srm_chi_square.csv"' CSV HEADER

SELECT is_empty($$
	SELECT p.*, got FROM pair p, bandit.beta_beats(alpha_b, beta_b, alpha_a, beta_a) got
	WHERE abs(got - p_b_better) > 1e-9$$,
	'beta_beats agrees in ' || (SELECT count(*) FROM pair) || ' cases');
SELECT is_empty($$
	SELECT p.*, a, b FROM pair p, bandit.beta_expected_loss(alpha_a, beta_a, alpha_b, beta_b) a,
		bandit.beta_expected_loss(alpha_b, beta_b, alpha_a, beta_a) b
	WHERE NOT (abs(a / loss_if_a - 1) < 1e-9 AND abs(b / loss_if_b - 1) < 1e-9)$$,
	'beta_expected_loss does, either way');
SELECT is_empty($$
	SELECT p.*, q, got FROM pair p,
		LATERAL (VALUES (0.025, lift_lower), (0.5, lift_median), (0.975, lift_upper)) w(q, wanted),
		bandit.beta_lift_quantile(q, alpha_a, beta_a, alpha_b, beta_b) got
	WHERE NOT abs(got - wanted) < 1e-8 * (1 + wanted)$$, 'beta_lift_quantile does');
SELECT is_empty($$
	SELECT number, expected, got FROM maximum, bandit.expected_maximum(alphas, betas) got
	WHERE NOT abs(got - expected) < 1e-9$$,
	'expected_maximum agrees in ' || (SELECT count(*) FROM maximum) || ' cases');
SELECT is_empty($$
	SELECT number, i, losses[i], got[i] FROM maximum, bandit.expected_losses(alphas, betas) got,
		generate_subscripts(losses, 1) i
	WHERE NOT abs(got[i] - losses[i]) < 1e-9$$, 'expected_losses does');
SELECT is_empty($$
	SELECT w.*, got FROM wilson w, bandit.wilson_interval(successes, n, confidence) got
	WHERE (got.lower IS NULL) <> (w.lower IS NULL) OR (got.upper IS NULL) <> (w.upper IS NULL)
		OR abs(got.lower - w.lower) > 1e-12 OR abs(got.upper - w.upper) > 1e-12$$,
	'wilson_interval agrees in ' || (SELECT count(*) FROM wilson) || ' cases');
SELECT is_empty($$
	SELECT r.*, got FROM rate r, bandit.confidence_sequence_rate(successes, n, alpha, prior_a, prior_b) got
	WHERE NOT (abs(got.lower - r.lower) < 1e-9 AND abs(got.upper - r.upper) < 1e-9)$$,
	'confidence_sequence_rate agrees in ' || (SELECT count(*) FROM rate) || ' cases');
SELECT is_empty($$
	SELECT d.*, got FROM difference d, bandit.confidence_sequence_difference(n_a, mean_a, variance_a,
		n_b, mean_b, variance_b, alpha, planned_n) got
	WHERE NOT (abs(got.difference - d.difference) <= 1e-10 * abs(d.difference)
		AND abs(got.standard_error / d.standard_error - 1) < 1e-10
		AND abs(got.lower - d.lower) <= 1e-10 * abs(d.lower)
		AND abs(got.upper - d.upper) <= 1e-10 * abs(d.upper)
		AND abs(got.p_always_valid - d.p) <= 1e-10 * d.p)$$,
	'confidence_sequence_difference agrees in ' || (SELECT count(*) FROM difference) || ' cases');
SELECT is_empty($$
	SELECT r.*, got FROM ratio r, bandit.srm_test(counts, weights) got
	WHERE NOT (got.n = r.n AND abs(got.chi_square - r.chi_square) <= 1e-9 * r.chi_square
		AND got.degrees = r.degrees AND abs(got.p_value - r.p_value) <= 1e-9 * r.p_value
		AND abs(got.log_bayes_factor - r.log_bayes_factor) < 1e-7
		AND abs(got.p_always_valid - r.p_always_valid) <= 1e-7 * r.p_always_valid)$$,
	'srm_test agrees in ' || (SELECT count(*) FROM ratio) || ' cases');
\else
SELECT skip('no reference values beside the checkout', 9);
\endif

-- in closed form
SELECT is(round(bandit.beta_beats(2, 1, 1, 1)::numeric, 9), 0.666666667, 'P(Beta(2,1) > Beta(1,1)) = 2/3');
SELECT is(round(bandit.beta_expected_loss(1, 1, 1, 1)::numeric, 12), 0.166666666667, 'the loss between equals is 1/6');
SELECT ok(abs(bandit.beta_lift_quantile(q, 1, 1, 1, 1) - CASE WHEN q < 0.5 THEN 2 * q ELSE 0.5 / (1 - q) END + 1) < 1e-8,
	'the ratio of uniforms at ' || q) FROM unnest('{0.01,0.3,0.5,0.9,0.999}'::float8[]) q;
SELECT is(round(bandit.expected_maximum('{1,1,1}', '{1,1,1}')::numeric, 12), 0.75, 'of three uniforms the largest is 3/4');
-- E (B - A)+ - E (A - B)+ = E B - E A, in shapes that no other value covers
SELECT is_empty($$
	SELECT a, b, c, d FROM unnest('{0.01,0.7,3,400,1e7}'::float8[]) a, unnest('{0.02,9,1e5}'::float8[]) b,
		unnest('{0.3,50,1e6}'::float8[]) c, unnest('{0.05,1.5,2000}'::float8[]) d
	WHERE NOT abs(bandit.beta_expected_loss(a, b, c, d) - bandit.beta_expected_loss(c, d, a, b)
		- (c / (c + d) - a / (a + b))) < 1e-10$$, 'losses differ by what the means do');
SELECT is_empty($$
	SELECT a, b, c, d, q FROM unnest('{0.5,400,1e7}'::float8[]) a, unnest('{9,1e5}'::float8[]) b,
		unnest('{0.3,50}'::float8[]) c, unnest('{0.6,2000}'::float8[]) d, unnest('{0.025,0.6}'::float8[]) q
	WHERE NOT abs((1 + bandit.beta_lift_quantile(q, a, b, c, d))
		* (1 + bandit.beta_lift_quantile(1 - q, c, d, a, b)) - 1) < 1e-7$$,
	'the lift of A over B is the inverse of that of B over A');

-- edges
SELECT is((bandit.wilson_interval(0, 10)).lower, 0::float8, 'no success: the interval begins at 0');
SELECT is((bandit.confidence_sequence_rate(0, 0))::text, '(0,1)', 'nothing seen: nothing excluded');
SELECT is((bandit.confidence_sequence_rate(7, 7)).upper, 1::float8, 'all succeed: 1 is possible');
SELECT is((bandit.confidence_sequence_difference(0, 0, 0, 5, 1, 1))::text, '(,,,,)', 'one side alone: no difference');
SELECT is((bandit.confidence_sequence_difference(9, 1, 0, 9, 1, 0))::text, '(0,0,,,)', 'no variance: no interval');
SELECT is((bandit.srm_test('{0,0}', '{1,1}')).p_value, 1::float8, 'no users: no mismatch');
SELECT is(bandit.beta_beats(NULL, 1, 1, 1), NULL, 'NULL in, NULL out');
SELECT throws_ok('SELECT bandit.' || call, '22023', NULL, call) FROM unnest(ARRAY[
	'beta_beats(0, 1, 1, 1)', 'beta_expected_loss(1, ''NaN'', 1, 1)', 'beta_lift_quantile(1, 1, 1, 1, 1)',
	'wilson_interval(3, 2)', 'wilson_interval(1, 2, 1)', 'confidence_sequence_rate(-1, 2)',
	'confidence_sequence_difference(1, 1, -1, 1, 1, 1)', 'srm_test(''{-1,2}'', ''{1,1}'')']) call;
SELECT throws_ok($$SELECT bandit.srm_test('{1,2}', '{1}')$$, '2202E', NULL, 'a weight for each side');
SELECT throws_ok($$SELECT bandit.expected_losses('{1,2}', '{1}')$$, '2202E', NULL, 'two shapes for each arm');
SELECT * FROM finish();
ROLLBACK;
