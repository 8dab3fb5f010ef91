CREATE EXTENSION bandit;
SELECT bandit.create_bandit(name, '{a,b,c,d,e,f}', '{device}')
FROM unnest('{six,borrows,forgets}'::text[]) name;
UPDATE bandit.bandits SET half_life = '7 days' WHERE name = 'forgets';
SELECT bandit.update_bandit(name, context, arm, outcome)
FROM unnest('{six,borrows,forgets}'::text[]) name,
	unnest('{"{\"device\": \"p\"}","{\"device\": \"q\"}"}'::jsonb[]) context,
	unnest('{a,b,c,d,e,f}'::text[]) arm, unnest('{success,failure,failure}'::text[]) outcome,
	generate_series(1, 20);
SELECT bandit.refresh_priors('borrows');
VACUUM ANALYZE;
