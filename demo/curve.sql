-- The learning curve: clicks per 100 films shown, and who was given the room.
CREATE TEMP VIEW served AS
SELECT (day + 1) / 2 AS period, day, variant, shown, clicked, arms
FROM demo.visits;

CREATE TEMP VIEW curve AS
SELECT period, min(day) AS first_day, max(day) AS last_day,
	100.0 * sum(clicked) FILTER (WHERE variant = 'bandit')
		/ sum(shown) FILTER (WHERE variant = 'bandit') AS bandit,
	100.0 * sum(clicked) FILTER (WHERE variant = 'control')
		/ sum(shown) FILTER (WHERE variant = 'control') AS control
FROM served GROUP BY period;

SELECT concat_ws('-', first_day, nullif(last_day, first_day)) AS days,
	round(bandit, 1) AS bandit,
	rpad(repeat('█', round(bandit * 22 / top)::int), 22) AS "clicks per 100 films",
	round(control, 1) AS control,
	rpad(repeat('▒', round(control * 22 / top)::int), 22) AS " "
FROM curve,
	(SELECT nullif(greatest(max(bandit), max(control)), 0) AS top FROM curve) t
ORDER BY period;

\echo
\echo 'Share of the films shown by the bandit, by arm (one column per two days; hybrid'
\echo 'shows where the arms drawn could not fill a list):'
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
	to_char(100 * (array_agg(share ORDER BY period))[1], '990.0 %') AS at_first,
	to_char(100 * (array_agg(share ORDER BY period DESC))[1], '990.0 %') AS at_last
FROM grid GROUP BY arm ORDER BY (array_agg(share ORDER BY period DESC))[1] DESC, arm;
