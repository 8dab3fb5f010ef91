-- What policies do is as probable as they say.
BEGIN;
SELECT plan(27);
SET LOCAL client_min_messages = error;

CREATE FUNCTION pg_temp.chi_square(policy text, k int, floors float8[],
	n int DEFAULT 10000) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
	alphas float8[];
	betas float8[];
	chi float8;
BEGIN
	UPDATE bandit.bandits b SET policy = chi_square.policy WHERE name = 'x';
	UPDATE bandit.arms a SET exploration_floor = floors[a.position] WHERE bandit = 'x';
	SELECT array_agg(s.alpha ORDER BY s.arm), array_agg(s.beta ORDER BY s.arm)
	INTO alphas, betas FROM bandit.select_arms('x', '{}', 5) s;
	-- the largest of k statistics with up to 4 degrees of freedom
	SELECT max(c.chi) INTO chi FROM (
		SELECT sum(CASE WHEN o.p < 1e-12 THEN CASE WHEN s.n > 0 THEN 1e9 END
			ELSE (coalesce(s.n, 0) - chi_square.n * o.p) ^ 2 / (chi_square.n * o.p) END) AS chi
		FROM (SELECT r.rank, a.arm, p.p[a.place][r.rank] AS p
			FROM bandit.policy_rank_propensity(chi_square.policy, alphas, betas,
					chi_square.k, chi_square.floors) AS p (p),
				generate_series(1, chi_square.k) r (rank),
				unnest('{a,b,c,d,e}'::text[]) WITH ORDINALITY AS a (arm, place)) AS o
		LEFT JOIN (SELECT s.rank, s.arm, count(*) AS n
			FROM generate_series(1, chi_square.n) g,
				LATERAL bandit.select_arms('x', '{}', chi_square.k + 0 * g) s
			GROUP BY 1, 2) AS s
			ON s.rank = o.rank AND s.arm = o.arm
		GROUP BY o.rank) AS c;
	RETURN chi;
END $$;

SELECT bandit.create_bandit('x', '{a,b,c,d,e}');
SELECT bandit.update_bandit('x', '{}', arm, outcome)
FROM (VALUES ('a', 6, 9), ('b', 9, 9), ('c', 3, 12), ('d', 9, 9), ('e', 2, 1)) v(arm, s, f),
	LATERAL (SELECT 'success' AS outcome FROM generate_series(1, s)
		UNION ALL SELECT 'failure' FROM generate_series(1, f)) o;
SELECT bandit.set_seed(20);
-- 45 with 4 degrees of freedom: false-alarm rate 4e-9, 2e-7 for all of them
SELECT cmp_ok(pg_temp.chi_square(policy, k, NULL), '<', 45::float8,
	format('%s picks %s as its propensities say', policy, k))
FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy,
	unnest('{1,3}'::int[]) k;
SELECT cmp_ok(pg_temp.chi_square(policy, 3, '{0.1,0,0.3,0.05,0.1}'), '<', 45::float8,
	format('%s with floors as well', policy))
FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy;

-- a leader that no redraw beats: the challenger is drawn by his odds
UPDATE bandit.arms SET prior_alpha = 20000, prior_beta = 10 WHERE bandit = 'x' AND arm = 'c';
UPDATE bandit.arms SET prior_alpha = 7, prior_beta = 8 WHERE bandit = 'x' AND arm = 'e';
SELECT cmp_ok(pg_temp.chi_square('top_two', 1, NULL, 2000), '<', 45::float8,
	'challengers of a leader that no redraw beats');
SELECT is((SELECT round((p)[3]::numeric, 9) FROM bandit.policy_propensity('top_two',
	'{1,2,1e6}', '{1,1,1}') p), 0.5, 'who leads half of the time');
SELECT is((SELECT round((p)[2]::numeric, 6) FROM bandit.policy_propensity('top_two',
	'{1e-3,1e-3,1e12}', '{1e12,1e11,1e-3}') p), 0.5, 'where nobody else has a chance, the larger mean challenges');

-- symmetric, whatever k
SELECT is_empty($$
	SELECT policy, k, p FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy,
		unnest('{1,2,9}'::int[]) k, bandit.policy_rank_propensity(policy, array_fill(2.5::float8, '{9}'),
			array_fill(7::float8, '{9}'), k, array_fill(0.1::float8, '{9}')) p, unnest(p) q
	WHERE q <> 1.0::float8 / 9$$, 'equal arms have equal places');
SELECT is_empty($$
	SELECT g, q FROM generate_series(1, 3) g, LATERAL (
		SELECT sum(o[i][g]) AS q FROM bandit.policy_rank_propensity('thompson',
			'{3,20,7,1,90}', '{4,1,2,1,80}', 3, '{0.1,0,0.2,0.3,0.4}') o, generate_series(1, 5) i) s
	WHERE abs(q - 1) > 1e-12$$, 'every place is taken, where floors take all');
SELECT is((SELECT max(abs(p - q)) < 1e-10 FROM
	unnest(bandit.policy_propensity('thompson', '{3,20,7,1,90}', '{4,1,2,1,80}', 2, '{0,0,0,0,0}'),
		bandit.top_k_propensity('{3,20,7,1,90}', '{4,1,2,1,80}', 2)) u (p, q)), true, 'thompson without floors is top_k_propensity');
SELECT * FROM finish();
ROLLBACK;
