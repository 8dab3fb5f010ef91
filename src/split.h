/*-------------------------------------------------------------------------
 *
 * split.h
 *		Ratings apart: what is learnt from, and what it is tested on.
 *
 * src/split.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_SPLIT_H
#define BANDIT_SPLIT_H

#include "ratings.h"

/* User u's tests are test_start[u] .. test_start[u + 1] - 1. */
typedef struct RatingSplit
{
	RatingTable *train;
	int64	   *test_start;
	int64	   *test_ids;		/* by test: the item's id */
	float	   *test_values;
} RatingSplit;

extern void bd_ratings_split(RatingTable *all, double share,
							 RatingSplit *split);

#endif							/* BANDIT_SPLIT_H */
