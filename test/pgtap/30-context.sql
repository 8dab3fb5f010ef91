-- Context: canonical text, hash, what may be in it.
BEGIN;
SELECT plan(18);

SELECT is(bandit.context_canonical(c::jsonb), want, 'canonical text of ' || c)
FROM (VALUES
	('{}', '{}'),
	('{"b": 1, "a": 2}', '{"a":2,"b":1}'),
	-- jsonb itself orders shorter keys first; code points do not
	('{"bb": 1, "a": 2, "b": 3, "aaa": 4}', '{"a":2,"aaa":4,"b":3,"bb":1}'),
	('{"n": [1.0, 1.50, 1e2, -0.0, 0.10]}', '{"n":[1,1.5,100,0,0.1]}'),
	('{"t": "\u00e9 \u2603 \"q\" \\ \n\u0001"}', '{"t":"é ☃ \"q\" \\ \n\u0001"}'),
	('{"o": {"z": null, "y": [true, {}, []]}}', '{"o":{"y":[true,{},[]],"z":null}}'),
	('{"é": 1, "z": 2, "a b": 3}', '{"a b":3,"z":2,"é":1}')
) v(c, want);

SELECT is(bandit.context_hash(c::jsonb),
	('x' || encode(substr(sha256(convert_to(want, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint,
	'hash of ' || c || ' is the head of SHA-256')
FROM (VALUES
	('{}', '{}'),
	('{"device": "phone", "at": 3.50}', '{"at":3.5,"device":"phone"}'),
	('{"é": "☃"}', '{"é":"☃"}')
) v(c, want);
-- frozen for ever: evidence is stored under it
SELECT is(bandit.context_hash('{}'), 4905387166444775306, 'the hash of no context');
SELECT is(bandit.context_hash('{"a": 1, "b": "x"}'), bandit.context_hash('{"b":"x","a":1.000}'),
	'equal jsonb, equal hash');
SELECT isnt(bandit.context_hash('{"a": "1"}'), bandit.context_hash('{"a": 1}'),
	'text is no number');
SELECT throws_ok($$SELECT bandit.context_hash('[1]')$$, '22023');
SELECT throws_ok($$SELECT bandit.context_hash('"x"')$$, '22023');
SELECT is(bandit.context_hash(NULL), NULL, 'null in, null out');

SELECT is(bandit.key_id('abc'),
	('x' || encode(substr(sha256('abc'), 1, 8), 'hex'))::bit(64)::bigint, 'key_id likewise');
SELECT is(bandit.decision_time(bandit.first_decision_id(t)), t, 'ids keep their time')
FROM (VALUES ('2026-02-03 04:05:06.789012+00'::timestamptz)) v(t);
SELECT * FROM finish();
ROLLBACK;
