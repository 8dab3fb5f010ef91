/*-------------------------------------------------------------------------
 *
 * source.c
 *		Where a recommender's rows come from: SQL over the user's tables,
 *		made once from the column names in bandit.recommenders.
 *
 * Users and items are numbers inside.  smallint, int and bigint columns are
 * those numbers; a uuid or text key stands for the number bandit.key_id
 * makes of it.  The user's row is always found by its own type, so that the
 * user's own index serves.
 *
 * All of this runs with the caller's rights, or the owner's of the table that
 * is read if these are fewer (bd_reader_begin), and so calls nothing of ours.
 *
 * src/source.c
 *
 *-------------------------------------------------------------------------
 */
#include "bandit.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The row of bandit.recommenders, and what is derived from it. */
typedef struct Columns
{
	char	   *ratings;		/* qualified and quoted, like all names here */
	char	   *user;
	char	   *item;
	char	   *value;			/* NULL when there is none, like those below */
	char	   *time;
	char	   *items;
	char	   *key;
	char	   *title;
	char	   *attributes;
	char	   *vector;
	char	   *separator;		/* a quoted literal */
	Oid			user_type;
	Oid			item_type;
	Oid			time_type;
	Oid			key_type;
	Oid			attributes_type;
} Columns;

static char *relation_name(Oid relation);
static char *quoted_column(Oid relation, const char *column, Oid *type);
static void read_columns(Columns *columns, Recommender *rec);
static void read_boundaries(Recommender *rec);
static void read_numbers(const char *column, int n, size_t size,
						 void *values);
static char *number(const Recommender *rec, const char *table,
					const char *column);
static char *user_condition(const Columns *columns, const Recommender *rec);
static char *newest_first(const Columns *columns);
static void make_history_sql(const Columns *columns, Recommender *rec);
static void make_ratings_sql(const Columns *columns, Recommender *rec);
static void make_items_sql(const Columns *columns, Recommender *rec);
static char *attribute_array(const Columns *columns);

PG_FUNCTION_INFO_V1(bandit_count_as_owner);

/*
 * count_as_owner(source regclass, query text) -> bigint
 *		What a query over a table counts, run as bd_reader_begin says.
 */
Datum
bandit_count_as_owner(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	OwnerScope	scope;
	int64		count = 0;
	bool		isnull;

	SPI_connect();
	bd_reader_begin(bd_relation_owner(PG_GETARG_OID(0)), &scope);
	if (SPI_execute(query, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
		count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
											SPI_tuptable->tupdesc, 1,
											&isnull));
	bd_reader_end(&scope);
	SPI_finish();
	PG_RETURN_INT64(count);
}

/*
 * bd_source_load
 *		Read bandit.recommenders and make the SQL; memory from "context".
 *
 * Raises undefined_table or undefined_column when the user's tables are no
 * longer what they were.
 */
Recommender *
bd_source_load(const char *name, MemoryContext context)
{
	static KeptPlan plan = {
		"SELECT ratings, items, key_type OPERATOR(pg_catalog.=) 'text',"
		" neutral_value, exclude_seen, blend_arms, time_zone,"
		" saturation_from, session_gap, attribute_count,"
		" user_column, item_column, value_column, time_column,"
		" items_key_column, title_column, attributes_column,"
		" attribute_separator, period_from, weekend_days, user_type_from,"
		" session_from, vector_column, exclude_disliked"
		" FROM bandit.recommenders WHERE bandit OPERATOR(pg_catalog.=) $1",
		1, {TEXTOID}
	};
	Recommender *rec;
	Columns		columns;
	OwnerScope	scope;
	MemoryContext old;
	Datum		value = CStringGetTextDatum(name);

	bd_push_latest();
	SPI_connect();
	bd_owner_begin(&scope);
	bd_plan_run(&plan, &value, NULL, true, 1);
	bd_owner_end(&scope);
	if (SPI_processed != 1)
		elog(ERROR, "no recommender \"%s\"", name);

	old = MemoryContextSwitchTo(context);
	rec = palloc0(sizeof(Recommender));
	read_columns(&columns, rec);
	read_boundaries(rec);
	make_history_sql(&columns, rec);
	make_ratings_sql(&columns, rec);
	make_items_sql(&columns, rec);
	MemoryContextSwitchTo(old);
	SPI_finish();
	PopActiveSnapshot();
	return rec;
}

/* A column of the row, by name. */
static Datum
field(const char *column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						 SPI_fnumber(SPI_tuptable->tupdesc, column), isnull);
}

static char *
text_field(const char *column)
{
	bool		isnull;
	Datum		value = field(column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static char *
relation_name(Oid relation)
{
	char	   *name = get_rel_name(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("a table of the recommender no longer exists"),
				 errdetail("It had the OID %u.", relation),
				 errhint("Point bandit.recommenders at a table that exists.")));
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  name);
}

/*
 * quoted_column
 *		A column's name, quoted, and its base type; NULL stays NULL.
 */
static char *
quoted_column(Oid relation, const char *column, Oid *type)
{
	AttrNumber	attnum;

	if (column == NULL)
		return NULL;
	attnum = get_attnum(relation, column);
	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						column, get_rel_name(relation)),
				 errhint("Correct the column's name in bandit.recommenders.")));
	if (type != NULL)
		*type = getBaseType(get_atttype(relation, attnum));
	return pstrdup(quote_identifier(column));
}

static void
read_columns(Columns *columns, Recommender *rec)
{
	bool		isnull;

	memset(columns, 0, sizeof(Columns));
	rec->ratings = DatumGetObjectId(field("ratings", &isnull));
	rec->items = DatumGetObjectId(field("items", &isnull));
	if (isnull)
		rec->items = InvalidOid;
	rec->by_key = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
											 SPI_tuptable->tupdesc, 3,
											 &isnull));
	rec->neutral_value = DatumGetFloat8(field("neutral_value", &isnull));
	rec->exclude_seen = DatumGetBool(field("exclude_seen", &isnull));
	rec->exclude_disliked = DatumGetBool(field("exclude_disliked", &isnull));
	rec->blend_arms = DatumGetInt32(field("blend_arms", &isnull));
	rec->attribute_count = DatumGetInt32(field("attribute_count", &isnull));

	columns->ratings = relation_name(rec->ratings);
	rec->history_query.relation = rec->recent_query.relation =
		rec->ratings_query.relation = rec->timed_query.relation =
		rec->popular_query.relation = rec->ratings;
	rec->items_query.relation = rec->vectors_query.relation =
		OidIsValid(rec->items) ? rec->items : rec->ratings;
	columns->user = quoted_column(rec->ratings, text_field("user_column"),
								  &columns->user_type);
	columns->item = quoted_column(rec->ratings, text_field("item_column"),
								  &columns->item_type);
	columns->value = quoted_column(rec->ratings, text_field("value_column"),
								   NULL);
	columns->time = quoted_column(rec->ratings, text_field("time_column"),
								  &columns->time_type);
	columns->separator = quote_literal_cstr(text_field("attribute_separator"));
	rec->has_value = columns->value != NULL;
	rec->has_time = columns->time != NULL;
	rec->uuid_users = columns->user_type == UUIDOID;
	rec->uuid_items = columns->item_type == UUIDOID;

	if (!OidIsValid(rec->items))
		return;
	columns->items = relation_name(rec->items);
	columns->key = quoted_column(rec->items, text_field("items_key_column"),
								 &columns->key_type);
	columns->title = quoted_column(rec->items, text_field("title_column"),
								   NULL);
	columns->attributes = quoted_column(rec->items,
										text_field("attributes_column"),
										&columns->attributes_type);
	rec->has_attributes = columns->attributes != NULL;
	columns->vector = quoted_column(rec->items, text_field("vector_column"),
									NULL);
}

/*
 * read_numbers
 *		The first n elements of an array.
 *
 * The table's constraints let nulls and other shapes pass.
 */
static void
read_numbers(const char *column, int n, size_t size, void *values)
{
	bool		isnull;
	ArrayType  *array = DatumGetArrayTypeP(field(column, &isnull));
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_HASNULL(array) || count < n)
		elog(ERROR, "column \"%s\" of bandit.recommenders is malformed",
			 column);
	memcpy(values, ARR_DATA_PTR(array), size * n);
}

static void
read_boundaries(Recommender *rec)
{
	bool		isnull;
	ArrayType  *days = DatumGetArrayTypeP(field("weekend_days", &isnull));
	int			ndays = ArrayGetNItems(ARR_NDIM(days), ARR_DIMS(days));
	int		   *day = (int *) ARR_DATA_PTR(days);

	rec->time_zone = text_field("time_zone");
	read_numbers("period_from", 4, sizeof(int), rec->period_from);
	read_numbers("user_type_from", 2, sizeof(int), rec->user_type_from);
	read_numbers("session_from", 2, sizeof(int), rec->session_from);
	read_numbers("saturation_from", 2, sizeof(double), rec->saturation_from);
	rec->session_gap = *DatumGetIntervalP(field("session_gap", &isnull));
	for (int i = 0; i < ndays && !ARR_HASNULL(days); i++)
		rec->weekend[day[i]] = true;
}

/*
 * number
 *		SQL for the number of a user or an item.
 *
 * Of a key it is what bandit.key_id gives, which not everybody may call.
 */
static char *
number(const Recommender *rec, const char *table, const char *column)
{
	return psprintf(rec->by_key ?
					"('x' OPERATOR(pg_catalog.||) pg_catalog.encode("
					"pg_catalog.substr(pg_catalog.sha256("
					"pg_catalog.convert_to(%s.%s::pg_catalog.text, 'UTF8')),"
					" 1, 8), 'hex'))::pg_catalog.bit(64)::pg_catalog.int8" :
					"%s.%s::pg_catalog.int8", table, column);
}

/*
 * user_condition
 *		"this row is of user $1, before $2", by the column's own type.
 */
static char *
user_condition(const Columns *columns, const Recommender *rec)
{
	StringInfoData sql;

	initStringInfo(&sql);
	if (!rec->by_key)
		appendStringInfo(&sql, "r.%s OPERATOR(pg_catalog.=) $1", columns->user);
	else if (columns->user_type == UUIDOID)
		appendStringInfo(&sql,
						 "r.%s OPERATOR(pg_catalog.=) $1::pg_catalog.uuid",
						 columns->user);
	else
		appendStringInfo(&sql,
						 "r.%s::pg_catalog.text OPERATOR(pg_catalog.=) $1",
						 columns->user);

	/* as numbers, for not every number is a time */
	if (columns->time_type == INT4OID || columns->time_type == INT8OID)
		appendStringInfo(&sql,
						 " AND (r.%s::pg_catalog.float8 OPERATOR(pg_catalog.<)"
						 " pg_catalog.date_part('epoch', $2)) IS NOT FALSE",
						 columns->time);
	else if (columns->time != NULL)
		appendStringInfo(&sql,
						 " AND (r.%s OPERATOR(pg_catalog.<) $2) IS NOT FALSE",
						 columns->time);
	return sql.data;
}

static char *
newest_first(const Columns *columns)
{
	return columns->time == NULL ? pstrdup("") :
		psprintf(" ORDER BY r.%s DESC NULLS LAST", columns->time);
}

/*
 * attribute_array
 *		SQL for an item's attributes as text[], NULL when there are none.
 */
static char *
attribute_array(const Columns *columns)
{
	if (columns->attributes == NULL)
		return pstrdup("NULL::pg_catalog.text[]");
	if (OidIsValid(get_element_type(columns->attributes_type)))
		return psprintf("i.%s::pg_catalog.text[]", columns->attributes);
	return psprintf("pg_catalog.string_to_array(i.%s::pg_catalog.text, %s)",
					columns->attributes, columns->separator);
}

static void
make_history_sql(const Columns *columns, Recommender *rec)
{
	char	   *condition = user_condition(columns, rec);
	char	   *order = newest_first(columns);
	bool		same_type = columns->item_type == columns->key_type || !rec->by_key;

	rec->history_query.sql =
		psprintf("SELECT %s, %s%s%s FROM %s r WHERE %s AND r.%s IS NOT NULL%s"
				 " LIMIT 10000",
				 number(rec, "r", columns->item),
				 columns->value ? "r." : "NULL",
				 columns->value ? columns->value : "",
				 "::pg_catalog.float8",
				 columns->ratings, condition, columns->item, order);

	if (!rec->has_attributes)
		return;
	rec->recent_query.sql =
		psprintf("SELECT %s FROM (SELECT r.%s AS item FROM %s r WHERE %s%s"
				 " LIMIT 20) h JOIN %s i ON i.%s%s"
				 " OPERATOR(pg_catalog.=) h.item%s",
				 attribute_array(columns), columns->item, columns->ratings,
				 condition, order, columns->items, columns->key,
				 same_type ? "" : "::pg_catalog.text",
				 same_type ? "" : "::pg_catalog.text");
}

static void
make_ratings_sql(const Columns *columns, Recommender *rec)
{
	char	   *user = number(rec, "r", columns->user);
	char	   *item = number(rec, "r", columns->item);
	char	   *value = columns->value ?
	psprintf("r.%s::pg_catalog.float8", columns->value) :
	pstrdup("1.0::pg_catalog.float8");
	const char *shape = "SELECT DISTINCT ON (1, 2) %s, %s, %s FROM %s"
	" WHERE r.%s IS NOT NULL AND r.%s IS NOT NULL%s"
	" ORDER BY 1, 2, %s%s 3";
	char	   *finite = columns->value == NULL ? "" :
	psprintf(" AND %s OPERATOR(pg_catalog.<) '%g'"
			 " AND %s OPERATOR(pg_catalog.>) '-%g'",
			 value, BD_VALUE_LIMIT, value, BD_VALUE_LIMIT);
	char	   *time = columns->time == NULL ? "" :
	psprintf("r.%s DESC NULLS LAST", columns->time);
	const char *comma = columns->time == NULL ? "" : ",";

	rec->ratings_query.sql =
		psprintf(shape, user, item, value, psprintf("%s r", columns->ratings),
				 columns->user, columns->item, finite, time, comma);
	rec->popular_query.sql =
		psprintf(shape, user, item, value,
				 psprintf("(SELECT * FROM %s LIMIT 100000) r",
						  columns->ratings),
				 columns->user, columns->item, finite, time, comma);

	/* without times an order that is as good as any, and always the same */
	rec->timed_query.sql =
		psprintf("SELECT u, i, v FROM (SELECT DISTINCT ON (1, 2)"
				 " %s AS u, %s AS i, %s AS v, %s%s AS t FROM %s r"
				 " WHERE r.%s IS NOT NULL AND r.%s IS NOT NULL%s"
				 " ORDER BY 1, 2, %s%s 3) s ORDER BY u, t NULLS FIRST, i",
				 user, item, value, columns->time ? "r." :
				 psprintf("pg_catalog.hashint8extended(%s, %s)", item, user),
				 columns->time ? columns->time : "", columns->ratings,
				 columns->user, columns->item, finite, time, comma);
}

static void
make_items_sql(const Columns *columns, Recommender *rec)
{
	const char *table = rec->items ? "i" : "r";
	const char *column = rec->items ? columns->key : columns->item;

	rec->items_query.sql =
		psprintf("SELECT DISTINCT ON (1) %s, %s, %s, %s FROM %s %s"
				 " WHERE %s.%s IS NOT NULL ORDER BY 1",
				 number(rec, table, column),
				 rec->by_key ? psprintf("%s.%s::pg_catalog.text", table, column) :
				 "NULL::pg_catalog.text",
				 columns->title ?
				 psprintf("i.%s::pg_catalog.text", columns->title) :
				 "NULL::pg_catalog.text",
				 attribute_array(columns),
				 rec->items ? columns->items : columns->ratings, table,
				 table, column);
	if (columns->vector == NULL)
		return;
	rec->vectors_query.sql =
		psprintf("SELECT DISTINCT ON (1) %s, i.%s::pg_catalog.float4[] FROM %s i"
				 " WHERE i.%s IS NOT NULL AND i.%s IS NOT NULL ORDER BY 1",
				 number(rec, table, column), columns->vector,
				 columns->items, column, columns->vector);
}
