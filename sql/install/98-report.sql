-- bandit.report: a page to look at.

CREATE FUNCTION bandit_internal.report_rates(name text, bucket interval, at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT date_bin(report_rates.bucket, d.decided_at, timestamptz '2000-01-01') AS period, d.variant,
			coalesce(d.subject, d.decision_id::text) AS subject, d.decision_id,
			greatest(cardinality(d.items), CASE WHEN d.items IS NULL THEN 1 ELSE 0 END) AS n
		FROM bandit.decisions d
		WHERE d.bandit = report_rates.name AND d.variant IN ('treatment', 'control')
	), earned AS (
		SELECT l.period, l.variant, l.subject, bandit_internal.combined(b.combine, array_agg(f.reward ORDER BY
				bandit_internal.response_order(b.combine, f.priority, f.reward, f.received_at, f.changed_at) DESC, f.kind)) AS reward
		FROM logged l JOIN bandit.feedback f USING (decision_id) JOIN bandit.bandits b ON b.name = f.bandit
		WHERE f.bandit = report_rates.name AND NOT f.retracted AND f.kind NOT IN ('silence', 'correction', 'outcome')
		GROUP BY l.decision_id, l.period, l.variant, l.subject, f.item_id, f.arm, b.combine
	), subjects AS (
		-- put together, not joined: a join might sum up anew for each row
		SELECT u.period, u.variant, u.subject, sum(u.n)::float8 AS n, sum(u.y) AS y FROM (
			SELECT l.period, l.variant, l.subject, l.n, 0::float8 AS y FROM logged l
			UNION ALL SELECT e.period, e.variant, e.subject, 0, e.reward FROM earned e) AS u
		GROUP BY u.period, u.variant, u.subject
	), sums AS (
		SELECT s.period, s.variant, sum(s.y) AS y, sum(s.n) AS n, sum(s.y) / sum(s.n) AS rate
		FROM subjects s WHERE s.n > 0 GROUP BY s.period, s.variant
	), rates AS (
		SELECT p.period, p.variant, p.n, p.rate, extract(epoch FROM p.period + bucket / 2)::float8 AS t, greatest(1, coalesce(
				sum((s.y - p.rate * s.n) ^ 2) * count(*) / nullif(count(*) - 1, 0) / p.n
				/ nullif(p.rate * (1 - p.rate), 0), p.n / count(*))) AS design, p.y
		FROM sums p JOIN subjects s USING (period, variant) GROUP BY p.period, p.variant, p.n, p.rate, p.y
	), bands AS (
		SELECT r.*, w.lower, w.upper,
			CASE r.variant WHEN 'treatment' THEN 's1' ELSE 's2' END AS class
		FROM rates r CROSS JOIN LATERAL bandit.wilson_interval(least(r.y, r.n) / r.design, r.n / r.design) AS w
	), edge AS (
		SELECT extract(epoch FROM min(b.period))::float8 AS low, extract(epoch FROM max(b.period) + bucket)::float8 AS high,
			greatest(least(max(b.upper), 3 * max(b.rate)), 1e-6) AS tall FROM bands b
	), ends AS (
		-- at the middle of each piece of time, and level to where the first begins and the last ends
		SELECT b.variant, b.class, b.rate, b.lower, b.upper, p.t FROM (SELECT x.*,
				row_number() OVER (PARTITION BY x.variant ORDER BY x.t) AS place,
				count(*) OVER (PARTITION BY x.variant) AS last FROM bands x) AS b
		CROSS JOIN LATERAL (VALUES (b.t), (CASE b.place WHEN 1 THEN extract(epoch FROM b.period) END),
			(CASE b.place WHEN b.last THEN extract(epoch FROM b.period + bucket) END)) AS p (t)
		WHERE p.t IS NOT NULL
	), curves AS (
		SELECT b.variant, b.class, jsonb_agg(jsonb_build_array(b.t, b.rate) ORDER BY b.t) AS line,
			jsonb_agg(jsonb_build_array(b.t, least(b.upper, e.tall)) ORDER BY b.t)
			|| jsonb_agg(jsonb_build_array(b.t, b.lower) ORDER BY b.t DESC) AS area
		FROM ends b CROSS JOIN edge e GROUP BY b.variant, b.class
	)
	SELECT bandit_internal.report_figure('What it earns', bandit_internal.chart('Mean reward of the bandit and of the control over time',
			(SELECT jsonb_agg(jsonb_build_object('class', c.class, 'line', c.line, 'area', c.area) ORDER BY c.variant) FROM curves c),
			ARRAY[e.low, e.high], ARRAY[0, e.tall], bandit_internal.time_ticks(to_timestamp(e.low), to_timestamp(e.high)),
			bandit_internal.number_ticks(0, e.tall), open_from => extract(epoch FROM (SELECT report_rates.at - b.attribution_window
				FROM bandit.bandits b WHERE b.name = report_rates.name))::float8)
		|| (SELECT bandit_internal.report_legend(array_agg(CASE c.variant WHEN 'treatment' THEN 'bandit' ELSE 'control' END
				ORDER BY c.variant DESC), array_agg(c.class ORDER BY c.variant DESC)) FROM curves c),
		bandit_internal.html_table('{from,side,mean,"95 %","",items}', (SELECT array_agg(c ORDER BY b.period DESC, b.variant DESC, p)
			FROM (SELECT x.*, dense_rank() OVER (ORDER BY x.period DESC) AS age FROM bands x) AS b
			CROSS JOIN LATERAL unnest(ARRAY[bandit_internal.piece_time(b.period, bucket),
				CASE b.variant WHEN 'treatment' THEN 'bandit' ELSE 'control' END, bandit_internal.short_number(b.rate),
				bandit_internal.short_number(b.lower), bandit_internal.short_number(b.upper),
				bandit_internal.short_number(b.n)]) WITH ORDINALITY AS u (c, p) WHERE b.age <= 5)),
		format('Mean reward of an item served (of a choice), with 95 %% bands over users, in pieces of %s. Shaded: users may still respond.', bandit_internal.piece_words(bucket)))
	FROM edge e;
END;
COMMENT ON FUNCTION bandit_internal.report_rates(text, interval, timestamptz) IS
'Mean reward of bandit and control over time, with bands.';

CREATE FUNCTION bandit_internal.report_regret(name text, bucket interval)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH curve AS MATERIALIZED (
		SELECT r.*, extract(epoch FROM r.period + bucket)::float8 AS t,
			sum(r.served) OVER (ORDER BY r.period) AS so_far
		FROM bandit.regret(report_regret.name, report_regret.bucket) r
	), edge AS (
		SELECT extract(epoch FROM min(c.period))::float8 AS low, max(c.t) AS high, greatest(max(c.upper), 1e-6) AS tall FROM curve c
	)
	SELECT bandit_internal.report_figure('What learning has cost', bandit_internal.chart('Cumulative regret over time',
			(SELECT jsonb_build_array(jsonb_build_object('class', 's1',
				'line', jsonb_build_array(jsonb_build_array((SELECT x.low FROM edge x), 0)) || jsonb_agg(jsonb_build_array(c.t, c.cumulative) ORDER BY c.t),
				'area', jsonb_build_array(jsonb_build_array((SELECT x.low FROM edge x), 0)) || jsonb_agg(jsonb_build_array(c.t, c.upper) ORDER BY c.t)
					|| jsonb_agg(jsonb_build_array(c.t, c.lower) ORDER BY c.t DESC))) FROM curve c),
			ARRAY[e.low, e.high], ARRAY[0, e.tall], bandit_internal.time_ticks(to_timestamp(e.low), to_timestamp(e.high)),
			bandit_internal.number_ticks(0, e.tall)),
		bandit_internal.html_table('{until,regret,"95 %","","an item"}', (SELECT array_agg(x ORDER BY c.period DESC, p)
			FROM (SELECT c.*, row_number() OVER (ORDER BY c.period DESC) AS age FROM curve c) AS c
			CROSS JOIN LATERAL unnest(ARRAY[bandit_internal.piece_time(c.period + bucket, bucket), bandit_internal.short_number(c.cumulative),
				bandit_internal.short_number(c.lower), bandit_internal.short_number(c.upper),
				bandit_internal.short_number(c.cumulative / nullif(c.so_far, 0))]) WITH ORDINALITY AS u (x, p) WHERE c.age <= 8)),
		'Estimated reward lost so far to choosing other arms than the best of each context, by what is known now, with its 95 % interval. A bandit that learns has a curve that flattens.')
	FROM edge e WHERE e.low IS NOT NULL;
END;
COMMENT ON FUNCTION bandit_internal.report_regret(text, interval) IS 'bandit.regret, drawn; NULL without decisions.';

CREATE FUNCTION bandit_internal.report_experiment(name text, at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT '<section><h2>Experiment: <span class="' || split_part(v.verdict, ' ', 1) || '">' || v.verdict || '</span></h2><p>'
		|| bandit_internal.html(format('%s. %s users with the bandit, %s with the control have been served and had time to respond.',
			upper(left(v.rule, 1)) || substr(v.rule, 2), v.users_treatment, v.users_control)
			|| CASE WHEN v.lift IS NULL THEN '' ELSE format(' Lift %s, in a 95 %% interval from %s to %s; the bandit is better with probability %s.',
				bandit_internal.short_number(v.lift), bandit_internal.short_number(v.lift_lower),
				bandit_internal.short_number(v.lift_upper), bandit_internal.short_number(v.p_better)) END)
		|| '</p>' || coalesce((SELECT bandit_internal.html_table('{measure,side,value,"95 %","",users}', array_agg(coalesce(c, '') ORDER BY r.place, p))
			FROM (SELECT x.*, row_number() OVER () AS place FROM bandit.experiment_report(report_experiment.name, report_experiment.at) x) AS r
			CROSS JOIN LATERAL unnest(ARRAY[r.metric, r.variant, bandit_internal.short_number(r.value),
				bandit_internal.short_number(r.lower), bandit_internal.short_number(r.upper), r.users::text]) WITH ORDINALITY AS u (c, p)
			WHERE r.users > 0 HAVING count(*) > 0), '')
		|| '</section>'
	FROM bandit.experiment_verdict(report_experiment.name, report_experiment.at) v
	WHERE EXISTS (SELECT FROM bandit.experiments e WHERE e.bandit = report_experiment.name);
END;
COMMENT ON FUNCTION bandit_internal.report_experiment(text, timestamptz) IS 'Verdict and report of the newest experiment.';

CREATE FUNCTION bandit_internal.report_alerts(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT '<section><h2>Alerts</h2>' || CASE WHEN count(*) = 0 THEN '<p>None, ever. bandit.check_health and bandit.guard look.</p>'
		ELSE bandit_internal.html_table('{opened,ended,severity,what}', array_agg(coalesce(c, '') ORDER BY a.open DESC, a.opened_at DESC, a.alert_id, p)) END
		|| '</section>'
	FROM (SELECT l.*, l.resolved_at IS NULL AS open FROM bandit.alerts l WHERE l.bandit = report_alerts.name
		ORDER BY l.resolved_at IS NULL DESC, l.opened_at DESC LIMIT 20) AS a
	CROSS JOIN LATERAL unnest(ARRAY[to_char(a.opened_at, 'YYYY-MM-DD HH24:MI'), coalesce(to_char(a.resolved_at, 'YYYY-MM-DD HH24:MI'), 'open'),
		a.severity, a.message]) WITH ORDINALITY AS u (c, p);
END;
COMMENT ON FUNCTION bandit_internal.report_alerts(text) IS 'The last twenty alerts, the open ones first.';

CREATE FUNCTION bandit_internal.report_latency(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH times AS (
		SELECT r.arm, count(*) AS n, count(*) FILTER (WHERE r.ms IS NULL) AS failed,
			percentile_cont('{0.5,0.95,0.99}'::float8[]) WITHIN GROUP (ORDER BY r.ms) AS p
		FROM bandit.decisions d CROSS JOIN LATERAL unnest(d.picks, d.pick_ms) AS r (arm, ms)
		WHERE d.bandit = report_latency.name AND d.pick_ms IS NOT NULL
		GROUP BY r.arm
	), slow AS (
		SELECT t.*, coalesce(a.class, 's9') AS class, row_number() OVER (ORDER BY t.p[2] DESC NULLS LAST, t.arm) AS place, count(*) OVER () AS rows
		FROM times t LEFT JOIN bandit_internal.report_arms(report_latency.name) a ON a.arm = t.arm
		ORDER BY t.p[2] DESC NULLS LAST, t.arm LIMIT 12
	), edge AS (
		SELECT least(max(s.rows), 12)::float8 AS n, greatest(max(s.p[2]), 0.001) AS high FROM slow s HAVING count(*) > 0
	)
	SELECT bandit_internal.report_figure('The slowest arms', bandit_internal.chart('How long the list of each arm takes',
			(SELECT jsonb_agg(jsonb_build_object('class', 'solid ' || s.class,
				'area', jsonb_build_array(jsonb_build_array(0, b.y), jsonb_build_array(s.p[2], b.y), jsonb_build_array(s.p[2], b.y + 0.5), jsonb_build_array(0, b.y + 0.5)),
				'line', jsonb_build_array(jsonb_build_array(s.p[1], b.y - 0.1), jsonb_build_array(s.p[1], b.y + 0.6))) ORDER BY s.place)
				FROM slow s CROSS JOIN LATERAL (SELECT e.n - s.place + 0.25 AS y) AS b WHERE s.p[2] IS NOT NULL),
			ARRAY[0, e.high], ARRAY[0, e.n], bandit_internal.number_ticks(0, e.high),
			(SELECT jsonb_agg(jsonb_build_array(e.n - s.place + 0.4, CASE WHEN length(s.arm) > 15 THEN left(s.arm, 14) || '…' ELSE s.arm END)) FROM slow s),
			115, 50 + 30 * e.n),
		bandit_internal.html_table('{arm,"median ms","95th","99th",failed,lists}', (SELECT array_agg(c ORDER BY s.place, q)
			FROM slow s CROSS JOIN LATERAL unnest(ARRAY[s.arm, bandit_internal.short_number(s.p[1]), bandit_internal.short_number(s.p[2]),
				bandit_internal.short_number(s.p[3]), round(100.0 * s.failed / s.n, 1) || ' %', bandit_internal.short_number(s.n)]) WITH ORDINALITY AS u (c, q))),
		'Milliseconds that the list of each arm took, up to the 95th percentile; the line is the median.')
	FROM edge e;
END;
COMMENT ON FUNCTION bandit_internal.report_latency(text) IS 'How long the lists of the arms took, the slowest first; NULL where none were made.';

CREATE FUNCTION bandit_internal.report_cards(name text, at timestamptz)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT '<div class="cards">' || string_agg(format('<div class="card"><span>%s</span><b class="%s">%s</b></div>',
		bandit_internal.html(c.head), c.class, bandit_internal.html(c.words)), '' ORDER BY c.place) || '</div>'
	FROM bandit.overview o
	CROSS JOIN LATERAL (VALUES (1, 'health', o.health, o.health), (2, 'arms enabled', '', o.arms),
		(3, 'leads', '', coalesce(o.leader, 'none')), (4, 'its mean reward', '', bandit_internal.short_number(o.mean)),
		(5, 'decisions, 24 hours', '', bandit_internal.short_number(o.decisions_day)),
		(6, 'responses, 24 hours', '', bandit_internal.short_number(o.feedback_day)),
		(7, 'experiment', '', coalesce(split_part(o.experiment, ' since', 1), 'none'))) AS c (place, head, class, words)
	WHERE o.bandit = report_cards.name;
END;
COMMENT ON FUNCTION bandit_internal.report_cards(text, timestamptz) IS 'The bandit''s row of bandit.overview.';

CREATE FUNCTION bandit.report(name text, at timestamptz DEFAULT now())
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	bucket interval;
BEGIN
	PERFORM bandit_internal.require_bandit(report.name);
	bucket := bandit_internal.report_bucket(report.name);
	RETURN concat('<!DOCTYPE html><html lang="en"><head><meta charset="', lower(CASE getdatabaseencoding() WHEN 'UTF8' THEN 'utf-8' ELSE getdatabaseencoding() END),
		'"><meta name="viewport" content="width=device-width,initial-scale=1">',
		'<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''unsafe-inline''">',
		'<title>', bandit_internal.html(report.name), ': bandit report</title>', bandit_internal.report_style(),
		'</head><body><main><h1>', bandit_internal.html(report.name), '</h1><p>',
		bandit_internal.html(format('Bandit report of database %s, %s', current_database(), to_char(report.at, 'YYYY-MM-DD HH24:MI TZ'))), '</p>',
		bandit_internal.report_cards(report.name, report.at),
		bandit_internal.report_posteriors(report.name),
		bandit_internal.report_contexts(report.name),
		bandit_internal.report_shares(report.name, bucket),
		bandit_internal.report_rates(report.name, bucket, report.at),
		bandit_internal.report_regret(report.name, bucket),
		bandit_internal.report_experiment(report.name, report.at),
		bandit_internal.report_alerts(report.name),
		bandit_internal.report_latency(report.name),
		'</main></body></html>', E'\n');
END;
$$;
COMMENT ON FUNCTION bandit.report(text, timestamptz) IS
E'One HTML page about a bandit, without scripts and needing nothing from elsewhere: posteriors of the arms, over all and in the contexts met most, shares of the arms and mean reward of bandit and control over time, regret, the experiment''s verdict, alerts, and how slow the arms are; the numbers stand beside each picture. Light or dark as the reader has it, and for a phone too. In psql: \\t \\a \\o report.html, SELECT bandit.report(...), \\o. Reads the whole log. at: as of when decisions are mature. Errors: undefined_object.';
