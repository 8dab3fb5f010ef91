/*-------------------------------------------------------------------------
 *
 * sequence.h
 *		Intervals and tests that may be looked at every day.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/sequence.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_SEQUENCE_H
#define BANDIT_SEQUENCE_H

#include <stdbool.h>

/* The values of one side of an experiment. */
typedef struct Side
{
	double		n;
	double		mean;
	double		variance;
} Side;

typedef struct SequenceDifference
{
	double		difference;
	double		error;			/* its standard error */
	double		radius;
	double		p;				/* always valid */
} SequenceDifference;

typedef struct SampleRatio
{
	double		n;
	double		chi_square;
	double		p;
	double		log_bayes_factor;
	double		p_always_valid;
} SampleRatio;

/* What a confidence sequence of one rate starts from. */
typedef struct SequenceRate
{
	double		successes;
	double		failures;
	double		alpha;
	double		prior_a;
	double		prior_b;
} SequenceRate;

extern bool bd_sequence_rate(const SequenceRate *rate, double *lower,
							 double *upper);
extern void bd_sequence_difference(const Side *a, const Side *b, double alpha,
								   double planned,
								   SequenceDifference *result);
extern bool bd_sample_ratio(const double *counts, const double *weights,
							int n, SampleRatio *result);

#endif							/* BANDIT_SEQUENCE_H */
