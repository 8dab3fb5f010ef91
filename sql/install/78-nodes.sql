-- Several writable nodes that learn from each other by logical replication.
--
-- A node publishes inserts of its own rows, by its name in them; every node
-- subscribes to every other.  What arrives is folded into the evidence by
-- triggers that fire nowhere but in a replica's session.  The same row may
-- come twice, as when a subscription is made again and copies: rows have
-- keys, and versions (changed_at), so what is known already is left out.

CREATE FUNCTION bandit_internal.replicating() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1
AS 'MODULE_PATHNAME', 'bandit_replicating';
COMMENT ON FUNCTION bandit_internal.replicating() IS
'Whether this is a worker of logical replication: copy where it copies a table, stream where it applies what comes; NULL: it is not.';

CREATE FUNCTION bandit_internal.add_evidence_since(
	bandit text,
	context_hash bigint,
	arm text,
	successes float8,
	failures float8,
	pulls bigint,
	since timestamptz)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_add_evidence_since';
COMMENT ON FUNCTION bandit_internal.add_evidence_since(text, bigint, text, float8, float8, bigint, timestamptz) IS
'Internal: adds to an arm''s evidence what a row of the ledger says that came from another node, as of "since".';

CREATE FUNCTION bandit_internal.is_foreign(node text) RETURNS boolean
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- a worker brings back rows of our own only where we have lost them
	SELECT node IS NOT NULL AND pg_trigger_depth() <= 1
		AND (bandit_internal.replicating() IS NOT NULL
			OR node IS DISTINCT FROM bandit_internal.this_node());
END;
COMMENT ON FUNCTION bandit_internal.is_foreign(text) IS
'For triggers in a replica''s session: whether a row of that node comes from elsewhere, and is not written by what they call.';

CREATE FUNCTION bandit_internal.receive_feedback() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dropped_before uuid;
	revision boolean := TG_TABLE_NAME = 'revisions';
	old record;
BEGIN
	IF NOT bandit_internal.is_foreign(NEW.node) THEN
		RETURN NEW;
	END IF;
	SELECT n.dropped_before INTO dropped_before
	FROM bandit.nodes n WHERE n.node = NEW.node;
	IF NOT FOUND THEN
		INSERT INTO bandit.nodes (node) VALUES (NEW.node) ON CONFLICT DO NOTHING;
	END IF;

	-- Written here rather than by the worker, so that nobody else can have
	-- written it meanwhile.  What was dropped is counted already, and a row
	-- that was revised is a row that was there.
	IF NEW.decision_id < dropped_before
		AND (revision OR bandit_internal.replicating() = 'copy') THEN
		NULL;
	ELSE
		INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm,
			context_hash, value, reward, priority, successes, failures, pulls,
			retracted, received_at, changed_at, node)
		VALUES (NEW.decision_id, NEW.bandit, NEW.item_id, NEW.kind, NEW.arm,
			NEW.context_hash, NEW.value, NEW.reward, NEW.priority,
			NEW.successes, NEW.failures, NEW.pulls, NEW.retracted,
			NEW.received_at, NEW.changed_at, NEW.node)
		ON CONFLICT DO NOTHING;
		IF FOUND THEN
			PERFORM bandit_internal.add_evidence_since(NEW.bandit,
				NEW.context_hash, NEW.arm, NEW.successes, NEW.failures,
				NEW.pulls, NEW.received_at);
			RETURN NULL;
		END IF;
	END IF;

	SELECT f.tableoid, f.ctid AS place, f.successes, f.failures, f.pulls
	INTO old
	FROM bandit.feedback f
	WHERE f.decision_id = NEW.decision_id AND f.bandit = NEW.bandit
		AND f.item_id IS NOT DISTINCT FROM NEW.item_id AND f.arm = NEW.arm
		AND f.kind = NEW.kind AND f.node = NEW.node
		AND coalesce(f.changed_at, f.received_at)
			< coalesce(NEW.changed_at, NEW.received_at)
	FOR NO KEY UPDATE;
	IF FOUND THEN
		UPDATE bandit.feedback f SET value = NEW.value, reward = NEW.reward,
			priority = NEW.priority, successes = NEW.successes,
			failures = NEW.failures, pulls = NEW.pulls,
			retracted = NEW.retracted, changed_at = NEW.changed_at
		WHERE f.tableoid = old.tableoid AND f.ctid = old.place
			AND f.decision_id = NEW.decision_id;
		PERFORM bandit_internal.add_evidence_since(NEW.bandit,
			NEW.context_hash, NEW.arm, NEW.successes - old.successes,
			NEW.failures - old.failures, NEW.pulls - old.pulls,
			NEW.received_at);
	END IF;
	RETURN NULL;
END;
$$;
COMMENT ON FUNCTION bandit_internal.receive_feedback() IS
'Trigger where logical replication applies rows of feedback or revisions: learns from a row that is new here, moves the evidence where it is a newer version of one that is not, and leaves out what is known.';

CREATE FUNCTION bandit_internal.receive_context() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bandit_internal.is_foreign(NEW.node) AND EXISTS (
		SELECT FROM bandit.contexts c
		WHERE c.bandit = NEW.bandit AND c.context_hash = NEW.context_hash) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END;
$$;
COMMENT ON FUNCTION bandit_internal.receive_context() IS
'Trigger where logical replication applies rows of contexts: leaves out those that are known.';

CREATE FUNCTION bandit_internal.receive_decision() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF bandit_internal.is_foreign(NEW.node) AND (
		EXISTS (
			SELECT FROM bandit.decisions d
			WHERE d.decision_id = NEW.decision_id AND d.bandit = NEW.bandit)
		OR bandit_internal.replicating() = 'copy' AND EXISTS (
			SELECT FROM bandit.nodes n
			WHERE n.node = NEW.node AND NEW.decision_id < n.dropped_before)) THEN
		RETURN NULL;
	END IF;
	RETURN NEW;
END;
$$;
COMMENT ON FUNCTION bandit_internal.receive_decision() IS
'Trigger where logical replication applies rows of decisions: leaves out those that are known, or were dropped.';

CREATE FUNCTION bandit_internal.take_forwarded(
	bandit text,
	decision_id uuid,
	item_id bigint,
	kind text,
	arm text,
	value float8,
	reward float8,
	priority int,
	retracted boolean)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_take_forwarded';
COMMENT ON FUNCTION bandit_internal.take_forwarded(text, uuid, bigint, text, text, float8, float8, int, boolean) IS
'Internal: learns from a response that another node has forwarded; true if it was new. False where the decision is gone.';

CREATE FUNCTION bandit_internal.receive_forwarded() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF NOT bandit_internal.is_foreign(NEW.node) THEN
		RETURN NEW;
	ELSIF NEW.to_node IS DISTINCT FROM bandit_internal.this_node()
		OR EXISTS (
			SELECT FROM bandit.forwarded f
			WHERE f.bandit = NEW.bandit AND f.response_id = NEW.response_id)
	THEN
		RETURN NULL;
	END IF;
	PERFORM bandit_internal.take_forwarded(NEW.bandit, NEW.decision_id,
		NEW.item_id, NEW.kind, NEW.arm, NEW.value, NEW.reward, NEW.priority,
		NEW.retracted);
	RETURN NEW;
END;
$$;
COMMENT ON FUNCTION bandit_internal.receive_forwarded() IS
'Trigger where logical replication applies rows of forwarded: learns from those that are for this node and new, and leaves out all others.';

CREATE TRIGGER receive BEFORE INSERT ON bandit.decisions
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.receive_decision();
CREATE TRIGGER receive BEFORE INSERT ON bandit.forwarded
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.receive_forwarded();
CREATE TRIGGER receive BEFORE INSERT ON bandit.feedback
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.receive_feedback();
CREATE TRIGGER receive BEFORE INSERT ON bandit.revisions
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.receive_feedback();
CREATE TRIGGER receive BEFORE INSERT ON bandit.contexts
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.receive_context();

ALTER TABLE bandit.decisions ENABLE REPLICA TRIGGER receive;
ALTER TABLE bandit.forwarded ENABLE REPLICA TRIGGER receive;
ALTER TABLE bandit.feedback ENABLE REPLICA TRIGGER receive;
ALTER TABLE bandit.revisions ENABLE REPLICA TRIGGER receive;
ALTER TABLE bandit.contexts ENABLE REPLICA TRIGGER receive;

CREATE FUNCTION bandit_internal.restore_firing() RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	command text;
BEGIN
	FOR command IN
		SELECT format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', t.tgrelid::regclass,
			CASE t.tgname WHEN 'invalidate_cache' THEN 'ALWAYS' ELSE 'REPLICA' END, t.tgname)
		FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = 'bandit'::regnamespace
			AND t.tgname IN ('receive', 'invalidate_cache', 'invalidate_cache_replica')
			AND t.tgenabled <> CASE t.tgname WHEN 'invalidate_cache' THEN 'A' ELSE 'R' END
	LOOP
		EXECUTE command;
	END LOOP;
END;
$$;
COMMENT ON FUNCTION bandit_internal.restore_firing() IS
'Lets the extension''s triggers fire again where replication applies rows, after ENABLE TRIGGER ALL, as pg_restore --disable-triggers leaves it, has made ordinary ones of them. For the extension''s owner.';

CREATE FUNCTION bandit.set_node(node text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name text := bandit_internal.this_node();
	cluster bigint := (SELECT c.system_identifier FROM pg_control_system() c);
	oid oid := (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.check_name('name of node', set_node.node);
	IF name = set_node.node THEN
		RETURN;
	ELSIF name IS NOT NULL THEN
		RAISE EXCEPTION 'this node is called "%" already', name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				DETAIL = 'Its rows have that name on other nodes too.';
	END IF;

	-- in the order in which requests take them
	PERFORM bandit_internal.lock_briefly('bandit.contexts',
		'bandit.decisions', 'bandit.decisions_default',
		'bandit.feedback', 'bandit.feedback_default');
	PERFORM bandit_internal.restore_firing();
	UPDATE bandit.nodes n SET here = false WHERE n.here;
	INSERT INTO bandit.nodes AS n (node, here, system_identifier, database)
	VALUES (set_node.node, true, cluster, oid)
	ON CONFLICT ON CONSTRAINT nodes_pkey DO UPDATE SET here = true,
		system_identifier = cluster, database = oid;
	UPDATE bandit.contexts c SET node = set_node.node WHERE c.node IS NULL;
	UPDATE bandit.decisions d SET node = set_node.node WHERE d.node IS NULL;
	UPDATE bandit.feedback f SET node = set_node.node WHERE f.node IS NULL;
END;
$$;
COMMENT ON FUNCTION bandit.set_node(text) IS
'Gives this database a name among several nodes that learn from each other; see docs/several-nodes.md. What was written here before gets the name too, while writers wait: name a node before it has much traffic. The name stays; it does not go with a dump to another database, nor through pg_upgrade: there set_node has to be called again. For the extension''s owner. Errors: read_only_sql_transaction; object_not_in_prerequisite_state where it has another name; null_value_not_allowed, invalid_parameter_value, name_too_long; lock_not_available when a long transaction is in the way for a minute.';

CREATE FUNCTION bandit.publish_node(decisions boolean DEFAULT true) RETURNS name
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	node text := bandit_internal.this_node();
	own text;
BEGIN
	PERFORM bandit_internal.require_writable();
	IF node IS NULL THEN
		RAISE EXCEPTION 'this node has no name'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Call bandit.set_node first; after a restore or pg_upgrade, again.';
	ELSIF current_setting('wal_level') <> 'logical' THEN
		RAISE WARNING 'wal_level is "%"', current_setting('wal_level')
			USING HINT = 'Nobody can subscribe before the server runs with wal_level = logical.';
	END IF;
	own := format('WHERE (node = %L)', node);
	IF NOT EXISTS (SELECT FROM pg_publication p WHERE p.pubname = 'bandit_node') THEN
		CREATE PUBLICATION bandit_node
			WITH (publish = 'insert', publish_via_partition_root = true);
	END IF;
	EXECUTE format('ALTER PUBLICATION bandit_node SET TABLE
		bandit.contexts %1$s, bandit.feedback %1$s, bandit.revisions %1$s,
		bandit.forwarded %1$s', own)
		|| CASE WHEN decisions THEN ', bandit.decisions ' || own ELSE '' END;
	RETURN 'bandit_node';
END;
$$;
COMMENT ON FUNCTION bandit.publish_node(boolean) IS
'Makes the publication bandit_node, or brings it up to date, and returns its name: inserts of what this node learns, for other nodes to subscribe to. decisions: also of what it serves, so that a response that is given on another node is attributed there, and learnt here; without, it is lost. After a dump is restored it has to be called again, for not every pg_dump keeps which tables of an extension are published. For a superuser, or who owns the extension and may create publications. Errors: read_only_sql_transaction; object_not_in_prerequisite_state where the node has no name.';
