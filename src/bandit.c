/*-------------------------------------------------------------------------
 *
 * bandit.c
 *		Module start: settings of the server's configuration, one init per
 *		stage that needs one.
 *
 * src/bandit.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "integral.h"
#include "miscadmin.h"
#include "model.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

int			bd_arm_error_level = WARNING;

static const struct config_enum_entry arm_error_levels[] = {
	{"debug", DEBUG1, false},
	{"log", LOG, false},
	{"notice", NOTICE, false},
	{"warning", WARNING, false},
	{"error", ERROR, false},
	{NULL, 0, false}
};

void		_PG_init(void);
static void look_up(void);

/* For the numerics that know nothing of the server. */
static void
look_up(void)
{
	CHECK_FOR_INTERRUPTS();
}

void
_PG_init(void)
{
	DefineCustomEnumVariable("bandit.arm_error_level",
							 "Level of the message about an arm that failed while serving.",
							 "The arm is skipped and the others serve; \"error\" stops the request instead.",
							 &bd_arm_error_level,
							 WARNING,
							 arm_error_levels,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);
	DefineCustomIntVariable("bandit.model_cache_size",
							"Memory that a session keeps for the trained parts of recommenders between transactions.",
							"Parts beyond it, the least recently used first, are read again from bandit.models when they are needed again.",
							&bd_model_cache_size,
							256 * 1024, 0, MAX_KILOBYTES,
							PGC_USERSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
	MarkGUCPrefixReserved("bandit");

	bd_integral_pause = look_up;
	bd_settings_init();
	bd_leaf_init();
	bd_node_init();
}

/*
 * bd_require_arguments
 *		Raise unless the first n arguments are there; "names" as the caller
 *		knows them, NULL for one that may be absent.
 *
 * Functions of ours that would be STRICT elsewhere call this, since a NULL
 * id that silently gives no rows hides a mistake of the application's.
 */
void
bd_require_arguments(FunctionCallInfo fcinfo, int n, const char *const *names)
{
	for (int i = 0; i < n; i++)
		if (names[i] != NULL && PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", names[i])));
}
