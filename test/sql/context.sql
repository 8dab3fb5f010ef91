-- Contexts: one text and one hash for what is equal, and what is refused.
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\pset format unaligned
\pset tuples_only on
SET client_min_messages = notice;

-- the hash, by other means
CREATE FUNCTION head_of_sha256(canonical text) RETURNS bigint LANGUAGE sql AS $$
	SELECT ('x' || encode(substr(sha256(convert_to(canonical, 'UTF8')), 1, 8),
		'hex'))::bit(64)::bigint $$;

-- keys by code point: not by length, not by UTF-16 (U+FB01 before U+1F600)
SELECT bandit.context_canonical('{"\ud83d\ude00": 1, "\ufb01": 2, "b": 3, "": 4, "aa": 5, "B": 6}');
-- escapes: the short ones, \u00xx in lower case, nothing else
SELECT bandit.context_canonical('{"\"\\\/": "\b\f\n\r\t\u001F\u007f/<>&\u2028"}')
	= E'{"\\"\\\\/":"\\b\\f\\n\\r\\t\\u001f\x7f/<>&\u2028"}';
-- numbers
SELECT bandit.context_canonical('{"n": [1, 1.0, 1e2, 0.10, -0, 0.00, 1e-7, -1.50E+3,
	12345678901234567890.1234567890, 9007199254740993]}');
-- nesting
SELECT bandit.context_canonical('{"o": {"b": [1, [2, {"y": 1, "x": [ ]}], null], "a": {}}, "a": [[], {}]}');
-- the last of two equal keys
SELECT bandit.context_canonical('{"a": 1, "a": 2}');

-- equal as jsonb, equal in text and hash; different, different
WITH c AS (
	SELECT v::jsonb AS context FROM unnest(ARRAY['{}', '{"a": 1}', '{"a": 1.0}',
		'{"a": 1e0}', '{"a": "1"}', '{"a": 10}', '{"a": 1e1}', '{"a": null}', '{"a": true}',
		'{"a": "true"}', '{"a": []}', '{"a": {}}', '{"a": [1, 2]}', '{"a": [2, 1]}',
		'{"a": [[1], 2]}', '{"b": 1, "a": 2}', '{"a": 2.00, "b": 1}', '{"a": "b\",\"c"}',
		'{"a": "b", "c": ""}', '{"ab": ""}', '{"a": "b"}', '{"a": "\u0062"}', '{"A": 1}']) v)
SELECT count(*), bool_and((x.context = y.context)
		= (bandit.context_canonical(x.context) = bandit.context_canonical(y.context))),
	bool_and((x.context = y.context)
		= (bandit.context_hash(x.context) = bandit.context_hash(y.context)))
FROM c x, c y;

-- more contexts than a session remembers, long ones, each of them twice
SELECT count(*), count(DISTINCT hash), bool_and(hash = head_of_sha256(canonical))
FROM generate_series(1, 2) again, generate_series(1, 2000) g,
	LATERAL (SELECT jsonb_build_object('k', g, 'long', repeat('x', g % 700)) AS context) c,
	LATERAL (SELECT bandit.context_hash(context) AS hash,
		format('{"k":%s,"long":"%s"}', g, repeat('x', g % 700)) AS canonical) h;

-- refused: what is no object; keys that are not declared
SELECT bandit.context_hash('[]');
SELECT bandit.context_canonical('1');
SELECT bandit.context_hash('null');
BEGIN;
SELECT bandit.create_bandit('c', '{a}', '{device,dev}');
SELECT count(*) FROM bandit.select_arms('c', '{"device": {"mail": "any"}, "dev": 2}');
SELECT count(*) FROM bandit.select_arms('c', '{"dev": 1, "devic": 1}');
SELECT count(*) FROM bandit.choose('c', '{"devices": 1}');
SELECT bandit.update_bandit('c', '[1]', 'a', 'success');
SELECT count(*) FROM bandit.contexts WHERE bandit = 'c';

-- a context is written once; again when it is gone
SELECT count(*) FROM bandit.choose('c', '{"dev": 1}') x, bandit.choose('c', '{"dev": 1.0}') y;
SELECT context, count(*) FROM bandit.contexts WHERE bandit = 'c' GROUP BY 1;
SELECT bandit.drop_bandit('c');
SELECT bandit.create_bandit('c', '{a}', '{dev}');
SELECT count(*) FROM bandit.choose('c', '{"dev": 1}');
SELECT context, context_hash = head_of_sha256('{"dev":1}'), arm FROM bandit.bandit_states WHERE bandit = 'c';
SAVEPOINT s;
SELECT count(*) FROM bandit.choose('c', '{"dev": 2}');
ROLLBACK TO s;
SELECT count(*) FROM bandit.choose('c', '{"dev": 2}');
SELECT context FROM bandit.contexts WHERE bandit = 'c' ORDER BY 1;
ROLLBACK;
DROP FUNCTION head_of_sha256;
