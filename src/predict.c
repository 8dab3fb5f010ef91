/*-------------------------------------------------------------------------
 *
 * predict.c
 *		What a user would rate items, by the arms that can say.
 *
 * For inspection and evaluation: lists are not made by predicted rating.
 *
 * src/predict.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bandit_predict);
PG_FUNCTION_INFO_V1(bandit_predict_key);

static const Predictor predictors[] = {
	{"svd", bd_svd_predict},
	{"item_cf", bd_item_cf_predict}
};

static const Predictor *require_predictor(const char *arm);
static Datum predict(FunctionCallInfo fcinfo, bool by_key);

/*
 * bd_predictor
 *		The built-in arm that predicts ratings, or NULL if it does not.
 */
const Predictor *
bd_predictor(const char *arm)
{
	for (int i = 0; i < (int) lengthof(predictors); i++)
		if (strcmp(predictors[i].arm, arm) == 0)
			return &predictors[i];
	return NULL;
}

static const Predictor *
require_predictor(const char *arm)
{
	const Predictor *predictor = bd_predictor(arm);
	StringInfoData names;

	if (predictor != NULL)
		return predictor;
	initStringInfo(&names);
	for (int i = 0; i < (int) lengthof(predictors); i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "",
						 predictors[i].arm);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("arm \"%s\" does not predict ratings", arm),
			 errhint("These do: %s.", names.data)));
}

/*
 * bd_item_number
 *		An item's number; its key becomes as its column prints it.
 */
int64
bd_item_number(const Bandit *bandit, Datum *item, bool by_key)
{
	char	   *key;

	if (!by_key)
		return DatumGetInt64(*item);
	key = bd_key_canonical(TextDatumGetCString(*item),
						   bandit->recommender->uuid_items);
	*item = CStringGetTextDatum(key);
	return bd_key_id(key, strlen(key));
}

static Datum
predict(FunctionCallInfo fcinfo, bool by_key)
{
	static const char *const names[] = {"name", "arm", "user", "items"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const Predictor *predictor;
	ListRequest request = {0};
	ArrayType  *array;
	Datum	   *items;
	bool	   *nulls;
	int64	   *numbers;
	double	   *predicted;
	int			n;
	bool		known;

	bd_require_arguments(fcinfo, 4, names);
	request.bandit = bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	predictor = require_predictor(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	bd_user_ref(request.bandit, by_key ? 0 : PG_GETARG_INT64(2),
				by_key ? text_to_cstring(PG_GETARG_TEXT_PP(2)) : NULL,
				&request.user);
	array = PG_GETARG_ARRAYTYPE_P(3);
	if (by_key)
		deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
						  &items, &nulls, &n);
	else
		deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
						  TYPALIGN_DOUBLE, &items, &nulls, &n);

	InitMaterializedSRF(fcinfo, 0);
	numbers = palloc(sizeof(int64) * Max(n, 1));
	predicted = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		numbers[i] = nulls[i] ? 0 : bd_item_number(request.bandit, &items[i], by_key);
	}
	request.history = bd_history_load(request.bandit, &request.user, DT_NOEND);
	known = predictor->predict(&request, numbers, n, predicted);
	for (int i = 0; i < n; i++)
	{
		Datum		row[2] = {items[i], Float8GetDatum(predicted[i])};
		bool		none[2] = {nulls[i], nulls[i] || !known};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, row, none);
	}
	return (Datum) 0;
}

/*
 * predict(name text, arm text, user_id bigint, item_ids bigint[])
 *		-> (item_id bigint, predicted float8)
 */
Datum
bandit_predict(PG_FUNCTION_ARGS)
{
	return predict(fcinfo, false);
}

/*
 * predict(name text, arm text, user_key text, item_keys text[])
 *		-> (item_key text, predicted float8)
 */
Datum
bandit_predict_key(PG_FUNCTION_ARGS)
{
	return predict(fcinfo, true);
}
