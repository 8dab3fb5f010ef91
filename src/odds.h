/*-------------------------------------------------------------------------
 *
 * odds.h
 *		How probable a policy's choices are.
 *
 * src/odds.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_ODDS_H
#define BANDIT_ODDS_H

#include "policy.h"

/* What a policy is asked about. */
typedef struct Odds
{
	BanditPolicy policy;
	int			n;				/* arms */
	int			k;				/* places, 1 .. n */
	bool		by_rank;		/* each place, or all k together */
	const double *alphas;		/* n each */
	const double *betas;
	const double *floors;		/* n, summing to 1 at most; NULL: none */
} Odds;

extern bool bd_odds_possible(const Odds *odds);
extern double *bd_odds(const Odds *odds);
extern double *bd_challengers(const double *alphas, const double *betas, int n,
							  int leader);

#endif							/* BANDIT_ODDS_H */
