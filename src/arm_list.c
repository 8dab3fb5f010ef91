/*-------------------------------------------------------------------------
 *
 * arm_list.c
 *		What arms that are trained have in common when they serve.
 *
 * Their images number items from 0 in order of their ids.
 *
 * src/arm_list.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "utils/builtins.h"

static int	compare_known(const void *a, const void *b);

/*
 * bd_arm_require
 *		The list, or an error where the arm has none: it is not trained.
 */
ItemList *
bd_arm_require(const ListRequest *request, const char *arm, ItemList *list)
{
	if (list == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s of \"%s\" has not been trained", arm,
						request->bandit->name),
				 errhint("SELECT * FROM bandit.train(%s) trains it.",
						 quote_literal_cstr(request->bandit->name))));
	return list;
}

/*
 * bd_arm_require_part
 *		Raise unless the part that an arm serves from is trained.
 */
void
bd_arm_require_part(const ListRequest *request, const TrainableArm *part,
					const char *arm)
{
	static ItemList none;
	const void *trained = bd_model_get(request->bandit->name, part->kind,
									   ERROR);

	bd_arm_require(request, arm, trained != NULL ? &none : NULL);
}

/*
 * bd_arm_history
 *		The user's items that the image knows; returns their number.
 *
 * In order of their numbers, so that sums do not depend on the order of the
 * rows in the user's table.  A value that is missing where others have one
 * is NaN and says nothing; where none have, it is 1.
 */
int
bd_arm_history(const ListRequest *request, const int64 *ids, int nids,
			   KnownItem **known)
{
	const UserHistory *history = request->history;
	int			n = 0;

	*known = palloc(sizeof(KnownItem) * Max(history->nitems, 1));
	for (int h = 0; h < history->nitems; h++)
	{
		int			item = bd_ids_find(ids, nids, history->items[h]);
		double		value = history->values[h];

		if (item < 0)
			continue;
		(*known)[n].item = item;
		if (!request->bandit->recommender->has_value)
			(*known)[n].value = 1;
		else
			(*known)[n].value = fabs(value) < BD_VALUE_LIMIT ?
				value : NAN;
		(*known)[n].excluded = bd_history_excludes(history,
												   history->items[h]);
		n++;
	}
	qsort(*known, n, sizeof(KnownItem), compare_known);
	return n;
}

static int
compare_known(const void *a, const void *b)
{
	const KnownItem *left = a;
	const KnownItem *right = b;

	return left->item < right->item ? -1 : left->item > right->item;
}

/*
 * bd_arm_list
 *		The items that are best by their numbers in an image, best first.
 *
 * The catalogue is only needed for the items' keys.
 */
ItemList *
bd_arm_list(const ListRequest *request, const int64 *ids, TopList *best)
{
	const Catalogue *catalogue = NULL;
	ItemList   *list = palloc(sizeof(ItemList));

	bd_top_sort(best);
	if (request->bandit->recommender->by_key)
		catalogue = bd_catalogue_get(request->bandit);
	list->nitems = 0;
	list->items = palloc(sizeof(ScoredItem) * Max(best->n, 1));
	for (int i = 0; i < best->n; i++)
	{
		ScoredItem *item = &list->items[list->nitems];
		int64		id = ids[best->entries[i].index];
		int			number = 0;

		if (catalogue != NULL)
			number = bd_catalogue_find(catalogue, id);
		if (number < 0)
			continue;			/* gone since the arm was trained */
		item->item = id;
		item->key = catalogue ? bd_catalogue_key(catalogue, number) : NULL;
		item->score = best->entries[i].score;
		list->nitems++;
	}
	return list;
}
