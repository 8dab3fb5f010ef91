/*-------------------------------------------------------------------------
 *
 * options.h
 *		Numbers that a built-in arm of a recommender can be told.
 *
 * src/options.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_OPTIONS_H
#define BANDIT_OPTIONS_H

#include "bandit.h"

extern double bd_option(const Bandit *bandit, const char *arm,
						const char *name);
extern Jsonb *bd_options_copy(Datum options);

#endif							/* BANDIT_OPTIONS_H */
