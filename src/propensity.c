/*-------------------------------------------------------------------------
 *
 * propensity.c
 *		How probable each rank of each arm is, before anybody draws.
 *
 *		P(arm i has rank r) = integral of f_i(y) P(N_i(y) = r - 1) dy
 *
 * where f_i is the density of arm i's draw and N_i(y) the number of other
 * arms that draw above y, a Poisson-binomial variable (Hong 2013) with
 * probabilities S_j(y).  No Monte Carlo.
 *
 * All on the logit scale, where densities are smooth and light-tailed, by
 * Gauss-Legendre quadrature on panels that follow every arm's scale.  A
 * distribution function is the running integral of its density on the same
 * nodes, by collocation, so no incomplete beta function is called.
 * Densities are relative to their mode and divided by their own integral on
 * the grid, so no beta function is either (methods 4).
 *
 * A panel that lies below k arms adds nothing: whoever is there is not among
 * the first k.
 *
 * src/propensity.c
 *
 *-------------------------------------------------------------------------
 */
#include "propensity.h"

#include <math.h>
#include <stdbool.h>

#define NODES BANDIT_NODES

/* Where a log density has fallen by this much, an arm is not looked at. */
#define FALL 36.0

/* Below this alpha + beta, a log density may be a difference of large terms. */
#define BLUNT 2e4

/*
 * A panel is as wide as WIDE standard deviations of an arm, or as its
 * distance from the mode over AWAY; it shrinks with the square root of how
 * many arms compete, times CROWD.
 */
#define WIDE 1.5
#define AWAY 3
#define CROWD 0.3

/* The largest alpha + beta, and the smallest of either, to be told apart. */
#define SHARPEST 1e24
#define SMALLEST 1e-30

typedef BanditPropensity Workspace;
typedef BanditCurve Curve;

/* Densities of small shapes bend as far out as the logarithm of the other. */
#define BEND_RANGE 60.0
#define BEND_STEP 4.0

static void make_curve(Curve * curve, double alpha, double beta);
static double relative_log(const Curve * curve, double y);
static double find_end(const Curve * curve, double step);
static void make_edges(Workspace * work);
static double panel_end(const Workspace * work, double y);
static void find_logits(Workspace * work, int panel);
static bool find_density(const Workspace * work, int panel, int arm,
						 double *density);
static void sort_arms(Workspace * work, int panel);
static void fill_arm(Workspace * work, int panel, int active);

static void
make_curve(Curve * curve, double alpha, double beta)
{
	/* sharper than logits can be told apart: a point, whichever it is */
	double		blunt = fmin(1, SHARPEST / 2 / (alpha / 2 + beta / 2));

	alpha = fmax(alpha * blunt, SMALLEST);
	beta = fmax(beta * blunt, SMALLEST);
	curve->alpha = alpha;
	curve->beta = beta;
	curve->mode = log(alpha) - log(beta);
	curve->mean = 1 / (1 + beta / alpha);
	curve->rest = 1 / (1 + alpha / beta);
	curve->sd = sqrt(1 / alpha + 1 / beta);
	curve->peak = alpha * curve->mode - (alpha + beta) *
		(fmax(curve->mode, 0) + log1p(exp(-fabs(curve->mode))));
	curve->total = 0;
	curve->done = 0;
	curve->low = find_end(curve, -curve->sd);
	curve->high = find_end(curve, curve->sd);
}

/*
 * relative_log
 *		Log of the density at y over that at the mode, on the logit scale:
 *		alpha d - (alpha + beta) ln(1 + mean (e^d - 1)), d = y - mode,
 *		or the same seen from the other end, if the mean is over 1/2.
 *
 * So 1 - mean, or what is left of it in a double, is never needed.
 */
static double
relative_log(const Curve * curve, double y)
{
	bool		low = curve->alpha <= curve->beta;
	double		shape = low ? curve->alpha : curve->beta;
	double		mean = low ? curve->mean : curve->rest;
	double		d = low ? y - curve->mode : curve->mode - y;

	return shape * d - (curve->alpha + curve->beta) *
		(d < 700 ? log1p(mean * expm1(d)) : d + log(mean));
}

/* From where on the density is too small to matter. */
static double
find_end(const Curve * curve, double step)
{
	double		inner = 0;
	double		outer = 8 * step;

	while (relative_log(curve, curve->mode + outer) > -FALL)
	{
		inner = outer;
		outer *= 2;
	}
	for (int i = 0; i < 4; i++)
	{
		double		middle = (inner + outer) / 2;

		if (relative_log(curve, curve->mode + middle) > -FALL)
			inner = middle;
		else
			outer = middle;
	}
	return curve->mode + outer;
}

/*
 * make_edges
 *		Walk from the lowest density to the highest, in panels.
 */
static void
make_edges(Workspace * work)
{
	int			most = (int) bd_propensity_edges(work->n) - 1;
	double		y = INFINITY;
	double		last = -INFINITY;
	int			n = 0;

	for (int i = 0; i < work->n; i++)
	{
		y = fmin(y, work->curves[i].low);
		last = fmax(last, work->curves[i].high);
	}
	while (y < last && n < most)
	{
		work->edges[n++] = y;
		y = fmin(panel_end(work, y), last);
	}
	work->edges[n++] = last;
	work->nedges = n;
}

/*
 * panel_end
 *		How far a panel may reach from its lower edge: as far as the sharpest
 *		of the arms that are alive there, or begin there, allows.
 *
 * Where many arms are alive, being among the first k comes and goes faster
 * than any of their densities.
 */
static double
panel_end(const Workspace * work, double y)
{
	double		end = y < -BEND_RANGE ? BEND_STEP - BEND_RANGE :
	y < BEND_RANGE ? y + BEND_STEP : INFINITY;
	double		few = 4.0 * work->ranking->k;
	int			alive = 0;

	for (int i = 0; i < work->n; i++)
	{
		const		Curve *curve = &work->curves[i];
		double		from = fmax(y, curve->low);
		double		away = curve->mode - from;

		if (y >= curve->high)
			continue;
		alive += y >= curve->low;
		away = away > 0 ? away / (AWAY + 1) : -away / AWAY;
		end = fmin(end, from + fmax(WIDE * curve->sd, away));
	}
	if (alive < few)
		few = alive;
	if (alive > 0)
		end = y + (end - y) / fmax(1, CROWD * sqrt(few * (1 + 2 * log(alive / few))));
	return end;
}

/*
 * bd_propensity_edges
 *		How many doubles "edges" needs, for n arms.
 */
size_t
bd_propensity_edges(int n)
{
	return (size_t) n * 128 + 512;
}

/*
 * bd_propensity_start
 *		Lay out the panels; the memory that "work" points to is the caller's.
 *
 * The caller has filled in everything above nedges.  Afterwards each panel,
 * in order, wants one bd_propensity_measure, then each, in order, one
 * bd_propensity_add, and bd_ranking_finish is the last; in between the
 * caller may look for interrupts.
 */
void
bd_propensity_start(Workspace * work, const double *alphas,
					const double *betas)
{
	work->rule = bd_quadrature();
	for (int i = 0; i < work->n; i++)
		make_curve(&work->curves[i], alphas[i], betas[i]);
	make_edges(work);
	work->npanels = work->nedges - 1;
	bd_ranking_start(work->ranking);
}

/*
 * bd_propensity_measure
 *		Add a panel to each density's integral, on the very grid that it is
 *		used on; the last panel makes the integrals final.
 */
void
bd_propensity_measure(Workspace * work, int panel)
{
	double		half = (work->edges[panel + 1] - work->edges[panel]) / 2;

	find_logits(work, panel);
	for (int i = 0; i < work->n; i++)
	{
		double		own[NODES];
		double	   *density = work->kept == NULL ? own :
		work->kept + ((size_t) panel * work->n + i) * NODES;
		double		sum = 0;

		if (!find_density(work, panel, i, density))
			continue;
		for (int a = 0; a < NODES; a++)
			sum += work->rule->w[a] * density[a];
		work->curves[i].total += half * sum;
	}
}

/* The panel's nodes, and ln(1 + e^y) there, which the blunt arms share. */
static void
find_logits(Workspace * work, int panel)
{
	double		from = work->edges[panel];
	double		half = (work->edges[panel + 1] - from) / 2;

	for (int a = 0; a < NODES; a++)
	{
		double		y = from + half + half * work->rule->x[a];

		work->logit[a] = y;
		work->soft[a] = fmax(y, 0) + log1p(exp(-fabs(y)));
	}
}

/*
 * find_density
 *		An arm's density at the nodes of a panel; false, and nothing, where it
 *		does not matter.
 */
static bool
find_density(const Workspace * work, int panel, int arm, double *density)
{
	const		Curve *curve = &work->curves[arm];
	double		both = curve->alpha + curve->beta;

	if (work->edges[panel + 1] <= curve->low ||
		work->edges[panel] >= curve->high)
		return false;
	if (both < BLUNT)
		for (int a = 0; a < NODES; a++)
			density[a] = exp(curve->alpha * work->logit[a] -
							 both * work->soft[a] - curve->peak);
	else
		for (int a = 0; a < NODES; a++)
			density[a] = exp(relative_log(curve, work->logit[a]));
	return true;
}

/*
 * bd_propensity_add
 *		Add a panel to the probabilities.
 */
void
bd_propensity_add(Workspace * work, int panel)
{
	bool		needed;

	sort_arms(work, panel);
	needed = bd_ranking_panel(work->ranking, work->active, work->nactive,
							  work->above);
	if (work->kept == NULL)
		find_logits(work, panel);
	for (int a = 0; a < work->nactive; a++)
		fill_arm(work, panel, a);
	for (int block = 0; needed && block < NODES / BANDIT_LANES; block++)
		bd_ranking_add(work->ranking,
					   work->mass + (size_t) block * work->n * BANDIT_LANES,
					   work->below + (size_t) block * work->n * BANDIT_LANES);
}

/* Which arms are above the panel, and which have their density there. */
static void
sort_arms(Workspace * work, int panel)
{
	work->nactive = 0;
	for (int i = 0; i < work->n; i++)
	{
		const		Curve *curve = &work->curves[i];

		work->above[i] = work->edges[panel + 1] <= curve->low;
		if (!work->above[i] && work->edges[panel] < curve->high)
			work->active[work->nactive++] = i;
	}
}

/*
 * fill_arm
 *		An active arm's mass at the panel's nodes, and what is below them.
 */
static void
fill_arm(Workspace * work, int panel, int active)
{
	int			arm = work->active[active];
	Curve	   *curve = &work->curves[arm];
	double		half = (work->edges[panel + 1] - work->edges[panel]) / 2;
	double		scale = half / curve->total;
	double		own[NODES];
	const double *density = own;
	double		below[NODES] = {0};
	double		sum = 0;

	if (work->kept != NULL)
		density = work->kept + ((size_t) panel * work->n + arm) * NODES;
	else
		find_density(work, panel, arm, own);
	for (int b = 0; b < NODES; b++)
		for (int a = 0; a < NODES; a++)
			below[a] += work->rule->below[b][a] * density[b];
	for (int a = 0; a < NODES; a++)
	{
		size_t		at = ((size_t) (a / BANDIT_LANES) * work->n + active) *
		BANDIT_LANES + a % BANDIT_LANES;

		work->mass[at] = scale * work->rule->w[a] * density[a];
		work->below[at] = fmin(fmax(curve->done + scale * below[a], 0), 1);
		sum += work->mass[at];
	}
	curve->done += sum;
}
