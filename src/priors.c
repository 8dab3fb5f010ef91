/*-------------------------------------------------------------------------
 *
 * priors.c
 *		What a context borrows from its parents.
 *
 * bandit.refresh_priors works out priors for the contexts it knows, and what
 * each of their parents would lend to a context it does not know.  Here they
 * are looked up: the context itself, then without its last feature, and so
 * on up to all contexts together; the nearest one that knows an arm counts.
 *
 * Results are kept with the bandit's settings, so that serving reads them
 * from memory; a refresh invalidates them like any change of a setting.
 *
 * src/priors.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(bandit_context_priors);

/* Contexts kept per bandit; all are dropped when they become more. */
#define MAX_CONTEXTS 10000

/* The priors of one context, one for each of the bandit's arms. */
typedef struct KnownPriors
{
	int64		context_hash;	/* hash key */
	Prior		priors[FLEXIBLE_ARRAY_MEMBER];
} KnownPriors;

static HTAB *make_table(Bandit *bandit);
static void find_priors(const Bandit *bandit, Jsonb *context, Prior *priors);
static int	read_level(const Bandit *bandit, Jsonb *context, int level,
					   bool *known, Prior *priors);
static Jsonb *keep_features(const Bandit *bandit, Jsonb *context, int level);

/*
 * bd_priors
 *		The prior of every arm of the bandit in a context, or NULL: each arm
 *		has its own.
 *
 * The result lives as long as the bandit's settings, but is only good until
 * the next call.
 */
const Prior *
bd_priors(Bandit *bandit, int64 context_hash, Jsonb *context)
{
	KnownPriors *known;
	Prior	   *found;
	bool		exists;

	if (!bandit->borrows)
		return NULL;
	if (bandit->priors != NULL)
	{
		known = hash_search(bandit->priors, &context_hash, HASH_FIND, NULL);
		if (known != NULL)
			return known->priors;
	}

	/* read first: what fails leaves no half-made entry behind */
	found = palloc(sizeof(Prior) * Max(bandit->narms, 1));
	find_priors(bandit, context, found);
	if (bandit->priors != NULL &&
		hash_get_num_entries(bandit->priors) >= MAX_CONTEXTS)
	{
		hash_destroy(bandit->priors);
		bandit->priors = NULL;
	}
	if (bandit->priors == NULL)
		bandit->priors = make_table(bandit);
	known = hash_search(bandit->priors, &context_hash, HASH_ENTER, &exists);
	memcpy(known->priors, found, sizeof(Prior) * bandit->narms);
	pfree(found);
	return known->priors;
}

static HTAB *
make_table(Bandit *bandit)
{
	HASHCTL		ctl;

	ctl.keysize = sizeof(int64);
	ctl.entrysize = offsetof(KnownPriors, priors) +
		sizeof(Prior) * Max(bandit->narms, 1);
	ctl.hcxt = bandit->context;
	return hash_create("bandit priors", 64, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * find_priors
 *		Look the arms up, from the context itself upwards.
 *
 * With the owner's rights and the newest snapshot, as settings are read.
 */
static void
find_priors(const Bandit *bandit, Jsonb *context, Prior *priors)
{
	bool	   *known = palloc0(sizeof(bool) * Max(bandit->narms, 1));
	int			missing = 0;
	OwnerScope	scope;

	for (int i = 0; i < bandit->narms; i++)
	{
		priors[i].alpha = bandit->arms[i].prior_alpha;
		priors[i].beta = bandit->arms[i].prior_beta;
		if (!bandit->arms[i].control)
			missing++;
	}

	bd_push_latest();
	SPI_connect();
	bd_owner_begin(&scope);
	for (int level = bandit->nfeatures; level >= 0 && missing > 0; level--)
		missing -= read_level(bandit, context, level, known, priors);
	bd_owner_end(&scope);
	SPI_finish();
	PopActiveSnapshot();
	pfree(known);
}

/*
 * read_level
 *		Take the arms that one level knows; returns how many were new.
 */
static int
read_level(const Bandit *bandit, Jsonb *context, int level, bool *known,
		   Prior *priors)
{
	static KeptPlan plan = {
		"SELECT arm, prior_alpha, prior_beta, child_alpha, child_beta"
		" FROM bandit.priors"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND context_hash OPERATOR(pg_catalog.=) $2"
		" AND level OPERATOR(pg_catalog.=) $3",
		3, {TEXTOID, INT8OID, INT4OID}
	};
	Jsonb	   *node = keep_features(bandit, context, level);
	bool		itself = level == bandit->nfeatures;
	Datum		values[3];
	int			taken = 0;

	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Int64GetDatum(bd_context_hash(node));
	values[2] = Int32GetDatum(level);
	bd_plan_run(&plan, values, NULL, true, 0);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[row];
		Datum		fields[5];
		bool		isnull;
		int			arm;

		for (int i = 0; i < 5; i++)
			fields[i] = heap_getattr(tuple, i + 1, SPI_tuptable->tupdesc,
									 &isnull);
		arm = bd_settings_arm(bandit, TextDatumGetCString(fields[0]));
		if (arm < 0 || known[arm] || bandit->arms[arm].control)
			continue;
		known[arm] = true;
		taken++;
		priors[arm].alpha = DatumGetFloat8(fields[itself ? 1 : 3]);
		priors[arm].beta = DatumGetFloat8(fields[itself ? 2 : 4]);
	}
	return taken;
}

/* The context with its first "level" features only. */
static Jsonb *
keep_features(const Bandit *bandit, Jsonb *context, int level)
{
	JsonbParseState *state = NULL;
	JsonbValue *object;

	if (level == bandit->nfeatures)
		return context;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < level; i++)
	{
		JsonbValue	key;
		JsonbValue *value;

		key.type = jbvString;
		key.val.string.val = bandit->features[i];
		key.val.string.len = (int) strlen(bandit->features[i]);
		value = getKeyJsonValueFromContainer(&context->root,
											 key.val.string.val,
											 key.val.string.len, NULL);
		if (value == NULL)
			continue;
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/*
 * context_priors(bandit text, context jsonb) -> (arm, alpha, beta)
 *		What posteriors in a context start from; context may be null.
 */
Datum
bandit_context_priors(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Bandit	   *bandit;
	const Prior *priors = NULL;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	bandit = bd_settings_find(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (bandit == NULL)
		return (Datum) 0;		/* dropped since a view has seen it */
	if (!PG_ARGISNULL(1))
	{
		Jsonb	   *context = PG_GETARG_JSONB_P(1);

		priors = bd_priors(bandit, bd_context_hash(context), context);
	}
	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *arm = &bandit->arms[i];
		Datum		values[3];
		bool		nulls[3] = {false};

		if (arm->control)
			continue;
		values[0] = CStringGetTextDatum(arm->name);
		values[1] = Float8GetDatum(priors ? priors[i].alpha :
								   arm->prior_alpha);
		values[2] = Float8GetDatum(priors ? priors[i].beta :
								   arm->prior_beta);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	return (Datum) 0;
}
