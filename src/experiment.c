/*-------------------------------------------------------------------------
 *
 * experiment.c
 *		Which side of an experiment a user is on.
 *
 * A user is treated when his hash, as a share of all hashes, is below the
 * allocation.  The hash does not know the allocation, so raising it moves
 * nobody out; its key is the experiment's own, so two experiments split
 * users independently.
 *
 * src/experiment.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_experiment_side);

/*
 * bd_experiment_treats
 *		Does the bandit serve the user?  Everybody, when no experiment runs.
 */
bool
bd_experiment_treats(const Bandit *bandit, const char *subject)
{
	char	   *key;
	uint64		hash;

	if (bandit->experiment == NULL)
		return true;
	key = psprintf("%s/%s", bandit->experiment, subject);
	hash = (uint64) bd_key_id(key, strlen(key));
	/* 53 bits are exact: a share below 1, so that 1 treats everybody */
	return (double) (hash >> 11) * 0x1p-53 < bandit->allocation;
}

/*
 * experiment_side(name text, subject text) -> text
 */
Datum
bandit_experiment_side(PG_FUNCTION_ARGS)
{
	const Bandit *bandit = bd_settings_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	bool		treated;

	if (bandit->experiment == NULL)
		PG_RETURN_NULL();
	treated = bd_experiment_treats(bandit,
								   text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_TEXT_P(cstring_to_text(treated ? "treatment" : "control"));
}
