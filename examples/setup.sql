-- The examples' database: a small invented catalogue, a recommender over it, and
-- the two roles that the servers connect as.  In a new database, as a superuser:
--
--	createdb example && psql -d example -f examples/setup.sql
\set ON_ERROR_STOP on
SET client_min_messages = warning;
BEGIN;
CREATE EXTENSION bandit;
CREATE SCHEMA app;

CREATE TABLE app.movies (
	movie_id bigint PRIMARY KEY,
	title text NOT NULL,
	genres text[] NOT NULL
);
CREATE TABLE app.ratings (
	user_id bigint NOT NULL,
	movie_id bigint NOT NULL REFERENCES app.movies,
	rating numeric(2, 1) NOT NULL CHECK (rating BETWEEN 0.5 AND 5),
	rated_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, movie_id)
);

-- 300 films of six genres; 100 viewers, who like one of them best
INSERT INTO app.movies
SELECT m, 'Film ' || m, ARRAY[('{Drama,Comedy,Thriller,Romance,Western,Crime}'::text[])[1 + m % 6]]
FROM generate_series(1, 300) m;
INSERT INTO app.ratings
SELECT u, m, CASE WHEN m % 6 = u % 6 THEN 4.5 ELSE 2 + hashint8(u * 1000 + m) % 3 * 0.5 END,
	now() - interval '1 day' - make_interval(mins => m)
FROM generate_series(1, 100) u, generate_series(1, 300) m
WHERE abs(hashint8(u * 1000 + m)) % 100 < CASE WHEN m % 6 = u % 6 THEN 40 ELSE 4 END;

SELECT bandit.create_recommender('movies', 'app.ratings', items => 'app.movies');
-- Ratings are the application's own data: a trigger learns from them.  Clicks
-- and thumbs it would not keep: the servers tell them by bandit.feedback.
SELECT bandit.watch('movies', 'app.ratings', 'rating');
SELECT count(*) FROM bandit.train('movies');

-- The servers serve and tell as one role, and look at statistics as another.
SELECT bandit.create_roles();
SELECT format('CREATE ROLE %I LOGIN', r)
FROM unnest('{example_web,example_stats}'::text[]) r
WHERE to_regrole(r) IS NULL \gexec
GRANT bandit_serve, bandit_feedback TO example_web;
GRANT bandit_monitor TO example_stats;
GRANT USAGE ON SCHEMA app TO example_web;
GRANT SELECT ON app.movies TO example_web;
GRANT SELECT, INSERT, UPDATE ON app.ratings TO example_web;
COMMIT;
ANALYZE;
