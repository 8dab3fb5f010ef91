-- What a session keeps of trained parts between transactions, and that it
-- serves the same whatever that is.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS bandit;
CREATE SCHEMA cache;
SET search_path = cache, public;
CREATE TABLE ratings (user_id int, item_id int, stars float8);
INSERT INTO ratings SELECT u, i, 1 + (u * i) % 5 FROM generate_series(1, 40) u, generate_series(1, 60) i
WHERE (u * 7 + i * i * 3) % 11 < 5;
SELECT bandit.create_recommender('cache', 'ratings', arms => '{svd,item_cf,graph,long_tail}');
SELECT count(*) FROM bandit.train('cache');
CREATE VIEW kept AS
SELECT count(*) AS parts, sum(total_bytes) AS bytes
FROM pg_backend_memory_contexts WHERE name = 'bandit trained part';
CREATE VIEW lists AS
SELECT a.arm, c.* FROM bandit.arms a, LATERAL bandit.candidates('cache', a.arm, 7, 5) c WHERE bandit = 'cache';

-- all of it, by default
SHOW bandit.model_cache_size;
CREATE TABLE expected AS SELECT * FROM lists;
SELECT count(*) > 10 FROM expected;
SELECT parts FROM kept;

-- nothing: gone at the end of the transaction, there again when needed
SET bandit.model_cache_size = 0;
SELECT parts FROM kept;
BEGIN;
SELECT count(*) FROM (SELECT * FROM lists EXCEPT SELECT * FROM expected) d;
SELECT parts FROM kept;
SELECT count(*) FROM (SELECT * FROM lists EXCEPT SELECT * FROM expected) d;
SELECT parts FROM kept;
SAVEPOINT s;
SELECT 1 / 0;
ROLLBACK TO s;
SELECT count(*) FROM (SELECT * FROM lists EXCEPT SELECT * FROM expected) d;
ROLLBACK;
SELECT parts FROM kept;

-- not quite all: the newest
SET bandit.model_cache_size = 1000;
SELECT count(*) FROM lists;
SELECT bytes AS whole FROM kept \gset
SELECT set_config('bandit.model_cache_size', (:whole / 1024 - 1)::text, false) <> '';
SELECT count(*) FROM bandit.candidates('cache', 'svd', 7, 5);
SELECT count(*) FROM bandit.candidates('cache', 'item_cf', 7, 5);
SELECT parts, bytes < :whole FROM kept;
SELECT count(*) FROM (SELECT * FROM lists EXCEPT SELECT * FROM expected) d;

-- what is trained meanwhile is found, and counted
SET bandit.model_cache_size = '1GB';
SELECT count(*) FROM lists;
SELECT count(*) FROM generate_series(1, 3) g, LATERAL bandit.train('cache', CASE WHEN g > 0 THEN 'svd' END) t;
SELECT count(*) FROM (SELECT * FROM lists EXCEPT SELECT * FROM expected) d;
SELECT parts FROM kept;
DELETE FROM bandit.models WHERE bandit = 'cache' AND arm = 'graph';
SELECT count(*) FROM bandit.candidates('cache', 'graph', 7, 5);
SELECT count(*) FROM bandit.candidates('cache', 'svd', 7, 5);
SELECT parts FROM kept;
\set VERBOSITY sqlstate
SET bandit.model_cache_size = '-1';
\set VERBOSITY default
-- nor does a session keep settings that have changed since, if every
-- transaction of it meets others
\o /dev/null
SELECT query FROM generate_series(1, 10) i, LATERAL (VALUES
	(1, format('SELECT bandit.set_arm(''cache'', ''graph'', %L)', i % 2 = 0)),
	(2, 'SELECT count(*) FROM bandit.select_arms(''cache'')')) AS q (place, query)
ORDER BY i, place
\gexec
\o
SELECT count(*) < 6 AS few FROM pg_backend_memory_contexts WHERE name = 'bandit settings';
SELECT bandit.drop_bandit('cache');
DROP SCHEMA cache CASCADE;
