\set who random(1, 400)
DELETE FROM ratings WHERE (user_id, product_id) =
	(SELECT user_id, product_id FROM ratings WHERE user_id = :who::int ORDER BY rated_at DESC LIMIT 1);
