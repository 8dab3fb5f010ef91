\set who random(1, 400)
\set place random(0, 9)
INSERT INTO clicks (user_id, product_id) SELECT :who::int, item FROM served(:who::int, :place::int);
