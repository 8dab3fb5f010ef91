/*-------------------------------------------------------------------------
 *
 * walk.h
 *		Random walks with restart over an undirected graph.
 *
 * Pure: memory is the caller's, no server, no errors.
 *
 * src/walk.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_WALK_H
#define BANDIT_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Node v's neighbours are to[start[v]] .. to[start[v + 1] - 1]. */
typedef struct BanditGraph
{
	int			n;				/* nodes */
	const		int32_t *start; /* n + 1 */
	const		int32_t *to;
} BanditGraph;

/*
 * A walk.  One node's edges may be others than the graph's: "own", which may
 * also be n, a node that no edge leads to.
 */
typedef struct BanditWalk
{
	const BanditGraph *graph;
	double		restart;		/* probability to go back, in each step */
	double		precision;		/* error at a node, by its degree */
	int			own;
	int			nown;
	const		int32_t *own_to;

	/* n + 1 each, all zero at first; the result is "reached" */
	double	   *reached;
	double	   *waiting;
	int32_t    *queue;
	uint8_t    *queued;
	int			first;			/* of the queue, a ring */
	int			nqueued;
} BanditWalk;

extern void bd_walk_put(BanditWalk *walk, int node, double mass);
extern bool bd_walk_run(BanditWalk *walk, int64_t nsteps);

#endif							/* BANDIT_WALK_H */
