/*-------------------------------------------------------------------------
 *
 * split.c
 *		Ratings apart: what is learnt from, and what it is tested on.
 *
 * The newest ratings of every user are kept back, so that an arm is asked
 * what it would be asked when it serves: what comes next.
 *
 * src/split.c
 *
 *-------------------------------------------------------------------------
 */
#include "split.h"

#include "utils/memutils.h"

/* A rating on its way to its place by item. */
typedef struct RowRating
{
	int32		item;
	float		value;
} RowRating;

static void *numbers(Size width, int64 n);
static int64 test_count(int64 n, double share);
static void take_tests(const RatingTable *all, int user,
					   RatingSplit *split);
static void count_train(RatingTable *train, const RatingTable *all);
static void sort_row(RatingTable *train, int user, RowRating *row);
static int	compare_row_items(const void *a, const void *b);

static void *
numbers(Size width, int64 n)
{
	return palloc_extended(width * Max(n, 1),
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* How many of a user's n ratings are tests; 0.2 of 5 is 1. */
static int64
test_count(int64 n, double share)
{
	return (int64) ((double) n * share + 1e-9);
}

/*
 * bd_ratings_split
 *		Keep the last "share" of each user's ratings back, rounded down.
 *
 * "all" has each user's ratings in order of time, and is used up.  Items that
 * only tests know are not items of train.
 */
void
bd_ratings_split(RatingTable *all, double share, RatingSplit *split)
{
	RatingTable *train = palloc(sizeof(RatingTable));
	int64		ntests = 0;
	int64		n = 0;

	split->train = train;
	split->test_start = numbers(sizeof(int64), (int64) all->nusers + 1);
	for (int u = 0; u < all->nusers; u++)
	{
		split->test_start[u] = ntests;
		ntests += test_count(all->user_start[u + 1] - all->user_start[u],
							 share);
	}
	split->test_start[all->nusers] = ntests;
	split->test_ids = numbers(sizeof(int64), ntests);
	split->test_values = numbers(sizeof(float), ntests);

	/* what is learnt from moves up over what is not */
	*train = *all;
	train->user_start = numbers(sizeof(int64), (int64) all->nusers + 1);
	for (int u = 0; u < all->nusers; u++)
	{
		int64		first = all->user_start[u];
		int64		kept = all->user_start[u + 1] - first -
		(split->test_start[u + 1] - split->test_start[u]);

		take_tests(all, u, split);
		train->user_start[u] = n;
		memmove(train->items + n, all->items + first, sizeof(int32) * kept);
		memmove(train->values + n, all->values + first, sizeof(float) * kept);
		n += kept;
	}
	train->user_start[all->nusers] = n;
	train->nratings = n;
	count_train(train, all);
}

static void
take_tests(const RatingTable *all, int user, RatingSplit *split)
{
	int64		ntests = split->test_start[user + 1] - split->test_start[user];
	int64		from = all->user_start[user + 1] - ntests;

	for (int64 t = 0; t < ntests; t++)
	{
		split->test_ids[split->test_start[user] + t] =
			all->item_ids[all->items[from + t]];
		split->test_values[split->test_start[user] + t] =
			all->values[from + t];
	}
}

/* Number the items that are left, and count and sum what they have. */
static void
count_train(RatingTable *train, const RatingTable *all)
{
	int32	   *renumbered = numbers(sizeof(int32), all->nitems);
	int64		longest = 0;
	RowRating  *row;

	for (int64 r = 0; r < train->nratings; r++)
		renumbered[train->items[r]] = 1;
	train->item_ids = numbers(sizeof(int64), all->nitems);
	train->nitems = 0;
	for (int i = 0; i < all->nitems; i++)
	{
		if (renumbered[i] == 0)
			continue;
		train->item_ids[train->nitems] = all->item_ids[i];
		renumbered[i] = train->nitems++;
	}

	train->counts = numbers(sizeof(int32), train->nitems);
	train->sums = numbers(sizeof(double), train->nitems);
	train->sum = 0;
	for (int64 r = 0; r < train->nratings; r++)
	{
		float		value = train->values[r];
		int32		item = renumbered[train->items[r]];

		train->items[r] = item;
		train->counts[item]++;
		train->sums[item] += value;
		train->sum += value;
		train->lowest = r == 0 ? value : Min(train->lowest, value);
		train->highest = r == 0 ? value : Max(train->highest, value);
	}
	for (int u = 0; u < train->nusers; u++)
		longest = Max(longest, train->user_start[u + 1] - train->user_start[u]);
	row = numbers(sizeof(RowRating), longest);
	for (int u = 0; u < train->nusers; u++)
		sort_row(train, u, row);
	pfree(row);
	pfree(renumbered);
}

/* A user's ratings by item, as everybody expects them. */
static void
sort_row(RatingTable *train, int user, RowRating *row)
{
	int64		first = train->user_start[user];
	int64		n = train->user_start[user + 1] - first;

	for (int64 i = 0; i < n; i++)
	{
		row[i].item = train->items[first + i];
		row[i].value = train->values[first + i];
	}
	qsort(row, n, sizeof(RowRating), compare_row_items);
	for (int64 i = 0; i < n; i++)
	{
		train->items[first + i] = row[i].item;
		train->values[first + i] = row[i].value;
	}
}

static int
compare_row_items(const void *a, const void *b)
{
	const RowRating *left = a;
	const RowRating *right = b;

	return left->item < right->item ? -1 : left->item > right->item;
}
