/* What check, rules and explain share: a configuration, its policy, and how the catalogue came to
 * it. */
#pragma once

#include "base/colours.h"
#include "catalog/choices.h"
#include "cli/arguments.h"
#include "policy/policy.h"

struct cli_model {
	struct config *config;
	struct policy *policy;
	struct catalog_choices *choices;
};

/* Loads and compiles. False: the problems were printed. Warnings are printed too. */
bool cli_model_load(const struct cli_arguments *arguments, enum catalog_tag_use tag_use,
		    struct cli_model *ret_model);
void cli_model_done(struct cli_model *model); /* for cleanup() */

/* Prints and frees nothing: the text to standard output. False: it was not written whole, for lack
   of memory or room; a message was printed. */
bool cli_print(const struct text *text);
/* The same for a verb that has printed by itself; `written`: nothing has failed so far. */
bool cli_printed(bool written);

/* Writes a file, whole or not at all. False: a message was printed. */
bool cli_write_file(const char *path, const struct text *text);

/* Empty ones where there is no terminal, a dumb one, or NO_COLOR is set. */
struct colours cli_colours(void);

/* What `rules` and `export` share: writes the rules for a target and prints them, or puts them into
   --write's file or folder. The exit status. */
int cli_export_rules(const struct cli_arguments *arguments, const char *name);
