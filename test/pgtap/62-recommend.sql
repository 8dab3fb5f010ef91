-- Recommendations: contexts, arms, lists, keys of every type.
BEGIN;
SELECT plan(66);
SET LOCAL client_min_messages = error;

CREATE SCHEMA "Odd "" schema";
CREATE TABLE "Odd "" schema"."The Films" ("Film Id" int PRIMARY KEY, "Title" text, "Genres" text);
INSERT INTO "Odd "" schema"."The Films"
SELECT g, 'film ' || g, CASE WHEN g <= 30 THEN 'a' ELSE 'b|c' END FROM generate_series(1, 60) g;
CREATE TABLE "Odd "" schema"."Stars!" ("userId" bigint, "Film Id" int
	REFERENCES "Odd "" schema"."The Films", "Rating" real, "rated at" timestamptz);
CREATE INDEX ON "Odd "" schema"."Stars!" ("userId");
CREATE FUNCTION "Odd "" schema"."my arm"(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql STABLE AS $$SELECT g, g FROM generate_series(1, 60) g$$;
CREATE FUNCTION failing(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE plpgsql AS $$BEGIN RAISE division_by_zero; END$$;
CREATE FUNCTION odd_rows(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS $$VALUES (7, 1::float8), (7, 9), (NULL, 5), (8, 'NaN'), (9, 'Infinity'), (10, NULL), (11, 2)$$;
SELECT bandit.create_recommender('it''s "m"', '"Odd "" schema"."Stars!"', items => '"Odd "" schema"."The Films"',
	arms => '{}', time_column => 'rated at', time_zone => 'America/New_York');
SELECT bandit.add_arm('it''s "m"', 'my "arm"', '"Odd "" schema"."my arm"(bigint,int)');

-- empty tables, unknown users
SELECT is(bandit.user_context('it''s "m"', 1, '2026-11-23 14:30+00'),
	'{"time_period": "morning", "day_of_week": "weekday", "user_type": "cold_start",
	  "genre_saturation": "low", "session_position": "start"}', 'nobody in particular');
SELECT results_eq($$SELECT item_id FROM bandit.recommend('it''s "m"', 1, 4)$$,
	$$VALUES (60::bigint), (59), (58), (57)$$, 'hostile names are no trouble');

-- time, by the recommender's zone: New York is at -05
SELECT is(bandit.user_context('it''s "m"', 1, t::timestamptz) ->> 'time_period', want, t)
FROM (VALUES ('2026-11-23 09:59:59.999+00', 'night'), ('2026-11-23 10:00+00', 'morning'),
	('2026-11-23 17:00+00', 'afternoon'), ('2026-11-23 22:00+00', 'evening'),
	('2026-11-24 02:59+00', 'evening'), ('2026-11-24 03:00+00', 'night'),
	('2026-11-23 05:00+00', 'night')) v(t, want);
SELECT is(bandit.user_context('it''s "m"', 1, t::timestamptz) ->> 'day_of_week', want, t)
FROM (VALUES ('2026-11-21 04:59+00', 'weekday'), ('2026-11-21 05:00+00', 'weekend'),
	('2026-11-23 04:59+00', 'weekend'), ('2026-11-23 05:00+00', 'weekday')) v(t, want);

-- user types and saturation; only rows strictly before the moment count
INSERT INTO "Odd "" schema"."Stars!" SELECT 4, g, 5, '2026-01-01' FROM generate_series(1, 4) g;
INSERT INTO "Odd "" schema"."Stars!" SELECT 5, g, 5, '2026-01-01' FROM generate_series(1, 5) g;
INSERT INTO "Odd "" schema"."Stars!" SELECT 99, 1 + g % 60, 5, '2026-01-01' FROM generate_series(1, 99) g;
INSERT INTO "Odd "" schema"."Stars!" SELECT 100, 1 + g % 60, 5, '2026-01-01' FROM generate_series(1, 100) g;
SELECT is(bandit.user_context('it''s "m"', u) ->> 'user_type', want, u || ' interactions')
FROM (VALUES (4, 'cold_start'), (5, 'regular'), (99, 'regular'), (100, 'power_user')) v(u, want);
SELECT is(bandit.user_context('it''s "m"', 100, '2026-01-01') ->> 'user_type', 'cold_start', 'strictly before');
SELECT is(bandit.user_context('it''s "m"', 100, '2026-01-01 00:00:01+00') ->> 'user_type', 'power_user');
-- three attributes exist: {a} has entropy 0; 10 a and 10 b|c have 1/2, 1/4, 1/4:
-- 1.0397 / ln 3 = 0.946; 16 a and 4 b|c 0.8, 0.1, 0.1: 0.582; 14 and 6: 0.746
INSERT INTO "Odd "" schema"."Stars!"
SELECT u, CASE WHEN g <= na THEN g ELSE 30 + g END, 3, '2026-01-01'
FROM (VALUES (201, 20), (202, 10), (203, 16), (204, 14)) v(u, na), generate_series(1, 20) g;
SELECT is(bandit.user_context('it''s "m"', u) ->> 'genre_saturation', want, 'saturation of ' || u)
FROM (VALUES (4, 'low'), (5, 'high'), (201, 'high'), (202, 'low'), (203, 'high'), (204, 'medium')) v(u, want);
UPDATE bandit.recommenders SET saturation_from = '{0.5,0.7}', user_type_from = '{3,4}';
SELECT is(bandit.user_context('it''s "m"', 203) ->> 'genre_saturation', 'medium', 'thresholds are settings');
SELECT is(bandit.user_context('it''s "m"', 4) ->> 'user_type', 'power_user', 'so are these');
-- sessions: recommend is a request
SELECT count(*) FROM bandit.recommend('it''s "m"', 7, 1) \g /dev/null
SELECT is(bandit.user_context('it''s "m"', 7, clock_timestamp()) ->> 'session_position', 'start', 'one request so far');
SELECT count(*) FROM bandit.recommend('it''s "m"', 7, 1) \g /dev/null
SELECT is(bandit.user_context('it''s "m"', 7, clock_timestamp()) ->> 'session_position', 'middle', 'two');
SELECT count(*) FROM generate_series(1, 7) g, LATERAL bandit.recommend('it''s "m"', 7 + 0 * g, 1) \g /dev/null
SELECT is(bandit.user_context('it''s "m"', 7, clock_timestamp()) ->> 'session_position', 'late', 'nine');
SELECT is(bandit.user_context('it''s "m"', 7, clock_timestamp() + interval '31 minutes') ->> 'session_position', 'start', 'a new session');
SELECT is(bandit.user_context('it''s "m"', 7, now() - interval '1 hour') ->> 'session_position', 'start', 'before them');
UPDATE bandit.bandits SET features = '{user_type}';
SELECT is(bandit.user_context('it''s "m"', 4), '{"user_type": "power_user"}', 'only what the bandit declares');

-- lists: full, no item twice, none seen, in order, credited
INSERT INTO "Odd "" schema"."Stars!" SELECT 300, g, 5, '2026-01-01' FROM generate_series(50, 60) g;
SELECT results_eq($$SELECT item_id FROM bandit.recommend('it''s "m"', 300, 3)$$,
	$$VALUES (49::bigint), (48), (47)$$, 'what was seen is left out');
SELECT is((SELECT count(*) FROM bandit.recommend('it''s "m"', 300, 100)), 49::bigint, 'all there is');
UPDATE bandit.recommenders SET exclude_seen = false;
SELECT is((SELECT item_id FROM bandit.recommend('it''s "m"', 300, 1)), 60::bigint, 'unless the setting says so');
UPDATE bandit.recommenders SET exclude_seen = true;
SELECT bandit.add_arm('it''s "m"', 'bad', 'failing(bigint,int)');
SELECT is((SELECT count(DISTINCT item_id) || ' ' || bool_and(position BETWEEN 1 AND 20) || ' ' || bool_and(arm = 'my "arm"')
	FROM bandit.recommend('it''s "m"', 1, 20)), '20 true true', 'an arm that raises is skipped, the list is full');
SELECT throws_ok($$SELECT * FROM bandit.candidates('it''s "m"', 'bad', 1)$$, '22012', NULL, 'candidates shows the error');
SET LOCAL bandit.arm_error_level = error;
SELECT throws_ok($$SELECT count(*) FROM generate_series(1, 20) g, LATERAL bandit.recommend('it''s "m"', 1 + 0 * g, 20)$$, '22012', NULL, 'so does recommend at level error');
RESET bandit.arm_error_level;
SELECT bandit.set_arm('it''s "m"', 'my "arm"', false);
SELECT is((SELECT string_agg(DISTINCT arm, ',') || count(*) FROM bandit.recommend('it''s "m"', 1, 20)), 'hybrid20',
	'with no arm left, the control fills the list');
SELECT bandit.add_arm('it''s "m"', 'odd', 'odd_rows(bigint,int)');
SELECT results_eq($$SELECT item_id, score FROM bandit.candidates('it''s "m"', 'odd', 1)$$,
	$$VALUES (7::bigint, 9::float8), (11, 2)$$, 'rows without sense are dropped, an item stays once');
SELECT is((SELECT string_agg(DISTINCT arm || variant, ',') FROM bandit.recommend('it''s "m"', 1, 20, false)),
	'hybridcontrol', 'the control side');
CREATE TEMP TABLE served AS SELECT * FROM bandit.recommend('it''s "m"', 1, 12);
SELECT is((SELECT array_agg(item_id ORDER BY position) FROM served), d.items, 'the log has the items')
FROM bandit.decisions d WHERE decision_id = (SELECT decision_id FROM served LIMIT 1);
SELECT is((SELECT array_agg(arm ORDER BY position) FROM served), d.item_arms::text[], 'and who brought them')
FROM bandit.decisions d WHERE decision_id = (SELECT decision_id FROM served LIMIT 1);

-- blending obeys the weights: after every prefix within one item
CREATE FUNCTION upper_half(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS $$SELECT g, g FROM generate_series(1000, 1999) g$$;
CREATE FUNCTION lower_half(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS $$SELECT g, g FROM generate_series(3000, 3999) g$$;
SELECT bandit.remove_arm('it''s "m"', a) FROM unnest('{bad,odd}'::text[]) a;
SELECT bandit.add_arm('it''s "m"', 'up', 'upper_half(bigint,int)'), bandit.add_arm('it''s "m"', 'down', 'lower_half(bigint,int)');
SELECT ok(count(*) = 20 * 50 AND bool_and(abs(given - weight * position) < 1), 'every prefix of 20 lists is within one item of its weights')
FROM (SELECT r.*, count(*) OVER (PARTITION BY g, arm ORDER BY position) AS given
	FROM generate_series(1, 20) g, LATERAL bandit.recommend('it''s "m"', 1 + 0 * g, 50) r) x;

-- bad input
SELECT throws_ok(format('SELECT * FROM bandit.recommend(''it''''s "m"'', %s)', args), code)
FROM (VALUES ('1, 0', '22023'), ('1, 10001', '22023'), ('NULL::bigint', '22004'), ('1, NULL', '22004'),
	('1, 5, NULL, ''{"x": 1}''', '22023'), ('1, 5, NULL, ''[]''', '22023')) v(args, code);
SELECT throws_ok($$SELECT * FROM bandit.recommend('nobody', 1)$$, '42704');
SELECT throws_ok($$SELECT * FROM bandit.recommend('it''s "m"', user_key => 'x')$$, '42809');
SELECT throws_ok($$SELECT * FROM bandit.candidates('it''s "m"', 'none', 1)$$, '42704');

-- keys that are uuid
CREATE TABLE things (id uuid PRIMARY KEY, tags text[]);
INSERT INTO things SELECT ('00000000-0000-0000-0000-' || lpad(g::text, 12, '0'))::uuid, '{t}' FROM generate_series(1, 9) g;
CREATE TABLE likes (user_id uuid, thing_id uuid REFERENCES things);
CREATE FUNCTION by_key(user_key text, n int) RETURNS TABLE (item_key text, score float8)
	LANGUAGE sql STABLE AS 'SELECT id::text, 1 / extract(epoch FROM now())::float8 FROM things ORDER BY id LIMIT 4';
SELECT bandit.create_recommender('u', 'likes', items => 'things', features => '{}');
SELECT bandit.add_arm('u', 'mine', 'by_key(text,int)');
SELECT bandit.watch('u', 'likes', 'click');
INSERT INTO likes SELECT '10000000-0000-0000-0000-00000000000a', id FROM things ORDER BY id LIMIT 2;
SELECT count(*) FROM bandit.train('u') \g /dev/null
SELECT is((SELECT count(DISTINCT t.id) FROM bandit.recommend('u', '10000000-0000-0000-0000-00000000000A', 20) r
	JOIN things t ON t.id::text = r.item_key), 7::bigint, 'uuid keys: every unseen item, by its key, whatever the user''s spelling');
INSERT INTO likes SELECT '10000000-0000-0000-0000-00000000000a', item_keys[1]::uuid FROM bandit.decisions WHERE bandit = 'u';
SELECT is((SELECT count(*) FROM bandit.feedback WHERE bandit = 'u'), 1::bigint, 'the trigger finds what was served');
SELECT is(bandit.feedback('u', '10000000-0000-0000-0000-00000000000a', item_keys[2], 'thumbs_up'), true, 'so does a call')
FROM bandit.decisions WHERE bandit = 'u';
SELECT throws_ok($$SELECT * FROM bandit.recommend('u', 1)$$, '42809');
SELECT throws_ok($$SELECT * FROM bandit.recommend('u', 'no uuid')$$, '22P02');

-- keys that are text, whatever is in them
CREATE TABLE songs (code varchar(20) PRIMARY KEY, name text);
INSERT INTO songs VALUES ('a', 'A'), ('B''"', 'B'), ('ünï ☃', 'C'), ('', 'D');
CREATE TABLE plays (listener text, song varchar(20) REFERENCES songs);
SELECT bandit.create_recommender('t', 'plays', items => 'songs', user_column => 'listener',
	item_column => 'song', features => '{}');
SELECT bandit.watch('t', 'plays', 'click');
INSERT INTO plays VALUES ('O''Hara', 'a');
SELECT set_eq($$SELECT item_key FROM bandit.recommend('t', 'O''Hara', 9)$$,
	ARRAY['B''"', 'ünï ☃', ''], 'text keys');
SELECT is(bandit.feedback('t', 'O''Hara', 'ünï ☃', 'click'), true, 'responses to them');
-- smallint, through a domain
CREATE DOMAIN tiny AS smallint;
CREATE TABLE likings (user_id tiny, item_id smallint);
INSERT INTO likings VALUES (1, 7), (2, 8);
SELECT bandit.create_recommender('d', 'likings', features => '{}');
SELECT results_eq($$SELECT item_id FROM bandit.recommend('d', 1, 9)$$, $$VALUES (8::bigint)$$,
	'domains over smallint, and no table of items');

-- read only: served, not logged

-- times that are numbers, and such that are no Unix seconds
CREATE TABLE ticks (user_id int, item_id int, at bigint);
INSERT INTO ticks SELECT 1, g, 1700000000 + g FROM generate_series(1, 9) g;
INSERT INTO ticks VALUES (2, 1, 9223372036854775807), (2, 2, -9223372036854775808), (2, 3, 1700000000000000), (2, 4, NULL);
SELECT bandit.create_recommender('ticks', 'ticks', arms => '{}', features => '{user_type}');
SELECT is((SELECT array_agg(bandit.user_context('ticks', 1, to_timestamp(at)) ->> 'user_type' ORDER BY at) FROM unnest('{1700000005,1700000006}'::bigint[]) at),
	'{cold_start,regular}', 'Unix seconds, strictly before');
SELECT lives_ok($$SELECT count(*) FROM bandit.recommend('ticks', 2, 5)$$, 'numbers that are no time stop nobody');
SELECT is((SELECT array_agg(item_id ORDER BY item_id) FROM bandit.recommend('ticks', 2, 20)), '{5,6,7,8,9}', 'and such items were seen');
SET transaction_read_only = on;
SELECT ok(count(*) = 20 AND count(decision_id) = 0, 'in a read-only transaction a list, and no decision')
FROM bandit.recommend('it''s "m"', 1, 20);
SELECT * FROM finish();
ROLLBACK;
