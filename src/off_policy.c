/*-------------------------------------------------------------------------
 *
 * off_policy.c
 *		Aggregates that estimate, from one policy's log, what another policy
 *		would have earned: ips, snips, dr.
 *
 * A row of the log has a reward, the probability with which the logging
 * policy chose what it chose, and the probability with which the other
 * policy would have.  Their ratio is the row's weight.
 *
 * src/off_policy.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "off_policy.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(bandit_ips_step);
PG_FUNCTION_INFO_V1(bandit_dr_step);
PG_FUNCTION_INFO_V1(bandit_moments_combine);
PG_FUNCTION_INFO_V1(bandit_mean_value);
PG_FUNCTION_INFO_V1(bandit_ratio_value);

#define MOMENTS ((int) (sizeof(LogMoments) / sizeof(double)))

/* The 97.5 % point of the normal distribution. */
#define Z95 1.959963984540054

static LogMoments *state_argument(FunctionCallInfo fcinfo, int number,
								  ArrayType **array);
static double weight_arguments(FunctionCallInfo fcinfo, int clip);
static double finite_argument(FunctionCallInfo fcinfo, int number,
							  const char *name);
static void add_row(LogMoments *moments, double w, double r, double x);

/*
 * state_argument
 *		The sums inside a float8[].
 *
 * An aggregate's own state is changed in place; anybody else gets a copy.
 */
static LogMoments *
state_argument(FunctionCallInfo fcinfo, int number, ArrayType **array)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("the sums of an off-policy aggregate must not be null")));
	*array = number == 0 && AggCheckCallContext(fcinfo, NULL) ?
		PG_GETARG_ARRAYTYPE_P(number) : PG_GETARG_ARRAYTYPE_P_COPY(number);

	if (ARR_NDIM(*array) != 1 || ARR_DIMS(*array)[0] != MOMENTS ||
		ARR_HASNULL(*array) || ARR_ELEMTYPE(*array) != FLOAT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the sums of an off-policy aggregate are %d numbers",
						MOMENTS)));
	return (LogMoments *) ARR_DATA_PTR(*array);
}

/*
 * weight_arguments
 *		Arguments 2 and 3, checked: what the policy evaluated does over what
 *		was done.  At most argument "clip", where that is given.
 */
static double
weight_arguments(FunctionCallInfo fcinfo, int clip)
{
	double		logged = PG_GETARG_FLOAT8(2);
	double		target = PG_GETARG_FLOAT8(3);
	double		weight;

	if (!(logged > 0 && logged <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("logged must be more than 0 and at most 1, not %g",
						logged),
				 errhint("It is the probability with which the logged choice was made; what was chosen was possible.")));
	if (!(target >= 0 && target <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("target must be between 0 and 1, not %g", target),
				 errhint("It is the probability with which the policy that is evaluated would have made the logged choice.")));
	weight = target / logged;
	if (PG_NARGS() > clip && !PG_ARGISNULL(clip))
	{
		double		most = PG_GETARG_FLOAT8(clip);

		if (!(most > 0))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("clip must be more than 0, not %g", most),
					 errhint("It is the largest weight of a row; null or Infinity is no limit.")));
		weight = fmin(weight, most);
	}
	return weight;
}

static double
finite_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		value = PG_GETARG_FLOAT8(number);

	if (!isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be finite, not %g", name, value)));
	return value;
}

static void
add_row(LogMoments *moments, double w, double r, double x)
{
	bd_moments_add(moments, w, r, x);
	if (!isfinite(moments->x_squares) || !isfinite(moments->ww.sum) ||
		!isfinite(moments->mean_squares))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("weights or rewards are too large to be added"),
				 errdetail("The last weight is %g, the reward %g.", w, r)));
}

/*
 * ips_step(state, reward, logged, target [, clip]) -> state
 *
 * A row with a null reward or probability is left out.
 */
Datum
bandit_ips_step(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	LogMoments *moments = state_argument(fcinfo, 0, &array);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3))
	{
		double		r = finite_argument(fcinfo, 1, "reward");
		double		w = weight_arguments(fcinfo, 4);

		add_row(moments, w, r, w * r);
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * dr_step(state, reward, logged, target, q_logged, v_target [, clip])
 *		-> state
 */
Datum
bandit_dr_step(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	LogMoments *moments = state_argument(fcinfo, 0, &array);
	bool		complete = true;

	for (int i = 1; i <= 5; i++)
		complete = complete && !PG_ARGISNULL(i);
	if (complete)
	{
		double		r = finite_argument(fcinfo, 1, "reward");
		double		w = weight_arguments(fcinfo, 6);
		double		q = finite_argument(fcinfo, 4, "q_logged");
		double		v = finite_argument(fcinfo, 5, "v_target");

		add_row(moments, w, r, v + w * (r - q));
	}
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * moments_combine(state, state) -> state
 */
Datum
bandit_moments_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	ArrayType  *other;
	LogMoments *moments = state_argument(fcinfo, 0, &array);

	bd_moments_merge(moments, state_argument(fcinfo, 1, &other));
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * bd_policy_value
 *		A row of type policy_value.
 */
Datum
bd_policy_value(FunctionCallInfo fcinfo, const LogEstimate *value)
{
	TupleDesc	desc;
	Datum		values[8];
	bool		nulls[8] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "policy_value is not a composite type");
	values[0] = Float8GetDatum(value->estimate);
	values[1] = Float8GetDatum(value->error);
	values[2] = Float8GetDatum(value->estimate - Z95 * value->error);
	values[3] = Float8GetDatum(value->estimate + Z95 * value->error);
	values[4] = Int64GetDatum((int64) value->n);
	values[5] = Float8GetDatum(value->effective_n);
	values[6] = Float8GetDatum(value->mean_weight);
	values[7] = Float8GetDatum(value->max_weight);
	nulls[0] = !value->has_estimate;
	nulls[1] = nulls[2] = nulls[3] = !value->has_error;
	nulls[6] = nulls[7] = value->n == 0;
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/*
 * mean_value(state) -> policy_value
 */
Datum
bandit_mean_value(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	LogEstimate value;

	bd_moments_mean(state_argument(fcinfo, 0, &array), &value);
	PG_RETURN_DATUM(bd_policy_value(fcinfo, &value));
}

/*
 * ratio_value(state) -> policy_value
 */
Datum
bandit_ratio_value(PG_FUNCTION_ARGS)
{
	ArrayType  *array;
	LogEstimate value;

	bd_moments_ratio(state_argument(fcinfo, 0, &array), &value);
	PG_RETURN_DATUM(bd_policy_value(fcinfo, &value));
}
