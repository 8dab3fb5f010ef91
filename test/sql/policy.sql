-- Policies, exploration floors, base rates: how arms are put in order.
\pset format unaligned
\pset tuples_only on
BEGIN;
CREATE FUNCTION outcome_of(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	text text; detail text; hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS text = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, text, nullif(detail, ''), nullif(hint, ''));
END;
$$;

SELECT bandit.create_bandit('p', '{a,b,c}');
UPDATE bandit.arms SET prior_alpha = v.a, prior_beta = v.b
FROM (VALUES ('a', 15, 5), ('b', 20, 8), ('c', 1, 1)) AS v (arm, a, b)
WHERE bandit = 'p' AND arms.arm = v.arm;

-- what each policy orders by
UPDATE bandit.bandits SET policy = 'greedy' WHERE name = 'p';
SELECT rank, arm, round(sample::numeric, 6), round(weight::numeric, 6)
FROM bandit.select_arms('p');
UPDATE bandit.bandits SET policy = 'ucb1' WHERE name = 'p';
SELECT rank, arm, round(sample::numeric, 6), round(weight::numeric, 6)
FROM bandit.select_arms('p');
SELECT round((0.5 + sqrt(2 * ln(50) / 2))::numeric, 6);
UPDATE bandit.bandits SET policy = 'bayes_ucb' WHERE name = 'p';
SELECT rank, arm, round(sample::numeric, 6), round(weight::numeric, 6)
FROM bandit.select_arms('p');
SELECT round(bandit.beta_quantile(1 - 1 / 50.0, 15, 5)::numeric, 6);
UPDATE bandit.bandits SET policy = 'uniform' WHERE name = 'p';
SELECT bandit.set_seed(1);
SELECT rank, arm, round(weight::numeric, 6) FROM bandit.select_arms('p');
SELECT arm, count(*) BETWEEN 900 AND 1100
FROM generate_series(1, 3000) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i)
GROUP BY 1 ORDER BY 1;

-- two arms with equal means: ties go either way, by the seed
UPDATE bandit.bandits SET policy = 'greedy' WHERE name = 'p';
UPDATE bandit.arms SET prior_alpha = 3, prior_beta = 1
WHERE bandit = 'p' AND arm = 'c';
SELECT bandit.set_seed(2);
SELECT arm, count(*) BETWEEN 400 AND 600
FROM generate_series(1, 1000) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i)
GROUP BY 1 ORDER BY 1;
SELECT bandit.set_seed(2);
SELECT string_agg(arm, '') FROM generate_series(1, 20) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i);
SELECT bandit.set_seed(2);
SELECT string_agg(arm, '') FROM generate_series(1, 20) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i);

-- floors: an arm that is never the best still gets its share, of any place
UPDATE bandit.arms SET exploration_floor = 0.2 WHERE bandit = 'p' AND arm = 'b';
SELECT bandit.set_seed(3);
SELECT arm, count(*) BETWEEN 300 AND 500
FROM generate_series(1, 2000) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i)
GROUP BY 1 HAVING arm = 'b';
-- an explored place keeps the weight of the arm that would have had it
SELECT bool_and(abs(weight - 1.0 / 2) < 0.01)
FROM generate_series(1, 100) i, LATERAL bandit.select_arms('p', k => 2 + 0 * i);

-- epsilon explores evenly
UPDATE bandit.arms SET exploration_floor = NULL WHERE bandit = 'p';
UPDATE bandit.bandits SET policy = 'epsilon_greedy', epsilon = 1 WHERE name = 'p';
SELECT arm, count(*) BETWEEN 900 AND 1100
FROM generate_series(1, 3000) i, LATERAL bandit.select_arms('p', k => 1 + 0 * i)
GROUP BY 1 ORDER BY 1;

-- a decision says what it was made by, and is made again from that
UPDATE bandit.bandits SET policy = 'epsilon_greedy', epsilon = 0.3 WHERE name = 'p';
SELECT count(*) FROM generate_series(1, 200) i,
	LATERAL bandit.choose('p', subject => i::text, k => 2);
UPDATE bandit.bandits SET policy = 'top_two', exploration_floor = 0.1 WHERE name = 'p';
SELECT count(*) FROM generate_series(1, 200) i,
	LATERAL bandit.choose('p', subject => i::text, k => 1);
UPDATE bandit.bandits SET policy = 'thompson', exploration_floor = 0 WHERE name = 'p';
SELECT policy, floors, count(*),
	count(DISTINCT picks) > 1 AS varied,
	count(*) FILTER (WHERE picks = (SELECT array_agg(r.arm ORDER BY r.rank)
		FROM bandit.replay(d.decision_id) r WHERE r.rank IS NOT NULL)) AS replayed
FROM bandit.decisions d WHERE bandit = 'p' GROUP BY 1, 2 ORDER BY 1;

-- priors of a base rate
SELECT bandit.create_bandit('rare', '{a}', base_rate => 0.02);
SELECT bandit.create_bandit('rare2', '{a}', base_rate => 0.02, base_weight => 10);
SELECT bandit.create_bandit('often', '{a}', base_rate => 0.9);
SELECT bandit.create_bandit('half', '{a}', prior_beta => 3);
SELECT name, prior_alpha, prior_beta FROM bandit.bandits
WHERE name <> 'p' ORDER BY name;

-- a new arm's prior from how probably it beats the leader
SELECT bandit.create_bandit('n', '{old,best}');
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
VALUES ('n', bandit.context_hash('{}'), 'best', 1, 60, 1000, 1060),
	('n', bandit.context_hash('{"f": 1}'), 'best', 1, 10, 90, 100),
	('n', bandit.context_hash('{}'), 'old', 1, 5, 1000, 1005);
SELECT p, round(prior_alpha::numeric, 6) AS alpha, round((prior_alpha + prior_beta)::numeric, 9) AS strength,
	round((bandit.top_k_propensity(ARRAY[prior_alpha, 71], ARRAY[prior_beta, 1091]))[1]::numeric, 9) AS beats
FROM unnest('{0.001,0.1,0.3,0.5,0.9}'::float8[]) p, bandit.new_arm_prior('n', p);
SELECT round(prior_alpha::numeric, 6), round(prior_beta::numeric, 6) FROM bandit.new_arm_prior('n', 0.3, 100);
SELECT bandit.add_arm('n', 'new', beats_leader => 0.3);
SELECT round((bandit.top_k_propensity(ARRAY[prior_alpha, 71], ARRAY[prior_beta, 1091]))[1]::numeric, 9)
FROM bandit.arms WHERE bandit = 'n' AND arm = 'new';
SELECT outcome_of(format('SELECT bandit.add_arm(%L, %L, beats_leader => %L)', 'n', 'x', v))
FROM unnest('{0,1,NaN}'::float8[]) v;
SELECT outcome_of($$SELECT bandit.add_arm('n', 'x', beats_leader => 0.5, prior_alpha => 1, prior_beta => 1)$$);
SELECT outcome_of($$SELECT bandit.new_arm_prior('n', 0.5, 0)$$);
SELECT bandit.create_bandit('none', '{}');
SELECT outcome_of($$SELECT bandit.add_arm('none', 'x', beats_leader => 0.5)$$);

-- mistakes
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', policy => 'softmax')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', policy => NULL)$$);
SELECT outcome_of(format('SELECT bandit.create_bandit(%L, %L, base_rate => %L)', 'x', '{a}', v))
FROM unnest('{0,1,-0.5,NaN}'::float8[]) v;
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', base_rate => 0.1, base_weight => 0)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', base_rate => 0.1, prior_alpha => 1)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', base_weight => 5)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', half_life => '0')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', half_life => '-1 day')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a,b,c}', exploration_floor => 0.34)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', exploration_floor => -0.1)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', exploration_floor => 'NaN')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('x', '{a}', exploration_floor => NULL)$$);
SELECT outcome_of($$UPDATE bandit.bandits SET exploration_floor = 0.4 WHERE name = 'p'$$);
SELECT outcome_of($$UPDATE bandit.arms SET exploration_floor = 0.4 WHERE bandit = 'p'$$);
SELECT split_part(outcome_of($$UPDATE bandit.bandits SET policy = 'ucb2' WHERE name = 'p'$$), ' | ', 2);
SELECT split_part(outcome_of($$UPDATE bandit.bandits SET half_life = '0' WHERE name = 'p'$$), ' | ', 2);
SELECT bandit.create_bandit('full', '{a,b}', exploration_floor => 0.5);
SELECT outcome_of($$SELECT bandit.add_arm('full', 'c')$$);
ROLLBACK;
