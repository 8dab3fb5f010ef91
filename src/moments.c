/*-------------------------------------------------------------------------
 *
 * moments.c
 *		Sums over a log, from which another policy's value is estimated.
 *
 * Sums are compensated, squares are kept as distances from a mean (Youngs
 * and Cramer 1971; Chan, Golub and LeVeque 1983), so that nothing is lost to
 * cancellation, however many rows, and parts merge in any order.
 *
 * src/moments.c
 *
 *-------------------------------------------------------------------------
 */
#include "moments.h"

#include <math.h>

static void add(ExactSum *to, double value);
static double total(const ExactSum *sum);
static void describe(const LogMoments *moments, LogEstimate *result);

/*
 * bd_moments_add
 *		A row of weight w >= 0 and reward r; x is the term of the mean.
 */
void
bd_moments_add(LogMoments *moments, double w, double r, double x)
{
	double		before = moments->ww.sum + moments->ww.rest;
	double		from_mean;

	moments->n++;
	add(&moments->x, x);
	if (moments->n > 1)
	{
		from_mean = x * moments->n - total(&moments->x);
		moments->x_squares += from_mean / moments->n *
			(from_mean / (moments->n - 1));
	}
	add(&moments->w, w);
	moments->largest = fmax(moments->largest, w);
	if (w == 0)
		return;
	add(&moments->ww, w * w);
	from_mean = r - moments->mean;
	moments->mean += from_mean * (w * w / total(&moments->ww));
	moments->mean_squares += before / total(&moments->ww) * w * w *
		from_mean * from_mean;
}

/*
 * bd_moments_merge
 *		Add what was gathered elsewhere.
 */
void
bd_moments_merge(LogMoments *moments, const LogMoments *other)
{
	double		n = moments->n + other->n;
	double		here = total(&moments->ww);
	double		there = total(&other->ww);
	double		apart;

	if (moments->n > 0 && other->n > 0)
	{
		apart = total(&moments->x) / moments->n - total(&other->x) / other->n;
		moments->x_squares += other->x_squares +
			moments->n / n * other->n * apart * apart;
	}
	else
		moments->x_squares += other->x_squares;
	if (there > 0)
	{
		apart = other->mean - moments->mean;
		moments->mean += apart * (there / (here + there));
		moments->mean_squares += other->mean_squares +
			here / (here + there) * there * apart * apart;
	}
	moments->n = n;
	add(&moments->x, other->x.sum);
	add(&moments->x, other->x.rest);
	add(&moments->w, other->w.sum);
	add(&moments->w, other->w.rest);
	add(&moments->ww, other->ww.sum);
	add(&moments->ww, other->ww.rest);
	moments->largest = fmax(moments->largest, other->largest);
}

/*
 * bd_moments_mean
 *		The mean of x: ips and dr.
 */
void
bd_moments_mean(const LogMoments *moments, LogEstimate *result)
{
	describe(moments, result);
	result->has_estimate = moments->n > 0;
	result->has_error = moments->n > 1;
	result->estimate = total(&moments->x) / moments->n;
	result->error = sqrt(moments->x_squares / moments->n /
						 (moments->n - 1));
}

/*
 * bd_moments_ratio
 *		The sum of w r over that of w: snips, with x = w r.
 *
 * The squares around the estimate are those around the mean plus the
 * distance of the two: no term is negative.
 */
void
bd_moments_ratio(const LogMoments *moments, LogEstimate *result)
{
	double		weight = total(&moments->w);
	double		apart;

	describe(moments, result);
	result->has_estimate = weight > 0;
	result->has_error = weight > 0 && moments->n > 1;
	result->estimate = total(&moments->x) / weight;
	apart = result->estimate - moments->mean;
	result->error = sqrt(moments->mean_squares +
						 total(&moments->ww) * apart * apart) / weight;
}

static void
describe(const LogMoments *moments, LogEstimate *result)
{
	double		weight = total(&moments->w);

	result->n = moments->n;
	result->effective_n = weight > 0 ?
		weight / total(&moments->ww) * weight : 0;
	result->mean_weight = weight / moments->n;
	result->max_weight = moments->largest;
}

static void
add(ExactSum *to, double value)
{
	double		sum = to->sum + value;

	if (fabs(to->sum) >= fabs(value))
		to->rest += (to->sum - sum) + value;
	else
		to->rest += (value - sum) + to->sum;
	to->sum = sum;
}

static double
total(const ExactSum *sum)
{
	return sum->sum + sum->rest;
}
