-- Another policy, another prior or other arms, on the decisions that were logged.

CREATE FUNCTION bandit_internal.arm_rewards(name text, since timestamptz,
	until timestamptz, OUT decision_id uuid, OUT arm text, OUT reward float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT d.decision_id, d.picks, d.items, d.item_arms
		FROM bandit.decisions d
		WHERE d.bandit = arm_rewards.name AND d.variant = 'treatment'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), responses AS (
		SELECT f.decision_id, f.item_id, f.arm, bandit_internal.combined(b.combine, array_agg(f.reward ORDER BY
				bandit_internal.response_order(b.combine, f.priority, f.reward, f.received_at, f.changed_at) DESC, f.kind)) AS reward
		FROM logged l JOIN bandit.feedback f USING (decision_id)
		JOIN bandit.bandits b ON b.name = f.bandit
		WHERE f.bandit = arm_rewards.name AND NOT f.retracted
			AND f.kind NOT IN ('silence', 'correction')
		GROUP BY f.decision_id, f.item_id, f.arm, b.combine
	)
	SELECT l.decision_id, i.arm, avg(coalesce(r.reward, 0))
	FROM logged l
	CROSS JOIN LATERAL unnest(l.items, l.item_arms) AS i (item, arm)
	LEFT JOIN responses r ON r.decision_id = l.decision_id AND r.item_id = i.item
	WHERE l.items IS NOT NULL
	GROUP BY l.decision_id, i.arm
	UNION ALL
	SELECT l.decision_id, p.arm, coalesce(r.reward, 0)
	FROM logged l
	CROSS JOIN LATERAL unnest(l.picks) AS p (arm)
	LEFT JOIN responses r ON r.decision_id = l.decision_id AND r.arm = p.arm
		AND r.item_id IS NULL
	WHERE l.items IS NULL;
END;
COMMENT ON FUNCTION bandit_internal.arm_rewards(text, timestamptz, timestamptz) IS
'What each arm earned in each decision of the bandit''s side made from "since" until before "until": the mean reward of its items, or the reward of the choice; what its responses are worth together (bandits.combine) counts, 0 without one.';

CREATE FUNCTION bandit_internal.place_weights(name text, since timestamptz,
	until timestamptz, policy text, arms text[], prior_alpha float8,
	prior_beta float8, OUT decision_id uuid, OUT subject text, OUT reward float8,
	OUT weight float8, OUT weighted float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shift AS MATERIALIZED (
		SELECT a.arm,
			coalesce(place_weights.prior_alpha - coalesce(a.prior_alpha, b.prior_alpha), 0) AS alpha,
			coalesce(place_weights.prior_beta - coalesce(a.prior_beta, b.prior_beta), 0) AS beta
		FROM bandit.arms a JOIN bandit.bandits b ON b.name = a.bandit
		WHERE a.bandit = place_weights.name
	), target AS MATERIALIZED (
		SELECT d.decision_id, d.subject, d.policy, d.arms, d.alphas, d.betas,
			d.picks, d.floors, x.arms AS t_arms, x.alphas AS t_alphas,
			x.betas AS t_betas, x.floors AS t_floors
		FROM bandit.decisions d
		CROSS JOIN LATERAL (
			SELECT array_agg(u.arm ORDER BY u.place) AS arms,
				array_agg(greatest(u.alpha + coalesce(s.alpha, 0), 1e-3) ORDER BY u.place) AS alphas,
				array_agg(greatest(u.beta + coalesce(s.beta, 0), 1e-3) ORDER BY u.place) AS betas,
				CASE WHEN d.floors IS NOT NULL AND place_weights.policy IS NULL
					THEN array_agg(u.floor ORDER BY u.place) END AS floors
			FROM unnest(d.arms, d.alphas, d.betas, coalesce(d.floors,
				array_fill(0::float8, ARRAY[cardinality(d.arms)])))
				WITH ORDINALITY AS u (arm, alpha, beta, floor, place)
			LEFT JOIN shift s ON s.arm = u.arm
			WHERE place_weights.arms IS NULL OR u.arm = ANY (place_weights.arms)
		) AS x
		WHERE d.bandit = place_weights.name AND d.variant = 'treatment'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
			AND cardinality(d.arms) > 0
	)
	SELECT t.decision_id, coalesce(t.subject, t.decision_id::text), avg(r.reward),
		avg(w.weight), avg(w.weight * r.reward)
	FROM target t
	CROSS JOIN LATERAL bandit.policy_rank_propensity(t.policy, t.alphas, t.betas,
		cardinality(t.picks), t.floors, 0) AS p (odds)
	CROSS JOIN LATERAL bandit.policy_rank_propensity(
		coalesce(place_weights.policy, t.policy), t.t_alphas, t.t_betas,
		least(cardinality(t.picks), cardinality(t.t_arms)), t.t_floors,
		CASE WHEN place_weights.policy IS NULL THEN 0 ELSE 0.1 END) AS e (odds)
	CROSS JOIN LATERAL generate_series(1,
		least(cardinality(t.picks), cardinality(t.t_arms))) AS k (rank)
	CROSS JOIN LATERAL (SELECT
		coalesce(e.odds[array_position(t.t_arms, t.picks[k.rank])][k.rank], 0)
		/ nullif(p.odds[array_position(t.arms, t.picks[k.rank])][k.rank], 0) AS weight) AS w
	JOIN bandit_internal.arm_rewards(place_weights.name, since, until) r
		ON r.decision_id = t.decision_id AND r.arm = t.picks[k.rank]
	GROUP BY t.decision_id, t.subject;
END;
COMMENT ON FUNCTION bandit_internal.place_weights(text, timestamptz, timestamptz, text, text[], float8, float8) IS
'Per decision of the bandit''s side, means over the places of its list: reward of the arm that took the place, weight (the probability that another policy gives it the place, over the exact one that it had), and their product. policy NULL: the one it was made by; arms NULL: all that it was made from; priors NULL: those it was made with, else evidence is kept and the prior replaced.';

CREATE FUNCTION bandit_internal.check_target(name text, policy text, arms text[],
	prior_alpha float8, prior_beta float8, min_effective_n float8)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	unknown text;
BEGIN
	PERFORM bandit.policy_propensity(check_target.policy, '{1,1}', '{1,1}', 1)
	WHERE check_target.policy IS NOT NULL;
	SELECT w.arm INTO unknown FROM unnest(check_target.arms) AS w (arm)
	WHERE NOT EXISTS (SELECT FROM bandit.arms a
		WHERE a.bandit = check_target.name AND a.arm = w.arm AND a.role = 'arm');
	IF FOUND THEN
		RAISE EXCEPTION 'bandit "%" has no arm "%"', check_target.name, unknown
			USING ERRCODE = 'undefined_object',
				HINT = 'SELECT arm FROM bandit.arms lists them.';
	ELSIF cardinality(check_target.arms) = 0 THEN
		RAISE EXCEPTION 'arms must not be empty'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF NOT (coalesce(check_target.prior_alpha, 1) > 0 AND coalesce(check_target.prior_alpha, 1) < 'Infinity'
			AND coalesce(check_target.prior_beta, 1) > 0 AND coalesce(check_target.prior_beta, 1) < 'Infinity') THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must be finite and positive'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (check_target.min_effective_n >= 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'min_effective_n must not be negative'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_target(text, text, text[], float8, float8, float8) IS
'Raises unless bandit.evaluate_policy can take these arguments.';

CREATE FUNCTION bandit.evaluate_policy(name text, policy text DEFAULT NULL,
	arms text[] DEFAULT NULL, prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL, since timestamptz DEFAULT '-infinity',
	min_effective_n float8 DEFAULT 100, at timestamptz DEFAULT now(),
	OUT decisions bigint, OUT users bigint, OUT effective_n float8,
	OUT mean_weight float8, OUT estimate float8, OUT lower float8,
	OUT upper float8, OUT logged float8, OUT difference float8,
	OUT difference_lower float8, OUT difference_upper float8, OUT verdict text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	settings bandit.bandits;
	weight_error float8;
	error float8;
BEGIN
	PERFORM bandit_internal.require_bandit(evaluate_policy.name);
	SELECT b.* INTO settings FROM bandit.bandits b WHERE b.name = evaluate_policy.name;
	PERFORM bandit_internal.check_target(settings.name, evaluate_policy.policy,
		evaluate_policy.arms, evaluate_policy.prior_alpha, evaluate_policy.prior_beta,
		evaluate_policy.min_effective_n);
	WITH each AS MATERIALIZED (
		SELECT w.* FROM bandit_internal.place_weights(settings.name,
			greatest(evaluate_policy.since, timestamptz '2000-01-01'),
			evaluate_policy.at - settings.attribution_window, evaluate_policy.policy,
			evaluate_policy.arms, evaluate_policy.prior_alpha, evaluate_policy.prior_beta) w
	), totals AS (
		SELECT count(*) AS n, count(DISTINCT e.subject) AS s, avg(e.reward) AS v0,
			sum(e.weighted) / nullif(sum(e.weight), 0) AS v, avg(e.weight) AS w,
			sum(e.weight) ^ 2 / nullif(sum(e.weight ^ 2), 0) AS kish,
			stddev_samp(e.weight) / sqrt(count(*)) AS w_error
		FROM each e
	), subjects AS (
		-- what each user adds to the estimates, to first order
		SELECT sum(e.weighted - t.v * e.weight) / (t.w * t.n) AS of_target,
			sum(e.reward - t.v0) / t.n AS of_logged
		FROM each e CROSS JOIN totals t
		GROUP BY e.subject, t.w, t.n
	), errors AS (
		SELECT sqrt(sum(of_target ^ 2) * count(*) / nullif(count(*) - 1, 0)) AS target,
			sqrt(sum((of_target - of_logged) ^ 2) * count(*) / nullif(count(*) - 1, 0)) AS difference
		FROM subjects
	)
	SELECT t.n, t.s, t.kish, t.w, t.w_error, t.v, t.v - bandit_internal.student(t.s - 1) * e.target,
		t.v + bandit_internal.student(t.s - 1) * e.target,
		t.v0, t.v - t.v0, e.difference
	INTO decisions, users, effective_n, mean_weight, weight_error, estimate, lower, upper,
		logged, difference, error
	FROM totals t CROSS JOIN errors e;
	difference_lower := difference - bandit_internal.student(users - 1) * error;
	difference_upper := difference + bandit_internal.student(users - 1) * error;
	verdict := CASE
		WHEN decisions = 0 THEN 'no data'
		WHEN estimate IS NULL THEN 'never seen: what it would do was never done'
		WHEN effective_n < evaluate_policy.min_effective_n
			THEN format('too little evidence: effective_n is below %s', evaluate_policy.min_effective_n)
		WHEN abs(mean_weight - 1) > 3 * weight_error + 1e-9
			THEN 'not supported: mean_weight is not 1, so it would do what was never done'
		WHEN difference_lower > 0 THEN 'better'
		WHEN difference_upper < 0 THEN 'worse'
		ELSE 'no difference seen' END;
END;
$$;
COMMENT ON FUNCTION bandit.evaluate_policy(text, text, text[], float8, float8, timestamptz, float8, timestamptz) IS
'What another policy, prior or set of arms would have earned on the decisions that the bandit logged, per choice or per place of a list: an estimate by self-normalised importance weighting (snips; Swaminathan and Joachims 2015), place by place of a list, through the exact probabilities of what was done. It supposes that what an arm''s items earn does not depend on the arms beside it, and takes the evidence as it was: another policy would have learnt otherwise. policy: as bandits.policy; NULL: the logged one, floors included; another has none, and epsilon 0.1; arms: a subset; prior_alpha, prior_beta: instead of each arm''s own. since, at: decisions from then on whose window had passed at that time. logged: the same of what was served. Of lists both are means over places, as many as the other policy fills, of the mean reward of the items of the arm that had the place: places count alike, however many items each brought, so logged is not the mean reward of an item. lower and upper, of estimate and difference: 95 % intervals over users, by Student''s quantile. effective_n: (sum w)^2 / sum w^2 (Kish 1965); mean_weight: 1 if what the other would do was done often enough. verdict: better, worse or no difference seen, but neither with effective_n below min_effective_n nor with a mean_weight off 1 by 3 standard errors. For one look, and one other policy. Errors: undefined_object for a bandit or arm, invalid_parameter_value for policy, priors or min_effective_n.';
