-- Training: what the arms of a recommender serve from, made from its tables.

CREATE FUNCTION bandit.train(
	name text,
	arm text DEFAULT NULL,
	OUT arm text,
	OUT version uuid,
	OUT users int,
	OUT items int,
	OUT ratings bigint,
	OUT bytes bigint,
	OUT seconds float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 2
AS 'MODULE_PATHNAME', 'bandit_train';
COMMENT ON FUNCTION bandit.train(text, text) IS
'Trains a recommender on its tables as they are now, read with the caller''s rights, and returns a row per part: the catalogue (counts, averages and attributes of the items), which every arm uses, and what the given arm needs, or all arms when it is NULL. hybrid needs those of all arms, and item_cf in any case. version is a UUID of version 7, which orders by time; items are those of the table of items for the catalogue, those with a rating for an arm; bytes is what one backend keeps in memory; seconds of the catalogue include reading the ratings.
A new version replaces the old one when the transaction commits; until then, and meanwhile, everybody is served from the old one. Two trainings of one recommender take turns. Equal tables give equal bytes. Long runs say every 5 seconds how far they are.
Items and ratings that are added later are not recommended or counted before the next training; users'' own histories are always read as they are.
Errors: undefined_object for an unknown recommender or arm, wrong_object_type for a bandit that is no recommender, read_only_sql_transaction, program_limit_exceeded when a part would exceed 500 MB.';
