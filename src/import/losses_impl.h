/*
 * What an importer could not carry over. Each loss is a warning with its place; the generated
 * configuration repeats them all at its head (config_text.h), and the import as a whole is then
 * "partial".
 */
#pragma once

#include "import/json.h"

struct losses {
	struct problems *problems;
	size_t count;
};

/* Something has no counterpart or could not be read, and is not in the result. */
__attribute__((format(printf, 3, 4))) void
losses_add(struct losses *losses, const struct json_item *item, const char *format, ...);
/* Everything is in the result, but the reader should know something about it. */
__attribute__((format(printf, 3, 4))) void
losses_note(struct losses *losses, const struct json_item *item, const char *format, ...);
