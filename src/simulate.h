/*-------------------------------------------------------------------------
 *
 * simulate.h
 *		A bandit problem played without a database.
 *
 * Pure: memory is the caller's, no SQL, no errors.
 *
 * src/simulate.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_SIMULATE_H
#define BANDIT_SIMULATE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy.h"
#include "random.h"

/* One arm of the problem, and what the player knows of it. */
typedef struct SimulatedArm
{
	double		rate;			/* its true probability of success */
	double		successes;		/* evidence, as of the landmark */
	double		failures;
	double		new_successes;	/* not heard of yet */
	double		new_failures;
	bool		replaced;		/* since the last batch of feedback */
	double		score;
} SimulatedArm;

/* The problem and the player, set by the caller, and the state of a run. */
typedef struct BanditSimulation
{
	/* the problem */
	int			narms;
	const double *rates;		/* NULL: from Beta(rate_alpha, rate_beta) */
	double		rate_alpha;
	double		rate_beta;
	double		replacement;	/* probability of a new arm, per step */
	bool		at_once;		/* the player hears of it at once */
	int64_t		rotate_every;	/* 0: never */
	double		drift;			/* of each logit, per step; 0: none */
	int64_t		delay;			/* steps from one batch of feedback to the
								 * next */

	/* the player */
	BanditPolicy policy;
	double		prior_alpha;
	double		prior_beta;
	double		floor;			/* effective, of each arm */
	double		half_life;		/* in steps; 0: nothing is forgotten */

	/* the run */
	BanditRandom random;
	SimulatedArm *arms;			/* narms */
	int64_t		step;
	int64_t		next_replacement;
	double		best;			/* the largest rate */
	double		regret;			/* so far */
	int64_t		best_picks;
	bool		by_logit;		/* draws may tie otherwise */
	bool		stale;			/* scores are to be computed again */
	double		growth;			/* weight of new evidence, from the landmark */
	double		growth_rate;
} BanditSimulation;

extern void bd_simulate_start(BanditSimulation *sim, uint64_t seed,
							  uint64_t run);
extern void bd_simulate_advance(BanditSimulation *sim, int64_t steps);
extern int	bd_simulate_choose(BanditSimulation *sim);
extern void bd_simulate_tell(BanditSimulation *sim, int arm, double reward);
extern double bd_pseudo_regret(const double *rates, const double *pulls,
							   int n);
extern double bd_lai_robbins(const double *rates, int n);

#endif							/* BANDIT_SIMULATE_H */
