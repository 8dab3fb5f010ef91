-- Decisions drawn again, and explained.
BEGIN;
SELECT plan(20);
SET LOCAL client_min_messages = error;
SELECT bandit.create_bandit('x', '{a,b,c}', '{n}');
SELECT bandit.update_bandit('x', '{"n": 1}', arm, outcome)
FROM (VALUES ('a', 14, 4), ('b', 19, 7), ('c', 9, 11)) v(arm, s, f),
	LATERAL (SELECT 'success' AS outcome FROM generate_series(1, s)
		UNION ALL SELECT 'failure' FROM generate_series(1, f)) o;
CREATE TEMP TABLE chosen AS SELECT * FROM bandit.choose('x', '{"n": 1}', k => 2);
CREATE TEMP TABLE again AS
SELECT r.* FROM bandit.replay((SELECT decision_id FROM chosen LIMIT 1)) r;
SELECT results_eq('SELECT rank, arm, weight FROM chosen ORDER BY rank',
	'SELECT rank, arm, weight FROM again WHERE rank IS NOT NULL ORDER BY rank', 'the same picks and weights, to the bit');
SELECT results_eq('SELECT arm, alpha, beta FROM again',
	$$VALUES ('a', 15::float8, 5::float8), ('b', 20, 8), ('c', 10, 12)$$, 'from the posteriors of then');
SELECT is((SELECT count(*) FROM again WHERE rank IS NULL AND weight IS NULL), 1::bigint, 'one was not picked');

-- whatever is learnt or changed later
SELECT bandit.update_bandit('x', '{"n": 1}', 'c', 'success') FROM generate_series(1, 50);
SELECT bandit.remove_arm('x', 'a');
SELECT bandit.add_arm('x', 'd');
SELECT bandit.set_seed(99);
SELECT set_eq('SELECT r.* FROM bandit.replay((SELECT decision_id FROM chosen LIMIT 1)) r',
	'SELECT * FROM again', 'what came later does not matter');
SELECT is_empty($$SELECT * FROM bandit.replay('00000000-0000-7000-8000-000000000000')$$, 'an unknown decision');
SELECT throws_ok('SELECT * FROM bandit.replay(NULL)', '22004');

-- a hundred decisions
SELECT bandit.create_bandit('y', '{p,q,r,s}');
UPDATE bandit.bandits SET prior_alpha = 0.01, prior_beta = 0.02 WHERE name = 'y';
CREATE TEMP TABLE many AS
SELECT c.* FROM generate_series(1, 100) g, LATERAL bandit.choose('y', k => 3 + 0 * g) c;
SELECT is_empty($$
	SELECT m.* FROM many m LEFT JOIN LATERAL bandit.replay(m.decision_id) r
		ON r.rank = m.rank AND r.arm = m.arm AND r.weight = m.weight
	WHERE r.arm IS NULL$$, 'a hundred decisions of tiny shapes are all drawn again alike');

SELECT bandit.reward(decision_id, 0.25, arm) FROM chosen WHERE rank = 2;
CREATE TEMP TABLE explained AS
SELECT e.* FROM bandit.explain((SELECT decision_id FROM chosen LIMIT 1)) e;
SELECT is((SELECT sum(propensity) FROM explained)::numeric(12, 9), 2::numeric(12, 9), 'the propensities of two picks add up to 2');
SELECT is((SELECT round(propensity::numeric, 9) FROM explained WHERE arm = 'a'),
	round((bandit.top_k_propensity('{15,20,10}', '{5,8,12}', 2))[1]::numeric, 9), 'each is that of its arm');
SELECT is((SELECT count(*) FROM explained WHERE context = '{"n": 1}'), 3::bigint, 'the context');
SELECT is((SELECT successes || '/' || failures || '/' || responses FROM explained WHERE rank = 2), '0.25/0.75/1', 'what came of it');
SELECT is((SELECT rank FROM explained LIMIT 1), 1, 'the first pick first');

-- a list, filled up by the control
CREATE TABLE things (id int PRIMARY KEY);
INSERT INTO things SELECT generate_series(1, 9);
CREATE TABLE had (user_id int, thing_id int REFERENCES things);
CREATE FUNCTION two(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'VALUES (1, 2::float8), (2, 1)';
SELECT bandit.create_recommender('z', 'had', items => 'things', arms => '{}', features => '{}');
SELECT bandit.add_arm('z', 'two', 'two(bigint,int)');
SELECT count(*) FROM bandit.recommend('z', 1, 5) \g /dev/null
SELECT results_eq($$SELECT e.arm, e.rank, e.propensity, e.items FROM bandit.decisions d, bandit.explain(d.decision_id) e WHERE d.bandit = 'z'$$,
	$$VALUES ('two', 1, 1::float8, 2), ('hybrid', NULL, NULL, 3)$$, 'who brought how many items');
SELECT count(*) FROM bandit.recommend('z', 2, 5, false) \g /dev/null
SELECT results_eq($$SELECT e.arm, e.rank, e.items FROM bandit.decisions d, bandit.explain(d.decision_id) e WHERE d.variant = 'control'$$,
	$$VALUES ('hybrid', NULL::int, 5)$$, 'the control draws nothing');

-- other policies, with floors
SELECT bandit.create_bandit('w', '{a,b,c}', policy => 'epsilon_greedy');
SELECT bandit.update_bandit('w', '{}', 'b', 'success') FROM generate_series(1, 5);
CREATE TEMP TABLE tried AS SELECT g, d.decision_id FROM generate_series(1, 200) g,
	LATERAL (SELECT DISTINCT decision_id FROM bandit.choose('w', k => 2 + 0 * g)) d;
SELECT is_empty($$
	SELECT FROM tried t, bandit.propensities(t.decision_id) p
	WHERE abs(p.propensity - (bandit.policy_rank_propensity('epsilon_greedy', '{1,6,1}', '{1,1,1}', 2))
		[ascii(p.arm) - 96][p.rank]) > 1e-12$$, 'propensities are those of the decision''s policy and floors');
SELECT is((SELECT count(*) FROM tried t, bandit.propensities(t.decision_id) p WHERE p.picked), 400::bigint, 'and say which came true');
SELECT is((SELECT count(DISTINCT p.arm) FROM tried t, bandit.propensities(t.decision_id) p
	WHERE p.picked AND p.rank = 1), 3::bigint, 'explored as well');
SELECT is_empty($$
	SELECT FROM tried t, bandit.explain(t.decision_id) e
	WHERE e.policy <> 'epsilon_greedy' OR e.deterministic
		OR abs(e.propensity - (bandit.policy_propensity('epsilon_greedy', '{1,6,1}', '{1,1,1}', 2))[ascii(e.arm) - 96]) > 1e-12$$,
	'explain agrees');
UPDATE bandit.bandits SET policy = 'greedy' WHERE name = 'w';
CREATE TEMP TABLE greedy AS SELECT decision_id FROM bandit.choose('w', k => 1);
SELECT results_eq($$SELECT e.arm, e.propensity, e.deterministic FROM greedy c, bandit.explain(c.decision_id) e ORDER BY e.arm$$,
	$$VALUES ('a', 0::float8, true), ('b', 1, true), ('c', 0, true)$$, 'greedy is marked as deterministic');
SELECT is_empty($$SELECT p.* FROM bandit.decisions d, bandit.propensities(d.decision_id) p
	WHERE d.variant = 'control'$$, 'the control has no propensities');
SELECT * FROM finish();
ROLLBACK;
