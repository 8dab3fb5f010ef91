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
 * cancelled, and where the application has to be ready to try a transaction
 * again, at repeatable read and serializable, it is told to.
 *
 * Of a statement of many rows, those that were never recommended are told
 * apart without a subtransaction and without a query (bulk.c).
 *
 * src/watch.c
 *
 *-------------------------------------------------------------------------
 */
#include "watch.h"

#include "access/xact.h"
#include "catalog/partition.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "lib/qunique.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(bandit_learn);

#define NARGS 5

/* Rows to come that are looked at together. */
#define READ_AHEAD 1000

/* The same, for the length of a statement of many rows. */
typedef struct KnownWatch
{
	Oid			trigger;
	bool		active;			/* else its rows teach nothing */
	Watch		watch;
	int64		nrows;			/* that came since */
	int64		nasked;			/* subjects asked for */
	int64		nread;			/* rows read ahead */
	Tuplestorestate *table;		/* the transition table that is read */
	int			reader;			/* its read pointer, ours */
} KnownWatch;

static bool unchanged(const TriggerData *trigger);
static bool known_never(TriggerData *trigger);
static KnownWatch *find_known(Oid trigger);
static void learn_guarded(TriggerData *trigger, bool many);
static bool must_rethrow(int sqlerrcode);
static void learn_row(TriggerData *trigger, bool many);
static bool never_served(TriggerData *trigger, const Watch *watch);
static void keep_known(Oid trigger, bool active, const Watch *watch);
static int	read_ahead(TriggerData *trigger, KnownWatch *known,
					   const char **subjects, int n);
static int	unique(const char **subjects, int n);
static int	compare_subjects(const void *a, const void *b);
static bool prepare_watch(TriggerData *trigger, Watch *watch);
static bool is_watched(Relation relation, Bandit *bandit, const char *kind);
static BulkAnswer was_served(TriggerData *trigger, const Watch *watch,
							 HeapTuple tuple, const char **subject);
static bool has_watch(const Bandit *bandit, Oid source, const char *kind);
static void ask_served(TriggerData *trigger, const Watch *watch);

/* What was prepared for the rows of this statement: KnownWatches. */
static List *known_watches = NIL;
static uint64 known_statement = 0;

/*
 * learn() -> trigger
 */
Datum
bandit_learn(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	bool		many;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != NARGS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("bandit.learn must be called as an AFTER ... FOR EACH ROW trigger with %d arguments",
						NARGS),
				 errhint("bandit.watch installs it.")));

	if (unchanged(trigger))
		PG_RETURN_POINTER(NULL);
	many = bd_bulk_row();
	if (!many || !known_never(trigger))
		learn_guarded(trigger, many);
	PG_RETURN_POINTER(NULL);
}

/*
 * unchanged
 *		Did an UPDATE leave the watched columns as they were, to the bit?
 *
 * Looks at bits only, so that it cannot raise.
 */
static bool
unchanged(const TriggerData *trigger)
{
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return false;
	for (int i = 2; i < NARGS; i++)
	{
		const char *name = trigger->tg_trigger->tgargs[i];
		Form_pg_attribute column;
		Datum		before;
		Datum		after;
		bool		was_null;
		bool		is_null;
		int			attnum;

		if (name[0] == '\0')
			continue;
		attnum = SPI_fnumber(desc, name);
		if (attnum <= 0)
			return false;
		column = TupleDescAttr(desc, attnum - 1);
		before = heap_getattr(trigger->tg_trigtuple, attnum, desc, &was_null);
		after = heap_getattr(trigger->tg_newtuple, attnum, desc, &is_null);
		if (was_null != is_null ||
			(!is_null && !datumIsEqual(before, after, column->attbyval,
									   column->attlen)))
			return false;
	}
	return true;
}

/*
 * known_never
 *		Is it remembered that the row teaches nothing?
 *
 * Runs outside of the subtransaction: it computes, asks nobody, and runs no
 * code of the keys' types but the server's own.
 */
static bool
known_never(TriggerData *trigger)
{
	KnownWatch *known = find_known(trigger->tg_trigger->tgoid);

	if (known == NULL)
		return false;
	known->nrows++;
	known->watch.desc = RelationGetDescr(trigger->tg_relation);
	return !known->active ||
		(known->watch.plain_keys && never_served(trigger, &known->watch));
}

static KnownWatch *
find_known(Oid trigger)
{
	ListCell   *cell;

	if (known_statement != bd_bulk_statement())
		return NULL;
	foreach(cell, known_watches)
	{
		KnownWatch *known = lfirst(cell);

		if (known->trigger == trigger)
			return known;
	}
	return NULL;
}

/* Were the row's items, before and after, never served? */
static bool
never_served(TriggerData *trigger, const Watch *watch)
{
	const char *subject;

	/* of what is moved, old decisions count too */
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		bd_moved_waits(trigger->tg_trigtuple))
		return false;
	return was_served(trigger, watch, trigger->tg_trigtuple,
					  &subject) == BULK_NEVER &&
		(!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ||
		 was_served(trigger, watch, trigger->tg_newtuple,
					&subject) == BULK_NEVER);
}

/*
 * was_served
 *		Was the row's item served to its subject, by what is remembered?
 *
 * Nobody's row never was.  What was learnt can be changed at any age.
 */
static BulkAnswer
was_served(TriggerData *trigger, const Watch *watch, HeapTuple tuple,
		   const char **subject)
{
	bool		any_age = !TRIGGER_FIRED_BY_INSERT(trigger->tg_event);
	BulkAnswer	answer;
	int64		item;

	*subject = bd_watched_subject(watch, tuple);
	if (*subject == NULL)
		return BULK_NEVER;
	answer = bd_bulk_served(watch->bandit, any_age, *subject, NULL);
	if (answer != BULK_PERHAPS)
		return answer;
	if (!bd_watched_item(watch, tuple, &item))
		return BULK_NEVER;
	return bd_bulk_served(watch->bandit, any_age, *subject, &item);
}

/*
 * learn_guarded
 *		Learn from a row, in a subtransaction that takes every failure.
 */
static void
learn_guarded(TriggerData *trigger, bool many)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	uint64		statement = bd_bulk_statement();

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		learn_row(trigger, many);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		bd_bulk_learnt(statement);
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
		bd_bulk_failed(statement);
		if (must_rethrow(error->sqlerrcode))
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
}

/*
 * must_rethrow
 *		Does an error of ours end the application's statement?
 *
 * With one snapshot for the whole transaction, only a new transaction can
 * learn from the row.
 */
static bool
must_rethrow(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_QUERY_CANCELED:
			return true;
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
			return IsolationUsesXactSnapshot();
		default:
			return false;
	}
}

static void
learn_row(TriggerData *trigger, bool many)
{
	Watch		watch;
	WatchedRow	before;
	WatchedRow	after;
	OwnerScope	scope;
	bool		active = prepare_watch(trigger, &watch);

	if (many)
		keep_known(trigger->tg_trigger->tgoid, active, &watch);
	if (!active)
		return;
	if (many)
	{
		ask_served(trigger, &watch);
		if (never_served(trigger, &watch))
			return;
	}
	bd_watched_row(&watch, trigger->tg_trigtuple, &before);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		bd_watched_row(&watch, trigger->tg_newtuple, &after);

	SPI_connect();
	bd_owner_begin(&scope);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		bd_watched_insert(&watch, &before);
	else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		bd_watched_delete(&watch, &before);
	else
		bd_watched_update(&watch, &before, &after);
	bd_owner_end(&scope);
	SPI_finish();
}

/*
 * ask_served
 *		Remember what the row's subjects were served.
 *
 * Where every other row brings a new subject, those of rows to come are
 * asked for in the same query.
 */
static void
ask_served(TriggerData *trigger, const Watch *watch)
{
	const char *subjects[READ_AHEAD + 2];
	KnownWatch *known = find_known(trigger->tg_trigger->tgoid);
	OwnerScope	scope;
	int			n = 0;

	if (was_served(trigger, watch, trigger->tg_trigtuple,
				   &subjects[n]) == BULK_UNKNOWN)
		n++;
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		was_served(trigger, watch, trigger->tg_newtuple,
				   &subjects[n]) == BULK_UNKNOWN &&
		(n == 0 || strcmp(subjects[0], subjects[1]) != 0))
		n++;
	if (n == 0)
		return;

	known->nasked += n;
	if (trigger->tg_newtable != NULL && known->nasked * 8 > known->nrows)
	{
		n = read_ahead(trigger, known, subjects, n);
		known->nasked += n - 1;
	}
	SPI_connect();
	bd_owner_begin(&scope);
	bd_bulk_ask(watch->bandit, !TRIGGER_FIRED_BY_INSERT(trigger->tg_event),
				subjects, n);
	bd_owner_end(&scope);
	SPI_finish();
}

/*
 * read_ahead
 *		Add the subjects of rows to come; returns how many there are then.
 */
static int
read_ahead(TriggerData *trigger, KnownWatch *known, const char **subjects,
		   int n)
{
	Tuplestorestate *rows = trigger->tg_newtable;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(known->watch.desc,
													&TTSOpsMinimalTuple);

	if (known->table != rows)
	{
		known->table = rows;
		known->nread = 0;
		known->reader = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
		tuplestore_select_read_pointer(rows, known->reader);
		tuplestore_rescan(rows);
	}
	tuplestore_select_read_pointer(rows, known->reader);
	if (known->nread < known->nrows &&
		tuplestore_skiptuples(rows, known->nrows - known->nread, true))
		known->nread = known->nrows;
	for (int i = 0; i < READ_AHEAD; i++)
	{
		if (!tuplestore_gettupleslot(rows, true, false, slot))
			break;
		known->nread++;
		if (was_served(trigger, &known->watch,
					   ExecFetchSlotHeapTuple(slot, false, NULL),
					   &subjects[n]) == BULK_UNKNOWN)
			n++;
	}
	ExecDropSingleTupleTableSlot(slot);
	return unique(subjects, n);
}

/* Sort, and keep one of each. */
static int
unique(const char **subjects, int n)
{
	qsort(subjects, n, sizeof(char *), compare_subjects);
	return (int) qunique(subjects, n, sizeof(char *), compare_subjects);
}

static int
compare_subjects(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void
keep_known(Oid trigger, bool active, const Watch *watch)
{
	MemoryContext old;
	KnownWatch *known = find_known(trigger);

	if (known != NULL)
		return;
	old = MemoryContextSwitchTo(bd_bulk_memory());
	if (known_statement != bd_bulk_statement())
	{
		known_watches = NIL;	/* its memory is gone */
		known_statement = bd_bulk_statement();
	}
	known = palloc0(sizeof(KnownWatch));
	known->trigger = trigger;
	known->active = active;
	known->watch = *watch;
	known_watches = lappend(known_watches, known);
	MemoryContextSwitchTo(old);
}

/*
 * prepare_watch
 *		Find the bandit, the rule and the columns; false: nothing to learn.
 *
 * A bandit, a rule or a watch that is gone while its trigger stayed is no
 * error: only its owner can drop a table's trigger.
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
	if (watch->rule == NULL || !is_watched(trigger->tg_relation, watch->bandit,
										   args[1]))
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
	watch->plain_keys = bd_watched_plain_key(watch->desc, watch->user) &&
		bd_watched_plain_key(watch->desc, watch->item);
	return true;
}

static bool
has_watch(const Bandit *bandit, Oid source, const char *kind)
{
	for (int i = 0; i < bandit->nwatches; i++)
		if (bandit->watches[i].source == source &&
			strcmp(bandit->watches[i].kind, kind) == 0)
			return true;
	return false;
}

/*
 * is_watched
 *		Does the bandit learn that kind from the table, or from one that it is
 *		a partition of?
 *
 * A bandit that was made anew under an old name does not, until told to.
 */
static bool
is_watched(Relation relation, Bandit *bandit, const char *kind)
{
	Oid			source = RelationGetRelid(relation);
	MemoryContext old;
	List	   *ancestors;
	ListCell   *cell;
	bool		found = has_watch(bandit, source, kind);

	if (found || !relation->rd_rel->relispartition)
		return found;
	ancestors = get_partition_ancestors(source);
	foreach(cell, ancestors)
		found = found || has_watch(bandit, lfirst_oid(cell), kind);
	if (found)
	{
		/* find it at once the next time */
		old = MemoryContextSwitchTo(bandit->context);
		bandit->watches = repalloc(bandit->watches, sizeof(WatchKey) *
								   (bandit->nwatches + 1));
		bandit->watches[bandit->nwatches].source = source;
		bandit->watches[bandit->nwatches++].kind = pstrdup(kind);
		MemoryContextSwitchTo(old);
	}
	return found;
}
