-- A bandit of 6 arms with 216 contexts, as user_context makes them; the same
-- with :contexts; bandits of 50 and 1,000 arms; and what a user would write.
CREATE EXTENSION bandit;
CREATE TABLE moments AS
SELECT row_number() OVER () AS n, bandit.context_hash(context) AS hash, context
FROM (
	SELECT jsonb_build_object('time_period', a, 'day_of_week', b, 'user_type', c,
		'genre_saturation', d, 'session_position', e) AS context
	FROM unnest('{morning,afternoon,evening,night}'::text[]) a, unnest('{weekday,weekend}'::text[]) b,
		unnest('{cold_start,regular,power_user}'::text[]) c, unnest('{low,medium,high}'::text[]) d,
		unnest('{start,middle,late}'::text[]) e) m;
ALTER TABLE moments ADD PRIMARY KEY (n);
SELECT bandit.create_bandit(name, '{a,b,c,d,e,f}', '{time_period,day_of_week,user_type,genre_saturation,session_position}')
FROM unnest('{six,borrows,forgets}'::text[]) name;
UPDATE bandit.bandits SET half_life = '7 days' WHERE name = 'forgets';
SELECT bandit.create_bandit('many', '{a,b,c,d,e,f}', '{user}');
SELECT bandit.create_bandit('arms50', ARRAY(SELECT 'arm ' || g FROM generate_series(1, 50) g));
SELECT bandit.create_bandit('arms1000', ARRAY(SELECT 'arm ' || g FROM generate_series(1, 1000) g));

-- a ledger would take as long again to write, and nothing here reads it
CREATE FUNCTION earned(bandit text, hash bigint, arms text[]) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
	SELECT $1, $2, a, 1, 10 + n % 7, 30 + n % 11, 40 + n % 7 + n % 11
	FROM unnest($3) WITH ORDINALITY AS u (a, n)
$$;
SELECT count(earned(name, hash, '{a,b,c,d,e,f}')) FROM moments, unnest('{six,borrows,forgets}'::text[]) name;
INSERT INTO bandit.contexts (bandit, context_hash, slot, context)
SELECT name, hash, 1, context FROM moments, unnest('{six,borrows,forgets}'::text[]) name;
SELECT earned('arms50', bandit.context_hash('{}'), ARRAY(SELECT 'arm ' || g FROM generate_series(1, 50) g));
SELECT earned('arms1000', bandit.context_hash('{}'), ARRAY(SELECT 'arm ' || g FROM generate_series(1, 1000) g));
SELECT bandit.refresh_priors('borrows');
INSERT INTO bandit.evidence (bandit, context_hash, arm, slot, successes, failures, pulls)
SELECT 'many', bandit.context_hash(jsonb_build_object('user', u)), a, 1, 10, 30, 40
FROM generate_series(1, :contexts) u, unnest('{a,b,c,d,e,f}'::text[]) a;
CREATE TABLE many (n int PRIMARY KEY, hash bigint);
INSERT INTO many SELECT u, bandit.context_hash(jsonb_build_object('user', u)) FROM generate_series(1, :contexts) u;

-- 100,000 calls, in a table, so that no plan makes fewer of them
CREATE TABLE visits AS SELECT context, hash FROM generate_series(1, 100000) g JOIN moments ON n = 1 + g % 216;
CREATE TABLE apart AS SELECT jsonb_build_object('user', n) AS context, hash FROM many WHERE n <= 100000;

-- the states of a user's own: a row per context and arm
CREATE TABLE states (context int, arm text, alpha float8, beta float8, PRIMARY KEY (context, arm));
INSERT INTO states SELECT n, a, 11, 31 FROM moments, unnest('{a,b,c,d,e,f}'::text[]) a;
-- gamma by Marsaglia and Tsang (2000), shapes of 1 and more
CREATE FUNCTION gamma_sample(shape float8) RETURNS float8 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	d float8 := shape - 1.0 / 3;
	c float8 := 1 / sqrt(9 * d);
	x float8;
	v float8;
BEGIN
	LOOP
		x := sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random());
		v := (1 + c * x) ^ 3;
		CONTINUE WHEN v <= 0;
		IF ln(1 - random()) < 0.5 * x * x + d - d * v + d * ln(v) THEN
			RETURN d * v;
		END IF;
	END LOOP;
END $$;
CREATE FUNCTION thompson(which int, k int) RETURNS TABLE (arm text, sample float8) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
	RETURN QUERY
	SELECT drawn.name, drawn.x / (drawn.x + drawn.y) FROM (
		SELECT st.arm AS name, gamma_sample(st.alpha) AS x, gamma_sample(st.beta) AS y
		FROM states st WHERE st.context = which OFFSET 0) drawn
	ORDER BY 2 DESC LIMIT k;
END $$;
VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
