/*-------------------------------------------------------------------------
 *
 * forward.c
 *		Responses to what another node has served.
 *
 * A decision's rows of feedback have one writer, the node that made it: only
 * there is it known what silence and other responses have counted already.
 * So a response that is given elsewhere is written to bandit.forwarded, which
 * is replicated, and the node that made the decision learns from it.
 *
 * src/forward.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_take_forwarded);

static bool find_decision(Attribution *attribution, bool has_item);

/*
 * bd_forward
 *		Leave a response, or that it is taken back, to the decision's node.
 *
 * False where this node has no name: nobody could hear of it.
 */
bool
bd_forward(const Attribution *attribution, const Response *response,
		   bool retracted)
{
	static KeptPlan plan = {
		"INSERT INTO bandit.forwarded (bandit, response_id, decision_id,"
		" item_id, kind, arm, value, reward, priority, retracted, sent_at,"
		" to_node, node)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		13, {TEXTOID, UUIDOID, UUIDOID, INT8OID, TEXTOID, TEXTOID, FLOAT8OID,
			FLOAT8OID, INT4OID, BOOLOID, TIMESTAMPTZOID, TEXTOID,
		TEXTOID}
	};
	TimestampTz now = GetCurrentTimestamp();
	pg_uuid_t	id;
	Datum		values[13];
	char		nulls[13];

	if (bd_node() == NULL)
		return false;
	bd_decide_id(&id, now);
	memset(nulls, ' ', sizeof(nulls));
	values[0] = CStringGetTextDatum(attribution->bandit);
	values[1] = UUIDPGetDatum(&id);
	values[2] = UUIDPGetDatum(&attribution->decision_id);
	values[3] = Int64GetDatum(response->item);
	if (!response->has_item)
		nulls[3] = 'n';
	values[4] = CStringGetTextDatum(response->kind);
	values[5] = CStringGetTextDatum(attribution->arm);
	values[6] = Float8GetDatum(response->value);
	if (!response->has_value)
		nulls[6] = 'n';
	values[7] = Float8GetDatum(response->reward);
	if (response->neutral)
		nulls[7] = 'n';
	values[8] = Int32GetDatum(response->priority);
	values[9] = BoolGetDatum(retracted);
	values[10] = TimestampTzGetDatum(now);
	values[11] = CStringGetTextDatum(attribution->owner);
	values[12] = CStringGetTextDatum(bd_node());
	bd_plan_run(&plan, values, nulls, false, 0);
	return true;
}

/*
 * find_decision
 *		The decision that a forwarded response is to; false if it is gone.
 */
static bool
find_decision(Attribution *attribution, bool has_item)
{
	static KeptPlan plan = {
		"SELECT d.context_hash, d.variant OPERATOR(pg_catalog.<>) 'control',"
		" d.items IS NOT NULL, d.tableoid, d.ctid"
		" FROM bandit.decisions d"
		" WHERE d.decision_id OPERATOR(pg_catalog.=) $1"
		" AND d.bandit OPERATOR(pg_catalog.=) $2",
		2, {UUIDOID, TEXTOID}, .by_index = true
	};
	Datum		values[2];
	Datum		fields[5];
	bool		isnull;
	Bandit	   *bandit = bd_settings_find(attribution->bandit);

	values[0] = UUIDPGetDatum(&attribution->decision_id);
	values[1] = CStringGetTextDatum(attribution->bandit);
	bd_plan_run(bd_leaf_plan_of(&plan, "decisions", &attribution->decision_id),
				values, NULL, false, 1);
	if (SPI_processed == 0)
		return false;
	for (int i = 0; i < 5; i++)
		fields[i] = SPI_getbinval(SPI_tuptable->vals[0],
								  SPI_tuptable->tupdesc, i + 1, &isnull);
	attribution->context_hash = DatumGetInt64(fields[0]);
	attribution->trains = DatumGetBool(fields[1]) &&
		!(has_item && bandit != NULL &&
		  bd_settings_is_control(bandit, attribution->arm));
	attribution->has_items = DatumGetBool(fields[2]);
	attribution->table = DatumGetObjectId(fields[3]);
	attribution->place = *(ItemPointer) DatumGetPointer(fields[4]);
	attribution->logged = true;
	return true;
}

/*
 * take_forwarded(bandit text, decision_id uuid, item_id bigint, kind text,
 *		arm text, value float8, reward float8, priority int,
 *		retracted boolean) -> boolean
 *		Learn from a response that was given on another node.
 */
Datum
bandit_take_forwarded(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"bandit", "decision_id", NULL, "kind",
	"arm", NULL, NULL, "priority", "retracted"};
	Attribution attribution = {0};
	Response	response = {0};
	OwnerScope	scope;
	bool		learnt = false;

	bd_require_arguments(fcinfo, 9, names);
	attribution.bandit = text_to_cstring(PG_GETARG_TEXT_PP(0));
	attribution.decision_id = *PG_GETARG_UUID_P(1);
	attribution.arm = text_to_cstring(PG_GETARG_TEXT_PP(4));
	response.has_item = !PG_ARGISNULL(2);
	response.item = response.has_item ? PG_GETARG_INT64(2) : 0;
	response.kind = text_to_cstring(PG_GETARG_TEXT_PP(3));
	response.has_value = !PG_ARGISNULL(5);
	response.value = response.has_value ? PG_GETARG_FLOAT8(5) : 0;
	response.neutral = PG_ARGISNULL(6);
	response.reward = response.neutral ? 0 : PG_GETARG_FLOAT8(6);
	response.priority = PG_GETARG_INT32(7);

	SPI_connect();
	bd_owner_begin(&scope);
	if (find_decision(&attribution, response.has_item))
		learnt = PG_GETARG_BOOL(8) ?
			bd_ledger_retract(&attribution, &response) :
			bd_ledger_record(&attribution, &response);
	bd_owner_end(&scope);
	SPI_finish();
	PG_RETURN_BOOL(learnt);
}
