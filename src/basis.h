/*-------------------------------------------------------------------------
 *
 * basis.h
 *		The directions in which users differ most, for ranking items.
 *
 * Pure: memory is the caller's, no server, no errors.
 *
 * src/basis.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_BASIS_H
#define BANDIT_BASIS_H

#include <stddef.h>
#include <stdint.h>

/* More directions are followed than are kept, which makes those better. */
#define BASIS_MORE 8

typedef struct BanditBasis
{
	int			nitems;
	int			rank;			/* that are wanted */
	int			width;			/* that are followed: rank + BASIS_MORE */
	float	   *vectors;		/* nitems * width */
	float	   *images;			/* the same size */
	double	   *scratch;		/* bd_basis_scratch(rank) bytes */
} BanditBasis;

extern size_t bd_basis_scratch(int rank);
extern void bd_basis_start(BanditBasis *basis, uint64_t seed);
extern void bd_basis_clear(BanditBasis *basis);
extern void bd_basis_add(BanditBasis *basis, const int32_t * items,
						 const float *values, int64_t n);
extern void bd_basis_turn(BanditBasis *basis);
extern void bd_basis_finish(BanditBasis *basis, float *result);

#endif							/* BANDIT_BASIS_H */
