/*-------------------------------------------------------------------------
 *
 * train.c
 *		train: read the user's tables once, build what the arms need.
 *
 * The tables are read with the caller's rights, the models written as the
 * extension's owner.  Serving goes on from the old models until the
 * training's transaction commits.  Two trainings of one recommender wait for
 * each other.
 *
 * src/train.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bandit_train);

/* One row of the report. */
typedef struct Report
{
	const char *part;
	pg_uuid_t	version;
	int			users;
	int			items;
	int64		ratings;
	int64		bytes;
	double		seconds;
} Report;

typedef struct TrainResult
{
	int			nreports;
	Report		reports[8];
} TrainResult;

static bool is_wanted(const Bandit *bandit, const char *part,
					  const char *only);
static void check_arm(const Bandit *bandit, const char *arm);
static void lock_training(const Bandit *bandit);
static void train_all(Bandit *bandit, const char *only, TrainResult *result);
static void put_part(Bandit *bandit, const char *part,
					 const ModelHeader *image, instr_time *since,
					 TrainResult *result);
static void set_attribute_count(const Bandit *bandit, int count);

static void
check_arm(const Bandit *bandit, const char *arm)
{
	if (bd_settings_arm(bandit, arm) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no arm \"%s\"", bandit->name, arm),
				 errhint("SELECT arm FROM bandit.arms lists them.")));
}

/*
 * is_wanted
 *		Does an arm of this recommender need the part?
 *
 * The control fuses item_cf, so it needs that too.
 */
static bool
is_wanted(const Bandit *bandit, const char *part, const char *only)
{
	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];

		if (arm->source == NULL ||
			(only != NULL && strcmp(arm->name, only) != 0))
			continue;
		if (strcmp(arm->source, part) == 0 ||
			strcmp(arm->source, "hybrid") == 0)
			return true;
	}
	return false;
}

static void
lock_training(const Bandit *bandit)
{
	char	   *name = psprintf("bandit.train %s", bandit->name);

	DirectFunctionCall1(pg_advisory_xact_lock_int8,
						Int64GetDatum(bd_key_id(name, strlen(name))));
}

static void
put_part(Bandit *bandit, const char *part, const ModelHeader *image,
		 instr_time *since, TrainResult *result)
{
	Report	   *report = &result->reports[result->nreports++];
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, *since);
	report->part = part;
	report->users = image->nusers;
	report->items = image->nitems;
	report->ratings = image->nratings;
	report->bytes = image->total;
	report->seconds = INSTR_TIME_GET_DOUBLE(now);
	bd_model_put(bandit, part, image, report->seconds, &report->version);
	INSTR_TIME_SET_CURRENT(*since);
}

/* The number of attributes that exist scales genre_saturation. */
static void
set_attribute_count(const Bandit *bandit, int count)
{
	static KeptPlan plan = {
		"UPDATE bandit.recommenders SET attribute_count = $2"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND attribute_count OPERATOR(pg_catalog.<>) $2",
		2, {TEXTOID, INT4OID}
	};
	OwnerScope	scope;
	Datum		values[2];

	if (bandit->recommender->attribute_count == count)
		return;
	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int32GetDatum(count);
	bd_owner_begin(&scope);
	bd_plan_run(&plan, values, NULL, false, 0);
	bd_owner_end(&scope);
	SPI_finish();
}

static void
train_all(Bandit *bandit, const char *only, TrainResult *result)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "bandit training",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	instr_time	since;
	Items	   *items;
	Ratings    *ratings;

	lock_training(bandit);
	INSTR_TIME_SET_CURRENT(since);
	items = bd_ratings_items(bandit);
	ratings = bd_ratings_load(bandit->recommender->ratings_sql, items);
	put_part(bandit, "catalogue", bd_catalogue_build(items, ratings), &since,
			 result);
	if (is_wanted(bandit, "item_cf", only))
		put_part(bandit, "item_cf", bd_item_cf_build(items, ratings), &since,
				 result);
	set_attribute_count(bandit, items->nattributes);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
train_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	static const char *const names[] = {"name"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	TrainResult *result = palloc0(sizeof(TrainResult));
	Bandit	   *bandit;
	char	   *only = NULL;

	bd_require_arguments(fcinfo, 1, names);
	bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (!PG_ARGISNULL(1))
	{
		only = text_to_cstring(PG_GETARG_TEXT_PP(1));
		check_arm(bandit, only);
	}
	if (!bd_can_write())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot train in a read-only transaction"),
				 errhint("Train on the primary; standbys follow.")));

	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	train_all(bandit, only, result);
	funcctx->user_fctx = result;
	funcctx->max_calls = result->nreports;
	MemoryContextSwitchTo(old);
}

/*
 * train(name text, arm text)
 *		-> (part, version, users, items, ratings, bytes, seconds)
 */
Datum
bandit_train(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	const Report *report;
	Datum		values[7];
	bool		nulls[7] = {false};

	if (SRF_IS_FIRSTCALL())
		train_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	report = &((TrainResult *) funcctx->user_fctx)->reports[funcctx->call_cntr];
	values[0] = CStringGetTextDatum(report->part);
	values[1] = UUIDPGetDatum(&report->version);
	values[2] = Int32GetDatum(report->users);
	values[3] = Int32GetDatum(report->items);
	values[4] = Int64GetDatum(report->ratings);
	values[5] = Int64GetDatum(report->bytes);
	values[6] = Float8GetDatum(report->seconds);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}
