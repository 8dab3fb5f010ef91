/*-------------------------------------------------------------------------
 *
 * ranking.c
 *		How probable it is to be among the first k, counting the others.
 *
 * Of the arms around a point, each is below it with a probability of its
 * own.  How many are above is a Poisson-binomial variable (Hong 2013): its
 * distribution is built arm by arm.  "All but this one" is the arms before
 * it times the arms after it, so everything that is added is positive and
 * nothing cancels.
 *
 * src/ranking.c
 *
 *-------------------------------------------------------------------------
 */
#include "ranking.h"

#include <string.h>

#define LANES BANDIT_LANES

typedef BanditRanking Ranking;

static void count_one(double *next, const double *counts, int depth,
					  const double *below);
static void add_ranks(Ranking *ranking, int active, const double *suffix,
					  const double *mass);
static void add_top(Ranking *ranking, int active, const double *suffix,
					double *at_most, const double *mass);

/*
 * bd_ranking_doubles
 *		How large "work" has to be, in doubles; more than memory holds if
 *		n, k and floors ask for too much.
 */
double
bd_ranking_doubles(int n, int k, bool floors)
{
	double		one = (double) LANES * k * (floors ? k + 1 : 1);

	return one * (n + 4.0) + (floors ? (n + 3.0) * (k + 1) : 0);
}

/*
 * bd_ranking_start
 *		Begin with nothing added; the caller has filled in everything above
 *		"active".
 */
void
bd_ranking_start(Ranking *ranking)
{
	memset(ranking->result, 0, sizeof(double) * ranking->n *
		   (ranking->by_rank ? ranking->k : 1));
	if (ranking->floors != NULL)
		bd_floors_start(ranking);
}

/*
 * bd_ranking_panel
 *		Go to other points: which arms are active there; false if none of
 *		them can be among the first k, so that nothing needs to be added.
 *
 * The others are above where "above" (n) says so, and below otherwise.
 * "active" is used until the next call.
 */
bool
bd_ranking_panel(Ranking *ranking, const int *active, int nactive,
				 const bool *above)
{
	ranking->active = active;
	ranking->nactive = nactive;
	ranking->depth = ranking->k;
	for (int i = 0; i < ranking->n; i++)
		ranking->depth -= above[i];
	if (ranking->depth <= 0 || nactive == 0)
		return false;
	if (ranking->floors != NULL)
		bd_floors_panel(ranking, above);
	return true;
}

/*
 * bd_ranking_add
 *		Add LANES points: the probability of an active arm to be there
 *		("mass"), and of being below it, nactive * LANES of each.
 */
void
bd_ranking_add(Ranking *ranking, const double *mass, const double *below)
{
	int			width = ranking->depth * LANES;
	double	   *suffix = ranking->work;
	double	   *at_most = suffix + width;
	double	   *prefix = at_most + width;

	if (ranking->floors != NULL)
	{
		bd_floors_add(ranking, mass, below);
		return;
	}
	memset(suffix, 0, sizeof(double) * width);
	memset(prefix, 0, sizeof(double) * width);
	for (int l = 0; l < LANES; l++)
		suffix[l] = prefix[l] = 1;
	for (int a = 0; a < ranking->nactive - 1; a++)
		count_one(prefix + (size_t) (a + 1) * width,
				  prefix + (size_t) a * width, ranking->depth,
				  below + a * LANES);
	for (int a = ranking->nactive - 1; a >= 0; a--)
	{
		if (ranking->by_rank)
			add_ranks(ranking, a, suffix, mass + a * LANES);
		else
			add_top(ranking, a, suffix, at_most, mass + a * LANES);
		count_one(suffix, suffix, ranking->depth, below + a * LANES);
	}
}

/*
 * bd_ranking_finish
 *		Everything was added.
 */
void
bd_ranking_finish(Ranking *ranking)
{
	if (ranking->floors != NULL)
		bd_floors_finish(ranking);
}

/* One more arm among those counted; "next" may be "counts". */
static void
count_one(double *next, const double *counts, int depth, const double *below)
{
	for (int t = depth - 1; t > 0; t--)
		for (int l = 0; l < LANES; l++)
			next[t * LANES + l] = counts[t * LANES + l] * below[l] +
				counts[(t - 1) * LANES + l] * (1 - below[l]);
	for (int l = 0; l < LANES; l++)
		next[l] = counts[l] * below[l];
}

/*
 * add_ranks
 *		The points' part in the probability of every rank of an arm: so many
 *		before it and after it are above.
 */
static void
add_ranks(Ranking *ranking, int active, const double *suffix,
		  const double *mass)
{
	int			depth = ranking->depth;
	const double *prefix = ranking->work + (size_t) (2 + active) * depth * LANES;
	double	   *result = ranking->result +
	(size_t) ranking->active[active] * ranking->k + ranking->k - depth;

	for (int r = 0; r < depth; r++)
	{
		double		sum[LANES] = {0};

		for (int t = 0; t <= r; t++)
			for (int l = 0; l < LANES; l++)
				sum[l] += prefix[t * LANES + l] * suffix[(r - t) * LANES + l];
		for (int l = 0; l < LANES; l++)
			result[r] += mass[l] * sum[l];
	}
}

/*
 * add_top
 *		The points' part in the probability of being among the first k.
 *
 * Running sums of the suffix save a factor of k over the ranks.
 */
static void
add_top(Ranking *ranking, int active, const double *suffix, double *at_most,
		const double *mass)
{
	int			depth = ranking->depth;
	const double *prefix = ranking->work + (size_t) (2 + active) * depth * LANES;
	double		sum[LANES] = {0};

	for (int l = 0; l < LANES; l++)
		at_most[l] = suffix[l];
	for (int i = LANES; i < depth * LANES; i++)
		at_most[i] = at_most[i - LANES] + suffix[i];
	for (int t = 0; t < depth; t++)
		for (int l = 0; l < LANES; l++)
			sum[l] += prefix[t * LANES + l] *
				at_most[(depth - 1 - t) * LANES + l];
	for (int l = 0; l < LANES; l++)
		ranking->result[ranking->active[active]] += mass[l] * sum[l];
}

/*
 * bd_poisson_binomial
 *		How probable 0 .. n successes are, of n trials (n + 1 numbers).
 */
void
bd_poisson_binomial(const double *probabilities, int n, double *pmf)
{
	pmf[0] = 1;
	for (int i = 0; i < n; i++)
	{
		double		p = probabilities[i];

		pmf[i + 1] = pmf[i] * p;
		for (int t = i; t > 0; t--)
			pmf[t] = pmf[t] * (1 - p) + pmf[t - 1] * p;
		pmf[0] *= 1 - p;
	}
}
