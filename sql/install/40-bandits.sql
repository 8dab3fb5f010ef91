-- Bandits and their arms: made, changed and dropped while they serve.
--
-- Names are the keys of every table, so nothing here hands out an id.  Every
-- function checks all it is given before it writes; a change of arms locks
-- the bandit's row first, so that two sessions never take the same position.

CREATE FUNCTION bandit.builtin_arms() RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '{svd,item_cf,graph,embeddings,long_tail,serendipity}'::text[];
END;

COMMENT ON FUNCTION bandit.builtin_arms() IS
'Names of the arms that a recommender has built in. The control, hybrid, is not among them: every recommender has it, under that reserved name.';

CREATE FUNCTION bandit_internal.is_builtin_arm(arm text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT arm = ANY (bandit.builtin_arms());
END;

COMMENT ON FUNCTION bandit_internal.is_builtin_arm(text) IS
'Whether a recommender has an arm of that name built in; see bandit.builtin_arms().';

CREATE FUNCTION bandit_internal.check_name(what text, value text) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF value IS NULL THEN
		RAISE EXCEPTION '% must not be null', what
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF value = '' THEN
		RAISE EXCEPTION '% must not be empty', what
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF octet_length(value) > 63 THEN
		RAISE EXCEPTION '% "%" is too long', what, value
			USING ERRCODE = 'name_too_long',
				DETAIL = format('It has %s bytes.', octet_length(value)),
				HINT = 'At most 63 bytes are allowed.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_name(text, text) IS
'Raises unless the value is a name of 1 to 63 bytes. "what" opens the message. Errors: null_value_not_allowed, invalid_parameter_value, name_too_long.';

CREATE FUNCTION bandit_internal.check_names(what text, names text[]) RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	one text;
	seen text[] := '{}';
BEGIN
	IF names IS NULL THEN
		RAISE EXCEPTION 'the list of %s must not be null', what
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'An empty list is ''{}''.';
	END IF;
	FOREACH one IN ARRAY names LOOP
		PERFORM bandit_internal.check_name('name of ' || what, one);
		IF one = ANY (seen) THEN
			RAISE EXCEPTION '% "%" is given twice', what, one
				USING ERRCODE = 'duplicate_object';
		END IF;
		seen := seen || one;
	END LOOP;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_names(text, text[]) IS
'Raises unless the list holds distinct names of 1 to 63 bytes each; it may be empty. Errors: those of bandit_internal.check_name, and duplicate_object.';

CREATE FUNCTION bandit_internal.check_prior(prior_alpha float8, prior_beta float8)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF prior_alpha IS NULL OR prior_beta IS NULL THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Beta(1, 1) is the flat prior.';
	ELSIF NOT (prior_alpha > 0 AND prior_alpha < 'Infinity'
			   AND prior_beta > 0 AND prior_beta < 'Infinity') THEN
		RAISE EXCEPTION 'prior_alpha and prior_beta must be finite and positive'
			USING ERRCODE = 'invalid_parameter_value',
				DETAIL = format('They are %s and %s.', prior_alpha, prior_beta),
				HINT = 'Beta(1, 1) is the flat prior.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.check_prior(float8, float8) IS
'Raises unless both shapes of a Beta prior are finite and positive. Errors: null_value_not_allowed, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.require_bandit(name text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	known text;
BEGIN
	IF require_bandit.name IS NULL THEN
		RAISE EXCEPTION 'name of bandit must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF EXISTS (SELECT FROM bandit.bandits b WHERE b.name = require_bandit.name) THEN
		RETURN;
	END IF;

	SELECT string_agg(quote_ident(b.name), ', ' ORDER BY b.name) INTO known
	FROM bandit.bandits b HAVING count(*) BETWEEN 1 AND 10;
	RAISE EXCEPTION 'bandit "%" does not exist', require_bandit.name
		USING ERRCODE = 'undefined_object',
			HINT = CASE WHEN known IS NULL
				THEN 'SELECT name FROM bandit.bandits lists them; bandit.create_bandit makes one.'
				ELSE 'These exist: ' || known || '.' END;
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_bandit(text) IS
'Raises null_value_not_allowed or undefined_object unless there is such a bandit.';

CREATE FUNCTION bandit_internal.require_writable()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean THEN
		RAISE EXCEPTION 'cannot change bandits in a read-only transaction'
			USING ERRCODE = 'read_only_sql_transaction',
				HINT = CASE WHEN pg_is_in_recovery()
					THEN 'This is a standby. Call it on the primary; standbys follow.'
					ELSE 'Call it in a transaction that is READ WRITE.' END;
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_writable() IS
'Raises read_only_sql_transaction on a standby and in a read-only transaction.';

CREATE FUNCTION bandit_internal.lock_bandit(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.require_bandit(lock_bandit.name);
	PERFORM FROM bandit.bandits b WHERE b.name = lock_bandit.name
		FOR NO KEY UPDATE;
	IF NOT FOUND THEN			-- dropped meanwhile
		RAISE EXCEPTION 'bandit "%" does not exist', lock_bandit.name
			USING ERRCODE = 'undefined_object';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.lock_bandit(text) IS
'Locks a bandit''s settings against other changes until the transaction ends; serving and feedback go on. Errors: read_only_sql_transaction; null_value_not_allowed; undefined_object when there is no such bandit.';

CREATE FUNCTION bandit.create_bandit(name text, arms text[],
	features text[] DEFAULT '{}', prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL,
	attribution_window interval DEFAULT '24 hours',
	on_silence text DEFAULT 'failure', policy text DEFAULT 'thompson',
	base_rate float8 DEFAULT NULL, base_weight float8 DEFAULT NULL,
	exploration_floor float8 DEFAULT 0, half_life interval DEFAULT NULL)
RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	prior float8[];
BEGIN
	PERFORM bandit_internal.require_writable();
	PERFORM bandit_internal.check_name('name of bandit', create_bandit.name);
	PERFORM bandit_internal.check_names('arm', create_bandit.arms);
	PERFORM bandit_internal.check_names('feature', create_bandit.features);
	prior := bandit_internal.find_prior(create_bandit.prior_alpha,
		create_bandit.prior_beta, create_bandit.base_rate,
		create_bandit.base_weight);
	PERFORM bandit_internal.check_policy(create_bandit.policy);
	PERFORM bandit_internal.check_floor(create_bandit.exploration_floor,
										cardinality(create_bandit.arms));
	IF create_bandit.half_life <= '0' THEN
		RAISE EXCEPTION 'half_life must be longer than zero'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'NULL forgets nothing.';
	ELSIF (create_bandit.attribution_window > '0') IS NOT TRUE THEN
		RAISE EXCEPTION 'attribution_window must be longer than zero'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says how long after a decision a response still counts for it.';
	ELSIF create_bandit.attribution_window > '1000 years' THEN
		RAISE EXCEPTION 'attribution_window must be at most 1000 years'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is taken from the present, which must leave a time that there is.';
	ELSIF (create_bandit.on_silence IN ('failure', 'nothing')) IS NOT TRUE THEN
		RAISE EXCEPTION 'on_silence must be "failure" or "nothing"'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It says what a decision without any response counts as.';
	END IF;

	INSERT INTO bandit.bandits (name, features, prior_alpha, prior_beta,
		attribution_window, on_silence, policy, exploration_floor, half_life)
	VALUES (create_bandit.name, create_bandit.features, prior[1], prior[2],
		create_bandit.attribution_window, create_bandit.on_silence,
		create_bandit.policy, create_bandit.exploration_floor,
		create_bandit.half_life)
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" already exists', create_bandit.name
			USING ERRCODE = 'duplicate_object',
				HINT = 'Take another name, or drop it with bandit.drop_bandit.';
	END IF;

	INSERT INTO bandit.arms (bandit, arm, position)
	SELECT create_bandit.name, a.arm, a.position
	FROM unnest(create_bandit.arms) WITH ORDINALITY AS a (arm, position);
	INSERT INTO bandit.outcome_rules (bandit, kind, outcome, success_from,
									  failure_to, priority)
	VALUES (create_bandit.name, 'click', 'success', NULL, NULL, 10),
		(create_bandit.name, 'rating', NULL, 4, 2, 20),
		(create_bandit.name, 'thumbs_up', 'success', NULL, NULL, 30),
		(create_bandit.name, 'thumbs_down', 'failure', NULL, NULL, 30);
	RETURN cardinality(create_bandit.arms);
END;
$$;

COMMENT ON FUNCTION bandit.create_bandit(text, text[], text[], float8, float8, interval, text, text, float8, float8, float8, interval) IS
'Makes a bandit and its arms, with rules for click, rating, thumbs_up and thumbs_down. Returns the number of arms made: there is no id to return, for the name is the key.
features: the only keys that a context may have. prior_alpha, prior_beta: the Beta prior of every arm in every context, both or none. base_rate: instead, a rate that is known from elsewhere, between 0 and 1, worth base_weight observations: Beta(rate weight, (1 - rate) weight); by default as few as keep both shapes from falling below 1. With neither the prior is flat, Beta(1, 1). policy, exploration_floor, half_life, attribution_window, on_silence: see the columns of bandit.bandits. The list of arms may be empty: bandit.add_arm adds them.
Errors: duplicate_object for a bandit that exists and for an arm or feature given twice; null_value_not_allowed, name_too_long, invalid_parameter_value.';

CREATE FUNCTION bandit.drop_bandit(name text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	watched record;
BEGIN
	PERFORM bandit_internal.lock_bandit(drop_bandit.name);
	FOR watched IN
		SELECT w.source, w.kind FROM bandit.watches w
		WHERE w.bandit = drop_bandit.name
	LOOP
		BEGIN
			PERFORM bandit_internal.drop_watch_triggers(drop_bandit.name,
											  watched.source, watched.kind);
		EXCEPTION WHEN insufficient_privilege THEN
			-- a trigger without its row in watches does nothing
			RAISE WARNING 'trigger on % stays, because only the owner of the table may drop it', watched.source;
		END;
	END LOOP;

	-- first, as drop_partitions does, which keeps others out of it
	DELETE FROM bandit.checkpoints c WHERE c.bandit = drop_bandit.name;
	-- before feedback: responses hold the decisions they are to until they
	-- have ended, and what they have written must be seen
	DELETE FROM bandit.decisions d WHERE d.bandit = drop_bandit.name;
	DELETE FROM bandit.feedback f WHERE f.bandit = drop_bandit.name;
	DELETE FROM bandit.evidence e WHERE e.bandit = drop_bandit.name;
	DELETE FROM bandit.contexts c WHERE c.bandit = drop_bandit.name;
	DELETE FROM bandit.bandits b WHERE b.name = drop_bandit.name;
END;
$$;

COMMENT ON FUNCTION bandit.drop_bandit(text) IS
'Deletes a bandit with all that belongs to it: settings, arms, rules, watches and their triggers, models, contexts, evidence, decisions, feedback, checkpoints. Errors: undefined_object when there is no such bandit. A watch trigger on a table of somebody else stays, with a warning and without effect: a later bandit of the same name learns nothing from it until bandit.watch says so.';

CREATE FUNCTION bandit_internal.arm_signature(source regprocedure, key_type text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	wanted regtype := arm_signature.key_type::regtype;
	function record;
	results oid[];
BEGIN
	SELECT n.nspname, p.proname, p.proretset, p.prokind, p.prorettype,
		p.proargtypes::oid[] AS arguments, n.oid = pg_my_temp_schema() AS temporary,
		(SELECT array_agg(a.type ORDER BY a.place)
		 FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY
			AS a (type, mode, place)
		 WHERE a.mode IN ('o', 'b', 't')) AS outputs
	INTO function
	FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
	WHERE p.oid = arm_signature.source;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'function with OID % does not exist', arm_signature.source::oid
			USING ERRCODE = 'undefined_function';
	ELSIF function.temporary THEN
		RAISE EXCEPTION 'an arm must not be a temporary function'
			USING ERRCODE = 'invalid_function_definition';
	END IF;

	-- a composite result has its columns in the catalog, not in the function
	results := coalesce(function.outputs,
		(SELECT array_agg(a.atttypid ORDER BY a.attnum)
		 FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
		 WHERE t.oid = function.prorettype AND a.attnum > 0
			AND NOT a.attisdropped));
	IF (function.prokind = 'f' AND function.proretset
		AND array_to_string(function.arguments, ',')
			= concat_ws(',', wanted::oid, 'int4'::regtype::oid)
		AND results = ARRAY[wanted, 'float8'::regtype]::oid[]) IS NOT TRUE
	THEN
		RAISE EXCEPTION 'function % cannot be an arm', arm_signature.source
			USING ERRCODE = 'invalid_function_definition',
				DETAIL = format('It returns %s.',
					coalesce(pg_get_function_result(arm_signature.source), 'nothing')),
				HINT = format('Expected is (user_id %1$s, n integer) RETURNS TABLE (item_id %1$s, score double precision).', wanted);
	END IF;
	RETURN format('%I.%I(%s,integer)', function.nspname, function.proname,
				  wanted);
END;
$$;

COMMENT ON FUNCTION bandit_internal.arm_signature(regprocedure, text) IS
'The schema-qualified, quoted signature of a function that is to be an arm of a recommender whose keys are bigint or text. Errors: invalid_function_definition unless it takes (key, integer) and returns a set of (key, double precision).';

CREATE FUNCTION bandit_internal.arm_source(key_type text, arm text,
	source regprocedure)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF key_type IS NULL AND source IS NULL THEN
		RETURN NULL;
	ELSIF key_type IS NULL THEN
		RAISE EXCEPTION 'an arm of a plain bandit cannot have a source'
			USING ERRCODE = 'wrong_object_type',
				HINT = 'Leave the source out; bandit.create_recommender makes a bandit whose arms are functions.';
	ELSIF arm = 'hybrid' THEN
		RAISE EXCEPTION 'arm name "hybrid" is reserved for the control'
			USING ERRCODE = 'reserved_name',
				HINT = 'Every recommender has it already.';
	ELSIF source IS NULL AND NOT bandit_internal.is_builtin_arm(arm) THEN
		RAISE EXCEPTION 'there is no built-in arm "%"', arm
			USING ERRCODE = 'undefined_object',
				HINT = format('Built in are %s. For an arm of your own call bandit.add_arm with a source, such as ''my_arm(%s,integer)''.',
					array_to_string(bandit.builtin_arms(), ', '), key_type);
	ELSIF source IS NULL THEN
		RETURN arm;
	ELSIF bandit_internal.is_builtin_arm(arm) THEN
		RAISE EXCEPTION 'arm name "%" is reserved for the built-in arm', arm
			USING ERRCODE = 'reserved_name',
				HINT = 'Give a function another name as an arm.';
	END IF;
	RETURN bandit_internal.arm_signature(source, key_type);
END;
$$;

COMMENT ON FUNCTION bandit_internal.arm_source(text, text, regprocedure) IS
'What bandit.arms.source has to say for a new arm, given the key_type of its recommender: NULL for a plain bandit, whose key_type is NULL; the name of a built-in arm; or a function''s signature. Errors: wrong_object_type, reserved_name, undefined_object, and those of bandit_internal.arm_signature.';

CREATE FUNCTION bandit.add_arm(bandit text, arm text,
	source regprocedure DEFAULT NULL, prior_alpha float8 DEFAULT NULL,
	prior_beta float8 DEFAULT NULL, beats_leader float8 DEFAULT NULL,
	options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	key_type text;
BEGIN
	PERFORM bandit_internal.lock_bandit(add_arm.bandit);
	PERFORM bandit_internal.check_name('name of arm', add_arm.arm);
	IF add_arm.prior_alpha IS NOT NULL OR add_arm.prior_beta IS NOT NULL THEN
		PERFORM bandit_internal.check_prior(add_arm.prior_alpha, add_arm.prior_beta);
		IF add_arm.beats_leader IS NOT NULL THEN
			RAISE EXCEPTION 'a prior is given both as shapes and as beats_leader'
				USING ERRCODE = 'invalid_parameter_value',
					HINT = 'Give prior_alpha and prior_beta, or beats_leader.';
		END IF;
	ELSIF add_arm.beats_leader IS NOT NULL THEN
		SELECT p.prior_alpha, p.prior_beta
		INTO add_arm.prior_alpha, add_arm.prior_beta
		FROM bandit.new_arm_prior(add_arm.bandit, add_arm.beats_leader) p;
	END IF;

	SELECT r.key_type INTO key_type
	FROM bandit.recommenders r WHERE r.bandit = add_arm.bandit;
	INSERT INTO bandit.arms (bandit, arm, position, source, prior_alpha,
							 prior_beta, options)
	SELECT add_arm.bandit, add_arm.arm, coalesce(max(a.position), 0) + 1,
		bandit_internal.arm_source(key_type, add_arm.arm, add_arm.source),
		add_arm.prior_alpha, add_arm.prior_beta,
		coalesce(add_arm.options, '{}')
	FROM bandit.arms a WHERE a.bandit = add_arm.bandit
	ON CONFLICT DO NOTHING;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'bandit "%" already has an arm "%"', add_arm.bandit, add_arm.arm
			USING ERRCODE = 'duplicate_object';
	END IF;
	IF EXISTS (SELECT FROM bandit.evidence e
			   WHERE e.bandit = add_arm.bandit AND e.arm = add_arm.arm) THEN
		RAISE NOTICE 'arm "%" goes on with the evidence it had earned before', add_arm.arm
			USING HINT = 'Take a new name for something that is new.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit.add_arm(text, text, regprocedure, float8, float8, float8, jsonb) IS
'Adds an arm to a running bandit; it comes after the others. source: for a recommender a function (user_id key, n integer) RETURNS TABLE (item_id key, score double precision), where key is bigint or text like the recommender''s, or NULL for a built-in arm; for any other bandit NULL. prior_alpha, prior_beta: the arm''s own prior, both or none; by default the bandit''s. beats_leader: instead, how probable it shall be, between 0 and 1, that a draw of the new arm exceeds the leader''s, see bandit.new_arm_prior. options: what a built-in arm is told, see bandit.arm_options. An arm that had been removed goes on with its evidence.
Errors: undefined_object, duplicate_object, reserved_name, invalid_function_definition, wrong_object_type, invalid_parameter_value.';

CREATE FUNCTION bandit_internal.require_arm(bandit text, arm text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	role text;
	known text;
BEGIN
	IF require_arm.arm IS NULL THEN
		RAISE EXCEPTION 'name of arm must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT a.role INTO role FROM bandit.arms a
	WHERE a.bandit = require_arm.bandit AND a.arm = require_arm.arm;
	IF role = 'arm' THEN
		RETURN;
	ELSIF role = 'control' THEN
		RAISE EXCEPTION 'arm "%" is the control of bandit "%"', require_arm.arm, require_arm.bandit
			USING ERRCODE = 'wrong_object_type',
				HINT = 'The control cannot be disabled or removed: it fills short lists.';
	END IF;
	SELECT string_agg(quote_ident(a.arm), ', ' ORDER BY a.position) INTO known
	FROM bandit.arms a
	WHERE a.bandit = require_arm.bandit AND a.role = 'arm';
	RAISE EXCEPTION 'bandit "%" has no arm "%"', require_arm.bandit, require_arm.arm
		USING ERRCODE = 'undefined_object',
			HINT = coalesce('It has these: ' || known || '.',
							'It has no arms; bandit.add_arm adds one.');
END;
$$;

COMMENT ON FUNCTION bandit_internal.require_arm(text, text) IS
'Raises unless the bandit has that arm and it is not the control. Errors: null_value_not_allowed, undefined_object, wrong_object_type.';

CREATE FUNCTION bandit_internal.tell_armless(bandit text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	IF NOT EXISTS (SELECT FROM bandit.arms a
				   WHERE a.bandit = tell_armless.bandit AND a.enabled
						AND a.role = 'arm') THEN
		RAISE NOTICE 'bandit "%" has no enabled arm left', tell_armless.bandit
			USING HINT = 'bandit.set_arm enables one, bandit.add_arm adds one.';
	END IF;
END;
$$;

COMMENT ON FUNCTION bandit_internal.tell_armless(text) IS
'Says so, in a notice, when a bandit has no enabled arm left.';

CREATE FUNCTION bandit.set_arm(bandit text, arm text, enabled boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(set_arm.bandit);
	PERFORM bandit_internal.require_arm(set_arm.bandit, set_arm.arm);
	IF set_arm.enabled IS NULL THEN
		RAISE EXCEPTION 'enabled must not be null'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	UPDATE bandit.arms a SET enabled = set_arm.enabled
	WHERE a.bandit = set_arm.bandit AND a.arm = set_arm.arm;
	PERFORM bandit_internal.tell_armless(set_arm.bandit);
END;
$$;

COMMENT ON FUNCTION bandit.set_arm(text, text, boolean) IS
'Enables or disables an arm. A disabled arm is not drawn, and goes on learning from what it has served. Disabling the last one is allowed, with a notice. Errors: undefined_object; wrong_object_type for the control; null_value_not_allowed.';

CREATE FUNCTION bandit.remove_arm(bandit text, arm text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(remove_arm.bandit);
	PERFORM bandit_internal.require_arm(remove_arm.bandit, remove_arm.arm);
	DELETE FROM bandit.arms a
	WHERE a.bandit = remove_arm.bandit AND a.arm = remove_arm.arm;
	PERFORM bandit_internal.tell_armless(remove_arm.bandit);
END;
$$;

COMMENT ON FUNCTION bandit.remove_arm(text, text) IS
'Removes an arm from a running bandit. What was trained for a built-in arm stays, because the control fuses it. Its evidence stays, unseen, because the ledger that it is the sum of stays: late responses are still counted and un-learned exactly, and an arm that is added again under that name goes on where it was. Errors: undefined_object; wrong_object_type for the control; null_value_not_allowed.';
