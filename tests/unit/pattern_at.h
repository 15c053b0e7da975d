/* One pattern of a list by its place; it lasts until the next call. */
#pragma once

#include <stdlib.h>

#include "name/pattern_list.h"

static inline const struct pattern *pattern_at(const struct pattern_list *list, size_t index)
{
	static struct pattern pattern;
	size_t at = 0;

	for (size_t i = 0; i <= index; i++)
		if (!pattern_list_next(list, &at, &pattern))
			abort();
	return &pattern;
}
