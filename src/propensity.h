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

#include "quadrature.h"
#include "ranking.h"

/* The density of one arm's draw, on the logit scale. */
typedef struct BanditCurve
{
	double		alpha;
	double		beta;
	double		mode;			/* logit of the mean */
	double		peak;			/* log density there, but for a constant */
	double		sd;				/* scale there, in logits */
	double		mean;			/* alpha / (alpha + beta), and its rest */
	double		rest;
	double		low;			/* the density counts between these */
	double		high;
	double		total;			/* its integral on the grid */
	double		done;			/* share of it below the current panel */
} BanditCurve;

typedef struct BanditPropensity
{
	int			n;				/* arms */
	BanditRanking *ranking;		/* what the probabilities are added to */
	BanditCurve *curves;		/* n */
	double	   *edges;			/* bd_propensity_edges(n) */
	double	   *mass;			/* n * nodes: of the active arms */
	double	   *below;			/* n * nodes */
	int		   *active;			/* n */
	bool	   *above;			/* n */
	double	   *kept;			/* densities from one pass to the next,
								 * npanels * n * nodes; NULL: computed twice */
	const BanditRule *rule;
	int			nedges;
	int			npanels;
	int			nactive;
	double		logit[BANDIT_NODES];
	double		soft[BANDIT_NODES];
} BanditPropensity;

extern size_t bd_propensity_edges(int n);
extern void bd_propensity_start(BanditPropensity *work, const double *alphas,
								const double *betas);
extern void bd_propensity_measure(BanditPropensity *work, int panel);
extern void bd_propensity_add(BanditPropensity *work, int panel);

#endif							/* BANDIT_PROPENSITY_H */
