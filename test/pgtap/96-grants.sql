-- The grants that the reference lists are enough for what it says.
BEGIN;
SELECT plan(13);
SET LOCAL client_min_messages = error;
CREATE TABLE products (product_id int PRIMARY KEY, name text);
CREATE TABLE ratings (user_id int, product_id int REFERENCES products, stars int, created_at timestamptz DEFAULT now());
CREATE TABLE clicks (user_id int, product_id int);
INSERT INTO products SELECT g, 'product ' || g FROM generate_series(1, 30) g;
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3
FROM generate_series(1, 20) u, generate_series(1, 8) p;
\set grants `sed -n '/^CREATE ROLE web;/,/context_priors/p' docs/reference.md`
:grants
GRANT USAGE ON SCHEMA public TO web, mailer, worker, analyst;
GRANT CREATE ON SCHEMA public TO web, mailer, worker, analyst;	-- pgTAP's own
SELECT bandit.create_recommender('shop', 'ratings', items => 'products');
SELECT bandit.watch('shop', 'clicks', 'click');
SELECT bandit.create_bandit('mail', '{a,b}');
SELECT bandit.refresh_priors('mail');

SET LOCAL ROLE worker;
SELECT lives_ok($$SELECT * FROM bandit.train('shop')$$, 'worker trains');
SELECT lives_ok($$SELECT bandit.settle('shop')$$, 'settles');
SELECT lives_ok($$SELECT bandit.refresh_priors('shop'), bandit.fold('shop')$$, 'and keeps order');
SET LOCAL ROLE web;
SELECT lives_ok($$CREATE TEMP TABLE served AS SELECT * FROM bandit.recommend('shop', 3, 5)$$, 'web serves');
SELECT lives_ok($$INSERT INTO clicks SELECT 3, item_id FROM served LIMIT 1$$, 'and what is clicked is learnt');
SELECT lives_ok($$SELECT bandit.feedback('shop', 3, item_id, 'thumbs_up', NULL) FROM served OFFSET 1 LIMIT 1$$, 'or told');
SET LOCAL ROLE mailer;
SELECT lives_ok($$CREATE TEMP TABLE chosen AS SELECT * FROM bandit.choose('mail')$$, 'mailer chooses');
SELECT ok((SELECT bool_and(bandit.reward(decision_id, 1)) FROM chosen), 'and rewards');
GRANT SELECT ON chosen TO analyst;
SET LOCAL ROLE analyst;
SELECT isnt_empty('SELECT * FROM bandit.arm_stats', 'analyst reads arm_stats');
SELECT isnt_empty('SELECT * FROM bandit.context_stats', 'context_stats');
SELECT isnt_empty('SELECT * FROM bandit.bandit_states', 'bandit_states');
SELECT is_empty($$SELECT * FROM bandit.verify('shop') UNION ALL SELECT * FROM bandit.verify('mail')$$, 'verifies');
SELECT isnt_empty($$SELECT * FROM chosen c, bandit.explain(c.decision_id) e, bandit.propensities(c.decision_id) p,
	bandit.replay(c.decision_id) r$$, 'and explains');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
