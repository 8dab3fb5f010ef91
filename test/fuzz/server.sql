-- What make fuzz asks of the server about each row of context.pl.

CREATE TABLE cases (one text, other text, canonical text, hash bigint);

-- null, or what is wrong
CREATE FUNCTION wrong(c cases) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	j jsonb;
	found text;
BEGIN
	j := c.one;
	found := bandit.context_canonical(j);
	RETURN CASE
		WHEN found <> c.canonical THEN 'not the canonical text: ' || found
		WHEN bandit.context_canonical(c.other::jsonb) <> found THEN 'spellings differ'
		WHEN bandit.context_hash(c.other::jsonb) <> bandit.context_hash(j) THEN 'hashes differ'
		WHEN bandit.context_hash(j) <> c.hash THEN 'not the hash'
		WHEN found::jsonb <> j THEN 'canonical text is another context'
		WHEN bandit.context_canonical(found::jsonb) <> found THEN 'not idempotent'
		WHEN bandit.context_hash(j) <> ('x' || encode(substr(sha256(
			convert_to(found, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint THEN 'not the head of SHA-256'
	END;
EXCEPTION WHEN OTHERS THEN
	-- a text that was damaged may be refused, for what it is or its depth
	RETURN CASE WHEN c.canonical IS NULL AND SQLSTATE ~ '^(22|54)' THEN NULL
		ELSE format('%s %s', SQLSTATE, SQLERRM) END;
END;
$$;

-- Blends of a few lists: null, or what is wrong.
CREATE FUNCTION wrong_blend(number int) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	lists jsonb;
	weights float8[];
	n int;
	wrong text;
BEGIN
	PERFORM setseed(number % 1000003 / 1000003.0);
	SELECT coalesce(jsonb_agg(list), '[]') INTO lists
	FROM generate_series(1, floor(random() * 6)::int) l, LATERAL (
		SELECT coalesce(jsonb_agg(item), '[]') AS list FROM (
			SELECT CASE WHEN random() < 0.5 THEN to_jsonb(floor(random() * 15) / (1 + l % 2))
				ELSE to_jsonb(floor(random() * 15)::text) END AS item
			FROM generate_series(1, (random() * 12 + l * 0)::int)) i) a;
	IF random() < 0.8 THEN
		SELECT coalesce(array_agg(CASE WHEN random() < 0.2 THEN 0 ELSE random() * 10 ^ floor(random() * 9) END), '{}')
		INTO weights FROM generate_series(1, jsonb_array_length(lists));
	END IF;
	n := floor(random() * 30) - 1;
	WITH items AS (
		SELECT l, i, item FROM jsonb_array_elements(lists) WITH ORDINALITY a (list, l),
			jsonb_array_elements_text(list) WITH ORDINALITY b (item, i)
	), texts AS (
		SELECT l, i, CASE WHEN jsonb_typeof(lists -> (l - 1)::int -> (i - 1)::int) = 'number'
			THEN trim_scale(item::numeric)::text ELSE item END AS item FROM items
	), given AS (
		SELECT g.*, min(t.i) AS i, count(*) OVER () AS all_given
		FROM bandit.blend(lists, weights, n) g
		LEFT JOIN texts t ON t.l = g.list AND t.item = g.item
		GROUP BY g.position, g.item, g.list
	)
	SELECT CASE
		WHEN count(DISTINCT g.item) <> count(*) THEN 'an item twice'
		WHEN count(*) <> greatest(least(n, (SELECT count(DISTINCT item) FROM texts)), 0) THEN 'not as many as there are'
		WHEN count(*) FILTER (WHERE g.i IS NULL) > 0 THEN 'an item of another list'
		WHEN max(g.position) <> count(*) OR min(g.position) <> 1 THEN 'a gap in positions'
		WHEN EXISTS (SELECT FROM given a JOIN given b ON a.list = b.list AND a.position < b.position AND a.i > b.i)
			THEN 'a list out of its order'
	END INTO wrong FROM given g;
	RETURN format('%s: blend(%L, %L, %s)', wrong, lists, weights, n) WHERE wrong IS NOT NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN format('%s %s: blend(%L, %L, %s)', SQLSTATE, SQLERRM, lists, weights, n);
END;
$$;
