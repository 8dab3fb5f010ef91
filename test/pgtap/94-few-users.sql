-- Intervals where users are few, or one has most of what was served.
BEGIN;
SELECT plan(5);
SET LOCAL client_min_messages = warning;
SELECT results_eq($$SELECT round(bandit_internal.student(d)::numeric, 6) FROM unnest('{1,4,199,1000000,0}'::bigint[]) d$$,
	'{12.706205,2.776445,1.971957,1.959966,NULL}'::numeric[], 'Student''s quantiles');

-- 41 users, ten items each and 400 for the first; each clicks at a rate of his
-- own, on average 0.1.  200 times: a miss in 10 %, where 5 % are meant, would
-- be in more than 43 with a probability below 1e-6.
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO rated SELECT u, i, 3 FROM generate_series(1, 30) u, generate_series(1, 10) i;
SELECT bandit.create_recommender('x', 'rated', arms => '{item_cf,svd}');
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms, settled_at)
SELECT (left(bandit.first_decision_id(now() - interval '2 days')::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid, 'x', 0, u::text, 'treatment', now() - interval '2 days',
	'{}', '{}', '{}', '{}', ARRAY(SELECT generate_series(1, n)), array_fill('svd'::text, ARRAY[n]), now()
FROM (SELECT u, CASE u WHEN 1 THEN 400 ELSE 10 END AS n FROM generate_series(1, 41) u) s;
CREATE TEMP TABLE missed (metric text, missed boolean);
CREATE FUNCTION respond(which text, rate float8, of uuid, items bigint[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, value, reward, priority, successes, failures, pulls)
	SELECT of, 'x', i, which, 'svd', 0, rate, 1, 10, 0, 0, 0 FROM unnest(items) i WHERE which = 'rating' OR bandit.beta_sample(1, 1) < rate $$;
SELECT bandit.set_seed(5);
DO $$
BEGIN
	FOR run IN 1 .. 200 LOOP
		DELETE FROM bandit.feedback;
		PERFORM respond('click', bandit.beta_sample(1, 9), decision_id, items) FROM bandit.decisions;
		-- the first three rate what they see, each as it pleases him
		PERFORM respond('rating', 10 * bandit.beta_sample(3, 3), decision_id, items[1:10]) FROM bandit.decisions WHERE subject::int < 4;
		INSERT INTO missed SELECT r.metric, CASE r.metric WHEN 'ctr' THEN 0.1 ELSE 5 END NOT BETWEEN r.lower AND r.upper
		FROM (VALUES ('avg_rating', interval '0'), ('ctr', interval '1 day')) AS m (metric, pause),
			bandit_internal.health_rates('x', now() - interval '60 hours' + pause, now() - interval '36 hours' + pause) r WHERE r.metric = m.metric;
	END LOOP;
END $$;
SELECT diag(format('of 200 intervals of %s %s miss', metric, count(*) FILTER (WHERE missed))) FROM missed WHERE missed IS NOT NULL GROUP BY metric;
SELECT cmp_ok(count(*) FILTER (WHERE missed), '<', 44::bigint, 'a user with half of the items is not trusted') FROM missed WHERE metric = 'ctr';
SELECT cmp_ok(count(*) FILTER (WHERE missed), '<', 28::bigint, 'nor are three users') FROM missed WHERE metric = 'avg_rating';

-- one user of 250 has nearly all, and never clicks; all others click as the control's do
SELECT bandit.start_experiment('x', 0.5);
UPDATE bandit.experiments SET began_at = now() - interval '10 days', experiment = '11111111-1111-4111-8111-111111111111';
DELETE FROM bandit.feedback;
DELETE FROM bandit.decisions;
INSERT INTO bandit.decisions (decision_id, bandit, context_hash, subject, variant, decided_at, arms, alphas, betas, picks, items, item_arms)
SELECT (left(bandit.first_decision_id(now() - interval '5 days')::text, 19) || left(md5(u::text), 4) || '-' || right(md5(u::text), 12))::uuid, 'x', 0, u::text, CASE WHEN t THEN 'treatment' ELSE 'control' END, now() - interval '5 days',
	'{}', '{}', '{}', '{}', ARRAY(SELECT generate_series(1, n)), array_fill('svd'::text, ARRAY[n])
FROM (SELECT u, t, CASE WHEN t AND row_number() OVER (PARTITION BY t ORDER BY u) = 1 THEN 20000 ELSE 10 END AS n
	FROM (SELECT u, bandit_internal.treats('11111111-1111-4111-8111-111111111111', 0.5, u::text) AS t FROM generate_series(1, 500) u) s) s;
INSERT INTO bandit.feedback (decision_id, bandit, item_id, kind, arm, context_hash, reward, priority, successes, failures, pulls)
SELECT decision_id, 'x', i, 'click', 'svd', 0, 1, 10, 0, 0, 0 FROM bandit.decisions, generate_series(1, 10) i WHERE (subject::int + i) % 5 = 0 AND cardinality(items) = 10;
SELECT is(verdict, 'too early', 'nor does he decide an experiment') FROM bandit.experiment_verdict('x');
SELECT ok(lower < treatment - control AND upper > 0, 'whose interval is wide') FROM bandit.experiment_verdict('x');
SELECT * FROM finish();
ROLLBACK;
