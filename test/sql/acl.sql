-- Who may do what with every object of the extension.  A new object, or a
-- right that somebody has got, shows here and needs a decision.
SET client_min_messages = warning;
BEGIN;
CREATE ROLE regress_serve;
CREATE ROLE regress_feedback;
CREATE ROLE regress_monitor;
CREATE ROLE regress_admin;
SELECT FROM unnest('{serve,feedback,monitor,admin}'::text[]) a,
	bandit.grant_access(('regress_' || a)::name, a);

CREATE TEMP VIEW rights AS
WITH member AS (
	SELECT d.classid, d.objid
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	WHERE e.extname = 'bandit'
), acls (kind, object, acl, owner) AS (
	SELECT 'schema', n.nspname::text, coalesce(n.nspacl, acldefault('n', n.nspowner)), n.nspowner
	FROM member m JOIN pg_namespace n ON m.classid = 'pg_namespace'::regclass AND n.oid = m.objid
	UNION ALL
	SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' ELSE 'relation ' || c.relkind::text END,
		c.oid::regclass::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), c.relowner
	FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	UNION ALL
	SELECT CASE WHEN p.prosecdef THEN 'definer' ELSE 'function' END, p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)), p.proowner
	FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
	UNION ALL
	-- a table's row type has the table's rights
	SELECT 'type', format_type(t.oid, NULL), coalesce(t.typacl, acldefault('T', t.typowner)), t.typowner
	FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
	WHERE t.typcategory <> 'A' AND (t.typtype <> 'c' OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
	UNION ALL
	SELECT 'column of ' || a.attrelid::regclass, a.attname, a.attacl, c.relowner
	FROM member m JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
)
SELECT a.kind, a.object, coalesce((SELECT string_agg(r.who || CASE WHEN a.kind IN ('function', 'definer') AND r.rights = 'EXECUTE'
		THEN '' ELSE ': ' || r.rights END, '; ' ORDER BY r.who) FROM (
		SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE replace(x.grantee::regrole::text, 'regress_', '') END AS who,
			string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ' ' ORDER BY x.privilege_type) AS rights
		FROM aclexplode(a.acl) x WHERE x.grantee <> a.owner GROUP BY 1) r), 'nobody') AS may
FROM acls a;

\pset format unaligned
\pset footer off
SELECT kind, object, may FROM rights
WHERE kind NOT IN ('function', 'definer')
ORDER BY kind, object COLLATE "C";

-- These act with the owner's rights.
SELECT object, may FROM rights WHERE kind = 'definer' ORDER BY object COLLATE "C";

SELECT object, may FROM rights WHERE kind = 'function' ORDER BY object COLLATE "C";

-- Nobody hands on what he was given.
SELECT * FROM rights WHERE may LIKE '%*%';
ROLLBACK;
