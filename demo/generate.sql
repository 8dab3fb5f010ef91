-- A catalogue with hidden tastes, the same every time: no data is needed.
--
-- Three kinds of viewers, which no table names:
--	 crowd		sees what everybody sees; a few dozen films of all genres
--	 devotee	sees the good films of one genre
--	 explorer	sees hundreds, of a few styles; a style is not a genre, and
--				shows only in who sees what
-- So no arm is the best for all, and user_type and genre_saturation tell the
-- kinds apart well enough to find that out.  All that looks like chance comes
-- from a hash of the row's numbers.
CREATE FUNCTION demo.chance(VARIADIC numbers int[]) RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT (hashtextextended(numbers::text, 7) & 4294967295) / 4294967296.0
$$;

-- The main genre comes first.
WITH words AS (
	SELECT '{Silent,Golden,Last,Crimson,Lonely,Hidden,Broken,Endless,Northern,Paper,Midnight,Gentle,Savage,Electric,Forgotten,Winter}'::text[] AS first,
		'{River,Promise,Station,Garden,Stranger,Harbour,Letter,Summer,Mirror,Country,Detective,Orchard,Empire,Signal,Carnival,Shadow}'::text[] AS second,
		'{Drama,Comedy,Action,Thriller,Romance,Adventure,Horror,Crime,Fantasy,Mystery,War,Western}'::text[] AS genres
), film AS (
	SELECT m, first[1 + m % 16] || ' ' || second[1 + (m / 16) % 16] AS name,
		m / 256 AS sequel,
		genres[1 + floor(12 * demo.chance(2, m) ^ 1.2)::int] AS main,
		genres[1 + floor(12 * demo.chance(3, m) ^ 1.2)::int] AS other,
		1960 + floor(demo.chance(1, m) * 60)::int AS year
	FROM generate_series(1, 2400) m, words
)
INSERT INTO app.movies
SELECT m, format('The %s%s (%s)', name,
		CASE WHEN sequel > 0 THEN ' ' || (sequel + 1) ELSE '' END, year),
	CASE WHEN main = other THEN ARRAY[main] ELSE ARRAY[main, other] END
FROM film;

CREATE TEMP TABLE viewer AS
SELECT u AS user_id, kind,
	(SELECT genre FROM (SELECT DISTINCT genres[1] AS genre FROM app.movies) g
		ORDER BY demo.chance(4, u, hashtext(genre)), genre LIMIT 1) AS genre,
	ARRAY(SELECT s FROM generate_series(0, 14) s
		ORDER BY demo.chance(11, u, s) LIMIT 5) AS styles,
	CASE kind WHEN 'crowd' THEN 15 + floor(45 * demo.chance(5, u))
		WHEN 'devotee' THEN 30 + floor(50 * demo.chance(5, u))
		ELSE 260 + floor(340 * demo.chance(5, u)) END AS ratings
FROM generate_series(1, 600) u,
	LATERAL (SELECT CASE WHEN demo.chance(6, u) < 0.45 THEN 'crowd'
		WHEN demo.chance(6, u) < 0.75 THEN 'devotee'
		ELSE 'explorer' END AS kind) k;

-- Fame falls off as it does in life: few films that all know, many that few do.
CREATE TEMP TABLE film AS
SELECT movie_id, genres, demo.chance(9, movie_id) AS quality,
	floor(15 * demo.chance(12, movie_id))::int AS style,
	0.006 / (0.006 + demo.chance(10, movie_id)) AS fame
FROM app.movies;

-- who sees what: the kind's weight of a film, and a throw of dice
SET work_mem = '256MB';
INSERT INTO demo.ratings
SELECT user_id, movie_id,
	greatest(0.5, least(5, round(2 * (2.9 + 1.8 * quality
		+ 1.6 * (demo.chance(8, user_id, movie_id) - 0.5))) / 2)),
	1600000000 + floor(86400 * 900 * demo.chance(7, user_id, movie_id))::bigint
FROM (
	SELECT user_id, movie_id, quality, ratings, row_number() OVER (
		PARTITION BY user_id ORDER BY ln(dice) / weight DESC, movie_id) AS place
	FROM (
		SELECT v.user_id, v.ratings, f.movie_id, f.quality,
			((hashint8extended(v.user_id * 100000 + f.movie_id, 7) & 4294967295)
				+ 0.5) / 4294967296.0::float8 AS dice,
			CASE v.kind WHEN 'crowd' THEN f.fame
				WHEN 'devotee' THEN (0.05 + f.quality ^ 4)
					* CASE WHEN f.genres[1] = v.genre THEN 1
						WHEN f.genres[2] = v.genre THEN 0.05 ELSE 0.005 END
				ELSE CASE WHEN f.style = ANY (v.styles) THEN 1 ELSE 0.02 END
			END AS weight
		FROM viewer v CROSS JOIN film f
	) pair
) watched
WHERE place <= ratings;
