/*-------------------------------------------------------------------------
 *
 * posterior.c
 *		What is believed of each arm in a context.
 *
 * Reads only, so it runs on a standby.  One indexed read per call, through
 * SPI with a kept plan and the caller's rights; slots are summed here.  The
 * posterior of an arm is its prior plus its evidence.
 *
 * A query that selects for many rows reads each context once: it has one
 * snapshot, under which evidence is what it was.
 *
 * src/posterior.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <float.h>
#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Receives rows of evidence, and adds them to the arms' posteriors. */
typedef struct EvidenceSum
{
	DestReceiver receiver;		/* first, so that one is the other */
	const Bandit *bandit;
	Draw	   *draws;
	int		   *draw_of;		/* by arm, an index into draws, or -1 */
	int			last;			/* the arm found last: a place in by_name */
	double		half_life;
	TimestampTz now;
} EvidenceSum;

/* A context that the query has met: its posteriors. */
typedef struct KnownKey
{
	const Bandit *bandit;		/* another one when a setting has changed */
	int64		context_hash;
	Oid			reader;			/* whose right to read evidence was tried */
} KnownKey;

typedef struct KnownContext
{
	KnownKey	key;
	int			ndraws;
	Draw	   *draws;
} KnownContext;

/* The query that called last, and what it has met since its second call. */
typedef struct RunningQuery
{
	MemoryContext query;		/* its own, as long as it runs */
	LocalTransactionId transaction;
	MemoryContext memory;		/* of the following; NULL before */
	HTAB	   *contexts;		/* KnownContexts */
} RunningQuery;

static RunningQuery running;

static KnownContext *find_known(const KnownKey *key);
static void keep_known(const KnownKey *key, const Draw *draws, int ndraws);
static void begin_known(void);
static void end_known(void);
static void query_ended(void *arg);
static void spread_epsilon(const Bandit *bandit, Draw *draws, int ndraws);
static void add_evidence(const Bandit *bandit, int64 context_hash, Draw *draws,
						 int ndraws);
static void receiver_startup(DestReceiver * self, int operation,
							 TupleDesc desc);
static void receiver_done(DestReceiver * self);
static bool add_evidence_row(TupleTableSlot *slot, DestReceiver * self);
static Draw *find_draw(EvidenceSum *sum, const char *name, int len);
static int	compare_name(const char *name, int len, const char *arm);

/*
 * bd_posteriors
 *		Fill "draws" with the posteriors of the arms that can be drawn.
 *
 * Enabled arms in registration order, without the control; returns their
 * number.  "draws" has room for bandit->narms.
 */
int
bd_posteriors(Bandit *bandit, int64 context_hash, Jsonb *context, Draw *draws)
{
	const Prior *priors = bd_priors(bandit, context_hash, context);
	int			n = 0;

	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];

		if (!arm->enabled || arm->control)
			continue;
		draws[n].arm = i;
		draws[n].alpha = priors ? priors[i].alpha : arm->prior_alpha;
		draws[n].beta = priors ? priors[i].beta : arm->prior_beta;
		draws[n].floor = arm->floor;
		draws[n].weight = 0;
		n++;
	}
	if (n == 0)
		return 0;
	spread_epsilon(bandit, draws, n);
	add_evidence(bandit, context_hash, draws, n);

	/*
	 * Un-learning what has decayed may leave less than nothing, by rounding;
	 * rows that were written by hand may add up to infinity.
	 */
	for (int i = 0; i < n; i++)
	{
		draws[i].alpha = Min(Max(draws[i].alpha, DBL_MIN), DBL_MAX);
		draws[i].beta = Min(Max(draws[i].beta, DBL_MIN), DBL_MAX);
	}
	return n;
}

/*
 * bd_posteriors_of_query
 *		The same, for one of a query's many calls.
 *
 * "query" is the memory that lives as long as the query's execution, which
 * has one snapshot.  Settings may change meanwhile: then the bandit is
 * another one.
 */
int
bd_posteriors_of_query(MemoryContext query, Bandit *bandit, int64 context_hash,
					   Jsonb *context, Draw *draws)
{
	KnownKey	key;
	KnownContext *known;
	int			n;

	if (running.query != query ||
		running.transaction != bd_transaction_number())
	{
		/* most queries do not call again */
		end_known();
		running.query = query;
		running.transaction = bd_transaction_number();
		return bd_posteriors(bandit, context_hash, context, draws);
	}
	memset(&key, 0, sizeof(key));
	key.bandit = bandit;
	key.context_hash = context_hash;
	key.reader = GetUserId();
	known = find_known(&key);
	if (known != NULL)
	{
		memcpy(draws, known->draws, sizeof(Draw) * known->ndraws);
		return known->ndraws;
	}
	n = bd_posteriors(bandit, context_hash, context, draws);

	/* a policy on evidence may have asked for arms itself */
	if (running.query == query)
		keep_known(&key, draws, n);
	return n;
}

static KnownContext *
find_known(const KnownKey *key)
{
	return running.memory == NULL ? NULL :
		hash_search(running.contexts, key, HASH_FIND, NULL);
}

/*
 * keep_known
 *		Remember a context's posteriors; of more than work_mem, those to come.
 */
static void
keep_known(const KnownKey *key, const Draw *draws, int ndraws)
{
	Size		size = sizeof(Draw) * ndraws;
	KnownContext *known;
	Draw	   *copy;
	bool		found;

	if (running.memory != NULL &&
		MemoryContextMemAllocated(running.memory, true) > work_mem * (Size) 1024)
	{
		MemoryContext query = running.query;

		end_known();
		running.query = query;
	}
	if (running.memory == NULL)
		begin_known();
	copy = MemoryContextAlloc(running.memory, Max(size, 1));
	memcpy(copy, draws, size);
	known = hash_search(running.contexts, key, HASH_ENTER, &found);
	known->ndraws = ndraws;
	known->draws = copy;
}

static void
begin_known(void)
{
	MemoryContext memory = AllocSetContextCreate(running.query,
												 "bandit posteriors of a query",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContextCallback *callback = MemoryContextAlloc(memory,
														 sizeof(MemoryContextCallback));
	HASHCTL		ctl;

	ctl.keysize = sizeof(KnownKey);
	ctl.entrysize = sizeof(KnownContext);
	ctl.hcxt = memory;
	running.contexts = hash_create("bandit posteriors of a query", 64, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	running.memory = memory;
	callback->func = query_ended;
	callback->arg = NULL;
	MemoryContextRegisterResetCallback(memory, callback);
}

/* Another query calls, or there is too much. */
static void
end_known(void)
{
	if (running.memory != NULL)
		MemoryContextDelete(running.memory);	/* which calls query_ended */
}

static void
query_ended(void *arg)
{
	running.query = NULL;
	running.memory = NULL;
	running.contexts = NULL;
}

/*
 * add_evidence
 *		What the arms have earned in the context, over all their slots.
 *
 * Evidence of a bandit that forgets is aged to the transaction's start.
 */
static void
add_evidence(const Bandit *bandit, int64 context_hash, Draw *draws, int ndraws)
{
	static KeptPlan plan = {
		"SELECT arm, successes, failures FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	static KeptPlan dated_plan = {
		"SELECT arm, successes, failures, updated_at FROM bandit.evidence"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2",
		2, {TEXTOID, INT8OID}
	};
	EvidenceSum sum = {
		.receiver = {
			.receiveSlot = add_evidence_row,.rStartup = receiver_startup,
			.rShutdown = receiver_done,.rDestroy = receiver_done,
			.mydest = DestNone
		},
		.bandit = bandit, .draws = draws
	};
	Datum		values[2];

	sum.draw_of = palloc(sizeof(int) * bandit->narms);
	for (int i = 0; i < bandit->narms; i++)
		sum.draw_of[i] = -1;
	for (int i = 0; i < ndraws; i++)
		sum.draw_of[draws[i].arm] = i;
	if (bandit->forgets)
		sum.half_life = bd_half_life(&bandit->half_life);
	sum.now = GetCurrentTransactionStartTimestamp();
	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(context_hash);
	bd_plan_each(bandit->forgets ? &dated_plan : &plan, values, &sum.receiver);
	SPI_finish();
}

static void
receiver_startup(DestReceiver * self, int operation, TupleDesc desc)
{
}

static void
receiver_done(DestReceiver * self)
{
}

/* Rows of arms that are disabled or gone count for nobody. */
static bool
add_evidence_row(TupleTableSlot *slot, DestReceiver * self)
{
	EvidenceSum *sum = (EvidenceSum *) self;
	double		weight = 1;
	text	   *name;
	Draw	   *draw;
	double		successes;
	double		failures;

	slot_getallattrs(slot);
	name = DatumGetTextPP(slot->tts_values[0]);
	successes = DatumGetFloat8(slot->tts_values[1]);
	failures = DatumGetFloat8(slot->tts_values[2]);
	draw = find_draw(sum, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	/* whoever wrote such a row by hand, verify shows it */
	if (draw == NULL || !isfinite(successes) || !isfinite(failures))
		return true;
	if (sum->bandit->forgets)
		weight = Min(bd_decay(DatumGetTimestampTz(slot->tts_values[3]),
							  sum->now, sum->half_life), 1);
	draw->alpha += weight * successes;
	draw->beta += weight * failures;
	return true;
}

/*
 * find_draw
 *		The arm of that name among those that can be drawn, or NULL.
 *
 * The index has the rows in order of names: what comes is mostly the arm of
 * the last row, or the next one by name.
 */
static Draw *
find_draw(EvidenceSum *sum, const char *name, int len)
{
	const Bandit *bandit = sum->bandit;
	int			low = 0;
	int			high = bandit->narms - 1;
	int			middle = sum->last;

	while (low <= high)
	{
		int			arm = bandit->by_name[middle];
		int			order = compare_name(name, len, bandit->arms[arm].name);

		if (order == 0)
		{
			sum->last = middle;
			return sum->draw_of[arm] < 0 ? NULL : &sum->draws[sum->draw_of[arm]];
		}
		if (order > 0)
			low = middle + 1;
		else
			high = middle - 1;
		/* the next one first, then halves */
		middle = order > 0 && middle == sum->last ? low : (low + high) / 2;
	}
	return NULL;
}

/* Byte by byte, as the names' collation has it. */
static int
compare_name(const char *name, int len, const char *arm)
{
	int			arm_len = strlen(arm);
	int			order = memcmp(name, arm, Min(len, arm_len));

	return order != 0 ? order : len - arm_len;
}

/* epsilon_greedy explores by floors, over those that are set. */
static void
spread_epsilon(const Bandit *bandit, Draw *draws, int ndraws)
{
	double	   *floors;
	double		sum = 0;

	for (int i = 0; i < ndraws; i++)
		sum += draws[i].floor;
	if (sum == 0 && bandit->policy != BANDIT_EPSILON_GREEDY)
		return;
	floors = palloc(sizeof(double) * ndraws);
	for (int i = 0; i < ndraws; i++)
		floors[i] = draws[i].floor;
	bd_policy_floors(bandit->policy, bandit->epsilon, floors, ndraws, floors);
	for (int i = 0; i < ndraws; i++)
		draws[i].floor = floors[i];
	pfree(floors);
}
