-- Priors, policies and floors: what is believed before anything was seen, and
-- what is tried whatever is believed.

CREATE FUNCTION bandit_internal.base_rate_prior(base_rate float8,
	base_weight float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT (base_rate > 0 AND base_rate < 1) THEN
		RAISE EXCEPTION 'base_rate must be between 0 and 1, not %', base_rate
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is a share: 0.02 where two of a hundred responses are successes.';
	ELSIF NOT (base_weight > 0 AND base_weight < 'Infinity') THEN
		RAISE EXCEPTION 'base_weight must be finite and positive, not %', base_weight
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says how many observations the base rate is worth.';
	END IF;
	base_weight := coalesce(base_weight, 1 / least(base_rate, 1 - base_rate));
	RETURN ARRAY[base_rate * base_weight, (1 - base_rate) * base_weight];
END;
$$;

COMMENT ON FUNCTION bandit_internal.base_rate_prior(float8, float8) IS
'The Beta prior {alpha, beta} of mean base_rate, between 0 and 1, that is worth base_weight observations; without one the least weight that keeps both shapes from falling below 1. Errors: invalid_parameter_value.';

CREATE FUNCTION bandit_internal.find_prior(prior_alpha float8,
	prior_beta float8, base_rate float8, base_weight float8)
RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF base_rate IS NOT NULL THEN
		IF prior_alpha IS NOT NULL OR prior_beta IS NOT NULL THEN
			RAISE EXCEPTION 'a prior is given both as shapes and as a base rate'
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Give prior_alpha and prior_beta, or base_rate.';
		END IF;
		RETURN bandit_internal.base_rate_prior(base_rate, base_weight);
	ELSIF base_weight IS NOT NULL THEN
		RAISE EXCEPTION 'base_weight needs a base_rate'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	prior_alpha := coalesce(prior_alpha, 1);
	prior_beta := coalesce(prior_beta, 1);
	PERFORM bandit_internal.check_prior(prior_alpha, prior_beta);
	RETURN ARRAY[prior_alpha, prior_beta];
END;
$$;

COMMENT ON FUNCTION bandit_internal.find_prior(float8, float8, float8, float8) IS
'The prior {alpha, beta} that the arguments of create_bandit mean: two shapes, each 1 when left out, or a base rate with or without its weight. Errors: those of check_prior and base_rate_prior; invalid_parameter_value for both at once.';

CREATE FUNCTION bandit_internal.check_policy(policy text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (policy IN ('thompson', 'top_two', 'greedy', 'epsilon_greedy', 'ucb1',
				   'bayes_ucb', 'uniform')) IS NOT TRUE THEN
		RAISE EXCEPTION 'there is no policy %', coalesce(quote_ident(policy), 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'The policies are thompson, top_two, greedy, epsilon_greedy, ucb1, bayes_ucb and uniform.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_policy(text) IS
'Raises invalid_parameter_value unless it is the name of a policy, see bandits.policy.';

CREATE FUNCTION bandit_internal.check_floor(exploration_floor float8, arms int)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (exploration_floor BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'exploration_floor must be between 0 and 1, not %', coalesce(exploration_floor::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF exploration_floor * arms > 1 + 1e-9 THEN
		RAISE EXCEPTION 'the exploration floors of % arms sum to %', arms, exploration_floor * arms
			USING ERRCODE = 'invalid_parameter_value',
				HINT = format('They may sum to 1: at most %s each.', round(1.0 / arms, 4));
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_floor(float8, int) IS
'Raises invalid_parameter_value unless so many arms may have that exploration floor each.';

CREATE FUNCTION bandit_internal.check_floors() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	over record;
BEGIN
	SELECT b.name, count(*) AS arms,
		sum(coalesce(a.exploration_floor, b.exploration_floor)) AS total
	INTO over
	FROM bandit.bandits b
	JOIN bandit.arms a ON a.bandit = b.name AND a.role = 'arm'
	GROUP BY b.name
	HAVING sum(coalesce(a.exploration_floor, b.exploration_floor)) > 1 + 1e-9
	LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'the exploration floors of bandit "%" sum to %', over.name, over.total
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('It has %s arms.', over.arms),
				HINT = 'They may sum to 1. Lower exploration_floor in bandit.bandits or bandit.arms first.';
	END IF;
	RETURN NULL;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_floors() IS
'Statement trigger on bandits and arms: raises invalid_parameter_value where the exploration floors of a bandit''s arms, disabled ones included, sum over 1.';

CREATE TRIGGER check_floors
	AFTER INSERT OR UPDATE OF exploration_floor ON bandit.bandits
	FOR EACH STATEMENT EXECUTE FUNCTION bandit_internal.check_floors();
CREATE TRIGGER check_floors
	AFTER INSERT OR UPDATE OF exploration_floor, role ON bandit.arms
	FOR EACH STATEMENT EXECUTE FUNCTION bandit_internal.check_floors();

CREATE FUNCTION bandit_internal.aged(amount float8, since timestamptz,
	at timestamptz, half_life interval)
RETURNS float8
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_aged';

COMMENT ON FUNCTION bandit_internal.aged(float8, timestamptz, timestamptz, interval) IS
'What an amount of evidence of one time counts at another: amount times 2^-((at - since) / half_life), more than amount if at comes first; amount itself if half_life is NULL. A month has 30 days. What is smaller than 1e-40 is 0. NULL if amount or either time is.';

CREATE FUNCTION bandit_internal.leader(bandit text, OUT arm text,
	OUT alpha float8, OUT beta float8)
RETURNS record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT p.arm, p.alpha, p.beta
	FROM (
		SELECT a.arm, a.position,
			coalesce(a.prior_alpha, b.prior_alpha) + coalesce(sum(
				bandit_internal.aged(e.successes, e.updated_at,
					greatest(e.updated_at, now()), b.half_life)), 0) AS alpha,
			coalesce(a.prior_beta, b.prior_beta) + coalesce(sum(
				bandit_internal.aged(e.failures, e.updated_at,
					greatest(e.updated_at, now()), b.half_life)), 0) AS beta
		FROM bandit.bandits b
		JOIN bandit.arms a ON a.bandit = b.name AND a.role = 'arm' AND a.enabled
		LEFT JOIN bandit.evidence e ON e.bandit = a.bandit AND e.arm = a.arm
		WHERE b.name = leader.bandit
		GROUP BY a.arm, a.position, a.prior_alpha, a.prior_beta,
			b.prior_alpha, b.prior_beta, b.half_life
	) AS p
	ORDER BY p.alpha / (p.alpha + p.beta) DESC, p.position
	LIMIT 1;
END;

COMMENT ON FUNCTION bandit_internal.leader(text) IS
'The enabled arm with the largest posterior mean over all contexts together, and that posterior; nulls if there is no enabled arm.';

CREATE FUNCTION bandit.new_arm_prior(bandit text, beats_leader float8,
	strength float8 DEFAULT 2, OUT prior_alpha float8, OUT prior_beta float8)
RETURNS record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	leader record;
	low float8 := -700;
	high float8 := 700;
	middle float8;
BEGIN
	IF (beats_leader > 0 AND beats_leader < 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'beats_leader must be between 0 and 1, not %', coalesce(beats_leader::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is the probability that a draw of the new arm exceeds one of the leader.';
	ELSIF (strength > 0 AND strength < 'Infinity') IS NOT TRUE THEN
		RAISE EXCEPTION 'strength must be finite and positive, not %', coalesce(strength::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	SELECT * INTO leader FROM bandit_internal.leader(new_arm_prior.bandit);
	IF leader.arm IS NULL THEN
		RAISE EXCEPTION 'bandit "%" has no enabled arm to compare with', new_arm_prior.bandit
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Give prior_alpha and prior_beta instead, or nothing for the bandit''s prior.';
	END IF;

	-- the probability grows with the mean: bisect its logit
	FOR i IN 1 .. 100 LOOP
		middle := (low + high) / 2;
		prior_alpha := greatest(strength / (1 + exp(-middle)), 1e-300);
		prior_beta := greatest(strength / (1 + exp(middle)), 1e-300);
		EXIT WHEN high - low < 1e-12 * (1 + abs(middle));
		IF (bandit.top_k_propensity(ARRAY[prior_alpha, leader.alpha],
				ARRAY[prior_beta, leader.beta]))[1] < beats_leader THEN
			low := middle;
		ELSE
			high := middle;
		END IF;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit.new_arm_prior(text, float8, float8) IS
'The prior Beta(prior_alpha, prior_beta) for a new arm that makes its draw exceed the leader''s with probability beats_leader, between 0 and 1. The leader is the enabled arm with the largest posterior mean over all contexts together. strength: prior_alpha + prior_beta, how many observations the prior is worth; 2 as for the flat prior. Errors: invalid_parameter_value; object_not_in_prerequisite_state when there is no enabled arm.';
