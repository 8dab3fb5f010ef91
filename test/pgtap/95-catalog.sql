-- What the server knows of the extension: dumps, rights, comments, triggers.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS bandit;
BEGIN;
SELECT plan(11);

SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class c
	  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
		AND d.deptype = 'e'
	  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'bandit'
	  WHERE c.relkind IN ('r', 'p', 'S')
		AND c.oid <> ALL (COALESCE(e.extconfig, '{}'))$$,
	'every table and sequence of the extension is dumped');
SELECT is((SELECT bool_and(condition = '') FROM pg_extension e, unnest(e.extcondition) condition
		   WHERE e.extname = 'bandit'), true, 'with all its rows');

SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(
		COALESCE(p.proacl, acldefault('f', p.proowner))) a
	  WHERE p.pronamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace) AND a.grantee = 0$$,
	'PUBLIC may call nothing');
SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class c, aclexplode(c.relacl) a
	  WHERE c.relnamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace) AND a.grantee = 0$$,
	'PUBLIC may read nothing');

SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p
	  WHERE p.pronamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace)
		AND obj_description(p.oid, 'pg_proc') IS NULL$$,
	'every function has a comment');
-- plans over the ledger are costed by its partitions; to compile one took 1.6 s
SELECT is(array_agg(p.proname::text ORDER BY p.proname::text COLLATE "C"),
	'{arm_history,check_health,drop_partitions,evaluate_policy,experiment_report,experiment_verdict,guard,health,rebuild,refresh_priors,regret,report,settle,shadow_report,verify}',
	'what reads the ledger as a whole is not compiled')
FROM pg_proc p
WHERE p.pronamespace = 'bandit'::regnamespace AND 'jit=off' = ANY (p.proconfig);
SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class c
	  WHERE c.relnamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace)
		AND c.relkind IN ('r', 'p', 'v', 'm', 'c', 'S')
		AND obj_description(c.oid, 'pg_class') IS NULL
		AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
			AND d.objid = c.oid AND d.deptype = 'e')$$,
	'every table and view has a comment');
SELECT is_empty(
	$$SELECT c.oid::regclass, a.attname FROM pg_class c
	  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	  WHERE c.relnamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm', 'c')
		AND col_description(c.oid, a.attnum) IS NULL
		AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
			AND d.objid = c.oid AND d.deptype = 'e')$$,
	'every column has a comment');

SELECT set_eq(
	$$SELECT t.tgrelid::regclass::text FROM pg_trigger t
	  WHERE t.tgfoid = 'bandit.invalidate_cache()'::regprocedure AND t.tgenabled = 'A'
		AND t.tgtype & 61 = 60$$,
	$$VALUES ('bandit.bandits'), ('bandit.arms'), ('bandit.recommenders'),
		('bandit.outcome_rules'), ('bandit.models'), ('bandit.priors'),
		('bandit.experiments'), ('bandit.watches'), ('bandit.nodes')$$,
	'a change of settings, by whomever, invalidates what is cached');

SELECT set_eq(
	$$SELECT t.tgrelid::regclass::text FROM pg_trigger t
	  WHERE t.tgfoid = 'bandit.invalidate_cache()'::regprocedure AND t.tgenabled = 'R'
		AND t.tgtype & 61 = 29$$,
	$$VALUES ('bandit.bandits'), ('bandit.arms'), ('bandit.recommenders'),
		('bandit.outcome_rules'), ('bandit.models'), ('bandit.priors'),
		('bandit.experiments'), ('bandit.watches')$$,
	'one that logical replication applies, too');

SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	  WHERE p.pronamespace IN ('bandit'::regnamespace, 'bandit_internal'::regnamespace) AND p.prokind = 'f'
		AND l.lanname <> 'c' AND p.prosqlbody IS NULL
		AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting
			WHERE setting = 'search_path=pg_catalog, pg_temp')$$,
	'every function that is text pins its search_path');

SELECT * FROM finish();
ROLLBACK;
