-- The arm graph: cold start, attributes, fresh likes, and reference values.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv" && echo true || echo false`
BEGIN;
SELECT plan(16);
SET client_min_messages = warning;

CREATE TABLE film (film_id int PRIMARY KEY, genres text[]);
INSERT INTO film SELECT g, CASE WHEN g <= 10 THEN '{war}' WHEN g <= 20 THEN '{love}' ELSE '{war,love}' END::text[]
FROM generate_series(1, 22) g;
INSERT INTO film VALUES (30, NULL), (31, '{war}');
CREATE TABLE seen (user_id int, film_id int, stars float8);
INSERT INTO seen SELECT u, f, 4 FROM generate_series(1, 20) u, generate_series(1, 20) f
WHERE (u <= 10) = (f <= 10) AND (u + f) % 3 > 0;
INSERT INTO seen VALUES (1, 99, 5), (50, 12, 1);
SELECT bandit.create_recommender('g', 'seen', items => 'film', arms => '{graph}');
SELECT throws_ok($$SELECT * FROM bandit.candidates('g', 'graph', 1, 5)$$, '55000',
	'graph of "g" has not been trained', 'before training there is an error that says so');
SELECT bandit.train('g');
SELECT ok(bool_and(item_id <= 10) AND count(*) = 3, 'what his like have comes first')
FROM bandit.candidates('g', 'graph', 2, 3);
SELECT ok('{21,22,31}' <@ array_agg(item_id), 'items that nobody rated are reached by their attributes')
FROM bandit.candidates('g', 'graph', 2, 30);
SELECT ok(NOT '{30,99}' && array_agg(item_id), 'not one without any way there, nor one that is not in the catalogue')
FROM bandit.candidates('g', 'graph', 2, 30);
SELECT is_empty($$SELECT * FROM bandit.candidates('g', 'graph', 2, 30) JOIN seen ON film_id = item_id AND user_id = 2$$,
	'nothing that was seen');
SELECT is((SELECT count(*) FROM bandit.candidates('g', 'graph', 999, 30)), 23::bigint,
	'a new user gets a list, by the attributes');
SELECT is((SELECT count(*) FROM bandit.candidates('g', 'graph', 50, 30)), 22::bigint,
	'so does one who has liked nothing yet');
INSERT INTO seen VALUES (1001, 12, 5), (1001, 14, 4);
SELECT ok(bool_and(item_id BETWEEN 11 AND 20) AND count(*) = 3, 'two likes are enough, without training again')
FROM bandit.candidates('g', 'graph', 1001, 3);
DELETE FROM seen WHERE user_id = 2;
INSERT INTO seen VALUES (2, 12, 5), (2, 14, 4);
SELECT ok(bool_and(item_id BETWEEN 11 AND 20) AND count(*) = 3, 'who changes his mind is followed')
FROM bandit.candidates('g', 'graph', 2, 3);
UPDATE bandit.arms SET options = '{"like_margin": 3}' WHERE bandit = 'g' AND arm = 'graph';
SELECT is((SELECT count(*) FROM bandit.candidates('g', 'graph', 1001, 30)), 21::bigint,
	'from which value on it is a like, is an option');
SELECT throws_ok($$UPDATE bandit.arms SET options = '{"restart": 0}' WHERE arm = 'graph'$$, '22023',
	'option "restart" of arm "graph" must be a number from 0.01 to 0.99', 'a walk that never ends');
CREATE TEMP TABLE once AS SELECT data FROM bandit.models WHERE bandit = 'g' AND arm = 'graph';
TRUNCATE seen;
SELECT bandit.train('g');
SELECT is((SELECT count(*) FROM bandit.candidates('g', 'graph', 1, 30)), 23::bigint, 'no ratings: by the attributes');
TRUNCATE film;
SELECT bandit.train('g');
SELECT is_empty($$SELECT * FROM bandit.candidates('g', 'graph', 1, 30)$$, 'nothing at all: no list');

\if :there
CREATE TABLE toy_ratings (user_id int, item_id int, rating float8);
CREATE TEMP TABLE toy_attributes (item_id int, attribute text);
CREATE TEMP TABLE toy_expected (quantity text, user_id int, item_id int, other int, value float8);
\copy toy_ratings FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_ratings.csv"' CSV HEADER
\copy toy_attributes FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_attributes.csv"' CSV HEADER
\copy toy_expected FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/toy_expected.csv"' CSV HEADER
CREATE TABLE toy_items AS SELECT item_id, array_agg(attribute) AS genres FROM toy_attributes GROUP BY 1;
ALTER TABLE toy_items ADD PRIMARY KEY (item_id);
SELECT bandit.create_recommender('toy', 'toy_ratings', items => 'toy_items', arms => '{graph}', exclude_seen => false);
UPDATE bandit.recommenders SET exclude_disliked = false WHERE bandit = 'toy';
UPDATE bandit.arms SET options = '{"precision": 1e-14}' WHERE bandit = 'toy' AND arm = 'graph';
SELECT bandit.train('toy');
SELECT is_empty($$SELECT * FROM (SELECT * FROM toy_expected WHERE quantity = 'ppr_user') e
	FULL JOIN (SELECT u.user_id, c.* FROM (SELECT DISTINCT user_id FROM toy_ratings) u,
		LATERAL bandit.candidates('toy', 'graph', u.user_id, 100) c) c USING (user_id, item_id)
	WHERE (abs(value - score) < 1e-10) IS NOT TRUE$$, 'reference: every user''s walk');
SELECT is_empty($$SELECT * FROM (SELECT * FROM toy_expected WHERE quantity = 'ppr_cold_start') e
	FULL JOIN bandit.candidates('toy', 'graph', 4242, 100) c USING (item_id)
	WHERE (abs(value - score) < 1e-10) IS NOT TRUE$$, 'reference: the walk of a new user');
UPDATE bandit.arms SET options = '{}' WHERE bandit = 'toy' AND arm = 'graph';
SELECT is_empty($$SELECT * FROM (SELECT * FROM toy_expected WHERE quantity = 'ppr_user') e
	FULL JOIN (SELECT u.user_id, c.* FROM (SELECT DISTINCT user_id FROM toy_ratings) u,
		LATERAL bandit.candidates('toy', 'graph', u.user_id, 100) c) c USING (user_id, item_id)
	WHERE (abs(value - score) < 1e-5 * 10) IS NOT TRUE$$, 'by itself it is as precise as promised');
\else
SELECT skip('no reference values beside the checkout', 3);
\endif
SELECT * FROM finish();
ROLLBACK;
