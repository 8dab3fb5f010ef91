-- simulate: a known problem played; regret against what is known of it.
--
-- All is seeded: the numbers are the same in every run and on every machine.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/regret.csv" && echo true || echo false`
BEGIN;
SELECT plan(24);

-- one seed, one answer
SELECT results_eq(
	$$SELECT * FROM bandit.simulate('{0.2,0.1}', 1000, 5, seed => 3)$$,
	$$SELECT * FROM bandit.simulate('{0.2,0.1}', 1000, 5, seed => 3)$$,
	'the same seed gives the same numbers');
SELECT isnt(
	(SELECT regret FROM bandit.simulate('{0.2,0.1}', 1000, 5, seed => 3, checkpoints => '{1000}')),
	(SELECT regret FROM bandit.simulate('{0.2,0.1}', 1000, 5, seed => 4, checkpoints => '{1000}')),
	'another one does not');
SELECT is(
	(SELECT string_agg(s::text, ' ' ORDER BY step) FROM bandit.simulate('{0.2,0.1}', 1000, 5) s WHERE step IN (100, 1000)),
	(SELECT string_agg(s::text, ' ' ORDER BY step) FROM bandit.simulate('{0.2,0.1}', 5000, 5, checkpoints => '{1000,100,1000}') s),
	'whatever the horizon and the checkpoints');
SELECT is(array_agg(step), '{1,2,5,10,20,50,60}', 'the usual checkpoints')
FROM bandit.simulate('{0.5}', 60);
SELECT is(array_agg(step), '{1,2,5,10}', 'end with the horizon, once') FROM bandit.simulate('{0.5}', 10);
SELECT is((regret, best_share)::text, '(0,1)', 'one arm, no regret')
FROM bandit.simulate('{0.5}', 10, checkpoints => '{10}');
SELECT is(standard_error, NULL, 'one run has no standard error')
FROM bandit.simulate('{0.5,0.1}', 10, 1, checkpoints => '{10}');

-- uniform play has a known expectation: 1,000 steps of (0.3 + 0.2) / 3
SELECT cmp_ok(abs(regret - 1000 * 0.5 / 3), '<', 5 * standard_error, 'uniform loses what it must')
FROM bandit.simulate('{0.5,0.2,0.3}', 1000, 200, policy => 'uniform', checkpoints => '{1000}');
SELECT cmp_ok(abs(best_share - 1.0 / 3), '<', 0.01::float8, 'and plays the best a third of the time')
FROM bandit.simulate('{0.5,0.2,0.3}', 1000, 200, policy => 'uniform', checkpoints => '{1000}');
SELECT cmp_ok(abs(regret - 1000 * (0.2 * 0.3 / 2)), '<', 10::float8, 'a floor explores as often as it says')
FROM bandit.simulate('{0.9,0.6}', 1000, 200, policy => 'greedy', prior_alpha => 1, prior_beta => 1e-9,
	exploration_floor => 0.1, checkpoints => '{1000}');

-- policies, against each other
CREATE TEMP TABLE played AS
SELECT policy, s.* FROM unnest('{thompson,top_two,greedy,epsilon_greedy,ucb1,bayes_ucb,uniform}'::text[]) policy,
	LATERAL bandit.simulate('{0.10,0.09,0.08,0.08,0.07,0.07,0.06,0.06,0.05,0.05}', 20000, 20,
		policy => policy, checkpoints => '{20000}') s;
SELECT cmp_ok(t.regret, '<', 0.4 * u.regret, 'thompson beats chance')
FROM played t, played u WHERE t.policy = 'thompson' AND u.policy = 'uniform';
SELECT is_empty($$SELECT FROM played p, played u
	WHERE u.policy = 'uniform' AND p.policy <> 'uniform' AND p.regret >= u.regret$$, 'as does every policy');
SELECT cmp_ok(t.regret, '<', 0.7 * c.regret, 'thompson explores less than ucb1')
FROM played t, played c WHERE t.policy = 'thompson' AND c.policy = 'ucb1';
SELECT cmp_ok(t.best_share, '<', 0.75 * c.best_share, 'top_two gives the best less than thompson does')
FROM played t, played c WHERE t.policy = 'top_two' AND c.policy = 'thompson';

-- delay, replacement, drift
SELECT cmp_ok(later.regret, '>', 1.5 * now.regret, 'late feedback costs')
FROM bandit.simulate('{0.5,0.4,0.3}', 2000, 50, checkpoints => '{2000}') now,
	bandit.simulate('{0.5,0.4,0.3}', 2000, 50, delay => 500, checkpoints => '{2000}') later;
CREATE TEMP TABLE replaced AS
SELECT learnt, s.* FROM unnest('{at once,next batch}'::text[]) learnt,
	LATERAL bandit.simulate(NULL, 20000, 20, arms => 10, rate_alpha => 4, rate_beta => 4,
		replacement => 1e-3, delay => 300, replacement_learnt => learnt, checkpoints => '{20000}') s;
SELECT cmp_ok(b.regret, '>', 1.15 * a.regret, 'hearing of new arms late costs more')
FROM replaced a, replaced b WHERE a.learnt = 'at once' AND b.learnt = 'next batch';
SELECT cmp_ok(never.regret, '>', 10 * h.regret, 'where rates change, who never forgets loses ten times as much')
FROM bandit.simulate('{0.9,0.1,0.1,0.1,0.1}', 100000, 5, rotate_every => 5000, checkpoints => '{100000}') never,
	bandit.simulate('{0.9,0.1,0.1,0.1,0.1}', 100000, 5, rotate_every => 5000, half_life => 300,
		checkpoints => '{100000}') h;
SELECT cmp_ok(never.regret, '>', 3 * h.regret, 'where they drift, several times')
FROM bandit.simulate('{0.5,0.45,0.1,0.4,0.1}', 50000, 10, drift => 0.02, checkpoints => '{50000}') never,
	bandit.simulate('{0.5,0.45,0.1,0.4,0.1}', 50000, 10, drift => 0.02, half_life => 500, checkpoints => '{50000}') h;
SELECT cmp_ok(h.regret, '>', never.regret, 'where they stay, forgetting costs')
FROM bandit.simulate('{0.5,0.4,0.3}', 20000, 20, checkpoints => '{20000}') never,
	bandit.simulate('{0.5,0.4,0.3}', 20000, 20, half_life => 200, checkpoints => '{20000}') h;
SELECT ok(bool_and(regret BETWEEN 0 AND step), 'tiny priors are played as they are')
FROM bandit.simulate('{0.5,0.4,0.3}', 2000, 5, prior_alpha => 1e-3, prior_beta => 1e-3);

-- stops when told to
CREATE FUNCTION pg_temp.canceled() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM * FROM bandit.simulate('{0.5,0.4}', 2147483647, 1000000);
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END;
$$;
SET LOCAL statement_timeout = '100ms';
SELECT ok(pg_temp.canceled(), 'a simulation of weeks can be cancelled');
SET LOCAL statement_timeout = 0;

SELECT is(bandit.lai_robbins_constant('{0.5,1}'), 0::float8, 'a sure arm is found for nothing');
\if :there
CREATE TEMP TABLE regrets (probabilities float8[], pulls bigint[], pseudo_regret float8, lai_robbins float8);
\copy regrets FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/regret.csv"' CSV HEADER
SELECT is_empty($$
	SELECT * FROM regrets WHERE abs(bandit.pseudo_regret(probabilities, pulls) - pseudo_regret)
		> 1e-10 * pseudo_regret$$, 'pseudo_regret agrees with the reference values');
SELECT is_empty($$
	SELECT * FROM regrets WHERE abs(bandit.lai_robbins_constant(probabilities) - lai_robbins)
		> 1e-10 * lai_robbins$$, 'lai_robbins_constant does');
\else
SELECT skip('no reference values here', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
