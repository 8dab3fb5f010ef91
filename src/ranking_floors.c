/*-------------------------------------------------------------------------
 *
 * ranking_floors.c
 *		How probable it is to be among the first k, where floors name arms.
 *
 * A list is filled place by place.  A place names arm j with probability
 * f(j), or nobody; an arm that is named and not yet in the list takes the
 * place, otherwise the best that is not yet in it does.  So a list of k holds
 * the set X of all arms named in k trials, and the best k - |X| of the
 * others.  With N(y) the arms outside X that are above y,
 *
 *		P(i in the list) = 1 - (1 - f(i))^k + P(i not in X, |X| + N <= k - 1)
 *
 * and the second term comes from the multinomial trials' exponential
 * generating function: the coefficient of z^k, times k!, of
 *
 *		exp((1 - sum f) z) prod over j != i of
 *			(below(j) + (above(j) + exp(f(j) z) - 1) v)
 *
 * summed over the powers of v up to k - 1, v counting X and N.  The first r
 * places are distributed as a list of r; ranks are differences.
 *
 * Polynomials in v and z are kept as counts[v][s], LANES points at once, with
 * z = k w in place of z so that no coefficient is out of range.
 *
 * src/ranking_floors.c
 *
 *-------------------------------------------------------------------------
 */
#include "ranking.h"

#include <math.h>
#include <string.h>

#define LANES BANDIT_LANES

typedef BanditRanking Ranking;

/* Where things are in "work": named powers, then polynomials. */
#define POWERS(r, i) ((r)->work + (size_t) (i) * ((r)->k + 1))
#define FACTORIALS(r) POWERS(r, (r)->n)
#define OUTSIDE(r) POWERS(r, (r)->n + 1)
#define POLYNOMIAL(r, i) \
	(POWERS(r, (r)->n + 3) + (size_t) (i) * (r)->k * ((r)->k + 1) * LANES)
#define SUFFIX 0
#define AT_MOST 1
#define START 2
#define PREFIX 3

static void exponential(double *powers, int k, double rate);
static void name_one(Ranking *ranking, double *next, const double *counts,
					 int arm, const double *below);
static void add_list(Ranking *ranking, int active, int r,
					 const double *mass);

/* Coefficients of exp(rate w). */
static void
exponential(double *powers, int k, double rate)
{
	powers[0] = 1;
	for (int s = 1; s <= k; s++)
		powers[s] = powers[s - 1] * rate / s;
}

/*
 * bd_floors_start
 *		What does not change from point to point.
 */
void
bd_floors_start(Ranking *ranking)
{
	double	   *factorials = FACTORIALS(ranking);

	/* s! / k^s turns a coefficient of w^s into a probability */
	factorials[0] = 1;
	for (int s = 1; s <= ranking->k; s++)
		factorials[s] = factorials[s - 1] * s / ranking->k;
	for (int i = 0; i < ranking->n; i++)
		exponential(POWERS(ranking, i), ranking->k,
					ranking->floors[i] * ranking->k);
}

/*
 * bd_floors_panel
 *		What the arms that are not active contribute: those above count
 *		whether they are named or not, those below only if they are.
 */
void
bd_floors_panel(Ranking *ranking, const bool *above)
{
	static const double all_below[LANES] = {1, 1, 1, 1};
	double	   *start = POLYNOMIAL(ranking, START);
	double	   *outside = OUTSIDE(ranking);
	double		nobody = 1;
	int			next = 0;
	int			s_count = ranking->k + 1;

	for (int i = 0; i < ranking->n; i++)
		if (!above[i])
			nobody -= ranking->floors[i];
	exponential(outside, ranking->k, fmax(nobody, 0) * ranking->k);
	memset(start, 0, sizeof(double) * ranking->depth * s_count * LANES);
	for (int s = 0; s < s_count; s++)
		for (int l = 0; l < LANES; l++)
			start[s * LANES + l] = outside[s];
	for (int i = 0; i < ranking->n; i++)
	{
		if (next < ranking->nactive && ranking->active[next] == i)
			next++;
		else if (!above[i] && ranking->floors[i] > 0)
			name_one(ranking, start, start, i, all_below);
	}
}

/*
 * name_one
 *		One more arm among those counted; "next" may be "counts".
 */
static void
name_one(Ranking *ranking, double *next, const double *counts, int arm,
		 const double *below)
{
	const double *powers = POWERS(ranking, arm);
	int			row = (ranking->k + 1) * LANES;

	for (int v = ranking->depth - 1; v >= 0; v--)
		for (int s = ranking->k; s >= 0; s--)
		{
			const double *same = counts + v * row + s * LANES;
			const double *fewer = same - row;
			double		sum[LANES];

			for (int l = 0; l < LANES; l++)
				sum[l] = same[l] * below[l];
			for (int l = 0; v > 0 && l < LANES; l++)
				sum[l] += fewer[l] * (1 - below[l]);
			if (v > 0 && ranking->floors[arm] > 0)
				for (int b = 1; b <= s; b++)
					for (int l = 0; l < LANES; l++)
						sum[l] += fewer[l - b * LANES] * powers[b];
			memcpy(next + v * row + s * LANES, sum, sizeof(sum));
		}
}

/*
 * bd_floors_add
 *		bd_ranking_add, with floors.
 */
void
bd_floors_add(Ranking *ranking, const double *mass, const double *below)
{
	double	   *suffix = POLYNOMIAL(ranking, SUFFIX);
	double	   *at_most = POLYNOMIAL(ranking, AT_MOST);
	int			row = (ranking->k + 1) * LANES;
	size_t		size = sizeof(double) * ranking->depth * row;

	memcpy(POLYNOMIAL(ranking, PREFIX), POLYNOMIAL(ranking, START), size);
	for (int a = 0; a < ranking->nactive - 1; a++)
		name_one(ranking, POLYNOMIAL(ranking, PREFIX + a + 1),
				 POLYNOMIAL(ranking, PREFIX + a), ranking->active[a],
				 below + a * LANES);
	memset(suffix, 0, size);
	for (int l = 0; l < LANES; l++)
		suffix[l] = 1;
	for (int a = ranking->nactive - 1; a >= 0; a--)
	{
		if (ranking->pause != NULL)
			ranking->pause();
		memcpy(at_most, suffix, size);
		for (int i = row; i < ranking->depth * row; i++)
			at_most[i] += at_most[i - row];
		for (int r = ranking->by_rank ? ranking->k - ranking->depth + 1 :
			 ranking->k; r <= ranking->k; r++)
			add_list(ranking, a, r, mass + a * LANES);
		name_one(ranking, suffix, suffix, ranking->active[a],
				 below + a * LANES);
	}
}

/*
 * add_list
 *		The points' part in the probability that an arm is in the list of r
 *		without being named.
 */
static void
add_list(Ranking *ranking, int active, int r, const double *mass)
{
	const double *prefix = POLYNOMIAL(ranking, PREFIX + active);
	const double *at_most = POLYNOMIAL(ranking, AT_MOST);
	int			row = (ranking->k + 1) * LANES;
	int			arm = ranking->active[active];
	int			most = r - 1 - (ranking->k - ranking->depth);
	double		sum[LANES] = {0};
	double		total = 0;

	for (int v = 0; v <= most; v++)
		for (int s = 0; s <= r; s++)
		{
			const double *left = prefix + v * row + s * LANES;
			const double *right = at_most + (most - v) * row + (r - s) * LANES;

			for (int l = 0; l < LANES; l++)
				sum[l] += left[l] * right[l];
		}
	for (int l = 0; l < LANES; l++)
		total += mass[l] * sum[l];
	total *= FACTORIALS(ranking)[r];
	if (ranking->by_rank)
		ranking->result[(size_t) arm * ranking->k + r - 1] += total;
	else
		ranking->result[arm] += total;
}

/*
 * bd_floors_finish
 *		Add being named, and turn lists of r into ranks.
 */
void
bd_floors_finish(Ranking *ranking)
{
	int			k = ranking->k;

	for (int i = 0; i < ranking->n; i++)
	{
		double		never = log1p(-fmin(ranking->floors[i], 1));
		double	   *result = ranking->result +
		(size_t) i * (ranking->by_rank ? k : 1);
		double		before = 0;

		if (!ranking->by_rank)
		{
			*result -= ranking->floors[i] > 0 ? expm1(k * never) : 0;
			continue;
		}
		for (int r = 1; r <= k; r++)
		{
			double		list = result[r - 1] -
			(ranking->floors[i] > 0 ? expm1(r * never) : 0);

			result[r - 1] = fmax(list - before, 0);
			before = list;
		}
	}
}
