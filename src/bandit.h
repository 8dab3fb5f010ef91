/*-------------------------------------------------------------------------
 *
 * bandit.h
 *		What the stages of a request know of each other.
 *
 * The files of src/ follow the path of one request, and so does this header:
 *
 *	  settings -> context -> posterior -> select -> decide -> candidates
 *	  -> blend -> recommend -> attribute -> reward -> evidence
 *
 * Pure numerics (elementary.h, random.h, dist.h, policy.h, blend.h) know
 * nothing of the server and are tested without one.
 *
 * src/bandit.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_H
#define BANDIT_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "nodes/pg_list.h"
#include "storage/itemptr.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "compat.h"
#include "policy.h"
#include "random.h"

/* GUCs (bandit.c) */
extern int	bd_arm_error_level;

extern void bd_require_arguments(FunctionCallInfo fcinfo, int n,
								 const char *const *names);

/* ----------------------------------------------------------------
 * settings.c: bandits and their arms, cached per backend
 * ----------------------------------------------------------------
 */

/* How one response of a kind becomes a reward (table outcome_rules). */
typedef struct OutcomeRule
{
	char	   *kind;
	int			priority;		/* a higher one replaces a lower one's reward */
	char		outcome;		/* 's', 'f', 'n', or 0: look at the value */
	bool		has_success;
	bool		has_failure;
	bool		linear;			/* zero_at .. one_at mapped to 0 .. 1 */
	double		success_from;	/* value >= this is reward 1 */
	double		failure_to;		/* value <= this is reward 0 */
	double		zero_at;
	double		one_at;
} OutcomeRule;

/* One arm, in registration order. */
typedef struct Arm
{
	char	   *name;
	bool		enabled;
	bool		control;		/* serves the control and fills short lists */
	double		prior_alpha;	/* the arm's own, else the bandit's */
	double		prior_beta;
	double		floor;			/* of exploration; the arm's own, or the
								 * bandit's */
	char	   *source;			/* NULL, a built-in's name or a signature */
	Jsonb	   *options;		/* of a built-in: options.c */
	bool		by_key;			/* the function takes a text user key */
	SPIPlanPtr	plan;			/* SELECT item, score FROM source($1, $2) */
} Arm;

/* SQL over an application's table, that is read with its owner's rights. */
typedef struct SourceQuery
{
	char	   *sql;
	Oid			relation;
} SourceQuery;

/* Where a recommender finds its users, items and ratings. */
typedef struct Recommender
{
	Oid			ratings;
	Oid			items;			/* InvalidOid when there is no items table */
	bool		by_key;			/* users and items are uuid or text */
	bool		uuid_users;		/* keys in uuid's canonical form */
	bool		uuid_items;
	bool		has_value;		/* else every row counts as 1 */
	bool		has_time;
	bool		has_attributes;
	double		neutral_value;	/* a rating counts as value - neutral */
	bool		exclude_seen;
	bool		exclude_disliked;	/* where not all that was seen is */
	int			blend_arms;		/* arms whose lists are blended */

	/* made once from the column names, all quoted */
	SourceQuery history_query;	/* $1 user, $2 at: item id, value, newest
								 * first */
	SourceQuery recent_query;	/* $1 user, $2 at: attributes of the last 20 */
	SourceQuery ratings_query;	/* user id, item id, value; sorted */
	SourceQuery timed_query;	/* the same, a user's in order of time */
	SourceQuery items_query;	/* item id, key, title, attributes text[] */
	SourceQuery vectors_query;	/* item id, vector real[]; sql NULL without */
	SourceQuery popular_query;	/* a bounded ratings_query, when not trained */
	SPIPlanPtr	history_plan;
	SPIPlanPtr	recent_plan;

	/* boundaries of user_context (methods 14) */
	char	   *time_zone;
	int			period_from[4]; /* first hour of morning .. night */
	bool		weekend[8];		/* by ISO day of the week, 1 .. 7 */
	int			user_type_from[2];
	double		saturation_from[2];
	int			session_from[2];
	Interval	session_gap;
	int			attribute_count;	/* categories that exist */
} Recommender;

/* A table from which a bandit learns a kind of response. */
typedef struct WatchKey
{
	Oid			source;
	char	   *kind;
} WatchKey;

/* One bandit with all that is read while serving. */
typedef struct Bandit
{
	char		name[NAMEDATALEN];	/* hash key; 1 to 63 bytes */
	MemoryContext context;		/* holds everything below */
	bool		is_recommender;
	int			narms;			/* all of them, the control included */
	Arm		   *arms;
	int		   *by_name;		/* indexes into arms, in order of names */
	int			nfeatures;
	char	  **features;		/* in the order of the settings */
	BanditPolicy policy;
	double		epsilon;		/* of epsilon_greedy */
	bool		forgets;		/* has a half_life */
	Interval	half_life;
	bool		borrows;		/* has rows in table priors */
	struct HTAB *priors;		/* those of contexts met so far, or NULL */
	char	   *experiment;		/* key of the running one, or NULL */
	double		allocation;		/* share of users treated in it */
	Interval	window;			/* attribution window */
	char		combine;		/* kinds on one item: first letter of the rule */
	bool		counts_silence; /* on_silence is not "nothing" */
	double		silence_reward;
	int			nrules;
	OutcomeRule *rules;
	int			nwatches;
	WatchKey   *watches;
	Recommender *recommender;	/* made at first use, see below */
} Bandit;

extern void bd_settings_init(void);
extern Bandit *bd_settings_get(const char *name);
extern Bandit *bd_settings_find(const char *name);
extern int	bd_settings_arm(const Bandit *bandit, const char *arm);
extern const OutcomeRule *bd_settings_rule(const Bandit *bandit,
										   const char *kind);
extern const Interval *bd_settings_half_life(const char *name);
extern bool bd_settings_is_control(const Bandit *bandit, const char *arm);
extern Bandit *bd_settings_recommender(const char *name);

/* source.c: the SQL over a recommender's own tables */
extern Recommender *bd_source_load(const char *name, MemoryContext context);

/* ----------------------------------------------------------------
 * plans.c: SPI with kept plans, and the extension's own rights
 * ----------------------------------------------------------------
 */

/* A statement on the extension's own tables, prepared at first use. */
typedef struct KeptPlan
{
	const char *sql;
	int			nargs;
	Oid			argtypes[20];
	SPIPlanPtr	plan;
	bool		by_index;		/* never scan a table from end to end */
	bool		inserts;
} KeptPlan;

/* Who the caller was, while the extension acts for itself, or for others. */
typedef struct OwnerScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;		/* 0: nothing was changed for a reader */
} OwnerScope;

extern int	bd_plan_run(KeptPlan *kept, Datum *values, const char *nulls,
						bool read_only, long limit);
extern void bd_plan_each(KeptPlan *kept, Datum *values, DestReceiver * receiver);
extern void bd_push_latest(void);
extern void bd_plan_run_latest(KeptPlan *kept, Datum *values,
							   const char *nulls, long limit);
extern bool bd_plan_runs(void);
extern SPIPlanPtr bd_plan_keep(const char *sql, int nargs, Oid *argtypes);
extern Oid	bd_relation(const char *name);
extern void bd_owner_begin(OwnerScope *scope);
extern void bd_owner_end(const OwnerScope *scope);
extern void bd_reader_begin(Oid owner, OwnerScope *scope);
extern void bd_reader_end(const OwnerScope *scope);
extern Oid	bd_relation_owner(Oid relation);
extern bool bd_can_write(void);

/* version.c: are the library and the installed SQL of one version? */
extern void bd_version_check(void);

/* ----------------------------------------------------------------
 * node.c: several nodes that learn from each other
 * ----------------------------------------------------------------
 */
extern void bd_node_init(void);
extern const char *bd_node(void);
extern char *bd_node_other(Datum node, bool isnull);

/* ----------------------------------------------------------------
 * leaf.c: statements on the partition of an id
 * ----------------------------------------------------------------
 */
#define MOST_LEAVES 4			/* of a range, that are asked one by one */

extern void bd_leaf_init(void);
extern int	bd_leaves(const char *table, const pg_uuid_t *oldest,
					  const pg_uuid_t *newest, Oid *leaves, int most);
extern KeptPlan *bd_leaf_plan(KeptPlan *whole, const char *table, Oid leaf);
extern KeptPlan *bd_leaf_plan_of(KeptPlan *whole, const char *table,
								 const pg_uuid_t *id);

/* ----------------------------------------------------------------
 * context.c: canonical text and its hash
 * ----------------------------------------------------------------
 */
extern char *bd_context_canonical(Jsonb *context, int *len);
extern int64 bd_context_hash(Jsonb *context);
extern void bd_context_check(const Bandit *bandit, Jsonb *context);
extern void bd_context_register(const Bandit *bandit, int64 hash,
								Jsonb *context);
extern void bd_context_forget(void);
extern int64 bd_key_id(const char *key, int len);

/* ----------------------------------------------------------------
 * posterior.c: what is believed of each arm
 * ----------------------------------------------------------------
 */

/* An arm's posterior when it was drawn, and the draw. */
typedef struct Draw
{
	int			arm;			/* index into bandit->arms */
	double		alpha;
	double		beta;
	double		floor;			/* probability to be explored, at each place */
	double		score;			/* arms compare by this: the logit of the
								 * draw, or what the policy computes */
	double		sample;			/* the draw in [0, 1], or the score */
	double		weight;			/* share among the selected */
} Draw;

extern int	bd_posteriors(Bandit *bandit, int64 context_hash, Jsonb *context,
						  Draw *draws);
extern int	bd_posteriors_of_query(MemoryContext query, Bandit *bandit,
								   int64 context_hash, Jsonb *context,
								   Draw *draws);

/* ----------------------------------------------------------------
 * priors.c: what a context borrows from its parents
 * ----------------------------------------------------------------
 */
typedef struct Prior
{
	double		alpha;
	double		beta;
} Prior;

extern const Prior *bd_priors(Bandit *bandit, int64 context_hash,
							  Jsonb *context);

/* ----------------------------------------------------------------
 * select.c: draws, scores, and the k best
 * ----------------------------------------------------------------
 */
extern int	bd_select(BanditRandom *random, BanditPolicy policy, Draw *draws,
					  int ndraws, int k, int *picks);
extern int	bd_select_count(int k);
extern BanditRandom *bd_session_random(void);
extern BanditRandom *bd_slot_random(void);

/* ----------------------------------------------------------------
 * decide.c: decision ids, and the log of decisions
 * ----------------------------------------------------------------
 */

/* What one row of decisions says; arrays in registration order of arms. */
typedef struct Decision
{
	pg_uuid_t	id;
	TimestampTz decided_at;
	const char *subject;		/* NULL: nobody in particular */
	const char *variant;		/* 'treatment', 'control' or 'shadow' */
	int64		context_hash;
	BanditPolicy policy;
	int			narms;			/* arms that could be drawn */
	Draw	   *draws;			/* their posteriors */
	int			npicks;
	int		   *picks;			/* picks[rank] = index into draws */
	const char *chosen;			/* what a shadow saw chosen, instead of picks */
	float4	   *pick_ms;		/* by rank, what its list took; or NULL */
	int			nitems;			/* -1 when the decision serves no items */
	int64	   *items;			/* by position */
	char	  **item_keys;		/* by position, NULL unless by key */
	int		   *item_arms;		/* by position: index into bandit->arms, or -1 */
} Decision;

#define PICK_FAILED		(-1.0f) /* in pick_ms: the arm raised an error */

extern void bd_decide_id(pg_uuid_t *id, TimestampTz now);
extern void bd_decide_random(const pg_uuid_t *id, BanditRandom *random);
extern void bd_decide_log(const Bandit *bandit, const Decision *decision,
						  Jsonb *context);
extern TimestampTz bd_decide_time(const pg_uuid_t *id);
extern void bd_decide_first_id(TimestampTz at, pg_uuid_t *id);

/* ----------------------------------------------------------------
 * candidates.c and the built-in arms: lists of items
 * ----------------------------------------------------------------
 */

/* Who asks for a list: by number, and by key where keys are text. */
typedef struct UserRef
{
	int64		id;
	const char *key;			/* NULL: only the number is known */
} UserRef;

/* What a user has interacted with, newest first, each item once. */
/* Ratings from here on, and below its negative, are no values. */
#define BD_VALUE_LIMIT 1e12

typedef struct UserHistory
{
	int			nrows;			/* interactions, an item's repetitions too */
	int			nitems;
	int64	   *items;
	double	   *values;			/* NaN where the table has no value */
	int64	   *sorted;			/* the same items, ascending */
	int			nexcluded;
	int64	   *excluded;		/* those that are not to be shown, ascending */
} UserHistory;

typedef struct ScoredItem
{
	int64		item;
	const char *key;			/* NULL unless the recommender is by key */
	double		score;
} ScoredItem;

/* Best first; ties by item. */
typedef struct ItemList
{
	int			nitems;
	ScoredItem *items;
} ItemList;

/* A request for one arm's list; lists never hold an item of "seen". */
typedef struct ListRequest
{
	Bandit	   *bandit;
	UserRef		user;
	UserHistory *history;
	int			n;				/* at most this many items */
} ListRequest;

extern void bd_user_ref(const Bandit *bandit, int64 id, const char *key,
						UserRef *user);
extern const char *bd_user_subject(const UserRef *user);
extern int64 bd_item_number(const Bandit *bandit, Datum *item, bool by_key);
extern char *bd_key_canonical(const char *key, bool is_uuid);
extern UserHistory *bd_history_load(Bandit *bandit, const UserRef *user,
									TimestampTz at);
extern void bd_history_exclude(UserHistory *history, const Recommender *rec);
extern bool bd_history_has(const UserHistory *history, int64 item);
extern bool bd_history_excludes(const UserHistory *history, int64 item);
extern ItemList *bd_candidates(const ListRequest *request, int arm);
extern ItemList *bd_candidates_guarded(const ListRequest *request, int arm);

/* Built-in arms; memory from CurrentMemoryContext. */
extern bool bd_builtin_arm(const char *name);
extern ItemList *bd_builtin_list(const char *name, const ListRequest *request);
extern ItemList *bd_graph_list(const ListRequest *request);
extern ItemList *bd_embeddings_list(const ListRequest *request);
extern ItemList *bd_svd_list(const ListRequest *request);
extern ItemList *bd_item_cf_list(const ListRequest *request);
extern ItemList *bd_serendipity_list(const ListRequest *request);
extern ItemList *bd_long_tail_list(const ListRequest *request);
extern ItemList *bd_hybrid_list(const ListRequest *request);

/* ----------------------------------------------------------------
 * experiment.c: which side of an experiment a user is on
 * ----------------------------------------------------------------
 */
extern bool bd_experiment_treats(const Bandit *bandit, const char *subject);

/* ----------------------------------------------------------------
 * user_context.c
 * ----------------------------------------------------------------
 */
extern Jsonb *bd_user_context(Bandit *bandit, const UserRef *user,
							  TimestampTz at);

/* ----------------------------------------------------------------
 * evidence.c: what arms have earned, in slots
 * ----------------------------------------------------------------
 */

/* What one response adds; rewards are multiples of 2^-20 (methods 6.1). */
typedef struct Contribution
{
	double		successes;
	double		failures;
	int64		pulls;
} Contribution;

extern double bd_reward_round(double reward);
extern double bd_decay(TimestampTz since, TimestampTz at, double half_life);
extern double bd_half_life(const Interval *interval);
extern void bd_evidence_add(const char *bandit, int64 context_hash,
							const char *arm, const Contribution *delta,
							TimestampTz at);

/* ----------------------------------------------------------------
 * attribute.c: which decision a response belongs to
 * ----------------------------------------------------------------
 */

/* The decision's part that learning needs, palloc'd. */
typedef struct Attribution
{
	pg_uuid_t	decision_id;
	const char *bandit;
	int64		context_hash;
	const char *arm;			/* who is credited */
	bool		trains;			/* not the control, nor a fallback */
	const char *owner;			/* the node that must learn; NULL: this one */
	bool		logged;			/* there is a row of decisions */
	Oid			table;			/* and where it is */
	ItemPointerData place;
	bool		has_items;		/* its silence is by item */
} Attribution;

extern bool bd_attribute_item(const Bandit *bandit, const char *subject,
							  int64 item, const char *answered_kind,
							  Attribution *attribution);
extern bool bd_attribute_decision(const pg_uuid_t *decision_id,
								  const char *arm, Attribution *attribution);
extern void bd_attribute_oldest(const Bandit *bandit, pg_uuid_t *oldest);

/* ----------------------------------------------------------------
 * bulk.c: what a statement of many rows need not ask again
 * ----------------------------------------------------------------
 */
typedef enum BulkAnswer
{
	BULK_UNKNOWN,				/* ask */
	BULK_NEVER,					/* no decision served it */
	BULK_PERHAPS				/* look for the decision */
} BulkAnswer;

extern bool bd_bulk_row(void);
extern uint64 bd_bulk_statement(void);
extern void bd_bulk_learnt(uint64 before);
extern void bd_bulk_failed(uint64 before);
extern MemoryContext bd_bulk_memory(void);
extern BulkAnswer bd_bulk_served(const Bandit *bandit, bool any_age,
								 const char *subject, const int64 *item);
extern void bd_bulk_ask(const Bandit *bandit, bool any_age,
						const char *const *subjects, int nsubjects);

/* ----------------------------------------------------------------
 * ledger.c: one response, written once, learnt once
 * ----------------------------------------------------------------
 */

/* A response to an item of a decision, or to the decision itself. */
typedef struct Response
{
	const char *kind;
	bool		has_item;
	int64		item;
	bool		has_value;
	double		value;
	bool		neutral;		/* counts as a pull, without evidence */
	double		reward;			/* 0 .. 1, unless neutral */
	int			priority;
} Response;

extern bool bd_ledger_record(const Attribution *attribution,
							 const Response *response);
extern bool bd_ledger_retract(const Attribution *attribution,
							  const Response *response);

/* forward.c: responses to what another node has served */
extern bool bd_forward(const Attribution *attribution,
					   const Response *response, bool retracted);

/* reward.c: what responses are worth */

/* A row of feedback on the same item of the same decision. */
typedef struct LedgerRow
{
	Response	response;
	bool		retracted;		/* the response is gone, what it moved is not */
	TimestampTz received_at;
	TimestampTz changed_at;		/* received_at, if never */
	Contribution adds;			/* as of received_at */
} LedgerRow;

extern void bd_response_judge(const Bandit *bandit, const OutcomeRule *rule,
							  Response *response);
extern bool bd_reward_total(char combine, const LedgerRow *rows, int nrows,
							Contribution *total, TimestampTz *since);

/* ledger_rows.c: rows of feedback */
extern int	bd_ledger_read(const Attribution *attribution,
						   const Response *response, bool latest,
						   LedgerRow **rows);
extern bool bd_ledger_lock(const Attribution *attribution,
						   const Response *response);
extern bool bd_ledger_insert(const Attribution *attribution,
							 const LedgerRow *row);
extern void bd_ledger_update(const Attribution *attribution,
							 const LedgerRow *row);
extern void bd_ledger_delete(const Attribution *attribution,
							 const LedgerRow *row);
extern bool bd_ledger_silence(const Attribution *attribution,
							  const Response *response,
							  Contribution *silence, TimestampTz *since);

#endif							/* BANDIT_H */
