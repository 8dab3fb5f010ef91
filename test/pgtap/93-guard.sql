-- Guards and alerts: what is out of bounds is told once, acted on when told to, and never silently.
BEGIN;
SELECT plan(53);
SET LOCAL client_min_messages = error;
SELECT bandit.create_bandit('p', '{a,b,c}');
SELECT throws_ok($$SELECT * FROM bandit.guard('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT bandit.set_guard('nothing', 'reward_drop', 0.1)$$, '42704', NULL, 'no bandit to guard');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'mood', 0.1)$$, '22023', 'unknown metric "mood"', 'no such metric');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_error_rate', 'NaN')$$, '22023', NULL, 'not a number');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_error_rate', 1.5)$$, '22023', NULL, 'no share');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_error_rate', NULL)$$, '22023', NULL, 'no bound');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_p95_ms', -1)$$, '22023', NULL, 'no time');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_error_rate', 0.1, 'control')$$, '22023', NULL, 'no action of an arm''s');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'reward_drop', 0.1, 'disable')$$, '22023', NULL, 'nor of a bandit''s');
SELECT throws_ok($$SELECT bandit.set_guard('p', 'arm_p95_ms', 10, lookback => '-1 hour')$$, '22023', NULL, 'a time back');
SELECT throws_ok($$INSERT INTO bandit.guards VALUES ('p', 'mood', 1)$$, '23514', NULL, 'rows are checked too');
SELECT is_empty($$SELECT * FROM bandit.guard('p')$$, 'no guards, nothing to say');

-- the share of new arms; 300 choices, all alike, are about a third each
SELECT bandit.set_guard('p', 'new_arm_share', 0.5, 'disable', first_decisions => 300);
SELECT results_eq($$SELECT arm, status FROM bandit.guard('p')$$, $$VALUES ('a', 'unknown'), ('b', 'unknown'), ('c', 'unknown')$$, 'nothing is known yet');
SELECT bandit.set_seed(5);
SELECT count(*) FROM generate_series(1, 300) i, LATERAL bandit.choose('p', '{}', i::text) c;
SELECT is_empty($$SELECT * FROM bandit.guard('p') WHERE status <> 'ok'$$, 'within bounds');
SELECT is_empty('SELECT * FROM bandit.alerts', 'nothing to tell');
UPDATE bandit.guards SET bound = (SELECT max(value) - 0.01 FROM bandit.guard('p')), action = 'alert' WHERE bandit = 'p';
CREATE TEMP TABLE found AS SELECT * FROM bandit.guard('p');
SELECT is((SELECT count(*) FROM found WHERE status = 'warning' AND message LIKE 'new arm "_" has %'), 1::bigint, 'above the bound, perhaps by chance: a warning');
SELECT is((SELECT severity FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NULL), 'warning', 'that is told');
SELECT is_empty($$SELECT * FROM bandit.arms WHERE bandit = 'p' AND NOT enabled$$, 'and changes nothing');
UPDATE bandit.guards SET bound = 0.1 WHERE bandit = 'p';
SELECT count(*) FROM bandit.guard('p');
SELECT is((SELECT severity FROM bandit.alerts a JOIN found f USING (arm) WHERE f.status = 'warning'), 'critical', 'that can grow worse');
UPDATE bandit.guards SET bound = 0.5 WHERE bandit = 'p';
SELECT count(*) FROM bandit.guard('p');
DELETE FROM bandit.alerts WHERE arm <> (SELECT arm FROM found WHERE status = 'warning');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NOT NULL), 1::bigint, 'the warning is resolved');
UPDATE bandit.guards SET bound = 0.2 WHERE bandit = 'p';
SELECT is_empty($$SELECT * FROM bandit.guard('p') WHERE status <> 'alert' OR action IS NOT NULL$$, 'beyond doubt, but nothing is to be done');
SELECT results_eq($$SELECT severity, count(*) FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NULL GROUP BY 1$$, $$VALUES ('critical', 3::bigint)$$, 'is told as critical');
CREATE TEMP TABLE once AS SELECT * FROM bandit.alerts;
SELECT count(*) FROM bandit.guard('p');
SELECT bag_eq('SELECT alert_id FROM bandit.alerts', 'SELECT alert_id FROM once', 'once for each episode');
UPDATE bandit.guards SET action = 'disable' WHERE bandit = 'p';
CREATE TEMP TABLE acted AS SELECT * FROM bandit.guard('p');
SELECT is((SELECT count(*) FROM acted WHERE action = 'disable' AND message LIKE '%; it was disabled'), 2::bigint, 'arms are disabled when it is told to');
SELECT is((SELECT count(*) FROM acted WHERE action IS NULL AND message LIKE '%the only arm%'), 1::bigint, 'but not the last one');
SELECT results_eq($$SELECT arm FROM bandit.arms WHERE bandit = 'p' AND enabled$$, $$SELECT arm COLLATE "C" FROM acted ORDER BY value LIMIT 1$$, 'the one that had the least');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NULL AND action = 'disable' AND acted_at IS NOT NULL), 2::bigint, 'the alerts tell it');
SELECT is((SELECT count(*) FROM bandit.guard('p')), 1::bigint, 'what is disabled is not judged');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NULL), 3::bigint, 'and its alert stays open');
SELECT bandit.set_arm('p', arm, true) FROM bandit.arms WHERE bandit = 'p' AND NOT enabled;
SELECT is((SELECT count(*) FROM bandit.guard('p') WHERE status = 'unknown'), 2::bigint, 'enabled again, it starts afresh');
SELECT bandit_internal.note_alert('p', 'new_arm_share', arm, 'warning', 0.3, 0.2, 'still') FROM bandit.alerts WHERE resolved_at IS NULL;
SELECT is((SELECT count(*) FROM bandit.alerts WHERE bandit = 'p' AND resolved_at IS NULL AND action = 'disable' AND severity = 'critical'), 3::bigint, 'an alert keeps what was done, and its worst');
DELETE FROM bandit.guards WHERE bandit = 'p';
SELECT count(*) FROM bandit.guard('p');
SELECT is_empty($$SELECT * FROM bandit.alerts WHERE resolved_at IS NULL$$, 'without a guard alerts end');

-- arms that fail, and arms that are slow
CREATE TABLE ratings (user_id int, item_id int, rating int);
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
CREATE FUNCTION works(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS $$ SELECT i, i FROM generate_series(1, 5) i $$;
CREATE FUNCTION fails(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS $$ SELECT 1, 1 / (user_id % 2) FROM generate_series(1, 5) i $$;
SELECT bandit.create_recommender('films', 'ratings', arms => '{item_cf}');
SELECT bandit.train('films');
SELECT bandit.add_arm('films', 'works', 'works(bigint,int)');
SELECT bandit.add_arm('films', 'fails', 'fails(bigint,int)');
SELECT count(*) FROM generate_series(1, 200) u, LATERAL bandit.recommend('films', u, 3);
SELECT is_empty($$SELECT * FROM bandit.decisions WHERE bandit = 'films' AND cardinality(pick_ms) <> cardinality(picks)$$, 'every pick is timed');
SELECT results_eq($$SELECT DISTINCT p.arm COLLATE "default", d.subject::int % 2 FROM bandit.decisions d, LATERAL unnest(picks, pick_ms) p (arm, ms) WHERE bandit = 'films' AND p.ms IS NULL$$, $$VALUES ('fails', 0)$$, 'or known to have failed');
SELECT is_empty($$SELECT * FROM bandit.decisions d, LATERAL unnest(pick_ms) m (ms) WHERE bandit = 'films' AND ms NOT BETWEEN 0 AND 1e6$$, 'in milliseconds');
SELECT bandit.set_guard('films', 'arm_error_rate', 0.3, 'disable', min_sample => 101);
SELECT results_eq($$SELECT arm, value, status, action FROM bandit.guard('films') ORDER BY 1$$,
	$$VALUES ('fails', 0.5::float8, 'alert', 'disable'), ('item_cf', 0, 'ok', NULL), ('works', 0, 'ok', NULL)$$, 'the arm that fails is disabled');
SELECT bandit.set_guard('films', 'arm_p95_ms', 0, min_sample => 101);
SELECT results_eq($$SELECT arm, status, action FROM bandit.guard('films') WHERE metric = 'arm_p95_ms' ORDER BY 1$$, $$VALUES ('item_cf', 'alert', NULL), ('works', 'alert', NULL)$$, 'everything takes longer than no time');
SELECT ok(abs(g.value - (SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY p.ms) FROM bandit.decisions d, LATERAL unnest(picks, pick_ms) p (arm, ms) WHERE bandit = 'films' AND p.arm = g.arm)) < 1e-9, 'the percentile of ' || arm)
FROM bandit.guard('films') g WHERE metric = 'arm_p95_ms';
UPDATE bandit.guards SET bound = 1e9 WHERE metric = 'arm_p95_ms';
SELECT is((SELECT count(*) FROM bandit.guard('films') WHERE metric = 'arm_p95_ms' AND status = 'ok'), 2::bigint, 'nothing takes weeks');
UPDATE bandit.guards SET min_sample = 1000 WHERE bandit = 'films';
SELECT is_empty($$SELECT * FROM bandit.guard('films') WHERE status <> 'unknown'$$, 'too few to say');
UPDATE bandit.guards SET min_sample = 100 WHERE bandit = 'films';
SELECT is_empty($$SELECT * FROM bandit.guard('films', now() + interval '2 hours') WHERE status <> 'unknown'$$, 'or too long ago');
SELECT bandit.remove_arm('films', 'fails');
SELECT count(*) FROM bandit.guard('films');
SELECT is_empty($$SELECT * FROM bandit.alerts WHERE arm = 'fails' AND resolved_at IS NULL$$, 'a removed arm''s alert ends');

-- the bandit earns half of what the control does
SELECT bandit.set_guard('films', 'reward_drop', 0.1, 'control');
DELETE FROM bandit.guards WHERE metric <> 'reward_drop';
SELECT results_eq($$SELECT metric, status FROM bandit.guard('films')$$, $$VALUES ('reward_drop', 'unknown')$$, 'no experiment, nothing to compare');
SELECT bandit.start_experiment('films', 0.5, 600);
SELECT is((SELECT status FROM bandit.guard('films')), 'unknown', 'nobody came');
UPDATE bandit.experiments SET began_at = now() - interval '10 days', experiment = '22222222-2222-4222-8222-222222222222';
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT (left(bandit.first_decision_id(now() - interval '5 days')::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid,
	'films', 0, u::text, CASE WHEN bandit_internal.treats('22222222-2222-4222-8222-222222222222', 0.5, u::text) THEN 'treatment' ELSE 'control' END,
	now() - interval '5 days', '{}', '{}', '{}', '{}', '{1,2,3,4,5}', '{a,a,a,a,a}' FROM generate_series(1, 600) u;
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, reward, priority, successes, failures, pulls)
SELECT decision_id, 'films', i, 'click', 'a', 0, 1, 10, 0, 0, 0 FROM bandit.decisions d, LATERAL generate_series(1, 5) i
WHERE bandit = 'films' AND decided_at < now() - interval '4 days' AND (d.subject::int * 5 + i) % 10 < CASE variant WHEN 'control' THEN 6 ELSE 3 END;
CREATE TEMP TABLE dropped AS SELECT g.*, v.treatment, v.control FROM bandit.experiment_verdict('films') v, bandit.guard('films') g;
SELECT ok(status = 'alert' AND action = 'control' AND abs(value - (1 - treatment / control)) < 1e-9 AND value BETWEEN 0.4 AND 0.6, 'the drop is seen') FROM dropped;
SELECT matches(message, 'the allocation was set to 0', 'and told') FROM dropped;
SELECT is((SELECT allocation FROM bandit.experiments WHERE ended_at IS NULL), 0::float8, 'the control serves everybody');
SELECT results_eq('SELECT DISTINCT variant FROM generate_series(1, 20) u, LATERAL bandit.recommend($$films$$, u, 3)', $$VALUES ('control')$$, 'indeed');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE metric = 'reward_drop' AND severity = 'critical' AND action = 'control' AND resolved_at IS NULL), 1::bigint, 'the alert is open');
SELECT is((SELECT status FROM bandit.guard('films')), 'unknown', 'nothing is compared any more');
SELECT is((SELECT count(*) FROM bandit.alerts WHERE metric = 'reward_drop' AND resolved_at IS NULL), 1::bigint, 'so it stays open');
SELECT bandit.drop_bandit('films');
SELECT is_empty($$SELECT bandit FROM bandit.alerts WHERE bandit = 'films' UNION ALL SELECT bandit FROM bandit.guards$$, 'alerts and guards go with their bandit');
SELECT * FROM finish();
ROLLBACK;
