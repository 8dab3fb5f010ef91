-- Schedules: what is asked for, and mistakes.  Jobs that run are a test with a server of their own.
BEGIN;
SELECT plan(14);
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
-- pg_cron keeps 63 bytes of a job's name
SELECT bandit.create_bandit(repeat('n', 63), '{a,b}'), bandit.create_bandit(repeat('n', 62) || 'm', '{a,b}'), bandit.create_bandit(repeat('ü"', 21), '{a,b}');
SELECT is(count(DISTINCT j.job::name), 18::bigint, 'jobs of long names are told apart') FROM bandit.bandits b, bandit_internal.jobs(b.name, 'm', 's', 'g', 't', 'u', '1 day') j WHERE length(b.name) > 40 AND j.job LIKE '%.%';
SELECT is(count(*), 0::bigint, 'and none is cut') FROM bandit.bandits b, bandit_internal.jobs(b.name, 'm', 's', 'g', 't', 'u', '1 day') j WHERE octet_length(j.job) > 63;
SELECT ok(bool_and(j.job LIKE bandit_internal.like_prefix(bandit_internal.job_prefix(b.name)) ESCAPE '!'), 'they begin as unschedule has it') FROM bandit.bandits b, bandit_internal.jobs(b.name, 'm', 's', 'g', 't', 'u', '1 day') j WHERE j.command LIKE '%' || quote_literal(b.name) || '%';
SELECT is(bandit_internal.job_prefix('a b'), format('bandit %s."a b" ', current_database()), 'short names are whole');
SELECT is(octet_length(bandit_internal.cut_name(repeat('ü', 30), 24)), 23, 'cut between letters');
SELECT bandit.drop_bandit('p');
SELECT is((SELECT count(*) FROM bandit.bandits WHERE name = 'p'), 0::bigint, 'dropped without pg_cron');
SELECT * FROM finish();
ROLLBACK;
