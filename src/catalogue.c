/*-------------------------------------------------------------------------
 *
 * catalogue.c
 *		What is known of all items: how often and how well they were rated,
 *		their attributes, which of them make the popular head.
 *
 * Quality is the Bayesian average (C mu + sum) / (C + n), C = 5, mu the mean
 * of all ratings.  The head is the shortest prefix of items, by number of
 * interactions and then id, that holds 80 % of the interactions (methods
 * 16.5; Anderson 2006).
 *
 * Without a trained catalogue each backend makes one from a part of the
 * ratings, so that a recommender serves before it was ever trained.
 *
 * src/catalogue.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

#include "miscadmin.h"
#include "utils/memutils.h"

/* How many ratings of mean quality an item starts with. */
#define PRIOR_RATINGS 5.0
#define HEAD_SHARE 0.8

/* An item while items are put in order. */
typedef struct Rank
{
	int32		place;
	int32		count;
	double		quality;
} Rank;

static int64 lay_out(char *base, const ModelHeader *header,
					 Catalogue *catalogue);
static void count_ratings(const Ratings *ratings, ModelHeader *header,
						  Catalogue *catalogue);
static void order_items(Catalogue *catalogue);
static void copy_items(const Items *items, Catalogue *catalogue);
static int	compare_counts(const void *a, const void *b);
static int	compare_quality(const void *a, const void *b);
static int	compare_items(const void *a, const void *b);

/*
 * lay_out
 *		Where the sections of an image are; returns its size.
 */
static int64
lay_out(char *base, const ModelHeader *header, Catalogue *catalogue)
{
	ModelCursor cursor = {base, MAXALIGN(sizeof(ModelHeader))};
	int64		n = header->nitems;

	catalogue->header = header;
	catalogue->ids = bd_model_section(&cursor, n * sizeof(int64));
	catalogue->sums = bd_model_section(&cursor, n * sizeof(double));
	catalogue->counts = bd_model_section(&cursor, n * sizeof(int32));
	catalogue->popular = bd_model_section(&cursor, n * sizeof(int32));
	catalogue->link_start = bd_model_section(&cursor, (n + 1) * sizeof(int32));
	catalogue->links = bd_model_section(&cursor,
										header->nlinks * sizeof(int32));
	catalogue->key_start = bd_model_section(&cursor, (n + 1) * sizeof(int32));
	catalogue->keys = bd_model_section(&cursor, header->key_bytes);
	catalogue->head = bd_model_section(&cursor, n);
	return cursor.offset;
}

/*
 * bd_catalogue_build
 *		Make the image; memory from CurrentMemoryContext.
 */
ModelHeader *
bd_catalogue_build(const Items *items, const Ratings *ratings)
{
	ModelHeader header = {.order = MODEL_ORDER, .format = CATALOGUE_FORMAT};
	ModelHeader *image;
	Catalogue	catalogue;

	header.nitems = items->nitems;
	header.nusers = ratings->nusers;
	header.nratings = ratings->nratings;
	header.nlinks = items->nlinks;
	for (int i = 0; items->keys != NULL && i < items->nitems; i++)
		header.key_bytes += strlen(items->keys[i]) + 1;
	if (header.key_bytes > INT_MAX || header.nlinks > INT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("keys or attributes of the items are too long")));
	header.total = lay_out(NULL, &header, &catalogue);

	image = MemoryContextAllocExtended(CurrentMemoryContext, header.total,
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*image = header;
	lay_out((char *) image, image, &catalogue);
	copy_items(items, &catalogue);
	count_ratings(ratings, image, &catalogue);
	order_items(&catalogue);
	return image;
}

static void
copy_items(const Items *items, Catalogue *catalogue)
{
	int			n = items->nitems;
	int32	   *key_start = (int32 *) catalogue->key_start;
	int32		at = 0;

	memcpy((void *) catalogue->ids, items->ids, n * sizeof(int64));
	memcpy((void *) catalogue->link_start, items->link_start,
		   (n + 1) * sizeof(int32));
	memcpy((void *) catalogue->links, items->links,
		   items->nlinks * sizeof(int32));
	for (int i = 0; items->keys != NULL && i < n; i++)
	{
		key_start[i] = at;
		strcpy((char *) catalogue->keys + at, items->keys[i]);
		at += strlen(items->keys[i]) + 1;
	}
	key_start[n] = at;
}

static void
count_ratings(const Ratings *ratings, ModelHeader *header,
			  Catalogue *catalogue)
{
	double	   *sums = (double *) catalogue->sums;
	int32	   *counts = (int32 *) catalogue->counts;
	double		sum = 0;

	for (int64 i = 0; i < ratings->nratings; i++)
	{
		double		value = ratings->value[i];

		sums[ratings->item[i]] += value;
		counts[ratings->item[i]]++;
		sum += value;
		header->lowest = i == 0 ? value : Min(header->lowest, value);
		header->highest = i == 0 ? value : Max(header->highest, value);
	}
	if (ratings->nratings > 0)
		header->mean = sum / ratings->nratings;
}

static int
compare_counts(const void *a, const void *b)
{
	const Rank *left = a;
	const Rank *right = b;

	if (left->count != right->count)
		return left->count > right->count ? -1 : 1;
	return left->place - right->place;
}

static int
compare_quality(const void *a, const void *b)
{
	const Rank *left = a;
	const Rank *right = b;

	if (left->quality != right->quality)
		return left->quality > right->quality ? -1 : 1;
	return compare_counts(a, b);
}

/* Mark the head, and keep the order of popularity. */
static void
order_items(Catalogue *catalogue)
{
	int			n = catalogue->header->nitems;
	Rank	   *ranks = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(Rank) * Max(n, 1));
	double		covered = 0;

	for (int i = 0; i < n; i++)
	{
		ranks[i].place = i;
		ranks[i].count = catalogue->counts[i];
		ranks[i].quality = bd_catalogue_quality(catalogue, i);
	}
	qsort(ranks, n, sizeof(Rank), compare_counts);
	for (int i = 0; i < n; i++)
	{
		if (covered >= HEAD_SHARE * catalogue->header->nratings)
			break;
		((uint8 *) catalogue->head)[ranks[i].place] = 1;
		covered += ranks[i].count;
	}
	qsort(ranks, n, sizeof(Rank), compare_quality);
	for (int i = 0; i < n; i++)
		((int32 *) catalogue->popular)[i] = ranks[i].place;
	pfree(ranks);
}

/*
 * bd_catalogue_get
 *		The catalogue that serves: the trained one, or one made in passing.
 */
void
bd_catalogue_get(Bandit *bandit, Catalogue *catalogue)
{
	const ModelHeader *image = bd_model_get(bandit, "catalogue",
											CATALOGUE_FORMAT);

	if (image == NULL)
		image = bd_model_find_transient(bandit, "catalogue");
	if (image == NULL)
	{
		MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
													  "bandit catalogue",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(scratch);
		Items	   *items = bd_ratings_items(bandit);
		Ratings    *ratings = bd_ratings_load(bandit->recommender->popular_sql,
											  items);

		bd_model_transient(bandit, "catalogue",
						   bd_catalogue_build(items, ratings));
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
		image = bd_model_find_transient(bandit, "catalogue");
	}
	lay_out((char *) image, image, catalogue);
}

/*
 * bd_catalogue_quality
 *		An item's Bayesian average, on the scale of the ratings.
 */
double
bd_catalogue_quality(const Catalogue *catalogue, int place)
{
	return (PRIOR_RATINGS * catalogue->header->mean + catalogue->sums[place]) /
		(PRIOR_RATINGS + catalogue->counts[place]);
}

/*
 * bd_catalogue_key
 *		An item's text key, or NULL where items are numbers.
 */
const char *
bd_catalogue_key(const Catalogue *catalogue, int place)
{
	return catalogue->header->key_bytes == 0 ? NULL :
		catalogue->keys + catalogue->key_start[place];
}

/* Best first; ties by item. */
static int
compare_items(const void *a, const void *b)
{
	const ScoredItem *left = a;
	const ScoredItem *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->item < right->item ? -1 : left->item > right->item;
}

/*
 * bd_catalogue_top
 *		The request's n items of highest positive score, seen ones left out.
 *
 * "scores" has one for each item of the catalogue.
 */
ItemList *
bd_catalogue_top(const ListRequest *request, const Catalogue *catalogue,
				 const double *scores)
{
	bool		exclude = request->bandit->recommender->exclude_seen;
	int			n = catalogue->header->nitems;
	ItemList   *list = palloc0(sizeof(ItemList));

	list->items = MemoryContextAllocHuge(CurrentMemoryContext,
										 sizeof(ScoredItem) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		ScoredItem *item = &list->items[list->nitems];

		if (!(scores[i] > 0) ||
			(exclude && bd_history_has(request->history, catalogue->ids[i])))
			continue;
		item->item = catalogue->ids[i];
		item->key = bd_catalogue_key(catalogue, i);
		item->score = scores[i];
		list->nitems++;
	}
	qsort(list->items, list->nitems, sizeof(ScoredItem), compare_items);
	list->nitems = Min(list->nitems, request->n);
	return list;
}
