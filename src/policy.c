/*-------------------------------------------------------------------------
 *
 * policy.c
 *		By which rule arms are put in order.
 *
 * A policy orders the arms, best first.  Three do it by draws: thompson and
 * top_two by one from each posterior, uniform by equal ones.  The others
 * give each arm a score, a function of the posteriors alone; equal scores
 * are ordered at random.
 *
 * Exploration is apart from the order.  Each place of a list is, with
 * probability f(i), given to arm i whatever the order says, and by the order
 * otherwise: for one place p(i) = f(i) + (1 - sum f) w(i).  epsilon_greedy is
 * greedy with a floor of epsilon / n for each of n arms.
 *
 * src/policy.c
 *
 *-------------------------------------------------------------------------
 */
#include "policy.h"

#include <math.h>
#include <string.h>

#include "special.h"

static const char *const names[BANDIT_POLICIES] = {
	"thompson", "top_two", "greedy", "epsilon_greedy", "ucb1", "bayes_ucb",
	"uniform"
};

static double upper_quantile(double alpha, double beta, double total);

/*
 * bd_policy_name
 *		As it stands in bandits.policy.
 */
const char *
bd_policy_name(BanditPolicy policy)
{
	return names[policy];
}

/*
 * bd_policy_find
 *		The policy of that name; false if there is none.
 */
bool
bd_policy_find(const char *name, BanditPolicy *policy)
{
	for (int i = 0; i < BANDIT_POLICIES; i++)
		if (strcmp(name, names[i]) == 0)
		{
			*policy = (BanditPolicy) i;
			return true;
		}
	return false;
}

/*
 * bd_policy_draws
 *		Is the order one of draws?  Otherwise it is one of scores.
 */
bool
bd_policy_draws(BanditPolicy policy)
{
	return policy == BANDIT_THOMPSON || policy == BANDIT_TOP_TWO ||
		policy == BANDIT_UNIFORM;
}

/*
 * bd_policy_score
 *		What an arm is ordered by, under a policy without draws; positive.
 *
 * "total" is the sum of alpha + beta over the arms.  The prior counts as
 * observations, so every score is finite and a decision's scores can be
 * computed again from its posteriors.
 *
 * greedy:		the posterior mean.
 * ucb1:		mean + sqrt(2 ln total / (alpha + beta)); may exceed 1
 *				(Auer, Cesa-Bianchi and Fischer 2002, fig. 1).
 * bayes_ucb:	the posterior's quantile at 1 - 1/total (Kaufmann, Cappe and
 *				Garivier 2012, with c = 0).
 */
double
bd_policy_score(BanditPolicy policy, double alpha, double beta, double total)
{
	double		mean = alpha / (alpha + beta);

	switch (policy)
	{
		case BANDIT_UCB1:
			return mean + sqrt(2 * fmax(log(total), 0) / (alpha + beta));
		case BANDIT_BAYES_UCB:
			return upper_quantile(alpha, beta, total);
		case BANDIT_GREEDY:
		case BANDIT_EPSILON_GREEDY:
			return mean;
		default:
			return 0;
	}
}

/* Where it cannot be computed, the mean will do: serving never fails. */
static double
upper_quantile(double alpha, double beta, double total)
{
	double		level = total > 2 ? 1 - 1 / total : 0.5;
	double		quantile;

	if (bd_special_beta_quantile(level, alpha, beta, &quantile))
		return quantile;
	return alpha / (alpha + beta);
}

/*
 * bd_policy_floors
 *		The floors that a policy explores by; returns their sum.
 *
 * "floors" may be NULL for none; theirs and "effective" may be the same.
 * Floors that sum over 1 are scaled down to 1.
 */
double
bd_policy_floors(BanditPolicy policy, double epsilon, const double *floors,
				 int n, double *effective)
{
	double		sum = 0;
	double		total = 0;
	double		scale;
	double		extra;

	for (int i = 0; floors != NULL && i < n; i++)
		sum += floors[i];
	scale = sum > 1 ? 1 / sum : 1;
	extra = policy == BANDIT_EPSILON_GREEDY ?
		fmax(1 - sum, 0) * epsilon / n : 0;
	for (int i = 0; i < n; i++)
	{
		effective[i] = (floors != NULL ? floors[i] * scale : 0) + extra;
		total += effective[i];
	}
	return fmin(total, 1);
}
