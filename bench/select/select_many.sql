\set n random(1, :contexts)
SELECT arm, weight FROM bandit.select_arms('many', jsonb_build_object('user', :n::int), 3);
