/*-------------------------------------------------------------------------
 *
 * ledger.c
 *		One response: written once to bandit.feedback, learnt once.
 *
 * A row of feedback says what the response was and what it added to the
 * evidence of its arm.  Whoever writes the row adds the same to the evidence
 * in the same transaction, so that evidence is always the sum of feedback.
 *
 * A response only ever writes its own row.  Where it changes what other
 * responses to the item are worth (reward.c), or ends an item's silence, its
 * own row adds the difference: a row that is replaced keeps what it added,
 * and what replaces it takes that away.  So responses of different kinds
 * never wait for each other, and none fails because another has changed.
 * Two that cannot see each other yet both count; the next response to the
 * item, or settle, puts that right (item_shortfall).
 *
 * A response that is taken back leaves a row only if others were reckoned
 * against it, or other nodes have to hear of it.
 *
 * At SERIALIZABLE nothing is read that need not be, for every row read is a
 * conflict with those who write near it: a response is written as if it were
 * alone, and the others are looked at if it was not new.
 *
 * Rewards are exact multiples of 2^-20, so all of this is exact.
 *
 * src/ledger.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_item_shortfall);
PG_FUNCTION_INFO_V1(bandit_item_state);

/* Has a decision's silence been counted? */
typedef enum Settlement
{
	UNSETTLED,
	BEING_SETTLED,				/* by a transaction that has not ended */
	SETTLED
} Settlement;

/* A decision's item while one of its responses is written. */
typedef struct AnsweredItem
{
	Attribution attribution;
	Bandit	   *bandit;
	char		combine;
	double		half_life;		/* seconds, 0: nothing is forgotten */
	TimestampTz now;
	LedgerRow  *rows;			/* all kinds; room for one more */
	int			nrows;
	LedgerRow  *own;			/* NULL: no such row */
	bool		silenced;		/* silence counted, or is being counted */
	Contribution silence;
	TimestampTz silent_since;
} AnsweredItem;

static void open_item(AnsweredItem *item, const Attribution *attribution);
static Settlement hold_decision(const Attribution *attribution);
static void read_item(AnsweredItem *item, const Response *response);
static void find_silence(AnsweredItem *item, const Response *response);
static void add_as_of(const AnsweredItem *item, Contribution *sum,
					  const Contribution *part, double sign,
					  TimestampTz since, TimestampTz at);
static void add_total(const AnsweredItem *item, Contribution *sum, double sign,
					  TimestampTz at);
static void add_worth(const AnsweredItem *item, Contribution *sum, double sign,
					  TimestampTz at);
static Contribution balance(const AnsweredItem *item, const LedgerRow *own);
static void learn(const AnsweredItem *item, const LedgerRow *own,
				  const Contribution *before);
static void reckon(const AnsweredItem *item, LedgerRow *own,
				   const Contribution *worth_before);
static bool record_new(AnsweredItem *item, const Response *response);
static void change_own(AnsweredItem *item, const Response *response);
static bool is_same(const LedgerRow *row, const Response *response);
static bool is_nothing(const Contribution *adds);

static void
open_item(AnsweredItem *item, const Attribution *attribution)
{
	memset(item, 0, sizeof(AnsweredItem));
	item->attribution = *attribution;
	item->bandit = bd_settings_find(attribution->bandit);
	item->combine = item->bandit != NULL ? item->bandit->combine : 'p';
	item->half_life = bd_half_life(bd_settings_half_life(attribution->bandit));
	item->now = GetCurrentTimestamp();
}

/*
 * hold_decision
 *		Keep the decision from being settled before this transaction ends.
 *
 * The row is locked as a foreign key would, where it was found, without
 * waiting and whatever the transaction's snapshot: a decision that was
 * settled meanwhile is looked at as it is now.
 */
static Settlement
hold_decision(const Attribution *attribution)
{
	Relation	table = table_open(attribution->table, RowShareLock);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	ItemPointerData place = attribution->place;
	TM_FailureData failure;
	TM_Result	result;
	Settlement	settlement = UNSETTLED;
	bool		isnull = true;

	result = table_tuple_lock(table, &place, GetActiveSnapshot(), slot,
							  GetCurrentCommandId(false), LockTupleKeyShare,
							  LockWaitSkip, TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
							  &failure);
	if (result == TM_WouldBlock)
		settlement = BEING_SETTLED;
	else if (result == TM_Ok)
	{
		slot_getattr(slot, get_attnum(attribution->table, "settled_at"),
					 &isnull);
		if (!isnull)
			settlement = SETTLED;
	}
	/* else it is gone, by retention: learn as if it were not settled */
	ExecDropSingleTupleTableSlot(slot);
	table_close(table, NoLock);
	return settlement;
}

/*
 * read_item
 *		What is known of the item already; its own row is locked against a
 *		twin, and read as the twin has left it.
 */
static void
read_item(AnsweredItem *item, const Response *response)
{
	for (bool locked = false;;)
	{
		item->nrows = bd_ledger_read(&item->attribution, response, false,
									 &item->rows);
		item->own = NULL;
		for (int i = 0; i < item->nrows; i++)
			if (strcmp(item->rows[i].response.kind, response->kind) == 0)
				item->own = &item->rows[i];
		if (item->own == NULL || locked)
			return;
		locked = bd_ledger_lock(&item->attribution, response);
	}
}

/*
 * find_silence
 *		What the item was counted for when its decision was settled.
 *
 * While somebody settles it nobody can see that yet.  If he does not commit,
 * what is taken away here comes back when the decision is settled.
 */
static void
find_silence(AnsweredItem *item, const Response *response)
{
	const Attribution *attribution = &item->attribution;
	Settlement	settlement = attribution->logged ?
	hold_decision(attribution) : UNSETTLED;

	/* a reward to the arm of a list does not break its items' silence */
	if (settlement == UNSETTLED || !attribution->trains ||
		attribution->has_items != response->has_item)
		return;
	if (settlement == SETTLED)
	{
		item->silenced = bd_ledger_silence(attribution, response,
										   &item->silence,
										   &item->silent_since);
		return;
	}
	item->silenced = item->bandit != NULL && item->bandit->counts_silence;
	if (item->silenced)
	{
		item->silence.successes = item->bandit->silence_reward;
		item->silence.failures = 1 - item->bandit->silence_reward;
		item->silence.pulls = 1;
		item->silent_since = item->now;
	}
}

/* What counted for so much at one time, counts for something at another. */
static void
add_as_of(const AnsweredItem *item, Contribution *sum, const Contribution *part,
		  double sign, TimestampTz since, TimestampTz at)
{
	double		weight = sign * bd_decay(since, at, item->half_life);

	sum->successes += weight * part->successes;
	sum->failures += weight * part->failures;
	sum->pulls += (int64) sign * part->pulls;
}

/* What the item's responses are worth together. */
static void
add_total(const AnsweredItem *item, Contribution *sum, double sign, TimestampTz at)
{
	Contribution total;
	TimestampTz since;

	if (item->attribution.trains &&
		bd_reward_total(item->combine, item->rows, item->nrows, &total, &since))
		add_as_of(item, sum, &total, sign, since, at);
}

/* The same, or what its silence is worth where there is none. */
static void
add_worth(const AnsweredItem *item, Contribution *sum, double sign, TimestampTz at)
{
	Contribution total;
	TimestampTz since;

	if (item->silenced &&
		!bd_reward_total(item->combine, item->rows, item->nrows, &total, &since))
		add_as_of(item, sum, &item->silence, sign, item->silent_since, at);
	else
		add_total(item, sum, sign, at);
}

/*
 * balance
 *		What a row has to add, so that all rows of the item add up to what
 *		they are worth; as of the row's own time.
 */
static Contribution
balance(const AnsweredItem *item, const LedgerRow *own)
{
	Contribution adds = {0, 0, 0};

	add_total(item, &adds, 1, own->received_at);
	for (int i = 0; i < item->nrows; i++)
		if (&item->rows[i] != own)
			add_as_of(item, &adds, &item->rows[i].adds, -1,
					  item->rows[i].received_at, own->received_at);
	return adds;
}

/* The evidence gets what the row adds now more than before. */
static void
learn(const AnsweredItem *item, const LedgerRow *own, const Contribution *before)
{
	Contribution delta = {0, 0, 0};

	add_as_of(item, &delta, &own->adds, 1, own->received_at, item->now);
	add_as_of(item, &delta, before, -1, own->received_at, item->now);
	bd_evidence_add(item->attribution.bandit, item->attribution.context_hash,
					item->attribution.arm, &delta, item->now);
}

static bool
is_same(const LedgerRow *row, const Response *response)
{
	return !row->retracted &&
		row->response.has_value == response->has_value &&
		(!response->has_value || row->response.value == response->value);
}

/* Differences of what has decayed may leave a trace. */
static bool
is_nothing(const Contribution *adds)
{
	return adds->pulls == 0 && fabs(adds->successes) < 1e-12 &&
		fabs(adds->failures) < 1e-12;
}

/*
 * reckon
 *		What a row has to add now.
 *
 * Of a settled item the silence is part of the sum, in a row that it shares
 * with others; there what changed is added.
 */
static void
reckon(const AnsweredItem *item, LedgerRow *own, const Contribution *worth_before)
{
	if (!item->silenced)
	{
		own->adds = balance(item, own);
		return;
	}
	add_worth(item, &own->adds, 1, own->received_at);
	own->adds.successes -= worth_before->successes;
	own->adds.failures -= worth_before->failures;
	own->adds.pulls -= worth_before->pulls;
}

/*
 * record_new
 *		Write a response that has no row yet; false if a twin was quicker.
 */
static bool
record_new(AnsweredItem *item, const Response *response)
{
	static const Contribution none = {0, 0, 0};
	LedgerRow  *own = &item->rows[item->nrows];
	Contribution worth = {0, 0, 0};

	memset(own, 0, sizeof(LedgerRow));
	own->response = *response;
	own->received_at = item->now;
	own->changed_at = item->now;
	add_worth(item, &worth, 1, own->received_at);
	item->nrows++;
	reckon(item, own, &worth);
	if (!bd_ledger_insert(&item->attribution, own))
	{
		item->nrows--;
		return false;
	}
	learn(item, own, &none);
	return true;
}

/*
 * change_own
 *		Bring the response's row to what it says now; NULL takes it back.
 */
static void
change_own(AnsweredItem *item, const Response *response)
{
	LedgerRow  *own = item->own;
	Contribution before = own->adds;
	Contribution worth = {0, 0, 0};

	add_worth(item, &worth, 1, own->received_at);
	if (response != NULL)
		own->response = *response;
	own->retracted = response == NULL;
	/* it tells versions of the row apart, so it never goes back */
	own->changed_at = Max(item->now, own->changed_at + 1);
	reckon(item, own, &worth);
	if (own->retracted && is_nothing(&own->adds))
	{
		memset(&own->adds, 0, sizeof(Contribution));
		bd_ledger_delete(&item->attribution, own);
	}
	else
		bd_ledger_update(&item->attribution, own);
	learn(item, own, &before);
}

/*
 * bd_ledger_record
 *		Write a response and learn from it; false if there was nothing new.
 *
 * The same response again changes nothing; one of the same kind with another
 * value replaces the old one.  The caller is connected to SPI, as the owner.
 */
bool
bd_ledger_record(const Attribution *attribution, const Response *response)
{
	AnsweredItem item;
	LedgerRow	alone[1];

	if (attribution->owner != NULL)
		return bd_forward(attribution, response, false);
	open_item(&item, attribution);
	find_silence(&item, response);

	/* as if it were alone; made-up decisions are */
	if (IsolationIsSerializable() || !attribution->logged)
	{
		item.rows = alone;
		if (record_new(&item, response))
			return true;
	}

	read_item(&item, response);
	if (item.own == NULL)
	{
		/*
		 * A twin of this very response may have been quicker.  What it said
		 * can be read now, and changed if this says something else; not in a
		 * transaction whose snapshot is older than the twin.
		 */
		if (record_new(&item, response))
			return true;
		if (IsolationUsesXactSnapshot())
			return false;
		read_item(&item, response);
		if (item.own == NULL)
			return false;		/* and is gone again */
	}
	if (is_same(item.own, response))
		return false;
	change_own(&item, response);
	return true;
}

/*
 * bd_ledger_retract
 *		Take a response back, as if it had never been; false if it was not
 *		there.
 *
 * Only kind and item of "response" matter.  What it had replaced counts
 * again; an item of a settled decision falls silent again.
 */
bool
bd_ledger_retract(const Attribution *attribution, const Response *response)
{
	AnsweredItem item;

	if (attribution->owner != NULL)
		return bd_forward(attribution, response, true);
	open_item(&item, attribution);
	find_silence(&item, response);
	read_item(&item, response);
	if (item.own == NULL || item.own->retracted)
		return false;
	change_own(&item, NULL);
	return true;
}

/* The rows of the item that item_shortfall and item_state are asked about. */
static void
read_asked(FunctionCallInfo fcinfo, AnsweredItem *item)
{
	static const char *const names[] = {"decision_id", "bandit", NULL, "arm"};
	Attribution attribution = {0};
	Response	response = {.kind = "", .has_item = !PG_ARGISNULL(2)};

	bd_require_arguments(fcinfo, 4, names);
	attribution.decision_id = *PG_GETARG_UUID_P(0);
	attribution.bandit = text_to_cstring(PG_GETARG_TEXT_PP(1));
	attribution.arm = text_to_cstring(PG_GETARG_TEXT_PP(3));
	attribution.trains = true;
	response.item = response.has_item ? PG_GETARG_INT64(2) : 0;
	open_item(item, &attribution);
	item->nrows = bd_ledger_read(&attribution, &response, true, &item->rows);
}

static Datum
make_row(FunctionCallInfo fcinfo, Datum *values)
{
	bool		nulls[3] = {false};
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/*
 * item_shortfall(decision_id uuid, bandit text, item_id bigint, arm text)
 *		-> (successes, failures, pulls)
 *
 * What the item's rows should add more than they do, as of the transaction's
 * start; all 0 unless responses of different kinds could not see each other.
 */
Datum
bandit_item_shortfall(PG_FUNCTION_ARGS)
{
	Contribution adds;
	LedgerRow	now = {0};
	AnsweredItem item;
	Datum		values[3];

	SPI_connect();
	read_asked(fcinfo, &item);
	now.received_at = GetCurrentTransactionStartTimestamp();
	adds = balance(&item, &now);
	SPI_finish();
	values[0] = Float8GetDatum(adds.successes);
	values[1] = Float8GetDatum(adds.failures);
	values[2] = Int64GetDatum(adds.pulls);
	PG_RETURN_DATUM(make_row(fcinfo, values));
}

/*
 * item_state(decision_id uuid, bandit text, item_id bigint, arm text)
 *		-> (known, live, pulls)
 */
Datum
bandit_item_state(PG_FUNCTION_ARGS)
{
	AnsweredItem item;
	int64		live = 0;
	int64		pulls = 0;
	Datum		values[3];

	SPI_connect();
	read_asked(fcinfo, &item);
	for (int i = 0; i < item.nrows; i++)
	{
		live += !item.rows[i].retracted;
		pulls += item.rows[i].adds.pulls;
	}
	SPI_finish();
	values[0] = Int64GetDatum(item.nrows);
	values[1] = Int64GetDatum(live);
	values[2] = Int64GetDatum(pulls);
	PG_RETURN_DATUM(make_row(fcinfo, values));
}
