-- The choice among the six arms, replayed: every user comes in turn, in a
-- shuffled order, again and again; an arm is chosen and earns 1 if one of its
-- 20 items is among what the user liked of his ratings kept back.
CREATE TABLE hits AS
SELECT u.user_id, a.arm, coalesce(bool_or(k.user_id IS NOT NULL), false) AS hit
FROM (SELECT DISTINCT user_id FROM kept_back WHERE rating >= 4) u
CROSS JOIN (SELECT arm FROM bandit.arms WHERE bandit = 'ml' AND role = 'arm') a
LEFT JOIN LATERAL bandit.candidates('ml', a.arm, u.user_id, 20) c ON true
LEFT JOIN kept_back k ON k.user_id = u.user_id AND k.movie_id = c.item_id AND k.rating >= 4
GROUP BY 1, 2;
CREATE TABLE users AS
SELECT user_id, bandit.user_context('ml', user_id) AS context FROM (SELECT DISTINCT user_id FROM hits) u;
CREATE TABLE players (player text, context text[]);
INSERT INTO players VALUES ('without context', '{}'), ('user_type', '{user_type}'),
	('user_type and genre_saturation', '{user_type,genre_saturation}');
CREATE TABLE replayed (player text, run int, round int, arm text, hit boolean);
SELECT bandit.create_bandit('replay', ARRAY(SELECT arm FROM bandit.arms WHERE bandit = 'ml' AND role = 'arm'),
	'{user_type,genre_saturation}');

CREATE PROCEDURE play(player text, features text[], run int, rounds int)
LANGUAGE plpgsql AS $$
DECLARE
	comes record;
	chosen record;
	earned boolean;
BEGIN
	DELETE FROM bandit.evidence WHERE bandit = 'replay';
	PERFORM bandit.set_seed(run);
	FOR comes IN
		SELECT row_number() OVER (ORDER BY turn, hashint8extended(user_id, run * 1000 + turn)) AS round, user_id,
			(SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(context)
			 WHERE key = ANY (features)) AS context
		FROM users, generate_series(1, rounds / (SELECT count(*) FROM users)::int + 1) turn
		LIMIT rounds
	LOOP
		SELECT s.arm INTO chosen FROM bandit.select_arms('replay', comes.context, 1) s;
		SELECT h.hit INTO earned FROM hits h WHERE h.user_id = comes.user_id AND h.arm = chosen.arm;
		PERFORM bandit.update_bandit('replay', comes.context, chosen.arm,
			CASE WHEN earned THEN 'success' ELSE 'failure' END);
		INSERT INTO replayed VALUES (player, run, comes.round, chosen.arm, earned);
		IF comes.round % 1000 = 0 THEN COMMIT; END IF;
	END LOOP;
END;
$$;

SELECT format('CALL play(%L, %L, %s, 20000)', player, context, run)
FROM players, generate_series(1, :runs) run
\gexec

-- what there is to compare with, and what came of it
CREATE VIEW outcome AS
SELECT 1 AS place, 'uniform choice' AS player, avg(hit::int) AS hit, NULL::numeric AS se, NULL::numeric AS second_half FROM hits
UNION ALL
(SELECT 2, 'best single arm, ' || arm, avg(hit::int), NULL, NULL FROM hits GROUP BY arm ORDER BY 3 DESC LIMIT 1)
UNION ALL
SELECT 3, 'bandit, ' || CASE player WHEN 'without context' THEN player ELSE 'by ' || player END, avg(hit), stddev(hit) / sqrt(count(*))::numeric, avg(late)
FROM (SELECT player, run, avg(hit::int) AS hit, avg(hit::int) FILTER (WHERE round > 10000) AS late FROM replayed GROUP BY 1, 2) r
GROUP BY player
UNION ALL
SELECT 4, 'best arm of each user_type and genre_saturation', sum(users * best) / sum(users), NULL, NULL FROM (
	SELECT context, max(users) AS users, max(hit) AS best FROM (
		SELECT context - '{time_period,day_of_week,session_position}'::text[] AS context, arm, count(*) AS users,
			avg(hit::int) AS hit FROM hits JOIN users USING (user_id) GROUP BY 1, 2) c
	GROUP BY 1) b
UNION ALL
SELECT 5, 'oracle, best arm of each user', avg(hit), NULL, NULL FROM (SELECT max(hit::int) AS hit FROM hits GROUP BY user_id) u;
