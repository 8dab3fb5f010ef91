/*-------------------------------------------------------------------------
 *
 * svd.c
 *		The arm svd: matrix factorisation, one for lists and one for ratings.
 *
 * Lists by predicted rating are poor, so they come from a factorisation made
 * for ranking: a user's values times the directions in which users differ
 * most (basis.c; methods 16.1).  The other one predicts ratings
 * (factorise.c), for bandit.evaluate and for arms that ask how much a user
 * would like an item.  Both know items only; what a user has is folded in
 * when he asks, so nothing is stale about him and nobody is unknown.
 *
 * On MovieLens small, split by time: recall@20 0.152, NDCG@20 0.122; RMSE
 * 0.886.
 *
 * src/svd.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "basis.h"
#include "miscadmin.h"
#include "options.h"

/* Sweeps after which the directions for lists do not move any more. */
#define TURNS 8

/*
 * There are that many times fewer directions than users, and than items: with
 * as many, everybody would like just what he has.
 */
#define FEWER 4

/* The image's arrays, in this order. */
enum
{
	SVD_FACTS,
	SVD_IDS,
	SVD_CANDIDATES,
	SVD_DIRECTIONS,
	SVD_LENGTHS,
	SVD_BIASES,
	SVD_FACTORS,
	SVD_NARRAYS
};

typedef struct SvdFacts
{
	int32		rank;			/* of the factors for ratings */
	int32		ndirections;	/* for lists */
	int64		predicts;		/* ratings had values to factorise */
	double		mean;
	double		ridge;
	double		lowest;			/* rating seen */
	double		highest;
} SvdFacts;

typedef struct Svd
{
	int			nitems;
	const SvdFacts *facts;
	const int64 *ids;			/* ascending */
	const uint8 *candidates;	/* by item: in the catalogue? */
	const float *directions;	/* by item, for lists */
	const float *lengths;		/* of those, by item */
	const float *biases;
	const float *factors;		/* by item, for ratings */
} Svd;

/* The user's ratings, folded in. */
typedef struct FoldedUser
{
	float		bias;
	float	   *factors;
} FoldedUser;

static void *decode(const ModelImage *image);
static bytea *make(const TrainInput *input);
static void require_memory(const TrainInput *input, int rank);
static float *find_directions(const TrainInput *input, int rank, uint64 seed);
static float *measure(const float *directions, int nitems, int ndirections);
static float *find_taste(const Svd *model, const KnownItem *known, int nknown);
static void sum_users(BanditBasis *basis, const TrainInput *input, int turn);
static void factorise(const TrainInput *input, SvdFacts *facts, uint64 seed,
					  float **biases, float **factors);
static void sweep(BanditFactors *model, BanditSide *side, Progress *progress,
				  int iteration, int niterations);
static void *numbers(Size width, int64 n);
static void fold_in(const Svd *model, const KnownItem *known, int nknown,
					FoldedUser *user);

static const ModelKind kind = {"svd", 1, SVD_NARRAYS, decode};

const TrainableArm bd_svd_trainable = {"svd", &kind, make};

/* ----------------------------------------------------------------
 * training
 * ----------------------------------------------------------------
 */

/* See TrainableArm. */
static bytea *
make(const TrainInput *input)
{
	const RatingTable *ratings = input->ratings;
	const Bandit *bandit = input->bandit;
	uint64		seed = (uint64) bd_option(bandit, "svd", "seed");
	int			nitems = ratings->nitems;
	SvdFacts	facts = {0};
	uint8	   *candidates = numbers(sizeof(uint8), nitems);
	float	   *directions;
	float	   *lengths;
	float	   *biases;
	float	   *factors;
	int64		ndirections;
	int64		nfactors;

	facts.rank = (int32) bd_option(bandit, "svd", "rank");
	facts.ridge = bd_option(bandit, "svd", "regularisation");
	facts.lowest = ratings->lowest;
	facts.highest = ratings->highest;
	facts.predicts = ratings->lowest < ratings->highest;
	facts.ndirections = Max(1, Min(facts.rank, Min(ratings->nusers, nitems) / FEWER));
	require_memory(input, facts.rank);
	for (int i = 0; i < nitems; i++)
		candidates[i] = bd_catalogue_find(input->catalogue,
										  ratings->item_ids[i]) >= 0;
	directions = find_directions(input, facts.ndirections, seed);
	lengths = measure(directions, nitems, facts.ndirections);
	factorise(input, &facts, seed, &biases, &factors);

	ndirections = (int64) nitems * facts.ndirections;
	nfactors = facts.predicts ? (int64) nitems * facts.rank : 0;
	{
		const ImageArray arrays[SVD_NARRAYS] = {
			[SVD_FACTS] = {&facts, 1, sizeof(SvdFacts)},
			[SVD_IDS] = {ratings->item_ids, nitems, sizeof(int64)},
			[SVD_CANDIDATES] = {candidates, nitems, sizeof(uint8)},
			[SVD_DIRECTIONS] = {directions, ndirections, sizeof(float)},
			[SVD_LENGTHS] = {lengths, nitems, sizeof(float)},
			[SVD_BIASES] = {biases, facts.predicts ? nitems : 0, sizeof(float)},
			[SVD_FACTORS] = {factors, nfactors, sizeof(float)}
		};

		return bd_image_make(&kind, arrays);
	}
}

static void *
numbers(Size width, int64 n)
{
	return palloc_extended(width * Max(n, 1), MCXT_ALLOC_HUGE);
}

/*
 * require_memory
 *		Refuse what would take more than maintenance_work_mem.
 *
 * Counted are the ratings by item and the factors of both sides, which is
 * the most that is there at one time, the ratings by user and the catalogue
 * aside.
 */
static void
require_memory(const TrainInput *input, int rank)
{
	const RatingTable *ratings = input->ratings;
	int64		directions = (int64) ratings->nitems *
	(2 * (rank + BASIS_MORE) + rank) * sizeof(float);
	int64		factors = ratings->nratings * (sizeof(int32) + sizeof(float)) +
	((int64) ratings->nitems * (2 * rank + 1) +
	 (int64) ratings->nusers * (rank + 1)) * sizeof(float);
	int64		needed = Max(directions, factors) / 1024 + 1;

	ereport(DEBUG1,
			(errmsg_internal("svd: up to %lld kB to train on %lld ratings of %d users and %d items",
							 (long long) needed, (long long) ratings->nratings,
							 ratings->nusers, ratings->nitems)));
	if (needed > maintenance_work_mem)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("training svd takes %lld MB, and maintenance_work_mem is %d MB",
						(long long) needed / 1024 + 1,
						maintenance_work_mem / 1024),
				 errhint("Raise maintenance_work_mem for this session, or lower the arm's option rank, which is %d.",
						 rank)));
}

/* The directions for lists: nitems * rank numbers. */
static float *
find_directions(const TrainInput *input, int rank, uint64 seed)
{
	int			width = rank + BASIS_MORE;
	int64		nitems = input->ratings->nitems;
	BanditBasis basis = {.nitems = (int) nitems, .rank = rank, .width = width};
	float	   *result = numbers(sizeof(float), nitems * rank);

	basis.vectors = numbers(sizeof(float), nitems * width);
	basis.images = numbers(sizeof(float), nitems * width);
	basis.scratch = palloc(bd_basis_scratch(rank));
	bd_basis_start(&basis, seed);
	for (int turn = 0; turn < TURNS; turn++)
	{
		sum_users(&basis, input, turn);
		bd_basis_turn(&basis);
	}
	sum_users(&basis, input, TURNS);
	bd_basis_finish(&basis, result);
	pfree(basis.vectors);
	pfree(basis.images);
	pfree(basis.scratch);
	return result;
}

static float *
measure(const float *directions, int nitems, int ndirections)
{
	float	   *lengths = numbers(sizeof(float), nitems);

	for (int i = 0; i < nitems; i++)
	{
		const float *direction = directions + (int64) i * ndirections;

		lengths[i] = sqrtf(bd_dot(direction, direction, ndirections));
	}
	return lengths;
}

static void
sum_users(BanditBasis *basis, const TrainInput *input, int turn)
{
	const RatingTable *ratings = input->ratings;

	bd_basis_clear(basis);
	for (int u = 0; u < ratings->nusers; u++)
	{
		int64		first = ratings->user_start[u];

		CHECK_FOR_INTERRUPTS();
		bd_basis_add(basis, ratings->items + first, ratings->values + first,
					 ratings->user_start[u + 1] - first);
		if (u % 1024 == 1023 && bd_progress_due(input->progress))
			ereport(NOTICE,
					(errmsg("svd: lists, turn %d of %d, %d of %d users",
							turn + 1, TURNS + 1, u, ratings->nusers)));
	}
}

/* The biases and factors for ratings; facts gets their mean. */
static void
factorise(const TrainInput *input, SvdFacts *facts, uint64 seed,
		  float **biases, float **factors)
{
	const RatingTable *ratings = input->ratings;
	int			niterations = (int) bd_option(input->bandit, "svd",
											  "iterations");
	BanditFactors model = {.rank = facts->rank, .ridge = facts->ridge};

	*biases = *factors = NULL;
	if (!facts->predicts)
		return;
	model.scratch = palloc(bd_factors_scratch(model.rank));
	bd_ratings_sides(ratings, &model.users, &model.items);
	model.users.bias = numbers(sizeof(float), model.users.n);
	model.items.bias = numbers(sizeof(float), model.items.n);
	model.users.factors = numbers(sizeof(float),
								  (int64) model.users.n * model.rank);
	model.items.factors = numbers(sizeof(float),
								  (int64) model.items.n * model.rank);
	bd_factors_start(&model, seed);
	for (int i = 0; i < niterations; i++)
	{
		sweep(&model, &model.users, input->progress, i, niterations);
		sweep(&model, &model.items, input->progress, i, niterations);
	}
	facts->mean = model.mean;
	*biases = model.items.bias;
	*factors = model.items.factors;
}

static void
sweep(BanditFactors *model, BanditSide *side, Progress *progress,
	  int iteration, int niterations)
{
	for (int row = 0; row < side->n; row++)
	{
		CHECK_FOR_INTERRUPTS();
		bd_factors_solve(model, side, row);
		if (row % 256 == 255 && bd_progress_due(progress))
			ereport(NOTICE,
					(errmsg("svd: ratings, iteration %d of %d",
							iteration + 1, niterations)));
	}
}

/* See ModelKind. */
static void *
decode(const ModelImage *image)
{
	Svd		   *model = palloc(sizeof(Svd));
	int64		one = 1;
	int64		nitems = -1;
	int64		ndirections;
	int64		npredicted;

	model->facts = bd_image_array(image, SVD_FACTS, sizeof(SvdFacts), &one);
	model->ids = bd_image_array(image, SVD_IDS, sizeof(int64), &nitems);
	if (model->facts == NULL || model->ids == NULL ||
		model->facts->rank < 1 || model->facts->rank > 10000 ||
		model->facts->ndirections < 1 || model->facts->ndirections > 10000)
		return NULL;
	model->candidates = bd_image_array(image, SVD_CANDIDATES, sizeof(uint8),
									   &nitems);
	ndirections = nitems * model->facts->ndirections;
	model->directions = bd_image_array(image, SVD_DIRECTIONS, sizeof(float),
									   &ndirections);
	model->lengths = bd_image_array(image, SVD_LENGTHS, sizeof(float), &nitems);
	npredicted = model->facts->predicts ? nitems : 0;
	model->biases = bd_image_array(image, SVD_BIASES, sizeof(float),
								   &npredicted);
	npredicted *= model->facts->rank;
	model->factors = bd_image_array(image, SVD_FACTORS, sizeof(float),
									&npredicted);
	if (model->candidates == NULL || model->directions == NULL ||
		model->lengths == NULL || model->biases == NULL || model->factors == NULL)
		return NULL;
	model->nitems = (int) nitems;
	return model;
}

/* ----------------------------------------------------------------
 * lists
 * ----------------------------------------------------------------
 */

/*
 * bd_svd_list
 *		The arm's list; raises when it has not been trained.
 */
ItemList *
bd_svd_list(const ListRequest *request)
{
	return bd_arm_require(request, "svd", bd_svd_trained_list(request, ERROR));
}

/*
 * bd_svd_trained_list
 *		The arm's list, or NULL when it has not been trained.
 *
 * A trained part that cannot be used is told at "elevel".  For a user without
 * items that the image knows, an empty list.
 */
ItemList *
bd_svd_trained_list(const ListRequest *request, int elevel)
{
	const Svd  *model = bd_model_get(request->bandit->name, &kind, elevel);
	KnownItem  *known;
	float	   *taste;
	TopList		best;
	int			nknown;
	int			seen = 0;
	int			ndirections;
	int			limit;

	if (model == NULL)
		return NULL;
	ndirections = model->facts->ndirections;
	limit = Min(request->n, model->nitems);
	bd_top_start(&best, palloc(sizeof(TopEntry) * Max(limit, 1)), limit);
	nknown = bd_arm_history(request, model->ids, model->nitems, &known);

	taste = find_taste(model, known, nknown);
	for (int item = 0; item < model->nitems && nknown > 0; item++)
	{
		float		score;

		if (item % 65536 == 65535)
			CHECK_FOR_INTERRUPTS();
		if (seen < nknown && known[seen].item == item)
		{
			if (known[seen++].excluded)
				continue;
		}
		score = bd_dot(taste, model->directions +
					   (int64) item * ndirections, ndirections);
		if (score > 0 && model->candidates[item])
			bd_top_add(&best, score, item);
	}
	return bd_arm_list(request, model->ids, &best);
}

/* What the user's values add up to, in the directions for lists. */
static float *
find_taste(const Svd *model, const KnownItem *known, int nknown)
{
	int			ndirections = model->facts->ndirections;
	float	   *taste = palloc0(sizeof(float) * ndirections);

	for (int k = 0; k < nknown; k++)
		for (int i = 0; i < ndirections && !isnan(known[k].value); i++)
			taste[i] += known[k].value *
				model->directions[(int64) known[k].item * ndirections + i];
	return taste;
}

/*
 * bd_svd_affinities
 *		How near each of n items, by ascending id, is to the user's taste: the
 *		cosine, 0 for an item that nobody rated.
 *
 * Unlike the scores of lists, this does not grow with how popular an item is.
 * False if it is not known: not trained, or the user has nothing.
 */
bool
bd_svd_affinities(const ListRequest *request, const int64 *items, int n,
				  double *affinities)
{
	const Svd  *model = bd_model_get(request->bandit->name, &kind,
									 Min(bd_arm_error_level, WARNING));
	KnownItem  *known;
	float	   *taste;
	float		length;
	int			ndirections;
	int			nknown;
	int			m = 0;

	if (model == NULL)
		return false;
	nknown = bd_arm_history(request, model->ids, model->nitems, &known);
	ndirections = model->facts->ndirections;
	taste = find_taste(model, known, nknown);
	length = sqrtf(bd_dot(taste, taste, ndirections));
	if (!(length > 0))
		return false;
	for (int i = 0; i < n; i++)
	{
		while (m < model->nitems && model->ids[m] < items[i])
			m++;
		affinities[i] = 0;
		if (m < model->nitems && model->ids[m] == items[i] &&
			model->lengths[m] > 0)
			affinities[i] = bd_dot(taste, model->directions +
								   (int64) m * ndirections, ndirections) /
				(length * model->lengths[m]);
	}
	return true;
}

/* ----------------------------------------------------------------
 * ratings
 * ----------------------------------------------------------------
 */

/* The user's bias and factors, from the ratings he has now. */
static void
fold_in(const Svd *model, const KnownItem *known, int nknown, FoldedUser *user)
{
	int			rank = model->facts->rank;
	int64		start[2] = {0, 0};
	int32	   *other = palloc(sizeof(int32) * Max(nknown, 1));
	float	   *rating = palloc(sizeof(float) * Max(nknown, 1));
	BanditFactors factors = {.rank = rank, .ridge = model->facts->ridge,
	.mean = model->facts->mean};
	BanditSide	side = {.n = 1, .start = start, .other = other, .rating = rating};

	for (int k = 0; k < nknown; k++)
	{
		if (isnan(known[k].value))
			continue;
		other[start[1]] = known[k].item;
		rating[start[1]++] = (float) known[k].value;
	}
	user->factors = palloc(sizeof(float) * rank);
	side.bias = &user->bias;
	side.factors = user->factors;
	factors.items.n = model->nitems;
	factors.items.bias = unconstify(float *, model->biases);
	factors.items.factors = unconstify(float *, model->factors);
	factors.scratch = palloc(bd_factors_scratch(rank));
	bd_factors_user_bias(&factors, &side, 0);
	bd_factors_solve(&factors, &side, 0);
}

/*
 * bd_svd_predict
 *		What the user would rate each of n items, within the values seen in
 *		training; false if that is not known: not trained, or no ratings had
 *		values.
 *
 * An item that was not rated in training gets the mean and the user's bias.
 */
bool
bd_svd_predict(const ListRequest *request, const int64 *items, int n,
			   double *predicted)
{
	const Svd  *model = bd_model_get(request->bandit->name, &kind, WARNING);
	KnownItem  *known;
	FoldedUser	user;
	int			nknown;
	int			rank;

	if (model == NULL || !model->facts->predicts)
		return false;
	rank = model->facts->rank;
	nknown = bd_arm_history(request, model->ids, model->nitems, &known);
	fold_in(model, known, nknown, &user);
	for (int i = 0; i < n; i++)
	{
		int			item = bd_ids_find(model->ids, model->nitems, items[i]);
		double		sum = model->facts->mean + user.bias;

		CHECK_FOR_INTERRUPTS();
		if (item >= 0)
			sum += model->biases[item] +
				bd_dot(user.factors, model->factors + (int64) item * rank, rank);
		predicted[i] = Min(Max(sum, model->facts->lowest),
						   model->facts->highest);
	}
	return true;
}
