-- A simulated day: users come by, look at 20 films, and click on those that
-- they went on to rate 4 or better in the ratings held out.  A click does not
-- make a film seen, so who comes again may be shown it, and click it, again.
CREATE PROCEDURE demo.day(day int, visits int)
LANGUAGE plpgsql AS $$
DECLARE
	users int[] := ARRAY(SELECT DISTINCT user_id FROM demo.held_out ORDER BY 1);
	visitor int;
BEGIN
	FOR visit IN 1 .. visits LOOP
		visitor := users[1 + abs(hashint4(day * 10000 + visit) % cardinality(users))];
		WITH list AS (
			SELECT r.item_id, r.arm, r.variant, h.movie_id IS NOT NULL AS hit
			FROM bandit.recommend('movies', visitor, 20) r
			LEFT JOIN demo.held_out h ON h.user_id = visitor
				AND h.movie_id = r.item_id AND h.rating >= 4
		), click AS (
			INSERT INTO app.clicks (user_id, movie_id)
			SELECT visitor, item_id FROM list WHERE hit
		)
		INSERT INTO demo.visits
		SELECT day, visitor, CASE max(variant) WHEN 'treatment' THEN 'bandit' ELSE 'control' END,
			count(*), count(*) FILTER (WHERE hit), array_agg(arm)
		FROM list;
		COMMIT;
	END LOOP;
END;
$$;
