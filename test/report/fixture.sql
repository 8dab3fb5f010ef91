-- A recommender that has served for four weeks, with an experiment and an alert.
SET client_min_messages = error;
CREATE EXTENSION bandit;
CREATE TABLE film (film_id int PRIMARY KEY, title text, genres text[]);
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO film SELECT g, 'film ' || g, ARRAY['genre ' || g % 5, 'genre ' || g % 3] FROM generate_series(1, 200) g;
INSERT INTO rated SELECT u, 1 + (u % 5 * 40 + p * p * 7) % 200, 3 + (u + p) % 3 FROM generate_series(1, 120) u, generate_series(1, 12) p;
SELECT bandit.create_recommender('films', 'rated', items => 'film', features => '{user_type,genre_saturation}');
SELECT bandit.train('films');
CREATE FUNCTION crowd(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8) LANGUAGE sql STABLE AS $$
	SELECT r.film_id, count(*)::float8 FROM rated r GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT n $$;
SELECT bandit.add_arm('films', 'an arm with as long a name as there may be, & <tags>, 63 bytes', 'crowd(bigint,int)');
SELECT bandit.start_experiment('films', 0.6);
UPDATE bandit.experiments SET experiment = md5('report')::uuid, began_at = began_at - interval '40 days';
SELECT bandit.set_seed(28);

-- 1,400 visits; a click is as probable as the arm is good
CREATE TABLE shown (visit int, user_id int, item_id bigint, arm text, "position" int, decision_id uuid);
DO $$
BEGIN
	FOR v IN 1..1400 LOOP
		INSERT INTO shown SELECT v, u.id, r.item_id, r.arm, r."position", r.decision_id
		FROM (SELECT 1 + v * 37 % 120) AS u (id), LATERAL bandit.recommend('films', u.id, 10,
			context => jsonb_build_object('user_type', ('{cold_start,regular,power_user}'::text[])[1 + v % 3], 'genre_saturation', 'low')) r;
		PERFORM bandit.feedback('films', s.user_id, s.item_id, 'click') FROM shown s
		WHERE s.visit = v AND abs(hashint8(v * 100 + s.position) % 1000)
			< CASE s.arm WHEN 'svd' THEN 200 WHEN 'item_cf' THEN CASE v % 3 WHEN 0 THEN 300 ELSE 120 END WHEN 'graph' THEN 120 ELSE 50 END;
		IF v % 50 = 0 THEN
			PERFORM bandit.settle('films', at => now() + interval '25 hours');
		END IF;
	END LOOP;
END $$;
SELECT bandit.settle('films', at => now() + interval '25 hours');

-- as if they had come during the last four weeks
CREATE TABLE moved AS
SELECT decision_id, min(visit) AS visit, now() - interval '28 days' + min(visit) * interval '28 days' / 1400 AS at FROM shown GROUP BY decision_id;
ALTER TABLE moved ADD COLUMN later uuid;
UPDATE moved SET later = (left(bandit.first_decision_id(at)::text, 19) || substr(decision_id::text, 20))::uuid;
UPDATE bandit.decisions d SET decision_id = m.later, decided_at = m.at FROM moved m WHERE m.decision_id = d.decision_id;
UPDATE bandit.feedback f SET decision_id = m.later, received_at = m.at FROM moved m WHERE m.decision_id = f.decision_id;
SELECT bandit.set_threshold('films', 'genre_diversity', 0.995);
SELECT bandit.check_health('films');
