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
 * The counts of the others come from prefixes and suffixes of the arms:
 * everything that is added is positive, so nothing cancels.
 *
 * src/propensity.c
 *
 *-------------------------------------------------------------------------
 */
#include "propensity.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NODES BANDIT_PROPENSITY_NODES

/* Where a log density has fallen by this much, an arm is not looked at. */
#define FALL 42.0

/* Panel edges of an arm: mode +- sd * FIRST * GROWTH^m. */
#define FIRST 0.7
#define GROWTH 1.5
#define MAX_SIDE 64

typedef BanditPropensity Workspace;
typedef BanditCurve Curve;

/* The logistic function bends near 0 whatever the shapes. */
#define BEND_RANGE 36
#define BEND_STEP 4
#define NEAR 0.5

/* Nodes and weights on [-1, 1], and integrals from -1 to each node. */
typedef struct Rule
{
	bool		ready;
	double		x[NODES];
	double		w[NODES];
	double		below[NODES][NODES];
} Rule;

static Rule rule;

static void make_rule(void);
static void legendre(int degree, double x, double *p);
static void make_curve(Curve * curve, double alpha, double beta);
static double relative_log(const Curve * curve, double y);
static double find_end(const Curve * curve, double step);
static void make_edges(Workspace * work);
static int	add_side(const Curve * curve, double sign, double *edges);
static int	compare_edges(const void *a, const void *b);
static void thin_edges(Workspace * work);
static void find_density(Workspace * work, int panel, int arm);
static void fill_panel(Workspace * work, int panel);
static void add_ranks(Workspace * work, int node, double weight);
static void add_top(Workspace * work, int node, double weight);
static void count_before(Workspace * work, int node);
static void count_one(double *counts, int k, double below);

/* Legendre polynomials of degrees 0 .. degree at x. */
static void
legendre(int degree, double x, double *p)
{
	p[0] = 1;
	p[1] = x;
	for (int n = 1; n < degree; n++)
		p[n + 1] = ((2 * n + 1) * x * p[n] - n * p[n - 1]) / (n + 1);
}

/*
 * make_rule
 *		Gauss-Legendre nodes by Newton's method, and the collocation matrix:
 *		the integral of P_n from -1 to x is (P_{n+1} - P_{n-1}) / (2n + 1).
 */
static void
make_rule(void)
{
	double		p[NODES + 2];
	double		at[NODES][NODES + 2];

	for (int i = 0; i < NODES; i++)
	{
		double		x = -cos(M_PI * (i + 0.75) / (NODES + 0.5));
		double		slope = 1;

		for (int pass = 0; pass < 20; pass++)
		{
			legendre(NODES, x, p);
			slope = NODES * (x * p[NODES] - p[NODES - 1]) / (x * x - 1);
			x -= p[NODES] / slope;
		}
		rule.x[i] = x;
		rule.w[i] = 2 / ((1 - x * x) * slope * slope);
		legendre(NODES + 1, x, at[i]);
	}
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NODES; j++)
		{
			double		sum = (rule.x[i] + 1) / 2;

			for (int n = 1; n < NODES; n++)
				sum += at[j][n] * (at[i][n + 1] - at[i][n - 1]) / 2;
			rule.below[i][j] = rule.w[j] * sum;
		}
	rule.ready = true;
}

static void
make_curve(Curve * curve, double alpha, double beta)
{
	curve->alpha = alpha;
	curve->beta = beta;
	curve->mode = log(alpha) - log(beta);
	curve->mean = 1 / (1 + beta / alpha);
	curve->rest = 1 / (1 + alpha / beta);
	curve->sd = sqrt(1 / alpha + 1 / beta);
	curve->low = find_end(curve, -curve->sd);
	curve->high = find_end(curve, curve->sd);
}

/*
 * relative_log
 *		Log of the density at y over that at the mode, on the logit scale:
 *		alpha d - (alpha + beta) ln(1 - mean + mean e^d), d = y - mode.
 *
 * The large terms of a sharp density are never formed.  Each side is written
 * with the tail that falls there.
 */
static double
relative_log(const Curve * curve, double y)
{
	double		d = y - curve->mode;

	if (d < 0)
		return curve->alpha * d -
			(curve->alpha + curve->beta) * log1p(curve->mean * expm1(d));
	return -curve->beta * d -
		(curve->alpha + curve->beta) * log1p(curve->rest * expm1(-d));
}

/* From where on the density is too small to matter. */
static double
find_end(const Curve * curve, double step)
{
	double		inner = 0;
	double		outer = step;

	while (relative_log(curve, curve->mode + outer) > -FALL)
	{
		inner = outer;
		outer *= 2;
	}
	for (int i = 0; i < 12; i++)
	{
		double		middle = (inner + outer) / 2;

		if (relative_log(curve, curve->mode + middle) > -FALL)
			inner = middle;
		else
			outer = middle;
	}
	return curve->mode + outer;
}

static int
add_side(const Curve * curve, double sign, double *edges)
{
	double		end = sign > 0 ? curve->high : curve->low;
	double		offset = curve->sd * FIRST;
	int			n = 0;

	while (n < MAX_SIDE - 1 && offset < fabs(end - curve->mode))
	{
		edges[n++] = curve->mode + sign * offset;
		offset *= GROWTH;
	}
	edges[n++] = end;
	return n;
}

static int
compare_edges(const void *a, const void *b)
{
	double		left = *(const double *) a;
	double		right = *(const double *) b;

	return left < right ? -1 : left > right;
}

static void
make_edges(Workspace * work)
{
	double		low = INFINITY;
	double		high = -INFINITY;
	int			n = 0;

	for (int i = 0; i < work->n; i++)
	{
		const		Curve *curve = &work->curves[i];

		n += add_side(curve, -1, work->edges + n);
		work->edges[n++] = curve->mode;
		n += add_side(curve, 1, work->edges + n);
		low = fmin(low, curve->low);
		high = fmax(high, curve->high);
	}
	for (int y = -BEND_RANGE; y <= BEND_RANGE; y += BEND_STEP)
		if (y > low && y < high)
			work->edges[n++] = y;
	qsort(work->edges, n, sizeof(double), compare_edges);
	work->nedges = n;
	thin_edges(work);
}

/*
 * thin_edges
 *		Drop an edge that is near its neighbour, by the scale of the sharpest
 *		arm that is alive there.
 */
static void
thin_edges(Workspace * work)
{
	int			kept = 1;

	for (int i = 1; i < work->nedges; i++)
	{
		double		edge = work->edges[i];
		double		scale = INFINITY;

		for (int j = 0; j < work->n; j++)
		{
			const		Curve *curve = &work->curves[j];
			double		local;

			if (edge < curve->low || work->edges[kept - 1] > curve->high)
				continue;
			local = fmax(curve->sd, fabs(edge - curve->mode) / 3);
			scale = fmin(scale, local);
		}
		if (isinf(scale) ? edge > work->edges[kept - 1] :
			edge - work->edges[kept - 1] > NEAR * scale ||
			(i == work->nedges - 1 && edge > work->edges[kept - 1]))
			work->edges[kept++] = edge;
	}
	work->nedges = kept;
}

/*
 * bd_propensity_edges
 *		How many doubles "edges" needs, for n arms.
 */
size_t
bd_propensity_edges(int n)
{
	return (size_t) n * (2 * MAX_SIDE + 1) + 2 * BEND_RANGE / BEND_STEP + 2;
}

/*
 * bd_propensity_start
 *		Lay out the panels; the memory that "work" points to is the caller's.
 *
 * The caller has filled in everything above nedges.  Afterwards each panel,
 * in order, wants one bd_propensity_measure, and then each, in order, one
 * bd_propensity_add; in between the caller may look for interrupts.
 */
void
bd_propensity_start(Workspace * work, const double *alphas,
					const double *betas)
{
	if (!rule.ready)
		make_rule();
	for (int i = 0; i < work->n; i++)
	{
		make_curve(&work->curves[i], alphas[i], betas[i]);
		work->curves[i].total = 1;
		work->curves[i].done = 0;
	}
	make_edges(work);
	work->npanels = work->nedges - 1;
	memset(work->result, 0,
		   sizeof(double) * work->n * (work->by_rank ? work->k : 1));
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

	for (int i = 0; i < work->n; i++)
	{
		Curve	   *curve = &work->curves[i];

		find_density(work, panel, i);
		for (int a = 0; a < NODES; a++)
			curve->done += half * rule.w[a] * curve->density[a];
		if (work->kept != NULL)
			memcpy(work->kept + ((size_t) panel * work->n + i) * NODES,
				   curve->density, sizeof(curve->density));
		if (panel == work->npanels - 1)
		{
			curve->total = curve->done;
			curve->done = 0;
		}
	}
}

/* An arm's density at the nodes of a panel; 0 where it does not matter. */
static void
find_density(Workspace * work, int panel, int arm)
{
	Curve	   *curve = &work->curves[arm];
	double		from = work->edges[panel];
	double		half = (work->edges[panel + 1] - from) / 2;

	if (from + 2 * half <= curve->low || from >= curve->high)
		memset(curve->density, 0, sizeof(curve->density));
	else
		for (int a = 0; a < NODES; a++)
			curve->density[a] = exp(relative_log(curve, from + half +
												 half * rule.x[a]));
}

/*
 * bd_propensity_add
 *		Add a panel to the probabilities.
 */
void
bd_propensity_add(Workspace * work, int panel)
{
	double		half = (work->edges[panel + 1] - work->edges[panel]) / 2;

	fill_panel(work, panel);
	for (int a = 0; a < NODES; a++)
	{
		if (work->by_rank)
			add_ranks(work, a, half * rule.w[a]);
		else
			add_top(work, a, half * rule.w[a]);
	}
}

/*
 * fill_panel
 *		Densities at the panel's nodes, and what is below them.
 */
static void
fill_panel(Workspace * work, int panel)
{
	double		half = (work->edges[panel + 1] - work->edges[panel]) / 2;

	for (int i = 0; i < work->n; i++)
	{
		Curve	   *curve = &work->curves[i];
		bool		alive = work->edges[panel + 1] > curve->low &&
		work->edges[panel] < curve->high;
		double		sum = 0;

		if (work->kept != NULL)
			memcpy(curve->density,
				   work->kept + ((size_t) panel * work->n + i) * NODES,
				   sizeof(curve->density));
		else
			find_density(work, panel, i);
		for (int a = 0; a < NODES; a++)
			sum += rule.w[a] * curve->density[a];
		for (int a = 0; a < NODES; a++)
		{
			double		share = 0;

			for (int b = 0; alive && b < NODES; b++)
				share += rule.below[a][b] * curve->density[b];
			curve->below[a] = (curve->done + half * share) / curve->total;
			curve->below[a] = fmin(fmax(curve->below[a], 0), 1);
		}
		curve->done += half * sum;
	}
}

/* One more arm among those counted: it draws below with this probability. */
static void
count_one(double *counts, int k, double below)
{
	for (int t = k - 1; t > 0; t--)
		counts[t] = counts[t] * below + counts[t - 1] * (1 - below);
	counts[0] *= below;
}

/* prefix[i] becomes how many of the arms before i draw above the node. */
static void
count_before(Workspace * work, int node)
{
	int			k = work->k;

	memset(work->prefix, 0, sizeof(double) * k);
	work->prefix[0] = 1;
	for (int i = 0; i < work->n; i++)
	{
		double	   *next = work->prefix + (size_t) (i + 1) * k;

		memcpy(next, next - k, sizeof(double) * k);
		count_one(next, k, work->curves[i].below[node]);
	}
	memset(work->suffix, 0, sizeof(double) * k);
	work->suffix[0] = 1;
}

/*
 * add_ranks
 *		A node's part in the probability of every rank of every arm.
 *
 * prefix counts the arms before, suffix those after: together all others.
 */
static void
add_ranks(Workspace * work, int node, double weight)
{
	int			k = work->k;
	double	   *suffix = work->suffix;

	count_before(work, node);
	for (int i = work->n - 1; i >= 0; i--)
	{
		const		Curve *curve = &work->curves[i];
		double		mass = weight * curve->density[node] / curve->total;
		double	   *before = work->prefix + (size_t) i * k;

		for (int r = 0; mass > 0 && r < k; r++)
		{
			double		sum = 0;

			for (int t = 0; t <= r; t++)
				sum += before[t] * suffix[r - t];
			work->result[(size_t) i * k + r] += mass * sum;
		}
		count_one(suffix, k, curve->below[node]);
	}
}

/*
 * add_top
 *		A node's part in the probability of being among the first k.
 *
 * Running sums of the suffix save a factor of k over the ranks.
 */
static void
add_top(Workspace * work, int node, double weight)
{
	int			k = work->k;
	double	   *suffix = work->suffix;
	double	   *at_most = work->suffix + k;

	count_before(work, node);
	for (int i = work->n - 1; i >= 0; i--)
	{
		const		Curve *curve = &work->curves[i];
		double		mass = weight * curve->density[node] / curve->total;
		double	   *before = work->prefix + (size_t) i * k;
		double		sum = 0;

		if (mass > 0)
		{
			at_most[0] = suffix[0];
			for (int t = 1; t < k; t++)
				at_most[t] = at_most[t - 1] + suffix[t];
			for (int t = 0; t < k; t++)
				sum += before[t] * at_most[k - 1 - t];
			work->result[i] += mass * sum;
		}
		count_one(suffix, k, curve->below[node]);
	}
}
