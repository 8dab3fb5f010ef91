/*-------------------------------------------------------------------------
 *
 * moments.h
 *		Sums over a log, from which another policy's value is estimated.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/moments.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_MOMENTS_H
#define BANDIT_MOMENTS_H

#include <stdbool.h>

/* A sum and what rounding took from it (Neumaier 1974). */
typedef struct ExactSum
{
	double		sum;
	double		rest;
} ExactSum;

/*
 * The state of ips, snips and dr: doubles alone, since SQL keeps it as a
 * float8[].  w is the weight of a row, r its reward, x what is averaged.
 */
typedef struct LogMoments
{
	double		n;				/* rows */
	ExactSum	x;
	double		x_squares;		/* squared distances of x from its mean */
	ExactSum	w;
	ExactSum	ww;
	double		largest;		/* w */
	double		mean;			/* of r, weighted by the square of w */
	double		mean_squares;	/* w^2 times squared distances from it */
} LogMoments;

/* Without value where n, the weights or the degrees of freedom are 0. */
typedef struct LogEstimate
{
	bool		has_estimate;
	bool		has_error;
	double		estimate;
	double		error;			/* its standard error */
	double		n;
	double		effective_n;
	double		mean_weight;
	double		max_weight;
} LogEstimate;

extern void bd_moments_add(LogMoments *moments, double w, double r, double x);
extern void bd_moments_merge(LogMoments *moments, const LogMoments *other);
extern void bd_moments_mean(const LogMoments *moments, LogEstimate *result);
extern void bd_moments_ratio(const LogMoments *moments, LogEstimate *result);

#endif							/* BANDIT_MOMENTS_H */
