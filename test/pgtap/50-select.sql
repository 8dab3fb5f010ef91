-- Selection and decisions.
BEGIN;
SELECT plan(36);
SELECT bandit.create_bandit('s', '{a,b,c}', '{device}');
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
SELECT 's', bandit.context_hash('{}'), arm, slot, s, f, s + f
FROM (VALUES ('a', 1, 10, 3), ('a', 2, 4, 1), ('b', 7, 19, 7), ('c', 1, 9, 11)) v(arm, slot, s, f);

SELECT results_eq(
	$$SELECT arm, alpha, beta FROM bandit.select_arms('s', k => 9) ORDER BY arm$$,
	$$VALUES ('a', 15::float8, 5::float8), ('b', 20, 8), ('c', 10, 12)$$,
	'posterior is prior plus evidence, over all slots; k beyond the arms gives all');
SELECT ok(abs(sum(weight) - 1) < 1e-12 AND min(rank) = 1 AND max(rank) = 2
	AND bool_and(sample BETWEEN 0 AND 1), 'two arms: ranks, samples, weights')
FROM bandit.select_arms('s', '{}', 2);
SELECT ok(array_agg(sample ORDER BY rank) = array_agg(sample ORDER BY sample DESC)
	AND bool_and(abs(weight - sample / total) < 1e-12), 'best first, weights are shares')
FROM (SELECT *, sum(sample) OVER () AS total FROM bandit.select_arms('s')) r;

CREATE FUNCTION pg_temp.draws() RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(arm || sample, ',' ORDER BY rank) FROM bandit.select_arms('s') $$;
CREATE TEMP TABLE seen AS SELECT 0 AS try, ''::text AS draws WHERE false;
SELECT bandit.set_seed(5); INSERT INTO seen SELECT 1, pg_temp.draws();
INSERT INTO seen SELECT 2, pg_temp.draws();
SELECT bandit.set_seed(5); INSERT INTO seen SELECT 3, pg_temp.draws();
SELECT is((SELECT draws FROM seen WHERE try = 3), (SELECT draws FROM seen WHERE try = 1),
	'a seed repeats the draws');
SELECT isnt((SELECT draws FROM seen WHERE try = 2), (SELECT draws FROM seen WHERE try = 1),
	'which otherwise go on');

-- P(best) of Beta(15,5), (20,8), (10,12) is .6160, .3795, .0045 (exact to 4
-- digits); each share of 40,000 draws within 5.5 standard errors: 1e-7
SELECT bandit.set_seed(11);
SELECT ok(abs(count(*) FILTER (WHERE arm = 'a') - 40000 * .6160) < 5.5 * sqrt(40000 * .6160 * .3840) + 4
	AND abs(count(*) FILTER (WHERE arm = 'b') - 40000 * .3795) < 5.5 * sqrt(40000 * .3795 * .6205) + 4
	AND abs(count(*) FILTER (WHERE arm = 'c') - 40000 * .0045) < 5.5 * sqrt(40000 * .0045 * .9955) + 4,
	'arms are picked as often as they are best')
FROM generate_series(1, 40000) g, LATERAL (SELECT arm FROM bandit.select_arms('s', '{}', 1 + 0 * g)) r;

-- disabled arms, priors, no arms
SELECT bandit.set_arm('s', 'a', false);
SELECT is(array_agg(arm ORDER BY arm), '{b,c}', 'a disabled arm is not drawn')
FROM bandit.select_arms('s');
SELECT bandit.add_arm('s', 'd', prior_alpha => 3, prior_beta => 7);
SELECT results_eq($$SELECT alpha, beta FROM bandit.select_arms('s', '{"device": "x"}') WHERE arm = 'd'$$,
	$$VALUES (3::float8, 7::float8)$$, 'an arm of its own prior, in a context never seen');
UPDATE bandit.bandits SET prior_alpha = 2 WHERE name = 's';
SELECT is((SELECT alpha FROM bandit.select_arms('s') WHERE arm = 'b'), 21::float8,
	'a changed prior counts at once');
SELECT bandit.set_arm('s', arm, false) FROM unnest('{b,c,d}'::text[]) arm;
SELECT is((SELECT count(*) FROM bandit.select_arms('s')), 0::bigint, 'no enabled arm, no rows');
SELECT is((SELECT count(*) FROM bandit.choose('s')), 0::bigint, 'nor decisions');
SELECT is((SELECT count(*) FROM bandit.decisions), 0::bigint, 'logged or not');
SELECT bandit.set_arm('s', arm, true) FROM unnest('{a,b,c,d}'::text[]) arm;

-- bad input
SELECT throws_ok($$SELECT * FROM bandit.select_arms('nobody')$$, '42704', 'bandit "nobody" does not exist');
SELECT throws_ok($$SELECT * FROM bandit.select_arms('s', '{}', 0)$$, '22023');
SELECT throws_ok($$SELECT * FROM bandit.select_arms('s', '[]')$$, '22023');
SELECT throws_ok($$SELECT * FROM bandit.select_arms('s', '{"mail": "a@b"}')$$, '22023',
	'context key "mail" is not a feature of bandit "s"');
SELECT throws_ok($$SELECT * FROM bandit.select_arms(NULL)$$, '22004');
SELECT throws_ok($$SELECT * FROM bandit.select_arms('s', NULL)$$, '22004');
SELECT throws_ok($$SELECT * FROM bandit.select_arms('s', '{}', NULL)$$, '22004');
SELECT throws_ok($$SELECT * FROM bandit.choose('s', k => 0)$$, '22023');
SELECT throws_ok($$SELECT * FROM bandit.choose(NULL)$$, '22004');
SELECT throws_ok($$SELECT bandit.create_bandit('t', '{a}', prior_alpha => 'NaN')$$, '22023');
SELECT throws_ok($$UPDATE bandit.bandits SET prior_beta = 0$$, '23514');
INSERT INTO bandit.evidence VALUES ('s', bandit.context_hash('{}'), 'a', 99, 'NaN', 0, 0),
	('s', bandit.context_hash('{}'), 'b', 99, 0, 'Infinity', 0);
SELECT is((SELECT bool_and(alpha < 'Infinity' AND beta < 'Infinity') FROM bandit.select_arms('s', '{}', 9)), true,
	'what is not finite, put there by hand, is not believed');
SELECT isnt_empty($$SELECT * FROM bandit.verify('s') WHERE found[1] = 'NaN'$$, 'but shown by verify');
DELETE FROM bandit.evidence WHERE slot = 99;
INSERT INTO bandit.evidence SELECT 's', bandit.context_hash('{}'), 'a', slot, 1.7e308, 1.7e308, 0 FROM generate_series(99, 100) slot;
SELECT is((SELECT bool_and(alpha < 'Infinity' AND sample BETWEEN 0 AND 1) FROM bandit.select_arms('s', '{}', 9)), true,
	'what adds up to infinity, put there by hand, is as much as there is');
DELETE FROM bandit.evidence WHERE slot IN (99, 100);

-- choose
SELECT bandit.set_seed(3);
CREATE TEMP TABLE chosen AS SELECT * FROM bandit.choose('s', '{"device": "tv"}', 'me', 2);
SELECT is((SELECT count(*) FROM chosen), 2::bigint, 'two arms chosen');
SELECT is((SELECT count(DISTINCT decision_id) FROM chosen), 1::bigint, 'in one decision');
SELECT results_eq(
	$$SELECT format('%s %s %s %s %s %s %s', bandit, subject, variant, arms, alphas, betas, picks) COLLATE "default"
	  FROM bandit.decisions WHERE items IS NULL AND settled_at IS NULL$$,
	$$SELECT format('s me treatment {a,b,c,d} {2,2,2,3} {1,1,1,7} %s', array_agg(arm ORDER BY rank)) COLLATE "default" FROM chosen$$,
	'the row says what was drawn from, and what was picked');
SELECT is((SELECT d.decision_id FROM bandit.decisions d), (SELECT max(decision_id::text)::uuid FROM chosen), 'under its id');
SELECT ok(abs(extract(epoch FROM decided_at - bandit.decision_time(decision_id))) < 1e-6
	AND substr(decision_id::text, 15, 1) = '7', 'a UUID of version 7 that holds its time')
FROM bandit.decisions;
SELECT is((SELECT context FROM bandit.contexts WHERE bandit = 's'), '{"device": "tv"}', 'the context can be looked up');
SELECT bandit.set_seed(3);
SELECT is((SELECT array_agg(arm || weight ORDER BY rank) FROM bandit.choose('s', '{"device": "tv"}', 'me', 2)),
	(SELECT array_agg(arm || weight ORDER BY rank) FROM chosen), 'a seed repeats decisions at another time');
SELECT is((SELECT count(*) FROM bandit.contexts WHERE bandit = 's'), 1::bigint, 'a context is written once');

SET transaction_read_only = on;
SELECT is((SELECT count(*) FROM bandit.select_arms('s')), 3::bigint, 'select_arms reads only');
SELECT throws_ok($$SELECT * FROM bandit.choose('s')$$, '25006');
SELECT * FROM finish();
ROLLBACK;
