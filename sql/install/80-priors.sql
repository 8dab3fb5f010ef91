-- Back-off: a context that has seen little borrows from those like it.

CREATE FUNCTION bandit_internal.moment_strength(successes float8[],
	trials float8[], families bigint[], OUT pooled_rate float8,
	OUT rho float8, OUT strength float8)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH siblings AS (
		SELECT t.s, t.n, t.family,
			sum(t.s) OVER w / sum(t.n) OVER w AS p
		FROM unnest(successes, trials, families) AS t (s, n, family)
		WINDOW w AS (PARTITION BY t.family)
	), spread AS (
		SELECT sum(f.spread) - sum(f.members - 1) AS excess,
			sum(f.c) - sum(f.members - 1) AS scale
		FROM (
			SELECT count(*) AS members,
				sum(b.n * (b.s / b.n - b.p) ^ 2) / (min(b.p) * (1 - min(b.p))) AS spread,
				sum(b.n) - sum(b.n ^ 2) / sum(b.n) AS c
			FROM siblings b
			WHERE b.p > 0 AND b.p < 1
			GROUP BY b.family
		) AS f
	)
	SELECT (SELECT sum(b.s) / sum(b.n) FROM siblings b), r.rho,
		CASE WHEN r.rho > 0 THEN 1 / r.rho - 1 END
	FROM spread s
	CROSS JOIN LATERAL (SELECT s.excess / nullif(s.scale, 0)) AS r (rho);
END;

COMMENT ON FUNCTION bandit_internal.moment_strength(float8[], float8[], bigint[]) IS
'How alike the rates of siblings are, by moments (Kleinman 1973): successes and trials (greater than 0) of each, and which family, by parent, it belongs to. Within a family of rate p, S = sum n_i (p_i - p)^2 and c = N - sum n_i^2 / N; over families rho = (sum S / (p (1 - p)) - sum (k - 1)) / (sum c - sum (k - 1)), and strength = 1 / rho - 1, in observations. pooled_rate is that of all together. Families whose rate is 0 or 1 say nothing. rho is NULL where it cannot be known; strength is NULL where rho is not positive: no more spread than chance.';

CREATE FUNCTION bandit_internal.nodes(name text, OUT level int,
	OUT context_hash bigint, OUT parent_hash bigint, OUT arm text,
	OUT successes float8, OUT failures float8)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
-- statistics know nothing of what is made in here: a loop would be quadratic
SET enable_nestloop = off SET jit = off
BEGIN ATOMIC
	WITH settings AS (
		SELECT b.features, b.half_life FROM bandit.bandits b
		WHERE b.name = nodes.name
	), earned AS (
		SELECT e.context_hash, e.arm,
			sum(bandit_internal.aged(e.successes, e.updated_at,
				greatest(e.updated_at, now()), s.half_life)) AS successes,
			sum(bandit_internal.aged(e.failures, e.updated_at,
				greatest(e.updated_at, now()), s.half_life)) AS failures
		FROM settings s
		JOIN bandit.evidence e ON e.bandit = nodes.name
		JOIN bandit.arms a ON a.bandit = e.bandit AND a.arm = e.arm
			AND a.role = 'arm'
		GROUP BY e.context_hash, e.arm
	), known AS (
		SELECT c.context_hash, min(c.slot) AS slot
		FROM bandit.contexts c WHERE c.bandit = nodes.name
		GROUP BY c.context_hash
	), chain AS (
		SELECT k.context_hash AS cell, l.level,
			bandit.context_hash(coalesce((
				SELECT jsonb_object_agg(f.key, f.value)
				FROM jsonb_each(c.context) f
				WHERE f.key = ANY (s.features[1:l.level])), '{}')) AS node
		FROM settings s
		CROSS JOIN known k
		JOIN bandit.contexts c ON c.bandit = nodes.name
			AND c.context_hash = k.context_hash AND c.slot = k.slot
		CROSS JOIN LATERAL generate_series(0, cardinality(s.features))
			AS l (level)
	)
	SELECT n.level, n.node, n.parent, e.arm, sum(greatest(e.successes, 0)),
		sum(greatest(e.failures, 0))
	FROM (
		SELECT c.*, lag(c.node) OVER (PARTITION BY c.cell ORDER BY c.level)
			AS parent
		FROM chain c
	) AS n
	JOIN earned e ON e.context_hash = n.cell
	GROUP BY n.level, n.node, n.parent, e.arm
	HAVING sum(greatest(e.successes, 0)) + sum(greatest(e.failures, 0)) > 0;
END;

COMMENT ON FUNCTION bandit_internal.nodes(text) IS
'The evidence of each arm in each node: the contexts that agree in their first "level" features, for every level from 0, which is all contexts, to the number of features. parent_hash is the node one level up that it belongs to; NULL at level 0. Only what is not zero.';

CREATE FUNCTION bandit.refresh_priors(name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
	settings bandit.bandits;
	changed bigint := 0;
BEGIN
	PERFORM bandit_internal.lock_bandit(refresh_priors.name);
	SELECT * INTO settings FROM bandit.bandits b
	WHERE b.name = refresh_priors.name;
	IF settings.backoff_strength = 0 OR cardinality(settings.features) = 0 THEN
		DELETE FROM bandit.priors p WHERE p.bandit = settings.name;
		GET DIAGNOSTICS changed = ROW_COUNT;
		RETURN changed;
	END IF;

	WITH RECURSIVE nodes AS MATERIALIZED (
		SELECT n.*, n.successes + n.failures AS n
		FROM bandit_internal.nodes(settings.name) n
	), own AS (
		SELECT a.arm, coalesce(a.prior_alpha, settings.prior_alpha) AS alpha,
			coalesce(a.prior_beta, settings.prior_beta) AS beta
		FROM bandit.arms a
		WHERE a.bandit = settings.name AND a.role = 'arm'
	), fitted AS (
		-- clamped: from hardly more than nothing to nearly equal
		SELECT n.arm, n.level, least(greatest(coalesce(
				(bandit_internal.moment_strength(array_agg(n.successes),
					array_agg(n.n), array_agg(n.parent_hash))).strength,
				1000), 2), 1000) AS strength
		FROM nodes n
		WHERE settings.backoff_strength IS NULL AND n.level > 0 AND n.n >= 1
		GROUP BY n.arm, n.level
		HAVING count(*) FILTER (WHERE n.n >= 10) >= 5
			AND sum(n.successes) > 0 AND sum(n.failures) > 0
	), strengths AS (
		-- an arm's own prior is worth at least what it says
		SELECT o.arm, l.level, greatest(o.alpha + o.beta, coalesce(
			settings.backoff_strength, f.strength, 10)) AS strength
		FROM own o
		CROSS JOIN generate_series(1, cardinality(settings.features) + 1)
			AS l (level)
		LEFT JOIN fitted f ON f.arm = o.arm AND f.level = l.level
	), tree AS (
		SELECT 0 AS level, bandit.context_hash('{}') AS context_hash, o.arm,
			o.alpha, o.beta, coalesce(n.successes, 0) AS successes,
			coalesce(n.failures, 0) AS failures,
			o.alpha + o.beta AS strength
		FROM own o
		LEFT JOIN nodes n ON n.level = 0 AND n.arm = o.arm
		UNION ALL
		SELECT n.level, n.context_hash, n.arm, b.share * b.mean,
			b.share * (1 - b.mean), n.successes, n.failures, s.strength
		FROM tree t
		JOIN nodes n ON n.level = t.level + 1 AND n.arm = t.arm
			AND n.parent_hash = t.context_hash
		JOIN strengths s ON s.arm = n.arm AND s.level = n.level
		-- what the parent believes without this node: nothing counts twice
		CROSS JOIN LATERAL (
			SELECT t.alpha + greatest(t.successes - n.successes, 0) AS alpha,
				t.beta + greatest(t.failures - n.failures, 0) AS beta
		) AS others
		CROSS JOIN LATERAL (
			SELECT others.alpha / (others.alpha + others.beta) AS mean,
				least(s.strength, others.alpha + others.beta) AS share
		) AS b
	), found AS (
		SELECT t.*, b.share * b.mean AS child_alpha,
			b.share * (1 - b.mean) AS child_beta
		FROM tree t
		JOIN strengths s ON s.arm = t.arm AND s.level = t.level + 1
		CROSS JOIN LATERAL (
			SELECT (t.alpha + t.successes)
					/ (t.alpha + t.beta + t.successes + t.failures) AS mean,
				least(s.strength, t.alpha + t.beta + t.successes + t.failures)
					AS share
		) AS b
	), gone AS (
		DELETE FROM bandit.priors p
		WHERE p.bandit = settings.name AND NOT EXISTS (
			SELECT FROM found f WHERE f.context_hash = p.context_hash
				AND f.level = p.level AND f.arm = p.arm)
		RETURNING 1
	), written AS (
		INSERT INTO bandit.priors AS p (bandit, context_hash, level, arm,
			prior_alpha, prior_beta, child_alpha, child_beta, strength,
			successes, failures)
		SELECT settings.name, f.context_hash, f.level, f.arm,
			greatest(f.alpha, 1e-300), greatest(f.beta, 1e-300),
			greatest(f.child_alpha, 1e-300), greatest(f.child_beta, 1e-300),
			f.strength, f.successes, f.failures
		FROM found f
		ON CONFLICT (bandit, context_hash, level, arm) DO UPDATE SET
			prior_alpha = excluded.prior_alpha,
			prior_beta = excluded.prior_beta,
			child_alpha = excluded.child_alpha,
			child_beta = excluded.child_beta, strength = excluded.strength,
			successes = excluded.successes, failures = excluded.failures,
			refreshed_at = excluded.refreshed_at
		WHERE (p.prior_alpha, p.prior_beta, p.child_alpha, p.child_beta)
			IS DISTINCT FROM (excluded.prior_alpha, excluded.prior_beta,
				excluded.child_alpha, excluded.child_beta)
		RETURNING 1
	)
	SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
	INTO changed;
	RETURN changed;
END;
$$;

COMMENT ON FUNCTION bandit.refresh_priors(text) IS
'Works out anew what each context borrows from its parents: itself without its last feature, and so on up to all contexts together, in the order of bandits.features. Returns the number of rows of bandit.priors that changed. Call it from time to time, as often as settle or as train: serving takes up the result at once, and between calls only a context''s own evidence moves.
A node''s prior has the mean that its parent believes without the node''s own evidence, so that nothing counts twice, and is worth min(strength, what the parent knows) observations; strength is bandits.backoff_strength, or fitted for each arm and level to the spread of siblings (Kleinman 1973) where at least 5 of them have 10 responses, within 2 and 1000, else 10; and never less than the arm''s own prior. At the top is the arm''s own prior. Hierarchical shrinkage: Casella 1985; Gelman et al., Bayesian Data Analysis, ch. 5; Hong et al. 2022. Errors: undefined_object.';
