\set n random(1, 6)
SELECT count(*) FROM bandit.train('shop', ('{svd,item_cf,graph,embeddings,long_tail,serendipity}'::text[])[:n]);
