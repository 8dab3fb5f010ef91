-- Retention: partitions made ahead, dropped by age, and what was learnt stays.
BEGIN;
SELECT plan(49);
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.sound(name text, what text) RETURNS text LANGUAGE sql AS $$
	SELECT is_empty(format('SELECT * FROM bandit.verify(%L)', name), 'the ledger agrees: ' || what) $$;
CREATE FUNCTION pg_temp.states(name text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s/%s/%s', arm, successes, failures, pulls), ', ' ORDER BY arm)
	FROM bandit.bandit_states WHERE bandit = name AND pulls > 0 $$;
-- 2001-01-01 00:00 UTC was a Monday
SET LOCAL timezone = 'America/New_York';

-- making
CREATE TEMP TABLE made AS
	SELECT * FROM bandit.make_partitions('2 days', at => '2001-03-31 22:30+00');
SELECT results_eq($$SELECT partition::text, starts, ends FROM made ORDER BY starts, partition::text$$,
	$$VALUES ('bandit.decisions_20010331', '2001-03-31 00:00+00'::timestamptz, '2001-04-01 00:00+00'::timestamptz),
		('bandit.feedback_20010331', '2001-03-31 00:00+00', '2001-04-01 00:00+00'),
		('bandit.decisions_20010401', '2001-04-01 00:00+00', '2001-04-02 00:00+00'),
		('bandit.feedback_20010401', '2001-04-01 00:00+00', '2001-04-02 00:00+00'),
		('bandit.decisions_20010402', '2001-04-02 00:00+00', '2001-04-03 00:00+00'),
		('bandit.feedback_20010402', '2001-04-02 00:00+00', '2001-04-03 00:00+00')$$,
	'days of UTC, of both tables, from the one of "at" to that of "ahead"');
SELECT is_empty($$SELECT * FROM bandit.make_partitions('2 days', at => '2001-03-31 22:30+00')$$,
	'making them again makes nothing');
SELECT results_eq($$SELECT partition::text, ends - starts FROM bandit.make_partitions('3 days', '7 days', '2001-04-02')$$,
	$$VALUES ('bandit.decisions_20010403', interval '6 days'), ('bandit.feedback_20010403', '6 days')$$,
	'a wider one takes what is left of its week');
SELECT results_eq($$SELECT partition::text FROM bandit.make_partitions('0', '8 hours', '2001-05-01 09:00+00')$$,
	$$VALUES ('bandit.decisions_20010501_080000'), ('bandit.feedback_20010501_080000')$$,
	'a narrow one is named by its hour');
SELECT results_eq($$SELECT partition::text FROM bandit.make_partitions('0', at => '2001-05-01 09:00+00') ORDER BY 1$$,
	$$VALUES ('bandit.decisions_20010501'), ('bandit.decisions_20010501_160000'),
		('bandit.feedback_20010501'), ('bandit.feedback_20010501_160000')$$,
	'gaps on both sides are filled');
SELECT throws_ok(format('SELECT bandit.make_partitions(%s)', a), '22023', NULL, a)
FROM unnest(ARRAY['NULL', $$'-1 day'$$, $$'1000 days'$$, 'width => NULL', $$width => '59 seconds'$$,
	$$width => '1 month'$$, $$width => '-1 day'$$, 'at => NULL', $$at => 'infinity'$$]) a;

-- a partition is like the default one
CREATE FUNCTION pg_temp.indexes(relation regclass) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(pg_get_indexdef(indexrelid), ' INDEX .* USING', '')
		|| CASE WHEN indisprimary THEN ' primary' ELSE '' END
	FROM pg_index WHERE indrelid = relation $$;
SELECT set_eq($$SELECT pg_temp.indexes('bandit.decisions_20010401')$$,
	$$SELECT pg_temp.indexes('bandit.decisions_default')$$, 'decisions: the indexes of the default partition');
SELECT set_eq($$SELECT pg_temp.indexes('bandit.feedback_20010401')$$,
	$$SELECT pg_temp.indexes('bandit.feedback_default')$$, 'feedback: the same');
SELECT is((SELECT indisunique AND indnullsnotdistinct FROM pg_index
	WHERE indrelid = 'bandit.feedback_20010401'::regclass), true, 'feedback stays unique, nulls too');
SELECT throws_ok($$INSERT INTO bandit.feedback
	(decision_id, bandit, item_id, kind, arm, context_hash, priority, successes, failures, pulls)
	SELECT bandit.first_decision_id('2001-04-01 12:00+00'), 'x', NULL, 'click', 'a', 1, 0, 0, 0, 0
	FROM generate_series(1, 2)$$, '23505');
SELECT isnt(obj_description('bandit.feedback_20010401'::regclass), NULL, 'it has a comment');
SELECT is_empty($$SELECT i.inhrelid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
	WHERE i.inhparent IN ('bandit.decisions'::regclass, 'bandit.feedback'::regclass)
		AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
		AND NOT EXISTS (SELECT FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique)$$,
	'no partition lacks a key');

-- learning in a partition, then letting go of it
SELECT bandit.create_bandit('r', '{a,b}', ARRAY['n']);
SELECT bandit.create_bandit('h', '{a}', half_life => '10 days');
SELECT bandit.create_bandit('slow', '{a}', attribution_window => '20 days');
SELECT count(*) FROM bandit.make_partitions('1 day');
CREATE TEMP TABLE d AS
	SELECT g, c.* FROM generate_series(1, 20) g,
		LATERAL bandit.choose('r', jsonb_build_object('n', g % 3), k => 1 + 0 * g) c;
SELECT bandit.reward(decision_id, g / 32.0) FROM d WHERE g % 2 = 0;
SELECT bandit.update_bandit('r', '{"n": 1}', 'b', 'neutral');
SELECT bandit.reward(decision_id, 0.75) FROM bandit.choose('h');
SELECT is_empty('SELECT FROM bandit.decisions_default UNION ALL SELECT FROM bandit.feedback_default',
	'the partitions take it all');
SELECT bandit.settle(b, now() + interval '2 days') FROM unnest('{r,h}'::text[]) b;
SELECT pg_temp.states('r') AS r, pg_temp.states('h') AS h \gset
SELECT pg_temp.sound('r', 'before');

SELECT results_eq($$SELECT count(*), bool_and(ends <= now()) FROM bandit.drop_partitions('10 years')$$,
	$$VALUES (14::bigint, true)$$, 'the old ones go, today stays');
SELECT is((SELECT count(*) FROM bandit.decisions), 20 + 1::bigint, 'with all its decisions');
SELECT results_eq($$SELECT DISTINCT action FROM bandit.drop_partitions('10 years')$$, ARRAY['dropped'],
	'their feedback goes the next time');
SELECT is_empty($$SELECT * FROM bandit.drop_partitions('10 years')$$, 'and then nothing is left to do');
SELECT is_empty($$SELECT * FROM bandit.checkpoints$$, 'nothing was learnt, so there is nothing to keep');

SELECT results_eq(
	$$SELECT regexp_replace(partition, '_[0-9]+$', ''), starts <= now(), ends > now(), action
	FROM bandit.drop_partitions('5 days', now() + interval '7 days')
	WHERE starts <= now()$$,
	$$VALUES ('bandit.decisions', true, true, 'dropped'), ('bandit.feedback', true, true, 'detached')$$,
	'when its time comes it goes');
SELECT is((SELECT count(*) FROM bandit.decisions) + (SELECT count(*) FROM bandit.feedback), 0::bigint,
	'nothing is left to attribute to');
SELECT isnt_empty('SELECT * FROM bandit.checkpoints', 'what was learnt counts on');
SELECT is_empty('SELECT * FROM ONLY bandit.checkpoints', 'though not summed up yet');
SELECT pg_temp.sound(b, 'detached') FROM unnest('{r,h}'::text[]) b;
SET LOCAL client_min_messages = error;
SELECT is(bandit.reward(decision_id, 1), false, 'a late reward is to an unknown decision') FROM d LIMIT 1;
SET LOCAL client_min_messages = warning;
SELECT results_eq($$SELECT action, count(*) FROM bandit.drop_partitions() GROUP BY 1$$,
	$$VALUES ('dropped', 2::bigint)$$, 'the next call sums it up');
SELECT is((SELECT count(*) FROM ONLY bandit.checkpoints), (SELECT count(*) FROM bandit.checkpoints), 'in rows');
SELECT is((SELECT count(DISTINCT (bandit, context_hash, arm)) FROM bandit.evidence),
	(SELECT count(*) FROM bandit.checkpoints), 'one for every arm and context');
SELECT pg_temp.sound(b, 'summed up') FROM unnest('{r,h}'::text[]) b;
SELECT is(pg_temp.states('r'), :'r', 'no evidence was lost');
UPDATE bandit.checkpoints SET successes = successes + 2 ^ -20 WHERE bandit = 'r' AND arm = 'a';
SELECT isnt_empty($$SELECT * FROM bandit.verify('r')$$, 'verify sees a checkpoint that is wrong');
UPDATE bandit.checkpoints SET successes = successes - 2 ^ -20 WHERE bandit = 'r' AND arm = 'a';

-- again: the default partition, by row, and sums that add up
UPDATE bandit.checkpoints SET received_at = received_at - interval '15 days' WHERE bandit = 'h';
UPDATE bandit.evidence SET updated_at = updated_at - interval '15 days' WHERE bandit = 'h';
TRUNCATE d;
INSERT INTO d SELECT g, c.* FROM generate_series(1, 20) g,
	LATERAL bandit.choose('r', jsonb_build_object('n', g % 3), k => 1 + 0 * g) c;
SELECT bandit.reward(decision_id, g / 1048576.0) FROM d WHERE g % 2 = 0;
SELECT bandit.reward(decision_id, 0.125) FROM bandit.choose('h');
SELECT is((SELECT count(*) FROM bandit.decisions_default), 21::bigint, 'without partitions the default one takes it');
CREATE TEMP TABLE open AS SELECT * FROM bandit.choose('slow');
SELECT is_empty($$SELECT * FROM bandit.make_partitions('0')$$, 'and keeps it: no partition is made over its rows');
SELECT bandit.settle('r', now() + interval '2 days');
SELECT bandit.settle('h', now() + interval '2 days');
SELECT pg_temp.states('r') AS r \gset
SELECT is((SELECT array_agg(action) FROM bandit.drop_partitions('5 days', now() + interval '7 days')),
	'{"deleted 21 rows","deleted 21 rows"}', 'its rows go one by one');
SELECT pg_temp.sound(b, 'summed up again') FROM unnest('{r,h}'::text[]) b;
SELECT ok(abs(successes - (0.75 * 2 ^ -1.5 + 0.125)) < 1e-6, 'what was checkpointed goes on to be forgotten')
FROM bandit.checkpoints WHERE bandit = 'h';
SELECT is(pg_temp.states('r'), :'r', 'no evidence was lost');
SELECT is((SELECT array_agg(bandit) FROM bandit.decisions), '{slow}', 'what is still open stays');
SELECT * FROM finish();
ROLLBACK;
