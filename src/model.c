/*-------------------------------------------------------------------------
 *
 * model.c
 *		Trained parts of a recommender: their image, and their cache.
 *
 * A trained part is a row of bandit.models.  Its image is a header, a
 * directory, and plain arrays aligned to 8 bytes, in the byte order of the
 * server that trained it; a backend reads the whole of it into memory once
 * and points into it.
 *
 * Training invalidates the relation's cache entry (a trigger on the table),
 * which reaches every backend at commit and every standby at replay.  The
 * callback here only counts; the next request that finds its part older than
 * the count looks up the newest version, with a snapshot taken after the
 * count was read, so that a part cannot be taken for fresh by a query that
 * began before the training was committed.
 *
 * A part that was replaced may be in use further up the stack, so its memory
 * is handed to the transaction, which frees it at its end.  So is what exceeds
 * bandit.model_cache_size, the least recently used first: that is read again
 * when it is needed again.
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
#include "utils/snapmgr.h"

#define IMAGE_MAGIC 0x42644D31	/* also tells another byte order */

/* pg_dump writes two characters a byte, and a text ends at 1 GB. */
#define MAX_IMAGE_BYTES (500 * 1024 * 1024)

/* Where an array is; offsets from the start of the image. */
typedef struct ImageEntry
{
	int64		offset;
	int64		count;
	int32		width;
	int32		unused;
} ImageEntry;

/* The image is the whole bytea, so that its arrays are aligned in memory. */
struct ModelImage
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint32		magic;
	int32		format;
	int32		narrays;
	int64		bytes;			/* of the whole image */
	ImageEntry	arrays[FLEXIBLE_ARRAY_MEMBER];
};

/* Hash key: zero-padded names. */
typedef struct PartKey
{
	char		bandit[NAMEDATALEN];
	char		name[NAMEDATALEN];
} PartKey;

typedef struct Part
{
	PartKey		key;
	uint64		checked;		/* changes counted when it was looked up */
	bool		exists;			/* else nothing has been trained */
	pg_uuid_t	version;
	MemoryContext context;		/* NULL when there is nothing to use */
	const void *decoded;
	Size		bytes;			/* of the context */
	uint64		used;			/* when last, by a count of uses */
} Part;

/* What serves instead of a stored part. */
typedef struct Substitute
{
	const ModelKind *kind;
	const void *decoded;
} Substitute;

int			bd_model_cache_size = 256 * 1024;	/* kB */

static HTAB *parts = NULL;
static Size parts_bytes = 0;
static uint64 uses = 0;
static Oid	models_relation = InvalidOid;
static uint64 changes = 1;
static const char *substituted = NULL;	/* the bandit of those below */
static List *substitutes = NIL;

static void relation_changed(Datum arg, Oid relation);
static const void *find_substitute(const ModelKind *kind);
static void start_cache(void);
static void transaction_ended(XactEvent event, void *arg);
static void drop_oldest(void);
static void forget(Part *part);
static Part *find_part(const char *bandit, const char *name);
static void look_up(Part *part, const ModelKind *kind);
static void load_part(Part *part, const ModelKind *kind, Datum data);

/* ----------------------------------------------------------------
 * the image
 * ----------------------------------------------------------------
 */

/*
 * bd_image_make
 *		An image of kind->narrays arrays.  Equal arrays make equal bytes.
 */
bytea *
bd_image_make(const ModelKind *kind, const ImageArray *arrays)
{
	int64		header = offsetof(ModelImage, arrays) +
	sizeof(ImageEntry) * kind->narrays;
	int64		bytes = header;
	ModelImage *image;

	for (int i = 0; i < kind->narrays; i++)
		bytes += TYPEALIGN64(8, arrays[i].count * arrays[i].width);
	if (bytes > MAX_IMAGE_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("trained part \"%s\" is too large", kind->name),
				 errdetail("It would take %lld bytes of at most %d.",
						   (long long) bytes, MAX_IMAGE_BYTES),
				 errhint("Let the recommender read a view with fewer items.")));

	image = palloc0(bytes);
	SET_VARSIZE(image, bytes);
	image->magic = IMAGE_MAGIC;
	image->format = kind->format;
	image->narrays = kind->narrays;
	image->bytes = bytes;
	bytes = header;
	for (int i = 0; i < kind->narrays; i++)
	{
		Size		size = arrays[i].count * arrays[i].width;

		image->arrays[i].offset = bytes;
		image->arrays[i].count = arrays[i].count;
		image->arrays[i].width = arrays[i].width;
		if (size > 0)
			memcpy((char *) image + bytes, arrays[i].data, size);
		bytes += TYPEALIGN64(8, size);
	}
	return (bytea *) image;
}

/*
 * bd_image_decode
 *		What kind->decode makes of an image, or NULL if it is not usable:
 *		damaged, of another format, or from a server of other byte order.
 *
 * "data" is not toasted and aligned like any palloc'd memory.
 */
void *
bd_image_decode(const ModelKind *kind, const bytea *data)
{
	const ModelImage *image = (const ModelImage *) data;
	int64		bytes = VARSIZE(data);

	if (bytes < (int64) offsetof(ModelImage, arrays) ||
		image->magic != IMAGE_MAGIC || image->format != kind->format ||
		image->narrays != kind->narrays || image->bytes != bytes ||
		bytes < (int64) (offsetof(ModelImage, arrays) +
						 sizeof(ImageEntry) * kind->narrays))
		return NULL;
	for (int i = 0; i < kind->narrays; i++)
	{
		const ImageEntry *entry = &image->arrays[i];

		if (entry->offset < 0 || entry->offset > bytes ||
			entry->offset % 8 != 0 || entry->width <= 0 || entry->count < 0 ||
			entry->count > (bytes - entry->offset) / entry->width)
			return NULL;
	}
	return kind->decode(image);
}

/*
 * bd_image_array
 *		An array of an image, or NULL if its elements have another width or
 *		"*count" is not negative and another number of them.
 *
 * "*count" becomes the number of elements.
 */
const void *
bd_image_array(const ModelImage *image, int number, int width, int64 *count)
{
	const ImageEntry *entry = &image->arrays[number];

	if (entry->width != width || (*count >= 0 && entry->count != *count))
		return NULL;
	*count = entry->count;
	return (const char *) image + entry->offset;
}

/*
 * bd_image_rows
 *		Are these the starts of nrows rows that share nentries entries?
 *
 * "start" has nrows + 1 of them.
 */
bool
bd_image_rows(const int32 *start, int64 nrows, int64 nentries)
{
	if (start[0] != 0 || start[nrows] != nentries)
		return false;
	for (int64 i = 0; i < nrows; i++)
		if (start[i] > start[i + 1])
			return false;
	return true;
}

/*
 * bd_image_indexes
 *		Are all of them from 0 to below - 1?
 */
bool
bd_image_indexes(const int32 *indexes, int64 n, int64 below)
{
	for (int64 i = 0; i < n; i++)
		if (indexes[i] < 0 || indexes[i] >= below)
			return false;
	return true;
}

/* ----------------------------------------------------------------
 * the cache
 * ----------------------------------------------------------------
 */

/* Runs at any time, so it only counts. */
static void
relation_changed(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == models_relation)
		changes++;
}

static void
start_cache(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(PartKey);
	ctl.entrysize = sizeof(Part);
	ctl.hcxt = CacheMemoryContext;
	parts = hash_create("bandit trained parts", 16, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
}

/* Nobody points into a part any more. */
static void
transaction_ended(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	while (parts_bytes > (Size) bd_model_cache_size * 1024)
		drop_oldest();
}

static void
drop_oldest(void)
{
	HASH_SEQ_STATUS scan;
	Part	   *part;
	Part	   *oldest = NULL;

	hash_seq_init(&scan, parts);
	while ((part = hash_seq_search(&scan)) != NULL)
		if (part->context != NULL &&
			(oldest == NULL || part->used < oldest->used))
			oldest = part;
	if (oldest == NULL)
	{
		parts_bytes = 0;		/* cannot happen; do not loop */
		return;
	}
	MemoryContextDelete(oldest->context);
	oldest->context = NULL;
	forget(oldest);
}

/* Let the next request look the part up; its memory is seen to elsewhere. */
static void
forget(Part *part)
{
	parts_bytes -= part->bytes;
	part->bytes = 0;
	part->checked = 0;
	part->exists = false;
	part->decoded = NULL;
}

static Part *
find_part(const char *bandit, const char *name)
{
	PartKey		key;
	Part	   *part;
	bool		found;

	memset(&key, 0, sizeof(key));
	strlcpy(key.bandit, bandit, NAMEDATALEN);
	strlcpy(key.name, name, NAMEDATALEN);
	part = hash_search(parts, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset(part, 0, sizeof(Part));
		part->key = key;
	}
	return part;
}

/*
 * bd_model_get
 *		The decoded trained part, or NULL if it has not been trained.
 *
 * One that cannot be used is told at "elevel", and is NULL below ERROR.
 * Valid until the end of the transaction, whatever is trained meanwhile.
 */
const void *
bd_model_get(const char *bandit, const ModelKind *kind, int elevel)
{
	Part	   *part;

	if (substituted != NULL && strcmp(substituted, bandit) == 0)
		return find_substitute(kind);
	if (parts == NULL)
		start_cache();
	part = find_part(bandit, kind->name);
	if (part->checked != changes)
		look_up(part, kind);
	part->used = ++uses;

	if (part->exists && part->decoded == NULL)
		ereport(elevel,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("trained part \"%s\" of \"%s\" is damaged or of another version",
						kind->name, bandit),
				 errhint("Train it again: SELECT * FROM bandit.train(%s).",
						 quote_literal_cstr(bandit))));
	return part->decoded;
}

/*
 * bd_model_part
 *		A part to be substituted; memory from CurrentMemoryContext.
 */
void *
bd_model_part(const ModelKind *kind, const void *decoded)
{
	Substitute *part = palloc(sizeof(Substitute));

	part->kind = kind;
	part->decoded = decoded;
	return part;
}

/*
 * bd_model_substitute
 *		Let these parts, and no others, be a bandit's in this backend, until
 *		called with NULL; the caller sees to that also where an error is
 *		raised.
 */
void
bd_model_substitute(const char *bandit, List *with)
{
	substituted = bandit;
	substitutes = with;
}

static const void *
find_substitute(const ModelKind *kind)
{
	ListCell   *cell;

	foreach(cell, substitutes)
	{
		const Substitute *part = lfirst(cell);

		if (part->kind == kind)
			return part->decoded;
	}
	return NULL;
}

/*
 * look_up
 *		Find the newest version, and load it if it is not the one we have.
 */
static void
look_up(Part *part, const ModelKind *kind)
{
	static KeptPlan plan = {
		"SELECT version, data FROM bandit.models"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND arm OPERATOR(pg_catalog.=) $2 ORDER BY version DESC LIMIT 1",
		2, {TEXTOID, TEXTOID}
	};
	OwnerScope	scope;
	Datum		values[2];
	uint64		counted;

	models_relation = bd_relation("models");
	counted = changes;
	bd_push_latest();
	SPI_connect();
	values[0] = CStringGetTextDatum(part->key.bandit);
	values[1] = CStringGetTextDatum(kind->name);
	bd_owner_begin(&scope);
	bd_plan_run(&plan, values, NULL, true, 1);
	if (SPI_processed == 0)
	{
		forget(part);
		bd_model_retire(part->context);
		part->context = NULL;
	}
	else
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		bool		isnull;
		pg_uuid_t  *version = DatumGetUUIDP(SPI_getbinval(row, desc, 1,
														  &isnull));

		if (!part->exists ||
			memcmp(version, &part->version, sizeof(pg_uuid_t)) != 0)
		{
			load_part(part, kind, SPI_getbinval(row, desc, 2, &isnull));
			part->version = *version;
			part->exists = true;
		}
	}
	bd_owner_end(&scope);
	SPI_finish();
	PopActiveSnapshot();
	part->checked = counted;
}

/* Read an image into memory of its own; the former one is retired. */
static void
load_part(Part *part, const ModelKind *kind, Datum data)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "bandit trained part",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const void *decoded;

	decoded = bd_image_decode(kind, DatumGetByteaPCopy(data));
	MemoryContextSwitchTo(old);

	/* nothing can fail from here on */
	if (decoded == NULL)
	{
		MemoryContextDelete(context);
		context = NULL;
	}
	else
		MemoryContextSetParent(context, CacheMemoryContext);
	bd_model_retire(part->context);
	parts_bytes -= part->bytes;
	part->bytes = context == NULL ? 0 : MemoryContextMemAllocated(context, true);
	parts_bytes += part->bytes;
	part->context = context;
	part->decoded = decoded;
}

/*
 * bd_model_retire
 *		Free the memory when the transaction ends.  NULL is allowed.
 */
void
bd_model_retire(MemoryContext context)
{
	if (context != NULL)
		MemoryContextSetParent(context, TopTransactionContext);
}
