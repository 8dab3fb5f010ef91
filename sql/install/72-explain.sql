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
	OUT context jsonb)
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
		CROSS JOIN LATERAL unnest(bandit.top_k_propensity(d.alphas, d.betas,
			cardinality(d.picks))) WITH ORDINALITY AS o (propensity, place)
		WHERE cardinality(d.arms) > 0
	), drawn AS (
		SELECT r.*, row_number() OVER () AS place
		FROM bandit.replay(explain.decision_id) r
	), served AS (
		SELECT s.arm, count(*)::int AS items
		FROM decision d CROSS JOIN LATERAL unnest(d.item_arms) AS s (arm)
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
			WHERE c.bandit = d.bandit AND c.context_hash = d.context_hash LIMIT 1)
	FROM drawn n
	JOIN odds o ON o.place = n.place
	FULL JOIN served s ON s.arm = n.arm
	LEFT JOIN earned e ON e.arm = COALESCE(n.arm, s.arm)
	CROSS JOIN decision d
	ORDER BY n.rank, n.place, COALESCE(n.arm, s.arm);
END;
COMMENT ON FUNCTION bandit.explain(uuid) IS
'Why a decision was made and what came of it, a row per arm, the picked ones first: the posterior it was drawn from (alpha, beta), its draw (sample), its share of the list (weight), the exact probability that it would be picked given those posteriors (propensity), how many items were credited to it, how many responses came, and what it earned, silence included. The control has no draw. No rows for an unknown decision.';
