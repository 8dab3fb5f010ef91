-- Alerts: episodes in which something was out of its bounds.

CREATE TABLE bandit.alerts (
	alert_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	metric text COLLATE "C" NOT NULL,
	arm text COLLATE "C",
	severity text NOT NULL CHECK (severity IN ('warning', 'critical')),
	value float8,
	threshold float8,
	message text NOT NULL,
	action text,
	acted_at timestamptz,
	opened_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	last_seen_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	resolved_at timestamptz
);

-- one episode at a time
CREATE UNIQUE INDEX alerts_open ON bandit.alerts (bandit, metric, arm)
	NULLS NOT DISTINCT WHERE resolved_at IS NULL;

COMMENT ON TABLE bandit.alerts IS
'Episodes in which a metric was out of its bounds: one row from when it was first seen until it was seen within them again; resolved_at is NULL while it lasts. Written by bandit.guard and bandit.check_health. Opening, worsening and resolving are sent to NOTIFY bandit_alerts, as JSON, and to the server log. A row may be deleted once it is of no use.';
COMMENT ON COLUMN bandit.alerts.alert_id IS 'The key.';
COMMENT ON COLUMN bandit.alerts.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.alerts.metric IS
'What is out of bounds: a metric of bandit.guards or bandit.metrics.';
COMMENT ON COLUMN bandit.alerts.arm IS
'The arm that it is about; NULL: the bandit as a whole.';
COMMENT ON COLUMN bandit.alerts.severity IS
'warning, or critical; the worst it has been in this episode.';
COMMENT ON COLUMN bandit.alerts.value IS 'The metric when it was last seen.';
COMMENT ON COLUMN bandit.alerts.threshold IS 'The bound then.';
COMMENT ON COLUMN bandit.alerts.message IS 'What it was then, in words.';
COMMENT ON COLUMN bandit.alerts.action IS
'What a guard did about it: control (the experiment''s allocation was set to 0) or disable (the arm was disabled); NULL: nothing.';
COMMENT ON COLUMN bandit.alerts.acted_at IS 'When it did; what was before does not count against the arm again.';
COMMENT ON COLUMN bandit.alerts.opened_at IS 'When it was first seen.';
COMMENT ON COLUMN bandit.alerts.last_seen_at IS 'When it was last seen out of bounds.';
COMMENT ON COLUMN bandit.alerts.resolved_at IS
'When it was seen within bounds again, or nobody watched it any more; NULL: it lasts.';

CREATE FUNCTION bandit_internal.tell_alert(event text, alert bandit.alerts)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RAISE LOG 'bandit "%": % alert %: %', (alert).bandit, (alert).severity, event,
		(alert).message;
	PERFORM pg_notify('bandit_alerts', json_build_object('event', event,
		'alert_id', (alert).alert_id, 'bandit', (alert).bandit,
		'metric', (alert).metric, 'arm', (alert).arm, 'severity', (alert).severity,
		'value', CASE WHEN (alert).value NOT IN ('NaN', 'Infinity', '-Infinity')
			THEN (alert).value END,
		'threshold', (alert).threshold, 'message', (alert).message,
		'action', (alert).action, 'opened_at', (alert).opened_at)::text);
END;
$$;
COMMENT ON FUNCTION bandit_internal.tell_alert(text, bandit.alerts) IS
'Sends what happened to an alert (opened, worsened, resolved) to NOTIFY bandit_alerts and to the server log.';

CREATE FUNCTION bandit_internal.note_alert(bandit text, metric text, arm text,
	severity text, value float8, threshold float8, message text, action text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	before bandit.alerts;
	after bandit.alerts;
	moment timestamptz := CASE WHEN note_alert.action IS NOT NULL THEN clock_timestamp() END;
BEGIN
	LOOP
		-- waits for whoever opens or ends the same episode, and then sees it
		INSERT INTO bandit.alerts (bandit, metric, arm, severity, value, threshold,
			message, action, acted_at)
		VALUES (note_alert.bandit, note_alert.metric, note_alert.arm, note_alert.severity,
			note_alert.value, note_alert.threshold, note_alert.message, note_alert.action, moment)
		ON CONFLICT (bandit, metric, arm) WHERE resolved_at IS NULL DO NOTHING
		RETURNING * INTO after;
		IF FOUND THEN
			PERFORM bandit_internal.tell_alert('opened', after);
			RETURN;
		END IF;
		SELECT a.* INTO before FROM bandit.alerts a
		WHERE a.bandit = note_alert.bandit AND a.metric = note_alert.metric
			AND a.arm IS NOT DISTINCT FROM note_alert.arm AND a.resolved_at IS NULL
		FOR NO KEY UPDATE;
		EXIT WHEN FOUND;
	END LOOP;
	UPDATE bandit.alerts a SET
		severity = CASE WHEN a.severity = 'critical' THEN a.severity ELSE note_alert.severity END,
		value = note_alert.value, threshold = note_alert.threshold,
		message = note_alert.message, last_seen_at = now(),
		action = coalesce(note_alert.action, a.action),
		acted_at = coalesce(moment, a.acted_at)
	WHERE a.alert_id = before.alert_id
	RETURNING a.* INTO after;
	IF before.severity <> after.severity OR note_alert.action IS NOT NULL THEN
		PERFORM bandit_internal.tell_alert('worsened', after);
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.note_alert(text, text, text, text, float8, float8, text, text) IS
'Opens an alert, or notes that it lasts. Says so once when it opens, and when it becomes critical or something was done about it.';

CREATE FUNCTION bandit_internal.resolve_alert(bandit text, metric text, arm text,
	message text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	alert bandit.alerts;
BEGIN
	UPDATE bandit.alerts a SET resolved_at = now()
	WHERE a.bandit = resolve_alert.bandit AND a.metric = resolve_alert.metric
		AND a.arm IS NOT DISTINCT FROM resolve_alert.arm AND a.resolved_at IS NULL
	RETURNING a.* INTO alert;
	IF FOUND THEN
		alert.message := resolve_alert.message;
		PERFORM bandit_internal.tell_alert('resolved', alert);
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.resolve_alert(text, text, text, text) IS
'Ends the alert of that bandit, metric and arm, if one is open, and says so.';

CREATE FUNCTION bandit_internal.end_alerts()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM bandit_internal.resolve_alert(a.bandit, a.metric, a.arm, 'the bandit was dropped')
	FROM bandit.alerts a WHERE a.bandit = old.name AND a.resolved_at IS NULL;
	RETURN old;
END;
$$;
COMMENT ON FUNCTION bandit_internal.end_alerts() IS
'A bandit that is dropped takes its alerts along: tells whoever was told of them that they have ended.';

CREATE TRIGGER end_alerts BEFORE DELETE ON bandit.bandits
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.end_alerts();
