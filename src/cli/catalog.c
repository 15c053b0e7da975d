/*
 * sallyport catalog diff A B: what differs between two editions, documents or configurations, and
 * whether A lacks something that B requires.
 *
 * The profile that says what matters comes from --config, or else from the first operand that is a
 * configuration; profile options go over it. With neither, everything matters.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/parameter.h"
#include "cli/diff_write.h"
#include "cli/model.h"
#include "cli/operand.h"
#include "cli/verbs.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);
DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_listing, struct listing *, listing_free);

/* ------------------------------------------------------------------------ the profile */

/* The file whose cluster section is the profile; NULL: none. */
static const char *profile_path(const struct cli_arguments *arguments,
				const struct operand operands[2])
{
	if (arguments->config_path)
		return arguments->config_path;
	for (size_t i = 0; i < 2; i++)
		if (operands[i].kind == OPERAND_CONFIGURATION)
			return operands[i].word;
	return NULL;
}

/* ret_config NULL: there is no profile, everything matters. False: the problems were printed. */
static bool load_profile(const struct cli_arguments *arguments, const struct operand operands[2],
			 struct config **ret_config)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(free_config) struct config *config = NULL;
	struct cli_arguments with_file = *arguments;
	bool good;

	*ret_config = NULL;
	with_file.config_path = profile_path(arguments, operands);
	if (!with_file.config_path && !cli_has_profile(arguments))
		return true;
	if (!problems)
		return false;
	config = with_file.config_path ? config_load(with_file.config_path, problems)
				       : config_default();
	good = config && cli_apply_profile(&with_file, config, problems) == 0;
	/* Warnings about an operand come when it is loaded as such. */
	if (!good || with_file.config_path == arguments->config_path)
		cli_print_problems(problems);
	if (good && config->cluster.present)
		*ret_config = take_pointer(config);
	return good;
}

static bool has_cloud(const struct listing *listing, const char *cloud)
{
	for (size_t i = 0; i < listing->cloud_count; i++)
		if (!strcmp(listing->clouds[i], cloud))
			return true;
	return false;
}

static bool has_feature(const struct listing *listing, const char *feature)
{
	for (size_t i = 0; i < listing->feature_count; i++)
		if (!strcmp(listing->features[i].name, feature))
			return true;
	return false;
}

static void fail_unknown(const struct listing *before, const struct listing *after,
			 const char *what, const char *word, struct problems *problems)
{
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
		     "neither %s nor %s has a %s '%s'", before->name, after->name, what, word);
}

/* Do the operands know of what the profile speaks? A feature that only one of them has is news, no
   error. */
static bool check_profile(const struct cluster_profile *profile, const struct listing *before,
			  const struct listing *after, struct problems *problems)
{
	bool known = before->cloud_count > 0 || after->cloud_count > 0;

	if (known && !has_cloud(before, profile->cloud) && !has_cloud(after, profile->cloud))
		fail_unknown(before, after, "cloud", profile->cloud, problems);
	for (size_t i = 0; i < profile->feature_count && known; i++)
		if (!has_feature(before, profile->features[i]) &&
		    !has_feature(after, profile->features[i]))
			fail_unknown(before, after, "feature", profile->features[i], problems);
	if (*profile->region && !catalog_region_is_valid(profile->region))
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "--region '%s': expected a region's name of lower-case letters and "
			     "digits, as in eastus",
			     profile->region);
	return !problems_has_errors(problems);
}

/* ------------------------------------------------------------------------ the comparison */

/* What one cluster needs cannot be held against all there is to need. */
static bool are_comparable(const struct listing *before, const struct listing *after,
			   const struct cluster_profile *profile, struct problems *problems)
{
	const struct listing *cluster = before->one_cluster ? before : after;

	if (profile)
		return check_profile(profile, before, after, problems);
	if (before->one_cluster == after->one_cluster)
		return true;
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
		     "%s is of one cluster and does not say which: give its profile (--cloud, "
		     "--region, --feature …) or a file with it (--config)",
		     cluster->name);
	return false;
}

static int print_diff(const struct cli_arguments *arguments, const struct diff_view *view)
{
	cleanup(text_free) struct text out = TEXT_EMPTY;
	struct colours colours = cli_colours();

	switch (arguments->output) {
	case CLI_OUTPUT_JSON:
		diff_write_json(&out, view);
		break;
	case CLI_OUTPUT_MARKDOWN:
		diff_write_markdown(&out, view);
		break;
	default:
		diff_write_text(&out, view, &colours);
	}
	return cli_print(&out) && !diff_is_bad(view) ? 0 : 1;
}

static int compare(const struct cli_arguments *arguments, const struct operand operands[2],
		   const struct cluster_profile *profile, struct problems *problems)
{
	cleanup(free_listing) struct listing *before =
		operand_load(&operands[0], profile, problems);
	cleanup(free_listing) struct listing *after =
		before ? operand_load(&operands[1], profile, problems) : NULL;
	cleanup(catalog_diff_done) struct catalog_diff diff = {0};
	struct diff_view view = {before, after, profile, &diff};
	bool good = after && are_comparable(before, after, profile, problems);

	if (good && catalog_diff_make(before, after, &diff) < 0) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
		good = false;
	}
	cli_print_problems(problems);
	return good ? print_diff(arguments, &view) : 2;
}

static int diff(const struct cli_arguments *arguments)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(free_config) struct config *config = NULL;
	struct cli_arguments of_profile = *arguments;
	struct operand operands[2] = {0};

	if (!problems)
		return 1;
	of_profile.edition = NULL; /* here it is an article's */
	for (size_t i = 0; i < 2; i++) {
		operands[i].date = arguments->edition;
		if (!operand_recognise(arguments->operands[1 + i], &operands[i], problems)) {
			cli_print_problems(problems);
			return 2;
		}
	}
	if (!load_profile(&of_profile, operands, &config))
		return 2;
	return compare(arguments, operands, config ? &config->cluster : NULL, problems);
}

int cli_catalog(const struct cli_arguments *arguments)
{
	if (!strcmp(arguments->operands[0], "diff"))
		return diff(arguments);
	fprintf(stderr, "sallyport catalog: '%s' is not allowed here; allowed: diff\n",
		arguments->operands[0]);
	return 2;
}
