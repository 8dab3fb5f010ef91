/*-------------------------------------------------------------------------
 *
 * item_cf.c
 *		Neighbours of items: "those who rated this also rated that".
 *
 * The similarity of two items is the cosine of their columns of who rated
 * them, n_ij / sqrt(n_i n_j).  Each item keeps its nearest neighbours, and
 * a list scores an item by the user's ratings of its neighbours (Sarwar et
 * al. 2001; Deshpande and Karypis 2004):
 *
 *		score(i) = sum over the user's items j near i of s_ij w_j,
 *		w_j = max(rating - neutral_value, 0), or 1 without ratings
 *
 * Training counts pairs item by item: memory is that of the ratings and a
 * counter for each item, time the sum over users of their squared number of
 * ratings.
 *
 * src/item_cf.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#define NEIGHBOURS 50
#define MIN_COMMON 2

/* An image: for each item, whose neighbour it is and how near. */
typedef struct ItemCf
{
	const ModelHeader *header;
	const int64 *ids;
	const int64 *start;			/* nitems + 1 */
	const int32 *near;			/* items that have this one as a neighbour */
	const float *similarity;
} ItemCf;

typedef struct Neighbour
{
	int32		place;
	float		similarity;
} Neighbour;

/* Who rated an item: the ratings, by item. */
typedef struct Raters
{
	int64	   *start;			/* nitems + 1 */
	int32	   *user;
} Raters;

/* The neighbours of all items. */
typedef struct Neighbourhood
{
	int		   *counts;
	Neighbour  *neighbours;		/* NEIGHBOURS for each item */
	int64		nlinks;
} Neighbourhood;

static int64 lay_out(char *base, const ModelHeader *header, ItemCf *model);
static Raters *find_raters(const Items *items, const Ratings *ratings);
static Neighbourhood *find_neighbours(const Items *items,
									  const Ratings *ratings,
									  const Raters *raters);
static int	nearest(int item, const int32 *common, const int32 *met, int nmet,
					const Raters *raters, Neighbour *all, Neighbour *kept);
static int	compare_neighbours(const void *a, const void *b);
static void transpose(const Neighbourhood *found, ItemCf *model);
static double weight(const ListRequest *request, int i);

static int64
lay_out(char *base, const ModelHeader *header, ItemCf *model)
{
	ModelCursor cursor = {base, MAXALIGN(sizeof(ModelHeader))};
	int64		n = header->nitems;

	model->header = header;
	model->ids = bd_model_section(&cursor, n * sizeof(int64));
	model->start = bd_model_section(&cursor, (n + 1) * sizeof(int64));
	model->near = bd_model_section(&cursor, header->nlinks * sizeof(int32));
	model->similarity = bd_model_section(&cursor,
										 header->nlinks * sizeof(float));
	return cursor.offset;
}

/*
 * bd_item_cf_build
 *		Make the image; memory from CurrentMemoryContext.
 */
ModelHeader *
bd_item_cf_build(const Items *items, const Ratings *ratings)
{
	Raters	   *raters = find_raters(items, ratings);
	Neighbourhood *found = find_neighbours(items, ratings, raters);
	ModelHeader header = {.order = MODEL_ORDER, .format = ITEM_CF_FORMAT};
	ModelHeader *image;
	ItemCf		model;

	header.nitems = items->nitems;
	header.nusers = ratings->nusers;
	header.nratings = ratings->nratings;
	header.nlinks = found->nlinks;
	header.total = lay_out(NULL, &header, &model);

	image = MemoryContextAllocExtended(CurrentMemoryContext, header.total,
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	*image = header;
	lay_out((char *) image, image, &model);
	memcpy((void *) model.ids, items->ids, items->nitems * sizeof(int64));
	transpose(found, &model);
	return image;
}

static Raters *
find_raters(const Items *items, const Ratings *ratings)
{
	Raters	   *raters = palloc(sizeof(Raters));
	int			n = items->nitems;
	int64	   *fill;

	raters->start = MemoryContextAllocExtended(CurrentMemoryContext,
											   sizeof(int64) * (n + 1),
											   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	raters->user = MemoryContextAllocHuge(CurrentMemoryContext,
										  sizeof(int32) * Max(ratings->nratings, 1));
	for (int64 i = 0; i < ratings->nratings; i++)
		raters->start[ratings->item[i] + 1]++;
	for (int i = 0; i < n; i++)
		raters->start[i + 1] += raters->start[i];

	fill = MemoryContextAllocHuge(CurrentMemoryContext,
								  sizeof(int64) * (n + 1));
	memcpy(fill, raters->start, sizeof(int64) * (n + 1));
	for (int u = 0; u < ratings->nusers; u++)
		for (int64 i = ratings->start[u]; i < ratings->start[u + 1]; i++)
			raters->user[fill[ratings->item[i]]++] = u;
	pfree(fill);
	return raters;
}

/*
 * find_neighbours
 *		For each item, count who else was rated by its raters.
 */
static Neighbourhood *
find_neighbours(const Items *items, const Ratings *ratings,
				const Raters *raters)
{
	Neighbourhood *found = palloc0(sizeof(Neighbourhood));
	int			n = items->nitems;
	int32	   *common = palloc0(sizeof(int32) * Max(n, 1));
	int32	   *met = palloc(sizeof(int32) * Max(n, 1));
	Neighbour  *all = palloc(sizeof(Neighbour) * Max(n, 1));

	found->counts = palloc0(sizeof(int) * Max(n, 1));
	found->neighbours = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(Neighbour) * NEIGHBOURS * Max(n, 1));
	for (int item = 0; item < n; item++)
	{
		int			nmet = 0;

		CHECK_FOR_INTERRUPTS();
		for (int64 r = raters->start[item]; r < raters->start[item + 1]; r++)
		{
			int			u = raters->user[r];

			for (int64 i = ratings->start[u]; i < ratings->start[u + 1]; i++)
				if (common[ratings->item[i]]++ == 0)
					met[nmet++] = ratings->item[i];
		}
		found->counts[item] = nearest(item, common, met, nmet, raters, all,
									  &found->neighbours[(int64) item * NEIGHBOURS]);
		found->nlinks += found->counts[item];
		for (int i = 0; i < nmet; i++)
			common[met[i]] = 0;
	}
	return found;
}

/* The largest similarities; ties by item. */
static int
nearest(int item, const int32 *common, const int32 *met, int nmet,
		const Raters *raters, Neighbour *all, Neighbour *kept)
{
	double		mine = raters->start[item + 1] - raters->start[item];
	int			n = 0;

	for (int i = 0; i < nmet; i++)
	{
		int			other = met[i];
		double		theirs = raters->start[other + 1] - raters->start[other];

		if (other == item || common[other] < MIN_COMMON)
			continue;
		all[n].place = other;
		all[n++].similarity = (float) (common[other] / sqrt(mine * theirs));
	}
	qsort(all, n, sizeof(Neighbour), compare_neighbours);
	n = Min(n, NEIGHBOURS);
	memcpy(kept, all, sizeof(Neighbour) * n);
	return n;
}

static int
compare_neighbours(const void *a, const void *b)
{
	const Neighbour *left = a;
	const Neighbour *right = b;

	if (left->similarity != right->similarity)
		return left->similarity > right->similarity ? -1 : 1;
	return left->place - right->place;
}

/* Serving goes from a user's item to those that have it as a neighbour. */
static void
transpose(const Neighbourhood *found, ItemCf *model)
{
	int			n = model->header->nitems;
	int64	   *start = (int64 *) model->start;
	int64	   *fill = palloc0(sizeof(int64) * (n + 1));

	for (int i = 0; i < n; i++)
		for (int k = 0; k < found->counts[i]; k++)
			start[found->neighbours[(int64) i * NEIGHBOURS + k].place + 1]++;
	for (int i = 0; i < n; i++)
		start[i + 1] += start[i];
	memcpy(fill, start, sizeof(int64) * (n + 1));
	for (int i = 0; i < n; i++)
		for (int k = 0; k < found->counts[i]; k++)
		{
			Neighbour	link = found->neighbours[(int64) i * NEIGHBOURS + k];
			int64		at = fill[link.place]++;

			((int32 *) model->near)[at] = i;
			((float *) model->similarity)[at] = link.similarity;
		}
	pfree(fill);
}

/* What the user's i-th rating counts. */
static double
weight(const ListRequest *request, int i)
{
	double		value = request->history->values[i];

	if (isnan(value))
		return request->bandit->recommender->has_value ? 0 : 1;
	return Max(value - request->bandit->recommender->neutral_value, 0);
}

/*
 * bd_item_cf_list
 *		Items near those the user liked; empty when nothing was trained.
 */
ItemList *
bd_item_cf_list(const ListRequest *request)
{
	const ModelHeader *image = bd_model_get(request->bandit, "item_cf",
											ITEM_CF_FORMAT);
	Catalogue	catalogue;
	ItemCf		model;
	double	   *scores;
	double	   *by_catalogue;

	if (image == NULL || request->history->nitems == 0)
		return palloc0(sizeof(ItemList));
	lay_out((char *) image, image, &model);
	bd_catalogue_get(request->bandit, &catalogue);

	scores = palloc0(sizeof(double) * Max(image->nitems, 1));
	for (int i = 0; i < request->history->nitems; i++)
	{
		int			place = bd_ratings_find(model.ids, image->nitems,
											request->history->items[i]);
		double		w = weight(request, i);

		if (place < 0 || w <= 0)
			continue;
		for (int64 k = model.start[place]; k < model.start[place + 1]; k++)
			scores[model.near[k]] += w * model.similarity[k];
	}

	/* trained with the catalogue, but perhaps not in the same run */
	if (catalogue.header->nitems == image->nitems &&
		memcmp(catalogue.ids, model.ids, sizeof(int64) * image->nitems) == 0)
		return bd_catalogue_top(request, &catalogue, scores);
	by_catalogue = palloc0(sizeof(double) * Max(catalogue.header->nitems, 1));
	for (int i = 0; i < image->nitems; i++)
	{
		int			place = bd_ratings_find(catalogue.ids,
											catalogue.header->nitems,
											model.ids[i]);

		if (place >= 0)
			by_catalogue[place] = scores[i];
	}
	return bd_catalogue_top(request, &catalogue, by_catalogue);
}
