-- Feedback: what came of decisions, learnt once; silence; the ledger's proof.

CREATE FUNCTION bandit.reward(
	decision_id uuid,
	reward float8,
	arm text DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_reward';
COMMENT ON FUNCTION bandit.reward(uuid, float8, text) IS
'Tells what a decision earned: 0 (failure) to 1 (success), fractions allowed, rounded to 2^-20. arm may be left out where the decision picked just one. True when it was new; a second reward for the same arm replaces the first. A null decision_id does nothing; an unknown one is a warning and false, for a late response must not fail the application. Raises invalid_parameter_value for a reward outside 0..1 or an arm that was not picked.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_id bigint,
	item_id bigint,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback';
COMMENT ON FUNCTION bandit.feedback(text, bigint, bigint, text, float8) IS
'Tells that a user responded to an item. It is credited to the newest decision that served the item to the user within the attribution window; with no such decision nothing is learnt, and the result is false. What a kind is worth says bandit.outcome_rules. The same response twice is learnt once; another value replaces the first.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_key text,
	item_key text,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback_key';
COMMENT ON FUNCTION bandit.feedback(text, text, text, text, float8) IS
'feedback for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.update_bandit(
	bandit text,
	context jsonb,
	arm text,
	outcome text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_update_bandit';
COMMENT ON FUNCTION bandit.update_bandit(text, jsonb, text, text) IS
'Teaches an arm one outcome in a context without a decision: success, failure, or neutral (a pull without evidence). Written to the ledger like any feedback.';

CREATE FUNCTION bandit.learn() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'bandit_learn';
COMMENT ON FUNCTION bandit.learn() IS
'Row trigger on an application''s table, installed by watch: learns from what is inserted, moves the evidence when a row changes, takes it back when a row is deleted. Never fails the application''s statement.';

CREATE FUNCTION bandit_internal.add_evidence(
	bandit text,
	context_hash bigint,
	arm text,
	successes float8,
	failures float8,
	pulls bigint)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_add_evidence';
COMMENT ON FUNCTION bandit_internal.add_evidence(text, bigint, text, float8, float8, bigint) IS
'Internal: adds to an arm''s evidence in a free slot. Only for whoever has written the ledger rows that say the same; runs with the caller''s rights.';

CREATE FUNCTION bandit.settle(
	name text,
	at timestamptz DEFAULT pg_catalog.now(),
	batch int DEFAULT 1000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	settings bandit.bandits;
	total bigint := 0;
	settled bigint;
	share record;
BEGIN
	SELECT b.* INTO settings FROM bandit.bandits b WHERE b.name = settle.name;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('bandit "%s" does not exist', settle.name);
	END IF;
	IF batch IS NULL OR batch < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'batch must be at least 1';
	END IF;

	LOOP
		settled := 0;
		FOR share IN
			WITH due AS (
				SELECT d.decision_id, d.bandit
				FROM bandit.decisions d
				WHERE d.bandit = settings.name
					AND d.settled_at IS NULL
					AND d.decision_id <
						bandit.first_decision_id(at - settings.attribution_window)
				ORDER BY d.decision_id
				LIMIT batch
				FOR NO KEY UPDATE SKIP LOCKED
			), done AS (
				UPDATE bandit.decisions d SET settled_at = at
				FROM due
				WHERE d.decision_id = due.decision_id AND d.bandit = due.bandit
				RETURNING d.decision_id, d.bandit, d.context_hash, d.variant,
					d.items, d.item_arms, d.picks
			), silent AS (
				-- a row for every arm, also with no silent item: responses
				-- that are taken back later must find that silence counts
				SELECT d.decision_id, d.bandit, d.context_hash, i.arm,
					count(*) FILTER (WHERE NOT EXISTS (
						SELECT FROM bandit.feedback f
						WHERE f.decision_id = d.decision_id
							AND f.bandit = d.bandit AND f.item_id = i.item)) AS items
				FROM done d
				CROSS JOIN LATERAL ROWS FROM (
					unnest(d.items), unnest(d.item_arms)) AS i(item, arm)
				WHERE settings.on_silence = 'failure'
					AND d.variant = 'treatment'
					AND NOT EXISTS (
						SELECT FROM bandit.arms a
						WHERE a.bandit = d.bandit AND a.arm = i.arm
							AND a.role = 'control')
				GROUP BY d.decision_id, d.bandit, d.context_hash, i.arm
				UNION ALL
				SELECT d.decision_id, d.bandit, d.context_hash, p.arm, 1
				FROM done d
				CROSS JOIN LATERAL unnest(d.picks) AS p(arm)
				WHERE settings.on_silence = 'failure'
					AND d.variant = 'treatment'
					AND d.items IS NULL
					AND NOT EXISTS (
						SELECT FROM bandit.feedback f
						WHERE f.decision_id = d.decision_id
							AND f.bandit = d.bandit AND f.arm = p.arm)
			), ledger AS (
				INSERT INTO bandit.feedback (decision_id, bandit, item_id, arm,
					kind, context_hash, value, reward, priority, successes,
					failures, pulls)
				SELECT s.decision_id, s.bandit, NULL, s.arm, 'silence',
					s.context_hash, NULL, 0, 0, 0, s.items, s.items
				FROM silent s
				RETURNING context_hash, arm, failures, pulls
			)
			SELECT l.context_hash, l.arm, sum(l.failures) AS failures,
				sum(l.pulls)::bigint AS pulls, 0::bigint AS decisions
			FROM ledger l
			GROUP BY l.context_hash, l.arm
			UNION ALL
			SELECT NULL, NULL, NULL, NULL, count(*) FROM done
		LOOP
			settled := settled + share.decisions;
			PERFORM bandit_internal.add_evidence(settings.name, share.context_hash,
				share.arm, 0, share.failures, share.pulls);
		END LOOP;
		total := total + settled;
		EXIT WHEN settled < batch;
	END LOOP;
	RETURN total;
END
$$;
COMMENT ON FUNCTION bandit.settle(text, timestamptz, int) IS
'Closes the decisions whose attribution window had passed at that time and returns how many. Every item (or arm) of theirs that nobody responded to becomes a failure of its arm, unless the bandit''s on_silence is nothing. Works in batches of decisions; several sessions may settle at once. A response that comes later corrects what silence said.';

CREATE FUNCTION bandit.verify(
	name text,
	OUT context_hash bigint,
	OUT arm text,
	OUT expected float8[],
	OUT found float8[])
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH settings AS (
		SELECT b.half_life FROM bandit.bandits b WHERE b.name = verify.name
	), ledger AS (
		SELECT f.context_hash, f.arm,
			sum(bandit_internal.aged(f.successes, f.received_at, now(),
				s.half_life)) AS successes,
			sum(bandit_internal.aged(f.failures, f.received_at, now(),
				s.half_life)) AS failures,
			sum(f.pulls)::float8 AS pulls
		FROM settings s JOIN bandit.feedback f ON f.bandit = verify.name
		GROUP BY f.context_hash, f.arm
	), earned AS (
		SELECT e.context_hash, e.arm,
			sum(bandit_internal.aged(e.successes, e.updated_at, now(),
				s.half_life)) AS successes,
			sum(bandit_internal.aged(e.failures, e.updated_at, now(),
				s.half_life)) AS failures,
			sum(e.pulls)::float8 AS pulls
		FROM settings s JOIN bandit.evidence e ON e.bandit = verify.name
		GROUP BY e.context_hash, e.arm
	), both_sides AS (
		SELECT context_hash, arm,
			ARRAY[COALESCE(l.successes, 0), COALESCE(l.failures, 0),
				COALESCE(l.pulls, 0)] AS expected,
			ARRAY[COALESCE(e.successes, 0), COALESCE(e.failures, 0),
				COALESCE(e.pulls, 0)] AS found
		FROM ledger l FULL JOIN earned e USING (context_hash, arm)
	)
	SELECT b.context_hash, b.arm, b.expected, b.found
	FROM both_sides b CROSS JOIN settings s
	WHERE b.expected <> b.found
		AND (s.half_life IS NULL
			OR b.expected[3] <> b.found[3]
			OR abs(b.expected[1] - b.found[1])
				> 1e-9 * (1 + b.expected[1] + b.expected[2])
			OR abs(b.expected[2] - b.found[2])
				> 1e-9 * (1 + b.expected[1] + b.expected[2]))
	ORDER BY b.arm, b.context_hash;
END;
COMMENT ON FUNCTION bandit.verify(text) IS
'A row per arm and context whose evidence is not the fold of the ledger; none when all is well. expected is what bandit.feedback adds up to, found what bandit.evidence holds, each as {successes, failures, pulls}. Equality is exact: rewards are multiples of 2^-20. A bandit with a half-life is compared as of now, to a relative 1e-9, and differs after its half_life was changed, since what was forgotten before stays forgotten. Arms that were removed are looked at too.';
