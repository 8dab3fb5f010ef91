\set n random(1, 3)
\set earned random(0, 4)
SELECT bandit.reward(decision_id, :earned::int / 4.0)
FROM bandit.choose(CASE :n::int WHEN 1 THEN 'fades' ELSE 'plain' END, jsonb_build_object('n', :n::int));
