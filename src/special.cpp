/*-------------------------------------------------------------------------
 *
 * special.cpp
 *		Density, distribution and quantiles of the beta distribution.
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

#include <cmath>
#include <limits>

#include "special.h"

namespace
{

/* Errors come back as NaN or infinity, not as exceptions. */
typedef boost::math::policies::policy<
	boost::math::policies::domain_error<boost::math::policies::ignore_error>,
	boost::math::policies::pole_error<boost::math::policies::ignore_error>,
	boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
	boost::math::policies::evaluation_error<boost::math::policies::ignore_error>,
	boost::math::policies::rounding_error<boost::math::policies::ignore_error>
	> Policy;

const double NOTHING = std::numeric_limits<double>::quiet_NaN();

/*
 * logit_quantile
 *		Where the distribution reaches p, by bisection on the logit scale.
 *
 * For what Boost's inverse refuses: slow, but it cannot fail.  The smaller
 * tail is compared, so that neither end loses digits.
 */
double
logit_quantile(double p, double alpha, double beta)
{
	double		low = -800;
	double		high = 800;

	for (int i = 0; i < 200; i++)
	{
		double		middle = low + (high - low) / 2;
		double		x = middle < 0 ? std::exp(middle) / (1 + std::exp(middle))
			: 1 / (1 + std::exp(-middle));
		bool		below = p <= 0.5
			? boost::math::ibeta(alpha, beta, x, Policy()) < p
			: boost::math::ibetac(alpha, beta, x, Policy()) > 1 - p;

		if (below)
			low = middle;
		else
			high = middle;
	}
	return low < 0 ? std::exp(low) / (1 + std::exp(low))
		: 1 / (1 + std::exp(-low));
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
	}
	catch (...)
	{
		*quantile = NOTHING;
	}
	if (*quantile >= 0 && *quantile <= 1)
		return true;
	try
	{
		*quantile = logit_quantile(p, alpha, beta);
	}
	catch (...)
	{
		return false;
	}
	return true;
}
