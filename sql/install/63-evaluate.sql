-- How good the arms' lists and predictions are, by ratings kept back.

CREATE FUNCTION bandit.evaluate(
	name text,
	arms text[] DEFAULT NULL,
	n int DEFAULT 20,
	test_share float8 DEFAULT 0.2,
	liked_from float8 DEFAULT NULL,
	OUT arm text,
	OUT users int,
	OUT recall float8,
	OUT ndcg float8,
	OUT hit_rate float8,
	OUT coverage float8,
	OUT novelty float8,
	OUT rmse float8,
	OUT mae float8)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 8
AS 'MODULE_PATHNAME', 'bandit_evaluate';
COMMENT ON FUNCTION bandit.evaluate(text, text[], int, float8, float8) IS
'Trains built-in arms on all but the newest ratings of every user, in memory and with the caller''s rights, and measures how they would have served those: a row per arm, popularity (the number of ratings) first, as the one to beat. What is in service is not touched, and nothing is stored.
arms: names of built-in arms or hybrid; by default those that the recommender has. n: length of the lists, 1 to 1000. test_share: of each user''s ratings in order of time (without a column of times: in a fixed order by hash), ties by item, the last part, between 0 and 1, rounded down, is kept back. liked_from: from which value on a test item is relevant; by default what makes a rating a success (bandit.outcome_rules), else above neutral_value.
users: those with a relevant test item; means over them are recall (relevant items found, of all relevant ones), ndcg (binary gain, log2 discount, against the best list of n) and hit_rate (any found). coverage: different items in all lists, of the items rated in training. novelty: mean -log2 of the share of users who rated a listed item. rmse, mae: of predicted ratings over all test ratings, an unknown item''s included; NULL for an arm that predicts none.
Errors: invalid_parameter_value, also for an arm that is a function of your own, which would see what is kept back; undefined_object, wrong_object_type, and those of bandit.train.';
