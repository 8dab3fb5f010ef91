-- The same seed, the same draws, to the last bit, on every machine and every
-- supported version: what is compared is the digest of their bytes.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE AGGREGATE pg_temp.concatenated(bytea) (sfunc = byteacat, stype = bytea);
CREATE FUNCTION pg_temp.digest(draws float8[]) RETURNS text LANGUAGE sql
RETURN (SELECT count(*) || ' ' || md5(pg_temp.concatenated(float8send(d) ORDER BY n))
	FROM unnest(draws) WITH ORDINALITY u (d, n));
-- the digest sees the last bit
SELECT pg_temp.digest('{0.5}') = pg_temp.digest('{0.5000000000000001}');

-- each algorithm of the sampler: shapes below 1, at 1, near it, large
SELECT bandit.set_seed(2026);
SELECT a, b, pg_temp.digest(ARRAY(SELECT bandit.beta_sample(a, b, 1000)))
FROM (VALUES (1::float8, 1::float8), (2, 3), (0.5, 0.5), (1, 30), (30, 1), (0.1, 3), (1e-3, 1e-3),
	(5e-324, 5e-324), (0.9999999, 1.0000001), (100, 100), (1e3, 2), (1e8, 1e8), (1e15, 1e15)) v (a, b);

-- what is selected, by every policy that draws; contexts, floors, ranks
SELECT bandit.create_bandit('draws', '{a,b,c,d}', '{n}', exploration_floor => 0.02);
SELECT count(bandit.update_bandit('draws', '{"n": 1}', arm, CASE WHEN g % i = 0 THEN 'success' ELSE 'failure' END))
FROM unnest('{a,b,c,d}'::text[]) WITH ORDINALITY x (arm, i), generate_series(1, 30) g;
CREATE FUNCTION pg_temp.selected(policy text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
	UPDATE bandit.bandits b SET policy = selected.policy WHERE name = 'draws';
	PERFORM bandit.set_seed(7);
	SELECT md5(string_agg(r.arm, '' ORDER BY g, r.rank)) || ' ' || pg_temp.digest(array_agg(r.sample ORDER BY g, r.rank))
		|| ' ' || pg_temp.digest(array_agg(r.weight ORDER BY g, r.rank)) INTO result
	FROM generate_series(1, 200) g,
		LATERAL bandit.select_arms('draws', jsonb_build_object('n', g % 2), 1 + g % 2) r;
	RETURN result;
END $$;
SELECT policy, pg_temp.selected(policy) FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,uniform}'::text[]) policy;

-- what a simulation plays
SELECT policy, pg_temp.digest(array_agg(x ORDER BY step, n)) FROM
	unnest('{thompson,top_two,epsilon_greedy,ucb1,uniform}'::text[]) policy,
	LATERAL bandit.simulate('{0.1,0.2,0.15}', 1000, 5, policy => policy, seed => 3) s,
	LATERAL unnest(ARRAY[s.regret, s.standard_error, s.per_step, s.best_share]) WITH ORDINALITY u (x, n)
GROUP BY policy ORDER BY policy;
SELECT bandit.drop_bandit('draws');
