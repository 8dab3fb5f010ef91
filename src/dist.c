/*-------------------------------------------------------------------------
 *
 * dist.c
 *		Draws from the normal, exponential, gamma and beta distributions.
 *
 * One algorithm for all shapes, on the logarithmic scale, converted last:
 * Marsaglia and Tsang's gamma (ACM TOMS 26, 2000) with their boost for shapes
 * below 1 taken in logarithms, and the ziggurat (Marsaglia and Tsang, J. Stat.
 * Softw. 5, 2000) for normals and exponentials, with layer and position from
 * different bits (Doornik 2005).
 *
 * Order of consumption is part of the contract: alpha before beta.
 *
 * src/dist.c
 *
 *-------------------------------------------------------------------------
 */
#include "dist.h"

#include <math.h>
#include <stdbool.h>

#include "elementary.h"

/*
 * 256 layers of equal area V; R is where the base layer's tail starts.
 * Values of Marsaglia and Tsang (2000) for 256 layers.
 */
#define LAYERS 256
#define NORMAL_R 3.6541528853610088
#define NORMAL_V 0.00492867323399
#define EXPONENTIAL_R 7.69711747013104972
#define EXPONENTIAL_V 0.0039496598225815571993

/* Past this a logit is no more than its sign. */
#define LARGEST_LOGIT 0x1p1020
#define UPSCALE 0x1p200

/* Right edges of the layers, widest first; edge[LAYERS] = 0. */
typedef struct Ziggurat
{
	double		edge[LAYERS + 1];
	double		inner[LAYERS];	/* edge[i + 1] / edge[i] */
	double		height[LAYERS + 1]; /* density at the edge */
} Ziggurat;

/* Of the gamma distribution: Marsaglia and Tsang's d and c. */
typedef struct GammaShape
{
	double		shape;
	double		d;
	double		c;
	double		squeeze;
} GammaShape;

/* the shapes that were drawn from last */
static GammaShape of_alpha = {.shape = -1};
static GammaShape of_beta = {.shape = -1};

static Ziggurat normal;
static Ziggurat exponential;
static bool ready = false;

static void make_tables(void);
static void finish_table(Ziggurat *table);
static inline double draw_place(BanditRandom *random, int *layer);
static inline double draw_normal(BanditRandom *random);
static double normal_edge(BanditRandom *random, int i, double u);
static double normal_tail(BanditRandom *random);
static inline double draw_exponential(BanditRandom *random);
static double exponential_edge(BanditRandom *random, int i, double u);
static void prepare(GammaShape *gamma, double shape);
static inline double draw_gamma(BanditRandom *random, GammaShape *gamma,
								double shape, double *t);
static double beyond_double(double e_alpha, double alpha, double e_beta,
							double beta);

/* Built from our own log and exp, so equal everywhere. */
static void
make_tables(void)
{
	double	   *edge = normal.edge;

	edge[0] = NORMAL_V / bd_exp(-0.5 * NORMAL_R * NORMAL_R);
	edge[1] = NORMAL_R;
	for (int i = 2; i < LAYERS; i++)
		edge[i] = sqrt(-2 * bd_log(NORMAL_V / edge[i - 1] +
								   bd_exp(-0.5 * edge[i - 1] * edge[i - 1])));
	edge[LAYERS] = 0;
	for (int i = 0; i <= LAYERS; i++)
		normal.height[i] = bd_exp(-0.5 * edge[i] * edge[i]);
	finish_table(&normal);

	edge = exponential.edge;
	edge[0] = EXPONENTIAL_V / bd_exp(-EXPONENTIAL_R);
	edge[1] = EXPONENTIAL_R;
	for (int i = 2; i < LAYERS; i++)
		edge[i] = -bd_log(EXPONENTIAL_V / edge[i - 1] + bd_exp(-edge[i - 1]));
	edge[LAYERS] = 0;
	for (int i = 0; i <= LAYERS; i++)
		exponential.height[i] = bd_exp(-edge[i]);
	finish_table(&exponential);
	ready = true;
}

static void
finish_table(Ziggurat *table)
{
	for (int i = 0; i < LAYERS; i++)
		table->inner[i] = table->edge[i + 1] / table->edge[i];
}

/* A layer, and where in it: a number in (0, 1), from other bits. */
static inline double
draw_place(BanditRandom *random, int *layer)
{
	uint64_t	bits = bd_random_next(random);

	*layer = (int) (bits & (LAYERS - 1));
	return ((double) (bits >> 11) + 0.5) * 0x1p-53;
}

/*
 * draw_normal
 *		A standard normal number; mostly the layer's inner part decides.
 */
static inline double
draw_normal(BanditRandom *random)
{
	int			i;
	double		u = 2 * draw_place(random, &i) - 1;

	if (fabs(u) < normal.inner[i])
		return u * normal.edge[i];
	return normal_edge(random, i, u);
}

/* The rest of a layer. */
static double
normal_edge(BanditRandom *random, int i, double u)
{
	double		x = u * normal.edge[i];
	double		y;

	if (i == 0)
		return u < 0 ? -normal_tail(random) : normal_tail(random);
	y = normal.height[i] +
		bd_random_uniform(random) * (normal.height[i + 1] - normal.height[i]);
	return y < bd_exp(-0.5 * x * x) ? x : draw_normal(random);
}

/*
 * bd_dist_normal
 *		A standard normal number.
 */
double
bd_dist_normal(BanditRandom *random)
{
	if (!ready)
		make_tables();
	return draw_normal(random);
}

/* Beyond R (Marsaglia 1964). */
static double
normal_tail(BanditRandom *random)
{
	double		x;
	double		y;

	do
	{
		x = draw_exponential(random) / NORMAL_R;
		y = draw_exponential(random);
	} while (2 * y < x * x);
	return NORMAL_R + x;
}

/*
 * draw_exponential
 *		An exponential number of mean 1; positive.
 */
static inline double
draw_exponential(BanditRandom *random)
{
	int			i;
	double		u = draw_place(random, &i);

	if (u < exponential.inner[i])
		return u * exponential.edge[i];
	return exponential_edge(random, i, u);
}

/* The rest of a layer; the tail is the whole, moved: it has no memory. */
static double
exponential_edge(BanditRandom *random, int i, double u)
{
	double		beyond = 0;

	for (;;)
	{
		double		x = u * exponential.edge[i];

		if (i == 0)
			beyond += EXPONENTIAL_R;
		else if (exponential.height[i] + bd_random_uniform(random) *
				 (exponential.height[i + 1] - exponential.height[i]) < bd_exp(-x))
			return beyond + x;
		u = draw_place(random, &i);
		if (u < exponential.inner[i])
			return beyond + u * exponential.edge[i];
	}
}

/*
 * bd_dist_exponential
 *		An exponential number of mean 1; positive.
 */
double
bd_dist_exponential(BanditRandom *random)
{
	if (!ready)
		make_tables();
	return draw_exponential(random);
}

/* What a shape's draws have in common. */
static void
prepare(GammaShape *gamma, double shape)
{
	if (!ready)
		make_tables();
	gamma->shape = shape;
	gamma->d = (shape < 1 ? shape + 1 : shape) - 1.0 / 3;
	gamma->c = 1 / sqrt(9 * gamma->d);
	gamma->squeeze = 1.5 * gamma->d;
}

/*
 * draw_gamma
 *		A gamma number d (1 + t)^3 exp(-E/shape) of that shape; returns E.
 *
 * Accepts more than 95 % of its trials for shapes from 1 up, and E is 0;
 * below 1, a number of shape + 1 is scaled by U^(1/shape).  "gamma" is what
 * the last draw in its place has left: many are of one shape.
 *
 * The trial is accepted where ln u < d g(t), with g the integral from 0 to t
 * of -3 s^3 / (1 + s): not below -3/2 t^4 where t > -1/2.  So u < 1 - 3/2 d t^4
 * is enough, and mostly the case, since ln u < u - 1: a closer squeeze than
 * theirs for every shape, with the same draws.
 */
static inline double
draw_gamma(BanditRandom *random, GammaShape *gamma, double shape, double *t)
{
	double		boost = 0;

	if (gamma->shape != shape)
		prepare(gamma, shape);
	if (shape < 1)
		boost = draw_exponential(random);
	for (;;)
	{
		double		z = draw_normal(random);
		double		square;
		double		u;

		*t = gamma->c * z;
		if (*t <= -1)
			continue;
		u = bd_random_uniform(random);
		square = *t * *t;
		if (*t > -0.5 && u < 1 - gamma->squeeze * (square * square))
			return boost;

		/*
		 * 1 - v as a polynomial in t: v itself would lose t at d of 1e15.  A
		 * shape that is no number, or infinite, is taken rather than tried
		 * for ever.
		 */
		if (!(bd_log(u) >= z * z / 2 +
			  gamma->d * (3 * bd_log1p(*t) - *t * (3 + *t * (3 + *t)))))
			return boost;
	}
}

/*
 * bd_dist_log_gamma
 *		The logarithm of a gamma number of that shape and scale 1.
 *
 * -infinity may come of shapes below 1e-306.
 */
double
bd_dist_log_gamma(BanditRandom *random, double shape)
{
	static GammaShape gamma = {.shape = -1};
	double		t;
	double		boost = draw_gamma(random, &gamma, shape, &t);

	return bd_log(gamma.d) + 3 * bd_log1p(t) - boost / shape;
}

/*
 * bd_dist_beta_logit
 *		The logit of a Beta(alpha, beta) number; finite, hardly ever tied.
 */
double
bd_dist_beta_logit(BanditRandom *random, double alpha, double beta)
{
	double		t_alpha;
	double		t_beta;
	double		e_alpha = draw_gamma(random, &of_alpha, alpha, &t_alpha);
	double		e_beta = draw_gamma(random, &of_beta, beta, &t_beta);
	double		logit;

	logit = bd_log(of_alpha.d) + 3 * bd_log1p(t_alpha) - e_alpha / alpha;
	logit -= bd_log(of_beta.d) + 3 * bd_log1p(t_beta) - e_beta / beta;
	if (fabs(logit) <= LARGEST_LOGIT)
		return logit;
	return beyond_double(e_alpha, alpha, e_beta, beta);
}

/*
 * beyond_double
 *		e_beta / beta - e_alpha / alpha, where that leaves the range of double
 *		or is the difference of two infinities: as large as it may get.
 */
static double
beyond_double(double e_alpha, double alpha, double e_beta, double beta)
{
	return e_alpha / (alpha * UPSCALE) > e_beta / (beta * UPSCALE) ?
		-LARGEST_LOGIT : LARGEST_LOGIT;
}

/*
 * bd_dist_beta
 *		A Beta(alpha, beta) number, in [0, 1].
 *
 * From the same bits the number whose logit bd_dist_beta_logit draws, but for
 * the last digits, and sooner: shapes from 1 up take no logarithm.
 */
double
bd_dist_beta(BanditRandom *random, double alpha, double beta)
{
	double		t_alpha;
	double		t_beta;
	double		e_alpha = draw_gamma(random, &of_alpha, alpha, &t_alpha);
	double		e_beta = draw_gamma(random, &of_beta, beta, &t_beta);
	double		root = (1 + t_alpha) / (1 + t_beta);
	double		quotient = of_alpha.d / of_beta.d * (root * root * root);

	if (e_alpha > 0 || e_beta > 0)
	{
		double		boost = e_beta / beta - e_alpha / alpha;

		if (!(fabs(boost) <= LARGEST_LOGIT))
			boost = beyond_double(e_alpha, alpha, e_beta, beta);
		quotient *= bd_exp(boost);
	}
	return isinf(quotient) ? 1 : quotient / (1 + quotient);
}

/*
 * bd_dist_logistic
 *		The number whose logit this is, in [0, 1].
 */
double
bd_dist_logistic(double logit)
{
	double		e = bd_exp(-fabs(logit));

	return (logit < 0 ? e : 1) / (1 + e);
}

/*
 * bd_dist_log_logistic
 *		Its logarithm, without underflow.
 */
double
bd_dist_log_logistic(double logit)
{
	return logit < 0 ? logit - bd_log1p(bd_exp(logit)) :
		-bd_log1p(bd_exp(-logit));
}
