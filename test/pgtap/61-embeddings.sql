-- The arm embeddings: vectors of the application's own, text, bad vectors, reference values.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv" && echo true || echo false`
BEGIN;
SELECT plan(25);
SET client_min_messages = warning;

CREATE TABLE film (film_id int PRIMARY KEY, title text, genres text[], vec float8[], note text);
INSERT INTO film VALUES
	(1, 'Star Wars: A New Hope', '{space}', '{1,0,0}'),
	(2, 'Star Wars: The Empire Strikes Back', '{space}', '{2,0.2,0}'),
	(3, 'The Leaf', '{comedy}', '{0,1,0}'),
	(4, 'Leaf', NULL, '{0,3,0.1}'),
	(5, NULL, '{comedy,space}', '{1,1,0}'),
	(6, NULL, NULL, '{0,0,1}'),
	(7, '...', '{}', '{-1,0,0}');
CREATE TABLE seen (user_id int, film_id int, stars float8);
INSERT INTO seen VALUES (1, 1, 4), (2, 1, 5), (2, 3, 1), (3, 6, 3), (4, 99, 5), (5, 1, NULL);

-- text
SELECT bandit.create_recommender('t', 'seen', items => 'film', value_column => 'stars', arms => '{embeddings}');
SELECT throws_ok($$SELECT * FROM bandit.candidates('t', 'embeddings', 1, 5)$$, '55000',
	'embeddings of "t" has not been trained', 'before training there is an error that says so');
SELECT bandit.train('t', 'embeddings');
SELECT is((SELECT array_agg(item_id) FROM bandit.candidates('t', 'embeddings', 1, 2)), '{2,5}'::bigint[],
	'by words and attributes in common, though nobody rated them');
SELECT ok(NOT '{3,4,6,7}' && array_agg(item_id), 'what he disliked, and the like of it, stays out; so does what has no text')
FROM bandit.candidates('t', 'embeddings', 2, 10);
SELECT is_empty($$SELECT * FROM generate_series(3, 4) u, LATERAL bandit.candidates('t', 'embeddings', u, 10)$$,
	'no list for one whose items have no text, or are not in the catalogue');
SELECT is_empty($$SELECT * FROM bandit.candidates('t', 'embeddings', 999, 10)$$, 'nor for a new user');
INSERT INTO seen VALUES (999, 3, 5);
SELECT is((SELECT array_agg(item_id ORDER BY item_id) FROM bandit.candidates('t', 'embeddings', 999, 10)), '{2,4,5}'::bigint[],
	'one rating is enough, without training again');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"dimensions": 7}' WHERE bandit = 't' AND arm = 'embeddings'$$,
	'22023', NULL, 'too few dimensions');
UPDATE bandit.arms SET options = '{"dimensions": 4096}' WHERE bandit = 't' AND arm = 'embeddings';
CREATE TEMP TABLE small AS SELECT length(data) AS bytes FROM bandit.models WHERE bandit = 't' AND arm = 'embeddings';
SELECT bandit.train('t');
SELECT ok(length(data) > 30 * bytes, 'the dimensions are an option') FROM bandit.models, small
WHERE bandit = 't' AND arm = 'embeddings';
SELECT ok(abs(score - expected) < 1e-3, 'the cosine is that of weighted words') FROM
	bandit.candidates('t', 'embeddings', 1, 1),
	LATERAL (SELECT sum(a * b) / sqrt(sum(a * a) * sum(b * b)) AS expected FROM (VALUES
		('star', 2, 1, 1), ('wars', 2, 1, 1), ('a', 1, 1, 0), ('new', 1, 1, 0), ('hope', 1, 1, 0), ('space', 3, 1, 1),
		('the', 2, 0, 1), ('empire', 1, 0, 1), ('strikes', 1, 0, 1), ('back', 1, 0, 1)) w (word, n, in1, in2),
		LATERAL (SELECT in1 * (ln(8.0 / (1 + n)) + 1) AS a, in2 * (ln(8.0 / (1 + n)) + 1) AS b) x) e;

-- vectors
SELECT bandit.create_recommender('v', 'seen', items => 'film', vector_column => 'vec', value_column => 'stars',
	arms => '{embeddings}', exclude_seen => false);
SELECT bandit.train('v');
SELECT is((SELECT array_agg(item_id) FROM bandit.candidates('v', 'embeddings', 1, 10)), '{1,2,5}'::bigint[],
	'by the vectors; what was seen too, if wanted');
SELECT ok(abs(score - 1 / sqrt(2)) < 1e-6, 'the score is the cosine')
FROM bandit.candidates('v', 'embeddings', 1, 10) WHERE item_id = 5;
SELECT ok(abs(score - 2 / (sqrt(2) * sqrt(4.04)) + 0.2 / (sqrt(2) * sqrt(4.04))) < 1e-6, 'with a profile of likes and dislikes')
FROM bandit.candidates('v', 'embeddings', 2, 10) WHERE item_id = 2;
SELECT is_empty($$SELECT * FROM bandit.candidates('v', 'embeddings', 5, 10)$$, 'a rating without a value tells nothing');
INSERT INTO seen VALUES (6, 1, 3), (6, 3, 3);
SELECT is((SELECT item_id FROM bandit.candidates('v', 'embeddings', 6, 1)), 5::bigint,
	'who rates all alike has the mean of his items');
INSERT INTO seen VALUES (7, 1, 5), (7, 7, 5);
SELECT is_empty($$SELECT * FROM bandit.candidates('v', 'embeddings', 7, 10)$$, 'opposites leave nothing');

-- bad vectors
UPDATE film SET vec = CASE film_id WHEN 2 THEN '{1,0}' WHEN 3 THEN '{NaN,0,0}' WHEN 4 THEN '{0,0,0}'
	WHEN 5 THEN NULL WHEN 6 THEN ARRAY[1, NULL, 0]::float8[] WHEN 7 THEN '{{1,0,0},{0,0,0}}' ELSE vec END;
SET client_min_messages = error;
SELECT lives_ok($$SELECT bandit.train('v')$$, 'bad vectors are no error');
SELECT is((SELECT array_agg(item_id) FROM bandit.candidates('v', 'embeddings', 1, 10)), '{1}'::bigint[], 'they are left out');
SET client_min_messages = warning;
UPDATE film SET vec = '{}';
SET client_min_messages = error;
SELECT bandit.train('v');
SELECT is_empty($$SELECT * FROM bandit.candidates('v', 'embeddings', 1, 10)$$, 'nothing but bad vectors: no list');
TRUNCATE film;
SELECT bandit.train('v');
SELECT is_empty($$SELECT * FROM bandit.candidates('v', 'embeddings', 1, 10)$$, 'no items: no list');
SELECT throws_ok($$SELECT bandit.create_recommender('w', 'seen', items => 'film', vector_column => 'title', arms => '{embeddings}')$$,
	'42804', 'column "title" of public.film cannot be read as vectors', 'a column of text is not one of vectors');
SELECT throws_ok($$SELECT bandit.create_recommender('w', 'seen', items => 'film', vector_column => 'nil', arms => '{embeddings}')$$,
	'42703', NULL, 'a column that is not there');
SELECT throws_ok($$SELECT bandit.create_recommender('w', 'seen', vector_column => 'vec', arms => '{embeddings}')$$,
	'22023', NULL, 'a column of what table?');
SELECT bandit.create_recommender('w', 'seen', arms => '{embeddings}');
SELECT bandit.train('w');
SELECT is_empty($$SELECT * FROM bandit.candidates('w', 'embeddings', 1, 10)$$, 'no table of items: no list');

\if :there
CREATE TABLE toy_ratings (user_id int, item_id int, rating float8);
CREATE TABLE toy_items (item_id int PRIMARY KEY, embedding real[]);
CREATE TEMP TABLE toy_expected (quantity text, user_id int, item_id int, other int, value float8);
\copy toy_ratings FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv"' CSV HEADER
\copy toy_items FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_embeddings.csv"' CSV HEADER
\copy toy_expected FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_expected.csv"' CSV HEADER
SELECT bandit.create_recommender('toy', 'toy_ratings', items => 'toy_items', vector_column => 'embedding', arms => '{embeddings}');
SELECT bandit.train('toy');
SELECT cmp_ok((SELECT count(*) FROM toy_expected WHERE quantity = 'embedding_cosine' AND value > 0), '>', 10::bigint,
	'there are reference values');
SELECT is_empty($$SELECT * FROM (SELECT * FROM toy_expected WHERE quantity = 'embedding_cosine' AND value > 0) e
	FULL JOIN (SELECT u.user_id, c.* FROM (SELECT DISTINCT user_id FROM toy_ratings) u,
		LATERAL bandit.candidates('toy', 'embeddings', u.user_id, 100) c) c USING (user_id, item_id)
	WHERE (abs(value - score) < 1e-6) IS NOT TRUE$$, 'reference: every user''s cosines');
\else
SELECT skip('no reference values beside the checkout', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
