/*-------------------------------------------------------------------------
 *
 * odds.c
 *		How probable a policy's choices are.
 *
 * The exact probability that an arm is in a list of k, or has a place in it,
 * under the procedure of select.c, given the posteriors and the floors:
 *
 *	  thompson		by the draws' densities (propensity.c)
 *	  top_two		the same, but for one place
 *					p(i) / 2 + sum over j != i of p(j) / 2 p(i) / (1 - p(j))
 *					with thompson's p (Russo 2016): the leader or a challenger
 *	  uniform		equal shares
 *	  the others	by scores (ranking_scores.c), ties shared
 *
 * One place is named by floor f(i) or filled by the order:
 * f(i) + (1 - sum f) p(i).  Lists: ranking_floors.c.
 *
 * src/odds.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "miscadmin.h"
#include "odds.h"
#include "propensity.h"
#include "utils/memutils.h"

/* Densities are kept from one pass to the next up to this much memory. */
#define KEEP_BYTES (32.0 * 1024 * 1024)

/* Counting with floors may take this many steps of work, 40 MB at most. */
#define MOST_STEPS 1e6

/* When all others together are less probable than this, means decide. */
#define HOPELESS 1e-13

static bool floors_needed(const Odds *odds);
static bool all_alike(const Odds *odds);
static void look_up(void);
static void add_draws(const Odds *odds, BanditRanking *ranking);
static void add_scores(const Odds *odds, BanditRanking *ranking);
static void equal_arms(const Odds *odds, double *result);
static void challenge(const Odds *odds, double *result);
static void shares_of_others(const double *odds, const double *alphas,
							 const double *betas, int n, int leader,
							 double *shares);

/* Do floors change how places are counted? */
static bool
floors_needed(const Odds *odds)
{
	double		sum = 0;

	for (int i = 0; odds->floors != NULL && i < odds->n; i++)
		sum += odds->floors[i];
	return sum > 0 && odds->k > 1;
}

/* Does the policy see no difference between the arms? */
static bool
all_alike(const Odds *odds)
{
	for (int i = 1; i < odds->n; i++)
	{
		if (odds->policy != BANDIT_UNIFORM &&
			(odds->alphas[i] != odds->alphas[0] ||
			 odds->betas[i] != odds->betas[0]))
			return false;
		if (odds->floors != NULL && odds->floors[i] != odds->floors[0])
			return false;
	}
	return true;
}

static void
look_up(void)
{
	CHECK_FOR_INTERRUPTS();
}

/*
 * bd_odds_possible
 *		Is it small enough to be computed?  Only long lists with floors are
 *		not: (n + 4) k (k + 1) is a million at most.
 */
bool
bd_odds_possible(const Odds *odds)
{
	return !floors_needed(odds) || all_alike(odds) ||
		(odds->n + 4.0) * odds->k * (odds->k + 1) <= MOST_STEPS;
}

/*
 * bd_odds
 *		n by k numbers by rank, arm by arm, otherwise n; palloc'd.
 */
double *
bd_odds(const Odds *odds)
{
	Size		width = odds->by_rank ? odds->k : 1;
	double	   *result = MemoryContextAllocHuge(CurrentMemoryContext,
												sizeof(double) * odds->n * width);
	BanditRanking ranking = {
		.n = odds->n, .k = odds->k, .by_rank = odds->by_rank
	};
	double		nobody = 1;

	if (all_alike(odds) || (odds->k == odds->n && !odds->by_rank))
	{
		for (Size i = 0; i < odds->n * width; i++)
			result[i] = (odds->by_rank ? 1.0 : odds->k) / odds->n;
		return result;
	}
	ranking.result = result;
	ranking.pause = look_up;
	if (floors_needed(odds))
		ranking.floors = odds->floors;
	ranking.work = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(double) *
										  (Size) bd_ranking_doubles(odds->n, odds->k,
																	ranking.floors != NULL));
	bd_ranking_start(&ranking);
	if (bd_policy_draws(odds->policy) && odds->policy != BANDIT_UNIFORM)
		add_draws(odds, &ranking);
	else
		add_scores(odds, &ranking);
	bd_ranking_finish(&ranking);
	pfree(ranking.work);
	equal_arms(odds, result);

	if (odds->policy == BANDIT_TOP_TWO && odds->k == 1 && odds->n > 1)
		challenge(odds, result);
	if (odds->floors != NULL && odds->k == 1)
	{
		for (int i = 0; i < odds->n; i++)
			nobody -= odds->floors[i];
		for (int i = 0; i < odds->n; i++)
			result[i] = odds->floors[i] + Max(nobody, 0) * result[i];
	}
	return result;
}

/* By the densities of draws. */
static void
add_draws(const Odds *odds, BanditRanking *ranking)
{
	int			n = odds->n;
	BanditPropensity work = {.n = n, .ranking = ranking};
	double		kept;

	work.curves = palloc(sizeof(BanditCurve) * n);
	work.edges = palloc(sizeof(double) * bd_propensity_edges(n));
	work.mass = palloc(sizeof(double) * n * BANDIT_NODES);
	work.below = palloc(sizeof(double) * n * BANDIT_NODES);
	work.active = palloc(sizeof(int) * n);
	work.above = palloc(sizeof(bool) * n);
	bd_propensity_start(&work, odds->alphas, odds->betas);

	kept = (double) sizeof(double) * work.npanels * n * BANDIT_NODES;
	if (kept <= KEEP_BYTES)
		work.kept = palloc((Size) kept);
	for (int panel = 0; panel < work.npanels; panel++)
	{
		CHECK_FOR_INTERRUPTS();
		bd_propensity_measure(&work, panel);
	}
	for (int panel = 0; panel < work.npanels; panel++)
	{
		CHECK_FOR_INTERRUPTS();
		bd_propensity_add(&work, panel);
	}
	if (work.kept != NULL)
		pfree(work.kept);
	pfree(work.curves);
	pfree(work.edges);
	pfree(work.mass);
	pfree(work.below);
	pfree(work.active);
	pfree(work.above);
}

/* By scores; equal ones for uniform. */
static void
add_scores(const Odds *odds, BanditRanking *ranking)
{
	int			n = odds->n;
	double	   *scores = palloc(sizeof(double) * n);
	int		   *group = palloc(sizeof(int) * n);
	bool	   *above = palloc(sizeof(bool) * n);
	double	   *points = palloc(sizeof(double) * 2 * n * BANDIT_LANES);
	double		total = 0;

	for (int i = 0; i < n; i++)
		total += odds->alphas[i] + odds->betas[i];
	for (int i = 0; i < n; i++)
		scores[i] = odds->policy == BANDIT_UNIFORM ? 0 :
			bd_policy_score(odds->policy, odds->alphas[i], odds->betas[i], total);
	bd_ranking_scores(ranking, scores, group, above, points);
	pfree(scores);
	pfree(group);
	pfree(above);
	pfree(points);
}

/* Equal arms are equally probable, to the last bit. */
static void
equal_arms(const Odds *odds, double *result)
{
	Size		width = odds->by_rank ? odds->k : 1;

	for (int i = 1; i < odds->n; i++)
		for (int j = 0; j < i; j++)
			if (odds->alphas[i] == odds->alphas[j] &&
				odds->betas[i] == odds->betas[j] &&
				(odds->floors == NULL || odds->floors[i] == odds->floors[j]))
			{
				memcpy(result + i * width, result + j * width,
					   sizeof(double) * width);
				break;
			}
}

/* From thompson's odds of one place to top_two's. */
static void
challenge(const Odds *odds, double *result)
{
	int			n = odds->n;
	double	   *shares = palloc(sizeof(double) * n);
	double	   *sums = palloc0(sizeof(double) * n);

	for (int leader = 0; leader < n; leader++)
	{
		shares_of_others(result, odds->alphas, odds->betas, n, leader, shares);
		for (int i = 0; i < n; i++)
			sums[i] += result[leader] * shares[i];
	}
	for (int i = 0; i < n; i++)
		result[i] = (result[i] + sums[i]) / 2;
	pfree(shares);
	pfree(sums);
}

/*
 * shares_of_others
 *		How probable each arm is to have the largest draw, given that the
 *		leader has not: by the odds, unless they are all too small to be told
 *		apart; then the largest mean.
 */
static void
shares_of_others(const double *odds, const double *alphas,
				 const double *betas, int n, int leader, double *shares)
{
	double		sum = 0;
	double		best = 0;

	for (int i = 0; i < n; i++)
	{
		shares[i] = i == leader ? 0 : odds[i];
		sum += shares[i];
	}
	if (sum < HOPELESS)
	{
		sum = 0;
		for (int i = 0; i < n; i++)
			if (i != leader)
				best = Max(best, alphas[i] / (alphas[i] + betas[i]));
		for (int i = 0; i < n; i++)
		{
			shares[i] = i != leader && alphas[i] / (alphas[i] + betas[i]) == best;
			sum += shares[i];
		}
	}
	for (int i = 0; i < n; i++)
		shares[i] /= sum;
}

/*
 * bd_challengers
 *		top_two's challenger: how probable each arm is, given the leader, if
 *		one draws until another arm has the largest draw.  palloc'd.
 */
double *
bd_challengers(const double *alphas, const double *betas, int n, int leader)
{
	Odds		odds = {BANDIT_THOMPSON, n, 1, false, alphas, betas, NULL};
	double	   *shares = palloc(sizeof(double) * n);
	double	   *result = bd_odds(&odds);

	shares_of_others(result, alphas, betas, n, leader, shares);
	pfree(result);
	return shares;
}
