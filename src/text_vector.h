/*-------------------------------------------------------------------------
 *
 * text_vector.h
 *		Text as a vector, without a model.
 *
 * Pure: memory is the caller's, no server, no errors.
 *
 * src/text_vector.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef BANDIT_TEXT_VECTOR_H
#define BANDIT_TEXT_VECTOR_H

#include <stddef.h>
#include <stdint.h>

extern uint64_t bd_text_hash(const char *text, size_t len, char sort);
extern const char *bd_text_word(const char *text, size_t * len);
extern void bd_text_add(float *vector, int ndimensions, uint64_t hash,
						double weight);
extern int	bd_unit_length(float *vector, int ndimensions);

#endif							/* BANDIT_TEXT_VECTOR_H */
