-- Many arms, many contexts, many calls in one statement.
BEGIN;
SELECT plan(6);

-- names in no order, some arms not to be drawn, several slots
SELECT bandit.create_bandit('m', ARRAY(SELECT 'arm ' || g FROM generate_series(1, 300) g ORDER BY hashint4(g)));
SELECT bandit.set_arm('m', 'arm ' || g, false) FROM generate_series(1, 300, 7) g;
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
SELECT 'm', bandit.context_hash('{}'), arm, slot, g * slot, g + slot, 0
FROM (SELECT g, 'arm ' || g AS arm FROM generate_series(1, 300, 2) g
	UNION ALL VALUES (9, 'arm'), (9, 'arm 1000'), (9, 'zebra')) a, generate_series(1, 3) slot
ORDER BY hashint8(g * 3 + slot);
SELECT results_eq(
	$$SELECT arm, alpha, beta FROM bandit.select_arms('m', k => 1000) ORDER BY arm COLLATE "C"$$,
	$$SELECT 'arm ' || g, 1::float8 + CASE WHEN g % 2 = 1 THEN 6 * g ELSE 0 END,
		1::float8 + CASE WHEN g % 2 = 1 THEN 3 * g + 6 ELSE 0 END
	FROM generate_series(1, 300) g WHERE g % 7 <> 1 ORDER BY ('arm ' || g) COLLATE "C"$$,
	'every arm has its own evidence, over all slots; what is of none counts for none');

-- more contexts than a session remembers, twice
SELECT ok(bool_and(hash = expected), 'hashes are those of the contexts, remembered or not')
FROM (SELECT bandit.context_hash(context) AS hash, expected FROM (
	SELECT jsonb_build_object('n', g % 5000) AS context,
		('x' || left(encode(sha256(convert_to('{"n":' || g % 5000 || '}', 'UTF8')), 'hex'), 16))::bit(64)::bigint AS expected
	FROM generate_series(1, 15000) g) c) h;

-- the planner may keep the rows of a function for arguments that it has had
CREATE TEMP TABLE visits AS SELECT g AS id, '{}'::jsonb AS context FROM generate_series(1, 20) g;
ANALYZE visits;
SET enable_memoize = off;
SELECT is(count(DISTINCT sample), 20::bigint, 'without memoize every row draws for itself')
FROM visits v, LATERAL bandit.select_arms('m', v.context, 1);
SELECT is(count(DISTINCT decision_id), 20::bigint, 'and is a decision of its own')
FROM visits v, LATERAL bandit.choose('m', v.context);
SET enable_memoize = on;
SELECT is(count(DISTINCT decision_id), 20::bigint, 'with it, where the arguments differ by row')
FROM visits v, LATERAL bandit.choose('m', v.context, subject => v.id::text);
SELECT is(count(DISTINCT (c).decision_id), 20::bigint, 'or the function is called in the list of what is selected')
FROM (SELECT bandit.choose('m', v.context) AS c FROM visits v) d;

SELECT * FROM finish();
ROLLBACK;
