/*
 * draws.c
 *		Are the draws those of the beta distribution?
 *
 * Kolmogorov-Smirnov on 100,000 draws of each of 20 pairs of shapes, with
 * fixed seeds.  The limit of 3.2 for D sqrt(N) has a false-alarm rate of
 * 2 exp(-2 * 3.2^2) = 2.6e-9 a pair, 5e-8 altogether.  Two samplers that are
 * wrong on purpose show that the test finds them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dist.h"
#include "elementary.h"
#include "special.h"
#include "tap.h"

#define N 100000
#define EVERY 25				/* draws from one look to the next: misses 0.08 */
#define LIMIT 3.2

typedef double (*Sampler) (BanditRandom *random, double alpha, double beta);

static const double shapes[20][2] = {
	{1, 1}, {2, 3}, {0.5, 0.5}, {1, 30}, {30, 1}, {10, 200}, {0.1, 3},
	{3, 0.1}, {1e-3, 1e-3}, {1e-3, 1}, {1e-2, 50}, {7.5, 7.5}, {100, 100},
	{1e3, 2}, {5e3, 5e4}, {1e6, 1e6}, {1e8, 1e8}, {1e8, 2}, {0.9, 1.1},
	{1.0000001, 0.9999999}
};

/* a normal with the right mean and variance, as tempting as it is wrong */
static double
moment_matched(BanditRandom *random, double alpha, double beta)
{
	double		sum = alpha + beta;
	double		x = alpha / sum + bd_dist_normal(random) *
		sqrt(alpha * beta / (sum * sum * (sum + 1)));

	x = x < 1e-12 ? 1e-12 : x > 1 - 1e-12 ? 1 - 1e-12 : x;
	return log(x / (1 - x));
}

/* the boost for small shapes forgotten */
static double
without_boost(BanditRandom *random, double alpha, double beta)
{
	return bd_dist_log_gamma(random, alpha < 1 ? alpha + 1 : alpha) -
		bd_dist_log_gamma(random, beta < 1 ? beta + 1 : beta);
}

static int
ascending(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return left < right ? -1 : left > right;
}

/* P(logit <= y), from the smaller tail */
static double
share_below(double y, double alpha, double beta)
{
	double		cdf;
	double		upper;
	double		x;

	/* near 1 the distance to 1 is what has digits: mirror */
	if (y > 0)
		return 1 - share_below(-y, beta, alpha);
	/* below the range of double, I_x(a, b) = x^a / (a B(a, b)) */
	if (y < -690)
		return exp(alpha * y - log(alpha) - lgamma(alpha) - lgamma(beta) +
				   lgamma(alpha + beta));
	x = exp(y) / (1 + exp(y));
	bd_special_beta_cdf(x, alpha, beta, &cdf, &upper);
	return cdf;
}

static double
distance(Sampler sampler, uint64_t seed, double alpha, double beta,
		 bool *sound)
{
	static double draws[N];
	BanditRandom random;
	double		worst = 0;

	bd_random_seed(&random, 0, seed);
	for (int i = 0; i < N; i++)
	{
		draws[i] = sampler(&random, alpha, beta);
		if (!isfinite(draws[i]))
			*sound = false;
	}
	qsort(draws, N, sizeof(double), ascending);
	for (int i = 1; i < N; i++)
		if (draws[i] == draws[i - 1] && alpha + beta < 1e6)
			*sound = false;		/* a tie */
	for (int i = 0; i < N; i += EVERY)
	{
		double		expected = share_below(draws[i], alpha, beta);

		worst = fmax(worst, fmax(expected - (double) i / N,
								 (i + 1.0) / N - expected));
	}
	return worst * sqrt(N);
}

/* Twice past the base layer: the parts are added in the order they came. */
static void
test_exponential_tail(void)
{
	BanditRandom random;
	double		e = 0;

	bd_random_seed(&random, 0, 4);
	for (int i = 0; i <= 11397767; i++)
		e = bd_dist_exponential(&random);
	ok(e == 0x1.eeb002e39dec1p+3, "exponential: the same bits where the tail is entered twice");
}

static void
test_moments(void)
{
	BanditRandom random;
	double		sum = 0;
	double		squares = 0;
	double		exponentials = 0;
	int			tail = 0;
	int			far = 0;
	int			join = 0;
	int			n = 4000000;

	bd_random_seed(&random, 0, 5);
	for (int i = 0; i < n; i++)
	{
		double		z = bd_dist_normal(&random);
		double		e = bd_dist_exponential(&random);

		far += fabs(z) > 4;
		join += e > 7.6 && e < 7.69711747013104972;
		sum += z;
		squares += z * z;
		tail += fabs(z) > 3.6541528853610088;
		exponentials += e;
	}
	/* each within 5.5 standard errors: 4e-8 a test */
	ok(fabs(sum) < 5.5 * sqrt(n), "normal: mean 0");
	ok(fabs(squares - n) < 5.5 * sqrt(2.0 * n), "normal: variance 1");
	ok(fabs(tail - 2.580e-4 * n) < 5.5 * sqrt(2.58e-4 * n),
	   "normal: the right share beyond the base layer");
	ok(fabs(far - 6.334e-5 * n) < 5.5 * sqrt(6.334e-5 * n),
	   "normal: the right share beyond 4");
	ok(fabs(exponentials - n) < 5.5 * sqrt(n), "exponential: mean 1");
	ok(fabs(join - 4.632e-5 * n) < 5.5 * sqrt(4.632e-5 * n),
	   "exponential: the right share where the tail joins");
}

/* Beta(a, a) at large a: the logit is normal with variance 2/a, to 1/a */
static void
test_large(double shape)
{
	static double draws[N];
	BanditRandom random;
	double		worst = 0;
	char		name[64];

	bd_random_seed(&random, 0, 9);
	for (int i = 0; i < N; i++)
		draws[i] = bd_dist_beta_logit(&random, shape, shape) * sqrt(shape / 2);
	qsort(draws, N, sizeof(double), ascending);
	for (int i = 0; i < N; i++)
	{
		double		expected = erfc(-draws[i] / sqrt(2)) / 2;

		worst = fmax(worst, fmax(expected - (double) i / N,
								 (i + 1.0) / N - expected));
	}
	snprintf(name, sizeof(name), "shapes of %g: D sqrt(N) = %.3f", shape,
			 worst * sqrt(N));
	ok(worst * sqrt(N) < LIMIT, name);
}

/* every pair of shapes from the smallest double to nearly the largest */
static void
test_extremes(void)
{
	static const double extremes[12] = {
		5e-324, 1e-310, 1e-300, 1e-100, 1e-3, 0.5, 1, 1e8, 1e15, 1e100,
		1e300, 1.7e308
	};
	BanditRandom random;
	int			wrong = 0;
	int			infinite = 0;
	int			ones;

	bd_random_seed(&random, 0, 12);
	for (int a = 0; a < 12; a++)
		for (int b = 0; b < 12; b++)
			for (int i = 0; i < 200; i++)
			{
				double		x = bd_dist_beta(&random, extremes[a], extremes[b]);
				double		logit = bd_dist_beta_logit(&random, extremes[a],
													   extremes[b]);

				wrong += !(x >= 0 && x <= 1) || isnan(logit);
				infinite += isinf(logit);
			}
	ok(wrong == 0, "no draw is NaN or outside [0, 1], whatever the shapes");

	/* 1 with the chance alpha / (alpha + beta), else 0 */
	wrong = ones = 0;
	for (int i = 0; i < N; i++)
	{
		double		x = bd_dist_beta(&random, 5e-324, 1.5e-323);

		ones += x == 1;
		wrong += x != 0 && x != 1;
	}
	/* within 5.5 standard errors: 4e-8 */
	ok(wrong == 0 && fabs(ones - N / 4.0) < 5.5 * sqrt(N * 3 / 16.0),
	   "the smallest shapes draw 0 and 1, at their ratio");
	ok(infinite == 0, "no logit is infinite");
}

/* a sample and a logit from the same bits are the same draw */
static void
test_scales(void)
{
	BanditRandom one;
	BanditRandom other;
	double		worst = 0;
	double		worst_log = 0;

	bd_random_seed(&one, 0, 13);
	other = one;
	for (int i = 0; i < 20 * 5000; i++)
	{
		const double *pair = shapes[i % 20];
		double		x = bd_dist_beta(&one, pair[0], pair[1]);
		double		logit = bd_dist_beta_logit(&other, pair[0], pair[1]);

		if (x > 1e-300)
		{
			worst = fmax(worst, fabs(bd_dist_logistic(logit) / x - 1));
			worst_log = fmax(worst_log,
							 fabs(exp(bd_dist_log_logistic(logit)) / x - 1));
		}
	}
	/* a logit of -690 has an error of 1e-13 */
	ok(worst < 1e-12 && worst_log < 1e-12,
	   "beta draws what beta_logit draws, on another scale");
	ok(memcmp(&one, &other, sizeof(one)) == 0, "and takes the same bits");
}

/* the logarithm of a gamma number: mean digamma(shape) */
static void
test_log_gamma(void)
{
	/* shape, digamma and trigamma of it (DLMF 5.4, 5.15) */
	static const double known[3][3] = {
		{1, -0.57721566490153286, 1.6449340668482264},
		{0.5, -1.9635100260214235, 4.9348022005446793},
		{3, 0.92278433509846714, 0.39493406684822644}
	};

	for (int k = 0; k < 3; k++)
	{
		BanditRandom random;
		double		sum = 0;
		char		name[64];

		bd_random_seed(&random, 0, 14 + k);
		for (int i = 0; i < N; i++)
			sum += bd_dist_log_gamma(&random, known[k][0]);
		snprintf(name, sizeof(name), "log gamma of shape %g: mean", known[k][0]);
		ok(fabs(sum - N * known[k][1]) < 5.5 * sqrt(N * known[k][2]), name);
	}
}

static void
test_golden(void)
{
	/* what seed 1 draws, to the bit: equal on every machine */
	static const double expected[4] = {
		-0x1.cae1e1f94256ap-1, -0x1.6150a4c6eb744p+0, 0x1.0cdbae1bfedaep+1,
		0x1.9aeef59983b9ep+3
	};
	static const double alphas[4] = {1, 0.5, 20, 1e6};
	BanditRandom random;

	bd_random_seed(&random, 0, 1);
	for (int i = 0; i < 4; i++)
	{
		double		draw = bd_dist_beta_logit(&random, alphas[i], 2);
		char		name[64];

		snprintf(name, sizeof(name), "seed 1 draws %a", expected[i]);
		if (!ok(draw == expected[i], name))
			printf("# drew %a\n", draw);
	}
}

int
main(void)
{
	bool		sound = true;
	bool		ignored = true;
	char		name[100];

	for (int i = 0; i < 20; i++)
	{
		double		d = distance(bd_dist_beta_logit, 100 + i, shapes[i][0],
								 shapes[i][1], &sound);

		snprintf(name, sizeof(name), "Beta(%g, %g): D sqrt(N) = %.3f",
				 shapes[i][0], shapes[i][1], d);
		ok(d < LIMIT, name);
	}
	ok(sound, "all draws finite, none tied");
	ok(distance(moment_matched, 1, 10, 200, &ignored) > LIMIT,
	   "a normal of the same moments is found out");
	ok(distance(without_boost, 1, 0.5, 0.5, &ignored) > LIMIT,
	   "a sampler without the boost is found out");
	test_large(1e12);
	test_large(1e16);
	test_extremes();
	test_scales();
	test_log_gamma();
	test_exponential_tail();
	test_moments();
	test_golden();
	return done();
}
