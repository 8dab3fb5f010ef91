-- Plans that were kept when a partition was empty: nothing scans it later.
BEGIN;
SELECT plan(3);
CREATE TABLE ratings (user_id int, item_id int, stars int);
CREATE FUNCTION any_items(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
LANGUAGE sql AS 'SELECT g, 1.0 FROM pg_catalog.generate_series(1, n) g';
SET LOCAL client_min_messages = error;
SELECT bandit.create_recommender('p', 'ratings', arms => '{}', features => '{}');
SELECT bandit.add_arm('p', 'any', 'any_items(bigint,int)');
SELECT bandit.create_bandit('q', '{a}');
SELECT count(*) FROM bandit.make_partitions('40 days', '1 day', now() - interval '10 days');
ANALYZE bandit.feedback, bandit.decisions, bandit.evidence;

CREATE FUNCTION scans(parent regclass) RETURNS numeric LANGUAGE sql AS $$
	SELECT sum(pg_stat_get_xact_numscans(inhrelid)) FROM pg_inherits WHERE inhparent = parent $$;
CREATE TEMP TABLE before AS SELECT scans('bandit.feedback') AS feedback, scans('bandit.decisions') AS decisions;
SELECT count(*) FROM bandit.recommend('p', 1::bigint, 20);
SELECT is(count(*) FILTER (WHERE bandit.feedback('p', 1::bigint, g, 'click')), 20::bigint, 'feedback is learnt')
FROM generate_series(1, 20) g;
SELECT is(count(*) FILTER (WHERE bandit.feedback('p', 1::bigint, g, 'thumbs_down')), 20::bigint, 'and changed')
FROM generate_series(1, 20) g;
SELECT count(bandit.reward(decision_id, 1)) FROM generate_series(1, 20) g, LATERAL bandit.choose('q', subject => g::text);
SELECT is(scans('bandit.feedback') + scans('bandit.decisions'), feedback + decisions, 'without a scan of the ledger')
FROM before;
SELECT * FROM finish();
ROLLBACK;
