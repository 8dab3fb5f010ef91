/*-------------------------------------------------------------------------
 *
 * catalogue.c
 *		The items of a recommender, as the arms see them while serving.
 *
 * bandit.train makes a catalogue.  Until it has run, the backend makes one
 * for itself from a bounded part of the user's tables, with the caller's
 * rights and for him alone.  A small one is made for each list, so that it
 * is never out of date; a larger one is kept for a minute.
 *
 * src/catalogue.c
 *
 *-------------------------------------------------------------------------
 */
#include "catalogue.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "options.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Items and ratings of a catalogue that is worth keeping. */
#define KEEP_FROM_ROWS 1000
#define KEEP_SECONDS 60

/* As many items are read when nothing has been trained. */
#define MAX_UNTRAINED_ITEMS 100000

/* A catalogue that this backend has made for itself. */
typedef struct Untrained
{
	char		bandit[NAMEDATALEN];
	Oid			user;			/* with whose rights it was read */
	Oid			ratings;
	Oid			items;
	TimestampTz made_at;
	MemoryContext context;
	const Catalogue *catalogue;
} Untrained;

/* One is enough: recommenders that serve for long are trained. */
static Untrained kept = {0};

static bool keys_end(const int32 *start, const char *keys, int64 nitems);
static void *decode(const ModelImage *image);
static const Catalogue *untrained(Bandit *bandit);
static bool is_kept(const Bandit *bandit);
static const Catalogue *make_untrained(const Bandit *bandit);

const ModelKind bd_catalogue_kind = {
	"catalogue", 1, CATALOGUE_NARRAYS, decode
};

/* Does every key end with a zero byte? */
static bool
keys_end(const int32 *start, const char *keys, int64 nitems)
{
	for (int64 i = 0; i < nitems; i++)
		if (start[i] == start[i + 1] || keys[start[i + 1] - 1] != '\0')
			return false;
	return true;
}

/* See ModelKind. */
static void *
decode(const ModelImage *image)
{
	Catalogue  *catalogue = palloc0(sizeof(Catalogue));
	int64		one = 1;
	int64		nitems = -1;
	int64		nlinks = -1;
	int64		nstarts;
	int64		nnames = -1;
	int64		nkeys = -1;
	int64		key_bytes = -1;

	catalogue->facts = bd_image_array(image, CATALOGUE_FACTS,
									  sizeof(CatalogueFacts), &one);
	catalogue->ids = bd_image_array(image, CATALOGUE_IDS, sizeof(int64),
									&nitems);
	nstarts = nitems + 1;
	catalogue->counts = bd_image_array(image, CATALOGUE_COUNTS, sizeof(int32),
									   &nitems);
	catalogue->sums = bd_image_array(image, CATALOGUE_SUMS, sizeof(double),
									 &nitems);
	catalogue->head = bd_image_array(image, CATALOGUE_HEAD, 1, &nitems);
	catalogue->popular = bd_image_array(image, CATALOGUE_POPULAR,
										sizeof(int32), &nitems);
	catalogue->attribute_start = bd_image_array(image,
												CATALOGUE_ATTRIBUTE_START,
												sizeof(int32), &nstarts);
	catalogue->attributes = bd_image_array(image, CATALOGUE_ATTRIBUTES,
										   sizeof(int32), &nlinks);
	catalogue->key_start = bd_image_array(image, CATALOGUE_KEY_START,
										  sizeof(int32), &nkeys);
	catalogue->keys = bd_image_array(image, CATALOGUE_KEYS, 1, &key_bytes);

	if (catalogue->facts == NULL || catalogue->ids == NULL ||
		catalogue->counts == NULL || catalogue->sums == NULL ||
		catalogue->head == NULL || catalogue->popular == NULL ||
		catalogue->attribute_start == NULL ||
		catalogue->attributes == NULL || catalogue->key_start == NULL ||
		catalogue->keys == NULL ||
		bd_image_array(image, CATALOGUE_NAME_START, sizeof(int32),
					   &nnames) == NULL || nnames < 1 ||
		!bd_image_rows(catalogue->attribute_start, nitems, nlinks) ||
		!bd_image_indexes(catalogue->attributes, nlinks, nnames - 1) ||
		!bd_image_indexes(catalogue->popular, nitems, nitems))
		return NULL;

	if (nkeys == 0)
		catalogue->keys = NULL;
	else if (nkeys != nstarts ||
			 !bd_image_rows(catalogue->key_start, nitems, key_bytes) ||
			 !keys_end(catalogue->key_start, catalogue->keys, nitems))
		return NULL;
	catalogue->nitems = (int) nitems;
	catalogue->nattributes = (int) nnames - 1;
	return catalogue;
}

/*
 * bd_catalogue_get
 *		The trained catalogue, else one made from the user's tables.
 *
 * A trained one that cannot be used is told as a warning at most, since the
 * control must always serve.  Valid in CurrentMemoryContext and in this
 * transaction, whichever ends first.
 */
const Catalogue *
bd_catalogue_get(Bandit *bandit)
{
	const Catalogue *trained = bd_model_get(bandit->name, &bd_catalogue_kind,
											Min(bd_arm_error_level, WARNING));

	return trained != NULL ? trained : untrained(bandit);
}

/* Is the catalogue that was kept the one we want, and not too old? */
static bool
is_kept(const Bandit *bandit)
{
	return kept.context != NULL &&
		strcmp(kept.bandit, bandit->name) == 0 &&
		kept.user == GetUserId() &&
		kept.ratings == bandit->recommender->ratings &&
		kept.items == bandit->recommender->items &&
		!TimestampDifferenceExceeds(kept.made_at, GetCurrentTimestamp(),
									KEEP_SECONDS * 1000);
}

static const Catalogue *
untrained(Bandit *bandit)
{
	const Recommender *rec = bandit->recommender;
	const Catalogue *catalogue;
	MemoryContext context;
	MemoryContext old;

	if (is_kept(bandit))
		return kept.catalogue;

	context = AllocSetContextCreate(CurrentMemoryContext,
									"bandit catalogue",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	catalogue = make_untrained(bandit);
	MemoryContextSwitchTo(old);

	if (catalogue->nitems + catalogue->facts->nratings >= KEEP_FROM_ROWS)
	{
		bd_model_retire(kept.context);
		MemoryContextSetParent(context, CacheMemoryContext);
		strlcpy(kept.bandit, bandit->name, NAMEDATALEN);
		kept.user = GetUserId();
		kept.ratings = rec->ratings;
		kept.items = rec->items;
		kept.made_at = GetCurrentTimestamp();
		kept.context = context;
		kept.catalogue = catalogue;
	}
	return catalogue;
}

/*
 * make_untrained
 *		A catalogue of a bounded number of ratings and items.
 *
 * Without a table of items and without keys the items are those that were
 * rated, and the second query, over the whole table, is saved.
 */
static const Catalogue *
make_untrained(const Bandit *bandit)
{
	const Recommender *rec = bandit->recommender;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(context, "bandit ratings",
												  ALLOCSET_DEFAULT_SIZES);
	RatingTable *ratings;
	const SourceQuery *items;
	bytea	   *image;

	MemoryContextSwitchTo(scratch);
	ratings = bd_ratings_load(&rec->popular_query, NULL);
	items = OidIsValid(rec->items) || rec->by_key ? &rec->items_query : NULL;
	image = bd_catalogue_make(items, MAX_UNTRAINED_ITEMS, ratings,
							  rec->by_key,
							  bd_option(bandit, "long_tail", "head_share"));
	MemoryContextSwitchTo(context);
	image = DatumGetByteaPCopy(PointerGetDatum(image));
	MemoryContextDelete(scratch);
	return bd_image_decode(&bd_catalogue_kind, image);
}

/*
 * bd_catalogue_find
 *		Number of an item by its id, or -1.
 */
int
bd_catalogue_find(const Catalogue *catalogue, int64 item)
{
	return bd_ids_find(catalogue->ids, catalogue->nitems, item);
}

/*
 * bd_catalogue_average
 *		Bayesian average of an item's ratings (methods 16.5); the mean of all
 *		ratings when it has none.
 */
double
bd_catalogue_average(const Catalogue *catalogue, int item)
{
	if (catalogue->counts[item] == 0)
		return catalogue->facts->mean;
	return (CATALOGUE_DAMPING * catalogue->facts->mean +
			catalogue->sums[item]) /
		(CATALOGUE_DAMPING + catalogue->counts[item]);
}

/*
 * bd_catalogue_quality
 *		The average on a scale from 0, the lowest value seen, to 1, the
 *		highest.
 *
 * Where all values are equal, as without a column of values, they say
 * nothing and the number of ratings has to: n / (C + n), which is the
 * Bayesian average of n ones with a prior mean of 0.
 */
double
bd_catalogue_quality(const Catalogue *catalogue, int item)
{
	const CatalogueFacts *facts = catalogue->facts;
	double		n = catalogue->counts[item];

	if (facts->highest > facts->lowest)
		return (bd_catalogue_average(catalogue, item) - facts->lowest) /
			(facts->highest - facts->lowest);
	return n / (CATALOGUE_DAMPING + n);
}

/*
 * bd_catalogue_key
 *		An item's key as its column prints it; NULL where items are numbers.
 */
const char *
bd_catalogue_key(const Catalogue *catalogue, int item)
{
	if (catalogue->keys == NULL)
		return NULL;
	return catalogue->keys + catalogue->key_start[item];
}

/*
 * bd_catalogue_item
 *		The item as an entry of a list.
 */
void
bd_catalogue_item(const Catalogue *catalogue, int item, double score,
				  ScoredItem *scored)
{
	scored->item = catalogue->ids[item];
	scored->key = bd_catalogue_key(catalogue, item);
	scored->score = score;
}
