/*-------------------------------------------------------------------------
 *
 * watch.c
 *		The trigger that learns from the rows of a user's table.
 *
 * Installed by bandit.watch as AFTER INSERT OR UPDATE OR DELETE, FOR EACH
 * ROW, with the arguments (bandit, kind, user column, item column, value
 * column or '').
 *
 * The application's statement never fails because of it: whatever goes wrong
 * here is rolled back to before the row was looked at, and told as a
 * message of level bandit.arm_error_level.  Only a cancelled query stays
 * cancelled.
 *
 * src/watch.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(bandit_learn);

#define NARGS 5

/* The trigger's arguments, with its columns looked up. */
typedef struct Watch
{
	Bandit	   *bandit;
	const OutcomeRule *rule;
	TupleDesc	desc;
	int			user;			/* attribute numbers */
	int			item;
	int			value;			/* 0: no value */
} Watch;

/* What a row of the user's table says. */
typedef struct WatchedRow
{
	char	   *subject;		/* NULL: a key is NULL, nobody's row */
	int64		item;
	char	   *item_key;		/* for comparison, NULL for numbers */
	bool		has_value;
	double		value;
} WatchedRow;

static void learn_row(TriggerData *trigger);
static bool prepare_watch(TriggerData *trigger, Watch *watch);
static void read_row(const Watch *watch, HeapTuple tuple, WatchedRow *row);
static bool read_key(TupleDesc desc, HeapTuple tuple, int attnum,
					 int64 *number, char **key);
static double read_value(TupleDesc desc, HeapTuple tuple, int attnum,
						 bool *isnull);
static void learn_insert(const Watch *watch, const WatchedRow *row);
static void learn_delete(const Watch *watch, const WatchedRow *row);
static void learn_update(const Watch *watch, const WatchedRow *before,
						 const WatchedRow *after);

/*
 * learn() -> trigger
 */
Datum
bandit_learn(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != NARGS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("bandit.learn must be called as an AFTER ... FOR EACH ROW trigger with %d arguments",
						NARGS),
				 errhint("bandit.watch installs it.")));

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		learn_row(trigger);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		ereport(Min(bd_arm_error_level, WARNING),
				(errcode(error->sqlerrcode),
				 errmsg("bandit \"%s\" could not learn from \"%s\": %s",
						trigger->tg_trigger->tgargs[0],
						RelationGetRelationName(trigger->tg_relation),
						error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
	PG_RETURN_POINTER(NULL);
}

static void
learn_row(TriggerData *trigger)
{
	Watch		watch;
	WatchedRow	before;
	WatchedRow	after;
	OwnerScope	scope;

	if (!prepare_watch(trigger, &watch))
		return;
	read_row(&watch, trigger->tg_trigtuple, &before);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		read_row(&watch, trigger->tg_newtuple, &after);

	SPI_connect();
	bd_owner_begin(&scope);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		learn_insert(&watch, &before);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		learn_delete(&watch, &before);
	else
		learn_update(&watch, &before, &after);
	bd_owner_end(&scope);
	SPI_finish();
}

/*
 * prepare_watch
 *		Find the bandit, the rule and the columns; false: nothing to learn.
 *
 * A bandit or a rule that was dropped while its trigger stayed is no error.
 */
static bool
prepare_watch(TriggerData *trigger, Watch *watch)
{
	char	  **args = trigger->tg_trigger->tgargs;
	const char *relation = RelationGetRelationName(trigger->tg_relation);

	watch->bandit = bd_settings_find(args[0]);
	if (watch->bandit == NULL)
		return false;
	watch->rule = bd_settings_rule(watch->bandit, args[1]);
	if (watch->rule == NULL)
		return false;

	watch->desc = RelationGetDescr(trigger->tg_relation);
	watch->user = SPI_fnumber(watch->desc, args[2]);
	watch->item = SPI_fnumber(watch->desc, args[3]);
	watch->value = args[4][0] == '\0' ? 0 : SPI_fnumber(watch->desc, args[4]);
	if (watch->user <= 0 || watch->item <= 0 || watch->value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("a watched column of \"%s\" no longer exists",
						relation),
				 errhint("Call bandit.unwatch and bandit.watch again.")));
	return true;
}

/*
 * read_key
 *		A user or item as a number or a text; false if it is NULL.
 */
static bool
read_key(TupleDesc desc, HeapTuple tuple, int attnum, int64 *number,
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
			*number = bd_key_id(*key, strlen(*key));
	}
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

static void
read_row(const Watch *watch, HeapTuple tuple, WatchedRow *row)
{
	UserRef		user;
	char	   *user_key;
	bool		isnull;

	memset(row, 0, sizeof(WatchedRow));
	if (!read_key(watch->desc, tuple, watch->user, &user.id, &user_key) ||
		!read_key(watch->desc, tuple, watch->item, &row->item, &row->item_key))
		return;
	user.key = user_key;
	row->subject = (char *) bd_user_subject(&user);
	if (watch->value > 0)
	{
		row->value = read_value(watch->desc, tuple, watch->value, &isnull);
		row->has_value = !isnull && isfinite(row->value);
	}
}

/* A row whose rule wants a value and has none says nothing yet. */
static bool
says_something(const Watch *watch, const WatchedRow *row)
{
	return row->subject != NULL &&
		(watch->rule->outcome != 0 || row->has_value);
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

static void
learn_insert(const Watch *watch, const WatchedRow *row)
{
	Attribution attribution;
	Response	response;

	if (!says_something(watch, row) ||
		!bd_attribute_item(watch->bandit, row->subject, row->item, NULL,
						   &attribution))
		return;
	response_of(watch, row, &response);
	bd_response_judge(watch->bandit, watch->rule, &response);
	bd_ledger_record(&attribution, &response);
}

static void
learn_delete(const Watch *watch, const WatchedRow *row)
{
	Attribution attribution;
	Response	response;

	if (row->subject == NULL ||
		!bd_attribute_item(watch->bandit, row->subject, row->item,
						   watch->rule->kind, &attribution))
		return;
	response_of(watch, row, &response);
	bd_ledger_retract(&attribution, &response);
}

/*
 * learn_update
 *		Move the evidence from what the row said to what it says.
 *
 * A response that was learnt stays with the decision it was learnt for.
 */
static void
learn_update(const Watch *watch, const WatchedRow *before,
			 const WatchedRow *after)
{
	Attribution attribution;
	Response	response;
	bool		same_item = before->subject != NULL &&
	after->subject != NULL &&
	strcmp(before->subject, after->subject) == 0 &&
	before->item == after->item;

	if (same_item && before->has_value == after->has_value &&
		before->value == after->value)
		return;
	if (same_item && says_something(watch, after) &&
		bd_attribute_item(watch->bandit, after->subject, after->item,
						  watch->rule->kind, &attribution))
	{
		response_of(watch, after, &response);
		bd_response_judge(watch->bandit, watch->rule, &response);
		bd_ledger_record(&attribution, &response);
		return;
	}
	learn_delete(watch, before);
	learn_insert(watch, after);
}
