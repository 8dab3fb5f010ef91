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

#include "storage/proc.h"

/* A small number that no other backend has now, and this transaction's. */
#if PG_VERSION_NUM >= 170000
#define bd_backend_number() ((int64) MyProcNumber)
#define bd_transaction_number() (MyProc->vxid.lxid)
#else
#include "storage/backendid.h"
#define bd_backend_number() ((int64) MyBackendId)
#define bd_transaction_number() (MyProc->lxid)
#endif

#endif							/* BANDIT_COMPAT_H */
