-- Roles, as plain users: what each may do, and what it may not.
BEGIN;
SELECT plan(59);
SET LOCAL client_min_messages = error;
CREATE TABLE products (product_id int PRIMARY KEY, name text);
CREATE TABLE ratings (user_id int, product_id int REFERENCES products, stars int, created_at timestamptz DEFAULT now());
CREATE TABLE clicks (user_id int, product_id int);
INSERT INTO products SELECT g, 'product ' || g FROM generate_series(1, 30) g;
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
SELECT bandit.create_recommender('shop', 'ratings', items => 'products');
SELECT bandit.watch('shop', 'clicks', 'click');
SELECT bandit.create_bandit('mail', '{a,b}');
SELECT count(*) FROM bandit.train('shop');
SELECT bandit.set_threshold('shop', 'untrained_arms', -1);

SELECT throws_ok($$SELECT bandit.grant_access('nobody at all', 'serve')$$, '42704', NULL, 'no such role');
SELECT throws_ok($$SELECT bandit.grant_access(current_user::name, 'look')$$, '22023', NULL, 'no such access');
SELECT throws_ok($$SELECT bandit.grant_access(NULL, 'serve')$$, '22004', NULL, 'nobody');
SELECT lives_ok('SELECT bandit.create_roles()', 'the four roles');
SELECT lives_ok('SELECT bandit.create_roles()', 'as often as one likes');
CREATE ROLE stranger; CREATE ROLE "Eve ""x"""; CREATE ROLE web; CREATE ROLE tracker; CREATE ROLE eye; CREATE ROLE chief;
GRANT bandit_serve TO web; GRANT bandit_feedback TO tracker; GRANT bandit_monitor TO eye; GRANT bandit_admin TO chief;
GRANT USAGE, CREATE ON SCHEMA public TO stranger, web, tracker, eye, chief;
GRANT SELECT ON ratings, products TO web, chief;
GRANT INSERT ON clicks TO tracker;
SELECT is_empty($$SELECT r, f FROM unnest('{web,tracker,eye}'::name[]) r, bandit_internal.access_functions('admin') f
	WHERE has_function_privilege(r, f, 'EXECUTE') AND f::text ~ '^bandit\.(create|drop|add|remove|set_arm|set_alloc|start|stop|train|settle|guard|schedule|rebuild|fold|make|watch|grant)'$$, 'nobody but the chief changes anything');
SELECT is_empty($$SELECT r, c.oid::regclass FROM unnest('{web,tracker,eye,stranger}'::name[]) r, pg_class c
	WHERE relnamespace = 'bandit'::regnamespace AND relkind IN ('r', 'p', 'v') AND has_table_privilege(r, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')$$, 'nor writes to a table');

SET LOCAL ROLE stranger;
SELECT throws_ok($$SELECT * FROM bandit.recommend('shop', 1)$$, '42501', NULL, 'a stranger is not served');
SELECT throws_ok('SELECT * FROM bandit.evidence', '42501', NULL, 'learns nothing');
SELECT throws_ok($$SELECT bandit.update_bandit('mail', '{}', 'a', 'success')$$, '42501', NULL, 'teaches nothing');
SELECT throws_ok($$SELECT bandit.add_arm('mail', 'mine')$$, '42501', NULL, 'plants no arm');

SET LOCAL ROLE web;
SELECT isnt_empty($$SELECT * FROM bandit.recommend('shop', 1, 5)$$, 'web serves');
SELECT isnt_empty($$SELECT * FROM bandit.choose('mail', '{}', 'u')$$, 'and chooses');
SELECT isnt_empty($$SELECT * FROM bandit.select_arms('mail')$$, 'or selects');
SELECT lives_ok($$SELECT bandit.shadow_recommend('shop', 2, '{1,2}'::bigint[]), bandit.shadow_choose('mail', '{}', 'a')$$, 'or watches');
SELECT throws_ok($$SELECT bandit.update_bandit('mail', '{}', 'a', 'success')$$, '42501', NULL, 'but does not teach');
SELECT throws_ok('SELECT * FROM bandit.decisions', '42501', NULL, 'nor reads what others were served');
SELECT throws_ok('SELECT * FROM bandit.arm_stats', '42501', NULL, 'nor statistics');
SELECT throws_ok($$SELECT * FROM bandit.settle('shop')$$, '42501', NULL, 'nor settles');

SET LOCAL ROLE tracker;
SELECT ok(bandit.feedback('shop', 1, 1, 'click') IS NOT NULL, 'tracker tells');
SELECT lives_ok('INSERT INTO clicks VALUES (1, 1)', 'or writes to a watched table');
SELECT lives_ok($$SELECT bandit.update_bandit('mail', '{}', 'a', 'success')$$, 'or an outcome');
SELECT throws_ok($$SELECT * FROM bandit.recommend('shop', 1)$$, '42501', NULL, 'but does not serve');
SELECT throws_ok('SELECT * FROM bandit.feedback', '42501', NULL, 'nor reads');

SET LOCAL ROLE eye;
SELECT isnt_empty('SELECT * FROM bandit.overview', 'the eye sees all');
SELECT isnt_empty('SELECT * FROM bandit.arm_stats', 'arms');
SELECT isnt_empty('SELECT * FROM bandit.context_stats', 'contexts');
SELECT isnt_empty('SELECT * FROM bandit.exporter_arms', 'numbers for machines');
SELECT isnt_empty('SELECT * FROM bandit.exporter_bandits', 'of bandits too');
SELECT isnt_empty($$SELECT * FROM bandit.health('shop')$$, 'health');
SELECT isnt_empty($$SELECT * FROM bandit.check_health('shop')$$, 'and checks it');
SELECT isnt_empty('SELECT * FROM bandit.alerts', 'which alerts');
SELECT isnt_empty($$SELECT e.* FROM bandit.decisions d, bandit.explain(d.decision_id) e$$, 'why a decision was made');
SELECT isnt_empty($$SELECT * FROM bandit.regret('mail')$$, 'regret');
SELECT isnt_empty($$SELECT * FROM bandit.arm_history('mail')$$, 'history');
SELECT isnt_empty($$SELECT * FROM bandit.evaluate_policy('mail', 'uniform')$$, 'other policies');
SELECT isnt_empty($$SELECT * FROM bandit.shadow_report('mail')$$, 'shadows');
SELECT ok(bandit.report('shop') ~ '</html>', 'the page');
SELECT lives_ok($$SELECT * FROM bandit.verify('shop')$$, 'whether all is accounted for');
SELECT throws_ok($$SELECT bandit.set_threshold('shop', 'ctr', 0)$$, '42501', NULL, 'but sets no thresholds');
SELECT throws_ok($$SELECT * FROM bandit.guard('shop')$$, '42501', NULL, 'nor acts');
SELECT throws_ok($$SELECT * FROM bandit.recommend('shop', 1)$$, '42501', NULL, 'nor serves');
SELECT throws_ok('SELECT * FROM ratings', '42501', NULL, 'nor reads the application''s tables');

SET LOCAL ROLE chief;
SELECT lives_ok($$SELECT bandit.create_bandit('his', '{a,b}'), bandit.set_arm('his', 'a', false), bandit.drop_bandit('his')$$, 'the chief does all');
SELECT lives_ok($$SELECT * FROM bandit.train('shop'); SELECT bandit.settle('shop'), bandit.fold('shop'), bandit.rebuild('shop'), bandit.refresh_priors('shop'); SELECT * FROM bandit.guard('shop'); SELECT bandit.set_guard('shop', 'arm_p95_ms', 9)$$, 'looks after it');
SELECT lives_ok($$SELECT bandit.start_experiment('shop', 0.5), bandit.set_allocation('shop', 0.6), bandit.stop_experiment('shop')$$, 'and experiments');
SELECT lives_ok($$UPDATE bandit.bandits SET prior_beta = 2; DELETE FROM bandit.models WHERE false; INSERT INTO bandit.outcome_rules (bandit, kind, outcome) VALUES ('shop', 'bought', 'success')$$, 'and sets what is set');
CREATE TABLE likes (user_id int, product_id int);
SELECT lives_ok($$SELECT bandit.watch('shop', 'likes', 'thumbs_up'), bandit.unwatch('shop', 'likes')$$, 'and watches tables of his own');
SELECT throws_ok($$SELECT bandit.watch('shop', 'clicks', 'thumbs_up')$$, '42501', NULL, 'not those of others');
-- what would run as the owner of the tables
CREATE FUNCTION rise() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'I am %', current_user; END$$;
SELECT throws_ok('CREATE TRIGGER rise AFTER INSERT ON bandit.feedback FOR EACH STATEMENT EXECUTE FUNCTION rise()', '42501', NULL, 'but plants no code in the ledger');
SELECT throws_ok('CREATE TABLE mine (bandit text REFERENCES bandit.bandits ON DELETE CASCADE)', '42501', NULL, 'nor behind a foreign key');
SELECT throws_ok($$UPDATE bandit.models SET data = ''$$, '42501', NULL, 'nor a model of his own making');
SELECT throws_ok($$INSERT INTO bandit.models SELECT * FROM bandit.models$$, '42501', NULL, 'in no way');
RESET ROLE;

-- row level security of the application's tables
ALTER TABLE ratings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON ratings FOR SELECT TO web USING (user_id <= 10);
SET LOCAL ROLE web;
SELECT is((SELECT count(*) FROM bandit.recommend('shop', 3, 30) r JOIN ratings t ON t.user_id = 3 AND t.product_id = r.item_id), 0::bigint, 'what he has seen is left out');
SELECT isnt((SELECT string_agg(r.item_id::text, ',') FROM bandit.candidates('shop', 'item_cf', 3, 30) r), NULL, 'his ratings are seen');
SELECT is((SELECT string_agg(r.item_id::text, ',') FROM bandit.candidates('shop', 'item_cf', 15, 30) r),
	(SELECT string_agg(r.item_id::text, ',') FROM bandit.candidates('shop', 'item_cf', 999, 30) r), 'what web may not see, no list knows');
RESET ROLE;

SET LOCAL ROLE chief;
SELECT throws_ok($$SELECT bandit.grant_access('web', 'admin')$$, '42501', NULL, 'who administers does not make others administrators');
RESET ROLE;

-- what is made later is open to the same: pg_dump reads each partition by itself
GRANT SELECT ON bandit.feedback_default TO "Eve ""x""" WITH GRANT OPTION;
CREATE TEMP TABLE made AS SELECT partition FROM bandit.make_partitions('1 day', at => now() + interval '100 days');
SELECT results_eq($$SELECT DISTINCT regexp_replace(c.relname, '_.*', ''), c.relacl::text FROM made m JOIN pg_class c ON c.oid = m.partition ORDER BY 1$$,
	$$SELECT regexp_replace(c.relname, '_.*', ''), c.relacl::text FROM pg_class c
	WHERE c.oid IN ('bandit.decisions_default'::regclass, 'bandit.feedback_default'::regclass) ORDER BY 1$$, 'partitions have the grants of the default one');
SET LOCAL ROLE eye;
SELECT lives_ok((SELECT string_agg(format('SELECT count(*) FROM %s', i.inhrelid::regclass), ';') FROM pg_inherits i
	JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' WHERE i.inhparent IN ('bandit.decisions'::regclass, 'bandit.feedback'::regclass)), 'and are read by who monitors');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
