/*-------------------------------------------------------------------------
 *
 * lift.c
 *		The ratio of two beta distributed rates.
 *
 *		P(B <= r A) = integral of f_A(x) F_B(r x) dx
 *					= integral of f_B(x) S_A(x / r) dx
 *
 * The density is that of the sharper rate, so that panels that follow it
 * follow the product.  Densities are relative to their mode, and divided by
 * their own integral.
 *
 * src/lift.c
 *
 *-------------------------------------------------------------------------
 */
#include "compare.h"

#include <math.h>

#include "integral.h"
#include "special.h"

/* Where a log density has fallen by this much, it is not looked at. */
#define FALL 40.0

/* Below this logarithm a rate's distribution is its leading power. */
#define TINY (-600.0)

/* Of the logarithm of the ratio. */
#define ACCURACY 1e-10
#define MOST_STEPS 200

typedef struct Lift
{
	Integral	integral;		/* first, so that it can be cast */
	BetaRate	dense;			/* the sharper one, whose density it is */
	BetaRate	other;
	bool		upper;			/* dense is B: S of the other is wanted */
	double		log_ratio;
	double		total;			/* the integral of the density; 0: wanted */
} Lift;

static void start(Lift *lift, const BetaRate *a, const BetaRate *b);
static double find_end(const BetaRate *rate, double step);
static double relative_log(const BetaRate *rate, double y);
static double lift_at(const Integral *integral, double y);
static double cdf_at_log(const BetaRate *rate, double log_x, bool upper);
static double lift_cdf(Lift *lift, double log_ratio);

static void
start(Lift *lift, const BetaRate *a, const BetaRate *b)
{
	lift->upper = bd_integral_spread(b) < bd_integral_spread(a);
	lift->dense = lift->upper ? *b : *a;
	lift->other = lift->upper ? *a : *b;
	lift->total = 0;
	lift->total = lift_cdf(lift, 0);
}

/*
 * relative_log
 *		Log of the density of the logit at y over that at the mode.
 */
static double
relative_log(const BetaRate *rate, double y)
{
	bool		low = rate->alpha <= rate->beta;
	double		shape = low ? rate->alpha : rate->beta;
	double		mean = shape / (rate->alpha + rate->beta);
	double		d = y - bd_integral_mode(rate);

	if (!low)
		d = -d;
	return shape * d - (rate->alpha + rate->beta) *
		(d < 700 ? log1p(mean * expm1(d)) : d + log(mean));
}

static double
find_end(const BetaRate *rate, double step)
{
	double		mode = bd_integral_mode(rate);

	while (relative_log(rate, mode + step) > -FALL)
		step *= 1.25;
	return mode + step;
}

static double
lift_at(const Integral *integral, double y)
{
	const Lift *lift = (const Lift *) integral;
	double		density = exp(relative_log(&lift->dense, y));
	double		log_x;

	if (lift->total == 0)
		return density;
	log_x = y < 0 ? y - log1p(exp(y)) : -log1p(exp(-y));
	log_x += lift->upper ? -lift->log_ratio : lift->log_ratio;
	return density / lift->total * cdf_at_log(&lift->other, log_x,
											  lift->upper);
}

/* F, or S, at a rate given by its logarithm */
static double
cdf_at_log(const BetaRate *rate, double log_x, bool upper)
{
	double		below = 1;
	double		above = 0;
	bool		known = true;

	if (log_x < TINY)
	{
		long double log_a = 0;
		long double log_b = 0;
		long double log_ab = 0;

		known = bd_special_log_gamma(rate->alpha + 1, &log_a) &&
			bd_special_log_gamma(rate->beta, &log_b) &&
			bd_special_log_gamma(rate->alpha + rate->beta, &log_ab);
		below = exp(rate->alpha * log_x - (double) (log_a + log_b - log_ab));
		above = 1 - below;
	}
	else if (log_x < -0.7)
		known = bd_special_beta_cdf(exp(log_x), rate->alpha, rate->beta,
									&below, &above);
	else if (log_x < 0)
		known = bd_special_beta_cdf(-expm1(log_x), rate->beta, rate->alpha,
									&above, &below);
	if (!known)
		return NAN;
	return upper ? above : below;
}

/* P(B <= e^log_ratio A) */
static double
lift_cdf(Lift *lift, double log_ratio)
{
	double		mode = bd_integral_mode(&lift->dense);
	double		spread = bd_integral_spread(&lift->dense);
	double		bend = lift->upper ? log_ratio : -log_ratio;

	lift->log_ratio = log_ratio;
	bd_integral_start(&lift->integral, lift_at);
	bd_integral_edge(&lift->integral, mode);
	for (double step = 1; step < 5; step += 1.5)
	{
		bd_integral_edge(&lift->integral, mode - step * spread);
		bd_integral_edge(&lift->integral, mode + step * spread);
	}
	bd_integral_edge(&lift->integral, find_end(&lift->dense, -5 * spread));
	bd_integral_edge(&lift->integral, find_end(&lift->dense, 5 * spread));
	if (bend < 0)
		bd_integral_inner_edge(&lift->integral, bend - log(-expm1(bend)));
	lift->integral.scale = lift->total == 0 ? spread : 1;
	return bd_integral(&lift->integral);
}

/*
 * bd_compare_lift_cdf
 *		P(b <= e^log_ratio a)
 */
bool
bd_compare_lift_cdf(const BetaRate *a, const BetaRate *b, double log_ratio,
					double *cdf)
{
	Lift		lift;

	start(&lift, a, b);
	*cdf = lift_cdf(&lift, log_ratio);
	return isfinite(*cdf);
}

/*
 * bd_compare_lift_quantile
 *		The lift b / a - 1 that is not exceeded with probability p, 0 < p < 1.
 *
 * By false position with halved weights (the Illinois rule; Dowell and
 * Jarratt 1971) in the logarithm of the ratio.
 */
bool
bd_compare_lift_quantile(const BetaRate *a, const BetaRate *b, double p,
						 double *quantile)
{
	Lift		lift;
	double		width = hypot(bd_integral_spread(a), bd_integral_spread(b));
	double		low = log(b->alpha / (b->alpha + b->beta)) -
	log(a->alpha / (a->alpha + a->beta));
	double		high = low;
	double		low_miss;
	double		high_miss;
	int			side = 0;

	start(&lift, a, b);
	low_miss = high_miss = lift_cdf(&lift, low) - p;
	for (; low_miss > 0; width *= 2)
		low_miss = lift_cdf(&lift, low -= width) - p;
	for (; high_miss < 0; width *= 2)
		high_miss = lift_cdf(&lift, high += width) - p;
	for (int i = 0; i < MOST_STEPS && high - low > ACCURACY; i++)
	{
		double		u = high - high_miss * (high - low) /
		(high_miss - low_miss);
		double		miss;

		if (!(u > low && u < high) || i % 8 == 7)
			u = low + (high - low) / 2;
		miss = lift_cdf(&lift, u) - p;
		if (isnan(miss))
			return false;
		if (fabs(miss) < 1e-13)
		{
			low = high = u;
			break;
		}
		if (miss < 0)
		{
			low = u;
			low_miss = miss;
			high_miss /= side < 0 ? 2 : 1;
			side = -1;
		}
		else
		{
			high = u;
			high_miss = miss;
			low_miss /= side > 0 ? 2 : 1;
			side = 1;
		}
	}
	*quantile = expm1(low + (high - low) / 2);
	return isfinite(*quantile);
}
