-- Every function of ours, :times times with invented arguments of its types,
-- names of bandits and arms among them.  Each call is rolled back.
SET client_min_messages = error;
SET statement_timeout = '2s';
SELECT setseed(:seed / 1000.0);
CREATE TEMP TABLE words (type text, word text);
INSERT INTO words VALUES
	('text', '{shop,plain,fades,a,b,svd,item_cf,hybrid,click,rating,success,failure,treatment,control,thompson,ucb1,greedy,"","x''y\"z",1,public.products,\u00e9}'),
	('double precision', '{0,1,-1,0.5,1e-308,1e308,NaN,Infinity,-Infinity,0.3,25}'),
	('real', '{0,1,NaN,Infinity,-1}'), ('numeric', '{0,1,-1.5,NaN}'),
	('integer', '{0,1,-1,2,5,100,2147483647,-2147483648}'), ('smallint', '{0,1,-32768}'),
	('bigint', '{0,1,2,3,40,-1,9223372036854775807,-9223372036854775808}'),
	('boolean', '{true,false}'), ('uuid', '{00000000-0000-0000-0000-000000000000,ffffffff-ffff-ffff-ffff-ffffffffffff}'),
	('jsonb', '{"{}","[]","null","1","{\"n\": 1}","{\"n\": [1, {\"a\": null}]}","[[1, 2], [\"x\"]]","{\"rank\": 1e400}","[[]]"}'),
	('timestamp with time zone', '{infinity,-infinity,2026-01-01,now,0001-01-01 BC,294276-12-31}'),
	('interval', '{0,1 day,-1 day,178000000 years,1 microsecond}'),
	('regclass', '{products,ratings,clicks,bandit.decisions,pg_class,0}'), ('regprocedure', '{now(),0}'),
	('name', '{shop,smith,"",x}'), ('oid', '{0,1}'), ('bytea', '{"","\\\\x00ff"}'),
	('text[]', '{"{}","{a,b,c}","{NULL}","{{a},{b}}","{a,a}","{svd}","{\"\"}"}'),
	('double precision[]', '{"{}","{1}","{1,2,3}","{NULL,1}","{NaN,1,1}","{{1,2},{3,4}}","{0,0,0}","{1e308,1e308,1}","{Infinity,1,2}","{-1,2,3}","{0.3,0.4,0.5}","{0,0,0,0,0,0,0,0,0,0,0}"}'),
	('integer[]', '{"{}","{1,2,3}","{NULL}","{2147483647}","{{1},{2}}"}'),
	('bigint[]', '{"{}","{1,2,3}","{NULL,1}","{{1},{2}}","{9223372036854775807}"}'),
	('jsonb[]', '{"{}","{NULL}"}'), ('boolean[]', '{"{}","{t,f}","{NULL}"}');
CREATE TEMP TABLE choices AS
SELECT type, unnest(word::text[]) AS word FROM words
UNION ALL SELECT 'uuid', decision_id::text FROM (SELECT decision_id FROM bandit.decisions ORDER BY 1 LIMIT 12) d;
-- what an argument of that name may well be, so that calls come further than
-- the first check: seven times in ten
CREATE TEMP TABLE likely AS
SELECT name, unnest(words::text[]) AS word FROM (VALUES
	('bandit', '{shop,plain,fades}'), ('name', '{shop,plain,fades}'),
	('arm', '{a,b,c,svd,item_cf,hybrid,long_tail}'), ('context', '{"{}","{\"n\": 1}","{\"n\": 2}"}'),
	('k', '{1,2,3,6,100}'), ('n', '{1,2,10,100}'), ('user_id', '{1,2,3,40}'), ('user_key', '{1,2,40}'),
	('item_id', '{1,2,3,60}'), ('kind', '{click,rating}'), ('reward', '{0,1,0.5}'),
	('policy', '{thompson,greedy,ucb1,uniform,top_two}'), ('metric', '{ctr,avg_rating,long_tail_rate}'),
	('alphas', '{"{1,2,3}","{0.5,0.5}"}'), ('betas', '{"{3,2,1}","{1,40}"}'), ('outcome', '{success,failure,neutral}'),
	('context_hash', format('{%s,%s}', bandit.context_hash('{}'), bandit.context_hash('{"n": 1}')))) w (name, words)
UNION ALL SELECT 'decision_id', word FROM choices WHERE type = 'uuid';
SELECT 'BEGIN', format('SELECT %I.%I(%s)', n.nspname, p.proname, (
		SELECT string_agg(CASE WHEN random() < 0.07 THEN 'NULL' ELSE coalesce(
			(SELECT quote_literal(word) FROM likely l WHERE l.name = p.proargnames[o] AND likely
				ORDER BY random() + time * 0 LIMIT 1),
			(SELECT quote_literal(word) FROM choices c WHERE c.type = format_type(t, NULL)
				ORDER BY random() + time * 0 LIMIT 1), 'NULL') END || '::' || format_type(t, NULL), ', ' ORDER BY o)
		FROM (SELECT t, o, random() + time * 0 < 0.7 AS likely
			FROM unnest(p.proargtypes) WITH ORDINALITY u (t, o) OFFSET 0) a)), 'ROLLBACK'
FROM pg_catalog.pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, generate_series(1, :times) time
WHERE n.nspname IN ('bandit', 'bandit_internal') AND p.prokind = 'f' AND p.pronargs > 0
	AND p.prorettype <> 'trigger'::regtype AND 'internal'::regtype <> ALL (p.proargtypes::oid[])
ORDER BY time, p.oid
\gexec
