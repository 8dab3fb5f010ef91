-- The decisions that a load meets: none, those of 10,000 others, one of each
-- user of the rows with items that he does not rate, or one for all he rates.
TRUNCATE bandit.decisions, bandit.feedback, bandit.evidence;
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at,
	arms, alphas, betas, picks, items, item_arms)
SELECT bandit.first_decision_id(clock_timestamp()), 'bulk', 0, who, 'treatment', now(),
	'{a}', '{1}', '{1}', '{a}', items, array_fill('a'::text, ARRAY[cardinality(items)])
FROM (
	SELECT (5000000 + g)::text, ARRAY(SELECT generate_series(g, g + 19)) FROM generate_series(1, 10000) g
	WHERE :'state' = 'others'
	UNION ALL SELECT DISTINCT user_id::text, ARRAY(SELECT generate_series(1000001, 1000020)) FROM raw
	WHERE :'state' = 'same'
	UNION ALL SELECT user_id::text, ARRAY(SELECT generate_series(1000001, 1000020)) FROM spread
	WHERE :'state' = 'same'
	UNION ALL SELECT DISTINCT user_id::text, ARRAY(SELECT generate_series(1, 10)) FROM groups
	WHERE :'state' = 'all'
) AS d (who, items);
VACUUM ANALYZE bandit.decisions;
