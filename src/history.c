/*-------------------------------------------------------------------------
 *
 * history.c
 *		Who asks, and what he has interacted with.
 *
 * The user's own table is read with the caller's rights, through the user's
 * own index, once per request.
 *
 * src/history.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

static int	compare_items(const void *a, const void *b);
static int	compare_entries(const void *a, const void *b);
static void drop_repetitions(UserHistory *history);

/*
 * bd_key_canonical
 *		A key as its column prints it, so that one key has one number.
 */
char *
bd_key_canonical(const char *key, bool is_uuid)
{
	if (!is_uuid)
		return pstrdup(key);
	return DatumGetCString(DirectFunctionCall1(uuid_out,
											   DirectFunctionCall1(uuid_in,
																   CStringGetDatum(key))));
}

/*
 * bd_user_ref
 *		A user by number, or by key ("key" not NULL); raises when the
 *		recommender knows its users the other way.
 */
void
bd_user_ref(const Bandit *bandit, int64 id, const char *key, UserRef *user)
{
	const Recommender *rec = bandit->recommender;

	if (rec->by_key && key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("users of recommender \"%s\" have text keys",
						bandit->name),
				 errhint("Pass the key as text, such as user_key => '...'.")));
	if (!rec->by_key && key != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("users of recommender \"%s\" have numbers",
						bandit->name),
				 errhint("Pass the number as bigint, such as user_id => 42.")));

	user->id = id;
	user->key = NULL;
	if (key != NULL)
	{
		user->key = bd_key_canonical(key, rec->uuid_users);
		user->id = bd_key_id(user->key, strlen(user->key));
	}
}

/*
 * bd_user_subject
 *		The user as decisions name him.
 */
const char *
bd_user_subject(const UserRef *user)
{
	return user->key != NULL ? user->key :
		psprintf(INT64_FORMAT, user->id);
}

/*
 * bd_history_load
 *		What the user interacted with strictly before "at", newest first.
 *
 * At most his 10,000 newest interactions; an item's newest value counts.
 * Memory from CurrentMemoryContext.
 */
UserHistory *
bd_history_load(Bandit *bandit, const UserRef *user, TimestampTz at)
{
	Recommender *rec = bandit->recommender;
	UserHistory *history = palloc0(sizeof(UserHistory));
	MemoryContext context = CurrentMemoryContext;
	OwnerScope	scope;
	Datum		values[2];

	SPI_connect();
	bd_reader_begin(bd_relation_owner(rec->history_query.relation), &scope);
	if (rec->history_plan == NULL)
	{
		Oid			types[2] = {rec->by_key ? TEXTOID : INT8OID,
		TIMESTAMPTZOID};

		rec->history_plan = bd_plan_keep(rec->history_query.sql, 2, types);
	}
	values[0] = rec->by_key ? CStringGetTextDatum(user->key) :
		Int64GetDatum(user->id);
	values[1] = TimestampTzGetDatum(at);
	SPI_execute_plan(rec->history_plan, values, NULL, true, 0);
	bd_reader_end(&scope);

	history->nrows = (int) SPI_processed;
	history->items = MemoryContextAlloc(context,
										sizeof(int64) * Max(history->nrows, 1));
	history->sorted = MemoryContextAlloc(context,
										 sizeof(int64) * Max(history->nrows, 1));
	history->values = MemoryContextAlloc(context,
										 sizeof(double) * Max(history->nrows, 1));
	for (int i = 0; i < history->nrows; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		Datum		value;

		history->items[i] = DatumGetInt64(SPI_getbinval(row,
														SPI_tuptable->tupdesc,
														1, &isnull));
		value = SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull);
		history->values[i] = isnull ? NAN : DatumGetFloat8(value);
	}
	SPI_finish();

	drop_repetitions(history);
	bd_history_exclude(history, rec);
	return history;
}

/* An item with its place in the history. */
typedef struct Entry
{
	int64		item;
	int			place;
} Entry;

static int
compare_items(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

static int
compare_entries(const void *a, const void *b)
{
	const Entry *left = a;
	const Entry *right = b;

	if (left->item != right->item)
		return left->item < right->item ? -1 : 1;
	return left->place - right->place;
}

/*
 * drop_repetitions
 *		Keep the newest interaction with each item; sort the items aside.
 */
static void
drop_repetitions(UserHistory *history)
{
	int			n = history->nrows;
	Entry	   *entries = palloc(sizeof(Entry) * Max(n, 1));
	bool	   *repeated = palloc0(Max(n, 1));
	int			kept = 0;

	for (int i = 0; i < n; i++)
	{
		entries[i].item = history->items[i];
		entries[i].place = i;
	}
	qsort(entries, n, sizeof(Entry), compare_entries);
	for (int i = 1; i < n; i++)
		if (entries[i].item == entries[i - 1].item)
			repeated[entries[i].place] = true;

	for (int i = 0; i < n; i++)
	{
		if (repeated[i])
			continue;
		history->items[kept] = history->items[i];
		history->values[kept] = history->values[i];
		kept++;
	}
	history->nitems = kept;
	memcpy(history->sorted, history->items, sizeof(int64) * kept);
	qsort(history->sorted, kept, sizeof(int64), compare_items);
	pfree(entries);
	pfree(repeated);
}

/*
 * bd_history_has
 *		Has the user interacted with the item?
 */
bool
bd_history_has(const UserHistory *history, int64 item)
{
	return history->nitems > 0 &&
		bsearch(&item, history->sorted, history->nitems, sizeof(int64),
				compare_items) != NULL;
}

/*
 * bd_history_exclude
 *		Note which of the items are not to be recommended: by the recommender's
 *		settings all, or those that the user disliked, or none.
 */
void
bd_history_exclude(UserHistory *history, const Recommender *rec)
{
	history->excluded = palloc(sizeof(int64) * Max(history->nitems, 1));
	history->nexcluded = 0;
	for (int i = 0; i < history->nitems; i++)
		if (rec->exclude_seen ||
			(rec->exclude_disliked && rec->has_value &&
			 history->values[i] < rec->neutral_value))
			history->excluded[history->nexcluded++] = history->items[i];
	qsort(history->excluded, history->nexcluded, sizeof(int64), compare_items);
}

/*
 * bd_history_excludes
 *		Is the item not to be recommended to the user?
 */
bool
bd_history_excludes(const UserHistory *history, int64 item)
{
	return history->nexcluded > 0 &&
		bsearch(&item, history->excluded, history->nexcluded, sizeof(int64),
				compare_items) != NULL;
}
