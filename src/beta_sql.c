/*-------------------------------------------------------------------------
 *
 * beta_sql.c
 *		The beta distribution as SQL sees it.
 *
 * NULL in, NULL out; a NaN to be evaluated gives NaN; shapes must be finite
 * and positive.
 *
 * src/beta_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "dist.h"
#include "funcapi.h"
#include "special.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(bandit_beta_sample);
PG_FUNCTION_INFO_V1(bandit_beta_samples);
PG_FUNCTION_INFO_V1(bandit_beta_pdf);
PG_FUNCTION_INFO_V1(bandit_beta_cdf);
PG_FUNCTION_INFO_V1(bandit_beta_quantile);

static void check_shapes(double alpha, double beta);
static void check_computed(bool computed, const char *function, double x,
						   double alpha, double beta);

static void
check_shapes(double alpha, double beta)
{
	if (!isfinite(alpha) || !isfinite(beta) || alpha <= 0 || beta <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("alpha and beta must be finite and positive"),
				 errdetail("They are %g and %g.", alpha, beta),
				 errhint("They are successes and failures, each plus a prior that is more than 0.")));
}

static void
check_computed(bool computed, const char *function, double x, double alpha,
			   double beta)
{
	if (!computed)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("could not compute %s(%g, %g, %g)", function, x,
						alpha, beta)));
}

/*
 * beta_sample(alpha float8, beta float8) -> float8
 */
Datum
bandit_beta_sample(PG_FUNCTION_ARGS)
{
	double		alpha = PG_GETARG_FLOAT8(0);
	double		beta = PG_GETARG_FLOAT8(1);

	check_shapes(alpha, beta);
	PG_RETURN_FLOAT8(bd_dist_beta(bd_session_random(), alpha, beta));
}

/*
 * beta_sample(alpha float8, beta float8, n int) -> setof float8
 */
Datum
bandit_beta_samples(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;

	if (SRF_IS_FIRSTCALL())
	{
		int			n = PG_GETARG_INT32(2);

		check_shapes(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1));
		if (n < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("number of draws must not be negative")));
		funcctx = SRF_FIRSTCALL_INIT();
		funcctx->max_calls = n;
	}
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);
	SRF_RETURN_NEXT(funcctx,
					Float8GetDatum(bd_dist_beta(bd_session_random(),
												PG_GETARG_FLOAT8(0),
												PG_GETARG_FLOAT8(1))));
}

/*
 * beta_pdf(x float8, alpha float8, beta float8) -> float8
 */
Datum
bandit_beta_pdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		alpha = PG_GETARG_FLOAT8(1);
	double		beta = PG_GETARG_FLOAT8(2);
	double		pdf;

	check_shapes(alpha, beta);
	if (isnan(x))
		PG_RETURN_FLOAT8(get_float8_nan());
	check_computed(bd_special_beta_pdf(x, alpha, beta, &pdf),
				   "beta_pdf", x, alpha, beta);
	PG_RETURN_FLOAT8(pdf);
}

/*
 * beta_cdf(x float8, alpha float8, beta float8) -> float8
 */
Datum
bandit_beta_cdf(PG_FUNCTION_ARGS)
{
	double		x = PG_GETARG_FLOAT8(0);
	double		alpha = PG_GETARG_FLOAT8(1);
	double		beta = PG_GETARG_FLOAT8(2);
	double		cdf;
	double		upper;

	check_shapes(alpha, beta);
	if (isnan(x))
		PG_RETURN_FLOAT8(get_float8_nan());
	check_computed(bd_special_beta_cdf(x, alpha, beta, &cdf, &upper),
				   "beta_cdf", x, alpha, beta);
	PG_RETURN_FLOAT8(cdf);
}

/*
 * beta_quantile(p float8, alpha float8, beta float8) -> float8
 */
Datum
bandit_beta_quantile(PG_FUNCTION_ARGS)
{
	double		p = PG_GETARG_FLOAT8(0);
	double		alpha = PG_GETARG_FLOAT8(1);
	double		beta = PG_GETARG_FLOAT8(2);
	double		quantile;

	check_shapes(alpha, beta);
	if (isnan(p))
		PG_RETURN_FLOAT8(get_float8_nan());
	if (p < 0 || p > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("p must be between 0 and 1, not %g", p)));
	check_computed(bd_special_beta_quantile(p, alpha, beta, &quantile),
				   "beta_quantile", p, alpha, beta);
	PG_RETURN_FLOAT8(quantile);
}
