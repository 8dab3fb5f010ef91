/*-------------------------------------------------------------------------
 *
 * factorise.h
 *		Biased matrix factorisation of ratings, for predicting them.
 *
 * Pure: memory is the caller's, no server, no errors.
 *
 * src/factorise.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_FACTORISE_H
#define BANDIT_FACTORISE_H

#include <stddef.h>
#include <stdint.h>

/* Ratings that the mean of all counts for in a user's bias. */
#define FACTORS_USER_DAMPING 15.0

/* The ratings seen from one side: all of a user's, or all of an item's. */
typedef struct BanditSide
{
	int			n;				/* users, or items */
	const int64_t *start;		/* n + 1 offsets into the two below */
	const		int32_t *other; /* who is on the other side */
	const float *rating;
	float	   *bias;			/* n, filled here */
	float	   *factors;		/* n * rank, filled here */
} BanditSide;

typedef struct BanditFactors
{
	int			rank;
	double		ridge;			/* per rating of the row; above 0 */
	double		mean;			/* of all ratings, filled here */
	BanditSide	users;
	BanditSide	items;
	void	   *scratch;		/* bd_factors_scratch(rank) bytes */
} BanditFactors;

extern size_t bd_factors_scratch(int rank);
extern void bd_factors_start(BanditFactors *model, uint64_t seed);
extern void bd_factors_solve(const BanditFactors *model, BanditSide *side,
							 int row);
extern void bd_factors_user_bias(const BanditFactors *model, BanditSide *side,
								 int row);
extern float bd_dot(const float *a, const float *b, int n);

#endif							/* BANDIT_FACTORISE_H */
