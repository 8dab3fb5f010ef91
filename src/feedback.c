/*-------------------------------------------------------------------------
 *
 * feedback.c
 *		Where responses come in by call: reward, feedback, update_bandit.
 *
 * All of them act with the rights of the extension's owner on its own
 * tables, and run nothing of the user's.
 *
 * src/feedback.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_reward);
PG_FUNCTION_INFO_V1(bandit_feedback);
PG_FUNCTION_INFO_V1(bandit_feedback_key);
PG_FUNCTION_INFO_V1(bandit_update_bandit);
PG_FUNCTION_INFO_V1(bandit_add_evidence);

static Datum feedback_core(FunctionCallInfo fcinfo, const char *subject,
						   int64 item);
static void check_writable(void);
static char *text_argument(FunctionCallInfo fcinfo, int number,
						   const char *name);

static void
check_writable(void)
{
	if (!bd_can_write())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot learn in a read-only transaction"),
				 errhint("Send feedback to the primary.")));
}

static char *
text_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(number));
}

/*
 * reward(decision_id uuid, reward float8, arm text) -> boolean
 *		The decision's arm earned a reward of 0 .. 1; true if it was new.
 *
 * A second reward for the same arm of a decision replaces the first.  A
 * decision that is not there (any more) is a WARNING and false: a late
 * response must not fail the application.
 */
Datum
bandit_reward(PG_FUNCTION_ARGS)
{
	Attribution attribution;
	Response	response = {.kind = "reward", .has_value = true};
	OwnerScope	scope;
	bool		learnt = false;
	bool		found;
	pg_uuid_t  *decision_id;
	char	   *arm = PG_ARGISNULL(2) ? NULL :
	text_to_cstring(PG_GETARG_TEXT_PP(2));

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);	/* what was not logged cannot learn */
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("reward must not be null")));
	decision_id = PG_GETARG_UUID_P(0);
	response.value = PG_GETARG_FLOAT8(1);
	if (!(response.value >= 0 && response.value <= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("reward must be between 0 and 1, not %g",
						response.value)));
	check_writable();
	response.value = bd_reward_round(response.value);
	response.reward = response.value;

	SPI_connect();
	bd_owner_begin(&scope);
	found = bd_attribute_decision(decision_id, arm, &attribution);
	if (found)
		learnt = bd_ledger_record(&attribution, &response);
	bd_owner_end(&scope);
	SPI_finish();
	if (!found)
		ereport(WARNING,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("decision %s is not known, nothing was learnt",
						DatumGetCString(DirectFunctionCall1(uuid_out,
															UUIDPGetDatum(decision_id))))));
	PG_RETURN_BOOL(learnt);
}

/*
 * feedback(name text, user_id bigint, item_id bigint, kind text,
 *		value float8) -> boolean
 */
Datum
bandit_feedback(PG_FUNCTION_ARGS)
{
	UserRef		user;

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("user_id and item_id must not be null")));
	user.id = PG_GETARG_INT64(1);
	user.key = NULL;
	return feedback_core(fcinfo, bd_user_subject(&user), PG_GETARG_INT64(2));
}

/*
 * feedback(name text, user_key text, item_key text, kind text,
 *		value float8) -> boolean
 */
Datum
bandit_feedback_key(PG_FUNCTION_ARGS)
{
	Bandit	   *bandit = bd_settings_recommender(text_argument(fcinfo, 0,
															   "name"));
	char	   *user = text_argument(fcinfo, 1, "user_key");
	char	   *item = text_argument(fcinfo, 2, "item_key");

	user = bd_key_canonical(user, bandit->recommender->uuid_users);
	item = bd_key_canonical(item, bandit->recommender->uuid_items);
	return feedback_core(fcinfo, user, bd_key_id(item, strlen(item)));
}

static Datum
feedback_core(FunctionCallInfo fcinfo, const char *subject, int64 item)
{
	Bandit	   *bandit = bd_settings_get(text_argument(fcinfo, 0, "name"));
	char	   *kind = text_argument(fcinfo, 3, "kind");
	const OutcomeRule *rule = bd_settings_rule(bandit, kind);
	Response	response = {.kind = kind, .has_item = true, .item = item};
	Attribution attribution;
	OwnerScope	scope;
	bool		learnt;

	if (rule == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no outcome rule for kind \"%s\"",
						bandit->name, kind),
				 errhint("Add a row to bandit.outcome_rules that says what such a response is worth.")));
	response.has_value = !PG_ARGISNULL(4);
	response.value = response.has_value ? PG_GETARG_FLOAT8(4) : 0;
	if (response.has_value && !isfinite(response.value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value must be finite")));
	bd_response_judge(bandit, rule, &response);
	check_writable();

	SPI_connect();
	bd_owner_begin(&scope);
	learnt = bd_attribute_item(bandit, subject, item, NULL, &attribution) &&
		bd_ledger_record(&attribution, &response);
	bd_owner_end(&scope);
	SPI_finish();
	PG_RETURN_BOOL(learnt);
}

/*
 * update_bandit(bandit text, context jsonb, arm text, outcome text) -> void
 *		Teach an arm one outcome in a context, without a decision.
 */
Datum
bandit_update_bandit(PG_FUNCTION_ARGS)
{
	Bandit	   *bandit = bd_settings_get(text_argument(fcinfo, 0, "bandit"));
	char	   *arm = text_argument(fcinfo, 2, "arm");
	char	   *outcome = text_argument(fcinfo, 3, "outcome");
	int			index = bd_settings_arm(bandit, arm);
	Response	response = {.kind = "outcome"};
	Attribution attribution = {.bandit = bandit->name, .arm = arm,
	.trains = true};
	Jsonb	   *context;
	OwnerScope	scope;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("context must not be null")));
	context = PG_GETARG_JSONB_P(1);
	bd_context_check(bandit, context);
	if (index < 0 || bandit->arms[index].control)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no arm \"%s\"", bandit->name, arm),
				 errhint("SELECT arm FROM bandit.arms lists them; the control never learns.")));
	if (strcmp(outcome, "success") == 0)
		response.reward = 1;
	else if (strcmp(outcome, "neutral") == 0)
		response.neutral = true;
	else if (strcmp(outcome, "failure") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("outcome must be \"success\", \"failure\" or \"neutral\", not \"%s\"",
						outcome)));
	check_writable();

	bd_decide_id(&attribution.decision_id, GetCurrentTimestamp());
	attribution.context_hash = bd_context_hash(context);
	SPI_connect();
	bd_owner_begin(&scope);
	bd_context_register(bandit, attribution.context_hash, context);
	bd_ledger_record(&attribution, &response);
	bd_owner_end(&scope);
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * add_evidence(bandit text, context_hash bigint, arm text,
 *		successes float8, failures float8, pulls bigint) -> void
 *		For settle, which has written the ledger rows that say the same.
 */
Datum
bandit_add_evidence(PG_FUNCTION_ARGS)
{
	Contribution delta = {
		.successes = PG_GETARG_FLOAT8(3),
		.failures = PG_GETARG_FLOAT8(4),
		.pulls = PG_GETARG_INT64(5)
	};

	/* the ledger's rows say now() */
	SPI_connect();
	bd_evidence_add(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_INT64(1),
					text_to_cstring(PG_GETARG_TEXT_PP(2)), &delta,
					GetCurrentTransactionStartTimestamp());
	SPI_finish();
	PG_RETURN_VOID();
}
