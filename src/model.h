/*-------------------------------------------------------------------------
 *
 * model.h
 *		Trained parts of a recommender: images, and their cache.
 *
 * src/model.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_MODEL_H
#define BANDIT_MODEL_H

#include "bandit.h"
#include "ratings.h"

/* Written native; another byte order is refused when it is read. */
#define MODEL_ORDER 0x01020304

/* The start of every image; sections follow, each aligned to 8 bytes. */
typedef struct ModelHeader
{
	uint32		order;
	uint32		format;			/* of this kind of image */
	int32		nitems;
	int32		nusers;
	int64		nratings;
	int64		nlinks;
	double		mean;			/* of all ratings */
	double		lowest;
	double		highest;
	int64		key_bytes;
	int64		total;			/* bytes of the whole image */
} ModelHeader;

/* Lays out sections, or finds them again. */
typedef struct ModelCursor
{
	char	   *base;			/* NULL while only the size is wanted */
	int64		offset;
} ModelCursor;

extern void *bd_model_section(ModelCursor *cursor, int64 bytes);
extern const ModelHeader *bd_model_get(Bandit *bandit, const char *part,
									   uint32 format);
extern void bd_model_put(Bandit *bandit, const char *part,
						 const ModelHeader *image, double seconds,
						 pg_uuid_t *version);
extern void bd_model_transient(Bandit *bandit, const char *part,
							   const ModelHeader *image);
extern const ModelHeader *bd_model_find_transient(Bandit *bandit,
												  const char *part);

/* catalogue.c: what is known of all items */
typedef struct Catalogue
{
	const ModelHeader *header;
	const int64 *ids;			/* ascending */
	const double *sums;			/* of the item's ratings */
	const int32 *counts;
	const int32 *popular;		/* places, best Bayesian average first */
	const int32 *link_start;	/* nitems + 1 */
	const int32 *links;			/* attribute numbers */
	const int32 *key_start;		/* nitems + 1, or unused */
	const char *keys;			/* each with its zero byte */
	const uint8 *head;			/* 1: among the popular head */
} Catalogue;

extern ModelHeader *bd_catalogue_build(const Items *items,
									   const Ratings *ratings);
extern void bd_catalogue_get(Bandit *bandit, Catalogue *catalogue);
extern double bd_catalogue_quality(const Catalogue *catalogue, int place);
extern const char *bd_catalogue_key(const Catalogue *catalogue, int place);
extern ItemList *bd_catalogue_top(const ListRequest *request,
								  const Catalogue *catalogue,
								  const double *scores);

#define CATALOGUE_FORMAT 1

/* item_cf.c */
extern ModelHeader *bd_item_cf_build(const Items *items,
									 const Ratings *ratings);

#define ITEM_CF_FORMAT 1

#endif							/* BANDIT_MODEL_H */
