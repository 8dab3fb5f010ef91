-- Forgetting by half-life: lazy, in every slot, towards the prior.
--
-- Time passes by moving what the tables say back.
\set there `test -r "${BANDIT_SHARED:-../shared}/methods/vectors/discounted_posterior.csv" && echo true || echo false`
BEGIN;
SELECT plan(21);
CREATE FUNCTION pg_temp.pass(name text, wait interval) RETURNS void
LANGUAGE sql AS $$
	UPDATE bandit.evidence SET updated_at = updated_at - wait WHERE bandit = name;
	UPDATE bandit.feedback SET received_at = received_at - wait WHERE bandit = name;
$$;
-- the clock of a call is a little ahead of the transaction's
CREATE FUNCTION pg_temp.near(a float8, b float8) RETURNS boolean
LANGUAGE sql AS $$ SELECT abs(a - b) <= 1e-3 * (abs(a) + abs(b)) $$;

-- the factor
SELECT is(bandit_internal.aged(3, '2026-01-01', '2026-01-15', '7 days'), 0.75::float8,
	'two half-lives leave a quarter, exactly');
SELECT is(bandit_internal.aged(3, '2026-01-01', '2026-01-02', NULL), 3::float8,
	'without a half-life all stays');
SELECT is(bandit_internal.aged(3, '2026-01-01 02:00', '2026-01-01', '1 hour'), 12::float8,
	'from an earlier point of view it is more');
SELECT is(bandit_internal.aged(3, '2000-01-01', '2026-01-01', '1 second'), 0::float8,
	'very old evidence counts nothing');

SELECT bandit.create_bandit('f', '{a,b}', prior_alpha => 2, prior_beta => 5,
	half_life => '7 days');
CREATE TEMP TABLE first AS SELECT * FROM bandit.choose('f', k => 2);
SELECT bandit.reward(decision_id, 1, 'a') FROM first LIMIT 1;
SELECT pg_temp.pass('f', '7 days');
SELECT ok(pg_temp.near(alpha, 2.5) AND pg_temp.near(beta, 5), 'a success of seven days ago counts half')
FROM bandit.bandit_states WHERE bandit = 'f' AND arm = 'a';
SELECT ok(pg_temp.near(alpha, 2.5) AND pg_temp.near(beta, 5), 'select_arms draws from that')
FROM bandit.select_arms('f') WHERE arm = 'a';
SELECT ok(pg_temp.near(successes, 0.5) AND pulls = 1, 'arm_stats says so')
FROM bandit.arm_stats WHERE bandit = 'f' AND arm = 'a';
SELECT bandit.update_bandit('f', '{}', 'a', 'failure');
SELECT ok(pg_temp.near(successes, 0.5) AND pg_temp.near(failures, 1) AND pulls = 2,
	'fresh evidence is added to what is left')
FROM bandit.bandit_states WHERE bandit = 'f' AND arm = 'a';
SELECT is(count(*), 1::bigint, 'in the same slot') FROM bandit.evidence
WHERE bandit = 'f' AND arm = 'a';

-- every slot has its own age
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls, updated_at)
VALUES ('f', bandit.context_hash('{}'), 'b', 1, 4, 0, 4, now() - interval '7 days'),
	('f', bandit.context_hash('{}'), 'b', 2, 8, 1, 9, now() - interval '14 days'),
	('f', bandit.context_hash('{}'), 'b', 3, 1, 0, 1, now() + interval '1 hour');
SELECT ok(pg_temp.near(successes, 2 + 2 + 1) AND pg_temp.near(failures, 0.25),
	'slots of different ages are aged one by one')
FROM bandit.bandit_states WHERE bandit = 'f' AND arm = 'b';
SELECT ok(pg_temp.near(alpha, 2 + 5) AND pg_temp.near(beta, 5.25), 'for drawing too')
FROM bandit.select_arms('f') WHERE arm = 'b';
DELETE FROM bandit.evidence WHERE bandit = 'f' AND arm = 'b';

-- un-learning what has aged
SELECT pg_temp.pass('f', '10 days 03:04:05.678');
SELECT bandit.reward(decision_id, 0.25, 'a') FROM first LIMIT 1;
SELECT ok(pg_temp.near(successes, 0.25 * w) AND pg_temp.near(failures, 0.75 * w
		+ bandit_internal.aged(1, now() - interval '10 days 03:04:05.678', now(), '7 days')),
	'a reward that changes keeps its age')
FROM bandit.bandit_states, bandit_internal.aged(1, now() - interval '17 days 03:04:05.678', now(), '7 days') w
WHERE bandit = 'f' AND arm = 'a';
SELECT is_empty($$SELECT * FROM bandit.verify('f')$$, 'the ledger agrees');
UPDATE bandit.evidence SET successes = successes + 1e-6 WHERE bandit = 'f';
SELECT isnt_empty($$SELECT * FROM bandit.verify('f')$$, 'and would not, if a millionth were lost');
UPDATE bandit.evidence SET successes = successes - 1e-6 WHERE bandit = 'f';

-- by trigger: a response that is deleted leaves nothing
CREATE TABLE clicks (user_id bigint, item_id bigint);
CREATE TABLE marks (user_id bigint, item_id bigint, value float8);
SELECT bandit.create_recommender('r', 'marks', time_column => '', half_life => '1 day');
SELECT bandit.watch('r', 'clicks', 'click');
INSERT INTO marks SELECT u, i, 1 + (u * i) % 5 FROM generate_series(1, 20) u, generate_series(1, 10) i;
SELECT count(*) FROM bandit.recommend('r', 99, 5);
INSERT INTO clicks SELECT 99, item_id FROM bandit.recommend('r', 99, 5);
SELECT bandit.settle('r', now() + interval '2 days');
SELECT pg_temp.pass('r', '1 day 12:00');
SELECT is_empty($$SELECT * FROM bandit.verify('r')$$, 'the ledger agrees before');
DELETE FROM clicks;
SELECT is_empty($$SELECT * FROM bandit.verify('r')$$, 'and after they are taken back');
SELECT ok(coalesce(max(abs(successes)), 0) < 1e-9, 'nothing is left of the clicks')
FROM bandit.bandit_states WHERE bandit = 'r';
SELECT ok(bool_and(alpha >= 1 - 1e-9 AND beta >= 1 - 1e-9), 'the prior never erodes')
FROM bandit.select_arms('r', '{}');

-- a half-life may come later, and go
UPDATE bandit.bandits SET half_life = NULL WHERE name = 'f';
SELECT ok(alpha > 2 AND successes = (SELECT sum(successes) FROM bandit.evidence WHERE bandit = 'f'),
	'without it evidence counts as it stands')
FROM bandit.bandit_states WHERE bandit = 'f' AND arm = 'a';
SELECT throws_ok($$UPDATE bandit.bandits SET half_life = '-1 day' WHERE name = 'f'$$, '23514');

\if :there
CREATE TEMP TABLE cases (prior_alpha float8, prior_beta float8, half_life float8,
	now float8, times float8[], rewards float8[], alpha float8, beta float8, effective_n float8);
\copy cases FROM PROGRAM 'cat "${BANDIT_SHARED:-../shared}/methods/vectors/discounted_posterior.csv"' CSV HEADER
-- one slot is written again and again, as time passes; a unit is a day
CREATE FUNCTION pg_temp.discounted(c cases) RETURNS float8[]
LANGUAGE plpgsql AS $$
DECLARE
	day interval := '1 day';
	result float8[];
BEGIN
	PERFORM bandit.create_bandit('v', '{a}', prior_alpha => c.prior_alpha,
		prior_beta => c.prior_beta, half_life => c.half_life * day);
	FOR i IN 1 .. cardinality(c.times) LOOP
		PERFORM bandit_internal.add_evidence('v', bandit.context_hash('{}'),
			'a', c.rewards[i], 1 - c.rewards[i], 1);
		UPDATE bandit.evidence SET updated_at = now()
			- (coalesce(c.times[i + 1], c.now) - c.times[i]) * day
		WHERE bandit = 'v';
		-- so that the slot is met at the time of the next call
		IF i < cardinality(c.times) THEN
			UPDATE bandit.evidence e SET updated_at = now(),
				successes = bandit_internal.aged(successes, updated_at, now(), c.half_life * day),
				failures = bandit_internal.aged(failures, updated_at, now(), c.half_life * day)
			WHERE e.bandit = 'v';
		END IF;
	END LOOP;
	SELECT ARRAY[s.alpha, s.beta, s.successes + s.failures] INTO result
	FROM bandit.bandit_states s WHERE s.bandit = 'v';
	PERFORM bandit.drop_bandit('v');
	RETURN coalesce(result, ARRAY[c.prior_alpha, c.prior_beta, 0]);
END;
$$;
SELECT is_empty($$
	SELECT c.*, got FROM cases c, pg_temp.discounted(c) got
	WHERE abs(got[1] / alpha - 1) > 1e-11 OR abs(got[2] / beta - 1) > 1e-11
		OR abs(got[3] - effective_n) > 1e-11 * effective_n$$,
	'the reference posteriors are met');
\else
SELECT skip('no reference values here', 1);
\endif
SELECT * FROM finish();
ROLLBACK;
