\set n random(1, :contexts)
SELECT arm, successes, failures FROM bandit.evidence WHERE bandit = 'many' AND context_hash = bandit.context_hash(jsonb_build_object('user', :n::int));
