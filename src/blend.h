/*-------------------------------------------------------------------------
 *
 * blend.h
 *		Whose turn it is: Tijdeman's rule for sharing a list among arms.
 *
 * Pure: no memory of its own, no SQL, no errors.
 *
 * src/blend.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_BLEND_H
#define BANDIT_BLEND_H

#include <stdbool.h>
#include <stdint.h>

/* One arm's share of a list. */
typedef struct BlendArm
{
	double		given;			/* the weight the caller gave, >= 0 */
	int64_t		weight;			/* in units of 2^-30 in this segment */
	int64_t		count;			/* items placed in this segment */
	bool		dry;			/* has no item left */
} BlendArm;

typedef struct Blend
{
	int			narms;
	int			nlive;			/* arms of positive weight, not dry */
	int64_t		step;			/* items placed in this segment */
	BlendArm   *arms;			/* caller's storage, narms long */
} Blend;

/* Weights all 0 (or weights == NULL) mean equal weights. */
extern void bd_blend_start(Blend *blend, BlendArm *storage, int narms,
						   const double *weights);
extern int	bd_blend_next(const Blend *blend);	/* -1: all dry */
extern void bd_blend_placed(Blend *blend, int arm);
extern void bd_blend_dry(Blend *blend, int arm);

#endif							/* BANDIT_BLEND_H */
