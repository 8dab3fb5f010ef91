/*-------------------------------------------------------------------------
 *
 * long_tail.c
 *		The arm long_tail: good items that few know, to the user's taste.
 *
 * Methods 16.5.  Needs nothing but a catalogue.
 *
 * src/long_tail.c
 *
 *-------------------------------------------------------------------------
 */
#include "catalogue.h"

#include "top_list.h"

/* An item with fewer ratings is not known well enough to be called good. */
#define MIN_RATINGS 3

static double *attribute_profile(const Catalogue *catalogue,
								 const UserHistory *history);
static double taste(const Catalogue *catalogue, const double *profile,
					int item);

/*
 * bd_long_tail_list
 *		The arm's list: quality times how well the item meets the taste.
 */
ItemList *
bd_long_tail_list(const ListRequest *request)
{
	const Catalogue *catalogue = bd_catalogue_get(request->bandit);
	bool		exclude = request->bandit->recommender->exclude_seen;
	double	   *profile = attribute_profile(catalogue, request->history);
	int			limit = Min(request->n, catalogue->nitems);
	ItemList   *list = palloc(sizeof(ItemList));
	TopList		best;

	bd_top_start(&best, palloc(sizeof(TopEntry) * Max(limit, 1)), limit);
	for (int p = 0; p < catalogue->nitems; p++)
	{
		int			item = catalogue->popular[p];
		double		quality;

		if (catalogue->head[item] || catalogue->counts[item] < MIN_RATINGS)
			continue;
		quality = bd_catalogue_quality(catalogue, item);
		/* the rest is no better, and taste only takes away from it */
		if (best.n == best.limit && quality < best.entries[0].score)
			break;
		if (exclude && bd_history_has(request->history, catalogue->ids[item]))
			continue;
		bd_top_add(&best, quality * taste(catalogue, profile, item), item);
	}
	bd_top_sort(&best);

	list->nitems = best.n;
	list->items = palloc(sizeof(ScoredItem) * Max(best.n, 1));
	for (int i = 0; i < best.n; i++)
		bd_catalogue_item(catalogue, best.entries[i].index,
						  best.entries[i].score, &list->items[i]);
	return list;
}

/*
 * attribute_profile
 *		What share of the user's interest each attribute has; NULL when
 *		nothing is known.
 *
 * Each item of the history spreads 1 over its attributes.  They are added in
 * order of their ids, whatever the order of the rows in the user's table.
 */
static double *
attribute_profile(const Catalogue *catalogue, const UserHistory *history)
{
	double	   *profile = palloc0(sizeof(double) *
								  Max(catalogue->nattributes, 1));
	double		total = 0;

	for (int h = 0; h < history->nitems; h++)
	{
		int			item = bd_catalogue_find(catalogue, history->sorted[h]);
		int			first;
		int			end;

		if (item < 0)
			continue;
		first = catalogue->attribute_start[item];
		end = catalogue->attribute_start[item + 1];
		for (int a = first; a < end; a++)
			profile[catalogue->attributes[a]] += 1.0 / (end - first);
		if (end > first)
			total++;
	}
	if (total == 0)
		return NULL;
	for (int a = 0; a < catalogue->nattributes; a++)
		profile[a] /= total;
	return profile;
}

/* 1/2 + 1/2 of the share of the profile that the item covers. */
static double
taste(const Catalogue *catalogue, const double *profile, int item)
{
	double		covered = 0;

	if (profile == NULL)
		return 1;
	for (int a = catalogue->attribute_start[item];
		 a < catalogue->attribute_start[item + 1]; a++)
		covered += profile[catalogue->attributes[a]];
	return 0.5 + 0.5 * Min(covered, 1);
}
