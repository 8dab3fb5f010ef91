/*
 * walk.c
 *		Walks agree with the equation they solve, and stay within bounds.
 */
#include "walk.h"

#include <math.h>
#include <string.h>

#include "tap.h"

#define N 30

static int32_t start[N + 1];
static int32_t to[N * N];
static BanditGraph graph = {N, start, to};

static double reached[N + 1],
			waiting[N + 1];
static int32_t queue[N + 1];
static uint8_t queued[N + 1];

/* A ring with chords, so that everybody has some neighbours. */
static void
make_graph(void)
{
	int			n = 0;

	for (int v = 0; v < N; v++)
	{
		start[v] = n;
		for (int w = 0; w < N; w++)
			if (w != v && ((v + 1) % N == w || (w + 1) % N == v ||
						   (v * w) % 7 == 3))
				to[n++] = w;
	}
	start[N] = n;
}

static BanditWalk
prepare(double precision, int own, int nown, const int32_t *own_to)
{
	BanditWalk	walk = {&graph, 0.15, precision, own, nown, own_to,
	reached, waiting, queue, queued, 0, 0};

	memset(reached, 0, sizeof(reached));
	memset(waiting, 0, sizeof(waiting));
	memset(queued, 0, sizeof(queued));
	return walk;
}

/* The largest difference to x = c v + (1 - c) P' x, by power iteration. */
static double
error(int own, int nown, const int32_t *own_to)
{
	double		x[N + 1] = {0},
				next[N + 1];
	double		worst = 0;

	x[own] = 1;
	for (int round = 0; round < 500; round++)
	{
		memset(next, 0, sizeof(next));
		next[own] = 0.15;
		for (int v = 0; v <= N; v++)
		{
			int			n = v == own ? nown : v == N ? 0 : start[v + 1] - start[v];
			const int32_t *w = v == own ? own_to : to + (v == N ? 0 : start[v]);

			for (int i = 0; i < n; i++)
				next[w[i]] += 0.85 * x[v] / n;
		}
		memcpy(x, next, sizeof(x));
	}
	for (int v = 0; v <= N; v++)
		worst = fmax(worst, fabs(x[v] - reached[v]));
	return worst;
}

int
main(void)
{
	static const int32_t liked[] = {3, 17, 17 + 4};
	BanditWalk	walk;
	double		sum = 0;
	double		once[N + 1];
	int			calls = 0;

	make_graph();
	walk = prepare(1e-14, N, 3, liked);
	bd_walk_put(&walk, N, 1);
	while (!bd_walk_run(&walk, 50))
		calls++;
	ok(calls > 10, "it stops in between when told to");
	ok(error(N, 3, liked) < 1e-11, "a new node with edges of its own");
	for (int v = 0; v <= N; v++)
		sum += reached[v];
	ok(fabs(sum - 1) < 1e-11, "everybody is somewhere");
	memcpy(once, reached, sizeof(once));
	walk = prepare(1e-14, N, 3, liked);
	bd_walk_put(&walk, N, 1);
	bd_walk_run(&walk, 1000000000);
	ok(memcmp(once, reached, sizeof(once)) == 0, "the same in one go");

	walk = prepare(1e-14, 5, 3, liked);
	bd_walk_put(&walk, 5, 1);
	bd_walk_run(&walk, 1000000000);
	ok(error(5, 3, liked) < 1e-11, "a node of the graph whose edges are others");

	walk = prepare(1e-3, N, 3, liked);
	bd_walk_put(&walk, N, 1);
	ok(bd_walk_run(&walk, (int64_t) (1 / (0.15 * 1e-3)) + N),
	   "no more steps than promised");
	for (int v = 0; v < N; v++)
		if (waiting[v] >= 1e-3 * (start[v + 1] - start[v]))
			calls = -1;
	ok(calls >= 0, "what is left is below the precision");

	walk = prepare(1e-9, N, 0, liked);
	bd_walk_put(&walk, N, 1);
	ok(bd_walk_run(&walk, 1000) && reached[N] == 1, "without edges it stays");
	walk = prepare(1e-9, N, 0, liked);
	ok(bd_walk_run(&walk, 1000), "nothing begins");
	return done();
}
