/*-------------------------------------------------------------------------
 *
 * ranking.c
 *		Propensities against enumeration, and of extreme arms.
 *
 * test/unit/ranking.c
 *
 *-------------------------------------------------------------------------
 */
#include "propensity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MOST 12

static const double alike[] = {1, 1, 1, 1, 1};
static const double floors[] = {0.05, 0.2, 0, 0.1, 0.15};
static double work[100000];

/*
 * How a list is made (select.c), written down once more: "order" best first,
 * "named" an arm for each place, or n for nobody.
 */
static void
make_list(const int *order, const int *named, int n, int k, int *list)
{
	bool		placed[MOST] = {false};

	for (int rank = 0; rank < k; rank++)
	{
		int			best = 0;

		while (placed[order[best]])
			best++;
		list[rank] = named[rank] < n && !placed[named[rank]] ? named[rank] :
			order[best];
		placed[list[rank]] = true;
	}
}

/* Every way to name arms, each with its probability. */
static void
enumerate_names(const int *order, int n, int k, double share, double *result)
{
	int			ways = (int) pow(n + 1, k);
	int			named[MOST];
	int			list[MOST];

	for (int way = 0; way < ways; way++)
	{
		double		p = share;
		int			rest = way;

		for (int rank = 0; rank < k; rank++)
		{
			double		nobody = 1;

			for (int i = 0; i < n; i++)
				nobody -= floors[i];
			named[rank] = rest % (n + 1);
			rest /= n + 1;
			p *= named[rank] < n ? floors[named[rank]] : nobody;
		}
		make_list(order, named, n, k, list);
		for (int rank = 0; rank < k; rank++)
			result[list[rank] * k + rank] += p;
	}
}

/* Every order of the arms that the scores allow. */
static void
enumerate(const double *scores, int *order, int placed, int n, int k,
		  double *result, int *norders)
{
	if (placed == n)
	{
		enumerate_names(order, n, k, 1, result);
		(*norders)++;
		return;
	}
	for (int i = 0; i < n; i++)
	{
		bool		next = true;

		for (int j = 0; j < placed; j++)
			next = next && order[j] != i;
		for (int j = 0; next && j < n; j++)
		{
			bool		before = false;

			for (int l = 0; l < placed; l++)
				before = before || order[l] == j;
			next = before || scores[j] <= scores[i];
		}
		if (!next)
			continue;
		order[placed] = i;
		enumerate(scores, order, placed + 1, n, k, result, norders);
	}
}

static void
by_scores(const double *scores, int n, int k, bool by_rank, const double *f,
		  double *result)
{
	BanditRanking ranking = {
		.n = n, .k = k, .by_rank = by_rank, .floors = f, .work = work,
		.result = result
	};
	int			group[MOST];
	bool		above[MOST];
	double		points[2 * MOST * BANDIT_LANES];

	bd_ranking_start(&ranking);
	bd_ranking_scores(&ranking, scores, group, above, points);
	bd_ranking_finish(&ranking);
}

static void
by_draws(const double *alphas, const double *betas, int n, int k,
		 bool by_rank, const double *f, double *result)
{
	BanditRanking ranking = {
		.n = n, .k = k, .by_rank = by_rank, .floors = f, .work = work,
		.result = result
	};
	BanditCurve curves[MOST];
	double		mass[MOST * BANDIT_NODES];
	double		below[MOST * BANDIT_NODES];
	int			active[MOST];
	bool		above[MOST];
	BanditPropensity quadrature = {
		.n = n, .ranking = &ranking, .curves = curves
	};

	quadrature.edges = malloc(sizeof(double) * bd_propensity_edges(n));
	quadrature.mass = mass;
	quadrature.below = below;
	quadrature.active = active;
	quadrature.above = above;
	bd_propensity_start(&quadrature, alphas, betas);
	for (int panel = 0; panel < quadrature.npanels; panel++)
		bd_propensity_measure(&quadrature, panel);
	for (int panel = 0; panel < quadrature.npanels; panel++)
		bd_propensity_add(&quadrature, panel);
	bd_ranking_finish(&ranking);
	free(quadrature.edges);
}

static double
largest_difference(const double *a, const double *b, int n)
{
	double		largest = 0;

	for (int i = 0; i < n; i++)
		if (!(fabs(a[i] - b[i]) <= largest))
			largest = fabs(a[i] - b[i]);
	return largest;
}

static void
test_scores(void)
{
	static const double scores[][5] = {
		{5, 4, 3, 2, 1}, {1, 2, 3, 4, 5}, {2, 2, 1, 1, 1}, {1, 1, 1, 1, 1},
		{1, 3, 2, 3, 1}, {2, 1, 2, 1, 2}
	};
	double		ranks = 0;
	double		lists = 0;
	double		plain = 0;

	for (int c = 0; c < 6; c++)
		for (int n = 1; n <= 5; n++)
			for (int k = 1; k <= n; k++)
			{
				double		wanted[25] = {0};
				double		got[25];
				double		list[5];
				double		none[25];
				int			order[5];
				int			norders = 0;

				enumerate(scores[c], order, 0, n, k, wanted, &norders);
				for (int i = 0; i < n * k; i++)
					wanted[i] /= norders;
				by_scores(scores[c], n, k, true, floors, got);
				ranks = fmax(ranks, largest_difference(wanted, got, n * k));
				by_scores(scores[c], n, k, false, floors, got);
				for (int i = 0; i < n; i++)
				{
					list[i] = 0;
					for (int r = 0; r < k; r++)
						list[i] += wanted[i * k + r];
				}
				lists = fmax(lists, largest_difference(list, got, n));

				/* without floors: as with floors of 0 */
				by_scores(scores[c], n, k, true, NULL, got);
				memset(wanted, 0, sizeof(wanted));
				by_scores(scores[c], n, k, true, wanted, none);
				plain = fmax(plain, largest_difference(none, got, n * k));
			}
	ok(ranks < 1e-12, "ranks by scores with floors agree with enumeration");
	ok(lists < 1e-12, "so do lists");
	ok(plain < 1e-13, "ties share the places that are left");
}

/* Draws of equal arms are in any order, as equal scores are. */
static void
test_draws(void)
{
	static const double few[] = {0.3, 0.3, 0.3, 0.3, 0.3};
	double		worst = 0;
	double		sums = 0;

	for (int k = 1; k <= 5; k++)
	{
		double		wanted[25];
		double		got[25];

		by_scores(alike, 5, k, true, floors, wanted);
		by_draws(alike, alike, 5, k, true, floors, got);
		worst = fmax(worst, largest_difference(wanted, got, 5 * k));
		by_draws(few, alike, 5, k, true, floors, got);
		worst = fmax(worst, largest_difference(wanted, got, 5 * k));
		by_draws(few, alike, 5, k, false, floors, wanted);
		for (int i = 0; i < 5; i++)
			for (int r = 0; r < k; r++)
				wanted[i] -= got[i * k + r];
		for (int i = 0; i < 5; i++)
			sums = fmax(sums, fabs(wanted[i]));
	}
	ok(worst < 1e-10, "ranks by draws with floors agree with them");
	ok(sums < 1e-12, "and add up to the lists");
}

/* One place: floor + (1 - sum of floors) times the odds without. */
static void
test_one_place(void)
{
	static const double alphas[] = {15, 20, 10, 3, 7};
	static const double betas[] = {5, 8, 12, 4, 2};
	double		plain[5];
	double		got[5];

	by_draws(alphas, betas, 5, 1, false, NULL, plain);
	by_draws(alphas, betas, 5, 1, false, floors, got);
	for (int i = 0; i < 5; i++)
		plain[i] = floors[i] + 0.5 * plain[i];
	ok(largest_difference(plain, got, 5) < 1e-13, "one place is mixed with its floors");
}

/* Whatever the shapes, probabilities, and no NaN. */
static void
test_extremes(void)
{
	static const double shapes[] = {1e-300, 1e-3, 1, 1e8, 1e30, 1e308};
	int			failed = 0;
	double		result[3];

	for (int c = 0; c < 46656; c++)
	{
		double		alphas[3];
		double		betas[3];
		double		sum = 0;
		int			rest = c;

		for (int i = 0; i < 3; i++)
		{
			alphas[i] = shapes[rest % 6];
			betas[i] = shapes[rest / 6 % 6];
			rest /= 36;
		}
		if (c % 7 != 0)
			continue;
		by_draws(alphas, betas, 3, 1 + c % 2, false, NULL, result);
		for (int i = 0; i < 3; i++)
			sum += result[i];
		failed += !(fabs(sum - 1 - c % 2) < 1e-9);
	}
	ok(failed == 0, "extreme shapes have propensities that add up");
}

static void
test_poisson_binomial(void)
{
	static const double p[] = {0.5, 0.25, 1};
	double		pmf[4];

	bd_poisson_binomial(p, 3, pmf);
	ok(pmf[0] == 0 && pmf[1] == 0.375 && pmf[2] == 0.5 && pmf[3] == 0.125,
	   "the Poisson-binomial distribution of three trials");
	bd_poisson_binomial(p, 0, pmf);
	ok(pmf[0] == 1, "and of none");
}

int
main(void)
{
	test_scores();
	test_draws();
	test_one_place();
	test_extremes();
	test_poisson_binomial();
	return done();
}
