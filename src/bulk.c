/*-------------------------------------------------------------------------
 *
 * bulk.c
 *		What a statement of many rows need not ask again for each of them.
 *
 * The learning trigger fires per row.  Nearly all rows of a bulk load were
 * never recommended, and to ask bandit.decisions for each of them would cost
 * more than the load.  So from the statement's fifth row on, the items that
 * a subject was served are read once, and remembered.
 *
 * What is remembered only ever says "no": a row that may have been served
 * takes the whole way, and is attributed there.  It is good for as long as
 * this transaction runs no further command, which the command counter tells:
 * decisions of this transaction are never missed; those that others commit
 * while a statement runs may be, as its own snapshot would miss them.
 *
 * src/bulk.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Rows of a statement that are looked up one by one. */
#define FEW_ROWS 4

/* Of a subject who was served more often, only that is remembered. */
#define MAX_DECISIONS 100
#define LIMIT_DECISIONS "101"

/* What a subject was served. */
typedef struct KnownSubject
{
	const char *subject;		/* hash key */
	uint32		hash;
	char		status;			/* of simplehash */
	int			ndecisions;
	int			nitems;
	int64	   *items;			/* ascending */
} KnownSubject;

#define SH_PREFIX known
#define SH_ELEMENT_TYPE KnownSubject
#define SH_KEY_TYPE const char *
#define SH_KEY subject
#define SH_HASH_KEY(tb, key) \
	hash_bytes((const unsigned char *) (key), (int) strlen(key))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) ((a)->hash)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* All that is known of one bandit. */
typedef struct KnownBandit
{
	const Bandit *bandit;
	bool		any_age;		/* else within the attribution window */
	MemoryContext memory;		/* of the following */
	known_hash *subjects;
} KnownBandit;

/* The statement whose rows are being looked at. */
static LocalTransactionId transaction = InvalidLocalTransactionId;
static CommandId command;
static uint64 statement = 0;	/* counts them */
static int	nrows;
static MemoryContext memory = NULL; /* of what is remembered */
static List *bandits = NIL;		/* KnownBandits */
static bool asking = false;		/* something is half-remembered */

static void forget(void);

static KnownBandit *find_bandit(const Bandit *bandit);
static void read_served(const KnownBandit *known, const char *const *subjects,
						int nsubjects);
static void remember(KnownBandit *known, const char *const *subjects,
					 int nsubjects);
static void add_items(KnownSubject *entry, ArrayType *items);
static int	compare_items(const void *a, const void *b);

/*
 * bd_bulk_row
 *		A row has come; is it one of many of its statement?
 *
 * Raises nothing but what running out of command numbers would.
 */
bool
bd_bulk_row(void)
{
	CommandCounterIncrement();
	if (transaction != bd_transaction_number() ||
		command != GetCurrentCommandId(false))
		forget();
	return nrows++ >= FEW_ROWS;
}

/* Begin anew: another statement, or half of an answer. */
static void
forget(void)
{
	/* the end of its transaction has freed it */
	if (memory != NULL && transaction == bd_transaction_number())
		MemoryContextDelete(memory);
	memory = NULL;
	bandits = NIL;
	nrows = 0;
	asking = false;
	statement++;
	transaction = bd_transaction_number();
	command = GetCurrentCommandId(false);
}

/*
 * bd_bulk_statement
 *		Changes when what is remembered was forgotten.
 */
uint64
bd_bulk_statement(void)
{
	return statement;
}

/*
 * bd_bulk_learnt
 *		What ran since bd_bulk_statement() said "before" was our own learning,
 *		which makes no decisions.
 */
void
bd_bulk_learnt(uint64 before)
{
	if (statement == before)
		command = GetCurrentCommandId(false);
}

/*
 * bd_bulk_failed
 *		The same, when it was rolled back.
 */
void
bd_bulk_failed(uint64 before)
{
	if (asking)
		forget();
	CommandCounterIncrement();
	bd_bulk_learnt(before);
}

/*
 * bd_bulk_memory
 *		Memory that lasts as long as what is remembered.
 */
MemoryContext
bd_bulk_memory(void)
{
	if (memory == NULL)
		memory = AllocSetContextCreate(TopTransactionContext,
									   "bandit bulk statement",
									   ALLOCSET_DEFAULT_SIZES);
	return memory;
}

static KnownBandit *
find_bandit(const Bandit *bandit)
{
	ListCell   *cell;

	foreach(cell, bandits)
	{
		KnownBandit *known = lfirst(cell);

		if (known->bandit == bandit)
			return known;
	}
	return NULL;
}

/*
 * bd_bulk_served
 *		Was the item served to the subject, by what is remembered?
 *
 * "any_age": also before the attribution window.  "item" may be NULL: was
 * anything?
 */
BulkAnswer
bd_bulk_served(const Bandit *bandit, bool any_age, const char *subject,
			   const int64 *item)
{
	KnownBandit *known = find_bandit(bandit);
	KnownSubject *entry;

	if (known == NULL || known->subjects == NULL ||
		(any_age && !known->any_age))
		return BULK_UNKNOWN;
	entry = known_lookup(known->subjects, subject);
	if (entry == NULL)
		return BULK_UNKNOWN;
	if (entry->ndecisions > MAX_DECISIONS)
		return BULK_PERHAPS;
	if (item == NULL)
		return entry->nitems > 0 ? BULK_PERHAPS : BULK_NEVER;
	return bsearch(item, entry->items, entry->nitems, sizeof(int64),
				   compare_items) != NULL ? BULK_PERHAPS : BULK_NEVER;
}

static int
compare_items(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	return left < right ? -1 : left > right;
}

/*
 * bd_bulk_ask
 *		Read and remember what the subjects were served.
 *
 * None of them is known yet.  The caller is connected to SPI, as the owner,
 * and calls bd_bulk_failed if this raises.
 */
void
bd_bulk_ask(const Bandit *bandit, bool any_age, const char *const *subjects,
			int nsubjects)
{
	MemoryContext old = MemoryContextSwitchTo(bd_bulk_memory());
	KnownBandit *known = find_bandit(bandit);

	asking = true;
	if (known == NULL)
	{
		known = palloc0(sizeof(KnownBandit));
		known->bandit = bandit;
		known->memory = AllocSetContextCreate(memory, "bandit bulk subjects",
											  ALLOCSET_DEFAULT_SIZES);
		bandits = lappend(bandits, known);
	}
	MemoryContextSwitchTo(old);
	if (known->subjects == NULL || (any_age && !known->any_age) ||
		MemoryContextMemAllocated(known->memory, true) >
		work_mem * (Size) 1024)
	{
		MemoryContextReset(known->memory);
		known->subjects = known_create(known->memory, 64, NULL);
		known->any_age = known->any_age || any_age;
	}
	read_served(known, subjects, nsubjects);
	remember(known, subjects, nsubjects);
	asking = false;
}

/*
 * read_served
 *		Leave rows (number of the subject, items of a decision of his) in
 *		SPI_tuptable, newest first.
 */
static void
read_served(const KnownBandit *known, const char *const *subjects,
			int nsubjects)
{
	static KeptPlan one = {
		"SELECT 1, o.items FROM bandit.decisions o"
		" WHERE o.bandit OPERATOR(pg_catalog.=) $1"
		" AND o.subject OPERATOR(pg_catalog.=) $2"
		" AND o.decision_id OPERATOR(pg_catalog.>=) $3"
		" AND o.items IS NOT NULL"
		" ORDER BY o.decision_id DESC LIMIT " LIMIT_DECISIONS,
		3, {TEXTOID, TEXTOID, UUIDOID}, .by_index = true
	};
	static KeptPlan several = {
		"SELECT s.number::pg_catalog.int4, d.items"
		" FROM ROWS FROM (pg_catalog.unnest($2)) WITH ORDINALITY"
		" AS s (subject, number), LATERAL (SELECT o.items"
		" FROM bandit.decisions o"
		" WHERE o.bandit OPERATOR(pg_catalog.=) $1"
		" AND o.subject OPERATOR(pg_catalog.=) s.subject"
		" AND o.decision_id OPERATOR(pg_catalog.>=) $3"
		" AND o.items IS NOT NULL"
		" ORDER BY o.decision_id DESC LIMIT " LIMIT_DECISIONS ") AS d",
		3, {TEXTOID, TEXTARRAYOID, UUIDOID}, .by_index = true
	};
	Datum	   *texts = palloc(sizeof(Datum) * nsubjects);
	Datum		values[3];
	pg_uuid_t	oldest = {{0}};

	for (int i = 0; i < nsubjects; i++)
		texts[i] = CStringGetTextDatum(subjects[i]);
	if (!known->any_age)
		bd_attribute_oldest(known->bandit, &oldest);
	values[0] = CStringGetTextDatum(known->bandit->name);
	values[1] = nsubjects == 1 ? texts[0] :
		PointerGetDatum(construct_array(texts, nsubjects, TEXTOID, -1, false,
										TYPALIGN_INT));
	values[2] = UUIDPGetDatum(&oldest);
	bd_plan_run(nsubjects == 1 ? &one : &several, values, NULL, false, 0);
}

/*
 * remember
 *		Make the entries of the subjects from the rows in SPI_tuptable.
 */
static void
remember(KnownBandit *known, const char *const *subjects, int nsubjects)
{
	KnownSubject **entries = palloc(sizeof(KnownSubject *) * nsubjects);
	MemoryContext old = MemoryContextSwitchTo(known->memory);
	bool		found;
	bool		isnull;

	for (int i = 0; i < nsubjects; i++)
	{
		KnownSubject *entry = known_insert(known->subjects,
										   pstrdup(subjects[i]), &found);

		entry->ndecisions = entry->nitems = 0;
		entry->items = NULL;
	}
	/* only when all are in do they stay where they are */
	for (int i = 0; i < nsubjects; i++)
		entries[i] = known_lookup(known->subjects, subjects[i]);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		int			number = DatumGetInt32(SPI_getbinval(row, desc, 1,
														 &isnull));

		add_items(entries[number - 1],
				  DatumGetArrayTypeP(SPI_getbinval(row, desc, 2, &isnull)));
	}
	for (int i = 0; i < nsubjects; i++)
		if (entries[i]->nitems > 0)
			qsort(entries[i]->items, entries[i]->nitems, sizeof(int64),
				  compare_items);
	MemoryContextSwitchTo(old);
}

/* Items of one more decision; a NULL among them is none. */
static void
add_items(KnownSubject *entry, ArrayType *items)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (++entry->ndecisions > MAX_DECISIONS)
		return;
	deconstruct_array(items, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &n);
	entry->items = entry->items == NULL ?
		palloc(sizeof(int64) * Max(n, 1)) :
		repalloc(entry->items, sizeof(int64) * (entry->nitems + n));
	for (int i = 0; i < n; i++)
		if (!nulls[i])
			entry->items[entry->nitems++] = DatumGetInt64(values[i]);
	pfree(values);
	pfree(nulls);
}
