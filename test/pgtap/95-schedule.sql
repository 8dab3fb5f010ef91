-- Schedules: what is asked for, and mistakes.  Jobs that run are a test with a server of their own.
BEGIN;
SELECT plan(9);
SET LOCAL client_min_messages = error;
SELECT bandit.create_bandit('p', '{a,b}');
CREATE TABLE ratings (user_id int, item_id int, rating int);
SELECT bandit.create_recommender('films', 'ratings');
SELECT throws_ok($$SELECT * FROM bandit.schedule('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT * FROM bandit.schedule(NULL)$$, '22004', NULL, 'no name');
SELECT throws_ok($$SELECT * FROM bandit.unschedule(NULL)$$, '22004', NULL, 'nor here');
SELECT throws_ok($$SELECT * FROM bandit.schedule('p', retention => '-1 day')$$, '22023', NULL, 'no retention');
SELECT results_eq($$SELECT regexp_replace(job, '.* ', ''), schedule FROM bandit_internal.jobs('films', 'm', 's', 'g', 't', 'u', '1 day')$$,
	$$VALUES ('settle', 's'), ('guard', 'g'), ('health', 'm'), ('train', 't'), ('priors', 'u'), ('fold', 'u'), ('partitions', 'u'), ('retention', 'u'), ('history', 'u')$$, 'jobs of a recommender');
SELECT results_eq($$SELECT regexp_replace(job, '.* ', '') FROM bandit_internal.jobs('p', 'm', NULL, 'g', 't', 'u', NULL) WHERE schedule IS NOT NULL$$,
	$$VALUES ('guard'), ('health'), ('priors'), ('fold'), ('history')$$, 'and of a plain bandit');
CREATE FUNCTION runs(command text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; RETURN true; END $$;
SELECT ok(bool_and(runs(command)), 'each command is one that runs') FROM bandit_internal.jobs('p', 'm', 's', 'g', 't', 'u', '1 day') WHERE command NOT LIKE '%cron%' AND schedule IS NOT NULL;
SELECT is(bandit_internal.like_prefix('a!b%c_d'), 'a!!b!%c!_d%', 'what begins with it');
SELECT bandit.drop_bandit('p');
SELECT is((SELECT count(*) FROM bandit.bandits WHERE name = 'p'), 0::bigint, 'dropped without pg_cron');
SELECT * FROM finish();
ROLLBACK;
