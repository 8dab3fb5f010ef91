/*-------------------------------------------------------------------------
 *
 * ledger_rows.c
 *		Rows of bandit.feedback: read, locked, written.
 *
 * The rows of one item of a decision, or of the decision itself where there
 * is no item: a statement for each, since an index finds NULL only by IS
 * NULL.
 *
 * src/ledger_rows.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#define DECISION \
	" WHERE decision_id OPERATOR(pg_catalog.=) $1" \
	" AND bandit OPERATOR(pg_catalog.=) $2" \
	" AND arm OPERATOR(pg_catalog.=) $4"
#define ITEM DECISION " AND item_id OPERATOR(pg_catalog.=) $3"
#define NO_ITEM DECISION " AND item_id IS NULL AND $3 IS NULL"
#define KIND " AND kind OPERATOR(pg_catalog.=) $5"

/* Not that which others share; a correction counts as taken back. */
#define RESPONSES " AND kind OPERATOR(pg_catalog.<>) 'silence'"

#define KEYS UUIDOID, TEXTOID, INT8OID, TEXTOID, TEXTOID

static int	run(KeptPlan *plans, const Attribution *attribution,
				const Response *response, Datum *values, char *nulls,
				int nvalues, bool latest);
static void read_row(const Response *response, int number, LedgerRow *row);
static int	put_row(const LedgerRow *row, Datum *values, char *nulls, int n);
static void revise(const Attribution *attribution, const LedgerRow *row);

/* Run the statement for the item, or that for none; returns the rows. */
static int
run(KeptPlan *plans, const Attribution *attribution,
	const Response *response, Datum *values, char *nulls, int nvalues,
	bool latest)
{
	memset(nulls, ' ', Min(nvalues, 5));
	values[0] = UUIDPGetDatum(&attribution->decision_id);
	values[1] = CStringGetTextDatum(attribution->bandit);
	values[2] = Int64GetDatum(response->item);
	if (!response->has_item)
		nulls[2] = 'n';
	values[3] = CStringGetTextDatum(attribution->arm);
	values[4] = CStringGetTextDatum(response->kind);
	plans += response->has_item ? 0 : 1;
	plans = bd_leaf_plan_of(plans, "feedback", &attribution->decision_id);
	if (latest)
		bd_plan_run_latest(plans, values, nulls, 0);
	else
		bd_plan_run(plans, values, nulls, false, 0);
	return (int) SPI_processed;
}

/*
 * bd_ledger_read
 *		All responses to the item; returns their number.  *rows has room for
 *		one more.  "latest": what is committed now, not what the snapshot sees.
 */
int
bd_ledger_read(const Attribution *attribution, const Response *response,
			   bool latest, LedgerRow **rows)
{
#define READ(item) \
	"SELECT kind, value, reward, priority, successes, failures, pulls," \
	" received_at, retracted, COALESCE(changed_at, received_at)" \
	" FROM bandit.feedback" item RESPONSES
	static KeptPlan plans[2] = {
		{READ(ITEM), 4, {KEYS}, .by_index = true},
		{READ(NO_ITEM), 4, {KEYS}, .by_index = true}
	};
	Datum		values[5];
	char		nulls[5];
	int			nrows = run(plans, attribution, response, values, nulls, 5,
							latest);

	*rows = palloc(sizeof(LedgerRow) * (nrows + 1));
	for (int i = 0; i < nrows; i++)
		read_row(response, i, &(*rows)[i]);
	return nrows;
}

static void
read_row(const Response *response, int number, LedgerRow *row)
{
	Datum		fields[10];
	bool		isnull[10];

	for (int j = 0; j < 10; j++)
		fields[j] = SPI_getbinval(SPI_tuptable->vals[number],
								  SPI_tuptable->tupdesc, j + 1, &isnull[j]);
	memset(row, 0, sizeof(LedgerRow));
	row->response.kind = TextDatumGetCString(fields[0]);
	row->response.has_item = response->has_item;
	row->response.item = response->item;
	row->response.has_value = !isnull[1];
	row->response.value = isnull[1] ? 0 : DatumGetFloat8(fields[1]);
	row->response.neutral = isnull[2];
	row->response.reward = isnull[2] ? 0 : DatumGetFloat8(fields[2]);
	row->response.priority = DatumGetInt32(fields[3]);
	row->adds.successes = DatumGetFloat8(fields[4]);
	row->adds.failures = DatumGetFloat8(fields[5]);
	row->adds.pulls = DatumGetInt64(fields[6]);
	row->received_at = DatumGetTimestampTz(fields[7]);
	row->retracted = DatumGetBool(fields[8]);
	row->changed_at = DatumGetTimestampTz(fields[9]);
}

/*
 * bd_ledger_lock
 *		Lock the response's own row, which waits for a twin that changes it;
 *		false if it is gone.
 */
bool
bd_ledger_lock(const Attribution *attribution, const Response *response)
{
#define LOCK(item) \
	"SELECT 1 FROM bandit.feedback" item KIND " FOR NO KEY UPDATE"
	static KeptPlan plans[2] = {
		{LOCK(ITEM), 5, {KEYS}, .by_index = true},
		{LOCK(NO_ITEM), 5, {KEYS}, .by_index = true}
	};
	Datum		values[5];
	char		nulls[5];

	return run(plans, attribution, response, values, nulls, 5, false) > 0;
}

/* What insert and update write, from the n-th parameter on. */
static int
put_row(const LedgerRow *row, Datum *values, char *nulls, int n)
{
	memset(nulls + n, ' ', 7);
	values[n] = Float8GetDatum(row->response.value);
	if (!row->response.has_value)
		nulls[n] = 'n';
	values[n + 1] = Float8GetDatum(row->response.reward);
	if (row->response.neutral)
		nulls[n + 1] = 'n';
	values[n + 2] = Int32GetDatum(row->response.priority);
	values[n + 3] = Float8GetDatum(row->adds.successes);
	values[n + 4] = Float8GetDatum(row->adds.failures);
	values[n + 5] = Int64GetDatum(row->adds.pulls);
	values[n + 6] = BoolGetDatum(row->retracted);
	return n + 7;
}

/*
 * bd_ledger_insert
 *		Write a new response; false if a twin has written it meanwhile.
 */
bool
bd_ledger_insert(const Attribution *attribution, const LedgerRow *row)
{
#define INSERT \
	"INSERT INTO bandit.feedback (decision_id, bandit, item_id, arm, kind," \
	" value, reward, priority, successes, failures, pulls, retracted," \
	" context_hash, received_at)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)" \
	" ON CONFLICT DO NOTHING"
#define ROW FLOAT8OID, FLOAT8OID, INT4OID, FLOAT8OID, FLOAT8OID, INT8OID, BOOLOID
	static KeptPlan plans[2] = {
		{INSERT, 14, {KEYS, ROW, INT8OID, TIMESTAMPTZOID}, .inserts = true},
		{INSERT, 14, {KEYS, ROW, INT8OID, TIMESTAMPTZOID}, .inserts = true}
	};
	Datum		values[14];
	char		nulls[14];
	int			n = put_row(row, values, nulls, 5);

	values[n] = Int64GetDatum(attribution->context_hash);
	values[n + 1] = TimestampTzGetDatum(row->received_at);
	memset(nulls + n, ' ', 2);
	return run(plans, attribution, &row->response, values, nulls, 14, false) == 1;
}

/*
 * revise
 *		Tell other nodes what has become of the row.
 */
static void
revise(const Attribution *attribution, const LedgerRow *row)
{
#define REVISE(item) \
	"INSERT INTO bandit.revisions (decision_id, bandit, item_id, kind, arm," \
	" context_hash, value, reward, priority, successes, failures, pulls," \
	" retracted, received_at, changed_at, node)" \
	" SELECT decision_id, bandit, item_id, kind, arm, context_hash, value," \
	" reward, priority, successes, failures, pulls, retracted, received_at," \
	" changed_at, node FROM bandit.feedback" item KIND \
	" AND node IS NOT NULL"
	static KeptPlan plans[2] = {
		{REVISE(ITEM), 5, {KEYS}}, {REVISE(NO_ITEM), 5, {KEYS}}
	};
	Datum		values[5];
	char		nulls[5];

	run(plans, attribution, &row->response, values, nulls, 5, false);
}

/*
 * bd_ledger_update
 *		Bring the response's own row to what "row" says.
 */
void
bd_ledger_update(const Attribution *attribution, const LedgerRow *row)
{
#define UPDATE(item) \
	"UPDATE bandit.feedback SET value = $6, reward = $7, priority = $8," \
	" successes = $9, failures = $10, pulls = $11, retracted = $12," \
	" changed_at = $13" item KIND
	static KeptPlan plans[2] = {
		{UPDATE(ITEM), 13, {KEYS, ROW, TIMESTAMPTZOID}, .by_index = true},
		{UPDATE(NO_ITEM), 13, {KEYS, ROW, TIMESTAMPTZOID}, .by_index = true}
	};
	Datum		values[13];
	char		nulls[13];
	int			n = put_row(row, values, nulls, 5);

	values[n] = TimestampTzGetDatum(row->changed_at);
	nulls[n] = ' ';
	run(plans, attribution, &row->response, values, nulls, 13, false);
	if (bd_node() != NULL)
		revise(attribution, row);
}

/*
 * bd_ledger_delete
 *		The response's own row, which others do not need; other nodes would
 *		not hear of it, so a node with a name keeps it, without worth.
 */
void
bd_ledger_delete(const Attribution *attribution, const LedgerRow *row)
{
#define DELETE(item) "DELETE FROM bandit.feedback" item KIND
	static KeptPlan plans[2] = {
		{DELETE(ITEM), 5, {KEYS}, .by_index = true},
		{DELETE(NO_ITEM), 5, {KEYS}, .by_index = true}
	};
	Datum		values[5];
	char		nulls[5];

	if (bd_node() != NULL)
		bd_ledger_update(attribution, row);
	else
		run(plans, attribution, &row->response, values, nulls, 5, false);
}

/*
 * bd_ledger_silence
 *		What an item of a settled decision was counted for as silent; false
 *		if silence did not count for its arm.
 *
 * Its own row of silence, or that of all silent items of its arm.
 */
bool
bd_ledger_silence(const Attribution *attribution, const Response *response,
				  Contribution *silence, TimestampTz *since)
{
	static KeptPlan plan = {
		"SELECT item_id IS NOT NULL, reward, successes, failures, pulls,"
		" received_at FROM bandit.feedback" DECISION
		" AND kind OPERATOR(pg_catalog.=) 'silence'"
		" AND (item_id IS NULL OR item_id OPERATOR(pg_catalog.=) $3)"
		" ORDER BY item_id NULLS LAST LIMIT 1",
		4, {UUIDOID, TEXTOID, INT8OID, TEXTOID}, .by_index = true
	};
	Datum		values[5];
	char		nulls[5] = "    ";
	Datum		fields[6];
	bool		isnull[6];

	values[0] = UUIDPGetDatum(&attribution->decision_id);
	values[1] = CStringGetTextDatum(attribution->bandit);
	values[2] = Int64GetDatum(response->item);
	if (!response->has_item)
		nulls[2] = 'n';
	values[3] = CStringGetTextDatum(attribution->arm);
	bd_plan_run_latest(bd_leaf_plan_of(&plan, "feedback",
									   &attribution->decision_id),
					   values, nulls, 1);
	if (SPI_processed == 0)
		return false;
	for (int j = 0; j < 6; j++)
		fields[j] = SPI_getbinval(SPI_tuptable->vals[0],
								  SPI_tuptable->tupdesc, j + 1, &isnull[j]);
	*since = DatumGetTimestampTz(fields[5]);
	if (DatumGetBool(fields[0]))
	{
		silence->successes = DatumGetFloat8(fields[2]);
		silence->failures = DatumGetFloat8(fields[3]);
		silence->pulls = DatumGetInt64(fields[4]);
		return true;
	}
	silence->successes = DatumGetFloat8(fields[1]);
	silence->failures = 1 - silence->successes;
	silence->pulls = 1;
	return true;
}
