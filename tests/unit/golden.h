/*
 * The built program held against golden files: run it, hide what may change, compare. With
 * SALLYPORT_UPDATE_GOLDEN=1 the files are written anew: read the difference before committing it.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

/* Goes to a folder of tests/golden: words and golden files are relative to it. */
static inline int golden_enter(const char *folder)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/golden/%s", source ? source : ".", folder);
	return chdir(path);
}

/* The version moves on without this being news. */
static inline void golden_hide_version(struct text *text)
{
	static const char shown[] = "sallyport " SALLYPORT_VERSION;
	char *rest = text->data, *at;
	struct text changed = TEXT_EMPTY;

	while (rest && (at = strstr(rest, shown))) {
		text_add_bytes(&changed, rest, (size_t)(at - rest));
		text_add(&changed, "sallyport VERSION");
		rest = at + strlen(shown);
	}
	text_add(&changed, rest ? rest : "");
	text_free(text);
	*text = changed;
}

/* What the program says to `words`; `outputs` (shell redirections) chooses of which output. Returns
   the exit status. */
static inline int golden_run(const char *words, const char *outputs, struct text *heard)
{
	const char *program = getenv("SALLYPORT_PROGRAM");
	char command[1024], bytes[4096];
	size_t got;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), "exec %s; exec '%s' %s", outputs,
		 program ? program : "../../../build/sallyport", words);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((got = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
		text_add_bytes(heard, bytes, got);
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Whether the golden file holds exactly this text. */
static inline bool golden_holds(const char *path, const struct text *text)
{
	cleanup(free_memory) char *expected = NULL;
	size_t length;

	if (getenv("SALLYPORT_UPDATE_GOLDEN")) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(text_string(text), file);
		fclose(file);
	}
	if (file_read(path, 1u << 20, &expected, &length) == 0 &&
	    strcmp(expected, text_string(text)) == 0)
		return true;
	print_message("# golden file %s differs; now:\n%s", path, text_string(text));
	return false;
}

#endif
