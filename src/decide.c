/*-------------------------------------------------------------------------
 *
 * decide.c
 *		Decisions: their ids, their draws, their log; choose.
 *
 * A decision's id is a UUID of version 7 (RFC 9562): 48 bits of Unix time in
 * milliseconds, 12 bits of the millisecond's fraction, 62 random bits.  So
 * ids order by time, and the table is partitioned by them.  The generator of
 * a decision's draws is seeded by the 62 random bits: together with the
 * posteriors that the row keeps, the draws can be made again.
 *
 * The row is written with the rights of the extension's owner.
 *
 * src/decide.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "datatype/timestamp.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_choose);
PG_FUNCTION_INFO_V1(bandit_decision_time);
PG_FUNCTION_INFO_V1(bandit_first_decision_id);

#define UNIX_TO_PG_MICROS \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

/* The last that an id can tell, in the year 10889; infinity comes later. */
#define LAST_TIME ((INT64CONST(1) << 48) * 1000 - 1 - UNIX_TO_PG_MICROS)

/* What choose keeps between the rows it returns. */
typedef struct ChooseResult
{
	const Bandit *bandit;
	Decision	decision;
} ChooseResult;

static void put_time(pg_uuid_t *id, TimestampTz at);
static Datum text_array(char **texts, int n);
static Datum picks_array(const Bandit *bandit, const Decision *decision);
static Datum ms_array(const float4 * ms, int n);
static Datum float_array(const Draw *draws, int n, size_t field);
static bool has_floors(const Decision *decision);

/*
 * put_time
 *		The id's first 64 bits: time, version, fraction of a millisecond.
 */
static void
put_time(pg_uuid_t *id, TimestampTz at)
{
	uint64		micros = (uint64) Max(Min(at, LAST_TIME) + UNIX_TO_PG_MICROS, 0);
	uint64		millis = micros / 1000;
	uint64		fraction = (micros % 1000) * 4096 / 1000;
	uint64		head = (millis << 16) | (UINT64CONST(7) << 12) | fraction;

	for (int i = 0; i < 8; i++)
		id->data[i] = (unsigned char) (head >> (56 - 8 * i));
}

/*
 * bd_decide_id
 *		A new decision's id, of the session's generator.
 */
void
bd_decide_id(pg_uuid_t *id, TimestampTz now)
{
	uint64		bits = (bd_random_next(bd_session_random()) >> 2) |
	(UINT64CONST(2) << 62);

	put_time(id, now);
	for (int i = 0; i < 8; i++)
		id->data[8 + i] = (unsigned char) (bits >> (56 - 8 * i));
}

/*
 * bd_decide_first_id
 *		The smallest id that a decision made at that time can have.
 */
void
bd_decide_first_id(TimestampTz at, pg_uuid_t *id)
{
	put_time(id, at);
	id->data[8] = 0x80;
	memset(id->data + 9, 0, 7);
}

/*
 * bd_decide_random
 *		The generator of a decision's draws.
 */
void
bd_decide_random(const pg_uuid_t *id, BanditRandom *random)
{
	uint64		bits = 0;

	for (int i = 8; i < 16; i++)
		bits = (bits << 8) | id->data[i];
	bd_random_seed(random, 0, bits);
}

/*
 * bd_decide_time
 *		When a decision was made, exact to the microsecond.
 */
TimestampTz
bd_decide_time(const pg_uuid_t *id)
{
	uint64		head = 0;
	uint64		micros;

	for (int i = 0; i < 8; i++)
		head = (head << 8) | id->data[i];
	/* the fraction was rounded down, so its inverse rounds up: exact */
	micros = (head >> 16) * 1000 + ((head & 0xFFF) * 1000 + 4095) / 4096;
	return (TimestampTz) micros - UNIX_TO_PG_MICROS;
}

static Datum
text_array(char **texts, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = texts[i] == NULL;
		if (!nulls[i])
			values[i] = CStringGetTextDatum(texts[i]);
	}
	return PointerGetDatum(construct_md_array(values, nulls, n > 0 ? 1 : 0,
											  &n, &lower, TEXTOID, -1, false,
											  TYPALIGN_INT));
}

/* The arms picked, best first, or the one that a shadow saw. */
static Datum
picks_array(const Bandit *bandit, const Decision *decision)
{
	char	  **names = palloc(sizeof(char *) * Max(decision->npicks, 1));

	if (decision->chosen != NULL)
	{
		names[0] = (char *) decision->chosen;
		return text_array(names, 1);
	}
	for (int i = 0; i < decision->npicks; i++)
		names[i] = bandit->arms[decision->draws[decision->picks[i]].arm].name;
	return text_array(names, decision->npicks);
}

/* Milliseconds, null where an arm failed. */
static Datum
ms_array(const float4 * ms, int n)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *nulls = palloc(sizeof(bool) * Max(n, 1));
	int			lower = 1;

	for (int i = 0; i < n; i++)
	{
		nulls[i] = ms[i] == PICK_FAILED;
		values[i] = Float4GetDatum(ms[i]);
	}
	return PointerGetDatum(construct_md_array(values, nulls, n > 0 ? 1 : 0,
											  &n, &lower, FLOAT4OID,
											  sizeof(float4), true,
											  TYPALIGN_INT));
}

/* One field of every draw, by its offset. */
static Datum
float_array(const Draw *draws, int n, size_t field)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		values[i] = Float8GetDatum(*(const double *)
								   ((const char *) &draws[i] + field));
	return PointerGetDatum(construct_array(values, n, FLOAT8OID,
										   sizeof(float8), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

static bool
has_floors(const Decision *decision)
{
	for (int i = 0; i < decision->narms; i++)
		if (decision->draws[i].floor > 0)
			return true;
	return false;
}

/*
 * item_values
 *		The columns items, item_keys and item_arms of a decision.
 */
static void
item_values(const Bandit *bandit, const Decision *decision,
			Datum *values, char *nulls)
{
	int			n = decision->nitems;
	Datum	   *items = palloc(sizeof(Datum) * Max(n, 1));
	char	  **arms = palloc(sizeof(char *) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		items[i] = Int64GetDatum(decision->items[i]);
		arms[i] = decision->item_arms[i] < 0 ? NULL :
			bandit->arms[decision->item_arms[i]].name;
	}
	values[0] = PointerGetDatum(construct_array(items, n, INT8OID,
												sizeof(int64),
												FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	if (decision->item_keys != NULL)
		values[1] = text_array(decision->item_keys, n);
	else
		nulls[1] = 'n';
	values[2] = text_array(arms, n);
}

/*
 * bd_decide_log
 *		Write the decision's row, and its context when it is a new one.
 */
void
bd_decide_log(const Bandit *bandit, const Decision *decision, Jsonb *context)
{
	static KeptPlan plan = {
		"INSERT INTO bandit.decisions (decision_id, bandit, context_hash,"
		" subject, variant, decided_at, arms, alphas, betas, picks, items,"
		" item_keys, item_arms, policy, floors, pick_ms)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
		" $14, $15, $16)",
		16, {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TIMESTAMPTZOID,
			TEXTARRAYOID, FLOAT8ARRAYOID, FLOAT8ARRAYOID, TEXTARRAYOID,
			INT8ARRAYOID, TEXTARRAYOID, TEXTARRAYOID, TEXTOID,
		FLOAT8ARRAYOID, FLOAT4ARRAYOID}
	};
	Datum		values[16] = {0};
	char		nulls[16];
	char	  **names = palloc(sizeof(char *) * Max(decision->narms, 1));
	OwnerScope	scope;

	memset(nulls, ' ', sizeof(nulls));
	SPI_connect();
	values[0] = UUIDPGetDatum(&decision->id);
	values[1] = CStringGetTextDatum(bandit->name);
	values[2] = Int64GetDatum(decision->context_hash);
	if (decision->subject != NULL)
		values[3] = CStringGetTextDatum(decision->subject);
	else
		nulls[3] = 'n';
	values[4] = CStringGetTextDatum(decision->variant);
	values[5] = TimestampTzGetDatum(decision->decided_at);
	for (int i = 0; i < decision->narms; i++)
		names[i] = bandit->arms[decision->draws[i].arm].name;
	values[6] = text_array(names, decision->narms);
	values[7] = float_array(decision->draws, decision->narms,
							offsetof(Draw, alpha));
	values[8] = float_array(decision->draws, decision->narms,
							offsetof(Draw, beta));
	values[9] = picks_array(bandit, decision);
	if (decision->nitems >= 0)
		item_values(bandit, decision, &values[10], &nulls[10]);
	else
		memset(&nulls[10], 'n', 3);
	values[13] = CStringGetTextDatum(bd_policy_name(decision->policy));
	if (has_floors(decision))
		values[14] = float_array(decision->draws, decision->narms,
								 offsetof(Draw, floor));
	else
		nulls[14] = 'n';
	if (decision->pick_ms != NULL)
		values[15] = ms_array(decision->pick_ms, decision->npicks);
	else
		nulls[15] = 'n';

	bd_owner_begin(&scope);
	bd_context_register(bandit, decision->context_hash, context);
	bd_plan_run(&plan, values, nulls, false, 0);
	bd_owner_end(&scope);
	SPI_finish();
}

/*
 * choose_first
 *		Draw, pick and log; everything choose does before its first row.
 */
static void
choose_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Bandit	   *bandit;
	Jsonb	   *context;
	ChooseResult *result;
	Decision   *decision;
	BanditRandom random;
	MemoryContext old;
	int			k;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("bandit, context and k must not be null")));
	bandit = bd_settings_get(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	context = PG_GETARG_JSONB_P(1);
	k = bd_select_count(PG_GETARG_INT32(3));
	bd_context_check(bandit, context);
	if (!bd_can_write())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot log a decision in a read-only transaction"),
				 errhint("bandit.select_arms selects without logging.")));

	old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	result = palloc0(sizeof(ChooseResult));
	funcctx->user_fctx = result;
	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	result->bandit = bandit;
	decision = &result->decision;
	decision->draws = palloc(sizeof(Draw) * Max(bandit->narms, 1));
	decision->picks = palloc(sizeof(int) * Max(bandit->narms, 1));
	decision->subject = PG_ARGISNULL(2) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(2));
	MemoryContextSwitchTo(old);

	decision->decided_at = GetCurrentTimestamp();
	decision->variant = "treatment";
	decision->nitems = -1;
	decision->policy = bandit->policy;
	decision->context_hash = bd_context_hash(context);
	decision->narms = bd_posteriors(bandit, decision->context_hash, context,
									decision->draws);
	if (decision->narms == 0)
		return;
	bd_decide_id(&decision->id, decision->decided_at);
	bd_decide_random(&decision->id, &random);
	decision->npicks = bd_select(&random, decision->policy, decision->draws,
								 decision->narms, k, decision->picks);
	bd_decide_log(bandit, decision, context);
	funcctx->max_calls = decision->npicks;
}

/*
 * choose(bandit text, context jsonb, subject text, k int)
 *		-> (decision_id, rank, arm, weight), best first
 */
Datum
bandit_choose(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	ChooseResult *result;
	const Draw *draw;
	Datum		values[4];
	bool		nulls[4] = {false};
	HeapTuple	tuple;

	if (SRF_IS_FIRSTCALL())
		choose_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	result = funcctx->user_fctx;
	draw = &result->decision.draws[result->decision.picks[funcctx->call_cntr]];
	values[0] = UUIDPGetDatum(&result->decision.id);
	values[1] = Int32GetDatum((int) funcctx->call_cntr + 1);
	values[2] = CStringGetTextDatum(result->bandit->arms[draw->arm].name);
	values[3] = Float8GetDatum(draw->weight);
	tuple = heap_form_tuple(funcctx->tuple_desc, values, nulls);
	SRF_RETURN_NEXT(funcctx, HeapTupleGetDatum(tuple));
}

/*
 * decision_time(decision_id uuid) -> timestamptz
 */
Datum
bandit_decision_time(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(bd_decide_time(PG_GETARG_UUID_P(0)));
}

/*
 * first_decision_id(at timestamptz) -> uuid
 */
Datum
bandit_first_decision_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	bd_decide_first_id(PG_GETARG_TIMESTAMPTZ(0), id);
	PG_RETURN_UUID_P(id);
}
