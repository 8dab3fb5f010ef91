/*-------------------------------------------------------------------------
 *
 * elementary.c
 *		log, log1p and exp that give the same bits on every machine.
 *
 * C libraries differ in the last bit of these three, and one flipped
 * acceptance would shift a whole stream of draws.  Here they are made of
 * IEEE additions, multiplications and divisions, which are exact to the last
 * bit everywhere as long as the compiler does not contract them
 * (-ffp-contract=off).  Accurate to about 2 units in the last place, which
 * is far more than a draw needs; nothing that is reported as a probability
 * is computed with them.
 *
 * src/elementary.c
 *
 *-------------------------------------------------------------------------
 */
#include "elementary.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ln 2 in two parts; the first ends in 17 zero bits, so k times it is exact */
#define LN2_HIGH 0x1.62e42fefap-1
#define LN2_LOW 0x1.cf79abc9e3b39p-40
#define LN2_INVERSE 0x1.71547652b82fep+0

/* as bits of a double, which are its order among the positive ones */
#define SMALLEST_NORMAL UINT64_C(0x0010000000000000)
#define INFINITE UINT64_C(0x7ff0000000000000)
#define SQRT_HALF UINT64_C(0x3fe6a09e667f3bcd)
#define EXPONENT UINT64_C(0xfff0000000000000)

/* added and taken away again, it rounds to a whole number, to even */
#define ROUNDER 0x1.8p52

/* makes a subnormal number a normal one */
#define NORMALIZER 0x1p52

static inline uint64_t
bits_of(double x)
{
	uint64_t	bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

static inline double
double_of(uint64_t bits)
{
	double		x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static inline double twice_atanh_tail(double s);

/*
 * twice_atanh_tail
 *		2 atanh(s) - 2 s, for |s| <= 0.1716: the series 2 s^3/3 + 2 s^5/5 ...
 *		The first term left out is below 2^-60 of the whole.
 */
static inline double
twice_atanh_tail(double s)
{
	double		z = s * s;
	double		w = z * z;
	double		even;
	double		odd;

	/* even and odd powers apart, for two short chains instead of a long one */
	even = 2.0 / 3 + w * (2.0 / 7 + w * (2.0 / 11 + w * (2.0 / 15 +
														 w * (2.0 / 19 + w * (2.0 / 23)))));
	odd = 2.0 / 5 + w * (2.0 / 9 + w * (2.0 / 13 + w * (2.0 / 17 +
														w * (2.0 / 21))));
	return s * z * (even + z * odd);
}

/*
 * bd_log
 *		Natural logarithm; -infinity at 0, NaN below.
 *
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m-1)/(m+1)).
 */
double
bd_log(double x)
{
	uint64_t	bits = bits_of(x);
	uint64_t	above;
	int			scaled = 0;
	int			k;
	double		f;
	double		s;

	if (bits - SMALLEST_NORMAL >= INFINITE - SMALLEST_NORMAL)
	{
		if (!(x > 0) || isinf(x))
			return x == 0 ? -INFINITY : x > 0 ? x : NAN;
		bits = bits_of(x * NORMALIZER);
		scaled = 52;
	}

	/* the exponents of x / sqrt(1/2) and so of 2^k, signed */
	above = bits - SQRT_HALF;
	k = (int) (above >> 52) - (above >> 63 ? 4096 : 0);
	f = double_of(bits - (above & EXPONENT)) - 1;
	k -= scaled;
	s = f / (2 + f);

	/* 2 s = f - s f, with f exact: the rounding of s hardly matters */
	return k * LN2_HIGH + (f - (s * f - twice_atanh_tail(s) - k * LN2_LOW));
}

/*
 * bd_log1p
 *		ln(1 + x), exact to the end for small x; -infinity at -1, NaN below.
 */
double
bd_log1p(double x)
{
	double		u;
	double		s;

	if (x > -0.29 && x < 0.41)
	{
		s = x / (2 + x);
		return x - (s * x - twice_atanh_tail(s));
	}
	u = 1 + x;
	if (!(u > 0) || isinf(u))
		return bd_log(u);
	return bd_log(u) + (x - (u - 1)) / u;
}

/*
 * bd_exp
 *		e^x; 0 and infinity beyond the range of double.
 *
 * x = k ln 2 + r with |r| <= ln(2)/2, e^r by its Taylor series to r^13.
 */
double
bd_exp(double x)
{
	double		k;
	double		r;
	double		w;
	double		even;
	double		odd;

	if (isnan(x))
		return x;
	if (x > 709.8)
		return INFINITY;
	if (x < -745.2)
		return 0;
	k = (x * LN2_INVERSE + ROUNDER) - ROUNDER;
	r = (x - k * LN2_HIGH) - k * LN2_LOW;
	w = r * r;
	even = 1.0 / 2 + w * (1.0 / 24 + w * (1.0 / 720 + w * (1.0 / 40320 +
														   w * (1.0 / 3628800 + w * (1.0 / 479001600)))));
	odd = 1.0 / 6 + w * (1.0 / 120 + w * (1.0 / 5040 + w * (1.0 / 362880 +
															w * (1.0 / 39916800 + w * (1.0 / 6227020800.0)))));
	r = 1 + (r + (w * even + r * w * odd));
	if (k > -1022 && k < 1024)
		return r * double_of((uint64_t) (1023 + (int) k) << 52);
	return ldexp(r, (int) k);
}
