-- Keys: the same application with users and items of every type.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;

-- items 1 .. 8, user 1 has seen item 1; a list, a rating by the trigger, one
-- by call, and the other way round
CREATE FUNCTION walk_through(key_type text, make_key text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	number boolean := key_type LIKE '%int';
	one text;
	answer record;
BEGIN
	EXECUTE format('CREATE TABLE things (id %1$s PRIMARY KEY, title text);
		CREATE TABLE ratings (user_id %1$s, thing_id %1$s REFERENCES things, rating int);
		CREATE TABLE clicks (user_id %1$s, thing_id %1$s);
		INSERT INTO things SELECT %2$s, ''thing'' FROM generate_series(1, 8) g;
		INSERT INTO ratings SELECT %2$s, %2$s, 5 FROM generate_series(1, 1) g', key_type, make_key);
	PERFORM bandit.create_recommender('k', 'ratings', items => 'things', features => '{user_type}');
	PERFORM bandit.watch('k', 'ratings', 'rating'), bandit.watch('k', 'clicks', 'click');
	PERFORM bandit.train('k');

	EXECUTE format('SELECT %s::%s FROM generate_series(1, 1) g', make_key, key_type) INTO one;
	EXECUTE format('SELECT count(*) AS listed, count(t.id) AS known, bool_or(t.id::text = %L) AS seen
		FROM bandit.recommend(''k'', %L::%s, 20) r JOIN things t ON t.id::text = r.%s::text',
		one, one, CASE WHEN number THEN 'bigint' ELSE 'text' END,
		CASE WHEN number THEN 'item_id' ELSE 'item_key' END) INTO answer;
	RETURN NEXT format('%s: listed %s, seen %s', key_type, answer.known, answer.seen);
	-- the control's items teach nobody; here they are somebody's
	UPDATE bandit.decisions SET item_arms = array_fill('long_tail'::text, ARRAY[cardinality(items)]) WHERE bandit = 'k';
	EXECUTE format('INSERT INTO ratings SELECT user_id, t.id, 4 FROM ratings, things t WHERE t.id <> user_id ORDER BY t.id LIMIT 1;
		INSERT INTO clicks SELECT user_id, t.id FROM ratings, things t WHERE rating = 4;
		UPDATE ratings SET rating = 1 WHERE rating = 4');
	RETURN QUERY SELECT format('%s %s/%s/%s', arm, successes, failures, pulls) FROM bandit.bandit_states
		WHERE bandit = 'k' AND pulls > 0;
	EXECUTE 'DELETE FROM ratings WHERE rating = 1; DELETE FROM clicks';
	RETURN QUERY SELECT format('%s learnt, %s wrong', count(*), (SELECT count(*) FROM bandit.verify('k')))
		FROM bandit.feedback WHERE bandit = 'k' AND NOT retracted;
	EXECUTE format('SELECT bandit.feedback(''k'', user_id::%1$s, t.id::%1$s, ''thumbs_up'') AS learnt
		FROM ratings, things t WHERE t.id <> user_id ORDER BY t.id LIMIT 1',
		CASE WHEN number THEN 'bigint' ELSE 'text' END) INTO answer;
	RETURN NEXT format('by call: %s; %s', answer.learnt,
		CASE WHEN number THEN bandit.user_context('k', one::bigint) ELSE bandit.user_context('k', one) END);
	PERFORM bandit.drop_bandit('k');
	DROP TABLE things, ratings, clicks CASCADE;
END;
$$;

BEGIN;
SELECT walk_through('smallint', 'g');
SELECT walk_through('int', '-g');
SELECT walk_through('bigint', '9223372036854775807 - g');
SELECT walk_through('uuid', $$md5(g::text)::uuid$$);
SELECT walk_through('text', $$'Ä "' || g || ''' \ ' || chr(128512)$$);
SELECT walk_through('varchar(20)', $$lpad(g::text, g, ' ')$$);

-- the number of a key is the head of its SHA-256; its spelling is its own,
-- but for a uuid's
SELECT bandit.key_id('Ä') = ('x' || encode(substr(sha256(convert_to('Ä', 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint;
CREATE TABLE likes (user_id uuid, item_id uuid);
SELECT bandit.create_recommender('u', 'likes', arms => '{}', features => '{user_type}');
INSERT INTO likes SELECT 'ABCDEF00-0000-0000-0000-000000000000', gen_random_uuid() FROM generate_series(1, 5);
SELECT bandit.user_context('u', k) FROM unnest(ARRAY['abcdef00-0000-0000-0000-000000000000',
	'{ABCDEF00000000000000000000000000}', 'abcdef00-0000-0000-0000-000000000001']) k;
SELECT bandit.user_context('u', 'abc');
SELECT bandit.user_context('u', 1);
SELECT bandit.feedback('u', 'abc', 'def', 'click');
SELECT bandit.feedback('u', NULL::text, 'def', 'click');
ROLLBACK;
DROP FUNCTION walk_through;
