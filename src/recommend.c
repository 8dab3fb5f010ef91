/*-------------------------------------------------------------------------
 *
 * recommend.c
 *		A list of items for one user: the whole path of a request.
 *
 *	  context -> select -> candidates -> blend -> decision
 *
 * The selected arms share the list by their weights (blend.c).  An item is
 * given once, credited to the arm that brought it first; what the arms leave
 * open the control fills, credited to itself.  The control's side of an
 * experiment is served by the control alone.
 *
 * Runs with the caller's rights; only the log is written as the owner.  In a
 * read-only transaction and on a standby nothing is logged, and decision_id
 * is null.
 *
 * src/recommend.c
 *
 *-------------------------------------------------------------------------
 */
#include "request.h"

#include "access/htup_details.h"
#include "blend.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_recommend);
PG_FUNCTION_INFO_V1(bandit_recommend_key);

#define MAX_ITEMS 10000

static void read_arguments(FunctionCallInfo fcinfo, bool by_key,
						   Request *request);
static void serve_treatment(Request *request);
static void serve_control(Request *request, double weight);
static void blend_lists(Request *request, ItemList **lists,
						const double *weights, const int *arms, int n);
static const ScoredItem *next_item(Request *request, const ItemList *list,
								   int *position);
static void place(Request *request, const ScoredItem *item, int arm,
				  double weight);
static ItemList *timed_candidates(Request *request, int pick);

/*
 * recommend_first
 *		The whole request, before the first row is returned.
 */
static void
recommend_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx, bool by_key)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	Request    *request = palloc0(sizeof(Request));

	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	read_arguments(fcinfo, by_key, request);
	bd_request_serve(request);
	if (bd_can_write())
	{
		bd_request_log(request, request->treatment ? "treatment" : "control");
		request->logged = true;
	}
	funcctx->user_fctx = request;
	funcctx->max_calls = request->nserved;
	MemoryContextSwitchTo(old);
}

/*
 * read_arguments
 *		(name, user, n, use_bandit, context), the last two may be null.
 */
static void
read_arguments(FunctionCallInfo fcinfo, bool by_key, Request *request)
{
	static const char *const names[] = {"name", "user", "n"};

	bd_require_arguments(fcinfo, 3, names);
	bd_request_start(request, fcinfo, by_key, PG_GETARG_INT32(2), 4);
	request->treatment = !PG_ARGISNULL(3) ? PG_GETARG_BOOL(3) :
		bd_experiment_treats(request->list.bandit,
							 bd_user_subject(&request->list.user));
}

/*
 * bd_request_start
 *		Read who asks whom for how many items, in which context.
 *
 * Arguments 0 and 1 of the call are the bandit's name and the user, argument
 * "context" is the context, null for the user's own.
 */
void
bd_request_start(Request *request, FunctionCallInfo fcinfo, bool by_key,
				 int n, int context)
{
	Bandit	   *bandit;
	UserRef    *user = &request->list.user;

	bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	request->list.bandit = bandit;
	bd_user_ref(bandit, by_key ? 0 : PG_GETARG_INT64(1),
				by_key ? text_to_cstring(PG_GETARG_TEXT_PP(1)) : NULL, user);
	request->list.n = n;
	if (n < 1 || n > MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be between 1 and %d, not %d", MAX_ITEMS, n)));
	if (!PG_ARGISNULL(context))
	{
		request->context = PG_GETARG_JSONB_P_COPY(context);
		bd_context_check(bandit, request->context);
	}
	else
		request->context = bd_user_context(bandit, user,
										   GetCurrentTimestamp());
}

/*
 * bd_request_serve
 *		Make the list.
 */
void
bd_request_serve(Request *request)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(int64);
	ctl.hcxt = CurrentMemoryContext;
	request->placed = hash_create("placed items", 64, &ctl,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	request->served = palloc(sizeof(Served) * request->list.n);
	request->list.history = bd_history_load(request->list.bandit,
											&request->list.user, DT_NOEND);

	request->decision.decided_at = GetCurrentTimestamp();
	bd_decide_id(&request->decision.id, request->decision.decided_at);
	if (request->treatment)
	{
		serve_treatment(request);
		serve_control(request, 0);
	}
	else
		serve_control(request, 1);
}

/*
 * serve_treatment
 *		Draw the arms, take the best, blend their lists.
 */
static void
serve_treatment(Request *request)
{
	Bandit	   *bandit = request->list.bandit;
	Decision   *decision = &request->decision;
	int			k = bandit->recommender->blend_arms;
	BanditRandom random;
	ItemList  **lists;
	double	   *weights;
	int		   *arms;

	decision->context_hash = bd_context_hash(request->context);
	decision->draws = palloc(sizeof(Draw) * Max(bandit->narms, 1));
	decision->picks = palloc(sizeof(int) * Max(bandit->narms, 1));
	decision->narms = bd_posteriors(bandit, decision->context_hash,
									request->context, decision->draws);
	bd_decide_random(&decision->id, &random);
	decision->npicks = bd_select(&random, bandit->policy, decision->draws,
								 decision->narms, k, decision->picks);
	decision->pick_ms = palloc(sizeof(float4) * Max(decision->npicks, 1));

	lists = palloc(sizeof(ItemList *) * Max(decision->npicks, 1));
	weights = palloc(sizeof(double) * Max(decision->npicks, 1));
	arms = palloc(sizeof(int) * Max(decision->npicks, 1));
	for (int i = 0; i < decision->npicks; i++)
	{
		const Draw *draw = &decision->draws[decision->picks[i]];

		arms[i] = draw->arm;
		weights[i] = draw->weight;
		lists[i] = timed_candidates(request, i);
	}
	blend_lists(request, lists, weights, arms, decision->npicks);
}

/* The list of an arm that was picked, with the time that it took. */
static ItemList *
timed_candidates(Request *request, int pick)
{
	Decision   *decision = &request->decision;
	ItemList   *list;
	instr_time	start;
	instr_time	took;

	INSTR_TIME_SET_CURRENT(start);
	list = bd_candidates_guarded(&request->list,
								 decision->draws[decision->picks[pick]].arm);
	INSTR_TIME_SET_CURRENT(took);
	INSTR_TIME_SUBTRACT(took, start);
	decision->pick_ms[pick] = list != NULL ?
		(float4) INSTR_TIME_GET_MILLISEC(took) : PICK_FAILED;
	return list;
}

/*
 * blend_lists
 *		Let the arms place items in turn until the list is full or all are
 *		dry.  An arm whose list failed is dry from the start.
 */
static void
blend_lists(Request *request, ItemList **lists, const double *weights,
			const int *arms, int n)
{
	BlendArm   *storage = palloc(sizeof(BlendArm) * Max(n, 1));
	int		   *positions = palloc0(sizeof(int) * Max(n, 1));
	Blend		blend;
	int			turn;

	bd_blend_start(&blend, storage, n, weights);
	for (int i = 0; i < n; i++)
		if (lists[i] == NULL)
			bd_blend_dry(&blend, i);

	while (request->nserved < request->list.n &&
		   (turn = bd_blend_next(&blend)) >= 0)
	{
		const ScoredItem *item = next_item(request, lists[turn],
										   &positions[turn]);

		if (item == NULL)
			bd_blend_dry(&blend, turn);
		else
		{
			place(request, item, arms[turn], weights[turn]);
			bd_blend_placed(&blend, turn);
		}
	}
}

/* The list's next item that is not placed yet, or NULL. */
static const ScoredItem *
next_item(Request *request, const ItemList *list, int *position)
{
	while (*position < list->nitems)
	{
		const ScoredItem *item = &list->items[(*position)++];

		if (hash_search(request->placed, &item->item, HASH_FIND, NULL) == NULL)
			return item;
	}
	return NULL;
}

static void
place(Request *request, const ScoredItem *item, int arm, double weight)
{
	Served	   *served = &request->served[request->nserved++];

	served->item = *item;
	served->arm = arm;
	served->weight = weight;
	hash_search(request->placed, &item->item, HASH_ENTER, NULL);
}

/*
 * serve_control
 *		Fill what is open from the control, after what is placed already.
 */
static void
serve_control(Request *request, double weight)
{
	Bandit	   *bandit = request->list.bandit;
	ListRequest control = request->list;
	ItemList   *list;
	const ScoredItem *item;
	int			arm = 0;
	int			position = 0;

	if (request->nserved == request->list.n)
		return;
	while (arm < bandit->narms && !bandit->arms[arm].control)
		arm++;
	if (arm == bandit->narms)
		return;

	control.n = request->list.n + request->nserved;
	list = bd_candidates_guarded(&control, arm);
	while (list != NULL && request->nserved < request->list.n &&
		   (item = next_item(request, list, &position)) != NULL)
		place(request, item, arm, weight);
}

/*
 * bd_request_log
 *		What was served, by whom, from which posteriors.
 */
void
bd_request_log(Request *request, const char *variant)
{
	const Bandit *bandit = request->list.bandit;
	Decision   *decision = &request->decision;
	int			n = request->nserved;

	decision->subject = bd_user_subject(&request->list.user);
	decision->variant = variant;
	decision->policy = bandit->policy;
	decision->context_hash = bd_context_hash(request->context);
	decision->nitems = n;
	decision->items = palloc(sizeof(int64) * Max(n, 1));
	decision->item_arms = palloc(sizeof(int) * Max(n, 1));
	if (bandit->recommender->by_key)
		decision->item_keys = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		const Served *served = &request->served[i];

		decision->items[i] = served->item.item;
		decision->item_arms[i] = served->arm;
		if (decision->item_keys != NULL)
			decision->item_keys[i] = (char *) (served->item.key ?
											   served->item.key : "");
	}
	bd_decide_log(bandit, decision, request->context);
}

static Datum
recommend_next(FunctionCallInfo fcinfo, bool by_key)
{
	FuncCallContext *funcctx;
	Request    *request;
	const Served *served;
	Datum		values[7];
	bool		nulls[7] = {false};

	if (SRF_IS_FIRSTCALL())
		recommend_first(fcinfo, SRF_FIRSTCALL_INIT(), by_key);
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	request = funcctx->user_fctx;
	served = &request->served[funcctx->call_cntr];
	values[0] = Int32GetDatum((int) funcctx->call_cntr + 1);
	nulls[1] = by_key && served->item.key == NULL;
	if (by_key)
		values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(served->item.key);
	else
		values[1] = Int64GetDatum(served->item.item);
	values[2] = CStringGetTextDatum(request->list.bandit->arms[served->arm].name);
	values[3] = Float8GetDatum(served->item.score);
	values[4] = Float8GetDatum(served->weight);
	values[5] = CStringGetTextDatum(request->treatment ? "treatment" : "control");
	values[6] = UUIDPGetDatum(&request->decision.id);
	nulls[6] = !request->logged;
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}

/*
 * recommend(name text, user_id bigint, n int, use_bandit boolean,
 *		context jsonb)
 *		-> (position, item_id bigint, arm, score, weight, variant, decision_id)
 */
Datum
bandit_recommend(PG_FUNCTION_ARGS)
{
	return recommend_next(fcinfo, false);
}

/*
 * recommend(name text, user_key text, ...) -> the same with item_key text
 */
Datum
bandit_recommend_key(PG_FUNCTION_ARGS)
{
	return recommend_next(fcinfo, true);
}
