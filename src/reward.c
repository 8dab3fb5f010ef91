/*-------------------------------------------------------------------------
 *
 * reward.c
 *		What responses are worth, alone and together.
 *
 * One response is worth what its kind's rule says.  Several kinds of
 * response to one item are one reward: by default that of the kind of highest
 * priority, the newest among equals (methods 15).
 *
 * src/reward.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

static bool counts_more(char combine, const LedgerRow *a, const LedgerRow *b);
static void add_up(const LedgerRow *rows, int nrows, Contribution *total,
				   TimestampTz *since);

/*
 * bd_response_judge
 *		The reward of a response by its kind's rule.
 *
 * A success is 1, a failure 0; between the thresholds is neutral.  A linear
 * rule maps zero_at .. one_at to 0 .. 1 and clips.  Raises when the rule
 * looks at a value and there is none.
 */
void
bd_response_judge(const Bandit *bandit, const OutcomeRule *rule,
				  Response *response)
{
	double		share;

	response->priority = rule->priority;
	response->neutral = false;
	if (rule->outcome != 0)
	{
		response->neutral = rule->outcome == 'n';
		response->reward = rule->outcome == 's' ? 1 : 0;
		return;
	}
	if (!response->has_value || isnan(response->value))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("feedback of kind \"%s\" needs a value", rule->kind),
				 errhint("Its rule in bandit.outcome_rules for \"%s\" looks at the value.",
						 bandit->name)));
	if (rule->linear)
	{
		share = (response->value - rule->zero_at) /
			(rule->one_at - rule->zero_at);
		response->reward = bd_reward_round(Min(Max(share, 0), 1));
	}
	else if (rule->has_success && response->value >= rule->success_from)
		response->reward = 1;
	else if (rule->has_failure && response->value <= rule->failure_to)
		response->reward = 0;
	else
		response->neutral = true;
}

/* A response that counts: its reward, or a bare pull if it is neutral. */
static Contribution
contribution(bool neutral, double reward)
{
	Contribution adds = {0, 0, 1};

	if (!neutral)
	{
		adds.successes = reward;
		adds.failures = 1 - reward;
	}
	return adds;
}

/*
 * bd_reward_total
 *		What the responses to an item are worth together, and since when;
 *		false if there is none.
 *
 * combine, by its first letter: priority, first, last, max, or sum, which
 * ends at 1.  For max and sum neutral ones count if there is nothing else.
 */
bool
bd_reward_total(char combine, const LedgerRow *rows, int nrows,
				Contribution *total, TimestampTz *since)
{
	const LedgerRow *best = NULL;

	for (int i = 0; i < nrows; i++)
		if (!rows[i].retracted &&
			(best == NULL || counts_more(combine, &rows[i], best)))
			best = &rows[i];
	if (best == NULL)
		return false;
	*total = contribution(best->response.neutral, best->response.reward);
	*since = best->received_at;
	if (combine == 's' && !best->response.neutral)
		add_up(rows, nrows, total, since);
	return true;
}

/* Does a response count rather than another?  Kinds decide what is equal. */
static bool
counts_more(char combine, const LedgerRow *a, const LedgerRow *b)
{
	const Response *left = &a->response;
	const Response *right = &b->response;

	switch (combine)
	{
		case 'm':
		case 's':
			if (left->neutral != right->neutral)
				return right->neutral;
			if (left->reward != right->reward)
				return left->reward > right->reward;
			break;
		case 'p':
			if (left->priority != right->priority)
				return left->priority > right->priority;
			break;
	}
	if (combine == 'f' && a->received_at != b->received_at)
		return a->received_at < b->received_at;
	if (a->changed_at != b->changed_at)
		return a->changed_at > b->changed_at;
	return strcmp(left->kind, right->kind) < 0;
}

static void
add_up(const LedgerRow *rows, int nrows, Contribution *total,
	   TimestampTz *since)
{
	double		sum = 0;

	for (int i = 0; i < nrows; i++)
		if (!rows[i].retracted && !rows[i].response.neutral)
		{
			sum += rows[i].response.reward;
			*since = Min(*since, rows[i].received_at);
		}
	*total = contribution(false, Min(sum, 1));
}
