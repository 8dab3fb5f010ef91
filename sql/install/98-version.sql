-- Which version is loaded.

CREATE FUNCTION bandit.library_version() RETURNS text
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_library_version';

COMMENT ON FUNCTION bandit.library_version() IS
E'The version of the library that this session has loaded. It should be that of the extension, as \\dx shows it: it is older in sessions that were open before new files were installed, and newer until ALTER EXTENSION bandit UPDATE. A session warns once when they differ.';
