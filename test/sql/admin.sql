-- Bandits and arms: what is made, what is refused, and that a refusal leaves
-- nothing behind.
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;

-- The error of a statement in one line: SQLSTATE, message, detail, hint.
CREATE FUNCTION outcome_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	code text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE,
		message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', code, message, nullif(detail, ''), nullif(hint, ''));
END;
$$;

-- Only this file's bandits are to be seen in hints.
BEGIN;
DELETE FROM bandit.bandits;

SELECT outcome_of($$SELECT bandit.drop_bandit('nobody')$$);

SELECT bandit.create_bandit('admin', '{red,green,blue}', '{device,hour}');
SELECT name, features, prior_alpha, prior_beta, attribution_window, on_silence
FROM bandit.bandits;
SELECT arm, position, role, enabled, source, prior_alpha, prior_beta
FROM bandit.arms ORDER BY position;
SELECT kind, outcome, success_from, failure_to, zero_at, one_at, priority
FROM bandit.outcome_rules ORDER BY kind;

-- names
SELECT outcome_of($$SELECT bandit.create_bandit('admin', '{a}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit(NULL, '{a}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('', '{a}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit(repeat('n', 64), '{a}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', NULL)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a,NULL}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a,""}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a,b,a}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', ARRAY[repeat('n', 64)])$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', NULL)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', '{f,NULL}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', '{f,""}')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', '{f,f}')$$);

-- settings
SELECT outcome_of(format('SELECT bandit.create_bandit(%L, %L, prior_alpha => %L)',
						 'other', '{a}', v))
FROM unnest('{0,-1,NaN,Infinity,-Infinity}'::float8[]) v;
SELECT outcome_of(format('SELECT bandit.create_bandit(%L, %L, prior_beta => %L)',
						 'other', '{a}', v))
FROM unnest('{0,NaN,Infinity}'::float8[]) v;
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', attribution_window => '0')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', attribution_window => NULL)$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', on_silence => 'shrug')$$);
SELECT outcome_of($$SELECT bandit.create_bandit('other', '{a}', on_silence => NULL)$$);

-- nothing of a refused bandit stays
SELECT count(*) FROM bandit.bandits;
SELECT count(*) FROM bandit.arms WHERE bandit <> 'admin';

-- no arms yet, and the longest name
SELECT bandit.create_bandit('admin empty', '{}');
SELECT bandit.create_bandit(repeat('n', 63), ARRAY[repeat('a', 63)]);
SELECT bandit.drop_bandit(repeat('n', 63));

-- arms come and go
SELECT bandit.add_arm('admin', 'white');
SELECT bandit.add_arm('admin', 'black', prior_alpha => 2, prior_beta => 5);
SELECT bandit.remove_arm('admin', 'green');
SELECT bandit.add_arm('admin', 'grey');
SELECT bandit.set_arm('admin', 'red', false);
SELECT arm, position, enabled, prior_alpha, prior_beta
FROM bandit.arms WHERE bandit = 'admin' ORDER BY position;

SELECT outcome_of($$SELECT bandit.add_arm('nobody', 'a')$$);
SELECT outcome_of($$SELECT bandit.add_arm(NULL, 'a')$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', NULL)$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', '')$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', repeat('n', 64))$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', 'red')$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', 'x', 'pg_catalog.abs(int)')$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', 'x', prior_alpha => 1)$$);
SELECT outcome_of($$SELECT bandit.add_arm('admin', 'x', prior_alpha => 1, prior_beta => 'NaN')$$);
SELECT outcome_of($$SELECT bandit.set_arm('nobody', 'red', true)$$);
SELECT outcome_of($$SELECT bandit.set_arm('admin', 'nothing', true)$$);
SELECT outcome_of($$SELECT bandit.set_arm('admin', NULL, true)$$);
SELECT outcome_of($$SELECT bandit.set_arm('admin', 'red', NULL)$$);
SELECT outcome_of($$SELECT bandit.set_arm('admin empty', 'red', true)$$);
SELECT outcome_of($$SELECT bandit.remove_arm('nobody', 'red')$$);
SELECT outcome_of($$SELECT bandit.remove_arm('admin', 'green')$$);

-- the last enabled arm
SELECT bandit.set_arm('admin', a, false) FROM unnest('{blue,white,black}'::text[]) a;
SELECT bandit.set_arm('admin', 'grey', false);
SELECT bandit.set_arm('admin', 'grey', true);

-- evidence outlives its arm, for the ledger that it is the sum of does
INSERT INTO bandit.evidence VALUES ('admin', 1, 'grey', 1, 3, 2, 5);
SELECT bandit.remove_arm('admin', 'grey');
SELECT bandit.add_arm('admin', 'grey');
SELECT arm, alpha, beta, pulls FROM bandit.bandit_states
WHERE bandit = 'admin' AND arm = 'grey';

-- dropping leaves nothing
INSERT INTO bandit.contexts VALUES ('admin', 1, 1, '{"device": "phone"}');
SELECT bandit.drop_bandit('admin');
SELECT outcome_of($$SELECT bandit.drop_bandit('admin')$$);
SELECT outcome_of($$SELECT bandit.drop_bandit(NULL)$$);
SELECT (SELECT count(*) FROM bandit.arms WHERE bandit = 'admin'),
	(SELECT count(*) FROM bandit.outcome_rules WHERE bandit = 'admin'),
	(SELECT count(*) FROM bandit.evidence WHERE bandit = 'admin'),
	(SELECT count(*) FROM bandit.contexts WHERE bandit = 'admin');

-- hostile names are just names
SELECT bandit.create_bandit('Robert''); DROP TABLE bandit.bandits; --',
	ARRAY['"', '''', '\', '%s', E'\n', ' ', '{}', 'NULL', '$1'], '{"a b","\"x\""}');
SELECT bandit.add_arm('Robert''); DROP TABLE bandit.bandits; --', '";--');
SELECT bandit.set_arm('Robert''); DROP TABLE bandit.bandits; --', '%s', false);
SELECT count(*) FILTER (WHERE enabled), count(*) FROM bandit.arms
WHERE bandit LIKE 'Robert%';
SELECT bandit.drop_bandit('Robert''); DROP TABLE bandit.bandits; --');
SELECT count(*) FROM bandit.bandits;
ROLLBACK;

DROP FUNCTION outcome_of(text);
