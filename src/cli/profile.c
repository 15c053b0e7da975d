/* Options of the command line over a configuration: the cluster profile, the file, the socket. */
#include "cli/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

bool cli_has_profile(const struct cli_arguments *arguments)
{
	return arguments->cloud || arguments->region || arguments->edition || arguments->catalog ||
	       arguments->service_tags || arguments->api_server || arguments->feature_count > 0 ||
	       arguments->private_cluster != CLI_UNSET || arguments->konnectivity != CLI_UNSET ||
	       arguments->recommended != CLI_UNSET || arguments->corrections != CLI_UNSET ||
	       arguments->pods_use_api_server_address != CLI_UNSET;
}

static int put_word(char *field, size_t size, const char *value, const char *option,
		    struct problems *problems)
{
	if (!value)
		return 0;
	if (strlen(value) >= size) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "--%s: '%s' is longer than %zu bytes", option, value, size - 1);
		return -EINVAL;
	}
	strcpy(field, value);
	return 0;
}

static int put_path(char **field, const char *value)
{
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static void put_switch(bool *field, enum cli_switch value)
{
	if (value != CLI_UNSET)
		*field = value == CLI_YES;
}

static int put_api_server(struct cluster_profile *profile, const char *value,
			  struct problems *problems)
{
	enum name_error error;

	if (!value)
		return 0;
	error = name_from_person(value, &profile->api_server);
	if (error != NAME_OK) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "--api-server: '%s' %s", value, name_error_text(error));
		return -EINVAL;
	}
	profile->has_api_server = true;
	return 0;
}

static int put_features(struct cluster_profile *profile, const struct cli_arguments *arguments)
{
	for (size_t i = 0; i < arguments->feature_count; i++) {
		if (profile->feature_count == PROFILE_FEATURES_MAX)
			return -ENOSPC;
		profile->features[profile->feature_count] = strdup(arguments->features[i]);
		if (!profile->features[profile->feature_count])
			return -ENOMEM;
		profile->feature_count++;
	}
	return 0;
}

int cli_apply_profile(const struct cli_arguments *arguments, struct config *config,
		      struct problems *problems)
{
	struct cluster_profile *profile = &config->cluster;

	if (!cli_has_profile(arguments) && (profile->present || arguments->config_path))
		return 0;
	if (!profile->present && profile->cloud[0] == '\0')
		strcpy(profile->cloud, "public");
	profile->present = true;
	put_switch(&profile->private_cluster, arguments->private_cluster);
	put_switch(&profile->konnectivity, arguments->konnectivity);
	put_switch(&profile->recommended, arguments->recommended);
	put_switch(&profile->corrections, arguments->corrections);
	put_switch(&profile->pods_use_api_server_address, arguments->pods_use_api_server_address);
	if (put_word(profile->cloud, sizeof(profile->cloud), arguments->cloud, "cloud", problems) <
		    0 ||
	    put_word(profile->region, sizeof(profile->region), arguments->region, "region",
		     problems) < 0 ||
	    put_word(profile->edition, sizeof(profile->edition), arguments->edition, "edition",
		     problems) < 0 ||
	    put_api_server(profile, arguments->api_server, problems) < 0)
		return -EINVAL;
	if (put_path(&profile->catalog_file, arguments->catalog) < 0 ||
	    put_path(&profile->service_tags_file, arguments->service_tags) < 0 ||
	    put_features(profile, arguments) < 0) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "not enough room for the profile");
		return -ENOMEM;
	}
	return 0;
}

/* -------------------------------------------------------------------- loading */

DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

struct problems *cli_problems_new(void)
{
	struct problems *problems = problems_new();

	if (!problems)
		fprintf(stderr, "sallyport: not enough memory\n");
	return problems;
}

/* As compilers do: the file and the place, or the program. */
void cli_print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *problem = problems_at(problems, i);

		fprintf(stderr, "%s:", problem->file ? problem->file : "sallyport");
		if (problem->line)
			fprintf(stderr, "%u:%u:", problem->line, problem->column);
		fprintf(stderr, " %s: %s\n",
			problem->severity == PROBLEM_ERROR ? "error" : "warning",
			problem->text ? problem->text : "(out of memory)");
	}
}

bool cli_has_default_config(const char *verb_name, const char *otherwise)
{
	if (access(CLI_DEFAULT_CONFIG, F_OK) == 0)
		return true;
	fprintf(stderr, "sallyport %s: there is no %s: name a file (--config=FILE), or %s\n",
		verb_name, CLI_DEFAULT_CONFIG, otherwise);
	return false;
}

struct config *cli_load_config(const struct cli_arguments *arguments)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(free_config) struct config *config = NULL;

	if (!problems)
		return NULL;
	config = arguments->config_path ? config_load(arguments->config_path, problems)
					: config_default();
	if (!config || cli_apply_profile(arguments, config, problems) < 0) {
		cli_print_problems(problems);
		return NULL;
	}
	cli_print_problems(problems);
	return take_pointer(config);
}

char *cli_socket_path(const struct cli_arguments *arguments)
{
	cleanup(free_config) struct config *config = NULL;
	struct cli_arguments with_file = *arguments;
	char *path;

	if (arguments->socket_path)
		return strdup(arguments->socket_path);
	if (!with_file.config_path && access(CLI_DEFAULT_CONFIG, F_OK) == 0)
		with_file.config_path = CLI_DEFAULT_CONFIG;
	config = cli_load_config(&with_file);
	if (!config)
		return NULL;
	path = strdup(config->admin_socket);
	return path;
}

void cli_print_no_answer(const char *path, int error)
{
	fprintf(stderr, "sallyport: no answer at %s: %s%s\n", path, strerror(-error),
		error == -ENOENT || error == -ECONNREFUSED
			? " (is `sallyport run` running? --socket names another one)"
			: "");
}
