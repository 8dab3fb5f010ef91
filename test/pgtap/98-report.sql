-- bandit.report: numbers and pictures, each against its definition; nothing that a name could do to the page.
BEGIN;
SELECT plan(57);
SET LOCAL client_min_messages = error;
SELECT bandit.set_seed(98);
CREATE FUNCTION page(name text, at timestamptz DEFAULT now()) RETURNS text LANGUAGE sql AS $$ SELECT bandit.report(name, at) $$;
-- each picture, as XML that has to be well formed; each table's cells, by the heading of its section
CREATE FUNCTION pictures(page text) RETURNS SETOF xml LANGUAGE sql AS $$ SELECT m[1]::xml FROM regexp_matches(page, '<svg .*?</svg>', 'g') m $$;
CREATE FUNCTION section(page text, title text) RETURNS text LANGUAGE sql AS $$ SELECT substring(page FROM '<h2>' || title || '.*?</section>') $$;
CREATE FUNCTION cells(part text) RETURNS text[] LANGUAGE sql AS $$ SELECT array_agg(m[1]) FROM regexp_matches(part, '<td[^>]*>([^<]*)</td>', 'g') m $$;

SELECT throws_ok($$SELECT bandit.report('nothing')$$, '42704', NULL, 'no such bandit');
SELECT throws_ok($$SELECT bandit.report(NULL)$$, '22004', NULL, 'no name');

-- parts
SELECT is(bandit_internal.html('<a href="x">&'), '&lt;a href=&quot;x&quot;&gt;&amp;', 'what HTML would read');
SELECT is(bandit_internal.html(E'a\x01b'), 'a b', 'what HTML may not hold');
SELECT results_eq($$SELECT bandit_internal.short_number(x) FROM unnest('{0,0.0123456,-0.5,12.345,99.95,123456.7,1e-12,NaN,Infinity,-2000}'::float8[]) WITH ORDINALITY AS u (x, p) ORDER BY p$$,
	$$VALUES ('0'), ('0.0123'), ('-0.5'), ('12.3'), ('100'), ('123,457'), ('0'), (''), (''), ('-2,000')$$, 'three digits that matter');
SELECT is(bandit_internal.short_number(NULL), '', 'none');
SELECT is(bandit_internal.ticks(0, 1), '{0,0.25,0.5,0.75,1}'::float8[], 'round numbers');
SELECT is((SELECT array_agg(round(t::numeric, 9) ORDER BY t) FROM unnest(bandit_internal.ticks(0.013, 0.107)) t), '{0.025000000,0.050000000,0.075000000,0.100000000}', 'within the range');
SELECT is(bandit_internal.ticks(5, 5), '{5}'::float8[], 'a range of nothing');
-- words beside the y axis have room for seven letters, and those of an axis differ
CREATE FUNCTION words(low float8, high float8) RETURNS text[] LANGUAGE sql AS $$ SELECT array_agg(t->>1 ORDER BY p) FROM jsonb_array_elements(bandit_internal.number_ticks(low, high)) WITH ORDINALITY AS u (t, p) $$;
SELECT is(words(0, 1e-6), '{0,2.5e-7,5e-7,7.5e-7,1e-6}', 'small numbers are short');
SELECT is(words(0, 2.3e7), '{0,1e7,2e7}', 'large ones too');
SELECT is(words(0.49995, 0.50005), '{0.49995,0.499975,0.5,0.500025,0.50005}', 'as many digits as the ticks need');
SELECT is(words(0, 12500) || words(0, 0.2), '{0,"5,000","10,000",0,0.05,0.1,0.15,0.2}', 'others as they are written');
SELECT ok(bool_and((SELECT max(length(w)) <= 7 AND count(DISTINCT w) = count(*) FROM unnest(words(0, s * 10 ^ e)) w)), 'at every size') FROM generate_series(-9, 12) e, unnest('{1,1.7,3.2,8.5}'::float8[]) s;
SELECT is(bandit_internal.polyline('[[0, 0], [10, 1]]', '{0,10}', '{0,1}', 50, 240), 'M50.0 210.0L430.0 10.0', 'from below to the top, right of the margin');
SELECT is(bandit_internal.polyline('[[0, 0], [5, null], [10, 0]]', '{0,10}', '{0,1}', 50, 240), 'M50.0 210.0L430.0 210.0', 'what is not known is passed over');
SELECT is((SELECT jsonb_agg(t->>1) FROM jsonb_array_elements(bandit_internal.time_ticks('2026-03-01 00:00Z', '2026-03-05 00:00Z')) t),
	'["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]', 'days') FROM set_config('timezone', 'UTC', true);
SELECT cmp_ok(jsonb_array_length(bandit_internal.time_ticks('1970-01-01', '2026-01-01')), '<', 60, 'few, however long');
SELECT is(array_agg(bandit_internal.piece_words(b)), '{1 second,10 minutes,6 hours,7 days}', 'pieces of time') FROM unnest('{1 second,10 minutes,6 hours,7 days}'::interval[]) b;
-- a density: on its base, as high as it may be at its mode, and nowhere higher
CREATE TEMP TABLE shapes AS
SELECT a, b, bandit_internal.density_shape(a, b, 0, 1, 2, 0.9) AS shape FROM (VALUES (1, 1), (5::float8, 2::float8), (0.5, 0.5), (2e6, 1e6), (1e-3, 50), (1, 4)) v (a, b);
SELECT is_empty($$SELECT a, b FROM shapes, jsonb_array_elements(shape) p WHERE (p->>0)::float8 NOT BETWEEN 0 AND 1 OR (p->>1)::float8 NOT BETWEEN 2 AND 2.9 + 1e-12$$, 'densities stand on their line, below the next');
SELECT is_empty($$SELECT a, b FROM shapes, jsonb_array_elements(shape) p GROUP BY a, b HAVING abs(max((p->>1)::float8) - 2.9) > 1e-9$$, 'and are as high as they may be');
SELECT ok(abs((SELECT (p->>0)::float8 FROM jsonb_array_elements(shape) p ORDER BY (p->>1)::float8 DESC LIMIT 1) - 0.8) < 0.01, 'at the mode') FROM shapes WHERE a = 5;
SELECT ok(abs((SELECT (p->>0)::float8 FROM jsonb_array_elements(shape) p ORDER BY (p->>1)::float8 DESC LIMIT 1) - 2 / 3.0) < 1e-4, 'which may be narrower than the grid') FROM shapes WHERE a = 2e6;
SELECT is_empty($$SELECT a FROM (SELECT a, (p->>0)::float8 AS x, lag((p->>0)::float8) OVER (PARTITION BY a, b ORDER BY n) AS before FROM shapes, jsonb_array_elements(shape) WITH ORDINALITY AS e (p, n)) s WHERE x < before$$, 'from left to right');

-- nothing yet
SELECT bandit.create_bandit('bare', '{a,b}');
SELECT is((SELECT count(*) FROM pictures(page('bare'))), 1::bigint, 'a new bandit: posteriors, and nothing to draw else');
SELECT ok(page('bare') ~ 'No data yet', 'which is said');
SELECT ok(page('bare') ~ 'None, ever', 'no alerts');
SELECT ok(page('bare') !~ 'Experiment:', 'no experiment');
SELECT ok(page('bare') !~ 'In each context', 'no contexts');

-- names that are markup; 300 visitors; arm 2 is better
SELECT bandit.create_bandit('x<script>"&''', ARRAY['a', '<b onload="x">', '&amp;'], '{kind}');
CREATE TEMP TABLE served AS
SELECT u, c.decision_id, c.arm FROM generate_series(1, 300) u,
	LATERAL bandit.choose('x<script>"&''', jsonb_build_object('kind', CASE WHEN u % 3 = 0 THEN '</td><script>' ELSE 'plain' END), 'user ' || u) c;
SELECT count(bandit.reward(decision_id, CASE WHEN arm LIKE '<b%' THEN 1 ELSE (u % 10 < 2)::int END)) FROM served;
UPDATE bandit.decisions SET decided_at = now();	-- all in one second
CREATE TEMP TABLE found AS SELECT page('x<script>"&''') AS page;
SELECT ok(page !~* '<script', 'no name is a tag') FROM found;
SELECT ok(page !~ 'onload="', 'nor an attribute') FROM found;
SELECT ok(page ~ '<title>x&lt;script&gt;&quot;&amp;', 'a name is what it is') FROM found;
SELECT ok(page !~* '(https?:|url\(|src=|@import|<link|javascript:)', 'nothing from elsewhere') FROM found;
SELECT ok(page ~ 'Content-Security-Policy" content="default-src ''none''', 'and nothing might come') FROM found;
SELECT ok(page ~ '<meta charset="utf-8">', 'its encoding') FROM found;
SELECT lives_ok($$SELECT pictures(page) FROM found$$, 'pictures are well formed');
SELECT is((SELECT count(*) FROM found, pictures(page)), 5::bigint, 'posteriors, contexts, shares, rewards, regret; no lists that took time');
SELECT is_empty($$SELECT p FROM found, pictures(page) p WHERE cardinality(xpath('//path[contains(@class, "area") or contains(@class, "line")]', p)) < 1$$, 'each with something in it');
SELECT is_empty($$SELECT d FROM found, pictures(page) p, unnest(xpath('//path/@d', p)::text[]) d WHERE d !~ '^M[-0-9.]+ [-0-9.]+(([LM][-0-9.]+ [-0-9.]+)*Z?|H430)$'$$, 'of numbers');
SELECT is_empty($$SELECT n FROM found, pictures(page) p, unnest(xpath('//path/@d', p)::text[]) d, regexp_matches(d, '[LM]([-0-9.]+) ([-0-9.]+)', 'g') n WHERE n[1]::float8 NOT BETWEEN 0 AND 440 OR n[2]::float8 NOT BETWEEN -1 AND 600$$, 'inside');
SELECT is_empty($$SELECT x FROM found, pictures(page) p, unnest(xpath('//text/@x', p)::text[]) x WHERE x::float8 NOT BETWEEN 0 AND 440$$, 'words too');
SELECT results_eq($$SELECT count(*), count(DISTINCT y.low), sum(y.high - y.low) FROM found, pictures(section(page, 'Who serves')) p, unnest(xpath('//path[contains(@class, "area")]/@d', p)::text[]) d,
	LATERAL (SELECT min(n[1]::numeric) AS low, max(n[1]::numeric) AS high FROM regexp_matches(d, '[LM][0-9.]+ ([0-9.]+)', 'g') n) y$$, $$VALUES (3::bigint, 3::bigint, 200.0)$$, 'shares stand one on the other, and fill the picture');
SELECT is_empty($$SELECT c FROM found, regexp_matches(page, 'class="([^"]*)"', 'g') m, regexp_split_to_table(m[1], ' +') c
	WHERE c NOT IN ('', 'none', 'pair', 'scroll', 'name', 'key', 'card', 'cards', 'grid', 'open', 'line', 'area', 'solid', 'wrap', 'ok', 'unknown', 'warning', 'critical', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9')$$, 'of classes that the style sheet has');

SELECT results_eq($$SELECT c COLLATE "C" FROM found, unnest(cells(section(page, 'What each arm is worth'))) WITH ORDINALITY AS u (c, p) ORDER BY p$$,
	$$SELECT c COLLATE "C" FROM bandit.arm_stats s, unnest(ARRAY[bandit_internal.html(s.arm), bandit_internal.short_number(s.mean), bandit_internal.short_number(s.lower), bandit_internal.short_number(s.upper), s.pulls::text]) WITH ORDINALITY AS u (c, p)
	WHERE bandit = 'x<script>"&''' ORDER BY s.mean DESC, s.arm, p$$, 'arms: as arm_stats has them');
SELECT results_eq($$SELECT c[i] COLLATE "C", c[i + 1] FROM found, cells(section(page, 'Who serves')) c, generate_series(1, 9, 4) i ORDER BY 1$$,
	$$SELECT bandit_internal.html(arm) COLLATE "C", count(*)::text FROM served GROUP BY arm ORDER BY 1$$, 'shares: who served');
SELECT is((SELECT (cells(section(page, 'What it earns')))[3:6] FROM found), (SELECT ARRAY[bandit_internal.short_number(avg(s.y)), bandit_internal.short_number(min(w.lower)), bandit_internal.short_number(min(w.upper)), '300']
	FROM (SELECT CASE WHEN arm LIKE '<b%' THEN 1 ELSE (u % 10 < 2)::int END::float8 AS y FROM served) s,
	(SELECT 300 / 299.0::float8 AS d) d,
	LATERAL (SELECT sum(CASE WHEN arm LIKE '<b%' THEN 1 ELSE (u % 10 < 2)::int END)::float8 AS y FROM served) t, bandit.wilson_interval(t.y / d.d, 300 / d.d) w), 'rewards: their mean and Wilson''s interval');
SELECT is((SELECT (cells(section(page, 'What learning has cost')))[2] FROM found), (SELECT bandit_internal.short_number(max(cumulative)) FROM bandit.regret('x<script>"&''', bandit_internal.report_bucket('x<script>"&'''))), 'regret: as bandit.regret has it');
SELECT is((SELECT (cells(section(page, 'In each context')))[1:3] FROM found), (SELECT ARRAY['1', 'kind: plain', '&lt;b onload=&quot;x&quot;&gt;']), 'contexts: the one met most, and who leads');
SELECT is((SELECT (cells(section(page, 'In each context')))[7] FROM found), 'kind: &lt;/td&gt;&lt;script&gt;', 'and the other');

-- alerts
SELECT bandit.set_threshold('x<script>"&''', 'algorithm_dominance', 0.001);
SELECT count(*) FROM bandit.check_health('x<script>"&''', at => now() + interval '1 hour');
SELECT ok(page('x<script>"&''') ~ 'algorithm_dominance is 0\.\d+, more than 0.0010', 'an alert');

-- an experiment on lists
CREATE TABLE film (film_id int PRIMARY KEY, title text);
CREATE TABLE rated (user_id int, film_id int, stars int);
INSERT INTO film SELECT g, 'film ' || g FROM generate_series(1, 30) g;
INSERT INTO rated SELECT u, 1 + (u * 7 + p) % 30, 3 + (u + p) % 3 FROM generate_series(1, 40) u, generate_series(1, 6) p;
SELECT bandit.create_recommender('films', 'rated', items => 'film', arms => '{item_cf,long_tail}');
SELECT count(*) FROM bandit.train('films');
SELECT bandit.start_experiment('films', 0.5);
SELECT ok(page('films') ~ '<h2>Experiment: <span class="no">no data</span></h2><p>A side has no user with a matured decision\. 0 users with the bandit', 'a young experiment');
SELECT ok(page('films') !~ 'Lift', 'of which nothing more is known');
CREATE TEMP TABLE lists AS SELECT u, r.* FROM generate_series(1, 40) u, bandit.recommend('films', u, 5) r;
SELECT count(bandit.feedback('films', u, item_id, 'click')) FROM lists WHERE position <= u % 3;
SELECT ok(page('films', now() + interval '25 hours') ~ format('%s users with the bandit, %s with the control have been served and had time to respond\. Lift -?[0-9.]+, in', count(DISTINCT u) FILTER (WHERE variant = 'treatment'), count(DISTINCT u) FILTER (WHERE variant = 'control')), 'one with users') FROM lists;
SELECT results_eq($$SELECT DISTINCT c[i] COLLATE "C" FROM cells(section(page('films'), 'The slowest arms')) c, generate_series(1, cardinality(c), 6) i ORDER BY 1$$,
	$$SELECT DISTINCT a COLLATE "C" FROM bandit.decisions, unnest(picks) a WHERE bandit = 'films' AND pick_ms IS NOT NULL ORDER BY 1$$, 'the slowest arms: all that brought lists');
UPDATE bandit.decisions SET pick_ms = (SELECT array_agg(CASE a WHEN 'long_tail' THEN 20 ELSE 2.5 END ORDER BY p) FROM unnest(picks) WITH ORDINALITY AS u (a, p)) WHERE pick_ms IS NOT NULL;
SELECT is((cells(section(page('films'), 'The slowest arms')))[1:5], '{long_tail,20,20,20,"0.0 %"}', 'the slowest first, and how long it took');
SELECT bandit.set_arm('x<script>"&''', 'a', false);
SELECT ok(section(page('x<script>"&'''), 'What each arm is worth') ~ '>a \(off\)<', 'an arm that is out');
SELECT bandit.create_bandit('crowd', (SELECT array_agg('arm ' || g) FROM generate_series(1, 40) g));
SELECT is((SELECT count(*) FROM bandit_internal.report_arms('crowd')), 12::bigint, 'of very many arms those known best');
SELECT * FROM finish();
ROLLBACK;
