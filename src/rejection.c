/*-------------------------------------------------------------------------
 *
 * rejection.c
 *		replay_policy: a policy that learns, on a log of uniform choices.
 *
 * Row after row the policy chooses.  Where the log chose the same, the row's
 * reward is the policy's, which learns from it; other rows are rejected,
 * and the policy never hears of them.  What is accepted is distributed as
 * what the policy would have met (Li, Chu, Langford and Wang 2011).
 *
 * The player is that of simulate.
 *
 * src/rejection.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "off_policy.h"
#include "simulate.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_rejection_step);
PG_FUNCTION_INFO_V1(bandit_rejection_value);

/* Of epsilon_greedy, as of a bandit by default. */
#define EPSILON 0.1

typedef struct Rejection
{
	BanditSimulation player;
	Datum	   *names;			/* of the arms, text */
	LogMoments	moments;
} Rejection;

static Rejection *start(FunctionCallInfo fcinfo, MemoryContext context);
static int	find_arm(const Rejection *rejection, text * name);

/* A player that knows nothing, from the first row's arms, policy and seed. */
static Rejection *
start(FunctionCallInfo fcinfo, MemoryContext context)
{
	MemoryContext before = MemoryContextSwitchTo(context);
	Rejection  *rejection = palloc0(sizeof(Rejection));
	BanditSimulation *player = &rejection->player;
	char	   *policy = text_to_cstring(PG_GETARG_TEXT_PP(4));
	ArrayType  *arms = PG_GETARG_ARRAYTYPE_P_COPY(3);
	double	   *floors;

	if (ARR_NDIM(arms) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arms must be a one-dimensional array, and not empty")));
	if (array_contains_nulls(arms))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arms must not contain nulls")));
	if (!bd_policy_find(policy, &player->policy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown policy \"%s\"", policy),
				 errhint("The policies are thompson, top_two, greedy, epsilon_greedy, ucb1, bayes_ucb and uniform.")));
	deconstruct_array(arms, TEXTOID, -1, false, TYPALIGN_INT,
					  &rejection->names, NULL, &player->narms);
	player->arms = palloc0(sizeof(SimulatedArm) * player->narms);
	player->rates = palloc0(sizeof(double) * player->narms);
	player->prior_alpha = player->prior_beta = 1;
	floors = palloc(sizeof(double) * player->narms);
	bd_policy_floors(player->policy, EPSILON, NULL, player->narms, floors);
	player->floor = floors[0];
	bd_simulate_start(player, (uint64_t) PG_GETARG_INT64(5), 0);
	MemoryContextSwitchTo(before);
	return rejection;
}

static int
find_arm(const Rejection *rejection, text * name)
{
	for (int i = 0; i < rejection->player.narms; i++)
	{
		text	   *arm = DatumGetTextPP(rejection->names[i]);

		if (VARSIZE_ANY_EXHDR(arm) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(VARDATA_ANY(arm), VARDATA_ANY(name),
				   VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is in the log and not among the arms",
					text_to_cstring(name)),
			 errhint("arms lists everything that the log chose from.")));
	return -1;
}

/*
 * rejection_step(state, reward, served, arms, policy, seed) -> state
 *
 * A row with a null is left out.  An accepted row weighs as much as there
 * are arms, the inverse of how probable it was to be.
 */
Datum
bandit_rejection_step(PG_FUNCTION_ARGS)
{
	Rejection  *rejection = PG_ARGISNULL(0) ? NULL :
	(Rejection *) PG_GETARG_POINTER(0);
	MemoryContext context;
	double		reward;
	int			served;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "rejection_step called outside an aggregate");
	for (int i = 1; i <= 5; i++)
		if (PG_ARGISNULL(i))
		{
			if (rejection == NULL)
				PG_RETURN_NULL();
			PG_RETURN_POINTER(rejection);
		}
	if (rejection == NULL)
		rejection = start(fcinfo, context);

	reward = PG_GETARG_FLOAT8(1);
	if (!(reward >= 0 && reward <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reward must be between 0 and 1, not %g", reward)));
	served = find_arm(rejection, PG_GETARG_TEXT_PP(2));
	if (bd_simulate_choose(&rejection->player) == served)
	{
		double		weight = rejection->player.narms;

		bd_simulate_tell(&rejection->player, served, reward);
		bd_moments_add(&rejection->moments, weight, reward, weight * reward);
	}
	else
		bd_moments_add(&rejection->moments, 0, reward, 0);
	PG_RETURN_POINTER(rejection);
}

/*
 * rejection_value(state) -> policy_value
 */
Datum
bandit_rejection_value(PG_FUNCTION_ARGS)
{
	LogMoments	none = {0};
	LogEstimate value;

	bd_moments_ratio(PG_ARGISNULL(0) ? &none :
					 &((Rejection *) PG_GETARG_POINTER(0))->moments, &value);
	PG_RETURN_DATUM(bd_policy_value(fcinfo, &value));
}
