-- Views for psql and dashboards: what was learnt, in numbers and in a bar.

CREATE FUNCTION bandit_internal.context_priors(bandit text, context jsonb,
	OUT arm text, OUT alpha float8, OUT beta float8)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 6
AS 'MODULE_PATHNAME', 'bandit_context_priors';

COMMENT ON FUNCTION bandit_internal.context_priors(text, jsonb) IS
'The Beta prior of every arm of a bandit in a context, as it is served from: borrowed from the context''s parents where bandit.refresh_priors found something, else the arm''s own. A null context has nothing to borrow. Errors: undefined_object.';

CREATE VIEW bandit.bandit_states AS
SELECT c.bandit, c.context_hash, c.context, a.arm,
	p.alpha + e.successes AS alpha, p.beta + e.failures AS beta,
	e.pulls, e.successes, e.failures, e.updated_at,
	p.alpha AS prior_alpha, p.beta AS prior_beta
FROM (SELECT k.bandit, k.context_hash,
		(SELECT y.context FROM bandit.contexts y
		 WHERE y.bandit = k.bandit AND y.context_hash = k.context_hash
		 ORDER BY y.slot LIMIT 1) AS context
	  FROM (SELECT x.bandit, x.context_hash FROM bandit.contexts x
			UNION
			SELECT x.bandit, x.context_hash FROM bandit.evidence x) AS k
	 ) AS c
JOIN bandit.bandits b ON b.name = c.bandit
CROSS JOIN LATERAL bandit_internal.context_priors(b.name, c.context) AS p
JOIN bandit.arms a ON a.bandit = c.bandit AND a.arm = p.arm AND a.role = 'arm'
CROSS JOIN LATERAL (
	SELECT coalesce(sum(x.pulls), 0)::bigint AS pulls,
		coalesce(sum(bandit_internal.aged(x.successes, x.updated_at,
			greatest(x.updated_at, now()), b.half_life)), 0) AS successes,
		coalesce(sum(bandit_internal.aged(x.failures, x.updated_at,
			greatest(x.updated_at, now()), b.half_life)), 0) AS failures,
		max(x.updated_at) AS updated_at
	FROM bandit.evidence x
	WHERE x.bandit = c.bandit AND x.context_hash = c.context_hash
		AND x.arm = a.arm) AS e;

COMMENT ON VIEW bandit.bandit_states IS
'What is believed of every arm in every context met so far: Beta(alpha, beta), the prior, which may be borrowed, plus the context''s own evidence. An arm without evidence shows its prior; the control, which never learns, and removed arms do not show.';
COMMENT ON COLUMN bandit.bandit_states.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.bandit_states.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.bandit_states.context IS
'The context itself; NULL if only its hash is known here.';
COMMENT ON COLUMN bandit.bandit_states.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.bandit_states.alpha IS
'First shape of the posterior: prior plus successes; greater than 0.';
COMMENT ON COLUMN bandit.bandit_states.beta IS
'Second shape of the posterior: prior plus failures; greater than 0.';
COMMENT ON COLUMN bandit.bandit_states.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.bandit_states.successes IS
'Sum of rewards, each from 0 to 1.';
COMMENT ON COLUMN bandit.bandit_states.failures IS
'Sum of 1 minus reward over the responses that were not neutral.';
COMMENT ON COLUMN bandit.bandit_states.updated_at IS
'When it learnt last; NULL if never.';
COMMENT ON COLUMN bandit.bandit_states.prior_alpha IS
'First shape of the prior in this context: the arm''s own, or borrowed from the context''s parents, see bandit.refresh_priors.';
COMMENT ON COLUMN bandit.bandit_states.prior_beta IS
'Second shape of the same.';

CREATE FUNCTION bandit_internal.interval_bar(lower float8, mean float8, upper float8,
	scale float8, width int DEFAULT 20)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	shades text[] := '{#,=,-}';
	length float8 := greatest(scale, upper, mean);
	ends int[];
BEGIN
	IF lower IS NULL OR mean IS NULL OR upper IS NULL OR scale IS NULL THEN
		RETURN NULL;
	ELSIF NOT length > 0 THEN
		RETURN repeat(' ', width);
	END IF;
	-- full block, dark shade, light shade; not every encoding has them
	IF getdatabaseencoding() = 'UTF8' THEN
		shades := ARRAY[chr(9608), chr(9619), chr(9617)];
	END IF;
	ends := ARRAY[round(width * lower / length),
				  round(width * mean / length),
				  round(width * upper / length)];
	RETURN rpad(repeat(shades[1], ends[1])
		|| repeat(shades[2], ends[2] - ends[1])
		|| repeat(shades[3], ends[3] - ends[2]), width);
END;
$$;

COMMENT ON FUNCTION bandit_internal.interval_bar(float8, float8, float8, float8, int) IS
'A bar of text, "width" characters for the length "scale": solid up to the lower end of an interval, dark up to the mean, light up to the upper end. Block characters in a UTF-8 database, else # = and -. NULL in, NULL out.';

CREATE VIEW bandit.arm_stats AS
SELECT s.bandit, s.arm, s.enabled, s.pulls, s.successes, s.failures,
	round(s.mean::numeric, 4)::float8 AS mean,
	round(s.lower::numeric, 4)::float8 AS lower,
	round(s.upper::numeric, 4)::float8 AS upper,
	round(s.pulls / nullif(sum(s.pulls) OVER every_arm, 0), 4)::float8 AS share,
	bandit_internal.interval_bar(s.lower, s.mean, s.upper,
						max(s.upper) OVER every_arm) AS bar
FROM (
	SELECT p.*, p.alpha / (p.alpha + p.beta) AS mean,
		bandit.beta_quantile(0.025, p.alpha, p.beta) AS lower,
		bandit.beta_quantile(0.975, p.alpha, p.beta) AS upper
	FROM (
		SELECT a.bandit, a.arm, a.position, a.enabled,
			coalesce(e.pulls, 0)::bigint AS pulls,
			coalesce(e.successes, 0) AS successes,
			coalesce(e.failures, 0) AS failures,
			coalesce(a.prior_alpha, b.prior_alpha)
				+ coalesce(e.successes, 0) AS alpha,
			coalesce(a.prior_beta, b.prior_beta)
				+ coalesce(e.failures, 0) AS beta
		FROM bandit.arms a
		JOIN bandit.bandits b ON b.name = a.bandit
		LEFT JOIN (
			SELECT x.bandit, x.arm, sum(x.pulls) AS pulls,
				sum(bandit_internal.aged(x.successes, x.updated_at,
					greatest(x.updated_at, now()), y.half_life)) AS successes,
				sum(bandit_internal.aged(x.failures, x.updated_at,
					greatest(x.updated_at, now()), y.half_life)) AS failures
			FROM bandit.evidence x
			JOIN bandit.bandits y ON y.name = x.bandit
			GROUP BY x.bandit, x.arm
		) AS e ON e.bandit = a.bandit AND e.arm = a.arm
		WHERE a.role = 'arm'
	) AS p
) AS s
WINDOW every_arm AS (PARTITION BY s.bandit)
ORDER BY s.bandit, s.position;

COMMENT ON VIEW bandit.arm_stats IS
'How every arm is doing over all contexts together, in order of registration. The interval is the equal-tailed 95 % credible interval of Beta(prior + evidence). The control, which never learns, does not show.';
COMMENT ON COLUMN bandit.arm_stats.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.arm_stats.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.arm_stats.enabled IS 'Whether it may be drawn.';
COMMENT ON COLUMN bandit.arm_stats.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.arm_stats.successes IS
'Sum of rewards, each from 0 to 1.';
COMMENT ON COLUMN bandit.arm_stats.failures IS
'Sum of 1 minus reward over the responses that were not neutral.';
COMMENT ON COLUMN bandit.arm_stats.mean IS
'Mean of the posterior, 0 to 1, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.lower IS
'Lower end of the 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.upper IS
'Upper end of the 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.arm_stats.share IS
'Share of the bandit''s pulls, 0 to 1, rounded to 4 digits; NULL before the first pull.';
COMMENT ON COLUMN bandit.arm_stats.bar IS
'The interval as 20 characters, on a scale that ends at the bandit''s largest upper end: solid up to lower, dark up to mean, light up to upper.';

CREATE VIEW bandit.context_stats AS
SELECT t.bandit, t.context_hash, t.context, t.arm, t.pulls, t.successes,
	t.failures,
	round(t.prior_alpha::numeric, 4)::float8 AS borrowed_successes,
	round(t.prior_beta::numeric, 4)::float8 AS borrowed_failures,
	round(t.mean::numeric, 4)::float8 AS mean,
	round(bandit.beta_quantile(0.025, t.alpha, t.beta)::numeric, 4)::float8
		AS lower,
	round(bandit.beta_quantile(0.975, t.alpha, t.beta)::numeric, 4)::float8
		AS upper,
	row_number() OVER (PARTITION BY t.bandit, t.context_hash
		ORDER BY t.mean DESC, t.pulls DESC, t.arm) = 1 AS leads,
	t.updated_at
FROM (
	SELECT s.*, s.alpha / (s.alpha + s.beta) AS mean
	FROM bandit.bandit_states s
) AS t;

COMMENT ON VIEW bandit.context_stats IS
'What is known of every arm in every context, a row each: its own evidence, what it borrows from its parents (the same context without its last feature, and so on, see bandit.refresh_priors; without back-off the arm''s own prior), and the two together. Removed arms and the control do not show.';
COMMENT ON COLUMN bandit.context_stats.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.context_stats.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.context_stats.context IS
'The context itself; NULL if only its hash is known here.';
COMMENT ON COLUMN bandit.context_stats.arm IS 'Name of the arm.';
COMMENT ON COLUMN bandit.context_stats.pulls IS
'Responses counted in this context, neutral ones included.';
COMMENT ON COLUMN bandit.context_stats.successes IS
'Own evidence: sum of rewards in this context, each from 0 to 1, aged if the bandit forgets.';
COMMENT ON COLUMN bandit.context_stats.failures IS
'Own evidence: sum of 1 minus reward, likewise.';
COMMENT ON COLUMN bandit.context_stats.borrowed_successes IS
'Borrowed evidence: the first shape of the prior in this context, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.borrowed_failures IS
'Borrowed evidence: the second shape of the prior, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.mean IS
'The result: mean of the posterior, 0 to 1, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.lower IS
'Lower end of the equal-tailed 95 % credible interval, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.upper IS
'Upper end of the same.';
COMMENT ON COLUMN bandit.context_stats.leads IS
'Whether it has the largest posterior mean in this context; among equals the one pulled most, then the first by name.';
COMMENT ON COLUMN bandit.context_stats.updated_at IS
'When it learnt last in this context; NULL if never.';
