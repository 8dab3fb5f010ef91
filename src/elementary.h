/*-------------------------------------------------------------------------
 *
 * elementary.h
 *		log, log1p and exp that give the same bits on every machine.
 *
 * Pure: no memory, no SQL, no errors.
 *
 * src/elementary.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_ELEMENTARY_H
#define BANDIT_ELEMENTARY_H

extern double bd_log(double x);
extern double bd_log1p(double x);
extern double bd_exp(double x);

#endif							/* BANDIT_ELEMENTARY_H */
