\set who random(1, 400)
\set place random(0, 9)
SELECT bandit.feedback('shop', :who::int::bigint, item, 'thumbs_up') FROM served(:who::int, :place::int);
