/*-------------------------------------------------------------------------
 *
 * integral.h
 *		Integrals over the logit of a rate.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/integral.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_INTEGRAL_H
#define BANDIT_INTEGRAL_H

#include "compare.h"

#define MOST_EDGES 40

/* What is integrated, and at which logits panels end, in order. */
typedef struct Integral
{
	double		(*f) (const struct Integral *integral, double y);
	double		scale;			/* of the result, which it is accurate to; 0:
								 * of the first pass */
	int			npanels;		/* computed so far */
	int			nedges;
	double		edges[MOST_EDGES];
} Integral;

extern void (*bd_integral_pause) (void);
extern void bd_integral_start(Integral *integral, double (*f) (const Integral *, double));
extern void bd_integral_edge(Integral *integral, double y);
extern void bd_integral_inner_edge(Integral *integral, double y);
extern double bd_integral(Integral *integral);
extern double bd_integral_mode(const BetaRate *rate);
extern double bd_integral_spread(const BetaRate *rate);

#endif							/* BANDIT_INTEGRAL_H */
