/*
 * basis.c
 *		The directions are the right singular vectors, the largest first.
 */
#include "basis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define USERS 60
#define ITEMS 40
#define RANK 3

/*
 * A = sum over k of s_k u_k v_k', with u_k and v_k cosines, which are
 * orthogonal; s = 30, 20, 10 and a tail of 1.
 */
static double
left(int k, int u)
{
	return sqrt(2.0 / USERS) * cos(M_PI * (k + 1) * (u + 0.5) / USERS);
}

static double
right(int k, int i)
{
	return sqrt(2.0 / ITEMS) * cos(M_PI * (k + 1) * (i + 0.5) / ITEMS);
}

static float vectors[ITEMS * (RANK + BASIS_MORE)];
static float images[ITEMS * (RANK + BASIS_MORE)];
static double scratch[2 * (RANK + BASIS_MORE) * (RANK + BASIS_MORE) +
					  RANK + BASIS_MORE];
static float found[ITEMS * RANK];

static void
find(int ncomponents, uint64_t seed)
{
	static const double sizes[] = {30, 20, 10, 1, 1, 1};
	BanditBasis basis = {ITEMS, RANK, RANK + BASIS_MORE, vectors, images, scratch};
	int32_t		items[ITEMS];
	float		values[USERS][ITEMS];

	for (int u = 0; u < USERS; u++)
		for (int i = 0; i < ITEMS; i++)
		{
			items[i] = i;
			values[u][i] = 0;
			for (int k = 0; k < ncomponents; k++)
				values[u][i] += sizes[k] * left(k, u) * right(k, i);
		}
	bd_basis_start(&basis, seed);
	for (int turn = 0; turn < 8; turn++)
	{
		bd_basis_clear(&basis);
		for (int u = 0; u < USERS; u++)
			bd_basis_add(&basis, items, values[u], ITEMS);
		bd_basis_turn(&basis);
	}
	bd_basis_clear(&basis);
	for (int u = 0; u < USERS; u++)
		bd_basis_add(&basis, items, values[u], ITEMS);
	bd_basis_finish(&basis, found);
}

/* Cosine of a direction that was found with the right one. */
static double
agreement(int k)
{
	double		sum = 0;

	for (int i = 0; i < ITEMS; i++)
		sum += found[i * RANK + k] * right(k, i);
	return fabs(sum);
}

static double
length(int k)
{
	double		sum = 0;

	for (int i = 0; i < ITEMS; i++)
		sum += found[i * RANK + k] * found[i * RANK + k];
	return sum;
}

int
main(void)
{
	float		first[ITEMS * RANK];

	find(6, 1);
	for (int k = 0; k < RANK; k++)
		ok(fabs(agreement(k) - 1) < 1e-4, "a singular vector, in order of size");
	memcpy(first, found, sizeof(first));
	find(6, 1);
	ok(memcmp(first, found, sizeof(first)) == 0, "a seed gives the same");
	find(2, 1);
	ok(fabs(agreement(1) - 1) < 1e-4, "a matrix of lower rank");
	ok(length(2) < 1e-6, "where there is no further direction, zeros");
	find(0, 1);
	ok(length(0) == 0 && length(1) == 0, "a matrix of nothing but zeros");
	return done();
}
