-- Other policies on logged decisions: the truth is recovered, and no winner is crowned on too little.
BEGIN;
SELECT plan(27);
SET LOCAL client_min_messages = warning;
SELECT bandit.create_bandit('p', '{a,b,c}', exploration_floor => 0.1);
SELECT is(verdict, 'no data', 'nothing logged') FROM bandit.evaluate_policy('p');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('p', 'guess')$$, '22023', NULL, 'no such policy');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('p', arms => '{a,z}')$$, '42704', 'bandit "p" has no arm "z"', 'no such arm');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('p', arms => '{}')$$, '22023', NULL, 'no arms');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('p', prior_alpha => 0)$$, '22023', NULL, 'no prior');
SELECT throws_ok($$SELECT * FROM bandit.evaluate_policy('p', min_effective_n => -1)$$, '22023', NULL, 'fewer than none');

-- 2,000 choices by thompson with a floor; the arms pay 0.2, 0.4 and 0.6
SELECT bandit.set_seed(7);
DO $$
DECLARE
	chosen record;
BEGIN
	FOR i IN 1 .. 2000 LOOP
		SELECT * INTO chosen FROM bandit.choose('p', '{}', (i % 500)::text);
		PERFORM bandit.reward(chosen.decision_id, (bandit.beta_sample(1, 1) < CASE chosen.arm WHEN 'a' THEN 0.2 WHEN 'b' THEN 0.4 ELSE 0.6 END)::int);
	END LOOP;
END $$;
CREATE TEMP VIEW judgement AS
SELECT w.what, w.truth, e.*, (e.upper - e.lower) / 3.92 AS se FROM (VALUES
	('itself', NULL::text, NULL::text[], NULL::float8), ('uniform', 'uniform', NULL, 0.4), ('only a', NULL, '{a}', 0.2),
	('only b', 'thompson', '{b}', 0.4), ('only c', 'greedy', '{c}', 0.6), ('uniform over a and b', 'uniform', '{a,b}', 0.3)) w (what, policy, arms, truth),
	LATERAL bandit.evaluate_policy('p', w.policy, w.arms, at => now() + interval '25 hours') e;
CREATE TEMP TABLE result AS SELECT * FROM judgement;
SELECT ok(estimate = logged AND difference = 0 AND effective_n = decisions AND mean_weight = 1 AND verdict = 'no difference seen'
	AND decisions = 2000 AND users = 500, 'the logged policy is worth what it earned') FROM result WHERE what = 'itself';
-- 5.4 standard errors: a false alarm in 1e-7
SELECT ok(abs(estimate - truth) < 5.4 * se AND se < 0.06, what || ' is worth ' || truth) FROM result WHERE what <> 'itself';
SELECT ok(bool_and(abs(mean_weight - 1) < 0.3), 'weights are 1 on average') FROM result;
SELECT is(verdict, 'worse', 'uniform is worse than what has learnt') FROM result WHERE what = 'uniform';
SELECT is(verdict, 'better', 'the best arm alone is better') FROM result WHERE what = 'only c';
SELECT matches(verdict, '^too little evidence', 'not on too little evidence') FROM bandit.evaluate_policy('p', 'uniform', at => now() + interval '25 hours', min_effective_n => 1e6);
SELECT is(decisions, 0::bigint, 'what has not matured does not count') FROM bandit.evaluate_policy('p');
SELECT is(decisions, 0::bigint, 'nor what was before') FROM bandit.evaluate_policy('p', since => now() + interval '1 hour', at => now() + interval '25 hours');

-- a prior that makes one arm look good changes what is chosen
SELECT ok(abs(mean_weight - 1) < 1e-9 AND effective_n = decisions, 'the same prior is the same policy') FROM bandit.evaluate_policy('p', prior_alpha => 1, prior_beta => 1, at => now() + interval '25 hours');
SELECT ok(effective_n < decisions, 'another is another') FROM bandit.evaluate_policy('p', prior_alpha => 50, prior_beta => 1, at => now() + interval '25 hours');

-- never done: no weight at all
SELECT bandit.create_bandit('g', '{a,b}', policy => 'greedy');
UPDATE bandit.arms SET prior_alpha = 10, prior_beta = 1 WHERE bandit = 'g' AND arm = 'a';
SELECT count(*) FROM generate_series(1, 200) i, LATERAL bandit.choose('g', '{}', i::text) c;
SELECT matches(verdict, '^never seen', 'what was never done is not judged') FROM bandit.evaluate_policy('g', arms => '{b}', at => now() + interval '25 hours');
SELECT matches(verdict, '^not supported', 'nor what was half never done') FROM bandit.evaluate_policy('g', 'uniform', at => now() + interval '25 hours');
SELECT bandit.create_bandit('h', '{a,b}', policy => 'greedy');
UPDATE bandit.arms SET prior_alpha = 10, prior_beta = 1 WHERE bandit = 'h' AND arm = 'a';
SELECT count(*) FROM generate_series(1, 200) i, LATERAL bandit.choose('h', '{}', 'one user' || left(i::text, 0)) c;
UPDATE bandit.bandits SET policy = 'uniform' WHERE name = 'h';
SELECT count(*) FROM generate_series(1, 200) i, LATERAL bandit.choose('h', '{}', 'one user' || left(i::text, 0)) c;
SELECT ok(verdict LIKE 'not supported%' AND abs(mean_weight - 0.75) < 1e-9, 'nor what was never done now and then') FROM bandit.evaluate_policy('h', 'uniform', at => now() + interval '25 hours');
SELECT ok(users = 1 AND estimate = 0 AND lower IS NULL AND difference_upper IS NULL, 'one user tells nothing of others') FROM bandit.evaluate_policy('h', at => now() + interval '25 hours');
SELECT bandit.create_bandit('few', '{a,b}', policy => 'uniform');
CREATE TEMP TABLE three AS SELECT i, c.decision_id FROM generate_series(1, 300) i, LATERAL bandit.choose('few', '{}', (i % 3)::text) c;
SELECT count(bandit.reward(decision_id, (i % (2 + i % 3) = 0)::int)) FROM three;
SELECT ok(abs((e.upper - e.estimate) / (4.3026527 * u.error) - 1) < 1e-6 AND abs((e.estimate - e.lower) / (4.3026527 * u.error) - 1) < 1e-6, 'three users tell little')
FROM bandit.evaluate_policy('few', at => now() + interval '25 hours') e, (
	SELECT sqrt(3.0 / 2 * sum((y / 300.0 - r / 3) ^ 2))::float8 AS error FROM (SELECT sum((i % (2 + i % 3) = 0)::int) AS y, avg(sum((i % (2 + i % 3) = 0)::int)) OVER () / 100 AS r FROM three GROUP BY i % 3) s) u;
SELECT ok(difference_lower = 0 AND difference_upper = 0 AND lower < estimate, 'what does not differ, differs by 0 for sure') FROM result WHERE what = 'itself';
SELECT * FROM finish();
ROLLBACK;
