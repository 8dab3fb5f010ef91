/*-------------------------------------------------------------------------
 *
 * blend.c
 *		Whose turn it is: Tijdeman's rule for sharing a list among arms.
 *
 * With weights w (their sum 1) and K arms of positive weight, the arm that
 * places item t is, among those with w t - c >= 1/(2K-2), the one with the
 * smallest (1 - 1/(2K-2) - (w t - c)) / w, where c counts what it has placed
 * (Tijdeman, "The chairman assignment problem", Discrete Math. 32, 1980).
 * Then |w t - c| <= 1 - 1/(2K-2) < 1 after every item.  "Smooth" weighted
 * round-robin does not keep that bound.
 *
 * All in integers: weights in units of 2^-30, comparisons by
 * cross-multiplication in 128 bits.
 *
 * src/blend.c
 *
 *-------------------------------------------------------------------------
 */
#include "blend.h"

#include <math.h>
#include <stddef.h>

#define UNIT (INT64_C(1) << 30)

static void start_segment(Blend *blend);
static double left_of_weights(const Blend *blend, double unit, int *left);
static void scale_weights(Blend *blend, double unit, double total);
static void spread_rest(Blend *blend, int64_t rest, double unit, double total);
static bool sooner(const Blend *blend, int64_t lead_a, const BlendArm *a,
				   int64_t lead_b, const BlendArm *b);

/*
 * bd_blend_start
 *		Share a list among arms by their weights; "storage" has an entry each.
 *
 * Weights are >= 0 and finite; all 0, or none, mean equal weights.  An arm
 * of weight 0 only serves when the others are dry.
 */
void
bd_blend_start(Blend *blend, BlendArm *storage, int narms,
			   const double *weights)
{
	blend->narms = narms;
	blend->arms = storage;
	for (int i = 0; i < narms; i++)
	{
		storage[i].given = weights != NULL ? weights[i] : 1;
		storage[i].dry = false;
	}
	start_segment(blend);
}

/*
 * start_segment
 *		Begin to count anew, among the arms that are not dry.
 *
 * Weights may be finite and their sum not: then they are taken times 2^-32,
 * in this segment only, for what a subnormal weight loses by that would be
 * missed when the large ones are dry.
 */
static void
start_segment(Blend *blend)
{
	int			left;
	double		unit = 1;
	double		total = left_of_weights(blend, unit, &left);

	if (isinf(total))
	{
		unit = 0x1p-32;
		total = left_of_weights(blend, unit, &left);
	}

	/* only arms of weight 0 are left: now they share */
	if (total <= 0 && left > 0)
	{
		for (int i = 0; i < blend->narms; i++)
			blend->arms[i].given = 1;
		total = left;
	}

	scale_weights(blend, unit, total);
	blend->step = 0;
	blend->nlive = 0;
	for (int i = 0; i < blend->narms; i++)
	{
		blend->arms[i].count = 0;
		if (blend->arms[i].weight > 0)
			blend->nlive++;
	}
}

/* The sum of the weights, each times "unit", of the arms that are not dry. */
static double
left_of_weights(const Blend *blend, double unit, int *left)
{
	double		total = 0;

	*left = 0;
	for (int i = 0; i < blend->narms; i++)
	{
		if (blend->arms[i].dry)
			continue;
		(*left)++;
		total += blend->arms[i].given * unit;
	}
	return total;
}

/*
 * scale_weights
 *		Weights as integers with the sum 2^30, by largest remainders.
 */
static void
scale_weights(Blend *blend, double unit, double total)
{
	int64_t		rest = UNIT;

	for (int i = 0; i < blend->narms; i++)
	{
		BlendArm   *arm = &blend->arms[i];

		arm->weight = arm->dry || total <= 0 ? 0 :
			(int64_t) (arm->given * unit / total * (double) UNIT);
		rest -= arm->weight;
	}
	if (total > 0)
		spread_rest(blend, rest, unit, total);
}

/* What rounding down has left goes to the largest remainders, one each. */
static void
spread_rest(Blend *blend, int64_t rest, double unit, double total)
{
	while (rest > 0)
	{
		int			best = -1;
		double		largest = -2;

		for (int i = 0; i < blend->narms; i++)
		{
			BlendArm   *arm = &blend->arms[i];
			double		remainder = arm->given * unit / total *
			(double) UNIT - (double) arm->weight;

			if (arm->dry || arm->given <= 0 || remainder <= largest)
				continue;
			largest = remainder;
			best = i;
		}
		blend->arms[best].weight++;
		rest--;
	}
}

/*
 * bd_blend_next
 *		The arm whose turn it is, or -1 when all are dry.
 *
 * "lead" is w t - c in units of 2^-30; the bound 1/(2K-2) is compared as
 * lead (2K-2) >= 2^30.  Ties go to the arm that comes first.
 */
int
bd_blend_next(const Blend *blend)
{
	int64_t		bound = 2 * (int64_t) blend->nlive - 2;
	int64_t		step = blend->step + 1;
	int64_t		best_lead = 0;
	int			best = -1;

	for (int i = 0; i < blend->narms; i++)
	{
		const BlendArm *arm = &blend->arms[i];
		int64_t		lead;

		if (arm->weight == 0)
			continue;
		if (blend->nlive == 1)
			return i;
		lead = arm->weight * step - arm->count * UNIT;
		if ((__int128) lead * bound < UNIT)
			continue;
		if (best < 0 ||
			sooner(blend, lead, arm, best_lead, &blend->arms[best]))
		{
			best = i;
			best_lead = lead;
		}
	}
	return best;
}

/*
 * sooner
 *		Is (1 - 1/(2K-2) - lead) / weight of a smaller than that of b?
 */
static bool
sooner(const Blend *blend, int64_t lead_a, const BlendArm *a,
	   int64_t lead_b, const BlendArm *b)
{
	int64_t		bound = 2 * (int64_t) blend->nlive - 2;
	__int128	slack_a = (__int128) (UNIT - lead_a) * bound - UNIT;
	__int128	slack_b = (__int128) (UNIT - lead_b) * bound - UNIT;

	return slack_a * b->weight < slack_b * a->weight;
}

/*
 * bd_blend_placed
 *		The arm has placed an item.
 */
void
bd_blend_placed(Blend *blend, int arm)
{
	blend->step++;
	blend->arms[arm].count++;
}

/*
 * bd_blend_dry
 *		The arm has nothing left: the others share what it would have had.
 */
void
bd_blend_dry(Blend *blend, int arm)
{
	blend->arms[arm].dry = true;
	start_segment(blend);
}
