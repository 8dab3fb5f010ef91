/*-------------------------------------------------------------------------
 *
 * context.c
 *		The canonical text of a context, its hash, and the table that leads
 *		from a hash back to its context.
 *
 * The hash is the first 8 bytes, big-endian, of SHA-256 over the canonical
 * text.  That definition is frozen: any client can compute it, and evidence
 * is stored under it.  Canonical means: keys in code-point order, no white
 * space, numbers without trailing zeros, text as UTF-8 with only those
 * escapes that JSON demands.  Objects that are equal as jsonb have equal
 * texts.
 *
 * Contexts are written once, on first use in a backend, without waiting for
 * a session that writes the same one: see bd_context_register.
 *
 * src/context.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/xact.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

/* The hash of a context met before in this backend. */
#define MEMO_SETS 256
#define MEMO_WAYS 4
#define MEMO_MAX_BYTES 512

typedef struct ContextMemo
{
	int			len;
	int64		hash;
	char	   *bytes;
} ContextMemo;

static ContextMemo memo[MEMO_SETS][MEMO_WAYS];

/* A context known to be in bandit.contexts. */
typedef struct KnownContext
{
	int64		hash;
	char		bandit[NAMEDATALEN];
} KnownContext;

static HTAB *known_contexts = NULL;

#define KNOWN_MAX 100000

static void append_value(StringInfo out, JsonbValue *value);
static void append_object(StringInfo out, JsonbContainer *object);
static void append_array(StringInfo out, JsonbContainer *array);
static void append_string(StringInfo out, const char *text, int len);
static int	compare_pairs(const void *a, const void *b);
static int64 sha256_prefix(const uint8 *data, int len);
static void remember(ContextMemo *ways, const char *bytes, int size,
					 int64 hash);
static bool is_known(const Bandit *bandit, int64 hash, KnownContext *key);
static void forget_known(XactEvent event, void *arg);
static void forget_known_sub(SubXactEvent event, SubTransactionId mine,
							 SubTransactionId parent, void *arg);

PG_FUNCTION_INFO_V1(bandit_context_hash);
PG_FUNCTION_INFO_V1(bandit_context_canonical);
PG_FUNCTION_INFO_V1(bandit_key_id);

/* One member of an object, by its key in UTF-8. */
typedef struct Pair
{
	char	   *key;
	int			keylen;
	JsonbValue	value;
} Pair;

/*
 * utf8
 *		Text of the database's encoding as UTF-8, which the hash is over.
 */
static char *
utf8(const char *text, int len, int *outlen)
{
	char	   *converted = pg_server_to_any(text, len, PG_UTF8);

	*outlen = converted == text ? len : (int) strlen(converted);
	return converted;
}

/*
 * bd_context_canonical
 *		The canonical text of a context, palloc'd; "len" is its length.
 */
char *
bd_context_canonical(Jsonb *context, int *len)
{
	StringInfoData out;

	if (!JB_ROOT_IS_OBJECT(context))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("context must be a JSON object"),
				 errhint("For example '{\"device\": \"phone\"}', or '{}' for none.")));
	initStringInfo(&out);
	append_object(&out, &context->root);
	*len = out.len;
	return out.data;
}

static void
append_object(StringInfo out, JsonbContainer *object)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	int			npairs = JsonContainerSize(object);
	Pair	   *pairs = palloc(sizeof(Pair) * Max(npairs, 1));
	JsonbValue	value;
	JsonbIteratorToken token;
	int			n = 0;

	check_stack_depth();
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			pairs[n].key = utf8(value.val.string.val, value.val.string.len,
								&pairs[n].keylen);
		else if (token == WJB_VALUE)
			pairs[n++].value = value;
	}

	/* jsonb orders keys by length first; code-point order is bytewise */
	qsort(pairs, n, sizeof(Pair), compare_pairs);

	appendStringInfoChar(out, '{');
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		append_string(out, pairs[i].key, pairs[i].keylen);
		appendStringInfoChar(out, ':');
		append_value(out, &pairs[i].value);
	}
	appendStringInfoChar(out, '}');
	pfree(pairs);
}

static int
compare_pairs(const void *a, const void *b)
{
	const Pair *left = a;
	const Pair *right = b;
	int			order = memcmp(left->key, right->key,
							   Min(left->keylen, right->keylen));

	return order != 0 ? order : left->keylen - right->keylen;
}

static void
append_array(StringInfo out, JsonbContainer *array)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbValue	value;
	JsonbIteratorToken token;
	int			n = 0;

	check_stack_depth();
	appendStringInfoChar(out, '[');
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (n++ > 0)
			appendStringInfoChar(out, ',');
		append_value(out, &value);
	}
	appendStringInfoChar(out, ']');
}

static void
append_value(StringInfo out, JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(out, "null");
			break;
		case jbvBool:
			appendStringInfoString(out, value->val.boolean ? "true" : "false");
			break;
		case jbvString:
			{
				int			len;
				char	   *text = utf8(value->val.string.val,
										value->val.string.len, &len);

				append_string(out, text, len);
				break;
			}
		case jbvNumeric:
			{
				/* jsonb compares 1, 1.0 and 1e0 as equal */
				Datum		trimmed = DirectFunctionCall1(numeric_trim_scale,
														  NumericGetDatum(value->val.numeric));

				appendStringInfoString(out, DatumGetCString(DirectFunctionCall1(numeric_out,
																				trimmed)));
				break;
			}
		case jbvBinary:
			if (JsonContainerIsObject(value->val.binary.data))
				append_object(out, value->val.binary.data);
			else
				append_array(out, value->val.binary.data);
			break;
		default:
			elog(ERROR, "unexpected jsonb value type %d", (int) value->type);
	}
}

/*
 * append_string
 *		A JSON string with just the escapes of RFC 8259, section 7, in their
 *		short form where there is one, else \u00xx in lower case.
 */
static void
append_string(StringInfo out, const char *text, int len)
{
	appendStringInfoChar(out, '"');
	for (int i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		switch (c)
		{
			case '"':
				appendStringInfoString(out, "\\\"");
				break;
			case '\\':
				appendStringInfoString(out, "\\\\");
				break;
			case '\b':
				appendStringInfoString(out, "\\b");
				break;
			case '\f':
				appendStringInfoString(out, "\\f");
				break;
			case '\n':
				appendStringInfoString(out, "\\n");
				break;
			case '\r':
				appendStringInfoString(out, "\\r");
				break;
			case '\t':
				appendStringInfoString(out, "\\t");
				break;
			default:
				if (c < 0x20)
					appendStringInfo(out, "\\u%04x", c);
				else
					appendStringInfoChar(out, (char) c);
		}
	}
	appendStringInfoChar(out, '"');
}

/*
 * sha256_prefix
 *		The first 8 bytes of SHA-256, as a big-endian signed number.
 */
static int64
sha256_prefix(const uint8 *data, int len)
{
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	uint64		prefix = 0;
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL ||
		pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, data, len) < 0 ||
		pg_cryptohash_final(ctx, digest, sizeof(digest)) < 0)
	{
		pg_cryptohash_free(ctx);
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a SHA-256 hash")));
	}
	pg_cryptohash_free(ctx);

	for (int i = 0; i < 8; i++)
		prefix = (prefix << 8) | digest[i];
	return (int64) prefix;
}

/*
 * bd_context_hash
 *		Hash of a context; remembers what it computed.
 *
 * A request's context is one of a few hundred, so a small memo of the jsonb's
 * own bytes saves the canonical text and the hashing.
 */
int64
bd_context_hash(Jsonb *context)
{
	int			size = VARSIZE_ANY_EXHDR(context);
	const char *bytes = VARDATA_ANY(context);
	ContextMemo *slot;
	char	   *canonical;
	uint32		mixed;
	int			len;
	int64		hash;

	if (size > MEMO_MAX_BYTES)
	{
		canonical = bd_context_canonical(context, &len);
		return sha256_prefix((const uint8 *) canonical, len);
	}
	mixed = hash_bytes((const unsigned char *) bytes, size);
	for (int way = 0; way < MEMO_WAYS; way++)
	{
		slot = &memo[mixed % MEMO_SETS][way];
		if (slot->bytes != NULL && slot->len == size &&
			memcmp(slot->bytes, bytes, size) == 0)
			return slot->hash;
	}

	canonical = bd_context_canonical(context, &len);
	hash = sha256_prefix((const uint8 *) canonical, len);
	pfree(canonical);
	remember(memo[mixed % MEMO_SETS], bytes, size, hash);
	return hash;
}

/* Instead of another, where all ways are taken. */
static void
remember(ContextMemo *ways, const char *bytes, int size, int64 hash)
{
	static int	turn = 0;
	int			way = 0;
	char	   *kept = MemoryContextAlloc(TopMemoryContext, Max(size, 1));

	while (way < MEMO_WAYS && ways[way].bytes != NULL)
		way++;
	if (way == MEMO_WAYS)
	{
		way = turn++ & (MEMO_WAYS - 1);
		pfree(ways[way].bytes);
	}
	memcpy(kept, bytes, size);
	ways[way].bytes = kept;
	ways[way].len = size;
	ways[way].hash = hash;
}

/*
 * bd_key_id
 *		The number that stands for a text key: SHA-256's first 8 bytes.
 *
 * The same on every node, computed without a table.  Two of ten million
 * keys meet with a probability of 3e-6.
 */
int64
bd_key_id(const char *key, int len)
{
	int			utf8len;
	char	   *text = utf8(key, len, &utf8len);

	return sha256_prefix((const uint8 *) text, utf8len);
}

/*
 * bd_context_check
 *		Raise unless every key of the context is a declared feature.
 *
 * Only declared features are allowed, so that a name or an address cannot
 * slip into the table of contexts.
 */
void
bd_context_check(const Bandit *bandit, Jsonb *context)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_OBJECT(context))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("context must be a JSON object"),
				 errhint("For example '{\"device\": \"phone\"}', or '{}' for none.")));

	it = JsonbIteratorInit(&context->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		bool		declared = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < bandit->nfeatures && !declared; i++)
			declared = (int) strlen(bandit->features[i]) == value.val.string.len &&
				memcmp(bandit->features[i], value.val.string.val,
					   value.val.string.len) == 0;
		if (!declared)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("context key \"%.*s\" is not a feature of bandit \"%s\"",
							value.val.string.len, value.val.string.val,
							bandit->name),
					 errhint("Declare it: UPDATE bandit.bandits SET features = features || '{...}' WHERE name = '...'.")));
	}
}

/*
 * is_known
 *		Has this backend seen the context in the table?  Fills the key.
 */
static bool
is_known(const Bandit *bandit, int64 hash, KnownContext *key)
{
	if (known_contexts != NULL &&
		hash_get_num_entries(known_contexts) >= KNOWN_MAX)
	{
		hash_destroy(known_contexts);
		known_contexts = NULL;
	}
	if (known_contexts == NULL)
	{
		static bool registered = false;
		HASHCTL		ctl;

		ctl.keysize = sizeof(KnownContext);
		ctl.entrysize = sizeof(KnownContext);
		ctl.hcxt = TopMemoryContext;
		known_contexts = hash_create("bandit known contexts", 256, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		if (!registered)
		{
			RegisterXactCallback(forget_known, NULL);
			RegisterSubXactCallback(forget_known_sub, NULL);
			registered = true;
		}
	}

	memset(key, 0, sizeof(KnownContext));
	key->hash = hash;
	strlcpy(key->bandit, bandit->name, NAMEDATALEN);
	return hash_search(known_contexts, key, HASH_FIND, NULL) != NULL;
}

/*
 * bd_context_forget
 *		Look in the table again: rows may be gone, as after drop_bandit.
 */
void
bd_context_forget(void)
{
	if (known_contexts != NULL)
		hash_destroy(known_contexts);
	known_contexts = NULL;
}

/* What was seen may have been written by the transaction that ends. */
static void
forget_known(XactEvent event, void *arg)
{
	/* a prepared transaction may be rolled back without telling us */
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		bd_context_forget();
}

static void
forget_known_sub(SubXactEvent event, SubTransactionId mine,
				 SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_known(XACT_EVENT_ABORT, NULL);
}

/*
 * bd_context_register
 *		Make sure bandit.contexts leads from the hash to the context.
 *
 * A row goes in under a random slot, so it never meets another session's
 * uncommitted key: nobody waits, and at REPEATABLE READ nobody fails.  Two
 * sessions that meet a context first at the same time leave two equal rows,
 * which readers ignore.  The caller is connected to SPI, as the owner.
 */
void
bd_context_register(const Bandit *bandit, int64 hash, Jsonb *context)
{
	static KeptPlan find = {
		"SELECT 1 FROM bandit.contexts"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2 LIMIT 1",
		2, {TEXTOID, INT8OID}
	};
	static KeptPlan insert = {
		"INSERT INTO bandit.contexts (bandit, context_hash, slot, context)"
		" VALUES ($1, $2, $3, $4)",
		4, {TEXTOID, INT8OID, INT8OID, JSONBOID}
	};
	KnownContext key;
	Datum		values[4];

	if (is_known(bandit, hash, &key))
		return;

	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(hash);
	bd_plan_run(&find, values, NULL, false, 1);
	if (SPI_processed == 0)
	{
		values[2] = Int64GetDatum((int64) (bd_random_next(bd_slot_random()) >> 1));
		values[3] = JsonbPGetDatum(context);
		bd_plan_run(&insert, values, NULL, false, 0);
	}
	if (known_contexts != NULL)
		hash_search(known_contexts, &key, HASH_ENTER, NULL);
}

/*
 * context_hash(context jsonb) -> bigint
 */
Datum
bandit_context_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(bd_context_hash(PG_GETARG_JSONB_P(0)));
}

/*
 * context_canonical(context jsonb) -> text: what context_hash hashes
 */
Datum
bandit_context_canonical(PG_FUNCTION_ARGS)
{
	int			len;
	char	   *text = bd_context_canonical(PG_GETARG_JSONB_P(0), &len);
	char	   *local = pg_any_to_server(text, len, PG_UTF8);

	PG_RETURN_TEXT_P(cstring_to_text(local));
}

/*
 * key_id(key text) -> bigint
 */
Datum
bandit_key_id(PG_FUNCTION_ARGS)
{
	text	   *key = PG_GETARG_TEXT_PP(0);

	PG_RETURN_INT64(bd_key_id(VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)));
}
