/*-------------------------------------------------------------------------
 *
 * neighbours.c
 *		Which items are liked by the same users.
 *
 * The similarity of two items is the cosine of their 0/1 columns:
 *
 *	  c_ij = n_ij / sqrt(n_i n_j)		for n_ij >= 2
 *
 * n_ij users have both.  Methods 16.2 would shrink it by n_ij / (n_ij + beta).
 * On MovieLens small, split by time, with the 50 nearest, recall@20 is 0.145
 * so and with beta up to 5, 0.142 with 10 (standard error 0.009): asking for
 * two common users does all that shrinkage would.
 *
 * src/neighbours.c
 *
 *-------------------------------------------------------------------------
 */
#include "neighbours.h"

#include <math.h>

#define MIN_TOGETHER 2

/*
 * bd_neighbours_transpose
 *		Fill the arrays by item from those by user.
 *
 * item_start has room for nitems + 1 entries.  An item's users come out
 * ascending.
 */
void
bd_neighbours_transpose(Interactions *interactions)
{
	const int64_t *user_start = interactions->user_start;
	int64_t    *start = interactions->item_start;

	for (int i = 0; i <= interactions->nitems; i++)
		start[i] = 0;
	for (int64_t r = 0; r < user_start[interactions->nusers]; r++)
		start[interactions->user_items[r] + 1]++;
	for (int i = 0; i < interactions->nitems; i++)
		start[i + 1] += start[i];

	/* start[i] serves as the place of i's next user, and is restored after */
	for (int u = 0; u < interactions->nusers; u++)
		for (int64_t r = user_start[u]; r < user_start[u + 1]; r++)
			interactions->item_users[start[interactions->user_items[r]]++] = u;
	for (int i = interactions->nitems; i > 0; i--)
		start[i] = start[i - 1];
	start[0] = 0;
}

/*
 * bd_neighbours_of
 *		Put the items nearest to "item" into an empty list, best first.
 *
 * Costs the sum of the lengths of its users' rows.
 */
void
bd_neighbours_of(const Interactions *interactions, int item,
				 NeighbourScratch *scratch, TopList *nearest)
{
	const int64_t *user_start = interactions->user_start;
	const int64_t *item_start = interactions->item_start;
	int32_t    *together = scratch->together;
	double		own = (double) (item_start[item + 1] - item_start[item]);
	int			ntouched = 0;

	for (int64_t u = item_start[item]; u < item_start[item + 1]; u++)
	{
		int			user = interactions->item_users[u];

		for (int64_t r = user_start[user]; r < user_start[user + 1]; r++)
		{
			int32_t		other = interactions->user_items[r];

			if (together[other]++ == 0)
				scratch->touched[ntouched++] = other;
		}
	}

	for (int t = 0; t < ntouched; t++)
	{
		int32_t		other = scratch->touched[t];
		double		both = together[other];

		together[other] = 0;
		if (other == item || both < MIN_TOGETHER)
			continue;
		bd_top_add(nearest,
				   both / sqrt(own * (double) (item_start[other + 1] -
											   item_start[other])),
				   other);
	}
	bd_top_sort(nearest);
}
