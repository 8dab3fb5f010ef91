-- Experiments: who is on which side, and what recommend serves him.
BEGIN;
SELECT plan(20);
SET LOCAL client_min_messages = warning;
CREATE TABLE ratings (user_id int, item_id int, rating int);
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3
FROM generate_series(1, 20) u, generate_series(1, 8) p;
SELECT bandit.create_recommender('films', 'ratings');
SELECT bandit.create_recommender('books', 'ratings');
SELECT bandit.create_bandit('plain', '{a,b}');
SELECT bandit.train('films');

SELECT is(bandit.experiment_side('films', '1'), NULL, 'no experiment, no side');
SELECT is(variant, 'treatment', 'the bandit serves everybody') FROM bandit.recommend('films', 1, 1);
SELECT isnt(bandit.start_experiment('films', 0.1), NULL, 'an experiment starts');
CREATE TEMP TABLE side AS
SELECT u, bandit.experiment_side('films', u::text) AS at_10 FROM generate_series(1, 20000) u;
-- binomial, standard deviation 42: +-225 is 5.3 of them, a false alarm in 1e7
SELECT ok(count(*) BETWEEN 1775 AND 2225, 'a tenth is treated') FROM side WHERE at_10 = 'treatment';
SELECT is_empty($$
	SELECT u FROM side, bandit.experiments e,
		LATERAL (SELECT bandit.key_id(e.experiment || '/' || u)::numeric) i(id)
	WHERE u <= 500 AND (at_10 = 'treatment')
		<> ((CASE WHEN id < 0 THEN id + 2::numeric ^ 64 ELSE id END) / 2::numeric ^ 64 < 0.1)$$,
	'the side is what the comment says');

SELECT bandit.set_allocation('films', 0.5);
ALTER TABLE side ADD at_50 text;
UPDATE side SET at_50 = bandit.experiment_side('films', u::text);
SELECT ok(count(*) BETWEEN 9625 AND 10375, 'then half') FROM side WHERE at_50 = 'treatment';
SELECT is_empty($$SELECT * FROM side WHERE at_10 = 'treatment' AND at_50 = 'control'$$, 'and nobody is moved out');
SELECT bandit.start_experiment('books', 0.5);
-- independent: the four cells are 5,000 each, standard deviation 61
SELECT is_empty($$SELECT count(*) FROM side GROUP BY at_50, bandit.experiment_side('books', u::text)
	HAVING abs(count(*) - 5000) > 325$$, 'sides of two experiments are independent');
SELECT is_empty($$SELECT u, variant, at_50 FROM side, LATERAL bandit.recommend('films', u, 1) r
	WHERE u <= 20 AND variant <> at_50$$, 'recommend serves a user his side');
SELECT is((SELECT count(DISTINCT at_50) FROM side WHERE u <= 20), 2::bigint, 'both are served');
SELECT is_empty($$SELECT u FROM side, LATERAL bandit.recommend('films', u, 1, use_bandit => true) r
	WHERE u <= 20 AND variant <> 'treatment'$$, 'unless told otherwise');
SELECT is((SELECT array_agg(allocation ORDER BY period) FROM bandit.experiments WHERE bandit = 'films'),
	'{0.1,0.5}'::float8[], 'periods are kept');
SELECT bandit.set_allocation('films', 0);
SELECT is((SELECT count(*) FROM side WHERE bandit.experiment_side('films', u::text) = 'treatment'), 0::bigint, 'none at 0');
SELECT bandit.set_allocation('films', 1);
SELECT is((SELECT count(*) FROM side WHERE bandit.experiment_side('films', u::text) = 'control'), 0::bigint, 'all at 1');
SELECT throws_ok($$SELECT bandit.start_experiment('films', 0.5)$$, '55006', NULL, 'one at a time');
SELECT bandit.stop_experiment('films');
SELECT is(bandit.experiment_side('films', '1'), NULL, 'stopped');
SELECT throws_ok($$SELECT bandit.set_allocation('films', 0.5)$$, '55000', NULL, 'nothing to change');
SELECT throws_ok($$SELECT bandit.start_experiment('plain', 0.5)$$, '55000', NULL, 'no control');
SELECT throws_ok($$SELECT bandit.start_experiment('films', 1.5)$$, '22023', NULL, 'no share');
SELECT throws_ok($$SELECT bandit.start_experiment('nothing', 0.5)$$, '42704', NULL, 'no such bandit');
SELECT * FROM finish();
ROLLBACK;
