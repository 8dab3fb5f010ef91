-- One screen for psql, and two views for machines.

CREATE VIEW bandit.overview AS
SELECT b.name AS bandit,
	(SELECT count(*) FILTER (WHERE a.enabled) || ' of ' || count(*) FROM bandit.arms a
		WHERE a.bandit = b.name AND a.role = 'arm') AS arms,
	l.arm::text AS leader, l.mean,
	d.last_hour AS decisions_hour, d.last_day AS decisions_day,
	f.last_hour AS feedback_hour, f.last_day AS feedback_day,
	(SELECT format('%s %% since %s', round(100 * e.allocation::numeric, 1),
			to_char(e.began_at, 'YYYY-MM-DD HH24:MI'))
		FROM bandit.experiments e WHERE e.bandit = b.name AND e.ended_at IS NULL) AS experiment,
	CASE WHEN o.critical > 0 THEN 'critical' WHEN o.open > 0 THEN 'warning'
		WHEN EXISTS (SELECT FROM bandit.health_checks c WHERE c.bandit = b.name
			AND c.checked_at > now() - interval '2 days') THEN 'ok' ELSE 'unknown' END AS health,
	o.alerts
FROM bandit.bandits b
LEFT JOIN LATERAL (
	SELECT s.arm, s.mean FROM bandit.arm_stats s
	WHERE s.bandit = b.name AND s.enabled ORDER BY s.mean DESC, s.pulls DESC, s.arm LIMIT 1
) AS l ON true
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE x.decision_id >= bandit.first_decision_id(now() - interval '1 hour'))
			AS last_hour, count(*) AS last_day
	FROM bandit.decisions x
	WHERE x.bandit = b.name
		AND x.decision_id >= bandit.first_decision_id(now() - interval '1 day')
) AS d
CROSS JOIN LATERAL (
	SELECT count(*) FILTER (WHERE x.received_at >= now() - interval '1 hour') AS last_hour,
		count(*) AS last_day
	FROM bandit.feedback x
	WHERE x.bandit = b.name AND x.kind NOT IN ('silence', 'correction')
		AND x.received_at >= now() - interval '1 day'
		AND x.decision_id >= bandit.first_decision_id(now() - interval '1 day' - b.attribution_window)
) AS f
CROSS JOIN LATERAL (
	SELECT count(*) AS open, count(*) FILTER (WHERE x.severity = 'critical') AS critical,
		string_agg(x.metric || coalesce(' (' || x.arm || ')', ''), ', ' ORDER BY x.severity, x.opened_at) AS alerts
	FROM bandit.alerts x WHERE x.bandit = b.name AND x.resolved_at IS NULL
) AS o
ORDER BY b.name;

COMMENT ON VIEW bandit.overview IS
'All bandits in one screen. For details: bandit.health, arm_stats, experiment_report, alerts.';
COMMENT ON COLUMN bandit.overview.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.overview.arms IS 'How many arms are enabled, of how many; without the control.';
COMMENT ON COLUMN bandit.overview.leader IS 'The enabled arm with the largest posterior mean over all contexts.';
COMMENT ON COLUMN bandit.overview.mean IS 'Its posterior mean, 0 to 1.';
COMMENT ON COLUMN bandit.overview.decisions_hour IS 'Decisions of the last hour, of all variants.';
COMMENT ON COLUMN bandit.overview.decisions_day IS 'Decisions of the last 24 hours.';
COMMENT ON COLUMN bandit.overview.feedback_hour IS 'Responses of the last hour, without silence.';
COMMENT ON COLUMN bandit.overview.feedback_day IS 'Responses of the last 24 hours.';
COMMENT ON COLUMN bandit.overview.experiment IS 'The allocation of the running experiment, and since when; NULL: none runs.';
COMMENT ON COLUMN bandit.overview.health IS
'The worst severity of its open alerts, as of the last bandit.check_health and bandit.guard; without any ok, or unknown where check_health has not run for two days.';
COMMENT ON COLUMN bandit.overview.alerts IS 'Metrics with open alerts, the critical ones first; NULL: none.';

CREATE VIEW bandit.exporter_arms AS
SELECT s.bandit, s.arm, s.enabled::int AS enabled, s.pulls, s.successes, s.failures,
	s.mean, s.lower, s.upper
FROM bandit.arm_stats s;
COMMENT ON VIEW bandit.exporter_arms IS
'Arms as numbers, for the PostgreSQL exporter of Prometheus; see monitoring/queries.yaml.';
COMMENT ON COLUMN bandit.exporter_arms.bandit IS 'Label: name of the bandit.';
COMMENT ON COLUMN bandit.exporter_arms.arm IS 'Label: name of the arm.';
COMMENT ON COLUMN bandit.exporter_arms.enabled IS 'Gauge: 1, or 0 for a disabled arm.';
COMMENT ON COLUMN bandit.exporter_arms.pulls IS
'Responses counted, silence included. It falls where responses are taken back.';
COMMENT ON COLUMN bandit.exporter_arms.successes IS 'Sum of rewards; falls too, and with a half-life.';
COMMENT ON COLUMN bandit.exporter_arms.failures IS 'Sum of 1 - reward, likewise.';
COMMENT ON COLUMN bandit.exporter_arms.mean IS 'Gauge: posterior mean over all contexts, 0 to 1.';
COMMENT ON COLUMN bandit.exporter_arms.lower IS 'Gauge: lower end of its 95 % interval.';
COMMENT ON COLUMN bandit.exporter_arms.upper IS 'Gauge: upper end of the same.';

CREATE VIEW bandit.exporter_bandits AS
SELECT b.name AS bandit,
	(SELECT count(*) FROM bandit.arms a WHERE a.bandit = b.name AND a.enabled AND a.role = 'arm') AS enabled_arms,
	(SELECT count(*) FROM bandit.decisions d WHERE d.bandit = b.name
		AND d.decision_id >= bandit.first_decision_id(now() - interval '5 minutes')) AS decisions_5m,
	-- settled decisions have silence in the ledger; those of the window do not
	extract(epoch FROM now() - bandit.decision_time(coalesce(
		(SELECT f.decision_id FROM bandit.feedback f WHERE f.bandit = b.name
			AND f.decision_id >= bandit.first_decision_id(now() - b.attribution_window)
			AND f.kind NOT IN ('silence', 'correction')
			ORDER BY f.decision_id DESC LIMIT 1),
		(SELECT d.decision_id FROM bandit.decisions d WHERE d.bandit = b.name AND d.settled_at IS NULL
			AND d.decision_id >= bandit.first_decision_id(now() - b.attribution_window)
			ORDER BY d.decision_id LIMIT 1))))::float8 AS seconds_since_response,
	extract(epoch FROM b.attribution_window)::float8 AS attribution_window_seconds,
	coalesce(greatest(extract(epoch FROM now() - b.attribution_window - bandit.decision_time((
		SELECT d.decision_id FROM bandit.decisions d WHERE d.bandit = b.name AND d.settled_at IS NULL
		ORDER BY d.decision_id LIMIT 1))), 0), 0)::float8 AS settle_lag_seconds,
	extract(epoch FROM now() - (SELECT min(t.trained_at)
		FROM bandit_internal.trained_arms(b.name) t))::float8 AS seconds_since_training,
	(SELECT e.allocation FROM bandit.experiments e
		WHERE e.bandit = b.name AND e.ended_at IS NULL) AS experiment_allocation,
	(SELECT count(*) FROM bandit.alerts a WHERE a.bandit = b.name AND a.resolved_at IS NULL
		AND a.severity = 'warning') AS alerts_warning,
	(SELECT count(*) FROM bandit.alerts a WHERE a.bandit = b.name AND a.resolved_at IS NULL
		AND a.severity = 'critical') AS alerts_critical,
	(SELECT extract(epoch FROM now() - c.checked_at)::float8 FROM bandit.health_checks c
		WHERE c.bandit = b.name) AS seconds_since_check
FROM bandit.bandits b;
COMMENT ON VIEW bandit.exporter_bandits IS
'Bandits as numbers, for the PostgreSQL exporter of Prometheus; see monitoring/queries.yaml. Cheap: it counts the decisions of five minutes, and looks the rest up.';
COMMENT ON COLUMN bandit.exporter_bandits.bandit IS 'Label: name of the bandit.';
COMMENT ON COLUMN bandit.exporter_bandits.enabled_arms IS 'Gauge: arms that may be drawn.';
COMMENT ON COLUMN bandit.exporter_bandits.decisions_5m IS 'Gauge: decisions of the last five minutes.';
COMMENT ON COLUMN bandit.exporter_bandits.seconds_since_response IS
'Gauge: age of the newest decision of the attribution window that was responded to; where none was, of the oldest one that waits in it. NULL: no decisions in the window.';
COMMENT ON COLUMN bandit.exporter_bandits.attribution_window_seconds IS
'Gauge: how long a decision waits for responses.';
COMMENT ON COLUMN bandit.exporter_bandits.settle_lag_seconds IS
'Gauge: by how much the oldest decision that should be settled is late.';
COMMENT ON COLUMN bandit.exporter_bandits.seconds_since_training IS
'Gauge: age of the oldest trained part that an enabled built-in arm serves from; NULL: none.';
COMMENT ON COLUMN bandit.exporter_bandits.experiment_allocation IS
'Gauge: share of users that the bandit serves; NULL: no experiment runs.';
COMMENT ON COLUMN bandit.exporter_bandits.alerts_warning IS 'Gauge: open alerts of severity warning.';
COMMENT ON COLUMN bandit.exporter_bandits.alerts_critical IS 'Gauge: open alerts of severity critical.';
COMMENT ON COLUMN bandit.exporter_bandits.seconds_since_check IS
'Gauge: how long ago bandit.check_health last ran; NULL: never.';
