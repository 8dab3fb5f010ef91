/*-------------------------------------------------------------------------
 *
 * special.h
 *		Density, distribution and quantiles of the beta distribution.
 *
 * Pure: no memory, no SQL, no errors; a C interface over Boost.
 *
 * src/special.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_SPECIAL_H
#define BANDIT_SPECIAL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C"
{
#endif

/* All return false where the value could not be computed. */
extern bool bd_special_beta_pdf(double x, double alpha, double beta,
								double *pdf);
extern bool bd_special_beta_cdf(double x, double alpha, double beta,
								double *cdf, double *upper);
extern bool bd_special_beta_quantile(double p, double alpha, double beta,
									 double *quantile);
extern bool bd_special_beta_quantile_search(double p, double alpha,
											double beta, double *quantile);
extern bool bd_special_chi_square_upper(double x, double degrees,
										double *upper);
extern bool bd_special_normal_quantile(double upper, double *quantile);
extern bool bd_special_log_gamma(double x, long double *result);

#ifdef __cplusplus
}
#endif

#endif							/* BANDIT_SPECIAL_H */
