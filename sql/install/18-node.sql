-- Which node of several this is: known to every row that others may learn of.

CREATE FUNCTION bandit_internal.this_node() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED COST 1
AS 'MODULE_PATHNAME', 'bandit_this_node';
COMMENT ON FUNCTION bandit_internal.this_node() IS
'The name that bandit.set_node gave to this database; NULL: none, or it is a copy of the database that got it.';
