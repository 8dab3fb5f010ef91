\set n random(1, 216)
SELECT arm, sample FROM thompson(:n, 3);
