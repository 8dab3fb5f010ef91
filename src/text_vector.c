/*-------------------------------------------------------------------------
 *
 * text_vector.c
 *		Text as a vector, without a model.
 *
 * Feature hashing (Weinberger, Dasgupta, Langford, Smola and Attenberg 2009):
 * a word adds its weight to one of the dimensions, with a sign, both by its
 * hash.  So a product of two vectors is, on average, the sum over the words
 * they have in common.
 *
 * src/text_vector.c
 *
 *-------------------------------------------------------------------------
 */
#include "text_vector.h"

#include <math.h>
#include <stdbool.h>

/* FNV-1a's constants; its result is mixed once more, for its lower bits. */
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

/* ASCII letters in lower case; other scripts are taken as they are. */
static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Letters and digits, and all that is not ASCII. */
static bool
in_word(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') ||
		(lower(c) >= 'a' && lower(c) <= 'z');
}

/*
 * bd_text_hash
 *		The hash of a word or a name, apart for each sort of them, so that the
 *		word "war" is not the genre.
 */
uint64_t
bd_text_hash(const char *text, size_t len, char sort)
{
	uint64_t	hash = (FNV_START ^ (unsigned char) sort) * FNV_PRIME;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ lower((unsigned char) text[i])) * FNV_PRIME;
	hash = (hash ^ (hash >> 32)) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 29);
}

/*
 * bd_text_word
 *		The first word of a text, and its length; NULL where there is none.
 */
const char *
bd_text_word(const char *text, size_t * len)
{
	while (*text != '\0' && !in_word((unsigned char) *text))
		text++;
	if (*text == '\0')
		return NULL;
	*len = 1;
	while (in_word((unsigned char) text[*len]))
		(*len)++;
	return text;
}

/*
 * bd_text_add
 *		Add a word to a vector.
 */
void
bd_text_add(float *vector, int ndimensions, uint64_t hash, double weight)
{
	int			dimension = (int) ((hash >> 1) % (uint64_t) ndimensions);

	vector[dimension] += (float) (hash & 1 ? weight : -weight);
}

/*
 * bd_unit_length
 *		Give a vector the length 1; 0 if it has none, or not a finite one.
 */
int
bd_unit_length(float *vector, int ndimensions)
{
	double		sum = 0;

	for (int i = 0; i < ndimensions; i++)
		sum += (double) vector[i] * vector[i];
	if (!(sum > 0) || !isfinite(sum))
		return 0;
	sum = sqrt(sum);
	for (int i = 0; i < ndimensions; i++)
		vector[i] = (float) (vector[i] / sum);
	return 1;
}
