-- Feedback: what came of decisions, learnt once; silence; the ledger's proof.

CREATE FUNCTION bandit.reward(
	decision_id uuid,
	reward float8,
	arm text DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_reward';
COMMENT ON FUNCTION bandit.reward(uuid, float8, text) IS
'Tells what a decision earned: 0 (failure) to 1 (success), fractions allowed, rounded to 2^-20. arm may be left out where the decision picked just one. True when it was new; a second reward for the same arm replaces the first. A null decision_id does nothing; an unknown one is a warning and false, for a late response must not fail the application. Raises invalid_parameter_value for a reward outside 0..1 or an arm that was not picked.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_id bigint,
	item_id bigint,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback';
COMMENT ON FUNCTION bandit.feedback(text, bigint, bigint, text, float8) IS
'Tells that a user responded to an item. It is credited to the newest decision that served the item to the user within the attribution window; with no such decision nothing is learnt, and the result is false. What a kind is worth says bandit.outcome_rules. The same response twice is learnt once; another value replaces the first.';

CREATE FUNCTION bandit.feedback(
	name text,
	user_key text,
	item_key text,
	kind text,
	value float8 DEFAULT NULL)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_feedback_key';
COMMENT ON FUNCTION bandit.feedback(text, text, text, text, float8) IS
'feedback for a recommender whose users and items have uuid or text keys';

CREATE FUNCTION bandit.update_bandit(
	bandit text,
	context jsonb,
	arm text,
	outcome text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 500
AS 'MODULE_PATHNAME', 'bandit_update_bandit';
COMMENT ON FUNCTION bandit.update_bandit(text, jsonb, text, text) IS
'Teaches an arm one outcome in a context without a decision: success, failure, or neutral (a pull without evidence). Written to the ledger like any feedback.';

CREATE FUNCTION bandit.learn() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'bandit_learn';
COMMENT ON FUNCTION bandit.learn() IS
'Row trigger on an application''s table, installed by watch: learns from what is inserted, moves the evidence when a row changes, takes it back when a row is deleted. Never fails the application''s statement.';

CREATE FUNCTION bandit_internal.add_evidence(
	bandit text,
	context_hash bigint,
	arm text,
	successes float8,
	failures float8,
	pulls bigint)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_add_evidence';
COMMENT ON FUNCTION bandit_internal.add_evidence(text, bigint, text, float8, float8, bigint) IS
'Internal: adds to an arm''s evidence in a free slot. Only for whoever has written the ledger rows that say the same; runs with the caller''s rights.';

CREATE FUNCTION bandit_internal.item_shortfall(
	decision_id uuid,
	bandit text,
	item_id bigint,
	arm text,
	OUT successes float8,
	OUT failures float8,
	OUT pulls bigint)
RETURNS record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_item_shortfall';
COMMENT ON FUNCTION bandit_internal.item_shortfall(uuid, text, bigint, text) IS
'Internal: what the responses to an item (NULL: to the arm) of a decision that is not settled are worth together, less what their rows of the ledger added; as of now(). Not zero only where responses of different kinds could not see each other.';

CREATE FUNCTION bandit_internal.item_state(
	decision_id uuid,
	bandit text,
	item_id bigint,
	arm text,
	OUT known bigint,
	OUT live bigint,
	OUT pulls bigint)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'bandit_item_state';
COMMENT ON FUNCTION bandit_internal.item_state(uuid, text, bigint, text) IS
'Internal: how many responses to an item (NULL: to the arm) of a decision the ledger has, how many of them were not taken back, and the pulls they added. What is committed now counts, whatever the transaction''s snapshot.';
