/*-------------------------------------------------------------------------
 *
 * select.c
 *		Draws, scores, and the k best: select_arms.
 *
 * A policy puts the arms in order (policy.c); by default by one draw from
 * each posterior (Thompson 1933; several arms at once: Komiyama, Honda and
 * Nakagawa 2015).  Draws are compared by their logit: where shapes are tiny,
 * most draws are exactly 0 or 1 in double precision and would tie.
 *
 * The order in which random numbers are used is part of the contract, for a
 * decision's are made again: one draw for each arm in registration order,
 * the salt that breaks ties, top_two's coin and redraws and what replaces
 * them, a number for each place where there are floors.
 *
 * src/select.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <float.h>
#include <math.h>

#include "dist.h"
#include "elementary.h"
#include "funcapi.h"
#include "odds.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(bandit_select_arms);

/* Redraws of top_two before the challenger is drawn by his odds. */
#define MAX_REDRAWS 100

static void score_arms(BanditRandom *random, BanditPolicy policy, Draw *draws,
					   int ndraws);
static uint64 tie_key(uint64 salt, int arm);
static int	order_arms(const Draw *draws, int ndraws, int k, uint64 salt,
					   int *order);
static int	find_challenger(BanditRandom *random, const Draw *draws,
							int ndraws, int leader);
static void explore_places(BanditRandom *random, Draw *draws, int ndraws,
						   int k, int *picks);
static double log_weight(BanditPolicy policy, const Draw *draw);

/*
 * bd_select
 *		Pick the k best arms, best first; returns how many there are.
 *
 * "draws" hold posteriors and floors; scores, samples and weights are set.
 * picks[rank] is an index into "draws", which keep their order.  A place
 * that is explored keeps the weight of the arm that would have had it.
 */
int
bd_select(BanditRandom *random, BanditPolicy policy, Draw *draws, int ndraws,
		  int k, int *picks)
{
	uint64		salt;
	double	   *weights;
	double		largest;
	double		sum = 0;
	int			n;

	if (ndraws == 0)
		return 0;
	score_arms(random, policy, draws, ndraws);
	salt = bd_random_next(random);
	n = order_arms(draws, ndraws, Min(k, ndraws), salt, picks);
	if (policy == BANDIT_TOP_TWO && k == 1 && ndraws > 1 &&
		bd_random_uniform(random) < 0.5)
		picks[0] = find_challenger(random, draws, ndraws, picks[0]);

	/* shares, from logarithms: they hold where every draw rounds to 0 */
	weights = palloc(sizeof(double) * n);
	largest = -DBL_MAX;
	for (int i = 0; i < n; i++)
	{
		weights[i] = log_weight(policy, &draws[picks[i]]);
		largest = Max(largest, weights[i]);
	}
	for (int i = 0; i < n; i++)
	{
		weights[i] = bd_exp(weights[i] - largest);
		sum += weights[i];
	}
	explore_places(random, draws, ndraws, n, picks);
	for (int i = 0; i < n; i++)
		draws[picks[i]].weight = weights[i] / sum;
	pfree(weights);
	return n;
}

/*
 * score_arms
 *		What the arms are ordered by.
 */
static void
score_arms(BanditRandom *random, BanditPolicy policy, Draw *draws, int ndraws)
{
	double		total = 0;

	if (bd_policy_draws(policy))
	{
		bool		flat = policy == BANDIT_UNIFORM;

		for (int i = 0; i < ndraws; i++)
		{
			draws[i].score = bd_dist_beta_logit(random,
												flat ? 1 : draws[i].alpha,
												flat ? 1 : draws[i].beta);
			draws[i].sample = bd_dist_logistic(draws[i].score);
		}
		return;
	}
	for (int i = 0; i < ndraws; i++)
		total += draws[i].alpha + draws[i].beta;
	for (int i = 0; i < ndraws; i++)
	{
		draws[i].score = bd_policy_score(policy, draws[i].alpha,
										 draws[i].beta, total);
		draws[i].sample = draws[i].score;
	}
}

/* Equal scores are ordered by this: as good as a draw for each (splitmix). */
static uint64
tie_key(uint64 salt, int arm)
{
	uint64		z = salt + (uint64) arm * UINT64CONST(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/*
 * order_arms
 *		The k arms of the largest scores, best first.
 */
static int
order_arms(const Draw *draws, int ndraws, int k, uint64 salt, int *order)
{
	int			n = 0;

	for (int i = 0; i < ndraws; i++)
	{
		int			at = n < k ? n++ : k;

		/* insertion from behind; position k is the one that falls off */
		while (at > 0)
		{
			int			other = order[at - 1];

			if (draws[other].score > draws[i].score ||
				(draws[other].score == draws[i].score &&
				 tie_key(salt, other) >= tie_key(salt, i)))
				break;
			if (at < k)
				order[at] = other;
			at--;
		}
		if (at < k)
			order[at] = i;
	}
	return n;
}

/*
 * find_challenger
 *		The winner of a redraw in which the leader does not win.
 *
 * Where such a redraw is too rare to wait for, one draw by how probable its
 * winners are: the same distribution.
 */
static int
find_challenger(BanditRandom *random, const Draw *draws, int ndraws,
				int leader)
{
	double	   *alphas;
	double	   *betas;
	double	   *shares;
	double		u;
	int			challenger = leader;

	for (int pass = 0; pass < MAX_REDRAWS; pass++)
	{
		double		largest = -INFINITY;
		int			best = leader;

		for (int i = 0; i < ndraws; i++)
		{
			double		score = bd_dist_beta_logit(random, draws[i].alpha,
												   draws[i].beta);

			if (score > largest)
			{
				largest = score;
				best = i;
			}
		}
		if (best != leader)
			return best;
	}

	alphas = palloc(sizeof(double) * ndraws);
	betas = palloc(sizeof(double) * ndraws);
	for (int i = 0; i < ndraws; i++)
	{
		alphas[i] = draws[i].alpha;
		betas[i] = draws[i].beta;
	}
	shares = bd_challengers(alphas, betas, ndraws, leader);
	u = bd_random_uniform(random);
	for (int i = 0; i < ndraws && u >= 0; i++)
		if (shares[i] > 0)
		{
			challenger = i;
			u -= shares[i];
		}
	pfree(alphas);
	pfree(betas);
	pfree(shares);
	return challenger;
}

/*
 * explore_places
 *		Give each place to an arm named by the floors, now and then.
 *
 * "picks" holds the k best in order.  Place by place, an arm is named with
 * the probability of its floor, and takes the place unless it is in the list
 * already; otherwise the best that is not in the list does.
 */
static void
explore_places(BanditRandom *random, Draw *draws, int ndraws, int k,
			   int *picks)
{
	double		total = 0;
	int		   *order;
	bool	   *placed;

	for (int i = 0; i < ndraws; i++)
		total += draws[i].floor;
	if (total == 0)
		return;

	order = palloc(sizeof(int) * k);
	memcpy(order, picks, sizeof(int) * k);
	placed = palloc0(sizeof(bool) * ndraws);
	for (int rank = 0; rank < k; rank++)
	{
		double		u = bd_random_uniform(random);
		int			named = 0;
		int			best = 0;

		while (named < ndraws && u >= draws[named].floor)
			u -= draws[named++].floor;
		while (placed[order[best]])
			best++;
		picks[rank] = named < ndraws && !placed[named] ? named : order[best];
		placed[picks[rank]] = true;
	}
	pfree(order);
	pfree(placed);
}

/* The logarithm of a place's weight, before the sum is known. */
static double
log_weight(BanditPolicy policy, const Draw *draw)
{
	if (policy == BANDIT_UNIFORM)
		return 0;
	if (bd_policy_draws(policy))
		return bd_dist_log_logistic(draw->score);
	return bd_log(Max(draw->score, DBL_MIN));
}

/*
 * bd_select_count
 *		Raise unless k, the number of arms wanted, is at least 1.
 */
int
bd_select_count(int k)
{
	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of arms must be at least 1, not %d", k)));
	return k;
}

/*
 * select_arms(bandit text, context jsonb, k int)
 *		-> (rank, arm, sample, weight, alpha, beta), best first
 */
Datum
bandit_select_arms(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"bandit", "context", "k"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Bandit	   *bandit;
	Jsonb	   *context;
	Draw	   *draws;
	int		   *picks;
	int			k;
	int			n;

	bd_require_arguments(fcinfo, 3, names);
	bandit = bd_settings_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	context = PG_GETARG_JSONB_P(1);
	k = bd_select_count(PG_GETARG_INT32(2));
	bd_context_check(bandit, context);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);

	draws = palloc(sizeof(Draw) * Max(bandit->narms, 1));
	picks = palloc(sizeof(int) * Max(bandit->narms, 1));
	n = bd_posteriors_of_query(fcinfo->flinfo->fn_mcxt, bandit,
							   bd_context_hash(context), context, draws);
	n = bd_select(bd_session_random(), bandit->policy, draws, n, k, picks);
	for (int rank = 0; rank < n; rank++)
	{
		const Draw *draw = &draws[picks[rank]];
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = Int32GetDatum(rank + 1);
		values[1] = CStringGetTextDatum(bandit->arms[draw->arm].name);
		values[2] = Float8GetDatum(draw->sample);
		values[3] = Float8GetDatum(draw->weight);
		values[4] = Float8GetDatum(draw->alpha);
		values[5] = Float8GetDatum(draw->beta);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
