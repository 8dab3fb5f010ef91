-- Blending lists by weight.
\set VERBOSITY terse
SELECT string_agg(list::text, '' ORDER BY position) AS turns
FROM bandit.blend('[[1,2,3,4,5,6,7,8,9,10],[11,12,13,14,15,16,17,18,19,20],[21,22,23,24,25]]',
	'{45,35,20}', 20);

-- an item is given once, to the list that brought it first
SELECT * FROM bandit.blend('[[1, 2, 3], [2, 1, "x"]]', '{1, 1}');

-- an item is its text, a number its value
SELECT * FROM bandit.blend('[[1, 1.50], ["1", 1.0, 1.5, "1.0"]]');
SELECT bandit.blend('[["a"]]');

-- an exhausted list hands its share on
SELECT string_agg(list::text, '' ORDER BY position)
FROM bandit.blend('[[1], [2, 3, 4, 5], [6, 7, 8, 9]]', '{8, 1, 1}');

-- weights: none, all 0, one 0
SELECT string_agg(list::text, '' ORDER BY position) FROM bandit.blend('[[1, 2], [3, 4]]');
SELECT string_agg(list::text, '' ORDER BY position) FROM bandit.blend('[[1, 2], [3, 4]]', '{0, 0}');
SELECT string_agg(list::text, '' ORDER BY position) FROM bandit.blend('[[1, 2], [3, 4]]', '{0, 1}');
SELECT count(*) FROM bandit.blend('[[1, 2], [3, 4]]', NULL, 3);
SELECT count(*) FROM bandit.blend('[[1, 2], [3, 4]]', NULL, 0);
SELECT count(*) FROM bandit.blend('[[1, 2], [3, 4]]', NULL, -5);
SELECT count(*) FROM bandit.blend('[]');
SELECT count(*) FROM bandit.blend('[[], []]');

-- weights whose sum is beyond float8
SELECT string_agg(list::text, '' ORDER BY position) FROM bandit.blend('[[1, 2, 3], [4, 5, 6]]', '{1e308, 0.5e308}', 3);
SELECT string_agg(list::text, '' ORDER BY position) FROM bandit.blend('[[1, 2], [3, 4]]', '{1.5e308, 1.5e308}');

-- a long list
SELECT count(*), count(DISTINCT item) FROM bandit.blend(
	(SELECT jsonb_build_array(jsonb_agg(g), jsonb_agg(g + 5000)) FROM generate_series(1, 20000) g), NULL, 100000);

-- errors
SELECT * FROM bandit.blend('{}');
SELECT * FROM bandit.blend('3');
SELECT * FROM bandit.blend('[1, 2]');
SELECT * FROM bandit.blend('[[1, [2]]]');
SELECT * FROM bandit.blend('[[true]]');
SELECT * FROM bandit.blend(NULL);
SELECT * FROM bandit.blend('[[1]]', '{1, 2}');
SELECT * FROM bandit.blend('[[1]]', '{-1}');
SELECT * FROM bandit.blend('[[1]]', '{NaN}');
SELECT * FROM bandit.blend('[[1]]', '{NULL}');
SELECT * FROM bandit.blend('[[1], [2]]', '{{1}, {2}}');
SELECT * FROM bandit.blend('[[1]]', '{Infinity}');
SELECT * FROM bandit.blend('[[null]]');
SELECT * FROM bandit.blend('[[1]]', NULL, NULL);
SELECT * FROM bandit.blend((SELECT jsonb_agg('[]'::jsonb) FROM generate_series(1, 1001)));
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT * FROM bandit.blend('[[1], {}]');
SELECT * FROM bandit.blend('[[1]]', '{1, 2}');
