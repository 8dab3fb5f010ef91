-- Statements of many rows teach what the same rows teach one by one.
BEGIN;
SELECT plan(51);
SET LOCAL client_min_messages = warning;

-- A key of a type for a number.
CREATE FUNCTION pg_temp.key_of(type text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE type WHEN 'uuid' THEN '00000000-0000-4000-8000-' || lpad(n::text, 12, '0')
		WHEN 'text' THEN 'key ' || n ELSE n::text END $$;

-- Decisions of a bandit: users of whom n % 4 is 0 have none, 1 one, 2 an old
-- one, 3 two; user 39 has more than are remembered.
CREATE FUNCTION pg_temp.decide(bandit text, type text) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at,
		arms, alphas, betas, picks, items, item_arms)
	SELECT bandit.first_decision_id(now() - d.age), bandit, 0, pg_temp.key_of(type, u), 'treatment', now() - d.age,
		'{a,b}', '{1,1}', '{1,1}', '{a,b}', i.items, array_fill(d.arm, ARRAY[cardinality(i.items)])
	FROM generate_series(1, 40) u, LATERAL (
		SELECT 1, 10, 'a', interval '1 hour' + u * interval '1 s' WHERE u % 4 = 1
		UNION ALL SELECT 1, 10, 'b', interval '40 hours' + u * interval '1 s' WHERE u % 4 = 2
		UNION ALL SELECT 1, 6, 'a', interval '2 hours' + u * interval '1 s' WHERE u % 4 = 3
		UNION ALL SELECT 5, 12, 'b', interval '1 hour' + u * interval '1 s' WHERE u % 4 = 3
		UNION ALL SELECT 13, 14, 'a', interval '3 hours' + g * interval '1 min' FROM generate_series(1, 110) g WHERE u = 39
	) AS d (low, high, arm, age), LATERAL (
		SELECT array_agg(CASE type WHEN 'bigint' THEN n ELSE bandit.key_id(pg_temp.key_of(type, n)) END) AS items
		FROM generate_series(d.low, d.high) n) i $$;

-- Two tables, watched by a bandit each, and the rows that come to them.
CREATE TABLE source (id int PRIMARY KEY, u int, i int, value numeric);
INSERT INTO source SELECT row_number() OVER (ORDER BY i, u), CASE WHEN (u + i) % 13 > 0 THEN u END, CASE WHEN u * i % 17 > 0 THEN i END,
	CASE WHEN (u + i) % 11 > 0 THEN (u * 7 + i * 3) % 5 + 1 END
FROM generate_series(1, 40) u, generate_series(1, 16) i;
CREATE FUNCTION change_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id % 19 = 0 THEN RETURN NULL; END IF;
	IF NEW.value = 3 THEN NEW.value := 4.5; END IF;
	RETURN NEW;
END $$;
CREATE FUNCTION pg_temp.make_world(world text, type text, partitioned boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['one_' || world, 'many_' || world] LOOP
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, user_id %2$s, item_id %2$s, value numeric, note text)', name, type)
			|| CASE WHEN partitioned THEN 'PARTITION BY RANGE (id)' ELSE '' END;
		IF partitioned THEN
			EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (0) TO (300)', name || '_1', name);
		END IF;
		PERFORM bandit.create_recommender(name, name::regclass, arms => '{}', features => '{}');
		PERFORM bandit.watch(name, name::regclass, 'rating');
		IF partitioned THEN
			EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', name || '_2', name);
		END IF;
		EXECUTE format('CREATE TRIGGER change_row BEFORE INSERT OR UPDATE ON %I FOR EACH ROW EXECUTE FUNCTION change_row()', name);
		PERFORM pg_temp.decide(name, type);
	END LOOP;
END $$;

-- Run a statement for all rows of the source at once, and for each of them.
CREATE FUNCTION pg_temp.play(world text, type text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows text := format('(SELECT s.id, pg_temp.key_of(%1$L, s.u)::%1$s AS user_id, pg_temp.key_of(%1$L, s.i)::%1$s AS item_id, s.value'
		' FROM source s WHERE s.id BETWEEN $1 AND $2 ORDER BY s.id)', type);
BEGIN
	EXECUTE format(statement, 'many_' || world, rows) USING 1, 1000;
	FOR id IN 1..640 LOOP
		EXECUTE format(statement, 'one_' || world, rows) USING id, id;
	END LOOP;
	RETURN results_eq(
		format($q$SELECT decision_id, item_id, kind, arm, value, reward, successes, failures, pulls
			FROM bandit.feedback WHERE bandit = %L ORDER BY decision_id, item_id$q$, 'many_' || world),
		format($q$SELECT decision_id, item_id, kind, arm, value, reward, successes, failures, pulls
			FROM bandit.feedback WHERE bandit = %L ORDER BY decision_id, item_id$q$, 'one_' || world),
		concat_ws(' ', world, (SELECT count(*) FROM bandit.feedback WHERE bandit = 'many_' || world), 'learnt by', statement));
END $$;

SELECT pg_temp.make_world(w, t, w = 'parts')
FROM (VALUES ('bigint', 'bigint'), ('uuid', 'uuid'), ('text', 'text'), ('parts', 'bigint')) AS x (w, t);
SELECT pg_temp.play(w, t, s)
FROM (VALUES ('bigint', 'bigint'), ('uuid', 'uuid'), ('text', 'text'), ('parts', 'bigint')) AS x (w, t),
	unnest(ARRAY[
		'INSERT INTO %s SELECT r.* FROM %s r',
		'UPDATE %s t SET value = 6 - r.value FROM %s r WHERE t.id = r.id AND r.id %% 3 > 0',
		'UPDATE %s t SET note = ''x'' FROM %s r WHERE t.id = r.id',
		'UPDATE %s t SET item_id = r.user_id FROM %s r WHERE t.id = r.id AND (r.id - 1) %% 40 > 15 AND r.id %% 2 = 0',
		'UPDATE %s t SET item_id = r.item_id, value = 1 FROM %s r WHERE t.id = r.id AND r.id %% 4 = 0',
		'UPDATE %s t SET value = NULL FROM %s r WHERE t.id = r.id AND r.id %% 5 = 0',
		'DELETE FROM %s t USING %s r WHERE t.id = r.id AND r.id %% 4 = 1',
		'MERGE INTO %s t USING %s r ON t.id = r.id WHEN MATCHED AND r.id %% 3 = 0 THEN DELETE'
			' WHEN MATCHED THEN UPDATE SET value = 5 WHEN NOT MATCHED THEN INSERT VALUES (r.id, r.user_id, r.item_id, 1)',
		'INSERT INTO %s SELECT r.* FROM %s r ON CONFLICT (id) DO UPDATE SET value = excluded.value - 1'
	]) s;
SELECT is((SELECT count(*) > 20 FROM bandit.feedback WHERE bandit = 'many_' || w), true, w || ': something was learnt')
FROM unnest('{bigint,uuid,text,parts}'::text[]) w;
SELECT is((SELECT count(*) FROM unnest('{bigint,uuid,text,parts}'::text[]) w, bandit.verify('many_' || w)), 0::bigint,
	'the ledger agrees');

-- a row that moves to another partition keeps what it taught
SELECT pg_temp.play('parts', 'bigint', 'UPDATE %s t SET id = t.id + 5000 FROM %s r WHERE t.id = r.id');

-- what was learnt is changed and taken back when the window has long passed
UPDATE bandit.bandits SET attribution_window = '30 minutes' WHERE name LIKE '%bigint';
SELECT pg_temp.play('bigint', 'bigint', s) FROM unnest(ARRAY[
	'UPDATE %s t SET value = r.value FROM %s r WHERE t.id = r.id',
	'DELETE FROM %s t USING %s r WHERE t.id = r.id AND (r.id - 1) / 40 %% 2 = 0',
	'MERGE INTO %s t USING %s r ON t.id = r.id WHEN MATCHED AND r.id %% 3 = 0 THEN DELETE'
		' WHEN MATCHED THEN UPDATE SET value = coalesce(5.5 - t.value, 2) WHEN NOT MATCHED THEN INSERT VALUES (r.id, r.user_id, r.item_id, 1)']) s;
UPDATE bandit.bandits SET attribution_window = DEFAULT WHERE name LIKE '%bigint';

-- COPY
DELETE FROM many_bigint;
SELECT is(count(*), 0::bigint, 'what is deleted is un-learnt') FROM bandit.feedback WHERE bandit = 'many_bigint';
COPY many_bigint (id, user_id, item_id, value) FROM stdin;
1	4	1	5
2	4	2	5
3	8	1	5
4	8	2	5
5	12	1	5
6	1	1	5
7	1	20	5
8	1	2	1
9	5	3	\N
10	3	5	4
11	7	6	2
12	2	1	5
13	5	4	5
14	5	4	1
\.
SELECT is(string_agg(concat_ws(' ', d.subject, f.item_id, f.arm, f.value), ', ' ORDER BY d.subject, f.item_id),
	'1 1 a 5, 1 2 a 1, 3 5 b 4, 5 4 a 1, 7 6 b 2', 'COPY teaches, in the order of its rows')
FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit) WHERE f.bandit = 'many_bigint';

-- what is remembered is forgotten with the statement
CREATE FUNCTION pg_temp.load(first_id int) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM many_bigint WHERE user_id IN (44, 48);
	INSERT INTO many_bigint SELECT first_id + g, CASE WHEN g = 20 THEN 44 ELSE 48 END, CASE WHEN g = 20 THEN 3 ELSE g END, 5
	FROM generate_series(1, 30) g WHERE (first_id + g) % 19 > 0;
	RETURN (SELECT count(*) FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id, bandit)
		WHERE f.bandit = 'many_bigint' AND d.subject = '44');
END $$;
SELECT is(pg_temp.load(2001), 0::bigint, 'nobody recommended it');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
VALUES (bandit.first_decision_id(now()), 'many_bigint', 0, '44', 'treatment', now(), '{a}', '{1}', '{1}', '{a}', '{3}', '{a}');
SELECT is(pg_temp.load(2001), 1::bigint, 'a decision of this transaction is seen by the next statement');

-- a replica's session fires no triggers but those that are told to
SET LOCAL session_replication_role = replica;
SELECT pg_temp.load(3000) AS loaded \gset
RESET session_replication_role;
SELECT is(:loaded::int, 1, 'a replica''s session learns and un-learns nothing');

-- plans that are made anew, where the planner would rather scan a table
ANALYZE bandit.decisions_default;
SET LOCAL random_page_cost = 1e6;
SET LOCAL jit = off;
SELECT pg_stat_get_xact_numscans('bandit.decisions_default'::regclass) AS scans \gset
INSERT INTO many_bigint VALUES (5000, 1, 3, 5);
INSERT INTO many_bigint SELECT 5000 + g, g, 7, 5 FROM generate_series(1, 18) g;
UPDATE many_bigint SET value = 1 WHERE id > 5000;
SELECT is(pg_stat_get_xact_numscans('bandit.decisions_default'::regclass), :scans::bigint,
	'decisions are found through an index, whatever the planner likes');
RESET random_page_cost;

SELECT * FROM finish();
ROLLBACK;
