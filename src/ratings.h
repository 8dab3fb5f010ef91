/*-------------------------------------------------------------------------
 *
 * ratings.h
 *		A ratings table in memory, by user.
 *
 * src/ratings.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_RATINGS_H
#define BANDIT_RATINGS_H

#include "bandit.h"

/* Each (user, item) once; user u has the entries start[u] .. start[u+1]-1. */
typedef struct Ratings
{
	int			nusers;
	int64		nratings;
	int64	   *start;			/* nusers + 1 */
	int32	   *item;			/* index into the catalogue */
	float	   *value;
} Ratings;

/* The items of a recommender, ascending by id. */
typedef struct Items
{
	int			nitems;
	int64	   *ids;
	char	  **keys;			/* NULL unless the recommender is by key */
	int			nattributes;	/* different attributes */
	int64		nlinks;
	int32	   *link_start;		/* nitems + 1 */
	int32	   *links;			/* attribute numbers */
} Items;

extern Items *bd_ratings_items(Bandit *bandit);
extern Ratings *bd_ratings_load(const char *sql, const Items *items);
extern int	bd_ratings_find(const int64 *ids, int n, int64 id);

#endif							/* BANDIT_RATINGS_H */
