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

-- Nobody may call anything that was not granted to him.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal FROM PUBLIC;
