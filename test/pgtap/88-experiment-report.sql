-- The report of an experiment: its numbers against their definitions, its rules, its edges.
BEGIN;
SELECT plan(35);
SET LOCAL client_min_messages = warning;
CREATE FUNCTION dice(u int, l int, item bigint, which text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT ((bandit.key_id(concat_ws('/', u, l, item, which)) >> 11) & 9007199254740991) / 9007199254740992.0::float8 $$;
CREATE TABLE film (film_id int PRIMARY KEY, genres text[]);
INSERT INTO film SELECT i, ARRAY['g' || i % 4, 'h' || i % 3] FROM generate_series(1, 40) i;
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO rated SELECT u, i, 3 FROM generate_series(1, 30) u, generate_series(1, 40) i WHERE i < 10 OR u = i;
SELECT bandit.create_recommender('x', 'rated', items => 'film', arms => '{item_cf}');
SELECT bandit.create_bandit('plain', '{a,b}');
SELECT bandit.train('x');

SELECT throws_ok($$SELECT * FROM bandit.experiment_report('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT * FROM bandit.experiment_verdict(NULL)$$, '22004', NULL, 'no name');
SELECT throws_ok($$SELECT * FROM bandit.experiment_report('x')$$, '55000', 'bandit "x" has had no experiment', 'no experiment');
SELECT throws_ok($$SELECT * FROM bandit.experiment_verdict('plain')$$, '55000', NULL, 'nor of a plain bandit');

SELECT bandit.start_experiment('x', 0.5, 600);
UPDATE bandit.experiments SET began_at = now() - interval '10 days', experiment = '11111111-1111-4111-8111-111111111111';
SELECT results_eq($$SELECT metric, variant, value, lower, upper, users, note FROM bandit.experiment_report('x')$$,
	$$SELECT m, v, NULL::float8, NULL::float8, NULL::float8, 0::bigint, 'no data'
	FROM unnest('{reward,ctr,mean rating,thumbs-up rate,long-tail rate,diversity}'::text[]) WITH ORDINALITY AS m(m, p),
		unnest('{treatment,control}'::text[]) WITH ORDINALITY AS v(v, q) ORDER BY p, q$$, 'without decisions there is no data, and it says so');
SELECT results_eq($$SELECT verdict, users_treatment, difference, p_better, srm_p FROM bandit.experiment_verdict('x')$$,
	$$VALUES ('no data', 0::bigint, NULL::float8, NULL::float8, 1::float8)$$, 'and no verdict');

-- 500 users, 1 to 4 lists of 5 items each; who is treated, clicks more
CREATE FUNCTION serve(u int, list int, treated boolean, ago interval) RETURNS uuid LANGUAGE sql AS $$
	INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
	SELECT id, 'x', 0, u::text, CASE WHEN treated THEN 'treatment' ELSE 'control' END, now() - ago, '{}', '{}', '{}', '{}',
		ARRAY(SELECT 1 + (u * 7 + list * 3 + p * (CASE WHEN treated THEN 3 ELSE 1 END)) % 40 FROM generate_series(1, 5) p), '{a,a,a,a,a}'
	FROM (SELECT (left(bandit.first_decision_id(now() - ago)::text, 19) || right(md5(u || '/' || list), 4) || '-' || left(md5(u || ',' || list), 12))::uuid AS id) i
	RETURNING decision_id $$;
CREATE FUNCTION respond(d uuid, item bigint, kind text, value float8, reward float8, priority int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls)
	VALUES (d, 'x', item, kind, 'a', 0, value, reward, priority, 0, 0, 0) $$;
CREATE TEMP TABLE made AS
SELECT u, l, serve(u, l, treated, interval '5 days' - l * interval '1 hour') AS id, treated
FROM (SELECT u, bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.5, u::text) AS treated FROM generate_series(1, 500) u) s,
	LATERAL generate_series(1, 1 + u % 4) l;
CREATE TEMP TABLE shown AS
SELECT u, l, id, treated, item, dice(u, l, item, 'a') AS dice, dice(u, l, item, 'b') AS other FROM made JOIN bandit.decisions ON decision_id = id, unnest(items) item;
SELECT respond(id, item, 'click', NULL, 1, 10) FROM shown WHERE dice < 0.2 + 0.1 * treated::int + 0.05 * (u % 3);
SELECT respond(id, item, 'rating', 1 + floor(5 * other), CASE WHEN other > 0.7 THEN 1 ELSE 0 END, 20) FROM shown WHERE dice BETWEEN 0.1 AND 0.3;
SELECT respond(id, item, CASE WHEN other > 0.4 THEN 'thumbs_up' ELSE 'thumbs_down' END, NULL, (other > 0.4)::int, 30) FROM shown WHERE dice > 0.97;
-- what does not count: taken back, silence, another bandit's
SELECT respond(id, item, 'silence', NULL, 0, 0) FROM shown WHERE dice BETWEEN 0.6 AND 0.7;
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, reward, priority, successes, failures, pulls, retracted)
SELECT id, 'x', item, 'click', 'a', 0, 1, 10, 0, 0, 0, true FROM shown WHERE dice BETWEEN 0.8 AND 0.85;
-- nor ratings that are none
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls)
SELECT id, 'x', item, 'rating', 'a', 0, '1e308', NULL, 20, 0, 0, 0 FROM shown WHERE dice BETWEEN 0.5 AND 0.52;
CREATE TEMP TABLE report AS SELECT * FROM bandit.experiment_report('x');
CREATE TEMP TABLE by_item AS
SELECT s.*, s.dice < 0.2 + 0.1 * s.treated::int + 0.05 * (u % 3) AS clicked,
	CASE WHEN dice BETWEEN 0.1 AND 0.3 THEN 1 + floor(5 * other) END AS stars,
	CASE WHEN dice > 0.97 THEN other > 0.4 END AS up
FROM shown s;
ALTER TABLE by_item ADD reward int;
UPDATE by_item SET reward = CASE WHEN up IS NOT NULL THEN up::int WHEN stars IS NOT NULL THEN (other > 0.7)::int ELSE clicked::int END;
CREATE TEMP VIEW wanted AS
SELECT m AS metric, CASE WHEN treated THEN 'treatment' ELSE 'control' END AS variant, sum(y) / sum(n) AS value, count(*) AS users, sum(y) AS y, sum(n) AS n
FROM (SELECT u, treated, m, sum(y) AS y, sum(n) AS n FROM by_item, LATERAL (VALUES
		('reward', reward::float8, 1), ('ctr', clicked::int, 1), ('mean rating', coalesce(stars, 0), (stars IS NOT NULL)::int),
		('thumbs-up rate', coalesce(up, false)::int, (up IS NOT NULL)::int),
		('long-tail rate', (item > 8)::int, 1)) v (m, y, n) GROUP BY 1, 2, 3) x
WHERE n > 0 GROUP BY 1, 2;
SELECT is_empty($$SELECT * FROM wanted FULL JOIN (SELECT * FROM report WHERE variant <> 'difference' AND metric <> 'diversity') r USING (metric, variant)
	WHERE (abs(wanted.value - r.value) < 1e-6 AND wanted.users = r.users) IS NOT TRUE$$, 'values and users of all measures');
SELECT is_empty($$SELECT * FROM report WHERE variant <> 'difference' AND (lower < value AND value < upper) IS NOT TRUE$$, 'each within its interval');
-- the interval of independent trials is narrower: items of a user are alike
SELECT ok(bool_and(r.upper - r.lower > 0.99 * (w.upper - w.lower)), 'intervals of shares are those of users, not of items')
FROM report r JOIN wanted USING (metric, variant), LATERAL bandit.wilson_interval(y, n) w WHERE metric <> 'mean rating';
SELECT is_empty($$SELECT * FROM report d JOIN report t USING (metric) JOIN report c USING (metric)
	WHERE d.variant = 'difference' AND t.variant = 'treatment' AND c.variant = 'control' AND abs(d.value - (t.value - c.value)) > 2e-6$$, 'differences are treatment minus control');
SELECT set_eq($$SELECT metric FROM report WHERE variant = 'difference' AND note = 'always-valid' AND lower < value AND value < upper$$,
	'{reward,ctr,mean rating,long-tail rate}'::text[], 'with always-valid intervals, where a side has 100 users');
SELECT is((SELECT note FROM report WHERE variant = 'difference' AND metric = 'thumbs-up rate'), 'no interval before 100 users a side', 'else without');
SELECT ok(abs(r.value - (SELECT -sum(p * ln(p)) / ln(7) FROM (SELECT sum(0.5) / sum(sum(0.5)) OVER () AS p
	FROM by_item JOIN film ON film_id = item, unnest(genres) g WHERE treated GROUP BY g) x)) < 1e-6, 'diversity is the entropy of genres')
FROM report r WHERE metric = 'diversity' AND variant = 'treatment';
-- the jackknife, by its definition
SELECT ok(abs(v.variance - w.variance) < 1e-12, 'the variance is that of a ratio of sums over users')
FROM bandit_internal.experiment_rates(bandit_internal.newest_period('x'), now()) v,
	(SELECT sum(((sum_y - y) / (sum_n - n) - r) ^ 2) * (count(*) - 1) / count(*) AS variance FROM (SELECT u, sum(reward)::float8 AS y, count(*) AS n, sum(sum(reward)) OVER () AS sum_y, sum(count(*)) OVER () AS sum_n FROM by_item WHERE treated GROUP BY u) s,
		(SELECT avg(reward) AS r FROM by_item WHERE treated) m) w WHERE metric = 'reward' AND variant = 'treatment';
CREATE TEMP TABLE verdict AS SELECT * FROM bandit.experiment_verdict('x');
SELECT is(verdict, 'keep', rule) FROM verdict;
SELECT ok(lower > 0 AND p_better > 0.999 AND loss_if_kept < 1e-4 AND loss_if_stopped > 0.03 AND lift_lower < lift AND lift < lift_upper AND lift_lower > 0
	AND srm_p > 0.01, 'with numbers to go with it') FROM verdict;
SELECT ok(abs(v.difference - r.value) < 1e-6 AND abs(v.lower - r.lower) < 1e-6 AND abs(v.upper - r.upper) < 1e-6, 'those of the report')
FROM verdict v, report r WHERE metric = 'reward' AND variant = 'difference';

-- what does not count
SELECT serve(u, 99, true, interval '1 hour') FROM generate_series(1, 500) u WHERE bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.5, u::text);
SELECT results_eq('TABLE report', $$SELECT * FROM bandit.experiment_report('x')$$, 'decisions whose window has not passed do not count');
SELECT is((SELECT sum(users) FROM bandit.experiment_report('x', now() - interval '5 days')), 0::numeric, 'as of five days ago there was nothing');
SELECT serve(u, 98, true, interval '11 days') FROM generate_series(1, 50) u;
SELECT results_eq('TABLE report', $$SELECT * FROM bandit.experiment_report('x')$$, 'nor those from before');
SELECT serve(10001, 1, NOT bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.5, '10001'), interval '3 days'),
	serve(10001, 2, bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.5, '10001'), interval '3 days');
SELECT results_eq('TABLE report', $$SELECT * FROM bandit.experiment_report('x')$$, 'nor a user who was served against his side');
UPDATE bandit.decisions SET subject = NULL WHERE subject = '1';
SELECT is((SELECT sum(users) FROM bandit.experiment_report('x') WHERE metric = 'ctr' AND variant <> 'difference'), 499::numeric, 'nor a list for nobody');
UPDATE bandit.decisions SET subject = '1' WHERE subject IS NULL;

-- the rules
DELETE FROM bandit.feedback f USING made WHERE id = decision_id AND treated AND kind = 'click';
SELECT is(verdict, 'stop', rule) FROM bandit.experiment_verdict('x');
DELETE FROM bandit.feedback f USING made m WHERE id = decision_id AND u > 150;
DELETE FROM bandit.decisions WHERE subject::int > 150;
SELECT is(verdict, 'too early', rule) FROM bandit.experiment_verdict('x');
SELECT ok(lower IS NULL AND lift IS NOT NULL, 'no interval of the difference before 100 users a side') FROM bandit.experiment_verdict('x');
DELETE FROM bandit.feedback;
SELECT ok(difference = 0 AND p_better BETWEEN 0.01 AND 0.99 AND verdict = 'too early', 'no reward at all divides nothing by zero') FROM bandit.experiment_verdict('x');
SELECT ok(bool_and(value = 0 AND lower = 0 AND upper > 0), 'nor in the report') FROM bandit.experiment_report('x')
WHERE metric IN ('reward', 'ctr') AND variant <> 'difference';
DELETE FROM bandit.decisions WHERE variant = 'control';
SELECT is(verdict, 'check the split', rule) FROM bandit.experiment_verdict('x');
DELETE FROM bandit.decisions WHERE subject::int > 6;
SELECT is(verdict, 'no data', rule) FROM bandit.experiment_verdict('x');
SELECT is((SELECT count(*) FROM bandit.experiment_report('x') WHERE variant = 'control' AND note = 'no data'), 6::bigint, 'one side only');
DELETE FROM bandit.decisions WHERE subject <> '2';
SELECT lives_ok($$SELECT * FROM bandit.experiment_report('x'), bandit.experiment_verdict('x')$$, 'one user');

-- A/A: 40 experiments without any difference; each cries wolf with 5 % at most, so 13 of 40 do with a probability below 1e-6
DELETE FROM bandit.decisions;
CREATE TEMP TABLE alike AS SELECT u, serve(u, 1, true, interval '3 days') AS id FROM generate_series(1, 400) u;
SELECT respond(id, items[1 + u % 5], 'click', NULL, 1, 10) FROM alike JOIN bandit.decisions ON decision_id = id WHERE u % 3 = 0;
CREATE TEMP TABLE verdicts (verdict text, p_better float8, srm_p float8);
DO $$
BEGIN
	FOR run IN 1 .. 40 LOOP
		UPDATE bandit.experiments SET experiment = md5(run::text)::uuid;
		UPDATE bandit.decisions d SET variant = CASE WHEN bandit_internal.treats(e.experiment, 0.5, d.subject) THEN 'treatment' ELSE 'control' END
		FROM bandit.experiments e;
		INSERT INTO verdicts SELECT verdict, p_better, srm_p FROM bandit.experiment_verdict('x');
	END LOOP;
END $$;
SELECT cmp_ok(count(*) FILTER (WHERE verdict <> 'too early'), '<', 13::bigint, 'without a difference it is too early, however often asked') FROM verdicts;
-- p_better is about uniform: a mean of 40 is within 5.5 standard deviations of 0.0456 of a half
SELECT ok(abs(avg(p_better) - 0.5) < 0.251 AND max(p_better) > 0.8 AND min(p_better) < 0.2, 'and neither side is better') FROM verdicts;

-- the jackknife of diversity wants somebody in each of its parts
SELECT ok(bool_and(lower > 0 AND lower < value AND value < upper AND upper <= 1), 'diversity has an interval') FROM report WHERE metric = 'diversity';
DELETE FROM bandit.decisions WHERE abs(bandit.key_id(subject) % 20) = 7;
SELECT results_eq($$SELECT lower, upper, value > 0 FROM bandit.experiment_report('x') WHERE metric = 'diversity'$$,
	$$VALUES (NULL::float8, NULL::float8, true), (NULL, NULL, true)$$, 'and none where a part has nobody');
SELECT * FROM finish();
ROLLBACK;
