/*-------------------------------------------------------------------------
 *
 * ranking.h
 *		How probable it is to be among the first k, counting the others.
 *
 * Pure: memory is the caller's, no SQL, no errors.
 *
 * src/ranking.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_RANKING_H
#define BANDIT_RANKING_H

#include <stdbool.h>
#include <stddef.h>

/* Points that are worked on together. */
#define BANDIT_LANES 4

/*
 * One arm of n is looked at as a point: the others are above it or below it,
 * independently.  Some are so for certain; the active ones with a
 * probability that changes from point to point.
 */
typedef struct BanditRanking
{
	int			n;				/* arms */
	int			k;				/* ranks, 1 .. n */
	bool		by_rank;		/* each rank, or all k together */
	const double *floors;		/* n: named at each place with these
								 * probabilities; NULL: never */
	double	   *work;			/* bd_ranking_doubles() */
	double	   *result;			/* n * k by rank, arm by arm; otherwise n */
	void		(*pause) (void);	/* called now and then, unless NULL */

	/* of the present panel */
	const int  *active;			/* in ascending order */
	int			nactive;
	int			depth;			/* k without those that are surely above */
} BanditRanking;

extern double bd_ranking_doubles(int n, int k, bool floors);
extern void bd_ranking_start(BanditRanking *ranking);
extern bool bd_ranking_panel(BanditRanking *ranking, const int *active,
							 int nactive, const bool *above);
extern void bd_ranking_add(BanditRanking *ranking, const double *mass,
						   const double *below);
extern void bd_ranking_finish(BanditRanking *ranking);

extern void bd_poisson_binomial(const double *probabilities, int n,
								double *pmf);

/* ranking_scores.c */
extern void bd_ranking_scores(BanditRanking *ranking, const double *scores,
							  int *group, bool *above, double *points);

/* ranking_floors.c, called by the above where there are floors */
extern void bd_floors_start(BanditRanking *ranking);
extern void bd_floors_panel(BanditRanking *ranking, const bool *above);
extern void bd_floors_add(BanditRanking *ranking, const double *mass,
						  const double *below);
extern void bd_floors_finish(BanditRanking *ranking);

#endif							/* BANDIT_RANKING_H */
