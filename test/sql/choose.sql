-- Decisions: what choose logs, makes again from the id, and refuses.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;

BEGIN;
SELECT bandit.create_bandit('c', '{a,b,c,d}', '{device}');
SELECT bandit.set_arm('c', 'd', false);
SELECT count(bandit.update_bandit('c', '{"device": "x"}', arm, 'success'))
FROM unnest('{a,a,a,b}'::text[]) arm;
CREATE TEMP TABLE chosen AS
SELECT c.*, k, subject FROM (VALUES (1, 'anna'), (2, NULL), (9, '')) v(k, subject),
	LATERAL bandit.choose('c', '{"device": "x"}', subject, k) c;

-- a row of decisions for a call, with an entry for every arm that was drawn
-- and every arm that was picked
SELECT d.subject, d.variant, d.arms, d.alphas, d.betas, cardinality(d.picks),
	d.picks = (SELECT array_agg(c.arm ORDER BY c.rank) FROM chosen c WHERE c.decision_id = d.decision_id),
	d.context_hash = bandit.context_hash('{"device": "x"}'),
	num_nulls(items, item_keys, item_arms, settled_at)
FROM bandit.decisions d WHERE bandit = 'c' ORDER BY cardinality(d.picks);
SELECT k, count(*), min(rank), max(rank), count(DISTINCT arm),
	sum(weight) BETWEEN 1 - 1e-12 AND 1 + 1e-12
FROM chosen GROUP BY k ORDER BY k;

-- ids: version 7, time within, in order of time, 62 random bits
SELECT count(DISTINCT right(decision_id::text, 17)), bool_and(substr(decision_id::text, 15, 1) = '7'
	AND substr(decision_id::text, 20, 1) IN ('8', '9', 'a', 'b')),
	bool_and(bandit.decision_time(decision_id) = decided_at),
	bool_and(bandit.first_decision_id(decided_at) <= decision_id),
	bool_and(bandit.first_decision_id(decided_at + interval '1 us') > decision_id)
FROM bandit.decisions WHERE bandit = 'c';
SELECT bool_and(bandit.decision_time(bandit.first_decision_id(t)) = t)
FROM generate_series(1, 2000) g, LATERAL (SELECT timestamptz '2026-01-01 00:00:00+00'
	+ g * interval '1 us' + g * interval '7 hours') v(t);

-- the draws come of the id and the posteriors in the row alone: seeded with
-- the id's last 64 bits, select_arms repeats them
SELECT ('x' || right(replace(min(decision_id::text), '-', ''), 16))::bit(64)::bigint AS seed
FROM chosen WHERE k = 9 \gset
SELECT bandit.set_seed(:seed);
SELECT array_agg((r.arm, r.weight) ORDER BY r.rank)
	= (SELECT array_agg((c.arm, c.weight) ORDER BY c.rank) FROM chosen c WHERE k = 9)
FROM bandit.select_arms('c', '{"device": "x"}', 9) r;

-- fewer arms than asked for, none at all
SELECT bandit.set_arm('c', arm, false) FROM unnest('{b,c}'::text[]) arm;
SELECT rank, arm, weight FROM bandit.choose('c', k => 3);
SELECT bandit.set_arm('c', 'a', false);
SELECT count(*) FROM bandit.decisions WHERE bandit = 'c';
SELECT * FROM bandit.choose('c', k => 3);
SELECT count(*) FROM bandit.decisions WHERE bandit = 'c';

-- refusals: nothing is written by halves
SELECT bandit.set_arm('c', 'a', true);
SELECT * FROM bandit.choose('nobody');
SELECT * FROM bandit.choose(NULL);
SELECT * FROM bandit.choose('c', NULL);
SELECT * FROM bandit.choose('c', k => NULL);
SELECT * FROM bandit.choose('c', k => 0);
SELECT * FROM bandit.choose('c', '"phone"');
SELECT * FROM bandit.choose('c', '{"devise": 1}');
SELECT count(*) FROM bandit.decisions WHERE bandit = 'c';

-- read only
\set ON_ERROR_ROLLBACK off
SET TRANSACTION READ ONLY;
SAVEPOINT s;
SELECT rank, arm, weight, alpha, beta FROM bandit.select_arms('c');
SELECT * FROM bandit.choose('c');
ROLLBACK TO s;
SELECT bandit.reward(gen_random_uuid(), 1);
ROLLBACK TO s;
SELECT bandit.update_bandit('c', '{}', 'a', 'success');
ROLLBACK;
