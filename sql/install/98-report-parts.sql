-- Parts of bandit.report: pictures, and the numbers beside them.

CREATE FUNCTION bandit_internal.report_arms(name text, OUT place int, OUT arm text,
	OUT class text, OUT alpha float8, OUT beta float8, OUT pulls bigint, OUT enabled boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- twelve at most, the best known first; colours by registration
	SELECT (row_number() OVER (ORDER BY t.registered))::int, t.arm,
		's' || least(row_number() OVER (ORDER BY t.registered), 9), t.alpha, t.beta, t.pulls, t.enabled
	FROM (
		SELECT a.arm, a.position AS registered, a.enabled, s.pulls,
			coalesce(a.prior_alpha, b.prior_alpha) + s.successes AS alpha,
			coalesce(a.prior_beta, b.prior_beta) + s.failures AS beta
		FROM bandit.arms a
		JOIN bandit.bandits b ON b.name = a.bandit
		JOIN bandit.arm_stats s ON s.bandit = a.bandit AND s.arm = a.arm
		WHERE a.bandit = report_arms.name AND a.role = 'arm'
		ORDER BY s.pulls DESC, a.position LIMIT 12
	) AS t;
END;
COMMENT ON FUNCTION bandit_internal.report_arms(text) IS
'The arms of a report with their colours and their posteriors over all contexts: the twelve with the most pulls.';

CREATE FUNCTION bandit_internal.report_figure(title text, picture text, table_ text, note text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<section><h2>' || bandit_internal.html(title) || '</h2>'
		|| coalesce('<p>' || bandit_internal.html(note) || '</p>', '') || '<div class="pair"><figure>'
		|| coalesce(picture, '<p class="none">No data yet.</p>') || '</figure>' || coalesce(table_, '') || '</div></section>';
END;
COMMENT ON FUNCTION bandit_internal.report_figure(text, text, text, text) IS
'A part of the report: picture and table, side by side where there is room.';

CREATE FUNCTION bandit_internal.report_legend(names text[], classes text[])
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<figcaption>' || string_agg(format('<span class="name"><span class="key %s"></span>%s</span> ', c, bandit_internal.html(n)), '' ORDER BY p)
		|| '</figcaption>'
	FROM unnest(names, classes) WITH ORDINALITY AS u (n, c, p);
END;
COMMENT ON FUNCTION bandit_internal.report_legend(text[], text[]) IS
'Which colour is what.';

CREATE FUNCTION bandit_internal.density_shape(alpha float8, beta float8, low float8,
	high float8, base float8, tall float8)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH points AS (
		SELECT i, x, CASE WHEN x > 0 AND x < 1 THEN bandit.beta_pdf(x, density_shape.alpha, density_shape.beta) ELSE 0 END AS y
		FROM generate_series(0, 100) i, LATERAL (SELECT low + (high - low) * i / 100.0::float8) AS g (x)
	), inner_points AS (
		-- around the mode, which may be narrower than the grid
		SELECT 1000 + i, x, bandit.beta_pdf(x, density_shape.alpha, density_shape.beta)
		FROM generate_series(1, 39) i, LATERAL (SELECT bandit.beta_quantile(i / 40.0::float8,
			density_shape.alpha, density_shape.beta)) AS q (x)
		WHERE x > 0 AND x < 1
	), both_points AS (
		SELECT x, y FROM points UNION SELECT x, y FROM inner_points AS n (i, x, y) WHERE x BETWEEN low AND high
	), tallest AS (
		SELECT max(least(y, 1e6)) AS y FROM both_points
	)
	SELECT jsonb_build_array(jsonb_build_array(low, base))
		|| jsonb_agg(jsonb_build_array(p.x, base + CASE WHEN p.y > 1e-6 * t.y THEN tall * least(p.y, 1e6) / t.y ELSE 0 END) ORDER BY p.x)
		|| jsonb_build_array(jsonb_build_array(high, base))
	FROM both_points p CROSS JOIN tallest t;
END;
COMMENT ON FUNCTION bandit_internal.density_shape(float8, float8, float8, float8, float8, float8) IS
'The corners of the density of Beta(alpha, beta) from low to high, standing on "base" and as high as "tall" at its largest.';

CREATE FUNCTION bandit_internal.report_posteriors(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH arms AS (
		SELECT a.*, bandit.beta_quantile(0.005, a.alpha, a.beta) AS low,
			bandit.beta_quantile(0.995, a.alpha, a.beta) AS high
		FROM bandit_internal.report_arms(report_posteriors.name) a
	), edge AS (
		SELECT greatest(0, min(a.low) - 0.05 * (max(a.high) - min(a.low))) AS low,
			least(1, max(a.high) + 0.05 * (max(a.high) - min(a.low))) AS high, count(*) AS n FROM arms a
	), drawn AS (
		SELECT jsonb_agg(jsonb_build_object('class', a.class, 'area', s.shape, 'line', s.shape) ORDER BY a.place) AS series,
			jsonb_agg(jsonb_build_array(e.n - a.place + 0.15, CASE WHEN length(a.arm) > 15 THEN left(a.arm, 14) || '…' ELSE a.arm END)) AS names
		FROM arms a CROSS JOIN edge e
		CROSS JOIN LATERAL bandit_internal.density_shape(a.alpha, a.beta, e.low, e.high, e.n - a.place, 0.9) AS s (shape)
	)
	SELECT bandit_internal.report_figure('What each arm is worth',
		bandit_internal.chart('Densities of the arms'' posteriors', d.series, ARRAY[e.low, e.high],
			ARRAY[0, e.n::float8], bandit_internal.number_ticks(e.low, e.high), d.names, 115, 60 + 34 * e.n),
		bandit_internal.html_table('{arm,mean,"95 %","",pulls}', (SELECT array_agg(c ORDER BY s.mean DESC, s.arm, c_place)
			FROM bandit.arm_stats s CROSS JOIN LATERAL unnest(ARRAY[s.arm || CASE WHEN s.enabled THEN '' ELSE ' (off)' END,
				bandit_internal.short_number(s.mean), bandit_internal.short_number(s.lower),
				bandit_internal.short_number(s.upper), bandit_internal.short_number(s.pulls)]) WITH ORDINALITY AS u (c, c_place)
			WHERE s.bandit = report_posteriors.name)),
		'Posterior of the reward over all contexts; each curve as high as its own peak.')
	FROM drawn d CROSS JOIN edge e;
END;
COMMENT ON FUNCTION bandit_internal.report_posteriors(text) IS 'Posteriors of the arms, over all contexts.';

CREATE FUNCTION bandit_internal.report_contexts(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH states AS MATERIALIZED (
		SELECT s.context_hash, s.context, s.arm, s.alpha, s.beta, s.pulls, r.class
		FROM bandit.bandit_states s
		JOIN bandit_internal.report_arms(report_contexts.name) r ON r.arm = s.arm
		WHERE s.bandit = report_contexts.name
	), top AS (
		SELECT t.*, row_number() OVER (ORDER BY t.pulls DESC, t.context_hash) AS place, count(*) OVER () AS n
		FROM (SELECT s.context_hash, min(s.context::text) AS context, sum(s.pulls) AS pulls FROM states s
			GROUP BY s.context_hash ORDER BY 3 DESC, 1 LIMIT 6) AS t
	), rows AS (
		SELECT t.place, t.n, s.*, s.alpha / (s.alpha + s.beta) AS mean,
			bandit.beta_quantile(0.01, s.alpha, s.beta) AS low, bandit.beta_quantile(0.99, s.alpha, s.beta) AS high
		FROM top t JOIN states s USING (context_hash)
	), edge AS (
		SELECT min(r.low) AS low, max(r.high) AS high, max(r.n)::float8 AS n FROM rows r
	), drawn AS (
		SELECT jsonb_agg(jsonb_build_object('class', r.class, 'area', s.shape, 'line', s.shape) ORDER BY r.place, r.arm) AS series
		FROM rows r CROSS JOIN edge e
		CROSS JOIN LATERAL bandit_internal.density_shape(r.alpha, r.beta, e.low, e.high, e.n - r.place, 0.9) AS s (shape)
	), leaders AS (
		SELECT DISTINCT ON (r.place) r.place, r.arm, r.mean FROM rows r ORDER BY r.place, r.mean DESC, r.arm
	)
	SELECT bandit_internal.report_figure('In each context',
		bandit_internal.chart('Densities of the arms'' posteriors in the contexts met most', d.series, ARRAY[e.low, e.high],
			ARRAY[0, e.n], bandit_internal.number_ticks(e.low, e.high),
			(SELECT jsonb_agg(jsonb_build_array(e.n - t.place + 0.15, t.place)) FROM top t), 30, 60 + 44 * e.n)
		|| (SELECT bandit_internal.report_legend(array_agg(a.arm ORDER BY a.place), array_agg(a.class ORDER BY a.place))
			FROM bandit_internal.report_arms(report_contexts.name) a),
		bandit_internal.html_table('{"",context,leads,mean,pulls}', (SELECT array_agg(c ORDER BY t.place, p)
			FROM top t JOIN leaders l ON l.place = t.place
			CROSS JOIN LATERAL unnest(ARRAY[t.place::text, coalesce(translate(t.context, '{}"', ''), '?'), l.arm,
				bandit_internal.short_number(l.mean), bandit_internal.short_number(t.pulls::float8)]) WITH ORDINALITY AS u (c, p))),
		'Posteriors in the contexts met most, six at most; each curve as high as its own peak.')
	FROM drawn d CROSS JOIN edge e WHERE EXISTS (SELECT FROM bandit.bandits b
		WHERE b.name = report_contexts.name AND cardinality(b.features) > 0);
END;
COMMENT ON FUNCTION bandit_internal.report_contexts(text) IS
'Posteriors of the arms in the contexts with the most pulls; NULL for a bandit without features.';

CREATE FUNCTION bandit_internal.report_bucket(name text)
RETURNS interval
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH span AS (
		SELECT bandit.decision_time((SELECT d.decision_id FROM bandit.decisions d WHERE d.bandit = report_bucket.name ORDER BY d.decision_id DESC LIMIT 1))
			- bandit.decision_time((SELECT d.decision_id FROM bandit.decisions d WHERE d.bandit = report_bucket.name ORDER BY d.decision_id LIMIT 1)) AS length
	)
	SELECT coalesce((SELECT min(b) FROM span s,
		unnest('{1 second,5 seconds,30 seconds,2 minutes,10 minutes,1 hour,6 hours,1 day,7 days,28 days}'::interval[]) b
		WHERE b >= s.length / 30), '28 days');
END;
COMMENT ON FUNCTION bandit_internal.report_bucket(text) IS
'The pieces that a report cuts time into: 30 or fewer, while they are of 28 days at most.';

CREATE FUNCTION bandit_internal.report_shares(name text, bucket interval)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH history AS MATERIALIZED (
		SELECT extract(epoch FROM h.period)::float8 AS t, h.period, coalesce(a.class, 's9') AS class,
			coalesce(a.place, 99) AS place, coalesce(a.arm, 'all others') AS arm, sum(h.served) AS served, sum(h.share) AS share
		FROM bandit.arm_history(report_shares.name, report_shares.bucket) h
		LEFT JOIN bandit_internal.report_arms(report_shares.name) a ON a.arm = h.arm
		WHERE h.served > 0
		GROUP BY h.period, a.class, a.place, a.arm
	), arms AS (
		SELECT h.place, min(h.class) AS class, min(h.arm) AS arm, sum(h.served) AS served FROM history h GROUP BY h.place
	), filled AS (
		SELECT p.t, a.place, a.class, coalesce(h.share, 0) AS share,
			sum(coalesce(h.share, 0)) OVER (PARTITION BY p.t ORDER BY a.place) AS top
		FROM (SELECT DISTINCT t FROM history) AS p CROSS JOIN arms a
		LEFT JOIN history h ON h.t = p.t AND h.place = a.place
	), edge AS (
		SELECT min(h.t) AS low, max(h.t) + extract(epoch FROM bucket)::float8 AS high FROM history h HAVING count(*) > 0
	), steps AS (
		-- each piece of time is a step: at its start and at its end
		SELECT f.place, f.class, f.t + s.after AS t, f.top - f.share AS low, f.top AS high, s.after
		FROM filled f CROSS JOIN (VALUES (0::float8), (extract(epoch FROM bucket)::float8 * 0.999)) AS s (after)
	), shapes AS (
		SELECT s.place, s.class, jsonb_agg(jsonb_build_array(s.t, s.high) ORDER BY s.t)
			|| jsonb_agg(jsonb_build_array(s.t, s.low) ORDER BY s.t DESC) AS shape
		FROM steps s GROUP BY s.place, s.class
	), recent AS (
		SELECT h.place, sum(h.served) AS served, sum(sum(h.served)) OVER () AS total FROM history h
		WHERE h.t = (SELECT max(t) FROM history) GROUP BY h.place
	)
	SELECT bandit_internal.report_figure('Who serves', bandit_internal.chart('Share of each arm over time',
			(SELECT jsonb_agg(jsonb_build_object('class', 'solid ' || s.class, 'area', s.shape, 'line', '[]'::jsonb) ORDER BY s.place) FROM shapes s),
			ARRAY[e.low, e.high], '{0,1}', bandit_internal.time_ticks(to_timestamp(e.low), to_timestamp(e.high)),
			'[[0, "0"], [0.25, "25 %"], [0.5, "50 %"], [0.75, "75 %"], [1, "100 %"]]')
		|| (SELECT bandit_internal.report_legend(array_agg(a.arm ORDER BY a.place), array_agg(a.class ORDER BY a.place)) FROM arms a),
		bandit_internal.html_table('{arm,"in all","share","lately"}', (SELECT array_agg(c ORDER BY a.place, p)
			FROM arms a LEFT JOIN recent r USING (place)
			CROSS JOIN LATERAL unnest(ARRAY[a.arm, bandit_internal.short_number(a.served::float8),
				round(100 * a.served / (SELECT sum(x.served) FROM arms x), 1) || ' %',
				coalesce(round(100 * r.served / r.total, 1) || ' %', '0 %')]) WITH ORDINALITY AS u (c, p))),
		format('Items, or choices, that each arm was credited with, in pieces of %s; lately: the newest piece.', bandit_internal.piece_words(bucket)))
	FROM (SELECT (SELECT x.low FROM edge x) AS low, (SELECT x.high FROM edge x) AS high) AS e;
END;
COMMENT ON FUNCTION bandit_internal.report_shares(text, interval) IS 'Shares of the arms over time.';

CREATE FUNCTION bandit_internal.report_style()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT $css$<style>
:root{color-scheme:light dark;--page:#fbfbf9;--card:#fff;--ink:#1b1b18;--soft:#62625c;--rule:#e2e2dc;
--s1:#2a6fc9;--s2:#d9622b;--s3:#17936a;--s4:#c18a00;--s5:#7b46c2;--s6:#c92a63;--s7:#0b8494;--s8:#5f7a1e;--s9:#8a8a82;
--good:#17754f;--warn:#9a6700;--bad:#c0272d}
@media (prefers-color-scheme:dark){:root{--page:#161614;--card:#1f1f1c;--ink:#eeeee8;--soft:#a9a9a0;--rule:#383833;
--s1:#6aa5f5;--s2:#ff8f5c;--s3:#3ecb98;--s4:#e8b63a;--s5:#b38bf2;--s6:#f2729c;--s7:#3fc3d4;--s8:#a5c455;--s9:#9d9d94;
--good:#4ecb97;--warn:#e8b63a;--bad:#ff7b7b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1120px;margin:0 auto;padding:16px}
h1{font-size:1.6rem;margin:.4em 0 0}h2{font-size:1.15rem;margin:0 0 .2em}
p{margin:.2em 0 .8em;color:var(--soft)}
section{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:16px;margin:16px 0}
.pair{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:24px;align-items:start}
@media (max-width:800px){.pair{grid-template-columns:minmax(0,1fr)}main{padding:8px}section{padding:12px}}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:16px 0}
.card{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 14px}
.card b{display:block;font-size:1.35rem;overflow-wrap:anywhere}.card span{color:var(--soft);font-size:.85rem}
figure{margin:0}svg{display:block;width:100%;height:auto}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
.grid{stroke:var(--rule);fill:none}.open{fill:var(--rule);opacity:.5}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.area{fill:currentColor;opacity:.25;stroke:none}.solid{opacity:.85}
figcaption{font-size:.85rem;color:var(--soft);margin-top:6px;overflow-wrap:anywhere}
.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;background:currentColor;margin:0 .35em 0 .6em}
.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}.s4{color:var(--s4)}.s5{color:var(--s5)}
.s6{color:var(--s6)}.s7{color:var(--s7)}.s8{color:var(--s8)}.s9{color:var(--s9)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft)}
th,td{padding:4px 10px 4px 0;text-align:left;border-bottom:1px solid var(--rule);vertical-align:top}
th{color:var(--soft);font-weight:600}td{white-space:nowrap}.name{display:inline-block;max-width:100%}.wrap{white-space:normal;overflow-wrap:anywhere;min-width:12em}
.ok,.keep{color:var(--good)}.unknown{color:var(--soft)}.warning{color:var(--warn)}.critical,.alert,.stop{color:var(--bad)}
.none{padding:2em;text-align:center;border:1px dashed var(--rule);border-radius:8px}
</style>$css$;
END;
COMMENT ON FUNCTION bandit_internal.report_style() IS
'The style sheet of a report: light or dark as the reader has it, one column on a phone.';
