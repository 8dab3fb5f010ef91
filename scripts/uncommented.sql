-- Members of the extension without a comment, and columns of its tables.
WITH member AS (
	SELECT d.classid, d.objid
	FROM pg_depend d
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
		AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bandit')
)
SELECT pg_describe_object(m.classid, m.objid, 0)
FROM member m
LEFT JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
LEFT JOIN pg_type t ON m.classid = 'pg_type'::regclass AND t.oid = m.objid
WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL
	AND (m.classid <> 'pg_class'::regclass OR c.relkind IN ('r', 'p', 'v', 'm', 'S'))
	AND (m.classid <> 'pg_type'::regclass OR (t.typrelid = 0 AND t.typelem = 0)
		OR EXISTS (SELECT FROM pg_class r WHERE r.oid = t.typrelid AND r.relkind = 'c'))
	AND m.classid NOT IN ('pg_rewrite'::regclass, 'pg_trigger'::regclass)
UNION ALL
SELECT format('column %s of %s', a.attname, c.oid::regclass)
FROM member m
JOIN pg_class c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'c') AND NOT c.relispartition
	AND col_description(c.oid, a.attnum) IS NULL
ORDER BY 1;
