/*-------------------------------------------------------------------------
 *
 * user_context.c
 *		The five features of a user's moment, computed from data.
 *
 * time_period, day_of_week		the local time in the bandit's time zone
 * user_type					how many interactions so far
 * genre_saturation				how one-sided the last 20 interactions were
 * session_position				how many requests in this session so far
 *
 * All boundaries are half-open and settings of the recommender; only rows
 * strictly before the moment count.  A feature that the bandit does not
 * declare is left out.  The user's tables are read with the caller's rights,
 * the decisions as the owner.
 *
 * src/user_context.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_user_context);
PG_FUNCTION_INFO_V1(bandit_user_context_key);

/* Interactions under which nobody is called saturated (methods 14). */
#define MIN_INTERACTIONS 5

/* How often an attribute was met among the last interactions. */
typedef struct Tally
{
	char	   *attribute;
	double		share;
} Tally;

static const char *time_period(const Recommender *rec, int hour);
static const char *user_type(const Recommender *rec, int interactions);
static const char *genre_saturation(Recommender *rec, const UserRef *user,
									TimestampTz at, int interactions);
static double recent_entropy(Recommender *rec, const UserRef *user,
							 TimestampTz at);
static const char *session_position(const Bandit *bandit, const UserRef *user,
									TimestampTz at);
static void add_feature(const Bandit *bandit, JsonbParseState **state,
						const char *key, const char *value);

/*
 * bd_user_context
 *		The features that the bandit declares, of this user at this moment.
 */
Jsonb *
bd_user_context(Bandit *bandit, const UserRef *user, TimestampTz at)
{
	Recommender *rec = bandit->recommender;
	UserHistory *history = bd_history_load(bandit, user, at);
	JsonbParseState *state = NULL;
	JsonbValue *object;
	Timestamp	local;
	struct pg_tm tm;
	fsec_t		fsec;
	int			isoday;

	local = DatumGetTimestamp(DirectFunctionCall2(timestamptz_zone,
												  CStringGetTextDatum(rec->time_zone),
												  TimestampTzGetDatum(at)));
	if (TIMESTAMP_NOT_FINITE(local) ||
		timestamp2tm(local, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	isoday = j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday));
	isoday = isoday == 0 ? 7 : isoday;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	add_feature(bandit, &state, "time_period", time_period(rec, tm.tm_hour));
	add_feature(bandit, &state, "day_of_week",
				rec->weekend[isoday] ? "weekend" : "weekday");
	add_feature(bandit, &state, "user_type", user_type(rec, history->nrows));
	add_feature(bandit, &state, "genre_saturation",
				genre_saturation(rec, user, at, history->nrows));
	add_feature(bandit, &state, "session_position",
				session_position(bandit, user, at));
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

static void
add_feature(const Bandit *bandit, JsonbParseState **state,
			const char *key, const char *value)
{
	JsonbValue	text;

	for (int i = 0; i < bandit->nfeatures; i++)
	{
		if (strcmp(bandit->features[i], key) != 0)
			continue;
		text.type = jbvString;
		text.val.string.val = (char *) key;
		text.val.string.len = strlen(key);
		pushJsonbValue(state, WJB_KEY, &text);
		text.val.string.val = (char *) value;
		text.val.string.len = strlen(value);
		pushJsonbValue(state, WJB_VALUE, &text);
		return;
	}
}

/* Hours before the morning belong to the night. */
static const char *
time_period(const Recommender *rec, int hour)
{
	static const char *const names[4] = {
		"morning", "afternoon", "evening", "night"
	};

	for (int i = 3; i >= 0; i--)
		if (hour >= rec->period_from[i])
			return names[i];
	return names[3];
}

static const char *
user_type(const Recommender *rec, int interactions)
{
	if (interactions < rec->user_type_from[0])
		return "cold_start";
	if (interactions < rec->user_type_from[1])
		return "regular";
	return "power_user";
}

/*
 * genre_saturation
 *		Low entropy of the attributes is high saturation.
 */
static const char *
genre_saturation(Recommender *rec, const UserRef *user, TimestampTz at,
				 int interactions)
{
	double		entropy;

	if (interactions < MIN_INTERACTIONS || !rec->has_attributes)
		return "low";
	entropy = recent_entropy(rec, user, at);
	if (entropy >= rec->saturation_from[1])
		return "low";
	return entropy >= rec->saturation_from[0] ? "medium" : "high";
}

/*
 * tally_item
 *		Spread 1 over an item's attributes.
 */
static int
tally_item(ArrayType *attributes, Tally *tallies, int ntallies, int room)
{
	Datum	   *values;
	bool	   *nulls;
	int			n;

	deconstruct_array(attributes, TEXTOID, -1, false, TYPALIGN_INT,
					  &values, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *attribute;
		int			j = 0;

		if (nulls[i])
			continue;
		attribute = TextDatumGetCString(values[i]);
		while (j < ntallies && strcmp(tallies[j].attribute, attribute) != 0)
			j++;
		if (j == room)
			continue;
		if (j == ntallies)
		{
			tallies[ntallies].attribute = attribute;
			tallies[ntallies++].share = 0;
		}
		tallies[j].share += 1.0 / n;
	}
	return ntallies;
}

/*
 * recent_entropy
 *		Entropy of the attributes of the last 20 interactions over the
 *		logarithm of how many attributes exist: 0 one-sided, 1 even.
 *		No attributes at all count as even.
 */
static double
recent_entropy(Recommender *rec, const UserRef *user, TimestampTz at)
{
	enum
	{
		ROOM = 1000
	};
	Tally	   *tallies = palloc(sizeof(Tally) * ROOM);
	int			ntallies = 0;
	double		sum = 0;
	double		entropy = 0;
	OwnerScope	scope;
	Datum		values[2];

	SPI_connect();
	bd_reader_begin(bd_relation_owner(rec->recent_query.relation), &scope);
	if (rec->recent_plan == NULL)
	{
		Oid			types[2] = {rec->by_key ? TEXTOID : INT8OID,
		TIMESTAMPTZOID};

		rec->recent_plan = bd_plan_keep(rec->recent_query.sql, 2, types);
	}
	values[0] = rec->by_key ? CStringGetTextDatum(user->key) :
		Int64GetDatum(user->id);
	values[1] = TimestampTzGetDatum(at);
	SPI_execute_plan(rec->recent_plan, values, NULL, true, 0);
	bd_reader_end(&scope);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		array = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);

		if (!isnull)
			ntallies = tally_item(DatumGetArrayTypeP(array), tallies,
								  ntallies, ROOM);
	}
	for (int i = 0; i < ntallies; i++)
		sum += tallies[i].share;
	for (int i = 0; i < ntallies; i++)
		entropy -= tallies[i].share / sum * log(tallies[i].share / sum);
	SPI_finish();
	pfree(tallies);

	if (ntallies == 0)
		return 1;
	return rec->attribute_count > 1 ? entropy / log(rec->attribute_count) : 0;
}

/*
 * count_requests
 *		Those just read, newest first, of one session; true once it is known
 *		where that began, or that it is long enough.
 */
static bool
count_requests(const Recommender *rec, TimestampTz *next, int *requests)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		TimestampTz this = DatumGetTimestampTz(SPI_getbinval(SPI_tuptable->vals[i],
															 SPI_tuptable->tupdesc,
															 1, &isnull));
		Datum		until = DirectFunctionCall2(timestamptz_pl_interval,
												TimestampTzGetDatum(this),
												IntervalPGetDatum((Interval *) &rec->session_gap));

		if (DatumGetTimestampTz(until) < *next)
			return true;
		(*requests)++;
		*next = this;
	}
	return *requests >= rec->session_from[1];
}

/*
 * session_position
 *		Requests since the last pause longer than the session gap.
 */
static const char *
session_position(const Bandit *bandit, const UserRef *user, TimestampTz at)
{
	static KeptPlan plan = {
		"SELECT decided_at FROM bandit.decisions"
		" WHERE bandit OPERATOR(pg_catalog.=) $1"
		" AND subject OPERATOR(pg_catalog.=) $2"
		" AND decision_id OPERATOR(pg_catalog.<) $3"
		" ORDER BY decision_id DESC LIMIT $4",
		4, {TEXTOID, TEXTOID, UUIDOID, INT8OID}, .by_index = true
	};
	const Recommender *rec = bandit->recommender;
	Oid			leaves[MOST_LEAVES] = {InvalidOid};
	TimestampTz next = at;
	double		span;			/* of a session that is long enough */
	pg_uuid_t	before;
	pg_uuid_t	oldest;
	OwnerScope	scope;
	Datum		values[4];
	int			n;
	int			requests = 0;
	bool		paused = false;

	bd_decide_first_id(at, &before);
	span = rec->session_from[1] * bd_half_life(&rec->session_gap) * USECS_PER_SEC;
	bd_decide_first_id((TimestampTz) Max(at - span, MIN_TIMESTAMP), &oldest);
	SPI_connect();
	values[0] = CStringGetTextDatum(bandit->name);
	values[1] = CStringGetTextDatum(bd_user_subject(user));
	values[2] = UUIDPGetDatum(&before);
	bd_owner_begin(&scope);
	n = bd_leaves("decisions", &oldest, &before, leaves, MOST_LEAVES);
	for (int i = 0; i < Max(n, 1) && !paused; i++)
	{
		KeptPlan   *asked = bd_leaf_plan(&plan, "decisions",
										 n > 0 ? leaves[i] : InvalidOid);

		/* the whole table tells of all, those of the first partitions too */
		if (asked == &plan)
		{
			requests = 0;
			next = at;
		}
		values[3] = Int64GetDatum(rec->session_from[1] - requests);
		bd_plan_run(asked, values, NULL, true, 0);
		paused = count_requests(rec, &next, &requests) || asked == &plan;
	}
	bd_owner_end(&scope);
	SPI_finish();

	if (requests < rec->session_from[0])
		return "start";
	return requests < rec->session_from[1] ? "middle" : "late";
}

static Datum
user_context(FunctionCallInfo fcinfo, bool by_key)
{
	static const char *const names[] = {"bandit", "user", "at"};
	Bandit	   *bandit;
	UserRef		user;

	bd_require_arguments(fcinfo, 3, names);
	bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	bd_user_ref(bandit, by_key ? 0 : PG_GETARG_INT64(1),
				by_key ? text_to_cstring(PG_GETARG_TEXT_PP(1)) : NULL, &user);
	PG_RETURN_JSONB_P(bd_user_context(bandit, &user, PG_GETARG_TIMESTAMPTZ(2)));
}

/*
 * user_context(bandit text, user_id bigint, at timestamptz) -> jsonb
 */
Datum
bandit_user_context(PG_FUNCTION_ARGS)
{
	return user_context(fcinfo, false);
}

/*
 * user_context(bandit text, user_key text, at timestamptz) -> jsonb
 */
Datum
bandit_user_context_key(PG_FUNCTION_ARGS)
{
	return user_context(fcinfo, true);
}
