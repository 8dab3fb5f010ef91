-- Who owns a table that is read, or a function that is an arm, may make it
-- run anything; but never with rights that he does not have.
SET client_min_messages = error;
BEGIN;
SELECT plan(30);
CREATE ROLE mallory; CREATE ROLE chief;
CREATE SCHEMA m AUTHORIZATION mallory;
CREATE SCHEMA c AUTHORIZATION chief;
GRANT USAGE ON SCHEMA m TO PUBLIC;
SELECT count(*) FROM bandit.grant_access('chief', 'admin');

SET LOCAL ROLE mallory;
CREATE TABLE m.heard (who name, place text, rise text);
GRANT INSERT ON m.heard TO PUBLIC;
-- what he would do with the rights of another: notes whose they are, and
-- tries to be somebody else, and to leave a setting behind
CREATE FUNCTION m.strike(place text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	rise text := '';
	trick text;
BEGIN
	FOREACH trick IN ARRAY ARRAY['ALTER ROLE mallory SUPERUSER', 'RESET ROLE', 'SET ROLE postgres', 'RESET SESSION AUTHORIZATION',
		'CREATE TEMP TABLE left_behind ()', 'DELETE FROM bandit.evidence'] LOOP
		BEGIN
			EXECUTE trick;
			rise := rise || trick || ';';
		EXCEPTION WHEN OTHERS THEN
			NULL;
		END;
	END LOOP;
	PERFORM set_config('bandit.model_cache_size', '77MB', false);
	INSERT INTO m.heard VALUES (current_user, place, rise);
	RETURN true;
END $$;
CREATE TABLE m.real (user_id int, item_id int, stars int);
INSERT INTO m.real SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
CREATE VIEW m.ratings AS SELECT user_id, item_id, stars FROM m.real;
CREATE TABLE m.items (item_id int, title text, tags text, vec real[]);
INSERT INTO m.items SELECT g, 'item ' || g, 'a,b', '{1,2}' FROM generate_series(1, 30) g;
CREATE TABLE m.texts (user_id text, item_id text);
INSERT INTO m.texts SELECT 'u' || user_id, 'i' || item_id FROM m.real;
CREATE TABLE m.clicks (user_id int, item_id int);
CREATE FUNCTION m.list(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS 'SELECT i, i FROM generate_series(1, n) i';
RESET ROLE;

-- an administrator takes them into use while they are harmless
SELECT bandit.create_recommender('shop', 'm.ratings', items => 'm.items', attributes_column => 'tags', attribute_separator => ',', vector_column => 'vec');
SELECT bandit.create_recommender('keys', 'm.texts', features => '{}');
SELECT bandit.add_arm('shop', 'list', 'm.list(bigint,int)');
SELECT bandit.watch('shop', 'm.clicks', 'click');
SELECT lives_ok($$SELECT * FROM bandit.train('shop')$$, 'trained');
SELECT lives_ok($$SELECT * FROM bandit.train('keys')$$, 'by key');
SELECT isnt_empty($$SELECT * FROM bandit.recommend('keys', user_key => 'u1', n => 3)$$, 'a superuser serves from the tables of others');
SELECT is((SELECT array_agg(r.id ORDER BY r.id) FROM (SELECT DISTINCT bandit.key_id(t.item_id) AS id FROM m.texts t) r),
	(SELECT array_agg(c.item_id ORDER BY c.item_id) FROM bandit_internal.recommender_catalogue('keys') c), 'a key''s number is that of key_id');
SELECT is((SELECT count(*) FROM m.heard), 0::bigint, 'all is quiet');

-- now he strikes: a view, a policy, a cast, a function
SET LOCAL ROLE mallory;
CREATE OR REPLACE VIEW m.ratings AS SELECT user_id, item_id, stars FROM m.real WHERE m.strike('view');
CREATE FUNCTION m.vector(m.items) RETURNS real[] LANGUAGE sql AS 'SELECT $1.vec';
CREATE TYPE m.evil AS ENUM ('1');
CREATE FUNCTION m.evil_to_real(m.evil) RETURNS real[] LANGUAGE plpgsql AS $$BEGIN PERFORM m.strike('cast'); RETURN '{1,2}'; END$$;
CREATE CAST (m.evil AS real[]) WITH FUNCTION m.evil_to_real;
ALTER TABLE m.items ALTER COLUMN vec TYPE m.evil USING '1';
ALTER TABLE m.items ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON m.items USING (m.strike('policy'));
CREATE OR REPLACE FUNCTION m.list(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql AS
	'SELECT i, i FROM generate_series(1, n) i WHERE m.strike(''arm'')';
RESET ROLE;
SELECT lives_ok(c, c) FROM (VALUES
	($$SELECT * FROM bandit.train('shop')$$), ($$SELECT * FROM bandit.recommend('shop', 1, 9)$$),
	($$SELECT bandit.candidates('shop', 'list', 1, 5)$$), ($$SELECT bandit.candidates('shop', 'graph', 1, 5)$$),
	($$SELECT bandit.user_context('shop', 1)$$), ($$SELECT * FROM bandit.evaluate('shop', n => 3)$$),
	($$SELECT bandit.settle('shop', now() + interval '2 days'), bandit.refresh_priors('shop'), bandit.guard('shop')$$),
	($$SELECT * FROM bandit.check_health('shop')$$), ($$SELECT bandit.report('shop')$$)) AS v (c);
SELECT lives_ok($$SELECT bandit.create_recommender('again', 'm.ratings', items => 'm.items', attributes_column => 'tags', vector_column => 'vec')$$, 'create_recommender');
SELECT is((SELECT string_agg(DISTINCT place, ' ' ORDER BY place) FROM m.heard), 'arm cast policy view', 'he strikes in every way');
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM m.heard), 'mallory', 'as himself, whoever calls');
SELECT is((SELECT string_agg(DISTINCT rise, ' ') FROM m.heard), '', 'and rises to nothing');
SELECT is((SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'), false, 'nor later');
SELECT is(current_setting('bandit.model_cache_size'), '256MB', 'no setting stays');
SELECT is(current_user::text, session_user::text, 'the caller is himself again');

-- what is spliced into the arm's statement
UPDATE bandit.arms SET source = 'pg_sleep(1)) AS l(item, score), m.strike(''source''); -- (bigint,integer)' WHERE bandit = 'shop' AND arm = 'list';
SELECT throws_like($$SELECT bandit.candidates('shop', 'list', 1, 5)$$, '%', 'a source is the signature of a function');
UPDATE bandit.arms SET source = '(SELECT 1::bigint, 1::float8 WHERE m.strike(''source''))' WHERE bandit = 'shop' AND arm = 'list';
SELECT throws_like($$SELECT bandit.candidates('shop', 'list', 1, 5)$$, '%', 'and no statement');
SELECT is_empty($$SELECT FROM m.heard WHERE place = 'source'$$, 'none ran');
UPDATE bandit.arms SET source = 'm.list(bigint,integer)' WHERE bandit = 'shop' AND arm = 'list';

-- the trigger on his table: types of his, with the rights of who writes
DELETE FROM m.heard;
SET LOCAL ROLE mallory;
-- (here SET ROLE has made who calls, and RESET ROLE would succeed)
CREATE OR REPLACE FUNCTION m.strike(place text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO m.heard VALUES (current_user, place);
	RETURN true;
END $$;
CREATE DOMAIN m.key AS int CHECK (m.strike('domain'));
ALTER TABLE m.clicks ALTER COLUMN user_id TYPE m.key, ALTER COLUMN item_id TYPE m.evil USING '1';
SELECT lives_ok($$INSERT INTO m.clicks VALUES (1, '1')$$, 'a watched table may become odd');
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM m.heard), 'mallory', 'and its types stay their owner''s');

-- who has not the owner's rights reads as himself, as from any table of others
GRANT SELECT ON m.ratings, m.items TO chief;
DELETE FROM m.heard;
SET LOCAL ROLE chief;
SELECT lives_ok($$SELECT bandit.candidates('shop', 'list', 1, 5)$$, 'an administrator who is no superuser');
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM m.heard), 'chief', 'trusts whom he reads from');
GRANT mallory TO chief;
DELETE FROM m.heard;
SET LOCAL ROLE chief;
SELECT count(*) FROM bandit.candidates('shop', 'list', 1, 5);
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT who, ' ') FROM m.heard), 'mallory', 'or, if he has all the owner''s rights, lends none');
-- settings that the constraints let pass
UPDATE bandit.recommenders SET saturation_from = '{NULL,NULL}' WHERE bandit = 'shop';
SELECT throws_ok($$SELECT bandit.user_context('shop', 1)$$, 'XX000', NULL, 'boundaries that are none are not read');
SELECT * FROM finish();
ROLLBACK;
