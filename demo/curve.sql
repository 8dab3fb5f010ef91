-- The learning curve: clicks per 100 films shown, and who was given the room.
CREATE TEMP VIEW served AS
SELECT (day + 1) / 2 AS period, variant, shown, clicked, arms FROM demo.visits;

CREATE TEMP VIEW curve AS
SELECT period, 100.0 * sum(clicked) FILTER (WHERE variant = 'bandit')
		/ sum(shown) FILTER (WHERE variant = 'bandit') AS bandit,
	100.0 * sum(clicked) FILTER (WHERE variant = 'control')
		/ sum(shown) FILTER (WHERE variant = 'control') AS control
FROM served GROUP BY period;

SELECT format('%s-%s', period * 2 - 1, period * 2) AS days,
	round(bandit, 1) AS bandit,
	rpad(repeat('█', round(bandit * 24 / top)::int), 24) AS " clicks per 100 films, bandit",
	round(control, 1) AS control,
	rpad(repeat('▒', round(control * 24 / top)::int), 24) AS " control"
FROM curve, (SELECT greatest(max(bandit), max(control)) AS top FROM curve) t
ORDER BY period;

\echo
\echo 'Share of the films shown by the bandit, by arm (one column per two days):'
WITH share AS (
	SELECT period, arm, count(*)::float8 / sum(count(*)) OVER (PARTITION BY period) AS share
	FROM served, unnest(arms) arm
	WHERE variant = 'bandit' GROUP BY period, arm
), grid AS (
	SELECT p.period, a.arm, coalesce(s.share, 0) AS share
	FROM (SELECT DISTINCT period FROM share) p
	CROSS JOIN (SELECT DISTINCT arm FROM share) a
	LEFT JOIN share s USING (period, arm)
)
SELECT arm,
	string_agg(repeat((string_to_array(' ▁▂▃▄▅▆▇█', NULL))[1 + round(8 * share)::int], 2), ''
		ORDER BY period) AS "day 1 → last",
	round(100 * (array_agg(share ORDER BY period))[1]) || ' %' AS at_first,
	round(100 * (array_agg(share ORDER BY period DESC))[1]) || ' %' AS at_last
FROM grid GROUP BY arm ORDER BY (array_agg(share ORDER BY period DESC))[1] DESC, arm;
