/*-------------------------------------------------------------------------
 *
 * hybrid.c
 *		The control and the fallback: the personal arms fused, then what is
 *		generally liked.
 *
 * Reciprocal rank fusion, sum of 1 / (60 + rank) over the first 100 of each
 * personal arm (Cormack, Clarke and Buettcher 2009), so that scores of
 * different arms never need to be comparable.  After those come the other
 * items by their Bayesian average, so the list is full while the catalogue
 * has items, whatever was trained.  Fused scores are above 1, the others'
 * below: popularity never passes a personal item.
 *
 * src/hybrid.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

#define FUSION_DEPTH 100
#define FUSION_RANK 60

/* The arms that know the user. */
static ItemList *(*const personal_arms[]) (const ListRequest *request) = {
	bd_item_cf_list
};

static void fuse(const ListRequest *request, const Catalogue *catalogue,
				 double *scores);

static void
fuse(const ListRequest *request, const Catalogue *catalogue, double *scores)
{
	ListRequest deep = *request;

	deep.n = Max(FUSION_DEPTH, request->n);
	for (int arm = 0; arm < (int) lengthof(personal_arms); arm++)
	{
		ItemList   *list = personal_arms[arm] (&deep);

		for (int rank = 0; rank < list->nitems; rank++)
		{
			int			place = bd_ratings_find(catalogue->ids,
												catalogue->header->nitems,
												list->items[rank].item);

			if (place >= 0)
				scores[place] += 1.0 / (FUSION_RANK + rank + 1);
		}
	}
}

/*
 * bd_hybrid_list
 *		A full list, for anybody.
 */
ItemList *
bd_hybrid_list(const ListRequest *request)
{
	Catalogue	catalogue;
	double	   *scores;
	int			n;

	bd_catalogue_get(request->bandit, &catalogue);
	n = catalogue.header->nitems;
	scores = palloc0(sizeof(double) * Max(n, 1));
	fuse(request, &catalogue, scores);
	for (int i = 0; i < n; i++)
	{
		int			place = catalogue.popular[i];

		if (scores[place] > 0)
			scores[place] += 1;
		else
			scores[place] = 1 - (i + 1.0) / (n + 1.0);
	}
	return bd_catalogue_top(request, &catalogue, scores);
}
