/*-------------------------------------------------------------------------
 *
 * train.h
 *		What bandit.train and the trainable arms know of each other.
 *
 * src/train.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_TRAIN_H
#define BANDIT_TRAIN_H

#include "catalogue.h"
#include "factorise.h"
#include "neighbours.h"

/* What a part is trained from. */
typedef struct TrainInput
{
	const Bandit *bandit;
	const RatingTable *ratings;
	const Catalogue *catalogue;
	Progress   *progress;
} TrainInput;

/*
 * An arm that is trained.  "make" gives the image; memory from
 * CurrentMemoryContext, which is reset afterwards.
 */
typedef struct TrainableArm
{
	const char *arm;			/* what serves from it, as a source */
	const ModelKind *kind;
	bytea	   *(*make) (const TrainInput *input);
} TrainableArm;

extern const TrainableArm *bd_trainable(int i);
extern bool bd_train_needs(const Bandit *bandit, const char *source,
						   const TrainableArm *part);

extern const TrainableArm bd_embeddings_trainable;
extern const TrainableArm bd_graph_trainable;
extern const TrainableArm bd_item_cf_trainable;
extern const TrainableArm bd_item_ratings_trainable;
extern const TrainableArm bd_svd_trainable;

/* The lists of personal arms for hybrid; NULL when they are not trained. */
extern ItemList *bd_item_cf_trained_list(const ListRequest *request,
										 int elevel);
extern ItemList *bd_embeddings_trained_list(const ListRequest *request,
											int elevel);
extern ItemList *bd_graph_trained_list(const ListRequest *request, int elevel);
extern ItemList *bd_svd_trained_list(const ListRequest *request, int elevel);
extern bool bd_svd_affinities(const ListRequest *request, const int64 *items,
							  int n, double *affinities);

/*
 * What a user would rate n items; false if it is not known, for want of
 * training or of ratings with values.
 */
typedef struct Predictor
{
	const char *arm;
	bool		(*predict) (const ListRequest *request, const int64 *items,
							int n, double *predicted);
} Predictor;

extern const Predictor *bd_predictor(const char *arm);
extern bool bd_item_cf_predict(const ListRequest *request, const int64 *items,
							   int n, double *predicted);
extern bool bd_svd_predict(const ListRequest *request, const int64 *items,
						   int n, double *predicted);

/* An item of the user's, by its number in an image. */
typedef struct KnownItem
{
	int32		item;
	double		value;			/* NaN: none, where others have one */
	bool		excluded;		/* not to be recommended */
} KnownItem;

/* interactions.c */
extern void bd_interactions_make(const RatingTable *ratings,
								 Interactions *interactions, float **values);
extern void bd_ratings_sides(const RatingTable *ratings, BanditSide *users,
							 BanditSide *items);

/* arm_list.c */
extern ItemList *bd_arm_require(const ListRequest *request, const char *arm,
								ItemList *list);
extern void bd_arm_require_part(const ListRequest *request,
								const TrainableArm *part, const char *arm);
extern int	bd_arm_history(const ListRequest *request, const int64 *ids,
						   int nids, KnownItem **known);
extern ItemList *bd_arm_list(const ListRequest *request, const int64 *ids,
							 TopList *best);

#endif							/* BANDIT_TRAIN_H */
