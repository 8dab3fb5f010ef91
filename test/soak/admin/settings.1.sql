\set places random(2, 4)
UPDATE bandit.recommenders SET blend_arms = :places WHERE bandit = 'shop';
UPDATE bandit.bandits SET policy = ('{thompson,top_two,thompson}'::text[])[:places - 1] WHERE name = 'shop';
