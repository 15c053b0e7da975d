/*
 * A list of patterns in as few bytes as their text takes: a rule may have a million, and a struct
 * pattern is made of buffers for the longest. Zeroed it is empty.
 *
 *     struct pattern pattern;
 *     size_t at = 0;
 *
 *     while (pattern_list_next(list, &at, &pattern))
 *         …
 */
#pragma once

#include "name/pattern.h"

struct pattern_list {
	size_t count;
	uint8_t *bytes; /* private, like the rest */
	size_t length, capacity;
};

/* Appends; `leading_dot` is not kept. -ENOMEM. */
int pattern_list_add(struct pattern_list *list, const struct pattern *pattern);
int pattern_list_copy(const struct pattern_list *source,
		      struct pattern_list *ret_copy); /* -ENOMEM */
void pattern_list_free(struct pattern_list *list);    /* what it holds; it is empty then */

/* The next one in the order of adding; *at is 0 at the beginning, then the list's own. False: there
   are no more. */
bool pattern_list_next(const struct pattern_list *list, size_t *at, struct pattern *ret_pattern);

/* Bytes in use. */
size_t pattern_list_memory(const struct pattern_list *list);
