-- One query that selects for many rows reads a context's evidence once.
BEGIN;
SELECT plan(13);
SELECT bandit.create_bandit('m', '{a,b,c}', '{n}');
SELECT bandit.create_bandit('o', '{a,b,c}', '{n}');
CREATE TEMP TABLE asked AS
SELECT g AS id, jsonb_build_object('n', g % 7) AS context FROM generate_series(1, 700) g;
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
SELECT name, bandit.context_hash(jsonb_build_object('n', n)), arm, slot,
	n + ascii(arm) + extra, slot, n + ascii(arm) + extra + slot
FROM (VALUES ('m', 0), ('o', 1000)) b(name, extra), generate_series(0, 6) n, unnest('{a,b,c}'::text[]) arm,
	generate_series(1, 2) slot;
-- what they have to be
CREATE FUNCTION pg_temp.alpha_of(n int, arm text, extra int) RETURNS float8 LANGUAGE sql
	AS 'SELECT (1 + 2 * (n + ascii(arm) + extra))::float8';

SET enable_memoize = off;
CREATE TEMP TABLE given AS
SELECT id, context, o.arm AS other_arm, o.alpha AS other_alpha, r.*
FROM asked, LATERAL bandit.select_arms('m', context, 3) r, LATERAL bandit.select_arms('o', context, 1) o;
SELECT is(count(*), 2100::bigint, 'every row got its arms') FROM given;
SELECT is(count(*) FILTER (WHERE alpha <> pg_temp.alpha_of((context->>'n')::int, arm, 0) OR beta <> 1 + 3), 0::bigint,
	'and the posteriors of its context') FROM given;
SELECT is(count(*) FILTER (WHERE other_alpha <> pg_temp.alpha_of((context->>'n')::int, other_arm, 1000)), 0::bigint,
	'and of its bandit') FROM given;
SELECT is(count(DISTINCT sample), 2100::bigint, 'each draw is its own') FROM given;

-- little memory: what is remembered starts anew
SET work_mem = '64kB';
SELECT is(count(*) FILTER (WHERE r.alpha <> CASE WHEN g % 10 = 0 THEN pg_temp.alpha_of(g % 7, arm, 0) ELSE 1 END
	OR r.beta <> CASE WHEN g % 10 = 0 THEN 4 ELSE 1 END), 0::bigint, 'contexts of more than work_mem')
FROM generate_series(1, 6000) g, LATERAL bandit.select_arms('m', jsonb_build_object('n',
	CASE WHEN g % 10 = 0 THEN to_jsonb(g % 7) ELSE to_jsonb('x' || g % 3000) END)) r;
RESET work_mem;

-- evidence as of the query's snapshot, also of what the query itself has learnt
SELECT is(array_agg(DISTINCT r.alpha), ARRAY[pg_temp.alpha_of(1, 'a', 0)], 'a query sees its own snapshot')
FROM (SELECT g, bandit.update_bandit('m', '{"n": 1}', 'a', 'success') FROM generate_series(1, 5) g OFFSET 0) taught,
	LATERAL bandit.select_arms('m', '{"n": 1}', 3 + 0 * g) r WHERE r.arm = 'a';
SELECT is(max(alpha), pg_temp.alpha_of(1, 'a', 0) + 5, 'and the next query what it has learnt')
FROM bandit.select_arms('m', '{"n": 1}', 3) WHERE arm = 'a';
CREATE FUNCTION pg_temp.teach(i int) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE a float8;
BEGIN
	PERFORM bandit.update_bandit('m', '{"n": 2}', 'b', 'success');
	-- many calls, so that this query remembers as well
	SELECT max(r.alpha) INTO a FROM generate_series(1, 3) g, LATERAL bandit.select_arms('m', '{"n": 2}', 3 + 0 * g) r
	WHERE r.arm = 'b';
	RETURN a;
END $$;
SELECT is(array_agg(a ORDER BY i), (SELECT array_agg(pg_temp.alpha_of(2, 'b', 0) + i ORDER BY i) FROM generate_series(1, 50) i),
	'queries within a query see what was learnt between them')
FROM (SELECT i, pg_temp.teach(i) AS a FROM generate_series(1, 50) i) x;
SELECT is(array_agg(DISTINCT r.alpha), ARRAY[pg_temp.alpha_of(2, 'b', 0) + 50], 'the outer one does not')
FROM (SELECT i, pg_temp.teach(i) FROM generate_series(1, 50) i OFFSET 0) x,
	LATERAL bandit.select_arms('m', '{"n": 2}', 3 + 0 * i) r WHERE r.arm = 'b';

-- a setting that changes meanwhile counts from then on
CREATE FUNCTION pg_temp.disable(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF i = 20 THEN UPDATE bandit.arms SET enabled = false WHERE bandit = 'm' AND arm = 'c'; END IF;
	RETURN 0;
END $$;
SELECT is(array_agg(n ORDER BY i), (SELECT array_agg(CASE WHEN i < 20 THEN 3 ELSE 2 END::bigint ORDER BY i) FROM generate_series(1, 40) i),
	'an arm is disabled by the query itself')
FROM (SELECT i, count(r.*) AS n FROM generate_series(1, 40) i,
	LATERAL (SELECT pg_temp.disable(i) AS zero OFFSET 0) d, LATERAL bandit.select_arms('m', '{"n": 3}', 3 + d.zero) r
	GROUP BY i) x;

-- a cursor that is left in the middle, while other queries go on
DECLARE half CURSOR FOR SELECT id, r.alpha, r.arm FROM asked, LATERAL bandit.select_arms('m', context, 1) r;
MOVE 300 IN half;
SELECT is(count(*), 700::bigint, 'another query between two fetches')
FROM asked, LATERAL bandit.select_arms('o', context, 1) r;
CREATE TEMP TABLE rest (id int, alpha float8, arm text);
DO $$
DECLARE c refcursor := 'half'; r record;
BEGIN
	LOOP
		FETCH c INTO r;
		EXIT WHEN NOT FOUND;
		INSERT INTO rest VALUES (r.id, r.alpha, r.arm);
	END LOOP;
END $$;
SELECT is(count(*), 400::bigint, 'the cursor goes on') FROM rest;
SELECT is(count(*), 0::bigint, 'with the right posteriors')
FROM rest WHERE alpha <> pg_temp.alpha_of(id % 7, arm, 0)
	+ CASE WHEN id % 7 = 1 AND arm = 'a' THEN 5 WHEN id % 7 = 2 AND arm = 'b' THEN 100 ELSE 0 END;
SELECT * FROM finish();
ROLLBACK;
