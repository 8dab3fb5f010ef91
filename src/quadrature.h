/*-------------------------------------------------------------------------
 *
 * quadrature.h
 *		The Gauss-Legendre rule, and its running integrals.
 *
 * Pure: no SQL, no errors.
 *
 * src/quadrature.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_QUADRATURE_H
#define BANDIT_QUADRATURE_H

#include <stdbool.h>

#define BANDIT_NODES 12

/*
 * Nodes and weights on [-1, 1]; below[j][i] is what the value at node j adds
 * to the integral from -1 to node i.
 */
typedef struct BanditRule
{
	bool		ready;
	double		x[BANDIT_NODES];
	double		w[BANDIT_NODES];
	double		below[BANDIT_NODES][BANDIT_NODES];
} BanditRule;

extern const BanditRule *bd_quadrature(void);

#endif							/* BANDIT_QUADRATURE_H */
