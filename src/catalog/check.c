/*
 * Does the profile fit the catalogue? Unknown words and a service-tag file of another cloud are
 * errors: the rules would lack something. What is merely odd is a warning: an API server of another
 * region, two features where one is enough, a feature that means nothing in this cloud.
 */
#include "catalog/check_impl.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/conditions.h"
#include "catalog/parameter.h"
#include "tags/tags.h"

static void add_words(struct text *text, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		text_addf(text, "%s%s", i ? ", " : "", words[i]);
}

static int fail_unknown(struct making *making, const char *what, const char *value,
			const char *const *allowed)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	add_words(&words, allowed);
	return making_fail(making, "unknown %s '%s'; allowed: %s", what, value,
			   words.length ? text_string(&words) : "none in this edition");
}

static bool is_listed(const char *const *words, const char *word)
{
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static int check_words(struct making *making, const struct catalog *catalog)
{
	const struct cluster_profile *profile = making->profile;

	making->edition = catalog_edition_find(catalog, profile->edition);
	if (!making->edition)
		return fail_unknown(making, "edition", profile->edition,
				    catalog_edition_names(catalog));
	making->cloud = catalog_cloud_find(making->edition, profile->cloud);
	if (!making->cloud)
		return fail_unknown(making, "cloud", profile->cloud, making->edition->cloud_names);
	for (size_t i = 0; i < profile->feature_count; i++)
		if (!is_listed(making->edition->feature_names, profile->features[i]))
			return fail_unknown(making, "feature", profile->features[i],
					    making->edition->feature_names);
	if (*profile->region && !catalog_region_is_valid(profile->region))
		return making_fail(
			making,
			"cluster.region (--region) '%s': expected a region's name of lower-case "
			"letters and digits, as in eastus",
			profile->region);
	if (making->tags &&
	    strcasecmp(service_tags_cloud(making->tags), making->cloud->service_tags) != 0)
		return making_fail(
			making, "%s is of cloud '%s'; cluster.cloud %s needs the file of '%s'",
			service_tags_file(making->tags), service_tags_cloud(making->tags),
			making->cloud->name, making->cloud->service_tags);
	return 0;
}

/* An API server of another region or cloud is probably a slip of the pen. */
static void check_api_server(struct making *making)
{
	const struct cluster_profile *profile = making->profile;
	cleanup(text_free) struct text expected = TEXT_EMPTY;

	if (!profile->has_api_server || !*profile->region)
		return;
	for (size_t i = 0; i < making->cloud->api_server_count; i++) {
		char filled[CATALOG_TEXT_SIZE];
		struct pattern pattern;
		const char *message;

		if (!catalog_text_fill(making->cloud->api_servers[i], profile->region, filled) ||
		    pattern_parse(filled, &pattern, &message) < 0)
			continue;
		if (pattern_matches(&pattern, &profile->api_server))
			return;
		text_addf(&expected, "%s%s", expected.length ? " or " : "", filled);
	}
	problems_add(making->problems, PROBLEM_WARNING, (struct problem_place){0},
		     "cluster.api_server (--api-server) %s is no API server of cloud %s in region "
		     "%s, whose names "
		     "are %s",
		     profile->api_server.text, making->cloud->name, profile->region,
		     text_string(&expected));
}

/* Two ways to the same thing open more than either. */
static void check_alternatives(struct making *making)
{
	for (size_t i = 0; i < making->edition->feature_count; i++) {
		const struct catalog_feature *feature = &making->edition->features[i];

		if (feature->instead_of &&
		    cluster_profile_has_feature(making->profile, feature->name) &&
		    cluster_profile_has_feature(making->profile, feature->instead_of))
			problems_add(making->problems, PROBLEM_WARNING, (struct problem_place){0},
				     "cluster.features lists both %s and %s, two ways to the same "
				     "thing: either is enough, and both together admit more than "
				     "either",
				     feature->instead_of, feature->name);
	}
}

static bool speaks_of(const struct catalog_entry *entry, const char *feature)
{
	if (entry->feature && !strcmp(entry->feature, feature))
		return true;
	for (size_t i = 0; i < entry->condition_count; i++)
		if (entry->conditions[i].feature && !strcmp(entry->conditions[i].feature, feature))
			return true;
	return false;
}

static void check_effect(struct making *making, const char *feature)
{
	uint32_t cloud = 1u << (making->cloud - making->edition->clouds);

	for (size_t i = 0; i < making->edition->entry_count; i++)
		if ((making->edition->entries[i].clouds & cloud) &&
		    speaks_of(&making->edition->entries[i], feature))
			return;
	problems_add(making->problems, PROBLEM_WARNING, (struct problem_place){0},
		     "cluster.features lists %s, for which edition %s has no rules in cloud %s",
		     feature, making->edition->name, making->cloud->name);
}

int catalog_check_profile(struct making *making, const struct catalog *catalog)
{
	int error = check_words(making, catalog);

	if (error < 0)
		return error;
	check_api_server(making);
	check_alternatives(making);
	for (size_t i = 0; i < making->profile->feature_count; i++)
		check_effect(making, making->profile->features[i]);
	return 0;
}
