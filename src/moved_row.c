/*-------------------------------------------------------------------------
 *
 * moved_row.c
 *		Rows of a watched table that an UPDATE moves to another partition.
 *
 * The server makes them a DELETE on one partition and then an INSERT on
 * another.  A response that was learnt stays with the decision it was learnt
 * for, whatever its age; so the DELETE, which takes it back, leaves word for
 * the INSERT.  Both are of one command, which the rows themselves tell.
 *
 * src/moved_row.c
 *
 *-------------------------------------------------------------------------
 */
#include "watch.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/memutils.h"

/* As many watches of a table are told apart; a row's two events are close. */
#define MOST_MOVED 32

/* A response that was taken back from a row on its way. */
typedef struct MovedRow
{
	LocalTransactionId transaction; /* whose memory the strings are in */
	CommandId	command;
	bool		waits;			/* for its INSERT */
	char	   *kind;
	char	   *subject;
	int64		item;
	Attribution attribution;
} MovedRow;

static MovedRow moved[MOST_MOVED];
static int	next_moved = 0;

static bool is_of(const MovedRow *row, HeapTuple tuple);
static void free_row(MovedRow *row);
static char *keep_string(const char *string);

/* Is the row waiting for an INSERT of this tuple's command? */
static bool
is_of(const MovedRow *row, HeapTuple tuple)
{
	return row->waits && row->transaction == bd_transaction_number() &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) &&
		row->command == HeapTupleHeaderGetCmin(tuple->t_data);
}

static void
free_row(MovedRow *row)
{
	/* the end of its transaction has freed it */
	if (row->kind != NULL && row->transaction == bd_transaction_number())
	{
		pfree(row->kind);
		pfree(row->subject);
		pfree((char *) row->attribution.bandit);
		pfree((char *) row->attribution.arm);
		if (row->attribution.owner != NULL)
			pfree((char *) row->attribution.owner);
	}
	memset(row, 0, sizeof(MovedRow));
}

static char *
keep_string(const char *string)
{
	return MemoryContextStrdup(TopTransactionContext, string);
}

/*
 * bd_moved_keep
 *		Note which decision a row's response was to, if the row is moving.
 */
void
bd_moved_keep(const Watch *watch, const WatchedRow *row,
			  const Attribution *attribution)
{
	HeapTupleHeader header = row->tuple->t_data;
	MovedRow   *kept = &moved[next_moved];

	if (!HeapTupleHeaderIndicatesMovedPartitions(header))
		return;
	next_moved = (next_moved + 1) % MOST_MOVED;
	free_row(kept);
	kept->attribution = *attribution;
	kept->attribution.bandit = keep_string(attribution->bandit);
	kept->attribution.arm = keep_string(attribution->arm);
	if (attribution->owner != NULL)
		kept->attribution.owner = keep_string(attribution->owner);
	kept->subject = keep_string(row->subject);
	kept->kind = keep_string(watch->rule->kind);
	kept->item = row->item;
	kept->transaction = bd_transaction_number();
	kept->command = HeapTupleHeaderGetCmax(header);
	kept->waits = true;
}

/*
 * bd_moved_waits
 *		Has a command that inserts this tuple taken back responses of rows
 *		that it moves?
 */
bool
bd_moved_waits(HeapTuple tuple)
{
	for (int i = 0; i < MOST_MOVED; i++)
		if (is_of(&moved[i], tuple))
			return true;
	return false;
}

/*
 * bd_moved_find
 *		The decision that the response of a row was to before it was moved;
 *		false if it was not, or was to none.
 */
bool
bd_moved_find(const Watch *watch, const WatchedRow *row,
			  Attribution *attribution)
{
	for (int i = 0; i < MOST_MOVED; i++)
	{
		MovedRow   *kept = &moved[i];

		if (!is_of(kept, row->tuple) || kept->item != row->item ||
			strcmp(kept->attribution.bandit, watch->bandit->name) != 0 ||
			strcmp(kept->kind, watch->rule->kind) != 0 ||
			strcmp(kept->subject, row->subject) != 0)
			continue;
		kept->waits = false;
		*attribution = kept->attribution;
		return true;
	}
	return false;
}
