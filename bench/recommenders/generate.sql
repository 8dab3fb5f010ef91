-- :ratings ratings of :items items by :users users, both by Zipf's law, with
-- tastes of eight dimensions behind them.
CREATE TABLE items (item_id int PRIMARY KEY, title text, genres text[]);
INSERT INTO items
SELECT i, 'Item ' || i || ' of ' || i % 97 || ' and ' || i % 1009,
	ARRAY(SELECT 'genre ' || (i * k) % 19 FROM generate_series(1, 1 + i % 3) k)
FROM generate_series(1, :items) i;
CREATE TABLE ratings (user_id int, item_id int, rating float4);
SELECT setseed(0.5);
CREATE TEMP TABLE u AS
SELECT i, ARRAY[random(), random(), random(), random(), random(), random(), random(), random()]::float4[] AS p
FROM generate_series(1, :users) i;
CREATE TEMP TABLE v AS
SELECT i, ARRAY[random(), random(), random(), random(), random(), random(), random(), random()]::float4[] AS p
FROM generate_series(1, :items) i;
CREATE INDEX ON u (i);
CREATE INDEX ON v (i);
ANALYZE;
SET enable_nestloop = off;
SET work_mem = '1GB';
INSERT INTO ratings
SELECT d.u, d.v, greatest(1, least(5, round(((0.5 + 1.5 * (u.p[1] * v.p[1] + u.p[2] * v.p[2] + u.p[3] * v.p[3] + u.p[4] * v.p[4]
	+ u.p[5] * v.p[5] + u.p[6] * v.p[6] + u.p[7] * v.p[7] + u.p[8] * v.p[8])) + random() - 0.5)::numeric, 0)))
FROM (
	SELECT DISTINCT ceil(:users * random() ^ 1.5)::int AS u, ceil(:items * random() ^ 3)::int AS v
	FROM generate_series(1, (:ratings * 1.1)::int)
) d JOIN u ON u.i = d.u JOIN v ON v.i = d.v
LIMIT :ratings;
CREATE INDEX ON ratings (user_id, item_id);
CREATE EXTENSION bandit;
SELECT bandit.create_recommender('r', 'ratings', items => 'items');
VACUUM ANALYZE;
