-- What the views for one screen and for Prometheus say.
BEGIN;
SELECT plan(25);
SET LOCAL client_min_messages = error;
SELECT bandit.create_bandit('mail', '{a,b,c}', attribution_window => '10 hours');
SELECT bandit.set_arm('mail', 'c', false);
SELECT bandit.create_bandit('other', '{a,b}');
CREATE FUNCTION pg_temp.exported(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
	EXECUTE format('SELECT %s FROM bandit.exporter_bandits WHERE bandit = ''mail''', expression) INTO answer;
	RETURN answer;
END $$;
-- a decision so long ago
CREATE FUNCTION pg_temp.decide(ago interval) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
	made uuid := (SELECT decision_id FROM bandit.choose('mail'));
	moved uuid := overlay(made::text PLACING left(bandit.first_decision_id(now() - ago)::text, 18) FROM 1 FOR 18);
BEGIN
	UPDATE bandit.decisions SET decision_id = moved, decided_at = now() - ago WHERE decision_id = made;
	RETURN moved;
END $$;
CREATE FUNCTION pg_temp.hours(seconds text) RETURNS numeric LANGUAGE sql AS $$ SELECT round(seconds::numeric / 3600, 2) $$;

SELECT is(pg_temp.exported('(enabled_arms, decisions_5m, settle_lag_seconds, alerts_warning, alerts_critical)'), '(2,0,0,0,0)', 'nothing happened yet');
SELECT is(pg_temp.exported('seconds_since_response'), NULL, 'nobody could respond');
SELECT is(pg_temp.exported('attribution_window_seconds'), '36000', 'within 10 hours');
SELECT is(pg_temp.exported('coalesce(seconds_since_training, experiment_allocation)'), NULL, 'no models, no experiment');
SELECT pg_temp.decide('9 hours') AS old \gset
SELECT pg_temp.decide('4 hours') AS newer \gset
SELECT pg_temp.decide('4 minutes') AS new \gset
SELECT decision_id FROM bandit.choose('other') \gset
SELECT bandit.reward(:'decision_id', 1);
SELECT is(pg_temp.exported('decisions_5m'), '1', 'the decisions of five minutes');
SELECT is(pg_temp.hours(pg_temp.exported('seconds_since_response')), 9.00, 'without a response, since the oldest that waits');
SELECT bandit.reward(:'old', 1);
SELECT is(pg_temp.hours(pg_temp.exported('seconds_since_response')), 9.00, 'the oldest was responded to');
SELECT bandit.reward(:'newer', 0);
SELECT is(pg_temp.hours(pg_temp.exported('seconds_since_response')), 4.00, 'a newer one');
SELECT is(pg_temp.exported('settle_lag_seconds'), '0', 'nothing is late');
SELECT pg_temp.decide('12 hours');
SELECT is(pg_temp.hours(pg_temp.exported('settle_lag_seconds')), 2.00, 'two hours past its window');
SELECT bandit.settle('mail', at => now() + interval '11 hours') > 0 AS settled;
SELECT is((SELECT count(*)::int FROM bandit.feedback WHERE bandit = 'mail' AND kind = 'silence'), 2, 'silence is in the ledger');
SELECT is(pg_temp.hours(pg_temp.exported('seconds_since_response')), 4.00, 'and is no response');
SELECT is(pg_temp.exported('settle_lag_seconds'), '0', 'settled');
SELECT is((SELECT array_agg(arm || enabled ORDER BY arm) FROM bandit.exporter_arms WHERE bandit = 'mail'), '{a1,b1,c0}', 'arms, with those that are off');
SELECT is((SELECT (sum(pulls), sum(successes), sum(failures))::text FROM bandit.exporter_arms WHERE bandit = 'mail'), '(4,1,3)', 'what they learnt');

-- training: of what serves
CREATE TABLE products (product_id int PRIMARY KEY, name text);
CREATE TABLE ratings (user_id int, product_id int REFERENCES products, stars int, created_at timestamptz DEFAULT now());
INSERT INTO products SELECT g, 'product ' || g FROM generate_series(1, 30) g;
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
SELECT bandit.create_recommender('shop', 'ratings', items => 'products');
SELECT is((SELECT seconds_since_training FROM bandit.exporter_bandits WHERE bandit = 'shop'), NULL, 'never trained');
SELECT count(*) FROM bandit.train('shop');
UPDATE bandit.models SET trained_at = now() - interval '5 hours' WHERE bandit = 'shop' AND arm = 'svd';
UPDATE bandit.models SET trained_at = now() - interval '3 hours' WHERE bandit = 'shop' AND arm = 'graph';
SELECT is(pg_temp.hours(seconds_since_training::text), 5.00, 'the oldest part') FROM bandit.exporter_bandits WHERE bandit = 'shop';
SELECT bandit.set_arm('shop', 'svd', false);
SELECT is(pg_temp.hours(seconds_since_training::text), 3.00, 'that serves') FROM bandit.exporter_bandits WHERE bandit = 'shop';
SELECT bandit.start_experiment('shop', 0.25);
SELECT bandit.set_threshold('shop', 'untrained_arms', -1);
SELECT count(*) FROM bandit.check_health('shop');
SELECT is((SELECT (experiment_allocation, alerts_critical)::text FROM bandit.exporter_bandits WHERE bandit = 'shop'), '(0.25,1)', 'experiment and alerts');
SELECT is((SELECT (arms, health, alerts)::text FROM bandit.overview WHERE bandit = 'shop'), '("5 of 6",critical,untrained_arms)', 'a person reads the same');

-- who looked, and when
SELECT is((SELECT array_agg(health ORDER BY bandit)::text FROM bandit.overview WHERE bandit <> 'shop'), '{unknown,unknown}', 'nobody has looked yet');
SELECT is(pg_temp.exported('seconds_since_check'), NULL, 'nor exported when');
SELECT count(*) FROM bandit.check_health('mail');
SELECT is((SELECT (c.checked_at = now(), c.status, o.health)::text FROM bandit.health_checks c JOIN bandit.overview o USING (bandit) WHERE bandit = 'mail'), '(t,ok,ok)', 'somebody has, and found nothing wrong');
UPDATE bandit.health_checks SET checked_at = now() - interval '49 hours' WHERE bandit = 'mail';
SELECT is((SELECT health FROM bandit.overview WHERE bandit = 'mail'), 'unknown', 'too long ago');
SELECT is(pg_temp.hours(pg_temp.exported('seconds_since_check')), 49.00, 'and exported since when');
SELECT * FROM finish();
ROLLBACK;
