/*-------------------------------------------------------------------------
 *
 * dist.h
 *		Draws from the normal, exponential, gamma and beta distributions.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/dist.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_DIST_H
#define BANDIT_DIST_H

#include "random.h"

extern double bd_dist_normal(BanditRandom *random);
extern double bd_dist_exponential(BanditRandom *random);
extern double bd_dist_log_gamma(BanditRandom *random, double shape);
extern double bd_dist_beta(BanditRandom *random, double alpha, double beta);
extern double bd_dist_beta_logit(BanditRandom *random, double alpha,
								 double beta);
extern double bd_dist_logistic(double logit);	/* in [0, 1] */
extern double bd_dist_log_logistic(double logit);	/* ln of the same */

#endif							/* BANDIT_DIST_H */
