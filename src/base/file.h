/* Whole files into memory, with a limit. */
#pragma once

#include <stddef.h>

/*
 * Reads a regular file. The data is NUL-terminated beyond its length; the caller frees it.
 * Returns -errno of open or read; -EISDIR or -EINVAL for what is no regular file (a pipe would
 * block), -EFBIG when it is longer than `limit`. Outputs untouched on failure.
 */
int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_length);
