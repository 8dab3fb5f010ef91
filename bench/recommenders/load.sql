-- MovieLens from $DATA, and the same split by time as bandit.evaluate: the
-- newest fifth of each user's ratings is kept back.
CREATE TABLE movies (movie_id int PRIMARY KEY, title text, genres text);
CREATE TABLE all_ratings (user_id int, movie_id int, rating float8, ts bigint);
\copy movies FROM PROGRAM 'cat "$DATA/movies.csv"' CSV HEADER
\copy all_ratings FROM PROGRAM 'if [ -r "$DATA/ratings.csv" ]; then cat "$DATA/ratings.csv"; else gzip -dc "$DATA/ratings.csv.gz"; fi' CSV HEADER
CREATE TABLE ratings (LIKE all_ratings, PRIMARY KEY (user_id, movie_id));
CREATE TABLE kept_back (LIKE all_ratings, PRIMARY KEY (user_id, movie_id));
WITH ordered AS (
	SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY ts, movie_id) AS place,
		count(*) OVER (PARTITION BY user_id) AS n
	FROM all_ratings
), old AS (
	INSERT INTO ratings SELECT user_id, movie_id, rating, ts FROM ordered WHERE place <= n - n / 5
)
INSERT INTO kept_back SELECT user_id, movie_id, rating, ts FROM ordered WHERE place > n - n / 5;
CREATE EXTENSION bandit;
SELECT bandit.create_recommender('all', 'all_ratings', items => 'movies');
SELECT bandit.create_recommender('ml', 'ratings', items => 'movies');
VACUUM ANALYZE;
