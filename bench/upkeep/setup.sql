-- :decisions decisions of a bandit of 6 arms and 216 contexts, over 8 hours that
-- have passed, an hour a partition; every second one was rewarded.
CREATE EXTENSION bandit;
SELECT bandit.create_bandit('many', '{a,b,c,d,e,f}', '{n}', attribution_window => '1 hour');
SELECT count(*) FROM bandit.make_partitions('9 hours', '1 hour', now() - interval '10 hours');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, variant, decided_at, arms, alphas, betas, picks)
SELECT bandit.first_decision_id(at), 'many', bandit.context_hash(jsonb_build_object('n', g % 216)), 'treatment', at,
	'{a,b,c,d,e,f}', '{21,21,21,21,21,21}', '{41,41,41,41,41,41}', ARRAY[(ARRAY['a', 'b', 'c', 'd', 'e', 'f'])[1 + g % 6]]
FROM (SELECT g, now() - interval '10 hours' + g * (interval '8 hours' / :decisions) AS at
	FROM generate_series(1, :decisions) g) d;
INSERT INTO bandit.feedback (decision_id, bandit, kind, arm, context_hash, value, reward, priority, successes, failures, pulls, received_at)
SELECT decision_id, bandit, 'reward', picks[1], context_hash, 1, 1, 0, 1, 0, 1, decided_at
FROM (SELECT *, row_number() OVER () AS n FROM bandit.decisions) d WHERE n % 2 = 0;
SELECT bandit.rebuild('many');
VACUUM (ANALYZE) bandit.decisions, bandit.feedback, bandit.evidence;
CHECKPOINT;
