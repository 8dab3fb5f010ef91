/*-------------------------------------------------------------------------
 *
 * top_list.c
 *		The n best of many, kept while they pass by.
 *
 * A heap whose first entry is the worst kept: adding costs log n at most and
 * nothing for what is not good enough.  The order is total (equal scores go
 * by index), so the result does not depend on the order of arrival.
 *
 * src/top_list.c
 *
 *-------------------------------------------------------------------------
 */
#include "top_list.h"

static bool worse(const TopEntry *a, const TopEntry *b);
static void sink(TopEntry *entries, int n, TopEntry entry);

/*
 * bd_top_start
 *		An empty list over the caller's array of "limit" entries.
 */
void
bd_top_start(TopList *list, TopEntry *entries, int limit)
{
	list->n = 0;
	list->limit = limit;
	list->entries = entries;
}

static bool
worse(const TopEntry *a, const TopEntry *b)
{
	return a->score < b->score ||
		(a->score == b->score && a->index > b->index);
}

/*
 * bd_top_admits
 *		Would this entry be kept if it were added now?
 */
bool
bd_top_admits(const TopList *list, double score, int index)
{
	TopEntry	entry = {score, index};

	if (list->n < list->limit)
		return true;
	return list->limit > 0 && worse(&list->entries[0], &entry);
}

/*
 * bd_top_add
 *		Add an entry; when the list is full the worst one goes.
 */
void
bd_top_add(TopList *list, double score, int index)
{
	TopEntry	entry = {score, index};
	TopEntry   *entries = list->entries;
	int			child = list->n;

	if (!bd_top_admits(list, score, index))
		return;
	if (list->n == list->limit)
	{
		sink(entries, list->n, entry);
		return;
	}
	list->n++;
	while (child > 0 && worse(&entry, &entries[(child - 1) / 2]))
	{
		entries[child] = entries[(child - 1) / 2];
		child = (child - 1) / 2;
	}
	entries[child] = entry;
}

/* Put an entry in the place of the first one and restore the heap. */
static void
sink(TopEntry *entries, int n, TopEntry entry)
{
	int			parent = 0;
	int			child;

	while ((child = 2 * parent + 1) < n)
	{
		if (child + 1 < n && worse(&entries[child + 1], &entries[child]))
			child++;
		if (!worse(&entries[child], &entry))
			break;
		entries[parent] = entries[child];
		parent = child;
	}
	entries[parent] = entry;
}

/*
 * bd_top_sort
 *		Best first.  The list is then no heap any more: nothing can be added.
 */
void
bd_top_sort(TopList *list)
{
	for (int last = list->n - 1; last > 0; last--)
	{
		TopEntry	worst = list->entries[0];

		sink(list->entries, last, list->entries[last]);
		list->entries[last] = worst;
	}
}
