/*-------------------------------------------------------------------------
 *
 * embeddings.c
 *		The arm embeddings: items whose content is like that of what the user
 *		likes.
 *
 * Every item has a vector: one of the application's own, a column of arrays or
 * of pgvector's type, or else its title and attributes, hashed
 * (text_vector.c), rare words counting more than common ones.  The user's
 * profile is the sum of his items' vectors, each of length 1, times how far
 * his rating is from his mean; where he rates all alike, their plain mean.  An
 * item's score is its cosine with the profile (Pazzani and Billsus 2007;
 * methods 16.4).  No rating of an item is needed.
 *
 * src/embeddings.c
 *
 *-------------------------------------------------------------------------
 */
#include "train.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "options.h"
#include "text_vector.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* The image's arrays, in this order. */
enum
{
	EMBEDDINGS_FACTS,
	EMBEDDINGS_IDS,
	EMBEDDINGS_VECTORS,
	EMBEDDINGS_NARRAYS
};

typedef struct EmbeddingFacts
{
	int64		ndimensions;
} EmbeddingFacts;

typedef struct Embeddings
{
	int			nitems;
	int			ndimensions;
	const int64 *ids;			/* ascending */
	const float *vectors;		/* by item, of length 1 */
} Embeddings;

/* Vectors on their way into an image. */
typedef struct EmbeddingMaker
{
	int			ndimensions;	/* 0: those of the first vector */
	int			nitems;
	int64		room;			/* items */
	int64	   *ids;
	float	   *vectors;
	int64		nskipped;
	int64		first_skipped;	/* its id */
	MemoryContext row_context;
} EmbeddingMaker;

/* In how many items a word is. */
typedef struct WordCount
{
	uint64		word;
	int32		nitems;
	char		status;			/* of the hash table */
} WordCount;

#define SH_PREFIX wordcount
#define SH_ELEMENT_TYPE WordCount
#define SH_KEY_TYPE uint64
#define SH_KEY word
#define SH_HASH_KEY(table, key) ((uint32) ((key) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The words of all items. */
typedef struct WordReader
{
	wordcount_hash *counts;
	int64	   *ids;
	int64	   *start;			/* by item: of its words */
	int			nitems;
	int64		room;			/* items */
	uint64	   *words;			/* an item's, each once */
	int64		nwords;
	int64		word_room;
	MemoryContext row_context;
} WordReader;

static void *decode(const ModelImage *image);
static bytea *make(const TrainInput *input);
static float *next_vector(EmbeddingMaker *maker, int64 id);
static void skip(EmbeddingMaker *maker, int64 id);
static void read_vector(void *state, HeapTuple row, TupleDesc desc);
static bool fill_vector(EmbeddingMaker *maker, ArrayType *array, int64 id);
static void make_from_text(const TrainInput *input, EmbeddingMaker *maker);
static void read_words(void *state, HeapTuple row, TupleDesc desc);
static void add_word(WordReader *reader, uint64 word);
static float *find_profile(const Embeddings *model, const KnownItem *known,
						   int nknown);

static const ModelKind kind = {
	"embeddings", 1, EMBEDDINGS_NARRAYS, decode
};

const TrainableArm bd_embeddings_trainable = {"embeddings", &kind, make};

/* ----------------------------------------------------------------
 * training
 * ----------------------------------------------------------------
 */

/* See TrainableArm. */
static bytea *
make(const TrainInput *input)
{
	const Recommender *rec = input->bandit->recommender;
	EmbeddingMaker maker = {0};
	EmbeddingFacts facts;

	maker.row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "bandit item",
											  ALLOCSET_DEFAULT_SIZES);
	if (rec->vectors_query.sql != NULL)
		bd_rows_read(&rec->vectors_query, PG_INT64_MAX, read_vector, &maker);
	else
		make_from_text(input, &maker);
	if (maker.nskipped > 0 && rec->vectors_query.sql != NULL)
		ereport(WARNING,
				(errmsg("embeddings: %lld items were skipped",
						(long long) maker.nskipped),
				 errdetail("A vector must have %d finite dimensions, as the first one has, and not be zero; that of item %lld does not.",
						   maker.ndimensions,
						   (long long) maker.first_skipped)));
	facts.ndimensions = Max(maker.ndimensions, 1);

	{
		const ImageArray arrays[EMBEDDINGS_NARRAYS] = {
			[EMBEDDINGS_FACTS] = {&facts, 1, sizeof(EmbeddingFacts)},
			[EMBEDDINGS_IDS] = {maker.ids, maker.nitems, sizeof(int64)},
			[EMBEDDINGS_VECTORS] = {maker.vectors,
			maker.nitems * facts.ndimensions, sizeof(float)}
		};

		return bd_image_make(&kind, arrays);
	}
}

/* Room for the vector of one more item; maker->nitems is to be raised. */
static float *
next_vector(EmbeddingMaker *maker, int64 id)
{
	if (maker->nitems == maker->room)
	{
		int64		room = Max(maker->room * 2, 1024);
		Size		bytes = sizeof(float) * maker->ndimensions * room;

		maker->ids = maker->ids == NULL ?
			palloc_extended(sizeof(int64) * room, MCXT_ALLOC_HUGE) :
			repalloc_huge(maker->ids, sizeof(int64) * room);
		maker->vectors = maker->vectors == NULL ?
			palloc_extended(bytes, MCXT_ALLOC_HUGE) :
			repalloc_huge(maker->vectors, bytes);
		maker->room = room;
	}
	maker->ids[maker->nitems] = id;
	return maker->vectors + (int64) maker->nitems * maker->ndimensions;
}

static void
skip(EmbeddingMaker *maker, int64 id)
{
	if (maker->nskipped++ == 0)
		maker->first_skipped = id;
}

/* See RowReader: item id, vector as real[], by id. */
static void
read_vector(void *state, HeapTuple row, TupleDesc desc)
{
	EmbeddingMaker *maker = state;
	Datum		fields[2];
	bool		nulls[2];
	MemoryContext old;
	ArrayType  *array;

	heap_deform_tuple(row, desc, fields, nulls);
	old = MemoryContextSwitchTo(maker->row_context);
	array = DatumGetArrayTypePCopy(fields[1]);
	MemoryContextSwitchTo(old);
	if (!fill_vector(maker, array, DatumGetInt64(fields[0])))
		skip(maker, DatumGetInt64(fields[0]));
	MemoryContextReset(maker->row_context);
}

static bool
fill_vector(EmbeddingMaker *maker, ArrayType *array, int64 id)
{
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	float	   *vector;

	if (maker->ndimensions == 0)
		maker->ndimensions = n;
	if (n == 0 || n != maker->ndimensions || array_contains_nulls(array))
		return false;
	vector = next_vector(maker, id);
	memcpy(vector, ARR_DATA_PTR(array), sizeof(float) * n);
	if (!bd_unit_length(vector, n))
		return false;
	maker->nitems++;
	return true;
}

/*
 * make_from_text
 *		Vectors of titles and attributes: a word that is in few items weighs
 *		more, ln((1 + items) / (1 + items with it)) + 1.
 */
static void
make_from_text(const TrainInput *input, EmbeddingMaker *maker)
{
	const Recommender *rec = input->bandit->recommender;
	WordReader	reader = {0};

	reader.counts = wordcount_create(CurrentMemoryContext, 1024, NULL);
	reader.row_context = maker->row_context;
	maker->ndimensions = (int) bd_option(input->bandit, "embeddings",
										 "dimensions");
	if (OidIsValid(rec->items))
		bd_rows_read(&rec->items_query, PG_INT64_MAX, read_words, &reader);
	for (int i = 0; i < reader.nitems; i++)
	{
		int64		end = i + 1 < reader.nitems ? reader.start[i + 1] :
		reader.nwords;
		float	   *vector = next_vector(maker, reader.ids[i]);

		CHECK_FOR_INTERRUPTS();
		memset(vector, 0, sizeof(float) * maker->ndimensions);
		for (int64 w = reader.start[i]; w < end; w++)
		{
			const WordCount *count = wordcount_lookup(reader.counts,
													  reader.words[w]);

			bd_text_add(vector, maker->ndimensions, reader.words[w],
						log((1.0 + reader.nitems) / (1.0 + count->nitems)) + 1);
		}
		if (bd_unit_length(vector, maker->ndimensions))
			maker->nitems++;
		else
			skip(maker, reader.ids[i]);
	}
}

/* See RowReader: item id, key, title, attributes, by id. */
static void
read_words(void *state, HeapTuple row, TupleDesc desc)
{
	WordReader *reader = state;
	Datum		fields[4];
	bool		nulls[4];
	MemoryContext old;

	heap_deform_tuple(row, desc, fields, nulls);
	if (reader->nitems == reader->room)
	{
		reader->room = Max(reader->room * 2, 1024);
		reader->ids = reader->ids == NULL ?
			palloc(sizeof(int64) * reader->room) :
			repalloc_huge(reader->ids, sizeof(int64) * reader->room);
		reader->start = reader->start == NULL ?
			palloc(sizeof(int64) * reader->room) :
			repalloc_huge(reader->start, sizeof(int64) * reader->room);
	}
	reader->ids[reader->nitems] = DatumGetInt64(fields[0]);
	reader->start[reader->nitems++] = reader->nwords;

	old = MemoryContextSwitchTo(reader->row_context);
	if (!nulls[2])
	{
		const char *word = TextDatumGetCString(fields[2]);
		size_t		len;

		while ((word = bd_text_word(word, &len)) != NULL)
		{
			MemoryContextSwitchTo(old);
			add_word(reader, bd_text_hash(word, len, 't'));
			MemoryContextSwitchTo(reader->row_context);
			word += len;
		}
	}
	if (!nulls[3])
	{
		Datum	   *attributes;
		bool	   *missing;
		int			n;

		deconstruct_array(DatumGetArrayTypeP(fields[3]), TEXTOID, -1, false,
						  TYPALIGN_INT, &attributes, &missing, &n);
		for (int i = 0; i < n; i++)
		{
			char	   *name = missing[i] ? "" :
			TextDatumGetCString(attributes[i]);

			MemoryContextSwitchTo(old);
			if (*name != '\0')
				add_word(reader, bd_text_hash(name, strlen(name), 'a'));
			MemoryContextSwitchTo(reader->row_context);
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/* A word of the last item, unless it has it already. */
static void
add_word(WordReader *reader, uint64 word)
{
	WordCount  *count;
	bool		found;

	for (int64 w = reader->start[reader->nitems - 1]; w < reader->nwords; w++)
		if (reader->words[w] == word)
			return;
	if (reader->nwords == reader->word_room)
	{
		reader->word_room = Max(reader->word_room * 2, 8192);
		reader->words = reader->words == NULL ?
			palloc(sizeof(uint64) * reader->word_room) :
			repalloc_huge(reader->words, sizeof(uint64) * reader->word_room);
	}
	reader->words[reader->nwords++] = word;
	count = wordcount_insert(reader->counts, word, &found);
	if (!found)
		count->nitems = 0;
	count->nitems++;
}

/* See ModelKind. */
static void *
decode(const ModelImage *image)
{
	Embeddings *model = palloc(sizeof(Embeddings));
	const EmbeddingFacts *facts;
	int64		one = 1;
	int64		nitems = -1;
	int64		nnumbers;

	facts = bd_image_array(image, EMBEDDINGS_FACTS, sizeof(EmbeddingFacts),
						   &one);
	model->ids = bd_image_array(image, EMBEDDINGS_IDS, sizeof(int64), &nitems);
	if (facts == NULL || model->ids == NULL || facts->ndimensions < 1 ||
		facts->ndimensions > PG_INT32_MAX)
		return NULL;
	nnumbers = nitems * facts->ndimensions;
	model->vectors = bd_image_array(image, EMBEDDINGS_VECTORS, sizeof(float),
									&nnumbers);
	if (model->vectors == NULL)
		return NULL;
	model->nitems = (int) nitems;
	model->ndimensions = (int) facts->ndimensions;
	return model;
}

/* ----------------------------------------------------------------
 * serving
 * ----------------------------------------------------------------
 */

/*
 * bd_embeddings_list
 *		The arm's list; raises when it has not been trained.
 */
ItemList *
bd_embeddings_list(const ListRequest *request)
{
	return bd_arm_require(request, "embeddings",
						  bd_embeddings_trained_list(request, ERROR));
}

/*
 * bd_embeddings_trained_list
 *		The arm's list, or NULL when it has not been trained; empty for a user
 *		of whose items none has a vector.
 *
 * A trained part that cannot be used is told at "elevel".
 */
ItemList *
bd_embeddings_trained_list(const ListRequest *request, int elevel)
{
	const Embeddings *model = bd_model_get(request->bandit->name, &kind,
										   elevel);
	KnownItem  *known;
	float	   *profile;
	TopList		best;
	int			nknown;
	int			seen = 0;
	int			limit;

	if (model == NULL)
		return NULL;
	limit = Min(request->n, model->nitems);
	bd_top_start(&best, palloc(sizeof(TopEntry) * Max(limit, 1)), limit);
	nknown = bd_arm_history(request, model->ids, model->nitems, &known);
	profile = find_profile(model, known, nknown);
	for (int item = 0; item < model->nitems && profile != NULL; item++)
	{
		float		cosine;

		if (item % 65536 == 65535)
			CHECK_FOR_INTERRUPTS();
		if (seen < nknown && known[seen].item == item)
		{
			if (known[seen++].excluded)
				continue;
		}
		cosine = bd_dot(profile, model->vectors +
						(int64) item * model->ndimensions, model->ndimensions);
		if (cosine > 0)
			bd_top_add(&best, cosine, item);
	}
	return bd_arm_list(request, model->ids, &best);
}

/* Of length 1; NULL if nothing is known. */
static float *
find_profile(const Embeddings *model, const KnownItem *known, int nknown)
{
	int			n = model->ndimensions;
	float	   *profile = palloc0(sizeof(float) * n);
	double		mean = 0;
	int			nvalues = 0;
	bool		alike = true;

	for (int k = 0; k < nknown; k++)
		if (!isnan(known[k].value))
		{
			mean += known[k].value;
			alike = alike && known[k].value == known[0].value;
			nvalues++;
		}
	mean = nvalues > 0 ? mean / nvalues : 0;
	for (int k = 0; k < nknown; k++)
	{
		const float *vector = model->vectors + (int64) known[k].item * n;
		double		weight = alike ? 1 : known[k].value - mean;

		for (int i = 0; i < n && !isnan(known[k].value); i++)
			profile[i] += weight * vector[i];
	}
	return bd_unit_length(profile, n) ? profile : NULL;
}
