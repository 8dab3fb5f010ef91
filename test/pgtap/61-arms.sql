-- The built-in arms and their training, each against its definition in SQL.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv" && echo true || echo false`
SET client_min_messages = warning;
BEGIN;
SELECT plan(53);

-- 90 users, 80 items of 7 genres, ratings in halves, the same every time;
-- the last items are known to few, number 80 to nobody
CREATE SCHEMA arms_test;
SET LOCAL search_path = arms_test, public;
CREATE TABLE arms_test.films (film_id int PRIMARY KEY, title text, genres text);
INSERT INTO films SELECT i, 'film ' || i,
	concat_ws('|', 'g' || i % 4, 'h' || i % 3, CASE WHEN i % 5 = 0 THEN 'g0' END)
FROM generate_series(1, 80) i;
UPDATE films SET genres = NULL WHERE film_id = 7;
CREATE FUNCTION arms_test.noise(u int, i int) RETURNS int LANGUAGE sql IMMUTABLE
RETURN abs(hashint4(u * 1000 + i) % 1000);
CREATE TABLE arms_test.ratings (user_id int, item_id int, rating float8);
INSERT INTO ratings SELECT u, i, 0.5 + noise(i, u) % 10 / 2.0
FROM generate_series(1, 90) u, generate_series(1, 79) i
WHERE noise(u, i) < 900 / (1 + i / 8);
INSERT INTO ratings VALUES (1, 999, 5), (2, 999, 5);
CREATE TEMP TABLE expected_notice AS
SELECT bandit.create_recommender('arms', 'ratings', items => 'films', arms => '{item_cf,long_tail}');

-- nothing trained ---------------------------------------------------------
SELECT throws_ok($$SELECT * FROM bandit.candidates('arms', 'item_cf', 1, 5)$$,
	'55000', 'item_cf of "arms" has not been trained');
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'hybrid', 1, 20)),
	20::bigint, 'hybrid serves without training');
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'long_tail', 1, 5)),
	5::bigint, 'long_tail serves without training');
CREATE TEMP TABLE untrained AS
SELECT l.*, row_number() OVER (ORDER BY score DESC, item_id) AS place
FROM bandit.candidates('arms', 'long_tail', 3, 20) l;

-- training ----------------------------------------------------------------
CREATE TEMP TABLE trained AS SELECT * FROM bandit.train('arms');
SELECT results_eq('SELECT arm, users, items, ratings FROM trained ORDER BY arm',
	format('SELECT * FROM (VALUES (%L, 90, 80, %s::bigint), (%L, 90, %s, %s), (%L, 90, %s, %s)) v ORDER BY 1',
		'catalogue', (SELECT count(*) FROM ratings),
		'item_cf', (SELECT count(DISTINCT item_id) FROM ratings),
		(SELECT count(*) FROM ratings),
		'item_cf_ratings', (SELECT count(DISTINCT item_id) FROM ratings),
		(SELECT count(*) FROM ratings)),
	'train reports what it has read');
SELECT results_eq($$SELECT arm COLLATE "default", version, octet_length(data) + 4::bigint
		FROM bandit.models WHERE bandit = 'arms' ORDER BY arm$$,
	'SELECT arm, version, bytes FROM trained ORDER BY arm',
	'and keeps what it reports');
SELECT is((SELECT attribute_count FROM bandit.recommenders WHERE bandit = 'arms'), 7,
	'train counts the attributes');
CREATE TEMP TABLE first_images AS
SELECT arm, version, md5(data) FROM bandit.models WHERE bandit = 'arms';
SELECT lives_ok($$SELECT * FROM bandit.train('arms')$$);
SELECT is_empty($$SELECT arm, md5(data) FROM bandit.models WHERE bandit = 'arms'
		EXCEPT SELECT arm, md5 FROM first_images$$, 'equal tables give equal bytes');
SELECT results_eq($$SELECT count(*), count(*) FILTER (WHERE m.version > f.version)
		FROM bandit.models m JOIN first_images f USING (arm) WHERE bandit = 'arms'$$,
	'VALUES (3::bigint, 3::bigint)', 'a new version takes the place of the old one');

SELECT throws_ok($$SELECT * FROM bandit.train('nobody')$$, '42704');
SELECT throws_ok($$SELECT * FROM bandit.train(NULL)$$, '22004');
SELECT throws_ok($$SELECT * FROM bandit.train('arms', 'nothing')$$, '42704',
	'bandit "arms" has no arm "nothing"');
SELECT lives_ok($$SELECT bandit.create_bandit('plain', '{a,b}')$$);
SELECT throws_ok($$SELECT * FROM bandit.train('plain')$$, '42809');
SELECT set_eq($$SELECT arm FROM bandit.train('arms', 'long_tail')$$,
	'{catalogue}'::text[], 'long_tail needs the catalogue alone');
SELECT set_eq($$SELECT arm FROM bandit.train('arms', 'hybrid')$$,
	'{catalogue,item_cf}'::text[], 'hybrid needs the personal arms');

-- item_cf -----------------------------------------------------------------
CREATE TEMP TABLE pairs AS
WITH n AS (SELECT item_id, count(*) AS n FROM ratings GROUP BY 1)
SELECT a.item_id AS i, b.item_id AS j, count(*) / sqrt(na.n * nb.n) AS c
FROM ratings a JOIN ratings b USING (user_id)
	JOIN n na ON na.item_id = a.item_id JOIN n nb ON nb.item_id = b.item_id
WHERE a.item_id <> b.item_id AND a.item_id IN (SELECT film_id FROM films)
GROUP BY 1, 2, na.n, nb.n HAVING count(*) >= 2;
CREATE TEMP TABLE nearest AS
SELECT i, j, c FROM (
	SELECT *, row_number() OVER (PARTITION BY i ORDER BY c DESC, j) AS rank
	FROM pairs) p WHERE rank <= 50;
CREATE TEMP TABLE scores AS
SELECT r.user_id, n.i AS item_id, sum(n.c * greatest(r.rating - 2.5, 0)) AS score
FROM nearest n JOIN ratings r ON r.item_id = n.j
GROUP BY 1, 2 HAVING sum(n.c * greatest(r.rating - 2.5, 0)) > 0;
CREATE TEMP TABLE lists AS
SELECT u AS user_id, l.* FROM generate_series(1, 90) u,
	bandit.candidates('arms', 'item_cf', u::bigint, 100) WITH ORDINALITY l(item_id, score, place);

SELECT cmp_ok((SELECT count(*) FROM pairs), '>', (SELECT count(*) FROM nearest),
	'some items have more than 50 neighbours');
SELECT is_empty($$
	SELECT s.user_id, s.item_id, s.score, l.score
	FROM (SELECT s.* FROM scores s LEFT JOIN ratings r USING (user_id, item_id)
		  WHERE r.user_id IS NULL) s
		FULL JOIN lists l USING (user_id, item_id)
	WHERE abs(s.score - l.score) > 1e-5 IS NOT FALSE$$,
	'item_cf gives ' || (SELECT count(*) FROM lists) || ' scores as defined, and no others');
SELECT is_empty($$
	SELECT FROM (SELECT *, row_number() OVER (PARTITION BY user_id
		ORDER BY score DESC, item_id) AS rank FROM lists) l
	WHERE rank <> place$$, 'best first, ties by item');
SELECT results_eq($$SELECT item_id, score FROM bandit.candidates('arms', 'item_cf', 5, 7)$$,
	$$SELECT item_id, score FROM lists WHERE user_id = 5 ORDER BY place LIMIT 7$$,
	'a shorter list is the longer one''s beginning');
SELECT is_empty($$SELECT FROM lists WHERE item_id = 999$$,
	'what is not in the table of items is no candidate');
SELECT is_empty($$SELECT * FROM bandit.candidates('arms', 'item_cf', 12345, 5)$$,
	'an unknown user has no personal list');

-- long_tail ---------------------------------------------------------------
CREATE TEMP TABLE facts AS
SELECT f.film_id AS item_id, count(r.rating) AS n,
	(5 * m.mean + coalesce(sum(r.rating), 0)) / (5 + count(r.rating)) AS average
FROM films f LEFT JOIN ratings r ON r.item_id = f.film_id,
	(SELECT avg(rating) AS mean FROM ratings) m
GROUP BY f.film_id, m.mean;
CREATE TEMP TABLE tail AS
SELECT item_id FROM (
	SELECT *, sum(n) OVER (ORDER BY n DESC, item_id) - n AS before, sum(n) OVER () AS total
	FROM facts) f
WHERE before >= 0.8 * total AND n >= 3;
CREATE TEMP TABLE attributes AS
SELECT DISTINCT film_id AS item_id, a
FROM films, string_to_array(genres, '|') s, unnest(s) a;
CREATE TEMP TABLE tastes AS
WITH spread AS (
	SELECT item_id, a, 1.0 / count(*) OVER (PARTITION BY item_id) AS part FROM attributes),
profile AS (
	SELECT user_id, a, sum(part) / sum(sum(part)) OVER (PARTITION BY user_id) AS share
	FROM ratings JOIN spread USING (item_id) GROUP BY 1, 2)
SELECT user_id, t.item_id, 0.5 + 0.5 * coalesce(sum(p.share) FILTER (
		WHERE EXISTS (SELECT FROM attributes x WHERE x.item_id = t.item_id AND x.a = p.a)), 0) AS taste
FROM tail t, profile p GROUP BY 1, 2;

SELECT cmp_ok((SELECT count(*) FROM tail), '>', 10::bigint, 'there is a tail');
SELECT is_empty($$
	SELECT * FROM (
		SELECT t.user_id, t.item_id, t.taste * (f.average - 0.5) / 4.5 AS score
		FROM tastes t JOIN facts f USING (item_id)
			LEFT JOIN ratings r USING (user_id, item_id) WHERE r.user_id IS NULL) s
	FULL JOIN (SELECT u AS user_id, l.* FROM generate_series(1, 90) u,
		bandit.candidates('arms', 'long_tail', u::bigint, 100) l) l
		USING (user_id, item_id)
	WHERE abs(s.score - l.score) > 1e-12 IS NOT FALSE$$,
	'long_tail gives the scores defined');
SELECT results_eq($$SELECT item_id FROM bandit.candidates('arms', 'long_tail', 5, 4)$$,
	$$SELECT item_id FROM bandit.candidates('arms', 'long_tail', 5, 100) LIMIT 4$$,
	'stopping early changes nothing');
SELECT results_eq($$SELECT item_id, score FROM bandit.candidates('arms', 'long_tail', 12345, 3)$$,
	$$SELECT item_id::bigint, (average - 0.5) / 4.5 FROM tail JOIN facts USING (item_id)
	  ORDER BY 2 DESC, 1 LIMIT 3$$, 'without history quality decides');
SELECT results_eq($$SELECT item_id, score FROM bandit.candidates('arms', 'long_tail', 3, 20)$$,
	'SELECT item_id, score FROM untrained ORDER BY place',
	'training changes nothing where the tables are small');

-- hybrid ------------------------------------------------------------------
SELECT results_eq($$SELECT item_id FROM bandit.candidates('arms', 'hybrid', 12345, 1000)$$,
	'SELECT item_id::bigint FROM facts ORDER BY average DESC, n DESC, item_id',
	'for nobody in particular hybrid goes by Bayesian average');
SELECT results_eq($$SELECT item_id, round(score::numeric, 12)
		FROM bandit.candidates('arms', 'hybrid', 5, 5)$$,
	$$SELECT item_id, round(1.0 / (60 + place), 12) FROM lists WHERE user_id = 5
	  ORDER BY place LIMIT 5$$, 'with one personal arm it follows that arm');
SELECT set_eq($$SELECT item_id FROM bandit.candidates('arms', 'hybrid', 5, 1000)$$,
	$$SELECT film_id::bigint FROM films
	  WHERE film_id NOT IN (SELECT item_id FROM ratings WHERE user_id = 5)$$,
	'hybrid goes on until all that is unseen is given');
SELECT is_empty($$SELECT FROM (SELECT item_id, score,
		lag(score, 1, 9) OVER () AS before FROM bandit.candidates('arms', 'hybrid', 5, 1000)) l
	WHERE score > before OR score <= 0$$, 'its scores descend');
SELECT is((SELECT count(*) FROM bandit.recommend('arms', 5, 20)), 20::bigint,
	'a recommendation is full');

-- a change of the tables is seen after training, a rollback undoes it ---------
SAVEPOINT before_training;
INSERT INTO ratings SELECT u, 80, 5 FROM generate_series(1, 50) u;
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'item_cf', 60, 100)
	WHERE item_id = 80), 0::bigint, 'a new item waits for training');
SELECT lives_ok($$SELECT * FROM bandit.train('arms')$$);
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'item_cf', 60, 100)
	WHERE item_id = 80), 1::bigint, 'and is a candidate afterwards, in the same session');
ROLLBACK TO before_training;
SELECT results_eq($$SELECT item_id, score FROM bandit.candidates('arms', 'item_cf', 5, 100)$$,
	$$SELECT item_id, score FROM lists WHERE user_id = 5 ORDER BY place$$,
	'a training that was rolled back serves nobody');

-- settings ------------------------------------------------------------------
SAVEPOINT before_settings;
UPDATE bandit.recommenders SET exclude_seen = false, neutral_value = 0 WHERE bandit = 'arms';
SELECT cmp_ok((SELECT count(*) FROM bandit.candidates('arms', 'item_cf', 5, 100) c
	JOIN ratings r ON r.user_id = 5 AND r.item_id = c.item_id), '>', 0::bigint,
	'exclude_seen off: what the user knows may come again');
SELECT is_empty($$
	SELECT s.item_id, s.score, l.score
	FROM (SELECT n.i AS item_id, sum(n.c * r.rating) AS score
		  FROM nearest n JOIN ratings r ON r.item_id = n.j WHERE r.user_id = 5 GROUP BY 1) s
		FULL JOIN bandit.candidates('arms', 'item_cf', 5, 100) l USING (item_id)
	WHERE abs(s.score - l.score) > 1e-5 IS NOT FALSE$$, 'neutral_value moves the weights');
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'hybrid', 5, 1000)), 80::bigint,
	'and hybrid gives the whole catalogue');
ROLLBACK TO before_settings;

-- damage ----------------------------------------------------------------------
SAVEPOINT before_damage;
UPDATE bandit.models SET data = overlay(data PLACING '\xff' FROM 5 FOR 1)
WHERE bandit = 'arms' AND arm = 'item_cf';
SELECT lives_ok($$SELECT * FROM bandit.candidates('arms', 'item_cf', 5, 5)$$,
	'a part whose version is the one in memory is not read again');
UPDATE bandit.models SET version = gen_random_uuid()
WHERE bandit = 'arms' AND arm = 'item_cf';
SELECT throws_ok($$SELECT * FROM bandit.candidates('arms', 'item_cf', 5, 5)$$, '55000');
UPDATE bandit.models SET version = gen_random_uuid(), data = substr(data, 1, 200)
WHERE bandit = 'arms' AND arm = 'catalogue';
SET LOCAL client_min_messages = error;
SELECT is((SELECT count(*) FROM bandit.candidates('arms', 'hybrid', 5, 5)), 5::bigint,
	'hybrid serves whatever is damaged');
SET LOCAL client_min_messages = warning;
ROLLBACK TO before_damage;
DELETE FROM bandit.models WHERE bandit = 'arms';
SELECT throws_ok($$SELECT * FROM bandit.candidates('arms', 'item_cf', 1, 5)$$, '55000');

-- empty tables, keys, no values ----------------------------------------------
CREATE TABLE arms_test.clicks (user_id uuid, item_id uuid);
CREATE TEMP TABLE expected_notice_2 AS
SELECT bandit.create_recommender('clicks', 'clicks', arms => '{item_cf,long_tail}');
SELECT is_empty($$SELECT * FROM bandit.candidates('clicks', 'hybrid', gen_random_uuid()::text, 5)$$,
	'an empty table gives an empty list');
SELECT results_eq($$SELECT arm, users, items, ratings FROM bandit.train('clicks')$$,
	$$VALUES ('catalogue', 0, 0, 0::bigint), ('item_cf', 0, 0, 0), ('item_cf_ratings', 0, 0, 0)$$,
	'training on an empty table works');
SELECT is_empty($$SELECT * FROM bandit.candidates('clicks', 'item_cf', gen_random_uuid()::text, 5)$$,
	'and so does serving from it');
INSERT INTO clicks SELECT md5('u' || user_id)::uuid, md5('i' || item_id)::uuid
FROM ratings WHERE item_id < 80;
SELECT lives_ok($$SELECT * FROM bandit.train('clicks')$$);
SELECT is_empty($$
	SELECT * FROM (
		SELECT md5('i' || i)::uuid::text AS item_key, sum(c) AS score FROM (
			SELECT i, j, c, row_number() OVER (PARTITION BY i
				ORDER BY c DESC, bandit.key_id(md5('i' || j)::uuid::text)) AS rank
			FROM pairs WHERE j < 80) p
		JOIN ratings r ON r.item_id = j AND r.user_id = 5 WHERE rank <= 50 GROUP BY 1) s
	FULL JOIN bandit.candidates('clicks', 'item_cf', md5('u5')::uuid::text, 100) l USING (item_key)
	WHERE abs(s.score - l.score) > 1e-5
		OR (s.score IS NULL) <> (l.score IS NULL) AND item_key NOT IN (
			SELECT md5('i' || item_id)::uuid::text FROM ratings WHERE user_id = 5)$$,
	'item_cf by key and without values: every interaction counts 1');
SELECT results_eq($$SELECT round(score::numeric, 9) FROM bandit.candidates('clicks', 'long_tail', 'd41d8cd98f00b204e9800998ecf8427e', 3)$$,
	$$SELECT round(n / (5.0 + n), 9) FROM facts JOIN tail USING (item_id) ORDER BY n DESC LIMIT 3$$,
	'without values the number of ratings is the quality');
SELECT results_eq($$SELECT item_key FROM bandit.candidates('clicks', 'hybrid', gen_random_uuid()::text, 3)$$,
	$$SELECT md5('i' || item_id)::uuid::text FROM facts
	  ORDER BY n DESC, bandit.key_id(md5('i' || item_id)::uuid::text) LIMIT 3$$,
	'and the order of hybrid');

-- reference values --------------------------------------------------------------
\if :there
CREATE TABLE arms_test.toy_ratings (user_id int, item_id int, rating float8);
CREATE TEMP TABLE toy_expected (quantity text, user_id int, item_id int, other int, value float8);
\copy arms_test.toy_ratings FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv"' CSV HEADER
\copy toy_expected FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_expected.csv"' CSV HEADER
CREATE TABLE arms_test.toy_items AS SELECT DISTINCT item_id FROM toy_expected
WHERE quantity = 'bayesian_average';
CREATE TEMP TABLE toy AS
SELECT a.item_id, a.value AS average, h.value = 1 AS head,
	(SELECT count(*) FROM toy_ratings r WHERE r.item_id = a.item_id) AS n
FROM toy_expected a JOIN toy_expected h USING (item_id)
WHERE a.quantity = 'bayesian_average' AND h.quantity = 'is_head';
CREATE TEMP TABLE expected_notice_3 AS
SELECT bandit.create_recommender('toy', 'toy_ratings', items => 'toy_items',
	items_key_column => 'item_id', arms => '{item_cf,long_tail}');
SELECT lives_ok($$SELECT * FROM bandit.train('toy')$$);
SELECT results_eq($$SELECT item_id FROM bandit.candidates('toy', 'hybrid', 0, 100)$$,
	'SELECT item_id::bigint FROM toy ORDER BY round(average::numeric, 12) DESC, n DESC, item_id',
	'reference: order by Bayesian average');
SELECT is_empty($$
	SELECT * FROM (SELECT item_id, (average - lowest) / (highest - lowest) AS score
		FROM toy, (SELECT min(rating) AS lowest, max(rating) AS highest FROM toy_ratings) r
		WHERE NOT head AND n >= 1) s
	FULL JOIN bandit.candidates('toy', 'long_tail', 0, 100) l USING (item_id)
	WHERE abs(s.score - l.score) > 1e-9 IS NOT FALSE$$,
	'reference: Bayesian averages and head of the catalogue');
\else
SELECT skip('no reference values beside the checkout', 3);
\endif
SELECT * FROM finish();
ROLLBACK;
