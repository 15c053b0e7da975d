/* Lists that grow by one. */
#pragma once

#include <stdlib.h>
#include <string.h>

/* A zeroed element at the end of *list_pointer, an array of *count elements that this function
   alone has grown; NULL: out of memory. It moves the others. */
static inline void *list_add(void *list_pointer, size_t *count, size_t element_size)
{
	void *list, *grown;

	memcpy(&list, list_pointer, sizeof(list));
	if ((*count & (*count - 1)) == 0) { /* full: its room is a power of two, or none */
		grown = reallocarray(list, *count ? *count * 2 : 1, element_size);
		if (!grown)
			return NULL;
		list = grown;
		memcpy(list_pointer, &list, sizeof(list));
	}
	return memset((char *)list + (*count)++ * element_size, 0, element_size);
}
