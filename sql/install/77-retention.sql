-- Retention: partitions of decisions and feedback, made ahead, dropped by age.
--
-- A response never waits long for any of this.  What takes time is done
-- before or after the locks that it would meet: partitions are created before
-- they are attached, and summed up after they were detached, one call later.
-- Locks are taken in this order: checkpoints, then decisions, then feedback.

CREATE FUNCTION bandit_internal.partitions(parent regclass,
	OUT partition regclass, OUT first_id uuid, OUT end_id uuid,
	OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT p.partition, p.first_id, p.end_id,
		coalesce(bandit.decision_time(p.first_id), '-infinity'),
		coalesce(bandit.decision_time(p.end_id), 'infinity')
	FROM (
		SELECT c.oid::regclass AS partition,
			substring(b.bound FROM E'FROM \\(''([^'']+)''')::uuid AS first_id,
			substring(b.bound FROM E'TO \\(''([^'']+)''')::uuid AS end_id
		FROM pg_inherits i
		JOIN pg_class c ON c.oid = i.inhrelid
		CROSS JOIN LATERAL pg_get_expr(c.relpartbound, c.oid) AS b (bound)
		WHERE i.inhparent = partitions.parent
			AND b.bound LIKE 'FOR VALUES FROM (%'
	) AS p
	ORDER BY p.first_id NULLS FIRST;
END;

COMMENT ON FUNCTION bandit_internal.partitions(regclass) IS
'The partitions of decisions or feedback, but for the default one, by time: the first id, and the first one after it, of each; as times too. A bound that is not there is a null id and an infinite time.';

CREATE FUNCTION bandit_internal.lock_briefly(VARIADIC tables regclass[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
	usual text := current_setting('deadlock_timeout');
	-- else the lock's timeout ends a deadlock, not much later
	may_set boolean := has_parameter_privilege('deadlock_timeout', 'SET');
	wanted text;
	holders text;
BEGIN
	SELECT string_agg('ONLY ' || t.name::text, ', ' ORDER BY t.place) INTO wanted
	FROM unnest(tables) WITH ORDINALITY AS t (name, place);
	FOR attempt IN 1 .. 60 LOOP
		BEGIN
			IF may_set THEN
				SET LOCAL deadlock_timeout = '50ms';
			END IF;
			EXECUTE 'LOCK TABLE ' || wanted || ' IN ACCESS EXCLUSIVE MODE';
			IF may_set THEN
				PERFORM set_config('deadlock_timeout', usual, true);
			END IF;
			RETURN;
		EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
			-- whoever queued behind this goes first
			PERFORM pg_sleep(least(0.05 * attempt, 1));
		END;
	END LOOP;

	SELECT string_agg(DISTINCT l.pid::text, ', ') INTO holders
	FROM pg_locks l
	WHERE l.locktype = 'relation' AND l.relation = ANY (tables) AND l.granted
		AND l.pid <> pg_backend_pid()
		AND l.database = (SELECT d.oid FROM pg_database d
						  WHERE d.datname = current_database());
	RAISE EXCEPTION 'could not lock % within a minute', array_to_string(tables, ', ')
		USING ERRCODE = 'lock_not_available',
			DETAIL = 'Used by the transactions of these processes: '
				|| coalesce(holders, 'none any more') || '.',
			HINT = 'Nothing was changed. Call it again when no long transaction uses them.';
END;
$$;

COMMENT ON FUNCTION bandit_internal.lock_briefly(regclass[]) IS
'Locks these tables, without their children, against everything until the transaction ends. Asks for a tenth of a second at a time, so that nobody queues behind it for longer, and is itself the one to yield in a deadlock; for a minute. Errors: lock_not_available.';

CREATE FUNCTION bandit_internal.missing_partitions(at timestamptz,
	ahead interval, width interval,
	OUT parent regclass, OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
BEGIN ATOMIC
	WITH existing AS (
		SELECT t.parent, t.place, coalesce((
				SELECT range_agg(tstzrange(p.starts, p.ends))
				FROM bandit_internal.partitions(t.parent) p), '{}') AS ranges
		FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
			WITH ORDINALITY AS t (parent, place)
	)
	-- weeks start on Monday
	SELECT e.parent, lower(g.gap), upper(g.gap)
	FROM existing e
	CROSS JOIN generate_series(
		date_bin(width, at, '2001-01-01 00:00+00'), at + ahead, width)
		AS s (starts)
	CROSS JOIN unnest(tstzmultirange(tstzrange(s.starts, s.starts + width))
		- e.ranges) AS g (gap)
	ORDER BY lower(g.gap), e.place;
END;

COMMENT ON FUNCTION bandit_internal.missing_partitions(timestamptz, interval, interval) IS
'What has to be made for decisions and feedback to have partitions of that width from "at" to "at" plus "ahead": the parts of multiples of width, counted from Monday, 2001-01-01 in UTC, that no partition covers.';

CREATE FUNCTION bandit_internal.create_partition(parent regclass,
	starts timestamptz, ends timestamptz)
RETURNS regclass
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	-- a time without zone, in UTC
	begins timestamp := create_partition.starts AT TIME ZONE 'UTC';
	kind text := (SELECT c.relname FROM pg_class c WHERE c.oid = parent);
	name text := kind || to_char(begins, '_YYYYMMDD')
		|| CASE WHEN begins::time <> '00:00' THEN to_char(begins, '_HH24MISS') ELSE '' END;
	allowed text;
BEGIN
	EXECUTE format('CREATE TABLE bandit.%I (LIKE bandit.%I INCLUDING ALL)',
		name, kind || '_default');
	EXECUTE format('COMMENT ON TABLE bandit.%I IS %L', name, format(
		'Partition of bandit.%s: decisions from %s to before %s, see bandit.make_partitions.',
		kind, starts, ends));
	-- who reads a partition by itself, as pg_dump does, reads this one too
	FOR allowed IN
		SELECT format('GRANT %s ON bandit.%I TO %s%s', a.privilege_type, name,
			CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
			CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
		FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.oid = format('bandit.%I', kind || '_default')::regclass
			AND a.grantee <> c.relowner
	LOOP
		EXECUTE allowed;
	END LOOP;
	RETURN format('bandit.%I', name)::regclass;
END;
$$;

COMMENT ON FUNCTION bandit_internal.create_partition(regclass, timestamptz, timestamptz) IS
'Creates, but does not attach, a table for the rows of decisions or feedback of that time, with the keys, indexes and grants of the default partition. Named after the start, in UTC.';

CREATE FUNCTION bandit.make_partitions(ahead interval DEFAULT '7 days',
	width interval DEFAULT '1 day', at timestamptz DEFAULT pg_catalog.now(),
	OUT partition regclass, OUT starts timestamptz, OUT ends timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	missing record;
	skipped timestamptz;
	new_tables regclass[] := '{}';
	parents regclass[] := '{}';
	bounds uuid[] := '{}';
	first_id uuid;
	end_id uuid;
BEGIN
	PERFORM bandit_internal.require_writable();
	IF (width >= '1 minute' AND extract(year FROM width) = 0
		AND extract(month FROM width) = 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'width must be at least a minute, in days or smaller units, not %', coalesce(width::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF (ahead >= '0' AND ahead < 1000 * width) IS NOT TRUE THEN
		RAISE EXCEPTION 'ahead must be less than 1000 times width, and not negative, not %', coalesce(ahead::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF isfinite(at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a finite time'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	-- one maker at a time; decisions, feedback and verify go on
	LOCK TABLE ONLY bandit.checkpoints IN SHARE UPDATE EXCLUSIVE MODE;
	FOR missing IN
		SELECT m.* FROM bandit_internal.missing_partitions(at, ahead, width) m
	LOOP
		first_id := bandit.first_decision_id(missing.starts);
		end_id := bandit.first_decision_id(missing.ends);
		IF EXISTS (SELECT FROM bandit.decisions_default d
				WHERE d.decision_id >= first_id AND d.decision_id < end_id)
			OR EXISTS (SELECT FROM bandit.feedback_default f
				WHERE f.decision_id >= first_id AND f.decision_id < end_id)
		THEN
			IF missing.starts IS DISTINCT FROM skipped THEN
				RAISE NOTICE 'no partition is made from % to %, for the default partition has rows of that time', missing.starts, missing.ends
					USING HINT = 'They stay there until bandit.drop_partitions deletes them by age.';
			END IF;
			skipped := missing.starts;
			CONTINUE;
		END IF;
		parents := parents || missing.parent;
		new_tables := new_tables || bandit_internal.create_partition(
			missing.parent, missing.starts, missing.ends);
		bounds := bounds || first_id || end_id;
	END LOOP;
	IF new_tables = '{}' THEN
		RETURN;
	END IF;

	PERFORM bandit_internal.lock_briefly('bandit.decisions_default',
										 'bandit.feedback_default');
	FOR i IN 1 .. cardinality(new_tables) LOOP
		EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
			parents[i], new_tables[i], bounds[2 * i - 1], bounds[2 * i]);
		partition := new_tables[i];
		starts := bandit.decision_time(bounds[2 * i - 1]);
		ends := bandit.decision_time(bounds[2 * i]);
		RETURN NEXT;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit.make_partitions(interval, interval, timestamptz) IS
'Makes the partitions of decisions and feedback that are missing from "at" to "at" plus "ahead", each as wide as "width" (at least a minute, in days or smaller units; days and weeks begin at midnight UTC, weeks on Monday), and returns them with the times of their decisions. What is there already, of whatever width, is left alone, so it can be called at any time, by several sessions at once. A time of which the default partition has rows gets no partition, and a notice.
Locks: what is new is attached while both default partitions are locked exclusively, which reads each of them once per partition; SHARE UPDATE EXCLUSIVE on decisions and feedback. Errors: invalid_parameter_value; lock_not_available when a long transaction is in the way for a minute; check_violation when a decision for such a time was logged meanwhile: call it again.';

CREATE FUNCTION bandit_internal.checkpoint(source regclass,
	before uuid DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	source_rows text;
	summed bigint;
BEGIN
	IF before IS NULL THEN
		source_rows := format('SELECT f.* FROM ONLY %s f', source);
	ELSE
		-- a response that is being changed right now has another turn
		source_rows := format('DELETE FROM ONLY %1$s f USING (
				SELECT x.ctid AS place FROM ONLY %1$s x
				WHERE x.decision_id < $1 AND NOT EXISTS (
					SELECT FROM bandit.decisions d
					WHERE d.decision_id < $1 AND d.decision_id = x.decision_id
						AND d.bandit = x.bandit)
				FOR UPDATE OF x SKIP LOCKED) AS old
			WHERE f.ctid = old.place RETURNING f.*', source);
	END IF;
	EXECUTE format($sql$
		WITH gone AS (%s), sums AS (
			SELECT g.bandit, g.context_hash, g.arm,
				sum(bandit_internal.aged(g.successes, g.received_at, now(),
					b.half_life)) AS successes,
				sum(bandit_internal.aged(g.failures, g.received_at, now(),
					b.half_life)) AS failures,
				sum(g.pulls)::bigint AS pulls, count(*) AS summed
			FROM gone g LEFT JOIN bandit.bandits b ON b.name = g.bandit
			GROUP BY g.bandit, g.context_hash, g.arm
		), added AS (
			INSERT INTO bandit.checkpoints AS c (bandit, context_hash, arm,
				successes, failures, pulls, received_at)
			SELECT s.bandit, s.context_hash, s.arm, s.successes, s.failures,
				s.pulls, now()
			FROM sums s
			WHERE s.successes <> 0 OR s.failures <> 0 OR s.pulls <> 0
			ON CONFLICT (bandit, context_hash, arm) DO UPDATE SET
				successes = excluded.successes + bandit_internal.aged(
					c.successes, c.received_at, now(),
					(SELECT b.half_life FROM bandit.bandits b
					 WHERE b.name = c.bandit)),
				failures = excluded.failures + bandit_internal.aged(
					c.failures, c.received_at, now(),
					(SELECT b.half_life FROM bandit.bandits b
					 WHERE b.name = c.bandit)),
				pulls = c.pulls + excluded.pulls,
				received_at = excluded.received_at
		)
		SELECT coalesce(sum(s.summed), 0) FROM sums s$sql$, source_rows)
	INTO summed USING before;
	RETURN summed;
END;
$$;

COMMENT ON FUNCTION bandit_internal.checkpoint(regclass, uuid) IS
'Adds up what the rows of a detached partition of feedback had added to the evidence, to bandit.checkpoints, and returns how many rows that were. With an id, only rows before it whose decision is gone, and deletes them. Sums are exact, rewards being multiples of 2^-20; those of a bandit with a half-life are aged to now(). The caller has locked bandit.checkpoints and removes what was summed in the same transaction.';

CREATE FUNCTION bandit_internal.old_partitions(at timestamptz,
	older_than interval, OUT partition regclass, OUT open_bandit text,
	OUT unsettled bigint)
RETURNS SETOF record
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
BEGIN ATOMIC
	SELECT p.partition, d.open_bandit,
		CASE t.place WHEN 1 THEN d.unsettled ELSE 0 END
	FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
		WITH ORDINALITY AS t (parent, place)
	CROSS JOIN LATERAL bandit_internal.partitions(t.parent) p
	CROSS JOIN LATERAL (
		SELECT min(b.name) FILTER (WHERE d.decision_id
				>= bandit.first_decision_id(at - b.attribution_window))
				AS open_bandit,
			count(*) FILTER (WHERE b.on_silence <> 'nothing') AS unsettled
		FROM bandit.bandits b
		JOIN bandit.decisions d ON d.bandit = b.name
		WHERE d.settled_at IS NULL AND d.decision_id < p.end_id
			AND d.decision_id >= coalesce(p.first_id,
				'00000000-0000-0000-0000-000000000000')
	) AS d
	WHERE p.ends <= at - older_than
	ORDER BY t.place, p.starts;
END;

COMMENT ON FUNCTION bandit_internal.old_partitions(timestamptz, interval) IS
'The partitions of decisions, then those of feedback, that are older than that at a time. open_bandit: a bandit that has a decision of their time which is neither settled nor out of its attribution window; NULL: none. unsettled: of decisions, how many are not settled whose silence would count.';

CREATE FUNCTION bandit_internal.delete_old(at timestamptz,
	older_than interval, OUT partition text, OUT deleted bigint,
	OUT unsettled bigint)
RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
	before uuid := bandit.first_decision_id(at - older_than);
BEGIN
	partition := 'bandit.decisions_default';
	WITH old AS (
		SELECT d.ctid AS place FROM ONLY bandit.decisions_default d
		WHERE d.decision_id < before
			AND (d.settled_at IS NOT NULL OR NOT EXISTS (
				SELECT FROM bandit.bandits b
				WHERE b.name = d.bandit AND d.decision_id
					>= bandit.first_decision_id(at - b.attribution_window)))
		FOR UPDATE SKIP LOCKED
	), gone AS (
		DELETE FROM ONLY bandit.decisions_default d USING old
		WHERE d.ctid = old.place
		RETURNING d.bandit, d.settled_at
	)
	SELECT count(*), count(*) FILTER (WHERE g.settled_at IS NULL
		AND b.on_silence <> 'nothing')
	INTO deleted, unsettled
	FROM gone g LEFT JOIN bandit.bandits b ON b.name = g.bandit;
	RETURN NEXT;
	partition := 'bandit.feedback_default';
	unsettled := 0;
	deleted := bandit_internal.checkpoint('bandit.feedback_default', before);
	RETURN NEXT;
END;
$$;

COMMENT ON FUNCTION bandit_internal.delete_old(timestamptz, interval) IS
'Deletes from the default partitions the decisions that are older than that at a time, but for those that are open, and sums up and deletes the feedback on what is gone. Returns how many rows each lost, and how many of those were not settled and silence would count. Only rows that nobody else has locked go; a response that is on its way to such a decision may still be learnt, as if it were the first.';

CREATE FUNCTION bandit_internal.detach_partitions(going regclass[],
	OUT partition text, OUT starts timestamptz, OUT ends timestamptz,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	old record;
BEGIN
	PERFORM bandit_internal.lock_briefly(VARIADIC
		'{bandit.decisions,bandit.decisions_default,bandit.feedback,bandit.feedback_default}'::regclass[]
		|| going);
	FOR old IN
		SELECT t.parent, p.*
		FROM unnest('{bandit.decisions,bandit.feedback}'::regclass[])
			WITH ORDINALITY AS t (parent, place)
		CROSS JOIN LATERAL bandit_internal.partitions(t.parent) p
		WHERE p.partition = ANY (going)
		ORDER BY t.place, p.starts
	LOOP
		partition := old.partition::text;
		starts := old.starts;
		ends := old.ends;
		IF old.parent = 'bandit.decisions'::regclass THEN
			EXECUTE format('DROP TABLE %s', old.partition);
			action := 'dropped';
		ELSE
			EXECUTE format('ALTER TABLE bandit.feedback DETACH PARTITION %s', old.partition);
			EXECUTE format('ALTER TABLE %s INHERIT bandit.checkpoints', old.partition);
			action := 'detached';
		END IF;
		RETURN NEXT;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.detach_partitions(regclass[]) IS
'Drops these partitions of decisions, and makes those of feedback children of bandit.checkpoints. Holds its locks until the transaction ends, so it should be the last thing in it.';

CREATE FUNCTION bandit_internal.forget_rows(before timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	before_id uuid := bandit.first_decision_id(before);
BEGIN
	DELETE FROM bandit.revisions r WHERE r.decision_id < before_id;
	DELETE FROM bandit.forwarded f WHERE f.decision_id < before_id;
	-- rows of theirs that come again are counted already
	UPDATE bandit.nodes n SET dropped_before = before_id
	WHERE n.dropped_before IS NULL OR n.dropped_before < before_id;
END;
$$;

COMMENT ON FUNCTION bandit_internal.forget_rows(timestamptz) IS
'Deletes what nodes have told each other of feedback from before that time, and notes for every node that its feedback was dropped up to there.';

CREATE FUNCTION bandit.drop_partitions(
	older_than interval DEFAULT '90 days',
	at timestamptz DEFAULT pg_catalog.now(),
	OUT partition text, OUT starts timestamptz, OUT ends timestamptz,
	OUT action text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
SET timezone = 'UTC'
AS $$
DECLARE
	old record;
	going regclass[] := '{}';
	unsettled bigint := 0;
BEGIN
	PERFORM bandit_internal.require_writable();
	IF (older_than >= '0') IS NOT TRUE THEN
		RAISE EXCEPTION 'older_than must not be negative, not %', coalesce(older_than::text, 'NULL')
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF isfinite(at) IS NOT TRUE THEN
		RAISE EXCEPTION 'at must be a finite time'
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF current_setting('transaction_isolation') NOT LIKE 'read %' THEN
		-- an old snapshot would not see all that it sums up
		RAISE EXCEPTION 'partitions can only be dropped at READ COMMITTED'
			USING ERRCODE = 'invalid_transaction_state';
	END IF;

	-- one at a time, and not while a bandit is dropped
	LOCK TABLE ONLY bandit.checkpoints IN SHARE ROW EXCLUSIVE MODE;

	-- what the last call detached: nobody but verify looks at it
	FOR partition IN
		SELECT i.inhrelid::regclass::text FROM pg_inherits i
		WHERE i.inhparent = 'bandit.checkpoints'::regclass ORDER BY 1
	LOOP
		PERFORM bandit_internal.checkpoint(partition::regclass);
		EXECUTE format('DROP TABLE %s', partition);
		action := 'dropped';
		RETURN NEXT;
	END LOOP;

	FOR old IN SELECT * FROM bandit_internal.delete_old(at, older_than) LOOP
		unsettled := unsettled + old.unsettled;
		CONTINUE WHEN old.deleted = 0;
		partition := old.partition;
		ends := at - older_than;
		action := format('deleted %s rows', old.deleted);
		RETURN NEXT;
	END LOOP;

	FOR old IN SELECT * FROM bandit_internal.old_partitions(at, older_than) LOOP
		IF old.open_bandit IS NULL THEN
			going := going || old.partition;
			unsettled := unsettled + old.unsettled;
		ELSE
			RAISE NOTICE '% stays, for decisions of bandit "%" are still open', old.partition, old.open_bandit
				USING HINT = 'Their attribution window has not passed.';
		END IF;
	END LOOP;
	IF unsettled > 0 THEN
		RAISE WARNING '% decisions are dropped that were never settled', unsettled
			USING DETAIL = 'The silence of their items was not counted.',
				HINT = 'Call bandit.settle for every bandit before bandit.drop_partitions.';
	END IF;
	PERFORM bandit_internal.forget_rows(at - older_than);
	IF going <> '{}' THEN
		RETURN QUERY SELECT * FROM bandit_internal.detach_partitions(going);
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit.drop_partitions(interval, timestamptz) IS
'Retention: lets go of decisions and feedback that are older than older_than, at the time "at", without losing what was learnt; returns what was done. A partition of decisions is dropped once all of it is too old; its feedback is detached at the same time, counts on as a child of bandit.checkpoints, and at the next call it is summed up there and dropped. So call it regularly, say daily; what it frees of feedback is free a call later. Rows in the default partitions that are too old are summed up and deleted one by one.
What has a decision that is not settled and still within its bandit''s attribution window stays, with a notice. Decisions that should have been settled are a warning: their silence will never count. What becomes of a dropped decision can no longer be learnt, changed or taken back: reward calls it unknown, a trigger does nothing. bandit.verify goes on to hold.
Locks: decisions, feedback, their default partitions and those that go, exclusively, at the end and however large they are for no longer than it takes to change the catalog (DETACH CONCURRENTLY cannot be had: it refuses where there is a default partition). Whoever drops a bandit meanwhile waits. Errors: invalid_parameter_value; invalid_transaction_state but at READ COMMITTED; lock_not_available when a long transaction is in the way for a minute; dependent_objects_still_exist where somebody''s view depends on a partition.';
