/*-------------------------------------------------------------------------
 *
 * random.h
 *		The extension's own generator: same seed, same bits, everywhere.
 *
 * src/random.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_RANDOM_H
#define BANDIT_RANDOM_H

#include <stdint.h>

/* xoshiro256**; never all zero (Blackman and Vigna 2021). */
typedef struct BanditRandom
{
	uint64_t	s[4];
} BanditRandom;

extern void bd_random_seed(BanditRandom *random, uint64_t high, uint64_t low);

/*
 * bd_random_next
 *		64 random bits.
 *
 * Here, so that it becomes part of the loops that draw.
 */
static inline uint64_t
bd_random_next(BanditRandom *random)
{
	uint64_t   *s = random->s;
	uint64_t	result = s[1] * 5;
	uint64_t	t = s[1] << 17;

	result = ((result << 7) | (result >> 57)) * 9;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return result;
}

/*
 * bd_random_uniform
 *		A number in (0, 1), never 0 and never 1: midpoints of 2^53 cells.
 *
 * Above 1/2 midpoints are rounded to doubles; the last one would be to 1.
 */
static inline double
bd_random_uniform(BanditRandom *random)
{
	double		u = ((double) (bd_random_next(random) >> 11) + 0.5) * 0x1p-53;

	return u < 1 ? u : 1 - 0x1p-53;
}

#endif							/* BANDIT_RANDOM_H */
