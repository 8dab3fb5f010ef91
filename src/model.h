/*-------------------------------------------------------------------------
 *
 * model.h
 *		Trained parts of a recommender: their image, and their cache.
 *
 * src/model.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_MODEL_H
#define BANDIT_MODEL_H

#include "bandit.h"

typedef struct ModelImage ModelImage;

/*
 * A sort of trained part.  "format" changes whenever the arrays of its image
 * do.  "decode" points into the image and checks all that is used as an
 * index later; it returns NULL for what it cannot use.  Memory from
 * CurrentMemoryContext, which lives as long as the image.
 */
typedef struct ModelKind
{
	const char *name;			/* column arm of bandit.models */
	int			format;
	int			narrays;
	void	   *(*decode) (const ModelImage *image);
} ModelKind;

/* One array of an image: "count" elements of "width" bytes. */
typedef struct ImageArray
{
	const void *data;
	int64		count;
	int32		width;
} ImageArray;

extern bytea *bd_image_make(const ModelKind *kind, const ImageArray *arrays);
extern void *bd_image_decode(const ModelKind *kind, const bytea *data);
extern const void *bd_image_array(const ModelImage *image, int number,
								  int width, int64 *count);
extern bool bd_image_rows(const int32 *start, int64 nrows, int64 nentries);
extern bool bd_image_indexes(const int32 *indexes, int64 n, int64 below);

extern int	bd_model_cache_size;

extern const void *bd_model_get(const char *bandit, const ModelKind *kind,
								int elevel);
extern void bd_model_retire(MemoryContext context);

/* Parts that serve instead of the stored ones, for a while. */
extern void *bd_model_part(const ModelKind *kind, const void *decoded);
extern void bd_model_substitute(const char *bandit, List *parts);

#endif							/* BANDIT_MODEL_H */
