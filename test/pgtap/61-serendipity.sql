-- The arms serendipity and long_tail by definition, with svd trained.
BEGIN;
SELECT plan(14);
SET client_min_messages = warning;
SELECT setseed(0.1);

CREATE TABLE film (film_id int PRIMARY KEY, genres text[]);
INSERT INTO film SELECT g, ARRAY(SELECT 'g' || (g * k) % 7 FROM generate_series(1, 1 + g % 3) k GROUP BY 1 ORDER BY 1)
FROM generate_series(1, 60) g;
INSERT INTO film VALUES (61, NULL);
CREATE TABLE seen (user_id int, film_id int, stars float8);
INSERT INTO seen SELECT u, f, 1 + ((u * f) % 9) / 2.0 FROM generate_series(1, 60) u, generate_series(1, 61) f
WHERE (u * 7 + f * f * 3) % 61 < 20 - f / 4 OR (f = 61 AND u < 8);
SELECT bandit.create_recommender('s', 'seen', items => 'film', value_column => 'stars',
	arms => '{svd,long_tail,serendipity}');
UPDATE bandit.arms SET options = '{"rank": 6}' WHERE bandit = 's' AND arm = 'svd';
SELECT throws_ok($$SELECT * FROM bandit.candidates('s', 'serendipity', 1, 5)$$, '55000',
	'serendipity of "s" has not been trained', 'before training there is an error that says so');
SELECT is((SELECT count(*) FROM bandit.candidates('s', 'long_tail', 1, 3)), 3::bigint, 'long_tail serves without');
CREATE TEMP TABLE untrained AS SELECT * FROM bandit.candidates('s', 'long_tail', 1, 20);
SELECT set_eq($$SELECT arm FROM bandit.train('s', 'serendipity')$$, '{catalogue,svd}'::text[], 'serendipity is trained with svd');
SELECT set_eq($$SELECT arm FROM bandit.train('s')$$, '{catalogue,svd,item_cf}'::text[], 'once, with all arms');

-- what the scores are made of
CREATE TEMP TABLE facts AS
SELECT film_id AS item_id, coalesce(cardinality(genres), 0) AS k, genres, count(stars) AS n,
	((5 * avg(m.mean) + coalesce(sum(stars), 0)) / (5 + count(stars)) - 1) / 4 AS quality
FROM film LEFT JOIN seen USING (film_id), (SELECT avg(stars) AS mean FROM seen) m GROUP BY 1, 2, 3;
CREATE TEMP TABLE unexpected AS
SELECT user_id, i.item_id, 1 - avg(CASE WHEN i.k = 0 OR j.k = 0 THEN 0 ELSE
	(SELECT count(*) FROM unnest(i.genres) a WHERE a = ANY (j.genres)) / sqrt(i.k * j.k) END) AS u
FROM seen JOIN facts j ON j.item_id = film_id, facts i GROUP BY 1, 2;
CREATE TEMP TABLE lists AS
SELECT u AS user_id, a, c.* FROM generate_series(1, 60) u, unnest('{serendipity,long_tail}'::text[]) a,
	LATERAL bandit.candidates('s', a, u, 100) c;
CREATE TEMP TABLE relevance AS
SELECT user_id, item_id, a, score / quality / CASE a WHEN 'serendipity' THEN u ELSE 1 END AS r
FROM lists JOIN facts USING (item_id) JOIN unexpected USING (user_id, item_id);
SELECT cmp_ok((SELECT count(*) FROM relevance WHERE a = 'serendipity'), '>', 500::bigint, 'there are lists');
SELECT ok(bool_and(r > 0 AND r < 1 + 1e-6), 'what is left of the score is a cosine') FROM relevance;
SELECT is_empty($$SELECT FROM relevance s JOIN relevance t USING (user_id, item_id)
	WHERE s.a = 'serendipity' AND t.a = 'long_tail' AND abs(s.r - t.r) > 1e-9$$,
	'and the same in both arms: unexpectedness, relevance and quality are what they should be');
SELECT is_empty($$SELECT FROM lists l JOIN seen s ON s.user_id = l.user_id AND s.film_id = l.item_id$$, 'nothing that was seen');
SELECT ok(NOT EXISTS (SELECT FROM lists JOIN (
		SELECT item_id, sum(n) OVER (ORDER BY n DESC, item_id) - n AS before, sum(n) OVER () AS total FROM facts) f
		USING (item_id) WHERE a = 'long_tail' AND before < 0.8 * total), 'long_tail has nothing of the head');
SELECT isnt((SELECT array_agg(item_id) FROM bandit.candidates('s', 'long_tail', 1, 20)),
	(SELECT array_agg(item_id) FROM untrained), 'with svd trained it goes by that');
SELECT results_eq($$SELECT * FROM bandit.candidates('s', 'serendipity', 4242, 5)$$,
	$$SELECT * FROM bandit.candidates('s', 'long_tail', 4242, 5)$$, 'who has nothing yet gets what long_tail has');
UPDATE bandit.arms SET options = '{"min_ratings": 8}' WHERE bandit = 's' AND arm IN ('serendipity', 'long_tail');
SELECT ok(bool_and(n >= 8), 'items with too few ratings are left out')
FROM generate_series(1, 60) u, unnest('{serendipity,long_tail}'::text[]) a,
	LATERAL bandit.candidates('s', a, u, 100) JOIN facts USING (item_id);
UPDATE bandit.arms SET options = '{"head_share": 0}' WHERE bandit = 's' AND arm = 'long_tail';
SELECT bandit.train('s');
SELECT cmp_ok((SELECT count(DISTINCT item_id) FROM generate_series(1, 60) u, LATERAL bandit.candidates('s', 'long_tail', u, 100)),
	'>', 55::bigint, 'without a head everything is tail');
TRUNCATE seen;
SELECT bandit.train('s');
SELECT is_empty($$SELECT * FROM bandit.candidates('s', 'serendipity', 1, 5)$$, 'no ratings at all: no list');
SELECT * FROM finish();
ROLLBACK;
