\set n random(1, 3)
SELECT count(*) FROM bandit.select_arms('plain', jsonb_build_object('n', :n::int), 2);
