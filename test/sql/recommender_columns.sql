-- Recommenders: which columns of the user's tables are found, and when nobody
-- guesses.
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
CREATE SCHEMA rc;
SET search_path = rc, public;

-- MovieLens as it comes: camel case, Unix seconds, genres with bars
CREATE TABLE movies ("movieId" int PRIMARY KEY, title text, genres text);
INSERT INTO movies VALUES (1, 'A', 'Comedy|Drama'), (2, 'B', 'Drama'), (3, 'C', NULL);
CREATE TABLE ratings ("userId" int, "movieId" int, rating numeric, "timestamp" bigint);
SELECT bandit.create_recommender('rc', 'ratings', items => 'movies');
SELECT user_column, item_column, value_column, time_column, items_key_column,
	title_column, attributes_column, key_type, neutral_value, exclude_seen,
	blend_arms, time_zone, attribute_count
FROM bandit.recommenders WHERE bandit = 'rc';
SELECT arm, position, role, enabled, source
FROM bandit.arms WHERE bandit = 'rc' ORDER BY position;
SELECT features FROM bandit.bandits WHERE name = 'rc';

-- an index of another order does not count, one by user does
CREATE INDEX ON ratings ("movieId", "userId");
SELECT bandit.create_recommender('rc 1', 'ratings');
CREATE INDEX ON ratings ("userId", "movieId");
SELECT bandit.create_recommender('rc 2', 'ratings', time_column => '', value_column => '');

-- the control
SELECT outcome_of($$SELECT bandit.set_arm('rc', 'hybrid', false)$$);
SELECT outcome_of($$SELECT bandit.remove_arm('rc', 'hybrid')$$);
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'hybrid')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', arms => '{item_cf,hybrid}')$$);

-- arms of one's own
CREATE FUNCTION "my Arm"(user_id bigint, n int)
RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE TYPE scored AS (item bigint, score float8);
CREATE FUNCTION composite_arm(bigint, int) RETURNS SETOF scored LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE FUNCTION out_arm(u bigint, n int, OUT i bigint, OUT s float8) RETURNS SETOF record LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE FUNCTION one_row(bigint, int) RETURNS scored LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE FUNCTION no_score(bigint, int) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1::bigint';
CREATE FUNCTION int_item(bigint, int) RETURNS TABLE (item_id int, score float8) LANGUAGE sql AS 'SELECT 1, 1::float8';
CREATE FUNCTION int_user(int, int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE FUNCTION text_arm(text, int) RETURNS TABLE (item_id text, score float8) LANGUAGE sql AS 'SELECT ''a'', 1::float8';
CREATE FUNCTION loose(bigint, int) RETURNS SETOF record LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
CREATE PROCEDURE proc(bigint, int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION pg_temp.gone(bigint, int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS 'SELECT 1::bigint, 1::float8';
SELECT bandit.add_arm('rc', 'mine', '"my Arm"(bigint,int)');
SELECT bandit.add_arm('rc', 'composite', 'composite_arm(bigint,int)');
SELECT bandit.add_arm('rc', 'out', 'out_arm(bigint,int)', 2, 3);
SELECT outcome_of(format('SELECT bandit.add_arm(%L, %L, %L)', 'rc', 'x', f))
FROM unnest(ARRAY['one_row(bigint,int)', 'no_score(bigint,int)',
	'int_item(bigint,int)', 'int_user(int,int)', 'text_arm(text,int)',
	'loose(bigint,int)', 'proc(bigint,int)', 'abs(int)']) f;
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'x', 'pg_temp.gone(bigint,int)')$$);
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'x', 1)$$);
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'x')$$);
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'item_cf', '"my Arm"(bigint,int)')$$);
SELECT outcome_of($$SELECT bandit.add_arm('rc', 'item_cf')$$);
SELECT bandit.remove_arm('rc', 'item_cf');
SELECT bandit.add_arm('rc', 'item_cf');
SELECT arm, position, role, source, prior_alpha
FROM bandit.arms WHERE bandit = 'rc' ORDER BY position;

-- text and uuid keys; arrays; a foreign key beats a name; domains
CREATE DOMAIN person AS uuid;
CREATE DOMAIN someone AS person;
CREATE TABLE "Odd Wares" ("Sku #" uuid PRIMARY KEY, "Name" varchar(20), tags varchar[]);
INSERT INTO "Odd Wares" SELECT gen_random_uuid(), 'w', ARRAY['a', NULL, 'b', ''];
CREATE TABLE "Kühne ""Käufe"" ✓" ("UserId" someone, "What's ✓" uuid REFERENCES "Odd Wares",
	item_id uuid, "Stars" smallint, created_at date);
SELECT bandit.create_recommender('rc odd', '"Kühne ""Käufe"" ✓"', items => '"Odd Wares"', arms => '{}');
SELECT user_column, item_column, value_column, time_column, items_key_column,
	title_column, attributes_column, key_type, attribute_count
FROM bandit.recommenders WHERE bandit = 'rc odd';
SELECT outcome_of($$SELECT bandit.add_arm('rc odd', 'x', '"my Arm"(bigint,int)')$$);
SELECT bandit.add_arm('rc odd', 'mine', 'text_arm(text,int)');

-- the name of the items' table helps; an items table without a primary key
CREATE TABLE wines (id smallint, label text, category text);
CREATE TABLE tastings (user_id bigint, wine_id bigint, score real, tasted timestamptz);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'tastings')$$);
SELECT bandit.create_recommender('rc wines', 'tastings', items => 'wines', time_column => 'tasted');

-- views have no index to suggest
CREATE VIEW plays AS SELECT 1::bigint AS user_id, 2::bigint AS track_id, now() AS ts;
SELECT bandit.create_recommender('rc view', 'plays', features => '{time_period}');

-- ambiguous, missing, wrong
CREATE TABLE twice (user_id int, "userId" int, customer_id bigint, item_id int, movie_id int,
	rating int, score int, created_at date, "timestamp" timestamp);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'twice')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'twice', 'user_id')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'twice', 'user_id', 'item_id')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'twice', 'user_id', 'item_id', '')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'twice', 'user_id', 'user_id', '', '')$$);
SELECT bandit.create_recommender('rc twice', 'twice', 'user_id', 'item_id', 'score', '');
CREATE TABLE bare (a int, b boolean, c text, rating text);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', 'a')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', 'z', 'c')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', '', 'c')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', 'b', 'c')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', 'a', 'c')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'bare', 'a', 'a', 'rating')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', time_column => 'rating')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', items => 'movies', title_column => 'genre')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', title_column => 'title')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', items => '"Odd Wares"')$$);
CREATE TABLE nothing ();
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'nothing')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'no_such_table')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', NULL)$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 1)$$);
CREATE SEQUENCE seq;
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'seq')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'movies_pkey')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'scored')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', items => 'seq')$$);
CREATE TEMPORARY TABLE fleeting (user_id int, item_id int);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'fleeting')$$);

-- a number called date is not taken for Unix seconds
CREATE TABLE dated (user_id int PRIMARY KEY, item_id int, "date" int);
SELECT bandit.create_recommender('rc dated', 'dated');
SELECT bandit.create_recommender('rc dated 2', 'dated', time_column => 'date');

-- settings
SELECT outcome_of($$SELECT bandit.create_recommender('rc', 'ratings')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', arms => '{item_cf,nonsense}')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', arms => '{item_cf,item_cf}')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', features => '{age}')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', features => '{user_type,user_type}')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', blend_arms => 0)$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', blend_arms => NULL)$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', exclude_seen => NULL)$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', neutral_value => 'NaN')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', time_zone => 'Mars/Base')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', time_zone => NULL)$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', attribute_separator => '')$$);
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', prior_alpha => 0)$$);
SELECT count(*) FROM bandit.bandits WHERE name = 'x';
SELECT count(*) FROM bandit.recommenders WHERE bandit = 'x';

-- the caller's rights
CREATE ROLE regress_bandit_rc;
GRANT USAGE ON SCHEMA rc, bandit, bandit_internal TO regress_bandit_rc;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal TO regress_bandit_rc;
GRANT ALL ON ALL TABLES IN SCHEMA bandit TO regress_bandit_rc;
GRANT SELECT ON ratings TO regress_bandit_rc;
SET LOCAL ROLE regress_bandit_rc;
SELECT outcome_of($$SELECT bandit.create_recommender('x', 'ratings', items => 'movies')$$);
RESET ROLE;
ROLLBACK;

DROP FUNCTION outcome_of(text);
