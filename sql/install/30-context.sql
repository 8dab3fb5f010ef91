-- Context: its canonical text, its hash, and the settings cache.

CREATE FUNCTION bandit.context_canonical(context jsonb) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_context_canonical';
COMMENT ON FUNCTION bandit.context_canonical(jsonb) IS
'The canonical text of a context, which context_hash hashes: keys in code-point order, no white space, numbers without trailing zeros, text unescaped. Objects that are equal as jsonb have equal texts. Raises invalid_parameter_value unless the context is an object.';

CREATE FUNCTION bandit.context_hash(context jsonb) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_context_hash';
COMMENT ON FUNCTION bandit.context_hash(jsonb) IS
'The first 8 bytes, big-endian, of SHA-256 over the UTF-8 of context_canonical(context). Frozen: any client can compute it. Raises invalid_parameter_value unless the context is an object.';

CREATE FUNCTION bandit.key_id(key text) RETURNS bigint
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'bandit_key_id';
COMMENT ON FUNCTION bandit.key_id(text) IS
'The number that stands for a text or uuid key inside a recommender: the first 8 bytes, big-endian, of SHA-256 over its UTF-8. The same on every node. Two of ten million keys meet with a probability of 3e-6.';

CREATE FUNCTION bandit.invalidate_cache() RETURNS trigger
LANGUAGE c AS 'MODULE_PATHNAME', 'bandit_invalidate_cache';
COMMENT ON FUNCTION bandit.invalidate_cache() IS
'Statement trigger on the tables of settings and models: every backend, and every standby, reads them anew after the transaction';
