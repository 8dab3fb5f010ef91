-- What the built-in arms of a recommender can be told.

CREATE FUNCTION bandit.arm_options(
	OUT arm text,
	OUT option text,
	OUT initial float8,
	OUT lowest float8,
	OUT highest float8,
	OUT whole boolean,
	OUT description text)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'bandit_arm_options';
COMMENT ON FUNCTION bandit.arm_options() IS
'The options of the built-in arms: which numbers each takes, the value it takes by itself, the bounds, and what it does. Told through bandit.add_arm, or UPDATE bandit.arms SET options = ''{"rank": 64}''; the next bandit.train, or request, goes by it.';

CREATE FUNCTION bandit_internal.check_options(source text, options jsonb)
RETURNS boolean
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_check_options';
COMMENT ON FUNCTION bandit_internal.check_options(text, jsonb) IS
'True, or an error that says what is wrong with the options of an arm of that source. Errors: invalid_parameter_value for what is no JSON object of numbers, an option that the arm does not have, or a number out of its bounds.';
