-- Silence: what a matured decision earned that nobody responded to.

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
	contexts bigint[] := '{}';
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
			CONTINUE WHEN share.arm IS NULL;
			IF cardinality(contexts) < 1000 THEN
				contexts := contexts || share.context_hash;
			END IF;
			PERFORM bandit_internal.add_evidence(settings.name, share.context_hash,
				share.arm, 0, share.failures, share.pulls);
		END LOOP;
		total := total + settled;
		EXIT WHEN settled < batch;
	END LOOP;

	-- in passing, where nobody else puts the evidence in order
	IF cardinality(contexts) > 0
		AND current_setting('transaction_isolation') = 'read committed' THEN
		PERFORM FROM bandit.bandits b WHERE b.name = settings.name
			FOR NO KEY UPDATE SKIP LOCKED;
		IF FOUND THEN
			PERFORM bandit_internal.fold_slots(settings.name, contexts);
		END IF;
	END IF;
	RETURN total;
END
$$;
COMMENT ON FUNCTION bandit.settle(text, timestamptz, int) IS
'Closes the decisions whose attribution window had passed at that time and returns how many. Every item (or arm) of theirs that nobody responded to becomes a failure of its arm, unless the bandit''s on_silence is nothing. Works in batches of decisions; several sessions may settle at once. A response that comes later corrects what silence said.';
