-- What the server has to know of the extension's objects: what a dump holds,
-- who may call what, and when cached settings are out of date.

-- All rows are the user's.  A partition is dumped by itself: the default ones
-- are members of the extension, later ones are not and need no word here.
SELECT pg_catalog.pg_extension_config_dump('bandit.bandits', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.arms', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.recommenders', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.contexts', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.evidence', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.priors', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.experiments', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.decisions', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.decisions_default', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.feedback', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.feedback_default', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.checkpoints', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.outcome_rules', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.watches', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.models', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.alerts', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.guards', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.thresholds', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.health_checks', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.nodes', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.revisions', '');
SELECT pg_catalog.pg_extension_config_dump('bandit.forwarded', '');

-- ALWAYS: whoever changes a setting, a replica's session too.
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.bandits
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.arms
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.recommenders
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.outcome_rules
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.models
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.priors
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.experiments
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.watches
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache
	AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bandit.nodes
	FOR EACH STATEMENT EXECUTE FUNCTION bandit.invalidate_cache();

ALTER TABLE bandit.bandits ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.arms ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.recommenders ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.outcome_rules ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.models ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.priors ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.experiments ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.watches ENABLE ALWAYS TRIGGER invalidate_cache;
ALTER TABLE bandit.nodes ENABLE ALWAYS TRIGGER invalidate_cache;

-- A worker of logical replication fires triggers for rows only: for settings
-- that somebody publishes.
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.bandits
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.arms
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.recommenders
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.outcome_rules
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.models
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.priors
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.experiments
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();
CREATE TRIGGER invalidate_cache_replica
	AFTER INSERT OR UPDATE OR DELETE ON bandit.watches
	FOR EACH ROW EXECUTE FUNCTION bandit.invalidate_cache();

ALTER TABLE bandit.bandits
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.arms
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.recommenders
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.outcome_rules
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.models
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.priors
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.experiments
	ENABLE REPLICA TRIGGER invalidate_cache_replica;
ALTER TABLE bandit.watches
	ENABLE REPLICA TRIGGER invalidate_cache_replica;

-- pg_restore -j fills these tables in any order, which their foreign keys would
-- refuse where bandits comes last: the keys cascade, and this asks instead.
CREATE FUNCTION bandit_internal.check_has_bandit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM FROM bandit.bandits b WHERE b.name = NEW.bandit FOR KEY SHARE;
	-- with no bandit at all yet, NULL, a dump is being restored; asked anew, for
	-- all of them may have come since
	IF NOT FOUND AND (SELECT NOT bool_or(b.name = NEW.bandit) FROM bandit.bandits b) THEN
		RAISE EXCEPTION 'bandit "%" does not exist', NEW.bandit
			USING ERRCODE = 'foreign_key_violation',
				SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME,
				HINT = 'SELECT name FROM bandit.bandits lists them; bandit.create_bandit makes one.';
	END IF;
	RETURN NULL;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_has_bandit() IS
'Trigger on tables of settings, in place of what their foreign keys would check: raises foreign_key_violation for a row of a bandit that does not exist, but for when there is none at all, as while a dump is restored by several jobs.';

DO $$
DECLARE
	part record;
BEGIN
	FOR part IN
		SELECT t.tgrelid::regclass AS child, string_agg(format('DISABLE TRIGGER %I', t.tgname), ', ') AS checks
		FROM pg_catalog.pg_constraint c
		JOIN pg_catalog.pg_trigger t ON t.tgconstraint = c.oid AND t.tgrelid = c.conrelid
		WHERE c.contype = 'f' AND c.confrelid = 'bandit.bandits'::regclass
		GROUP BY t.tgrelid
	LOOP
		EXECUTE format('ALTER TABLE %s %s', part.child, part.checks);
		EXECUTE format('CREATE TRIGGER check_has_bandit AFTER INSERT OR UPDATE OF bandit ON %s'
			' FOR EACH ROW EXECUTE FUNCTION bandit_internal.check_has_bandit()', part.child);
	END LOOP;
END;
$$;

-- Nobody may call anything that was not granted to him.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal FROM PUBLIC;
