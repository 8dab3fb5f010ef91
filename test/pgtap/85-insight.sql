-- The views: posteriors from prior and evidence, intervals, and the bar.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS bandit;
BEGIN;
SELECT plan(18);

SELECT bandit.create_bandit('view', '{a,b,c}', '{device}') AS arms \gset
SELECT bandit.add_arm('view', 'd', prior_alpha => 3, prior_beta => 4);
INSERT INTO bandit.contexts VALUES
	('view', 1, 10, '{"device": "phone"}'), ('view', 1, 11, '{"device": "phone"}'),
	('view', 2, 12, '{"device": "desk"}');
INSERT INTO bandit.evidence VALUES
	('view', 1, 'a', 1, 5, 0, 5, '2026-01-01'), ('view', 1, 'a', 2, 4, 0, 6, '2026-02-01'),
	('view', 1, 'b', 1, 0, 9, 9, '2026-01-03'),
	('view', 3, 'b', 1, 0, 10, 10, '2026-01-04'),
	('view', 1, 'gone', 1, 100, 0, 100, '2026-01-05');

SELECT columns_are('bandit', 'bandit_states', ARRAY['bandit', 'context_hash', 'context',
	'arm', 'alpha', 'beta', 'pulls', 'successes', 'failures', 'updated_at',
	'prior_alpha', 'prior_beta']);
SELECT results_eq(
	$$SELECT (a.attname || ' ' || format_type(a.atttypid, a.atttypmod)) COLLATE "default"
	  FROM pg_attribute a WHERE attrelid = 'bandit.bandit_states'::regclass AND attnum > 0
	  ORDER BY attnum$$,
	$$VALUES ('bandit text'), ('context_hash bigint'), ('context jsonb'), ('arm text'),
		('alpha double precision'), ('beta double precision'), ('pulls bigint'),
		('successes double precision'), ('failures double precision'),
		('updated_at timestamp with time zone'),
		('prior_alpha double precision'), ('prior_beta double precision')$$,
	'bandit_states has the promised types');
SELECT results_eq(
	$$SELECT arm COLLATE "default", alpha, beta, pulls, successes, failures FROM bandit.bandit_states
	  WHERE bandit = 'view' AND context_hash = 1 ORDER BY arm$$,
	$$VALUES ('a', 10::float8, 1::float8, 11::bigint, 9::float8, 0::float8),
		('b', 1, 10, 9, 0, 9), ('c', 1, 1, 0, 0, 0), ('d', 3, 4, 0, 0, 0)$$,
	'posterior is the prior plus the sum over slots');
SELECT is((SELECT updated_at FROM bandit.bandit_states
		   WHERE bandit = 'view' AND context_hash = 1 AND arm = 'a'),
	'2026-02-01'::timestamptz, 'updated_at is that of the newest slot');
SELECT is((SELECT updated_at FROM bandit.bandit_states
		   WHERE bandit = 'view' AND context_hash = 1 AND arm = 'c'),
	NULL, 'an arm that never learnt has no updated_at');
SELECT is((SELECT DISTINCT context FROM bandit.bandit_states
		   WHERE bandit = 'view' AND context_hash = 1),
	'{"device": "phone"}'::jsonb, 'equal rows of a context are one');
SELECT results_eq(
	$$SELECT context_hash, count(*), count(context) FROM bandit.bandit_states
	  WHERE bandit = 'view' GROUP BY 1 ORDER BY 1$$,
	$$VALUES (1::bigint, 4::bigint, 4::bigint), (2, 4, 4), (3, 4, 0)$$,
	'every arm in every context, evidence without a known context too');

SELECT results_eq(
	$$SELECT arm COLLATE "default", pulls, successes, failures, mean, share FROM bandit.arm_stats
	  WHERE bandit = 'view'$$,
	$$VALUES ('a', 11::bigint, 9::float8, 0::float8, 0.9091::float8, 0.3667::float8),
		('b', 19, 0, 19, 0.0476, 0.6333), ('c', 0, 0, 0, 0.5, 0),
		('d', 0, 0, 0, 0.4286, 0)$$,
	'arm_stats sums over contexts, in order of registration');
-- Beta(10, 1) has the quantiles p^(1/10), Beta(1, 20) 1-(1-p)^(1/20)
SELECT results_eq(
	$$SELECT arm COLLATE "default", lower, upper FROM bandit.arm_stats
	  WHERE bandit = 'view' AND arm IN ('a', 'b', 'c')$$,
	$$VALUES ('a', round((0.025 ^ 0.1)::numeric, 4)::float8,
			  round((0.975 ^ 0.1)::numeric, 4)::float8),
		('b', round((1 - 0.975 ^ 0.05)::numeric, 4)::float8,
			  round((1 - 0.025 ^ 0.05)::numeric, 4)::float8),
		('c', 0.025, 0.975)$$,
	'the interval is the 95 % credible interval');
SELECT is((SELECT count(DISTINCT length(bar)) FROM bandit.arm_stats WHERE bandit = 'view'),
	1::bigint, 'bars are equally long');
SELECT is(bandit_internal.interval_bar(0.25, 0.5, 0.75, 1, 8),
	CASE getdatabaseencoding() WHEN 'UTF8' THEN U&'\2588\2588\2593\2593\2591\2591  '
		ELSE '##==--  ' END,
	'a bar shows lower end, mean and upper end');
SELECT is(bandit_internal.interval_bar(0, 0, 0, 0, 4), '    ', 'a bar of nothing is blank');
SELECT is(length(bandit_internal.interval_bar(0, 0.001, 1e-11, 1e-11)), 20,
	'a mean beyond the interval stays within the bar');
SELECT is(bandit_internal.interval_bar(0, NULL, 1, 1), NULL, 'nothing known, no bar');

SELECT is_empty(
	$$SELECT FROM bandit.arm_stats s JOIN bandit.arms a USING (bandit, arm)
	  WHERE a.role = 'control'$$, 'the control does not show');
SELECT results_eq(
	$$SELECT context_hash, arm COLLATE "default", pulls, mean
	  FROM bandit.context_stats WHERE bandit = 'view' AND leads ORDER BY context_hash$$,
	$$VALUES (1::bigint, 'a', 11::bigint, 0.9091::float8),
		(2, 'a', 0, 0.5), (3, 'a', 0, 0.5)$$,
	'context_stats names the leader');
SELECT is_empty(
	$$SELECT FROM bandit.context_stats s JOIN bandit.bandit_states t USING (bandit, context_hash, arm)
	  WHERE bandit = 'view' AND (s.successes, s.failures, s.borrowed_successes, s.borrowed_failures)
		IS DISTINCT FROM (t.successes, t.failures, t.prior_alpha, t.prior_beta)$$,
	'and shows own and borrowed evidence');
SELECT bandit.create_bandit('view none', '{a}') AS arms \gset
SELECT is((SELECT share FROM bandit.arm_stats WHERE bandit = 'view none'), NULL,
	'no pulls, no share');

SELECT * FROM finish();
ROLLBACK;
