/* The verbs: each one file, each returns the exit status: 0 yes/ok, 1 no/denied/failed, 2 wrong
   usage or configuration. */
#pragma once

#include <stdio.h>

#include "cli/arguments.h"

int cli_run(const struct cli_arguments *arguments);
int cli_check(const struct cli_arguments *arguments);
int cli_reload(const struct cli_arguments *arguments);
int cli_rules(const struct cli_arguments *arguments);
int cli_export(const struct cli_arguments *arguments);
int cli_import(const struct cli_arguments *arguments);
int cli_catalog(const struct cli_arguments *arguments);
int cli_explain(const struct cli_arguments *arguments);
int cli_status(const struct cli_arguments *arguments);

/* What export can write, for its help. */
void cli_print_targets(FILE *out);
/* What import can read, for its help. */
void cli_print_import_kinds(FILE *out);

/* sallyport VERB …; called by main(). */
int cli_main(int argc, char **argv);
