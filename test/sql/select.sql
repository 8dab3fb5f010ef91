-- Selection: posteriors, draws, shares, and what is refused.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;

BEGIN;
SELECT bandit.create_bandit('s', ARRAY['abc', 'ab', 'a', 'a'',b"'], '{device}', 2, 3);
SELECT bandit.create_bandit('other', '{a}');
SELECT bandit.set_arm('s', 'abc', false);
-- several slots, another context, another bandit, an arm that is gone; a name
-- is not its beginning
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
VALUES ('s', bandit.context_hash('{}'), 'a', 1, 1, 0, 1),
	('s', bandit.context_hash('{}'), 'a', -7, 0.25, 0.75, 1),
	('s', bandit.context_hash('{}'), 'a', 2147483647, -1, 0, 5),
	('s', bandit.context_hash('{}'), 'ab', 1, 10, 20, 30),
	('s', bandit.context_hash('{}'), 'abc', 1, 100, 0, 100),
	('s', bandit.context_hash('{}'), 'abcd', 1, 1000, 0, 1000),
	('s', bandit.context_hash('{"device": "x"}'), 'ab', 1, 0, 7, 7),
	('other', bandit.context_hash('{}'), 'a', 1, 0, 50, 50);
SELECT arm, alpha, beta FROM bandit.select_arms('s', k => 2147483647) ORDER BY arm COLLATE "C";
SELECT arm, alpha, beta FROM bandit.select_arms('s', '{"device": "x"}') ORDER BY arm COLLATE "C";
SELECT arm, alpha, beta FROM bandit.select_arms('other');
-- the view agrees
SELECT bandit.update_bandit('s', '{}', 'a', 'neutral');
SELECT count(*), bool_and(r.alpha = b.alpha AND r.beta = b.beta) FROM bandit.select_arms('s', k => 9) r
JOIN bandit.bandit_states b ON b.bandit = 's' AND b.context = '{}' AND b.arm = r.arm;

-- the same seed, the same draws to the bit, on every machine and version
SELECT bandit.set_seed(42);
SELECT * FROM bandit.select_arms('s');
SELECT * FROM bandit.select_arms('s', '{"device": "x"}', 1);

-- shares of tiny draws are shares still
UPDATE bandit.bandits SET prior_alpha = 1e-5, prior_beta = 1e-3 WHERE name = 's';
SELECT count(*), bool_and(sum BETWEEN 1 - 1e-12 AND 1 + 1e-12), bool_and(sane), bool_and(ordered)
FROM (SELECT g, sum(weight), bool_and(weight BETWEEN 0 AND 1 AND sample BETWEEN 0 AND 1) AS sane,
		array_agg(rank) = array_agg(rank ORDER BY sample DESC, weight DESC, rank) AS ordered
	FROM generate_series(1, 1000) g,
		LATERAL bandit.select_arms('s', '{"device": "new"}', 3 + 0 * g) GROUP BY g) x;

-- how often which order comes: 1e5 draws of Beta(15, 5), (20, 8), (10, 12)
-- against the exact chances of the three who can be first and the six orders
-- (quadrature).  Chi-square with 2 and 5 degrees of freedom: beyond 27.7 and
-- 37.0 with a chance below 1e-6; the seed is fixed, so this cannot flicker.
SELECT bandit.create_bandit('q', '{a,b,c}');
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
VALUES ('q', bandit.context_hash('{}'), 'a', 1, 14, 4, 18),
	('q', bandit.context_hash('{}'), 'b', 1, 19, 7, 26),
	('q', bandit.context_hash('{}'), 'c', 1, 9, 11, 20);
CREATE TEMP TABLE orders AS SELECT 0 AS g, NULL::text AS first, NULL::text AS whole WHERE false;
SELECT bandit.set_seed(1);
INSERT INTO orders
SELECT g, max(arm) FILTER (WHERE rank = 1), string_agg(arm, '' ORDER BY rank)
FROM generate_series(1, 100000) g, LATERAL bandit.select_arms('q', '{}', 3 + 0 * g) GROUP BY g;
SELECT round(sum((observed - 1e5 * chance)^2 / (1e5 * chance))::numeric, 1) AS chi2
FROM (SELECT chance, (SELECT count(*) FROM orders o WHERE o.first = e.arm) AS observed
	FROM (VALUES ('a', 0.6160177), ('b', 0.3794854), ('c', 0.0044968)) e (arm, chance)) x
HAVING sum((observed - 1e5 * chance)^2 / (1e5 * chance)) >= 27.7;
SELECT round(sum((observed - 1e5 * chance)^2 / (1e5 * chance))::numeric, 1) AS chi2
FROM (SELECT chance, (SELECT count(*) FROM orders o WHERE o.whole = e.arms) AS observed
	FROM (VALUES ('abc', 0.5917796), ('acb', 0.0242382), ('bac', 0.3623857),
		('bca', 0.0170997), ('cab', 0.0022291), ('cba', 0.0022678)) e (arms, chance)) x
HAVING sum((observed - 1e5 * chance)^2 / (1e5 * chance)) >= 37.0;
-- an arm that is disabled is never drawn, nor the one that is removed
SELECT bandit.set_arm('q', 'a', false), bandit.remove_arm('q', 'b');
SELECT arm, count(*) FROM generate_series(1, 1000) g,
	LATERAL bandit.select_arms('q', '{}', 1 + 0 * g) GROUP BY arm;
ROLLBACK;

-- refusals
SELECT * FROM bandit.select_arms('s');
SELECT * FROM bandit.select_arms(repeat('x', 100));
SELECT * FROM bandit.select_arms('');
SELECT * FROM bandit.select_arms(NULL);
SELECT * FROM bandit.select_arms('s', NULL);
SELECT * FROM bandit.select_arms('s', '{}', NULL);
BEGIN;
SELECT bandit.create_bandit('s', '{}');
SELECT * FROM bandit.select_arms('s');
SELECT * FROM bandit.select_arms('s', k => -1);
ROLLBACK;
