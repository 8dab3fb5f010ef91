/*-------------------------------------------------------------------------
 *
 * shadow.c
 *		Decisions of the application, watched: what it served is logged with
 *		the posteriors that the bandit would have drawn from.
 *
 * A choice is credited to the arm that was chosen.  Of a list an item is
 * credited to the arm that would have brought it, if the bandit would have
 * shown it too; else to the control, which learns nothing.
 *
 * Nothing is served, so what cannot be logged is not an error.
 *
 * src/shadow.c
 *
 *-------------------------------------------------------------------------
 */
#include "request.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_shadow_choose);
PG_FUNCTION_INFO_V1(bandit_shadow_recommend);
PG_FUNCTION_INFO_V1(bandit_shadow_recommend_key);

/*
 * shadow_choose(name text, context jsonb, arm text, subject text) -> uuid
 */
Datum
bandit_shadow_choose(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"name", "context", "arm"};
	Decision	decision = {.variant = "shadow", .nitems = -1};
	Bandit	   *bandit;
	Jsonb	   *context;
	pg_uuid_t  *id;

	bd_require_arguments(fcinfo, 3, names);
	bandit = bd_settings_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	context = PG_GETARG_JSONB_P(1);
	bd_context_check(bandit, context);
	decision.chosen = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (bd_settings_arm(bandit, decision.chosen) < 0 ||
		bd_settings_is_control(bandit, decision.chosen))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no arm \"%s\"", bandit->name,
						decision.chosen),
				 errhint("What the application may choose must be arms; bandit.add_arm adds one.")));
	if (!bd_can_write())
		PG_RETURN_NULL();

	decision.subject = PG_ARGISNULL(3) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(3));
	decision.decided_at = GetCurrentTimestamp();
	decision.policy = bandit->policy;
	decision.context_hash = bd_context_hash(context);
	decision.draws = palloc(sizeof(Draw) * Max(bandit->narms, 1));
	decision.narms = bd_posteriors(bandit, decision.context_hash, context,
								   decision.draws);
	bd_decide_id(&decision.id, decision.decided_at);
	bd_decide_log(bandit, &decision, context);

	id = palloc(sizeof(pg_uuid_t));
	*id = decision.id;
	PG_RETURN_UUID_P(id);
}

/* The arm that would have brought the item, else the control, if any, or -1. */
static int
arm_of(const Request *request, int64 item)
{
	const Bandit *bandit = request->list.bandit;

	for (int i = 0; i < request->nserved; i++)
		if (request->served[i].item.item == item)
			return request->served[i].arm;
	for (int i = 0; i < bandit->narms; i++)
		if (bandit->arms[i].control)
			return i;
	return -1;
}

/*
 * replace_list
 *		Put what the application served in the place of the bandit's list.
 *
 * An item that it shows again has one reward all the same: its first place
 * counts.
 */
static void
replace_list(Request *request, Datum *items, int n, bool by_key)
{
	Served	   *shown = palloc0(sizeof(Served) * n);
	int			nshown = 0;
	HASHCTL		ctl;
	HTAB	   *seen;

	ctl.keysize = ctl.entrysize = sizeof(int64);
	ctl.hcxt = CurrentMemoryContext;
	seen = hash_create("items shown", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < n; i++)
	{
		Served	   *one = &shown[nshown];
		bool		again;

		one->item.item = bd_item_number(request->list.bandit, &items[i],
										by_key);
		hash_search(seen, &one->item.item, HASH_ENTER, &again);
		if (again)
			continue;
		one->item.key = by_key ? TextDatumGetCString(items[i]) : NULL;
		one->arm = arm_of(request, one->item.item);
		nshown++;
	}
	hash_destroy(seen);
	request->served = shown;
	request->nserved = nshown;
}

static Datum
shadow_recommend(FunctionCallInfo fcinfo, bool by_key)
{
	static const char *const names[] = {"name", "user", "items"};
	Request    *request = palloc0(sizeof(Request));
	ArrayType  *array;
	Datum	   *items;
	pg_uuid_t  *id;
	int			n;

	bd_require_arguments(fcinfo, 3, names);
	array = PG_GETARG_ARRAYTYPE_P(2);
	if (ARR_NDIM(array) != 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("items must be a list without nulls")));
	if (by_key)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
						  &items, NULL, &n);
	else
		deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
						  TYPALIGN_DOUBLE, &items, NULL, &n);
	bd_request_start(request, fcinfo, by_key, n, 3);
	if (!bd_can_write())
		PG_RETURN_NULL();

	request->treatment = true;
	bd_request_serve(request);
	replace_list(request, items, n, by_key);
	bd_request_log(request, "shadow");

	id = palloc(sizeof(pg_uuid_t));
	*id = request->decision.id;
	PG_RETURN_UUID_P(id);
}

/*
 * shadow_recommend(name text, user_id bigint, item_ids bigint[],
 *		context jsonb) -> uuid
 */
Datum
bandit_shadow_recommend(PG_FUNCTION_ARGS)
{
	return shadow_recommend(fcinfo, false);
}

/*
 * shadow_recommend(name text, user_key text, item_keys text[], ...) -> uuid
 */
Datum
bandit_shadow_recommend_key(PG_FUNCTION_ARGS)
{
	return shadow_recommend(fcinfo, true);
}
