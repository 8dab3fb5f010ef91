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
extern uint64_t bd_random_next(BanditRandom *random);
extern double bd_random_uniform(BanditRandom *random);

#endif							/* BANDIT_RANDOM_H */
