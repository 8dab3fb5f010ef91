-- Health: each metric against its definition, statuses, thresholds, alerts by episode.
BEGIN;
SELECT plan(65);
SET LOCAL client_min_messages = error;
CREATE TABLE film (film_id int PRIMARY KEY, genres text[]);
INSERT INTO film SELECT i, ARRAY['g' || i % 4] || CASE WHEN i % 2 = 0 THEN ARRAY['even'] ELSE '{}' END FROM generate_series(1, 40) i;
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO rated SELECT u, i, 3 FROM generate_series(1, 30) u, generate_series(1, 40) i WHERE i < 10 OR u = i;
SELECT bandit.create_recommender('x', 'rated', items => 'film', arms => '{item_cf,svd}');
SELECT bandit.create_bandit('plain', '{a,b}');
CREATE FUNCTION status(which text, of text DEFAULT 'x', at timestamptz DEFAULT now()) RETURNS text LANGUAGE sql AS $$ SELECT status FROM bandit.health(of, at => at) WHERE metric = which $$;

SELECT throws_ok($$SELECT * FROM bandit.health('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT * FROM bandit.check_health(NULL)$$, '22004', NULL, 'no name');
SELECT throws_ok($$SELECT * FROM bandit.health('x', '-1 day')$$, '22023', NULL, 'a window ends after it starts');
SELECT throws_ok($$SELECT * FROM bandit.health('x', NULL)$$, '22023', NULL, 'a window');
SELECT throws_ok($$SELECT * FROM bandit.check_health('x', at => NULL)$$, '22023', NULL, 'a moment, or all would be well');
SELECT throws_ok($$SELECT * FROM bandit.health('x', at => 'infinity')$$, '22023', NULL, 'one that comes');
SELECT throws_ok($$SELECT * FROM bandit.guard('x', at => NULL)$$, '22023', NULL, 'for a guard too');
SELECT throws_ok($$SELECT bandit.set_threshold('nothing', 'ctr', 0.1)$$, '42704', NULL, 'no bandit to judge');
SELECT throws_ok($$SELECT bandit.set_threshold('x', 'mood', 0.1)$$, '42704', 'unknown metric "mood"', 'no such metric');
SELECT throws_ok($$INSERT INTO bandit.thresholds VALUES ('x', 'crt', 0.1, 'warning', 100)$$, '23514', NULL, 'nor by hand');
SELECT lives_ok($$INSERT INTO bandit.thresholds SELECT 'plain', metric, threshold, severity, min_sample FROM bandit.metrics; DELETE FROM bandit.thresholds$$, 'but each that there is');
SELECT throws_ok($$SELECT bandit.set_threshold('x', 'ctr', 'NaN')$$, '22023', NULL, 'not a number');
SELECT throws_ok($$SELECT bandit.set_threshold('x', 'ctr', severity => 'mild')$$, '22023', NULL, 'no such severity');
SELECT throws_ok($$SELECT bandit.set_threshold('x', 'ctr', min_sample => -1)$$, '22023', NULL, 'no sample');

SELECT results_eq($$SELECT metric, status, value FROM bandit.health('plain')$$,
	$$VALUES ('overall', 'ok', NULL::float8), ('algorithm_dominance', 'unknown', NULL), ('hours_without_feedback', 'unknown', NULL), ('settle_lag_hours', 'ok', 0), ('unverified_states', 'ok', 0), ('enabled_arms', 'ok', 2)$$,
	'what applies to a plain bandit');
SELECT bandit.set_arm('plain', 'a', false);
SELECT is(status('enabled_arms', 'plain'), 'ok', 'one arm is enough');
SELECT bandit.set_arm('plain', 'b', false);
SELECT results_eq($$SELECT status, severity, message FROM bandit.health('plain') WHERE metric IN ('overall', 'enabled_arms')$$,
	$$VALUES ('alert', 'critical', 'out of bounds: enabled_arms'), ('alert', 'critical', 'enabled_arms is 0.0000, less than 1.0000')$$, 'none serves nobody');
SELECT bandit.set_arm('plain', 'a', true), bandit.set_arm('plain', 'b', true);
SELECT results_eq($$SELECT metric, status, value, threshold, severity, message FROM bandit.health('x') WHERE metric IN ('overall', 'ctr', 'untrained_arms')$$,
	$$VALUES ('overall', 'alert', NULL::float8, NULL::float8, 'critical', 'out of bounds: untrained_arms'), ('ctr', 'unknown', NULL, 0.1, 'warning', 'nothing to judge by'),
	('untrained_arms', 'alert', 2, 0, 'critical', 'untrained_arms is 2.0000, more than 0.0000')$$, 'an untrained recommender is not well');
SELECT count(*) FROM bandit.train('x');
SELECT is(status('untrained_arms'), 'ok', 'trained');
SELECT is(status('hours_since_training'), 'ok', 'just now');
SELECT is(status('hours_since_training', at => now() + interval '47 hours'), 'ok', 'yesterday');
SELECT is(status('hours_since_training', at => now() + interval '49 hours'), 'alert', 'stale');
SELECT is(status('unverified_states'), 'ok', 'and sound');

-- 200 users, a list of 5 items each, two days ago, by arm p or q; clicks and ratings
CREATE TEMP TABLE shown AS
SELECT u, p, 1 + (u * 7 + p * 3) % 40 AS item, CASE WHEN (u + p) % 4 > 0 THEN 'item_cf' ELSE 'svd' END AS arm,
	(left(bandit.first_decision_id(now() - interval '2 days')::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid AS id,
	(u * 11 + p * 5) % 10 < u % 4 AS clicked, CASE WHEN (u + p) % 7 = 0 THEN 1 + (u + p) % 5 END AS stars
FROM generate_series(1, 200) u, generate_series(1, 5) p;
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms, settled_at)
SELECT id, 'x', 0, u::text, 'treatment', now() - interval '2 days', '{}', '{}', '{}', '{}', array_agg(item ORDER BY p), array_agg(arm ORDER BY p), now() FROM shown GROUP BY u, id;
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls)
SELECT id, 'x', item, 'click', arm, 0, NULL::float8, 1, 10, 0, 0, 0 FROM shown WHERE clicked
UNION ALL SELECT id, 'x', item, 'rating', arm, 0, stars, NULL, 20, 0, 0, 0 FROM shown WHERE stars IS NOT NULL;
-- nor do ratings that are none
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls)
SELECT id, 'x', item, 'rating', arm, 0, '1e308', NULL, 20, 0, 0, 0 FROM shown WHERE stars IS NULL AND u < 30;
-- neither the control's nor what is too old counts
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms, settled_at)
SELECT (left(bandit.first_decision_id(now() - ago)::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid, 'x', 0, u::text, variant, now() - ago, '{}', '{}', '{}', '{}', '{1,2}', '{svd,svd}', now()
FROM generate_series(1, 50) u, (VALUES ('control', interval '3 days'), ('treatment', interval '9 days')) v (variant, ago);
CREATE TEMP TABLE found AS SELECT * FROM bandit.health('x');
SELECT ok(abs(f.value - avg((NOT c.head)::int)) < 1e-9 AND f.sample = 1000, 'long_tail_rate: outside the head')
FROM found f, shown s JOIN bandit_internal.catalogue('x') c ON c.item_id = s.item WHERE f.metric = 'long_tail_rate' GROUP BY f.value, f.sample;
SELECT ok(abs(f.value - avg(s.stars)) < 1e-9 AND f.sample = count(s.stars), 'avg_rating: mean of what was rated') FROM found f, shown s WHERE f.metric = 'avg_rating' GROUP BY f.value, f.sample;
SELECT ok(upper < 5 AND lower > 1, 'whatever somebody has typed') FROM found WHERE metric = 'avg_rating';
SELECT ok(abs(f.value - avg((s.arm = 'item_cf')::int)) < 1e-9 AND f.sample = 1000, 'algorithm_dominance: the largest share') FROM found f, shown s WHERE f.metric = 'algorithm_dominance' GROUP BY f.value, f.sample;
SELECT ok(abs(f.value - avg(s.clicked::int)) < 1e-9 AND f.sample = 1000, 'ctr: clicked') FROM found f, shown s WHERE f.metric = 'ctr' GROUP BY f.value, f.sample;
SELECT ok(abs(f.value - h.h) < 1e-9 AND f.sample = 1000, 'genre_diversity: the entropy of attributes') FROM found f, (
	SELECT -sum(w / 1000 * ln(w / 1000)) / ln(5) AS h FROM (
		SELECT g, sum(1.0::float8 / cardinality(genres)) AS w FROM shown s JOIN film ON film_id = item, unnest(genres) g GROUP BY g) w) h WHERE f.metric = 'genre_diversity';
SELECT ok(abs(f.lower - w.lower) < 1e-8 AND abs(f.upper - w.upper) < 1e-8 AND d.d > 1.05, 'the interval of ctr is Wilson''s, for users') FROM found f, (
	SELECT greatest(1, sum((y - 5 * r) ^ 2) * 200 / 199 / (r * (1 - r) * 1000) * (1.9719565 / 1.96) ^ 2) AS d FROM (
		SELECT count(*) FILTER (WHERE clicked) AS y, sum(count(*) FILTER (WHERE clicked)) OVER () / 1000 AS r FROM shown GROUP BY u) u GROUP BY r) d,
	LATERAL bandit.wilson_interval((SELECT count(*) FILTER (WHERE clicked) FROM shown) / d.d::float8, 1000 / d.d::float8) w WHERE f.metric = 'ctr';
SELECT ok(f.lower < f.value AND f.value < f.upper AND abs(f.upper - f.lower - 2 * bandit_internal.student(k - 1) * sqrt(v.v)) < 1e-9, 'that of avg_rating is the jackknife''s, for users') FROM found f, (
	SELECT count(*) AS k, sum((without - r) ^ 2) * (count(*) - 1) / count(*) AS v FROM (
		SELECT (sum(sum(stars)) OVER () - sum(stars)) / (sum(count(stars)) OVER () - count(stars))::float8 AS without, (SELECT avg(stars)::float8 FROM shown) AS r FROM shown WHERE stars IS NOT NULL GROUP BY u) u) v WHERE f.metric = 'avg_rating';
SELECT is_empty($$SELECT metric FROM found WHERE lower > value OR value > upper$$, 'values are within their intervals');
SELECT is((SELECT count(*) FROM found), 12::bigint, 'what applies to a recommender');

-- the control's response, the newest of all, is no response to what was served
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls, received_at)
SELECT decision_id, 'x', 1, 'click', 'svd', 0, NULL, 1, 10, 0, 0, 0, now() + interval '5 hours' FROM bandit.decisions WHERE bandit = 'x' AND variant = 'control' LIMIT 1;
SELECT is((SELECT value FROM bandit.health('x', at => now() + interval '10 hours') WHERE metric = 'hours_without_feedback'), 10::float8, 'hours_without_feedback: not by the control');
DELETE FROM bandit.feedback WHERE bandit = 'x' AND received_at > now();
-- one user is one observation, however many items he saw
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms, settled_at)
SELECT bandit.first_decision_id(now() - interval '30 days'), 'x', 2, '1', 'treatment', now() - interval '30 days', '{}', '{}', '{}', '{}', array_agg(1 + g % 40), array_agg('svd'::text), now() FROM generate_series(1, 200) g;
SELECT ok(f.value = 0 AND f.sample = 200 AND f.upper > 0.5, 'one user is one observation') FROM bandit.health('x', '20 days', now() - interval '20 days') f WHERE f.metric = 'ctr';
DELETE FROM bandit.decisions WHERE bandit = 'x' AND context_hash = 2;

INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT (left(bandit.first_decision_id(now() - interval '1 hour')::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid, 'x', 1, u::text, 'treatment', now() - interval '1 hour', '{}', '{}', '{}', '{}', '{1,2}', '{svd,svd}'
FROM generate_series(1, 50) u;
SELECT is((SELECT value FROM bandit.health('x') WHERE metric = 'ctr'), (SELECT value FROM found WHERE metric = 'ctr'), 'who may still click does not count');
DELETE FROM bandit.decisions WHERE bandit = 'x' AND context_hash = 1;

-- statuses
SELECT bandit.set_threshold('x', 'ctr', value - 0.001) FROM found WHERE metric = 'ctr';
SELECT is(status('ctr'), 'ok', 'just above the threshold');
SELECT bandit.set_threshold('x', 'ctr', value + 0.001) FROM found WHERE metric = 'ctr';
SELECT is(status('ctr'), 'warning', 'just below it: perhaps by chance');
SELECT bandit.set_threshold('x', 'ctr', upper + 0.001) FROM found WHERE metric = 'ctr';
SELECT is(status('ctr'), 'alert', 'below it beyond doubt');
SELECT bandit.set_threshold('x', 'ctr', min_sample => 1001);
SELECT results_eq($$SELECT status, message FROM bandit.health('x') WHERE metric = 'ctr'$$, $$VALUES ('unknown', 'only 1000 to judge by, 1001 wanted')$$, 'too few to judge');
SELECT results_eq($$SELECT min_sample, round(threshold::numeric, 6), severity FROM bandit.thresholds$$, $$SELECT 1001, round((upper + 0.001)::numeric, 6), 'warning' FROM found WHERE metric = 'ctr'$$, 'what is null stays');
SELECT bandit.set_threshold('x', 'ctr', enabled => false);
SELECT is(status('ctr'), NULL, 'not judged');
DELETE FROM bandit.thresholds;
SELECT is(status('ctr'), 'ok', 'the default again');
SELECT bandit.set_threshold('x', 'algorithm_dominance', 0.5);
SELECT is(status('algorithm_dominance'), 'alert', 'an upper bound');
SELECT bandit.set_arm('x', 'svd', false);
SELECT is(status('algorithm_dominance'), 'unknown', 'with one arm there is nothing to dominate');
SELECT bandit.set_arm('x', 'svd', true);
DELETE FROM bandit.thresholds;

-- nobody answers
SELECT is(status('hours_without_feedback'), 'ok', 'somebody answers');
SELECT is(status('hours_without_feedback', at => now() + interval '4 days'), 'unknown', 'nothing was served since');
UPDATE bandit.feedback SET received_at = now() - interval '47 hours';
UPDATE bandit.decisions SET decided_at = now() - interval '46 hours' WHERE decided_at = now() - interval '2 days';
SELECT is(status('hours_without_feedback'), 'alert', 'much was served since, and nobody answers');
SELECT is(status('hours_without_feedback', 'plain'), 'unknown', 'where nothing is served, nothing is missed');

-- upkeep
SELECT is(status('settle_lag_hours'), 'ok', 'all is settled');
UPDATE bandit.decisions SET settled_at = NULL WHERE bandit = 'x';
SELECT ok(status = 'alert' AND abs(value - (9 * 24 - 24)) < 0.01, 'or not') FROM bandit.health('x') WHERE metric = 'settle_lag_hours';
UPDATE bandit.decisions SET settled_at = now() WHERE bandit = 'x';
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls) VALUES ('x', 7, 'svd', 0, 1, 0, 1);
SELECT is(status('unverified_states'), 'alert', 'evidence without a ledger');
DELETE FROM bandit.evidence WHERE context_hash = 7;
SELECT is(status('partition_hours_ahead'), NULL, 'no partitions, none to run out of');
SELECT count(*) FROM bandit.make_partitions('7 days');
SELECT is(status('partition_hours_ahead'), 'ok', 'made ahead');
SELECT is(status('partition_hours_ahead', at => now() + interval '9 days'), 'alert', 'or running out');

-- alerts: quiet, opened, worse, lasting, resolved
SELECT bandit.set_threshold('x', 'hours_without_feedback', 1000);
SELECT is((SELECT status FROM bandit.check_health('x') WHERE metric = 'overall'), 'alert', 'too few ratings are good');
SELECT results_eq($$SELECT metric COLLATE "default", severity FROM bandit.alerts WHERE bandit = 'x' ORDER BY 1$$, $$VALUES ('algorithm_dominance', 'warning'), ('avg_rating', 'warning')$$, 'what is out of bounds is an alert');
SELECT bandit.set_threshold('x', 'ctr', value + 0.001, 'critical') FROM found WHERE metric = 'ctr';
SELECT is((SELECT count(*) FROM bandit.check_health('x')), 13::bigint, 'checking tells what health tells');
SELECT results_eq($$SELECT metric COLLATE "default", severity, resolved_at IS NULL FROM bandit.alerts WHERE bandit = 'x' AND metric = 'ctr'$$, $$VALUES ('ctr', 'warning', true)$$, 'by chance or not, it is told');
CREATE TEMP TABLE open AS SELECT alert_id FROM bandit.alerts WHERE metric = 'ctr';
SELECT bandit.set_threshold('x', 'ctr', 0.9);
SELECT count(*) FROM bandit.check_health('x');
SELECT results_eq($$SELECT alert_id, severity, threshold FROM bandit.alerts WHERE metric = 'ctr'$$, $$SELECT alert_id, 'critical', 0.9::float8 FROM open$$, 'the same episode grows worse');
SELECT bandit.set_threshold('x', 'ctr', min_sample => 100000);
SELECT count(*) FROM bandit.check_health('x');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE metric = 'ctr' AND resolved_at IS NULL), 1::bigint, 'what becomes unknown stays open');
SELECT bandit.set_threshold('x', 'ctr', 0.01, min_sample => 100);
SELECT count(*) FROM bandit.check_health('x');
SELECT results_eq($$SELECT count(*), count(resolved_at) FROM bandit.alerts WHERE metric = 'ctr'$$, $$VALUES (1::bigint, 1::bigint)$$, 'well again');
SELECT bandit.set_threshold('x', 'ctr', 0.9);
SELECT count(*) FROM bandit.check_health('x');
SELECT results_eq($$SELECT count(*), count(resolved_at) FROM bandit.alerts WHERE metric = 'ctr'$$, $$VALUES (2::bigint, 1::bigint)$$, 'and another episode');
SELECT bandit.set_threshold('x', 'ctr', enabled => false);
SELECT count(*) FROM bandit.check_health('x');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE metric = 'ctr' AND resolved_at IS NULL), 0::bigint, 'what is not judged is no alert');
SELECT is_empty($$SELECT metric FROM bandit.metrics WHERE description = '' OR threshold IS NULL$$, 'every metric is described');
SELECT * FROM finish();
ROLLBACK;
