-- Pictures for bandit.report: SVG as text, drawn by queries; no script, no font,
-- nothing from outside.  Coordinates are those of a box of 440 by "height".

CREATE FUNCTION bandit_internal.html(value text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT replace(replace(replace(replace(regexp_replace(value, E'[\\x01-\\x08\\x0b-\\x1f]', ' ', 'g'),
		'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;');
END;
COMMENT ON FUNCTION bandit_internal.html(text) IS
'The text as it stands in HTML, between tags or in quoted attributes.';

CREATE FUNCTION bandit_internal.short_number(value float8)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN value IS NULL OR value IN ('NaN', 'Infinity', '-Infinity') THEN ''
		WHEN value = 0 THEN '0'
		WHEN abs(value) >= 100 THEN to_char(value::numeric, 'FM999,999,999,999,990')
		WHEN abs(value) < 1e-9 THEN '0'
		ELSE trim_scale(round(value::numeric, 2 - floor(log(abs(value)))::int))::text END;
END;
COMMENT ON FUNCTION bandit_internal.short_number(float8) IS
'A number for people: three digits that matter, whole above 100; empty for what is none.';

CREATE FUNCTION bandit_internal.ticks(low float8, high float8, wanted int DEFAULT 4)
RETURNS float8[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH raw AS (
		-- a WHERE would not keep the planner from log(0)
		SELECT CASE WHEN high > low THEN (high - low) / wanted END AS step
	), nice AS (
		SELECT (SELECT min(m * 10 ^ floor(log(r.step))) FROM unnest('{1,2,2.5,5,10}'::float8[]) m
			WHERE m * 10 ^ floor(log(r.step)) >= r.step * 0.999) AS step
		FROM raw r
	)
	SELECT coalesce((SELECT array_agg(k * n.step ORDER BY k) FROM nice n,
		generate_series(ceil(low / n.step - 1e-9)::bigint, floor(high / n.step + 1e-9)::bigint) k), ARRAY[low]);
END;
COMMENT ON FUNCTION bandit_internal.ticks(float8, float8, int) IS
'Round numbers from low to high, about as many as wanted (Heckbert 1990, nice numbers).';

CREATE FUNCTION bandit_internal.tick_words(value float8, step float8)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN value = 0 OR abs(value) < step * 1e-6 THEN '0'
		WHEN abs(value) BETWEEN 0.001 AND 99999
			THEN rtrim(to_char(round(value::numeric, p.places), 'FM999,990.' || repeat('9', greatest(p.places, 0))), '.')
		ELSE trim_scale(round((value / 10 ^ p.power)::numeric, 2)) || 'e' || p.power END
	FROM (SELECT least(coalesce(1 - floor(log(nullif(step, 0))), 2), 6)::int AS places,
			floor(log(nullif(abs(value), 0)) + 1e-9)::int AS power) AS p;
END;
COMMENT ON FUNCTION bandit_internal.tick_words(float8, float8) IS
'A number at an axis whose ticks are "step" apart: as many digits as tell it from the next, and few enough to stand beside the picture.';

CREATE FUNCTION bandit_internal.number_ticks(low float8, high float8)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(jsonb_agg(jsonb_build_array(u.t, bandit_internal.tick_words(u.t, t.places[2] - t.places[1])) ORDER BY u.t), '[]')
	FROM (SELECT bandit_internal.ticks(low, high) AS places) AS t CROSS JOIN LATERAL unnest(t.places) AS u (t);
END;
COMMENT ON FUNCTION bandit_internal.number_ticks(float8, float8) IS
'Ticks of an axis of numbers, for bandit_internal.chart.';

CREATE FUNCTION bandit_internal.time_ticks(starts timestamptz, ends timestamptz)
RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH steps AS (
		SELECT s.step FROM unnest('{1 second,5 seconds,15 seconds,1 minute,5 minutes,15 minutes,1 hour,3 hours,6 hours,12 hours,1 day,2 days,7 days,14 days,28 days,91 days,364 days}'::interval[])
			WITH ORDINALITY AS s (step, place)
		WHERE s.step >= (ends - starts) / 4 OR s.step = '364 days' ORDER BY s.place LIMIT 1
	)
	SELECT coalesce(jsonb_agg(jsonb_build_array(extract(epoch FROM t.at), to_char(t.at,
		CASE WHEN s.step >= '1 day' THEN 'YYYY-MM-DD' WHEN s.step >= '1 minute' AND ends - starts > '1 day' THEN 'DD HH24:MI'
			WHEN s.step >= '1 minute' THEN 'HH24:MI' ELSE 'HH24:MI:SS' END)) ORDER BY t.at), '[]')
	FROM steps s, generate_series(date_bin(s.step, starts, timestamptz '2000-01-01'), ends, s.step) AS t (at)
	WHERE t.at >= starts;
END;
COMMENT ON FUNCTION bandit_internal.time_ticks(timestamptz, timestamptz) IS
'Ticks of an axis of time, whose numbers are seconds since 1970, for bandit_internal.chart.';

CREATE FUNCTION bandit_internal.piece_words(bucket interval)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT p.number || ' ' || p.unit || CASE p.number WHEN 1 THEN '' ELSE 's' END
	FROM (SELECT (s.length / u.length)::int AS number, u.unit
		FROM (SELECT extract(epoch FROM bucket)) AS s (length),
			(VALUES (86400, 'day'), (3600, 'hour'), (60, 'minute'), (1, 'second')) AS u (length, unit)
		WHERE s.length >= u.length ORDER BY u.length DESC LIMIT 1) AS p;
END;
COMMENT ON FUNCTION bandit_internal.piece_words(interval) IS
'A piece of time in words, in days, hours, minutes or seconds.';

CREATE FUNCTION bandit_internal.piece_time(at timestamptz, bucket interval)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT to_char(at, CASE WHEN bucket < '1 minute' THEN 'MM-DD HH24:MI:SS'
		WHEN bucket < '1 day' THEN 'YYYY-MM-DD HH24:MI' ELSE 'YYYY-MM-DD' END);
END;
COMMENT ON FUNCTION bandit_internal.piece_time(timestamptz, interval) IS
'A moment, as exact as the pieces that time is cut into.';

CREATE FUNCTION bandit_internal.polyline(points jsonb, x_range float8[], y_range float8[],
	margin float8, height float8)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(CASE p.place WHEN 1 THEN 'M' ELSE 'L' END
		|| round((margin + ((p.point->>0)::float8 - x_range[1]) / nullif(x_range[2] - x_range[1], 0)
			* (430 - margin))::numeric, 1) || ' '
		|| round((10 + (y_range[2] - (p.point->>1)::float8) / nullif(y_range[2] - y_range[1], 0)
			* (height - 40))::numeric, 1), '' ORDER BY p.place)
	FROM jsonb_array_elements(points) WITH ORDINALITY AS p (point, place)
	WHERE p.point->>1 IS NOT NULL;
END;
COMMENT ON FUNCTION bandit_internal.polyline(jsonb, float8[], float8[], float8, float8) IS
'The path of an SVG picture through points [x, y], in the coordinates of bandit_internal.chart.';

CREATE FUNCTION bandit_internal.chart(label text, series jsonb, x_range float8[],
	y_range float8[], x_ticks jsonb, y_ticks jsonb, margin float8 DEFAULT 50,
	height float8 DEFAULT 240, open_from float8 DEFAULT NULL)
RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
	WITH edge AS (
		SELECT ARRAY[x_range[1], greatest(x_range[2], x_range[1] + 1e-9)] AS x,
			ARRAY[y_range[1], greatest(y_range[2], y_range[1] + 1e-9)] AS y
	), grid AS (
		SELECT string_agg(format('<path class="grid" d="M%s %sH430"/><text x="%s" y="%s" text-anchor="end">%s</text>',
			margin, t.at, margin - 6, t.at + 4, bandit_internal.html(t.words)), '') AS drawn
		FROM (SELECT round((10 + (e.y[2] - (t->>0)::float8) / (e.y[2] - e.y[1]) * (height - 40))::numeric, 1) AS at,
				t->>1 AS words FROM edge e, jsonb_array_elements(y_ticks) t) AS t
	), foot AS (
		SELECT string_agg(format('<text x="%s" y="%s" text-anchor="middle">%s</text>',
			round(greatest(margin + 8, least(405, t.at))::numeric, 1), height - 10, bandit_internal.html(t.words)), '') AS drawn
		FROM (SELECT margin + ((t->>0)::float8 - e.x[1]) / (e.x[2] - e.x[1]) * (430 - margin) AS at,
				t->>1 AS words FROM edge e, jsonb_array_elements(x_ticks) t) AS t
	), curves AS (
		SELECT string_agg(format('<path class="area %s" d="%sZ"/>', c.one->>'class',
				bandit_internal.polyline(c.one->'area', e.x, e.y, margin, height)), '' ORDER BY c.place)
				FILTER (WHERE jsonb_array_length(c.one->'area') > 2) AS areas,
			string_agg(format('<path class="line %s" d="%s"/>', c.one->>'class',
				bandit_internal.polyline(c.one->'line', e.x, e.y, margin, height)), '' ORDER BY c.place)
				FILTER (WHERE jsonb_array_length(c.one->'line') > 0) AS lines
		FROM edge e, jsonb_array_elements(series) WITH ORDINALITY AS c (one, place)
	), shade AS (
		SELECT format('<rect class="open" x="%s" y="10" width="%s" height="%s"/>', round(s.at::numeric, 1),
			round((430 - s.at)::numeric, 1), height - 40) AS drawn
		FROM (SELECT margin + greatest((open_from - e.x[1]) / (e.x[2] - e.x[1]), 0) * (430 - margin) AS at FROM edge e
			WHERE open_from < e.x[2]) AS s
	)
	SELECT format('<svg viewBox="0 0 440 %s" role="img" aria-label="%s">%s%s%s%s%s</svg>', height,
		bandit_internal.html(label), (SELECT drawn FROM shade), g.drawn, f.drawn, c.areas, c.lines)
	FROM grid g CROSS JOIN foot f CROSS JOIN curves c;
END;
COMMENT ON FUNCTION bandit_internal.chart(text, jsonb, float8[], float8[], jsonb, jsonb, float8, float8, float8) IS
'A picture as SVG. series: [{"class": its colour, "line": [[x, y], ...], "area": the corners of a filled shape}, ...]; ticks: [[at, "words"], ...]; margin: room for the words of the y axis; open_from: from there on x is shaded.';

CREATE FUNCTION bandit_internal.html_table(heads text[], cells text[], caption text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<div class="scroll"><table>' || coalesce('<caption>' || bandit_internal.html(caption) || '</caption>', '')
		|| '<thead><tr>' || (SELECT string_agg('<th>' || bandit_internal.html(h) || '</th>', '' ORDER BY p)
			FROM unnest(heads) WITH ORDINALITY AS u (h, p)) || '</tr></thead><tbody>'
		|| coalesce((SELECT string_agg('<tr>' || r.tds || '</tr>', '' ORDER BY r.line) FROM (
			SELECT (p - 1) / cardinality(heads) AS line,
				string_agg(CASE WHEN length(c) > 24 THEN '<td class="wrap">' ELSE '<td>' END
					|| coalesce(bandit_internal.html(c), '') || '</td>', '' ORDER BY p) AS tds
			FROM unnest(cells) WITH ORDINALITY AS u (c, p) GROUP BY 1) AS r), '')
		|| '</tbody></table></div>';
END;
COMMENT ON FUNCTION bandit_internal.html_table(text[], text[], text) IS
'A table in HTML: the cells row by row, as many to a row as there are heads.';
