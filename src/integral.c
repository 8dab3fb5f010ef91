/*-------------------------------------------------------------------------
 *
 * integral.c
 *		Integrals over the logit of a rate, by Gauss-Legendre panels that are
 *		halved until they settle.
 *
 * src/integral.c
 *
 *-------------------------------------------------------------------------
 */
#include "integral.h"

#include <math.h>
#include <stddef.h>

#include "quadrature.h"

/*
 * A panel is accurate when halving changes it by this share of the total, or
 * by next to nothing; the rule's error is far below that change.  The last
 * digits of a distribution function of sharp rates are noise, in which
 * halving finds no end, hence the limits.
 */
#define SETTLED 1e-10
#define NOTHING 1e-300
#define MOST_HALVINGS 30
#define MOST_PANELS 2500

/* Called between panels, where the caller wants to; may not return. */
void		(*bd_integral_pause) (void) = NULL;

static double panel(const Integral *integral, double from, double to);
static double settle(Integral *integral, double from, double to,
					 double whole, int halvings);

void
bd_integral_start(Integral *integral, double (*f) (const Integral *, double))
{
	integral->f = f;
	integral->scale = 0;
	integral->nedges = 0;
	integral->npanels = 0;
}

/*
 * bd_integral_edge
 *		Let a panel end here; more than MOST_EDGES are not needed.
 */
void
bd_integral_edge(Integral *integral, double y)
{
	int			i;

	if (integral->nedges == MOST_EDGES)
		return;
	i = integral->nedges++;
	for (; i > 0 && integral->edges[i - 1] > y; i--)
		integral->edges[i] = integral->edges[i - 1];
	integral->edges[i] = y;
}

/* The same, unless it lies outside what is integrated. */
void
bd_integral_inner_edge(Integral *integral, double y)
{
	if (integral->nedges > 0 && y > integral->edges[0] &&
		y < integral->edges[integral->nedges - 1])
		bd_integral_edge(integral, y);
}

/*
 * bd_integral
 *		From the first edge to the last; NaN where f is.
 */
double
bd_integral(Integral *integral)
{
	double		first[MOST_EDGES];
	double		sum = 0;
	int			npanels = integral->nedges - 1;

	for (int i = 0; i < npanels; i++)
	{
		first[i] = panel(integral, integral->edges[i], integral->edges[i + 1]);
		sum += first[i];
	}
	if (integral->scale == 0)
		integral->scale = sum;
	sum = 0;
	for (int i = 0; i < npanels; i++)
		sum += settle(integral, integral->edges[i], integral->edges[i + 1],
					  first[i], MOST_HALVINGS);
	return sum;
}

static double
panel(const Integral *integral, double from, double to)
{
	const BanditRule *rule = bd_quadrature();
	double		half = (to - from) / 2;
	double		sum = 0;

	if (bd_integral_pause != NULL)
		bd_integral_pause();
	for (int i = 0; i < BANDIT_NODES; i++)
		sum += rule->w[i] * integral->f(integral, from + half +
										rule->x[i] * half);
	return sum * half;
}

static double
settle(Integral *integral, double from, double to, double whole,
	   int halvings)
{
	double		middle = from + (to - from) / 2;
	double		left = panel(integral, from, middle);
	double		right = panel(integral, middle, to);

	integral->npanels += 2;
	if (halvings == 0 || integral->npanels > MOST_PANELS ||
		!(fabs(left + right - whole) >
		  fmax(SETTLED * integral->scale, NOTHING)))
		return left + right;
	return settle(integral, from, middle, left, halvings - 1) +
		settle(integral, middle, to, right, halvings - 1);
}

/*
 * bd_integral_mode
 *		Of the density of a rate's logit.
 */
double
bd_integral_mode(const BetaRate *rate)
{
	return log(rate->alpha) - log(rate->beta);
}

/*
 * bd_integral_spread
 *		The standard deviation of a rate's logit, as seen from its mode.
 */
double
bd_integral_spread(const BetaRate *rate)
{
	return sqrt(1 / rate->alpha + 1 / rate->beta);
}
