-- Statements of many rows on a watched table: one bad row, triggers left
-- behind, tables that become partitions.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

BEGIN;
CREATE SCHEMA wb;
SET search_path = wb, public;
CREATE TABLE stars (user_id int, item_id int, rating numeric);
SELECT bandit.create_recommender('wb', 'stars', arms => '{}', features => '{}');
SELECT bandit.watch('wb', 'stars', 'rating');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT bandit.first_decision_id(now() - u * interval '1 s'), 'wb', 0, u, 'treatment', now() - u * interval '1 s',
	'{a}', '{1}', '{1}', '{a}', '{1,2,3}', '{a,a,a}' FROM generate_series(1, 20) u;
CREATE FUNCTION learnt(bandit text) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s learnt, %s success, %s failure, %s unsound', count(*), sum(successes), sum(failures),
		(SELECT count(*) FROM bandit.verify(learnt.bandit)))
	FROM bandit.feedback f WHERE f.bandit = learnt.bandit $$;

\set VERBOSITY sqlstate
-- a value that no float8 can hold, in the middle: the others teach
INSERT INTO stars SELECT u, 1, CASE u WHEN 10 THEN 1e400 WHEN 19 THEN NULL WHEN 20 THEN 'NaN' ELSE 5 END
FROM generate_series(1, 20) u;
SELECT count(*), learnt('wb') FROM stars;
UPDATE stars SET rating = CASE user_id WHEN 5 THEN -1e400 ELSE 1 END;
SELECT learnt('wb');
-- what was learnt before is taken back, whatever the row says since
DELETE FROM stars WHERE user_id > 4;
SELECT learnt('wb');
SELECT count(*) FROM stars WHERE rating IS NOT NULL;
-- where nobody recommended it, nobody looks at the value
INSERT INTO stars SELECT u, 4, 1e400 FROM generate_series(1, 20) u;
INSERT INTO stars SELECT u, 1, 1e400 FROM generate_series(21, 40) u;
-- the level of the message is a setting, and never an error
SET LOCAL bandit.arm_error_level = debug;
INSERT INTO stars SELECT u, 2, 1e400 FROM generate_series(1, 9) u;
SET LOCAL bandit.arm_error_level = error;
INSERT INTO stars SELECT u, 2, 1e400 FROM generate_series(4, 4) u;
RESET bandit.arm_error_level;
\set VERBOSITY default
-- a column that is gone, and one that is renamed
SAVEPOINT s;
ALTER TABLE stars DROP COLUMN rating;
INSERT INTO stars SELECT 1, 3 FROM generate_series(1, 3);
ROLLBACK TO s;
ALTER TABLE stars RENAME COLUMN user_id TO who;
INSERT INTO stars VALUES (1, 3, 5);
ROLLBACK TO s;
-- a key that was given a type that cannot be read: no row learns, none fails
CREATE TYPE unread;
CREATE FUNCTION unread_in(cstring) RETURNS unread LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION unread_out(unread) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'shell_out';
CREATE TYPE unread (INPUT = unread_in, OUTPUT = unread_out, LIKE = int4);
CREATE CAST (int AS unread) WITHOUT FUNCTION;
ALTER TABLE stars ALTER COLUMN user_id TYPE unread USING user_id::unread;
\set VERBOSITY sqlstate
INSERT INTO stars SELECT NULL, 3, 5 FROM generate_series(1, 9);
INSERT INTO stars SELECT CASE WHEN g > 5 THEN g::unread END, 3, 5 FROM generate_series(1, 7) g;
\set VERBOSITY default
SELECT count(*) FROM stars WHERE user_id IS NOT NULL AND item_id = 3;
ROLLBACK TO s;
SELECT learnt('wb');
-- the same rows twice in one statement: the last word counts
INSERT INTO stars SELECT 7, 3, r FROM unnest('{1,5,1,5,1,5}'::int[]) r;
SELECT learnt('wb');
-- TRUNCATE takes nothing back
TRUNCATE stars;
SELECT learnt('wb');

-- two bandits and two kinds learn from the same rows
CREATE TABLE taps (user_id int, item_id int);
SELECT bandit.create_recommender('wb2', 'stars', arms => '{}', features => '{}');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT decision_id, 'wb2', context_hash, subject, variant, decided_at, arms, alphas, betas, picks, '{2,4}', '{a,a}'
FROM bandit.decisions WHERE bandit = 'wb' AND subject::int < 10;
SELECT bandit.watch(b, 'taps', k) FROM (VALUES ('wb', 'click'), ('wb', 'thumbs_down'), ('wb2', 'click')) AS x (b, k);
INSERT INTO taps SELECT u, i FROM generate_series(1, 30) u, generate_series(1, 5) i;
SELECT bandit, item_id, count(*), sum(successes), sum(failures) FROM bandit.feedback
WHERE bandit LIKE 'wb%' AND NOT retracted GROUP BY 1, 2 ORDER BY 1, 2;
DELETE FROM taps WHERE user_id > 2;
SELECT bandit, kind, count(*) FROM bandit.feedback WHERE bandit LIKE 'wb%' AND kind <> 'rating' AND NOT retracted GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM bandit.verify('wb');

-- a trigger that stayed teaches no bandit made anew under the old name
CREATE ROLE regress_bandit_bulk;
GRANT USAGE ON SCHEMA wb, bandit, bandit_internal TO regress_bandit_bulk;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bandit, bandit_internal TO regress_bandit_bulk;
GRANT ALL ON ALL TABLES IN SCHEMA bandit TO regress_bandit_bulk;
SET LOCAL ROLE regress_bandit_bulk;
SELECT bandit.drop_bandit('wb2');
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'taps'::regclass AND tgname LIKE '%wb2%' ORDER BY 1;
SELECT bandit.create_recommender('wb2', 'stars', arms => '{}', features => '{}');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT decision_id, 'wb2', context_hash, subject, variant, decided_at, arms, alphas, betas, picks, '{2,4}', '{a,a}'
FROM bandit.decisions WHERE bandit = 'wb' AND subject::int < 10;
INSERT INTO taps VALUES (3, 2);
INSERT INTO taps SELECT u, 2 FROM generate_series(4, 12) u;
SELECT learnt('wb2');
-- until it is told to
SELECT bandit.watch('wb2', 'taps', 'click');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'taps'::regclass AND tgname LIKE '%wb2%' ORDER BY 1;
INSERT INTO taps VALUES (3, 4);
SELECT learnt('wb2');
SELECT bandit.unwatch('wb2', 'taps');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'taps'::regclass AND tgname LIKE '%wb2%';

-- what may have a transition table, and what may not
CREATE TABLE seen (user_id int, item_id int) PARTITION BY RANGE (user_id);
CREATE TABLE seen_1 PARTITION OF seen FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (item_id);
CREATE TABLE seen_1_1 PARTITION OF seen_1 DEFAULT;
CREATE TABLE later (item_id int, user_id int);
CREATE TABLE child () INHERITS (taps);
SELECT bandit.watch('wb', 'seen', 'click');
SELECT bandit.watch('wb', 'later', 'thumbs_up');
SELECT bandit.watch('wb', 'child', 'thumbs_up');
SELECT tgrelid::regclass, tgname, tgnewtable FROM pg_trigger
WHERE tgrelid = ANY ('{seen,seen_1,seen_1_1,later,child}'::regclass[]) ORDER BY tgrelid::regclass::text, 2;
SAVEPOINT s;
ALTER TABLE seen ATTACH PARTITION later FOR VALUES FROM (10) TO (20);
ROLLBACK TO s;
SELECT bandit.unwatch('wb', 'later');
ALTER TABLE seen ATTACH PARTITION later FOR VALUES FROM (10) TO (20);
-- directly or through its parents
INSERT INTO seen VALUES (15, 1), (5, 2);
INSERT INTO later (user_id, item_id) VALUES (16, 1);
INSERT INTO seen_1_1 SELECT u, 3 FROM generate_series(1, 9) u;
SELECT d.subject, f.item_id FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit)
WHERE f.bandit = 'wb' AND NOT f.retracted AND f.kind = 'click' AND d.subject::int > 2 ORDER BY d.subject::int, 2;
INSERT INTO seen SELECT u, i FROM generate_series(0, 19) u, generate_series(1, 4) i;
SELECT count(*), count(DISTINCT d.subject) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit)
WHERE f.bandit = 'wb' AND NOT f.retracted AND f.kind = 'click';
ALTER TABLE seen DETACH PARTITION later;
DELETE FROM later;
SELECT bandit.unwatch('wb', 'seen');
SELECT count(*) FROM pg_trigger WHERE tgrelid = ANY ('{seen,seen_1,seen_1_1,later}'::regclass[]);
SELECT count(*) FROM bandit.verify('wb');
ROLLBACK;
