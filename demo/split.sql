-- Split by time: the application has seen four fifths of each user's ratings;
-- the last fifth is held out, to answer the simulated visits.
WITH ordered AS (
	SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY seconds, movie_id) AS place,
		count(*) OVER (PARTITION BY user_id) AS n
	FROM demo.ratings
), train AS (
	INSERT INTO app.ratings
	SELECT user_id, movie_id, rating, to_timestamp(seconds)
	FROM ordered WHERE place <= n - n / 5
)
INSERT INTO demo.held_out
SELECT user_id, movie_id, rating FROM ordered WHERE place > n - n / 5;
DROP TABLE demo.ratings;

-- what the application's own two recommenders read
CREATE MATERIALIZED VIEW app.film_scores AS
SELECT m.movie_id, m.genres[1] AS genre, count(r.rating) AS ratings,
	(5 * 3.5 + coalesce(sum(r.rating), 0)) / (5 + count(r.rating)) AS quality
FROM app.movies m LEFT JOIN app.ratings r USING (movie_id)
GROUP BY m.movie_id;
CREATE INDEX ON app.film_scores (ratings DESC, movie_id);
CREATE INDEX ON app.film_scores (genre, quality DESC);
VACUUM ANALYZE;
