/*-------------------------------------------------------------------------
 *
 * ratings.h
 *		A table of ratings in memory, for training.
 *
 * src/ratings.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_RATINGS_H
#define BANDIT_RATINGS_H

#include "bandit.h"

#include "access/htup_details.h"

/*
 * Users and items are numbered from 0; items in the order of their ids.
 * User u's ratings are user_start[u] .. user_start[u + 1] - 1, by item.
 */
typedef struct RatingTable
{
	int			nusers;
	int			nitems;
	int64		nratings;
	int64	   *user_ids;		/* in their order in the query */
	int64	   *item_ids;		/* ascending */
	int32	   *counts;			/* by item: ratings */
	double	   *sums;			/* by item: sum of its values */
	int64	   *user_start;		/* nusers + 1 entries */
	int32	   *items;			/* by rating: number of the item */
	float	   *values;			/* by rating */
	double		sum;			/* of all values */
	double		lowest;			/* value seen; 0 without ratings */
	double		highest;
} RatingTable;

/* When the last word about a long run was said. */
typedef struct Progress
{
	TimestampTz said_at;
} Progress;

typedef void (*RowReader) (void *state, HeapTuple row, TupleDesc desc);

extern void bd_rows_read(const SourceQuery *query, int64 limit, RowReader reader,
						 void *state);
extern RatingTable *bd_ratings_load(const SourceQuery *query, Progress *progress);
extern int	bd_ids_find(const int64 *ids, int n, int64 id);
extern bool bd_progress_due(Progress *progress);

#endif							/* BANDIT_RATINGS_H */
