/*-------------------------------------------------------------------------
 *
 * session_random.c
 *		The backend's own generator, and set_seed.
 *
 * Seeded from the operating system's randomness at first use, never from the
 * server's generator, so that neither influences the other.
 *
 * src/session_random.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

PG_FUNCTION_INFO_V1(bandit_set_seed);

static BanditRandom session_random;
static bool seeded = false;

/*
 * bd_session_random
 *		The generator of this session's draws.
 */
BanditRandom *
bd_session_random(void)
{
	if (!seeded)
	{
		uint64		seed[2];

		if (!pg_strong_random(seed, sizeof(seed)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate a random seed")));
		bd_random_seed(&session_random, seed[0], seed[1]);
		seeded = true;
	}
	return &session_random;
}

/*
 * set_seed(seed bigint) -> void
 *		From here on the session's draws repeat.
 */
Datum
bandit_set_seed(PG_FUNCTION_ARGS)
{
	bd_random_seed(&session_random, 0, (uint64) PG_GETARG_INT64(0));
	seeded = true;
	PG_RETURN_VOID();
}
