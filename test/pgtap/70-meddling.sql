-- Somebody's own trigger on the ledger, which changes a partition and calls the
-- bandit again, while a statement of the bandit's runs.
BEGIN;
SELECT plan(4);
SELECT bandit.create_bandit('q', '{a}');
SELECT count(*) FROM bandit.make_partitions('3 hours', '1 hour', now() - interval '2 hours');
CREATE TEMP TABLE made AS
SELECT row_number() OVER () AS n, decision_id FROM generate_series(1, 40) g, LATERAL bandit.choose('q', subject => g::text);
CREATE FUNCTION pg_temp.meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('ALTER TABLE bandit.%I SET (autovacuum_vacuum_threshold = %s)',
		replace(TG_TABLE_NAME, 'feedback', 'decisions'), 50 + (SELECT n FROM made WHERE decision_id = NEW.decision_id));
	PERFORM bandit.reward(b.decision_id, 0.5) FROM made a JOIN made b ON b.n = a.n + 1 AND a.n % 10 <> 0
	WHERE a.decision_id = NEW.decision_id;
	RETURN NULL;
END $$;
CREATE TRIGGER meddle AFTER INSERT ON bandit.feedback FOR EACH ROW EXECUTE FUNCTION pg_temp.meddle();
SELECT is(count(*) FILTER (WHERE bandit.reward(decision_id, 1)), 4::bigint, 'four rewards, each with nine in its trigger')
FROM made WHERE n % 10 = 1;
SELECT is((SELECT count(*) FROM bandit.feedback), 40::bigint, 'all are in the ledger');
SELECT is((SELECT sum(successes) FROM bandit.evidence WHERE bandit = 'q'), 4 + 36 * 0.5::float8, 'and learnt');
SELECT is((SELECT count(*) FROM bandit.verify('q')), 0::bigint, 'once');
SELECT * FROM finish();
ROLLBACK;
