/*-------------------------------------------------------------------------
 *
 * random.c
 *		The extension's own generator: same seed, same bits, everywhere.
 *
 * xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number
 * generators", ACM TOMS 47, 2021), seeded through splitmix64.  Not the
 * server's generator, so that draws agree across server versions; on
 * numbers, not on bytes, so that they agree across byte orders.
 *
 * src/random.c
 *
 *-------------------------------------------------------------------------
 */
#include "random.h"

static inline uint64_t
rotate_left(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

/* splitmix64: every state leads to another number (Steele et al. 2014) */
static uint64_t
splitmix(uint64_t *state)
{
	uint64_t	z = (*state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/*
 * bd_random_seed
 *		Start the generator from 128 bits.
 *
 * "high" is scrambled before "low" joins it, so neither can cancel the
 * other.  Four outputs of splitmix64 in a row are never all zero.
 */
void
bd_random_seed(BanditRandom *random, uint64_t high, uint64_t low)
{
	uint64_t	state = high;

	state = splitmix(&state) ^ low;
	for (int i = 0; i < 4; i++)
		random->s[i] = splitmix(&state);
}

/*
 * bd_random_next
 *		64 random bits.
 */
uint64_t
bd_random_next(BanditRandom *random)
{
	uint64_t   *s = random->s;
	uint64_t	result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t	t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/*
 * bd_random_uniform
 *		A number in (0, 1), never 0 and never 1: midpoints of 2^53 cells.
 */
double
bd_random_uniform(BanditRandom *random)
{
	return ((double) (bd_random_next(random) >> 11) + 0.5) * 0x1p-53;
}
