/*-------------------------------------------------------------------------
 *
 * leaf.c
 *		Statements on the one partition that a decision's id leads to.
 *
 * A kept plan over all partitions locks every one of them at each execution,
 * and looks into those of the days to come: with partitions for ninety days
 * that costs more than the work itself.  So statements that know an id, or a
 * range of ids, run on the partition, by its name, with a plan of their own
 * there.
 *
 * The parent is locked until the transaction ends, as by any statement on it:
 * no partition is detached meanwhile.  But one may be attached, and take over
 * part of the default partition's range: so new rows of that one go through
 * the parent.
 *
 * src/leaf.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/partcache.h"
#include "utils/rel.h"

/* A statement on a partition. */
typedef struct LeafKey
{
	KeptPlan   *whole;			/* the statement on all of them */
	Oid			leaf;
} LeafKey;

typedef struct LeafPlan
{
	LeafKey		key;
	KeptPlan	plan;
} LeafPlan;

/* More than a session needs; a long one comes by many partitions. */
#define MOST_PLANS 64

static HTAB *plans = NULL;
static bool stale = false;

static void leaf_changed(Datum arg, Oid relation);
static void forget_plans(void);
static char *on_leaf(const char *sql, const char *table, Oid leaf);
static void make_plans(void);
static int	place_of(PartitionKey key, PartitionBoundInfo bounds,
					 const pg_uuid_t *id);

void
bd_leaf_init(void)
{
	CacheRegisterRelcacheCallback(leaf_changed, (Datum) 0);
}

/* It may have another name now. */
static void
leaf_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	LeafPlan   *entry;

	if (plans == NULL || stale)
		return;
	if (!OidIsValid(relation))
	{
		stale = true;
		return;
	}
	hash_seq_init(&scan, plans);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->key.leaf == relation)
			stale = true;
}

static void
forget_plans(void)
{
	HASH_SEQ_STATUS scan;
	LeafPlan   *entry;

	hash_seq_init(&scan, plans);
	while ((entry = hash_seq_search(&scan)) != NULL)
	{
		if (entry->plan.plan != NULL)
			SPI_freeplan(entry->plan.plan);
		pfree((char *) entry->plan.sql);
	}
	hash_destroy(plans);
	plans = NULL;
	stale = false;
}

/* Where an id stands among the bounds. */
static int
place_of(PartitionKey key, PartitionBoundInfo bounds, const pg_uuid_t *id)
{
	Datum		value = UUIDPGetDatum(id);
	bool		equal;

	return partition_range_datum_bsearch(key->partsupfunc, key->partcollation,
										 bounds, 1, &value, &equal);
}

/*
 * bd_leaves
 *		The partitions of decisions or feedback for a range of ids, both ends
 *		included, those of the newest ids first; returns their number.
 *
 * 0 where there are more than "most", or where the default partition has
 * part of the range: then its rows are anywhere among the others', and the
 * whole table is to be asked.
 */
int
bd_leaves(const char *table, const pg_uuid_t *oldest, const pg_uuid_t *newest,
		  Oid *leaves, int most)
{
	Relation	parent = table_open(bd_relation(table), AccessShareLock);
	PartitionDesc desc = RelationGetPartitionDesc(parent, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	int			n = 0;

	if (desc->nparts > 0)
	{
		PartitionKey key = RelationGetPartitionKey(parent);
		int			last = place_of(key, bounds, oldest);

		for (int place = place_of(key, bounds, newest); place >= last; place--)
		{
			int			index = bounds->ndatums == 0 ? -1 :
			bounds->indexes[place + 1];

			if (n == most || (index < 0 && (n > 0 || place > last)))
			{
				n = 0;
				break;
			}
			if (index < 0)
				index = bounds->default_index;
			if (index >= 0)
				leaves[n++] = desc->oids[index];
		}
	}
	table_close(parent, NoLock);
	return n;
}

/* The statement with the partition in the table's place. */
static char *
on_leaf(const char *sql, const char *table, Oid leaf)
{
	const char *full = psprintf("bandit.%s", table);
	const char *at = strstr(sql, full);
	const char *name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(leaf)),
												  get_rel_name(leaf));

	return MemoryContextStrdup(TopMemoryContext,
							   psprintf("%.*s%s%s", (int) (at - sql), sql, name,
										at + strlen(full)));
}

static void
make_plans(void)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(LeafKey);
	ctl.entrysize = sizeof(LeafPlan);
	ctl.hcxt = TopMemoryContext;
	plans = hash_create("bandit plans of partitions", MOST_PLANS, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	stale = false;
}

/*
 * bd_leaf_plan
 *		A statement on decisions or feedback, as one on that partition; the
 *		statement itself for none.
 *
 * The table's first mention in the text is the one that is meant.  Good until
 * the next call that no statement of ours has led to.
 */
KeptPlan *
bd_leaf_plan(KeptPlan *whole, const char *table, Oid leaf)
{
	LeafKey		key;
	LeafPlan   *entry;
	char	   *sql;
	bool		found;

	if (!OidIsValid(leaf))
		return whole;
	if (plans != NULL && stale)
	{
		/* one that runs, and has called us by a trigger, is not to be freed */
		if (bd_plan_runs())
			return whole;
		forget_plans();
	}
	memset(&key, 0, sizeof(key));
	key.whole = whole;
	key.leaf = leaf;
	entry = plans == NULL ? NULL : hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return &entry->plan;

	if (plans != NULL && hash_get_num_entries(plans) >= MOST_PLANS)
	{
		if (bd_plan_runs())
			return whole;
		forget_plans();
	}
	sql = on_leaf(whole->sql, table, leaf);
	if (plans == NULL)
		make_plans();
	entry = hash_search(plans, &key, HASH_ENTER, &found);
	entry->plan = *whole;
	entry->plan.sql = sql;
	entry->plan.plan = NULL;
	return &entry->plan;
}

/*
 * bd_leaf_plan_of
 *		The same, on the partition of an id.
 */
KeptPlan *
bd_leaf_plan_of(KeptPlan *whole, const char *table, const pg_uuid_t *id)
{
	Oid			leaf = InvalidOid;

	bd_leaves(table, id, id, &leaf, 1);
	if (whole->inserts && leaf == get_default_partition_oid(bd_relation(table)))
		return whole;
	return bd_leaf_plan(whole, table, leaf);
}
