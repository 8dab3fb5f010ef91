-- What make sqlsmith plays with: a shop that recommends, an experiment, two
-- plain bandits, and a role that may call everything but owns nothing.
SET client_min_messages = warning;
SELECT setseed(0.5);
CREATE EXTENSION bandit;
CREATE TABLE products (product_id int PRIMARY KEY, name text, tags text);
INSERT INTO products
SELECT i, 'Product ' || i || ' of line ' || i % 7, 'tag' || i % 11 || '|tag' || i % 5
FROM generate_series(1, 60) i;
CREATE TABLE ratings (user_id int, product_id int, stars numeric(2, 1),
	rated_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (user_id, product_id));
INSERT INTO ratings
SELECT u, p, 1 + floor(5 * random()), now() - 3000 * random() * interval '1 hour'
FROM (SELECT DISTINCT u, ceil(60 * random() ^ 2)::int AS p
	FROM generate_series(1, 40) u, generate_series(1, 10) g) r;
CREATE TABLE clicks (user_id int, product_id int);
SELECT bandit.create_recommender('shop', 'ratings', items => 'products');
SELECT bandit.watch('shop', 'clicks', 'click');
SELECT bandit.watch('shop', 'ratings', 'rating');
SELECT count(*) FROM bandit.train('shop');
SELECT bandit.create_bandit('plain', '{a,b,c}', '{n}');
SELECT bandit.create_bandit('fades', '{a,b,c}', '{n}', half_life => '1 minute');
SELECT bandit.start_experiment('shop', 0.5);
SELECT count(*) FROM generate_series(1, 40) u, bandit.recommend('shop', u, 5);
INSERT INTO clicks SELECT subject::int, items[1] FROM bandit.decisions WHERE bandit = 'shop'
	AND cardinality(items) > 0;
SELECT count(bandit.reward(d.decision_id, n % 2)) FROM generate_series(1, 60) n,
	bandit.choose('plain', jsonb_build_object('n', n % 4)) d;
SELECT count(bandit.update_bandit('fades', '{"n": 1}', 'a', 'success')) FROM generate_series(1, 5);
SELECT count(*) FROM bandit.check_health('shop');

SELECT bandit.create_roles();
DROP ROLE IF EXISTS smith;
CREATE ROLE smith LOGIN IN ROLE bandit_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON products, ratings, clicks TO smith;
-- a second database would name other objects
GRANT CREATE ON SCHEMA public TO smith;

-- sqlsmith calls no functions that return sets, and any function as often as
-- another.  So it finds ours alone, those with sets as counts of their rows,
-- and some of the server's, in a pg_proc of its own.
CREATE SCHEMA smith;
GRANT USAGE ON SCHEMA smith TO smith;
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN
		SELECT p.proname, n.nspname, pg_get_function_identity_arguments(p.oid) AS whole,
			(SELECT string_agg(format_type(t, NULL), ', ' ORDER BY o) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, o)) AS types,
			(SELECT string_agg('$' || o, ', ' ORDER BY o) FROM generate_series(1, p.pronargs) o) AS names
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE n.nspname IN ('bandit', 'bandit_internal') AND p.prokind = 'f' AND p.proretset
	LOOP
		EXECUTE format('CREATE FUNCTION smith.%I(%s) RETURNS bigint LANGUAGE sql AS %L',
			f.proname || '_rows', f.types,
			format('SELECT count(*) FROM (SELECT %I.%I(%s)) r', f.nspname, f.proname, f.names));
	END LOOP;
END $$;
CREATE VIEW smith.pg_proc AS
SELECT p.* FROM pg_catalog.pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname IN ('bandit', 'bandit_internal', 'smith')
	AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) t JOIN pg_type y ON y.oid = t WHERE y.typtype = 'p')
	OR n.nspname = 'pg_catalog' AND (p.prokind <> 'f' OR p.proname IN ('jsonb_build_object', 'to_jsonb',
		'abs', 'length', 'left', 'upper', 'md5', 'now', 'random', 'gen_random_uuid', 'array_length',
		'array_append', 'date_trunc', 'jsonb_set', 'mod', 'power', 'repeat', 'int8', 'float8', 'text'));
GRANT SELECT ON smith.pg_proc TO smith;
ALTER ROLE smith SET search_path = smith, pg_catalog, public;
SELECT pg_stat_reset();
