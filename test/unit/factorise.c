/*
 * factorise.c
 *		Factors recover a matrix of low rank, repeat, and stand empty rows.
 */
#include "factorise.h"

#include <math.h>
#include <string.h>

#include "tap.h"

#define N 12
#define RANK 2
#define CELLS (N * N)

static int64_t start[N + 1];
static int32_t other[CELLS];
static float by_user[CELLS],
			by_item[CELLS];
static float user_bias[N],
			item_bias[N],
			p[N * 16],
			q[N * 16];
static double scratch[16 * (16 + 1 + 32)];

/* the last user and the last item have no ratings */
static BanditFactors
make(int rank)
{
	BanditFactors m = {.rank = rank,.ridge = 1e-6,.scratch = scratch};
	int			n = 0;

	for (int u = 0; u < N - 1; u++)
	{
		start[u] = n;
		for (int i = 0; i < N - 1; i++, n++)
		{
			other[n] = i;
			by_user[n] = 3 + sin(u) * cos(2 * i);
		}
	}
	/* the same offsets serve both sides */
	for (int u = 0; u < N - 1; u++)
		for (int i = 0; i < N - 1; i++)
			by_item[i * (N - 1) + u] = by_user[u * (N - 1) + i];
	start[N - 1] = start[N] = n;
	m.users = (BanditSide) {N, start, other, by_user, user_bias, p};
	m.items = (BanditSide) {N, start, other, by_item, item_bias, q};
	return m;
}

static double
predicted(const BanditFactors *m, int u, int i)
{
	return m->mean + user_bias[u] + item_bias[i] +
		bd_dot(p + u * m->rank, q + i * m->rank, m->rank);
}

/* The largest error of all cells; rows have 11 ratings. */
static double
fit(int rank, uint64_t seed)
{
	BanditFactors m = make(rank);
	double		worst = 0;

	bd_factors_start(&m, seed);
	for (int round = 0; round < 50; round++)
	{
		for (int u = 0; u < N; u++)
			bd_factors_solve(&m, &m.users, u);
		for (int i = 0; i < N; i++)
			bd_factors_solve(&m, &m.items, i);
	}
	for (int u = 0; u < N - 1; u++)
		for (int i = 0; i < N - 1; i++)
			worst = fmax(worst, fabs(predicted(&m, u, i) -
									 by_user[u * (N - 1) + i]));
	ok(fabs(predicted(&m, N - 1, N - 1) - m.mean) < 1e-12,
	   "a user and an item without ratings get the mean");
	return worst;
}

/* Fewer and more ratings than factors are solved alike. */
static bool
both_ways(void)
{
	BanditFactors m = make(11);
	float		many[11];
	double		worst = 0;

	bd_factors_start(&m, 7);
	bd_factors_solve(&m, &m.users, 3);	/* 11 ratings: by 11 equations */
	memcpy(many, p + 3 * 11, sizeof(many));
	m.rank = 12;				/* one more factor, which is zero */
	for (int i = N - 1; i >= 0; i--)
	{
		memmove(q + i * 12, q + i * 11, sizeof(float) * 11);
		q[i * 12 + 11] = 0;
	}
	bd_factors_solve(&m, &m.users, 3);
	for (int i = 0; i < 11; i++)
		worst = fmax(worst, fabs(many[i] - p[3 * 12 + i]) / (1 + fabs(many[i])));
	return worst < 1e-3;
}

int
main(void)
{
	float		first[N * RANK];
	float		a[19],
				b[19];

	ok(fit(RANK, 1) < 1e-3, "ratings of low rank are recovered");
	memcpy(first, p, sizeof(first));
	fit(RANK, 1);
	ok(memcmp(first, p, sizeof(first)) == 0, "a seed gives the same factors");
	fit(RANK, 2);
	ok(memcmp(first, p, sizeof(first)) != 0, "another seed gives others");
	ok(fit(16, 1) < 1e-3, "more factors than ratings recover them too");
	ok(both_ways(), "by ratings or by factors, the solution is the same");
	for (int i = 0; i < 19; i++)
	{
		a[i] = i + 1;
		b[i] = i % 2 ? -1 : 2;
	}
	ok(bd_dot(a, b, 19) == 110, "a product of odd length");
	ok(bd_dot(a, b, 0) == 0, "an empty product");
	return done();
}
