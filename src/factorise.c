/*-------------------------------------------------------------------------
 *
 * factorise.c
 *		Biased matrix factorisation by alternating least squares.
 *
 * A rating is the mean, a user's and an item's bias, and the product of their
 * factors (Koren, Bell and Volinsky 2009; methods 16.1).  Each row of factors
 * is a ridge regression given the other side's, and the ridge grows with the
 * number of ratings (Zhou, Wilkinson, Schreiber and Pan 2008).  The caller
 * loops over the rows, so that it can be interrupted.
 *
 * A row with fewer ratings than factors is solved by as many equations as it
 * has ratings, which is the same: (Q'Q + cI)^-1 Q' = Q' (QQ' + cI)^-1.  Most
 * items have only a few.
 *
 * Sums are taken in a fixed order: equal ratings make equal factors.
 *
 * src/factorise.c
 *
 *-------------------------------------------------------------------------
 */
#include "factorise.h"

#include <math.h>
#include <string.h>

#include "random.h"

/* Damping of the biases, and how often the two sides take turns. */
#define ITEM_DAMPING 10.0
#define BIAS_ROUNDS 10

#define START_SCALE 0.1

/*
 * Ratings whose products are added up together, in tiles of the equations
 * that fit into registers.  So few are added in single precision, and then to
 * the rest in double.
 */
#define TOGETHER 64
#define TILE_ROWS 4
#define TILE_COLUMNS 8

static void fit_biases(const BanditFactors *model, BanditSide *side,
					   const BanditSide *against, double damping);
static void fit_bias(const BanditFactors *model, BanditSide *side,
					 const BanditSide *against, double damping, int row);
static void start_side(const BanditFactors *model, BanditSide *side,
					   BanditRandom *random);
static double rest(const BanditFactors *model, const BanditSide *side,
				   const BanditSide *against, int row, int64_t k);
static void solve_many(const BanditFactors *model, BanditSide *side,
					   const BanditSide *against, int row);
static void solve_few(const BanditFactors *model, BanditSide *side,
					  const BanditSide *against, int row, int n);
static void gather(const BanditFactors *model, const BanditSide *side,
				   const BanditSide *against, int row, int64_t k, int n,
				   float *q, double *b);
static void add_tile(double *a, int rank, const float *q, int n, int width,
					 int i0, int j0);
static int	padded(int rank);
static void solve_cholesky(double *a, double *b, int n);
static void take_four(double *row, const double *rows, int stride, int n);

/* bd_factors_scratch: bytes that one row's equations take. */
size_t
bd_factors_scratch(int rank)
{
	return sizeof(double) * rank * ((size_t) rank + 1) +
		sizeof(float) * TOGETHER * padded(rank);
}

/* The width of a row of tiles. */
static int
padded(int rank)
{
	return (rank + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
}

/*
 * bd_dot
 *		The product of two vectors, in eight sums that a compiler can keep
 *		side by side, so that their order does not depend on it.
 */
float
bd_dot(const float *a, const float *b, int n)
{
	float		sums[8] = {0};
	float		sum;
	int			i;

	for (i = 0; i + 8 <= n; i += 8)
		for (int j = 0; j < 8; j++)
			sums[j] += a[i + j] * b[i + j];
	sum = ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
		((sums[2] + sums[6]) + (sums[3] + sums[7]));
	for (; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/*
 * bd_factors_start
 *		The mean, the biases, and random factors, the same for a seed.
 */
void
bd_factors_start(BanditFactors *model, uint64_t seed)
{
	const BanditSide *users = &model->users;
	int64_t		n = users->start[users->n];
	double		sum = 0;
	BanditRandom random;

	for (int64_t i = 0; i < n; i++)
		sum += users->rating[i];
	model->mean = n > 0 ? sum / n : 0;

	bd_random_seed(&random, 0, seed);
	start_side(model, &model->users, &random);
	start_side(model, &model->items, &random);
	for (int round = 0; round < BIAS_ROUNDS; round++)
	{
		fit_biases(model, &model->items, &model->users, ITEM_DAMPING);
		fit_biases(model, &model->users, &model->items, FACTORS_USER_DAMPING);
	}
}

static void
start_side(const BanditFactors *model, BanditSide *side, BanditRandom *random)
{
	int64_t		n = (int64_t) side->n * model->rank;

	for (int row = 0; row < side->n; row++)
		side->bias[row] = 0;
	for (int64_t i = 0; i < n; i++)
		side->factors[i] = START_SCALE * (2 * bd_random_uniform(random) - 1);
}

static void
fit_biases(const BanditFactors *model, BanditSide *side,
		   const BanditSide *against, double damping)
{
	for (int row = 0; row < side->n; row++)
		fit_bias(model, side, against, damping, row);
}

static void
fit_bias(const BanditFactors *model, BanditSide *side,
		 const BanditSide *against, double damping, int row)
{
	int64_t		end = side->start[row + 1];
	double		sum = 0;

	for (int64_t i = side->start[row]; i < end; i++)
		sum += side->rating[i] - model->mean - against->bias[side->other[i]];
	side->bias[row] = sum / (damping + (double) (end - side->start[row]));
}

/*
 * bd_factors_user_bias
 *		The bias of one user, given the items'.  "side" need not be that of
 *		the model: so a user is added to a model that is made.
 */
void
bd_factors_user_bias(const BanditFactors *model, BanditSide *side, int row)
{
	fit_bias(model, side, &model->items, FACTORS_USER_DAMPING, row);
}

/*
 * bd_factors_solve
 *		The best factors of one row of "side", given the other side's.
 *
 * A row without ratings gets zeros: its prediction is the bias alone.  "side"
 * is that of the model, or one of users that are added.
 */
void
bd_factors_solve(const BanditFactors *model, BanditSide *side, int row)
{
	const BanditSide *against =
	side == &model->items ? &model->users : &model->items;
	float	   *factors = side->factors + (size_t) row * model->rank;
	int64_t		n = side->start[row + 1] - side->start[row];

	if (n == 0)
		memset(factors, 0, sizeof(float) * model->rank);
	else if (n < model->rank)
		solve_few(model, side, against, row, (int) n);
	else
		solve_many(model, side, against, row);
}

/* What is left of a rating for the factors to say. */
static double
rest(const BanditFactors *model, const BanditSide *side,
	 const BanditSide *against, int row, int64_t k)
{
	return side->rating[k] - model->mean - side->bias[row] -
		against->bias[side->other[k]];
}

/* By "rank" equations. */
static void
solve_many(const BanditFactors *model, BanditSide *side,
		   const BanditSide *against, int row)
{
	int			rank = model->rank;
	int			width = padded(rank);
	double	   *a = model->scratch;
	double	   *b = a + (size_t) rank * rank;
	float	   *q = (void *) (b + rank);
	int64_t		first = side->start[row];
	int64_t		end = side->start[row + 1];
	float	   *factors = side->factors + (size_t) row * rank;

	memset(a, 0, sizeof(double) * ((size_t) rank * rank + rank));
	for (int i = 0; i < rank; i++)
		a[(size_t) i * rank + i] = model->ridge * (double) (end - first);
	for (int64_t k = first; k < end; k += TOGETHER)
	{
		int			n = end - k < TOGETHER ? (int) (end - k) : TOGETHER;

		gather(model, side, against, row, k, n, q, b);
		for (int i0 = 0; i0 < rank; i0 += TILE_ROWS)
			for (int j0 = i0 / TILE_COLUMNS * TILE_COLUMNS; j0 < rank;
				 j0 += TILE_COLUMNS)
				add_tile(a, rank, q, n, width, i0, j0);
	}
	solve_cholesky(a, b, rank);
	for (int i = 0; i < rank; i++)
		factors[i] = (float) b[i];
}

/*
 * gather
 *		The factors on the other side of n ratings from k on, as rows of q;
 *		those times what is left of the rating are added to b.
 *
 * Right of the last factor, q is 0.
 */
static void
gather(const BanditFactors *model, const BanditSide *side,
	   const BanditSide *against, int row, int64_t k, int n, float *q, double *b)
{
	int			rank = model->rank;
	int			width = padded(rank);

	for (int t = 0; t < n; t++, k++, q += width)
	{
		const float *from = against->factors + (size_t) side->other[k] * rank;
		double		r = rest(model, side, against, row, k);

		for (int i = 0; i < rank; i++)
		{
			q[i] = from[i];
			b[i] += r * from[i];
		}
		for (int i = rank; i < width; i++)
			q[i] = 0;
	}
}

/* A tile of a += sum of q q', its upper half, over the n rows of q. */
static void
add_tile(double *a, int rank, const float *q, int n, int width, int i0, int j0)
{
	float		sums[TILE_ROWS][TILE_COLUMNS] = {{0}};

	for (int t = 0; t < n; t++)
	{
		const float *qi = q + (size_t) t * width + i0;
		const float *qj = q + (size_t) t * width + j0;

		for (int i = 0; i < TILE_ROWS; i++)
			for (int j = 0; j < TILE_COLUMNS; j++)
				sums[i][j] += qi[i] * qj[j];
	}
	for (int i = i0; i < i0 + TILE_ROWS && i < rank; i++)
		for (int j = i > j0 ? i : j0; j < j0 + TILE_COLUMNS && j < rank; j++)
			a[(size_t) i * rank + j] += sums[i - i0][j - j0];
}

/* By as many equations as there are ratings, which are fewer. */
static void
solve_few(const BanditFactors *model, BanditSide *side,
		  const BanditSide *against, int row, int n)
{
	int			rank = model->rank;
	double	   *a = model->scratch;
	double	   *b = a + (size_t) rank * rank;
	double	   *sum = b + rank;
	int64_t		first = side->start[row];
	float	   *factors = side->factors + (size_t) row * rank;

	for (int i = 0; i < n; i++)
	{
		const float *qi = against->factors +
		(size_t) side->other[first + i] * rank;

		for (int j = i; j < n; j++)
			a[(size_t) i * n + j] = bd_dot(qi, against->factors +
										   (size_t) side->other[first + j] * rank,
										   rank);
		a[(size_t) i * n + i] += model->ridge * n;
		b[i] = rest(model, side, against, row, first + i);
	}
	solve_cholesky(a, b, n);
	memset(sum, 0, sizeof(double) * rank);
	for (int i = 0; i < n; i++)
	{
		const float *qi = against->factors +
		(size_t) side->other[first + i] * rank;

		for (int j = 0; j < rank; j++)
			sum[j] += b[i] * qi[j];
	}
	for (int j = 0; j < rank; j++)
		factors[j] = (float) sum[j];
}

/*
 * solve_cholesky
 *		b becomes the solution of a x = b.
 *
 * The upper half of "a", positive definite by the ridge, is overwritten by its
 * root, row by row, four of the rows above at a time.
 */
static void
solve_cholesky(double *a, double *b, int n)
{
	for (int i = 0; i < n; i++)
	{
		double	   *ai = a + (size_t) i * n;
		double		scale;
		int			k;

		for (k = 0; k + 4 <= i; k += 4)
			take_four(ai + i, a + (size_t) k * n + i, n, n - i);
		for (; k < i; k++)
		{
			const double *ak = a + (size_t) k * n;

			for (int j = i; j < n; j++)
				ai[j] -= ak[i] * ak[j];
		}
		scale = 1 / sqrt(ai[i]);
		for (int j = i; j < n; j++)
			ai[j] *= scale;
	}
	for (int i = 0; i < n; i++)
	{
		const double *ai = a + (size_t) i * n;

		b[i] /= ai[i];
		for (int j = i + 1; j < n; j++)
			b[j] -= ai[j] * b[i];
	}
	for (int i = n - 1; i >= 0; i--)
	{
		const double *ai = a + (size_t) i * n;

		for (int j = i + 1; j < n; j++)
			b[i] -= ai[j] * b[j];
		b[i] /= ai[i];
	}
}

/* Take four rows, each times its first number, from a row of n. */
static void
take_four(double *restrict row, const double *restrict rows, int stride, int n)
{
	const double *r0 = rows;
	const double *r1 = r0 + stride;
	const double *r2 = r1 + stride;
	const double *r3 = r2 + stride;
	double		f0 = r0[0];
	double		f1 = r1[0];
	double		f2 = r2[0];
	double		f3 = r3[0];

	for (int j = 0; j < n; j++)
		row[j] -= (f0 * r0[j] + f1 * r1[j]) + (f2 * r2[j] + f3 * r3[j]);
}
