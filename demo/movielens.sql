-- MovieLens, from the files in $DATA.
CREATE TEMP TABLE movie (id int, title text, genres text);
\copy movie FROM PROGRAM 'cat "$DATA/movies.csv"' CSV HEADER
INSERT INTO app.movies
SELECT id, title, CASE genres WHEN '(no genres listed)' THEN '{}'
	ELSE string_to_array(genres, '|') END
FROM movie;
\copy demo.ratings FROM PROGRAM 'if [ -r "$DATA/ratings.csv" ]; then cat "$DATA/ratings.csv"; else gzip -dc "$DATA/ratings.csv.gz"; fi' CSV HEADER
