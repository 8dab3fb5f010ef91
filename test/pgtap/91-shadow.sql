-- Shadow mode: what the application chooses is logged, learnt from and judged; nothing is served.
BEGIN;
SELECT plan(44);
SET LOCAL client_min_messages = warning;
SELECT bandit.create_bandit('s', '{a,b,c}', '{x}');
SELECT is(verdict, 'no data', 'nothing watched') FROM bandit.shadow_report('s');
SELECT throws_ok($$SELECT * FROM bandit.shadow_report('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT bandit.shadow_choose('nothing', '{}', 'a')$$, '42704', NULL, 'no bandit to watch');
SELECT throws_ok($$SELECT bandit.shadow_choose('s', '{}', 'z')$$, '42704', 'bandit "s" has no arm "z"', 'no such arm');
SELECT throws_ok($$SELECT bandit.shadow_choose('s', '{"y": 1}', 'a')$$, '22023', NULL, 'no such feature');
SELECT throws_ok($$SELECT bandit.shadow_choose('s', '{}', NULL)$$, '22004', NULL, 'no arm');

-- the application chooses in turn; the arms pay 0.2, 0.4 and 0.6 (and, where x is 2, the other way round)
SELECT bandit.set_seed(11);
CREATE TEMP VIEW half AS
SELECT bandit.shadow_choose('s', jsonb_build_object('x', x), arm, (i % 150)::text) AS id, x, arm,
	(bandit.beta_sample(1, 1) < CASE arm WHEN 'b' THEN 0.4 WHEN CASE x WHEN 1 THEN 'a' ELSE 'c' END THEN 0.2 ELSE 0.6 END)::int AS reward
FROM generate_series(0, 749) i, LATERAL (SELECT 1 + i % 2 AS x, (ARRAY['a','b','c'])[1 + i / 2 % 3] AS arm) c;
CREATE TEMP TABLE seen AS TABLE half;
SELECT count(bandit.reward(id, reward)) FROM seen WHERE reward = 1;
INSERT INTO seen TABLE half;
SELECT count(bandit.reward(id, reward)) FROM seen WHERE reward = 1;
SELECT results_eq($$SELECT variant COLLATE "default", count(*) FROM bandit.decisions WHERE bandit = 's' GROUP BY 1$$, $$VALUES ('shadow', 1500::bigint)$$, 'logged as what it was');
SELECT is_empty($$SELECT * FROM seen s JOIN bandit.decisions d ON d.decision_id = s.id WHERE d.picks <> ARRAY[s.arm] COLLATE "C"$$, 'with what was chosen');
SELECT is(bandit.settle('s', now() + interval '25 hours'), 1500::bigint, 'silence counts');
SELECT results_eq($$SELECT (context->>'x') COLLATE "default", arm COLLATE "default", round(sum(s.successes))::bigint, sum(s.pulls)::bigint FROM bandit.evidence s JOIN bandit.contexts c USING (bandit, context_hash) WHERE bandit = 's' GROUP BY 1, 2 ORDER BY 1, 2$$,
	$$SELECT x::text, arm, sum(reward), count(*) FROM seen GROUP BY 1, 2 ORDER BY 1, 2$$, 'the evidence is what was seen');
SELECT is_empty($$SELECT * FROM bandit.verify('s')$$, 'and adds up');
CREATE TEMP TABLE report AS SELECT * FROM bandit.shadow_report('s', at => now() + interval '25 hours');
SELECT ok(decisions = 1500 AND users = 150 AND unseen = 0, 'all of it is counted') FROM report;
-- standard errors: 0.0127 of the mean of all, 0.022 of that of the best; 5.4 of them
SELECT ok(abs(application - 0.4) < 0.07, 'what the application earns') FROM report;
SELECT ok(abs(estimate - 0.6) < 0.12, 'what the bandit would earn') FROM report;
SELECT ok(lower < difference AND difference < upper AND lower > 0.05 AND upper < 0.35, 'and how sure that is') FROM report;
SELECT is(verdict, 'better', 'it would be better') FROM report;
SELECT ok(abs(application - (SELECT avg(reward) FROM seen)) < 1e-9, 'the mean reward of what was chosen') FROM report;
SELECT ok(abs(agreement - (SELECT avg(p.propensity) FROM seen s, LATERAL bandit.propensities(s.id) p WHERE p.picked)) < 1e-9, 'agreement is the mean probability of the same choice') FROM report;
SELECT is((SELECT count(*) FROM bandit.replay((SELECT id FROM seen LIMIT 1)) WHERE rank = 1), 1::bigint, 'what it would have chosen can be seen');
SELECT is(decisions, 0::bigint, 'nothing has matured yet') FROM bandit.shadow_report('s');
SELECT is(verdict, 'no data', 'nothing to evaluate: nothing was served') FROM bandit.evaluate_policy('s', 'uniform', at => now() + interval '25 hours');

SELECT count(*) FROM bandit.choose('s', '{"x": 1}');
SELECT is(decisions, 1500::bigint, 'what it serves itself is no shadow') FROM bandit.shadow_report('s', at => now() + interval '25 hours');

-- arms that are all alike, and an application that never tries the rest
SELECT bandit.create_bandit('alike', '{a,b,c}');
SELECT count(bandit.reward(bandit.shadow_choose('alike', '{}', (ARRAY['a','b','c'])[1 + i % 3], i::text), (i % 5 < 3)::int)) FROM generate_series(1, 600) i;
SELECT is(verdict, 'no difference seen', 'nothing to gain') FROM bandit.shadow_report('alike', at => now() + interval '25 hours');
-- 30 logs of ten arms that are all alike: with a miss in 5 % more than 10 have a probability below 1e-6
SELECT setseed(0.25);
SELECT count(bandit.create_bandit('alike' || run, '{a,b,c,d,e,f,g,h,i,j}')) FROM generate_series(1, 30) run;
SELECT count(bandit.reward(bandit.shadow_choose('alike' || run, '{}', chr(97 + i % 10), i::text), (random() < 0.2)::int))
FROM generate_series(1, 30) run, generate_series(1, 300) i;
CREATE TEMP TABLE alike AS SELECT r.verdict FROM generate_series(1, 30) run, LATERAL bandit.shadow_report('alike' || run, at => now() + interval '25 hours') r;
SELECT cmp_ok(count(*) FILTER (WHERE verdict IN ('better', 'worse')), '<', 11::bigint, 'and what was best by chance is not taken for better') FROM alike;
SELECT bandit.create_bandit('never', '{a,b,c}');
SELECT count(bandit.reward(bandit.shadow_choose('never', '{}', 'a', i::text), (i % 3 = 0)::int)) FROM generate_series(1, 300) i;
SELECT ok(unseen > 0.5 AND verdict LIKE 'too little seen:%', 'what was never tried is not judged') FROM bandit.shadow_report('never', at => now() + interval '25 hours');
SELECT count(bandit.shadow_choose('alike', '{}', 'a')) FROM generate_series(1, 50);
SELECT is(verdict, 'no data', 'decisions since a time') FROM bandit.shadow_report('alike', since => now() + interval '1 hour', at => now() + interval '26 hours');

-- lists
CREATE TABLE ratings (user_id int, item_id int, rating int);
INSERT INTO ratings SELECT u, 1 + (u * 7 + p * p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 60) u, generate_series(1, 8) p;
CREATE TABLE clicks (user_id int, item_id int);
SELECT bandit.create_recommender('films', 'ratings');
SELECT bandit.train('films');
SELECT bandit.watch('films', 'clicks', 'click');
SELECT throws_ok($$SELECT bandit.shadow_recommend('films', 1, '{}'::bigint[])$$, '22023', NULL, 'an empty list');
SELECT throws_ok($$SELECT bandit.shadow_recommend('films', 1, '{1,NULL}'::bigint[])$$, '22023', NULL, 'an unknown item');
SELECT throws_ok($$SELECT bandit.shadow_recommend('s', 1, '{1}'::bigint[])$$, '42809', NULL, 'no lists');
-- the application shows ten items; users click those that the bandit would show too
SELECT count(bandit.shadow_recommend('films', u, ARRAY(SELECT i FROM generate_series(1, 30) i WHERE (i + u) % 3 = 0)::bigint[])) FROM generate_series(1, 60) u, generate_series(1, 3);
SELECT is((SELECT count(*) FROM bandit.decisions WHERE bandit = 'films' AND variant = 'shadow' AND cardinality(items) = 10), 180::bigint, 'lists are logged');
CREATE TEMP TABLE credit AS SELECT d.decision_id, d.subject, i.item, a.role FROM bandit.decisions d, LATERAL unnest(d.items, d.item_arms) i (item, arm) JOIN bandit.arms a ON a.bandit = 'films' AND a.arm = i.arm WHERE d.bandit = 'films';
SELECT ok(count(*) = 1800 AND count(*) FILTER (WHERE role = 'arm') BETWEEN 100 AND 1700, 'items are credited to arms, or the control') FROM credit;
INSERT INTO clicks SELECT DISTINCT ON (subject) subject::int, item FROM credit c WHERE role = 'arm' AND decision_id = (SELECT decision_id FROM credit n WHERE n.subject = c.subject ORDER BY 1 DESC LIMIT 1) ORDER BY subject, item;
SELECT is((SELECT sum(pulls)::bigint FROM bandit.evidence WHERE bandit = 'films'), (SELECT count(*) FROM clicks), 'and clicks to what brought them');
CREATE TEMP TABLE lists AS SELECT * FROM bandit.shadow_report('films', at => now() + interval '25 hours');
SELECT ok(decisions = 180 AND users = 60 AND abs(agreement - (SELECT avg((role = 'arm')::int) FROM credit)) < 1e-9, 'agreement is the share of items that both show') FROM lists;
SELECT ok(abs(application - (SELECT count(*) FROM clicks) / 1800.0) < 1e-9
	AND abs(estimate - (SELECT count(*) FROM clicks) / (SELECT count(*) FILTER (WHERE role = 'arm') FROM credit)::float8) < 1e-9, 'means of all, and of what both show') FROM lists;
SELECT is(verdict, 'better', 'who clicks just what it shows wants it') FROM lists;
SELECT cmp_ok(bandit.settle('films', now() + interval '25 hours'), '=', 180::bigint, 'lists are settled');
SELECT is((SELECT sum(pulls)::bigint FROM bandit.evidence WHERE bandit = 'films'), (SELECT count(*) FROM credit WHERE role = 'arm'), 'silence counts for what both show, and for nothing else');
SELECT is_empty($$SELECT * FROM bandit.verify('films')$$, 'and adds up');

-- an item that is shown twice has one reward
UPDATE bandit.arms SET enabled = arm = 'item_cf' WHERE bandit = 'films' AND role = 'arm';
CREATE TEMP TABLE twice AS SELECT bandit.shadow_recommend('films', 1, ARRAY[item_id, item_id]) AS id, item_id AS item
	FROM bandit.candidates('films', 'item_cf', 1, 1);
UPDATE bandit.arms SET enabled = true WHERE bandit = 'films' AND role = 'arm';
SELECT ok(items = ARRAY[item], 'only its first place counts') FROM twice JOIN bandit.decisions ON decision_id = id;
INSERT INTO twice SELECT bandit.first_decision_id(now()), item FROM twice;
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT t.id, d.bandit, d.context_hash, 'shadow', now(), d.arms, d.alphas, d.betas, d.picks, d.items || d.items, d.item_arms || d.item_arms
FROM twice t, bandit.decisions d WHERE t.id = bandit.first_decision_id(now()) AND d.decision_id IN (SELECT id FROM twice WHERE id <> t.id);
UPDATE bandit.bandits SET examination = 0.5 WHERE name = 'films';
SELECT is(bandit.settle('films', now() + interval '25 hours'), 2::bigint, 'both lists are settled, that of an older version too');
SELECT is((SELECT sum(pulls) FROM bandit.feedback WHERE decision_id IN (SELECT id FROM twice)), 2::numeric, 'each by one silence');
SELECT is_empty($$SELECT * FROM bandit.verify('films')$$, 'and it adds up');

SELECT bandit.start_experiment('films', 0.5);
SELECT count(*) FROM generate_series(1, 60) u, LATERAL bandit.recommend('films', u, 2);
SELECT count(bandit.shadow_recommend('films', u, '{1,2}'::bigint[])) FROM generate_series(1, 60) u;
SET LOCAL transaction_read_only = on;
SELECT ok(bandit.shadow_choose('s', '{}', 'a') IS NULL AND bandit.shadow_recommend('films', 1, '{1}'::bigint[]) IS NULL, 'not logged where nothing can be written');
SELECT is((SELECT sum(users) FROM bandit.experiment_report('films', now() + interval '25 hours') WHERE metric = 'reward' AND variant <> 'difference'), 60::numeric, 'no part of an experiment');
SELECT * FROM finish();
ROLLBACK;
