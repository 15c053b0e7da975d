/*
 * The command line as data: one table of options, each with the verbs that take it; parsing and
 * help come from that table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum cli_verb_bit {
	CLI_RUN = 1 << 0,
	CLI_CHECK = 1 << 1,
	CLI_RELOAD = 1 << 2,
	CLI_RULES = 1 << 3,
	CLI_EXPLAIN = 1 << 4,
	CLI_STATUS = 1 << 5,
	CLI_EXPORT = 1 << 6,
	CLI_IMPORT = 1 << 7,
	CLI_CATALOG = 1 << 8,
};
/* Those that make rules of a profile, and those that only ask what matters to it. */
#define CLI_RULE_VERBS    (CLI_RUN | CLI_RULES | CLI_EXPLAIN | CLI_CHECK | CLI_EXPORT)
#define CLI_PROFILE_VERBS (CLI_RULE_VERBS | CLI_CATALOG)

/* What --output may say; each verb takes some of them. */
enum cli_output {
	CLI_OUTPUT_TEXT,
	CLI_OUTPUT_JSON,
	CLI_OUTPUT_CSV,
	CLI_OUTPUT_MARKDOWN,
};

enum cli_switch {
	CLI_UNSET,
	CLI_YES,
	CLI_NO,
};

#define CLI_DEFAULT_CONFIG "/etc/sallyport/sallyport.yaml"
#define CLI_FEATURES_MAX   PROFILE_FEATURES_MAX

struct cli_arguments {
	bool help;
	enum cli_output output;
	bool json; /* output is CLI_OUTPUT_JSON */
	bool strict;
	const char *write_path;
	const char *config_path;
	const char *socket_path;
	const char *explicit_listen;
	const char *log_file;
	const char *source;
	const char *protocol;
	const char *via;   /* explain: the address that the client uses */
	const char *hello; /* explain: what it carries */
	/* the cluster profile */
	const char *cloud, *region, *edition, *catalog, *service_tags, *api_server;
	enum cli_switch private_cluster, konnectivity, recommended, corrections,
		pods_use_api_server_address;
	const char *features[CLI_FEATURES_MAX];
	size_t feature_count;
	/* what is left */
	char **operands;
	int operand_count;
};

/* Parses for one verb. 0; -EINVAL: a message was printed to standard error. */
int cli_parse(enum cli_verb_bit verb, const char *verb_name, int argc, char **argv,
	      struct cli_arguments *ret_arguments);

/* The options of a verb, for its help. */
void cli_print_options(enum cli_verb_bit verb);

/* Does any profile option stand on the command line? */
bool cli_has_profile(const struct cli_arguments *arguments);

/* Puts the profile options over a configuration's cluster profile. Negative: problems were added.
 */
int cli_apply_profile(const struct cli_arguments *arguments, struct config *config,
		      struct problems *problems);

/* The configuration that the arguments mean: the file, or defaults, and the profile options over
   it. NULL: the problems were printed. */
struct config *cli_load_config(const struct cli_arguments *arguments);

/* NULL: told on standard error. problems_free() it. */
struct problems *cli_problems_new(void);
/* One line each, to standard error. */
void cli_print_problems(const struct problems *problems);

/* Is there a file at CLI_DEFAULT_CONFIG? False: a message was printed: name one, or `otherwise`. */
bool cli_has_default_config(const char *verb_name, const char *otherwise);

/* The admin socket to ask. The caller frees; NULL: a message was printed. */
char *cli_socket_path(const struct cli_arguments *arguments);
/* Nobody answered there; `error` as from admin_ask(). */
void cli_print_no_answer(const char *path, int error);
