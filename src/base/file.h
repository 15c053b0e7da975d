/* Whole files: into memory, with a limit, and out of it, all or nothing. */
#pragma once

#include <stddef.h>

/*
 * Reads a regular file. The data is NUL-terminated beyond its length; the caller frees it.
 * Returns -errno of open or read; -EISDIR or -EINVAL for what is no regular file (a pipe would
 * block), -EFBIG when it is longer than `limit`. Outputs untouched on failure.
 */
int file_read(const char *path, size_t limit, char **ret_data, size_t *ret_length);

/*
 * Writes a whole file: beside the old one (PATH.new), synced, renamed, so that a crash or a full
 * disk leaves the old or the new one, never a mixture. `mode` as for open(). -EINVAL when PATH is
 * there and no regular file (a rename would replace it); other negative errno; the old file stays
 * on failure.
 */
int file_write(const char *path, const void *data, size_t length, unsigned int mode);
