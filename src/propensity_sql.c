/*-------------------------------------------------------------------------
 *
 * propensity_sql.c
 *		top_k_propensity, policy_propensity, the same by rank, and
 *		poisson_binomial.
 *
 * src/propensity_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "odds.h"
#include "ranking.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bandit_top_k_propensity);
PG_FUNCTION_INFO_V1(bandit_rank_propensity);
PG_FUNCTION_INFO_V1(bandit_poisson_binomial);
PG_FUNCTION_INFO_V1(bandit_policy_propensity);
PG_FUNCTION_INFO_V1(bandit_policy_rank_propensity);

/* Of poisson_binomial, whose time grows with their square. */
#define MOST_TRIALS 10000

static double *read_elements(ArrayType *array, const char *name, int *n);
static double *read_shapes(ArrayType *array, const char *name, int *n);
static Datum make_array(const double *values, int n, int k, int dimensions);

static double *
read_elements(ArrayType *array, const char *name, int *n)
{
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array, and not empty",
						name)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain nulls", name)));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	return (double *) ARR_DATA_PTR(array);
}

static double *
read_shapes(ArrayType *array, const char *name, int *n)
{
	double	   *shapes = read_elements(array, name, n);

	for (int i = 0; i < *n; i++)
		if (!isfinite(shapes[i]) || shapes[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("alphas and betas must be finite and positive"),
					 errdetail("Element %d of %s is %g.", i + 1, name,
							   shapes[i])));
	return shapes;
}

/*
 * read_posteriors
 *		Check and take alphas, betas and k.
 */
static void
read_posteriors(Odds *odds, ArrayType *alphas, ArrayType *betas, int k)
{
	int			nbetas;

	odds->alphas = read_shapes(alphas, "alphas", &odds->n);
	odds->betas = read_shapes(betas, "betas", &nbetas);
	odds->k = k;
	if (nbetas != odds->n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("alphas and betas must have the same length"),
				 errdetail("They have %d and %d elements.", odds->n, nbetas)));
	if (k < 1 || k > odds->n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and the number of arms, %d, not %d",
						odds->n, k)));
}

/*
 * read_floors
 *		Check floors, and turn them into those the policy explores by.
 */
static double *
read_floors(const Odds *odds, ArrayType *array, double epsilon)
{
	double	   *floors = NULL;
	double	   *effective = palloc(sizeof(double) * odds->n);
	double		sum = 0;
	int			n;

	if (!(epsilon >= 0 && epsilon <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("epsilon must be between 0 and 1, not %g", epsilon)));
	if (array != NULL)
	{
		floors = read_elements(array, "floors", &n);
		if (n != odds->n)
			ereport(ERROR,
					(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					 errmsg("floors must have an element for each arm"),
					 errdetail("There are %d floors and %d arms.", n, odds->n)));
		for (int i = 0; i < n; i++)
		{
			if (!(floors[i] >= 0 && floors[i] <= 1))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("floors must be between 0 and 1"),
						 errdetail("Element %d is %g.", i + 1, floors[i])));
			sum += floors[i];
		}
		if (sum > 1 + 1e-9)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("floors must not sum to more than 1"),
					 errdetail("Their sum is %g.", sum)));
	}
	bd_policy_floors(odds->policy, epsilon, floors, odds->n, effective);
	return effective;
}

/*
 * policy_odds
 *		The arguments of policy_propensity and policy_rank_propensity.
 */
static Datum
policy_odds(FunctionCallInfo fcinfo, bool by_rank)
{
	Odds		odds = {0};
	char	   *policy;

	for (int i = 0; i < 6; i++)
		if (i != 4 && PG_ARGISNULL(i))
			PG_RETURN_NULL();
	policy = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (!bd_policy_find(policy, &odds.policy))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown policy \"%s\"", policy),
				 errhint("The policies are thompson, top_two, greedy, epsilon_greedy, ucb1, bayes_ucb and uniform.")));
	odds.by_rank = by_rank;
	read_posteriors(&odds, PG_GETARG_ARRAYTYPE_P(1), PG_GETARG_ARRAYTYPE_P(2),
					PG_GETARG_INT32(3));
	odds.floors = read_floors(&odds, PG_ARGISNULL(4) ? NULL :
							  PG_GETARG_ARRAYTYPE_P(4), PG_GETARG_FLOAT8(5));
	if (!bd_odds_possible(&odds))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a list of %d out of %d arms with floors is too long",
						odds.k, odds.n),
				 errdetail("Arms times places squared may be a million.")));
	return make_array(bd_odds(&odds), odds.n, by_rank ? odds.k : 1,
					  by_rank ? 2 : 1);
}

static Datum
make_array(const double *values, int n, int k, int dimensions)
{
	Datum	   *elements = MemoryContextAllocHuge(CurrentMemoryContext,
												  sizeof(Datum) * n * k);
	int			dims[2] = {n, k};
	int			lower[2] = {1, 1};

	for (int64 i = 0; i < (int64) n * k; i++)
		elements[i] = Float8GetDatum(values[i]);
	return PointerGetDatum(construct_md_array(elements, NULL, dimensions, dims,
											  lower, FLOAT8OID,
											  sizeof(float8),
											  FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE));
}

/* thompson without floors */
static Datum
draw_odds(FunctionCallInfo fcinfo, bool by_rank)
{
	Odds		odds = {BANDIT_THOMPSON};

	odds.by_rank = by_rank;
	read_posteriors(&odds, PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1),
					PG_GETARG_INT32(2));
	return make_array(bd_odds(&odds), odds.n, by_rank ? odds.k : 1,
					  by_rank ? 2 : 1);
}

/*
 * top_k_propensity(alphas float8[], betas float8[], k int) -> float8[]
 */
Datum
bandit_top_k_propensity(PG_FUNCTION_ARGS)
{
	return draw_odds(fcinfo, false);
}

/*
 * rank_propensity(alphas float8[], betas float8[], k int) -> float8[][]
 */
Datum
bandit_rank_propensity(PG_FUNCTION_ARGS)
{
	return draw_odds(fcinfo, true);
}

/*
 * policy_propensity(policy text, alphas float8[], betas float8[], k int,
 *					 floors float8[], epsilon float8) -> float8[]
 */
Datum
bandit_policy_propensity(PG_FUNCTION_ARGS)
{
	return policy_odds(fcinfo, false);
}

/*
 * policy_rank_propensity(as policy_propensity) -> float8[][]
 */
Datum
bandit_policy_rank_propensity(PG_FUNCTION_ARGS)
{
	return policy_odds(fcinfo, true);
}

/*
 * poisson_binomial(probabilities float8[]) -> float8[]
 */
Datum
bandit_poisson_binomial(PG_FUNCTION_ARGS)
{
	int			n;
	double	   *probabilities = read_elements(PG_GETARG_ARRAYTYPE_P(0),
											  "probabilities", &n);
	double	   *pmf;

	for (int i = 0; i < n; i++)
		if (!(probabilities[i] >= 0 && probabilities[i] <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("probabilities must be between 0 and 1"),
					 errdetail("Element %d is %g.", i + 1, probabilities[i])));
	if (n > MOST_TRIALS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there may be %d probabilities, not %d", MOST_TRIALS, n)));
	pmf = palloc(sizeof(double) * (n + 1));
	bd_poisson_binomial(probabilities, n, pmf);
	PG_RETURN_DATUM(make_array(pmf, n + 1, 1, 1));
}
