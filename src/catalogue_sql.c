/*-------------------------------------------------------------------------
 *
 * catalogue_sql.c
 *		The catalogue of a recommender as rows.
 *
 * src/catalogue_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "catalog/pg_type.h"
#include "catalogue.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bandit_catalogue);

static Datum attributes_of(const Catalogue *catalogue, int item);

/*
 * catalogue(name text) -> (item_id bigint, head boolean, attributes int[])
 */
Datum
bandit_catalogue(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Bandit	   *bandit =
	bd_settings_recommender(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	const Catalogue *catalogue;

	InitMaterializedSRF(fcinfo, 0);
	catalogue = bd_catalogue_get(bandit);
	for (int item = 0; item < catalogue->nitems; item++)
	{
		Datum		row[3];
		bool		nulls[3] = {false};

		CHECK_FOR_INTERRUPTS();
		row[0] = Int64GetDatum(catalogue->ids[item]);
		row[1] = BoolGetDatum(catalogue->head[item] != 0);
		row[2] = attributes_of(catalogue, item);
		tuplestore_putvalues(result->setResult, result->setDesc, row, nulls);
		pfree(DatumGetPointer(row[2]));
	}
	return (Datum) 0;
}

static Datum
attributes_of(const Catalogue *catalogue, int item)
{
	int			first = catalogue->attribute_start[item];
	int			n = catalogue->attribute_start[item + 1] - first;
	Datum	   *numbers = palloc(sizeof(Datum) * Max(n, 1));
	ArrayType  *array;

	for (int i = 0; i < n; i++)
		numbers[i] = Int32GetDatum(catalogue->attributes[first + i]);
	array = construct_array(numbers, n, INT4OID, sizeof(int32), true,
							TYPALIGN_INT);
	pfree(numbers);
	return PointerGetDatum(array);
}
