/*-------------------------------------------------------------------------
 *
 * ratings.c
 *		A user's tables of items and ratings, read into memory for training.
 *
 * Read through a cursor with the caller's rights, a few thousand rows at a
 * time, in the order of the ids: the same rows give the same arrays.  Where
 * there is a table of items, a rating of an item that is not in it is left
 * out, since such an item must not be recommended.
 *
 * Memory: 16 bytes an item and its key, 8 bytes a rating, 8 a user.
 *
 * src/ratings.c
 *
 *-------------------------------------------------------------------------
 */
#include "ratings.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define FETCH 5000

/* What is called for each row; values and nulls of its columns. */
typedef void (*RowReader) (void *state, const Datum *values,
						   const bool *nulls);

/* Items under way, with the numbers of their attributes. */
typedef struct ItemsState
{
	MemoryContext context;
	Items	   *items;
	int64		room;
	int64		link_room;
	HTAB	   *attributes;
} ItemsState;

/* Attributes are recognised by the number that stands for their text. */
typedef struct AttributeEntry
{
	int64		id;
	int32		number;
} AttributeEntry;

typedef struct RatingsState
{
	MemoryContext context;
	const Items *items;
	Ratings    *ratings;
	int64		room;
	int64		user_room;
	int64		last_user;
	bool		any;
} RatingsState;

static void read_rows(const char *sql, int ncolumns, RowReader reader,
					  void *state);
static void add_item(void *state, const Datum *values, const bool *nulls);
static void add_links(ItemsState *state, ArrayType *array);
static void add_rating(void *state, const Datum *values, const bool *nulls);

/* Twice the room, in memory that may exceed a gigabyte. */
static void *
grow(void *array, int64 *room, int64 needed, size_t size)
{
	if (needed <= *room)
		return array;
	*room = Max(needed, *room * 2);
	return repalloc_huge(array, *room * size);
}

static void
read_rows(const char *sql, int ncolumns, RowReader reader, void *state)
{
	Datum		values[4];
	bool		nulls[4];
	SPIPlanPtr	plan;
	Portal		portal;

	SPI_connect();
	plan = SPI_prepare(sql, 0, NULL);
	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql,
			 SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			for (int j = 0; j < ncolumns; j++)
				values[j] = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, j + 1,
										  &nulls[j]);
			reader(state, values, nulls);
		}
		SPI_freetuptable(SPI_tuptable);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/*
 * bd_ratings_items
 *		All items that may be recommended; memory from CurrentMemoryContext.
 */
Items *
bd_ratings_items(Bandit *bandit)
{
	ItemsState	state = {.context = CurrentMemoryContext, .room = 1024,
	.link_room = 1024};
	HASHCTL		ctl;

	state.items = palloc0(sizeof(Items));
	state.items->ids = palloc(sizeof(int64) * state.room);
	if (bandit->recommender->by_key)
		state.items->keys = palloc(sizeof(char *) * state.room);
	state.items->link_start = palloc0(sizeof(int32) * (state.room + 1));
	state.items->links = palloc(sizeof(int32) * state.link_room);

	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(AttributeEntry);
	ctl.hcxt = CurrentMemoryContext;
	state.attributes = hash_create("bandit attributes", 64, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	read_rows(bandit->recommender->items_sql, 4, add_item, &state);
	hash_destroy(state.attributes);
	return state.items;
}

static void
add_item(void *arg, const Datum *values, const bool *nulls)
{
	ItemsState *state = arg;
	Items	   *items = state->items;
	MemoryContext old = MemoryContextSwitchTo(state->context);
	int64		needed = (int64) items->nitems + 1;

	if (needed > state->room)
	{
		int64		room = state->room;
		int64		same = state->room;

		if (needed > INT_MAX / 4)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many items")));
		items->link_start = repalloc_huge(items->link_start,
										  sizeof(int32) * (room * 2 + 1));
		if (items->keys != NULL)
			items->keys = grow(items->keys, &same, needed, sizeof(char *));
		items->ids = grow(items->ids, &state->room, needed, sizeof(int64));
	}
	items->ids[items->nitems] = DatumGetInt64(values[0]);
	if (items->keys != NULL)
		items->keys[items->nitems] = nulls[1] ? pstrdup("") :
			TextDatumGetCString(values[1]);
	if (!nulls[3])
		add_links(state, DatumGetArrayTypeP(values[3]));
	items->nitems++;
	items->link_start[items->nitems] = (int32) items->nlinks;
	MemoryContextSwitchTo(old);
}

static void
add_links(ItemsState *state, ArrayType *array)
{
	Items	   *items = state->items;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	items->links = grow(items->links, &state->link_room, items->nlinks + n,
						sizeof(int32));
	for (int i = 0; i < n; i++)
	{
		AttributeEntry *entry;
		text	   *attribute;
		int64		id;
		bool		found;

		if (nulls[i])
			continue;
		attribute = DatumGetTextPP(values[i]);
		if (VARSIZE_ANY_EXHDR(attribute) == 0)
			continue;
		id = bd_key_id(VARDATA_ANY(attribute), VARSIZE_ANY_EXHDR(attribute));
		entry = hash_search(state->attributes, &id, HASH_ENTER, &found);
		if (!found)
			entry->number = items->nattributes++;
		items->links[items->nlinks++] = entry->number;
	}
	pfree(values);
	pfree(nulls);
}

/*
 * bd_ratings_find
 *		Place of an id among ascending ids, or -1.
 */
int
bd_ratings_find(const int64 *ids, int n, int64 id)
{
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && ids[low] == id ? low : -1;
}

/*
 * bd_ratings_load
 *		The ratings of those items; "sql" gives them ordered by user and item.
 */
Ratings *
bd_ratings_load(const char *sql, const Items *items)
{
	RatingsState state = {.context = CurrentMemoryContext, .items = items,
	.room = 1024, .user_room = 1024};
	Ratings    *ratings = palloc0(sizeof(Ratings));

	state.ratings = ratings;
	ratings->start = palloc0(sizeof(int64) * state.user_room);
	ratings->item = palloc(sizeof(int32) * state.room);
	ratings->value = palloc(sizeof(float) * state.room);
	read_rows(sql, 3, add_rating, &state);
	return ratings;
}

static void
add_rating(void *arg, const Datum *values, const bool *nulls)
{
	RatingsState *state = arg;
	Ratings    *ratings = state->ratings;
	int64		user = DatumGetInt64(values[0]);
	int			item = bd_ratings_find(state->items->ids,
									   state->items->nitems,
									   DatumGetInt64(values[1]));

	if (item < 0)
		return;
	if (ratings->nratings + 1 > state->room)
	{
		int64		same = state->room;

		ratings->item = grow(ratings->item, &same, ratings->nratings + 1,
							 sizeof(int32));
		ratings->value = grow(ratings->value, &state->room,
							  ratings->nratings + 1, sizeof(float));
	}
	if (!state->any || user != state->last_user)
	{
		ratings->start = grow(ratings->start, &state->user_room,
							  (int64) ratings->nusers + 2, sizeof(int64));
		ratings->nusers++;
		state->last_user = user;
		state->any = true;
	}
	ratings->item[ratings->nratings] = item;
	ratings->value[ratings->nratings] = (float) DatumGetFloat8(values[2]);
	ratings->nratings++;
	ratings->start[ratings->nusers] = ratings->nratings;
}
