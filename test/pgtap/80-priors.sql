-- Back-off: what a context borrows, and that nothing counts twice.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/empirical_bayes.csv" && echo true || echo false`
BEGIN;
SELECT plan(28);
CREATE FUNCTION pg_temp.learn(name text, context jsonb, arm text, s float8, f float8)
RETURNS void LANGUAGE sql AS $$
	INSERT INTO bandit.contexts VALUES (name, bandit.context_hash(context), 1, context)
		ON CONFLICT DO NOTHING;
	INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
	VALUES (name, bandit.context_hash(context), arm, (random() * 1e9)::int, s, f, s + f) $$;
CREATE FUNCTION pg_temp.state(name text, context jsonb, OUT alpha float8, OUT beta float8)
LANGUAGE sql AS $$ SELECT alpha, beta FROM bandit.select_arms(name, context) WHERE arm = 'a' $$;
CREATE FUNCTION pg_temp.near(a float8, b float8) RETURNS boolean
LANGUAGE sql AS $$ SELECT abs(a - b) <= 1e-12 * (abs(a) + abs(b)) $$;

SELECT bandit.create_bandit('h', '{a,b}', features => '{colour,size}');
-- all: 30 of 100; red: 25 of 50; red and big: 2 of 10
SELECT pg_temp.learn('h', '{"colour": "red", "size": "big"}', 'a', 2, 8);
SELECT pg_temp.learn('h', '{"colour": "red", "size": "small"}', 'a', 13, 17);
SELECT pg_temp.learn('h', '{"colour": "red", "size": "small"}', 'a', 10, 0);
SELECT pg_temp.learn('h', '{"colour": "blue", "size": "big"}', 'a', 5, 45);

SELECT ok(alpha = 3 AND beta = 9, 'before a refresh contexts stand alone')
FROM pg_temp.state('h', '{"colour": "red", "size": "big"}');
SELECT is(bandit.refresh_priors('h'), 7::bigint, 'an arm''s row for each of six nodes, and the top of the other');
SELECT is(bandit.refresh_priors('h'), 0::bigint, 'again, nothing changes');

-- top: 1, 1.  red: mean (1 + 5)/(2 + 50) without red, strength 10
-- red and big: (10 m + 23)/(10 + 40) without itself
SELECT ok(pg_temp.near(prior_alpha, 10 * 6.0 / 52), 'red borrows from what is not red')
FROM bandit.priors WHERE bandit = 'h' AND level = 1 AND arm = 'a'
	AND context_hash = bandit.context_hash('{"colour": "red"}');
SELECT ok(pg_temp.near(alpha, 2 + 10 * (10 * 6.0 / 52 + 23) / 50)
	AND pg_temp.near(alpha + beta, 10 + 10), 'red and big borrows from the other reds')
FROM pg_temp.state('h', '{"colour": "red", "size": "big"}');
SELECT ok(pg_temp.near(alpha, 10 * (10 * 6.0 / 52 + 25) / 60) AND pg_temp.near(alpha + beta, 10),
	'an unknown red borrows from all reds')
FROM pg_temp.state('h', '{"colour": "red", "size": "huge"}');
SELECT ok(pg_temp.near(alpha, 10 * 31.0 / 102) AND pg_temp.near(alpha + beta, 10),
	'an unknown colour borrows from all')
FROM pg_temp.state('h', '{"colour": "green", "size": "big"}');
SELECT ok(pg_temp.near(alpha, 10 * 31.0 / 102), 'and so does a context without features')
FROM pg_temp.state('h', '{}');
SELECT ok(pg_temp.near(alpha, 10 * (10 * 6.0 / 52 + 25) / 60), 'and one without the last feature, from its own kind')
FROM pg_temp.state('h', '{"colour": "red"}');
SELECT ok(alpha = 1 AND beta = 1, 'an arm without evidence has its own prior')
FROM bandit.select_arms('h', '{"colour": "red", "size": "big"}') WHERE arm = 'b';
SELECT bandit.add_arm('h', 'c', prior_alpha => 3, prior_beta => 4);
SELECT ok(alpha = 3 AND beta = 4, 'an arm that came later too')
FROM bandit.select_arms('h', '{"colour": "red", "size": "big"}') WHERE arm = 'c';
SELECT is_empty($$
	SELECT FROM bandit.contexts c CROSS JOIN LATERAL bandit.select_arms('h', c.context) s
	JOIN bandit.bandit_states b ON b.bandit = 'h' AND b.context_hash = c.context_hash AND b.arm = s.arm
	WHERE c.bandit = 'h' AND (s.alpha, s.beta) IS DISTINCT FROM (b.alpha, b.beta)$$,
	'the views show what is drawn from');
SELECT ok(successes = 2 AND failures = 8 AND borrowed_successes = round((10 * (10 * 6.0 / 52 + 23) / 50)::numeric, 4),
	'context_stats tells own from borrowed evidence')
FROM bandit.context_stats WHERE bandit = 'h' AND arm = 'a' AND context = '{"colour": "red", "size": "big"}';

-- between refreshes only own evidence moves
SELECT pg_temp.learn('h', '{"colour": "red", "size": "big"}', 'a', 4, 0);
SELECT ok(pg_temp.near(alpha, 6 + 10 * (10 * 6.0 / 52 + 23) / 50), 'own evidence is taken up at once')
FROM pg_temp.state('h', '{"colour": "red", "size": "big"}');
SELECT is(bandit.refresh_priors('h'), 7::bigint, 'a refresh moves every node of the arm, and the new arm''s top is there');

-- one context alone borrows nothing: there is nobody else
SELECT bandit.create_bandit('one', '{a}', features => '{f}');
SELECT pg_temp.learn('one', '{"f": 1}', 'a', 20, 20);
SELECT bandit.refresh_priors('one');
SELECT ok(alpha = 21 AND beta = 21, 'nothing counts twice') FROM pg_temp.state('one', '{"f": 1}');

-- strength: off, set, and never less than the arm's own prior
UPDATE bandit.bandits SET backoff_strength = 0 WHERE name = 'h';
SELECT ok(alpha = 7, 'without back-off contexts stand alone')
FROM pg_temp.state('h', '{"colour": "red", "size": "big"}');
SELECT cmp_ok(bandit.refresh_priors('h'), '>', 0::bigint, 'and a refresh clears the table');
UPDATE bandit.bandits SET backoff_strength = 3, prior_alpha = 8, prior_beta = 12 WHERE name = 'one';
SELECT pg_temp.learn('one', '{"f": 2}', 'a', 0, 100);
SELECT bandit.refresh_priors('one');
SELECT ok(pg_temp.near(alpha + beta, 20), 'a strong prior stays as strong') FROM pg_temp.state('one', '{"f": 3}');

-- fitted: contexts that are all alike lend much, contexts of all kinds little
SELECT bandit.create_bandit('fit', '{a}', features => '{f}');
UPDATE bandit.bandits SET backoff_strength = NULL WHERE name = 'fit';
SELECT pg_temp.learn('fit', jsonb_build_object('f', i), 'a', 20 + i % 2, 80 - i % 2) FROM generate_series(1, 20) i;
SELECT bandit.refresh_priors('fit');
SELECT is(max(strength), 1000::float8, 'siblings that are alike: the cap')
FROM bandit.priors WHERE bandit = 'fit' AND level = 1;
SELECT pg_temp.learn('fit', jsonb_build_object('f', i), 'a', (i % 5) * 100, 400 - (i % 5) * 100) FROM generate_series(1, 20) i;
SELECT bandit.refresh_priors('fit');
SELECT ok(max(strength) BETWEEN 2 AND 4, 'siblings of all kinds: little')
FROM bandit.priors WHERE bandit = 'fit' AND level = 1;
DELETE FROM bandit.evidence WHERE bandit = 'fit' AND context_hash NOT IN (
	SELECT bandit.context_hash(jsonb_build_object('f', i)) FROM generate_series(1, 4) i);
SELECT bandit.refresh_priors('fit');
SELECT is(max(strength), 10::float8, 'too few siblings: the default')
FROM bandit.priors WHERE bandit = 'fit' AND level = 1;
SELECT is(count(*), 5::bigint, 'nodes that are gone leave no row')
FROM bandit.priors WHERE bandit = 'fit';

-- decisions keep the posterior they were drawn from, borrowed part included
CREATE TEMP TABLE d AS SELECT * FROM bandit.choose('fit', '{"f": 77}');
SELECT ok(alphas[1] + betas[1] = 10, 'a decision is logged with what it borrowed')
FROM bandit.decisions JOIN d USING (decision_id);
SELECT throws_ok($$SELECT bandit.refresh_priors('nobody')$$, '42704');
SELECT throws_ok($$UPDATE bandit.bandits SET backoff_strength = -1$$, '23514');
SELECT bandit.drop_bandit('fit');
SELECT is_empty($$SELECT FROM bandit.priors WHERE bandit = 'fit'$$, 'priors go with the bandit');

\if :there
CREATE TEMP TABLE eb (number int, successes float8[], trials float8[],
	pooled_rate float8, moment_rho float8, moment_strength float8,
	mle_alpha float8, mle_beta float8, mle_log_likelihood float8);
\copy eb FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/empirical_bayes.csv"' CSV HEADER
SELECT is_empty($$
	SELECT e.*, m FROM eb e, bandit_internal.moment_strength(e.successes, e.trials,
		array_fill(0::bigint, ARRAY[cardinality(e.trials)])) m
	WHERE abs(m.pooled_rate / e.pooled_rate - 1) > 1e-10
		OR abs(m.rho / e.moment_rho - 1) > 1e-10
		OR abs(m.strength / e.moment_strength - 1) > 1e-10 IS NOT FALSE$$,
	'fitted strengths agree with the reference values');
\else
SELECT skip('no reference values here', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
