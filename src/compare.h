/*-------------------------------------------------------------------------
 *
 * compare.h
 *		How beta distributed rates compare: losses, lift, expected maximum.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/compare.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_COMPARE_H
#define BANDIT_COMPARE_H

#include <stdbool.h>

/* The most arms of bd_compare_maximum. */
#define BANDIT_COMPARE_ARMS 10000

/* A rate that is distributed as Beta(alpha, beta). */
typedef struct BetaRate
{
	double		alpha;
	double		beta;
} BetaRate;

/* All return false where the value could not be computed. */
extern bool bd_compare_loss(const BetaRate *chosen, const BetaRate *other,
							double *loss);
extern bool bd_compare_lift_cdf(const BetaRate *a, const BetaRate *b,
								double log_ratio, double *cdf);
extern bool bd_compare_lift_quantile(const BetaRate *a, const BetaRate *b,
									 double p, double *lift);
extern bool bd_compare_maximum(const BetaRate *rates, int n,
							   double *expected);

#endif							/* BANDIT_COMPARE_H */
