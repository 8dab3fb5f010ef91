/*-------------------------------------------------------------------------
 *
 * settings.c
 *		Bandits, arms and rules, cached per backend.
 *
 * Serving reads settings from memory.  A statement trigger on each table of
 * settings (bandit.invalidate_cache) invalidates that relation's cache entry,
 * which reaches every backend at commit and every standby at replay; the
 * callback here then drops all that was cached.  A change of a recommender's
 * own tables, such as a renamed column, does the same.
 *
 * A dropped entry may be in use further up the stack, so its memory is kept
 * until a later transaction asks for settings.
 *
 * src/settings.c
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A name leads to an entry that is replaced as a whole. */
typedef struct CacheSlot
{
	char		name[NAMEDATALEN];	/* hash key */
	Bandit	   *bandit;
} CacheSlot;

#define NSETTINGS 7

static const char *const settings_tables[NSETTINGS] = {
	"bandits", "arms", "recommenders", "outcome_rules", "priors",
	"experiments", "watches"
};
static Oid	settings_relations[NSETTINGS];

static HTAB *cache = NULL;
static bool cache_stale = false;
static List *retired = NIL;		/* Bandits that nobody finds any more */
static bool retired_unused = false; /* their transaction has ended */

static void relation_changed(Datum arg, Oid relation);
static void transaction_ended(XactEvent event, void *arg);
static void retire_all(void);
static void free_retired(void);
static Bandit *load_bandit(const char *name);
static void load_arms(Bandit *bandit, double prior_alpha, double prior_beta,
					  double floor);
static void load_rules(Bandit *bandit);
static void load_experiment(Bandit *bandit);
static void load_watches(Bandit *bandit);
static void load_columns(Bandit *bandit);
static void load_half_life(Bandit *bandit);
static void load_silence(Bandit *bandit);
static void load_features(Bandit *bandit, Datum features);
static void free_plans(Bandit *bandit);

PG_FUNCTION_INFO_V1(bandit_invalidate_cache);

/*
 * bd_settings_init
 *		Listen for changes; called once when the library is loaded.
 */
void
bd_settings_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	RegisterXactCallback(transaction_ended, NULL);
}

/* Runs at any time, so it only takes a note. */
static void
relation_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	CacheSlot  *slot;

	if (cache == NULL || cache_stale)
		return;
	if (!OidIsValid(relation))
	{
		cache_stale = true;
		return;
	}
	for (int i = 0; i < NSETTINGS; i++)
		if (settings_relations[i] == relation)
			cache_stale = true;

	hash_seq_init(&scan, cache);
	while ((slot = hash_seq_search(&scan)) != NULL)
	{
		Recommender *rec = slot->bandit ? slot->bandit->recommender : NULL;

		if (rec != NULL && (rec->ratings == relation || rec->items == relation))
			cache_stale = true;
	}
}

static void
transaction_ended(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		retired_unused = true;
}

/*
 * retire_all
 *		Forget every entry, keeping its memory for those who still hold it.
 *
 * A bandit that is new under an old name has its contexts yet to write.
 */
static void
retire_all(void)
{
	HASH_SEQ_STATUS scan;
	CacheSlot  *slot;
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

	cache_stale = false;
	hash_seq_init(&scan, cache);
	while ((slot = hash_seq_search(&scan)) != NULL)
	{
		if (slot->bandit != NULL)
			retired = lappend(retired, slot->bandit);
		slot->bandit = NULL;
	}
	MemoryContextSwitchTo(old);
	retired_unused = false;
	bd_context_forget();
}

static void
free_retired(void)
{
	ListCell   *cell;

	foreach(cell, retired)
	{
		Bandit	   *bandit = lfirst(cell);

		free_plans(bandit);
		MemoryContextDelete(bandit->context);
	}
	list_free(retired);
	retired = NIL;
	retired_unused = false;
}

static void
free_plans(Bandit *bandit)
{
	for (int i = 0; i < bandit->narms; i++)
		if (bandit->arms[i].plan != NULL)
			SPI_freeplan(bandit->arms[i].plan);
	if (bandit->recommender == NULL)
		return;
	if (bandit->recommender->history_plan != NULL)
		SPI_freeplan(bandit->recommender->history_plan);
	if (bandit->recommender->recent_plan != NULL)
		SPI_freeplan(bandit->recommender->recent_plan);
}

/*
 * bd_settings_find
 *		The bandit of that name, or NULL.
 *
 * Valid until the end of the transaction, whatever changes meanwhile.
 */
Bandit *
bd_settings_find(const char *name)
{
	char		key[NAMEDATALEN];
	CacheSlot  *slot;
	bool		found;

	if (strlen(name) >= NAMEDATALEN)
		return NULL;
	/* in this order: what is retired now is held till this transaction ends */
	if (retired != NIL && retired_unused)
		free_retired();
	if (cache != NULL && cache_stale)
		retire_all();

	if (cache == NULL)
	{
		HASHCTL		ctl;

		ctl.keysize = NAMEDATALEN;
		ctl.entrysize = sizeof(CacheSlot);
		ctl.hcxt = TopMemoryContext;
		cache = hash_create("bandit settings", 16, &ctl,
							HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}

	strlcpy(key, name, NAMEDATALEN);
	slot = hash_search(cache, key, HASH_FIND, NULL);
	if (slot == NULL || slot->bandit == NULL)
	{
		Bandit	   *bandit = load_bandit(name);

		if (bandit == NULL)
			return NULL;
		slot = hash_search(cache, key, HASH_ENTER, &found);
		slot->bandit = bandit;
	}
	return slot->bandit;
}

/*
 * bd_settings_get
 *		The bandit of that name; raises undefined_object when there is none.
 */
Bandit *
bd_settings_get(const char *name)
{
	Bandit	   *bandit = bd_settings_find(name);

	if (bandit == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("bandit \"%s\" does not exist", name),
				 errhint("SELECT name FROM bandit.bandits lists them; bandit.create_bandit makes one.")));
	return bandit;
}

/*
 * bd_settings_recommender
 *		The same, for what works on recommenders only.
 *
 * The SQL over the user's tables is made here, at first use, so that a lost
 * table disturbs nothing but recommendations.
 */
Bandit *
bd_settings_recommender(const char *name)
{
	Bandit	   *bandit = bd_settings_get(name);

	if (!bandit->is_recommender)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("bandit \"%s\" is not a recommender", name),
				 errhint("Use bandit.choose, or make a recommender with bandit.create_recommender.")));
	if (bandit->recommender == NULL)
		bandit->recommender = bd_source_load(bandit->name, bandit->context);
	return bandit;
}

/*
 * bd_settings_arm
 *		Index of an arm by name, or -1.
 */
int
bd_settings_arm(const Bandit *bandit, const char *arm)
{
	for (int i = 0; i < bandit->narms; i++)
		if (strcmp(bandit->arms[i].name, arm) == 0)
			return i;
	return -1;
}

/*
 * bd_settings_is_control
 *		Does the arm of that name serve the control?  It never learns.
 */
bool
bd_settings_is_control(const Bandit *bandit, const char *arm)
{
	int			index = bd_settings_arm(bandit, arm);

	return index >= 0 && bandit->arms[index].control;
}

/*
 * bd_settings_half_life
 *		How fast the bandit of that name forgets; NULL: it does not, or is not
 *		there any more.
 */
const Interval *
bd_settings_half_life(const char *name)
{
	Bandit	   *bandit = bd_settings_find(name);

	return bandit != NULL && bandit->forgets ? &bandit->half_life : NULL;
}

/*
 * bd_settings_rule
 *		The outcome rule of a kind of response, or NULL.
 */
const OutcomeRule *
bd_settings_rule(const Bandit *bandit, const char *kind)
{
	for (int i = 0; i < bandit->nrules; i++)
		if (strcmp(bandit->rules[i].kind, kind) == 0)
			return &bandit->rules[i];
	return NULL;
}

/* A column of the current row that is never NULL. */
static Datum
column(uint64 row, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, number, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d of a settings table",
			 number);
	return value;
}

/*
 * load_bandit
 *		Read a bandit with its arms and rules, or NULL if there is none.
 */
static Bandit *
load_bandit(const char *name)
{
	static KeptPlan plan = {
		"SELECT b.features, b.prior_alpha, b.prior_beta,"
		" b.attribution_window, b.policy, b.epsilon, b.exploration_floor,"
		" b.half_life,"
		" (b.backoff_strength OPERATOR(pg_catalog.=) 0::pg_catalog.float8)"
		" IS NOT TRUE"
		" AND pg_catalog.cardinality(b.features) OPERATOR(pg_catalog.>) 0"
		" AND EXISTS (SELECT 1 FROM bandit.priors p"
		" WHERE p.bandit OPERATOR(pg_catalog.=) b.name),"
		" EXISTS (SELECT 1 FROM bandit.recommenders r"
		" WHERE r.bandit OPERATOR(pg_catalog.=) b.name),"
		" b.combine, CASE WHEN b.on_silence OPERATOR(pg_catalog.=) 'failure'"
		" THEN 0 WHEN b.on_silence OPERATOR(pg_catalog.=) 'reward'"
		" THEN b.silence_reward END"
		" FROM bandit.bandits b WHERE b.name OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	MemoryContext context;
	MemoryContext old;
	Bandit	   *bandit = NULL;
	OwnerScope	scope;
	Datum		value = CStringGetTextDatum(name);

	for (int i = 0; i < NSETTINGS; i++)
		settings_relations[i] = bd_relation(settings_tables[i]);

	/*
	 * Settings are like catalogs: what is committed now counts, not what was
	 * when the statement began, or a change that was heard of in between
	 * would be cached as it was before.
	 */
	bd_push_latest();
	SPI_connect();
	bd_version_check();
	bd_owner_begin(&scope);
	context = AllocSetContextCreate(CurrentMemoryContext, "bandit settings",
									ALLOCSET_SMALL_SIZES);
	bd_plan_run(&plan, &value, NULL, true, 1);
	if (SPI_processed == 1)
	{
		old = MemoryContextSwitchTo(context);
		bandit = palloc0(sizeof(Bandit));
		bandit->context = context;
		strlcpy(bandit->name, name, NAMEDATALEN);
		load_columns(bandit);
		load_rules(bandit);
		load_experiment(bandit);
		load_watches(bandit);
		MemoryContextSwitchTo(old);
		MemoryContextSetParent(context, CacheMemoryContext);
	}
	bd_owner_end(&scope);
	SPI_finish();
	PopActiveSnapshot();
	return bandit;
}

/* From the row just read, and then the arms, whose defaults it has. */
static void
load_columns(Bandit *bandit)
{
	double		prior_alpha = DatumGetFloat8(column(0, 2));
	double		prior_beta = DatumGetFloat8(column(0, 3));
	double		floor = DatumGetFloat8(column(0, 7));

	load_features(bandit, column(0, 1));
	bandit->window = *DatumGetIntervalP(column(0, 4));
	if (!bd_policy_find(TextDatumGetCString(column(0, 5)), &bandit->policy))
		elog(ERROR, "unknown policy in table bandits");
	bandit->epsilon = DatumGetFloat8(column(0, 6));
	load_half_life(bandit);
	bandit->borrows = DatumGetBool(column(0, 9));
	bandit->is_recommender = DatumGetBool(column(0, 10));
	bandit->combine = TextDatumGetCString(column(0, 11))[0];
	load_silence(bandit);
	load_arms(bandit, prior_alpha, prior_beta, floor);
}

static void
load_half_life(Bandit *bandit)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, 8, &isnull);

	bandit->forgets = !isnull;
	if (!isnull)
		bandit->half_life = *DatumGetIntervalP(value);
}

static void
load_silence(Bandit *bandit)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, 12, &isnull);

	bandit->counts_silence = !isnull;
	if (!isnull)
		bandit->silence_reward = bd_reward_round(DatumGetFloat8(value));
}

static void
load_features(Bandit *bandit, Datum features)
{
	Datum	   *values;

	deconstruct_array(DatumGetArrayTypeP(features), TEXTOID, -1, false,
					  TYPALIGN_INT, &values, NULL, &bandit->nfeatures);
	bandit->features = palloc(sizeof(char *) * Max(bandit->nfeatures, 1));
	for (int i = 0; i < bandit->nfeatures; i++)
		bandit->features[i] = TextDatumGetCString(values[i]);
}

static void
load_arms(Bandit *bandit, double prior_alpha, double prior_beta, double floor)
{
	static KeptPlan plan = {
		"SELECT arm, enabled, role OPERATOR(pg_catalog.=) 'control',"
		" COALESCE(prior_alpha, $2), COALESCE(prior_beta, $3), source,"
		" COALESCE(exploration_floor, $4), options,"
		" pg_catalog.row_number() OVER (ORDER BY arm)"
		" FROM bandit.arms WHERE bandit OPERATOR(pg_catalog.=) $1"
		" ORDER BY position",
		4, {TEXTOID, FLOAT8OID, FLOAT8OID, FLOAT8OID}
	};
	Datum		values[4];

	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = Float8GetDatum(prior_alpha);
	values[2] = Float8GetDatum(prior_beta);
	values[3] = Float8GetDatum(floor);
	bd_plan_run(&plan, values, NULL, true, 0);

	bandit->narms = (int) SPI_processed;
	bandit->arms = palloc0(sizeof(Arm) * Max(bandit->narms, 1));
	bandit->by_name = palloc(sizeof(int) * Max(bandit->narms, 1));
	for (int i = 0; i < bandit->narms; i++)
	{
		Arm		   *arm = &bandit->arms[i];
		bool		isnull;
		Datum		source = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 6, &isnull);

		arm->name = TextDatumGetCString(column(i, 1));
		arm->enabled = DatumGetBool(column(i, 2));
		arm->control = DatumGetBool(column(i, 3));
		arm->prior_alpha = DatumGetFloat8(column(i, 4));
		arm->prior_beta = DatumGetFloat8(column(i, 5));
		arm->source = isnull ? NULL : TextDatumGetCString(source);
		arm->floor = DatumGetFloat8(column(i, 7));
		arm->options = bd_options_copy(column(i, 8));
		bandit->by_name[DatumGetInt64(column(i, 9)) - 1] = i;
	}
}

static void
load_rules(Bandit *bandit)
{
	static KeptPlan plan = {
		"SELECT kind, priority, outcome, success_from, failure_to,"
		" zero_at, one_at FROM bandit.outcome_rules"
		" WHERE bandit OPERATOR(pg_catalog.=) $1 ORDER BY kind",
		1, {TEXTOID}
	};
	Datum		value = CStringGetTextDatum(bandit->name);

	bd_plan_run(&plan, &value, NULL, true, 0);
	bandit->nrules = (int) SPI_processed;
	bandit->rules = palloc0(sizeof(OutcomeRule) * Max(bandit->nrules, 1));
	for (int i = 0; i < bandit->nrules; i++)
	{
		OutcomeRule *rule = &bandit->rules[i];
		Datum		fields[7];
		bool		nulls[7];

		for (int j = 0; j < 7; j++)
			fields[j] = SPI_getbinval(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, j + 1, &nulls[j]);
		rule->kind = TextDatumGetCString(fields[0]);
		rule->priority = DatumGetInt32(fields[1]);
		rule->outcome = nulls[2] ? 0 : TextDatumGetCString(fields[2])[0];
		rule->has_success = !nulls[3];
		rule->success_from = nulls[3] ? 0 : DatumGetFloat8(fields[3]);
		rule->has_failure = !nulls[4];
		rule->failure_to = nulls[4] ? 0 : DatumGetFloat8(fields[4]);
		rule->linear = !nulls[5] && !nulls[6];
		rule->zero_at = nulls[5] ? 0 : DatumGetFloat8(fields[5]);
		rule->one_at = nulls[6] ? 0 : DatumGetFloat8(fields[6]);
	}
}

static void
load_experiment(Bandit *bandit)
{
	static KeptPlan plan = {
		"SELECT experiment::pg_catalog.text, allocation"
		" FROM bandit.experiments"
		" WHERE bandit OPERATOR(pg_catalog.=) $1 AND ended_at IS NULL",
		1, {TEXTOID}
	};
	Datum		value = CStringGetTextDatum(bandit->name);

	bd_plan_run(&plan, &value, NULL, true, 1);
	if (SPI_processed == 0)
		return;
	bandit->experiment = TextDatumGetCString(column(0, 1));
	bandit->allocation = DatumGetFloat8(column(0, 2));
}

static void
load_watches(Bandit *bandit)
{
	static KeptPlan plan = {
		"SELECT source, kind FROM bandit.watches"
		" WHERE bandit OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	Datum		value = CStringGetTextDatum(bandit->name);

	bd_plan_run(&plan, &value, NULL, true, 0);
	bandit->nwatches = (int) SPI_processed;
	bandit->watches = palloc(sizeof(WatchKey) * Max(bandit->nwatches, 1));
	for (int i = 0; i < bandit->nwatches; i++)
	{
		bandit->watches[i].source = DatumGetObjectId(column(i, 1));
		bandit->watches[i].kind = TextDatumGetCString(column(i, 2));
	}
}

/*
 * invalidate_cache() -> trigger
 *		Every backend reads the settings anew after this transaction.
 */
Datum
bandit_invalidate_cache(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("bandit.invalidate_cache must be called as a trigger")));
	CacheInvalidateRelcache(trigger->tg_relation);
	PG_RETURN_POINTER(NULL);
}
