/*-------------------------------------------------------------------------
 *
 * select.c
 *		Posteriors, draws and the k largest: select_arms.
 *
 * Reads only, so it runs on a standby.  One indexed read per call, through
 * SPI with a kept plan and the caller's rights; slots are summed here.  The
 * posterior of an arm is its prior plus its evidence (Thompson 1933; several
 * arms at once: Komiyama, Honda and Nakagawa 2015).
 *
 * Arms are compared by the logit of their draw, never by the draw: where
 * shapes are tiny, half of all draws are exactly 0 or 1 in double precision
 * and would tie.
 *
 * src/select.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "dist.h"
#include "elementary.h"
#include "funcapi.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_select_arms);

/* What select_arms keeps between the rows it returns. */
typedef struct SelectResult
{
	const Bandit *bandit;
	Draw	   *draws;
	int		   *picks;
} SelectResult;

static void add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
							 HeapTuple tuple, TupleDesc desc);

/*
 * bd_select_posteriors
 *		Fill "draws" with the posteriors of the arms that can be drawn.
 *
 * Enabled arms in registration order, without the control; returns their
 * number.  "draws" has room for bandit->narms.
 */
int
bd_select_posteriors(const Bandit *bandit, int64 context_hash, Draw *draws)
{
	static KeptPlan plan = {
		"SELECT arm, successes, failures FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	Datum		values[2];
	int			n = 0;

	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];

		if (!arm->enabled || arm->control)
			continue;
		draws[n].arm = i;
		draws[n].alpha = arm->prior_alpha;
		draws[n].beta = arm->prior_beta;
		draws[n].weight = 0;
		n++;
	}
	if (n == 0)
		return 0;

	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(context_hash);
	bd_plan_run(&plan, values, NULL, true, 0);
	for (uint64 row = 0; row < SPI_processed; row++)
		add_evidence_row(bandit, draws, n, SPI_tuptable->vals[row],
						 SPI_tuptable->tupdesc);
	SPI_finish();
	return n;
}

/* Rows of arms that are disabled or gone count for nobody. */
static void
add_evidence_row(const Bandit *bandit, Draw *draws, int ndraws,
				 HeapTuple tuple, TupleDesc desc)
{
	Datum		fields[3];
	bool		nulls[3];
	text	   *name;
	int			len;

	for (int i = 0; i < 3; i++)
		fields[i] = heap_getattr(tuple, i + 1, desc, &nulls[i]);
	name = DatumGetTextPP(fields[0]);
	len = VARSIZE_ANY_EXHDR(name);

	for (int i = 0; i < ndraws; i++)
	{
		const char *arm = bandit->arms[draws[i].arm].name;

		if (strncmp(arm, VARDATA_ANY(name), len) != 0 || arm[len] != '\0')
			continue;
		draws[i].alpha += DatumGetFloat8(fields[1]);
		draws[i].beta += DatumGetFloat8(fields[2]);
		return;
	}
}

/*
 * bd_select_draw
 *		One draw from each posterior, in registration order.
 */
void
bd_select_draw(BanditRandom *random, Draw *draws, int ndraws)
{
	for (int i = 0; i < ndraws; i++)
	{
		draws[i].logit = bd_dist_beta_logit(random, draws[i].alpha,
											draws[i].beta);
		draws[i].sample = bd_dist_logistic(draws[i].logit);
	}
}

/*
 * bd_select_top
 *		Pick the k largest draws, best first; returns how many there are.
 *
 * picks[rank] is an index into "draws", which keep their order.  Equal draws
 * keep the arms' registration order, so a seed selects the same arms on
 * every platform.  Sets the weight of the selected, their draw's share; it
 * is computed from logarithms, which hold where every draw rounds to 0.
 */
int
bd_select_top(Draw *draws, int ndraws, int k, int *picks)
{
	int			n = 0;
	double		largest;
	double		sum = 0;

	for (int i = 0; i < ndraws; i++)
	{
		int			at = n < k ? n++ : k;

		/* insertion from behind; position k is the one that falls off */
		while (at > 0 && draws[picks[at - 1]].logit < draws[i].logit)
		{
			if (at < k)
				picks[at] = picks[at - 1];
			at--;
		}
		if (at < k)
			picks[at] = i;
	}
	if (n == 0)
		return 0;

	largest = bd_dist_log_logistic(draws[picks[0]].logit);
	for (int i = 0; i < n; i++)
	{
		Draw	   *draw = &draws[picks[i]];

		draw->weight = bd_exp(bd_dist_log_logistic(draw->logit) - largest);
		sum += draw->weight;
	}
	for (int i = 0; i < n; i++)
		draws[picks[i]].weight /= sum;
	return n;
}

/*
 * bd_select_count
 *		Raise unless k, the number of arms wanted, is at least 1.
 */
int
bd_select_count(int k)
{
	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of arms must be at least 1, not %d", k)));
	return k;
}

/*
 * select_first
 *		Everything select_arms does before its first row.
 */
static void
select_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	static const char *const names[] = {"bandit", "context", "k"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	SelectResult *result;
	MemoryContext old;
	Bandit	   *bandit;
	Jsonb	   *context;
	int			k;
	int			n;

	bd_require_arguments(fcinfo, 3, names);
	bandit = bd_settings_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	context = PG_GETARG_JSONB_P(1);
	k = bd_select_count(PG_GETARG_INT32(2));
	bd_context_check(bandit, context);

	old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	result = palloc(sizeof(SelectResult));
	result->bandit = bandit;
	result->draws = palloc(sizeof(Draw) * Max(bandit->narms, 1));
	result->picks = palloc(sizeof(int) * Max(bandit->narms, 1));
	funcctx->user_fctx = result;
	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	MemoryContextSwitchTo(old);

	n = bd_select_posteriors(bandit, bd_context_hash(context), result->draws);
	bd_select_draw(bd_session_random(), result->draws, n);
	funcctx->max_calls = bd_select_top(result->draws, n, Min(k, n),
									   result->picks);
}

/*
 * select_arms(bandit text, context jsonb, k int)
 *		-> (rank, arm, sample, weight, alpha, beta), best first
 */
Datum
bandit_select_arms(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	SelectResult *result;
	const Draw *draw;
	Datum		values[6];
	bool		nulls[6] = {false};
	HeapTuple	tuple;

	if (SRF_IS_FIRSTCALL())
		select_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	result = funcctx->user_fctx;
	draw = &result->draws[result->picks[funcctx->call_cntr]];
	values[0] = Int32GetDatum((int) funcctx->call_cntr + 1);
	values[1] = CStringGetTextDatum(result->bandit->arms[draw->arm].name);
	values[2] = Float8GetDatum(draw->sample);
	values[3] = Float8GetDatum(draw->weight);
	values[4] = Float8GetDatum(draw->alpha);
	values[5] = Float8GetDatum(draw->beta);
	tuple = heap_form_tuple(funcctx->tuple_desc, values, nulls);
	SRF_RETURN_NEXT(funcctx, HeapTupleGetDatum(tuple));
}
