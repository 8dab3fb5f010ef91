-- What it cost to learn, how the arms did over time, and what another policy
-- would have earned.

CREATE FUNCTION bandit_internal.regret_draws(alphas float8[], betas float8[],
	counts float8[], draws int, key bigint)
RETURNS float8[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_regret_draws';
COMMENT ON FUNCTION bandit_internal.regret_draws(float8[], float8[], float8[], int, bigint) IS
'Draws of the sum over arms of counts[i] * (largest rate - rate i), the rates independent Beta(alphas[i], betas[i]); the same for the same arguments. Errors: array_subscript_error, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.check_bucket(bucket interval)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (bucket > '0'::interval AND extract(month FROM bucket) + extract(year FROM bucket) = 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'bucket must be positive, and have no months'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Such as ''1 day'' or ''1 hour''.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_bucket(interval) IS
'Raises invalid_parameter_value unless time can be cut into pieces of that length.';

CREATE FUNCTION bandit.regret(name text, bucket interval DEFAULT '1 day',
	OUT period timestamptz, OUT decisions bigint, OUT served bigint,
	OUT regret float8, OUT cumulative float8, OUT lower float8, OUT upper float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_bandit(regret.name);
	PERFORM bandit_internal.check_bucket(regret.bucket);
	RETURN QUERY
	WITH states AS MATERIALIZED (
		SELECT p.*, bandit.expected_losses(p.alphas, p.betas) AS losses
		FROM (
			SELECT s.context_hash, array_agg(s.arm ORDER BY s.arm) AS arms,
				array_agg(s.alpha ORDER BY s.arm) AS alphas,
				array_agg(s.beta ORDER BY s.arm) AS betas
			FROM bandit.bandit_states s WHERE s.bandit = regret.name
			GROUP BY s.context_hash OFFSET 0
		) AS p
	), logged AS MATERIALIZED (
		SELECT date_bin(regret.bucket, d.decided_at, timestamptz '2000-01-01') AS period,
			d.context_hash, coalesce(d.item_arms, d.picks) AS served
		FROM bandit.decisions d
		WHERE d.bandit = regret.name AND d.variant = 'treatment'
	), periods AS (
		SELECT l.period, count(*) AS decisions FROM logged l GROUP BY l.period
	), counts AS (
		SELECT l.period, l.context_hash, a.arm, count(*)::float8 AS n
		FROM logged l CROSS JOIN LATERAL unnest(l.served) AS a (arm)
		GROUP BY l.period, l.context_hash, a.arm
	), so_far AS (
		SELECT p.period, s.context_hash, s.alphas, s.betas, s.losses, a.arm,
			coalesce(c.n, 0) AS n, sum(coalesce(c.n, 0)) OVER (
				PARTITION BY s.context_hash, a.arm ORDER BY p.period) AS total
		FROM periods p CROSS JOIN states s
		CROSS JOIN LATERAL unnest(s.arms) AS a (arm)
		LEFT JOIN counts c ON c.period = p.period
			AND c.context_hash = s.context_hash AND c.arm = a.arm
	), contexts AS MATERIALIZED (
		SELECT f.period, f.context_hash, f.alphas, f.betas, f.losses,
			array_agg(f.n ORDER BY f.arm) AS n,
			array_agg(f.total ORDER BY f.arm) AS total
		FROM so_far f
		GROUP BY f.period, f.context_hash, f.alphas, f.betas, f.losses
		HAVING sum(f.total) > 0
	), means AS (
		SELECT c.period, sum(m.regret) AS regret, sum(m.cumulative) AS cumulative,
			sum(m.served)::bigint AS served
		FROM contexts c
		CROSS JOIN LATERAL (
			SELECT sum(u.n * u.loss) AS regret, sum(u.total * u.loss) AS cumulative,
				sum(u.n) AS served
			FROM unnest(c.n, c.total, c.losses) AS u (n, total, loss)) AS m
		GROUP BY c.period
	), worlds AS (
		SELECT c.period, w.number, sum(w.regret) AS regret
		FROM contexts c
		CROSS JOIN LATERAL unnest(bandit_internal.regret_draws(c.alphas, c.betas,
			c.total, 400, c.context_hash)) WITH ORDINALITY AS w (regret, number)
		GROUP BY c.period, w.number
	), intervals AS (
		SELECT w.period, percentile_cont(0.025) WITHIN GROUP (ORDER BY w.regret) AS lower,
			percentile_cont(0.975) WITHIN GROUP (ORDER BY w.regret) AS upper
		FROM worlds w GROUP BY w.period
	)
	SELECT p.period, p.decisions, m.served, m.regret, m.cumulative, i.lower, i.upper
	FROM periods p
	JOIN means m ON m.period = p.period
	JOIN intervals i ON i.period = p.period
	ORDER BY p.period;
END;
$$;
COMMENT ON FUNCTION bandit.regret(text, interval) IS
'What choosing other arms than the best one of each context is estimated to have cost so far, a row per piece of time with decisions. served: items (or, by choose, arms) that arms were credited with; regret: of this piece, in units of reward, by today''s posteriors: the sum of bandit.expected_losses of the arms served; cumulative: up to the end of the piece; lower, upper: its 95 % credible interval, from 400 worlds drawn from the posteriors, the same ones for every row and call. A bandit that learns has a curve that flattens. It never falls to 0 while an arm may be better than is known. Removed arms, what the control filled and its traffic do not count; decisions dropped by retention neither. bucket: length of a piece, counted from 2000-01-01 00:00 in UTC. Errors: undefined_object, invalid_parameter_value.';

CREATE FUNCTION bandit.arm_history(name text, bucket interval DEFAULT '1 day',
	OUT period timestamptz, OUT arm text, OUT served bigint, OUT share float8,
	OUT pulls bigint, OUT successes float8, OUT failures float8, OUT mean float8,
	OUT mean_so_far float8)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_bandit(arm_history.name);
	PERFORM bandit_internal.check_bucket(arm_history.bucket);
	RETURN QUERY
	WITH logged AS (
		SELECT date_bin(arm_history.bucket, d.decided_at, timestamptz '2000-01-01') AS period,
			a.arm, count(*) AS served
		FROM bandit.decisions d
		CROSS JOIN LATERAL unnest(coalesce(d.item_arms, d.picks)) AS a (arm)
		WHERE d.bandit = arm_history.name AND d.variant = 'treatment'
		GROUP BY 1, 2
	), learnt AS (
		SELECT date_bin(arm_history.bucket, bandit.decision_time(f.decision_id),
				timestamptz '2000-01-01') AS period, f.arm, sum(f.pulls)::bigint AS pulls,
			sum(f.successes) AS successes, sum(f.failures) AS failures
		FROM bandit.feedback f WHERE f.bandit = arm_history.name
		GROUP BY 1, 2
	), rows AS (
		SELECT coalesce(l.period, e.period) AS period,
			coalesce(l.arm, e.arm) AS arm, coalesce(l.served, 0) AS served,
			coalesce(e.pulls, 0) AS pulls, coalesce(e.successes, 0) AS successes,
			coalesce(e.failures, 0) AS failures
		FROM logged l FULL JOIN learnt e ON e.period = l.period AND e.arm = l.arm
	)
	SELECT r.period, r.arm::text, r.served,
		r.served / nullif(sum(r.served) OVER piece, 0)::float8,
		r.pulls, r.successes, r.failures,
		r.successes / nullif(r.successes + r.failures, 0),
		sum(r.successes) OVER past / nullif(sum(r.successes + r.failures) OVER past, 0)
	FROM rows r
	WINDOW piece AS (PARTITION BY r.period),
		past AS (PARTITION BY r.arm ORDER BY r.period)
	ORDER BY r.period, r.arm;
END;
$$;
COMMENT ON FUNCTION bandit.arm_history(text, interval) IS
'How the arms did over time, from the log and the ledger: a row per arm and piece of time in which it was served. served: items, or choices, that it was credited with, share of those of all arms; pulls, successes, failures: what was learnt from the decisions of that piece, silence included, as far as it has been settled; mean: successes / (successes + failures), mean_so_far: the same over all pieces up to this one; neither knows a prior or a half-life. What retention has dropped does not show. bucket as in bandit.regret. Errors: undefined_object, invalid_parameter_value.';
