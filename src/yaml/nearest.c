/*
 * "Did you mean …": the word with the smallest edit distance, where swapping two neighbours counts
 * as one edit (the restricted Damerau–Levenshtein distance, three rows of the usual table).
 */
#include "yaml/read.h"

#include <string.h>

#define WORD_LIMIT 40

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_LIMIT + 1];
	size_t *before = rows[0], *previous = rows[1], *current = rows[2];
	size_t b_length = strlen(b);

	for (size_t j = 0; j <= b_length; j++)
		current[j] = j;
	for (size_t i = 1; i <= strlen(a); i++) {
		size_t *free_row = before;

		before = previous;
		previous = current;
		current = free_row;
		current[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t change = previous[j - 1] + (a[i - 1] != b[j - 1]);

			current[j] = smaller(change, smaller(previous[j], current[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				current[j] = smaller(current[j], before[j - 2] + 1);
		}
	}
	return current[b_length];
}

const char *yaml_nearest_word(const char *text, const char *const *words)
{
	size_t best_distance = strlen(text) <= 4 ? 2 : 3;
	const char *best = NULL;

	if (strlen(text) > WORD_LIMIT)
		return NULL;
	for (size_t i = 0; words[i]; i++) {
		if (strlen(words[i]) > WORD_LIMIT)
			continue;
		size_t distance = edit_distance(text, words[i]);
		if (distance < best_distance) {
			best_distance = distance;
			best = words[i];
		}
	}
	return best;
}
