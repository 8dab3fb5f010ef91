/*-------------------------------------------------------------------------
 *
 * basis.c
 *		The directions in which users differ most, for ranking items.
 *
 * PureSVD (Cremonesi, Koren and Turrin 2010; methods 16.1): of the matrix A
 * of users' values, 0 where there is none, the right singular vectors with
 * the largest singular values.  With them as rows of V, one of an item, a
 * user's scores are V (V' r), r his values: nothing has to be known of him
 * beforehand.
 *
 * They are found by subspace iteration from a random start (Halko, Martinsson
 * and Tropp 2011, section 4.5): V becomes an orthonormal basis of A'A V, a few
 * times.  A'A V is a sum over users, so nothing is kept of them:
 *
 *	  bd_basis_start
 *	  several times: bd_basis_clear; bd_basis_add for each user; bd_basis_turn
 *	  bd_basis_clear; bd_basis_add for each user; bd_basis_finish
 *
 * src/basis.c
 *
 *-------------------------------------------------------------------------
 */
#include "basis.h"

#include <math.h>
#include <string.h>

#include "random.h"

/* A direction with so small a share of the largest is none. */
#define NOTHING 1e-12

/* Sweeps of Jacobi's method; it needs fewer than ten. */
#define MAX_SWEEPS 50

static void add_products(const BanditBasis *basis, const double *row);
static void gram(const BanditBasis *basis);
static void orthonormalise(BanditBasis *basis);
static void diagonalise(double *a, double *v, int n);
static void rotate(double *a, double *v, int n, int p, int q);
static double off_diagonal(const double *a, int n);

/* Scratch: two square matrices and a row. */
static double *
products(const BanditBasis *basis)
{
	return basis->scratch;
}

static double *
turned(const BanditBasis *basis)
{
	return basis->scratch + (size_t) basis->width * basis->width;
}

static double *
one_row(const BanditBasis *basis)
{
	return basis->scratch + 2 * (size_t) basis->width * basis->width;
}

/* bd_basis_scratch: bytes beside the vectors and their images. */
size_t
bd_basis_scratch(int rank)
{
	size_t		width = (size_t) rank + BASIS_MORE;

	return sizeof(double) * (2 * width * width + width);
}

/*
 * bd_basis_start
 *		Random directions, the same for a seed.
 */
void
bd_basis_start(BanditBasis *basis, uint64_t seed)
{
	int64_t		n = (int64_t) basis->nitems * basis->width;
	BanditRandom random;

	bd_random_seed(&random, 1, seed);
	for (int64_t i = 0; i < n; i++)
		basis->vectors[i] = (float) (2 * bd_random_uniform(&random) - 1);
	memcpy(basis->images, basis->vectors, sizeof(float) * n);
	gram(basis);
	orthonormalise(basis);
}

/*
 * bd_basis_clear
 *		Begin to sum over users.
 */
void
bd_basis_clear(BanditBasis *basis)
{
	memset(basis->images, 0,
		   sizeof(float) * (size_t) basis->nitems * basis->width);
	memset(products(basis), 0,
		   sizeof(double) * (size_t) basis->width * basis->width);
}

/*
 * bd_basis_add
 *		Add a user: his items and values.
 */
void
bd_basis_add(BanditBasis *basis, const int32_t * items, const float *values,
			 int64_t n)
{
	int			width = basis->width;
	double	   *sum = one_row(basis);

	memset(sum, 0, sizeof(double) * width);
	for (int64_t k = 0; k < n; k++)
	{
		const float *vector = basis->vectors + (size_t) items[k] * width;
		double		value = values[k];

		for (int i = 0; i < width; i++)
			sum[i] += value * vector[i];
	}
	for (int64_t k = 0; k < n; k++)
	{
		float	   *image = basis->images + (size_t) items[k] * width;
		double		value = values[k];

		for (int i = 0; i < width; i++)
			image[i] += (float) (value * sum[i]);
	}
	add_products(basis, sum);
}

/* The lower half of the sum of row' row. */
static void
add_products(const BanditBasis *basis, const double *row)
{
	double	   *sums = products(basis);
	int			width = basis->width;

	for (int i = 0; i < width; i++)
		for (int j = 0; j <= i; j++)
			sums[(size_t) i * width + j] += row[i] * row[j];
}

/*
 * bd_basis_turn
 *		What was summed becomes the directions.
 */
void
bd_basis_turn(BanditBasis *basis)
{
	/* again, for what rounding has left of the first time */
	for (int round = 0; round < 2; round++)
	{
		gram(basis);
		orthonormalise(basis);
		memcpy(basis->images, basis->vectors,
			   sizeof(float) * (size_t) basis->nitems * basis->width);
	}
}

/* The products of the images' columns, their lower half. */
static void
gram(const BanditBasis *basis)
{
	int			width = basis->width;
	double	   *row = one_row(basis);

	memset(products(basis), 0, sizeof(double) * (size_t) width * width);
	for (int item = 0; item < basis->nitems; item++)
	{
		const float *image = basis->images + (size_t) item * width;

		for (int i = 0; i < width; i++)
			row[i] = image[i];
		add_products(basis, row);
	}
}

/*
 * orthonormalise
 *		The vectors become an orthonormal basis of the images, whose products
 *		are given, by their Cholesky root.
 *
 * A direction that the ones before it can make becomes zero.
 */
static void
orthonormalise(BanditBasis *basis)
{
	int			width = basis->width;
	double	   *a = products(basis);
	double	   *row = one_row(basis);
	double		largest = 0;

	for (int i = 0; i < width; i++)
		largest = fmax(largest, a[(size_t) i * width + i]);
	for (int i = 0; i < width; i++)
	{
		double	   *ai = a + (size_t) i * width;

		for (int j = 0; j <= i; j++)
		{
			const double *aj = a + (size_t) j * width;
			double		sum = ai[j];

			for (int k = 0; k < j; k++)
				sum -= ai[k] * aj[k];
			if (i == j)
				ai[j] = sum > NOTHING * largest ? sqrt(sum) : 0;
			else
				ai[j] = aj[j] > 0 ? sum / aj[j] : 0;
		}
	}
	for (int item = 0; item < basis->nitems; item++)
	{
		const float *image = basis->images + (size_t) item * width;
		float	   *vector = basis->vectors + (size_t) item * width;

		for (int i = 0; i < width; i++)
		{
			const double *ai = a + (size_t) i * width;
			double		sum = image[i];

			for (int k = 0; k < i; k++)
				sum -= ai[k] * row[k];
			row[i] = ai[i] > 0 ? sum / ai[i] : 0;
			vector[i] = (float) row[i];
		}
	}
}

/*
 * bd_basis_finish
 *		The directions with the largest singular values, the largest first:
 *		nitems * rank numbers.
 *
 * Within what was found they are those of the products of the users' sums
 * (Rayleigh and Ritz).
 */
void
bd_basis_finish(BanditBasis *basis, float *result)
{
	int			width = basis->width;
	double	   *a = products(basis);
	double	   *v = turned(basis);
	double	   *row = one_row(basis);

	for (int i = 0; i < width; i++)
		for (int j = i + 1; j < width; j++)
			a[(size_t) i * width + j] = a[(size_t) j * width + i];
	diagonalise(a, v, width);

	/* by size; each column of v goes with its number on the diagonal */
	for (int to = 0; to < basis->rank; to++)
	{
		int			best = 0;

		for (int i = 1; i < width; i++)
			if (a[(size_t) i * width + i] > a[(size_t) best * width + best])
				best = i;
		for (int i = 0; i < width; i++)
			row[i] = a[(size_t) best * width + best] > 0 ?
				v[(size_t) i * width + best] : 0;
		a[(size_t) best * width + best] = -1;
		for (int item = 0; item < basis->nitems; item++)
		{
			const float *vector = basis->vectors + (size_t) item * width;
			double		sum = 0;

			for (int i = 0; i < width; i++)
				sum += row[i] * vector[i];
			result[(size_t) item * basis->rank + to] = (float) sum;
		}
	}
}

/*
 * diagonalise
 *		a, symmetric, becomes diagonal; v's columns are its eigenvectors.
 *
 * Jacobi's method by rows (Golub and Van Loan, Matrix Computations, 8.5).
 */
static void
diagonalise(double *a, double *v, int n)
{
	double		trace = 0;

	memset(v, 0, sizeof(double) * (size_t) n * n);
	for (int i = 0; i < n; i++)
	{
		v[(size_t) i * n + i] = 1;
		trace += a[(size_t) i * n + i];
	}
	for (int sweep = 0; sweep < MAX_SWEEPS; sweep++)
	{
		if (off_diagonal(a, n) <= 1e-14 * trace)
			break;
		for (int p = 0; p < n - 1; p++)
			for (int q = p + 1; q < n; q++)
				if (a[(size_t) p * n + q] != 0)
					rotate(a, v, n, p, q);
	}
}

static double
off_diagonal(const double *a, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			if (i != j)
				sum += a[(size_t) i * n + j] * a[(size_t) i * n + j];
	return sqrt(sum);
}

/* Make a[p][q] zero. */
static void
rotate(double *a, double *v, int n, int p, int q)
{
	double		apq = a[(size_t) p * n + q];
	double		tau = (a[(size_t) q * n + q] - a[(size_t) p * n + p]) / (2 * apq);
	double		t = (tau >= 0 ? 1 : -1) / (fabs(tau) + sqrt(1 + tau * tau));
	double		c = 1 / sqrt(1 + t * t);
	double		s = t * c;

	for (int k = 0; k < n; k++)
	{
		double		kp = a[(size_t) k * n + p];
		double		kq = a[(size_t) k * n + q];

		a[(size_t) k * n + p] = c * kp - s * kq;
		a[(size_t) k * n + q] = s * kp + c * kq;
	}
	for (int k = 0; k < n; k++)
	{
		double		pk = a[(size_t) p * n + k];
		double		qk = a[(size_t) q * n + k];

		a[(size_t) p * n + k] = c * pk - s * qk;
		a[(size_t) q * n + k] = s * pk + c * qk;
	}
	for (int k = 0; k < n; k++)
	{
		double		kp = v[(size_t) k * n + p];
		double		kq = v[(size_t) k * n + q];

		v[(size_t) k * n + p] = c * kp - s * kq;
		v[(size_t) k * n + q] = s * kp + c * kq;
	}
}
