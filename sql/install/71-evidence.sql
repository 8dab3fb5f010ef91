-- Evidence: slots added together, held against the ledger, made anew from it.

CREATE FUNCTION bandit_internal.take_slots(slots bigint[])
RETURNS bigint[]
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_take_slots';
COMMENT ON FUNCTION bandit_internal.take_slots(bigint[]) IS
'Internal: holds those of these slots of bandit.evidence that nobody holds, until the transaction ends, and returns them. Never waits.';

CREATE FUNCTION bandit_internal.response_order(combine text, priority int, reward float8,
	received_at timestamptz, changed_at timestamptz)
RETURNS float8[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ARRAY[CASE combine WHEN 'priority' THEN priority
			WHEN 'first' THEN -extract(epoch FROM received_at)::float8
			WHEN 'last' THEN 0 ELSE coalesce(reward, -1) END,
		extract(epoch FROM coalesce(changed_at, received_at))::float8];
END;
COMMENT ON FUNCTION bandit_internal.response_order(text, int, float8, timestamptz, timestamptz) IS
'Of several responses to one item the one with the largest is what they are worth together, as it is learnt (bandits.combine); among equals the first kind by name. Of bandit_internal.combined, which asks for them in that order.';

CREATE FUNCTION bandit_internal.combined(combine text, rewards float8[])
RETURNS float8
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(CASE combine WHEN 'sum' THEN least(1, (SELECT coalesce(sum(r), 0) FROM unnest(rewards) r))
		ELSE rewards[1] END, 0);
END;
COMMENT ON FUNCTION bandit_internal.combined(text, float8[]) IS
'What the responses to one item are worth together, 0 to 1, as it is learnt (bandits.combine): their sum, at most 1, or the first by bandit_internal.response_order, descending. 0 without one, or where that is neutral.';

CREATE FUNCTION bandit_internal.lock_evidence(name text) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	-- who waited must see what the one before it has done
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION 'evidence cannot be put in order at %',
				upper(current_setting('transaction_isolation'))
			USING ERRCODE = 'invalid_transaction_state',
				HINT = 'Use a transaction at READ COMMITTED.';
	END IF;
	PERFORM bandit_internal.lock_bandit(lock_evidence.name);
END;
$$;
COMMENT ON FUNCTION bandit_internal.lock_evidence(text) IS
'Locks a bandit for who adds its evidence together or makes it anew; feedback goes on. Errors: those of lock_bandit; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';

CREATE FUNCTION bandit_internal.fold_slots(name text, contexts bigint[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	half_life interval;
	free bigint[];
	gone bigint;
BEGIN
	SELECT b.half_life INTO half_life FROM bandit.bandits b
	WHERE b.name = fold_slots.name;

	-- what is held from here on, the next statement sees as it is
	free := bandit_internal.take_slots(ARRAY(
		SELECT DISTINCT e.slot FROM bandit.evidence e
		WHERE e.bandit = fold_slots.name AND e.slot < 1::bigint << 32
			AND (contexts IS NULL OR e.context_hash = ANY (contexts))));
	WITH ranked AS (
		SELECT e.ctid AS place, e.context_hash, e.arm,
			row_number() OVER (one_arm ORDER BY e.slot) AS number,
			max(e.updated_at) OVER one_arm AS latest
		FROM bandit.evidence e
		WHERE e.bandit = fold_slots.name
			AND (e.slot = ANY (free) OR e.slot >= 1::bigint << 32)
			AND (contexts IS NULL OR e.context_hash = ANY (contexts))
		WINDOW one_arm AS (PARTITION BY e.context_hash, e.arm)
	), folded AS (
		DELETE FROM bandit.evidence e USING ranked r
		WHERE e.ctid = r.place AND r.number > 1
		RETURNING e.*, r.latest
	), sums AS (
		SELECT f.context_hash, f.arm, f.latest, count(*) AS slots,
			sum(bandit_internal.aged(f.successes, f.updated_at, f.latest,
				half_life)) AS successes,
			sum(bandit_internal.aged(f.failures, f.updated_at, f.latest,
				half_life)) AS failures,
			sum(f.pulls) AS pulls
		FROM folded f
		GROUP BY f.context_hash, f.arm, f.latest
	), kept AS (
		UPDATE bandit.evidence e SET
			successes = bandit_internal.aged(e.successes, e.updated_at,
				s.latest, half_life) + s.successes,
			failures = bandit_internal.aged(e.failures, e.updated_at,
				s.latest, half_life) + s.failures,
			pulls = e.pulls + s.pulls, updated_at = s.latest
		FROM sums s
		JOIN ranked r ON r.context_hash = s.context_hash AND r.arm = s.arm
			AND r.number = 1
		WHERE e.ctid = r.place
		RETURNING s.slots
	)
	SELECT coalesce(sum(k.slots), 0) INTO gone FROM kept k;
	RETURN gone;
END;
$$;
COMMENT ON FUNCTION bandit_internal.fold_slots(text, bigint[]) IS
'Adds together the slots of evidence in these contexts, or in all for NULL, that no transaction is writing to; returns how many rows that saved. For who has locked the bandit, at READ COMMITTED, with the rights of the extension''s owner.';

CREATE FUNCTION bandit.fold(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	gone bigint;
BEGIN
	PERFORM bandit_internal.lock_evidence(fold.name);
	gone := bandit_internal.fold_slots(fold.name, NULL);

	-- a context that several sessions met at once
	DELETE FROM bandit.contexts c
	WHERE c.bandit = fold.name AND EXISTS (
		SELECT FROM bandit.contexts d
		WHERE d.bandit = c.bandit AND d.context_hash = c.context_hash
			AND d.slot < c.slot);
	RETURN gone;
END;
$$;
COMMENT ON FUNCTION bandit.fold(text) IS
'Adds the slots of every arm''s evidence together, those that no transaction is writing to, and returns how many rows that saved. Never waits for feedback, nor feedback for it. settle does it in passing for the contexts that it settles. Errors: undefined_object; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';

CREATE FUNCTION bandit.verify(
	name text,
	OUT context_hash bigint,
	OUT arm text,
	OUT expected float8[],
	OUT found float8[])
RETURNS SETOF record
-- volatile, for a snapshot younger than its locks: where it has waited for
-- drop_partitions, it must see what became of the partitions that are gone
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
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
		FROM settings s CROSS JOIN (
			SELECT l.context_hash, l.arm, l.successes, l.failures, l.pulls,
				l.received_at
			FROM bandit.feedback l WHERE l.bandit = verify.name
			UNION ALL
			SELECT c.context_hash, c.arm, c.successes, c.failures, c.pulls,
				c.received_at
			FROM bandit.checkpoints c WHERE c.bandit = verify.name
		) AS f
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
'A row per arm and context whose evidence is not the fold of the ledger; none when all is well. expected is what bandit.feedback, and bandit.checkpoints for what was dropped of it, add up to, found what bandit.evidence holds, each as {successes, failures, pulls}. Equality is exact: rewards are multiples of 2^-20. A bandit with a half-life is compared as of now, to a relative 1e-9, and differs after its half_life was changed, since what was forgotten before stays forgotten. Arms that were removed are looked at too.';

CREATE FUNCTION bandit.rebuild(name text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	changed bigint := 0;
	wrong record;
BEGIN
	PERFORM bandit_internal.lock_evidence(rebuild.name);
	-- ledger and evidence of the same moment; what comes meanwhile adds up
	FOR wrong IN SELECT v.* FROM bandit.verify(rebuild.name) v LOOP
		PERFORM bandit_internal.add_evidence(rebuild.name, wrong.context_hash,
			wrong.arm, wrong.expected[1] - wrong.found[1],
			wrong.expected[2] - wrong.found[2],
			(wrong.expected[3] - wrong.found[3])::bigint);
		changed := changed + 1;
	END LOOP;
	RETURN changed;
END;
$$;
COMMENT ON FUNCTION bandit.rebuild(text) IS
'Brings the evidence of a bandit to what the ledger adds up to, and returns how many pairs of context and arm were wrong; 0 when bandit.verify finds nothing. Takes up a half_life that was changed. Feedback goes on meanwhile: what differs is added, not set. Errors: undefined_object; invalid_transaction_state at REPEATABLE READ and SERIALIZABLE.';
