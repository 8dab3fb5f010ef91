/*-------------------------------------------------------------------------
 *
 * train.c
 *		bandit.train: build what the arms of a recommender serve from.
 *
 * The user's tables are read once, with the caller's rights.  The catalogue
 * is made every time, then the parts that the arms need.  A new version of a
 * part replaces the older ones in the caller's transaction: until it commits
 * everybody else is served from the old one, without waiting.
 *
 * Two trainings of one recommender take turns, by an advisory lock that lasts
 * until the end of the transaction.  Nothing else takes that lock.
 *
 * src/train.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "options.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(bandit_train);

/* Arms that are trained; hybrid asks all of them. */
static const TrainableArm *const trainable_arms[] = {
	&bd_svd_trainable,
	&bd_item_cf_trainable,
	&bd_item_ratings_trainable,
	&bd_graph_trainable,
	&bd_embeddings_trainable
};

/* One call of train. */
typedef struct Training
{
	Bandit	   *bandit;
	ReturnSetInfo *result;
	TrainInput	input;
	Progress	progress;
	TimestampTz started_at;		/* the part that is being made */
} Training;

static int	wanted_arm(const Bandit *bandit, FunctionCallInfo fcinfo);
static void lock_training(const char *bandit);
static bool has_source(const Bandit *bandit, const char *source);
static bool is_needed(const Bandit *bandit, int wanted,
					  const TrainableArm *part);
static void train_catalogue(Training *training);
static void train_arm(Training *training, const TrainableArm *arm);
static void store(Training *training, const char *name, int items,
				  bytea *image);
static void keep_attribute_count(const char *bandit, int count);

/*
 * train(name text, arm text)
 *		-> (arm, version, users, items, ratings, bytes, seconds)
 */
Datum
bandit_train(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"name"};
	Training	training = {0};
	MemoryContext context;
	MemoryContext old;
	int			wanted;

	bd_require_arguments(fcinfo, 1, names);
	training.bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	wanted = wanted_arm(training.bandit, fcinfo);
	if (!bd_can_write())
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot train in a read-only transaction"),
				 errhint("Train on the primary; standbys follow.")));
	InitMaterializedSRF(fcinfo, 0);
	training.result = (ReturnSetInfo *) fcinfo->resultinfo;
	lock_training(training.bandit->name);

	context = AllocSetContextCreate(CurrentMemoryContext, "bandit training",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	training.started_at = GetCurrentTimestamp();
	training.progress.said_at = training.started_at;
	training.input.bandit = training.bandit;
	training.input.progress = &training.progress;
	training.input.ratings =
		bd_ratings_load(&training.bandit->recommender->ratings_query,
						&training.progress);
	train_catalogue(&training);
	for (int i = 0; i < (int) lengthof(trainable_arms); i++)
		if (is_needed(training.bandit, wanted, trainable_arms[i]))
			train_arm(&training, trainable_arms[i]);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * wanted_arm
 *		Index of the arm to train, or -1 for all.
 */
static int
wanted_arm(const Bandit *bandit, FunctionCallInfo fcinfo)
{
	char	   *name;
	int			arm;

	if (PG_ARGISNULL(1))
		return -1;
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	arm = bd_settings_arm(bandit, name);
	if (arm < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" has no arm \"%s\"", bandit->name, name),
				 errhint("SELECT arm FROM bandit.arms lists them; without an arm, all are trained.")));
	return arm;
}

/* One training of a recommender at a time; held until the transaction ends. */
static void
lock_training(const char *bandit)
{
	char	   *key = psprintf("bandit.train %s", bandit);

	DirectFunctionCall1(pg_advisory_xact_lock_int8,
						Int64GetDatum(bd_key_id(key, strlen(key))));
}

/*
 * bd_trainable
 *		The i-th trainable part, NULL after the last.
 */
const TrainableArm *
bd_trainable(int i)
{
	return i < (int) lengthof(trainable_arms) ? trainable_arms[i] : NULL;
}

/*
 * bd_train_needs
 *		Does a built-in arm serve from this part?
 *
 * hybrid fuses the lists of the recommender's arms, and in any case item_cf's,
 * so that the control is personal whatever the arms are.  long_tail knows the
 * taste by svd if there is one.
 */
bool
bd_train_needs(const Bandit *bandit, const char *source,
			   const TrainableArm *part)
{
	if (strcmp(source, "serendipity") == 0)
		return part == &bd_svd_trainable;
	if (strcmp(source, "long_tail") == 0)
		return part == &bd_svd_trainable && has_source(bandit, part->arm);
	if (strcmp(source, "hybrid") != 0)
		return strcmp(source, part->arm) == 0;
	return strcmp(part->arm, part->kind->name) == 0 &&	/* is for lists */
		(has_source(bandit, part->arm) || part == &bd_item_cf_trainable);
}

static bool
has_source(const Bandit *bandit, const char *source)
{
	for (int i = 0; i < bandit->narms; i++)
		if (bandit->arms[i].source != NULL &&
			strcmp(bandit->arms[i].source, source) == 0)
			return true;
	return false;
}

/* Does the wanted arm, or any for -1, serve from this part? */
static bool
is_needed(const Bandit *bandit, int wanted, const TrainableArm *part)
{
	for (int i = 0; i < bandit->narms; i++)
		if ((wanted < 0 || wanted == i) && bandit->arms[i].source != NULL &&
			bd_train_needs(bandit, bandit->arms[i].source, part))
			return true;
	return false;
}

/*
 * train_catalogue
 *		Make the catalogue; the time of reading the ratings is its own.
 */
static void
train_catalogue(Training *training)
{
	const Recommender *rec = training->bandit->recommender;
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(outer, "bandit catalogue",
												  ALLOCSET_DEFAULT_SIZES);
	const Catalogue *catalogue;
	bytea	   *image;

	MemoryContextSwitchTo(scratch);
	image = bd_catalogue_make(&rec->items_query, PG_INT64_MAX,
							  training->input.ratings, rec->by_key,
							  bd_option(training->bandit, "long_tail",
										"head_share"));
	MemoryContextSwitchTo(outer);
	image = DatumGetByteaPCopy(PointerGetDatum(image));
	MemoryContextDelete(scratch);

	catalogue = bd_image_decode(&bd_catalogue_kind, image);
	if (catalogue == NULL)
		elog(ERROR, "the catalogue of \"%s\" cannot be read back",
			 training->bandit->name);
	training->input.catalogue = catalogue;
	store(training, bd_catalogue_kind.name, catalogue->nitems, image);
	keep_attribute_count(training->bandit->name, catalogue->nattributes);
}

static void
train_arm(Training *training, const TrainableArm *arm)
{
	MemoryContext outer = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(outer, "bandit arm",
												  ALLOCSET_DEFAULT_SIZES);

	training->started_at = GetCurrentTimestamp();
	MemoryContextSwitchTo(scratch);
	store(training, arm->kind->name, training->input.ratings->nitems,
		  arm->make(&training->input));
	MemoryContextSwitchTo(outer);
	MemoryContextDelete(scratch);
}

/*
 * store
 *		Let the image be the only version, and report it.
 */
static void
store(Training *training, const char *name, int items, bytea *image)
{
	static KeptPlan insert = {
		"INSERT INTO bandit.models (bandit, arm, version, users, items,"
		" ratings, seconds, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		8, {TEXTOID, TEXTOID, UUIDOID, INT4OID, INT4OID, INT8OID, FLOAT8OID,
		BYTEAOID}
	};
	static KeptPlan clear = {
		"DELETE FROM bandit.models WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND arm OPERATOR(pg_catalog.=) $2"
		" AND version OPERATOR(pg_catalog.<>) $3",
		3, {TEXTOID, TEXTOID, UUIDOID}
	};
	TimestampTz now = GetCurrentTimestamp();
	double		seconds = (double) (now - training->started_at) /
	USECS_PER_SEC;
	OwnerScope	scope;
	pg_uuid_t	version;
	Datum		values[8];
	Datum		row[7];
	bool		nulls[7] = {false};

	bd_decide_id(&version, now);
	values[0] = CStringGetTextDatum(training->bandit->name);
	row[0] = values[1] = CStringGetTextDatum(name);
	row[1] = values[2] = UUIDPGetDatum(&version);
	row[2] = values[3] = Int32GetDatum(training->input.ratings->nusers);
	row[3] = values[4] = Int32GetDatum(items);
	row[4] = values[5] = Int64GetDatum(training->input.ratings->nratings);
	row[5] = Int64GetDatum((int64) VARSIZE(image));
	row[6] = values[6] = Float8GetDatum(seconds);
	values[7] = PointerGetDatum(image);

	SPI_connect();
	bd_owner_begin(&scope);
	bd_plan_run(&insert, values, NULL, false, 0);
	bd_plan_run(&clear, values, NULL, false, 0);
	bd_owner_end(&scope);
	SPI_finish();
	tuplestore_putvalues(training->result->setResult,
						 training->result->setDesc, row, nulls);
}

/* How many attributes exist is part of the user's context (methods 14). */
static void
keep_attribute_count(const char *bandit, int count)
{
	static KeptPlan plan = {
		"UPDATE bandit.recommenders SET attribute_count = $2"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND attribute_count OPERATOR(pg_catalog.<>) $2",
		2, {TEXTOID, INT4OID}
	};
	OwnerScope	scope;
	Datum		values[2];

	values[0] = CStringGetTextDatum(bandit);
	values[1] = Int32GetDatum(count);
	SPI_connect();
	bd_owner_begin(&scope);
	bd_plan_run(&plan, values, NULL, false, 0);
	bd_owner_end(&scope);
	SPI_finish();
}
