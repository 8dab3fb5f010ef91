-- What silence is worth, and several kinds on one item.
BEGIN;
SELECT plan(51);
SET LOCAL client_min_messages = error;
CREATE TABLE had (user_id int, item_id int);
CREATE FUNCTION six(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT g, -g FROM pg_catalog.generate_series(1, 6) g';
SELECT bandit.create_recommender('r', 'had', arms => '{}', features => '{}');
SELECT bandit.add_arm('r', 'six', 'six(bigint,int)');
CREATE FUNCTION pg_temp.earned() RETURNS text LANGUAGE sql AS $$
	SELECT successes || '/' || failures || '/' || pulls FROM bandit.bandit_states WHERE bandit = 'r' $$;
CREATE FUNCTION pg_temp.wrong() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM bandit.verify('r') $$;
-- shows six items, has these answered, settles, and tells what was earned
CREATE FUNCTION pg_temp.play(who int, VARIADIC clicked int[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM bandit.feedback; DELETE FROM bandit.evidence; DELETE FROM bandit.decisions;
	PERFORM bandit.recommend('r', who, 6);
	PERFORM bandit.feedback('r', who, i, 'click') FROM unnest(clicked) i;
	PERFORM bandit.settle('r', clock_timestamp() + interval '2 days');
	RETURN pg_temp.earned();
END $$;

SELECT is(pg_temp.play(1, VARIADIC '{}'), '0/6/6', 'silence is failure');
SELECT is(pg_temp.play(1, 2, 4), '2/4/6', 'where it is silence');
UPDATE bandit.bandits SET on_silence = 'nothing' WHERE name = 'r';
SELECT is(pg_temp.play(1, 2), '1/0/1', 'or nothing');
SELECT is(bandit.feedback('r', 1, 3, 'click'), true, 'late');
SELECT is(pg_temp.earned(), '2/0/2', 'counts by itself');
UPDATE bandit.bandits SET on_silence = 'reward', silence_reward = 0.25 WHERE name = 'r';
SELECT is(pg_temp.play(1, 2), '2.25/3.75/6', 'or a reward');
SELECT is(bandit.feedback('r', 1, 3, 'click'), true, 'a late response');
SELECT is(pg_temp.earned(), '3/3/6', 'takes it back');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
SELECT throws_ok($$UPDATE bandit.bandits SET silence_reward = 1.5$$, '23514');
SELECT throws_ok($$UPDATE bandit.bandits SET on_silence = 'shout'$$, '23514');

-- not every item was looked at
UPDATE bandit.bandits SET on_silence = 'failure', examination = 0 WHERE name = 'r';
SELECT is(pg_temp.play(1, VARIADIC '{}'), '0/1/1', 'nobody looked beyond the first');
SELECT is(pg_temp.play(1, 4), '1/3/4', 'down to the last response everything was looked at');
SELECT is(bandit.feedback('r', 1, 2, 'click'), true, 'a late one');
SELECT is(pg_temp.earned(), '2/2/4', 'takes back what its item was counted for');
SELECT is(bandit.feedback('r', 1, 6, 'click'), true, 'another, below');
SELECT is(pg_temp.earned(), '3/2/5', 'takes nothing back');
UPDATE bandit.bandits SET examination = 0.5 WHERE name = 'r';
SELECT is(pg_temp.play(1, VARIADIC '{}'), '0/1.96875/6', 'a half, a quarter, ... looked further');
SELECT is(pg_temp.play(1, 3), '1/2.875/6', 'from the last response on');
SELECT is(bandit.feedback('r', 1, 4, 'click'), true, 'late');
SELECT is(pg_temp.earned(), '2/2.375/6', 'the half is taken back');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
-- a response to what the control filled in was looked at as well
CREATE FUNCTION three(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT g, -g FROM pg_catalog.generate_series(1, 3) g';
INSERT INTO had SELECT 99, g FROM generate_series(11, 20) g;
SELECT bandit.create_recommender('s', 'had', arms => '{}', features => '{}');
SELECT bandit.add_arm('s', 'three', 'three(bigint,int)');
UPDATE bandit.bandits SET examination = 0 WHERE name = 's';
CREATE TEMP TABLE filled AS SELECT * FROM bandit.recommend('s', 1, 6);
SELECT is((SELECT string_agg(arm, ' ' ORDER BY "position") FROM filled), 'three three three hybrid hybrid hybrid', 'filled up');
SELECT is(bandit.feedback('s', 1, (SELECT item_id FROM filled WHERE "position" = 5), 'click'), true, 'and clicked there');
SELECT is(bandit.settle('s', clock_timestamp() + interval '2 days'), 1::bigint, 'settled');
SELECT is((SELECT successes || '/' || failures || '/' || pulls FROM bandit.bandit_states WHERE bandit = 's'), '0/3/3', 'so the arm''s were looked at');
UPDATE bandit.bandits SET examination = 1e-300 WHERE name = 'r';
SELECT is(pg_temp.play(1, 1), '1/0/1', 'next to nobody looks further');
SELECT throws_ok($$UPDATE bandit.bandits SET examination = -0.5$$, '23514');
UPDATE bandit.bandits SET examination = 1 WHERE name = 'r';

-- several kinds
INSERT INTO bandit.outcome_rules (bandit, kind, zero_at, one_at, priority) VALUES
	('r', 'part', 0, 1, 0), ('r', 'share', 0, 1, 5), ('r', 'late', 0, 1, 5);
CREATE FUNCTION pg_temp.tell(rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE bandit.bandits SET combine = rule WHERE name = 'r';
	DELETE FROM bandit.feedback; DELETE FROM bandit.evidence; DELETE FROM bandit.decisions;
	PERFORM bandit.recommend('r', 1, 6);
	PERFORM bandit.feedback('r', 1, 1, 'share', 0.5);
	PERFORM bandit.feedback('r', 1, 1, 'late', 0.25);
	PERFORM bandit.feedback('r', 1, 1, 'part', 0.75);
	RETURN pg_temp.earned();
END $$;
SELECT is(pg_temp.tell('priority'), '0.25/0.75/1', 'the highest priority, the newest among equals');
SELECT is(bandit.feedback('r', 1, 1, 'share', 0.625), true, 'changed');
SELECT is(pg_temp.earned(), '0.625/0.375/1', 'that is newer');
SELECT is(pg_temp.tell('first'), '0.5/0.5/1', 'the first');
SELECT is(pg_temp.tell('last'), '0.75/0.25/1', 'the last');
SELECT is(bandit.feedback('r', 1, 1, 'share', 1), true, 'changed');
SELECT is(pg_temp.earned(), '1/0/1', 'is the last word');
SELECT is(pg_temp.tell('max'), '0.75/0.25/1', 'the largest');
SELECT is(bandit.feedback('r', 1, 1, 'part', 0), true, 'less');
SELECT is(pg_temp.earned(), '0.5/0.5/1', 'the next one');
SELECT is(pg_temp.tell('sum'), '1/0/1', 'the sum, at most 1');
SELECT is(bandit.feedback('r', 1, 1, 'part', 0.125), true, 'less');
SELECT is(pg_temp.earned(), '0.875/0.125/1', 'the sum');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
SELECT is(bandit.settle('r', clock_timestamp() + interval '2 days'), 1::bigint, 'settled');
SELECT is(pg_temp.earned(), '0.875/5.125/6', 'nothing was to be put right');
SELECT throws_ok($$UPDATE bandit.bandits SET combine = 'median'$$, '23514');

-- many batches: none walks over what the ones before have settled
SELECT bandit.create_bandit('long', '{a}', attribution_window => '1 hour');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, variant, decided_at, arms, alphas, betas, picks)
SELECT bandit.first_decision_id(at), 'long', bandit.context_hash('{}'), 'treatment', at, '{a}', '{1}', '{1}', '{a}'
FROM (SELECT now() - interval '1 day' + g * interval '1 second' AS at FROM generate_series(1, 5000) g) d;
CREATE FUNCTION pg_temp.entries_read() RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index
	WHERE indrelid = 'bandit.decisions_default'::regclass $$;
CREATE TEMP TABLE walked AS SELECT pg_temp.entries_read() AS before;
ANALYZE bandit.decisions_default;
SELECT is(bandit.settle('long', batch => 50), 5000::bigint, 'settled in batches');
SELECT cmp_ok(pg_temp.entries_read() - before, '<', 20000::numeric, 'each was looked at a few times') FROM walked;
SELECT is(count(*), 0::bigint, 'none was left') FROM bandit.decisions WHERE bandit = 'long' AND settled_at IS NULL;

-- at the end of time all is settled
SELECT count(c.arm) FROM generate_series(1, 3) g, bandit.choose('long', k => 1 + 0 * g) c;
SELECT is(bandit.settle('long', '-infinity'), 0::bigint, 'nothing was settled at the beginning of time');
SELECT is(bandit.settle('long', 'infinity'), 3::bigint, 'all is, at its end');
SELECT is_empty($$SELECT * FROM (
		SELECT at, bandit.first_decision_id(at) AS id, lag(bandit.first_decision_id(at)) OVER (ORDER BY at) AS former
		FROM unnest('{-infinity,4713-01-01 BC,1970-01-01,2030-01-01,10889-08-02,10890-01-01,294276-01-01,infinity}'::timestamptz[]) t (at)) s
	WHERE id < former$$, 'ids follow time as far as it goes');
SELECT * FROM finish();
ROLLBACK;
