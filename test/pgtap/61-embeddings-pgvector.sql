-- The arm embeddings on columns of pgvector's types: the same as on real[].
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS there \gset
BEGIN;
SELECT plan(9);
SET client_min_messages = warning;
\if :there
CREATE EXTENSION vector;
SELECT setseed(0.61);
CREATE TABLE film (film_id int PRIMARY KEY, vec vector(8), half halfvec(8), sparse sparsevec(8), plain real[]);
INSERT INTO film (film_id, vec)
SELECT i, (SELECT array_agg(random() - 0.5 + 0 * (i + d)) FROM generate_series(1, 8) d)::real[]::vector FROM generate_series(1, 60) i;
UPDATE film SET plain = vec::real[], half = vec::halfvec, sparse = vec::sparsevec;
CREATE TABLE seen (user_id int, film_id int, stars int);
INSERT INTO seen SELECT u, 1 + (u * p * 7) % 60, 1 + (u + p) % 5 FROM generate_series(1, 20) u, generate_series(1, 6) p;
SELECT bandit.create_recommender(c, 'seen', items => 'film', vector_column => c, value_column => 'stars', arms => '{embeddings}')
FROM unnest('{vec,half,plain}'::text[]) c;
SELECT bandit.train(c) FROM unnest('{vec,half,plain}'::text[]) c;
CREATE TEMP TABLE lists AS SELECT c, u, l.item_id, l.score FROM unnest('{vec,half,plain}'::text[]) c, generate_series(1, 20) u,
	LATERAL bandit.candidates(c, 'embeddings', u, 10) l;
SELECT cmp_ok((SELECT count(*) FROM lists WHERE c = 'vec'), '>=', 100::bigint, 'vector: lists are made');
SELECT is_empty($$SELECT u, item_id, score FROM lists WHERE c = 'vec' EXCEPT SELECT u, item_id, score FROM lists WHERE c = 'plain'$$,
	'the same items and scores as of real[]');
SELECT is_empty($$SELECT u, item_id, score FROM lists WHERE c = 'plain' EXCEPT SELECT u, item_id, score FROM lists WHERE c = 'vec'$$,
	'and no others');
SELECT cmp_ok((SELECT count(*) FROM lists WHERE c = 'half'), '>=', 100::bigint, 'halfvec: lists are made');
SELECT is_empty($$SELECT * FROM lists h JOIN lists p USING (u, item_id) WHERE h.c = 'half' AND p.c = 'plain'
	AND abs(h.score - p.score) > 2e-3$$, 'scores as exact as its 11 bits');
SELECT throws_ok($$SELECT bandit.create_recommender('s', 'seen', items => 'film', vector_column => 'sparse', arms => '{embeddings}')$$,
	'42804', 'column "sparse" of public.film cannot be read as vectors', 'sparsevec is refused');
-- what pgvector says is nearest to a single liked item is what the arm says
INSERT INTO seen VALUES (99, 7, 5);
SELECT is((SELECT array_agg(l.item_id) FROM bandit.candidates('vec', 'embeddings', 99, 5) l),
	(SELECT array_agg(film_id::bigint) FROM (SELECT f.film_id FROM film f, film of WHERE of.film_id = 7 AND f.film_id <> 7
		ORDER BY f.vec <=> of.vec LIMIT 5) n), 'the nearest by pgvector''s own operator');
UPDATE film SET vec = NULL WHERE film_id = (SELECT item_id FROM bandit.candidates('vec', 'embeddings', 99, 1));
SELECT bandit.train('vec');
SELECT is((SELECT count(*) FROM bandit.candidates('vec', 'embeddings', 99, 5) l JOIN film f ON f.film_id = l.item_id WHERE f.vec IS NULL),
	0::bigint, 'what has no vector is left out');
CREATE INDEX ON film USING hnsw (vec vector_cosine_ops);
SELECT lives_ok($$SELECT bandit.train('vec')$$, 'with an index on the column');
\else
SELECT skip('pgvector is not installed', 9);
\endif
SELECT * FROM finish();
ROLLBACK;
