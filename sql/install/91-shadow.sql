-- A bandit that watches what the application chooses by itself.

CREATE FUNCTION bandit.shadow_choose(name text, context jsonb, arm text,
	subject text DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_shadow_choose';
COMMENT ON FUNCTION bandit.shadow_choose(text, jsonb, text, text) IS
'Logs a choice that the application made by itself, with the posteriors that bandit.choose would have drawn from; returns the decision''s id. Nothing is served. Tell what came of it with bandit.reward, and the arm learns; silence counts as ever. bandit.replay shows what would have been chosen, bandit.shadow_report whether it would have been better. subject: as in bandit.choose. NULL, and nothing is logged, in a read-only transaction. Errors: undefined_object for a bandit, or an arm that it does not have; invalid_parameter_value for a context with undeclared keys.';

CREATE FUNCTION bandit.shadow_recommend(name text, user_id bigint, item_ids bigint[],
	context jsonb DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_shadow_recommend';
COMMENT ON FUNCTION bandit.shadow_recommend(text, bigint, bigint[], jsonb) IS
'Logs a list that the application served by itself, and makes the one that bandit.recommend would have served; returns the decision''s id. What both have is credited to the arm that would have brought it, which learns from what the user does with it; the other items are credited to the control. Of an item that is given twice the first place counts. As in recommend, arms that fail are skipped. NULL, and nothing is logged, in a read-only transaction. Errors: those of recommend; invalid_parameter_value for an empty list, or one with nulls.';

CREATE FUNCTION bandit.shadow_recommend(name text, user_key text, item_keys text[],
	context jsonb DEFAULT NULL)
RETURNS uuid
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'bandit_shadow_recommend_key';
COMMENT ON FUNCTION bandit.shadow_recommend(text, text, text[], jsonb) IS
'shadow_recommend for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit_internal.shadow_rewards(name text, since timestamptz,
	until timestamptz, OUT decision_id uuid, OUT subject text, OUT part int,
	OUT context_hash bigint, OUT arm text, OUT agreement float8, OUT reward float8,
	OUT successes float8, OUT failures float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT d.decision_id, coalesce(d.subject, d.decision_id::text) AS subject,
			d.context_hash, d.picks[1] AS arm,
			coalesce((bandit.policy_propensity(d.policy, d.alphas, d.betas, 1, d.floors, 0))
				[array_position(d.arms, d.picks[1])], 0) AS agreement
		FROM bandit.decisions d
		WHERE d.bandit = shadow_rewards.name AND d.variant = 'shadow' AND d.items IS NULL
			AND cardinality(d.arms) > 0
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	)
	SELECT l.decision_id, l.subject, (abs(bandit.key_id(l.subject) % 2))::int,
		l.context_hash, l.arm, l.agreement,
		-- what replaces a row of the ledger takes away what that had added
		CASE WHEN sum(f.successes) + sum(f.failures) > 0
				THEN sum(f.successes) / (sum(f.successes) + sum(f.failures))
			WHEN count(f.decision_id) = 0 THEN
				CASE b.on_silence WHEN 'failure' THEN 0 WHEN 'reward' THEN b.silence_reward END END,
		coalesce(sum(bandit_internal.aged(f.successes, f.received_at,
			greatest(f.received_at, now()), b.half_life)), 0),
		coalesce(sum(bandit_internal.aged(f.failures, f.received_at,
			greatest(f.received_at, now()), b.half_life)), 0)
	FROM logged l
	JOIN bandit.bandits b ON b.name = shadow_rewards.name
	-- joined before it is summed up: the other way round may be done for each row
	LEFT JOIN bandit.feedback f ON f.decision_id = l.decision_id AND f.bandit = shadow_rewards.name
	GROUP BY l.decision_id, l.subject, l.context_hash, l.arm, l.agreement, b.name;
END;
COMMENT ON FUNCTION bandit_internal.shadow_rewards(text, timestamptz, timestamptz) IS
'The choices that bandit.shadow_report judges: part, 0 or 1 by user; agreement, the probability with which the bandit would have chosen the same; reward, as it was learnt, that of silence where nothing is in the ledger, NULL where it is neutral or silence is worth nothing; successes and failures, what is left of it in the evidence.';

CREATE FUNCTION bandit_internal.shadow_choices(name text, since timestamptz,
	until timestamptz, OUT decisions bigint, OUT users bigint, OUT agreement float8,
	OUT application float8, OUT estimate float8, OUT error float8, OUT unseen float8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH logged AS MATERIALIZED (
		SELECT r.* FROM bandit_internal.shadow_rewards(shadow_choices.name, since, until) r
	), held AS (
		SELECT l.context_hash, l.part, l.arm, sum(l.successes) AS successes, sum(l.failures) AS failures
		FROM logged l GROUP BY l.context_hash, l.part, l.arm
	), beliefs AS (
		-- of each part's contexts, without what that part has added
		SELECT c.context_hash, c.part, array_agg(s.arm ORDER BY s.arm) AS arms,
			array_agg(greatest(s.alpha - coalesce(h.successes, 0), s.prior_alpha) ORDER BY s.arm) AS alphas,
			array_agg(greatest(s.beta - coalesce(h.failures, 0), s.prior_beta) ORDER BY s.arm) AS betas,
			array_agg(s.pulls ORDER BY s.arm) AS pulls
		FROM (SELECT DISTINCT l.context_hash, l.part FROM logged l) AS c
		JOIN bandit.bandit_states s ON s.bandit = shadow_choices.name
			AND s.context_hash = c.context_hash
		LEFT JOIN held h ON h.context_hash = c.context_hash AND h.part = c.part AND h.arm = s.arm
		GROUP BY c.context_hash, c.part
	), policy AS MATERIALIZED (
		SELECT p.context_hash, p.part, u.arm, u.alpha / (u.alpha + u.beta) AS mean, u.odds,
			sum(u.odds * u.alpha / (u.alpha + u.beta)) OVER cell AS value,
			sum(u.odds) FILTER (WHERE u.pulls < 10) OVER cell AS unseen
		FROM beliefs p
		JOIN bandit.bandits b ON b.name = shadow_choices.name
		CROSS JOIN LATERAL unnest(p.arms, p.alphas, p.betas, p.pulls,
			bandit.policy_propensity(b.policy, p.alphas, p.betas, 1, NULL, b.epsilon))
			AS u (arm, alpha, beta, pulls, odds)
		WINDOW cell AS (PARTITION BY p.context_hash, p.part)
	), each AS (
		SELECT l.part, l.subject, l.reward, c.value + coalesce(p.odds * (l.reward - p.mean)
			* count(l.reward) OVER cell / count(l.reward) OVER choice, 0) AS value,
			coalesce(c.unseen, 0) AS unseen, l.agreement
		FROM logged l
		LEFT JOIN (SELECT DISTINCT p.context_hash, p.part, p.value, p.unseen FROM policy p) AS c
			ON c.context_hash = l.context_hash AND c.part = l.part
		LEFT JOIN policy p ON p.context_hash = l.context_hash AND p.part = l.part AND p.arm = l.arm
		WINDOW cell AS (PARTITION BY l.context_hash, l.part),
			choice AS (PARTITION BY l.context_hash, l.part, l.arm)
	), totals AS (
		SELECT count(*) AS n, count(e.reward) AS rewarded, avg(e.agreement) AS agreement, avg(e.unseen) AS unseen,
			avg(e.reward) AS application, avg(e.value) FILTER (WHERE e.reward IS NOT NULL) AS estimate
		FROM each e
	), centred AS (
		SELECT e.part, e.subject, e.value - e.reward
			- avg(e.value - e.reward) OVER (PARTITION BY e.part) AS moved
		FROM each e WHERE e.reward IS NOT NULL
	), errors AS (
		SELECT sqrt(sum(s.moved ^ 2) * count(*) / nullif(count(*) - 1, 0)) AS error
		FROM (SELECT c.part, sum(c.moved) AS moved FROM centred c GROUP BY c.part, c.subject) AS s
		GROUP BY s.part
	)
	SELECT t.n, (SELECT count(DISTINCT d.subject) FROM logged d), t.agreement, t.application, t.estimate,
		(SELECT CASE WHEN count(e.error) = 2 THEN sum(e.error) END FROM errors e)
			/ nullif(t.rewarded, 0), coalesce(t.unseen, 0)
	FROM totals t;
END;
COMMENT ON FUNCTION bandit_internal.shadow_choices(text, timestamptz, timestamptz) IS
'The numbers of bandit.shadow_report for choices, doubly robust (Dudik, Langford and Li 2011) and cross-fitted (Chernozhukov and others 2018): each half of the users is judged by what is believed without it, so no reward helps to choose the arm that it is counted for. The error is that of the difference over users, the sum of those of the halves, which are not independent where arms are alike.';

CREATE FUNCTION bandit_internal.shadow_lists(name text, since timestamptz,
	until timestamptz, OUT decisions bigint, OUT users bigint, OUT agreement float8,
	OUT application float8, OUT estimate float8, OUT error float8)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH shown AS MATERIALIZED (
		SELECT d.decision_id, coalesce(d.subject, d.decision_id::text) AS subject, i.item,
			EXISTS (SELECT FROM bandit.arms a WHERE a.bandit = d.bandit
				AND a.arm = i.arm AND a.role = 'arm')::int AS both
		FROM bandit.decisions d
		CROSS JOIN LATERAL unnest(d.items, d.item_arms) AS i (item, arm)
		WHERE d.bandit = shadow_lists.name AND d.variant = 'shadow'
			AND d.decision_id >= bandit.first_decision_id(since)
			AND d.decision_id < bandit.first_decision_id(until)
	), responses AS (
		SELECT f.decision_id, f.item_id, bandit_internal.combined(b.combine, array_agg(f.reward ORDER BY
				bandit_internal.response_order(b.combine, f.priority, f.reward, f.received_at, f.changed_at) DESC, f.kind)) AS reward
		FROM bandit.feedback f JOIN bandit.bandits b ON b.name = f.bandit
		WHERE f.bandit = shadow_lists.name AND NOT f.retracted
			AND f.kind NOT IN ('silence', 'correction')
			AND f.decision_id IN (SELECT s.decision_id FROM shown s)
		GROUP BY f.decision_id, f.item_id, b.combine
	), subjects AS (
		SELECT s.subject, count(DISTINCT s.decision_id) AS lists, count(*)::float8 AS n,
			sum(s.both)::float8 AS m, sum(coalesce(r.reward, 0)) AS y,
			sum(s.both * coalesce(r.reward, 0)) AS z
		FROM shown s
		LEFT JOIN responses r ON r.decision_id = s.decision_id AND r.item_id = s.item
		GROUP BY s.subject
	), totals AS (
		SELECT sum(s.lists)::bigint AS lists, count(*) AS users, sum(s.n) AS n, sum(s.m) AS m,
			sum(s.y) / sum(s.n) AS application, sum(s.z) / nullif(sum(s.m), 0) AS estimate
		FROM subjects s
	), errors AS (
		SELECT sqrt(sum(((s.z - t.estimate * s.m) / t.m - (s.y - t.application * s.n) / t.n) ^ 2)
			* count(*) / nullif(count(*) - 1, 0)) AS error
		FROM subjects s CROSS JOIN totals t WHERE t.m > 0
	)
	SELECT coalesce(t.lists, 0), t.users, t.m / t.n, t.application, t.estimate, e.error
	FROM totals t LEFT JOIN errors e ON true;
END;
COMMENT ON FUNCTION bandit_internal.shadow_lists(text, timestamptz, timestamptz) IS
'The numbers of bandit.shadow_report for lists: mean rewards of all items shown and of those that the bandit''s arms would have shown too; the error of the difference over users, to first order.';

CREATE FUNCTION bandit.shadow_report(name text, since timestamptz DEFAULT '-infinity',
	at timestamptz DEFAULT now(), OUT decisions bigint, OUT users bigint,
	OUT agreement float8, OUT application float8, OUT estimate float8,
	OUT difference float8, OUT lower float8, OUT upper float8, OUT unseen float8,
	OUT verdict text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	first timestamptz := greatest(shadow_report.since, timestamptz '2000-01-01');
	until timestamptz;
	error float8;
BEGIN
	PERFORM bandit_internal.require_bandit(shadow_report.name);
	SELECT shadow_report.at - b.attribution_window INTO until
	FROM bandit.bandits b WHERE b.name = shadow_report.name;
	IF EXISTS (SELECT FROM bandit.recommenders r WHERE r.bandit = shadow_report.name) THEN
		SELECT l.decisions, l.users, l.agreement, l.application, l.estimate, l.error
		INTO decisions, users, agreement, application, estimate, error
		FROM bandit_internal.shadow_lists(shadow_report.name, first, until) l;
	ELSE
		SELECT c.decisions, c.users, c.agreement, c.application, c.estimate, c.error, c.unseen
		INTO decisions, users, agreement, application, estimate, error, unseen
		FROM bandit_internal.shadow_choices(shadow_report.name, first, until) c;
	END IF;
	difference := estimate - application;
	lower := difference - bandit_internal.student(users - 1) * error;
	upper := difference + bandit_internal.student(users - 1) * error;
	verdict := CASE
		WHEN decisions = 0 THEN 'no data'
		WHEN estimate IS NULL THEN 'never seen: nothing that it would show was shown'
		WHEN decisions < 100 THEN 'too early: fewer than 100 decisions'
		WHEN unseen > 0.1 THEN 'too little seen: it would often choose what was hardly ever chosen'
		WHEN lower > 0 THEN 'better'
		WHEN upper < 0 THEN 'worse'
		ELSE 'no difference seen' END;
END;
$$;
COMMENT ON FUNCTION bandit.shadow_report(text, timestamptz, timestamptz) IS
'Whether a bandit that watches the application (bandit.shadow_choose, shadow_recommend) would do better, from the decisions since a time whose window had passed at another. agreement: of choices the mean probability that it would have chosen the same, as it knew then; of lists the share of items that its arms would have shown too. application: mean reward of what the application served; estimate: of choices what the policy would earn with what is known now, without exploration floors, each half of the users judged by what the other half has taught; of lists the mean reward of the items that it would have shown too, which says nothing of those that were never shown. lower, upper: 95 % interval of the difference over users, by Student''s quantile. unseen: share of its choices that would fall on an arm with fewer than 10 responses in the context, where the mean is mostly prior. verdict: better, worse, no difference seen; or why not to say. It supposes that nothing but the context tells the application what to choose; where it knows more, only an experiment tells. Errors: undefined_object.';
