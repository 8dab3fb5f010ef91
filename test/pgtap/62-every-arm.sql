-- What holds for every built-in arm: what is excluded, who may come, what the tables may hold.
BEGIN;
SELECT plan(30);
SET client_min_messages = error;

CREATE TABLE film (film_id int PRIMARY KEY, title text, genres text[]);
INSERT INTO film SELECT i, 'film ' || i || ' of ' || i % 5, ARRAY['g' || i % 4, 'h' || i % 3] FROM generate_series(1, 60) i;
CREATE TABLE rated (user_id int, film_id int, stars float8);
INSERT INTO rated SELECT u, i, 1 + (u * i + i) % 9 / 2.0 FROM generate_series(1, 40) u, generate_series(1, 55) i
WHERE (u * 7 + i * i * 3) % 11 < 5 AND (i < 30 OR u % 3 = 0);
SELECT bandit.create_recommender('all', 'rated', items => 'film');
UPDATE bandit.recommenders SET neutral_value = 2.5;
SELECT set_eq($$SELECT arm::text FROM bandit.arms WHERE role = 'arm'$$, bandit.builtin_arms(), 'a recommender has all arms by itself');
CREATE VIEW arm AS SELECT arm::text FROM bandit.arms WHERE bandit = 'all';
CREATE VIEW list AS SELECT u AS user_id, a.arm, c.item_id, c.score
FROM generate_series(1, 40) u, arm a, LATERAL bandit.candidates('all', a.arm, u, 100) c;

-- before training: an error, or a list
SELECT throws_ok(format($$SELECT * FROM bandit.candidates('all', %L, 1, 3)$$, arm), '55000', NULL, arm || ' wants training')
FROM arm WHERE arm NOT IN ('long_tail', 'hybrid');
SELECT is((SELECT count(*) FROM bandit.recommend('all', 1, 20)), 20::bigint, 'recommend serves before training');
SELECT lives_ok($$SELECT bandit.train('all')$$, 'all are trained at once');

-- what is excluded
SELECT set_eq($$SELECT DISTINCT arm FROM list$$, $$SELECT arm FROM arm$$, 'every arm has a list for somebody');
SELECT is_empty($$SELECT * FROM list JOIN rated ON film_id = item_id AND rated.user_id = list.user_id$$,
	'no arm brings what was seen');
UPDATE bandit.recommenders SET exclude_seen = false;
SELECT set_eq($$SELECT DISTINCT arm FROM list JOIN rated ON film_id = item_id AND rated.user_id = list.user_id$$,
	$$SELECT arm FROM arm$$, 'unless that is wanted');
SELECT is_empty($$SELECT * FROM list JOIN rated ON film_id = item_id AND rated.user_id = list.user_id AND stars < 2.5$$,
	'but still nothing that was disliked');
UPDATE bandit.recommenders SET exclude_disliked = false;
SELECT isnt_empty($$SELECT * FROM list JOIN rated ON film_id = item_id AND rated.user_id = list.user_id AND stars < 2.5$$,
	'unless that is wanted too');
UPDATE bandit.recommenders SET exclude_seen = true, exclude_disliked = true;

-- who comes
SELECT is((SELECT count(*) FROM bandit.recommend('all', 4711, 60)), 60::bigint, 'a new user gets the whole catalogue');
SELECT lives_ok($$SELECT count(*) FROM arm, LATERAL bandit.candidates('all', arm, 4711, 5)$$, 'every arm answers a new user');
INSERT INTO rated SELECT 50, film_id, 4 FROM film;
SELECT is_empty($$SELECT * FROM arm, LATERAL bandit.candidates('all', arm, 50, 5)$$, 'who has seen everything gets nothing');
SELECT is_empty($$SELECT * FROM bandit.recommend('all', 50, 5)$$, 'nor a list');

-- what the tables hold
CREATE TEMP TABLE before AS SELECT * FROM list;
SELECT bandit.train('all');
CREATE TEMP TABLE trained AS SELECT * FROM list;
INSERT INTO rated VALUES (NULL, 3, 4), (3, NULL, 4), (NULL, NULL, NULL);
SELECT bandit.train('all');
SELECT is_empty($$(SELECT * FROM list EXCEPT SELECT * FROM trained) UNION ALL (SELECT * FROM trained EXCEPT SELECT * FROM list)$$,
	'rows without user or item are none');
INSERT INTO rated VALUES (1, 40, 'NaN'), (2, 41, 'Infinity'), (3, 42, '-Infinity'), (4, 43, NULL), (5, 44, 1e300), (6, 45, -1e300);
SELECT lives_ok($$SELECT bandit.train('all')$$, 'values that are none, or beyond all scales');
SELECT ok(bool_and(score > '-Infinity' AND score < 'Infinity') AND count(DISTINCT arm) = 7, 'lists have finite scores') FROM list;
SELECT ok(bool_and(predicted > '-Infinity' AND predicted < 'Infinity'), 'so have predictions')
FROM unnest('{svd,item_cf}'::text[]) a, LATERAL bandit.predict('all', a, 7, ARRAY(SELECT film_id::bigint FROM film)) p;
DELETE FROM rated WHERE stars IS NULL OR stars NOT BETWEEN 0 AND 5;
CREATE TEMP TABLE again AS SELECT * FROM rated;
INSERT INTO rated SELECT * FROM again;
INSERT INTO rated SELECT user_id, film_id, stars FROM again WHERE user_id < 5;
SELECT lives_ok($$SELECT bandit.train('all')$$, 'the same pair twice, or thrice');
SELECT is_empty($$SELECT arm, user_id, item_id FROM list GROUP BY 1, 2, 3 HAVING count(*) > 1$$, 'an item comes once');
DELETE FROM film WHERE film_id % 2 = 0;
SELECT bandit.train('all', 'long_tail');
SELECT lives_ok($$SELECT * FROM list$$, 'items that are gone since the training');
SELECT bandit.train('all');
SELECT is_empty($$SELECT * FROM list WHERE item_id % 2 = 0$$, 'after it they are not recommended');
TRUNCATE rated;
INSERT INTO rated VALUES (1, 1, 4);
SELECT lives_ok($$SELECT bandit.train('all')$$, 'one user and one item');
SELECT is((SELECT count(*) FROM bandit.recommend('all', 1, 60)), 29::bigint, 'he gets the rest of the catalogue');
TRUNCATE rated, film;
SELECT lives_ok($$SELECT bandit.train('all')$$, 'nothing at all');
SELECT is_empty($$SELECT * FROM bandit.recommend('all', 1, 60)$$, 'nothing to recommend');
DROP TABLE film;
SELECT throws_ok($$SELECT bandit.train('all')$$, '42P01', NULL, 'a table that is gone');
SELECT * FROM finish();
ROLLBACK;
