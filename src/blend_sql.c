/*-------------------------------------------------------------------------
 *
 * blend_sql.c
 *		blend(lists, weights, n): the blending of recommend, by itself.
 *
 * src/blend_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include <math.h>

#include "access/htup_details.h"
#include "blend.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/numeric.h"

PG_FUNCTION_INFO_V1(bandit_blend);

/* More would be a mistake; shares are found in time square to their number. */
#define MAX_LISTS 1000

/* A list of items on its way into the blend. */
typedef struct SourceList
{
	int			nitems;
	int			next;
	char	  **items;
} SourceList;

/* One place of the result. */
typedef struct Placed
{
	char	   *item;
	int			list;
} Placed;

static void read_lists(Jsonb *lists, SourceList **sources, int *nsources);
static char *read_scalar(JsonbValue *value);
static double *read_weights(ArrayType *array, int nsources);
static int	blend_sources(SourceList *sources, int nsources,
						  const double *weights, int n, Placed *placed);
static HTAB *create_seen(void);
static uint32 hash_item(const void *key, Size size);
static int	compare_items(const void *a, const void *b, Size size);
static char *next_unseen(SourceList *source, HTAB *seen);

static void
lists_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("lists must be an array of arrays of numbers or strings"),
			 errhint("For example '[[1, 2, 3], [4, 1]]'.")));
}

/* Numbers that are equal are one item, however they are written. */
static char *
read_scalar(JsonbValue *value)
{
	if (value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value->type == jbvNumeric)
		return numeric_normalize(value->val.numeric);
	lists_error();
	return NULL;
}

static void
read_list(JsonbContainer *array, SourceList *source)
{
	JsonbIterator *it = JsonbIteratorInit(array);
	JsonbValue	value;
	JsonbIteratorToken token;

	source->items = palloc(sizeof(char *) * Max(JsonContainerSize(array), 1));
	source->nitems = 0;
	source->next = 0;
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			source->items[source->nitems++] = read_scalar(&value);
}

static void
read_lists(Jsonb *lists, SourceList **sources, int *nsources)
{
	JsonbIterator *it;
	JsonbValue	value;
	JsonbIteratorToken token;

	if (!JB_ROOT_IS_ARRAY(lists) || JB_ROOT_IS_SCALAR(lists))
		lists_error();
	if (JB_ROOT_COUNT(lists) > MAX_LISTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there can be at most %d lists", MAX_LISTS)));
	*sources = palloc(sizeof(SourceList) * Max(JB_ROOT_COUNT(lists), 1));
	*nsources = 0;
	it = JsonbIteratorInit(&lists->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM)
			continue;
		if (value.type != jbvBinary ||
			!JsonContainerIsArray(value.val.binary.data) ||
			JsonContainerIsScalar(value.val.binary.data))
			lists_error();
		read_list(value.val.binary.data, &(*sources)[(*nsources)++]);
	}
}

static double *
read_weights(ArrayType *array, int nsources)
{
	Datum	   *values;
	double	   *weights;
	int			n;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("weights must be a one-dimensional array")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("weights must not contain null")));
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, NULL, &n);
	if (n != nsources)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be a weight for each list"),
				 errdetail("There are %d lists and %d weights.", nsources, n)));
	weights = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		weights[i] = DatumGetFloat8(values[i]);
		if (!isfinite(weights[i]) || weights[i] < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weights must be finite and not negative")));
	}
	return weights;
}

static int
blend_sources(SourceList *sources, int nsources, const double *weights,
			  int n, Placed *placed)
{
	BlendArm   *storage = palloc(sizeof(BlendArm) * Max(nsources, 1));
	HTAB	   *seen = create_seen();
	Blend		blend;
	int			nplaced = 0;
	int			turn;

	bd_blend_start(&blend, storage, nsources, weights);
	while (nplaced < n && (turn = bd_blend_next(&blend)) >= 0)
	{
		char	   *item = next_unseen(&sources[turn], seen);

		CHECK_FOR_INTERRUPTS();
		if (item == NULL)
		{
			bd_blend_dry(&blend, turn);
			continue;
		}
		placed[nplaced].item = item;
		placed[nplaced++].list = turn;
		bd_blend_placed(&blend, turn);
	}
	hash_destroy(seen);
	return nplaced;
}

/* The items placed so far; keys are pointers to their text. */
static HTAB *
create_seen(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(char *);
	control.entrysize = sizeof(char *);
	control.hash = hash_item;
	control.match = compare_items;
	control.hcxt = CurrentMemoryContext;
	return hash_create("items of a blend", 64, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE |
					   HASH_CONTEXT);
}

static uint32
hash_item(const void *key, Size size)
{
	const char *item = *(char *const *) key;

	return hash_bytes((const unsigned char *) item, (int) strlen(item));
}

static int
compare_items(const void *a, const void *b, Size size)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The list's best item that is not placed yet, NULL when it is exhausted. */
static char *
next_unseen(SourceList *source, HTAB *seen)
{
	while (source->next < source->nitems)
	{
		char	   *item = source->items[source->next++];
		bool		found;

		hash_search(seen, &item, HASH_ENTER, &found);
		if (!found)
			return item;
	}
	return NULL;
}

static void
blend_first(FunctionCallInfo fcinfo, FuncCallContext *funcctx)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
	SourceList *sources;
	double	   *weights;
	Placed	   *placed;
	int			nsources;
	int			total = 0;
	int			n;

	funcctx->tuple_desc = BlessTupleDesc(CreateTupleDescCopy(rsinfo->expectedDesc));
	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("lists and n must not be null")));
	read_lists(PG_GETARG_JSONB_P(0), &sources, &nsources);
	weights = PG_ARGISNULL(1) ? NULL :
		read_weights(PG_GETARG_ARRAYTYPE_P(1), nsources);
	for (int i = 0; i < nsources; i++)
		total += sources[i].nitems;
	n = Min(PG_GETARG_INT32(2), total);
	placed = palloc(sizeof(Placed) * Max(n, 1));
	funcctx->user_fctx = placed;
	funcctx->max_calls = blend_sources(sources, nsources, weights, n, placed);
	MemoryContextSwitchTo(old);
}

/*
 * blend(lists jsonb, weights float8[], n int)
 *		-> (position int, item text, list int)
 */
Datum
bandit_blend(PG_FUNCTION_ARGS)
{
	FuncCallContext *funcctx;
	const Placed *placed;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (SRF_IS_FIRSTCALL())
		blend_first(fcinfo, SRF_FIRSTCALL_INIT());
	funcctx = SRF_PERCALL_SETUP();
	if (funcctx->call_cntr >= funcctx->max_calls)
		SRF_RETURN_DONE(funcctx);

	placed = &((Placed *) funcctx->user_fctx)[funcctx->call_cntr];
	values[0] = Int32GetDatum((int) funcctx->call_cntr + 1);
	values[1] = CStringGetTextDatum(placed->item);
	values[2] = Int32GetDatum(placed->list + 1);
	SRF_RETURN_NEXT(funcctx,
					HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
													  values, nulls)));
}
