\set n random(1, 6)
SELECT bandit.add_arm('shop', 'newest', 'newest_products(bigint,int)', beats_leader => 0.3);
SELECT bandit.set_arm('shop', ('{svd,item_cf,graph,embeddings,long_tail,serendipity}'::text[])[:n], false);
SELECT count(*) FROM bandit.candidates('shop', 'newest', 1::bigint, 5);
SELECT bandit.set_arm('shop', ('{svd,item_cf,graph,embeddings,long_tail,serendipity}'::text[])[:n], true);
SELECT bandit.remove_arm('shop', 'newest');
SELECT bandit.add_arm('plain', 'd');
SELECT bandit.set_arm('plain', 'a', false);
SELECT bandit.set_arm('plain', 'a', true);
SELECT bandit.remove_arm('plain', 'd');
