/*
 * elementary.c
 *		Our log, log1p and exp against the C library's, over their ranges.
 */
#include "elementary.h"

#include <math.h>
#include <string.h>

#include "random.h"
#include "tap.h"

/* 4 units in the last place: twice what was measured */
#define TOLERANCE (4 * 0x1p-53 * 2)

static double
worse(double worst, double ours, double theirs)
{
	double		error = fabs(ours - theirs) / fabs(theirs);

	return error > worst ? error : worst;
}

/* all bits of many results in one number: equal on every machine */
static uint64_t
fingerprint(void)
{
	BanditRandom random;
	uint64_t	print = 0;

	bd_random_seed(&random, 0, 21);
	for (int i = 0; i < 100000; i++)
	{
		double		x = (bd_random_uniform(&random) - 0.5) * 1480;
		double		results[3] = {bd_exp(x), bd_log(fabs(x)), bd_log1p(x / 740)};

		for (int j = 0; j < 3; j++)
		{
			uint64_t	bits;

			memcpy(&bits, &results[j], sizeof(bits));
			print = (print ^ bits) * UINT64_C(0x100000001B3);
		}
	}
	return print;
}

int
main(void)
{
	BanditRandom random;
	double		worst_exp = 0;
	double		worst_log = 0;
	double		worst_log1p = 0;

	bd_random_seed(&random, 0, 20);
	for (int i = 0; i < 1000000; i++)
	{
		double		x = (bd_random_uniform(&random) - 0.5) * 1400;

		worst_exp = worse(worst_exp, bd_exp(x), exp(x));
		x = exp((bd_random_uniform(&random) - 0.5) * (i % 2 ? 1400 : 1e-3));
		worst_log = worse(worst_log, bd_log(x), log(x));
		x = (bd_random_uniform(&random) * 2 - 1) * (i % 2 ? 1 : 1e-6);
		worst_log1p = worse(worst_log1p, bd_log1p(x), log1p(x));
	}
	ok(worst_exp < TOLERANCE, "exp is right to 4 units in the last place");
	ok(worst_log < TOLERANCE, "log is");
	ok(worst_log1p < TOLERANCE, "log1p is");
	ok(bd_exp(-1e4) == 0 && isinf(bd_exp(1e4)) && isnan(bd_exp(NAN)),
	   "exp at its ends");
	ok(isinf(bd_log(0)) && isnan(bd_log(-1)) && isinf(bd_log(INFINITY)) &&
	   isnan(bd_log(NAN)) && bd_log(1) == 0, "log at its ends");
	ok(isinf(bd_log1p(-1)) && isnan(bd_log1p(-2)) && bd_log1p(0) == 0 &&
	   isinf(bd_log1p(INFINITY)), "log1p at its ends");
	ok(fabs(bd_log(5e-324) - -744.4400719213812) < 1e-9 &&
	   bd_exp(-745) > 0, "subnormal numbers");
	if (!ok(fingerprint() == UINT64_C(0xAD0A64B587A1792B), "300,000 results, to the bit"))
		printf("# 0x%016llX\n", (unsigned long long) fingerprint());
	return done();
}
