CREATE EXTENSION bandit;
SELECT bandit.create_bandit('six', '{a,b,c,d,e,f}', '{device}');
SELECT bandit.update_bandit('six', '{"device": "p"}', arm, outcome)
FROM unnest('{a,b,c,d,e,f}'::text[]) arm, unnest('{success,failure,failure}'::text[]) outcome,
	generate_series(1, 20);
VACUUM ANALYZE;
