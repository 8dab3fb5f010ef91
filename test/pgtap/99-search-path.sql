-- Nothing that lies in a schema first in the search_path is ever called:
-- every function and operator of pg_catalog is planted there, and so are its
-- types and tables.  What is planted counts its calls past every rollback.
SET client_min_messages = error;
BEGIN;
CREATE SCHEMA planted;
CREATE SEQUENCE planted.calls;
CREATE TABLE planted.kinds (kind text, n bigint);

DO $$
DECLARE
	one record;
	body text := $body$DECLARE n bigint := pg_catalog.nextval('planted.calls'); BEGIN RAISE EXCEPTION 'planted: %', $body$;
	made text;
	n bigint[] := '{0,0,0}';
BEGIN
	FOR one IN
		SELECT p.oid, p.proname, p.prorettype, o.args
		FROM pg_proc p
		CROSS JOIN LATERAL (SELECT coalesce(string_agg(format_type(a, NULL), ', ' ORDER BY i), '') AS args,
			coalesce(bool_or(t.typtype = 'p'), false) AS pseudo
			FROM unnest(p.proargtypes) WITH ORDINALITY AS u (a, i) JOIN pg_type t ON t.oid = a) AS o
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset
			AND p.provariadic = 0 AND NOT o.pseudo
			AND (SELECT typtype FROM pg_type WHERE oid = p.prorettype) <> 'p'
	LOOP
		EXECUTE format('CREATE FUNCTION planted.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L',
			one.proname, one.args, format_type(one.prorettype, NULL), body || quote_literal(one.oid::regprocedure::text) || '; END');
		n[1] := n[1] + 1;
	END LOOP;
	FOR one IN
		SELECT o.oid, o.oprname, o.oprleft, o.oprright, o.oprresult FROM pg_operator o
		WHERE o.oprnamespace = 'pg_catalog'::regnamespace
			AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (o.oprleft, o.oprright, o.oprresult) AND t.typtype = 'p')
	LOOP
		made := 'operator_' || one.oid;
		EXECUTE format('CREATE FUNCTION planted.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', made,
			concat_ws(', ', CASE WHEN one.oprleft <> 0 THEN format_type(one.oprleft, NULL) END, format_type(one.oprright, NULL)),
			format_type(one.oprresult, NULL), body || quote_literal(one.oid::regoperator::text) || '; END');
		EXECUTE format('CREATE OPERATOR planted.%s (FUNCTION = planted.%I, %s RIGHTARG = %s)', one.oprname, made,
			CASE WHEN one.oprleft <> 0 THEN format('LEFTARG = %s,', format_type(one.oprleft, NULL)) ELSE '' END,
			format_type(one.oprright, NULL));
		n[2] := n[2] + 1;
	END LOOP;
	FOR one IN
		SELECT t.typname AS name, 'CREATE DOMAIN planted.%I AS pg_catalog.circle CHECK (false)' AS make FROM pg_type t
		WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typtype = 'b' AND t.typelem = 0
		UNION ALL
		SELECT c.relname, 'CREATE TABLE planted.%I ()' FROM pg_class c
		WHERE c.relnamespace IN ('pg_catalog'::regnamespace, 'bandit'::regnamespace) AND c.relkind IN ('r', 'v', 'p')
	LOOP
		EXECUTE format(one.make, one.name);
		n[3] := n[3] + 1;
	END LOOP;
	INSERT INTO planted.kinds VALUES ('functions', n[1]), ('operators', n[2]), ('types and tables', n[3]);
END $$;

-- what is planted for sessions to come across, in temporary tables too
CREATE TEMP TABLE bandits (name text);
CREATE TEMP TABLE decisions ();
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT planted.now()';

CREATE FUNCTION public.try(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := current_setting('search_path');
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_temp, planted, public, pg_catalog', true);
	EXECUTE command;
	PERFORM pg_catalog.set_config('search_path', before, true);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;

CREATE TABLE public.products (product_id int PRIMARY KEY, name text, tags text);
CREATE TABLE public.ratings (user_id int, product_id int, stars int, created_at timestamptz DEFAULT pg_catalog.now());
CREATE TABLE public.clicks (user_id int, product_id int);
CREATE TABLE public.books (book_id uuid, title text);
CREATE TABLE public.loans (reader_id text, book_id uuid, lent_at timestamptz);
INSERT INTO products SELECT g, 'product ' || g, 'a,b' FROM generate_series(1, 30) g;
INSERT INTO ratings SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 20) u, generate_series(1, 8) p;
INSERT INTO books SELECT md5(g::text)::uuid, 'book ' || g FROM generate_series(1, 9) g;
INSERT INTO loans SELECT 'r' || g % 3, md5(g::text)::uuid, now() - interval '1 hour' FROM generate_series(1, 9) g;
CREATE FUNCTION public.crowd(user_id bigint, n int) RETURNS TABLE (item_id bigint, score float8)
	LANGUAGE sql STABLE SET search_path = pg_catalog AS 'SELECT product_id, product_id FROM public.products LIMIT n';
CREATE TABLE public.calls (place serial, command text);
INSERT INTO public.calls (command) VALUES
	($$SELECT bandit.create_recommender('shop', 'public.ratings', items => 'public.products', attribute_separator => ',')$$),
	($$SELECT bandit.create_recommender('library', 'public.loans', items => 'public.books')$$),
	($$SELECT bandit.create_bandit('mail', '{a,b}', '{x}', half_life => '1 day', exploration_floor => 0.01)$$),
	($$SELECT bandit.add_arm('shop', 'crowd', 'public.crowd(bigint,int)')$$),
	($$SELECT bandit.set_arm('shop', 'crowd', false), bandit.set_arm('shop', 'crowd', true)$$),
	($$SELECT bandit.add_arm('mail', 'c', beats_leader => 0.3), bandit.remove_arm('mail', 'c')$$),
	($$SELECT * FROM bandit.train('shop')$$), ($$SELECT * FROM bandit.train('library')$$),
	($$SELECT bandit.watch('shop', 'public.clicks', 'click'), bandit.watch('shop', 'public.ratings', 'rating')$$),
	($$SELECT * FROM bandit.evaluate('shop', n => 5)$$),
	($$SELECT * FROM bandit.start_experiment('shop', 0.5)$$),
	($$SELECT bandit.set_allocation('shop', 0.8)$$),
	($$SELECT * FROM bandit.recommend('shop', 1, 9)$$), ($$SELECT * FROM bandit.recommend('shop', 2, 9, false)$$),
	($$SELECT * FROM bandit.recommend('shop', 3, 9, true)$$), ($$SELECT * FROM bandit.recommend('shop', 4, 9, true)$$),
	($$SELECT * FROM bandit.recommend('library', user_key => 'r1', n => 2)$$),
	($$SELECT bandit.candidates('shop', a.arm, 3, 5) FROM bandit.arms a WHERE a.bandit OPERATOR(pg_catalog.=) 'shop'$$),
	($$SELECT bandit.candidates('shop', 'graph', 3, 5), bandit.candidates('shop', 'crowd', 3, 5), bandit.candidates('library', 'svd', 'r1', 5)$$),
	($$SELECT bandit.predict('shop', 'svd', 3, '{1,2}'), bandit.user_context('shop', 3)$$),
	($$SELECT * FROM bandit.select_arms('mail', '{"x": 1}', 2)$$), ($$SELECT * FROM bandit.choose('mail', '{"x": 1}', 'u')$$),
	($$SELECT bandit.shadow_choose('mail', '{}', 'a', 'v'), bandit.shadow_recommend('shop', 9, '{1,2}')$$),
	($$INSERT INTO public.clicks SELECT 3, i FROM pg_catalog.generate_series(1, 30) i$$),
	($$INSERT INTO public.clicks VALUES (3, 4)$$), ($$INSERT INTO public.clicks VALUES (4, 5)$$),
	($$UPDATE public.ratings SET stars = 1$$), ($$DELETE FROM public.clicks$$),
	($$SELECT bandit.feedback('shop', 3, i, 'click') FROM pg_catalog.generate_series(1, 30) i$$),
	($$SELECT bandit.feedback('shop', 3, i, 'rating', 5) FROM pg_catalog.generate_series(1, 30) i$$),
	($$SELECT bandit.feedback('library', user_key => 'r1', item_key => b.book_id::pg_catalog.text, kind => 'click') FROM public.books b$$),
	($$SELECT bandit.reward(d.decision_id, 0.5, d.picks[1]) FROM bandit.decisions d WHERE d.bandit OPERATOR(pg_catalog.=) 'mail'$$),
	($$SELECT bandit.update_bandit('mail', '{"x": 2}', 'a', 'success')$$),
	($$SELECT bandit.settle('shop', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.make_interval(days => 2))$$),
	($$SELECT bandit.settle('mail', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.make_interval(days => 2))$$),
	($$SELECT bandit.fold('shop'), bandit.rebuild('shop'), bandit.refresh_priors('mail')$$), ($$SELECT * FROM bandit.verify('shop')$$),
	($$SELECT bandit.explain(d.decision_id), bandit.replay(d.decision_id), bandit.propensities(d.decision_id) FROM bandit.decisions d$$),
	($$SELECT bandit.set_guard('shop', m, 0.5) FROM pg_catalog.unnest('{reward_drop,new_arm_share,arm_error_rate}'::pg_catalog.text[]) m$$),
	($$SELECT * FROM bandit.guard('shop')$$), ($$SELECT bandit.set_threshold('shop', 'ctr', 0.9)$$),
	($$SELECT * FROM bandit.check_health('shop')$$), ($$SELECT bandit.report('shop'), bandit.report('mail')$$),
	($$SELECT bandit.experiment_report('shop'), bandit.experiment_side('shop', '1')$$), ($$SELECT * FROM bandit.experiment_verdict('shop')$$),
	($$SELECT bandit.regret('shop'), bandit.arm_history('shop'), bandit.evaluate_policy('mail', 'uniform')$$),
	($$SELECT bandit.shadow_report('mail'), bandit.shadow_report('shop')$$), ($$SELECT bandit.stop_experiment('shop')$$),
	($$SELECT * FROM bandit.arm_stats$$), ($$SELECT * FROM bandit.context_stats$$), ($$SELECT * FROM bandit.bandit_states$$),
	($$SELECT * FROM bandit.overview$$), ($$SELECT * FROM bandit.exporter_bandits$$), ($$SELECT * FROM bandit.metrics$$),
	($$SELECT bandit.make_partitions('2 days')$$), ($$SELECT bandit.drop_partitions()$$),
	($$SELECT bandit.schedule('shop')$$), ($$SELECT bandit.unschedule('shop')$$),
	($$SELECT bandit.set_node('here')$$), ($$SELECT bandit.publish_node()$$),
	($$SELECT bandit.feedback('shop', 4, i, 'click') FROM pg_catalog.generate_series(1, 30) i$$),
	($$SELECT bandit.ips(1, 0.5, 0.4), bandit.snips(1, 0.5, 0.4), bandit.dr(1, 0.5, 0.4, 0.3, 0.2)$$),
	($$SELECT bandit.simulate('{0.1,0.2}', 50, 2), bandit.context_hash('{"a": 1}'), bandit.key_id('k'), bandit.beta_sample(1, 2)$$),
	($$SELECT bandit.blend('[[1,2],[2,3]]', '{1,2}', 3), bandit.srm_test('{10,12}', '{1,1}'), bandit.wilson_interval(3, 9)$$),
	($$SELECT bandit.unwatch('shop', 'public.clicks')$$), ($$SELECT bandit.create_roles()$$),
	($$SELECT bandit.drop_bandit('shop'), bandit.drop_bandit('library')$$);
INSERT INTO public.calls (command) SELECT $$SELECT bandit.drop_bandit('mail')$$;
CREATE TEMP TABLE answers AS SELECT c.place, c.command, public.try(c.command) AS error FROM public.calls c ORDER BY c.place;

SELECT plan(4);
SELECT cmp_ok((SELECT min(n) FROM planted.kinds), '>', 100::bigint, 'much is planted');
SELECT is((SELECT string_agg(command || ': ' || error, E'\n') FROM answers
	WHERE error IS NOT NULL), NULL, 'no call meets it');
SELECT is((SELECT is_called FROM planted.calls), false, 'not even where failures are overcome');
SELECT throws_ok($$SELECT 1 OPERATOR(planted.+) 1$$, 'P0001', NULL, 'and it would count');
SELECT * FROM finish();
ROLLBACK;
