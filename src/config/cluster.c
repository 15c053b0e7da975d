/*
 * The cluster section. The catalogue comes first (its file may be replaced), then the edition, then
 * what only the edition can judge: clouds and features. So each unknown word is told at its place
 * with the list of what this catalogue knows.
 */
#include "config/sections_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/catalog.h"
#include "catalog/parameter.h"
#include "config/values_impl.h"
#include "tags/tags.h"

struct cluster_reading {
	struct config *config;
	struct cluster_profile *profile;
	const char *file;
	struct catalog *catalog;
	const struct catalog_edition *edition;
};

/* A path as written in `file`: relative to its folder. */
static char *resolve_path(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *resolved = NULL;

	if (*path == '/' || !slash)
		return strdup(path);
	return asprintf(&resolved, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL
										   : resolved;
}

static bool read_path(const struct yaml_item *value, const struct cluster_reading *reading,
		      char **ret_path, struct problems *problems)
{
	cleanup(free_memory) char *written = NULL;
	char *path;

	if (!yaml_read_string(value, NULL, &written, problems))
		return false;
	path = resolve_path(reading->file, written);
	if (!path) {
		yaml_complain(value, problems, "out of memory");
		return false;
	}
	free(*ret_path);
	*ret_path = path;
	return true;
}

static bool read_catalog(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	struct cluster_reading *reading = target;

	(void)field;
	if (!read_path(value, reading, &reading->profile->catalog_file, problems))
		return false;
	catalog_free(reading->catalog);
	reading->catalog = catalog_load(reading->profile->catalog_file, problems);
	reading->edition = reading->catalog ? catalog_edition_find(reading->catalog, "") : NULL;
	return reading->catalog != NULL;
}

static bool read_edition(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	struct cluster_reading *reading = target;
	size_t index;

	(void)field;
	if (!reading->catalog)
		return false;
	if (!yaml_read_word(value, catalog_edition_names(reading->catalog), &index, problems))
		return false;
	reading->edition = catalog_edition_find(reading->catalog, yaml_scalar_text(value));
	if (strlen(reading->edition->name) >= sizeof(reading->profile->edition)) {
		yaml_complain(value, problems, "the edition's name is too long");
		return false;
	}
	strcpy(reading->profile->edition, reading->edition->name);
	return true;
}

static bool read_cloud(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct cluster_reading *reading = target;
	size_t index;

	(void)field;
	if (!reading->edition ||
	    !yaml_read_word(value, reading->edition->cloud_names, &index, problems))
		return false;
	if (strlen(yaml_scalar_text(value)) >= sizeof(reading->profile->cloud)) {
		yaml_complain(value, problems, "the cloud's name is too long");
		return false;
	}
	strcpy(reading->profile->cloud, yaml_scalar_text(value));
	return true;
}

static bool read_region(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	struct cluster_profile *profile = ((struct cluster_reading *)target)->profile;
	char quoted[YAML_QUOTE_SIZE];

	(void)field;
	if (!yaml_expect_scalar(value, problems))
		return false;
	const char *text = yaml_scalar_text(value);
	if (!catalog_region_is_valid(text) || strlen(text) >= sizeof(profile->region)) {
		yaml_complain(value, problems,
			      "expected a region's short name, lower-case letters and digits as "
			      "in eastus or westeurope, not %s",
			      yaml_quote(text, quoted));
		return false;
	}
	strcpy(profile->region, text);
	return true;
}

static bool add_feature(const struct yaml_item *item, struct cluster_reading *reading,
			struct problems *problems)
{
	struct cluster_profile *profile = reading->profile;
	size_t index;

	if (!*reading->edition->feature_names) {
		yaml_complain(item, problems, "edition %s has no features to choose from",
			      reading->edition->name);
		return false;
	}
	if (!yaml_read_word(item, reading->edition->feature_names, &index, problems))
		return false;
	profile->features[profile->feature_count] = strdup(yaml_scalar_text(item));
	if (!profile->features[profile->feature_count]) {
		yaml_complain(item, problems, "out of memory");
		return false;
	}
	profile->feature_count++;
	return true;
}

static bool read_features(const struct yaml_item *value, const struct yaml_field *field,
			  void *target, struct problems *problems)
{
	struct cluster_reading *reading = target;
	bool good = true;

	(void)field;
	if (!reading->edition || !yaml_expect_list(value, problems))
		return false;
	if (yaml_list_count(value) > PROFILE_FEATURES_MAX) {
		yaml_complain(value, problems, "at most %d can stand here", PROFILE_FEATURES_MAX);
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(value); i++)
		good &= add_feature(yaml_list_at(value, i), reading, problems);
	return good;
}

static bool read_service_tags(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	struct cluster_reading *reading = target;
	const struct catalog_cloud *cloud;

	(void)field;
	if (!read_path(value, reading, &reading->profile->service_tags_file, problems))
		return false;
	reading->config->service_tags =
		service_tags_load(reading->profile->service_tags_file, problems);
	if (!reading->config->service_tags || !reading->edition)
		return false;
	cloud = catalog_cloud_find(reading->edition, reading->profile->cloud);
	if (cloud && strcasecmp(cloud->service_tags,
				service_tags_cloud(reading->config->service_tags)) != 0) {
		yaml_complain(value, problems,
			      "the file is of cloud '%s', but cluster.cloud %s needs that of '%s'",
			      service_tags_cloud(reading->config->service_tags), cloud->name,
			      cloud->service_tags);
		return false;
	}
	return true;
}

static bool read_api_server(const struct yaml_item *value, const struct yaml_field *field,
			    void *target, struct problems *problems)
{
	struct cluster_profile *profile = ((struct cluster_reading *)target)->profile;
	char quoted[YAML_QUOTE_SIZE];
	enum name_error error;

	(void)field;
	if (!yaml_expect_scalar(value, problems))
		return false;
	error = name_from_person(yaml_scalar_text(value), &profile->api_server);
	if (error != NAME_OK) {
		yaml_complain(value, problems,
			      "expected the API server's name alone, as in "
			      "myaks-0a1b2c3d.hcp.eastus.azmk8s.io: %s %s",
			      yaml_quote(yaml_scalar_text(value), quoted), name_error_text(error));
		return false;
	}
	profile->has_api_server = true;
	return true;
}

static bool read_custom_dns(const struct yaml_item *value, const struct yaml_field *field,
			    void *target, struct problems *problems)
{
	struct cluster_profile *profile = ((struct cluster_reading *)target)->profile;

	(void)field;
	return config_read_addresses(value, &profile->custom_dns, &profile->custom_dns_count,
				     problems);
}

static bool read_region_prefixes(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct cluster_profile *profile = ((struct cluster_reading *)target)->profile;

	(void)field;
	return config_read_prefixes(value, &profile->region_prefixes, &profile->region_prefix_count,
				    problems);
}

static bool read_switch(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	struct cluster_profile *profile = ((struct cluster_reading *)target)->profile;
	const size_t *member = field->limits;

	return yaml_read_bool(value, field, (char *)profile + *member, problems);
}

#define SWITCH(name, member)                                                                       \
	{                                                                                          \
		.key = (name), .read = read_switch, .limits = &(const size_t)                      \
		{                                                                                  \
			YAML_MEMBER(struct cluster_profile, member, bool)                          \
		}                                                                                  \
	}

/* In reading order: what later keys are judged by comes first. */
static const struct yaml_field s_fields[] = {
	{.key = "catalog", .read = read_catalog},
	{.key = "edition", .read = read_edition},
	{.key = "cloud", .read = read_cloud},
	{.key = "region", .read = read_region},
	{.key = "service_tags", .read = read_service_tags},
	{.key = "api_server", .read = read_api_server},
	SWITCH("tags_only", tags_only),
	SWITCH("private", private_cluster),
	SWITCH("konnectivity", konnectivity),
	SWITCH("recommended", recommended),
	SWITCH("corrections", corrections),
	SWITCH("pods_use_api_server_address", pods_use_api_server_address),
	SWITCH("nodes_before_march_2021", nodes_before_march_2021),
	{.key = "custom_dns", .read = read_custom_dns},
	{.key = "region_prefixes", .read = read_region_prefixes},
	{.key = "features", .read = read_features},
};

bool config_read_cluster(const struct yaml_item *item, const char *file, struct config *config,
			 struct problems *problems)
{
	struct cluster_reading reading = {
		.config = config, .profile = &config->cluster, .file = file};
	bool good = false;

	if (yaml_item_kind(item) == YAML_KIND_MAP && !yaml_map_find(item, "catalog")) {
		reading.catalog = catalog_load(NULL, problems);
		reading.edition =
			reading.catalog ? catalog_edition_find(reading.catalog, "") : NULL;
	}
	config->cluster.present = true;
	good = yaml_read_fields(item, s_fields, &reading, problems);
	catalog_free(reading.catalog);
	return good;
}
