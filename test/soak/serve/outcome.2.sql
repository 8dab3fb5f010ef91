\set n random(1, 3)
SELECT bandit.update_bandit('fades', jsonb_build_object('n', :n::int), 'a', 'success');
