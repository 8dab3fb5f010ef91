/*-------------------------------------------------------------------------
 *
 * watched_row.c
 *		What a row of a watched table says, and how it is learnt.
 *
 * A row is a response of one kind to one item of one user.  It is learnt for
 * the newest decision that served the item to him; with none, not at all.
 *
 * src/watched_row.c
 *
 *-------------------------------------------------------------------------
 */
#include "watch.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static bool read_number(TupleDesc desc, HeapTuple tuple, int attnum,
						int64 *number, char **key);
static double read_value(TupleDesc desc, HeapTuple tuple, int attnum,
						 bool *isnull);

/*
 * read_number
 *		A user or item as a number, or else as a text; false if it is NULL.
 */
static bool
read_number(TupleDesc desc, HeapTuple tuple, int attnum, int64 *number,
			char **key)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, attnum, &isnull);

	*key = NULL;
	if (isnull)
		return false;
	switch (getBaseType(SPI_gettypeid(desc, attnum)))
	{
		case INT2OID:
			*number = DatumGetInt16(value);
			break;
		case INT4OID:
			*number = DatumGetInt32(value);
			break;
		case INT8OID:
			*number = DatumGetInt64(value);
			break;
		default:
			*key = SPI_getvalue(tuple, desc, attnum);
	}
	return true;
}

/*
 * bd_watched_plain_key
 *		Is the column of a type that bandit.watch takes?
 *
 * It may have been given another one since, whose output function may raise.
 */
bool
bd_watched_plain_key(TupleDesc desc, int attnum)
{
	switch (getBaseType(SPI_gettypeid(desc, attnum)))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
		case TEXTOID:
		case VARCHAROID:
			return true;
		default:
			return false;
	}
}

/*
 * bd_watched_subject
 *		Whose row it is, as decisions name him; NULL: nobody's.
 */
const char *
bd_watched_subject(const Watch *watch, HeapTuple tuple)
{
	UserRef		user;
	char	   *key;

	if (!read_number(watch->desc, tuple, watch->user, &user.id, &key))
		return NULL;
	user.key = key;
	return bd_user_subject(&user);
}

/*
 * bd_watched_item
 *		The item's number; false if there is none.
 */
bool
bd_watched_item(const Watch *watch, HeapTuple tuple, int64 *item)
{
	char	   *key;

	if (!read_number(watch->desc, tuple, watch->item, item, &key))
		return false;
	if (key != NULL)
		*item = bd_key_id(key, strlen(key));
	return true;
}

/* A numeric column as float8. */
static double
read_value(TupleDesc desc, HeapTuple tuple, int attnum, bool *isnull)
{
	Datum		value = SPI_getbinval(tuple, desc, attnum, isnull);

	if (*isnull)
		return 0;
	switch (getBaseType(SPI_gettypeid(desc, attnum)))
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case BOOLOID:
			return DatumGetBool(value) ? 1 : 0;
		default:
			return DatumGetFloat8(DirectFunctionCall1(float8in,
													  CStringGetDatum(SPI_getvalue(tuple, desc, attnum))));
	}
}

/*
 * bd_watched_row
 *		Whose row it is, and about what.
 */
void
bd_watched_row(const Watch *watch, HeapTuple tuple, WatchedRow *row)
{
	memset(row, 0, sizeof(WatchedRow));
	row->tuple = tuple;
	if (bd_watched_item(watch, tuple, &row->item))
		row->subject = bd_watched_subject(watch, tuple);
}

/*
 * get_value
 *		What the row says; raises where a float8 cannot hold it.
 *
 * Only asked for where it matters, so that no odd value stands in the way
 * of a row that teaches nothing, or is taken back.
 */
static void
get_value(const Watch *watch, WatchedRow *row)
{
	bool		isnull;

	if (watch->value == 0)
		return;
	row->value = read_value(watch->desc, row->tuple, watch->value, &isnull);
	row->has_value = !isnull && isfinite(row->value);
}

/* A row whose rule wants a value and has none says nothing yet. */
static bool
says_something(const Watch *watch, const WatchedRow *row)
{
	return watch->rule->outcome != 0 || row->has_value;
}

static void
response_of(const Watch *watch, const WatchedRow *row, Response *response)
{
	memset(response, 0, sizeof(Response));
	response->kind = watch->rule->kind;
	response->has_item = true;
	response->item = row->item;
	response->has_value = row->has_value;
	response->value = row->value;
}

/*
 * bd_watched_insert
 *		Learn what a new row says.
 */
void
bd_watched_insert(const Watch *watch, WatchedRow *row)
{
	Attribution attribution;
	Response	response;

	if (row->subject == NULL ||
		!(bd_moved_find(watch, row, &attribution) ||
		  bd_attribute_item(watch->bandit, row->subject, row->item, NULL,
							&attribution)))
		return;
	get_value(watch, row);
	if (!says_something(watch, row))
		return;
	response_of(watch, row, &response);
	bd_response_judge(watch->bandit, watch->rule, &response);
	bd_ledger_record(&attribution, &response);
}

/*
 * bd_watched_delete
 *		Take back what was learnt from a row that is gone.
 */
void
bd_watched_delete(const Watch *watch, const WatchedRow *row)
{
	Attribution attribution;
	Response	response;

	if (row->subject == NULL ||
		!bd_attribute_item(watch->bandit, row->subject, row->item,
						   watch->rule->kind, &attribution))
		return;
	response_of(watch, row, &response);
	bd_moved_keep(watch, row, &attribution);
	bd_ledger_retract(&attribution, &response);
}

/*
 * bd_watched_update
 *		Move the evidence from what the row said to what it says.
 *
 * A response that was learnt stays with the decision it was learnt for.
 */
void
bd_watched_update(const Watch *watch, WatchedRow *before, WatchedRow *after)
{
	Attribution attribution;
	Response	response;
	bool		same_item = before->subject != NULL &&
	after->subject != NULL &&
	strcmp(before->subject, after->subject) == 0 &&
	before->item == after->item;

	if (same_item)
	{
		get_value(watch, before);
		get_value(watch, after);
		if (before->has_value == after->has_value &&
			before->value == after->value)
			return;
	}
	if (same_item && says_something(watch, after) &&
		bd_attribute_item(watch->bandit, after->subject, after->item,
						  watch->rule->kind, &attribution))
	{
		response_of(watch, after, &response);
		bd_response_judge(watch->bandit, watch->rule, &response);
		bd_ledger_record(&attribution, &response);
		return;
	}
	bd_watched_delete(watch, before);
	bd_watched_insert(watch, after);
}
