/*-------------------------------------------------------------------------
 *
 * long_tail.c
 *		Good items outside the popular head, matched to the user's taste.
 *
 * score = quality x (1/2 + 1/2 x share of the user's attributes it covers)
 *
 * Quality is the Bayesian average scaled to 0 .. 1; the user's profile
 * spreads 1 over the attributes of each item of his history (methods 16.5;
 * Anderson 2006; Park and Tuzhilin 2008).  Without a history only quality
 * counts.
 *
 * src/long_tail.c
 *
 *-------------------------------------------------------------------------
 */
#include "model.h"

/* Ratings that an item of the tail needs before its quality says anything. */
#define MIN_RATINGS 3

static double *user_profile(const ListRequest *request,
							const Catalogue *catalogue);
static double covered(const Catalogue *catalogue, const double *profile,
					  int place);

/*
 * user_profile
 *		Shares of the attributes in the user's history; NULL without any.
 */
static double *
user_profile(const ListRequest *request, const Catalogue *catalogue)
{
	int32		most = -1;
	double	   *profile;
	double		sum = 0;

	for (int64 i = 0; i < catalogue->header->nlinks; i++)
		most = Max(most, catalogue->links[i]);
	if (most < 0)
		return NULL;
	profile = palloc0(sizeof(double) * (most + 1));
	for (int i = 0; i < request->history->nitems; i++)
	{
		int			place = bd_ratings_find(catalogue->ids,
											catalogue->header->nitems,
											request->history->items[i]);
		int			from = place < 0 ? 0 : catalogue->link_start[place];
		int			to = place < 0 ? 0 : catalogue->link_start[place + 1];

		for (int k = from; k < to; k++)
			profile[catalogue->links[k]] += 1.0 / (to - from);
		sum += to > from ? 1 : 0;
	}
	for (int k = 0; k <= most && sum > 0; k++)
		profile[k] /= sum;
	return sum > 0 ? profile : NULL;
}

static double
covered(const Catalogue *catalogue, const double *profile, int place)
{
	double		share = 0;

	for (int k = catalogue->link_start[place];
		 k < catalogue->link_start[place + 1]; k++)
		share += profile[catalogue->links[k]];
	return share;
}

/*
 * bd_long_tail_list
 *		The best of the tail for this user.
 */
ItemList *
bd_long_tail_list(const ListRequest *request)
{
	Catalogue	catalogue;
	const ModelHeader *header;
	double	   *profile;
	double	   *scores;
	double		range;

	bd_catalogue_get(request->bandit, &catalogue);
	header = catalogue.header;
	profile = user_profile(request, &catalogue);
	range = header->highest - header->lowest;
	scores = palloc0(sizeof(double) * Max(header->nitems, 1));
	for (int i = 0; i < header->nitems; i++)
	{
		double		quality;

		if (catalogue.head[i] || catalogue.counts[i] < MIN_RATINGS)
			continue;
		quality = range <= 0 ? 1 :
			(bd_catalogue_quality(&catalogue, i) - header->lowest) / range;
		scores[i] = quality * (profile == NULL ? 1 :
							   0.5 + 0.5 * covered(&catalogue, profile, i));
	}
	return bd_catalogue_top(request, &catalogue, scores);
}
