-- Exact probabilities of selection.
\set VERBOSITY terse
-- values known from exact integration and from a published log
SELECT ARRAY(SELECT round(p::numeric, 4) FROM unnest(
	bandit.top_k_propensity('{15,20,10}', '{5,8,12}')) p) AS three_arms;
SELECT ARRAY(SELECT round(p::numeric, 6) FROM unnest(
	bandit.top_k_propensity('{1989,40,64,71,52,59}', '{21290,474,730,818,659,718}')) p) AS six_arms;
-- P(Beta(2,1) > Beta(1,1)) = 2/3; all equal; all chosen; one arm
SELECT round((bandit.top_k_propensity('{2,1}', '{1,1}'))[1]::numeric, 9) AS two_thirds;
SELECT bandit.top_k_propensity('{3,3}', '{4,4}') = '{0.5,0.5}'
	OR abs((bandit.top_k_propensity('{3,3}', '{4,4}'))[1] - 0.5) < 1e-12 AS halves;
SELECT bandit.top_k_propensity('{3,1,7}', '{4,1,2}', 3), bandit.top_k_propensity('{3}', '{4}');
-- tiny shapes tie in double precision, not here
SELECT ARRAY(SELECT round(p::numeric, 9) FROM unnest(
	bandit.top_k_propensity('{1e-3,1e-3,1e-3}', '{1e-3,1e-3,1e-3}', 2)) p) AS two_of_three;
-- rows add up to the top-k probability, columns to 1
SELECT bool_and(abs(total - top[i]) < 1e-12) AS rows_add_up
FROM (SELECT i, sum(ranks[i][r]) AS total, top
	FROM bandit.rank_propensity('{15,20,10,9}', '{5,8,12,9}', 3) ranks,
		bandit.top_k_propensity('{15,20,10,9}', '{5,8,12,9}', 3) top,
		generate_series(1, 4) i, generate_series(1, 3) r GROUP BY i, top) s;
SELECT ARRAY(SELECT round(sum(ranks[i][r])::numeric, 12) FROM generate_series(1, 4) i,
	generate_series(1, 3) r GROUP BY r ORDER BY r) AS columns_add_up
FROM bandit.rank_propensity('{15,20,10,9}', '{5,8,12,9}', 3) ranks;
SELECT abs(sum(p) - 7) < 1e-9 AS thousand_arms
FROM unnest(bandit.top_k_propensity(
	ARRAY(SELECT 1 + g % 37 * 2.5 FROM generate_series(1, 1000) g),
	ARRAY(SELECT 1 + g % 53 * 7.0 FROM generate_series(1, 1000) g), 7)) p;
SELECT bandit.top_k_propensity(NULL, '{1}') IS NULL AS null_in_null_out;

-- first picks of select_arms agree with it: chi-square with 2 degrees of
-- freedom; the limit 27.6 has a false-alarm rate of 1e-6
SELECT bandit.create_bandit('odds', '{a,b,c}');
SELECT bandit.update_bandit('odds', '{}', arm, outcome)
FROM (VALUES ('a', 6, 9), ('b', 9, 9), ('c', 3, 12)) v(arm, s, f),
	LATERAL (SELECT 'success' AS outcome FROM generate_series(1, s)
		UNION ALL SELECT 'failure' FROM generate_series(1, f)) o \g /dev/null
SELECT bandit.set_seed(77);
WITH picked AS (
	SELECT arm, count(*) AS n FROM generate_series(1, 30000) g,
		LATERAL (SELECT arm FROM bandit.select_arms('odds', '{}', 1 + 0 * g)) s GROUP BY arm
), odds AS (
	SELECT * FROM unnest('{a,b,c}'::text[],
		bandit.top_k_propensity('{7,10,4}', '{10,10,13}', 1)) AS o(arm, p)
)
SELECT sum((coalesce(n, 0) - 30000 * p) ^ 2 / (30000 * p)) < 27.6 AS picks_agree
FROM odds LEFT JOIN picked USING (arm);
SELECT bandit.drop_bandit('odds');

-- errors
SELECT bandit.top_k_propensity('{1,2}', '{1}');
SELECT bandit.top_k_propensity('{}', '{}');
SELECT bandit.top_k_propensity('{{1,2}}', '{{1,2}}');
SELECT bandit.top_k_propensity('{1,NULL}', '{1,1}');
SELECT bandit.top_k_propensity('{1,0}', '{1,1}');
SELECT bandit.top_k_propensity('{1,1}', '{1,NaN}');
SELECT bandit.top_k_propensity('{1,1}', '{1,Infinity}');
SELECT bandit.top_k_propensity('{1,1}', '{1,1}', 0);
SELECT bandit.rank_propensity('{1,1}', '{1,1}', 3);

-- every policy
SELECT policy, (SELECT string_agg(round(p::numeric, 4)::text, ' ') FROM unnest(bandit.policy_propensity(
	policy, '{15,20,10}', '{5,8,12}')) p) AS one_place, (SELECT string_agg(round(p::numeric, 4)::text, ' ')
	FROM unnest(bandit.policy_propensity(policy, '{15,20,10}', '{5,8,12}', 2, '{0,0.1,0.2}')) p) AS two_with_floors
FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy;
SELECT bandit.policy_propensity('greedy', '{3,3,1,9}', '{1,1,1,3}', 2) AS ties_share;
SELECT bandit.policy_rank_propensity('greedy', '{3,3,1}', '{1,1,1}', 2) AS by_place;
SELECT bandit.policy_propensity('greedy', '{3,1}', '{1,1}', 1, NULL, 0.5) AS greedy_has_no_epsilon,
	bandit.policy_propensity('epsilon_greedy', '{3,1}', '{1,1}', 1, NULL, 0.5) AS epsilon_greedy;
SELECT bandit.policy_propensity('thompson', NULL, '{1}') IS NULL AS null_in_null_out;
SELECT bandit.poisson_binomial('{0.5,0.25,1}');
SELECT bandit.policy_propensity('softmax', '{1,2}', '{1,1}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 3);
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 1, '{0.5}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 1, '{0.5,-0.1}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 1, '{NaN,0}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 1, '{0.5,0.6}');
SELECT bandit.policy_propensity('greedy', '{1,2}', '{1,1}', 1, '{0.5,NULL}');
SELECT bandit.policy_propensity('epsilon_greedy', '{1,2}', '{1,1}', 1, NULL, 1.5);
SELECT bandit.policy_propensity('greedy', array_agg(g::float8), array_agg(1::float8), 200, array_agg(0.001::float8)) FROM generate_series(1, 300) g;
SELECT bandit.poisson_binomial('{0.5,1.25}');
SELECT bandit.poisson_binomial('{}');
