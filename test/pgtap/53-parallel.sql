-- Settings are read when they are first needed, or have changed: also while a
-- parallel plan runs.
SET client_min_messages = error;
BEGIN;
SELECT plan(9);
CREATE TABLE visits AS SELECT g AS id, g % 30 AS user_id FROM generate_series(1, 1000) g;
CREATE TABLE ratings (user_id int, item_id int, rating int);
CREATE TABLE items (item_id int, genres text);
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(0, 29) u, generate_series(1, 8) p;
INSERT INTO items SELECT g, CASE g % 2 WHEN 0 THEN 'a|b' ELSE 'c' END FROM generate_series(1, 30) g;
ANALYZE visits;
SELECT bandit.create_recommender('films', 'ratings', items => 'items', attributes_column => 'genres');
SELECT count(*) FROM bandit.train('films');
SELECT count(*) FROM bandit.recommend('films', 1, 5), bandit.refresh_priors('films');
SELECT bandit.start_experiment('films', 0.5);
SET LOCAL max_parallel_workers_per_gather = 2;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END$$;
-- forget what the session knows
CREATE FUNCTION changed() RETURNS void LANGUAGE sql AS
	'UPDATE bandit.bandits SET epsilon = epsilon; UPDATE bandit.models SET version = version; UPDATE bandit.nodes SET node = node';

CREATE TEMP TABLE calls (id int, query text);
INSERT INTO calls VALUES (1, 'SELECT s.* FROM visits v, LATERAL bandit.select_arms(''films'', ''{}'', 2) s WHERE v.id < 4'),
	(2, 'SELECT bandit.user_context(''films'', v.user_id) FROM visits v WHERE v.id < 4'),
	(3, 'SELECT bandit.experiment_side(''films'', v.user_id::text) FROM visits v WHERE v.id < 4');
SELECT ok(EXISTS (SELECT FROM plan_of(query) p WHERE p LIKE '%Gather%'), 'a parallel plan: ' || query) FROM calls;
SELECT changed(); SELECT lives_ok(query, query) FROM calls WHERE id = 1;
SELECT changed(); SELECT lives_ok(query, query) FROM calls WHERE id = 2;
SELECT changed(); SELECT lives_ok(query, query) FROM calls WHERE id = 3;
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
	ELSE 'debug_parallel_query' END, 'on', true);
SELECT changed(); SELECT lives_ok('SELECT * FROM bandit.context_stats', 'the views');
SELECT changed(); SELECT lives_ok('SELECT * FROM bandit.check_health(''films'')', 'health');
SELECT changed(); SELECT lives_ok('SELECT * FROM bandit.replay((SELECT decision_id FROM bandit.decisions LIMIT 1))', 'replay');
SELECT * FROM finish();
ROLLBACK;
