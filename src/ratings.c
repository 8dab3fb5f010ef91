/*-------------------------------------------------------------------------
 *
 * ratings.c
 *		A table of ratings in memory, for training.
 *
 * The rows come through a read-only cursor, with the caller's rights, a few
 * thousand at a time: memory is 16 bytes a rating and some for each user and
 * item, whatever the table's rows look like.
 *
 * src/ratings.c
 *
 *-------------------------------------------------------------------------
 */
#include "ratings.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ROWS_PER_FETCH 5000
#define PROGRESS_SECONDS 5

/* An item's id leads to its number, in order of first appearance. */
typedef struct ItemNumber
{
	int64		item;
	int32		number;
	char		status;			/* of the hash table */
} ItemNumber;

#define SH_PREFIX itemnumber
#define SH_ELEMENT_TYPE ItemNumber
#define SH_KEY_TYPE int64
#define SH_KEY item
#define SH_HASH_KEY(table, key) \
	((uint32) (((uint64) (key) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* A rating table on its way into memory. */
typedef struct Loader
{
	RatingTable *ratings;
	itemnumber_hash *numbers;
	int64		last_user;
	int64		max_ratings;	/* room in the arrays by rating */
	int			max_users;
	int			max_items;
	Progress   *progress;
} Loader;

static void read_rating(void *state, HeapTuple row, TupleDesc desc);
static int32 number_of(Loader *loader, int64 item);
static void start_user(Loader *loader, int64 user);
static void number_by_id(RatingTable *ratings);
static int	compare_items(const void *a, const void *b);

/*
 * bd_progress_due
 *		Is it time for another word about a long run?  Every 5 seconds.
 */
bool
bd_progress_due(Progress *progress)
{
	TimestampTz now;

	if (progress == NULL)
		return false;
	now = GetCurrentTimestamp();
	if (now - progress->said_at < PROGRESS_SECONDS * USECS_PER_SEC)
		return false;
	progress->said_at = now;
	return true;
}

/*
 * bd_rows_read
 *		Hand the first "limit" rows of a query to "reader", one by one.
 *
 * Runs with the rights of the current user, or of the table's owner if these
 * are fewer.  The reader is called in the
 * memory context of the caller; a row lives as long as the call.
 */
void
bd_rows_read(const SourceQuery *query, int64 limit, RowReader reader,
			 void *state)
{
	MemoryContext context = CurrentMemoryContext;
	SPIPlanPtr	plan;
	Portal		portal;
	OwnerScope	scope;
	int64		nread = 0;

	SPI_connect();
	bd_reader_begin(bd_relation_owner(query->relation), &scope);
	plan = SPI_prepare(query->sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", query->sql,
			 SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	while (nread < limit)
	{
		SPITupleTable *rows;

		SPI_cursor_fetch(portal, true, Min(limit - nread, ROWS_PER_FETCH));
		rows = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		MemoryContextSwitchTo(context);
		for (uint64 i = 0; i < rows->numvals; i++)
			reader(state, rows->vals[i], rows->tupdesc);
		nread += rows->numvals;
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	bd_reader_end(&scope);
	SPI_finish();
	MemoryContextSwitchTo(context);
}

/*
 * bd_ratings_load
 *		Read rows (user_id int8, item_id int8, value float8), no NULLs, each
 *		pair once, ordered by user and item.
 *
 * Memory from CurrentMemoryContext.  "progress" may be NULL.
 */
RatingTable *
bd_ratings_load(const SourceQuery *query, Progress *progress)
{
	RatingTable *ratings = palloc0(sizeof(RatingTable));
	Loader		loader = {0};

	loader.ratings = ratings;
	loader.progress = progress;
	loader.max_ratings = loader.max_users = loader.max_items = 1024;
	loader.numbers = itemnumber_create(CurrentMemoryContext, 1024, NULL);
	ratings->items = palloc(sizeof(int32) * loader.max_ratings);
	ratings->values = palloc(sizeof(float) * loader.max_ratings);
	ratings->user_start = palloc(sizeof(int64) * loader.max_users);
	ratings->user_ids = palloc(sizeof(int64) * loader.max_users);
	ratings->item_ids = palloc(sizeof(int64) * loader.max_items);
	ratings->counts = palloc(sizeof(int32) * loader.max_items);
	ratings->sums = palloc(sizeof(double) * loader.max_items);

	bd_rows_read(query, PG_INT64_MAX, read_rating, &loader);
	ratings->user_start[ratings->nusers] = ratings->nratings;
	itemnumber_destroy(loader.numbers);
	number_by_id(ratings);
	return ratings;
}

static void
read_rating(void *state, HeapTuple row, TupleDesc desc)
{
	Loader	   *loader = state;
	RatingTable *ratings = loader->ratings;
	Datum		fields[3];
	bool		nulls[3];
	int64		user;
	int32		item;
	double		value;

	heap_deform_tuple(row, desc, fields, nulls);
	user = DatumGetInt64(fields[0]);
	value = DatumGetFloat8(fields[2]);

	if (ratings->nusers == 0 || user != loader->last_user)
		start_user(loader, user);
	loader->last_user = user;

	if (ratings->nratings == loader->max_ratings)
	{
		loader->max_ratings *= 2;
		ratings->items = repalloc_huge(ratings->items,
									   sizeof(int32) * loader->max_ratings);
		ratings->values = repalloc_huge(ratings->values,
										sizeof(float) * loader->max_ratings);
	}
	item = number_of(loader, DatumGetInt64(fields[1]));
	ratings->items[ratings->nratings] = item;
	ratings->values[ratings->nratings] = (float) value;
	ratings->counts[item]++;
	ratings->sums[item] += value;
	ratings->sum += value;
	if (ratings->nratings == 0)
		ratings->lowest = ratings->highest = value;
	ratings->lowest = Min(ratings->lowest, value);
	ratings->highest = Max(ratings->highest, value);
	ratings->nratings++;

	if (ratings->nratings % 65536 == 0 && bd_progress_due(loader->progress))
		ereport(NOTICE,
				(errmsg("read %lld ratings of %d users",
						(long long) ratings->nratings, ratings->nusers)));
}

/* The rating to be added is the first of its user. */
static void
start_user(Loader *loader, int64 user)
{
	RatingTable *ratings = loader->ratings;

	/* one more than there are users, for the end of the last one */
	if (ratings->nusers + 1 == loader->max_users)
	{
		if (loader->max_users > INT_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many users to train on")));
		loader->max_users *= 2;
		ratings->user_start = repalloc_huge(ratings->user_start,
											sizeof(int64) * loader->max_users);
		ratings->user_ids = repalloc_huge(ratings->user_ids,
										  sizeof(int64) * loader->max_users);
	}
	ratings->user_ids[ratings->nusers] = user;
	ratings->user_start[ratings->nusers++] = ratings->nratings;
}

/* The item's number, a new one at its first appearance. */
static int32
number_of(Loader *loader, int64 item)
{
	RatingTable *ratings = loader->ratings;
	ItemNumber *entry;
	bool		found;

	entry = itemnumber_insert(loader->numbers, item, &found);
	if (found)
		return entry->number;

	if (ratings->nitems == loader->max_items)
	{
		if (loader->max_items > INT_MAX / 2)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many items to train on")));
		loader->max_items *= 2;
		ratings->item_ids = repalloc_huge(ratings->item_ids,
										  sizeof(int64) * loader->max_items);
		ratings->counts = repalloc_huge(ratings->counts,
										sizeof(int32) * loader->max_items);
		ratings->sums = repalloc_huge(ratings->sums,
									  sizeof(double) * loader->max_items);
	}
	entry->number = ratings->nitems++;
	ratings->item_ids[entry->number] = item;
	ratings->counts[entry->number] = 0;
	ratings->sums[entry->number] = 0;
	return entry->number;
}

static int
compare_items(const void *a, const void *b)
{
	const ItemNumber *left = a;
	const ItemNumber *right = b;

	return left->item < right->item ? -1 : left->item > right->item;
}

/*
 * number_by_id
 *		Replace the numbers by first appearance by numbers in order of id.
 */
static void
number_by_id(RatingTable *ratings)
{
	int			n = ratings->nitems;
	Size		room = Max(n, 1);
	ItemNumber *order = palloc_extended(sizeof(ItemNumber) * room,
										MCXT_ALLOC_HUGE);
	int32	   *renumbered = palloc_extended(sizeof(int32) * room,
											 MCXT_ALLOC_HUGE);
	int32	   *counts = palloc_extended(sizeof(int32) * room,
										 MCXT_ALLOC_HUGE);
	double	   *sums = palloc_extended(sizeof(double) * room,
									   MCXT_ALLOC_HUGE);

	for (int i = 0; i < n; i++)
	{
		order[i].item = ratings->item_ids[i];
		order[i].number = i;
	}
	qsort(order, n, sizeof(ItemNumber), compare_items);
	for (int i = 0; i < n; i++)
	{
		ratings->item_ids[i] = order[i].item;
		counts[i] = ratings->counts[order[i].number];
		sums[i] = ratings->sums[order[i].number];
		renumbered[order[i].number] = i;
	}
	for (int64 r = 0; r < ratings->nratings; r++)
		ratings->items[r] = renumbered[ratings->items[r]];

	pfree(ratings->counts);
	pfree(ratings->sums);
	ratings->counts = counts;
	ratings->sums = sums;
	pfree(renumbered);
	pfree(order);
}

/*
 * bd_ids_find
 *		Place of an id among n ascending ones, or -1.
 */
int
bd_ids_find(const int64 *ids, int n, int64 id)
{
	int			low = 0;
	int			high = n - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;

		if (ids[middle] == id)
			return middle;
		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return -1;
}
