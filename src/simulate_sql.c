/*-------------------------------------------------------------------------
 *
 * simulate_sql.c
 *		simulate, pseudo_regret, lai_robbins_constant.
 *
 * src/simulate_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "simulate.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_simulate);
PG_FUNCTION_INFO_V1(bandit_pseudo_regret);
PG_FUNCTION_INFO_V1(bandit_lai_robbins_constant);

/* Steps between two looks for interrupts. */
#define CHUNK 4096

#define MAX_ARMS 10000

/* simulate's arguments, by number */
enum
{
	ARG_PROBABILITIES, ARG_HORIZON, ARG_RUNS, ARG_POLICY, ARG_PRIOR_ALPHA,
	ARG_PRIOR_BETA, ARG_DELAY, ARG_EPSILON, ARG_FLOOR, ARG_HALF_LIFE,
	ARG_REPLACEMENT, ARG_REPLACEMENT_LEARNT, ARG_ARMS, ARG_RATE_ALPHA,
	ARG_RATE_BETA, ARG_ROTATE_EVERY, ARG_DRIFT, ARG_CHECKPOINTS, ARG_SEED
};

/* Over runs, at one checkpoint; squares from the mean (Welford 1962). */
typedef struct Checkpoint
{
	int32		step;
	int			runs;
	double		mean;
	double		squares;
	double		best_picks;
} Checkpoint;

typedef struct SimulationResult
{
	int			n;
	Checkpoint *checkpoints;
} SimulationResult;

static const double *read_rates(ArrayType *array, int *n);
static void read_problem(FunctionCallInfo fcinfo, BanditSimulation *sim);
static void read_player(FunctionCallInfo fcinfo, BanditSimulation *sim);
static double positive_argument(FunctionCallInfo fcinfo, int number,
								const char *name);
static double share_argument(FunctionCallInfo fcinfo, int number,
							 const char *name);
static int	whole_argument(FunctionCallInfo fcinfo, int number,
						   const char *name);
static Checkpoint *read_checkpoints(FunctionCallInfo fcinfo, int horizon,
									int *n);
static Checkpoint *usual_checkpoints(int horizon, int *n);
static int	compare_steps(const void *a, const void *b);
static void play(BanditSimulation *sim, Checkpoint *checkpoints, int n);

/* Probabilities; an element for each arm. */
static const double *
read_rates(ArrayType *array, int *n)
{
	const double *rates;

	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("probabilities must be a one-dimensional array with an element for each arm")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("probabilities must not contain nulls")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	rates = (const double *) ARR_DATA_PTR(array);
	for (int i = 0; i < *n; i++)
		if (!(rates[i] >= 0 && rates[i] <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("probabilities must be between 0 and 1"),
					 errdetail("Element %d is %g.", i + 1, rates[i])));
	return rates;
}

static double
positive_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		value = PG_ARGISNULL(number) ? 0 : PG_GETARG_FLOAT8(number);

	if (!isfinite(value) || value <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and positive", name)));
	return value;
}

static double
share_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		value = PG_ARGISNULL(number) ? 0 : PG_GETARG_FLOAT8(number);

	if (!(value >= 0 && value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 0 and 1, not %g", name, value)));
	return value;
}

static int
whole_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	int			value = PG_ARGISNULL(number) ? 0 : PG_GETARG_INT32(number);

	if (value < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at least 1", name)));
	return value;
}

static void
read_problem(FunctionCallInfo fcinfo, BanditSimulation *sim)
{
	char	   *learnt;

	sim->rate_alpha = positive_argument(fcinfo, ARG_RATE_ALPHA, "rate_alpha");
	sim->rate_beta = positive_argument(fcinfo, ARG_RATE_BETA, "rate_beta");
	if (!PG_ARGISNULL(ARG_PROBABILITIES))
		sim->rates = read_rates(PG_GETARG_ARRAYTYPE_P(ARG_PROBABILITIES),
								&sim->narms);
	else if (!PG_ARGISNULL(ARG_ARMS))
		sim->narms = whole_argument(fcinfo, ARG_ARMS, "arms");
	else
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("probabilities must not be null"),
				 errhint("With arms => 10, say, they are drawn from Beta(rate_alpha, rate_beta).")));
	if (sim->narms > MAX_ARMS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("at most %d arms can be simulated", MAX_ARMS)));

	sim->replacement = share_argument(fcinfo, ARG_REPLACEMENT, "replacement");
	learnt = PG_ARGISNULL(ARG_REPLACEMENT_LEARNT) ? "" :
		text_to_cstring(PG_GETARG_TEXT_PP(ARG_REPLACEMENT_LEARNT));
	sim->at_once = strcmp(learnt, "at once") == 0;
	if (!sim->at_once && strcmp(learnt, "next batch") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("replacement_learnt must be \"at once\" or \"next batch\"")));
	if (!PG_ARGISNULL(ARG_ROTATE_EVERY))
		sim->rotate_every = whole_argument(fcinfo, ARG_ROTATE_EVERY,
										   "rotate_every");
	sim->drift = PG_ARGISNULL(ARG_DRIFT) ? 0 : PG_GETARG_FLOAT8(ARG_DRIFT);
	if (!(sim->drift >= 0 && isfinite(sim->drift)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("drift must be finite and not negative")));
	sim->delay = whole_argument(fcinfo, ARG_DELAY, "delay");
}

static void
read_player(FunctionCallInfo fcinfo, BanditSimulation *sim)
{
	char	   *policy = PG_ARGISNULL(ARG_POLICY) ? "null" :
	text_to_cstring(PG_GETARG_TEXT_PP(ARG_POLICY));
	double		epsilon = share_argument(fcinfo, ARG_EPSILON, "epsilon");
	double		floor = share_argument(fcinfo, ARG_FLOOR,
									   "exploration_floor");

	if (!bd_policy_find(policy, &sim->policy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no policy \"%s\"", policy),
				 errhint("The policies are thompson, top_two, greedy, epsilon_greedy, ucb1, bayes_ucb and uniform.")));
	sim->prior_alpha = positive_argument(fcinfo, ARG_PRIOR_ALPHA,
										 "prior_alpha");
	sim->prior_beta = positive_argument(fcinfo, ARG_PRIOR_BETA, "prior_beta");
	if (!PG_ARGISNULL(ARG_HALF_LIFE))
		sim->half_life = positive_argument(fcinfo, ARG_HALF_LIFE,
										   "half_life");
	if (floor * sim->narms > 1 + 1e-9)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the exploration floors of %d arms sum to %g",
						sim->narms, floor * sim->narms),
				 errhint("They may sum to 1.")));
	sim->floor = floor;
	if (sim->policy == BANDIT_EPSILON_GREEDY)
		sim->floor += Max(1 - floor * sim->narms, 0) * epsilon / sim->narms;
}

static int
compare_steps(const void *a, const void *b)
{
	int32		left = ((const Checkpoint *) a)->step;
	int32		right = ((const Checkpoint *) b)->step;

	return left < right ? -1 : left > right;
}

/*
 * read_checkpoints
 *		The steps to report, ascending, each once.
 */
static Checkpoint *
read_checkpoints(FunctionCallInfo fcinfo, int horizon, int *n)
{
	ArrayType  *array;
	Checkpoint *checkpoints;
	const int32 *steps;
	int			kept = 0;

	if (PG_ARGISNULL(ARG_CHECKPOINTS))
		return usual_checkpoints(horizon, n);
	array = PG_GETARG_ARRAYTYPE_P(ARG_CHECKPOINTS);
	if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("checkpoints must be a one-dimensional array without nulls")));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	steps = (const int32 *) ARR_DATA_PTR(array);
	checkpoints = palloc0(sizeof(Checkpoint) * *n);
	for (int i = 0; i < *n; i++)
	{
		if (steps[i] < 1 || steps[i] > horizon)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("checkpoints must be between 1 and the horizon, %d",
							horizon),
					 errdetail("Element %d is %d.", i + 1, steps[i])));
		checkpoints[i].step = steps[i];
	}
	qsort(checkpoints, *n, sizeof(Checkpoint), compare_steps);
	for (int i = 0; i < *n; i++)
		if (kept == 0 || checkpoints[i].step != checkpoints[kept - 1].step)
			checkpoints[kept++].step = checkpoints[i].step;
	*n = kept;
	return checkpoints;
}

/* 1, 2, 5, 10, 20, ... and the horizon. */
static Checkpoint *
usual_checkpoints(int horizon, int *n)
{
	static const int leads[] = {1, 2, 5};
	Checkpoint *checkpoints = palloc0(sizeof(Checkpoint) * 40);
	int64		decade = 1;

	*n = 0;
	for (int i = 0; leads[i % 3] * decade < horizon; i++)
	{
		checkpoints[(*n)++].step = (int32) (leads[i % 3] * decade);
		if (i % 3 == 2)
			decade *= 10;
	}
	checkpoints[(*n)++].step = horizon;
	return checkpoints;
}

/* One run, from its first step to the last checkpoint. */
static void
play(BanditSimulation *sim, Checkpoint *checkpoints, int n)
{
	for (int i = 0; i < n; i++)
	{
		Checkpoint *checkpoint = &checkpoints[i];
		double		distance;

		while (sim->step < checkpoint->step)
		{
			CHECK_FOR_INTERRUPTS();
			bd_simulate_advance(sim, Min(CHUNK, checkpoint->step - sim->step));
		}
		distance = sim->regret - checkpoint->mean;
		checkpoint->runs++;
		checkpoint->mean += distance / checkpoint->runs;
		checkpoint->squares += distance * (sim->regret - checkpoint->mean);
		checkpoint->best_picks += (double) sim->best_picks;
	}
}

static void
simulate_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	SimulationResult *result = palloc0(sizeof(SimulationResult));
	BanditSimulation sim = {0};
	int			horizon = whole_argument(fcinfo, ARG_HORIZON, "horizon");
	int			runs = whole_argument(fcinfo, ARG_RUNS, "runs");

	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	if (PG_ARGISNULL(ARG_SEED))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("seed must not be null")));
	read_problem(fcinfo, &sim);
	read_player(fcinfo, &sim);
	result->checkpoints = read_checkpoints(fcinfo, horizon, &result->n);
	sim.arms = palloc(sizeof(SimulatedArm) * sim.narms);
	for (int run = 1; run <= runs; run++)
	{
		bd_simulate_start(&sim, (uint64) PG_GETARG_INT64(ARG_SEED), run);
		play(&sim, result->checkpoints, result->n);
	}
	funcctx->user_fctx = result;
	funcctx->max_calls = result->n;
	MemoryContextSwitchTo(old);
}

/*
 * simulate(probabilities, horizon, runs, policy, ...)
 *		-> (step, regret, standard_error, per_step, best_share)
 */
Datum
bandit_simulate(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	const Checkpoint *checkpoint;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (SRF_IS_FIRSTCALL())
		simulate_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	checkpoint = &((SimulationResult *) funcctx->user_fctx)->checkpoints[funcctx->call_cntr];
	values[0] = Int32GetDatum(checkpoint->step);
	values[1] = Float8GetDatum(checkpoint->mean);
	nulls[2] = checkpoint->runs < 2;
	values[2] = Float8GetDatum(nulls[2] ? 0 :
							   sqrt(checkpoint->squares / (checkpoint->runs - 1) /
									checkpoint->runs));
	values[3] = Float8GetDatum(checkpoint->mean / checkpoint->step);
	values[4] = Float8GetDatum(checkpoint->best_picks / checkpoint->runs /
							   checkpoint->step);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}

/*
 * pseudo_regret(probabilities float8[], pulls bigint[]) -> float8
 */
Datum
bandit_pseudo_regret(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	int			n;
	const double *rates = read_rates(PG_GETARG_ARRAYTYPE_P(0), &n);
	const int64 *counts = (const int64 *) ARR_DATA_PTR(array);
	double	   *pulls = palloc(sizeof(double) * n);

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("probabilities and pulls must have an element for each arm")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("pulls must not contain nulls")));
	for (int i = 0; i < n; i++)
	{
		if (counts[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("pulls must not be negative")));
		pulls[i] = (double) counts[i];
	}
	PG_RETURN_FLOAT8(bd_pseudo_regret(rates, pulls, n));
}

/*
 * lai_robbins_constant(probabilities float8[]) -> float8
 */
Datum
bandit_lai_robbins_constant(PG_FUNCTION_ARGS)
{
	int			n;
	const double *rates = read_rates(PG_GETARG_ARRAYTYPE_P(0), &n);

	PG_RETURN_FLOAT8(bd_lai_robbins(rates, n));
}
