/*-------------------------------------------------------------------------
 *
 * catalogue.h
 *		The items of a recommender: how often and how well they are rated,
 *		their attributes and keys.
 *
 * src/catalogue.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_CATALOGUE_H
#define BANDIT_CATALOGUE_H

#include "model.h"
#include "ratings.h"

/* Ratings that the mean of all counts for in an item's average (16.5). */
#define CATALOGUE_DAMPING 5.0

/* The numbers that concern the whole catalogue, as the image has them. */
typedef struct CatalogueFacts
{
	double		mean;			/* of all ratings; 0 without any */
	double		lowest;			/* value seen */
	double		highest;
	int64		nratings;
} CatalogueFacts;

/*
 * Items are numbered from 0 in order of their ids, attributes by first
 * appearance.  Item i's attributes are attributes[attribute_start[i]] to
 * attributes[attribute_start[i + 1] - 1], each once.
 */
typedef struct Catalogue
{
	int			nitems;
	int			nattributes;
	const CatalogueFacts *facts;
	const int64 *ids;
	const int32 *counts;		/* ratings */
	const double *sums;			/* of the ratings' values */
	const uint8 *head;			/* among the most rated that hold head_share? */
	const int32 *popular;		/* all items, best average first */
	const int32 *attribute_start;
	const int32 *attributes;
	const int32 *key_start;		/* into keys */
	const char *keys;			/* each ends with a zero byte; NULL without */
} Catalogue;

/* The image's arrays, in this order. */
enum
{
	CATALOGUE_FACTS,
	CATALOGUE_IDS,
	CATALOGUE_COUNTS,
	CATALOGUE_SUMS,
	CATALOGUE_HEAD,
	CATALOGUE_POPULAR,
	CATALOGUE_ATTRIBUTE_START,
	CATALOGUE_ATTRIBUTES,
	CATALOGUE_NAME_START,
	CATALOGUE_NAMES,
	CATALOGUE_KEY_START,
	CATALOGUE_KEYS,
	CATALOGUE_NARRAYS
};

extern const ModelKind bd_catalogue_kind;

extern const Catalogue *bd_catalogue_get(Bandit *bandit);
extern int	bd_catalogue_find(const Catalogue *catalogue, int64 item);
extern double bd_catalogue_average(const Catalogue *catalogue, int item);
extern double bd_catalogue_quality(const Catalogue *catalogue, int item);
extern const char *bd_catalogue_key(const Catalogue *catalogue, int item);
extern void bd_catalogue_item(const Catalogue *catalogue, int item,
							  double score, ScoredItem *scored);

/* catalogue_make.c */
extern bytea *bd_catalogue_make(const SourceQuery *items, int64 max_items,
								const RatingTable *ratings, bool by_key,
								double head_share);

#endif							/* BANDIT_CATALOGUE_H */
