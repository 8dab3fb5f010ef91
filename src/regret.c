/*-------------------------------------------------------------------------
 *
 * regret.c
 *		What the arms that were served lost to the best one, as far as the
 *		posteriors know.
 *
 * The mean has a closed form (bandit.expected_losses); for an interval the
 * rates are drawn.  The draws have a generator of their own, keyed by the
 * caller: equal arguments give equal draws, and the same key the same rates,
 * so that a curve over time is one of the same worlds.
 *
 * src/regret.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "dist.h"
#include "miscadmin.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(bandit_regret_draws);

static const double *numbers(ArrayType *array, int n);

/*
 * regret_draws(alphas float8[], betas float8[], counts float8[], draws int,
 *		key bigint) -> float8[]
 */
Datum
bandit_regret_draws(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const double *alphas = numbers(array, n);
	const double *betas = numbers(PG_GETARG_ARRAYTYPE_P(1), n);
	const double *counts = numbers(PG_GETARG_ARRAYTYPE_P(2), n);
	int			ndraws = PG_GETARG_INT32(3);
	double	   *rates = palloc(sizeof(double) * Max(n, 1));
	Datum	   *regrets;
	BanditRandom random;

	if (ndraws < 1 || ndraws > 100000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("draws must be between 1 and 100000, not %d", ndraws)));
	regrets = palloc(sizeof(Datum) * ndraws);
	bd_random_seed(&random, 0, (uint64) PG_GETARG_INT64(4));
	for (int draw = 0; draw < ndraws; draw++)
	{
		double		best = 0;
		double		regret = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
		{
			rates[i] = bd_dist_beta(&random, alphas[i], betas[i]);
			best = Max(best, rates[i]);
		}
		for (int i = 0; i < n; i++)
			regret += counts[i] * (best - rates[i]);
		regrets[draw] = Float8GetDatum(regret);
	}
	PG_RETURN_ARRAYTYPE_P(construct_array(regrets, ndraws, FLOAT8OID,
										  sizeof(float8), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}

/* n numbers, none of them null, negative or not finite. */
static const double *
numbers(ArrayType *array, int n)
{
	const double *values = (const double *) ARR_DATA_PTR(array);

	if (ARR_NDIM(array) > 1 || array_contains_nulls(array) ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("alphas, betas and counts must have one number for each arm")));
	for (int i = 0; i < n; i++)
		if (!(values[i] >= 0) || !isfinite(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("alphas, betas and counts must be finite and not negative")));
	return values;
}
