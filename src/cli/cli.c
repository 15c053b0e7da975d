/* Finds the verb, parses its options, runs it. */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"

struct verb {
	const char *name;
	enum cli_verb_bit bit;
	int (*run)(const struct cli_arguments *arguments);
	const char *operands; /* shown in the help */
	int operands_min, operands_max;
	const char *summary;
};

static const struct verb s_verbs[] = {
	{"run", CLI_RUN, cli_run, "", 0, 0, "be the gateway (or, with --explicit, an HTTP proxy)"},
	{"check", CLI_CHECK, cli_check, "", 0, 0,
	 "validate a configuration and show what would be enforced"},
	{"reload", CLI_RELOAD, cli_reload, "", 0, 0,
	 "make the running gateway read its file again"},
	{"rules", CLI_RULES, cli_rules, "", 0, 0, "list what a cluster profile needs"},
	{"export", CLI_EXPORT, cli_export, "TARGET", 1, 1,
	 "write the rules for another product, or as a table"},
	{"import", CLI_IMPORT, cli_import, "KIND FILE", 2, 2,
	 "read what others wrote: Microsoft's article"},
	{"catalog", CLI_CATALOG, cli_catalog, "diff A B", 3, 3,
	 "compare editions, articles, configurations: does A lack what B requires?"},
	{"explain", CLI_EXPLAIN, cli_explain, "DESTINATION", 1, 1,
	 "say why NAME[:PORT] or ADDRESS[:PORT] is allowed or not"},
	{"status", CLI_STATUS, cli_status, "", 0, 0, "figures of the running gateway"},
};

#define VERB_COUNT (sizeof(s_verbs) / sizeof(s_verbs[0]))

static void print_usage(FILE *out)
{
	fprintf(out,
		"sallyport %s: egress firewall for AKS clusters\n\nusage: sallyport VERB "
		"[options]\n\n",
		SALLYPORT_VERSION);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %-8s %-12s %s\n", s_verbs[i].name, s_verbs[i].operands,
			s_verbs[i].summary);
	fprintf(out, "  %-8s %-12s %s\n", "help", "[VERB]", "print this, or a verb's options");
	fprintf(out, "  %-8s %-12s %s\n", "version", "", "print the version");
	fprintf(out, "\nExit status: 0 ok or allowed, 1 denied or failed, 2 wrong usage or "
		     "configuration.\n");
}

static int print_verb_help(const struct verb *verb)
{
	printf("usage: sallyport %s [options]%s%s\n\n%s\n\noptions:\n", verb->name,
	       *verb->operands ? " " : "", verb->operands, verb->summary);
	cli_print_options(verb->bit);
	if (verb->bit == CLI_EXPORT)
		cli_print_targets(stdout);
	if (verb->bit == CLI_IMPORT)
		cli_print_import_kinds(stdout);
	return 0;
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
	struct cli_arguments arguments;

	if (cli_parse(verb->bit, verb->name, argc, argv, &arguments) < 0)
		return 2;
	if (arguments.help)
		return print_verb_help(verb);
	if (arguments.operand_count < verb->operands_min ||
	    arguments.operand_count > verb->operands_max) {
		fprintf(stderr, "sallyport %s: %s\n", verb->name,
			arguments.operand_count > verb->operands_max ? "too many operands"
								     : "an operand is missing");
		fprintf(stderr, "usage: sallyport %s [options]%s%s\n", verb->name,
			*verb->operands ? " " : "", verb->operands);
		return 2;
	}
	return verb->run(&arguments);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(name, s_verbs[i].name) == 0)
			return &s_verbs[i];
	fprintf(stderr, "sallyport: there is no verb '%s' (see: sallyport help)\n", name);
	return NULL;
}

static int help(const char *name)
{
	const struct verb *verb = name ? find_verb(name) : NULL;

	if (name)
		return verb ? print_verb_help(verb) : 2;
	print_usage(stdout);
	return 0;
}

int cli_main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct verb *verb;

	if (!name) {
		print_usage(stderr);
		return 2;
	}
	if (strcmp(name, "help") == 0)
		return help(argv[2]);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(NULL);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
		printf("sallyport %s\n", SALLYPORT_VERSION);
		return 0;
	}
	verb = find_verb(name);
	return verb ? run_verb(verb, argc - 1, argv + 1) : 2;
}
