-- Evidence put in order: folded, and made anew from the ledger.
BEGIN;
SELECT plan(27);
SET LOCAL client_min_messages = error;
SELECT bandit.create_bandit('x', '{a,b}', '{n}');
SELECT bandit.update_bandit('x', jsonb_build_object('n', g % 3), CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END,
	(ARRAY['success', 'failure', 'neutral'])[1 + g % 3]) FROM generate_series(1, 48) g;
SELECT is(bandit.fold('x'), 0::bigint, 'one session has one slot an arm');
-- slots of others: three backends that are gone, and two transactions at REPEATABLE READ
INSERT INTO bandit.evidence SELECT bandit, context_hash, arm, number, 0.25, 0.75, 1, '2026-01-01'
FROM bandit.evidence, unnest('{700,701,702,9000000000,9000000000000000000}'::bigint[]) number;
INSERT INTO bandit.feedback (decision_id, bandit, kind, arm, context_hash, reward, priority, successes, failures, pulls)
SELECT gen_random_uuid(), bandit, 'reward', arm, context_hash, 0.25, 0, 0.25, 0.75, 1
FROM bandit.evidence WHERE slot >= 700 AND updated_at = '2026-01-01';
CREATE TEMP TABLE states AS SELECT * FROM bandit.bandit_states WHERE bandit = 'x';
SELECT is_empty($$SELECT * FROM bandit.verify('x')$$, 'as the ledger says');
SELECT is(bandit.fold('x'), 30::bigint, 'six pairs of context and arm, five slots each are saved');
SELECT is((SELECT count(*) FROM bandit.evidence WHERE bandit = 'x'), 6::bigint, 'one is left');
SELECT set_eq($$SELECT * FROM bandit.bandit_states WHERE bandit = 'x'$$, 'SELECT * FROM states', 'nothing else has changed');
SELECT is_empty($$SELECT * FROM bandit.verify('x')$$, 'and the ledger agrees to the bit');
SELECT is(bandit.fold('x'), 0::bigint, 'nothing is left to fold');
SELECT throws_ok($$SELECT bandit.fold('nobody')$$, '42704');
SELECT throws_ok($$SELECT bandit.fold(NULL)$$, '22004');

-- a context that several sessions met at once
INSERT INTO bandit.contexts SELECT bandit, context_hash, slot / 2 - 5, context FROM bandit.contexts;
SELECT is(bandit.fold('x'), 0::bigint, 'no slots to fold');
SELECT is((SELECT count(*) FROM bandit.contexts WHERE bandit = 'x'), 3::bigint, 'but contexts are kept once');

-- rebuild
SELECT is(bandit.rebuild('x'), 0::bigint, 'nothing to put right');
UPDATE bandit.evidence SET successes = successes + 7, pulls = pulls - 2 WHERE arm = 'a';
DELETE FROM bandit.evidence WHERE arm = 'b' AND context_hash = bandit.context_hash('{"n": 1}');
INSERT INTO bandit.evidence VALUES ('x', 1234, 'b', 1, 5, 5, 10);
SELECT is((SELECT count(*) FROM bandit.verify('x')), 5::bigint, 'five pairs are wrong');
SELECT is(bandit.rebuild('x'), 5::bigint, 'and put right');
SELECT is_empty($$SELECT * FROM bandit.verify('x')$$, 'from the ledger');
SELECT set_eq($$SELECT context_hash, arm, alpha, beta, pulls FROM bandit.bandit_states WHERE bandit = 'x' AND context_hash <> 1234$$,
	'SELECT context_hash, arm, alpha, beta, pulls FROM states', 'to what it was');
SELECT is(bandit.rebuild('x'), 0::bigint, 'once');
SELECT throws_ok($$SELECT bandit.rebuild('nobody')$$, '42704');

-- forgetting
UPDATE bandit.feedback SET received_at = now() - interval '20 days' WHERE kind = 'reward';
UPDATE bandit.bandits SET half_life = '10 days' WHERE name = 'x';
SELECT is(bandit.rebuild('x'), 6::bigint, 'a half-life set later is taken up');
SELECT is_empty($$SELECT * FROM bandit.verify('x')$$, 'in every context');
SELECT bandit.fold('x') \g /dev/null
INSERT INTO bandit.evidence SELECT DISTINCT bandit, context_hash, arm, 800, 1, 1, 2, now() - interval '10 days' FROM bandit.evidence WHERE context_hash <> 1234;
CREATE TEMP TABLE older AS SELECT arm, context_hash, alpha, beta FROM bandit.bandit_states WHERE bandit = 'x';
SELECT is(bandit.fold('x'), 6::bigint, 'slots of different ages fold');
-- to 1e-6: a call's clock is ahead of the transaction's
SELECT is_empty($$SELECT * FROM older o JOIN bandit.bandit_states s USING (context_hash, arm)
	WHERE abs(o.alpha - s.alpha) > 1e-6 OR abs(o.beta - s.beta) > 1e-6$$, 'to what they are worth now');
SELECT is((SELECT min(successes) > 0.5 FROM bandit.evidence WHERE bandit = 'x' AND context_hash <> 1234), true, 'half of each other');

-- one transaction, many responses: no row is updated without end
SELECT bandit.create_bandit('long', '{a}');
SELECT bandit.update_bandit('long', '{}', 'a', 'success') FROM generate_series(1, 220);
SELECT is((SELECT count(*) FROM bandit.evidence WHERE bandit = 'long' AND pulls > 50), 0::bigint, 'a slot takes fifty of a transaction');
SELECT is((SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'long'), 220::numeric, 'others the rest');
SELECT is(bandit.fold('long'), (SELECT count(*) - 1 FROM bandit.evidence WHERE bandit = 'long'), 'to be folded');
SELECT throws_ok($$SELECT bandit_internal.add_evidence('x', 1, 'a', 'Infinity', 0, 1)$$, '22003', NULL,
	'evidence is finite');
SELECT * FROM finish();
ROLLBACK;
