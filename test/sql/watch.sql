-- Watches: triggers on the user's tables, installed and removed.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;

CREATE FUNCTION outcome_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END;
$$;

BEGIN;
CREATE SCHEMA w;
SET search_path = w, public;
CREATE TABLE ratings (who int, movie int, rating int, at timestamptz);
CREATE INDEX ON ratings (who);
SELECT bandit.create_recommender('w', 'ratings', user_column => 'who');

-- the recommender's own columns come first
SELECT bandit.watch('w', 'ratings', 'rating');
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'ratings'::regclass ORDER BY tgname;

-- a value that is not looked at is not looked for
CREATE TABLE clicks ("userId" bigint, movie_id bigint, score int);
SELECT bandit.watch('w', 'clicks', 'click');
SELECT bandit.watch('w', 'clicks', 'thumbs_up', value_column => 'score');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'clicks'::regclass ORDER BY 1;
SELECT * FROM bandit.watches WHERE bandit = 'w' ORDER BY source, kind;

-- refusals
SELECT outcome_of($$SELECT bandit.watch('nobody', 'clicks', 'click')$$)
	LIKE '42704 | bandit "nobody" does not exist | %';
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', 'click')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', 'purchase')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', NULL)$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', '')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', 'thumbs_down', 'nobody')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', 'thumbs_down', value_column => 'nothing')$$);
SELECT outcome_of($$SELECT bandit.watch('w', NULL, 'click')$$);
CREATE TABLE valueless (user_id int, item_id int, note text);
SELECT outcome_of($$SELECT bandit.watch('w', 'valueless', 'rating')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'valueless', 'rating', value_column => 'note')$$);
SELECT outcome_of($$SELECT bandit.watch('w', 'valueless', 'rating', value_column => '')$$);
CREATE TABLE keyed (user_id uuid, item_id int);
SELECT outcome_of($$SELECT bandit.watch('w', 'keyed', 'click')$$);
CREATE TABLE twice (user_id int, userid int, item_id int);
SELECT outcome_of($$SELECT bandit.watch('w', 'twice', 'click')$$);
CREATE VIEW seen AS SELECT * FROM clicks;
SELECT outcome_of($$SELECT bandit.watch('w', 'seen', 'click')$$);
CREATE MATERIALIZED VIEW kept AS SELECT * FROM clicks;
SELECT outcome_of($$SELECT bandit.watch('w', 'kept', 'click')$$);
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE far (user_id int, item_id int) SERVER nowhere;
SELECT outcome_of($$SELECT bandit.watch('w', 'far', 'click')$$);
CREATE TEMPORARY TABLE fleeting (user_id int, item_id int);
SELECT outcome_of($$SELECT bandit.watch('w', 'fleeting', 'click')$$);
SELECT bandit.create_bandit('w plain', '{a}');
SELECT outcome_of($$SELECT bandit.watch('w plain', 'clicks', 'click')$$);

-- a kind of one's own
INSERT INTO bandit.outcome_rules (bandit, kind, zero_at, one_at) VALUES ('w', 'dwell', 0, 60);
CREATE TABLE visits (user_id int, item_id int, dwell int);
SELECT bandit.watch('w', 'visits', 'dwell');

-- a partitioned table, with partitions before and after
CREATE TABLE parts (user_id int, item_id int) PARTITION BY RANGE (user_id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
SELECT bandit.watch('w', 'parts', 'click');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname = 'bandit_click_w'
	AND tgrelid::regclass::text LIKE 'parts%' ORDER BY 1;
INSERT INTO parts VALUES (1, 1), (11, 1);
SELECT bandit.unwatch('w', 'parts');
SELECT count(*) FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'parts%';

-- a trigger may be renamed
ALTER TRIGGER bandit_click_w ON clicks RENAME TO my_trigger;
SELECT bandit.unwatch('w', 'clicks', 'click');
SELECT bandit.unwatch('w', 'clicks', 'click');
SELECT bandit.unwatch('w', 'clicks');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'clicks'::regclass;
SELECT outcome_of($$SELECT bandit.unwatch('nobody', 'clicks')$$)
	LIKE '42704 | bandit "nobody" does not exist | %';

-- or be gone, as its table may
DROP TRIGGER bandit_dwell_w ON visits;
SELECT bandit.unwatch('w', 'visits', 'dwell');
SELECT bandit.watch('w', 'visits', 'dwell');
DROP TABLE visits;
SELECT count(*) FROM bandit.watches WHERE bandit = 'w';

-- hostile and long names; a_b of c and a of b_c
CREATE TABLE "we""ird; 'Tab' ✓" ("User ID's" text, "item ""x""" text, "välue" int);
SELECT bandit.create_recommender('O''Hara "✓" %I', '"we""ird; ''Tab'' ✓"', 'User ID''s', 'item "x"', 'välue');
SELECT bandit.watch('O''Hara "✓" %I', '"we""ird; ''Tab'' ✓"', 'rating', value_column => 'välue');
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '"we""ird; ''Tab'' ✓"'::regclass ORDER BY tgname;
SELECT bandit.create_recommender(repeat('é', 31), 'ratings', user_column => 'who');
SELECT bandit.watch(repeat('é', 31), 'ratings', 'thumbs_down');
SELECT octet_length(tgname) <= 63, tgname LIKE 'bandit_thumbs_down_%'
FROM pg_trigger WHERE tgrelid = 'ratings'::regclass AND tgname LIKE '%thumbs%';
SELECT bandit.unwatch(repeat('é', 31), 'ratings');
SELECT bandit.create_recommender(n, 'ratings', user_column => 'who')
FROM unnest('{c,b_c}'::text[]) n;
INSERT INTO bandit.outcome_rules (bandit, kind, outcome)
VALUES ('c', 'a_b', 'success'), ('b_c', 'a', 'success');
SELECT bandit.watch('c', 'ratings', 'a_b');
SELECT bandit.watch('b_c', 'ratings', 'a');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'ratings'::regclass ORDER BY 1;
SELECT bandit.unwatch('c', 'ratings');

-- dropping a bandit drops its triggers
SELECT bandit.drop_bandit('b_c');
SELECT bandit.drop_bandit('w');
SELECT bandit.drop_bandit('O''Hara "✓" %I');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'bandit.learn()'::regprocedure
	AND tgrelid = ANY (ARRAY['ratings', '"we""ird; ''Tab'' ✓"']::regclass[]);

-- but not those on tables of somebody else
SELECT bandit.create_recommender('w', 'ratings', user_column => 'who');
SELECT bandit.watch('w', 'ratings', 'rating');
CREATE ROLE regress_bandit_watch;
GRANT USAGE ON SCHEMA w, bandit, bandit_internal TO regress_bandit_watch;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal TO regress_bandit_watch;
GRANT ALL ON ALL TABLES IN SCHEMA bandit TO regress_bandit_watch;
GRANT SELECT ON clicks TO regress_bandit_watch;
SET LOCAL ROLE regress_bandit_watch;
SELECT outcome_of($$SELECT bandit.watch('w', 'clicks', 'click')$$);
SELECT outcome_of($$SELECT bandit.unwatch('w', 'ratings')$$);
SELECT bandit.drop_bandit('w');
RESET ROLE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'ratings'::regclass;
ROLLBACK;

DROP FUNCTION outcome_of(text);
