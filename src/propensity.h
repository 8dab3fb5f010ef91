/*-------------------------------------------------------------------------
 *
 * propensity.h
 *		How probable each rank of each arm is, before anybody draws.
 *
 * Pure: memory is the caller's, no SQL, no errors.
 *
 * src/propensity.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_PROPENSITY_H
#define BANDIT_PROPENSITY_H

#include <stdbool.h>
#include <stddef.h>

#define BANDIT_PROPENSITY_NODES 12	/* quadrature nodes of a panel */

/* One arm, and its density and tails at the nodes of the current panel. */
typedef struct BanditCurve
{
	double		alpha;
	double		beta;
	double		mode;			/* logit of the mean */
	double		sd;				/* scale there, in logits */
	double		mean;			/* alpha / (alpha + beta), and its rest */
	double		rest;
	double		low;			/* the density counts between these */
	double		high;
	double		total;			/* its integral on the grid */
	double		done;			/* its integral below the current panel */
	double		density[BANDIT_PROPENSITY_NODES];
	double		below[BANDIT_PROPENSITY_NODES]; /* share of draws below */
} BanditCurve;

typedef struct BanditPropensity
{
	int			n;				/* arms */
	int			k;				/* ranks, 1 .. n */
	bool		by_rank;		/* each rank, or all k together */
	BanditCurve *curves;		/* n */
	double	   *edges;			/* bd_propensity_edges(n) */
	double	   *prefix;			/* (n + 1) * k: counts among the arms before */
	double	   *suffix;			/* 2 * k: among those after, and their sums */
	double	   *result;			/* n * k by rank, arm by arm; otherwise n */
	int			nedges;
	int			npanels;
	double	   *kept;			/* densities from one pass to the next,
								 * npanels * n * nodes; NULL: computed twice */
} BanditPropensity;

extern size_t bd_propensity_edges(int n);
extern void bd_propensity_start(BanditPropensity *work, const double *alphas,
								const double *betas);
extern void bd_propensity_measure(BanditPropensity *work, int panel);
extern void bd_propensity_add(BanditPropensity *work, int panel);

#endif							/* BANDIT_PROPENSITY_H */
