-- A user's moment: every boundary, from tables whose times are of every type.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET timezone = 'UTC';

BEGIN;
CREATE TABLE films (film_id int PRIMARY KEY, genres text[]);
CREATE TABLE ratings (user_id int, film_id int, rating int, at timestamptz);
INSERT INTO films SELECT g, ARRAY['g' || g] FROM generate_series(1, 10) g;
INSERT INTO films VALUES (11, '{g1,g2}'), (12, '{}'), (13, NULL);
SELECT bandit.create_recommender('u', 'ratings', items => 'films', attributes_column => 'genres',
	time_zone => 'Europe/Berlin');
SELECT attribute_count FROM bandit.recommenders;

-- hours of the zone's clock, on both sides of a change to summer time
SELECT at, string_agg(DISTINCT bandit.user_context('u', 1, at::timestamptz) ->> 'time_period', ',')
FROM unnest('{2026-03-28 03:59:59.999999+00,2026-03-28 04:00+00,2026-03-29 02:59+00,2026-03-29 03:00+00,
	2026-03-28 10:59+00,2026-03-28 11:00+00,2026-03-29 10:00+00,2026-03-29 14:59+00,2026-03-29 15:00+00,
	2026-03-29 19:59+00,2026-03-29 20:00+00}'::text[]) at
GROUP BY at ORDER BY at::timestamptz;
SELECT at, bandit.user_context('u', 1, at::timestamptz) ->> 'day_of_week'
FROM unnest('{2026-03-27 22:59+00,2026-03-27 23:00+00,2026-03-29 21:59+00,2026-03-29 22:00+00}'::text[]) at;
UPDATE bandit.recommenders SET time_zone = 'Asia/Kolkata', period_from = '{0,1,2,24}', weekend_days = '{}';
SELECT at, bandit.user_context('u', 1, at::timestamptz) ->> 'time_period', bandit.user_context('u', 1, at::timestamptz) ->> 'day_of_week'
FROM unnest('{2026-03-28 18:29+00,2026-03-28 18:30+00,2026-03-28 19:30+00,2026-03-28 20:30+00}'::text[]) at;

-- interactions: repeated ones, ones without a time, none from that moment on
INSERT INTO ratings SELECT u, 1 + g % 10, 5, '2026-01-01 00:00+00'
FROM unnest('{4,5,99,100}'::int[]) u, generate_series(1, u) g;
SELECT u, bandit.user_context('u', u, '2026-01-01 00:00:00.000001+00') ->> 'user_type',
	bandit.user_context('u', u, '2026-01-01 00:00+00') ->> 'user_type'
FROM unnest('{0,4,5,99,100}'::int[]) u;
INSERT INTO ratings VALUES (4, 1, 5, NULL);
SELECT bandit.user_context('u', 4, '1999-01-01') ->> 'user_type', bandit.user_context('u', 4) ->> 'user_type';

-- saturation: entropy of the last 20 over the logarithm of 10, here computed
-- by other means: high below 0.70, medium below 0.80; of fewer than five
-- interactions nothing follows.  What was before the last 20 is forgotten
INSERT INTO ratings SELECT 1000 + x, CASE WHEN g <= x THEN 1 ELSE 2 + g % 9 END, 3,
	timestamptz '2026-02-01' - g * interval '1 hour'
FROM unnest('{4,8,10,11,12,20}'::int[]) x, generate_series(1, CASE x WHEN 4 THEN 4 ELSE 40 END) g;
SELECT u, bandit.user_context('u', u) ->> 'genre_saturation',
	(SELECT round((-sum(p * ln(p)) / ln(10.0))::numeric, 3) FROM (
		SELECT count(*) / sum(count(*)) OVER () AS p FROM (
			SELECT film_id FROM ratings WHERE user_id = u ORDER BY at DESC LIMIT 20) last
		GROUP BY film_id) e)
FROM unnest('{1004,1008,1010,1011,1012,1020}'::int[]) u;
-- an item shares one between its genres; without genres it says nothing
INSERT INTO ratings SELECT u, f, 3, '2026-02-01' FROM generate_series(1, 10) g,
	(VALUES (2001, 11), (2001, 1), (2002, 12), (2002, 13), (2003, 12), (2003, 1)) v(u, f);
UPDATE bandit.recommenders SET saturation_from = '{0.2,0.3}';
SELECT u, bandit.user_context('u', u) ->> 'genre_saturation' FROM generate_series(2001, 2003) u;

-- sessions: requests no further apart than the gap, the last one counted from
-- now; the list of a control is a request too
UPDATE bandit.recommenders SET session_from = '{1,3}', session_gap = '10 minutes';
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at,
	arms, alphas, betas, picks, items, item_arms)
SELECT bandit.first_decision_id(at), b, 0, subject, variant, at, '{}', '{}', '{}', '{}', '{}', '{}'
FROM (VALUES ('u', '7', 'treatment', '2026-05-01 12:00+00'), ('u', '7', 'control', '2026-05-01 12:10+00'),
	('u', '7', 'treatment', '2026-05-01 12:20+00'), ('u', '8', 'treatment', '2026-05-01 12:19+00'),
	('else', '7', 'treatment', '2026-05-01 12:21+00')) v(b, subject, variant, at_text),
	LATERAL (SELECT at_text::timestamptz AS at) t;
SELECT at, bandit.user_context('u', 7, at::timestamptz) ->> 'session_position'
FROM unnest('{2026-05-01 12:00+00,2026-05-01 12:00:00.000001+00,2026-05-01 12:20+00,2026-05-01 12:20:01+00,
	2026-05-01 12:30+00,2026-05-01 12:30:00.000001+00}'::text[]) at;
UPDATE bandit.recommenders SET session_gap = '9 minutes 59.999999 seconds';
SELECT bandit.user_context('u', 7, '2026-05-01 12:20:01+00') ->> 'session_position';

-- times as they come: Unix seconds, dates; none at all
CREATE TABLE seconds (user_id int, film_id int, rating int, "timestamp" bigint);
INSERT INTO seconds SELECT 1, g, 5, 1767225600 FROM generate_series(1, 5) g;
CREATE TABLE days (user_id int, film_id int, rating int, created_at date);
INSERT INTO days SELECT 1, g, 5, '2026-01-01' FROM generate_series(1, 5) g;
CREATE TABLE timeless (user_id int, film_id int);
INSERT INTO timeless SELECT 1, g FROM generate_series(1, 5) g;
SELECT bandit.create_recommender(t::text, t, items => 'films', features => '{user_type}')
FROM unnest('{seconds,days,timeless}'::regclass[]) t;
SELECT t, time_column, at, bandit.user_context(t, 1, at::timestamptz) ->> 'user_type'
FROM unnest('{seconds,days,timeless}'::text[]) t JOIN bandit.recommenders ON bandit = t,
	unnest('{2026-01-01 00:00+00,2026-01-01 00:00:01+00}'::text[]) at;

-- refusals
SELECT bandit.user_context('u', NULL::bigint);
SELECT bandit.user_context('u', 1, NULL);
SELECT bandit.user_context('u', 1, 'infinity');
SELECT bandit.user_context('nobody', 1);
\set VERBOSITY terse
UPDATE bandit.recommenders SET period_from = '{5,5,6,7}';
UPDATE bandit.recommenders SET session_from = '{0,1}';
UPDATE bandit.recommenders SET weekend_days = '{0}';
ROLLBACK;
