\set who random(1, 400)
SELECT count(*) FROM bandit.recommend('shop', :who::int::bigint, 10);
