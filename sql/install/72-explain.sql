-- A decision, looked at again: its draws, its odds, what came of it.

CREATE FUNCTION bandit.replay(
	decision_id uuid,
	OUT arm text,
	OUT rank int,
	OUT sample float8,
	OUT weight float8,
	OUT alpha float8,
	OUT beta float8)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED COST 100 ROWS 6
AS 'MODULE_PATHNAME', 'bandit_replay';
COMMENT ON FUNCTION bandit.replay(uuid) IS
'Draws a logged decision again, from its id and the posteriors its row keeps: every arm that was drawn, in the order of drawing, with the same draws to the bit. rank and weight are null for arms that were not picked. No rows for an unknown decision, or for one of the control, which draws nothing.';

CREATE FUNCTION bandit.propensities(
	decision_id uuid,
	OUT rank int,
	OUT arm text,
	OUT propensity float8,
	OUT picked boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT r.rank::int, a.arm, o.odds[a.place][r.rank],
		d.picks[r.rank] = a.arm
	FROM bandit.decisions d
	CROSS JOIN LATERAL bandit.policy_rank_propensity(d.policy, d.alphas,
		d.betas, cardinality(d.picks), d.floors, 0) AS o (odds)
	CROSS JOIN LATERAL generate_subscripts(d.picks, 1) AS r (rank)
	CROSS JOIN LATERAL unnest(d.arms) WITH ORDINALITY AS a (arm, place)
	WHERE d.decision_id = propensities.decision_id
		AND cardinality(d.arms) > 0
	ORDER BY r.rank, a.place;
END;
COMMENT ON FUNCTION bandit.propensities(uuid) IS
'How probable every outcome of a logged decision was, exactly, under the policy, the posteriors and the exploration floors that its row keeps: for each place of the list (rank), each arm, the probability that the arm took it, and whether it did (picked). Each rank adds up to 1. No rows for an unknown decision, or for one of the control. Errors: program_limit_exceeded as bandit.policy_propensity.';

CREATE FUNCTION bandit.explain(
	decision_id uuid,
	OUT arm text,
	OUT rank int,
	OUT alpha float8,
	OUT beta float8,
	OUT sample float8,
	OUT weight float8,
	OUT propensity float8,
	OUT items int,
	OUT responses int,
	OUT successes float8,
	OUT failures float8,
	OUT context jsonb,
	OUT policy text,
	OUT deterministic boolean)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH decision AS (
		SELECT d.* FROM bandit.decisions d
		WHERE d.decision_id = explain.decision_id
	), odds AS (
		SELECT o.place, o.propensity
		FROM decision d
		CROSS JOIN LATERAL unnest(bandit.policy_propensity(d.policy, d.alphas,
			d.betas, cardinality(d.picks), d.floors, 0))
			WITH ORDINALITY AS o (propensity, place)
		WHERE cardinality(d.arms) > 0 AND (d.floors IS NULL
			OR (cardinality(d.arms) + 4.0) * cardinality(d.picks)
				* (cardinality(d.picks) + 1) <= 1e6)
	), drawn AS (
		SELECT r.*, row_number() OVER () AS place
		FROM bandit.replay(explain.decision_id) r
	), served AS (
		SELECT s.arm, count(*)::int AS items
		FROM decision d CROSS JOIN LATERAL unnest(d.item_arms) AS s (arm)
		WHERE s.arm IS NOT NULL
		GROUP BY s.arm
	), earned AS (
		SELECT f.arm, count(*) FILTER (WHERE f.kind <> 'silence')::int AS responses,
			sum(f.successes) AS successes, sum(f.failures) AS failures
		FROM decision d JOIN bandit.feedback f
			ON f.decision_id = d.decision_id AND f.bandit = d.bandit
		GROUP BY f.arm
	)
	SELECT COALESCE(n.arm, s.arm), n.rank, n.alpha, n.beta, n.sample, n.weight,
		o.propensity, COALESCE(s.items, 0), COALESCE(e.responses, 0),
		COALESCE(e.successes, 0), COALESCE(e.failures, 0),
		(SELECT c.context FROM bandit.contexts c
			WHERE c.bandit = d.bandit AND c.context_hash = d.context_hash LIMIT 1),
		d.policy,
		d.floors IS NULL
			AND d.policy IN ('greedy', 'epsilon_greedy', 'ucb1', 'bayes_ucb')
	FROM drawn n
	LEFT JOIN odds o ON o.place = n.place
	FULL JOIN served s ON s.arm = n.arm
	LEFT JOIN earned e ON e.arm = COALESCE(n.arm, s.arm)
	CROSS JOIN decision d
	ORDER BY n.rank, n.place, COALESCE(n.arm, s.arm);
END;
COMMENT ON FUNCTION bandit.explain(uuid) IS
'Why a decision was made and what came of it, a row per arm, the picked ones first: the posterior it was drawn from (alpha, beta), its draw (sample), its share of the list (weight), the exact probability that the policy picks it given those posteriors, exploration floors included (propensity; NULL where the list is too long to tell, see bandit.policy_propensity), how many items were credited to it, how many responses came, and what it earned, silence included. The control has no draw. policy: the one that decided. deterministic: it ordered the arms by scores, without exploration, so that every propensity is 1 or 0, but for ties, and says nothing of what the other arms would have earned. No rows for an unknown decision.';
