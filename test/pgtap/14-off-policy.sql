-- Off-policy estimates: reference values, a published log, parts combined.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/ope_data.csv" && echo true || echo false`
\set log `test -r "${BANDIT_SHARED:-../shared}/data/open-bandit-sample/bts-men.csv.gz" && echo true || echo false`
BEGIN;
SELECT plan(36);

\if :there
CREATE TEMP TABLE logs (number int, line int, reward float8, logged float8,
	target float8, q_logged float8, v_target float8);
CREATE TEMP TABLE wanted (number int, estimator text, n bigint, estimate float8,
	standard_error float8, lower float8, upper float8, effective_n float8,
	max_weight float8, mean_weight float8);
\copy logs FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/ope_data.csv"' CSV HEADER
\copy wanted FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/ope_expected.csv"' CSV HEADER
SELECT is_empty($$
	WITH got AS (
		SELECT number, 'ips' AS estimator, (bandit.ips(reward, logged, target)).* FROM logs GROUP BY 1
		UNION ALL
		SELECT number, 'snips', (bandit.snips(reward, logged, target)).* FROM logs GROUP BY 1
		UNION ALL
		SELECT number, 'dr', (bandit.dr(reward, logged, target, q_logged, v_target)).* FROM logs GROUP BY 1
	)
	SELECT number, estimator, name, w.value, g.value FROM wanted
	LEFT JOIN got USING (number, estimator),
	LATERAL jsonb_each_text(to_jsonb(wanted)) AS w(name, value),
	LATERAL (SELECT to_jsonb(got) ->> w.name AS value) g
	WHERE name NOT IN ('number', 'estimator') AND (
		(w.value IS NULL) <> (g.value IS NULL)
		OR abs(w.value::float8 - g.value::float8) > 1e-10 * abs(w.value::float8) + 1e-15)$$,
	'ips, snips and dr agree with ' || (SELECT count(*) FROM wanted) || ' reference estimates');
\else
SELECT skip('no reference values beside the checkout', 1);
\endif

\if :log
CREATE TEMP TABLE bts (id int, at timestamptz, item int, place int, click int, propensity float8);
CREATE TEMP TABLE uniform_log (LIKE bts);
\copy bts FROM PROGRAM 'zcat "${BANDIT_SHARED:-../shared}/data/open-bandit-sample/bts-men.csv.gz" | cut -d, -f1-6' CSV HEADER
\copy uniform_log FROM PROGRAM 'zcat "${BANDIT_SHARED:-../shared}/data/open-bandit-sample/random-men.csv.gz" | cut -d, -f1-6' CSV HEADER
CREATE TEMP TABLE uniform_policy AS
SELECT bandit.ips(click, propensity, 1.0 / 34) AS ips,
	bandit.snips(click, propensity, 1.0 / 34) AS snips FROM bts;
SELECT ok(abs((ips).estimate - 0.003008626) < 1e-9, 'Open Bandit: ips of the uniform policy') FROM uniform_policy;
SELECT ok(abs((ips).standard_error - 0.000773935) < 1e-9, 'its standard error') FROM uniform_policy;
SELECT ok(abs((snips).estimate - 0.003189423) < 1e-9, 'snips') FROM uniform_policy;
SELECT ok(abs((snips).effective_n - 655.71) < 5e-3, 'the effective sample size') FROM uniform_policy;
SELECT ok(0.0046 BETWEEN (ips).lower - (ips).standard_error AND (ips).upper + (ips).standard_error,
	'and the uniform log''s own mean is near') FROM uniform_policy;
SELECT is(avg(click)::numeric(6, 4), 0.0046, 'which is 0.0046') FROM uniform_log;
SELECT is((bandit.ips(click, propensity, 1.0 / 34)).estimate, avg(click)::float8,
	'a policy''s own log gives its own mean') FROM uniform_log;
\else
SELECT skip('no Open Bandit log beside the checkout', 7);
\endif

-- what the sums keep: 1e9 above 0 all but the last digits would be lost
CREATE TEMP TABLE far AS
SELECT g, 1e9 + g % 2 AS reward, 0.5::float8 AS logged, 0.5::float8 AS target FROM generate_series(1, 20000) g;
SELECT is((bandit.ips(reward, logged, target)).estimate, 1e9::float8 + 0.5, 'a mean far from 0 is exact') FROM far;
SELECT ok(abs((bandit.ips(reward, logged, target)).standard_error / sqrt(0.25 / 19999) - 1) < 1e-9,
	'so is its standard error') FROM far;
SELECT ok(abs((bandit.snips(reward, logged, target)).standard_error / sqrt(0.25 / 20000) - 1) < 1e-9,
	'and that of snips') FROM far;
SELECT is((bandit.ips(r, 1, 1)).estimate, 1::float8 / 3, 'what cancels leaves nothing behind')
FROM unnest('{1e16,1,-1e16}'::float8[]) r;

-- parts of a log, as parallel workers combine them
CREATE TABLE part (reward float8, logged float8, target float8, q float8, v float8);
SELECT setseed(0.5);
INSERT INTO part SELECT (random() < 0.3)::int, 0.05 + 0.9 * random(), random(), random(), random()
FROM generate_series(1, 50000);
ANALYZE part;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS
	$$BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END$$;
\set query 'SELECT bandit.ips(reward, logged, target) AS ips, bandit.snips(reward, logged, target, 3) AS snips, bandit.dr(reward, logged, target, q, v) AS dr FROM part'
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TEMP TABLE alone AS :query;
SET LOCAL max_parallel_workers_per_gather = 3;
SET LOCAL parallel_leader_participation = off;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE TEMP TABLE several AS :query;
SELECT isnt_empty(format('SELECT * FROM plan_of(%L) p WHERE p LIKE ''%%Partial Aggregate%%''', :'query'),
	'the aggregates work in parallel');
RESET max_parallel_workers_per_gather;
SELECT is_empty($$
	SELECT a.key, b.key, b.value, c.value
	FROM alone, several, LATERAL jsonb_each(to_jsonb(alone)) a,
		LATERAL jsonb_each_text(a.value) b,
		LATERAL jsonb_each_text(to_jsonb(several) -> a.key) c
	WHERE c.key = b.key AND abs(b.value::float8 - c.value::float8) > 1e-12 * abs(b.value::float8)$$,
	'and give what one process does');
CREATE TEMP TABLE halves AS
SELECT bandit_internal.ips_step(bandit_internal.ips_step(array_fill(0::float8, '{11}'), 1, 0.5, 0.25), 0, 0.2, 0.5) AS a,
	bandit_internal.ips_step(array_fill(0::float8, '{11}'), 1, 0.1, 0.9) AS b;
SELECT is(round((bandit_internal.ratio_value(bandit_internal.moments_combine(a, b))).estimate::numeric, 12),
	round(9.5 / 12, 12), 'sums can be combined by hand') FROM halves;
SELECT is(bandit_internal.moments_combine(a, array_fill(0::float8, '{11}')), a, 'nothing adds nothing') FROM halves;

-- edges
SELECT is(bandit.ips(1, 1, 1), ROW(NULL, NULL, NULL, NULL, 0, 0, NULL, NULL)::bandit.policy_value,
	'no rows, no estimate') WHERE false GROUP BY ();
SELECT is((bandit.ips(r, l, 1)).n, 1::bigint, 'rows with a null are left out')
FROM (VALUES (1, 0.5), (NULL, 0.5), (1, NULL)) v(r, l);
SELECT is((bandit.snips(1, 0.5, 0)).estimate, NULL, 'snips is unknown where nothing weighs anything');
SELECT is((bandit.ips(1, l, 1, c)).max_weight, 4::float8, 'clip caps weights; null does not')
FROM (VALUES (0.01, 4.0::float8), (0.5, NULL)) v(l, c);
SELECT throws_ok(format('SELECT bandit.ips(%s)', arguments), '22023', NULL, arguments)
FROM unnest('{"1,0,1","1,1.5,1","1,0.5,-0.1","''NaN'',0.5,1","1,0.5,1,0"}'::text[]) arguments;

-- replay by rejection, on a uniform log of arms that pay 0.1, 0.3 and 0.6
CREATE TEMP TABLE uniform AS
SELECT g, arm, (('{"a": 0.1, "b": 0.3, "c": 0.6}'::jsonb ->> arm)::float8 > random())::int AS reward
FROM (SELECT g, (ARRAY['a', 'b', 'c'])[1 + floor(3 * random())::int] AS arm FROM generate_series(1, 30000) g) s;
CREATE TEMP TABLE replayed AS
SELECT policy, (bandit.replay_policy(reward, arm, '{a,b,c}', policy, 5 ORDER BY g)).*
FROM uniform, unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy GROUP BY policy;
-- within 5.3 standard errors: a false alarm in 1e7
SELECT is_empty($$SELECT * FROM replayed WHERE policy = 'uniform' AND abs(estimate - 1.0 / 3) > 5.3 * standard_error$$,
	'replay: the uniform policy earns the mean of the arms');
-- about 10,000 accepted of 30,000, standard deviation 82: +-435 is 5.3 of them
SELECT is_empty($$SELECT * FROM replayed WHERE abs(effective_n - 10000) > 435 OR abs(mean_weight - 1) > 0.0435$$,
	'of a uniform log a third is accepted, whatever the policy');
-- c pays 0.6; a learner misses it rarely: regret below 0.02 a step allows 200
SELECT is_empty($$SELECT * FROM replayed WHERE policy IN ('thompson', 'bayes_ucb')
	AND estimate NOT BETWEEN 0.58 - 5.3 * standard_error AND 0.6 + 5.3 * standard_error$$, 'learners find the best arm');
SELECT is((bandit.replay_policy(reward, arm, '{a,b,c}', 'thompson', 5 ORDER BY g)), r, 'the same seed, the same answer')
FROM uniform, LATERAL (SELECT ROW(estimate, standard_error, lower, upper, n, effective_n, mean_weight, max_weight)::bandit.policy_value AS r
	FROM replayed WHERE policy = 'thompson') x GROUP BY r;
SELECT is((bandit.replay_policy(1, NULL, '{a}', 'thompson', 5)).n, 0::bigint, 'nothing replayed');
SELECT throws_ok(format('SELECT bandit.replay_policy(%s)', arguments), '22023', NULL, arguments)
FROM unnest(ARRAY['2,''a'',''{a}'',''thompson'',1', '1,''b'',''{a}'',''thompson'',1', '1,''a'',''{a}'',''best'',1']) arguments;

-- what aggregates call can be called by itself
SELECT throws_ok('SELECT bandit_internal.' || call, state, NULL, call)
FROM (VALUES ('ips_step(NULL, 1, 1, 1)', '22004'), ('dr_step(NULL, 1, 1, 1, 1, 1)', '22004'),
	('mean_value(''{1}'')', '22023')) v (call, state);
SELECT * FROM finish();
ROLLBACK;
