-- Recommendations: a user's context, one arm's list, the blended list.

CREATE FUNCTION bandit.user_context(
	bandit text,
	user_id bigint,
	at timestamptz DEFAULT pg_catalog.now())
RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'bandit_user_context';
COMMENT ON FUNCTION bandit.user_context(text, bigint, timestamptz) IS
'The features of a user''s moment that the bandit declares, from rows strictly before it: time_period (morning, afternoon, evening, night), day_of_week (weekday, weekend), user_type (cold_start, regular, power_user), genre_saturation (low, medium, high: low entropy of the last 20 interactions'' attributes is high), session_position (start, middle, late). Boundaries and time zone are columns of bandit.recommenders. An unknown user is cold_start, low, start.';

CREATE FUNCTION bandit.user_context(
	bandit text,
	user_key text,
	at timestamptz DEFAULT pg_catalog.now())
RETURNS jsonb
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'bandit_user_context_key';
COMMENT ON FUNCTION bandit.user_context(text, text, timestamptz) IS
'user_context for a recommender whose users have uuid or text keys';

CREATE FUNCTION bandit.candidates(
	name text,
	arm text,
	user_id bigint,
	n int DEFAULT 20,
	OUT item_id bigint,
	OUT score float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_candidates';
COMMENT ON FUNCTION bandit.candidates(text, text, bigint, int) IS
'One arm''s list for a user, for inspection: best first, ties by item, nothing the user has seen (unless exclude_seen is off). score is the arm''s own and compares within one arm only. Raises what the arm raises.';

CREATE FUNCTION bandit.candidates(
	name text,
	arm text,
	user_key text,
	n int DEFAULT 20,
	OUT item_key text,
	OUT score float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_candidates_key';
COMMENT ON FUNCTION bandit.candidates(text, text, text, int) IS
'candidates for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.predict(
	name text,
	arm text,
	user_id bigint,
	item_ids bigint[],
	OUT item_id bigint,
	OUT predicted float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_predict';
COMMENT ON FUNCTION bandit.predict(text, text, bigint, bigint[]) IS
'What a user would rate items, by a built-in arm that predicts ratings (svd, item_cf), from what he has rated until now: a row per item given, in their order, within the values that training saw. predicted is NULL where the arm is not trained or the ratings have no values. For looking at, and for measuring an arm: lists by predicted rating are poor. Errors: undefined_object, wrong_object_type, invalid_parameter_value for an arm that predicts nothing.';

CREATE FUNCTION bandit.predict(
	name text,
	arm text,
	user_key text,
	item_keys text[],
	OUT item_key text,
	OUT predicted float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 5000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_predict_key';
COMMENT ON FUNCTION bandit.predict(text, text, text, text[]) IS
'predict for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.recommend(
	name text,
	user_id bigint,
	n int DEFAULT 20,
	use_bandit boolean DEFAULT NULL,
	context jsonb DEFAULT NULL,
	OUT "position" int,
	OUT item_id bigint,
	OUT arm text,
	OUT score float8,
	OUT weight float8,
	OUT variant text,
	OUT decision_id uuid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_recommend';
COMMENT ON FUNCTION bandit.recommend(text, bigint, int, boolean, jsonb) IS
'A list of n items for a user: arms are drawn for the user''s context (user_context, or the context given), their lists blended by weight, what they leave open filled by the control. arm brought the item; score is that arm''s; weight is the arm''s share of the list, 0 for what fills up. use_bandit false serves the control alone, true the bandit; null takes the user''s side of the running experiment, if there is one (bandit.start_experiment), else the bandit. The decision is logged and learns from what the user does next; in a read-only transaction decision_id is null and nothing is logged. An arm that fails is skipped with a message of level bandit.arm_error_level.';

CREATE FUNCTION bandit.recommend(
	name text,
	user_key text,
	n int DEFAULT 20,
	use_bandit boolean DEFAULT NULL,
	context jsonb DEFAULT NULL,
	OUT "position" int,
	OUT item_key text,
	OUT arm text,
	OUT score float8,
	OUT weight float8,
	OUT variant text,
	OUT decision_id uuid)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 20
AS 'MODULE_PATHNAME', 'bandit_recommend_key';
COMMENT ON FUNCTION bandit.recommend(text, text, int, boolean, jsonb) IS
'recommend for a recommender whose users and items have uuid or text keys';
