-- Health: what a bandit serves and how it is run, against thresholds.

CREATE VIEW bandit.metrics AS
SELECT m.metric, m.bound, m.threshold, m.severity, m.min_sample, m.description
FROM (VALUES
	(1, 'long_tail_rate', 'min', 0.20::float8, 'warning', 100, 'share of the items served that are outside the popular head of the last training'),
	(2, 'avg_rating', 'min', 3.5, 'warning', 30, 'mean value of the responses of kind rating to items served; a value beyond 1e12 is none'),
	(3, 'algorithm_dominance', 'max', 0.70, 'warning', 100, 'largest share of the items served (or choices) that is credited to one arm, the control included; not judged with one enabled arm'),
	(4, 'ctr', 'min', 0.10, 'warning', 100, 'share of the items served that were clicked; of decisions whose attribution window has passed'),
	(5, 'genre_diversity', 'min', 0.30, 'warning', 100, 'entropy of the attributes of the items served, 0 (all alike) to 1 (all attributes as often), an item spreading 1 over its attributes'),
	(6, 'hours_without_feedback', 'max', 24, 'critical', 100, 'hours since the last response to anything served in the window; judged once 100 decisions were made since'),
	(7, 'settle_lag_hours', 'max', 1, 'critical', 0, 'hours by which the oldest decision that should be settled is late'),
	(8, 'unverified_states', 'max', 0, 'critical', 0, 'arms in contexts whose evidence is not the sum of the ledger: rows of bandit.verify'),
	(9, 'untrained_arms', 'max', 0, 'critical', 0, 'enabled built-in arms that were never trained, and so serve nothing'),
	(10, 'hours_since_training', 'max', 48, 'warning', 0, 'age of the oldest trained part of an enabled built-in arm'),
	(11, 'partition_hours_ahead', 'min', 24, 'critical', 0, 'hours for which decisions and feedback have partitions; only where bandit.make_partitions is used'),
	(12, 'enabled_arms', 'min', 1, 'critical', 0, 'arms that may be drawn; without one bandit.choose returns no row, and the control alone serves lists')
) AS m (place, metric, bound, threshold, severity, min_sample, description)
ORDER BY m.place;
COMMENT ON VIEW bandit.metrics IS
'What bandit.health measures, with the default thresholds; bandit.set_threshold sets others for a bandit.';
COMMENT ON COLUMN bandit.metrics.metric IS 'Its name.';
COMMENT ON COLUMN bandit.metrics.bound IS
'min: the value should not be below the threshold; max: not above.';
COMMENT ON COLUMN bandit.metrics.threshold IS 'The default threshold, in units of the metric.';
COMMENT ON COLUMN bandit.metrics.severity IS
'How severe an alert is, warning or critical.';
COMMENT ON COLUMN bandit.metrics.min_sample IS
'Items, ratings or decisions below which the status is unknown; 0: it is exact.';
COMMENT ON COLUMN bandit.metrics.description IS 'What is measured.';

CREATE TABLE bandit.thresholds (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	metric text COLLATE "C" NOT NULL CHECK (metric IN ('long_tail_rate', 'avg_rating',
		'algorithm_dominance', 'ctr', 'genre_diversity', 'hours_without_feedback',
		'settle_lag_hours', 'unverified_states', 'untrained_arms', 'hours_since_training',
		'partition_hours_ahead', 'enabled_arms')),	-- those of bandit.metrics
	threshold float8 NOT NULL CHECK (threshold > '-Infinity' AND threshold < 'Infinity'),
	severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
	min_sample int NOT NULL CHECK (min_sample >= 0),
	enabled boolean NOT NULL DEFAULT true,
	PRIMARY KEY (bandit, metric)
);
COMMENT ON TABLE bandit.thresholds IS
'Thresholds of a bandit that are not the defaults of bandit.metrics; set by bandit.set_threshold. Without a row the default holds.';
COMMENT ON COLUMN bandit.thresholds.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.thresholds.metric IS 'A metric of bandit.metrics.';
COMMENT ON COLUMN bandit.thresholds.threshold IS
'The smallest or largest value allowed, as bandit.metrics.bound says.';
COMMENT ON COLUMN bandit.thresholds.severity IS 'How severe an alert is.';
COMMENT ON COLUMN bandit.thresholds.min_sample IS
'Items, ratings or decisions below which the status is unknown.';
COMMENT ON COLUMN bandit.thresholds.enabled IS
'Whether the metric is judged at all for this bandit.';

CREATE FUNCTION bandit.set_threshold(name text, metric text, threshold float8 DEFAULT NULL,
	severity text DEFAULT NULL, min_sample int DEFAULT NULL, enabled boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.require_bandit(set_threshold.name);
	IF NOT EXISTS (SELECT FROM bandit.metrics m WHERE m.metric = set_threshold.metric) THEN
		RAISE EXCEPTION 'unknown metric "%"', set_threshold.metric
			USING ERRCODE = 'undefined_object',
				HINT = 'SELECT metric FROM bandit.metrics lists them.';
	ELSIF set_threshold.threshold IN ('NaN', 'Infinity', '-Infinity') THEN
		RAISE EXCEPTION 'threshold must be a finite number'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF set_threshold.severity NOT IN ('warning', 'critical') THEN
		RAISE EXCEPTION 'severity must be warning or critical, not "%"', set_threshold.severity
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF set_threshold.min_sample < 0 THEN
		RAISE EXCEPTION 'min_sample must not be negative'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF set_threshold.enabled IS NULL THEN
		RAISE EXCEPTION 'enabled must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	INSERT INTO bandit.thresholds AS t (bandit, metric, threshold, severity, min_sample, enabled)
	SELECT set_threshold.name, m.metric, coalesce(set_threshold.threshold, m.threshold),
		coalesce(set_threshold.severity, m.severity),
		coalesce(set_threshold.min_sample, m.min_sample), set_threshold.enabled
	FROM bandit.metrics m WHERE m.metric = set_threshold.metric
	ON CONFLICT (bandit, metric) DO UPDATE SET
		threshold = coalesce(set_threshold.threshold, t.threshold),
		severity = coalesce(set_threshold.severity, t.severity),
		min_sample = coalesce(set_threshold.min_sample, t.min_sample),
		enabled = excluded.enabled;
END;
$$;
COMMENT ON FUNCTION bandit.set_threshold(text, text, float8, text, int, boolean) IS
'Sets a bandit''s threshold for a metric; what is null stays as it was. enabled false: the metric is not judged. DELETE FROM bandit.thresholds goes back to the defaults. Errors: undefined_object for a bandit or metric; invalid_parameter_value; null_value_not_allowed.';

CREATE FUNCTION bandit_internal.served_items(name text, since timestamptz, until timestamptz,
	OUT decision_id uuid, OUT subject text, OUT item bigint, OUT arm text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT d.decision_id, coalesce(d.subject, d.decision_id::text), i.item, i.arm
	FROM bandit.decisions d
	CROSS JOIN LATERAL unnest(d.items, coalesce(d.item_arms, d.picks)) AS i (item, arm)
	WHERE d.bandit = served_items.name AND d.variant = 'treatment'
		AND d.decision_id >= bandit.first_decision_id(since)
		AND d.decision_id < bandit.first_decision_id(until);
END;
COMMENT ON FUNCTION bandit_internal.served_items(text, timestamptz, timestamptz) IS
'What the bandit served from "since" until before "until": an item, or a choice with a null item, a row, with the arm that is credited.';

CREATE FUNCTION bandit_internal.recommender_catalogue(name text, OUT item_id bigint,
	OUT head boolean, OUT attributes int[])
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT c.item_id, c.head, c.attributes
	FROM bandit.recommenders r CROSS JOIN LATERAL bandit_internal.catalogue(r.bandit) c
	WHERE r.bandit = recommender_catalogue.name;
END;
COMMENT ON FUNCTION bandit_internal.recommender_catalogue(text) IS
'bandit_internal.catalogue of a recommender; no rows for any other bandit.';

CREATE FUNCTION bandit_internal.health_rates(name text, since timestamptz, until timestamptz,
	OUT metric text, OUT value float8, OUT lower float8, OUT upper float8, OUT sample bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH settings AS (
		SELECT b.attribution_window AS pause,
			EXISTS (SELECT FROM bandit.recommenders r WHERE r.bandit = b.name) AS lists,
			(SELECT count(*) FROM bandit.arms a WHERE a.bandit = b.name
				AND a.enabled AND a.role = 'arm') AS arms
		FROM bandit.bandits b WHERE b.name = health_rates.name
	), served AS MATERIALIZED (
		SELECT * FROM bandit_internal.served_items(health_rates.name, since, until)
	), top AS (
		SELECT s.arm FROM served s GROUP BY s.arm ORDER BY count(*) DESC, s.arm LIMIT 1
	), shown AS (
		SELECT s.subject, count(*)::float8 AS items, count(c.item_id)::float8 AS known,
			count(*) FILTER (WHERE NOT c.head)::float8 AS tail,
			count(*) FILTER (WHERE s.arm = (SELECT t.arm FROM top t))::float8 AS by_top
		FROM served s
		LEFT JOIN bandit_internal.recommender_catalogue(health_rates.name) c ON c.item_id = s.item
		GROUP BY s.subject
	), rated AS (
		SELECT s.subject, count(f.value)::float8 AS ratings, sum(f.value) AS stars
		FROM served s
		JOIN bandit.feedback f ON f.decision_id = s.decision_id AND f.item_id = s.item
		WHERE f.bandit = health_rates.name AND f.kind = 'rating' AND NOT f.retracted
			AND f.value BETWEEN -1e12 AND 1e12	-- others are none, and their squares overflow
		GROUP BY s.subject
	), matured AS (
		SELECT m.subject, count(*)::float8 AS items, count(f.decision_id)::float8 AS clicked
		FROM settings t
		CROSS JOIN LATERAL bandit_internal.served_items(health_rates.name,
			since - t.pause, until - t.pause) m
		LEFT JOIN bandit.feedback f ON f.decision_id = m.decision_id AND f.item_id = m.item
			AND f.bandit = health_rates.name AND f.kind = 'click' AND NOT f.retracted
		WHERE m.item IS NOT NULL
		GROUP BY m.subject
	), each AS (
		SELECT 'long_tail_rate' AS metric, s.tail AS y, s.known AS n FROM shown s
		UNION ALL SELECT 'algorithm_dominance', s.by_top, s.items
		FROM shown s CROSS JOIN settings t WHERE t.arms > 1
		UNION ALL SELECT 'avg_rating', r.stars, r.ratings FROM rated r
		UNION ALL SELECT 'ctr', m.clicked, m.items FROM matured m
	), sums AS (
		SELECT e.metric, sum(e.y) AS y, sum(e.n) AS n, sum(e.y) / sum(e.n) AS rate
		FROM each e WHERE e.n > 0 GROUP BY e.metric
	), errors AS (
		SELECT s.metric, s.y, s.n, s.rate, sum(((e.y - s.rate * e.n) / nullif(s.n - e.n, 0)) ^ 2)
			* (count(*) - 1) / count(*) AS variance, count(*) AS users,
			bandit_internal.student(count(*) - 1) AS student
		FROM each e JOIN sums s ON s.metric = e.metric WHERE e.n > 0
		GROUP BY s.metric, s.y, s.n, s.rate
	), effects AS (
		-- where users do not differ yet, each is as good as one item
		SELECT e.*, greatest(1, coalesce(e.variance * (e.student / 1.96) ^ 2
			/ nullif(e.rate * (1 - e.rate) / e.n, 0), e.n / e.users)) AS design
		FROM errors e
	)
	SELECT m.metric, e.rate,
		CASE m.metric WHEN 'avg_rating' THEN e.rate - e.student * sqrt(e.variance) ELSE w.lower END,
		CASE m.metric WHEN 'avg_rating' THEN e.rate + e.student * sqrt(e.variance) ELSE w.upper END,
		coalesce(e.n, 0)::bigint
	FROM settings t
	CROSS JOIN (VALUES ('long_tail_rate'), ('avg_rating'), ('algorithm_dominance'), ('ctr')) AS m (metric)
	LEFT JOIN effects e ON e.metric = m.metric
	LEFT JOIN LATERAL bandit.wilson_interval(
		CASE WHEN m.metric <> 'avg_rating' THEN e.y / e.design END, e.n / e.design) AS w ON true
	WHERE t.lists OR m.metric = 'algorithm_dominance';
END;
COMMENT ON FUNCTION bandit_internal.health_rates(text, timestamptz, timestamptz) IS
'The shares and means among bandit.metrics over what was served from "since" until before "until", with 95 % intervals: Wilson''s, of the evidence divided by the design effect of users (jackknife: Efron 1982; times the square of Student''s quantile over the normal one: Korn and Graubard 1998; a user is one observation where there is one, or where nothing or everything was a success), of the mean rating Student''s over users. ctr is of decisions an attribution window earlier.';

CREATE FUNCTION bandit_internal.health_diversity(name text, since timestamptz, until timestamptz,
	OUT value float8, OUT sample bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH catalogue AS MATERIALIZED (
		SELECT * FROM bandit_internal.recommender_catalogue(health_diversity.name)
	), served AS (
		SELECT s.item, count(*) AS n
		FROM bandit_internal.served_items(health_diversity.name, since, until) s
		GROUP BY s.item
	), weights AS (
		SELECT a.attribute, sum(s.n / cardinality(c.attributes)::float8) AS weight
		FROM served s JOIN catalogue c ON c.item_id = s.item
		CROSS JOIN LATERAL unnest(c.attributes) AS a (attribute)
		GROUP BY a.attribute
	)
	SELECT bandit_internal.entropy((SELECT array_agg(w.weight) FROM weights w),
			(SELECT max(a)::int + 1 FROM catalogue c, unnest(c.attributes) a)),
		(SELECT coalesce(sum(s.n), 0) FROM served s
			JOIN catalogue c ON c.item_id = s.item AND cardinality(c.attributes) > 0)::bigint;
END;
COMMENT ON FUNCTION bandit_internal.health_diversity(text, timestamptz, timestamptz) IS
'genre_diversity of what was served: the normalised entropy of the attributes, and how many items with attributes that is of.';

CREATE FUNCTION bandit_internal.trained_arms(name text, OUT arm text, OUT trained_at timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH parts AS (
		-- what serves: the newest version of each trained part
		SELECT p.arm, max(p.trained_at) AS trained_at FROM bandit.models p
		WHERE p.bandit = trained_arms.name GROUP BY p.arm
	)
	SELECT a.arm, p.trained_at
	FROM bandit.recommenders r
	JOIN bandit.arms a ON a.bandit = r.bandit AND a.enabled
	LEFT JOIN parts p ON p.arm = CASE WHEN a.source IN ('svd', 'item_cf', 'graph', 'embeddings')
		THEN a.source ELSE 'catalogue' END
	WHERE r.bandit = trained_arms.name AND a.source = ANY (bandit.builtin_arms());
END;
COMMENT ON FUNCTION bandit_internal.trained_arms(text) IS
'The enabled built-in arms of a recommender, and when what each serves from was trained; NULL: never.';

CREATE FUNCTION bandit_internal.health_upkeep(name text, since timestamptz, until timestamptz,
	OUT metric text, OUT value float8, OUT sample bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE	-- as bandit.verify
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH made AS (
		SELECT d.decision_id, d.decided_at FROM bandit.decisions d
		WHERE d.bandit = health_upkeep.name AND d.variant <> 'control'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), heard AS (
		SELECT coalesce((SELECT max(f.received_at) FROM bandit.feedback f
				WHERE f.bandit = health_upkeep.name AND f.kind NOT IN ('silence', 'correction')
					AND f.decision_id >= bandit.first_decision_id(since)
					AND f.decision_id < bandit.first_decision_id(until)
					AND f.received_at <= until
					AND EXISTS (SELECT FROM made m WHERE m.decision_id = f.decision_id)),
			(SELECT min(m.decided_at) FROM made m)) AS at
	), built_in AS (
		SELECT a.trained_at FROM bandit_internal.trained_arms(health_upkeep.name) a
	), covered AS (
		SELECT min(t.ends) AS ends FROM (
			SELECT (SELECT max(p.ends) FROM bandit_internal.partitions(u.parent) p) AS ends
			FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[]) AS u (parent)) AS t
	)
	SELECT 'hours_without_feedback', extract(epoch FROM until - h.at) / 3600,
		(SELECT count(*) FROM made m WHERE m.decided_at > h.at)
	FROM heard h
	UNION ALL
	SELECT 'settle_lag_hours', coalesce(greatest(extract(epoch FROM until - b.attribution_window
		- bandit.decision_time((SELECT d.decision_id FROM bandit.decisions d
			WHERE d.bandit = b.name AND d.settled_at IS NULL
			ORDER BY d.decision_id LIMIT 1))) / 3600, 0), 0), NULL
	FROM bandit.bandits b WHERE b.name = health_upkeep.name
	UNION ALL
	SELECT 'unverified_states', (SELECT count(*) FROM bandit.verify(health_upkeep.name)), NULL
	UNION ALL
	SELECT 'untrained_arms', count(*) FILTER (WHERE i.trained_at IS NULL), NULL
	FROM built_in i HAVING count(*) > 0
	UNION ALL
	SELECT 'hours_since_training', extract(epoch FROM until - min(i.trained_at)) / 3600, NULL
	FROM built_in i HAVING count(i.trained_at) > 0
	UNION ALL
	SELECT 'partition_hours_ahead', extract(epoch FROM c.ends - until) / 3600, NULL
	FROM covered c WHERE isfinite(c.ends)
	UNION ALL
	SELECT 'enabled_arms', (SELECT count(*) FROM bandit.arms a
		WHERE a.bandit = health_upkeep.name AND a.enabled AND a.role = 'arm'), NULL;
END;
COMMENT ON FUNCTION bandit_internal.health_upkeep(text, timestamptz, timestamptz) IS
'How well a bandit is looked after, the metrics of bandit.metrics that are exact. A metric without a row does not apply to it.';

CREATE FUNCTION bandit_internal.health_message(metric text, status text, value float8,
	threshold float8, bound text, sample bigint, min_sample int)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE status
		WHEN 'ok' THEN NULL
		WHEN 'unknown' THEN CASE WHEN coalesce(sample, 0) = 0 THEN 'nothing to judge by'
			ELSE format('only %s to judge by, %s wanted', sample, min_sample) END
		ELSE format('%s is %s, %s than %s%s', metric, round(value::numeric, 4),
			CASE bound WHEN 'min' THEN 'less' ELSE 'more' END, round(threshold::numeric, 4),
			CASE status WHEN 'warning' THEN ', perhaps by chance' ELSE '' END) END;
END;
COMMENT ON FUNCTION bandit_internal.health_message(text, text, float8, float8, text, bigint, int) IS
'A status in words; NULL when all is well.';

CREATE FUNCTION bandit.health(name text, "window" interval DEFAULT '7 days',
	at timestamptz DEFAULT now(), OUT metric text, OUT value float8,
	OUT lower float8, OUT upper float8, OUT threshold float8, OUT sample bigint,
	OUT status text, OUT severity text, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE	-- as bandit.verify
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	since timestamptz;
BEGIN
	PERFORM bandit_internal.require_bandit(health.name);
	IF (health."window" > '0') IS NOT TRUE THEN
		RAISE EXCEPTION 'window must be positive'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF isfinite(health.at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a moment, neither null nor infinite'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	since := health.at - health."window";
	RETURN QUERY
	WITH found AS MATERIALIZED (
		SELECT r.* FROM bandit_internal.health_rates(health.name, since, health.at) r
		UNION ALL
		SELECT 'genre_diversity', d.value, d.value, d.value, d.sample
		FROM bandit_internal.health_diversity(health.name, since, health.at) d
		WHERE EXISTS (SELECT FROM bandit.recommenders r WHERE r.bandit = health.name
			AND r.attribute_count > 0)
		UNION ALL
		SELECT u.metric, u.value, u.value, u.value, u.sample
		FROM bandit_internal.health_upkeep(health.name, since, health.at) u
	), judged AS (
		SELECT m.place, m.metric, m.bound, f.value, f.lower, f.upper,
			f.sample, coalesce(t.threshold, m.threshold) AS threshold,
			coalesce(t.severity, m.severity) AS severity,
			coalesce(t.min_sample, m.min_sample) AS min_sample
		FROM (SELECT x.*, row_number() OVER () AS place FROM bandit.metrics x) AS m
		JOIN found f ON f.metric = m.metric
		LEFT JOIN bandit.thresholds t ON t.bandit = health.name AND t.metric = m.metric
		WHERE t.enabled IS NOT FALSE
	), told AS (
		SELECT j.*, CASE
			WHEN j.metric = 'hours_without_feedback' AND j.value <= j.threshold THEN 'ok'
			WHEN j.value IS NULL OR coalesce(j.sample, 0) < j.min_sample THEN 'unknown'
			WHEN j.bound = 'min' AND j.value >= j.threshold
				OR j.bound = 'max' AND j.value <= j.threshold THEN 'ok'
			WHEN j.bound = 'min' AND j.upper < j.threshold
				OR j.bound = 'max' AND j.lower > j.threshold THEN 'alert'
			ELSE 'warning' END AS status
		FROM judged j
	)
	SELECT 'overall', NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::bigint,
		CASE WHEN bool_or(o.status = 'alert') THEN 'alert'
			WHEN bool_or(o.status = 'warning') THEN 'warning'
			WHEN bool_or(o.status = 'ok') THEN 'ok' ELSE 'unknown' END,
		CASE WHEN bool_or(o.status = 'alert' AND o.severity = 'critical') THEN 'critical'
			WHEN bool_or(o.status IN ('alert', 'warning')) THEN 'warning' END,
		'out of bounds: ' || string_agg(o.metric, ', ' ORDER BY o.place)
			FILTER (WHERE o.status IN ('alert', 'warning'))
	FROM told o
	UNION ALL
	(SELECT t.metric::text, t.value, t.lower, t.upper, t.threshold, t.sample, t.status, t.severity,
		bandit_internal.health_message(t.metric, t.status, t.value, t.threshold, t.bound,
			t.sample, t.min_sample)
	FROM told t ORDER BY t.place);
END;
$$;
COMMENT ON FUNCTION bandit.health(text, interval, timestamptz) IS
'How a bandit is, from what it served in a window before a time: an overall row, then one per metric that applies to it (bandit.metrics says what each is). value with its 95 % interval where it is an estimate; threshold: the bandit''s own (bandit.set_threshold) or the default. status: ok; warning: the value breaches the threshold, its interval does not; alert: the whole interval does; unknown: the sample (items, ratings, decisions) is below the metric''s min_sample. severity: that of an alert. The overall status is the worst; unknown is no worse than ok. Writes nothing; it verifies the ledger, which takes a while on a large one. Errors: undefined_object; invalid_parameter_value.';

CREATE TABLE bandit.health_checks (
	bandit text COLLATE "C" PRIMARY KEY
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	checked_at timestamptz NOT NULL,
	status text NOT NULL
);
COMMENT ON TABLE bandit.health_checks IS
'When somebody last looked: the last bandit.check_health of each bandit. No row: never.';
COMMENT ON COLUMN bandit.health_checks.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.health_checks.checked_at IS 'When that transaction began.';
COMMENT ON COLUMN bandit.health_checks.status IS 'What it found overall: ok, warning, alert or unknown.';

CREATE FUNCTION bandit.check_health(name text, "window" interval DEFAULT '7 days',
	at timestamptz DEFAULT now(), OUT metric text, OUT value float8,
	OUT lower float8, OUT upper float8, OUT threshold float8, OUT sample bigint,
	OUT status text, OUT severity text, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	seen text[] := '{}';
	overall text;
BEGIN
	PERFORM bandit_internal.require_writable();
	FOR metric, value, lower, upper, threshold, sample, status, severity, message IN
		SELECT h.* FROM bandit.health(check_health.name, check_health."window", check_health.at) h
	LOOP
		IF metric <> 'overall' THEN
			seen := seen || metric;
			IF status IN ('warning', 'alert') THEN
				PERFORM bandit_internal.note_alert(check_health.name, metric, NULL,
					CASE status WHEN 'alert' THEN severity ELSE 'warning' END,
					value, threshold, message);
			ELSIF status = 'ok' THEN
				PERFORM bandit_internal.resolve_alert(check_health.name, metric, NULL,
					metric || ' is within bounds again');
			END IF;
		ELSE
			overall := status;
		END IF;
		RETURN NEXT;
	END LOOP;
	PERFORM bandit_internal.resolve_alert(a.bandit, a.metric, a.arm, 'not judged any more')
	FROM bandit.alerts a
	JOIN bandit.metrics m ON m.metric = a.metric
	WHERE a.bandit = check_health.name AND a.arm IS NULL AND a.resolved_at IS NULL
		AND a.metric <> ALL (seen);
	-- last, in the order in which drop_bandit takes locks
	INSERT INTO bandit.health_checks AS c (bandit, checked_at, status)
	VALUES (check_health.name, now(), overall)
	ON CONFLICT (bandit) DO UPDATE SET checked_at = greatest(c.checked_at, excluded.checked_at),
		status = excluded.status;
END;
$$;
COMMENT ON FUNCTION bandit.check_health(text, interval, timestamptz) IS
'bandit.health, and alerts: an episode for each metric with status warning or alert, in bandit.alerts, told to NOTIFY bandit_alerts as JSON and to the server log when it opens, becomes critical and ends. While it lasts it is not told again; a metric that becomes unknown stays open. bandit.health_checks says when it last ran. Errors as bandit.health.';
