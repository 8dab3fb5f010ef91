-- Views for psql and dashboards: what was learnt, in numbers and in a bar.

CREATE VIEW bandit.bandit_states AS
SELECT c.bandit, c.context_hash,
	(SELECT x.context FROM bandit.contexts x
	 WHERE x.bandit = c.bandit AND x.context_hash = c.context_hash
	 ORDER BY x.slot LIMIT 1) AS context,
	a.arm,
	coalesce(a.prior_alpha, b.prior_alpha) + e.successes AS alpha,
	coalesce(a.prior_beta, b.prior_beta) + e.failures AS beta,
	e.pulls, e.successes, e.failures, e.updated_at
FROM (SELECT x.bandit, x.context_hash FROM bandit.contexts x
	  UNION
	  SELECT x.bandit, x.context_hash FROM bandit.evidence x) AS c
JOIN bandit.bandits b ON b.name = c.bandit
JOIN bandit.arms a ON a.bandit = c.bandit AND a.role = 'arm'
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
'What is believed of every arm in every context met so far: Beta(alpha, beta), the prior plus all evidence. An arm without evidence shows its prior; the control, which never learns, and removed arms do not show.';
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
SELECT t.bandit, t.context_hash, t.context, t.pulls,
	round(t.pulls / nullif(sum(t.pulls) OVER (PARTITION BY t.bandit), 0),
		  4)::float8 AS share,
	t.successes, t.failures, t.best_arm,
	round(t.best_mean::numeric, 4)::float8 AS best_mean, t.updated_at
FROM (
	SELECT s.bandit, s.context_hash,
		(array_agg(s.context))[1] AS context,
		sum(s.pulls)::bigint AS pulls,
		sum(s.successes) AS successes, sum(s.failures) AS failures,
		(array_agg(s.arm ORDER BY s.alpha / (s.alpha + s.beta) DESC,
				   s.pulls DESC, s.arm))[1] AS best_arm,
		max(s.alpha / (s.alpha + s.beta)) AS best_mean,
		max(s.updated_at) AS updated_at
	FROM bandit.bandit_states s
	GROUP BY s.bandit, s.context_hash
) AS t;

COMMENT ON VIEW bandit.context_stats IS
'How every context is doing over all arms together, and which arm leads there.';
COMMENT ON COLUMN bandit.context_stats.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.context_stats.context_hash IS
'Hash of the context, see bandit.context_hash.';
COMMENT ON COLUMN bandit.context_stats.context IS
'The context itself; NULL if only its hash is known here.';
COMMENT ON COLUMN bandit.context_stats.pulls IS
'Responses counted, neutral ones included.';
COMMENT ON COLUMN bandit.context_stats.share IS
'Share of the bandit''s pulls, 0 to 1, rounded to 4 digits; NULL before the first pull.';
COMMENT ON COLUMN bandit.context_stats.successes IS
'Sum of rewards, each from 0 to 1.';
COMMENT ON COLUMN bandit.context_stats.failures IS
'Sum of 1 minus reward over the responses that were not neutral.';
COMMENT ON COLUMN bandit.context_stats.best_arm IS
'The arm with the largest posterior mean; among equals the one pulled most, then the first by name.';
COMMENT ON COLUMN bandit.context_stats.best_mean IS
'That arm''s posterior mean, 0 to 1, rounded to 4 digits.';
COMMENT ON COLUMN bandit.context_stats.updated_at IS
'When an arm learnt last in this context; NULL if never.';
