/* The command line, by one table of options: parsing and help. */
#include "cli/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind {
	OPTION_FLAG,    /* bool */
	OPTION_TEXT,    /* const char * */
	OPTION_SWITCH,  /* enum cli_switch, yes|no; without an argument yes */
	OPTION_OUTPUT,  /* enum cli_output, one of the words of its metavariable */
	OPTION_FEATURE, /* repeatable */
};

struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum option_kind kind;
	size_t offset;
	int verbs;
	const char *metavariable;
	const char *help;
};

#define AT(field) offsetof(struct cli_arguments, field)

static const struct option_row s_options[] = {
	{"config", 'c', OPTION_TEXT, AT(config_path), ~CLI_IMPORT, "FILE",
	 "configuration file (default for run, check: " CLI_DEFAULT_CONFIG ")"},
	{"explicit", 0, OPTION_TEXT, AT(explicit_listen), CLI_RUN, "ADDRESS:PORT",
	 "be an explicit HTTP proxy there and nothing else; needs neither root nor a file"},
	{"log", 0, OPTION_TEXT, AT(log_file), CLI_RUN, "FILE",
	 "where verdicts go, over log.file; - is standard output"},
	{"socket", 0, OPTION_TEXT, AT(socket_path), CLI_RELOAD | CLI_STATUS, "PATH",
	 "the gateway's admin socket"},
	{"source", 0, OPTION_TEXT, AT(source), CLI_EXPLAIN, "ADDRESS",
	 "who asks (default: the first protected address)"},
	{"protocol", 'p', OPTION_TEXT, AT(protocol), CLI_EXPLAIN, "PROTOCOL",
	 "https, http, tcp, udp, icmp or dns (default: what the port is for)"},
	{"via", 0, OPTION_TEXT, AT(via), CLI_EXPLAIN, "ADDRESS",
	 "the destination address that goes with the name"},
	{"hello", 0, OPTION_TEXT, AT(hello), CLI_EXPLAIN, "plain|no-sni|ech",
	 "what the TLS hello carries: the name (default), none, or an encrypted hello too"},
	{"output", 'o', OPTION_OUTPUT, AT(output), CLI_CHECK | CLI_EXPLAIN | CLI_STATUS,
	 "text|json", "for people (default) or for machines"},
	{"output", 'o', OPTION_OUTPUT, AT(output), CLI_RULES, "text|json|csv|markdown",
	 "for people (default), machines, spreadsheets or documents"},
	{"output", 'o', OPTION_OUTPUT, AT(output), CLI_CATALOG, "text|json|markdown",
	 "for people (default), machines or tickets"},
	{"strict", 0, OPTION_FLAG, AT(strict), CLI_EXPORT, NULL,
	 "refuse what the target cannot express, instead of writing the nearest stricter thing"},
	{"write", 'w', OPTION_TEXT, AT(write_path), CLI_EXPORT, "PATH",
	 "a file, or a folder for a target of several files, instead of standard output; written "
	 "whole "
	 "or not at all"},
	{"write", 'w', OPTION_TEXT, AT(write_path), CLI_IMPORT, "FILE",
	 "a file instead of standard output; written whole or not at all"},
	{"cloud", 0, OPTION_TEXT, AT(cloud), CLI_PROFILE_VERBS, "CLOUD",
	 "public (default), china, usgov"},
	{"region", 0, OPTION_TEXT, AT(region), CLI_PROFILE_VERBS, "REGION", "for instance eastus"},
	{"edition", 0, OPTION_TEXT, AT(edition), CLI_RULE_VERBS, "DATE",
	 "dated state of the rules (default: the newest)"},
	{"edition", 0, OPTION_TEXT, AT(edition), CLI_IMPORT | CLI_CATALOG, "DATE",
	 "the article's day (default: its ms.date)"},
	{"feature", 0, OPTION_FEATURE, 0, CLI_PROFILE_VERBS, "FEATURE", "may be repeated"},
	{"private", 0, OPTION_SWITCH, AT(private_cluster), CLI_PROFILE_VERBS, "yes|no",
	 "a private cluster"},
	{"konnectivity", 0, OPTION_SWITCH, AT(konnectivity), CLI_PROFILE_VERBS, "yes|no",
	 "the konnectivity agent is on (then no tunnel ports)"},
	{"recommended", 0, OPTION_SWITCH, AT(recommended), CLI_PROFILE_VERBS, "yes|no",
	 "also the optional recommended rules"},
	{"corrections", 0, OPTION_SWITCH, AT(corrections), CLI_PROFILE_VERBS, "yes|no",
	 "also what the article lacks and the catalogue adds (default: yes)"},
	{"pods-use-api-server-address", 0, OPTION_SWITCH, AT(pods_use_api_server_address),
	 CLI_PROFILE_VERBS, "yes|no", "pods reach the API server by its address, without SNI"},
	{"api-server", 0, OPTION_TEXT, AT(api_server), CLI_PROFILE_VERBS, "FQDN",
	 "the API server's name"},
	{"service-tags", 0, OPTION_TEXT, AT(service_tags), CLI_RULE_VERBS, "FILE",
	 "the weekly service-tag JSON"},
	{"catalog", 0, OPTION_TEXT, AT(catalog), CLI_RULE_VERBS, "FILE",
	 "another catalogue than the built-in one"},
	{"help", 'h', OPTION_FLAG, AT(help), ~0, NULL, "this help"},
};

#define OPTION_COUNT (sizeof(s_options) / sizeof(s_options[0]))

/* ------------------------------------------------------------------- parsing */

static void *field_of(struct cli_arguments *arguments, const struct option_row *row)
{
	return (char *)arguments + row->offset;
}

static int refuse(const struct option_row *row, const char *value, const char *allowed)
{
	fprintf(stderr, "sallyport: --%s: '%s' is not allowed here; allowed: %s\n", row->name,
		value, allowed);
	return -EINVAL;
}

static int set_switch(const struct option_row *row, const char *value, enum cli_switch *ret_switch)
{
	if (!value || strcmp(value, "yes") == 0)
		*ret_switch = CLI_YES;
	else if (strcmp(value, "no") == 0)
		*ret_switch = CLI_NO;
	else
		return refuse(row, value, "yes, no");
	return 0;
}

/* Allowed are the words of the metavariable. */
static int refuse_word(const struct option_row *row, const char *value)
{
	char allowed[80];
	size_t length = 0;

	for (const char *at = row->metavariable; *at && length < sizeof(allowed) - 3; at++) {
		allowed[length++] = *at == '|' ? ',' : *at;
		if (*at == '|')
			allowed[length++] = ' ';
	}
	allowed[length] = '\0';
	return refuse(row, value, allowed);
}

static int set_output(const struct option_row *row, const char *value,
		      struct cli_arguments *arguments)
{
	static const char *const words[] = {[CLI_OUTPUT_TEXT] = "text",
					    [CLI_OUTPUT_JSON] = "json",
					    [CLI_OUTPUT_CSV] = "csv",
					    [CLI_OUTPUT_MARKDOWN] = "markdown"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(value, words[i]) != 0 || !strstr(row->metavariable, words[i]))
			continue;
		arguments->output = (enum cli_output)i;
		arguments->json = arguments->output == CLI_OUTPUT_JSON;
		return 0;
	}
	return refuse_word(row, value);
}

/* Said twice is said once. */
static int add_feature(struct cli_arguments *arguments, const char *value)
{
	for (size_t i = 0; i < arguments->feature_count; i++)
		if (strcmp(arguments->features[i], value) == 0)
			return 0;
	if (arguments->feature_count == CLI_FEATURES_MAX) {
		fprintf(stderr, "sallyport: more than %d --feature\n", CLI_FEATURES_MAX);
		return -EINVAL;
	}
	arguments->features[arguments->feature_count++] = value;
	return 0;
}

static int set(struct cli_arguments *arguments, const struct option_row *row, const char *value)
{
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field_of(arguments, row) = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)field_of(arguments, row) = value;
		return 0;
	case OPTION_SWITCH:
		return set_switch(row, value, field_of(arguments, row));
	case OPTION_OUTPUT:
		return set_output(row, value, arguments);
	case OPTION_FEATURE:
		return add_feature(arguments, value);
	}
	return -EINVAL;
}

/* getopt's tables for one verb. Values are indexes into s_options + 256. */
static void fill_tables(enum cli_verb_bit verb, struct option longs[OPTION_COUNT + 1],
			char shorts[OPTION_COUNT * 2 + 2])
{
	size_t count = 0;

	*shorts++ = ':';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &s_options[i];
		int argument = row->kind == OPTION_FLAG     ? no_argument
			       : row->kind == OPTION_SWITCH ? optional_argument
							    : required_argument;

		if (!(row->verbs & verb))
			continue;
		longs[count++] = (struct option){row->name, argument, NULL, (int)i + 256};
		if (row->letter) {
			*shorts++ = row->letter;
			if (argument == required_argument)
				*shorts++ = ':';
		}
	}
	longs[count] = (struct option){0};
	*shorts = '\0';
}

static const struct option_row *row_of(enum cli_verb_bit verb, int value)
{
	if (value >= 256)
		return &s_options[value - 256];
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (s_options[i].letter == value && (s_options[i].verbs & verb))
			return &s_options[i];
	return NULL;
}

/* getopt has moved on from a word with long options, not always from one with letters. */
static int complain(int value, const char *verb_name, char **argv)
{
	char letter[] = {'-', (char)optopt, '\0'};
	const char *word = optopt > 0 && optopt < 256 ? letter : argv[optind - 1];

	if (value == ':')
		fprintf(stderr, "sallyport %s: %s needs a value\n", verb_name, word);
	else
		fprintf(stderr, "sallyport %s: unknown option %s (see: sallyport %s --help)\n",
			verb_name, word, verb_name);
	return -EINVAL;
}

int cli_parse(enum cli_verb_bit verb, const char *verb_name, int argc, char **argv,
	      struct cli_arguments *ret_arguments)
{
	struct cli_arguments arguments = {0};
	struct option longs[OPTION_COUNT + 1];
	char shorts[OPTION_COUNT * 2 + 2];
	int value;

	fill_tables(verb, longs, shorts);
	optind = 0; /* GNU: start anew, also after an earlier parse */
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const struct option_row *row;

		if (value == '?' || value == ':')
			return complain(value, verb_name, argv);
		row = row_of(verb, value);
		if (!row || set(&arguments, row, optarg) < 0)
			return -EINVAL;
	}
	arguments.operands = argv + optind;
	arguments.operand_count = argc - optind;
	*ret_arguments = arguments;
	return 0;
}

#define HELP_COLUMN 30
#define HELP_WIDTH  80

/* The words from HELP_COLUMN to HELP_WIDTH; the cursor stands at `column`. */
static void print_wrapped(const char *words, size_t column)
{
	while (*words) {
		size_t length = strlen(words), room = HELP_WIDTH - HELP_COLUMN;

		if (length > room) {
			length = room;
			while (length > 0 && words[length] != ' ')
				length--;
			if (length == 0) /* a word wider than the column */
				length = strcspn(words, " ");
		}
		printf("%*s%.*s\n", (int)(HELP_COLUMN - column), "", (int)length, words);
		column = 0;
		words += length;
		words += *words == ' ';
	}
}

static void print_option(const struct option_row *row)
{
	bool optional = row->kind == OPTION_SWITCH;
	int column = row->letter ? printf("  -%c, --%s", row->letter, row->name)
				 : printf("      --%s", row->name);

	if (row->metavariable)
		column += printf(optional ? "[=%s]" : "=%s", row->metavariable);
	if (column > HELP_COLUMN - 2) {
		printf("\n");
		column = 0;
	}
	print_wrapped(row->help, (size_t)column);
}

void cli_print_options(enum cli_verb_bit verb)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (s_options[i].verbs & verb)
			print_option(&s_options[i]);
}
