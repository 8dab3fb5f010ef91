/*-------------------------------------------------------------------------
 *
 * hybrid.c
 *		The arm hybrid: the control of every recommender, and what fills the
 *		lists that others leave short.
 *
 * The personal arms that are trained vote by reciprocal rank fusion
 * (Cormack, Clarke, Buettcher 2009; methods 16.7), their first 100 each:
 *
 *	  score(i) = sum over arms of 1 / (60 + rank of i)
 *
 * Then come the items with the best Bayesian average, for as long as there
 * are any that the user has not seen.  Must work with nothing trained, for
 * nobody in particular, and never raise where it can serve.
 *
 * src/hybrid.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#define RANK_OFFSET 60
#define VOTES_PER_ARM 100

/* Personal arms: lists for one user, NULL while not trained. */
typedef ItemList *(*PersonalArm) (const ListRequest *request, int elevel);

static const PersonalArm personal_arms[] = {
	bd_svd_trained_list,
	bd_item_cf_trained_list,
	bd_graph_trained_list,
	bd_embeddings_trained_list
};

static ItemList *collect_votes(const ListRequest *request);
static void add_popular(const ListRequest *request, ItemList *list);
static int	compare_items(const void *a, const void *b);
static int	compare_scores(const void *a, const void *b);
static bool contains(const ScoredItem *sorted, int n, int64 item);

/*
 * bd_hybrid_list
 *		n items, unless the catalogue has fewer that the user has not seen.
 */
ItemList *
bd_hybrid_list(const ListRequest *request)
{
	ItemList   *list = collect_votes(request);

	if (list->nitems < request->n)
		add_popular(request, list);
	return list;
}

/*
 * collect_votes
 *		The fused list of the personal arms, best first, at most n items.
 */
static ItemList *
collect_votes(const ListRequest *request)
{
	ItemList   *list = palloc0(sizeof(ItemList));
	ListRequest personal = *request;
	int			nvotes = 0;
	int			kept = 0;
	ScoredItem *votes = palloc(sizeof(ScoredItem) * VOTES_PER_ARM *
							   lengthof(personal_arms));

	personal.n = VOTES_PER_ARM;
	for (int a = 0; a < (int) lengthof(personal_arms); a++)
	{
		const ItemList *ranked = personal_arms[a] (&personal,
												   Min(bd_arm_error_level,
													   WARNING));

		for (int rank = 1; ranked != NULL && rank <= ranked->nitems; rank++)
		{
			votes[nvotes] = ranked->items[rank - 1];
			votes[nvotes].score = 1.0 / (RANK_OFFSET + rank);
			nvotes++;
		}
	}

	/* an item's votes side by side, the largest first: one order of sums */
	qsort(votes, nvotes, sizeof(ScoredItem), compare_items);
	for (int v = 0; v < nvotes; v++)
	{
		if (kept > 0 && votes[kept - 1].item == votes[v].item)
			votes[kept - 1].score += votes[v].score;
		else
			votes[kept++] = votes[v];
	}
	qsort(votes, kept, sizeof(ScoredItem), compare_scores);
	list->items = votes;
	list->nitems = Min(kept, request->n);
	return list;
}

/*
 * add_popular
 *		Fill up with the best rated items.
 *
 * Their scores go on where the votes end, as if popularity were one more
 * arm whose ranks begin after the first 100: lower than any vote, and
 * descending.
 */
static void
add_popular(const ListRequest *request, ItemList *list)
{
	const Catalogue *catalogue = bd_catalogue_get(request->bandit);
	int			nvoted = list->nitems;
	int			limit = Min(request->n, nvoted + catalogue->nitems);
	ScoredItem *voted = palloc(sizeof(ScoredItem) * Max(nvoted, 1));
	int			rank = RANK_OFFSET + VOTES_PER_ARM;

	memcpy(voted, list->items, sizeof(ScoredItem) * nvoted);
	qsort(voted, nvoted, sizeof(ScoredItem), compare_items);
	list->items = repalloc_huge(list->items,
								sizeof(ScoredItem) * Max(limit, 1));
	for (int p = 0; p < catalogue->nitems && list->nitems < limit; p++)
	{
		int			item = catalogue->popular[p];
		int64		id = catalogue->ids[item];

		if (bd_history_excludes(request->history, id) ||
			contains(voted, nvoted, id))
			continue;
		bd_catalogue_item(catalogue, item, 1.0 / ++rank,
						  &list->items[list->nitems++]);
	}
	pfree(voted);
}

/* By item, an item's larger score first. */
static int
compare_items(const void *a, const void *b)
{
	const ScoredItem *left = a;
	const ScoredItem *right = b;

	if (left->item != right->item)
		return left->item < right->item ? -1 : 1;
	return left->score > right->score ? -1 : left->score < right->score;
}

/* Best first; ties by item. */
static int
compare_scores(const void *a, const void *b)
{
	const ScoredItem *left = a;
	const ScoredItem *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->item < right->item ? -1 : left->item > right->item;
}

static bool
contains(const ScoredItem *sorted, int n, int64 item)
{
	int			low = 0;
	int			high = n;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (sorted[middle].item < item)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && sorted[low].item == item;
}
