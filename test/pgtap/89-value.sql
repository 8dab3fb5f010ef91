-- Regret over time, arms over time.
BEGIN;
SELECT plan(22);
SET LOCAL client_min_messages = warning;
SELECT bandit.create_bandit('r', '{a,b,c}', '{x}');
SELECT throws_ok($$SELECT * FROM bandit.regret('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT * FROM bandit.regret(NULL)$$, '22004', NULL, 'no name');
SELECT throws_ok($$SELECT * FROM bandit.regret('r', '0')$$, '22023', NULL, 'no time');
SELECT throws_ok($$SELECT * FROM bandit.arm_history('r', '1 month')$$, '22023', NULL, 'a piece of unknown length');
SELECT throws_ok($$SELECT * FROM bandit.arm_history('r', NULL)$$, '22023', NULL, 'no length');
SELECT is_empty($$SELECT * FROM bandit.regret('r')$$, 'nothing decided');
SELECT is_empty($$SELECT * FROM bandit.arm_history('r')$$, 'nothing served');

-- 300 decisions of two contexts over three days; arm a is the best where x is 1, else b
CREATE TEMP TABLE made AS
SELECT i, x, bandit.context_hash(x) AS hash, (ARRAY['a', 'b', 'c'])[1 + (i / 2 * 7) % 3] AS arm,
	now() - make_interval(days => 1 + i / 100, secs => i) AS at,
	(left(bandit.first_decision_id(now() - make_interval(days => 1 + i / 100, secs => i))::text, 20) || left(md5(i::text), 3) || '-' || right(md5(i::text), 12))::uuid AS id
FROM generate_series(0, 299) i, LATERAL (SELECT jsonb_build_object('x', i % 2) AS x) c;
INSERT INTO bandit.contexts (bandit, context_hash, context, slot) SELECT DISTINCT 'r', hash, x, 0 FROM made;
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, variant, decided_at, arms, alphas, betas, picks)
SELECT id, 'r', hash, 'treatment', at, '{a,b,c}', '{1,1,1}', '{1,1,1}', ARRAY[arm] FROM made;
SELECT bandit.reward(id, CASE WHEN (i % 2 = 1 AND arm = 'a') OR (i % 2 = 0 AND arm = 'b') THEN (i % 3 > 0)::int ELSE (i % 7 = 0)::int END)
FROM made ORDER BY i;
CREATE TEMP TABLE told AS SELECT * FROM bandit.regret('r');
SELECT is((SELECT sum(decisions) FROM told), 300::numeric, 'every decision is in one row');
SELECT cmp_ok((SELECT count(*) FROM told), '>=', 3::bigint, 'a row a day');
SELECT ok(abs(sum(regret) - (SELECT sum(l.loss) FROM made m
	JOIN (SELECT s.context_hash, u.arm, u.loss FROM (SELECT context_hash, array_agg(arm ORDER BY arm) AS arms,
			bandit.expected_losses(array_agg(alpha ORDER BY arm), array_agg(beta ORDER BY arm)) AS losses
		FROM bandit.bandit_states WHERE bandit = 'r' GROUP BY 1) s, unnest(arms, losses) u (arm, loss)) l
	ON l.context_hash = m.hash AND l.arm = m.arm)) < 1e-9, 'regret is the sum of expected losses of the arms served') FROM told;
SELECT ok(abs(max(cumulative) - sum(regret)) < 1e-9, 'and adds up') FROM told;
SELECT ok(bool_and(lower < cumulative AND cumulative < upper AND lower >= 0), 'within its interval') FROM told;
SELECT results_eq('TABLE told', $$SELECT * FROM bandit.regret('r')$$, 'the same when asked again');
SELECT ok(count(*) > 10 AND abs(max(cumulative) - (SELECT max(cumulative) FROM told)) < 1e-9, 'whatever the pieces')
FROM bandit.regret('r', '10 seconds');
UPDATE bandit.decisions SET variant = 'control' WHERE bandit = 'r' AND picks = '{c}';
SELECT ok(sum(decisions) < 300 AND max(cumulative) < (SELECT max(cumulative) FROM told), 'control traffic does not count') FROM bandit.regret('r');
UPDATE bandit.decisions SET variant = 'treatment' WHERE bandit = 'r';

CREATE TEMP TABLE history AS SELECT * FROM bandit.arm_history('r');
SELECT results_eq($$SELECT arm::text, sum(served)::bigint FROM history GROUP BY 1 ORDER BY 1$$,
	$$SELECT arm, count(*) FROM made GROUP BY 1 ORDER BY 1$$, 'who was served');
SELECT is_empty($$SELECT period FROM history GROUP BY 1 HAVING abs(sum(share) - 1) > 1e-12$$, 'shares add up');
SELECT is_empty($$SELECT * FROM (SELECT arm::text, sum(successes) AS s, sum(failures) AS f FROM history GROUP BY 1) h
	FULL JOIN (SELECT arm::text, sum(successes) AS s, sum(failures) AS f FROM bandit.evidence WHERE bandit = 'r' GROUP BY 1) e USING (arm, s, f)
	WHERE h IS NULL OR e IS NULL$$, 'what was learnt is the evidence');
SELECT is_empty($$SELECT * FROM history h WHERE abs(mean_so_far - (SELECT sum(successes) / sum(successes + failures)
	FROM history p WHERE p.arm = h.arm AND p.period <= h.period)) > 1e-12$$, 'means so far');

SELECT bandit.create_bandit('one', '{a}');
SELECT count(*) FROM generate_series(1, 5) g, LATERAL bandit.choose('one', '{}', g::text) c;
SELECT results_eq($$SELECT decisions, served, cumulative, upper FROM bandit.regret('one')$$,
	$$VALUES (5::bigint, 5::bigint, 0::float8, 0::float8)$$, 'one arm: no regret');
SELECT throws_ok($$SELECT bandit_internal.regret_draws('{1,2}', '{1}', '{1,1}', 5, 1)$$, '2202E', NULL, 'as many numbers as arms');
SELECT throws_ok($$SELECT bandit_internal.regret_draws('{1,NaN}', '{1,1}', '{1,1}', 5, 1)$$, '22023', NULL, 'numbers');
SELECT * FROM finish();
ROLLBACK;
