-- Selection and decisions.

CREATE FUNCTION bandit.select_arms(
	bandit text,
	context jsonb DEFAULT '{}',
	k int DEFAULT 3,
	OUT rank int,
	OUT arm text,
	OUT sample float8,
	OUT weight float8,
	OUT alpha float8,
	OUT beta float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 100 ROWS 3
AS 'MODULE_PATHNAME', 'bandit_select_arms';
COMMENT ON FUNCTION bandit.select_arms(text, jsonb, int) IS
'The k best arms in this context by the bandit''s policy, best first; by default those with the largest draws from their posteriors (Thompson sampling). sample: the draw, 0 to 1, or what else the policy orders by (a mean, an upper bound); weight: its share of the selected samples, equal under uniform; a place that an exploration floor gave away keeps its weight; alpha, beta: the arm''s posterior. All enabled arms when there are fewer than k; no rows when there are none. Reads only, so it runs on a standby. Raises undefined_object for an unknown bandit, invalid_parameter_value for k < 1 or a context with undeclared keys.';

CREATE FUNCTION bandit.choose(
	bandit text,
	context jsonb DEFAULT '{}',
	subject text DEFAULT NULL,
	k int DEFAULT 1,
	OUT decision_id uuid,
	OUT rank int,
	OUT arm text,
	OUT weight float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500 ROWS 1
AS 'MODULE_PATHNAME', 'bandit_choose';
COMMENT ON FUNCTION bandit.choose(text, jsonb, text, int) IS
'Selects k arms as select_arms does and logs the decision, for any use that is not a recommender. subject: whom it is for, any text, or null. Tell what came of it with reward(decision_id, ...). No rows, and nothing logged, when no arm is enabled. Raises read_only_sql_transaction where it cannot log.';

CREATE FUNCTION bandit.decision_time(decision_id uuid) RETURNS timestamptz
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_decision_time';
COMMENT ON FUNCTION bandit.decision_time(uuid) IS
'When a decision was made, to the microsecond, from its id (UUID version 7)';

CREATE FUNCTION bandit.first_decision_id(at timestamptz) RETURNS uuid
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_first_decision_id';
COMMENT ON FUNCTION bandit.first_decision_id(timestamptz) IS
'The smallest id that a decision made at that time can have: a range of time is a range of ids';
