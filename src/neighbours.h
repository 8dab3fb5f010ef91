/*-------------------------------------------------------------------------
 *
 * neighbours.h
 *		Which items are liked by the same users.
 *
 * Pure: no server, no allocation, so that it runs in a unit test.
 *
 * src/neighbours.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_NEIGHBOURS_H
#define BANDIT_NEIGHBOURS_H

#include <stdint.h>

#include "top_list.h"

/*
 * Who interacted with what, by user and by item.  Row r of "x_start" holds
 * the entries x_start[r] .. x_start[r + 1] - 1.
 */
typedef struct Interactions
{
	int			nusers;
	int			nitems;
	int64_t    *user_start;
	int32_t    *user_items;
	int64_t    *item_start;
	int32_t    *item_users;
} Interactions;

/* Working memory: room for nitems each; "together" is all zero at rest. */
typedef struct NeighbourScratch
{
	int32_t    *together;
	int32_t    *touched;
} NeighbourScratch;

extern void bd_neighbours_transpose(Interactions *interactions);
extern void bd_neighbours_of(const Interactions *interactions, int item,
							 NeighbourScratch *scratch, TopList *nearest);

#endif							/* BANDIT_NEIGHBOURS_H */
