-- Everything the catalog says of the extension's objects, a line for each
-- fact, by name: the same for a fresh install and for an upgraded one.
SET search_path = pg_catalog;
CREATE FUNCTION pg_temp.acl(acl aclitem[], kind "char", owner oid) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
		WHEN a.grantee = owner THEN 'owner' ELSE a.grantee::regrole::text END || ':' || a.privilege_type
		|| CASE WHEN a.is_grantable THEN '*' ELSE '' END, ' '), 'nobody')
	FROM aclexplode(coalesce(acl, acldefault(kind, owner))) a $$;

WITH member AS (
	SELECT d.classid, d.objid, i.type, i.identity
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
	WHERE e.extname = 'bandit'
), relation AS (
	SELECT c.*, m.identity FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
), facts (object, fact, value) AS (
	SELECT m.type || ' ' || m.identity, 'member', NULL FROM member m
	UNION ALL
	SELECT m.type || ' ' || m.identity, 'comment', obj_description(m.objid, m.classid::regclass::name) FROM member m
	UNION ALL
	SELECT m.type || ' ' || m.identity, 'initial rights', (SELECT string_agg(x.a || x.b, ' ' ORDER BY x.a || x.b)
		FROM (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE 'owner' END, a.privilege_type FROM aclexplode(i.initprivs) a) x (a, b))
	FROM member m JOIN pg_init_privs i ON i.classoid = m.classid AND i.objoid = m.objid
	UNION ALL
	SELECT 'schema ' || m.identity, 'rights', pg_temp.acl(n.nspacl, 'n', n.nspowner)
	FROM member m JOIN pg_namespace n ON n.oid = m.objid AND m.classid = 'pg_namespace'::regclass
	UNION ALL
	SELECT m.type || ' ' || m.identity, f.fact, f.value
	FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
	CROSS JOIN LATERAL (VALUES
		('definition', CASE WHEN g.aggfnoid IS NULL THEN pg_get_functiondef(p.oid)
			ELSE concat_ws(' | ', pg_get_function_result(p.oid), pg_get_function_arguments(p.oid), g.aggkind,
				g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggtranstype::regtype,
				g.agginitval, g.aggtransspace, g.aggfinalmodify, p.proparallel) END),
		('rights', pg_temp.acl(p.proacl, 'f', p.proowner))) AS f (fact, value)
	UNION ALL
	SELECT 'type ' || m.identity, f.fact, f.value
	FROM member m JOIN pg_type t ON t.oid = m.objid AND m.classid = 'pg_type'::regclass
	CROSS JOIN LATERAL (VALUES ('rights', pg_temp.acl(t.typacl, 'T', t.typowner)),
		('definition', concat_ws(' ', t.typtype, t.typbasetype::regtype, t.typdefault, t.typnotnull,
			(SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)))) AS f (fact, value)
	UNION ALL
	SELECT 'relation ' || r.identity, f.fact, f.value
	FROM relation r
	LEFT JOIN pg_extension e ON e.extname = 'bandit'
	LEFT JOIN LATERAL (SELECT array_position(e.extconfig, r.oid) AS i) x ON true
	CROSS JOIN LATERAL (VALUES
		('kind', concat_ws(' ', r.relkind, r.relpersistence, r.relreplident, r.relrowsecurity, r.relforcerowsecurity,
			r.reloptions, pg_get_partkeydef(r.oid), pg_get_expr(r.relpartbound, r.oid),
			(SELECT string_agg(i.inhparent::regclass::text, ',') FROM pg_inherits i WHERE i.inhrelid = r.oid))),
		('rights', pg_temp.acl(r.relacl, CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner)),
		('definition', CASE WHEN r.relkind IN ('v', 'm') THEN pg_get_viewdef(r.oid) END),
		('dumped', CASE WHEN x.i IS NOT NULL THEN 'where (' || e.extcondition[x.i] || ')' END)) AS f (fact, value)
	UNION ALL
	SELECT 'column ' || r.identity || '.' || a.attname, f.fact, f.value
	FROM relation r
	JOIN (SELECT a.*, row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum) AS place
		FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped) a ON a.attrelid = r.oid
	LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
	-- some servers note there when it was made
	LEFT JOIN LATERAL (SELECT o AS version FROM unnest(a.attoptions) o WHERE o LIKE 'pg_attver=%') o ON true
	CROSS JOIN LATERAL (VALUES
		('definition', concat_ws(' ', a.place, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
			a.attcollation::regcollation, 'default ' || pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
			a.attstorage, a.attcompression, a.attstattarget, array_remove(a.attoptions, o.version), a.attacl)),
		('comment', col_description(r.oid, a.attnum))) AS f (fact, value)
	UNION ALL
	SELECT 'constraint ' || o.conname || ' on ' || r.identity, 'definition', concat_ws(' ', pg_get_constraintdef(o.oid), o.convalidated, o.conislocal)
	FROM relation r JOIN pg_constraint o ON o.conrelid = r.oid
	UNION ALL
	SELECT 'index ' || i.indexrelid::regclass || ' on ' || r.identity, 'definition',
		concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisprimary, i.indisclustered, i.indisreplident, i.indisvalid, c.reloptions)
	FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
	UNION ALL
	SELECT 'trigger ' || t.tgname || ' on ' || r.identity, 'definition', pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
	FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
	UNION ALL
	SELECT 'rule ' || w.rulename || ' on ' || r.identity, 'definition', pg_get_ruledef(w.oid) || ' enabled ' || w.ev_enabled::text
	FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
	UNION ALL
	SELECT 'policy ' || p.polname || ' on ' || r.identity, 'definition', concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[],
		pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
	FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
	UNION ALL
	SELECT 'statistics ' || s.stxname || ' on ' || r.identity, 'definition', pg_get_statisticsobjdef(s.oid)
	FROM relation r JOIN pg_statistic_ext s ON s.stxrelid = r.oid
	UNION ALL
	SELECT 'sequence ' || r.identity, 'definition', concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
	FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
	UNION ALL
	SELECT 'extension bandit', 'definition', concat_ws(' ', e.extversion, e.extrelocatable, e.extnamespace::regnamespace,
		cardinality(e.extconfig), 'configured tables')
	FROM pg_extension e WHERE e.extname = 'bandit'
)
SELECT replace(concat_ws(' | ', object, fact, value), E'\n', E'\n    ') COLLATE "C" FROM facts
WHERE value IS NOT NULL OR fact = 'member'
ORDER BY 1;
