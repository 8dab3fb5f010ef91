/*-------------------------------------------------------------------------
 *
 * attribute.c
 *		Which decision a response belongs to.
 *
 * A response to an item belongs to the newest decision that served that item
 * to that user within the bandit's attribution window.  Ids order by time,
 * so the index on (bandit, subject, decision_id) is walked from its end and
 * no partition is scanned.  Reads only.
 *
 * src/attribute.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Nobody's clock is further ahead. */
#define CLOCKS_DIFFER (5 * USECS_PER_MINUTE)

static void find_newest(KeptPlan *plan, Datum *values,
						const pg_uuid_t *oldest);
static bool read_item_decision(const Bandit *bandit,
							   Attribution *attribution);
static const char *attributed_arm(void);

/*
 * What a row of decisions says, and its node: NULL where the table has no
 * such column yet, which is so until ALTER EXTENSION UPDATE from 0.1.0.  A
 * name that is not of the inner query is of the outer one.
 */
#define AND_NODE(query) \
	"SELECT x.* FROM (SELECT NULL::pg_catalog.text AS node) AS o" \
	" CROSS JOIN LATERAL (" query ") AS x"

/* Decisions that served item $3 to subject $2 of bandit $1. */
#define SERVED \
	"SELECT d.decision_id, d.context_hash," \
	" d.item_arms[pg_catalog.array_position(d.items, $3)]," \
	" d.variant OPERATOR(pg_catalog.<>) 'control'," \
	" d.tableoid, d.ctid, node" \
	" FROM bandit.decisions d" \
	" WHERE d.bandit OPERATOR(pg_catalog.=) $1" \
	" AND d.subject OPERATOR(pg_catalog.=) $2" \
	" AND $3 OPERATOR(pg_catalog.=) ANY (d.items)"
#define NEWEST " ORDER BY d.decision_id DESC LIMIT 1"

/* A column of the row just read, or a null Datum. */
static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						 number, isnull);
}

/*
 * bd_attribute_item
 *		Find the decision that showed an item to a subject.
 *
 * With "answered_kind" NULL, the newest one within the window; otherwise the
 * newest one, of whatever age, to which a response of that kind was recorded.
 * False when there is none.  The caller is connected to SPI, as the owner.
 */
bool
bd_attribute_item(const Bandit *bandit, const char *subject, int64 item,
				  const char *answered_kind, Attribution *attribution)
{
	static KeptPlan recent = {
		AND_NODE(SERVED
				 " AND d.decision_id OPERATOR(pg_catalog.>=) $4"
				 NEWEST),
		4, {TEXTOID, TEXTOID, INT8OID, UUIDOID}, .by_index = true
	};
	static KeptPlan answered = {
		AND_NODE(SERVED
				 " AND EXISTS (SELECT 1 FROM bandit.feedback f"
				 " WHERE f.decision_id OPERATOR(pg_catalog.=) d.decision_id"
				 " AND f.bandit OPERATOR(pg_catalog.=) $1"
				 " AND f.item_id OPERATOR(pg_catalog.=) $3"
				 " AND f.kind OPERATOR(pg_catalog.=) $4 AND NOT f.retracted)"
				 NEWEST),
		4, {TEXTOID, TEXTOID, INT8OID, TEXTOID}, .by_index = true
	};

	/* what another node has not learnt yet, or not told of */
	static KeptPlan forwarded = {
		SERVED
		" AND EXISTS (SELECT 1 FROM bandit.forwarded f"
		" WHERE f.decision_id OPERATOR(pg_catalog.=) d.decision_id"
		" AND f.bandit OPERATOR(pg_catalog.=) $1"
		" AND f.item_id OPERATOR(pg_catalog.=) $3"
		" AND f.kind OPERATOR(pg_catalog.=) $4)"
		NEWEST,
		4, {TEXTOID, TEXTOID, INT8OID, TEXTOID}, .by_index = true
	};
	Datum		values[4];
	pg_uuid_t	oldest;

	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = CStringGetTextDatum(subject);
	values[2] = Int64GetDatum(item);
	if (answered_kind == NULL)
	{
		bd_attribute_oldest(bandit, &oldest);
		values[3] = UUIDPGetDatum(&oldest);
		find_newest(&recent, values, &oldest);
	}
	else
	{
		values[3] = CStringGetTextDatum(answered_kind);
		bd_plan_run(&answered, values, NULL, false, 1);
		if (SPI_processed == 0 && bd_node() != NULL)
			bd_plan_run(&forwarded, values, NULL, false, 1);
	}
	return SPI_processed > 0 && read_item_decision(bandit, attribution);
}

/*
 * find_newest
 *		Run the statement that finds a decision not older than "oldest":
 *		partition by partition, if the window has just a few.
 */
static void
find_newest(KeptPlan *plan, Datum *values, const pg_uuid_t *oldest)
{
	Oid			leaves[MOST_LEAVES] = {InvalidOid};
	pg_uuid_t	newest;
	int			n;

	bd_decide_first_id(GetCurrentTimestamp() + CLOCKS_DIFFER, &newest);
	n = bd_leaves("decisions", oldest, &newest, leaves, MOST_LEAVES);
	for (int i = 0; i < Max(n, 1); i++)
	{
		KeptPlan   *asked = bd_leaf_plan(plan, "decisions",
										 n > 0 ? leaves[i] : InvalidOid);

		bd_plan_run(asked, values, NULL, false, 1);
		if (SPI_processed > 0 || asked == plan)
			return;
	}
}

/*
 * bd_attribute_oldest
 *		The id from which on decisions are within the window.
 */
void
bd_attribute_oldest(const Bandit *bandit, pg_uuid_t *oldest)
{
	Datum		from;

	from = DirectFunctionCall2(timestamptz_mi_interval,
							   TimestampTzGetDatum(GetCurrentTimestamp()),
							   IntervalPGetDatum((Interval *) &bandit->window));
	bd_decide_first_id(DatumGetTimestampTz(from), oldest);
}

/* What was found; false if the item was credited to nobody. */
static bool
read_item_decision(const Bandit *bandit, Attribution *attribution)
{
	bool		isnull;
	Datum		arm = column(3, &isnull);
	Datum		owner;

	if (isnull)
		return false;
	attribution->arm = TextDatumGetCString(arm);
	attribution->decision_id = *DatumGetUUIDP(column(1, &isnull));
	attribution->bandit = bandit->name;
	attribution->context_hash = DatumGetInt64(column(2, &isnull));
	attribution->trains = DatumGetBool(column(4, &isnull)) &&
		!bd_settings_is_control(bandit, attribution->arm);
	attribution->logged = true;
	attribution->has_items = true;
	attribution->table = DatumGetObjectId(column(5, &isnull));
	attribution->place = *(ItemPointer) DatumGetPointer(column(6, &isnull));
	owner = column(7, &isnull);
	attribution->owner = bd_node_other(owner, isnull);
	return true;
}

/*
 * bd_attribute_decision
 *		Find a decision by its id, for a reward to one of its arms.
 *
 * "arm" may be NULL where the decision picked just one.  False when the
 * decision is not there; raises when the arm is missing or was not picked.
 * A reward for a whole list does not break the silence of its items.
 * The caller is connected to SPI, as the owner.
 */
bool
bd_attribute_decision(const pg_uuid_t *decision_id, const char *arm,
					  Attribution *attribution)
{
	static KeptPlan plan = {
		AND_NODE("SELECT d.bandit, d.context_hash,"
				 " COALESCE($2, CASE WHEN pg_catalog.cardinality(d.picks)"
				 " OPERATOR(pg_catalog.=) 1 THEN d.picks[1] END),"
				 " $2 OPERATOR(pg_catalog.=) ANY (d.picks),"
				 " d.variant OPERATOR(pg_catalog.<>) 'control',"
				 " d.tableoid, d.items IS NOT NULL,"
				 " pg_catalog.array_to_string(d.picks, ', '), d.ctid, node"
				 " FROM bandit.decisions d"
				 " WHERE d.decision_id OPERATOR(pg_catalog.=) $1"),
		2, {UUIDOID, TEXTOID}, .by_index = true
	};
	Datum		values[2];
	char		nulls[2] = {' ', arm ? ' ' : 'n'};
	Datum		owner;
	bool		isnull;
	bool		picked;

	values[0] = UUIDPGetDatum(decision_id);
	values[1] = arm ? CStringGetTextDatum(arm) : (Datum) 0;
	bd_plan_run(bd_leaf_plan_of(&plan, "decisions", decision_id), values, nulls,
				false, 1);
	if (SPI_processed == 0)
		return false;

	attribution->arm = attributed_arm();
	picked = DatumGetBool(column(4, &isnull));
	if (!isnull && !picked)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arm \"%s\" was not picked by this decision", arm),
				 errdetail("It picked: %s.",
						   TextDatumGetCString(column(8, &isnull)))));
	attribution->decision_id = *decision_id;
	attribution->bandit = TextDatumGetCString(column(1, &isnull));
	attribution->context_hash = DatumGetInt64(column(2, &isnull));
	attribution->trains = DatumGetBool(column(5, &isnull));
	attribution->logged = true;
	attribution->table = DatumGetObjectId(column(6, &isnull));
	attribution->place = *(ItemPointer) DatumGetPointer(column(9, &isnull));
	attribution->has_items = DatumGetBool(column(7, &isnull));
	owner = column(10, &isnull);
	attribution->owner = bd_node_other(owner, isnull);
	return true;
}

/* The arm named, or the only one picked. */
static const char *
attributed_arm(void)
{
	bool		isnull;
	Datum		only = column(3, &isnull);

	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the decision did not pick exactly one arm"),
				 errdetail("It picked: %s.",
						   TextDatumGetCString(column(8, &isnull))),
				 errhint("Name the arm that earned the reward.")));
	return TextDatumGetCString(only);
}
