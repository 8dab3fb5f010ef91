-- The arm svd: lists, predicted ratings, options, and the published figures.
\set there `test -r "${BANDIT_SHARED:-../shared}/data/movielens-latest-small/ratings.csv.gz" && echo true || echo false`
BEGIN;
SELECT plan(35);
SET client_min_messages = warning;

-- 40 users like even items or odd ones, each has 14 of the 20 of his sort and
-- gives them high values, and 3 of the others, low
CREATE TABLE film (film_id int PRIMARY KEY, title text);
INSERT INTO film SELECT g, 'film ' || g FROM generate_series(1, 40) g;
CREATE TABLE seen (user_id int, film_id int, stars float8);
INSERT INTO seen
SELECT u, f, CASE WHEN f % 2 = u % 2 THEN 4 + (f + u) % 3 * 0.5 ELSE 1 + (u + f / 2) % 2 END
FROM generate_series(1, 40) u, generate_series(1, 40) f
WHERE f % 2 = u % 2 AND (u * 7 + f * 3) % 20 < 14 OR f % 2 <> u % 2 AND (u * 5 + f) % 40 < 6;
SELECT bandit.create_recommender('svd', 'seen', items => 'film',
	value_column => 'stars', arms => '{svd}');

SELECT throws_ok($$SELECT * FROM bandit.candidates('svd', 'svd', 1, 5)$$, '55000',
	'svd of "svd" has not been trained', 'before training there is an error that says so');
SELECT is((SELECT predicted FROM bandit.predict('svd', 'svd', 1, '{1}')), NULL::float8,
	'before training nothing is predicted');
UPDATE bandit.arms SET options = '{"rank": 4}' WHERE bandit = 'svd' AND arm = 'svd';
SELECT is((SELECT array_agg(arm ORDER BY version) FROM bandit.train('svd')),
	'{catalogue,svd,item_cf}', 'svd is trained, and item_cf for the control');
CREATE TEMP TABLE first AS SELECT data FROM bandit.models WHERE bandit = 'svd' AND arm = 'svd';

SELECT ok(bool_and(item_id % 2 = u % 2),
	'everybody gets what his like have, and nothing else')
FROM generate_series(1, 40) u, LATERAL bandit.candidates('svd', 'svd', u, 3);
SELECT is_empty($$SELECT FROM generate_series(1, 40) u, LATERAL bandit.candidates('svd', 'svd', u, 40) c,
	seen s WHERE s.user_id = u AND s.film_id = c.item_id$$, 'nothing that was seen');
SELECT ok(bool_and(score > 0 AND score <= coalesce(before, score)), 'best first, and no score below zero')
FROM (SELECT score, lag(score) OVER (PARTITION BY u ORDER BY ordinality) AS before
	  FROM generate_series(1, 40) u,
		LATERAL bandit.candidates('svd', 'svd', u, 40) WITH ORDINALITY) c;
SELECT is_empty($$SELECT * FROM bandit.candidates('svd', 'svd', 999, 5)$$, 'a user without ratings has no list');
INSERT INTO seen VALUES (1001, 2, 5), (1001, 4, 5);
SELECT ok(bool_and(item_id % 2 = 0) AND count(*) = 5, 'a new user has one at once, from two ratings')
FROM bandit.candidates('svd', 'svd', 1001, 5);
INSERT INTO seen VALUES (1002, 2, NULL), (1002, 4, 'NaN');
SELECT is_empty($$SELECT * FROM bandit.candidates('svd', 'svd', 1002, 5)$$, 'values that are missing or no number say nothing');

-- predicted ratings
SELECT ok(avg(predicted) FILTER (WHERE item_id % 2 = 0) > avg(predicted) FILTER (WHERE item_id % 2 = 1) + 0.5,
	'what he would like is predicted higher than what not')
FROM bandit.predict('svd', 'svd', 2, ARRAY(SELECT generate_series(1, 40)));
SELECT ok(bool_and(predicted BETWEEN 1 AND 5), 'within the values that were seen')
FROM generate_series(1, 40) u, LATERAL bandit.predict('svd', 'svd', u, ARRAY(SELECT generate_series(1, 40)));
SELECT results_eq($$SELECT item_id, predicted IS NULL FROM bandit.predict('svd', 'svd', 1, '{3,null,999,3}')$$,
	$$VALUES (3::bigint, false), (NULL, true), (999, false), (3, false)$$,
	'a row per item in their order; one that nobody rated has a prediction too');
SELECT cmp_ok((SELECT predicted FROM bandit.predict('svd', 'svd', 4242, '{999}')), '=',
	(SELECT avg(stars) FROM seen WHERE user_id <= 40), 'of nobody and nothing the mean is all that is known');
SELECT throws_ok($$SELECT * FROM bandit.predict('svd', 'long_tail', 1, '{1}')$$, '22023',
	'arm "long_tail" does not predict ratings', 'not every arm predicts');
SELECT throws_ok($$SELECT * FROM bandit.predict('svd', 'svd', 'x', '{y}')$$, '42809', NULL, 'keys of the other kind');
SELECT is_empty($$SELECT * FROM bandit.predict('svd', 'svd', 1, '{}')$$, 'no items, no rows');

-- the same data and options give the same bytes
DELETE FROM seen WHERE user_id > 1000;
SELECT bandit.train('svd', 'svd');
SELECT ok((SELECT data FROM bandit.models WHERE bandit = 'svd' AND arm = 'svd') = (SELECT data FROM first),
	'trained again on the same rows it is the same to the byte');
UPDATE bandit.arms SET options = '{"rank": 4, "seed": 2}' WHERE bandit = 'svd' AND arm = 'svd';
SELECT bandit.train('svd', 'svd');
SELECT ok((SELECT data FROM bandit.models WHERE bandit = 'svd' AND arm = 'svd') <> (SELECT data FROM first),
	'another seed makes another model');

-- options
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"ranks": 4}' WHERE arm = 'svd'$$, '22023',
	'arm "svd" has no option "ranks"', 'an option that is not there');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"rank": "4"}' WHERE arm = 'svd'$$, '22023',
	'option "rank" of arm "svd" must be a number', 'an option that is no number');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"rank": 0}' WHERE arm = 'svd'$$, '22023',
	'option "rank" of arm "svd" must be a whole number from 1 to 256', 'an option out of its bounds');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"rank": 1.5}' WHERE arm = 'svd'$$, '22023',
	'option "rank" of arm "svd" must be a whole number from 1 to 256', 'an option that must be whole');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"regularisation": 1e400}' WHERE arm = 'svd'$$, '22023', NULL,
	'an option that no float8 can hold');
SELECT throws_ok($$UPDATE bandit.arms SET options = '[1]' WHERE arm = 'svd'$$, '22023',
	'options must be a JSON object', 'options that are no object');
SELECT bandit.create_bandit('plain', '{a}');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"rank": 1}' WHERE bandit = 'plain'$$, '22023',
	'an arm of a plain bandit has no options', 'a plain bandit has none');
SELECT bool_and(lowest <= initial AND initial <= highest AND description <> '') AS pass
FROM bandit.arm_options() \gset
SELECT ok(:'pass', 'what an arm takes by itself is within its bounds');

-- odd tables
SELECT set_config('maintenance_work_mem', '1MB', true);
UPDATE bandit.arms SET options = '{"rank": 256, "iterations": 1}' WHERE arm = 'svd';
INSERT INTO seen SELECT 2000, 100 + g, g % 5 FROM generate_series(1, 2000) g;
SELECT throws_ok($$SELECT bandit.train('svd', 'svd')$$, '54000', NULL, 'what takes too much memory is refused beforehand');
RESET maintenance_work_mem;
SELECT isnt_empty($$SELECT bandit.train('svd', 'svd')$$, 'more factors than users');
DELETE FROM seen;
INSERT INTO seen VALUES (1, 1, 5);
SELECT bandit.train('svd');
SELECT is_empty($$SELECT * FROM bandit.candidates('svd', 'svd', 1, 5)$$, 'one user and one item');
SELECT is((SELECT predicted FROM bandit.predict('svd', 'svd', 1, '{1}')), NULL::float8,
	'ratings that are all the same predict nothing');
DELETE FROM seen;
SELECT bandit.train('svd');
SELECT is_empty($$SELECT * FROM bandit.candidates('svd', 'svd', 1, 5)$$, 'no ratings at all');
CREATE TABLE visits (visitor text, page text);
INSERT INTO visits SELECT 'v' || u, 'p' || (u % 2 + 2 * p) FROM generate_series(1, 20) u, generate_series(1, 10) p
WHERE (u / 2 + p) % 4 > 0;
SELECT bandit.create_recommender('keyed', 'visits', user_column => 'visitor', item_column => 'page', arms => '{svd}');
SELECT bandit.train('keyed');
SELECT ok(bool_and(substr(item_key, 2)::int % 2 = 1) AND count(*) > 0, 'text keys, no values')
FROM bandit.candidates('keyed', 'svd', 'v1', 2);

\if :there
CREATE TABLE raw (user_id int, movie_id int, rating float8, at bigint);
\copy raw FROM PROGRAM 'zcat "${BANDIT_SHARED:-../shared}/data/movielens-latest-small/ratings.csv.gz"' CSV HEADER
CREATE TABLE split AS
SELECT user_id, movie_id, rating, row_number() OVER w > n - n / 5 AS test
FROM (SELECT *, count(*) OVER (PARTITION BY user_id) AS n FROM raw) r
WINDOW w AS (PARTITION BY user_id ORDER BY at, movie_id);
CREATE TABLE train AS SELECT user_id, movie_id, rating FROM split WHERE NOT test;
CREATE INDEX ON train (user_id);
ANALYZE train;
SELECT bandit.create_recommender('movies', 'train', arms => '{svd,item_cf}');
SELECT bandit.train('movies');
SELECT cmp_ok((SELECT sqrt(avg((p.predicted - t.rating) ^ 2))
	FROM (SELECT user_id, array_agg(movie_id::bigint) AS items FROM split WHERE test GROUP BY 1) u,
		LATERAL bandit.predict('movies', arm, u.user_id, u.items) p, split t
	WHERE t.movie_id = p.item_id AND t.test AND t.user_id = u.user_id), '<=', most::float8,
	'MovieLens small, the newest fifth of each user: RMSE of ' || arm || ' at most ' || most)
FROM (VALUES ('svd', 0.890), ('item_cf', 0.880)) v(arm, most);
SELECT cmp_ok((WITH hits AS (
		SELECT count(c.item_id)::float8 / count(*) AS recall
		FROM split t LEFT JOIN (SELECT u.user_id, c.item_id FROM (SELECT DISTINCT user_id FROM train) u,
			LATERAL bandit.candidates('movies', 'svd', u.user_id, 20) c) c
			ON c.user_id = t.user_id AND c.item_id = t.movie_id
		WHERE t.test AND t.rating >= 4 GROUP BY t.user_id)
	SELECT avg(recall) FROM hits), '>=', 0.15::float8,
	'of what they liked in it, 20 items find at least 0.15');
\else
SELECT skip('no MovieLens ratings beside the checkout', 3);
\endif

SELECT * FROM finish();
ROLLBACK;
