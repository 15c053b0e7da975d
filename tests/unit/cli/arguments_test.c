/* The table of options from outside: one verb, words as a shell gives them. */
#include "cli/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 40

/* What the options point into must live as long as they are looked at. */
static char s_line[2048], *s_words[WORDS_MAX + 1];

static int parse(enum cli_verb_bit verb, const char *line, struct cli_arguments *ret_arguments)
{
	char *rest = NULL;
	int count = 0;

	snprintf(s_line, sizeof(s_line), "verb %s", line);
	for (char *word = strtok_r(s_line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_true(count < WORDS_MAX);
		s_words[count++] = word;
	}
	s_words[count] = NULL;
	return cli_parse(verb, "verb", count, s_words, ret_arguments);
}

static struct cli_arguments parse_well(enum cli_verb_bit verb, const char *line)
{
	struct cli_arguments arguments;

	assert_int_equal(parse(verb, line, &arguments), 0);
	return arguments;
}

/* Refused, with this on standard error. */
static void assert_refused(enum cli_verb_bit verb, const char *line, const char *expected)
{
	struct cli_arguments arguments = {.json = true, .region = "untouched"};
	char heard[512] = "";
	FILE *capture = tmpfile();
	int saved = dup(STDERR_FILENO), result;

	assert_non_null(capture);
	fflush(stderr);
	dup2(fileno(capture), STDERR_FILENO);
	result = parse(verb, line, &arguments);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(capture);
	heard[fread(heard, 1, sizeof(heard) - 1, capture)] = '\0';
	fclose(capture);
	assert_int_equal(result, -EINVAL);
	assert_string_equal(heard, expected);
	assert_string_equal(arguments.region, "untouched");
}

static void without_options_everything_is_unset(void **state)
{
	struct cli_arguments arguments = parse_well(CLI_RULES, "");

	(void)state;
	assert_false(arguments.help);
	assert_false(arguments.json);
	assert_null(arguments.config_path);
	assert_int_equal(arguments.konnectivity, CLI_UNSET);
	assert_int_equal(arguments.feature_count, 0);
	assert_int_equal(arguments.operand_count, 0);
	assert_false(cli_has_profile(&arguments));
}

static void values_come_behind_an_equals_sign_or_a_space(void **state)
{
	struct cli_arguments arguments = parse_well(
		CLI_EXPLAIN, "-c a.yaml --region=eastus --source 10.0.0.1 -pudp -o json");

	(void)state;
	assert_string_equal(arguments.config_path, "a.yaml");
	assert_string_equal(arguments.region, "eastus");
	assert_string_equal(arguments.source, "10.0.0.1");
	assert_string_equal(arguments.protocol, "udp");
	assert_true(arguments.json);
}

static void operands_may_stand_between_options(void **state)
{
	struct cli_arguments arguments =
		parse_well(CLI_EXPLAIN, "mcr.example --region=eastus -- -x");

	(void)state;
	assert_int_equal(arguments.operand_count, 2);
	assert_string_equal(arguments.operands[0], "mcr.example");
	assert_string_equal(arguments.operands[1], "-x");
	assert_string_equal(arguments.region, "eastus");
}

static void a_switch_alone_means_yes(void **state)
{
	struct cli_arguments arguments =
		parse_well(CLI_RULES, "--private --konnectivity=no --recommended=yes");

	(void)state;
	assert_int_equal(arguments.private_cluster, CLI_YES);
	assert_int_equal(arguments.konnectivity, CLI_NO);
	assert_int_equal(arguments.recommended, CLI_YES);
	assert_int_equal(arguments.pods_use_api_server_address, CLI_UNSET);
	assert_true(cli_has_profile(&arguments));
}

static void the_last_of_two_values_counts(void **state)
{
	struct cli_arguments arguments =
		parse_well(CLI_RULES, "--region=eastus --region=westus -o json -o text");

	(void)state;
	assert_string_equal(arguments.region, "westus");
	assert_false(arguments.json);
}

static void features_are_collected_each_once(void **state)
{
	struct cli_arguments arguments =
		parse_well(CLI_RULES, "--feature=a --feature=b --feature=a");

	(void)state;
	assert_int_equal(arguments.feature_count, 2);
	assert_string_equal(arguments.features[0], "a");
	assert_string_equal(arguments.features[1], "b");
}

static void more_features_than_there_is_room_are_refused(void **state)
{
	char line[1024] = "";
	struct cli_arguments arguments;

	(void)state;
	for (int i = 0; i < CLI_FEATURES_MAX; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " --feature=f%d", i);
	arguments = parse_well(CLI_RULES, line);
	assert_int_equal(arguments.feature_count, CLI_FEATURES_MAX);
	strcat(line, " --feature=one-more");
	assert_refused(CLI_RULES, line, "sallyport: more than 32 --feature\n");
}

static void an_unknown_option_is_named(void **state)
{
	(void)state;
	assert_refused(
		CLI_RULES, "--regoin=eastus",
		"sallyport verb: unknown option --regoin=eastus (see: sallyport verb --help)\n");
	assert_refused(CLI_RULES, "-z",
		       "sallyport verb: unknown option -z (see: sallyport verb --help)\n");
	assert_refused(CLI_RULES, "-zo json",
		       "sallyport verb: unknown option -z (see: sallyport verb --help)\n");
	assert_refused(CLI_RULES, "--help=yes",
		       "sallyport verb: unknown option --help=yes (see: sallyport verb --help)\n");
}

static void an_option_of_another_verb_is_unknown(void **state)
{
	(void)state;
	assert_refused(
		CLI_STATUS, "--region=eastus",
		"sallyport verb: unknown option --region=eastus (see: sallyport verb --help)\n");
	assert_refused(CLI_RELOAD, "-o json",
		       "sallyport verb: unknown option -o (see: sallyport verb --help)\n");
}

static void a_missing_value_is_told(void **state)
{
	(void)state;
	assert_refused(CLI_RULES, "-c", "sallyport verb: -c needs a value\n");
	assert_refused(CLI_RULES, "--region", "sallyport verb: --region needs a value\n");
}

static void a_value_that_is_not_allowed_is_told_with_those_that_are(void **state)
{
	(void)state;
	assert_refused(CLI_RULES, "--private=maybe",
		       "sallyport: --private: 'maybe' is not allowed here; allowed: yes, no\n");
	assert_refused(CLI_RULES, "-o yaml",
		       "sallyport: --output: 'yaml' is not allowed here; allowed: text, json, csv, "
		       "markdown\n");
}

/* ------------------------------------------------------- over a configuration */

static struct config *apply(const char *line, struct problems *problems)
{
	struct cli_arguments arguments = parse_well(CLI_RULES, line);
	struct config *config = config_default();

	assert_non_null(config);
	(void)cli_apply_profile(&arguments, config, problems);
	return config;
}

static void flags_make_a_profile_of_the_public_cloud(void **state)
{
	struct problems *problems = problems_new();
	struct config *config = apply("--region=eastus --konnectivity=no --api-server=A.Example. "
				      "--feature=x --catalog=c.yaml --service-tags=t.json "
				      "--edition=2024-05-20",
				      problems);
	const struct cluster_profile *cluster = &config->cluster;

	(void)state;
	assert_int_equal(problems_count(problems), 0);
	assert_true(cluster->present);
	assert_string_equal(cluster->cloud, "public");
	assert_string_equal(cluster->region, "eastus");
	assert_string_equal(cluster->edition, "2024-05-20");
	assert_false(cluster->konnectivity);
	assert_true(cluster->has_api_server);
	assert_string_equal(cluster->api_server.text, "a.example");
	assert_int_equal(cluster->feature_count, 1);
	assert_string_equal(cluster->catalog_file, "c.yaml");
	assert_string_equal(cluster->service_tags_file, "t.json");
	config_free(config);
	problems_free(problems);
}

static void without_flags_a_file_keeps_what_it_says(void **state)
{
	struct problems *problems = problems_new();
	struct config *config = config_default();
	struct cli_arguments arguments = parse_well(CLI_RULES, "-c some.yaml");

	(void)state;
	config->cluster.present = false;
	assert_int_equal(cli_apply_profile(&arguments, config, problems), 0);
	assert_false(config->cluster.present);
	config_free(config);
	problems_free(problems);
}

static void assert_problem(const char *line, const char *expected)
{
	struct problems *problems = problems_new();
	struct config *config = apply(line, problems);

	assert_int_equal(problems_count(problems), 1);
	assert_string_equal(problems_at(problems, 0)->text, expected);
	config_free(config);
	problems_free(problems);
}

static void a_value_that_does_not_fit_names_its_flag(void **state)
{
	(void)state;
	assert_problem("--cloud=a-cloud-with-a-name-of-more-than-31-bytes",
		       "--cloud: 'a-cloud-with-a-name-of-more-than-31-bytes' is longer than 31 "
		       "bytes");
	assert_problem("--api-server=a..b", "--api-server: 'a..b' has an empty label");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_options_everything_is_unset),
		cmocka_unit_test(values_come_behind_an_equals_sign_or_a_space),
		cmocka_unit_test(operands_may_stand_between_options),
		cmocka_unit_test(a_switch_alone_means_yes),
		cmocka_unit_test(the_last_of_two_values_counts),
		cmocka_unit_test(features_are_collected_each_once),
		cmocka_unit_test(more_features_than_there_is_room_are_refused),
		cmocka_unit_test(an_unknown_option_is_named),
		cmocka_unit_test(an_option_of_another_verb_is_unknown),
		cmocka_unit_test(a_missing_value_is_told),
		cmocka_unit_test(a_value_that_is_not_allowed_is_told_with_those_that_are),
		cmocka_unit_test(flags_make_a_profile_of_the_public_cloud),
		cmocka_unit_test(without_flags_a_file_keeps_what_it_says),
		cmocka_unit_test(a_value_that_does_not_fit_names_its_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
