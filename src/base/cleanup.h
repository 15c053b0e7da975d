/*
 * Ownership by scope: a variable declared with cleanup(f) is released when it leaves its scope.
 * take_pointer() moves ownership out, leaving NULL behind.
 *
 *     cleanup(free_text) char *line = NULL;
 */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

/* NOLINTBEGIN(bugprone-macro-parentheses): a type cannot stand in parentheses */
/* Makes `name`(&variable) release the non-NULL `type` variable by release(variable). */
#define DEFINE_CLEANUP(name, type, release)                                                        \
	static inline void name(type *variable)                                                    \
	{                                                                                          \
		if (*variable)                                                                     \
			release(*variable);                                                        \
	}                                                                                          \
	struct cleanup_needs_semicolon
/* NOLINTEND(bugprone-macro-parentheses) */

#define take_pointer(pointer)                                                                      \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

/* Moves a descriptor out of its cleanup(close_descriptor) variable. */
#define take_descriptor(descriptor)                                                                \
	({                                                                                         \
		int taken_ = (descriptor);                                                         \
		(descriptor) = -1;                                                                 \
		taken_;                                                                            \
	})

/* For any `char *`, `struct x *` … made by malloc: cleanup(free_memory). */
static inline void free_memory(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

static inline void close_descriptor(const int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}
