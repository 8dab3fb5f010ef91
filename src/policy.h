/*-------------------------------------------------------------------------
 *
 * policy.h
 *		By which rule arms are put in order.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/policy.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_POLICY_H
#define BANDIT_POLICY_H

#include <stdbool.h>

/* Numbered in the order of bd_policy_name. */
typedef enum BanditPolicy
{
	BANDIT_THOMPSON,
	BANDIT_TOP_TWO,
	BANDIT_GREEDY,
	BANDIT_EPSILON_GREEDY,
	BANDIT_UCB1,
	BANDIT_BAYES_UCB,
	BANDIT_UNIFORM
} BanditPolicy;

#define BANDIT_POLICIES 7

extern const char *bd_policy_name(BanditPolicy policy);
extern bool bd_policy_find(const char *name, BanditPolicy *policy);
extern bool bd_policy_draws(BanditPolicy policy);
extern double bd_policy_score(BanditPolicy policy, double alpha, double beta,
							  double total);
extern double bd_policy_floors(BanditPolicy policy, double epsilon,
							   const double *floors, int n,
							   double *effective);

#endif							/* BANDIT_POLICY_H */
