-- A catalogue with hidden tastes, the same every time: no data is needed.
--
-- Films have one or two of 12 genres and a hidden quality; users have hidden
-- tastes for genres.  Who likes a genre watches it more and rates it higher,
-- so "those who liked this also liked that" can find it out.  All that looks
-- like chance comes from a hash of the row's numbers.
CREATE FUNCTION demo.chance(VARIADIC numbers int[]) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (hashtextextended(numbers::text, 7) & 4294967295) / 4294967296.0
$$;

WITH words AS (
	SELECT '{Silent,Golden,Last,Crimson,Lonely,Hidden,Broken,Endless,Northern,Paper,Midnight,Gentle,Savage,Electric,Forgotten,Winter}'::text[] AS first,
		'{River,Promise,Station,Garden,Stranger,Harbour,Letter,Summer,Mirror,Country,Detective,Orchard,Empire,Signal,Carnival,Shadow}'::text[] AS second,
		'{Drama,Comedy,Action,Thriller,Romance,Adventure,Horror,Crime,Fantasy,Mystery,War,Western}'::text[] AS genres
)
INSERT INTO app.movies
SELECT m,
	format('The %s %s%s (%s)', first[1 + m % 16], second[1 + (m / 16) % 16],
		CASE WHEN m / 256 > 0 THEN ' ' || (m / 256 + 1) ELSE '' END,
		1960 + floor(demo.chance(1, m) * 60)::int),
	ARRAY(SELECT DISTINCT g FROM unnest(ARRAY[
		genres[1 + floor(12 * demo.chance(2, m) ^ 1.5)::int],
		genres[1 + floor(12 * demo.chance(3, m) ^ 1.5)::int]]) g ORDER BY g)
FROM generate_series(1, 2400) m, words;

-- every user's two favourite genres, and how many films he has rated
CREATE TEMP TABLE taste AS
SELECT u AS user_id,
	ARRAY(SELECT genre FROM (SELECT DISTINCT unnest(genres) AS genre FROM app.movies) g
		ORDER BY demo.chance(4, u, hashtext(genre)) LIMIT 2) AS likes,
	25 + floor(300 * demo.chance(5, u) ^ 3)::int AS ratings
FROM generate_series(1, 600) u;

CREATE TEMP TABLE film AS
SELECT movie_id, genres, demo.chance(9, movie_id) AS quality,
	0.02 + demo.chance(10, movie_id) ^ 4 AS fame
FROM app.movies;

-- who watches what: fame and taste decide, and a throw of dice
CREATE TEMP TABLE watched AS
SELECT user_id, movie_id, quality, liked,
	row_number() OVER (PARTITION BY user_id
		ORDER BY ln(dice + 1e-9) / (fame * (0.15 + 3 * liked)) DESC) AS rank,
	ratings, dice
FROM (
	SELECT t.user_id, t.ratings, f.*,
		(hashint8extended(t.user_id * 100000 + f.movie_id, 7) & 4294967295) / 4294967296.0 AS dice,
		CASE WHEN f.genres[1] = ANY (t.likes) THEN 0.5 ELSE 0 END
			+ CASE WHEN f.genres[2] = ANY (t.likes) THEN 0.5 ELSE 0 END AS liked
	FROM taste t CROSS JOIN film f
) pair;

INSERT INTO demo.ratings
SELECT user_id, movie_id,
	greatest(0.5, least(5, round(2 * (2.6 + 1.2 * quality + 1.1 * liked
		+ 1.4 * (demo.chance(8, user_id, movie_id) - 0.5))) / 2)),
	1600000000 + floor(86400 * 900 * demo.chance(7, user_id, movie_id))::bigint
FROM watched
WHERE rank <= ratings;
