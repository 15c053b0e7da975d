/*
 * Small state files: lines of text under a first line that names the format. Written beside the old
 * file, synced, renamed: a crash leaves the old or the new one, never a mixture.
 */
#pragma once

#include <stddef.h>

#define STATE_FILE_MAX (256u << 20) /* bytes; a larger one is not ours */

/* Negative errno; the old file stays on failure. */
int state_file_write(const char *path, const char *content, size_t length);

/*
 * Reads a whole file and checks its first line. The caller frees ret_content (NUL-terminated);
 * ret_body points behind the first line. -ENOENT, -EFBIG, -EBADMSG (another first line), other
 * negative errno.
 */
int state_file_read(const char *path, const char *first_line, char **ret_content, char **ret_body);

/* The next line without its end, or NULL; moves *body on. A last line without an end is not a line
   (a torn file): *ret_torn is set. */
char *state_file_line(char **body, int *ret_torn);
