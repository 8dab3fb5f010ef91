-- An application that is to run for a long time: a shop that recommends, with
-- watched tables, and two bandits without items.
SET client_min_messages = warning;
SELECT setseed(0.5);
CREATE EXTENSION bandit;
CREATE EXTENSION pgstattuple;

CREATE TABLE products (product_id int PRIMARY KEY, name text, tags text);
INSERT INTO products
SELECT i, 'Product ' || i || ' of line ' || i % 37, 'tag' || i % 11 || '|tag' || i % 5
FROM generate_series(1, 800) i;
CREATE TABLE ratings (user_id int, product_id int, stars numeric(2, 1),
	rated_at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (user_id, product_id));
INSERT INTO ratings
SELECT u, p, 1 + floor(5 * random()), now() - 3000 * random() * interval '1 hour'
FROM (SELECT DISTINCT u, ceil(800 * random() ^ 2)::int AS p
	FROM generate_series(1, 400) u, generate_series(1, 40) g) r;
CREATE TABLE clicks (click_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	user_id int, product_id int, clicked_at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX ON clicks (user_id);
CREATE INDEX ON clicks (clicked_at);

CREATE FUNCTION newest_products(user_id bigint, n int)
RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql STABLE
AS 'SELECT product_id, product_id FROM public.products ORDER BY product_id DESC LIMIT n';
-- an arm that fails for one user in ten
CREATE FUNCTION moody(user_id bigint, n int)
RETURNS TABLE (item_id bigint, score float8) LANGUAGE plpgsql STABLE AS $$
BEGIN
	IF user_id % 10 = 0 THEN
		RAISE EXCEPTION 'not today';
	END IF;
	RETURN QUERY SELECT product_id::bigint, 1::float8 FROM public.products ORDER BY product_id LIMIT n;
END $$;

SELECT bandit.create_recommender('shop', 'ratings', items => 'products', attribution_window => '20 seconds');
SELECT bandit.add_arm('shop', 'moody', 'moody(bigint,int)');
SELECT bandit.watch('shop', 'clicks', 'click');
SELECT bandit.watch('shop', 'ratings', 'rating');
SELECT count(*) FROM bandit.train('shop');
SELECT bandit.create_bandit('plain', '{a,b,c}', '{n}', attribution_window => '20 seconds');
SELECT bandit.create_bandit('fades', '{a,b,c}', '{n}', half_life => '1 minute', attribution_window => '20 seconds');
SELECT bandit.set_guard('shop', 'arm_error_rate', 0.5);

-- The newest decision that served somebody anything, and one of its items.
CREATE FUNCTION served(who int, place int) RETURNS TABLE (item bigint)
LANGUAGE sql STABLE AS $$
	SELECT items[1 + place % cardinality(items)] FROM bandit.decisions
	WHERE bandit = 'shop' AND subject = who::text AND cardinality(items) > 0
	ORDER BY decision_id DESC LIMIT 1
$$;
SELECT count(*) FROM bandit.make_partitions('5 minutes', '1 minute');
VACUUM ANALYZE;
