/*
 * random.c
 *		The generator against published numbers, and its ends.
 */
#include "random.h"

#include <math.h>
#include <string.h>

#include "tap.h"

/* the number whose product with the odd "a" is 1, by Newton's iteration */
static uint64_t
inverse(uint64_t a)
{
	uint64_t	x = a;

	for (int i = 0; i < 6; i++)
		x *= 2 - a * x;
	return x;
}

/* a generator whose next 64 bits are these */
static BanditRandom
about_to_give(uint64_t bits)
{
	BanditRandom random = {{1, 0, 3, 4}};
	uint64_t	turned = bits * inverse(9);

	random.s[1] = ((turned >> 7) | (turned << 57)) * inverse(5);
	return random;
}

static void
test_uniform(void)
{
	BanditRandom last = about_to_give(UINT64_MAX);
	BanditRandom first = about_to_give(0);
	BanditRandom random;
	double		sum = 0;
	int			n = 1000000;

	ok(bd_random_uniform(&last) == 1 - 0x1p-53, "the largest number is below 1");
	ok(bd_random_uniform(&first) == 0x1p-54, "the smallest is above 0");
	bd_random_seed(&random, 0, 3);
	for (int i = 0; i < n; i++)
		sum += bd_random_uniform(&random);
	/* within 5.5 standard errors: 4e-8 */
	ok(fabs(sum - n / 2.0) < 5.5 * sqrt(n / 12.0), "the mean is 1/2");
}

static void
test_seeds(void)
{
	BanditRandom a;
	BanditRandom b;
	int			same = 0;

	/* what seed 1 gives, everywhere and for ever */
	bd_random_seed(&a, 0, 1);
	ok(bd_random_next(&a) == UINT64_C(0xEF75D62A19BA94ED), "the first bits of seed 1");
	for (int bit = 0; bit < 128; bit++)
	{
		bd_random_seed(&a, 0, 1);
		bd_random_seed(&b, bit < 64 ? 0 : UINT64_C(1) << (bit - 64),
					   bit < 64 ? 1 ^ UINT64_C(1) << bit : 1);
		same += bd_random_next(&a) == bd_random_next(&b);
	}
	ok(same == 0, "each of 128 bits of the seed counts");

	/* seeds made to agree in their first 64 bits of state */
	bd_random_seed(&a, 0, UINT64_C(0xE220A8397B1DCDAF));
	bd_random_seed(&b, UINT64_C(0x61C8864680B583EB), 0);
	ok(a.s[0] == b.s[0] && a.s[1] == b.s[1] &&
	   memcmp(&a, &b, sizeof(a)) != 0, "128 bits are not folded into 64");
}

int
main(void)
{
	/* of the authors' own program, from the state 1, 2, 3, 4 */
	static const uint64_t published[4] = {
		11520, 0, 1509978240, UINT64_C(1215971899390074240)
	};
	BanditRandom random = {{1, 2, 3, 4}};
	int			right = 0;

	for (int i = 0; i < 4; i++)
		right += bd_random_next(&random) == published[i];
	ok(right == 4, "xoshiro256** as published");
	test_uniform();
	test_seeds();
	return done();
}
