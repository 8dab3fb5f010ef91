/*-------------------------------------------------------------------------
 *
 * ranking_scores.c
 *		How probable each rank is where arms are ordered by scores.
 *
 * Whoever has the larger score is above.  Arms of equal scores are ordered
 * at random, as if by a uniform number each: without floors they share the
 * places that are left, with floors one integrates over that number.
 *
 * src/ranking_scores.c
 *
 *-------------------------------------------------------------------------
 */
#include "ranking.h"

#include <string.h>

#include "quadrature.h"

#define LANES BANDIT_LANES
#define NODES BANDIT_NODES

/* Arms of equal scores to a panel: the integrand's degree grows with them. */
#define PANEL_ARMS 6

typedef BanditRanking Ranking;

static void share_places(Ranking *ranking, const int *group, int ngroup,
						 int first);
static void add_group(Ranking *ranking, int ngroup, double *mass,
					  double *below);

/*
 * bd_ranking_scores
 *		Add the arms in the order of their scores, after bd_ranking_start and
 *		before bd_ranking_finish.
 *
 * "group" and "above" hold n elements, "points" 2 * n * BANDIT_LANES.
 */
void
bd_ranking_scores(Ranking *ranking, const double *scores, int *group,
				  bool *above, double *points)
{
	int			n = ranking->n;
	int			first = 0;		/* arms with larger scores */

	memset(above, 0, sizeof(bool) * n);
	while (first < ranking->k)
	{
		int			ngroup = 0;

		/* the largest score of those that are not above */
		for (int i = 0; i < n; i++)
		{
			if (above[i] || (ngroup > 0 && scores[i] < scores[group[0]]))
				continue;
			if (ngroup > 0 && scores[i] > scores[group[0]])
				ngroup = 0;
			group[ngroup++] = i;
		}
		if (ranking->floors == NULL)
			share_places(ranking, group, ngroup, first);
		else if (bd_ranking_panel(ranking, group, ngroup, above))
			add_group(ranking, ngroup, points, points + (size_t) n * LANES);
		for (int i = 0; i < ngroup; i++)
			above[group[i]] = true;
		first += ngroup;
	}
}

/* The arms of a group have the same share of each of its places. */
static void
share_places(Ranking *ranking, const int *group, int ngroup, int first)
{
	int			last = first + ngroup < ranking->k ? first + ngroup : ranking->k;

	for (int i = 0; i < ngroup; i++)
		for (int r = first; r < last; r++)
			if (ranking->by_rank)
				ranking->result[(size_t) group[i] * ranking->k + r] = 1.0 / ngroup;
			else
				ranking->result[group[i]] = (double) (last - first) / ngroup;
}

/*
 * add_group
 *		Integrate over the number that orders the arms of a group.
 *
 * A polynomial of degree ngroup - 1 at most, so few panels are exact.
 */
static void
add_group(Ranking *ranking, int ngroup, double *mass, double *below)
{
	const BanditRule *rule = bd_quadrature();
	int			npanels = (ngroup + PANEL_ARMS - 1) / PANEL_ARMS;

	for (int point = 0; point < npanels * NODES; point += LANES)
	{
		for (int l = 0; l < LANES; l++)
		{
			int			panel = (point + l) / NODES;
			int			node = (point + l) % NODES;
			double		u = (panel + (1 + rule->x[node]) / 2) / npanels;

			for (int a = 0; a < ngroup; a++)
			{
				mass[a * LANES + l] = rule->w[node] / 2 / npanels;
				below[a * LANES + l] = u;
			}
		}
		bd_ranking_add(ranking, mass, below);
	}
}
