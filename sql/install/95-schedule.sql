-- The clockwork: jobs of pg_cron, wherever in the cluster it lives.

CREATE FUNCTION bandit_internal.like_prefix(prefix text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT regexp_replace(prefix, '([!%_])', E'!\\1', 'g') || '%';
END;
COMMENT ON FUNCTION bandit_internal.like_prefix(text) IS
'A pattern for LIKE, with ! as its escape, of what begins with "prefix".';

CREATE FUNCTION bandit_internal.cut_name(name text, bytes int)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN octet_length(name) <= bytes THEN name
		ELSE (SELECT left(name, max(n)) FROM generate_series(0, bytes - 9) n
				WHERE octet_length(left(name, n)) <= bytes - 9)
			|| '~' || left(to_hex(bandit.key_id(name)), 8) END;
END;
COMMENT ON FUNCTION bandit_internal.cut_name(text, int) IS
'The name, or as much of it as leaves room for ~ and the head of bandit.key_id of it within so many bytes.';

CREATE FUNCTION bandit_internal.job_prefix(name text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- "bandit ", database, ".", bandit, " " and six letters fit into 63 bytes
	SELECT 'bandit ' || d.database || coalesce('.' || bandit_internal.cut_name(
		quote_ident(job_prefix.name), 48 - octet_length(d.database)), '') || ' '
	FROM (SELECT bandit_internal.cut_name(quote_ident(current_database()), 24)) AS d (database);
END;
COMMENT ON FUNCTION bandit_internal.job_prefix(text) IS
'What the names of a bandit''s jobs begin with, of those for all bandits of the database where the name is NULL. pg_cron would silently cut job names after 63 bytes, and take jobs that are then called alike for one.';

CREATE FUNCTION bandit_internal.jobs(name text, monitoring text, settlement text,
	guarding text, training text, maintenance text, retention interval,
	OUT job text, OUT schedule text, OUT command text)
RETURNS SETOF record
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT bandit_internal.job_prefix(jobs.name) || j.what, j.schedule, j.command
	FROM (VALUES
		(1, 'settle', settlement, format('SELECT bandit.settle(%L)', jobs.name)),
		(2, 'guard', guarding, format('SELECT * FROM bandit.guard(%L)', jobs.name)),
		(3, 'health', monitoring, format('SELECT * FROM bandit.check_health(%L)', jobs.name)),
		(4, 'train', (SELECT training FROM bandit.recommenders r WHERE r.bandit = jobs.name),
			format('SELECT * FROM bandit.train(%L)', jobs.name)),
		(5, 'priors', maintenance, format('SELECT bandit.refresh_priors(%L)', jobs.name)),
		(6, 'fold', maintenance, format('SELECT bandit.fold(%L)', jobs.name))
	) AS j (place, what, schedule, command)
	UNION ALL
	-- for all bandits of the database
	SELECT bandit_internal.job_prefix(NULL) || j.what,
		CASE WHEN j.place = 3 OR retention IS NOT NULL THEN maintenance END, j.command
	FROM (VALUES
		(1, 'partitions', 'SELECT bandit.make_partitions()'),
		(2, 'retention', format('SELECT bandit.drop_partitions(%L)', retention)),
		(3, 'history', format('DELETE FROM cron.job_run_details d USING cron.job j WHERE j.jobid = d.jobid AND j.username = current_user AND (j.jobname LIKE %L ESCAPE ''!'' OR j.jobname LIKE %L ESCAPE ''!'') AND d.end_time < now() - interval ''7 days''',
			bandit_internal.like_prefix(rtrim(bandit_internal.job_prefix(NULL), ' ') || '.'),
			bandit_internal.like_prefix(bandit_internal.job_prefix(NULL))))
	) AS j (place, what, command);
END;

COMMENT ON FUNCTION bandit_internal.jobs(text, text, text, text, text, text, interval) IS
'The jobs of a bandit and those of the database, with the times given; a schedule that is null is not wanted.';

CREATE FUNCTION bandit_internal.cron_database()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT CASE WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron')
		THEN current_database()::text
		ELSE (SELECT s.setting FROM pg_settings s WHERE s.name = 'cron.database_name') END;
END;
COMMENT ON FUNCTION bandit_internal.cron_database() IS
'The database in which pg_cron keeps its jobs; NULL where it is not loaded, or the caller may not know.';

CREATE FUNCTION bandit_internal.cron_way()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		IF NOT has_schema_privilege('cron', 'USAGE') THEN
			RAISE EXCEPTION 'permission denied for pg_cron'
				USING ERRCODE = 'insufficient_privilege',
					HINT = format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
		END IF;
		RETURN 'here';
	ELSIF bandit_internal.cron_database() <> current_database()
		AND EXISTS (SELECT FROM pg_extension WHERE extname = 'dblink')
		-- of others dblink wants a password, which is not here
		AND (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
		RETURN 'elsewhere';
	END IF;
	RETURN 'by hand';
END;
$$;
COMMENT ON FUNCTION bandit_internal.cron_way() IS
'How to reach pg_cron: here, in this database; elsewhere, in another one by dblink; by hand. Errors: insufficient_privilege.';

CREATE FUNCTION bandit_internal.cron_dblink(call text)
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT format('%I.%s(%L, $1)', n.nspname, call, format('host=%L port=%s dbname=%L user=%L',
		coalesce(nullif(btrim(split_part(current_setting('unix_socket_directories'), ',', 1), ' "'), ''), 'localhost'),
		current_setting('port'), bandit_internal.cron_database(), current_user))
	FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'dblink';
END;
COMMENT ON FUNCTION bandit_internal.cron_dblink(text) IS
'The call of a function of dblink that runs the statement $1 in pg_cron''s database, as the caller.';

CREATE FUNCTION bandit_internal.run_for_cron(way text, statements text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	block text := format('DO %L', 'BEGIN ' || statements || ' END');
BEGIN
	IF way = 'here' THEN
		EXECUTE block;
	ELSE
		EXECUTE 'SELECT ' || bandit_internal.cron_dblink('dblink_exec') USING block;
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.run_for_cron(text, text) IS
'Runs PL/pgSQL statements in pg_cron''s database, all of them or none.';

CREATE FUNCTION bandit_internal.tell_changed_for_all(job text, schedule text, command text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	was record;
BEGIN
	EXECUTE 'SELECT j.schedule, j.command FROM cron.job j WHERE j.jobname = $1 AND j.username = current_user'
	INTO was USING job;
	IF was.schedule IS NOT NULL AND schedule IS NULL THEN
		RAISE NOTICE 'for all bandits of the database: no longer %', was.command;
	ELSIF was.command <> command THEN
		RAISE NOTICE 'for all bandits of the database: %, no longer %', command, was.command;
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.tell_changed_for_all(text, text, text) IS
'Says so where scheduling one bandit changes or removes a job that is for all, where pg_cron is in this database.';

CREATE FUNCTION bandit_internal.tell_cron_missing()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place text := bandit_internal.cron_database();
BEGIN
	IF place = current_database() THEN
		RAISE WARNING 'nothing was scheduled: extension pg_cron is not installed in this database'
			USING HINT = 'CREATE EXTENSION pg_cron; then call bandit.schedule again. Meanwhile run the commands by hand.';
	ELSIF place IS NOT NULL THEN
		RAISE WARNING 'nothing was scheduled: pg_cron is in database "%"', place
			USING HINT = format('Run the commands below in database "%s", or CREATE EXTENSION dblink here and call bandit.schedule again, as a superuser.', place);
	ELSIF NOT pg_has_role('pg_read_all_settings', 'USAGE') THEN
		RAISE WARNING 'nothing was scheduled: pg_cron is not in this database'
			USING HINT = format('Whether it is in another one may not be seen: GRANT pg_read_all_settings TO %I; or let a superuser call bandit.schedule. Meanwhile run the commands below by hand, or from any other scheduler.', current_user);
	ELSE
		RAISE WARNING 'nothing was scheduled: pg_cron is not there'
			USING HINT = format('Install it (Debian: postgresql-%s-cron), set shared_preload_libraries = ''pg_cron'' and cron.database_name = %L, restart, CREATE EXTENSION pg_cron, and call bandit.schedule again. Meanwhile run the commands below by hand, or from any other scheduler.',
				current_setting('server_version_num')::int / 10000, current_database());
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.tell_cron_missing() IS
'Says in a warning what is missing for jobs to be scheduled, and what to do.';

CREATE FUNCTION bandit.schedule(name text, monitoring text DEFAULT '0 9 * * *',
	settlement text DEFAULT '* * * * *', guarding text DEFAULT '*/5 * * * *',
	training text DEFAULT '0 3 * * *', maintenance text DEFAULT '30 3 * * *',
	retention interval DEFAULT '90 days',
	OUT job text, OUT schedule text, OUT command text, OUT scheduled boolean)
RETURNS SETOF record
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	way text := bandit_internal.cron_way();
	statements text;
	template text := CASE way WHEN 'here' THEN 'cron.schedule(%L, %L, %L)'
		ELSE 'cron.schedule_in_database(%L, %L, %L, %L)' END;
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.require_bandit(schedule.name);
	IF schedule.retention <= '0' THEN
		RAISE EXCEPTION 'retention must be positive, not %', schedule.retention
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF way <> 'by hand' AND NOT (SELECT r.rolcanlogin FROM pg_roles r WHERE r.rolname = current_user) THEN
		RAISE EXCEPTION 'role "%" may not log in, so pg_cron could not run its jobs', current_user
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Call bandit.schedule as a role that may: jobs are those of the current role, not of the session''s.';
	END IF;
	SELECT coalesce(string_agg(CASE WHEN j.schedule IS NOT NULL
			THEN format('PERFORM ' || template || ';', j.job, j.schedule, j.command,
				CASE j.job WHEN bandit_internal.job_prefix(NULL) || 'history'
					THEN bandit_internal.cron_database() ELSE current_database() END)
			ELSE format('PERFORM cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname = %L AND j.username = current_user;', j.job)
			END, ' '), '') INTO statements
	FROM bandit_internal.jobs(schedule.name, schedule.monitoring, schedule.settlement,
		schedule.guarding, schedule.training, schedule.maintenance, schedule.retention) j;
	IF way = 'by hand' THEN
		PERFORM bandit_internal.tell_cron_missing();
	ELSE
		IF way = 'here' THEN
			PERFORM bandit_internal.tell_changed_for_all(j.job, j.schedule, j.command)
			FROM bandit_internal.jobs(schedule.name, schedule.monitoring, schedule.settlement,
				schedule.guarding, schedule.training, schedule.maintenance, schedule.retention) j
			WHERE j.job IN (bandit_internal.job_prefix(NULL) || 'partitions',
				bandit_internal.job_prefix(NULL) || 'retention');
		END IF;
		PERFORM bandit_internal.run_for_cron(way, statements);
	END IF;
	RETURN QUERY
	SELECT j.job, j.schedule, CASE WHEN way = 'by hand'
			AND bandit_internal.cron_database() <> current_database()
			THEN format('SELECT ' || template, j.job, j.schedule, j.command, current_database())
			ELSE j.command END, way <> 'by hand'
	FROM bandit_internal.jobs(schedule.name, schedule.monitoring, schedule.settlement,
		schedule.guarding, schedule.training, schedule.maintenance, schedule.retention) j
	WHERE j.schedule IS NOT NULL
		AND (way <> 'by hand' OR j.job <> bandit_internal.job_prefix(NULL) || 'history');
END;
$$;
COMMENT ON FUNCTION bandit.schedule(text, text, text, text, text, text, interval) IS
'Puts what keeps a bandit in order on pg_cron, as jobs of the caller: bandit.settle by settlement, bandit.guard by guarding, bandit.check_health by monitoring, bandit.train of a recommender by training, refresh_priors and fold by maintenance; and for all bandits of the database, also by maintenance, make_partitions, drop_partitions(retention) and the purging of these jobs'' history after 7 days. Times are cron expressions in pg_cron''s time zone (GMT, unless cron.timezone says otherwise); null: not that job; retention null: no partitions are made or dropped. All of them are scheduled or none; called again, it changes them. Returns what was scheduled. Jobs are named "bandit database.bandit what" in cron.job, long names cut to the 63 bytes that pg_cron keeps. Where pg_cron keeps its jobs in another database they are put there through extension dblink, for a superuser. Where it cannot be reached a warning says what to do, scheduled is false, and command is what to run there, or by hand. Errors: undefined_object; invalid_parameter_value; insufficient_privilege; object_not_in_prerequisite_state where the caller may not log in, as pg_cron does; what pg_cron raises for an expression that it cannot read.';

CREATE FUNCTION bandit.unschedule(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	way text := bandit_internal.cron_way();
	own text;
	shared text;
BEGIN
	PERFORM bandit_internal.require_writable();
	IF unschedule.name IS NULL THEN
		RAISE EXCEPTION 'name must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF way = 'by hand' THEN
		PERFORM bandit_internal.tell_cron_missing();
		RETURN;
	END IF;
	own := bandit_internal.like_prefix(bandit_internal.job_prefix(unschedule.name));
	shared := bandit_internal.like_prefix(rtrim(bandit_internal.job_prefix(NULL), ' ') || '.');
	PERFORM bandit_internal.run_for_cron(way, format(
		'PERFORM cron.unschedule(j.jobid) FROM cron.job j WHERE j.username = current_user AND j.jobname LIKE %1$L ESCAPE ''!''; '
		|| 'PERFORM cron.unschedule(j.jobid) FROM cron.job j WHERE j.username = current_user AND j.jobname LIKE %3$L ESCAPE ''!'' '
		|| 'AND NOT EXISTS (SELECT FROM cron.job o WHERE o.username = current_user AND o.jobname LIKE %2$L ESCAPE ''!'');',
		own, shared, bandit_internal.like_prefix(bandit_internal.job_prefix(NULL))));
END;
$$;
COMMENT ON FUNCTION bandit.unschedule(text) IS
'Takes the caller''s jobs of a bandit off pg_cron, and with the last bandit''s those of the database. The bandit need not exist any more. Warns where pg_cron cannot be reached. Errors: insufficient_privilege; null_value_not_allowed.';

CREATE FUNCTION bandit_internal.forget_jobs()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owners text;
	number bigint;
	call text := format('SELECT bandit.unschedule(%L);', old.name);
BEGIN
	IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_cron') THEN
		IF has_schema_privilege('cron', 'USAGE') THEN
			PERFORM bandit.unschedule(old.name);
			-- a superuser sees those of others
			EXECUTE 'SELECT string_agg(DISTINCT j.username, '', '') FROM cron.job j WHERE j.jobname LIKE $1 ESCAPE ''!'''
			INTO owners USING bandit_internal.like_prefix(bandit_internal.job_prefix(old.name));
			IF owners IS NOT NULL THEN
				RAISE WARNING 'bandit "%" still has jobs of other roles: %', old.name, owners
					USING HINT = 'As each of them: ' || call;
			END IF;
		END IF;
	ELSIF bandit_internal.cron_way() = 'elsewhere' THEN
		-- not taken off: that would stay where the drop is rolled back
		BEGIN
			EXECUTE 'SELECT c.number FROM ' || bandit_internal.cron_dblink('dblink') || ' AS c (number bigint)'
			INTO number USING format('SELECT count(*) FROM cron.job WHERE jobname LIKE %L ESCAPE ''!''',
				bandit_internal.like_prefix(bandit_internal.job_prefix(old.name)));
		EXCEPTION WHEN sqlclient_unable_to_establish_sqlconnection OR undefined_table
			OR insufficient_privilege THEN
			number := 0;	-- who cannot be asked has scheduled nothing
		END;
		IF number > 0 THEN
			RAISE WARNING 'bandit "%" still has jobs in database "%"', old.name, bandit_internal.cron_database()
				USING HINT = call;
		END IF;
	END IF;
	RETURN NULL;
END;
$$;
COMMENT ON FUNCTION bandit_internal.forget_jobs() IS
'A bandit that is dropped has no jobs: takes those of the caller off pg_cron, where it is in this database, and names what stays.';

CREATE TRIGGER forget_jobs AFTER DELETE ON bandit.bandits
	FOR EACH ROW EXECUTE FUNCTION bandit_internal.forget_jobs();
