/* The clouds of an edition: their names, the patterns of their API servers, their region codes. */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "catalog/parameter.h"
#include "catalog/read_impl.h"

void catalog_cloud_done(struct catalog_cloud *cloud)
{
	for (size_t i = 0; i < cloud->region_code_count; i++) {
		free(cloud->region_codes[i].region);
		free(cloud->region_codes[i].code);
	}
	catalog_texts_free(cloud->api_servers, cloud->api_server_count);
	free(cloud->region_codes);
	free(cloud->name);
	free(cloud->title);
	free(cloud->service_tags);
	*cloud = (struct catalog_cloud){0};
}

static bool read_api_servers(const struct yaml_item *value, const struct yaml_field *field,
			     void *target, struct problems *problems)
{
	struct catalog_cloud *cloud = target;

	(void)field;
	return catalog_read_patterns(value, &cloud->api_servers, &cloud->api_server_count,
				     problems);
}

static bool read_region_name(const struct yaml_item *item, char **ret_name,
			     struct problems *problems)
{
	if (!yaml_expect_scalar(item, problems))
		return false;
	if (catalog_region_is_valid(yaml_scalar_text(item)))
		return yaml_read_string(item, NULL, ret_name, problems);
	yaml_complain(item, problems,
		      "expected a region's name of lower-case letters and digits, as in eastus");
	return false;
}

/* A map whose keys are regions, and its values their codes. */
static bool read_region_codes(const struct yaml_item *value, const struct yaml_field *field,
			      void *target, struct problems *problems)
{
	struct catalog_cloud *cloud = target;
	bool good = true;

	(void)field;
	if (yaml_item_kind(value) != YAML_KIND_MAP) {
		yaml_complain(value, problems, "expected a map of regions and their codes");
		return false;
	}
	cloud->region_codes = calloc(yaml_map_count(value) + 1, sizeof(*cloud->region_codes));
	if (!cloud->region_codes) {
		yaml_complain(value, problems, "out of memory");
		return false;
	}
	cloud->region_code_count = yaml_map_count(value);
	for (size_t i = 0; i < cloud->region_code_count; i++) {
		struct catalog_region_code *code = &cloud->region_codes[i];

		good &= read_region_name(yaml_map_key_at(value, i), &code->region, problems) &&
			read_region_name(yaml_map_value_at(value, i), &code->code, problems);
	}
	return good;
}

static const struct yaml_field s_fields[] = {
	{.key = "name",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_cloud, name, char *),
	 .required = true},
	{.key = "title",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_cloud, title, char *),
	 .required = true},
	{.key = "service_tags",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct catalog_cloud, service_tags, char *),
	 .required = true},
	{.key = "api_server", .read = read_api_servers, .required = true},
	{.key = "region_codes", .read = read_region_codes},
};

static bool read_cloud(const struct yaml_item *item, void *element, const void *context,
		       struct problems *problems)
{
	(void)context;
	return yaml_read_fields(item, s_fields, element, problems);
}

bool catalog_read_edition_clouds(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct catalog_edition *edition = target;

	(void)field;
	if (!catalog_read_list(value, sizeof(*edition->clouds), read_cloud, NULL,
			       (void **)&edition->clouds, &edition->cloud_count, problems))
		return false;
	if (edition->cloud_count > CATALOG_CLOUDS_MAX) {
		yaml_complain(value, problems, "at most %d clouds", CATALOG_CLOUDS_MAX);
		return false;
	}
	edition->cloud_names = calloc(edition->cloud_count + 1, sizeof(*edition->cloud_names));
	if (!edition->cloud_names) {
		yaml_complain(value, problems, "out of memory");
		return false;
	}
	for (size_t i = 0; i < edition->cloud_count; i++) {
		if (catalog_cloud_find(edition, edition->clouds[i].name) != &edition->clouds[i]) {
			yaml_complain(yaml_map_find(yaml_list_at(value, i), "name"), problems,
				      "cloud '%s' is there twice", edition->clouds[i].name);
			return false;
		}
		edition->cloud_names[i] = edition->clouds[i].name;
	}
	return true;
}

const struct catalog_cloud *catalog_cloud_find(const struct catalog_edition *edition,
					       const char *name)
{
	for (size_t i = 0; i < edition->cloud_count; i++)
		if (!strcmp(edition->clouds[i].name, name))
			return &edition->clouds[i];
	return NULL;
}

const char *catalog_cloud_region_code(const struct catalog_cloud *cloud, const char *region)
{
	for (size_t i = 0; i < cloud->region_code_count; i++)
		if (!strcmp(cloud->region_codes[i].region, region))
			return cloud->region_codes[i].code;
	return region;
}
