-- Back-off against independent cells where contexts are many and visits few.
--
-- 240 contexts of three features, 6 arms, 4,000 visits: 3 per arm and context.
-- Rates follow the first feature, and differ a little between cells.  All is
-- seeded, so the numbers are the same in every run.
BEGIN;
SELECT plan(4);
CREATE FUNCTION pg_temp.uniform(VARIADIC key int[]) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT (hashtextextended(array_to_string(key, ','), 7) & 1073741823) / 1073741824.0
$$;
CREATE FUNCTION pg_temp.rate(a int, b int, c int, arm int) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
	SELECT 0.05 + 0.3 * pg_temp.uniform(1, a, arm) ^ 2 + 0.05 * pg_temp.uniform(2, a, b, c, arm)
$$;
CREATE FUNCTION pg_temp.regret(name text, visits int) RETURNS float8
LANGUAGE plpgsql AS $$
DECLARE
	regret float8 := 0;
	a int; b int; c int;
	context jsonb;
	picked int;
	p float8;
BEGIN
	PERFORM bandit.set_seed(11);
	FOR i IN 1 .. visits LOOP
		a := floor(6 * pg_temp.uniform(3, i));
		b := floor(8 * pg_temp.uniform(4, i));
		c := floor(5 * pg_temp.uniform(5, i));
		context := jsonb_build_object('a', a, 'b', b, 'c', c);
		SELECT arm INTO picked FROM bandit.select_arms(name, context, 1);
		p := pg_temp.rate(a, b, c, picked);
		regret := regret - p
			+ (SELECT max(pg_temp.rate(a, b, c, other)) FROM generate_series(1, 6) other);
		PERFORM bandit.update_bandit(name, context, picked::text,
			CASE WHEN pg_temp.uniform(6, i) < p THEN 'success' ELSE 'failure' END);
		IF i % 250 = 0 THEN
			PERFORM bandit.refresh_priors(name);
		END IF;
	END LOOP;
	RETURN regret;
END;
$$;
SELECT bandit.create_bandit(name, '{1,2,3,4,5,6}', features => '{a,b,c}')
FROM unnest('{alone,borrows,fitted}'::text[]) name;
UPDATE bandit.bandits SET backoff_strength = 0 WHERE name = 'alone';
UPDATE bandit.bandits SET backoff_strength = NULL WHERE name = 'fitted';
CREATE TEMP TABLE result AS
SELECT name, pg_temp.regret(name, 4000) AS regret
FROM unnest('{alone,borrows,fitted}'::text[]) name;
SELECT diag(format('regret of %s: %s', name, round(regret::numeric, 1))) FROM result;
SELECT cmp_ok(b.regret, '<', 0.6 * a.regret, 'back-off beats independent cells')
FROM result a, result b WHERE a.name = 'alone' AND b.name = 'borrows';
SELECT cmp_ok(b.regret, '<', 0.6 * a.regret, 'and so does a fitted strength')
FROM result a, result b WHERE a.name = 'alone' AND b.name = 'fitted';
SELECT cmp_ok(max(strength), '>', 10::float8, 'which finds that cells are alike')
FROM bandit.priors WHERE bandit = 'fitted' AND level = 3;
SELECT is_empty($$SELECT name, v.* FROM result, bandit.verify(name) v$$, 'the ledger agrees');
SELECT * FROM finish();
ROLLBACK;
