/*-------------------------------------------------------------------------
 *
 * replay.c
 *		A logged decision, drawn again: replay.
 *
 * A decision's generator is seeded by its id, and its row keeps the
 * posteriors it was drawn from, in the order they were drawn.  So its draws
 * can be made again, to the bit, whatever was learnt since; arms that were
 * added, disabled or removed meanwhile do not matter.
 *
 * Reads only, with the caller's rights.
 *
 * src/replay.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_replay);

/* A decision's draws, and the place each arm took. */
typedef struct Replay
{
	BanditPolicy policy;
	int			narms;
	Datum	   *names;
	Draw	   *draws;
	int		   *ranks;			/* from 1; 0: not picked */
} Replay;

static Replay *read_decision(const pg_uuid_t *id, int *npicks);
static void draw_again(const pg_uuid_t *id, Replay *replay, int npicks);
static double *float_elements(Datum array, int n);

/*
 * read_decision
 *		The arms and posteriors of a decision, or NULL if it is not there.
 *
 * Memory from the context that is current when this is called.
 */
static Replay *
read_decision(const pg_uuid_t *id, int *npicks)
{
	static KeptPlan plan = {
		"SELECT arms, alphas, betas, pg_catalog.cardinality(picks), policy,"
		" floors"
		" FROM bandit.decisions WHERE decision_id OPERATOR(pg_catalog.=) $1",
		1, {UUIDOID}
	};
	MemoryContext context = CurrentMemoryContext;
	Replay	   *replay = palloc0(sizeof(Replay));
	Datum		fields[6];
	bool		nulls[6];
	Datum		value = UUIDPGetDatum(id);
	Datum	   *names;
	double	   *alphas;
	double	   *betas;
	double	   *floors = NULL;

	SPI_connect();
	bd_plan_run(&plan, &value, NULL, true, 1);
	if (SPI_processed == 0)
	{
		SPI_finish();
		return NULL;
	}
	for (int i = 0; i < 6; i++)
		fields[i] = SPI_getbinval(SPI_tuptable->vals[0],
								  SPI_tuptable->tupdesc, i + 1, &nulls[i]);
	*npicks = DatumGetInt32(fields[3]);
	deconstruct_array(DatumGetArrayTypeP(fields[0]), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, NULL, &replay->narms);
	alphas = float_elements(fields[1], replay->narms);
	betas = float_elements(fields[2], replay->narms);
	if (!nulls[5])
		floors = float_elements(fields[5], replay->narms);
	if (!bd_policy_find(TextDatumGetCString(fields[4]), &replay->policy))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a decision's policy is not known")));

	MemoryContextSwitchTo(context);
	replay->names = palloc(sizeof(Datum) * Max(replay->narms, 1));
	replay->draws = palloc0(sizeof(Draw) * Max(replay->narms, 1));
	replay->ranks = palloc0(sizeof(int) * Max(replay->narms, 1));
	for (int i = 0; i < replay->narms; i++)
	{
		replay->names[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(names[i]));
		replay->draws[i].alpha = alphas[i];
		replay->draws[i].beta = betas[i];
		replay->draws[i].floor = floors != NULL ? floors[i] : 0;
	}
	SPI_finish();
	return replay;
}

static double *
float_elements(Datum datum, int n)
{
	ArrayType  *array = DatumGetArrayTypeP(datum);

	if (ARR_HASNULL(array) ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != n)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("a decision's posteriors do not fit its arms")));
	return (double *) ARR_DATA_PTR(array);
}

static void
draw_again(const pg_uuid_t *id, Replay *replay, int npicks)
{
	int		   *picks = palloc(sizeof(int) * Max(replay->narms, 1));
	BanditRandom random;

	bd_decide_random(id, &random);
	npicks = bd_select(&random, replay->policy, replay->draws, replay->narms,
					   npicks, picks);
	for (int rank = 0; rank < npicks; rank++)
		replay->ranks[picks[rank]] = rank + 1;
	pfree(picks);
}

static void
replay_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	static const char *const names[] = {"decision_id"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	Replay	   *replay;
	int			npicks = 0;

	bd_require_arguments(fcinfo, 1, names);
	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	replay = read_decision(PG_GETARG_UUID_P(0), &npicks);
	if (replay != NULL)
	{
		draw_again(PG_GETARG_UUID_P(0), replay, npicks);
		funcctx->max_calls = replay->narms;
	}
	funcctx->user_fctx = replay;
	MemoryContextSwitchTo(old);
}

/*
 * replay(decision_id uuid) -> (arm, rank, sample, weight, alpha, beta)
 *		in the order of the draws; no rows for an unknown decision
 */
Datum
bandit_replay(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	const Replay *replay;
	const Draw *draw;
	Datum		values[6];
	bool		nulls[6] = {false};
	int			i;

	if (SRF_IS_FIRSTCALL())
		replay_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	replay = funcctx->user_fctx;
	i = (int) funcctx->call_cntr;
	draw = &replay->draws[i];
	values[0] = replay->names[i];
	values[1] = Int32GetDatum(replay->ranks[i]);
	values[2] = Float8GetDatum(draw->sample);
	values[3] = Float8GetDatum(draw->weight);
	values[4] = Float8GetDatum(draw->alpha);
	values[5] = Float8GetDatum(draw->beta);
	nulls[1] = nulls[3] = replay->ranks[i] == 0;
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}
