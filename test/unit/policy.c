/*-------------------------------------------------------------------------
 *
 * policy.c
 *		Scores and floors of policies.
 *
 * test/unit/policy.c
 *
 *-------------------------------------------------------------------------
 */
#include "policy.h"

#include <math.h>

#include "tap.h"

static int
close_to(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

int
main(void)
{
	BanditPolicy policy;
	double		floors[] = {0.1, 0, 0.2, 0.1};
	double		effective[4];
	int			found = 0;

	for (int i = 0; i < BANDIT_POLICIES; i++)
		found += bd_policy_find(bd_policy_name((BanditPolicy) i), &policy) &&
			(int) policy == i;
	ok(found == BANDIT_POLICIES, "every policy is found by its name");
	ok(!bd_policy_find("softmax", &policy), "others are not");

	ok(close_to(bd_policy_score(BANDIT_GREEDY, 3, 1, 99), 0.75),
	   "greedy scores by the mean");
	ok(close_to(bd_policy_score(BANDIT_UCB1, 3, 1, 100),
				0.75 + sqrt(2 * log(100) / 4)),
	   "ucb1 adds the confidence radius");
	ok(close_to(bd_policy_score(BANDIT_UCB1, 0.1, 0.1, 0.2), 0.5),
	   "ucb1's radius is never imaginary");
	ok(close_to(bd_policy_score(BANDIT_BAYES_UCB, 1, 1, 40), 1 - 1.0 / 40),
	   "bayes_ucb scores by an upper quantile");
	ok(close_to(bd_policy_score(BANDIT_BAYES_UCB, 1, 1, 1), 0.5),
	   "of the median at least");

	ok(close_to(bd_policy_floors(BANDIT_THOMPSON, 0.5, floors, 4, effective),
				0.4) && effective[2] == 0.2,
	   "floors are as they are set");
	ok(close_to(bd_policy_floors(BANDIT_EPSILON_GREEDY, 0.1, floors, 4,
								 effective), 0.4 + 0.6 * 0.1) &&
	   close_to(effective[1], 0.015) && close_to(effective[2], 0.215),
	   "epsilon is spread evenly over what floors leave");
	ok(bd_policy_floors(BANDIT_GREEDY, 0.1, NULL, 4, effective) == 0 &&
	   effective[0] == 0, "greedy alone has none");
	floors[1] = 2;
	ok(close_to(bd_policy_floors(BANDIT_THOMPSON, 0, floors, 4, effective),
				1) && close_to(effective[0], 0.1 / 2.4),
	   "floors over 1 are scaled to 1");
	return done();
}
