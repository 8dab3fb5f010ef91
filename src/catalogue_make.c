/*-------------------------------------------------------------------------
 *
 * catalogue_make.c
 *		The image of a catalogue, from the rows of the user's tables.
 *
 * An item is in the catalogue when it is in the table of items, or without
 * one when it has been rated.  What was rated but is no longer in the table
 * of items still counts for the mean of all ratings.
 *
 * src/catalogue_make.c
 *
 *-------------------------------------------------------------------------
 */
#include "catalogue.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* An array of int32 that grows. */
typedef struct IntList
{
	int64		n;
	int64		room;
	int32	   *values;
} IntList;

/* An attribute's name leads to its number. */
typedef struct AttributeName
{
	const char *name;
	int32		number;
	char		status;			/* of the hash table */
} AttributeName;

#define SH_PREFIX attributename
#define SH_ELEMENT_TYPE AttributeName
#define SH_KEY_TYPE const char *
#define SH_KEY name
#define SH_HASH_KEY(table, key) \
	hash_bytes((const unsigned char *) (key), (int) strlen(key))
#define SH_EQUAL(table, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A catalogue on its way. */
typedef struct Maker
{
	bool		by_key;
	int			nitems;
	int			max_items;
	int64	   *ids;
	attributename_hash *numbers;
	int32		nattributes;
	IntList		attribute_start;
	IntList		attributes;
	IntList		name_start;
	StringInfoData names;
	IntList		key_start;
	StringInfoData keys;
	MemoryContext row_context;	/* reset for every item */
} Maker;

static void start_maker(Maker *maker, bool by_key);
static void read_item(void *state, HeapTuple row, TupleDesc desc);
static void add_item(Maker *maker, int64 id);
static void add_attributes(Maker *maker, Datum array);
static int32 attribute_number(Maker *maker, const char *name);
static void append(IntList *list, int32 value);
static void count_ratings(Catalogue *catalogue, const RatingTable *ratings);
static void mark_head(Catalogue *catalogue, double share);
static void order_by_average(Catalogue *catalogue);

/*
 * bd_catalogue_make
 *		The image of a catalogue of at most max_items items.
 *
 * "items" gives (item_id, item_key, title, attributes) by item_id; NULL
 * for the items of "ratings".  Memory from CurrentMemoryContext, a good deal
 * more than the image; the caller resets it.
 */
bytea *
bd_catalogue_make(const SourceQuery *items, int64 max_items,
				  const RatingTable *ratings, bool by_key, double head_share)
{
	Maker		maker = {0};
	Catalogue	catalogue = {0};
	CatalogueFacts facts = {0};
	int			n;

	start_maker(&maker, by_key);
	if (items != NULL)
		bd_rows_read(items, max_items, read_item, &maker);
	for (int i = 0; items == NULL && i < ratings->nitems; i++)
		add_item(&maker, ratings->item_ids[i]);
	append(&maker.attribute_start, (int32) maker.attributes.n);
	append(&maker.name_start, maker.names.len);
	if (by_key)
		append(&maker.key_start, maker.keys.len);

	facts.nratings = ratings->nratings;
	facts.mean = ratings->nratings > 0 ? ratings->sum / ratings->nratings : 0;
	facts.lowest = ratings->lowest;
	facts.highest = ratings->highest;
	catalogue.facts = &facts;
	catalogue.ids = maker.ids;
	catalogue.nitems = n = maker.nitems;
	count_ratings(&catalogue, ratings);
	mark_head(&catalogue, head_share);
	order_by_average(&catalogue);

	{
		const ImageArray arrays[CATALOGUE_NARRAYS] = {
			[CATALOGUE_FACTS] = {&facts, 1, sizeof(facts)},
			[CATALOGUE_IDS] = {maker.ids, n, sizeof(int64)},
			[CATALOGUE_COUNTS] = {catalogue.counts, n, sizeof(int32)},
			[CATALOGUE_SUMS] = {catalogue.sums, n, sizeof(double)},
			[CATALOGUE_HEAD] = {catalogue.head, n, 1},
			[CATALOGUE_POPULAR] = {catalogue.popular, n, sizeof(int32)},
			[CATALOGUE_ATTRIBUTE_START] = {maker.attribute_start.values,
			maker.attribute_start.n, sizeof(int32)},
			[CATALOGUE_ATTRIBUTES] = {maker.attributes.values,
			maker.attributes.n, sizeof(int32)},
			[CATALOGUE_NAME_START] = {maker.name_start.values,
			maker.name_start.n, sizeof(int32)},
			[CATALOGUE_NAMES] = {maker.names.data, maker.names.len, 1},
			[CATALOGUE_KEY_START] = {maker.key_start.values,
			maker.key_start.n, sizeof(int32)},
			[CATALOGUE_KEYS] = {maker.keys.data, maker.keys.len, 1}
		};

		return bd_image_make(&bd_catalogue_kind, arrays);
	}
}

static void
start_maker(Maker *maker, bool by_key)
{
	maker->by_key = by_key;
	maker->max_items = 1024;
	maker->ids = palloc(sizeof(int64) * maker->max_items);
	initStringInfo(&maker->names);
	initStringInfo(&maker->keys);
	maker->numbers = attributename_create(CurrentMemoryContext, 64, NULL);
	maker->row_context = AllocSetContextCreate(CurrentMemoryContext,
											   "bandit item",
											   ALLOCSET_DEFAULT_SIZES);
}

/* See RowReader. */
static void
read_item(void *state, HeapTuple row, TupleDesc desc)
{
	Maker	   *maker = state;
	Datum		fields[4];
	bool		nulls[4];

	heap_deform_tuple(row, desc, fields, nulls);
	add_item(maker, DatumGetInt64(fields[0]));
	if (maker->by_key)
	{
		MemoryContext old = MemoryContextSwitchTo(maker->row_context);
		char	   *key = nulls[1] ? "" : TextDatumGetCString(fields[1]);

		MemoryContextSwitchTo(old);
		append(&maker->key_start, maker->keys.len);
		appendBinaryStringInfo(&maker->keys, key, strlen(key) + 1);
	}
	if (!nulls[3])
		add_attributes(maker, fields[3]);
	MemoryContextReset(maker->row_context);
}

static void
add_item(Maker *maker, int64 id)
{
	if (maker->nitems == maker->max_items)
	{
		if (maker->max_items > INT_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many items for a catalogue")));
		maker->max_items *= 2;
		maker->ids = repalloc_huge(maker->ids,
								   sizeof(int64) * maker->max_items);
	}
	maker->ids[maker->nitems++] = id;
	append(&maker->attribute_start, (int32) maker->attributes.n);
}

/*
 * add_attributes
 *		The attributes of the last item, a text[]; empty ones are none.
 */
static void
add_attributes(Maker *maker, Datum array)
{
	int64		first = maker->attributes.n;
	MemoryContext old = MemoryContextSwitchTo(maker->row_context);
	Datum	   *elements;
	bool	   *nulls;
	int			nelements;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &nelements);
	for (int i = 0; i < nelements; i++)
	{
		char	   *name = nulls[i] ? "" : TextDatumGetCString(elements[i]);
		int64		same = first;
		int32		number;

		if (*name == '\0')
			continue;
		MemoryContextSwitchTo(old);
		number = attribute_number(maker, name);
		while (same < maker->attributes.n &&
			   maker->attributes.values[same] != number)
			same++;
		if (same == maker->attributes.n)
			append(&maker->attributes, number);
		MemoryContextSwitchTo(maker->row_context);
	}
	MemoryContextSwitchTo(old);
}

/* The attribute's number, a new one at its first appearance. */
static int32
attribute_number(Maker *maker, const char *name)
{
	AttributeName *entry = attributename_lookup(maker->numbers, name);
	bool		found;

	if (entry != NULL)
		return entry->number;

	entry = attributename_insert(maker->numbers, pstrdup(name), &found);
	entry->number = maker->nattributes++;
	append(&maker->name_start, maker->names.len);
	appendStringInfoString(&maker->names, name);
	return entry->number;
}

static void
append(IntList *list, int32 value)
{
	if (list->n == list->room)
	{
		list->room = Max(list->room * 2, 256);
		list->values = list->values == NULL ?
			palloc(sizeof(int32) * list->room) :
			repalloc_huge(list->values, sizeof(int32) * list->room);
	}
	list->values[list->n++] = value;
}

/* How often and how well each item was rated. */
static void
count_ratings(Catalogue *catalogue, const RatingTable *ratings)
{
	int			n = catalogue->nitems;
	int32	   *counts = palloc_extended(sizeof(int32) * Max(n, 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double	   *sums = palloc_extended(sizeof(double) * Max(n, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (int i = 0; i < n; i++)
	{
		int			rated = bd_ids_find(ratings->item_ids, ratings->nitems,
										catalogue->ids[i]);

		if (rated >= 0)
		{
			counts[i] = ratings->counts[rated];
			sums[i] = ratings->sums[rated];
		}
	}
	catalogue->counts = counts;
	catalogue->sums = sums;
}

/* Most rated first, then by id. */
static int
compare_counts(const void *a, const void *b, void *arg)
{
	const Catalogue *catalogue = arg;
	int32		left = *(const int32 *) a;
	int32		right = *(const int32 *) b;

	if (catalogue->counts[left] != catalogue->counts[right])
		return catalogue->counts[left] > catalogue->counts[right] ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Best average first, then most rated, then by id. */
static int
compare_averages(const void *a, const void *b, void *arg)
{
	const Catalogue *catalogue = arg;
	double		left = bd_catalogue_average(catalogue, *(const int32 *) a);
	double		right = bd_catalogue_average(catalogue, *(const int32 *) b);

	if (left != right)
		return left > right ? -1 : 1;
	return compare_counts(a, b, arg);
}

static int32 *
sorted_items(Catalogue *catalogue, qsort_arg_comparator compare)
{
	int32	   *items = palloc_extended(sizeof(int32) *
										Max(catalogue->nitems, 1),
										MCXT_ALLOC_HUGE);

	for (int i = 0; i < catalogue->nitems; i++)
		items[i] = i;
	qsort_arg(items, catalogue->nitems, sizeof(int32), compare, catalogue);
	return items;
}

/*
 * mark_head
 *		The shortest prefix of the items, most rated first, that holds at
 *		least that share of their ratings (methods 16.5).
 */
static void
mark_head(Catalogue *catalogue, double share)
{
	uint8	   *head = palloc_extended(Max(catalogue->nitems, 1),
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int32	   *order = sorted_items(catalogue, compare_counts);
	double		total = 0;
	double		held = 0;

	for (int i = 0; i < catalogue->nitems; i++)
		total += catalogue->counts[i];
	for (int i = 0; i < catalogue->nitems && held < (share - 1e-12) * total; i++)
	{
		head[order[i]] = 1;
		held += catalogue->counts[order[i]];
	}
	pfree(order);
	catalogue->head = head;
}

static void
order_by_average(Catalogue *catalogue)
{
	catalogue->popular = sorted_items(catalogue, compare_averages);
}
