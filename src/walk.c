/*-------------------------------------------------------------------------
 *
 * walk.c
 *		Random walks with restart over an undirected graph.
 *
 * How often a walk is at each node that goes to a random neighbour, or, with
 * probability "restart", back to where it began (personalised PageRank: Page
 * et al. 1999, Haveliwala 2002; ItemRank: Gori and Pucci 2007; methods 16.3).
 *
 * By forward push (Andersen, Chung and Lang 2006): what waits at a node is
 * partly reached and partly handed on to its neighbours, until less than
 * precision * degree waits at any.  So a node's error is below precision *
 * degree, and no more than 1 / (restart * precision) edges are gone along,
 * however large the graph is.  Power iteration would go along all edges, some
 * ten times over, for each list.
 *
 * First come, first served: the same graph gives the same numbers.
 *
 * src/walk.c
 *
 *-------------------------------------------------------------------------
 */
#include "walk.h"

#include <stddef.h>

static int	degree(const BanditWalk *walk, int node);
static const int32_t *neighbours(const BanditWalk *walk, int node);

static int
degree(const BanditWalk *walk, int node)
{
	if (node == walk->own)
		return walk->nown;
	return walk->graph->start[node + 1] - walk->graph->start[node];
}

static const int32_t *
neighbours(const BanditWalk *walk, int node)
{
	if (node == walk->own)
		return walk->own_to;
	return walk->graph->to + walk->graph->start[node];
}

/*
 * bd_walk_put
 *		Let some of the walks begin at a node, or come by it.
 */
void
bd_walk_put(BanditWalk *walk, int node, double mass)
{
	int			room = walk->graph->n + 1;
	int			last;

	walk->waiting[node] += mass;
	if (walk->queued[node] ||
		walk->waiting[node] < walk->precision * degree(walk, node))
		return;
	last = walk->first + walk->nqueued;
	walk->queue[last < room ? last : last - room] = node;
	walk->queued[node] = 1;
	walk->nqueued++;
}

/*
 * bd_walk_run
 *		Go on for about "nsteps" edges; true when there is nothing left to do.
 *
 * Walks do not go back to where they began by themselves: a restart ends
 * them, and as many begin as were put.  So "reached" sums to what was put.
 */
bool
bd_walk_run(BanditWalk *walk, int64_t nsteps)
{
	int			room = walk->graph->n + 1;

	while (walk->nqueued > 0 && nsteps > 0)
	{
		int			node = walk->queue[walk->first];
		int			n = degree(walk, node);
		const		int32_t *to = neighbours(walk, node);
		double		mass = walk->waiting[node];
		double		each;

		walk->first = walk->first + 1 < room ? walk->first + 1 : 0;
		walk->nqueued--;
		walk->queued[node] = 0;
		walk->waiting[node] = 0;
		if (n == 0)
		{
			walk->reached[node] += mass;
			continue;
		}
		walk->reached[node] += walk->restart * mass;
		each = (1 - walk->restart) * mass / n;
		for (int i = 0; i < n; i++)
			bd_walk_put(walk, to[i], each);
		nsteps -= n;
	}
	return walk->nqueued == 0;
}
