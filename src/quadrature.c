/*-------------------------------------------------------------------------
 *
 * quadrature.c
 *		The Gauss-Legendre rule, and its running integrals.
 *
 * src/quadrature.c
 *
 *-------------------------------------------------------------------------
 */
#include "quadrature.h"

#include <math.h>

#define NODES BANDIT_NODES

static BanditRule rule;

static void legendre(int degree, double x, double *p);

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
 * bd_quadrature
 *		Gauss-Legendre nodes by Newton's method, and the collocation matrix:
 *		the integral of P_n from -1 to x is (P_{n+1} - P_{n-1}) / (2n + 1).
 */
const BanditRule *
bd_quadrature(void)
{
	double		p[NODES + 2];
	double		at[NODES][NODES + 2];

	if (rule.ready)
		return &rule;

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
			rule.below[j][i] = rule.w[j] * sum;
		}
	rule.ready = true;
	return &rule;
}
