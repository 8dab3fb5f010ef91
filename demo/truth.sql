-- What the bandit could not know: how each arm would do alone, for every user,
-- by the held-out ratings.  Nothing is logged or learnt here.
CREATE TABLE demo.truth AS
SELECT u.user_id, c.context->>'user_type' AS user_type,
	c.context->>'genre_saturation' AS saturation, c.context, a.arm, a.role,
	count(*) AS shown, count(h.movie_id) AS liked
FROM (SELECT DISTINCT user_id FROM demo.held_out) u
CROSS JOIN LATERAL (
	SELECT bandit.user_context('movies', u.user_id) AS context OFFSET 0) c
CROSS JOIN bandit.arms a
CROSS JOIN LATERAL bandit.candidates('movies', a.arm, u.user_id, 20) l
LEFT JOIN demo.held_out h ON h.user_id = u.user_id
	AND h.movie_id = l.item_id AND h.rating >= 4
WHERE a.bandit = 'movies'
GROUP BY u.user_id, c.context, a.arm, a.role;

CREATE VIEW demo.rates AS
SELECT context, user_type, saturation, arm, role,
	round(100.0 * sum(liked) / sum(shown), 1) AS rate
FROM demo.truth
GROUP BY context, user_type, saturation, arm, role;

CREATE VIEW demo.alone AS
SELECT arm,
	max(rate) FILTER (WHERE user_type = 'cold_start') AS cold_start,
	max(rate) FILTER (WHERE user_type = 'regular') AS regular,
	max(rate) FILTER (WHERE user_type = 'power_user') AS power_user,
	max(rate) FILTER (WHERE user_type IS NULL) AS everybody
FROM (
	SELECT arm, role, user_type, round(100.0 * sum(liked) / sum(shown), 1) AS rate
	FROM demo.truth GROUP BY GROUPING SETS ((arm, role, user_type), (arm, role))
) r
GROUP BY arm, role
ORDER BY role = 'control', everybody DESC;

-- The bandit's belief, where it has been asked often enough to have one.
CREATE VIEW demo.leaders AS
SELECT s.context->>'user_type' AS user_type,
	s.context->>'genre_saturation' AS saturation, s.pulls,
	s.believed, b.arm AS is,
	CASE WHEN s.believed = b.arm THEN '✓' ELSE '' END AS "?"
FROM (
	SELECT context, sum(pulls) AS pulls, max(arm) FILTER (WHERE leads) AS believed
	FROM bandit.context_stats WHERE bandit = 'movies'
	GROUP BY context
) s
JOIN (
	SELECT DISTINCT ON (context) context, arm
	FROM demo.rates WHERE role = 'arm'
	ORDER BY context, rate DESC, arm
) b USING (context)
WHERE s.pulls > 0
ORDER BY s.pulls DESC, user_type, saturation;
