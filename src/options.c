/*-------------------------------------------------------------------------
 *
 * options.c
 *		Numbers that a built-in arm of a recommender can be told.
 *
 * The one list of them: what an arm takes, between which bounds, and what it
 * takes by itself.  Column options of bandit.arms holds what was told; it is
 * checked when it is written, and looked up when an arm is trained or asked.
 *
 * src/options.c
 *
 *-------------------------------------------------------------------------
 */
#include "options.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(bandit_arm_options);
PG_FUNCTION_INFO_V1(bandit_check_options);

typedef struct ArmOption
{
	const char *arm;			/* as bandit.arms.source names it */
	const char *name;
	double		initial;
	double		lowest;
	double		highest;
	bool		whole;			/* no fractions */
	const char *description;
} ArmOption;

/* By arm, the more important ones first. */
static const ArmOption options[] = {
	{"svd", "rank", 32, 1, 256, true,
	"Factors of an item, for predicted ratings, and for lists, where at most a quarter as many as users or items."},
	{"svd", "iterations", 12, 1, 100, true,
	"Sweeps of alternating least squares."},
	{"svd", "regularisation", 0.2, 1e-6, 1e6, false,
	"Ridge on a row of factors, times its number of ratings."},
	{"svd", "seed", 1, 0, 9007199254740991.0, true,
	"Where the factors start; the same seed gives the same model."},
	{"long_tail", "head_share", 0.8, 0, 1, false,
	"Share of all ratings that the head holds; the rest is the tail. At the next training."},
	{"long_tail", "min_ratings", 1, 0, 1000000, true,
	"Items with fewer ratings are not known well enough."},
	{"serendipity", "min_ratings", 1, 0, 1000000, true,
	"Items with fewer ratings are not known well enough."},
	{"embeddings", "dimensions", 128, 8, 4096, true,
	"Of the vectors that are made of titles and attributes; your own have their own."},
	{"graph", "restart", 0.15, 0.01, 0.99, false,
	"Probability that the walk begins again, in each step."},
	{"graph", "precision", 1e-5, 1e-15, 1e-2, false,
	"Error of a node's share, by its degree; a list costs at most 1 / (restart * precision) steps."},
	{"graph", "like_margin", 1, -1e9, 1e9, false,
	"How far above the neutral value a rating is a like."}
};

static const ArmOption *find_option(const char *arm, const char *name);
static void check_option(const char *arm, const char *name,
						 const JsonbValue *value);
static char *known_options(const char *arm);

static const ArmOption *
find_option(const char *arm, const char *name)
{
	for (int i = 0; i < (int) lengthof(options); i++)
		if (strcmp(options[i].arm, arm) == 0 &&
			strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

/*
 * bd_option
 *		What a built-in arm of the bandit was told, or takes by itself.
 *
 * An arm that serves only within the control takes its own.
 */
double
bd_option(const Bandit *bandit, const char *arm, const char *name)
{
	const ArmOption *option = find_option(arm, name);

	if (option == NULL)
		elog(ERROR, "arm \"%s\" has no option \"%s\"", arm, name);
	for (int i = 0; i < bandit->narms; i++)
	{
		const Arm  *told = &bandit->arms[i];
		JsonbValue	found;

		if (told->source == NULL || strcmp(told->source, arm) != 0 ||
			getKeyJsonValueFromContainer(&told->options->root, name,
										 (int) strlen(name), &found) == NULL)
			continue;
		return DatumGetFloat8(DirectFunctionCall1(numeric_float8,
												  NumericGetDatum(found.val.numeric)));
	}
	return option->initial;
}

/* A copy in CurrentMemoryContext. */
Jsonb *
bd_options_copy(Datum told)
{
	return DatumGetJsonbPCopy(told);
}

/* "rank, iterations", for a hint. */
static char *
known_options(const char *arm)
{
	StringInfoData known;

	initStringInfo(&known);
	for (int i = 0; i < (int) lengthof(options); i++)
		if (strcmp(options[i].arm, arm) == 0)
			appendStringInfo(&known, "%s%s", known.len > 0 ? ", " : "",
							 options[i].name);
	return known.data;
}

static void
check_option(const char *arm, const char *name, const JsonbValue *value)
{
	const ArmOption *option = find_option(arm, name);
	double		number;

	if (option == NULL)
	{
		const char *known = known_options(arm);

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arm \"%s\" has no option \"%s\"", arm, name),
				 known[0] == '\0' ? errhint("It has no options.") :
				 errhint("It has these: %s.", known)));
	}
	if (value->type != jbvNumeric)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of arm \"%s\" must be a number",
						name, arm)));
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= option->lowest && number <= option->highest) ||
		(option->whole && number != floor(number)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" of arm \"%s\" must be a %snumber from %.16g to %.16g",
						name, arm, option->whole ? "whole " : "",
						option->lowest, option->highest)));
}

/*
 * check_options(source text, options jsonb) -> boolean
 *
 * True, or an error that says what is wrong.  Only built-in arms have any.
 */
Datum
bandit_check_options(PG_FUNCTION_ARGS)
{
	const char *arm = PG_ARGISNULL(0) ? NULL :
	text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *told;
	JsonbIterator *each;
	JsonbIteratorToken token;
	JsonbValue	value;
	const char *name = "";

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	told = PG_GETARG_JSONB_P(1);
	if (!JB_ROOT_IS_OBJECT(told))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object"),
				 errhint("Such as '{\"rank\": 64}'.")));
	if (JB_ROOT_COUNT(told) > 0 && arm == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an arm of a plain bandit has no options")));

	each = JsonbIteratorInit(&told->root);
	while ((token = JsonbIteratorNext(&each, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
			check_option(arm, name, &value);
	}
	PG_RETURN_BOOL(true);
}

/*
 * arm_options() -> (arm, option, value, lowest, highest, whole, description)
 */
Datum
bandit_arm_options(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < (int) lengthof(options); i++)
	{
		const ArmOption *option = &options[i];
		bool		nulls[7] = {false};
		Datum		row[7];

		row[0] = CStringGetTextDatum(option->arm);
		row[1] = CStringGetTextDatum(option->name);
		row[2] = Float8GetDatum(option->initial);
		row[3] = Float8GetDatum(option->lowest);
		row[4] = Float8GetDatum(option->highest);
		row[5] = BoolGetDatum(option->whole);
		row[6] = CStringGetTextDatum(option->description);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
	}
	return (Datum) 0;
}
