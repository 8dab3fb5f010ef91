\set who random(1, 400)
DELETE FROM clicks WHERE click_id = (SELECT max(click_id) FROM clicks WHERE user_id = :who::int);
