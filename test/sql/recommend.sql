-- Recommendations: full lists whatever happens to an arm, and their log.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

BEGIN;
CREATE TABLE ratings (user_id int, item_id int, rating int, at timestamptz DEFAULT '2026-01-01');
CREATE TABLE items (item_id int PRIMARY KEY, title text);
SELECT bandit.create_recommender('r', 'ratings', items => 'items', arms => '{item_cf,long_tail}', features => '{user_type}', blend_arms => 2);

-- nothing to recommend: no rows, and no error; a decision that served nothing
SELECT count(*) FROM bandit.recommend('r', 1);
SELECT subject, items, item_arms FROM bandit.decisions;
SELECT count(*) FROM bandit.candidates('r', 'hybrid', 1);

-- untrained, the control serves everybody, in a full list
INSERT INTO items SELECT g, 'item ' || g FROM generate_series(1, 30) g;
INSERT INTO ratings SELECT u, i, 1 + (u * i) % 5 FROM generate_series(1, 12) u, generate_series(1, 30) i
WHERE (u + i) % 3 > 0;
SELECT count(*), count(DISTINCT item_id), string_agg(DISTINCT arm, ','), string_agg(DISTINCT variant, ',')
FROM bandit.recommend('r', 1, 10);
-- trained: for users who are known, cold, or have seen all
SELECT count(*) FROM bandit.train('r');
INSERT INTO ratings SELECT 77, g, 5 FROM generate_series(1, 30) g;
SELECT who, count(item_id), count(DISTINCT item_id), count(seen.item) AS seen
FROM (VALUES (1), (1000), (-5), (77)) v(who)
LEFT JOIN LATERAL bandit.recommend('r', who, 10) ON true
LEFT JOIN LATERAL (SELECT 1 AS item FROM ratings x WHERE x.user_id = who AND x.item_id = recommend.item_id) seen ON true
GROUP BY who ORDER BY who;

-- one's own arms: good, bad, late to say so, empty
CREATE FUNCTION good(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql STABLE AS 'SELECT g, g FROM pg_catalog.generate_series(21, 26) g';
CREATE FUNCTION bad(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT 1 / (user_id - user_id), 0';
CREATE FUNCTION writer(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.items VALUES (99); RAISE ''too late''; END';
CREATE FUNCTION hollow(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT 1::bigint, 1::float8 WHERE false';
SELECT count(bandit.remove_arm('r', arm)) FROM unnest('{item_cf,long_tail}'::text[]) arm;
SELECT bandit.add_arm('r', 'bad', 'bad(bigint,int)');
SELECT count(*), string_agg(DISTINCT arm, ',') FROM bandit.recommend('r', 1000, 5);
SET LOCAL bandit.arm_error_level = notice;
SET LOCAL client_min_messages = notice;
SELECT count(*), string_agg(DISTINCT arm, ',') FROM bandit.recommend('r', 1000, 5);
SET LOCAL client_min_messages = warning;
SELECT count(*), string_agg(DISTINCT arm, ',') FROM bandit.recommend('r', 1000, 5);
SET LOCAL bandit.arm_error_level = error;
SELECT count(*) FROM bandit.recommend('r', 1000, 5);
RESET bandit.arm_error_level;
SELECT bandit.remove_arm('r', 'bad');
-- what a failing arm wrote is undone
SELECT bandit.add_arm('r', 'writer', 'writer(bigint,int)');
SELECT count(*), string_agg(DISTINCT arm, ',') FROM bandit.recommend('r', 1000, 5);
SELECT count(*) FROM items WHERE item_id = 99;
SELECT bandit.remove_arm('r', 'writer');
-- an arm whose function is gone
SELECT bandit.add_arm('r', 'hollow', 'hollow(bigint,int)'), bandit.add_arm('r', 'good', 'good(bigint,int)');
SELECT count(*), count(DISTINCT item_id), bool_or(arm = 'good'), bool_or(arm = 'hybrid')
FROM bandit.recommend('r', 1000, 10);
DROP FUNCTION hollow(bigint, int);
SELECT count(*), count(DISTINCT item_id), bool_or(arm = 'good'), bool_or(arm = 'hybrid')
FROM bandit.recommend('r', 1000, 10);
SELECT bandit.remove_arm('r', 'hollow');

-- what is served is what is logged, position by position
CREATE TEMP TABLE served AS SELECT who, r.* FROM (VALUES (1000, NULL::boolean), (1001, true), (1002, false)) v(who, side),
	LATERAL bandit.recommend('r', who, 9, side, '{"user_type": "regular"}') r;
SELECT d.subject, d.variant, d.arms, d.picks, d.item_arms, d.items = s.items, d.item_arms = s.arms,
	d.item_keys IS NULL, d.context_hash = bandit.context_hash('{"user_type": "regular"}'), s.weights
FROM (SELECT who, decision_id, array_agg(item_id ORDER BY position) AS items,
		array_agg(arm ORDER BY position) AS arms, array_agg(weight ORDER BY position) AS weights
	FROM served GROUP BY who, decision_id) s
JOIN bandit.decisions d USING (decision_id) ORDER BY s.who;
SELECT bool_and(position = row_number), count(DISTINCT decision_id)
FROM (SELECT *, row_number() OVER (PARTITION BY who ORDER BY position) FROM served) s;

-- a response to a filler or the control is kept, and teaches nobody
SELECT who, arm, variant, bandit.feedback('r', who, item_id, 'click')
FROM served WHERE position IN (1, 9) ORDER BY who, position;
SELECT arm, successes, failures, pulls FROM bandit.feedback ORDER BY arm, decision_id;
SELECT arm, successes, failures, pulls FROM bandit.evidence;
SELECT bandit.settle('r', now() + interval '2 days') > 0;
SELECT DISTINCT arm FROM bandit.evidence WHERE arm IN ('good', 'hybrid');
SELECT count(*) FROM bandit.verify('r');

-- refusals
SELECT * FROM bandit.recommend('nobody', 1);
SELECT * FROM bandit.recommend('r', 1, 0);
SELECT * FROM bandit.recommend('r', NULL::bigint);
SELECT * FROM bandit.recommend('r', 'anna');
SELECT * FROM bandit.recommend('r', 1, context => '{"mood": "good"}');
SELECT * FROM bandit.candidates('r', 'best', 1);
SELECT bandit.create_bandit('plain', '{a}');
SELECT * FROM bandit.recommend('plain', 1);
SELECT bandit.user_context('plain', 1);
ALTER TABLE ratings RENAME item_id TO thing;
SELECT * FROM bandit.recommend('r', 1);
ALTER TABLE ratings RENAME thing TO item_id;
DROP TABLE ratings;
\set VERBOSITY terse
SELECT * FROM bandit.recommend('r', 1);
SELECT count(*) FROM bandit.select_arms('r');
ROLLBACK;
