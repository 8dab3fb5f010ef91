/*-------------------------------------------------------------------------
 *
 * top_list.h
 *		The n best of many, kept while they pass by.
 *
 * Pure: no server, no allocation, so that it runs in a unit test.
 *
 * src/top_list.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_TOP_LIST_H
#define BANDIT_TOP_LIST_H

#include <stdbool.h>

/* Higher scores are better; among equal ones the lower index. */
typedef struct TopEntry
{
	double		score;
	int			index;
} TopEntry;

typedef struct TopList
{
	int			n;
	int			limit;
	TopEntry   *entries;		/* room for "limit"; a heap, the worst first */
} TopList;

extern void bd_top_start(TopList *list, TopEntry *entries, int limit);
extern bool bd_top_admits(const TopList *list, double score, int index);
extern void bd_top_add(TopList *list, double score, int index);
extern void bd_top_sort(TopList *list);

#endif							/* BANDIT_TOP_LIST_H */
