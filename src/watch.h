/*-------------------------------------------------------------------------
 *
 * watch.h
 *		The trigger on a watched table, and the rows it reads.
 *
 * src/watch.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef WATCH_H
#define WATCH_H

#include "bandit.h"

/* The trigger's arguments, with its columns looked up. */
typedef struct Watch
{
	Bandit	   *bandit;
	const OutcomeRule *rule;
	TupleDesc	desc;
	int			user;			/* attribute numbers */
	int			item;
	int			value;			/* 0: no value */
	bool		plain_keys;		/* to read user and item cannot fail */
} Watch;

/* What a row of the user's table says. */
typedef struct WatchedRow
{
	const char *subject;		/* NULL: a key is NULL, nobody's row */
	int64		item;
	HeapTuple	tuple;			/* where its value is */
	bool		has_value;		/* once it was asked for */
	double		value;
} WatchedRow;

/* moved_row.c: rows that an UPDATE moves to another partition */
extern void bd_moved_keep(const Watch *watch, const WatchedRow *row,
						  const Attribution *attribution);
extern bool bd_moved_waits(HeapTuple tuple);
extern bool bd_moved_find(const Watch *watch, const WatchedRow *row,
						  Attribution *attribution);

/* watched_row.c */
extern bool bd_watched_plain_key(TupleDesc desc, int attnum);
extern const char *bd_watched_subject(const Watch *watch, HeapTuple tuple);
extern bool bd_watched_item(const Watch *watch, HeapTuple tuple, int64 *item);
extern void bd_watched_row(const Watch *watch, HeapTuple tuple,
						   WatchedRow *row);
extern void bd_watched_insert(const Watch *watch, WatchedRow *row);
extern void bd_watched_delete(const Watch *watch, const WatchedRow *row);
extern void bd_watched_update(const Watch *watch, WatchedRow *before,
							  WatchedRow *after);

#endif							/* WATCH_H */
