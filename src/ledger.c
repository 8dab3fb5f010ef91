/*-------------------------------------------------------------------------
 *
 * ledger.c
 *		One response: written once to bandit.feedback, learnt once.
 *
 * A row of feedback says what the response was and what it adds to the
 * evidence of its arm.  Whoever writes the row adds the same to the evidence
 * in the same transaction, so that evidence is always the fold of feedback.
 *
 * Several kinds of response to one item are one reward: that of the kind of
 * highest priority, the newest among equals.  The others keep their rows and
 * add nothing.  A response that changes or is taken back moves the evidence
 * from the old reward to the new one.
 *
 * Rewards are exact multiples of 2^-20, so all of this is exact.
 *
 * src/ledger.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A row of feedback on the same item of the same decision. */
typedef struct LedgerRow
{
	char	   *kind;
	bool		has_value;
	double		value;
	bool		neutral;
	double		reward;
	int			priority;
	TimestampTz received_at;
	Contribution adds;
} LedgerRow;

/* All of them, and the one of the response's own kind. */
typedef struct LedgerRows
{
	int			nrows;
	LedgerRow  *rows;
	LedgerRow  *own;			/* NULL: no such row */
	LedgerRow  *best;			/* of the others, the one that counts, or
								 * would without the response's own */
} LedgerRows;

/* What a response adds to the evidence, all in all, as of its moment. */
typedef struct Change
{
	TimestampTz at;
	double		half_life;		/* seconds, 0: nothing is forgotten */
	Contribution delta;
} Change;

static void read_rows(const Attribution *attribution, const Response *response,
					  LedgerRows *rows);
static bool insert_row(const Attribution *attribution,
					   const Response *response, const Contribution *adds,
					   TimestampTz at);
static void set_row(const Attribution *attribution, const Response *response,
					const LedgerRow *row);
static void delete_row(const Attribution *attribution,
					   const Response *response);
static int	keys(const Attribution *attribution, const Response *response,
				 const char *kind, Datum *values, char *nulls);
static bool adjust_silence(const Attribution *attribution,
						   const Response *response, int change,
						   TimestampTz *since);
static Contribution contribution(bool counts, bool neutral, double reward);
static void replace(Change *change, LedgerRow *row, const Contribution *adds);
static void add(Change *change, const Contribution *adds, double sign,
				TimestampTz since);
static void silence(Change *change, const Attribution *attribution,
					const Response *response, int sign);
static void start(Change *change, const Attribution *attribution);
static void finish(const Change *change, const Attribution *attribution);
static bool is_same(const LedgerRow *row, const Response *response);

#define ROW_KEY \
	" WHERE decision_id OPERATOR(pg_catalog.=) $1" \
	" AND bandit OPERATOR(pg_catalog.=) $2" \
	" AND item_id IS NOT DISTINCT FROM $3" \
	" AND arm OPERATOR(pg_catalog.=) $4"

#define ROW_KEY_KIND ROW_KEY " AND kind OPERATOR(pg_catalog.=) $5"

/*
 * bd_response_judge
 *		The reward of a response by its kind's rule.
 *
 * A success is 1, a failure 0; between the thresholds is neutral.  A linear
 * rule maps zero_at .. one_at to 0 .. 1 and clips.  Raises when the rule
 * looks at a value and there is none.
 */
void
bd_response_judge(const Bandit *bandit, const OutcomeRule *rule,
				  Response *response)
{
	double		share;

	response->priority = rule->priority;
	response->neutral = false;
	if (rule->outcome != 0)
	{
		response->neutral = rule->outcome == 'n';
		response->reward = rule->outcome == 's' ? 1 : 0;
		return;
	}
	if (!response->has_value || isnan(response->value))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("feedback of kind \"%s\" needs a value", rule->kind),
				 errhint("Its rule in bandit.outcome_rules for \"%s\" looks at the value.",
						 bandit->name)));
	if (rule->linear)
	{
		share = (response->value - rule->zero_at) /
			(rule->one_at - rule->zero_at);
		response->reward = bd_reward_round(Min(Max(share, 0), 1));
	}
	else if (rule->has_success && response->value >= rule->success_from)
		response->reward = 1;
	else if (rule->has_failure && response->value <= rule->failure_to)
		response->reward = 0;
	else
		response->neutral = true;
}

/* What a row adds: its reward if it counts, a bare pull if it is neutral. */
static Contribution
contribution(bool counts, bool neutral, double reward)
{
	Contribution adds = {0, 0, 0};

	if (counts)
	{
		adds.pulls = 1;
		if (!neutral)
		{
			adds.successes = reward;
			adds.failures = 1 - reward;
		}
	}
	return adds;
}

static void
start(Change *change, const Attribution *attribution)
{
	memset(change, 0, sizeof(Change));
	change->at = GetCurrentTimestamp();
	change->half_life = bd_half_life(bd_settings_half_life(attribution->bandit));
}

static void
finish(const Change *change, const Attribution *attribution)
{
	bd_evidence_add(attribution->bandit, attribution->context_hash,
					attribution->arm, &change->delta, change->at);
}

/* What was learnt some time ago counts now as much as it still counts. */
static void
add(Change *change, const Contribution *adds, double sign, TimestampTz since)
{
	double		weight = sign * bd_decay(since, change->at, change->half_life);

	change->delta.successes += weight * adds->successes;
	change->delta.failures += weight * adds->failures;
	change->delta.pulls += (int64) sign * adds->pulls;
}

static void
replace(Change *change, LedgerRow *row, const Contribution *adds)
{
	add(change, &row->adds, -1, row->received_at);
	add(change, adds, 1, row->received_at);
	row->adds = *adds;
}

/* A settled item answers (-1), or falls silent again (1). */
static void
silence(Change *change, const Attribution *attribution,
		const Response *response, int sign)
{
	Contribution failure = {0, 1, 1};
	TimestampTz since;

	if (attribution->settled &&
		adjust_silence(attribution, response, sign, &since))
		add(change, &failure, sign, since);
}

static bool
is_same(const LedgerRow *row, const Response *response)
{
	return row->has_value == response->has_value &&
		(!row->has_value || row->value == response->value);
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
	Change		change;
	Contribution adds;
	LedgerRows	rows;
	bool		counts;

	read_rows(attribution, response, &rows);
	if (rows.own != NULL && is_same(rows.own, response))
		return false;

	start(&change, attribution);
	counts = attribution->trains &&
		(rows.best == NULL || response->priority >= rows.best->priority);
	adds = contribution(counts, response->neutral, response->reward);

	if (rows.own == NULL)
	{
		/*
		 * A twin of this very response may have been quicker.  What it said
		 * can be read now, and replaced if this says something else; not in a
		 * transaction whose snapshot is older than the twin.
		 */
		if (!insert_row(attribution, response, &adds, change.at))
			return !IsolationUsesXactSnapshot() &&
				bd_ledger_record(attribution, response);
		add(&change, &adds, 1, change.at);
	}
	else
	{
		replace(&change, rows.own, &adds);
		rows.own->has_value = response->has_value;
		rows.own->value = response->value;
		rows.own->neutral = response->neutral;
		rows.own->reward = response->reward;
		rows.own->priority = response->priority;
		set_row(attribution, response, rows.own);
	}
	if (attribution->trains && rows.best != NULL &&
		counts == (rows.best->adds.pulls != 0))
	{
		/* it yields to this response, or is the one that counts again */
		adds = contribution(!counts, rows.best->neutral, rows.best->reward);
		replace(&change, rows.best, &adds);
		set_row(attribution, response, rows.best);
	}
	if (rows.nrows == 0)
		silence(&change, attribution, response, -1);
	finish(&change, attribution);
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
	Change		change;
	Contribution none = {0, 0, 0};
	LedgerRows	rows;

	read_rows(attribution, response, &rows);
	if (rows.own == NULL)
		return false;

	start(&change, attribution);
	if (rows.own->adds.pulls != 0 && rows.best != NULL)
	{
		Contribution again = contribution(attribution->trains,
										  rows.best->neutral,
										  rows.best->reward);

		replace(&change, rows.best, &again);
		set_row(attribution, response, rows.best);
	}
	replace(&change, rows.own, &none);
	delete_row(attribution, response);
	if (rows.nrows == 1)
		silence(&change, attribution, response, 1);
	finish(&change, attribution);
	return true;
}

/* The first parameters of every statement here; returns their number. */
static int
keys(const Attribution *attribution, const Response *response,
	 const char *kind, Datum *values, char *nulls)
{
	memset(nulls, ' ', 5);
	values[0] = UUIDPGetDatum(&attribution->decision_id);
	values[1] = CStringGetTextDatum(attribution->bandit);
	values[2] = Int64GetDatum(response->item);
	if (!response->has_item)
		nulls[2] = 'n';
	values[3] = CStringGetTextDatum(attribution->arm);
	values[4] = CStringGetTextDatum(kind);
	return 5;
}

/*
 * read_rows
 *		What is known of the item already, locked against a twin.
 *
 * Where rows were there to be locked, they are read again: who had to wait
 * for them must see what came to them meanwhile.
 */
static void
read_rows(const Attribution *attribution, const Response *response,
		  LedgerRows *rows)
{
	static KeptPlan plan = {
		"SELECT kind, value, reward, priority, successes, failures, pulls,"
		" received_at FROM bandit.feedback" ROW_KEY
		" AND kind OPERATOR(pg_catalog.<>) 'silence'"
		" ORDER BY priority DESC, received_at DESC, kind FOR NO KEY UPDATE",
		4, {UUIDOID, TEXTOID, INT8OID, TEXTOID}
	};
	Datum		values[5];
	char		nulls[5];

	keys(attribution, response, response->kind, values, nulls);
	bd_plan_run(&plan, values, nulls, false, 0);
	if (SPI_processed > 0 && !IsolationUsesXactSnapshot())
		bd_plan_run(&plan, values, nulls, false, 0);

	memset(rows, 0, sizeof(LedgerRows));
	rows->nrows = (int) SPI_processed;
	rows->rows = palloc0(sizeof(LedgerRow) * Max(rows->nrows, 1));
	for (int i = 0; i < rows->nrows; i++)
	{
		LedgerRow  *row = &rows->rows[i];
		Datum		fields[8];
		bool		isnull[8];

		for (int j = 0; j < 8; j++)
			fields[j] = SPI_getbinval(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, j + 1, &isnull[j]);
		row->kind = TextDatumGetCString(fields[0]);
		row->has_value = !isnull[1];
		row->value = isnull[1] ? 0 : DatumGetFloat8(fields[1]);
		row->neutral = isnull[2];
		row->reward = isnull[2] ? 0 : DatumGetFloat8(fields[2]);
		row->priority = DatumGetInt32(fields[3]);
		row->adds.successes = DatumGetFloat8(fields[4]);
		row->adds.failures = DatumGetFloat8(fields[5]);
		row->adds.pulls = DatumGetInt64(fields[6]);
		row->received_at = DatumGetTimestampTz(fields[7]);
		if (strcmp(row->kind, response->kind) == 0)
			rows->own = row;
		else if (rows->best == NULL ||
				 (rows->best->adds.pulls == 0 && row->adds.pulls != 0))
			rows->best = row;
	}
}

/*
 * insert_row
 *		Write the response; false if a twin has written it meanwhile.
 */
static bool
insert_row(const Attribution *attribution, const Response *response,
		   const Contribution *adds, TimestampTz at)
{
	static KeptPlan plan = {
		"INSERT INTO bandit.feedback (decision_id, bandit, item_id, arm, kind,"
		" context_hash, value, reward, priority, successes, failures, pulls,"
		" received_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
		" ON CONFLICT DO NOTHING",
		13, {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, INT8OID, FLOAT8OID,
		FLOAT8OID, INT4OID, FLOAT8OID, FLOAT8OID, INT8OID, TIMESTAMPTZOID}
	};
	Datum		values[13];
	char		nulls[13];

	memset(nulls, ' ', sizeof(nulls));
	keys(attribution, response, response->kind, values, nulls);
	values[5] = Int64GetDatum(attribution->context_hash);
	values[6] = Float8GetDatum(response->value);
	if (!response->has_value)
		nulls[6] = 'n';
	values[7] = Float8GetDatum(response->reward);
	if (response->neutral)
		nulls[7] = 'n';
	values[8] = Int32GetDatum(response->priority);
	values[9] = Float8GetDatum(adds->successes);
	values[10] = Float8GetDatum(adds->failures);
	values[11] = Int64GetDatum(adds->pulls);
	values[12] = TimestampTzGetDatum(at);
	bd_plan_run(&plan, values, nulls, false, 0);
	return SPI_processed == 1;
}

/*
 * set_row
 *		Bring a row of the ledger to what "row" says.
 */
static void
set_row(const Attribution *attribution, const Response *response,
		const LedgerRow *row)
{
	static KeptPlan plan = {
		"UPDATE bandit.feedback SET value = $6, reward = $7, priority = $8,"
		" successes = $9, failures = $10, pulls = $11" ROW_KEY_KIND,
		11, {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, FLOAT8OID, FLOAT8OID,
		INT4OID, FLOAT8OID, FLOAT8OID, INT8OID}
	};
	Datum		values[11];
	char		nulls[11];

	memset(nulls, ' ', sizeof(nulls));
	keys(attribution, response, row->kind, values, nulls);
	values[5] = Float8GetDatum(row->value);
	if (!row->has_value)
		nulls[5] = 'n';
	values[6] = Float8GetDatum(row->reward);
	if (row->neutral)
		nulls[6] = 'n';
	values[7] = Int32GetDatum(row->priority);
	values[8] = Float8GetDatum(row->adds.successes);
	values[9] = Float8GetDatum(row->adds.failures);
	values[10] = Int64GetDatum(row->adds.pulls);
	bd_plan_run(&plan, values, nulls, false, 0);
}

static void
delete_row(const Attribution *attribution, const Response *response)
{
	static KeptPlan plan = {
		"DELETE FROM bandit.feedback" ROW_KEY_KIND,
		5, {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID}
	};
	Datum		values[5];
	char		nulls[5];

	keys(attribution, response, response->kind, values, nulls);
	bd_plan_run(&plan, values, nulls, false, 0);
}

/*
 * adjust_silence
 *		Take the silence of an answered item back, or let it count again.
 *
 * False where silence does not count for this arm.  An item's correction is
 * a row of its own, for the arm's row is shared by all of its items: their
 * responses would wait for one another.  It is as old as the silence, and
 * *since says since when that is.
 */
static bool
adjust_silence(const Attribution *attribution, const Response *response,
			   int change, TimestampTz *since)
{
	static KeptPlan plan = {
		"INSERT INTO bandit.feedback AS f (decision_id, bandit, item_id, arm,"
		" kind, context_hash, reward, priority, successes, failures, pulls,"
		" received_at)"
		" SELECT s.decision_id, s.bandit, $3, s.arm, s.kind, s.context_hash,"
		" 0, 0, 0, $6, $6, s.received_at FROM bandit.feedback s"
		" WHERE s.decision_id OPERATOR(pg_catalog.=) $1"
		" AND s.bandit OPERATOR(pg_catalog.=) $2 AND s.item_id IS NULL"
		" AND s.arm OPERATOR(pg_catalog.=) $4"
		" AND s.kind OPERATOR(pg_catalog.=) $5"
		" ON CONFLICT (decision_id, bandit, item_id, arm, kind) DO UPDATE"
		" SET failures = f.failures OPERATOR(pg_catalog.+) $6,"
		" pulls = f.pulls OPERATOR(pg_catalog.+) $6"
		" RETURNING f.received_at",
		6, {UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID, INT4OID}
	};
	Datum		values[6];
	char		nulls[6];
	bool		isnull;

	keys(attribution, response, "silence", values, nulls);
	values[5] = Int32GetDatum(change);
	nulls[5] = ' ';
	bd_plan_run(&plan, values, nulls, false, 0);
	if (SPI_processed != 1)
		return false;
	*since = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[0],
											   SPI_tuptable->tupdesc, 1,
											   &isnull));
	return true;
}
