-- Guardrails: bounds that hold whether or not anybody looks.

CREATE TABLE bandit.guards (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	metric text COLLATE "C" NOT NULL
		CHECK (metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')),
	bound float8 NOT NULL CHECK (bound >= 0 AND bound < 'Infinity'),
	action text NOT NULL DEFAULT 'alert' CHECK (action IN ('alert', 'control', 'disable')),
	lookback interval NOT NULL DEFAULT '1 hour' CHECK (lookback > '0'),
	first_decisions int NOT NULL DEFAULT 1000 CHECK (first_decisions > 0),
	min_sample int NOT NULL DEFAULT 100 CHECK (min_sample > 0),
	PRIMARY KEY (bandit, metric),
	CHECK (bound <= 1 OR metric = 'arm_p95_ms'),
	CHECK (action = 'alert' OR action = CASE metric WHEN 'reward_drop' THEN 'control' ELSE 'disable' END)
);

COMMENT ON TABLE bandit.guards IS
'Guardrails, checked by bandit.guard. reward_drop: how far the reward per item may fall below the control''s, as a share of it, in the running experiment; new_arm_share: how much of the items (or choices) an arm may have in its first decisions; arm_error_rate: share of the requests for an arm''s list that fail; arm_p95_ms: 95th percentile of the time that an arm''s list takes, in milliseconds.';
COMMENT ON COLUMN bandit.guards.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.guards.metric IS 'reward_drop, new_arm_share, arm_error_rate or arm_p95_ms.';
COMMENT ON COLUMN bandit.guards.bound IS
'The largest value allowed: a share, 0 to 1, or milliseconds.';
COMMENT ON COLUMN bandit.guards.action IS
'What to do when it is exceeded beyond doubt: alert (nothing else), control (of reward_drop: set the experiment''s allocation to 0) or disable (of the others: disable the arm, unless it is the last).';
COMMENT ON COLUMN bandit.guards.lookback IS
'How far back arm_error_rate and arm_p95_ms look.';
COMMENT ON COLUMN bandit.guards.first_decisions IS
'How many decisions of the bandit, since the arm was added, new_arm_share looks at.';
COMMENT ON COLUMN bandit.guards.min_sample IS
'Requests (of new_arm_share: decisions) below which the status is unknown. reward_drop needs 100 users on each side.';

CREATE FUNCTION bandit.set_guard(name text, metric text, bound float8,
	action text DEFAULT 'alert', lookback interval DEFAULT '1 hour',
	first_decisions int DEFAULT 1000, min_sample int DEFAULT 100)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	fitting text := CASE set_guard.metric WHEN 'reward_drop' THEN 'control' ELSE 'disable' END;
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.require_bandit(set_guard.name);
	IF (set_guard.metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')) IS NOT TRUE THEN
		RAISE EXCEPTION 'unknown metric "%"', set_guard.metric
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Guards are reward_drop, new_arm_share, arm_error_rate and arm_p95_ms.';
	ELSIF (set_guard.bound >= 0 AND set_guard.bound <=
			CASE set_guard.metric WHEN 'arm_p95_ms' THEN 1e12 ELSE 1 END) IS NOT TRUE THEN
		RAISE EXCEPTION 'bound must be % for %, not %',
				CASE set_guard.metric WHEN 'arm_p95_ms' THEN 'a time in milliseconds'
					ELSE 'a share between 0 and 1' END,
				set_guard.metric, coalesce(set_guard.bound::text, 'null')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (set_guard.action IN ('alert', fitting)) IS NOT TRUE THEN
		RAISE EXCEPTION 'action must be alert or % for %', fitting, set_guard.metric
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (set_guard.lookback > '0' AND set_guard.first_decisions > 0
			AND set_guard.min_sample > 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'lookback, first_decisions and min_sample must be positive'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	INSERT INTO bandit.guards (bandit, metric, bound, action, lookback, first_decisions, min_sample)
	VALUES (set_guard.name, set_guard.metric, set_guard.bound, set_guard.action,
		set_guard.lookback, set_guard.first_decisions, set_guard.min_sample)
	ON CONFLICT (bandit, metric) DO UPDATE SET bound = excluded.bound,
		action = excluded.action, lookback = excluded.lookback,
		first_decisions = excluded.first_decisions, min_sample = excluded.min_sample;
END;
$$;
COMMENT ON FUNCTION bandit.set_guard(text, text, float8, text, interval, int, int) IS
'Sets a guardrail, a row of bandit.guards; see the columns there. DELETE FROM bandit.guards takes it away. Errors: undefined_object; invalid_parameter_value.';

CREATE FUNCTION bandit_internal.guarded_arms(name text, at timestamptz,
	OUT metric text, OUT arm text, OUT value float8, OUT lower float8, OUT sample bigint)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH judged AS MATERIALIZED (
		-- arms as they are since they were added, or last disabled by a guard
		SELECT g.metric, g.bound, g.lookback, g.first_decisions, a.arm,
			greatest(a.created_at, (SELECT max(l.acted_at) FROM bandit.alerts l
				WHERE l.bandit = a.bandit AND l.metric = g.metric AND l.arm = a.arm)) AS since
		FROM bandit.guards g JOIN bandit.arms a ON a.bandit = g.bandit
		WHERE g.bandit = guarded_arms.name AND a.enabled AND a.role = 'arm'
			AND g.metric <> 'reward_drop'
	), shares AS (
		SELECT j.metric, j.arm, avg(f.share) AS value, count(f.share) AS n
		FROM judged j
		LEFT JOIN LATERAL (
			SELECT (SELECT count(*) FILTER (WHERE s.arm = j.arm) / nullif(count(*), 0)::float8
				FROM unnest(coalesce(d.item_arms, d.picks)) AS s (arm)) AS share
			FROM bandit.decisions d
			WHERE d.bandit = guarded_arms.name AND d.variant = 'treatment'
				AND d.decision_id >= bandit.first_decision_id(j.since)
			ORDER BY d.decision_id LIMIT j.first_decisions
		) AS f ON true
		WHERE j.metric = 'new_arm_share' GROUP BY j.metric, j.arm
	), requests AS (
		SELECT j.metric, j.arm, j.bound, r.ms
		FROM judged j
		JOIN bandit.decisions d ON d.bandit = guarded_arms.name AND d.pick_ms IS NOT NULL
			AND d.decision_id >= bandit.first_decision_id(greatest(j.since, at - j.lookback))
		CROSS JOIN LATERAL unnest(d.picks, d.pick_ms) AS r (arm, ms)
		WHERE j.metric IN ('arm_error_rate', 'arm_p95_ms') AND r.arm = j.arm
	), counted AS (
		SELECT s.metric, s.arm, s.value, s.value * s.n AS hits, s.n, 0 AS allowed
		FROM shares s
		UNION ALL
		SELECT r.metric, r.arm, avg((r.ms IS NULL)::int),
			count(*) FILTER (WHERE r.ms IS NULL), count(*), 0
		FROM requests r WHERE r.metric = 'arm_error_rate' GROUP BY r.metric, r.arm
		UNION ALL
		SELECT r.metric, r.arm, percentile_cont(0.95) WITHIN GROUP (ORDER BY r.ms),
			count(*) FILTER (WHERE r.ms > r.bound), count(r.ms), 0.05
		FROM requests r WHERE r.metric = 'arm_p95_ms' GROUP BY r.metric, r.arm
	)
	SELECT j.metric, j.arm, c.value,
		CASE WHEN j.metric <> 'arm_p95_ms' THEN w.lower
			WHEN w.lower > c.allowed THEN c.value ELSE 0 END,
		coalesce(c.n, 0)
	FROM judged j
	LEFT JOIN counted c ON c.metric = j.metric AND c.arm = j.arm
	LEFT JOIN LATERAL bandit.wilson_interval(c.hits, c.n) AS w ON c.n > 0;
END;
COMMENT ON FUNCTION bandit_internal.guarded_arms(text, timestamptz) IS
'What the guards of arms measure, a row per guard and enabled arm: value; lower, what it is at least with 97.5 % confidence (Wilson''s bound; a percentile is above its bound as surely as the share of slower requests is above 5 %); sample, requests or decisions.';

CREATE FUNCTION bandit_internal.guard_values(name text, at timestamptz,
	OUT metric text, OUT arm text, OUT value float8, OUT bound float8, OUT status text,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	rule bandit.guards;
	verdict record;
	worst float8;
BEGIN
	SELECT g.* INTO rule FROM bandit.guards g
	WHERE g.bandit = guard_values.name AND g.metric = 'reward_drop';
	IF FOUND THEN
		metric := rule.metric;
		bound := rule.bound;
		action := rule.action;
		status := 'unknown';
		IF EXISTS (SELECT FROM bandit.experiments e
				   WHERE e.bandit = guard_values.name AND e.ended_at IS NULL) THEN
			SELECT v.* INTO verdict FROM bandit.experiment_verdict(guard_values.name, guard_values.at) v;
			value := -verdict.difference / nullif(verdict.control, 0);
			worst := -verdict.upper / nullif(verdict.control, 0);
			status := CASE WHEN worst IS NULL THEN 'unknown' WHEN worst > rule.bound THEN 'alert'
				WHEN value > rule.bound THEN 'warning' ELSE 'ok' END;
		END IF;
		RETURN NEXT;
	END IF;
	RETURN QUERY
	SELECT m.metric, m.arm, m.value, g.bound,
		CASE WHEN m.sample < g.min_sample THEN 'unknown' WHEN m.lower > g.bound THEN 'alert'
			WHEN m.value > g.bound THEN 'warning' ELSE 'ok' END, g.action
	FROM bandit_internal.guarded_arms(guard_values.name, guard_values.at) m
	JOIN bandit.guards g ON g.bandit = guard_values.name AND g.metric = m.metric
	ORDER BY m.metric, m.value DESC, m.arm;
END;
$$;
COMMENT ON FUNCTION bandit_internal.guard_values(text, timestamptz) IS
'A row per guard, and per enabled arm where it is about arms: ok; warning, the value is above the bound; alert, so is the end of its interval; unknown, too few of them.';

CREATE FUNCTION bandit_internal.act_on_guard(name text, arm text, action text,
	OUT done text, OUT words text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF action = 'control' THEN
		IF EXISTS (SELECT FROM bandit.experiments e WHERE e.bandit = act_on_guard.name
				   AND e.ended_at IS NULL AND e.allocation > 0) THEN
			PERFORM bandit.set_allocation(act_on_guard.name, 0);
			done := action;
			words := '; the allocation was set to 0, so the control serves everybody';
		END IF;
	ELSIF action = 'disable' THEN
		IF (SELECT count(*) FROM bandit.arms a WHERE a.bandit = act_on_guard.name
			AND a.enabled AND a.role = 'arm') > 1 THEN
			PERFORM bandit.set_arm(act_on_guard.name, act_on_guard.arm, false);
			done := action;
			words := '; it was disabled';
		ELSE
			words := '; it is the only arm and was left enabled';
		END IF;
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.act_on_guard(text, text, text) IS
'Does what a guard says and tells what was done; nothing where there is nothing to do.';

CREATE FUNCTION bandit_internal.guard_words(metric text, arm text, value float8, bound float8)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE metric
		WHEN 'reward_drop' THEN format('the reward is %s %% below the control''s, by more than %s %%', v.percent, b.percent)
		WHEN 'new_arm_share' THEN format('new arm "%s" has %s %% of the items, more than %s %%', arm, v.percent, b.percent)
		WHEN 'arm_error_rate' THEN format('arm "%s" fails in %s %% of its requests, more than %s %%', arm, v.percent, b.percent)
		ELSE format('arm "%s" takes %s ms in one of 20 requests, more than %s ms', arm,
			round(value::numeric, 1), round(bound::numeric, 1)) END
	FROM (SELECT round(100 * value::numeric, 1)) AS v (percent),
		(SELECT round(100 * bound::numeric, 1)) AS b (percent);
END;
COMMENT ON FUNCTION bandit_internal.guard_words(text, text, float8, float8) IS
'What a guard found, in words.';

CREATE FUNCTION bandit.guard(name text, at timestamptz DEFAULT now(),
	OUT metric text, OUT arm text, OUT value float8, OUT bound float8,
	OUT status text, OUT action text, OUT message text)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	found record;
	deed record;
BEGIN
	PERFORM bandit_internal.lock_bandit(guard.name);
	IF isfinite(guard.at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a moment, neither null nor infinite'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	FOR found IN
		SELECT v.* FROM bandit_internal.guard_values(guard.name, guard.at) v
	LOOP
		metric := found.metric;
		arm := found.arm;
		value := found.value;
		bound := found.bound;
		status := found.status;
		action := NULL;
		message := NULL;
		IF status IN ('warning', 'alert') THEN
			message := bandit_internal.guard_words(metric, arm, value, bound);
			IF status = 'alert' THEN
				SELECT d.* INTO deed FROM bandit_internal.act_on_guard(guard.name, arm, found.action) d;
				action := deed.done;
				message := message || coalesce(deed.words, '');
			END IF;
			PERFORM bandit_internal.note_alert(guard.name, metric, arm,
				CASE status WHEN 'alert' THEN 'critical' ELSE 'warning' END,
				value, bound, message, action);
		ELSIF status = 'ok' THEN
			PERFORM bandit_internal.resolve_alert(guard.name, metric, arm, 'within bounds again');
		END IF;
		RETURN NEXT;
	END LOOP;
	-- of guards that were taken away, and of arms that were removed
	PERFORM bandit_internal.resolve_alert(l.bandit, l.metric, l.arm, 'not watched any more')
	FROM bandit.alerts l
	WHERE l.bandit = guard.name AND l.resolved_at IS NULL
		AND l.metric IN ('reward_drop', 'new_arm_share', 'arm_error_rate', 'arm_p95_ms')
		AND NOT EXISTS (SELECT FROM bandit.guards g
			LEFT JOIN bandit.arms a ON a.bandit = g.bandit AND a.arm = l.arm
			WHERE g.bandit = l.bandit AND g.metric = l.metric
				AND (l.arm IS NULL OR a.arm IS NOT NULL));
END;
$$;
COMMENT ON FUNCTION bandit.guard(text, timestamptz) IS
'Checks the guards of a bandit and does what they say, a row per guard, and per enabled arm where it is about arms. status: ok; warning: the value is above the bound; alert: beyond doubt, its interval is (Wilson''s at 95 %, of reward_drop the always-valid one of the experiment, so that it may be asked every minute); unknown: too few requests, or no experiment with 100 users on each side. Only an alert is acted on; action: what was done, control or disable. A warning or an alert is a row of bandit.alerts, told to NOTIFY bandit_alerts and to the server log when it opens, worsens and resolves. An arm that was disabled stays so, and its alert open, until somebody enables it (bandit.set_arm); it is then judged by what it does from then on. Errors: undefined_object; invalid_parameter_value.';
