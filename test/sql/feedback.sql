-- Feedback: what the application hears when something is wrong, and what its
-- statements never hear.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

BEGIN;
-- what an arm earned, with or without the ledger's consent
CREATE FUNCTION earned(name text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(string_agg(format('%s %s/%s/%s', arm, successes, failures, pulls), ', ' ORDER BY arm), 'nothing')
		|| CASE WHEN EXISTS (SELECT FROM bandit.verify(name)) THEN ', WRONG' ELSE '' END
	FROM (SELECT arm, sum(successes) AS successes, sum(failures) AS failures, sum(pulls) AS pulls
		FROM bandit.evidence WHERE bandit = name GROUP BY arm) e
	WHERE pulls <> 0 OR successes <> 0 OR failures <> 0 $$;

-- reward
SELECT bandit.create_bandit('r', '{a,b}');
SELECT decision_id AS one FROM bandit.choose('r') \gset
SELECT decision_id AS two FROM bandit.choose('r', k => 2) LIMIT 1 \gset
UPDATE bandit.decisions SET picks = '{a}' WHERE decision_id = :'one';
UPDATE bandit.decisions SET picks = '{b,a}' WHERE decision_id = :'two';
SELECT bandit.reward('00000000-0000-7000-8000-000000000000', 1);
SELECT bandit.reward(:'one', 1.5);
SELECT bandit.reward(:'one', 'NaN');
SELECT bandit.reward(:'one', NULL);
SELECT bandit.reward(:'one', 1, 'b');
SELECT bandit.reward(:'two', 1);
SELECT earned('r');
-- 2^-20 apart is another reward, less is the same
SELECT bandit.reward(:'one', 0.5), bandit.reward(:'one', 0.5 + 4e-7),
	bandit.reward(:'one', 0.5 + 6e-7), bandit.reward(:'one', 1 - 1e-9);
SELECT bandit.reward(:'two', 0, 'b'), bandit.reward(:'two', 1e-300, 'a'), earned('r');
-- a savepoint rolled back takes its lessons with it
SAVEPOINT lesson;
SELECT bandit.reward(:'two', 1, 'b'), earned('r');
ROLLBACK TO lesson;
SELECT earned('r');
SELECT bandit.update_bandit('r', '{}', 'c', 'success');
SELECT bandit.update_bandit('r', '{}', 'a', 'fail');
SELECT bandit.update_bandit('r', '{}', NULL, 'success');
SELECT bandit.feedback('r', 1, 1, 'nod');
SELECT bandit.feedback('r', 1, 1, 'rating');
SELECT bandit.feedback('r', 1, 1, 'rating', '-Infinity');
SELECT earned('r');

-- an application whose every list is 1 .. 9, of one arm
CREATE TABLE ratings (user_id int, item_id int, rating int);
CREATE TABLE taps (user_id int, item_id int);
CREATE FUNCTION nine(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT g, 10.0 - g FROM pg_catalog.generate_series(1, 9) g';
SELECT bandit.create_recommender('f', 'ratings', arms => '{}', features => '{}', exclude_seen => false);
SELECT bandit.add_arm('f', 'nine', 'nine(bigint,int)');
SELECT bandit.watch('f', 'ratings', 'rating'), bandit.watch('f', 'taps', 'click');
CREATE FUNCTION serve(who int, how_many int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM bandit.recommend('f', who, how_many) $$;

-- three kinds of the same rank: the newest counts, whatever came before it
INSERT INTO bandit.outcome_rules (bandit, kind, success_from, failure_to, priority)
VALUES ('f', 'stars', 4, 2, 30);
SELECT serve(1, 1);
SELECT bandit.feedback('f', 1, 1, 'stars', 5), bandit.feedback('f', 1, 1, 'thumbs_up');
SELECT earned('f');
SELECT bandit.feedback('f', 1, 1, 'stars', 1), earned('f');
SELECT bandit.feedback('f', 1, 1, 'thumbs_down'), earned('f');
-- a rule that loses its rank gives way when its response comes again
SELECT bandit.feedback('f', 1, 1, 'thumbs_up', 1), earned('f');
UPDATE bandit.outcome_rules SET priority = 0 WHERE kind = 'thumbs_up';
SELECT bandit.feedback('f', 1, 1, 'thumbs_up', 2), earned('f');
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;
-- and when the last word is taken back, the last but one counts
UPDATE bandit.outcome_rules SET priority = 30 WHERE kind = 'click';
SELECT bandit.feedback('f', 1, 1, 'stars', 5), bandit.feedback('f', 1, 1, 'thumbs_down');
INSERT INTO taps VALUES (1, 1);
SELECT earned('f');
DELETE FROM taps;
SELECT earned('f');
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;

-- a response belongs to the newest decision within the window
SELECT decision_id AS first FROM bandit.recommend('f', 9, 2) LIMIT 1 \gset
SELECT decision_id AS second FROM bandit.recommend('f', 9, 1) LIMIT 1 \gset
SELECT bandit.feedback('f', 9, 1, 'click'), bandit.feedback('f', 9, 2, 'click'), bandit.feedback('f', 9, 3, 'click');
SELECT item_id, decision_id = :'first', decision_id = :'second' FROM bandit.feedback ORDER BY item_id;
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;
DELETE FROM bandit.decisions WHERE decision_id = :'second';
UPDATE bandit.decisions SET decision_id = bandit.first_decision_id(now() - interval '24 hours 1 second')
WHERE decision_id = :'first';
SELECT bandit.feedback('f', 9, 1, 'click');
INSERT INTO taps VALUES (9, 1);
SELECT earned('f');
-- one of the control teaches nobody
UPDATE bandit.bandits SET attribution_window = '25 hours' WHERE name = 'f';
UPDATE bandit.decisions SET variant = 'control' WHERE subject = '9';
INSERT INTO taps VALUES (9, 1);
SELECT bandit.feedback('f', 9, 2, 'click'), earned('f');
UPDATE bandit.decisions SET variant = 'treatment' WHERE subject = '9';
SELECT bandit.feedback('f', 9, 1, 'thumbs_up'), earned('f');
-- a shorter window is no reason to keep what is taken back
UPDATE bandit.bandits SET attribution_window = '24 hours' WHERE name = 'f';
DELETE FROM taps WHERE user_id = 9;
SELECT kind, item_id FROM bandit.feedback ORDER BY 1, 2;
DELETE FROM bandit.decisions WHERE subject = '9';
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;

-- thresholds, to the digit; a neutral rule
INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES ('f', 'shown', 'neutral');
UPDATE bandit.outcome_rules SET success_from = 4, failure_to = 2 WHERE kind = 'stars';
SELECT value, bandit.feedback('f', 1, 1, 'stars', value), earned('f')
FROM unnest('{4,3.9999999,2.0000001,2}'::float8[]) value;
INSERT INTO bandit.outcome_rules (bandit, kind, zero_at, one_at, priority) VALUES ('f', 'price', 100, 0, 50);
SELECT value, bandit.feedback('f', 1, 1, 'price', value), earned('f')
FROM unnest('{0,25,100,-1e300,1e300}'::float8[]) value;
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;
SELECT bandit.feedback('f', 1, 1, 'shown'), earned('f');

-- settled: a response that goes leaves silence, whenever it had come; a later
-- one breaks it; silence of a list is not broken by a reward for the list
SELECT serve(2, 3);
INSERT INTO taps VALUES (2, 1), (2, 2), (2, 3);
SELECT earned('f');
SELECT bandit.settle('f', now() + interval '2 days'), earned('f');
DELETE FROM taps WHERE item_id = 1;
SELECT earned('f');
SELECT bandit.feedback('f', 2, 1, 'thumbs_down'), earned('f');
DELETE FROM taps;
SELECT earned('f');
INSERT INTO taps VALUES (2, 2), (2, 3);
SELECT earned('f');
SELECT bandit.reward(decision_id, 1), earned('f') FROM bandit.decisions WHERE bandit = 'f' AND subject = '2';
SELECT bandit.settle('f', now() + interval '2 days');
SELECT item_id, kind, failures, pulls FROM bandit.feedback WHERE bandit = 'f' AND kind = 'silence'
ORDER BY decision_id, item_id NULLS FIRST;

-- silence that counts for nothing
UPDATE bandit.bandits SET on_silence = 'nothing' WHERE name = 'f';
SELECT serve(3, 3);
SELECT bandit.settle('f', now() + interval '2 days'), earned('f');
INSERT INTO taps VALUES (3, 1);
SELECT earned('f');
DELETE FROM taps WHERE user_id = 3;
SELECT earned('f');
SELECT bandit.settle('nobody');
SELECT bandit.settle('f', batch => 0);

-- a row that moves to another user or item takes its lesson along
SELECT serve(5, 2), serve(6, 2);
DELETE FROM bandit.feedback;
DELETE FROM bandit.evidence;
INSERT INTO ratings VALUES (5, 1, 5);
UPDATE ratings SET user_id = 6;
SELECT d.subject, f.item_id, f.value FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id);
UPDATE ratings SET item_id = 2;
SELECT d.subject, f.item_id, f.value FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id);
UPDATE ratings SET user_id = 5, rating = 1;
SELECT d.subject, f.item_id, f.value FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id);
SELECT earned('f');
UPDATE ratings SET rating = NULL;
SELECT earned('f');
UPDATE ratings SET rating = 4;
SELECT earned('f');
UPDATE ratings SET user_id = NULL;
SELECT earned('f');
DELETE FROM ratings;

-- a trigger that cannot learn says so and lets the row in
SELECT serve(4, 9);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'not today'; END$$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON bandit.evidence EXECUTE FUNCTION refuse();
INSERT INTO taps VALUES (4, 1), (4, 2);
SET LOCAL bandit.arm_error_level = notice;
SET LOCAL client_min_messages = notice;
UPDATE taps SET item_id = 3 WHERE user_id = 4 AND item_id = 2;
SET LOCAL client_min_messages = warning;
-- an error would fail the statement, so it never gets that far
SET LOCAL bandit.arm_error_level = error;
INSERT INTO taps VALUES (4, 3);
RESET bandit.arm_error_level;
SELECT * FROM taps WHERE user_id = 4;
DROP TRIGGER refuse ON bandit.evidence;
ALTER TABLE bandit.evidence ADD CONSTRAINT never CHECK (pulls < 0) NOT VALID;
INSERT INTO taps VALUES (4, 4);
ALTER TABLE bandit.evidence DROP CONSTRAINT never;
ALTER TABLE taps RENAME item_id TO thing;
INSERT INTO taps VALUES (4, 5);
ALTER TABLE taps RENAME thing TO item_id;
SELECT count(*) FROM taps WHERE user_id = 4;
SELECT earned('f');
INSERT INTO taps VALUES (4, 6);
SELECT earned('f');

-- a hand in the till is seen, on either side
SAVEPOINT honest;
UPDATE bandit.evidence SET successes = successes + 1.0 / 1048576
WHERE bandit = 'f' AND slot = (SELECT min(slot) FROM bandit.evidence WHERE bandit = 'f');
SELECT arm, (found[1] - expected[1]) * 1048576 = 1, found[2:3] = expected[2:3] FROM bandit.verify('f');
ROLLBACK TO honest;
DELETE FROM bandit.feedback WHERE ctid IN (SELECT ctid FROM bandit.feedback WHERE bandit = 'f' AND pulls = 1 LIMIT 1);
SELECT arm, expected[3] - found[3] FROM bandit.verify('f');
ROLLBACK TO honest;

-- a bandit that is gone leaves the application alone, even if its trigger stays
CREATE TRIGGER left_behind AFTER INSERT ON taps FOR EACH ROW
EXECUTE FUNCTION bandit.learn('f', 'thumbs_up', 'user_id', 'item_id', '');
SELECT bandit.drop_bandit('f');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'taps'::regclass;
INSERT INTO taps VALUES (4, 7);
SELECT count(*) FROM bandit.feedback WHERE bandit = 'f';
-- a trigger made by hand, and wrongly
CREATE TRIGGER by_hand BEFORE INSERT ON taps FOR EACH ROW EXECUTE FUNCTION bandit.learn();
INSERT INTO taps VALUES (4, 8);
SELECT bandit.learn();
ROLLBACK;
