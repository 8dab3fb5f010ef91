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

/* What a part is trained from. */
typedef struct TrainInput
{
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
	const ModelKind *kind;
	bytea	   *(*make) (const TrainInput *input);
} TrainableArm;

extern const TrainableArm bd_item_cf_trainable;

/* The list of a personal arm for hybrid; NULL when it is not trained. */
extern ItemList *bd_item_cf_trained_list(const ListRequest *request,
										 int elevel);

#endif							/* BANDIT_TRAIN_H */
