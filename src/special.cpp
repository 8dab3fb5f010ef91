/*-------------------------------------------------------------------------
 *
 * special.cpp
 *		Density, distribution and quantiles of the beta distribution; what
 *		tests and intervals need of the normal and the chi-square one.
 *
 * The incomplete beta function is Boost's (Didonato and Morris 1992, with
 * Temme's expansions), with long double inside: relative errors of 1e-15, of
 * 4e-12 where shapes reach 1e8.  This is the only file in C++.  It sees no
 * header of the server, and no exception leaves it, since an error of the
 * server must not jump over C++ frames nor the other way round.
 *
 * src/special.cpp
 *
 *-------------------------------------------------------------------------
 */
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

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
		*cdf = boost::math::ibeta(alpha, beta, x, Policy());
		*upper = boost::math::ibetac(alpha, beta, x, Policy());
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
 * Boost's inverse, or where that refuses (older releases do for extreme
 * arguments) the search that cannot.
 */
extern "C" bool
bd_special_beta_quantile(double p, double alpha, double beta,
						 double *quantile)
{
	*quantile = p <= 0 ? 0 : 1;
	if (p <= 0 || p >= 1)
		return true;
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
 * compared, so that neither end loses digits.  Below -800 every number
 * rounds to 0, above 800 to 1.
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

		if (!bd_special_beta_cdf(logistic(middle), alpha, beta, &cdf, &upper))
			return false;
		if (p <= 0.5 ? cdf < p : upper > 1 - p)
			low = middle;
		else
			high = middle;
	}
	*quantile = logistic(low);
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
