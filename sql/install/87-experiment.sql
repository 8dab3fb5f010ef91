-- Experiments: a share of the users gets the bandit, the others the control.

CREATE TABLE bandit.experiments (
	bandit text COLLATE "C" NOT NULL
		REFERENCES bandit.bandits (name) ON DELETE CASCADE,
	experiment uuid NOT NULL,
	period int NOT NULL CHECK (period > 0),
	allocation float8 NOT NULL CHECK (allocation BETWEEN 0 AND 1),
	planned_users int NOT NULL CHECK (planned_users > 0),
	began_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	ended_at timestamptz,
	PRIMARY KEY (bandit, experiment, period)
);

CREATE UNIQUE INDEX experiments_running ON bandit.experiments (bandit)
	WHERE ended_at IS NULL;

COMMENT ON TABLE bandit.experiments IS
'Periods of experiments: one of a bandit runs at a time, and has a new period whenever its allocation changes. A user''s side is a hash of experiment and user, so it is the same on every node.';
COMMENT ON COLUMN bandit.experiments.bandit IS 'Name of the bandit.';
COMMENT ON COLUMN bandit.experiments.experiment IS
'The key of the hash: another one for each experiment, so that their sides are independent.';
COMMENT ON COLUMN bandit.experiments.period IS
'From 1, in order of time, within the experiment.';
COMMENT ON COLUMN bandit.experiments.allocation IS
'Share of users, 0 to 1, whom the bandit serves: those whose hash, as a share of all hashes, is below it. Raising it moves nobody out; lowering it moves users to the control.';
COMMENT ON COLUMN bandit.experiments.planned_users IS
'Users of both sides at which the always-valid interval is to be tightest, fixed at the start; planned_n of bandit.confidence_sequence_difference.';
COMMENT ON COLUMN bandit.experiments.began_at IS 'When the allocation came into force.';
COMMENT ON COLUMN bandit.experiments.ended_at IS
'When it ended; NULL while it is in force.';

CREATE FUNCTION bandit.experiment_side(name text, subject text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'bandit_experiment_side';
COMMENT ON FUNCTION bandit.experiment_side(text, text) IS
'A user''s side in the running experiment of a bandit, treatment or control; NULL when none runs. Treatment where the first 8 bytes of SHA-256(experiment || ''/'' || subject), as a share of 2^64, are below the allocation. subject: the user as in bandit.decisions, a number in decimal or the key. Errors: undefined_object.';

CREATE FUNCTION bandit_internal.check_allocation(allocation float8)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF (allocation BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE EXCEPTION 'allocation must be between 0 and 1, not %',
				coalesce(allocation::text, 'null')
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'It is the share of users whom the bandit serves.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit_internal.check_allocation(float8) IS
'Raises invalid_parameter_value unless it is a share, 0 to 1.';

CREATE FUNCTION bandit.start_experiment(name text, allocation float8,
	planned_users int DEFAULT 10000)
RETURNS uuid
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	made uuid := gen_random_uuid();
BEGIN
	PERFORM bandit_internal.check_allocation(start_experiment.allocation);
	IF (start_experiment.planned_users > 0) IS NOT TRUE THEN
		RAISE EXCEPTION 'planned_users must be positive'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	PERFORM bandit_internal.lock_bandit(start_experiment.name);
	IF NOT EXISTS (SELECT FROM bandit.arms a
				   WHERE a.bandit = start_experiment.name AND a.role = 'control') THEN
		RAISE EXCEPTION 'bandit "%" has no control', start_experiment.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'An experiment compares a recommender with its control; see bandit.create_recommender.';
	ELSIF EXISTS (SELECT FROM bandit.experiments e
				  WHERE e.bandit = start_experiment.name AND e.ended_at IS NULL) THEN
		RAISE EXCEPTION 'an experiment of bandit "%" is running', start_experiment.name
			USING ERRCODE = 'object_in_use',
				HINT = 'Change its share with bandit.set_allocation, or end it with bandit.stop_experiment.';
	END IF;
	INSERT INTO bandit.experiments (bandit, experiment, period, allocation, planned_users)
	VALUES (start_experiment.name, made, 1, start_experiment.allocation,
			start_experiment.planned_users);
	RETURN made;
END;
$$;
COMMENT ON FUNCTION bandit.start_experiment(text, float8, int) IS
'Starts an experiment on a recommender: bandit.recommend, where use_bandit is null, serves the share "allocation" of the users by the bandit and the others by the control. Returns its key. planned_users: users at which the always-valid interval is to be tightest. Errors: invalid_parameter_value, undefined_object, object_not_in_prerequisite_state for a bandit without a control, object_in_use while another experiment of the bandit runs.';

CREATE FUNCTION bandit.stop_experiment(name text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
	PERFORM bandit_internal.lock_bandit(stop_experiment.name);
	UPDATE bandit.experiments e SET ended_at = clock_timestamp()
	WHERE e.bandit = stop_experiment.name AND e.ended_at IS NULL;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'no experiment of bandit "%" is running', stop_experiment.name
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'bandit.start_experiment starts one.';
	END IF;
END;
$$;
COMMENT ON FUNCTION bandit.stop_experiment(text) IS
'Ends the running experiment: the bandit serves everybody again. Its periods stay in bandit.experiments. Errors: undefined_object; object_not_in_prerequisite_state when none runs.';

CREATE FUNCTION bandit.set_allocation(name text, allocation float8)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
	running bandit.experiments;
BEGIN
	PERFORM bandit_internal.check_allocation(set_allocation.allocation);
	PERFORM bandit_internal.lock_bandit(set_allocation.name);
	SELECT * INTO running FROM bandit.experiments e
	WHERE e.bandit = set_allocation.name AND e.ended_at IS NULL;
	PERFORM bandit.stop_experiment(set_allocation.name);
	IF set_allocation.allocation < running.allocation THEN
		RAISE NOTICE 'users move from the bandit to the control: the allocation falls from % to %',
			running.allocation, set_allocation.allocation;
	END IF;
	INSERT INTO bandit.experiments (bandit, experiment, period, allocation, planned_users)
	VALUES (running.bandit, running.experiment, running.period + 1,
			set_allocation.allocation, running.planned_users);
END;
$$;
COMMENT ON FUNCTION bandit.set_allocation(text, float8) IS
'Begins a new period of the running experiment, with another share of users for the bandit. Raising it moves nobody out of the treatment; lowering it moves users to the control, and a notice says so. Errors as those of stop_experiment; invalid_parameter_value.';
