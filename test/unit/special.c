/*
 * special.c
 *		The beta distribution where its values are known without a computer,
 *		and the search for quantiles against Boost's inverse.
 */
#include "special.h"

#include <math.h>

#include "random.h"
#include "tap.h"

static double
off(double found, double expected)
{
	return fabs(found / expected - 1);
}

/* Beta(a, 1) has the distribution x^a, Beta(1, b) the upper tail (1-x)^b */
static void
test_powers(void)
{
	BanditRandom random;
	double		worst = 0;
	double		worst_density = 0;
	double		cdf;
	double		upper;
	double		pdf;

	bd_random_seed(&random, 0, 6);
	for (int i = 0; i < 2000; i++)
	{
		double		shape = pow(10, bd_random_uniform(&random) * 5 - 3);
		double		x = bd_random_uniform(&random);

		bd_special_beta_cdf(x, shape, 1, &cdf, &upper);
		if (pow(x, shape) > 1e-300)
			worst = fmax(worst, off(cdf, pow(x, shape)));
		bd_special_beta_cdf(x, 1, shape, &cdf, &upper);
		if (pow(1 - x, shape) > 1e-300)
			worst = fmax(worst, off(upper, exp(shape * log1p(-x))));
		bd_special_beta_pdf(x, shape, 1, &pdf);
		if (pdf > 1e-300)
			worst_density = fmax(worst_density,
								 off(pdf, shape * pow(x, shape - 1)));
	}
	/* the promise for shapes below 1e7 */
	ok(worst < 1e-12, "powers: distribution and upper tail");
	ok(worst_density < 1e-11, "powers: density");
}

static void
test_ends(void)
{
	double		a;
	double		b;

	ok(bd_special_beta_cdf(-1, 2, 3, &a, &b) && a == 0 && b == 1 &&
	   bd_special_beta_cdf(0, 2, 3, &a, &b) && a == 0 && b == 1 &&
	   bd_special_beta_cdf(1, 2, 3, &a, &b) && a == 1 && b == 0 &&
	   bd_special_beta_cdf(7, 2, 3, &a, &b) && a == 1 && b == 0,
	   "distribution at and beyond the ends");
	ok(bd_special_beta_pdf(0, 0.5, 3, &a) && isinf(a) &&
	   bd_special_beta_pdf(0, 1, 3, &a) && a == 3 &&
	   bd_special_beta_pdf(0, 2, 3, &a) && a == 0 &&
	   bd_special_beta_pdf(1, 3, 0.5, &a) && isinf(a) &&
	   bd_special_beta_pdf(1, 3, 1, &a) && a == 3 &&
	   bd_special_beta_pdf(1, 3, 2, &a) && a == 0 &&
	   bd_special_beta_pdf(-1e-9, 2, 3, &a) && a == 0 &&
	   bd_special_beta_pdf(1.1, 2, 3, &a) && a == 0,
	   "density at and beyond the ends");
	ok(bd_special_beta_quantile(0, 2, 3, &a) && a == 0 &&
	   bd_special_beta_quantile(1, 2, 3, &a) && a == 1 &&
	   bd_special_beta_quantile(0.01, 1e-3, 1e-3, &a) && a == 0,
	   "quantiles at the ends");
	ok(!bd_special_beta_cdf(NAN, 2, 3, &a, &b) &&
	   !bd_special_beta_pdf(NAN, 2, 3, &a), "what is not a number is refused");
}

/* shapes from 1e-4 to 1e8, the smaller tail from 1e-15 to 1/2 */
static void
test_search(void)
{
	BanditRandom random;
	double		worst = 0;
	int			failed = 0;

	bd_random_seed(&random, 0, 7);
	for (int i = 0; i < 1000; i++)
	{
		double		alpha = pow(10, bd_random_uniform(&random) * 12 - 4);
		double		beta = pow(10, bd_random_uniform(&random) * 12 - 4);
		double		p = pow(10, -bd_random_uniform(&random) * 15) / 2;
		double		quantile;
		double		search;

		if (i % 2)
			p = 1 - p;
		if (!bd_special_beta_quantile(p, alpha, beta, &quantile) ||
			!bd_special_beta_quantile_search(p, alpha, beta, &search))
			failed++;
		else if (quantile > 1e-300)
			worst = fmax(worst, off(search, quantile));
	}
	ok(failed == 0, "1,000 quantiles can be computed in two ways");
	if (!ok(worst < 1e-11, "which agree"))
		printf("# %g\n", worst);
}

/* where Boost's continued fraction is long, or endless; known to 20 digits */
static void
test_large(void)
{
	static const struct
	{
		double		alpha;
		double		beta;
		double		x;
		double		smaller;	/* of the two shares */
	}			known[] = {
		{1e10, 3e10, 0.249995, 0.01046043649707058094},
		{1e20, 1e20, 0.50000000005, 0.078649586352069815694},
		{1e6, 1e50, 1.0005e-44, 0.30844952422846953472},
		{1e12, 1e8, 0.9999000199, 0.16102649168744675827},
		{1e9, 1e9, 0.4996, 1.2543221372145199771e-280},
		{1e8, 1e8, 0.50003, 0.1980719546588984125},
	};
	double		worst = 0;
	double		quantile;

	for (int i = 0; i < (int) (sizeof(known) / sizeof(known[0])); i++)
	{
		double		cdf;
		double		upper;

		bd_special_beta_cdf(known[i].x, known[i].alpha, known[i].beta, &cdf,
							&upper);
		worst = fmax(worst, off(fmin(cdf, upper), known[i].smaller));
		bd_special_beta_quantile(cdf, known[i].alpha, known[i].beta, &quantile);
		if (cdf < 0.5)
			worst = fmax(worst, off(quantile, known[i].x));
	}
	if (!ok(worst < 1e-12, "shapes of 1e8 to 1e50"))
		printf("# %g\n", worst);
	ok(bd_special_beta_quantile(0.025, 1e308, 1e308, &quantile) &&
	   off(quantile, 0.5) < 1e-15 &&
	   bd_special_beta_quantile(0.5, 1e308, 1e308, &quantile) &&
	   quantile == 0.5 &&
	   bd_special_beta_quantile(0.975, 1e6, 1e300, &quantile) &&
	   off(quantile, 1.001960e-294) < 1e-6 &&
	   bd_special_beta_quantile(0.3, 1e308, 1e20, &quantile) && quantile == 1,
	   "shapes of 1e308");
}

int
main(void)
{
	test_powers();
	test_ends();
	test_search();
	test_large();
	return done();
}
