\echo Use "ALTER EXTENSION bandit UPDATE TO '0.2.0'" to load this file. \quit

-- By hand comes what changes a table or drops something, before what needs
-- it: ADD COLUMN with IF NOT EXISTS, for Citus.

CREATE FUNCTION bandit_internal.this_node() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1
AS 'MODULE_PATHNAME', 'bandit_this_node';

-- Rows from before are of this node, and it has no name.
ALTER TABLE bandit.contexts ADD COLUMN IF NOT EXISTS node text COLLATE "C";
ALTER TABLE bandit.decisions ADD COLUMN IF NOT EXISTS node text COLLATE "C";
ALTER TABLE bandit.feedback ADD COLUMN IF NOT EXISTS node text COLLATE "C";
ALTER TABLE bandit.contexts ALTER COLUMN node SET DEFAULT bandit_internal.this_node();
ALTER TABLE bandit.decisions ALTER COLUMN node SET DEFAULT bandit_internal.this_node();
ALTER TABLE bandit.feedback ALTER COLUMN node SET DEFAULT bandit_internal.this_node();

-- made anew, from the comment on the parent
COMMENT ON COLUMN bandit.decisions_default.settled_at IS NULL;

-- The rest is taken from sql/install by scripts/upgrade-script, so that it
-- cannot differ from a fresh install.
\changes bandit.explain

-- Nobody may call what is new.  What was there has been decided about.
DO $$
DECLARE
	made regprocedure;
BEGIN
	FOR made IN
		SELECT p.oid FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_catalog.pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		WHERE e.extname = 'bandit' AND p.proacl IS NULL
	LOOP
		EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
	END LOOP;
END;
$$;

-- Open sessions read their settings anew.
UPDATE bandit.bandits SET name = name WHERE false;
