/*-------------------------------------------------------------------------
 *
 * evidence.c
 *		What arms have earned: rows of bandit.evidence, in slots.
 *
 * With one row per arm every response to a popular arm would queue behind
 * the last one's commit.  So an arm has as many rows as it needs, its slots,
 * and readers add them up.
 *
 * At READ COMMITTED a writer takes the slot of its backend's number, held by
 * a lock that it never waits for: where a prepared transaction or a fold has
 * it, the next number in line.  So the row is its own until its transaction
 * ends, and no slot is ever waited for.  There are about as many slots as
 * there are backends at the same time; bandit.fold adds them together again.
 *
 * At REPEATABLE READ a row that somebody changed after the snapshot could
 * not be updated, so there a transaction takes a random slot that is new.  At
 * SERIALIZABLE, where a row that is looked for becomes a predicate lock, it
 * inserts only.  Random numbers have 62 bits: they do not meet.
 *
 * A bandit with a half-life forgets lazily: a slot holds its evidence as of
 * updated_at, and is aged when it is read or written.  Aging is linear, so it
 * does not matter how evidence is spread over slots (methods 6.2; discounted
 * Thompson sampling: Raj and Kalyani 2017).
 *
 * src/evidence.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "elementary.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Rewards are whole multiples of this (methods 6.1). */
#define REWARD_UNIT 1048576.0	/* 2^20 */

PG_FUNCTION_INFO_V1(bandit_aged);
PG_FUNCTION_INFO_V1(bandit_take_slots);

/* Evidence this old, or worth this little, is none. */
#define MAX_HALF_LIVES 200.0
#define NOTHING 1e-40

/*
 * Backends' slots are below FRESH: the backend's number, and further ones in
 * steps of LINE.
 */
#define FRESH (INT64CONST(1) << 32)
#define LINE (INT64CONST(1) << 20)

/* Times that a transaction adds to one slot. */
#define LONGEST_CHAIN 50

static bool try_slot(int64 slot);
static int64 own_slot(void);
static int64 fresh_slot(void);
static int64 choose_slot(void);

#define SLOT_KEY \
	" WHERE bandit OPERATOR(pg_catalog.=) $1" \
	" AND context_hash OPERATOR(pg_catalog.=) $2" \
	" AND arm OPERATOR(pg_catalog.=) $3" \
	" AND slot OPERATOR(pg_catalog.=) $4"

static KeptPlan add_to_slot = {
	"UPDATE bandit.evidence SET"
	" successes = successes OPERATOR(pg_catalog.+) $5,"
	" failures = failures OPERATOR(pg_catalog.+) $6,"
	" pulls = pulls OPERATOR(pg_catalog.+) $7,"
	" updated_at = GREATEST(updated_at, $8)" SLOT_KEY,
	8, {TEXTOID, INT8OID, TEXTOID, INT8OID, FLOAT8OID, FLOAT8OID, INT8OID,
	TIMESTAMPTZOID}, .by_index = true
};

/* Both the slot and what is added become as old as the younger of them. */
static KeptPlan age_slot = {
	"UPDATE bandit.evidence SET"
	" successes = bandit_internal.aged(successes, updated_at,"
	" GREATEST(updated_at, $8), $9) OPERATOR(pg_catalog.+)"
	" bandit_internal.aged($5, $8, GREATEST(updated_at, $8), $9),"
	" failures = bandit_internal.aged(failures, updated_at,"
	" GREATEST(updated_at, $8), $9) OPERATOR(pg_catalog.+)"
	" bandit_internal.aged($6, $8, GREATEST(updated_at, $8), $9),"
	" pulls = pulls OPERATOR(pg_catalog.+) $7,"
	" updated_at = GREATEST(updated_at, $8)" SLOT_KEY,
	9, {TEXTOID, INT8OID, TEXTOID, INT8OID, FLOAT8OID, FLOAT8OID, INT8OID,
	TIMESTAMPTZOID, INTERVALOID}, .by_index = true
};

static KeptPlan insert_slot = {
	"INSERT INTO bandit.evidence (bandit, context_hash, arm, slot,"
	" successes, failures, pulls, updated_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	8, {TEXTOID, INT8OID, TEXTOID, INT8OID, FLOAT8OID, FLOAT8OID, INT8OID,
	TIMESTAMPTZOID}
};

/*
 * bd_reward_round
 *		The reward as a multiple of 2^-20.
 *
 * Sums of such numbers are exact in double precision up to 8e9 rewards, in
 * any order: folding, un-learning and verification are equalities.
 */
double
bd_reward_round(double reward)
{
	return rint(reward * REWARD_UNIT) / REWARD_UNIT;
}

/*
 * bd_decay
 *		How much evidence of one time counts at another: 2^-(age / half_life).
 *
 * half_life in seconds; 0 forgets nothing.  Above 1 where "at" comes first,
 * as clocks that disagree have it: what is added and taken away then is the
 * same, wherever it is looked at from.  Exact for whole half-lives.
 */
double
bd_decay(TimestampTz since, TimestampTz at, double half_life)
{
	double		age;
	double		whole;

	if (half_life <= 0)
		return 1;
	age = ((double) at - (double) since) / USECS_PER_SEC / half_life;
	age = Min(Max(age, -MAX_HALF_LIVES), MAX_HALF_LIVES);
	whole = floor(age);
	return ldexp(bd_exp(-M_LN2 * (age - whole)), -(int) whole);
}

/*
 * bd_half_life
 *		An interval in seconds; a month has 30 days; 0 for none.
 */
double
bd_half_life(const Interval *interval)
{
	if (interval == NULL)
		return 0;
	return (double) interval->time / USECS_PER_SEC +
		((double) interval->day + (double) interval->month * DAYS_PER_MONTH) *
		SECS_PER_DAY;
}

/*
 * aged(amount float8, since timestamptz, at timestamptz, half_life interval)
 *		-> float8
 *
 * What nobody can see any more is 0: arithmetic must not run out of range.
 */
Datum
bandit_aged(PG_FUNCTION_ARGS)
{
	double		amount;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	amount = PG_GETARG_FLOAT8(0);
	if (!PG_ARGISNULL(3))
		amount *= bd_decay(PG_GETARG_TIMESTAMPTZ(1), PG_GETARG_TIMESTAMPTZ(2),
						   bd_half_life(PG_GETARG_INTERVAL_P(3)));
	PG_RETURN_FLOAT8(fabs(amount) < NOTHING ? 0 : amount);
}

/*
 * bd_slot_random
 *		The generator of slot numbers, apart from the session's draws: two
 *		sessions with the same seed must not choose the same slots.
 */
BanditRandom *
bd_slot_random(void)
{
	static BanditRandom random;
	static bool seeded = false;

	if (!seeded)
	{
		uint64		seed[2];

		if (!pg_strong_random(seed, sizeof(seed)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random slot numbers")));
		bd_random_seed(&random, seed[0], seed[1]);
		seeded = true;
	}
	return &random;
}

/*
 * try_slot
 *		Hold a slot number until the transaction ends, unless somebody does.
 *
 * A lock of the lock manager, shown as "userlock" in pg_locks: it belongs to
 * a transaction, a prepared one included, and is released after the commit
 * can be seen.
 */
static bool
try_slot(int64 slot)
{
	LOCKTAG		tag = {
		.locktag_field1 = MyDatabaseId,
		.locktag_field2 = bd_relation("evidence"),
		.locktag_field3 = (uint32) slot,
		.locktag_type = LOCKTAG_USERLOCK,
		.locktag_lockmethodid = DEFAULT_LOCKMETHOD
	};

	return LockAcquire(&tag, ExclusiveLock, false, true) !=
		LOCKACQUIRE_NOT_AVAIL;
}

/*
 * own_slot
 *		A slot that nobody else writes to before this transaction ends.
 */
static int64
own_slot(void)
{
	for (int64 slot = bd_backend_number(); slot < FRESH; slot += LINE)
		if (try_slot(slot))
			return slot;
	return fresh_slot();
}

/* A slot that nobody ever had. */
static int64
fresh_slot(void)
{
	return FRESH + (int64) (bd_random_next(bd_slot_random()) >> 2);
}

/*
 * choose_slot
 *		Where this transaction's next contribution goes.
 *
 * A row that one transaction updates again and again becomes a chain of
 * versions that cannot be pruned before it ends; so it goes on to a fresh
 * slot now and then.
 */
static int64
choose_slot(void)
{
	static LocalTransactionId owner = InvalidLocalTransactionId;
	static int64 fresh;
	static int	additions;

	if (IsolationIsSerializable())
		return fresh_slot();
	if (owner != bd_transaction_number())
	{
		owner = bd_transaction_number();
		additions = 0;
	}
	if (additions++ < LONGEST_CHAIN && !IsolationUsesXactSnapshot())
		return own_slot();
	if (additions % LONGEST_CHAIN == 1)
		fresh = fresh_slot();
	return fresh;
}

/*
 * bd_evidence_add
 *		Add a contribution to an arm's evidence in a context.
 *
 * Parts may be negative (un-learning); all are as of "at".  The caller is
 * connected to SPI, as the owner, and has written the ledger row that says
 * the same.
 */
void
bd_evidence_add(const char *bandit, int64 context_hash, const char *arm,
				const Contribution *delta, TimestampTz at)
{
	Datum		values[9];
	const Interval *half_life = bd_settings_half_life(bandit);
	int64		slot;

	if (delta->successes == 0 && delta->failures == 0 && delta->pulls == 0)
		return;
	if (!isfinite(delta->successes) || !isfinite(delta->failures))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("evidence must be finite")));

	values[0] = CStringGetTextDatum(bandit);
	values[1] = Int64GetDatum(context_hash);
	values[2] = CStringGetTextDatum(arm);
	slot = choose_slot();
	values[3] = Int64GetDatum(slot);
	values[4] = Float8GetDatum(delta->successes);
	values[5] = Float8GetDatum(delta->failures);
	values[6] = Int64GetDatum(delta->pulls);
	values[7] = TimestampTzGetDatum(at);
	values[8] = IntervalPGetDatum(half_life);
	if (!IsolationIsSerializable())
	{
		bd_plan_run(half_life ? &age_slot : &add_to_slot, values, NULL, false, 0);
		if (SPI_processed > 0)
			return;
	}
	bd_plan_run(&insert_slot, values, NULL, false, 0);
}

/*
 * take_slots(slots bigint[]) -> bigint[]
 *		Hold those of the slots that nobody holds; which they are.
 *
 * Nobody writes to them before the transaction ends, but for REPEATABLE READ
 * transactions to slots of their own, which nobody can see.
 */
Datum
bandit_take_slots(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *slots;
	int			n;
	int			taken = 0;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &slots, NULL, &n);
	for (int i = 0; i < n; i++)
		if (DatumGetInt64(slots[i]) >= FRESH ||
			try_slot(DatumGetInt64(slots[i])))
			slots[taken++] = slots[i];
	PG_RETURN_ARRAYTYPE_P(construct_array(slots, taken, INT8OID,
										  sizeof(int64), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}
