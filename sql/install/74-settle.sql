-- Silence: what a matured decision earned that nobody responded to.
--
-- Like all that reads the ledger as a whole, without jit: plans over its
-- partitions look dear by how many there are, and to compile one may take
-- longer than to run it.

CREATE FUNCTION bandit.settle(
	name text,
	at timestamptz DEFAULT pg_catalog.now(),
	batch int DEFAULT 1000)
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
	settings bandit.bandits;
	total bigint := 0;
	settled bigint;
	share record;
	contexts bigint[] := '{}';
	silence float8;		-- the reward of it; null: it does not count
	due uuid[];
	-- up to here all is done or left; a batch does not walk over the last ones
	reached uuid := '00000000-0000-0000-0000-000000000000';
	here text := (SELECT n.node FROM bandit.nodes n WHERE n.here);
	-- whether a statement sees what was committed before it
	fresh boolean := current_setting('transaction_isolation') LIKE 'read %';
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.require_bandit(settle.name);
	SELECT b.* INTO settings FROM bandit.bandits b WHERE b.name = settle.name;
	silence := CASE settings.on_silence WHEN 'failure' THEN 0
		WHEN 'reward' THEN round(settings.silence_reward * 1048576) / 1048576 END;
	IF batch IS NULL OR batch < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'batch must be at least 1';
	END IF;

	LOOP
		settled := 0;
		-- Responses hold the decisions they are to.  Those that have ended by
		-- now are seen by the next statement, not by one that locks.
		due := ARRAY(
			SELECT d.decision_id FROM bandit.decisions d
			WHERE d.bandit = settings.name
				AND d.settled_at IS NULL
				AND d.decision_id > reached
				AND d.decision_id <
					bandit.first_decision_id(at - settings.attribution_window)
			ORDER BY d.decision_id
			LIMIT batch
			FOR UPDATE SKIP LOCKED);
		reached := due[cardinality(due)];
		FOR share IN
			WITH done AS (
				UPDATE bandit.decisions d SET settled_at = at
				WHERE d.decision_id = ANY (due) AND d.bandit = settings.name
				RETURNING d.decision_id, d.bandit, d.context_hash,
					-- another node counts the silence of what it served
					d.variant <> 'control'
						AND (d.node IS NULL OR d.node = here) IS TRUE AS counts,
					d.items, d.item_arms, d.picks
			), items AS (
				SELECT d.decision_id, d.bandit, d.context_hash, i.item, i.arm,
					i.place, r.known, r.live, r.pulls,
					-- the first one is looked at in any case
					coalesce(max(i.place) FILTER (WHERE r.live > 0)
						OVER (PARTITION BY d.decision_id), 1) AS last,
					NOT EXISTS (
						SELECT FROM bandit.arms a
						WHERE a.bandit = d.bandit AND a.arm = i.arm
							AND a.role = 'control') AS trains
				FROM done d
				CROSS JOIN LATERAL ROWS FROM (
					unnest(d.items), unnest(d.item_arms))
					WITH ORDINALITY AS i (item, arm, place)
				CROSS JOIN LATERAL (
					SELECT count(*) AS known, sum(f.pulls) AS pulls,
						count(*) FILTER (WHERE NOT f.retracted) AS live
					FROM bandit.feedback f
					WHERE f.decision_id = d.decision_id
						AND f.bandit = d.bandit AND f.item_id = i.item
					HAVING fresh
					UNION ALL
					SELECT s.known, s.pulls, s.live
					FROM bandit_internal.item_state(d.decision_id, d.bandit,
						i.item, i.arm) s
					WHERE NOT fresh) AS r
				WHERE d.counts AND i.arm IS NOT NULL
					-- one reward, also of an item that was shown again
					AND array_position(d.items, i.item) = i.place
			), answered AS (
				-- the same of decisions without items, by arm
				SELECT d.decision_id, d.bandit, d.context_hash, p.arm,
					r.live, r.pulls
				FROM done d
				CROSS JOIN LATERAL unnest(d.picks) AS p (arm)
				CROSS JOIN LATERAL (
					SELECT sum(f.pulls) AS pulls,
						count(*) FILTER (WHERE NOT f.retracted) AS live
					FROM bandit.feedback f
					WHERE f.decision_id = d.decision_id
						AND f.bandit = d.bandit AND f.item_id IS NULL
						AND f.arm = p.arm AND f.kind <> 'silence'
					HAVING fresh
					UNION ALL
					SELECT s.pulls, s.live
					FROM bandit_internal.item_state(d.decision_id, d.bandit,
						NULL, p.arm) s
					WHERE NOT fresh) AS r
				WHERE d.counts AND d.items IS NULL
			), silent AS (
				SELECT i.*, CASE
						WHEN settings.examination = 1 OR i.place <= i.last THEN 1
						WHEN settings.examination = 0 THEN 0
						WHEN (i.place - i.last) * ln(settings.examination) < -20
							THEN 0
						ELSE round(settings.examination ^ (i.place - i.last)
							* 1048576) / 1048576 END AS weight
				FROM items i
				WHERE i.trains
			), said AS (
				-- a row for every arm, also with no silent item: responses
				-- that are taken back later must find that silence counts
				SELECT s.decision_id, s.bandit, s.context_hash, s.arm,
					NULL::bigint AS item, 'silence' AS kind,
					count(*) FILTER (WHERE s.live = 0) AS pulls,
					count(*) FILTER (WHERE s.live = 0)::float8 AS weight
				FROM silent s
				WHERE silence IS NOT NULL AND settings.examination = 1
				GROUP BY s.decision_id, s.bandit, s.context_hash, s.arm
				UNION ALL
				SELECT s.decision_id, s.bandit, s.context_hash, s.arm, s.item,
					'silence', 1, s.weight
				FROM silent s
				WHERE silence IS NOT NULL AND settings.examination < 1
					AND s.live = 0 AND s.weight > 0
				UNION ALL
				SELECT a.decision_id, a.bandit, a.context_hash, a.arm, NULL,
					'silence', 1, 1
				FROM answered a
				WHERE silence IS NOT NULL AND a.live = 0
			), ledger AS (
				INSERT INTO bandit.feedback (decision_id, bandit, item_id, arm,
					kind, context_hash, reward, priority, successes, failures,
					pulls, retracted)
				SELECT s.decision_id, s.bandit, s.item, s.arm, s.kind,
					s.context_hash, silence, 0, s.weight * silence,
					s.weight * (1 - silence), s.pulls, false
				FROM said s
				UNION ALL
				-- responses of different kinds that could not see each other,
				-- or thought that silence had been counted
				SELECT i.decision_id, i.bandit, i.item, i.arm, 'correction',
					i.context_hash, NULL, 0, c.successes, c.failures, c.pulls,
					true
				FROM (
					SELECT i.decision_id, i.bandit, i.context_hash, i.item, i.arm
					FROM items i
					WHERE i.trains
						AND (i.known > 1 OR i.known = 1 AND i.pulls <> 1)
					UNION ALL
					SELECT a.decision_id, a.bandit, a.context_hash, NULL, a.arm
					FROM answered a
					WHERE a.live > 0 AND a.pulls <> 1
				) AS i
				CROSS JOIN LATERAL bandit_internal.item_shortfall(
					i.decision_id, i.bandit, i.item, i.arm) AS c
				WHERE (abs(c.successes) > 1e-12 OR abs(c.failures) > 1e-12
						OR c.pulls <> 0)
				RETURNING context_hash, arm, successes, failures, pulls
			)
			SELECT l.context_hash, l.arm, sum(l.successes) AS successes,
				sum(l.failures) AS failures,
				sum(l.pulls)::bigint AS pulls, 0::bigint AS decisions
			FROM ledger l
			GROUP BY l.context_hash, l.arm
			UNION ALL
			SELECT NULL, NULL, NULL, NULL, NULL, count(*) FROM done
		LOOP
			settled := settled + share.decisions;
			CONTINUE WHEN share.arm IS NULL;
			IF cardinality(contexts) < 1000 THEN
				contexts := contexts || share.context_hash;
			END IF;
			PERFORM bandit_internal.add_evidence(settings.name, share.context_hash,
				share.arm, share.successes, share.failures, share.pulls);
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
'Closes the decisions whose attribution window had passed at that time and returns how many. Every item (or arm) of theirs that nobody responded to becomes a failure of its arm, or what the bandit''s on_silence says; where bandits.examination is below 1, items below the last one that was responded to count by how probably they were looked at. Works in batches of decisions; several sessions may settle at once. Decisions of other nodes are closed here, and count where they were made. A decision that a response is being written for is left for the next time. A response that comes later corrects what silence said; and what responses of different kinds at the same moment counted twice is put right.';
