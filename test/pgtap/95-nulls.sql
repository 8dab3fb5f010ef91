-- Every function, told nothing: an answer or an error that says what is
-- missing, and the server stays.
BEGIN;
SELECT plan(3);

CREATE FUNCTION pg_temp.told_nothing(call text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE call;
	RETURN '00000';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END;
$$;
CREATE TEMP TABLE calls AS
SELECT call, pg_temp.told_nothing(call) AS state
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace,
	LATERAL (SELECT format('SELECT %I.%I(%s)', nspname, proname, coalesce((SELECT string_agg(
			'NULL::' || format_type(t, NULL), ', ' ORDER BY o)
		FROM unnest(proargtypes) WITH ORDINALITY a (t, o)), '')) AS call) c
WHERE nspname IN ('bandit', 'bandit_internal') AND prokind = 'f'
	AND prorettype <> 'trigger'::regtype AND 'internal'::regtype <> ALL (proargtypes::oid[]);
SELECT cmp_ok(count(*), '>', 200::bigint, 'functions were called') FROM calls;
SELECT is_empty($$SELECT * FROM calls WHERE state ~ '^XX'$$, 'no internal error');
SELECT is((SELECT state FROM calls WHERE call LIKE '%item_state(%'), '22004', 'such as what is null');
SELECT * FROM finish();
ROLLBACK;
