-- What the reports take for the reward of an item is what was learnt of it, however its responses combine.
BEGIN;
SELECT plan(10);
SET LOCAL client_min_messages = warning;
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO rated SELECT u, i, 3 FROM generate_series(1, 60) u, generate_series(1, 40) i WHERE i < 6 OR (u + i) % 7 = 0;
CREATE FUNCTION later(name text) RETURNS void LANGUAGE sql AS $$
	UPDATE bandit.feedback SET received_at = received_at - interval '1 minute', changed_at = changed_at - interval '1 minute' WHERE bandit = name $$;
-- Lists of four: a click; a click and then a bad rating; thumbs up and then
-- down; a good rating, thumbs down, and the rating changed to another good one.
CREATE FUNCTION play(name text, combine text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bandit.create_recommender(name, 'rated', arms => '{item_cf}');
	UPDATE bandit.bandits b SET combine = play.combine WHERE b.name = play.name;
	UPDATE bandit.outcome_rules o SET priority = 30 WHERE o.bandit = name AND kind = 'rating';
	PERFORM bandit.train(name);
	PERFORM bandit.start_experiment(name, 0.5);
	UPDATE bandit.experiments e SET began_at = now() - interval '1 hour' WHERE e.bandit = name;
	CREATE TEMP TABLE shown ON COMMIT DROP AS SELECT u, r.item_id, r.position FROM generate_series(1, 60) u, LATERAL bandit.recommend(name, u, 4) r;
	PERFORM bandit.feedback(name, u, item_id, 'click') FROM shown WHERE position < 3;
	PERFORM bandit.feedback(name, u, item_id, 'thumbs_up') FROM shown WHERE position = 3;
	PERFORM bandit.feedback(name, u, item_id, 'rating', 5) FROM shown WHERE position = 4;
	PERFORM later(name);
	PERFORM bandit.feedback(name, u, item_id, 'rating', 1) FROM shown WHERE position = 2;
	PERFORM bandit.feedback(name, u, item_id, 'thumbs_down') FROM shown WHERE position > 2;
	PERFORM later(name);
	PERFORM bandit.feedback(name, u, item_id, 'rating', 4) FROM shown WHERE position = 4;
	DROP TABLE shown;
END $$;
CREATE FUNCTION rewards(name text) RETURNS numeric[] LANGUAGE sql AS $$
	SELECT ARRAY[(SELECT sum(successes) / count(DISTINCT (decision_id, item_id)) FROM bandit.feedback WHERE bandit = name AND arm = 'item_cf'),
		(SELECT value FROM bandit.experiment_report(name, now() + interval '25 hours') WHERE metric = 'reward' AND variant = 'treatment'),
		(SELECT value FROM bandit.experiment_report(name, now() + interval '25 hours') WHERE metric = 'reward' AND variant = 'control'),
		(SELECT avg(reward) FROM bandit_internal.arm_rewards(name, now() - interval '1 hour', now() + interval '1 hour'))]::numeric(5, 4)[] $$;
SELECT play('x' || c, c) FROM unnest('{priority,first,last,max,sum}'::text[]) c;
SELECT is(rewards('xpriority'), '{0.5,0.5,0.5,0.5}', 'the highest priority, the newest among equals, as it was changed');
SELECT is(rewards('xfirst'), '{1,1,1,1}', 'the first');
SELECT is(rewards('xlast'), '{0.5,0.5,0.5,0.5}', 'the last');
SELECT is(rewards('xmax'), '{1,1,1,1}', 'the largest');
SELECT is(rewards('xsum'), '{1,1,1,1}', 'the sum, 1 at most');
SELECT is(value, 0::float8, 'of two thumbs the newest counts')
FROM bandit.experiment_report('xsum', now() + interval '25 hours') WHERE metric = 'thumbs-up rate' AND variant = 'control';
SELECT is_empty($$SELECT * FROM bandit.verify('xsum')$$, 'and it all adds up');

-- a rating that nobody can mean
UPDATE bandit.feedback SET value = 1e300 WHERE bandit = 'xsum' AND kind = 'rating' AND value = 1
	AND item_id = (SELECT min(item_id) FROM bandit.feedback WHERE bandit = 'xsum' AND kind = 'rating' AND value = 1);
SELECT ok(count(*) = 3 AND bool_and(abs(value) < 6), 'a rating beyond 1e12 is none') FROM bandit.experiment_report('xsum', now() + interval '25 hours') WHERE metric = 'mean rating';
SELECT ok(value BETWEEN 1 AND 5, 'nor in health') FROM bandit.health('xsum', at => now() + interval '1 hour') WHERE metric = 'avg_rating';
-- a sum of neutral responses is nothing, not the most there is
SELECT is((SELECT array_agg(bandit_internal.combined(c, r) ORDER BY n) FROM (VALUES (1, 'sum', '{NULL,NULL}'::float8[]), (2, 'sum', NULL), (3, 'sum', '{0.25,NULL,0.5}'),
	(4, 'sum', '{0.75,0.5}'), (5, 'priority', '{NULL,1}'), (6, 'max', '{0.5,0.25}'), (7, 'last', NULL)) v (n, c, r)), '{0,0,0.75,1,0,0.5,0}', 'responses together, neutral ones among them');
SELECT * FROM finish();
ROLLBACK;
