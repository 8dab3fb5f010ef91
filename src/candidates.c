/*-------------------------------------------------------------------------
 *
 * candidates.c
 *		One arm's list of items for one user.
 *
 * An arm is a built-in recommender or a function of the user's, called with
 * the caller's rights, or its owner's if these are fewer (bd_reader_begin).
 * Whatever the arm returns, the list that leaves here
 * is in order, holds an item once, and none the user has already seen.
 *
 * While serving, an arm that raises is rolled back, told at the level of
 * bandit.arm_error_level, and treated as having no list.
 *
 * src/candidates.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_candidates);
PG_FUNCTION_INFO_V1(bandit_candidates_key);

/* More rows than this are not read from one call of an arm. */
#define MAX_ROWS 100000

typedef struct Builtin
{
	const char *name;
	ItemList   *(*list) (const ListRequest *request);
} Builtin;

static const Builtin builtins[] = {
	{"svd", bd_svd_list},
	{"item_cf", bd_item_cf_list},
	{"graph", bd_graph_list},
	{"embeddings", bd_embeddings_list},
	{"long_tail", bd_long_tail_list},
	{"serendipity", bd_serendipity_list},
	{"hybrid", bd_hybrid_list}
};

static const Builtin *find_builtin(const char *source);
static ItemList *function_list(const ListRequest *request, Arm *arm);
static HeapTuple find_function(const Arm *arm);
static void prepare_function(const Bandit *bandit, Arm *arm,
							 Form_pg_proc function);
static bool read_item(const ListRequest *request, HeapTuple row,
					  TupleDesc desc, ScoredItem *item);
static int	compare_scored(const void *a, const void *b);
static int	compare_identity(const void *a, const void *b);
static void tidy(const ListRequest *request, ItemList *list);

static const Builtin *
find_builtin(const char *source)
{
	for (int i = 0; source != NULL && i < (int) lengthof(builtins); i++)
		if (strcmp(builtins[i].name, source) == 0)
			return &builtins[i];
	return NULL;
}

/*
 * bd_builtin_arm
 *		Is there a built-in arm of that name, the control included?
 */
bool
bd_builtin_arm(const char *name)
{
	return find_builtin(name) != NULL;
}

/*
 * bd_builtin_list
 *		The list of a built-in arm, whether or not the bandit has that arm.
 */
ItemList *
bd_builtin_list(const char *name, const ListRequest *request)
{
	return find_builtin(name)->list(request);
}

/*
 * bd_candidates
 *		The arm's list, best first, at most request->n items.
 *
 * Raises whatever the arm raises.  Memory from CurrentMemoryContext.
 */
ItemList *
bd_candidates(const ListRequest *request, int arm)
{
	Arm		   *which = &request->bandit->arms[arm];
	const Builtin *builtin = find_builtin(which->source);

	if (builtin != NULL)
		return builtin->list(request);
	if (which->source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("arm \"%s\" has no source of items", which->name)));
	return function_list(request, which);
}

/*
 * bd_candidates_guarded
 *		The same, but NULL instead of an error.
 *
 * A cancelled query stays cancelled.  The subtransaction costs a few
 * microseconds and no transaction id unless the arm writes.
 */
ItemList *
bd_candidates_guarded(const ListRequest *request, int arm)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ItemList   *volatile list = NULL;

	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		MemoryContextSwitchTo(context);
		list = bd_candidates(request, arm);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			level;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
			bd_arm_error_level >= ERROR)
			ReThrowError(error);
		/* an arm that waits for its training is no news at every request */
		level = error->sqlerrcode == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ?
			DEBUG1 : bd_arm_error_level;
		ereport(level,
				(errcode(error->sqlerrcode),
				 errmsg("arm \"%s\" of \"%s\" was skipped: %s",
						request->bandit->arms[arm].name,
						request->bandit->name, error->message),
				 errhint("bandit.candidates calls the arm alone and shows the whole error.")));
		FreeErrorData(error);
		list = NULL;
	}
	PG_END_TRY();
	return list;
}

/*
 * find_function
 *		The function that the arm's source, a signature, names now.
 */
static HeapTuple
find_function(const Arm *arm)
{
	Datum		function = (Datum) 0;
	HeapTuple	tuple = NULL;

	if (strchr(arm->source, '(') != NULL)
		function = DirectFunctionCall1(regprocedurein,
									   CStringGetDatum(arm->source));
	if (function != (Datum) 0)
		tuple = SearchSysCache1(PROCOID, function);
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("arm \"%s\" has an unknown source \"%s\"",
						arm->name, arm->source)));
	return tuple;
}

/*
 * prepare_function
 *		Keep a plan that calls the arm's function.
 */
static void
prepare_function(const Bandit *bandit, Arm *arm, Form_pg_proc function)
{
	char	   *name;
	bool		by_key = bandit->recommender->by_key;
	Oid			types[2] = {by_key ? TEXTOID : INT8OID, INT4OID};

	name = quote_qualified_identifier(get_namespace_name(function->pronamespace),
									  NameStr(function->proname));
	arm->plan = bd_plan_keep(psprintf("SELECT l.item::pg_catalog.%s,"
									  " l.score::pg_catalog.float8"
									  " FROM %s($1, $2) AS l(item, score)",
									  by_key ? "text" : "int8", name),
							 2, types);
}

/*
 * function_list
 *		The list of a function of the user's.
 */
static ItemList *
function_list(const ListRequest *request, Arm *arm)
{
	MemoryContext context = CurrentMemoryContext;
	ItemList   *list = palloc0(sizeof(ItemList));
	HeapTuple	function = find_function(arm);
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);
	OwnerScope	scope;
	Datum		values[2];

	SPI_connect();
	bd_reader_begin(form->proowner, &scope);
	if (arm->plan == NULL)
		prepare_function(request->bandit, arm, form);
	ReleaseSysCache(function);
	values[0] = request->user.key ? CStringGetTextDatum(request->user.key) :
		Int64GetDatum(request->user.id);
	values[1] = Int32GetDatum(request->n);
	SPI_execute_plan(arm->plan, values, NULL, true, MAX_ROWS);
	bd_reader_end(&scope);

	MemoryContextSwitchTo(context);
	list->items = palloc(sizeof(ScoredItem) * Max(SPI_processed, 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (read_item(request, SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
					  &list->items[list->nitems]))
			list->nitems++;
	}
	SPI_finish();
	tidy(request, list);
	return list;
}

/*
 * read_item
 *		One row of an arm's; false for a row without item or finite score.
 */
static bool
read_item(const ListRequest *request, HeapTuple row, TupleDesc desc,
		  ScoredItem *item)
{
	const Recommender *rec = request->bandit->recommender;
	bool		noitem;
	bool		noscore;
	Datum		id = heap_getattr(row, 1, desc, &noitem);
	Datum		score = heap_getattr(row, 2, desc, &noscore);

	if (noitem || noscore || !isfinite(DatumGetFloat8(score)))
		return false;
	item->score = DatumGetFloat8(score);
	item->key = NULL;
	if (rec->by_key)
	{
		item->key = bd_key_canonical(TextDatumGetCString(id), rec->uuid_items);
		item->item = bd_key_id(item->key, strlen(item->key));
	}
	else
		item->item = DatumGetInt64(id);
	return true;
}

/* Best first; ties by item. */
static int
compare_scored(const void *a, const void *b)
{
	const ScoredItem *left = a;
	const ScoredItem *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->item < right->item ? -1 : left->item > right->item;
}

/* By item, an item's best score first. */
static int
compare_identity(const void *a, const void *b)
{
	const ScoredItem *left = a;
	const ScoredItem *right = b;

	if (left->item != right->item)
		return left->item < right->item ? -1 : 1;
	return left->score > right->score ? -1 : left->score < right->score;
}

/*
 * tidy
 *		Each item once, none seen, best first, no more than asked for.
 */
static void
tidy(const ListRequest *request, ItemList *list)
{
	int			kept = 0;

	qsort(list->items, list->nitems, sizeof(ScoredItem), compare_identity);
	for (int i = 0; i < list->nitems; i++)
	{
		if (kept > 0 && list->items[kept - 1].item == list->items[i].item)
			continue;
		if (bd_history_excludes(request->history, list->items[i].item))
			continue;
		list->items[kept++] = list->items[i];
	}
	qsort(list->items, kept, sizeof(ScoredItem), compare_scored);
	list->nitems = Min(kept, request->n);
}

/*
 * candidates_first
 *		The list, before the first row is returned.
 */
static void
candidates_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx,
				 bool by_key)
{
	static const char *const names[] = {"name", "arm", "user", "n"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Bandit	   *bandit;
	ListRequest request;
	MemoryContext old;
	ItemList   *list;
	char	   *name;
	int			arm;

	bd_require_arguments(fcinfo, 4, names);
	bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	arm = bd_settings_arm(bandit, name);
	request.bandit = bandit;
	request.n = PG_GETARG_INT32(3);
	if (arm < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no arm \"%s\"", bandit->name, name),
				 errhint("SELECT arm FROM bandit.arms lists them.")));
	if (request.n < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be at least 1, not %d", request.n)));

	old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	bd_user_ref(bandit, by_key ? 0 : PG_GETARG_INT64(2),
				by_key ? text_to_cstring(PG_GETARG_TEXT_PP(2)) : NULL,
				&request.user);
	request.history = bd_history_load(bandit, &request.user, DT_NOEND);
	list = bd_candidates(&request, arm);
	funcctx->user_fctx = list;
	funcctx->max_calls = list->nitems;
	MemoryContextSwitchTo(old);
}

static Datum
candidates_next(FunctionCallInfo fcinfo, bool by_key)
{
	FuncCallContext *funcctx;
	const ScoredItem *item;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (SRF_IS_FIRSTCALL())
		candidates_first(fcinfo, SRF_FIRSTCALL_INIT(), by_key);
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	item = &((ItemList *) funcctx->user_fctx)->items[funcctx->call_cntr];
	nulls[0] = by_key && item->key == NULL;
	if (by_key)
		values[0] = nulls[0] ? (Datum) 0 : CStringGetTextDatum(item->key);
	else
		values[0] = Int64GetDatum(item->item);
	values[1] = Float8GetDatum(item->score);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}

/*
 * candidates(name text, arm text, user_id bigint, n int)
 *		-> (item_id bigint, score float8)
 */
Datum
bandit_candidates(PG_FUNCTION_ARGS)
{
	return candidates_next(fcinfo, false);
}

/*
 * candidates(name text, arm text, user_key text, n int)
 *		-> (item_key text, score float8)
 */
Datum
bandit_candidates_key(PG_FUNCTION_ARGS)
{
	return candidates_next(fcinfo, true);
}
