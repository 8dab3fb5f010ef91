/*-------------------------------------------------------------------------
 *
 * off_policy.h
 *		What the off-policy aggregates have in common.
 *
 * src/off_policy.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_OFF_POLICY_H
#define BANDIT_OFF_POLICY_H

#include "fmgr.h"

#include "moments.h"

extern Datum bd_policy_value(FunctionCallInfo fcinfo,
							 const LogEstimate *value);

#endif							/* BANDIT_OFF_POLICY_H */
