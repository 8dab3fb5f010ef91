/*
 * blend.c
 *		Tijdeman's rule keeps every prefix within one item of the weights.
 */
#include "blend.h"

#include <math.h>

#include "random.h"
#include "tap.h"

#define ARMS 12
#define STEPS 400

/*
 * How far any prefix is off, at the worst; with "beyond", how far past
 * Tijdeman's own bound of 1 - 1/(2K-2).
 */
static double
deviation(BanditRandom *random, int trials, bool smooth, bool beyond)
{
	double		worst = beyond ? -1 : 0;

	for (int trial = 0; trial < trials; trial++)
	{
		int			k = 1 + (int) (bd_random_next(random) % ARMS);
		double		weights[ARMS];
		double		credit[ARMS] = {0};
		int			counts[ARMS] = {0};
		double		sum = 0;
		double		bound = 0;
		Blend		blend;
		BlendArm	storage[ARMS];

		for (int i = 0; i < k; i++)
		{
			weights[i] = pow(bd_random_uniform(random), 3) + 1e-3;
			sum += weights[i];
		}
		if (beyond)
			bound = k > 1 ? 1 - 1.0 / (2 * k - 2) : 0;
		bd_blend_start(&blend, storage, k, weights);
		for (int step = 1; step <= STEPS; step++)
		{
			int			turn = bd_blend_next(&blend);

			if (smooth)			/* largest credit first, as in nginx */
			{
				turn = 0;
				for (int i = 0; i < k; i++)
				{
					credit[i] += weights[i];
					turn = credit[i] > credit[turn] ? i : turn;
				}
				credit[turn] -= sum;
			}
			if (turn < 0)
				return INFINITY;
			bd_blend_placed(&blend, turn);
			counts[turn]++;
			for (int i = 0; i < k; i++)
				worst = fmax(worst, fabs(weights[i] / sum * step - counts[i]) -
							 bound);
		}
	}
	return worst;
}

static void
test_dry(void)
{
	double		weights[3] = {0, 3, 1};
	Blend		blend;
	BlendArm	storage[3];
	int			served[3] = {0};

	bd_blend_start(&blend, storage, 3, weights);
	for (int i = 0; i < 40; i++)
	{
		int			turn = bd_blend_next(&blend);

		served[turn]++;
		bd_blend_placed(&blend, turn);
	}
	ok(served[0] == 0 && served[1] == 30 && served[2] == 10,
	   "weights 0, 3, 1 give 0, 30, 10 of 40");
	bd_blend_dry(&blend, 1);
	ok(bd_blend_next(&blend) == 2, "a dry arm hands its share on");
	bd_blend_dry(&blend, 2);
	ok(bd_blend_next(&blend) == 0, "then an arm of weight 0 serves");
	bd_blend_dry(&blend, 0);
	ok(bd_blend_next(&blend) == -1, "when all are dry, nobody does");

	bd_blend_start(&blend, storage, 3, NULL);
	bd_blend_placed(&blend, bd_blend_next(&blend));
	bd_blend_placed(&blend, bd_blend_next(&blend));
	bd_blend_placed(&blend, bd_blend_next(&blend));
	ok(storage[0].count == 1 && storage[1].count == 1 && storage[2].count == 1,
	   "no weights mean equal weights");
	bd_blend_start(&blend, storage, 0, NULL);
	ok(bd_blend_next(&blend) == -1, "no arms, no turn");
}

/* weights whose sum is beyond double, or hardly above 0 */
static void
test_extremes(void)
{
	double		huge[3] = {1e308, 0.5e308, 1.5e308};
	double		tiny[2] = {5e-324, 1.5e-323};
	double		mixed[4] = {1e308, 1e308, 5e-324, 0};
	Blend		blend;
	BlendArm	storage[4];
	int64_t		unit = INT64_C(1) << 30;

	bd_blend_start(&blend, storage, 3, huge);
	ok(storage[0].weight + storage[1].weight + storage[2].weight == unit &&
	   storage[2].weight == unit / 2, "weights of 1e308");
	bd_blend_start(&blend, storage, 2, tiny);
	ok(storage[0].weight == unit / 4 && storage[1].weight == unit / 4 * 3,
	   "weights of 5e-324");
	bd_blend_start(&blend, storage, 4, mixed);
	bd_blend_dry(&blend, 0);
	bd_blend_dry(&blend, 1);
	ok(storage[2].weight == unit && storage[3].weight == 0,
	   "5e-324 is more than 0 when 1e308 twice is dry");
}

int
main(void)
{
	BanditRandom random;

	bd_random_seed(&random, 0, 11);
	ok(deviation(&random, 3000, false, false) < 1,
	   "every prefix of 3,000 random blends is within one item");
	/* weights are rounded to 2^-30, which 400 steps make 2^-21 */
	ok(deviation(&random, 3000, false, true) < 0x1p-20,
	   "and within 1 - 1/(2K-2)");
	ok(deviation(&random, 3000, true, false) > 1,
	   "smooth weighted round-robin is not");
	test_dry();
	test_extremes();
	return done();
}
