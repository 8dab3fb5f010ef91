/*
 * tap.h
 *		Just enough of the Test Anything Protocol for a C program.
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stdio.h>

static int	tap_number = 0;
static int	tap_failed = 0;

static inline bool
ok(bool passed, const char *what)
{
	printf("%s %d - %s\n", passed ? "ok" : "not ok", ++tap_number, what);
	if (!passed)
		tap_failed++;
	return passed;
}

static inline int
done(void)
{
	printf("1..%d\n", tap_number);
	return tap_failed > 0;
}

#endif
