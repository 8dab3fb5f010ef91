-- evaluate: by hand on a small table, and the published figures.
\set there `test -r "${BANDIT_SHARED:-../shared}/data/movielens-latest-small/ratings.csv.gz" && echo true || echo false`
BEGIN;
SELECT plan(29);
SET client_min_messages = warning;

-- Four users, five items; the last of each user's five is kept back, and it is
-- the only one of its item for nobody.  By number of ratings in training:
-- 1 (4), 2 (4), 3 (4), 4 (3), 5 (1).
CREATE TABLE r (user_id int, item_id int, rating float8, at timestamptz);
INSERT INTO r
SELECT u, i, 3 + (u + i) % 3, timestamptz '2024-01-01' + interval '1 day' * place
FROM (VALUES (1, '{1,2,3,4,5}'::int[]), (2, '{4,3,2,1,5}'), (3, '{5,1,2,3,4}'), (4, '{1,2,3,4,6}')) v(u, items),
	unnest(items) WITH ORDINALITY AS x(i, place);
SELECT bandit.create_recommender('e', 'r', arms => '{svd,item_cf,long_tail}');
CREATE TEMP TABLE got AS SELECT * FROM bandit.evaluate('e', liked_from => 0, n => 2);

SELECT results_eq('SELECT arm FROM got', $$VALUES ('popularity'), ('svd'), ('item_cf'), ('long_tail'), ('hybrid')$$,
	'popularity first, then the arms as the recommender has them');
-- popularity: users 1 and 2 get 5, which they like; 3 gets 4; 4 gets 5, not 6
SELECT is((SELECT users FROM got WHERE arm = 'popularity'), 4, 'all users have a test');
SELECT is((SELECT recall FROM got WHERE arm = 'popularity'), 0.75::float8, 'recall by hand');
SELECT is((SELECT hit_rate FROM got WHERE arm = 'popularity'), 0.75::float8, 'hit rate by hand');
SELECT is((SELECT ndcg FROM got WHERE arm = 'popularity'), 0.75::float8, 'ndcg by hand: each at the first place');
SELECT is((SELECT coverage FROM got WHERE arm = 'popularity'), 0.4::float8, 'coverage by hand: two of five items');
SELECT cmp_ok(abs((SELECT novelty FROM got WHERE arm = 'popularity')
	- (3 * -ln(0.25) - ln(0.75)) / 4 / ln(2)), '<', 1e-12::float8, 'novelty by hand');
SELECT is((SELECT rmse FROM got WHERE arm = 'popularity'), NULL::float8, 'popularity predicts no ratings');
SELECT isnt((SELECT rmse FROM got WHERE arm = 'svd'), NULL, 'svd does');
SELECT cmp_ok((SELECT mae FROM got WHERE arm = 'item_cf'), '<=', (SELECT rmse FROM got WHERE arm = 'item_cf'),
	'the mean error is no larger than the root of the mean square');
SELECT is((SELECT sum(users)::int FROM bandit.evaluate('e', '{}', liked_from => 4)),
	(SELECT count(*)::int FROM (SELECT DISTINCT ON (user_id) rating FROM r ORDER BY user_id, at DESC) l WHERE rating >= 4),
	'users without a liked test item do not count');
SELECT is((SELECT users FROM bandit.evaluate('e', '{}')), (SELECT users FROM bandit.evaluate('e', '{}', liked_from => 4)),
	'by default liked is what makes a rating a success');
SELECT is((SELECT users FROM bandit.evaluate('e', '{}', liked_from => 'Infinity')), 0, 'nobody liked anything');
SELECT is((SELECT recall FROM bandit.evaluate('e', '{}', liked_from => 'Infinity')), NULL::float8, 'then there is no mean');

-- what is in service is not touched
SELECT is((SELECT count(*) FROM bandit.models), 0::bigint, 'nothing was stored');
SELECT throws_ok($$SELECT * FROM bandit.candidates('e', 'svd', 1, 1)$$, '55000', NULL, 'and nothing serves that was not trained');
SELECT bandit.train('e');
CREATE TEMP TABLE before AS SELECT * FROM bandit.candidates('e', 'item_cf', 4, 5);
SELECT results_eq('SELECT * FROM bandit.evaluate(''e'', liked_from => 0, n => 2)', 'SELECT * FROM got',
	'the same again, with all of it trained on all ratings');
SELECT results_eq($$SELECT * FROM bandit.candidates('e', 'item_cf', 4, 5)$$, 'SELECT * FROM before',
	'what serves is what was trained');
SELECT throws_ok($$SELECT bandit.evaluate('e', '{nonsense}')$$, '22023', 'arm "nonsense" is not built in', 'an unknown arm');
SELECT throws_ok($$SELECT bandit.evaluate('e', '{null}')$$, '22004', NULL, 'no arm');
SELECT throws_ok($$SELECT bandit.evaluate('e', n => 0)$$, '22023', 'n must be from 1 to 1000, not 0', 'no places');
SELECT throws_ok($$SELECT bandit.evaluate('e', test_share => 1)$$, '22023', 'test_share must be between 0 and 1, not 1', 'nothing to learn from');
SELECT throws_ok($$SELECT bandit.evaluate('e', test_share => 'NaN')$$, '22023', NULL, 'no share');
SELECT throws_ok($$SELECT bandit.evaluate('nobody')$$, '42704', NULL, 'an unknown recommender');
TRUNCATE r;
SELECT is((SELECT count(*) FROM bandit.evaluate('e') WHERE users = 0 AND recall IS NULL AND coverage IS NULL), 5::bigint,
	'an empty table has no figures');
CREATE TABLE clicks (visitor text, page text);
INSERT INTO clicks SELECT 'v' || u, 'p' || i FROM generate_series(1, 9) u, generate_series(u, u + 9) i;
SELECT bandit.create_recommender('c', 'clicks', user_column => 'visitor', item_column => 'page', arms => '{item_cf}');
SELECT is((SELECT users FROM bandit.evaluate('c', '{item_cf}') WHERE arm = 'item_cf'), 9, 'text keys, no values, no times');

\if :there
CREATE TABLE raw (user_id int, movie_id int, rating float8, at bigint);
\copy raw FROM PROGRAM 'zcat "${BANDIT_SHARED:-../shared}/data/movielens-latest-small/ratings.csv.gz"' CSV HEADER
SELECT bandit.create_recommender('movies', 'raw', time_column => 'at', arms => '{item_cf}');
CREATE TEMP TABLE movies AS SELECT * FROM bandit.evaluate('movies', '{item_cf}');
SELECT results_eq($$SELECT users, round(recall::numeric, 4), round(ndcg::numeric, 4), round(hit_rate::numeric, 4),
		round(coverage::numeric, 4), round(novelty::numeric, 2) FROM movies WHERE arm = 'popularity'$$,
	$$VALUES (591, 0.0844, 0.0796, 0.4162, 0.0199, 1.70)$$,
	'MovieLens small: popularity measures what others have measured, in every figure');
SELECT ok(recall > 0.14 AND ndcg > 0.115 AND hit_rate > 0.56, 'item_cf finds what it should') FROM movies WHERE arm = 'item_cf';
SELECT cmp_ok(rmse, '<=', 0.88::float8, 'and predicts as well as it should') FROM movies WHERE arm = 'item_cf';
\else
SELECT skip('no MovieLens ratings beside the checkout', 3);
\endif

SELECT * FROM finish();
ROLLBACK;
