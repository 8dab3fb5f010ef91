-- Blending lists by weight.

CREATE FUNCTION bandit.blend(
	lists jsonb,
	weights float8[] DEFAULT NULL,
	n int DEFAULT 20,
	OUT "position" int,
	OUT item text,
	OUT list int)
RETURNS SETOF record
LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20
AS 'MODULE_PATHNAME', 'bandit_blend';
COMMENT ON FUNCTION bandit.blend(jsonb, float8[], int) IS
'Merges lists of items, such as ''[[1, 2, 3], ["x", "y"]]'', by weight: after every prefix each list has had within one item of its share (Tijdeman 1980). An item is given once, credited to the list (from 1) that brought it first; an exhausted list hands its share on. weights: one per list, >= 0; null or all 0 means equal. n <= 0 gives no rows. Items are text: 1 and "1" are one item, and so are 1 and 1.0. Raises invalid_parameter_value when lists is not an array of arrays of numbers and strings, or weights are not finite, negative, or not one per list; null_value_not_allowed for null arguments and weights; program_limit_exceeded above 1000 lists.';
