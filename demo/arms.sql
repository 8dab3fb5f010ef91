-- An arm written by the application: a plain SQL function.
CREATE FUNCTION app.favourite_genre(user_id bigint, n int)
RETURNS TABLE (item_id bigint, score float8)
LANGUAGE sql STABLE AS $$
	SELECT s.movie_id, s.quality
	FROM app.film_scores s
	WHERE s.genre = (
			SELECT f.genre FROM app.ratings r JOIN app.film_scores f USING (movie_id)
			WHERE r.user_id = favourite_genre.user_id AND r.rating >= 4
			GROUP BY f.genre ORDER BY count(*) DESC, f.genre LIMIT 1)
		AND NOT EXISTS (SELECT FROM app.ratings r
			WHERE r.user_id = favourite_genre.user_id AND r.movie_id = s.movie_id)
	ORDER BY s.quality DESC, s.movie_id
	LIMIT n
$$;
