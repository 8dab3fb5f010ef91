\set who random(1, 400)
\set place random(0, 9)
\set stars random(1, 5)
INSERT INTO ratings (user_id, product_id, stars) SELECT :who::int, item, :stars::int FROM served(:who::int, :place::int)
ON CONFLICT (user_id, product_id) DO UPDATE SET stars = excluded.stars;
