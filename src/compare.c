/*-------------------------------------------------------------------------
 *
 * compare.c
 *		How beta distributed rates compare: losses, lift, expected maximum.
 *
 * Integrals over the rate.  F is a distribution function, S = 1 - F.  Every
 * term that is added is positive: a loss of 1e-12 keeps its digits, which a
 * difference of means would not.
 *
 * src/compare.c
 *
 *-------------------------------------------------------------------------
 */
#include "compare.h"

#include <math.h>

#include "integral.h"
#include "special.h"

/* Where x (1 - x) dy is nothing, seen from the outermost modes. */
#define FAR 60.0

/* Steps, in standard deviations of a logit, at which panels end. */
static const double steps[] = {0, 1, 2.5, 5, 10, 20};

/* What rates are compared. */
typedef struct Comparison
{
	Integral	integral;		/* first, so that it can be cast */
	const BetaRate *rates;
	int			n;
} Comparison;

static double rate_element(double y);
static bool tails(double y, const BetaRate *rate, double *below,
				  double *above);
static void add_edges(Integral *integral, const BetaRate *rate);
static double loss_at(const Integral *integral, double y);
static double maximum_at(const Integral *integral, double y);

/*
 * tails
 *		F and S at the logit y, neither from the other.
 */
static bool
tails(double y, const BetaRate *rate, double *below, double *above)
{
	if (y > 0)
		return bd_special_beta_cdf(exp(-y) / (1 + exp(-y)), rate->beta,
								   rate->alpha, above, below);
	return bd_special_beta_cdf(exp(y) / (1 + exp(y)), rate->alpha,
							   rate->beta, below, above);
}

static void
add_edges(Integral *integral, const BetaRate *rate)
{
	for (int i = 0; i < (int) (sizeof(steps) / sizeof(steps[0])); i++)
	{
		double		away = steps[i] * bd_integral_spread(rate);

		bd_integral_edge(integral, bd_integral_mode(rate) - away);
		bd_integral_edge(integral, bd_integral_mode(rate) + away);
	}
}

/* dx = x (1 - x) dy */
static double
rate_element(double y)
{
	double		e = exp(-fabs(y));

	return e / (1 + e) / (1 + e);
}

static double
loss_at(const Integral *integral, double y)
{
	const Comparison *comparison = (const Comparison *) integral;
	double		below;
	double		above;
	double		rest;

	if (!tails(y, &comparison->rates[0], &below, &rest) ||
		!tails(y, &comparison->rates[1], &rest, &above))
		return NAN;
	return below * above * rate_element(y);
}

/*
 * bd_compare_loss
 *		What choosing one rate loses to the other, E (other - chosen)+: the
 *		integral of F_chosen S_other over the rate.
 */
bool
bd_compare_loss(const BetaRate *chosen, const BetaRate *other, double *loss)
{
	BetaRate	rates[2] = {*chosen, *other};
	Comparison	comparison = {.rates = rates, .n = 2};
	Integral   *integral = &comparison.integral;
	double		low = fmin(bd_integral_mode(chosen), bd_integral_mode(other));
	double		high = fmax(bd_integral_mode(chosen), bd_integral_mode(other));

	bd_integral_start(integral, loss_at);
	add_edges(integral, chosen);
	add_edges(integral, other);
	for (int i = 1; i < 4; i++)
		bd_integral_edge(integral, low + (high - low) * i / 4);
	bd_integral_edge(integral, fmin(low, 0) - FAR);
	bd_integral_edge(integral, fmax(high, 0) + FAR);
	*loss = bd_integral(integral);
	return isfinite(*loss);
}

/* 1 - product of F_j, as the sum of S_j times the F of those before it */
static double
maximum_at(const Integral *integral, double y)
{
	const Comparison *comparison = (const Comparison *) integral;
	double		product = 1;
	double		sum = 0;

	for (int j = 0; j < comparison->n; j++)
	{
		double		below;
		double		above;

		if (!tails(y, &comparison->rates[j], &below, &above))
			return NAN;
		sum += above * product;
		product *= below;
		if (product == 0)
			break;
	}
	return sum * rate_element(y);
}

/*
 * bd_compare_maximum
 *		Expected value of the largest of n rates: the integral of 1 - product
 *		of the F_j over the rate.
 *
 * Panels follow the rates whose upper end could be the maximum; the others
 * are smooth enough for halving.
 */
bool
bd_compare_maximum(const BetaRate *rates, int n, double *expected)
{
	Comparison	comparison = {.rates = rates, .n = n};
	Integral   *integral = &comparison.integral;
	double		low = -FAR;
	double		high = FAR;
	int			sharpest = 0;
	int			best = 0;

	bd_integral_start(integral, maximum_at);
	for (int i = 0; i < n; i++)
	{
		low = fmin(low, bd_integral_mode(&rates[i]) - FAR);
		high = fmax(high, bd_integral_mode(&rates[i]) + FAR);
		if (bd_integral_spread(&rates[i]) < bd_integral_spread(&rates[sharpest]))
			sharpest = i;
		if (bd_integral_mode(&rates[i]) > bd_integral_mode(&rates[best]))
			best = i;
	}
	add_edges(integral, &rates[sharpest]);
	add_edges(integral, &rates[best]);
	bd_integral_edge(integral, low);
	bd_integral_edge(integral, 0);
	bd_integral_edge(integral, high);
	*expected = bd_integral(integral);
	return isfinite(*expected);
}
