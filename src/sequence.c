/*-------------------------------------------------------------------------
 *
 * sequence.c
 *		Intervals and tests that may be looked at every day.
 *
 * src/sequence.c
 *
 *-------------------------------------------------------------------------
 */
#include "sequence.h"

#include <math.h>

#include "special.h"

static bool log_beta(double a, double b, long double *result);
static double rate_end(const SequenceRate *rate, long double mixture,
					   double step);

static bool
log_beta(double a, double b, long double *result)
{
	long double log_a;
	long double log_b;
	long double log_ab;

	if (!bd_special_log_gamma(a, &log_a) || !bd_special_log_gamma(b, &log_b) ||
		!bd_special_log_gamma(a + b, &log_ab))
		return false;
	*result = log_a + log_b - log_ab;
	return true;
}

/*
 * bd_sequence_rate
 *		The rates p that the beta-binomial mixture does not refute:
 *		ln B(a + s, b + f) - ln B(a, b) - s ln p - f ln(1 - p) < ln(1 / alpha)
 *		(Robbins 1970; Howard et al. 2021).
 */
bool
bd_sequence_rate(const SequenceRate *rate, double *lower, double *upper)
{
	double		s = rate->successes;
	double		f = rate->failures;
	long double prior;
	long double mixture;

	*lower = 0;
	*upper = 1;
	if (s + f == 0)
		return true;
	if (!log_beta(rate->prior_a, rate->prior_b, &prior) ||
		!log_beta(rate->prior_a + s, rate->prior_b + f, &mixture))
		return false;
	mixture += logl(rate->alpha) - prior;
	if (s > 0)
		*lower = f > 0 ? rate_end(rate, mixture, -1) : exp(mixture / s);
	if (f > 0)
		*upper = s > 0 ? rate_end(rate, mixture, 1) : -expm1(mixture / f);
	return true;
}

/* From the observed rate outwards, on the logit scale, to where it is 0. */
static double
rate_end(const SequenceRate *rate, long double mixture, double step)
{
	long double inner = logl(rate->successes) - logl(rate->failures);
	long double outer = inner;
	long double middle;

	do
	{
		outer += step;
		step *= 2;
	} while (mixture + rate->successes * log1pl(expl(-outer)) +
			 rate->failures * log1pl(expl(outer)) < 0);
	for (int i = 0; i < 100; i++)
	{
		middle = inner + (outer - inner) / 2;
		if (mixture + rate->successes * log1pl(expl(-middle)) +
			rate->failures * log1pl(expl(middle)) < 0)
			inner = middle;
		else
			outer = middle;
	}
	return 1 / (1 + expl(-outer));
}

/*
 * bd_sequence_difference
 *		The normal mixture confidence sequence of a difference of means
 *		(Robbins 1970; Johari et al. 2022; Waudby-Smith et al. 2024).
 *
 * With v the variance of the difference, t all values and tau^2 = rho^2 v t,
 * everything is a function of k = rho^2 t.  rho^2 makes the interval
 * tightest at "planned" values.  v must be positive.
 */
void
bd_sequence_difference(const Side *a, const Side *b, double alpha,
					   double planned, SequenceDifference *result)
{
	double		v = a->variance / a->n + b->variance / b->n;
	double		log_alpha = log(alpha);
	double		k = (-2 * log_alpha + log(-2 * log_alpha) + 1) / planned *
	(a->n + b->n);
	double		likelihood;

	result->difference = b->mean - a->mean;
	result->error = sqrt(v);
	result->radius = sqrt(v * (1 + k) / k * (log1p(k) - 2 * log_alpha));
	likelihood = result->difference / v * result->difference * k /
		(2 * (1 + k)) - log1p(k) / 2;
	result->p = fmin(1, exp(-likelihood));
}

/*
 * bd_sample_ratio
 *		Counts against the shares they were to have: Pearson's chi-square, and
 *		the Bayes factor of a Dirichlet(1, ..., 1) against the shares (Lindon
 *		and Malek 2022).
 */
bool
bd_sample_ratio(const double *counts, const double *weights, int n,
				SampleRatio *result)
{
	double		total = 0;
	double		weight = 0;
	long double factor;
	long double term;

	for (int i = 0; i < n; i++)
	{
		total += counts[i];
		weight += weights[i];
	}
	if (!bd_special_log_gamma(n, &factor) ||
		!bd_special_log_gamma(n + total, &term))
		return false;
	factor -= term;
	result->n = total;
	result->chi_square = 0;
	for (int i = 0; i < n; i++)
	{
		double		share = weights[i] / weight;

		if (!bd_special_log_gamma(1 + counts[i], &term))
			return false;
		factor += term - counts[i] * logl(share);
		if (total > 0)
			result->chi_square += (counts[i] - total * share) *
				((counts[i] - total * share) / (total * share));
	}
	result->log_bayes_factor = factor;
	result->p_always_valid = fmin(1, exp(-result->log_bayes_factor));
	return bd_special_chi_square_upper(result->chi_square, n - 1, &result->p);
}
