/* For the tests of src/proto/http/: parsing a literal that ends where its allocation does. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/http/body.h"
#include "proto/http/head.h"

/* A copy at the end of its own allocation; the caller frees it. */
static inline char *exact(const void *bytes, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	return copy;
}

static inline void is_slice(struct http_slice slice, const char *text)
{
	assert_int_equal(slice.length, strlen(text));
	if (slice.length > 0)
		assert_memory_equal(slice.at, text, slice.length);
}
