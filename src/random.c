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
 * Different seeds give different states: the first outputs of splitmix64
 * tell what "low" and the scrambled "high" are together, the third then tells
 * "high".  Two of its outputs in a row are never both zero.
 */
void
bd_random_seed(BanditRandom *random, uint64_t high, uint64_t low)
{
	uint64_t	state = high;

	state = splitmix(&state) ^ low;
	for (int i = 0; i < 4; i++)
		random->s[i] = splitmix(&state);
	random->s[2] ^= high;
}
