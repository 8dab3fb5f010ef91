-- The size of each table, its partitions included, against its live rows.
WITH tables AS MATERIALIZED (
	SELECT t.name, t.place, one.relid
	FROM unnest('{evidence,decisions,feedback,checkpoints,contexts,priors,models,alerts}'::text[])
		WITH ORDINALITY t (name, place)
	JOIN pg_class c ON c.oid = ('bandit.' || t.name)::regclass
		OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = ('bandit.' || t.name)::regclass)
	CROSS JOIN LATERAL unnest(ARRAY[c.oid, c.reltoastrelid]) one (relid)
	WHERE c.relkind = 'r' AND one.relid <> 0
)
SELECT t.name, sum(s.tuple_count), round(sum(s.tuple_len) / 1e6, 2), round(sum(s.table_len) / 1e6, 2),
	round(4 * sum(s.tuple_len) / 1e6 + 4, 2),
	CASE WHEN sum(s.table_len) > 4 * sum(s.tuple_len) + 4e6 THEN 'bloated' ELSE '' END
FROM tables t CROSS JOIN LATERAL pgstattuple(t.relid) s
GROUP BY t.name, t.place ORDER BY t.place;
