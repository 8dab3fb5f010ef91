-- What intervals and tests promise, by simulation.  Seeds are fixed; the
-- bounds would be passed by chance with a probability below 1e-6, from the
-- binomial distribution of 1,000 or 500 independent runs.  docs/evidence.md
-- states what this prints.
BEGIN;
SELECT plan(12);
SELECT setseed(0.25);

-- 1,000 experiments without any difference: 28 days of 100 new users a side,
-- of whom one in ten converts, read every evening
CREATE TEMP TABLE day AS
SELECT run, day, sum((random() < 0.1)::int) AS a, sum((random() < 0.1)::int) AS b
FROM generate_series(1, 1000) run, generate_series(1, 28) day, generate_series(1, 100) GROUP BY 1, 2;
CREATE TEMP TABLE evening AS
SELECT run, day, n, a / n AS a, b / n AS b, s.difference, s.lower, s.upper, s.standard_error
FROM (SELECT run, day, 100.0::float8 * day AS n, (sum(a) OVER days)::float8 AS a, (sum(b) OVER days)::float8 AS b
	FROM day WINDOW days AS (PARTITION BY run ORDER BY day)) d,
	LATERAL bandit.confidence_sequence_difference(n, a / n, a / n * (1 - a / n),
		n, b / n, b / n * (1 - b / n), planned_n => 5600) s;
CREATE TEMP TABLE flagged AS
SELECT run, bool_or(lower > 0 OR upper < 0) AS always_valid,
	bool_or(abs(difference) > 1.959964 * standard_error) AS t_test,
	bool_or(abs(difference) > 1.959964 * standard_error) FILTER (WHERE day = 28) AS t_test_once
FROM evening GROUP BY run;
SELECT diag(format('of 1000 experiments without a difference, read on 28 evenings: the always-valid interval cries wolf in %s, a t-test in %s, a t-test read once in %s',
	count(*) FILTER (WHERE always_valid), count(*) FILTER (WHERE t_test), count(*) FILTER (WHERE t_test_once)))
FROM flagged;
SELECT cmp_ok(count(*), '<=', 86::bigint, 'the always-valid interval, read daily, misses in at most 5 %')
FROM flagged WHERE always_valid;
SELECT cmp_ok(count(*), '>', 141::bigint, 'a t-test read daily does so in more than 20 %')
FROM flagged WHERE t_test;
SELECT cmp_ok(count(*), '<=', 92::bigint, 'read once, it keeps its 5 %, or 5.5 for being approximate')
FROM flagged WHERE t_test_once;
-- nor is it silent
SELECT ok((s).lower > 0, 'a difference is found') FROM bandit.confidence_sequence_difference(2800, 0.1, 0.09,
	2800, 0.2, 0.16, planned_n => 5600) s;
-- the interval of one rate
SELECT cmp_ok(count(*), '<=', 86::bigint, 'that of one rate does too')
FROM (SELECT run FROM evening, LATERAL bandit.confidence_sequence_rate(round((a * n)::numeric)::float8, n) s
	GROUP BY run HAVING bool_or(0.1 NOT BETWEEN s.lower AND s.upper)) missed;

-- 1,000 fair splits of 10 days of 100 users; 20 of 52 to 48 and 60,000 users
CREATE TEMP TABLE split AS
SELECT run, day, (sum(first) OVER days)::bigint AS a, (100 * day - sum(first) OVER days)::bigint AS b
FROM (SELECT run, day, sum((random() < 0.5)::int) AS first
	FROM generate_series(1, 1000) run, generate_series(1, 10) day, generate_series(1, 100) GROUP BY 1, 2) s
WINDOW days AS (PARTITION BY run ORDER BY day);
CREATE TEMP TABLE split_flagged AS
SELECT run, bool_or(p_value < 0.001) FILTER (WHERE day = 10) AS once, bool_or(p_value < 0.05) AS daily,
	bool_or(p_always_valid < 0.05) AS always_valid
FROM split, LATERAL bandit.srm_test(ARRAY[a, b], '{1,1}') GROUP BY run;
SELECT diag(format('of 1000 fair splits, read on 10 evenings: chi-square below 0.05 in %s, always-valid p below 0.05 in %s',
	count(*) FILTER (WHERE daily), count(*) FILTER (WHERE always_valid))) FROM split_flagged;
SELECT cmp_ok(count(*), '<=', 9::bigint, 'srm_test rarely alarms at 0.001, read once') FROM split_flagged WHERE once;
SELECT cmp_ok(count(*), '<=', 86::bigint, 'its always-valid p keeps 5 %, read daily') FROM split_flagged WHERE always_valid;
SELECT is(count(*), 20::bigint, 'a split of 52 to 48 is found, every time')
FROM (SELECT run, sum((random() < 0.52)::int)::bigint AS a FROM generate_series(1, 20) run, generate_series(1, 60000) GROUP BY 1) s,
	LATERAL bandit.srm_test(ARRAY[a, 60000 - a], '{1,1}') t WHERE t.p_value < 0.001 AND t.p_always_valid < 0.05;

-- 500 logs of a Thompson bandit that learns, in 4 batches of 300 decisions,
-- with a floor of 0.1 for each arm; another policy plays 0.2, 0.3, 0.5
CREATE TEMP TABLE arm AS SELECT * FROM (VALUES (1, 0.3, 0.2), (2, 0.2, 0.3), (3, 0.1, 0.5)) v(arm, rate, target);
CREATE TEMP TABLE choices (run int, batch int, arm int, logged float8, reward int, q float8[]);
CREATE TEMP TABLE batch_sums (run int, arm int, wins int, n int);
CREATE INDEX ON batch_sums (run, arm);
DO $$
BEGIN
	FOR round IN 1 .. 4 LOOP
		INSERT INTO choices
		SELECT run, round, arm, p[arm], (random() < (ARRAY[0.3, 0.2, 0.1])[arm])::int, q
		FROM (
			SELECT run, p, q, CASE WHEN u < p[1] THEN 1 WHEN u < p[1] + p[2] THEN 2 ELSE 3 END AS arm
			FROM (
				SELECT run, bandit.policy_propensity('thompson', alphas, betas, 1,
						'{0.1,0.1,0.1}') AS p,
					(SELECT array_agg(a / (a + b)) FROM unnest(alphas, betas) m(a, b)) AS q
				FROM (
					SELECT run, array_agg(1 + s ORDER BY a) AS alphas, array_agg(1 + n - s ORDER BY a) AS betas
					FROM generate_series(1, 500) run, generate_series(1, 3) a,
						LATERAL (SELECT coalesce(sum(wins), 0)::float8 AS s, coalesce(sum(n), 0)::float8 AS n
							FROM batch_sums c WHERE c.run = run.run AND c.arm = a) seen
					GROUP BY run
				) posterior
				OFFSET 0	-- once per log, not per draw
			) policy, LATERAL (SELECT random() + 0 * run AS u FROM generate_series(1, 300)) draws
		) chosen;
		INSERT INTO batch_sums SELECT run, arm, sum(reward), count(*) FROM choices WHERE batch = round GROUP BY 1, 2;
	END LOOP;
END $$;
CREATE TEMP TABLE estimated AS
SELECT run, bandit.ips(reward, logged, target) AS ips, bandit.snips(reward, logged, target) AS snips,
	bandit.dr(reward, logged, target, q[arm], 0.2 * q[1] + 0.3 * q[2] + 0.5 * q[3]) AS dr, avg(reward) AS earned
FROM choices JOIN arm USING (arm) GROUP BY run;
CREATE TEMP TABLE covered AS
SELECT name, count(*) FILTER (WHERE 0.17 BETWEEN (value ->> 'lower')::float8 AND (value ->> 'upper')::float8) AS n,
	avg((value ->> 'estimate')::float8) AS mean, stddev((value ->> 'estimate')::float8) / sqrt(500) AS error,
	avg((value ->> 'standard_error')::float8) AS width
FROM estimated, LATERAL jsonb_each(to_jsonb(estimated) - 'run' - 'earned') e(name, value) GROUP BY name;
SELECT diag(format('of 500 logs of a learning bandit, the 95 %% interval of %s holds another policy''s value in %s; mean %s, standard error %s',
	name, n, round(mean::numeric, 4), round(width::numeric, 4))) FROM covered ORDER BY name;
SELECT set_eq('SELECT name FROM covered WHERE n > 441 AND n < 497', '{dr,ips,snips}'::text[],
	'off-policy intervals hold the true value in 94 to 96 %');
SELECT is_empty('SELECT * FROM covered WHERE abs(mean - 0.17) > 5.3 * error + 0.002', 'and estimates are centred on it');
SELECT ok((SELECT width FROM covered WHERE name = 'dr') < (SELECT width FROM covered WHERE name = 'ips'), 'dr is closer than ips');
SELECT cmp_ok(avg(earned), '>', 0.2, 'while the log''s own policy earned more') FROM estimated;
SELECT * FROM finish();
ROLLBACK;
