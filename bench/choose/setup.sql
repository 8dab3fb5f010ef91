-- A bandit of 6 arms, and the log that an application would write itself: the
-- same columns, a key and an index.
CREATE EXTENSION bandit;
SELECT bandit.create_bandit('six', '{a,b,c,d,e,f}', '{device}');
SELECT bandit.update_bandit('six', '{"device": "p"}', arm, outcome)
FROM unnest('{a,b,c,d,e,f}'::text[]) arm, unnest('{success,failure,failure}'::text[]) outcome, generate_series(1, 20);
CREATE TABLE decided (id uuid PRIMARY KEY, bandit text, context bigint, decided_at timestamptz,
	arms text[], alphas float8[], betas float8[], picks text[]);
CREATE TABLE rewarded (id uuid, bandit text, arm text, reward float8, received_at timestamptz, PRIMARY KEY (id, arm));
VACUUM ANALYZE;
