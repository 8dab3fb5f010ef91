/*-------------------------------------------------------------------------
 *
 * inference_sql.c
 *		Comparisons, intervals and tests as SQL sees them.
 *
 * NULL in, NULL out.  What cannot be known is NULL.
 *
 * src/inference_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "compare.h"
#include "funcapi.h"
#include "sequence.h"
#include "special.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(bandit_beta_expected_loss);
PG_FUNCTION_INFO_V1(bandit_beta_lift_quantile);
PG_FUNCTION_INFO_V1(bandit_expected_maximum);
PG_FUNCTION_INFO_V1(bandit_expected_losses);
PG_FUNCTION_INFO_V1(bandit_wilson_interval);
PG_FUNCTION_INFO_V1(bandit_confidence_sequence_rate);
PG_FUNCTION_INFO_V1(bandit_confidence_sequence_difference);
PG_FUNCTION_INFO_V1(bandit_srm_test);

static BetaRate rate_argument(FunctionCallInfo fcinfo, int number);
static BetaRate *rates_argument(FunctionCallInfo fcinfo, int *n);
static double maximum(const BetaRate *rates, int n);
static double open_share(FunctionCallInfo fcinfo, int number,
						 const char *name);
static double positive(FunctionCallInfo fcinfo, int number, const char *name);
static void check_trials(double successes, double n);
static void check_computed(bool computed, const char *what);
static Side side_argument(FunctionCallInfo fcinfo, int number);
static ArrayType *array_argument(FunctionCallInfo fcinfo, int number,
								 const char *name, int *n);
static Datum make_row(FunctionCallInfo fcinfo, const double *columns,
					  bool *nulls);

static BetaRate
rate_argument(FunctionCallInfo fcinfo, int number)
{
	BetaRate	rate = {PG_GETARG_FLOAT8(number), PG_GETARG_FLOAT8(number + 1)};

	if (!isfinite(rate.alpha) || !isfinite(rate.beta) ||
		rate.alpha <= 0 || rate.beta <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("alpha and beta must be finite and positive"),
				 errdetail("They are %g and %g.", rate.alpha, rate.beta),
				 errhint("They are successes and failures, each plus a prior that is more than 0.")));
	return rate;
}

static void
check_computed(bool computed, const char *what)
{
	if (!computed)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("could not compute %s", what)));
}

/*
 * beta_expected_loss(alpha_a, beta_a, alpha_b, beta_b) -> float8
 */
Datum
bandit_beta_expected_loss(PG_FUNCTION_ARGS)
{
	BetaRate	a = rate_argument(fcinfo, 0);
	BetaRate	b = rate_argument(fcinfo, 2);
	double		loss;

	check_computed(bd_compare_loss(&a, &b, &loss), "the expected loss");
	PG_RETURN_FLOAT8(loss);
}

static double
open_share(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		share = PG_GETARG_FLOAT8(number);

	if (!(share > 0 && share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be more than 0 and less than 1, not %g",
						name, share)));
	return share;
}

/*
 * beta_lift_quantile(p, alpha_a, beta_a, alpha_b, beta_b) -> float8
 */
Datum
bandit_beta_lift_quantile(PG_FUNCTION_ARGS)
{
	double		p = open_share(fcinfo, 0, "p");
	BetaRate	a = rate_argument(fcinfo, 1);
	BetaRate	b = rate_argument(fcinfo, 3);
	double		lift;

	check_computed(bd_compare_lift_quantile(&a, &b, p, &lift), "the lift");
	PG_RETURN_FLOAT8(lift);
}

static ArrayType *
array_argument(FunctionCallInfo fcinfo, int number, const char *name, int *n)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(number);

	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be a one-dimensional array, and not empty",
						name)));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not contain nulls", name)));
	*n = ARR_DIMS(array)[0];
	return array;
}

static BetaRate *
rates_argument(FunctionCallInfo fcinfo, int *n)
{
	int			nbetas;
	ArrayType  *alphas = array_argument(fcinfo, 0, "alphas", n);
	ArrayType  *betas = array_argument(fcinfo, 1, "betas", &nbetas);
	BetaRate   *rates = palloc(sizeof(BetaRate) * *n);

	if (nbetas != *n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("alphas and betas must have the same length"),
				 errdetail("They have %d and %d elements.", *n, nbetas)));
	for (int i = 0; i < *n; i++)
	{
		rates[i].alpha = ((double *) ARR_DATA_PTR(alphas))[i];
		rates[i].beta = ((double *) ARR_DATA_PTR(betas))[i];
		if (!isfinite(rates[i].alpha) || !isfinite(rates[i].beta) ||
			rates[i].alpha <= 0 || rates[i].beta <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("alphas and betas must be finite and positive"),
					 errdetail("Elements %d are %g and %g.", i + 1,
							   rates[i].alpha, rates[i].beta)));
	}
	return rates;
}

static double
maximum(const BetaRate *rates, int n)
{
	double		expected = rates[0].alpha / (rates[0].alpha + rates[0].beta);

	if (n > 1)
		check_computed(bd_compare_maximum(rates, n, &expected),
					   "the expected maximum");
	return expected;
}

/*
 * expected_maximum(alphas float8[], betas float8[]) -> float8
 */
Datum
bandit_expected_maximum(PG_FUNCTION_ARGS)
{
	int			n;
	BetaRate   *rates = rates_argument(fcinfo, &n);

	PG_RETURN_FLOAT8(maximum(rates, n));
}

/*
 * expected_losses(alphas float8[], betas float8[]) -> float8[]
 */
Datum
bandit_expected_losses(PG_FUNCTION_ARGS)
{
	int			n;
	BetaRate   *rates = rates_argument(fcinfo, &n);
	double		best = maximum(rates, n);
	Datum	   *losses = palloc(sizeof(Datum) * n);

	for (int i = 0; i < n; i++)
		losses[i] = Float8GetDatum(fmax(0, best - rates[i].alpha /
										(rates[i].alpha + rates[i].beta)));
	PG_RETURN_ARRAYTYPE_P(construct_array(losses, n, FLOAT8OID,
										  sizeof(float8), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}

static void
check_trials(double successes, double n)
{
	if (!(n >= 0 && isfinite(n) && successes >= 0 && successes <= n))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("successes must be between 0 and n, and n finite"),
				 errdetail("They are %g of %g.", successes, n)));
}

/* A row of float8 columns, as many as the function returns. */
static Datum
make_row(FunctionCallInfo fcinfo, const double *columns, bool *nulls)
{
	TupleDesc	desc;
	Datum		values[8];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	Assert(desc->natts <= lengthof(values));
	for (int i = 0; i < desc->natts; i++)
		values[i] = Float8GetDatum(columns[i]);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/*
 * wilson_interval(successes, n, confidence) -> (lower, upper)
 *
 * (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n), written so that
 * the end near 0 is no difference.
 */
Datum
bandit_wilson_interval(PG_FUNCTION_ARGS)
{
	double		s = PG_GETARG_FLOAT8(0);
	double		n = PG_GETARG_FLOAT8(1);
	double		f = n - s;
	double		z;
	double		root;
	double		columns[2] = {0};
	bool		nulls[2] = {n == 0, n == 0};

	check_trials(s, n);
	check_computed(bd_special_normal_quantile((1 - open_share(fcinfo, 2, "confidence")) / 2,
											  &z), "the interval");
	if (n > 0)
	{
		/* both ends times their other root: s^2 / n, f^2 / n */
		root = z * sqrt(s / n * f + z * z / 4);
		columns[0] = s / (s + z * z / 2 + root) * (s / n);
		columns[1] = 1 - f / (f + z * z / 2 + root) * (f / n);
	}
	PG_RETURN_DATUM(make_row(fcinfo, columns, nulls));
}

static double
positive(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		value = PG_GETARG_FLOAT8(number);

	if (!isfinite(value) || value <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite and positive, not %g", name,
						value)));
	return value;
}

/*
 * confidence_sequence_rate(successes, n, alpha, prior_a, prior_b)
 *		-> (lower, upper)
 */
Datum
bandit_confidence_sequence_rate(PG_FUNCTION_ARGS)
{
	double		columns[2];
	bool		nulls[2] = {false, false};
	SequenceRate rate = {PG_GETARG_FLOAT8(0)};

	check_trials(rate.successes, PG_GETARG_FLOAT8(1));
	rate.failures = PG_GETARG_FLOAT8(1) - rate.successes;
	rate.alpha = open_share(fcinfo, 2, "alpha");
	rate.prior_a = positive(fcinfo, 3, "prior_a");
	rate.prior_b = positive(fcinfo, 4, "prior_b");
	check_computed(bd_sequence_rate(&rate, &columns[0], &columns[1]),
				   "the confidence sequence");
	PG_RETURN_DATUM(make_row(fcinfo, columns, nulls));
}

static Side
side_argument(FunctionCallInfo fcinfo, int number)
{
	Side		side = {PG_GETARG_FLOAT8(number), PG_GETARG_FLOAT8(number + 1),
	PG_GETARG_FLOAT8(number + 2)};

	if (!isfinite(side.n) || side.n < 0 || !isfinite(side.mean) ||
		!isfinite(side.variance) || side.variance < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n, mean and variance must be finite, n and variance not negative"),
				 errdetail("They are %g, %g and %g.", side.n, side.mean,
						   side.variance)));
	return side;
}

/*
 * confidence_sequence_difference(n_a, mean_a, variance_a, n_b, mean_b,
 *		variance_b, alpha, planned_n)
 *		-> (difference, standard_error, lower, upper, p_always_valid)
 */
Datum
bandit_confidence_sequence_difference(PG_FUNCTION_ARGS)
{
	Side		a = side_argument(fcinfo, 0);
	Side		b = side_argument(fcinfo, 3);
	double		alpha = open_share(fcinfo, 6, "alpha");
	double		planned = positive(fcinfo, 7, "planned_n");
	SequenceDifference result = {0};
	double		columns[5];
	bool		nulls[5] = {false};
	bool		empty = a.n == 0 || b.n == 0;

	if (!empty)
		bd_sequence_difference(&a, &b, alpha, planned, &result);
	columns[0] = result.difference;
	columns[1] = result.error;
	columns[2] = result.difference - result.radius;
	columns[3] = result.difference + result.radius;
	columns[4] = result.p;
	/* without any variance there is nothing to judge a difference by */
	nulls[0] = nulls[1] = empty;
	nulls[2] = nulls[3] = nulls[4] = empty || result.error == 0;
	PG_RETURN_DATUM(make_row(fcinfo, columns, nulls));
}

/*
 * srm_test(counts, weights)
 *		-> (n, chi_square, degrees, p_value, log_bayes_factor, p_always_valid)
 */
Datum
bandit_srm_test(PG_FUNCTION_ARGS)
{
	int			n;
	int			nweights;
	ArrayType  *array = array_argument(fcinfo, 0, "counts", &n);
	const int64 *given = (int64 *) ARR_DATA_PTR(array);
	const double *weights = (double *)
	ARR_DATA_PTR(array_argument(fcinfo, 1, "weights", &nweights));
	double	   *counts = palloc(sizeof(double) * n);
	double		columns[6];
	bool		nulls[6] = {false};
	SampleRatio result;

	if (n < 2 || nweights != n)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("counts and weights must have the same length, at least 2"),
				 errdetail("They have %d and %d elements.", n, nweights)));
	for (int i = 0; i < n; i++)
	{
		counts[i] = given[i];
		if (given[i] < 0 || !isfinite(weights[i]) || weights[i] <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("counts must not be negative, weights must be finite and positive"),
					 errdetail("Elements %d are " INT64_FORMAT " and %g.",
							   i + 1, given[i], weights[i])));
	}
	check_computed(bd_sample_ratio(counts, weights, n, &result), "the test");
	columns[0] = result.n;
	columns[1] = result.chi_square;
	columns[2] = n - 1;
	columns[3] = result.p;
	columns[4] = result.log_bayes_factor;
	columns[5] = result.p_always_valid;
	PG_RETURN_DATUM(make_row(fcinfo, columns, nulls));
}
