/*-------------------------------------------------------------------------
 *
 * node.c
 *		Several writable nodes: which one this is, and what comes from others.
 *
 * Nodes learn from each other by logical replication of inserts: rows of
 * bandit.feedback, and of bandit.revisions where such a row was changed.
 * Every row carries the name of the node that wrote it, so that each node
 * publishes its own and nothing goes in circles.  Triggers that fire only
 * where replication applies rows (78-nodes.sql) fold them into the evidence
 * here.
 *
 * A database without a name, the usual case, writes NULL and pays nothing.
 * The name is that of one database of one cluster: a dump that is restored
 * elsewhere, or beside it, is not that node.
 *
 * src/node.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/xlog.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "replication/worker_internal.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_this_node);
PG_FUNCTION_INFO_V1(bandit_replicating);
PG_FUNCTION_INFO_V1(bandit_add_evidence_since);

static char node_name[NAMEDATALEN]; /* as it is in the table; "" for none */
static bool node_named = false; /* and it is that of this database */
static bool node_known = false; /* the two above are up to date */
static uint64 node_changes = 0;
static Oid	node_relation = InvalidOid;

static void relation_changed(Datum arg, Oid relation);
static void load_node(void);

/*
 * bd_node_init
 *		Listen for changes of the name; called once, at load.
 */
void
bd_node_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
}

static void
relation_changed(Datum arg, Oid relation)
{
	if (!OidIsValid(relation) || relation == node_relation)
	{
		node_known = false;
		node_changes++;
	}
}

/*
 * bd_node
 *		The name of this node; NULL where it has none.
 */
const char *
bd_node(void)
{
	if (!node_known)
		load_node();
	return node_named ? node_name : NULL;
}

/*
 * bd_node_other
 *		The name in a row's column "node" if that is another node than this.
 *
 * What was written before a restore or pg_upgrade, under the name that this
 * database had then, is still its own.
 */
char *
bd_node_other(Datum node, bool isnull)
{
	char	   *name;

	if (isnull)
		return NULL;
	(void) bd_node();
	name = TextDatumGetCString(node);
	return strcmp(name, node_name) == 0 ? NULL : name;
}

/*
 * load_node
 *		What is committed now counts, whatever the transaction's snapshot.
 *
 * Without the table nodes, until ALTER EXTENSION UPDATE from 0.1.0, there is
 * no name.
 */
static void
load_node(void)
{
	static KeptPlan plan = {
		"SELECT node, system_identifier, database FROM bandit.nodes"
		" WHERE here",
		0, {0}
	};
	uint64		changes;
	OwnerScope	scope;
	bool		isnull;

	node_named = false;
	node_name[0] = '\0';
	node_relation = get_relname_relid("nodes",
									  get_namespace_oid("bandit", false));
	if (!OidIsValid(node_relation))
		return;
	changes = node_changes;
	bd_push_latest();
	SPI_connect();
	bd_owner_begin(&scope);
	bd_plan_run(&plan, NULL, NULL, true, 1);
	if (SPI_processed == 1)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;

		node_named =
			(uint64) DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull)) ==
			GetSystemIdentifier() &&
			DatumGetObjectId(SPI_getbinval(row, desc, 3, &isnull)) ==
			MyDatabaseId;
		strlcpy(node_name,
				TextDatumGetCString(SPI_getbinval(row, desc, 1, &isnull)),
				NAMEDATALEN);
	}
	bd_owner_end(&scope);
	SPI_finish();
	PopActiveSnapshot();
	node_known = changes == node_changes;
}

/*
 * this_node() -> text
 */
Datum
bandit_this_node(PG_FUNCTION_ARGS)
{
	const char *node = bd_node();

	if (node == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(node));
}

/*
 * replicating() -> text
 *		Is this a worker of logical replication: "copy", which copies a table,
 *		"stream", or NULL?
 */
Datum
bandit_replicating(PG_FUNCTION_ARGS)
{
	if (MyLogicalRepWorker == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(OidIsValid(MyLogicalRepWorker->relid) ?
									 "copy" : "stream"));
}

/*
 * add_evidence_since(bandit text, context_hash bigint, arm text,
 *		successes float8, failures float8, pulls bigint, since timestamptz)
 *		-> void
 *
 * For what a ledger row from another node adds, as of its own time.
 */
Datum
bandit_add_evidence_since(PG_FUNCTION_ARGS)
{
	char	   *bandit = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz now = GetCurrentTimestamp();
	double		weight = bd_decay(PG_GETARG_TIMESTAMPTZ(6), now,
								  bd_half_life(bd_settings_half_life(bandit)));
	Contribution delta = {
		.successes = weight * PG_GETARG_FLOAT8(3),
		.failures = weight * PG_GETARG_FLOAT8(4),
		.pulls = PG_GETARG_INT64(5)
	};

	SPI_connect();
	bd_evidence_add(bandit, PG_GETARG_INT64(1),
					text_to_cstring(PG_GETARG_TEXT_PP(2)), &delta, now);
	SPI_finish();
	PG_RETURN_VOID();
}
