/*-------------------------------------------------------------------------
 *
 * simulate.c
 *		A bandit problem played without a database.
 *
 * Arms with Bernoulli rewards, feedback in batches, arms that are replaced
 * by new ones (Chapelle and Li 2011, section 3), rates that drift.  Regret is
 * the pseudo-regret: at every step the best rate minus that of the arm that
 * was played.
 *
 * Each run has a generator of its own, of the seed and the run's number, so
 * runs may be split and a run's length does not change another.
 *
 * src/simulate.c
 *
 *-------------------------------------------------------------------------
 */
#include "simulate.h"

#include <math.h>
#include <stddef.h>

#include "dist.h"
#include "elementary.h"

typedef BanditSimulation Simulation;

/* Evidence is scaled down when its weights have grown this much. */
#define LARGEST_GROWTH 0x1p40

#define MAX_REDRAWS 100

static double new_rate(Simulation *sim);
static void plan_replacement(Simulation *sim);
static void find_best(Simulation *sim);
static void change_rates(Simulation *sim);
static void replace_arm(Simulation *sim);
static void rotate(Simulation *sim);
static int	choose(Simulation *sim);
static int	choose_by_draw(Simulation *sim, int except);
static int	choose_challenger(Simulation *sim, int leader);
static int	choose_by_score(Simulation *sim);
static void score_arms(Simulation *sim);
static void learn(Simulation *sim);
static void forget(Simulation *sim);
static double divergence(double p, double q);

/*
 * bd_simulate_start
 *		Begin a run; the problem, the player and "arms" are the caller's.
 */
void
bd_simulate_start(Simulation *sim, uint64_t seed, uint64_t run)
{
	bd_random_seed(&sim->random, seed, run);
	for (int i = 0; i < sim->narms; i++)
	{
		SimulatedArm *arm = &sim->arms[i];

		arm->rate = sim->rates != NULL ? sim->rates[i] : new_rate(sim);
		arm->successes = arm->failures = 0;
		arm->new_successes = arm->new_failures = 0;
		arm->replaced = false;
	}
	sim->step = 0;
	sim->regret = 0;
	sim->best_picks = 0;
	sim->by_logit = sim->prior_alpha < 1 || sim->prior_beta < 1;
	sim->stale = true;
	sim->growth = 1;
	sim->growth_rate = sim->half_life > 0 ?
		bd_exp(0.693147180559945309 / sim->half_life) : 1;
	plan_replacement(sim);
	find_best(sim);
}

/*
 * bd_simulate_advance
 *		Play so many steps.
 *
 * A step: the problem changes, an arm is played, its reward is drawn; after
 * every "delay" steps the player hears of the rewards since the last time.
 */
void
bd_simulate_advance(Simulation *sim, int64_t steps)
{
	for (int64_t last = sim->step + steps; sim->step < last;)
	{
		SimulatedArm *arm;

		sim->step++;
		if (sim->step == sim->next_replacement || sim->drift > 0 ||
			sim->rotate_every > 0)
			change_rates(sim);
		arm = &sim->arms[choose(sim)];
		sim->regret += sim->best - arm->rate;
		sim->best_picks += arm->rate == sim->best;
		if (bd_random_uniform(&sim->random) < arm->rate)
			arm->new_successes += sim->growth;
		else
			arm->new_failures += sim->growth;
		if (sim->half_life > 0)
			forget(sim);
		if (sim->step % sim->delay == 0)
			learn(sim);
	}
}

static double
new_rate(Simulation *sim)
{
	return bd_dist_beta(&sim->random, sim->rate_alpha, sim->rate_beta);
}

/* Steps without one are geometric. */
static void
plan_replacement(Simulation *sim)
{
	double		wait;

	sim->next_replacement = 0;
	if (sim->replacement <= 0)
		return;
	wait = sim->replacement >= 1 ? 0 :
		floor(bd_log(bd_random_uniform(&sim->random)) /
			  bd_log1p(-sim->replacement));
	if (wait < 1e18)
		sim->next_replacement = sim->step + 1 + (int64_t) wait;
}

static void
find_best(Simulation *sim)
{
	sim->best = 0;
	for (int i = 0; i < sim->narms; i++)
		sim->best = fmax(sim->best, sim->arms[i].rate);
}

static void
change_rates(Simulation *sim)
{
	if (sim->step == sim->next_replacement)
		replace_arm(sim);
	for (int i = 0; sim->drift > 0 && i < sim->narms; i++)
	{
		SimulatedArm *arm = &sim->arms[i];
		double		logit = bd_log(arm->rate) - bd_log1p(-arm->rate);

		/* a rate of 0 or 1 stays */
		if (isfinite(logit))
			arm->rate = bd_dist_logistic(logit + sim->drift *
										 bd_dist_normal(&sim->random));
	}
	if (sim->rotate_every > 0 && (sim->step - 1) % sim->rotate_every == 0 &&
		sim->step > 1)
		rotate(sim);
	find_best(sim);
}

/*
 * replace_arm
 *		One arm, any, gives way to a new one.
 *
 * What is not known yet of the old one is lost.  The player starts again
 * from the prior, at once or with the next batch of feedback.
 */
static void
replace_arm(Simulation *sim)
{
	int			i = (int) (bd_random_uniform(&sim->random) * sim->narms);
	SimulatedArm *arm = &sim->arms[i];

	arm->rate = new_rate(sim);
	arm->new_successes = arm->new_failures = 0;
	arm->replaced = !sim->at_once;
	if (sim->at_once)
		arm->successes = arm->failures = 0;
	sim->stale = true;
	plan_replacement(sim);
}

/* Each arm gets the rate of the next. */
static void
rotate(Simulation *sim)
{
	double		first = sim->arms[0].rate;

	for (int i = 0; i + 1 < sim->narms; i++)
		sim->arms[i].rate = sim->arms[i + 1].rate;
	sim->arms[sim->narms - 1].rate = first;
}

/* Feedback arrives. */
static void
learn(Simulation *sim)
{
	for (int i = 0; i < sim->narms; i++)
	{
		SimulatedArm *arm = &sim->arms[i];

		if (arm->replaced)
			arm->successes = arm->failures = 0;
		arm->successes += arm->new_successes;
		arm->failures += arm->new_failures;
		arm->new_successes = arm->new_failures = 0;
		arm->replaced = false;
	}
	sim->stale = true;
}

/*
 * forget
 *		Let a step pass: new evidence weighs more, which is as if the old
 *		weighed less (Cormode et al. 2009).
 */
static void
forget(Simulation *sim)
{
	sim->growth *= sim->growth_rate;
	sim->stale = true;
	if (sim->growth < LARGEST_GROWTH)
		return;
	for (int i = 0; i < sim->narms; i++)
	{
		SimulatedArm *arm = &sim->arms[i];

		arm->successes /= sim->growth;
		arm->failures /= sim->growth;
		arm->new_successes /= sim->growth;
		arm->new_failures /= sim->growth;
	}
	sim->growth = 1;
}

static int
choose(Simulation *sim)
{
	int			leader;

	if (sim->floor > 0)
	{
		double		u = bd_random_uniform(&sim->random) / sim->floor;

		if (u < sim->narms)
			return (int) u;
	}
	if (sim->policy == BANDIT_UNIFORM)
		return (int) (bd_random_uniform(&sim->random) * sim->narms);
	if (!bd_policy_draws(sim->policy))
		return choose_by_score(sim);
	leader = choose_by_draw(sim, -1);
	if (sim->policy == BANDIT_TOP_TWO && sim->narms > 1 &&
		bd_random_uniform(&sim->random) < 0.5)
		return choose_challenger(sim, leader);
	return leader;
}

/* The largest of one draw from each posterior, but for one arm. */
static int
choose_by_draw(Simulation *sim, int except)
{
	double		scale = 1 / sim->growth;
	double		largest = -INFINITY;
	int			best = 0;

	for (int i = 0; i < sim->narms; i++)
	{
		const SimulatedArm *arm = &sim->arms[i];
		double		alpha = sim->prior_alpha + arm->successes * scale;
		double		beta = sim->prior_beta + arm->failures * scale;
		double		draw = sim->by_logit ?
		bd_dist_beta_logit(&sim->random, alpha, beta) :
		bd_dist_beta(&sim->random, alpha, beta);

		if (draw > largest && i != except)
		{
			largest = draw;
			best = i;
		}
	}
	return best;
}

/* The winner of a redraw that the leader does not win; at last the runner-up. */
static int
choose_challenger(Simulation *sim, int leader)
{
	for (int pass = 0; pass < MAX_REDRAWS; pass++)
	{
		int			best = choose_by_draw(sim, -1);

		if (best != leader)
			return best;
	}
	return choose_by_draw(sim, leader);
}

/* Equal scores are broken at random. */
static int
choose_by_score(Simulation *sim)
{
	double		largest = -INFINITY;
	int			best = 0;
	int			ties = 0;

	if (sim->stale)
		score_arms(sim);
	for (int i = 0; i < sim->narms; i++)
	{
		double		score = sim->arms[i].score;

		if (score > largest)
		{
			largest = score;
			best = i;
			ties = 1;
		}
		else if (score == largest &&
				 bd_random_uniform(&sim->random) * ++ties < 1)
			best = i;
	}
	return best;
}

static void
score_arms(Simulation *sim)
{
	double		scale = 1 / sim->growth;
	double		total = (sim->prior_alpha + sim->prior_beta) * sim->narms;

	for (int i = 0; i < sim->narms; i++)
		total += (sim->arms[i].successes + sim->arms[i].failures) * scale;
	for (int i = 0; i < sim->narms; i++)
	{
		SimulatedArm *arm = &sim->arms[i];

		arm->score = bd_policy_score(sim->policy,
									 sim->prior_alpha + arm->successes * scale,
									 sim->prior_beta + arm->failures * scale,
									 total);
	}
	sim->stale = false;
}

/*
 * bd_simulate_choose
 *		What the player would play now; nothing is drawn of the problem.
 */
int
bd_simulate_choose(Simulation *sim)
{
	return choose(sim);
}

/*
 * bd_simulate_tell
 *		Let the player learn a reward, 0 to 1, at once.
 */
void
bd_simulate_tell(Simulation *sim, int arm, double reward)
{
	sim->arms[arm].successes += reward;
	sim->arms[arm].failures += 1 - reward;
	sim->stale = true;
}

/*
 * bd_pseudo_regret
 *		sum pulls (best rate - rate): what was lost to always playing the best.
 */
double
bd_pseudo_regret(const double *rates, const double *pulls, int n)
{
	double		best = 0;
	double		regret = 0;

	for (int i = 0; i < n; i++)
		best = fmax(best, rates[i]);
	for (int i = 0; i < n; i++)
		regret += pulls[i] * (best - rates[i]);
	return regret;
}

/*
 * bd_lai_robbins
 *		c of the lower bound c ln T on the regret of any consistent policy
 *		(Lai and Robbins 1985): sum (best - p) / KL(p, best) over worse arms.
 */
double
bd_lai_robbins(const double *rates, int n)
{
	double		best = 0;
	double		sum = 0;

	for (int i = 0; i < n; i++)
		best = fmax(best, rates[i]);
	for (int i = 0; i < n; i++)
		if (rates[i] < best)
			sum += (best - rates[i]) / divergence(rates[i], best);
	return sum;
}

/* Kullback-Leibler divergence of two Bernoulli variables, p < q; q = 1: inf. */
static double
divergence(double p, double q)
{
	double		sum = 0;

	if (p > 0)
		sum += p * log(p / q);
	return sum + (1 - p) * log((1 - p) / (1 - q));
}
