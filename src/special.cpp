/*-------------------------------------------------------------------------
 *
 * special.cpp
 *		Density, distribution and quantiles of the beta distribution; what
 *		tests and intervals need of the normal and the chi-square one.
 *
 * The incomplete beta function is Boost's (Didonato and Morris 1992), with
 * long double inside: relative errors of 1e-15, of 4e-12 where a shape comes
 * near 1e8.  Its continued fraction takes as many terms as the root of the
 * smaller shape, or never ends, and it cannot be interrupted.  So where both
 * shapes are large, it is Temme's expansion, and where one is beyond all
 * measure, the gamma distribution that it approaches; to 1e-12 both.
 *
 * This is the only file in C++.  It sees no header of the server, and no
 * exception leaves it, since an error of the server must not jump over C++
 * frames nor the other way round.
 *
 * src/special.cpp
 *
 *-------------------------------------------------------------------------
 */
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/log1p.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "special.h"

namespace
{

using namespace boost::math::policies;

/*
 * What is outside the domain or the range comes back as NaN or infinity; a
 * series that does not converge throws, rather than pass for a result.
 */
typedef policy<
	domain_error<ignore_error>,
	pole_error<ignore_error>,
	overflow_error<ignore_error>,
	evaluation_error<throw_on_error>,
	rounding_error<ignore_error>
	> Policy;

const double NOTHING = std::numeric_limits<double>::quiet_NaN();

/* e^y / (1 + e^y), without overflow */
double
logistic(double y)
{
	return y < 0 ? std::exp(y) / (1 + std::exp(y)) : 1 / (1 + std::exp(-y));
}

/* Two shapes that are large: Temme's expansion. */
const double LARGE = 1e8;

/* A smaller and a larger one that are far apart: a gamma distribution. */
const double MANY = 1e4;
const double BEYOND = 1e20;

bool
both_are_large(double alpha, double beta)
{
	return std::min(alpha, beta) >= LARGE;
}

bool
are_far_apart(double alpha, double beta)
{
	return std::min(alpha, beta) >= MANY && std::max(alpha, beta) >= BEYOND;
}

/*
 * large_cdf
 *		Shares below and above x for shapes from 1e8 on (Temme 1982; DLMF
 *		8.18.9 to 8.18.11, with the first coefficient).
 *
 * With n = a + b, x0 = a / n, y0 = b / n and d = x - x0, eta has the sign of
 * d, and eta^2 / 2 = x0 (t - ln(1 + t)) with t = d / x0, and the same of
 * y0 and -d.  The next term is smaller by the smaller shape.
 */
void
large_cdf(double x, double alpha, double beta, double *cdf, double *upper)
{
	long double n = (long double) alpha + beta;
	long double x0 = alpha / n;
	long double y0 = beta / n;
	long double d = x * y0 - (1 - (long double) x) * x0;
	long double s = std::sqrt(x0 * y0);
	long double half = -x0 * boost::math::log1pmx(d / x0, Policy()) -
		y0 * boost::math::log1pmx(-d / y0, Policy());
	long double eta = std::copysign(std::sqrt(2 * std::max(half, 0.0L)), d);
	long double z = eta * std::sqrt(n / 2);
	long double skew = (x0 - y0) / s;
	long double first;
	long double rest;

	/* 1 / eta - s / d, which cancels near the mean */
	if (std::fabs(d) < 1e-4L * std::min(x0, y0))
		first = -skew / 3 - (skew * skew + 3) / 12 * d / s;
	else
		first = 1 / eta - s / d;
	rest = first * std::exp(-n * half) /
		std::sqrt(2 * boost::math::constants::pi<long double>() * n);
	*cdf = (double) (std::erfc(-z) / 2 + rest);
	*upper = (double) (std::erfc(z) / 2 - rest);
}

/*
 * far_cdf
 *		The same where the larger shape is beyond 1e20 and the smaller, a, not
 *		large: -(b + (a - 1) / 2) ln(1 - x) has the gamma distribution of
 *		shape a, but for relative errors of (a / b)^2 (Didonato and Morris
 *		1992, section 9).
 */
void
far_cdf(double x, double alpha, double beta, double *cdf, double *upper)
{
	long double a = std::min(alpha, beta);
	long double b = std::max(alpha, beta);
	long double wide = x;
	long double ln = alpha < beta ? boost::math::log1p(-wide, Policy()) :
		std::log(wide);
	long double y = -(b + (a - 1) / 2) * ln;

	*cdf = (double) boost::math::gamma_p(a, y, Policy());
	*upper = (double) boost::math::gamma_q(a, y, Policy());
	if (alpha > beta)
		std::swap(*cdf, *upper);
}

} /* namespace */

/*
 * bd_special_beta_pdf
 *		Density at x; 0 outside [0, 1], at the ends the limit.
 */
extern "C" bool
bd_special_beta_pdf(double x, double alpha, double beta, double *pdf)
{
	*pdf = NOTHING;
	if (x < 0 || x > 1)
		*pdf = 0;
	else if (x == 0)
		*pdf = alpha < 1 ? INFINITY : alpha > 1 ? 0 : beta;
	else if (x == 1)
		*pdf = beta < 1 ? INFINITY : beta > 1 ? 0 : alpha;
	else
	{
		try
		{
			*pdf = boost::math::ibeta_derivative(alpha, beta, x, Policy());
		}
		catch (...)
		{
			return false;
		}
	}
	return !std::isnan(*pdf);
}

/*
 * bd_special_beta_cdf
 *		Shares below and above x, each from the function that computes it.
 */
extern "C" bool
bd_special_beta_cdf(double x, double alpha, double beta, double *cdf,
					double *upper)
{
	*cdf = x <= 0 ? 0 : 1;
	*upper = 1 - *cdf;
	if (x <= 0 || x >= 1)
		return true;
	try
	{
		if (both_are_large(alpha, beta))
			large_cdf(x, alpha, beta, cdf, upper);
		else if (are_far_apart(alpha, beta))
			far_cdf(x, alpha, beta, cdf, upper);
		else
		{
			*cdf = boost::math::ibeta(alpha, beta, x, Policy());
			*upper = boost::math::ibetac(alpha, beta, x, Policy());
		}
	}
	catch (...)
	{
		return false;
	}
	return std::isfinite(*cdf) && std::isfinite(*upper);
}

/*
 * bd_special_beta_quantile
 *		Where the share below reaches p, for p in [0, 1].
 *
 * Boost's inverse, or where the distribution is not Boost's or that refuses
 * (older releases do for extreme arguments) the search that cannot.
 */
extern "C" bool
bd_special_beta_quantile(double p, double alpha, double beta,
						 double *quantile)
{
	*quantile = p <= 0 ? 0 : 1;
	if (p <= 0 || p >= 1)
		return true;
	if (both_are_large(alpha, beta) || are_far_apart(alpha, beta))
		return bd_special_beta_quantile_search(p, alpha, beta, quantile);
	try
	{
		*quantile = boost::math::ibeta_inv(alpha, beta, p, Policy());
		if (*quantile >= 0 && *quantile <= 1)
			return true;
	}
	catch (...)
	{
	}
	return bd_special_beta_quantile_search(p, alpha, beta, quantile);
}

/*
 * bd_special_beta_quantile_search
 *		The same for 0 < p < 1, by bisection on the logit scale.
 *
 * Slow, but it needs nothing but the distribution.  The smaller tail is
 * compared, and above 1/2 what is left to 1, so that neither end loses
 * digits.  Below -800 every number rounds to 0, above 800 to 1.
 */
extern "C" bool
bd_special_beta_quantile_search(double p, double alpha, double beta,
								double *quantile)
{
	double		low = -800;
	double		high = 800;
	double		middle;

	*quantile = NOTHING;
	while ((middle = low + (high - low) / 2) > low && middle < high)
	{
		double		cdf;
		double		upper;

		if (!(middle < 0 ?
			  bd_special_beta_cdf(logistic(middle), alpha, beta, &cdf, &upper) :
			  bd_special_beta_cdf(logistic(-middle), beta, alpha, &upper, &cdf)))
			return false;
		if (p <= 0.5 ? cdf < p : upper > 1 - p)
			low = middle;
		else
			high = middle;
	}
	*quantile = logistic(high);
	return true;
}

/*
 * bd_special_chi_square_upper
 *		Share above x of the chi-square distribution (DLMF 8.2.4).
 */
extern "C" bool
bd_special_chi_square_upper(double x, double degrees, double *upper)
{
	*upper = NOTHING;
	try
	{
		*upper = boost::math::gamma_q(degrees / 2, x / 2, Policy());
	}
	catch (...)
	{
		return false;
	}
	return !std::isnan(*upper);
}

/*
 * bd_special_normal_quantile
 *		Where the normal distribution has the share "upper" above.
 */
extern "C" bool
bd_special_normal_quantile(double upper, double *quantile)
{
	*quantile = NOTHING;
	try
	{
		*quantile = boost::math::erfc_inv(2 * upper, Policy()) * std::sqrt(2.0);
	}
	catch (...)
	{
		return false;
	}
	return std::isfinite(*quantile);
}

/*
 * bd_special_log_gamma
 *		ln Gamma(x) for x > 0, in long double: differences of large ones keep
 *		their digits.
 */
extern "C" bool
bd_special_log_gamma(double x, long double *result)
{
	*result = NOTHING;
	try
	{
		*result = boost::math::lgamma((long double) x, Policy());
	}
	catch (...)
	{
		return false;
	}
	return std::isfinite(*result);
}
