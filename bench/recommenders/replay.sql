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
