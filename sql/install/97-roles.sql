-- Who may do what.

CREATE FUNCTION bandit_internal.access_functions(access text)
RETURNS SETOF regprocedure
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT p.oid::regprocedure
	FROM pg_extension e
	JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_proc p ON p.oid = d.objid
	JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE e.extname = 'bandit' AND (p.prorettype <> 'trigger'::regtype
		-- what bandit.watch makes triggers of
		OR access = 'admin' AND p.proname = 'learn') AND CASE access
		WHEN 'serve' THEN n.nspname = 'bandit' AND p.proname IN ('select_arms', 'choose',
			'recommend', 'shadow_choose', 'shadow_recommend', 'candidates', 'predict',
			'user_context', 'experiment_side', 'decision_time', 'first_decision_id',
			'context_hash', 'context_canonical', 'key_id', 'set_seed')
		WHEN 'feedback' THEN n.nspname = 'bandit' AND p.proname IN ('feedback', 'reward',
			'update_bandit')
		WHEN 'monitor' THEN p.provolatile <> 'v' AND NOT p.prosecdef
			OR p.proname IN ('health', 'health_upkeep', 'check_health', 'verify', 'beta_sample')
		WHEN 'admin' THEN true ELSE false END
	ORDER BY p.oid::regprocedure::text;
END;
COMMENT ON FUNCTION bandit_internal.access_functions(text) IS
'The functions that a kind of access needs: serve, feedback, monitor (all that only read, and check_health) or admin (all).';

CREATE FUNCTION bandit.grant_access(role name, access text)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	granted regprocedure;
	number int := 0;
BEGIN
	PERFORM bandit_internal.require_writable();
	IF (access IN ('serve', 'feedback', 'monitor', 'admin')) IS NOT TRUE THEN
		RAISE EXCEPTION 'unknown access "%"', access
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'There are serve, feedback, monitor and admin.';
	ELSIF role IS NULL THEN
		RAISE EXCEPTION 'role must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role) THEN
		RAISE EXCEPTION 'role "%" does not exist', role
			USING ERRCODE = 'undefined_object', HINT = format('CREATE ROLE %I;', role);
	ELSIF NOT EXISTS (SELECT FROM pg_extension e
			WHERE e.extname = 'bandit' AND pg_has_role(e.extowner, 'USAGE')) THEN
		-- each GRANT would only warn
		RAISE EXCEPTION 'must be owner of extension bandit to grant access to it'
			USING ERRCODE = 'insufficient_privilege';
	END IF;
	EXECUTE format('GRANT USAGE ON SCHEMA bandit TO %I', role);
	FOR granted IN SELECT f FROM bandit_internal.access_functions(access) f LOOP
		EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', granted, role);
		number := number + 1;
	END LOOP;
	CASE access
		WHEN 'serve' THEN
			EXECUTE format('GRANT SELECT ON bandit.evidence TO %I', role);
		WHEN 'monitor' THEN
			EXECUTE format('GRANT USAGE ON SCHEMA bandit_internal TO %I', role);
			EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA bandit TO %I', role);
		WHEN 'admin' THEN
			EXECUTE format('GRANT USAGE ON SCHEMA bandit_internal TO %I', role);
			EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA bandit TO %I', role);
			-- no TRIGGER or REFERENCES, by which code of his would run as the
			-- owner, and no image of a model but what bandit.train has made
			EXECUTE (SELECT string_agg(format('GRANT %s ON %s TO %I', CASE c.oid
					WHEN 'bandit.models'::regclass THEN 'DELETE' ELSE 'INSERT, UPDATE, DELETE' END,
				c.oid::regclass, role), ';')
				FROM pg_class c WHERE c.relnamespace = 'bandit'::regnamespace AND c.relkind IN ('r', 'p'));
		ELSE
			NULL;
	END CASE;
	RETURN number;
END;
$$;
COMMENT ON FUNCTION bandit.grant_access(name, text) IS
'Grants a role what a kind of access needs, and returns how many functions it may call by that. serve: select_arms, choose, recommend, the shadow functions, one arm''s candidates. feedback: reward, feedback, update_bandit; a watched table needs no grant but to write to it. monitor: reads every table and view, decisions of users included, calls what only reads, and check_health. admin: calls everything and changes every row, but makes no trigger or foreign key on the extension''s tables and writes no trained model himself. What a recommender reads of the application''s tables, and what its arms'' functions may do, is with the rights of the caller, row level security included: grant that apart. Call it again after an update of the extension. For the extension''s owner. Errors: undefined_object; invalid_parameter_value; null_value_not_allowed; insufficient_privilege.';

CREATE FUNCTION bandit.create_roles()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	made record;
BEGIN
	PERFORM bandit_internal.require_writable();
	FOR made IN
		SELECT 'bandit_' || a.access AS role, a.access
		FROM unnest('{serve,feedback,monitor,admin}'::text[]) AS a (access)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = made.role) THEN
			EXECUTE format('CREATE ROLE %I NOLOGIN', made.role);
		END IF;
		PERFORM bandit.grant_access(made.role, made.access);
	END LOOP;
END;
$$;
COMMENT ON FUNCTION bandit.create_roles() IS
'Makes the roles bandit_serve, bandit_feedback, bandit_monitor and bandit_admin, where they are not there, and grants each what bandit.grant_access does. Roles are the cluster''s: in another database of it, call it again. Then GRANT bandit_serve TO web; and so on. For a superuser. Errors: insufficient_privilege.';
