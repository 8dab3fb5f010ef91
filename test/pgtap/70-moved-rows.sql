-- Rows of a watched table that an UPDATE moves to another partition: what was
-- learnt stays with the decision it was learnt for.
SET client_min_messages = warning;
BEGIN;
SELECT plan(13);
CREATE TABLE had (user_id int, item_id int);
CREATE FUNCTION thirty(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql AS 'SELECT g, -g FROM pg_catalog.generate_series(1, 30) g';
SELECT bandit.create_recommender('r', 'had', arms => '{}', features => '{}');
SELECT bandit.add_arm('r', 'thirty', 'thirty(bigint,int)');
INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES ('r', 'order', 'success');
CREATE TABLE orders (user_id int, item_id int, rating int, status text) PARTITION BY LIST (status);
CREATE TABLE orders_open PARTITION OF orders FOR VALUES IN ('open');
CREATE TABLE orders_done PARTITION OF orders FOR VALUES IN ('done');
SELECT bandit.watch('r', 'orders', 'order');
SELECT bandit.watch('r', 'orders', 'rating');
CREATE TEMP TABLE old AS SELECT user_id, decision_id FROM generate_series(1, 2) AS user_id,
	bandit.recommend('r', user_id, 30) GROUP BY 1, 2;
-- a user's rows: decision, kind, item, value
CREATE FUNCTION pg_temp.learnt(of int) RETURNS text LANGUAGE sql AS $$
	SELECT count(*) FILTER (WHERE f.decision_id = o.decision_id) || ' old ' || count(*) || ' '
		|| string_agg(DISTINCT concat_ws(' ', f.kind, f.item_id, f.value), ', ')
	FROM bandit.feedback f JOIN bandit.decisions d USING (decision_id) JOIN old o ON o.user_id = of
	WHERE d.subject = of::text AND NOT f.retracted $$;
CREATE FUNCTION pg_temp.wrong() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM bandit.verify('r') $$;

INSERT INTO orders VALUES (1, 3, 5, 'open');
SELECT is(pg_temp.learnt(1), '2 old 2 order 3, rating 3 5', 'two kinds of one row');
UPDATE bandit.bandits SET attribution_window = '1 microsecond' WHERE name = 'r';
UPDATE orders SET status = 'done';
SELECT is(pg_temp.learnt(1), '2 old 2 order 3, rating 3 5', 'moved, long after the window');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
UPDATE orders SET status = 'open', rating = 1;
SELECT is(pg_temp.learnt(1), '2 old 2 order 3, rating 3 1', 'moved and changed');

UPDATE bandit.bandits SET attribution_window = '1 day' WHERE name = 'r';
SELECT count(*) FROM bandit.recommend('r', 1, 30);
UPDATE orders SET status = 'done';
SELECT is(pg_temp.learnt(1), '2 old 2 order 3, rating 3 1', 'moved, when there is a newer decision');
UPDATE orders SET status = 'open', item_id = 4;
SELECT is(pg_temp.learnt(1), '0 old 2 order 4, rating 4 1', 'moved, and another item');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
DELETE FROM orders;
SELECT is(pg_temp.learnt(1), NULL, 'deleted');

-- many rows of a statement
INSERT INTO orders SELECT 2, g, 4, 'open' FROM generate_series(1, 20) g;
SELECT is(left(pg_temp.learnt(2), 9), '40 old 40', 'many rows');
UPDATE bandit.bandits SET attribution_window = '1 microsecond' WHERE name = 'r';
UPDATE orders SET status = 'done';
SELECT is(left(pg_temp.learnt(2), 9), '40 old 40', 'all of them moved');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');

-- a row that is moved, and does not arrive
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER refuse BEFORE INSERT ON orders_open FOR EACH ROW EXECUTE FUNCTION refuse();
UPDATE orders SET status = 'open' WHERE item_id <= 10;
DROP TRIGGER refuse ON orders_open;
INSERT INTO orders SELECT 2, g, 4, 'open' FROM generate_series(1, 10) g;
SELECT is(left(pg_temp.learnt(2), 9), '20 old 20', 'a later row is another one');
SELECT is(pg_temp.wrong(), 0::bigint, 'the ledger agrees');
SELECT * FROM finish();
ROLLBACK;
