/*-------------------------------------------------------------------------
 *
 * propensity_sql.c
 *		top_k_propensity and rank_propensity.
 *
 * src/propensity_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "propensity.h"
#include "utils/array.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(bandit_top_k_propensity);
PG_FUNCTION_INFO_V1(bandit_rank_propensity);

/* Densities are kept from one pass to the next up to this much memory. */
#define KEEP_BYTES (32 * 1024 * 1024)

static double *read_shapes(ArrayType *array, const char *name, int *n);
static double *propensities(FunctionCallInfo fcinfo, bool by_rank, int *n,
							int *k);
static void run_panels(BanditPropensity *work, const double *alphas,
					   const double *betas);
static void equal_arms(const double *alphas, const double *betas, int n,
					   int width, double *result);
static Datum make_array(const double *values, int n, int k, int dimensions);

static double *
read_shapes(ArrayType *array, const char *name, int *n)
{
	double	   *shapes;

	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array with an element for each arm",
						name)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain nulls", name)));
	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	shapes = (double *) ARR_DATA_PTR(array);
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
 * propensities
 *		Check the arguments, compute; n by k numbers by rank, otherwise n.
 */
static double *
propensities(FunctionCallInfo fcinfo, bool by_rank, int *n, int *k)
{
	BanditPropensity work = {0};
	double	   *alphas = read_shapes(PG_GETARG_ARRAYTYPE_P(0), "alphas", n);
	int			nbetas;
	double	   *betas = read_shapes(PG_GETARG_ARRAYTYPE_P(1), "betas",
									&nbetas);

	*k = PG_GETARG_INT32(2);
	if (nbetas != *n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("alphas and betas must have the same length"),
				 errdetail("They have %d and %d elements.", *n, nbetas)));
	if (*k < 1 || *k > *n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("k must be between 1 and the number of arms, %d, not %d",
						*n, *k)));

	work.n = *n;
	work.k = *k;
	work.by_rank = by_rank;
	work.result = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(double) * *n * (by_rank ? *k : 1));
	if (*k == *n && !by_rank)
	{
		for (int i = 0; i < *n; i++)
			work.result[i] = 1;
		return work.result;
	}
	run_panels(&work, alphas, betas);
	equal_arms(alphas, betas, *n, by_rank ? *k : 1, work.result);
	return work.result;
}

static void
run_panels(BanditPropensity *work, const double *alphas, const double *betas)
{
	size_t		kept;

	work->curves = palloc(sizeof(BanditCurve) * work->n);
	work->edges = palloc(sizeof(double) * bd_propensity_edges(work->n));
	work->prefix = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(double) * (work->n + 1) * work->k);
	work->suffix = palloc(sizeof(double) * 2 * work->k);
	bd_propensity_start(work, alphas, betas);

	kept = sizeof(double) * work->npanels * work->n * BANDIT_PROPENSITY_NODES;
	if (kept <= KEEP_BYTES)
		work->kept = palloc(kept);
	for (int panel = 0; panel < work->npanels; panel++)
	{
		CHECK_FOR_INTERRUPTS();
		bd_propensity_measure(work, panel);
	}
	for (int panel = 0; panel < work->npanels; panel++)
	{
		CHECK_FOR_INTERRUPTS();
		bd_propensity_add(work, panel);
	}
}

/* Equal arms are equally probable, to the last bit. */
static void
equal_arms(const double *alphas, const double *betas, int n, int width,
		   double *result)
{
	for (int i = 1; i < n; i++)
		for (int j = 0; j < i; j++)
			if (alphas[i] == alphas[j] && betas[i] == betas[j])
			{
				memcpy(result + (size_t) i * width,
					   result + (size_t) j * width, sizeof(double) * width);
				break;
			}
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

/*
 * top_k_propensity(alphas float8[], betas float8[], k int) -> float8[]
 */
Datum
bandit_top_k_propensity(PG_FUNCTION_ARGS)
{
	int			n;
	int			k;
	double	   *result = propensities(fcinfo, false, &n, &k);

	PG_RETURN_DATUM(make_array(result, n, 1, 1));
}

/*
 * rank_propensity(alphas float8[], betas float8[], k int) -> float8[][]
 */
Datum
bandit_rank_propensity(PG_FUNCTION_ARGS)
{
	int			n;
	int			k;
	double	   *result = propensities(fcinfo, true, &n, &k);

	PG_RETURN_DATUM(make_array(result, n, k, 2));
}
