/*-------------------------------------------------------------------------
 *
 * model.c
 *		Trained parts of a recommender: rows of bandit.models, kept decoded
 *		by each backend.
 *
 * A part is one image, written and read as a whole.  Training inserts a new
 * version and deletes the older ones in one transaction, so that a reader
 * sees one or the other; a backend learns of it by the invalidation of the
 * table's cache entry, looks up the newest version, and reads the image only
 * if it is another one.
 *
 * An image that was replaced may be in use further up the stack, and is
 * freed when a later transaction asks for a model.
 *
 * src/model.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* A part that was not trained is made in passing and kept this long. */
#define TRANSIENT_MS 60000

typedef struct ModelKey
{
	char		bandit[NAMEDATALEN];
	char		part[NAMEDATALEN];
} ModelKey;

typedef struct ModelEntry
{
	ModelKey	key;			/* hash key */
	bool		checked;		/* no change was heard of since */
	bool		trained;		/* there is a row */
	pg_uuid_t	version;
	TimestampTz made_at;		/* of a transient image */
	MemoryContext context;		/* holds the image; NULL when there is none */
	ModelHeader *image;
} ModelEntry;

static HTAB *models = NULL;
static Oid	models_relation = InvalidOid;
static List *retired = NIL;		/* MemoryContexts */
static bool retired_unused = false;

static ModelEntry *find_entry(Bandit *bandit, const char *part);
static void make_cache(void);
static void models_changed(Datum arg, Oid relation);
static void transaction_ended(XactEvent event, void *arg);
static void retire_image(ModelEntry *entry);
static void keep_image(ModelEntry *entry, const void *image, int64 bytes);
static bool newest_version(Bandit *bandit, const char *part,
						   pg_uuid_t *version);
static void read_image(Bandit *bandit, ModelEntry *entry,
					   const pg_uuid_t *version);

/*
 * bd_model_section
 *		The next section of an image: where it is, or NULL while measuring.
 */
void *
bd_model_section(ModelCursor *cursor, int64 bytes)
{
	int64		at = cursor->offset;

	cursor->offset += MAXALIGN(bytes);
	return cursor->base == NULL ? NULL : cursor->base + at;
}

static void
make_cache(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(ModelKey);
	ctl.entrysize = sizeof(ModelEntry);
	ctl.hcxt = TopMemoryContext;
	models = hash_create("bandit models", 32, &ctl,
						 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(models_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
}

static void
models_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	ModelEntry *entry;

	if (OidIsValid(relation) && relation != models_relation)
		return;
	hash_seq_init(&scan, models);
	while ((entry = hash_seq_search(&scan)) != NULL)
		entry->checked = false;
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		retired_unused = true;
}

static ModelEntry *
find_entry(Bandit *bandit, const char *part)
{
	ModelKey	key;
	ModelEntry *entry;
	bool		found;

	if (models == NULL)
		make_cache();
	models_relation = bd_relation("models");
	if (retired != NIL && retired_unused)
	{
		ListCell   *cell;

		foreach(cell, retired)
			MemoryContextDelete(lfirst(cell));
		list_free(retired);
		retired = NIL;
	}

	memset(&key, 0, sizeof(key));
	strlcpy(key.bandit, bandit->name, NAMEDATALEN);
	strlcpy(key.part, part, NAMEDATALEN);
	entry = hash_search(models, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->checked = false;
		entry->trained = false;
		entry->made_at = 0;
		entry->context = NULL;
		entry->image = NULL;
	}
	return entry;
}

static void
retire_image(ModelEntry *entry)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	if (entry->context != NULL)
		retired = lappend(retired, entry->context);
	retired_unused = false;
	entry->context = NULL;
	entry->image = NULL;
	MemoryContextSwitchTo(old);
}

/* Copy an image to memory of its own, aligned as its sections want it. */
static void
keep_image(ModelEntry *entry, const void *image, int64 bytes)
{
	retire_image(entry);
	entry->context = AllocSetContextCreate(CacheMemoryContext, "bandit model",
										   ALLOCSET_SMALL_SIZES);
	entry->image = MemoryContextAllocHuge(entry->context, bytes);
	memcpy(entry->image, image, bytes);
}

/*
 * bd_model_get
 *		The newest image of a part, or NULL if it was not trained.
 *
 * Valid until the end of the transaction.  Raises when the image was written
 * by another version of the extension or on another kind of machine.
 */
const ModelHeader *
bd_model_get(Bandit *bandit, const char *part, uint32 format)
{
	ModelEntry *entry = find_entry(bandit, part);
	pg_uuid_t	version;

	if (!entry->checked)
	{
		bool		trained = newest_version(bandit, part, &version);

		if (trained && (!entry->trained ||
						memcmp(&version, &entry->version, sizeof(version)) != 0))
			read_image(bandit, entry, &version);
		else if (!trained && entry->trained)
			retire_image(entry);
		entry->trained = trained;
		entry->checked = true;
	}
	if (!entry->trained)
		return NULL;
	if (entry->image->order != MODEL_ORDER || entry->image->format != format)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("model \"%s\" of \"%s\" has another format", part,
						bandit->name),
				 errhint("Train it again: SELECT * FROM bandit.train('%s').",
						 bandit->name)));
	return entry->image;
}

static bool
newest_version(Bandit *bandit, const char *part, pg_uuid_t *version)
{
	static KeptPlan plan = {
		"SELECT version FROM bandit.models"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND arm OPERATOR(pg_catalog.=) $2"
		" ORDER BY version DESC LIMIT 1",
		2, {TEXTOID, TEXTOID}
	};
	OwnerScope	scope;
	Datum		values[2];
	bool		isnull;
	bool		found;

	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = CStringGetTextDatum(part);
	bd_owner_begin(&scope);
	bd_plan_run(&plan, values, NULL, true, 1);
	bd_owner_end(&scope);
	found = SPI_processed == 1;
	if (found)
		*version = *DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
												SPI_tuptable->tupdesc, 1,
												&isnull));
	SPI_finish();
	return found;
}

static void
read_image(Bandit *bandit, ModelEntry *entry, const pg_uuid_t *version)
{
	static KeptPlan plan = {
		"SELECT data FROM bandit.models"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND arm OPERATOR(pg_catalog.=) $2"
		" AND version OPERATOR(pg_catalog.=) $3",
		3, {TEXTOID, TEXTOID, UUIDOID}
	};
	OwnerScope	scope;
	Datum		values[3];
	bool		isnull;
	bytea	   *data;
	int64		bytes;

	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = CStringGetTextDatum(entry->key.part);
	values[2] = UUIDPGetDatum(version);
	bd_owner_begin(&scope);
	bd_plan_run(&plan, values, NULL, true, 1);
	bd_owner_end(&scope);
	if (SPI_processed != 1)
		elog(ERROR, "model \"%s\" of \"%s\" vanished", entry->key.part,
			 bandit->name);
	data = DatumGetByteaPP(SPI_getbinval(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1, &isnull));
	bytes = VARSIZE_ANY_EXHDR(data);
	keep_image(entry, VARDATA_ANY(data), Max(bytes, (int64) sizeof(ModelHeader)));
	if (bytes < (int64) sizeof(ModelHeader) || entry->image->total != bytes)
		entry->image->order = 0;	/* bd_model_get will refuse it */
	entry->version = *version;
	SPI_finish();
}

/*
 * bd_model_put
 *		Write a new version of a part; it serves from the commit on.
 */
void
bd_model_put(Bandit *bandit, const char *part, const ModelHeader *image,
			 double seconds, pg_uuid_t *version)
{
	static KeptPlan insert = {
		"INSERT INTO bandit.models (bandit, arm, version, users, items,"
		" ratings, seconds, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		8, {TEXTOID, TEXTOID, UUIDOID, INT4OID, INT4OID, INT8OID, FLOAT8OID,
			BYTEAOID}
	};
	static KeptPlan forget = {
		"DELETE FROM bandit.models WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND arm OPERATOR(pg_catalog.=) $2"
		" AND version OPERATOR(pg_catalog.<>) $3",
		3, {TEXTOID, TEXTOID, UUIDOID}
	};
	OwnerScope	scope;
	Datum		values[8];
	bytea	   *data;

	if (image->total > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("model \"%s\" of \"%s\" would exceed one gigabyte",
						part, bandit->name)));
	data = palloc(VARHDRSZ + image->total);
	SET_VARSIZE(data, VARHDRSZ + image->total);
	memcpy(VARDATA(data), image, image->total);
	bd_decide_id(version, GetCurrentTimestamp());

	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = CStringGetTextDatum(part);
	values[2] = UUIDPGetDatum(version);
	values[3] = Int32GetDatum(image->nusers);
	values[4] = Int32GetDatum(image->nitems);
	values[5] = Int64GetDatum(image->nratings);
	values[6] = Float8GetDatum(seconds);
	values[7] = PointerGetDatum(data);
	bd_owner_begin(&scope);
	bd_plan_run(&insert, values, NULL, false, 0);
	bd_plan_run(&forget, values, NULL, false, 0);
	bd_owner_end(&scope);
	SPI_finish();
	pfree(data);
}

/*
 * bd_model_transient
 *		Keep an image in this backend only, for a minute.
 */
void
bd_model_transient(Bandit *bandit, const char *part, const ModelHeader *image)
{
	ModelEntry *entry = find_entry(bandit, part);

	keep_image(entry, image, image->total);
	entry->made_at = GetCurrentTimestamp();
}

/*
 * bd_model_find_transient
 *		Such an image, unless it is too old.
 */
const ModelHeader *
bd_model_find_transient(Bandit *bandit, const char *part)
{
	ModelEntry *entry = find_entry(bandit, part);

	if (entry->trained || entry->image == NULL ||
		TimestampDifferenceExceeds(entry->made_at, GetCurrentTimestamp(),
								   TRANSIENT_MS))
		return NULL;
	return entry->image;
}
