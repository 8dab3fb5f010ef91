-- Tables with and without triggers, and rows for them; CSV of raw on stdin.
SET client_min_messages = warning;
CREATE EXTENSION bandit;
CREATE TABLE raw (user_id int, movie_id int, rating float8, rated_at bigint);
\copy raw FROM pstdin CSV
CREATE TABLE spread AS
SELECT (1000000 + row_number() OVER ())::int AS user_id, movie_id, rating, rated_at FROM raw;
CREATE TABLE groups AS
SELECT (2000000 + n / 10)::int AS user_id, (n % 10 + 1)::int AS movie_id, rating, rated_at
FROM (SELECT row_number() OVER () - 1 AS n, * FROM raw) r;

CREATE TABLE plain (user_id int, movie_id int, rating float8, rated_at bigint,
	PRIMARY KEY (user_id, movie_id));
CREATE INDEX ON plain (movie_id);
CREATE TABLE watched (LIKE plain INCLUDING ALL);
CREATE TABLE plain_parts (LIKE plain INCLUDING ALL) PARTITION BY HASH (user_id);
CREATE TABLE watched_parts (LIKE plain INCLUDING ALL) PARTITION BY HASH (user_id);
SELECT format('CREATE TABLE %1$s_%2$s PARTITION OF %1$s FOR VALUES WITH (MODULUS 4, REMAINDER %2$s)', t, r)
FROM unnest('{plain_parts,watched_parts}'::text[]) t, generate_series(0, 3) r
\gexec
SELECT bandit.create_recommender('bulk', 'plain', user_column => 'user_id', item_column => 'movie_id',
	value_column => 'rating', arms => '{}', features => '{}');
SELECT bandit.watch('bulk', t::regclass, 'rating') FROM unnest('{watched,watched_parts}'::text[]) t;
VACUUM ANALYZE;
