/*-------------------------------------------------------------------------
 *
 * evaluate.c
 *		bandit.evaluate: how good the built-in arms' lists and predictions are.
 *
 * The newest ratings of every user are kept back; the arms are trained on the
 * others, in memory, and asked for what was kept back.  Nothing is stored,
 * and what is in service stays in service.
 *
 * Of a user's test items those that he liked are relevant.  Over users with a
 * relevant item:
 *
 *	  recall	relevant items in the list, of all that are relevant
 *	  ndcg		sum of 1 / log2(1 + place) over relevant items in the list, of
 *				what the best list of that length would have (Jarvelin and
 *				Kekalainen 2002)
 *	  hit_rate	users with a relevant item in their list
 *
 * Over the lists of all users:
 *
 *	  coverage	different items in them, of the items rated in training
 *	  novelty	mean of -log2 of the share of users who rated the item in
 *				training (Vargas and Castells 2011), of items somebody rated
 *
 * Over all test ratings, of arms that predict: rmse and mae.
 *
 * src/evaluate.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "options.h"
#include "split.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_evaluate);

#define POPULARITY "popularity"

/* One call of evaluate. */
typedef struct Evaluation
{
	Bandit	   *bandit;
	ReturnSetInfo *result;
	int			n;				/* places of a list */
	double		share;			/* of tests */
	double		liked_from;		/* the least value of a liked item */
	RatingSplit split;
	const Catalogue *catalogue;
	int32	   *popular;		/* items of train, the most rated first */
	Progress	progress;
} Evaluation;

/* What has been measured of one arm. */
typedef struct Measured
{
	const char *arm;
	int			nusers;			/* with a relevant item */
	double		recall;
	double		ndcg;
	int			nhits;
	uint8	   *listed;			/* by item of train: was in a list */
	int			nlisted;
	int64		nknown;			/* places with an item of train */
	double		surprise;
	int64		npredicted;
	double		squares;
	double		absolutes;
} Measured;

static void read_arguments(FunctionCallInfo fcinfo, Evaluation *evaluation);
static double default_liked_from(const Bandit *bandit);
static List *wanted_arms(FunctionCallInfo fcinfo, const Bandit *bandit);
static void prepare(Evaluation *evaluation);
static void rank_popular(Evaluation *evaluation);
static void evaluate_arm(Evaluation *evaluation, const char *arm);
static List *train_parts(Evaluation *evaluation, const char *arm);
static void evaluate_user(Evaluation *evaluation, Measured *measured, int user);
static UserHistory *train_history(const Evaluation *evaluation, int user);
static ItemList *popularity_list(const Evaluation *evaluation,
								 const ListRequest *request);
static void measure_list(const Evaluation *evaluation, Measured *measured,
						 int user, const ItemList *list);
static void measure_items(const Evaluation *evaluation, Measured *measured,
						  const ItemList *list);
static bool is_relevant(const Evaluation *evaluation, int user, int64 item);
static void measure_predictions(const Evaluation *evaluation,
								Measured *measured, int user,
								const ListRequest *request);
static void report(const Evaluation *evaluation, const Measured *measured);

/*
 * evaluate(name text, arms text[], n int, test_share float8,
 *			liked_from float8)
 *		-> (arm, users, recall, ndcg, hit_rate, coverage, novelty, rmse, mae)
 */
Datum
bandit_evaluate(PG_FUNCTION_ARGS)
{
	Evaluation	evaluation = {0};
	MemoryContext context;
	MemoryContext old;
	List	   *arms;
	ListCell   *cell;

	read_arguments(fcinfo, &evaluation);
	InitMaterializedSRF(fcinfo, 0);
	evaluation.result = (ReturnSetInfo *) fcinfo->resultinfo;
	context = AllocSetContextCreate(CurrentMemoryContext, "bandit evaluation",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	arms = wanted_arms(fcinfo, evaluation.bandit);
	prepare(&evaluation);
	foreach(cell, arms)
		evaluate_arm(&evaluation, lfirst(cell));
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

static void
read_arguments(FunctionCallInfo fcinfo, Evaluation *evaluation)
{
	static const char *const names[] = {"name"};

	bd_require_arguments(fcinfo, 1, names);
	evaluation->bandit =
		bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	evaluation->n = PG_ARGISNULL(2) ? 20 : PG_GETARG_INT32(2);
	evaluation->share = PG_ARGISNULL(3) ? 0.2 : PG_GETARG_FLOAT8(3);
	evaluation->liked_from = PG_ARGISNULL(4) ?
		default_liked_from(evaluation->bandit) : PG_GETARG_FLOAT8(4);
	if (evaluation->n < 1 || evaluation->n > 1000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("n must be from 1 to 1000, not %d", evaluation->n)));
	if (!(evaluation->share > 0 && evaluation->share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("test_share must be between 0 and 1, not %g",
						evaluation->share)));
	if (isnan(evaluation->liked_from))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("liked_from must be a number")));
	evaluation->progress.said_at = GetCurrentTimestamp();
}

/* A rating that is a success; else one above the neutral value. */
static double
default_liked_from(const Bandit *bandit)
{
	const OutcomeRule *rule = bd_settings_rule(bandit, "rating");

	if (!bandit->recommender->has_value)
		return -INFINITY;
	return rule != NULL && rule->has_success ? rule->success_from :
		nextafter(bandit->recommender->neutral_value, INFINITY);
}

/* popularity, and the built-in arms given, or all that the bandit has. */
static List *
wanted_arms(FunctionCallInfo fcinfo, const Bandit *bandit)
{
	List	   *arms = list_make1(POPULARITY);
	Datum	   *names;
	int			nnames;

	if (PG_ARGISNULL(1))
	{
		for (int i = 0; i < bandit->narms; i++)
			if (bandit->arms[i].source != NULL &&
				bd_builtin_arm(bandit->arms[i].source))
				arms = lappend(arms, bandit->arms[i].source);
		return arms;
	}
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &names, NULL, &nnames);
	for (int i = 0; i < nnames; i++)
	{
		char	   *arm = TextDatumGetCString(names[i]);

		if (!bd_builtin_arm(arm) && strcmp(arm, POPULARITY) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("arm \"%s\" is not built in", arm),
					 errdetail("A function of your own would see the ratings that are kept back."),
					 errhint("bandit.builtin_arms() lists those that can be evaluated; hybrid is one more.")));
		if (strcmp(arm, POPULARITY) != 0)
			arms = lappend(arms, arm);
	}
	return arms;
}

/* Read the ratings, keep the tests back, make the catalogue. */
static void
prepare(Evaluation *evaluation)
{
	const Recommender *rec = evaluation->bandit->recommender;
	RatingTable *all = bd_ratings_load(&rec->timed_query, &evaluation->progress);
	bytea	   *image;

	bd_ratings_split(all, evaluation->share, &evaluation->split);
	image = bd_catalogue_make(&rec->items_query, PG_INT64_MAX,
							  evaluation->split.train, rec->by_key,
							  bd_option(evaluation->bandit, "long_tail",
										"head_share"));
	evaluation->catalogue = bd_image_decode(&bd_catalogue_kind, image);
	if (evaluation->catalogue == NULL)
		elog(ERROR, "the catalogue cannot be read back");
	rank_popular(evaluation);
}

static void
rank_popular(Evaluation *evaluation)
{
	const RatingTable *train = evaluation->split.train;
	TopEntry   *entries = palloc_extended(sizeof(TopEntry) *
										  Max(train->nitems, 1),
										  MCXT_ALLOC_HUGE);
	TopList		list;

	bd_top_start(&list, entries, train->nitems);
	for (int i = 0; i < train->nitems; i++)
		bd_top_add(&list, train->counts[i], i);
	bd_top_sort(&list);
	evaluation->popular = palloc_extended(sizeof(int32) *
										  Max(train->nitems, 1),
										  MCXT_ALLOC_HUGE);
	for (int i = 0; i < list.n; i++)
		evaluation->popular[i] = entries[i].index;
	pfree(entries);
}

/*
 * evaluate_arm
 *		Train one arm, ask it for every user, and report.
 */
static void
evaluate_arm(Evaluation *evaluation, const char *arm)
{
	const RatingTable *train = evaluation->split.train;
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(outer, "bandit arm",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext each = AllocSetContextCreate(scratch, "bandit list",
											   ALLOCSET_DEFAULT_SIZES);
	Measured	measured = {.arm = arm};

	MemoryContextSwitchTo(scratch);
	measured.listed = palloc0(Max(train->nitems, 1));
	PG_TRY();
	{
		bd_model_substitute(evaluation->bandit->name,
							train_parts(evaluation, arm));
		MemoryContextSwitchTo(each);
		for (int u = 0; u < train->nusers; u++)
		{
			CHECK_FOR_INTERRUPTS();
			evaluate_user(evaluation, &measured, u);
			MemoryContextReset(each);
			if (bd_progress_due(&evaluation->progress))
				ereport(NOTICE,
						(errmsg("%s: %d of %d users", arm, u + 1,
								train->nusers)));
		}
	}
	PG_FINALLY();
	{
		bd_model_substitute(NULL, NIL);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(outer);
	report(evaluation, &measured);
	MemoryContextDelete(scratch);
}

/* The catalogue, and what the arm is trained for: SubstituteParts. */
static List *
train_parts(Evaluation *evaluation, const char *arm)
{
	TrainInput	input = {
		.bandit = evaluation->bandit,
		.ratings = evaluation->split.train,
		.catalogue = evaluation->catalogue,
		.progress = &evaluation->progress
	};
	List	   *parts = list_make1(bd_model_part(&bd_catalogue_kind,
												 evaluation->catalogue));
	const TrainableArm *part;

	for (int i = 0; (part = bd_trainable(i)) != NULL; i++)
	{
		const void *decoded;

		if (!bd_train_needs(evaluation->bandit, arm, part))
			continue;
		decoded = bd_image_decode(part->kind, part->make(&input));
		if (decoded == NULL)
			elog(ERROR, "\"%s\" cannot be read back", part->kind->name);
		parts = lappend(parts, bd_model_part(part->kind, decoded));
	}
	return parts;
}

static void
evaluate_user(Evaluation *evaluation, Measured *measured, int user)
{
	ListRequest request = {.bandit = evaluation->bandit, .n = evaluation->n};
	ItemList   *list;

	request.user.id = evaluation->split.train->user_ids[user];
	request.history = train_history(evaluation, user);
	list = strcmp(measured->arm, POPULARITY) == 0 ?
		popularity_list(evaluation, &request) :
		bd_builtin_list(measured->arm, &request);
	measure_list(evaluation, measured, user, list);
	measure_items(evaluation, measured, list);
	measure_predictions(evaluation, measured, user, &request);
}

/* What the user had before the tests. */
static UserHistory *
train_history(const Evaluation *evaluation, int user)
{
	const RatingTable *train = evaluation->split.train;
	int64		first = train->user_start[user];
	int			n = (int) (train->user_start[user + 1] - first);
	UserHistory *history = palloc0(sizeof(UserHistory));

	history->nrows = history->nitems = n;
	history->items = palloc(sizeof(int64) * Max(n, 1));
	history->values = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		history->items[i] = train->item_ids[train->items[first + i]];
		history->values[i] = evaluation->bandit->recommender->has_value ?
			train->values[first + i] : NAN;
	}
	history->sorted = history->items;	/* by item already */
	bd_history_exclude(history, evaluation->bandit->recommender);
	return history;
}

static ItemList *
popularity_list(const Evaluation *evaluation, const ListRequest *request)
{
	const RatingTable *train = evaluation->split.train;
	ItemList   *list = palloc0(sizeof(ItemList));

	list->items = palloc0(sizeof(ScoredItem) * request->n);
	for (int p = 0; p < train->nitems && list->nitems < request->n; p++)
	{
		int64		id = train->item_ids[evaluation->popular[p]];

		if (!bd_history_has(request->history, id))
			list->items[list->nitems++].item = id;
	}
	return list;
}

static bool
is_relevant(const Evaluation *evaluation, int user, int64 item)
{
	const RatingSplit *split = &evaluation->split;

	for (int64 t = split->test_start[user]; t < split->test_start[user + 1]; t++)
		if (split->test_ids[t] == item)
			return split->test_values[t] >= evaluation->liked_from;
	return false;
}

static void
measure_list(const Evaluation *evaluation, Measured *measured, int user,
			 const ItemList *list)
{
	const RatingSplit *split = &evaluation->split;
	int			nrelevant = 0;
	int			nfound = 0;
	double		gain = 0;
	double		best = 0;

	for (int64 t = split->test_start[user]; t < split->test_start[user + 1]; t++)
		if (split->test_values[t] >= evaluation->liked_from)
			nrelevant++;
	if (nrelevant == 0)
		return;
	for (int i = 0; i < list->nitems; i++)
		if (is_relevant(evaluation, user, list->items[i].item))
		{
			nfound++;
			gain += 1 / log2(i + 2);
		}
	for (int i = 0; i < Min(nrelevant, evaluation->n); i++)
		best += 1 / log2(i + 2);
	measured->nusers++;
	measured->recall += (double) nfound / nrelevant;
	measured->ndcg += gain / best;
	measured->nhits += nfound > 0;
}

static void
measure_items(const Evaluation *evaluation, Measured *measured,
			  const ItemList *list)
{
	const RatingTable *train = evaluation->split.train;

	for (int i = 0; i < list->nitems; i++)
	{
		int			item = bd_ids_find(train->item_ids, train->nitems,
									   list->items[i].item);

		if (item < 0)
			continue;
		measured->nlisted += !measured->listed[item];
		measured->listed[item] = true;
		measured->surprise -= log2((double) train->counts[item] /
								   train->nusers);
		measured->nknown++;
	}
}

static void
measure_predictions(const Evaluation *evaluation, Measured *measured,
					int user, const ListRequest *request)
{
	const RatingSplit *split = &evaluation->split;
	const Predictor *predictor = bd_predictor(measured->arm);
	int64		first = split->test_start[user];
	int			n = (int) (split->test_start[user + 1] - first);
	double	   *predicted = palloc(sizeof(double) * Max(n, 1));

	if (predictor == NULL || n == 0 ||
		!predictor->predict(request, split->test_ids + first, n, predicted))
		return;
	for (int i = 0; i < n; i++)
	{
		double		error = predicted[i] - split->test_values[first + i];

		measured->squares += error * error;
		measured->absolutes += fabs(error);
	}
	measured->npredicted += n;
}

static void
report(const Evaluation *evaluation, const Measured *measured)
{
	double		users = measured->nusers;
	double		predicted = (double) measured->npredicted;
	int			nitems = evaluation->split.train->nitems;
	Datum		row[9];
	bool		nulls[9] = {false};

	row[0] = CStringGetTextDatum(measured->arm);
	row[1] = Int32GetDatum(measured->nusers);
	row[2] = Float8GetDatum(measured->recall / users);
	row[3] = Float8GetDatum(measured->ndcg / users);
	row[4] = Float8GetDatum(measured->nhits / users);
	nulls[2] = nulls[3] = nulls[4] = measured->nusers == 0;
	row[5] = Float8GetDatum(measured->nlisted / (double) nitems);
	nulls[5] = nitems == 0;
	row[6] = Float8GetDatum(measured->surprise / (double) measured->nknown);
	nulls[6] = measured->nknown == 0;
	row[7] = Float8GetDatum(sqrt(measured->squares / predicted));
	row[8] = Float8GetDatum(measured->absolutes / predicted);
	nulls[7] = nulls[8] = measured->npredicted == 0;
	tuplestore_putvalues(evaluation->result->setResult,
						 evaluation->result->setDesc, row, nulls);
}
