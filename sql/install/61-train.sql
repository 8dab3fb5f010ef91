-- Training: what the built-in arms serve from.

CREATE FUNCTION bandit.train(
	name text,
	arm text DEFAULT NULL,
	OUT part text,
	OUT version uuid,
	OUT users int,
	OUT items int,
	OUT ratings bigint,
	OUT bytes bigint,
	OUT seconds float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 5
AS 'MODULE_PATHNAME', 'bandit_train';
COMMENT ON FUNCTION bandit.train(text, text) IS
'Builds what a recommender''s built-in arms serve from, out of its tables as they are now, or only what one arm needs; reports each part with its size and time. catalogue, the numbers about all items, is always built. Serving goes on from the old models until this commits. Needs memory of about 8 bytes a rating and 500 an item; the time of item_cf grows with the sum over users of their squared number of ratings.';
