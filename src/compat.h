/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Differences between the supported PostgreSQL versions, 15 to 18.
 *
 * The only file that looks at PG_VERSION_NUM.
 *
 * src/compat.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_COMPAT_H
#define BANDIT_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000
#error "bandit needs PostgreSQL 15 or later"
#endif

#endif							/* BANDIT_COMPAT_H */
