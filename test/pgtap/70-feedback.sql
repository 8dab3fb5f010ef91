-- Feedback: learnt once, un-learnt exactly, silence, the ledger's proof.
BEGIN;
SELECT plan(60);
CREATE FUNCTION pg_temp.states(name text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(format('%s %s/%s/%s', arm, successes, failures, pulls), ', ' ORDER BY arm), '')
	FROM bandit.bandit_states WHERE bandit = name AND pulls > 0 $$;
CREATE FUNCTION pg_temp.sound(name text, what text) RETURNS text LANGUAGE sql AS $$
	SELECT is_empty(format('SELECT * FROM bandit.verify(%L)', name), 'the ledger agrees: ' || what) $$;

-- reward
SELECT bandit.create_bandit('r', '{a}');
CREATE TEMP TABLE d AS SELECT * FROM bandit.choose('r');
SELECT is(bandit.reward(decision_id, 1), true, 'a reward is learnt') FROM d;
SELECT is(pg_temp.states('r'), 'a 1/0/1');
SELECT is(bandit.reward(decision_id, 1), false, 'the same again is not') FROM d;
SELECT is(pg_temp.states('r'), 'a 1/0/1');
SELECT is(bandit.reward(decision_id, 0.25, 'a'), true, 'another one replaces it') FROM d;
SELECT is(pg_temp.states('r'), 'a 0.25/0.75/1');
SELECT bandit.reward(decision_id, 1.0 / 3) FROM d;
SELECT is(successes + failures = 1 AND successes * 1048576 = 349525, true, 'rewards are multiples of 2^-20')
FROM bandit.evidence WHERE bandit = 'r';
SELECT pg_temp.sound('r', 'fractions');
SELECT is(bandit.reward(NULL, 1), false, 'what was not logged does nothing');
SELECT throws_ok(format('SELECT bandit.reward(%L, %s)', decision_id, r), '22023')
FROM d, unnest('{-0.1,1.1,''NaN'',''Infinity''}'::text[]) r;
SELECT throws_ok(format('SELECT bandit.reward(%L, NULL)', decision_id), '22004') FROM d;
SELECT throws_ok(format('SELECT bandit.reward(%L, 1, ''b'')', decision_id), '22023',
	'arm "b" was not picked by this decision') FROM d;
SET LOCAL client_min_messages = error;
SELECT is(bandit.reward(gen_random_uuid(), 1), false, 'an unknown decision is no error');
RESET client_min_messages;
SELECT bandit.add_arm('r', 'b');
TRUNCATE d;
INSERT INTO d SELECT * FROM bandit.choose('r', k => 2);
SELECT throws_ok(format('SELECT bandit.reward(%L, 1)', decision_id), '22023',
	'the decision did not pick exactly one arm') FROM d LIMIT 1;
SELECT is(bandit.reward(decision_id, 0, 'b'), true, 'either of two arms can be rewarded') FROM d LIMIT 1;

-- update_bandit
SELECT bandit.update_bandit('r', '{}', 'b', o) FROM unnest('{success,success,failure,neutral}'::text[]) o;
SELECT is((SELECT successes || '/' || failures || '/' || pulls FROM bandit.bandit_states
	WHERE bandit = 'r' AND arm = 'b'), '2/2/5', 'outcomes without a decision');
SELECT throws_ok($$SELECT bandit.update_bandit('r', '{}', 'b', 'great')$$, '22023');
SELECT throws_ok($$SELECT bandit.update_bandit('r', '{}', 'z', 'success')$$, '42704');
SELECT throws_ok($$SELECT bandit.update_bandit('r', '{"x": 1}', 'b', 'success')$$, '22023');
SELECT pg_temp.sound('r', 'update_bandit');

-- an application
CREATE TABLE films (id int PRIMARY KEY, title text, genres text[]);
INSERT INTO films SELECT g, 'film ' || g, '{x}' FROM generate_series(1, 40) g;
CREATE TABLE stars (user_id int, film_id int REFERENCES films, rating numeric, at timestamptz DEFAULT now());
CREATE INDEX ON stars (user_id);
CREATE TABLE taps (user_id int, film_id int);
CREATE FUNCTION even(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql STABLE AS 'SELECT id, 100 - id FROM films WHERE id % 2 = 0 ORDER BY 2 DESC LIMIT n';
SET LOCAL client_min_messages = warning;
SELECT bandit.create_recommender('f', 'stars', items => 'films', arms => '{}', features => '{}');
SELECT bandit.add_arm('f', 'even', 'even(bigint,int)');
SELECT bandit.watch('f', 'stars', 'rating');
SELECT bandit.watch('f', 'taps', 'click');
INSERT INTO stars VALUES (1, 2, 5);
SELECT is(pg_temp.states('f'), '', 'a response to nothing that was served teaches nothing');
SELECT is((SELECT count(*) FROM bandit.feedback WHERE bandit = 'f'), 0::bigint, 'and writes nothing');
TRUNCATE stars;

SELECT array_agg(item_id ORDER BY position) AS items, min(decision_id::text) AS id FROM bandit.recommend('f', 1, 6) \gset
SELECT is(:'items'::bigint[], '{2,4,6,8,10,12}', 'six films');
INSERT INTO taps VALUES (1, 2);
SELECT is(pg_temp.states('f'), 'even 1/0/1', 'a click is a success');
INSERT INTO taps VALUES (1, 2);
SELECT is(pg_temp.states('f'), 'even 1/0/1', 'twice is once');
INSERT INTO stars VALUES (1, 2, 1);
SELECT is(pg_temp.states('f'), 'even 0/1/1', 'a rating outranks the click, and replaces it');
DELETE FROM taps;
INSERT INTO taps VALUES (1, 2);
SELECT is(pg_temp.states('f'), 'even 0/1/1', 'a click after it does not');
UPDATE stars SET rating = 4;
SELECT is(pg_temp.states('f'), 'even 1/0/1', 'a changed rating moves');
UPDATE stars SET rating = 3;
SELECT is(pg_temp.states('f'), 'even 0/0/1', '3 stars are a pull without evidence');
UPDATE stars SET at = at + interval '1 second';
SELECT is(pg_temp.states('f'), 'even 0/0/1', 'other columns do not matter');
DELETE FROM stars;
SELECT is(pg_temp.states('f'), 'even 1/0/1', 'without the rating the click counts again');
DELETE FROM taps;
SELECT is(pg_temp.states('f'), '', 'without the click nothing does');
SELECT is((SELECT count(*) FROM bandit.feedback WHERE bandit = 'f'), 0::bigint, 'in the ledger neither');
INSERT INTO stars VALUES (1, 4, 5), (1, 6, 2), (1, 8, 3), (1, NULL, 5), (NULL, 4, 5), (1, 10, NULL), (2, 4, 5);
SELECT is(pg_temp.states('f'), 'even 1/1/3', 'several rows; NULL keys, no value, another user: nothing');
UPDATE stars SET film_id = 12 WHERE film_id = 6;
SELECT is(pg_temp.states('f'), 'even 1/1/3', 'a response that moves to another film');
SELECT is(bandit.feedback('f', 1, 10, 'thumbs_up'), true, 'feedback by call');
SELECT is(bandit.feedback('f', 1, 10, 'thumbs_up'), false, 'once');
SELECT is(bandit.feedback('f', 1, 39, 'thumbs_up'), false, 'a film that was not served');
SELECT throws_ok($$SELECT bandit.feedback('f', 1, 10, 'purr')$$, '42704');
SELECT throws_ok($$SELECT bandit.feedback('f', 1, 10, 'rating')$$, '22004');
SELECT throws_ok($$SELECT bandit.feedback('f', 1, 10, 'rating', 'NaN')$$, '22023');
SELECT throws_ok($$SELECT bandit.feedback('f', NULL, 10, 'click')$$, '22004');
SELECT pg_temp.sound('f', 'the watched tables');

-- silence: 6 served, responses to 4, 8, 12, 10; 2 and 6 are silent
SELECT is(bandit.settle('f', now()), 0::bigint, 'nothing is settled before its window has passed');
SELECT is(bandit.settle('f', now() + interval '25 hours'), 1::bigint, 'then it is');
SELECT is(pg_temp.states('f'), 'even 2/3/6', 'silence is failure');
SELECT is(bandit.settle('f', now() + interval '25 hours'), 0::bigint, 'once');
SELECT is(bandit.feedback('f', 1, 2, 'click'), true, 'a late response');
SELECT is(pg_temp.states('f'), 'even 3/2/6', 'corrects what silence said');
DELETE FROM stars WHERE film_id = 4 AND user_id = 1;
SELECT is(pg_temp.states('f'), 'even 2/3/6', 'a response taken back leaves silence');
SELECT pg_temp.sound('f', 'silence');

-- linear rules, control
INSERT INTO bandit.outcome_rules (bandit, kind, zero_at, one_at, priority) VALUES ('f', 'watched', 0, 100, 40);
SELECT bandit.feedback('f', 1, 6, 'watched', 25);
SELECT is(pg_temp.states('f'), 'even 2.25/2.75/6', 'a linear rule gives fractions');
SELECT count(*) FROM bandit.recommend('f', 9, 3, use_bandit => false) \g /dev/null
SELECT is(bandit.feedback('f', 9, item, 'click'), true, 'a response to the control is recorded')
FROM (SELECT items[1] FROM bandit.decisions WHERE subject = '9') c(item);
SELECT bandit.settle('f', now() + interval '25 hours');
SELECT is(pg_temp.states('f'), 'even 2.25/2.75/6', 'but trains nobody');
SELECT pg_temp.sound('f', 'control');

-- a bandit that is broken never breaks the application
CREATE FUNCTION grumble() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$;
CREATE TRIGGER grumble BEFORE INSERT OR UPDATE ON bandit.evidence FOR EACH ROW EXECUTE FUNCTION grumble();
SELECT count(*) FROM bandit.recommend('f', 3, 2) \g /dev/null
SET LOCAL client_min_messages = error;
SELECT lives_ok($$INSERT INTO taps SELECT 3, items[1] FROM bandit.decisions WHERE subject = '3'$$,
	'a failure inside never fails the application''s statement');
DROP TRIGGER grumble ON bandit.evidence;
UPDATE bandit.evidence SET failures = failures + 1 WHERE bandit = 'f';
SELECT is((SELECT count(*) FROM bandit.verify('f')), 1::bigint, 'verify finds what was tampered with');
SELECT * FROM finish();
ROLLBACK;
