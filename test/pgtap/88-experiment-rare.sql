-- Rare rewards on a small side of an experiment: few events, or none, are not certainty.
BEGIN;
SELECT plan(9);
SET LOCAL client_min_messages = warning;

-- 400 experiments without any difference, read on 30 evenings: 1,000 new users
-- a day, one in ten treated, rewarded once in 200.  The interval may miss in
-- 5 %; more than 44 of 400 would then have a probability below 1e-6.
SELECT setseed(0.5);
CREATE TEMP TABLE evening AS
SELECT run, day, 100 * day AS t_users, 900 * day AS c_users,
	sum(t) OVER past / (100 * day)::float8 AS t_rate, sum(c) OVER past / (900 * day)::float8 AS c_rate
FROM (SELECT run, day, count(*) FILTER (WHERE u <= 100 AND random() < 0.005) AS t,
		count(*) FILTER (WHERE u > 100 AND random() < 0.005) AS c
	FROM generate_series(1, 400) run, generate_series(1, 30) day, generate_series(1, 1000) u GROUP BY 1, 2) d
WINDOW past AS (PARTITION BY run ORDER BY day);
CREATE TEMP VIEW missed AS
SELECT count(DISTINCT run) FILTER (WHERE plain.upper < 0 OR plain.lower > 0) AS plain,
	count(DISTINCT run) FILTER (WHERE cautious.upper < 0 OR cautious.lower > 0) AS cautious
FROM evening e, LATERAL bandit.confidence_sequence_difference(c_users, c_rate, c_rate * (1 - c_rate),
		t_users, t_rate, t_rate * (1 - t_rate), planned_n => 10000) plain,
	LATERAL bandit.confidence_sequence_difference(
		c_users, c_rate, bandit_internal.cautious_variance(c_users, c_users, c_rate, c_rate * (1 - c_rate) / (c_users - 1), 1, 1),
		t_users, t_rate, bandit_internal.cautious_variance(t_users, t_users, t_rate, t_rate * (1 - t_rate) / (t_users - 1), 1, 1),
		planned_n => 10000) cautious;
SELECT diag(format('of 400 experiments without a difference %s cry wolf, with the plain variance %s', cautious, plain)) FROM missed;
SELECT ok(cautious <= 44 AND plain > 44, 'the interval misses in at most 5 %, as it would not by the plain variance') FROM missed;
SELECT ok(abs(bandit_internal.cautious_variance(10000, 10000, 0.3, 0.21 / 9999, 1, 1) / 0.21 - 1) < 1e-3, 'with much to go by it is the variance');
SELECT is(bandit_internal.cautious_variance(100, 500, 3.7, 0.01, NULL, NULL), 1::float8, 'as of what is no share');

-- 2,000 users, five items each; one in ten is treated
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO rated SELECT u, i, 3 FROM generate_series(1, 30) u, generate_series(1, 10) i;
SELECT bandit.create_recommender('x', 'rated', arms => '{item_cf}');
SELECT bandit.start_experiment('x', 0.1);
UPDATE bandit.experiments SET began_at = now() - interval '10 days', experiment = '11111111-1111-4111-8111-111111111111';
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT (left(bandit.first_decision_id(now() - interval '5 days')::text, 19) || right(md5(u::text), 4) || '-' || left(md5(u::text), 12))::uuid,
	'x', 0, u::text, CASE WHEN bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.1, u::text) THEN 'treatment' ELSE 'control' END,
	now() - interval '5 days', '{}', '{}', '{}', '{}', '{1,2,3,4,5}', '{a,a,a,a,a}'
FROM generate_series(1, 2000) u;
-- one user in a hundred of the control clicks, and then on all that he sees
CREATE FUNCTION click(every int) RETURNS bigint LANGUAGE sql AS $$
	WITH clicks AS (
		INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, reward, priority, successes, failures, pulls)
		SELECT decision_id, 'x', i, 'click', 'a', 0, 1, 10, 0, 0, 0 FROM bandit.decisions, generate_series(1, 5) i
		WHERE variant = 'control' AND subject::int % every = 0 RETURNING 1)
	SELECT count(*) FROM clicks $$;
SELECT click(100);
SELECT is(verdict, 'too early', 'nobody of 200 where one of 100 is usual proves nothing') FROM bandit.experiment_verdict('x');
SELECT ok(lower < 0 AND upper > 0, 'the interval holds 0') FROM bandit.experiment_report('x') WHERE metric = 'ctr' AND variant = 'difference';
SELECT ok(r.lower = 0 AND abs(r.upper - w.upper) < 1e-6, 'a side without success has the interval of its users, not of their items')
FROM bandit.experiment_report('x') r, LATERAL bandit.wilson_interval(0, r.users) w WHERE metric = 'ctr' AND variant = 'treatment';
DELETE FROM bandit.feedback;
SELECT click(3);
SELECT is(verdict, 'stop', 'nobody of 200 where one of three is usual does') FROM bandit.experiment_verdict('x');
SELECT ok(p_better < 1e-6, 'and is believed') FROM bandit.experiment_verdict('x');
DELETE FROM bandit.feedback;
SELECT ok(lower < 0 AND upper > 0 AND verdict = 'too early', 'no reward at all has an interval, around 0') FROM bandit.experiment_verdict('x');
SELECT * FROM finish();
ROLLBACK;
