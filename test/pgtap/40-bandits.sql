-- Bandits and arms, seen from the tables: what each function changes, and
-- that refusals change nothing.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS bandit;
BEGIN;
SELECT plan(31);

SELECT is(bandit.create_bandit('tap', '{b,a,c}', '{device}', 2, 3, '1 hour', 'nothing'),
	3, 'create_bandit counts the arms');
SELECT results_eq(
	$$SELECT features COLLATE "default", prior_alpha, prior_beta, attribution_window, on_silence
	  FROM bandit.bandits WHERE name = 'tap'$$,
	$$VALUES ('{device}'::text[], 2::float8, 3::float8, '1 hour'::interval, 'nothing')$$,
	'settings are as given');
SELECT results_eq(
	$$SELECT arm COLLATE "default", position FROM bandit.arms WHERE bandit = 'tap' ORDER BY position$$,
	$$VALUES ('b', 1), ('a', 2), ('c', 3)$$,
	'arms keep the order they were given in');
SELECT set_eq(
	$$SELECT kind, outcome, success_from, failure_to, priority
	  FROM bandit.outcome_rules WHERE bandit = 'tap'$$,
	$$VALUES ('click', 'success', NULL::float8, NULL::float8, 10),
		('rating', NULL, 4, 2, 20), ('thumbs_up', 'success', NULL, NULL, 30),
		('thumbs_down', 'failure', NULL, NULL, 30)$$,
	'a bandit starts with four rules');

SELECT throws_ok($$SELECT bandit.create_bandit('tap', '{a}')$$, '42710');
SELECT throws_ok($$SELECT bandit.create_bandit('', '{a}')$$, '22023');
SELECT throws_ok($$SELECT bandit.create_bandit('ever', '{a}', attribution_window => '10000 years')$$, '22023');
SELECT throws_ok($$SELECT bandit.create_bandit(NULL, '{a}')$$, '22004');
SELECT throws_ok($$SELECT bandit.create_bandit(repeat('é', 32), '{a}')$$, '42622');
SELECT throws_ok($$SELECT bandit.create_bandit('t2', '{a,a}')$$, '42710');
SELECT throws_ok($$SELECT bandit.create_bandit('t2', '{a}', prior_beta => 'NaN')$$, '22023');
SELECT throws_ok($$SELECT bandit.drop_bandit('t2')$$, '42704',
	'bandit "t2" does not exist');
SELECT is((SELECT count(*) FROM bandit.bandits WHERE name = 't2'), 0::bigint,
	'a refused bandit leaves nothing');

SELECT lives_ok($$SELECT bandit.add_arm('tap', 'd', prior_alpha => 5, prior_beta => 6)$$);
SELECT results_eq(
	$$SELECT position, enabled, role, source, prior_alpha, prior_beta
	  FROM bandit.arms WHERE bandit = 'tap' AND arm = 'd'$$,
	$$VALUES (4, true, 'arm', NULL, 5::float8, 6::float8)$$,
	'a new arm comes last');
SELECT throws_ok($$SELECT bandit.add_arm('tap', 'd')$$, '42710');
SELECT throws_ok($$SELECT bandit.add_arm('tap', 'e', prior_alpha => 5)$$, '22004');
SELECT throws_ok($$SELECT bandit.add_arm('tap', 'e', 'abs(int)')$$, '42809');
SELECT lives_ok($$SELECT bandit.set_arm('tap', 'd', false)$$);
SELECT is((SELECT enabled FROM bandit.arms WHERE bandit = 'tap' AND arm = 'd'),
	false, 'set_arm disables');
SELECT throws_ok($$SELECT bandit.set_arm('tap', 'e', false)$$, '42704');

INSERT INTO bandit.evidence VALUES ('tap', 7, 'd', 1, 2, 1, 3), ('tap', 7, 'd', 2, 1, 0, 1);
SELECT lives_ok($$SELECT bandit.remove_arm('tap', 'd')$$);
SELECT is((SELECT sum(pulls) FROM bandit.evidence WHERE bandit = 'tap' AND arm = 'd'),
	4::numeric, 'evidence outlives its arm');
SELECT is_empty($$SELECT FROM bandit.bandit_states WHERE bandit = 'tap' AND arm = 'd'$$,
	'a removed arm does not show');
SELECT lives_ok($$SELECT bandit.add_arm('tap', 'd')$$);
SELECT results_eq(
	$$SELECT alpha, beta, pulls FROM bandit.bandit_states WHERE bandit = 'tap' AND arm = 'd'$$,
	$$VALUES (5::float8, 4::float8, 4::bigint)$$,
	'an arm that comes back goes on where it was');

INSERT INTO bandit.contexts VALUES ('tap', 7, 1, '{}');
INSERT INTO bandit.models (bandit, arm, version, users, items, ratings, seconds, data)
VALUES ('tap', 'a', gen_random_uuid(), 1, 1, 1, 0, '');
SELECT lives_ok($$SELECT bandit.remove_arm('tap', 'a')$$);
SELECT is((SELECT count(*) FROM bandit.models WHERE bandit = 'tap'), 1::bigint,
	'what was trained stays, for the control');
SELECT lives_ok($$SELECT bandit.drop_bandit('tap')$$);
SELECT is_empty(
	$$SELECT name FROM bandit.bandits WHERE name = 'tap'
	  UNION ALL SELECT bandit FROM bandit.arms WHERE bandit = 'tap'
	  UNION ALL SELECT bandit FROM bandit.outcome_rules WHERE bandit = 'tap'
	  UNION ALL SELECT bandit FROM bandit.contexts WHERE bandit = 'tap'
	  UNION ALL SELECT bandit FROM bandit.evidence WHERE bandit = 'tap'$$,
	'drop_bandit leaves nothing');
SELECT is(bandit.builtin_arms() @> '{item_cf,long_tail}' AND
	NOT bandit_internal.is_builtin_arm('hybrid'), true, 'the control is no built-in arm');

SELECT * FROM finish();
ROLLBACK;
