/*
 * text_vector.c
 *		Words, and the vectors they make.
 */
#include "text_vector.h"

#include <math.h>
#include <string.h>

#include "tap.h"

#define NDIMENSIONS 64
#define NWORDS 4000

/* The words of a text, with a | after each. */
static const char *
split(const char *text)
{
	static char words[200];
	size_t		len;
	size_t		n = 0;

	while ((text = bd_text_word(text, &len)) != NULL)
	{
		memcpy(words + n, text, len);
		n += len;
		words[n++] = '|';
		text += len;
	}
	words[n] = '\0';
	return words;
}

static uint64_t
hash(const char *word)
{
	return bd_text_hash(word, strlen(word), 't');
}

/*
 * Each of 4000 different words goes to one of 64 dimensions: 62.5 each, of
 * standard deviation 7.9; the signs sum to 0, of standard deviation 63.  Nine
 * of those have a chance below 1e-17 for any one of 65 sums.
 */
static void
check_spread(void)
{
	int			count[NDIMENSIONS] = {0};
	double		signs = 0;
	bool		even = true;

	for (int i = 0; i < NWORDS; i++)
	{
		float		vector[NDIMENSIONS] = {0};
		char		word[20];

		snprintf(word, sizeof(word), "word%d", i);
		bd_text_add(vector, NDIMENSIONS, hash(word), 1);
		for (int d = 0; d < NDIMENSIONS; d++)
		{
			count[d] += vector[d] != 0;
			signs += vector[d];
		}
	}
	for (int d = 0; d < NDIMENSIONS; d++)
		even = even && fabs(count[d] - NWORDS / (double) NDIMENSIONS) < 9 * 7.9;
	ok(even, "words go to all dimensions alike");
	ok(fabs(signs) < 9 * 63.3, "as many add as take away");
}

int
main(void)
{
	float		vector[2] = {3, 4};
	float		none[2] = {0, 0};
	float		endless[2] = {INFINITY, 1};
	float		unknown[2] = {NAN, 1};
	float		tiny[2] = {1e-30f, 0};

	ok(strcmp(split("The Matrix (1999): re-loaded!"),
			  "The|Matrix|1999|re|loaded|") == 0, "letters and digits make words");
	ok(strcmp(split("Am\xc3\xa9lie, \xe6\x98\xa0\xe7\x94\xbb"),
			  "Am\xc3\xa9lie|\xe6\x98\xa0\xe7\x94\xbb|") == 0, "so do those of other scripts");
	ok(strcmp(split(""), "") == 0 && strcmp(split(" -- "), "") == 0,
	   "there may be none");
	ok(hash("War") == hash("war"), "upper case is the same word");
	ok(hash("war") != hash("raw"), "another word is another");
	ok(bd_text_hash("war", 3, 't') != bd_text_hash("war", 3, 'a'),
	   "a word is not the attribute of that name");
	check_spread();
	ok(bd_unit_length(vector, 2) && fabs(vector[0] - 0.6) < 1e-7 &&
	   fabs(vector[1] - 0.8) < 1e-7, "3, 4 has the length 5");
	ok(bd_unit_length(tiny, 2) && tiny[0] == 1, "a short one becomes one");
	ok(!bd_unit_length(none, 2), "0 has no direction");
	ok(!bd_unit_length(endless, 2) && !bd_unit_length(unknown, 2),
	   "neither have infinity and NaN");
	return done();
}
