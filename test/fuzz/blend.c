/*
 * blend.c
 *		libFuzzer: whoever shares a list, the promises of blend.h are kept.
 *
 * The first byte is the number of arms, then comes a weight in 9 bytes for
 * each: how it is read, and its bits.  What is left are steps, a byte each:
 * below 200 the arm whose turn it is places an item, else it, or another,
 * runs dry.  What the program asserts:
 *
 * - the weights of a segment are the caller's shares within 2^-30, and their
 *   sum is 1; an arm of weight 0 serves only when the others are dry;
 * - after every item each arm is within one item of its weight, and within
 *   Tijdeman's bound;
 * - no dry arm is called; nobody is only when all are dry.
 */
#include "blend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARMS 16
#define UNIT (INT64_C(1) << 30)

#define must(condition) \
	do { \
		if (!(condition)) \
		{ \
			fprintf(stderr, "broken: %s, line %d\n", #condition, __LINE__); \
			abort(); \
		} \
	} while (0)

extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* finite and >= 0, as blend_sql.c demands */
static double
read_weight(const uint8_t *data)
{
	uint64_t	bits;
	double		any;

	memcpy(&bits, data + 1, sizeof(bits));
	memcpy(&any, data + 1, sizeof(any));
	switch (data[0] % 5)
	{
		case 0:
			return 0;
		case 1:
			return (double) (bits % 100);
		case 2:
			return (double) (bits >> 11) * 0x1p-53;
		case 3:
			return ldexp(1, (int) (bits % 2000) - 1000);
		default:
			any = fabs(any);
			return isfinite(any) ? any : 1;
	}
}

/* a segment has just begun */
static void
check_segment(const Blend *blend, const double *weights)
{
	int64_t		sum = 0;
	long double total = 0;
	int			left = 0;

	for (int i = 0; i < blend->narms; i++)
	{
		if (blend->arms[i].dry)
			continue;
		left++;
		total += weights[i];
	}
	for (int i = 0; i < blend->narms; i++)
	{
		const BlendArm *arm = &blend->arms[i];
		long double share = arm->dry ? 0 :
		total > 0 ? weights[i] / total : 1.0L / left;

		sum += arm->weight;
		must(arm->weight >= 0 && arm->weight <= UNIT);
		must(arm->count == 0);
		must(fabsl((long double) arm->weight - share * UNIT) <= 1.001L);
		must(share > 0 || arm->weight == 0);
	}
	must(left == 0 || sum == UNIT);
	must(blend->step == 0);
}

static void
check_prefix(const Blend *blend)
{
	int64_t		placed = 0;
	__int128	k = blend->nlive;

	for (int i = 0; i < blend->narms; i++)
	{
		const BlendArm *arm = &blend->arms[i];
		__int128	off = (__int128) arm->weight * blend->step -
			(__int128) arm->count * UNIT;

		placed += arm->count;
		if (off < 0)
			off = -off;
		must(off < UNIT);
		/* |off| <= 1 - 1/(2K-2) */
		must(k < 2 || off * (2 * k - 2) <= (2 * k - 3) * UNIT);
	}
	must(placed == blend->step);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	double		weights[ARMS];
	BlendArm	storage[ARMS];
	Blend		blend;
	int			narms;

	if (size == 0)
		return 0;
	narms = data[0] % (ARMS + 1);
	if (size < 1 + (size_t) narms * 9)
		return 0;
	for (int i = 0; i < narms; i++)
		weights[i] = read_weight(data + 1 + i * 9);
	bd_blend_start(&blend, storage, narms, data[0] > 200 ? NULL : weights);
	if (data[0] > 200)
		memset(weights, 0, sizeof(weights));
	check_segment(&blend, weights);
	for (size_t at = 1 + (size_t) narms * 9; at < size; at++)
	{
		int			turn = bd_blend_next(&blend);
		int			dry = 0;

		for (int i = 0; i < narms; i++)
			dry += storage[i].dry;
		must((turn < 0) == (dry == narms));
		if (turn < 0)
			break;
		must(turn < narms && !storage[turn].dry && storage[turn].weight > 0);
		if (data[at] < 200)
		{
			bd_blend_placed(&blend, turn);
			check_prefix(&blend);
			continue;
		}
		bd_blend_dry(&blend, data[at] % 2 == 0 ? turn : data[at] % narms);
		check_segment(&blend, weights);
	}
	return 0;
}
