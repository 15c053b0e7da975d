/*
 * Which cluster an answer is about. The name of an API server, concrete or with a star, ends as the
 * catalogue says for its cloud ("*.hcp.<region>.azmk8s.io"), with the region inside; the tunnel of
 * old clusters has a category of its own.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/catalog.h"
#include "catalog/parameter.h"
#include "import/aks_api_impl.h"
#include "import/config_text.h"
#include "name/pattern.h"

DEFINE_CLEANUP(drop_catalog, struct catalog *, catalog_free);

#define REGION_SIZE 64
static const char s_parameter[] = "<region>";

static bool ends_in(const char *text, const char *ending)
{
	size_t length = strlen(text), size = strlen(ending);

	return length >= size && !strcasecmp(text + length - size, ending);
}

/* The region where `pattern` has its parameter; false: the name does not fit the pattern. */
static bool fit(const char *name, const char *pattern, char region[REGION_SIZE])
{
	const char *parameter = strstr(pattern, s_parameter);
	char start[CATALOG_TEXT_SIZE], found[REGION_SIZE], filled[CATALOG_TEXT_SIZE];
	const char *ending, *at, *first;
	struct pattern whole;
	struct name exact;
	const char *message;

	if (!parameter)
		return false;
	ending = parameter + strlen(s_parameter);
	if (!ends_in(name, ending) || strlen(name) <= strlen(ending))
		return false;
	at = name + strlen(name) - strlen(ending);
	for (first = at; first > name && first[-1] != '.'; first--)
		;
	if ((size_t)(at - first) >= sizeof(found))
		return false;
	snprintf(found, sizeof(found), "%.*s", (int)(at - first), first);
	/* A star stands for any first label. */
	snprintf(start, sizeof(start), "%s%s", *name == '*' ? "x" : "",
		 *name == '*' ? name + 1 : name);
	if (!catalog_region_is_valid(found) || !catalog_text_fill(pattern, found, filled) ||
	    pattern_parse(filled, &whole, &message) < 0 ||
	    name_from_person(start, &exact) != NAME_OK || !pattern_matches(&whole, &exact))
		return false;
	strcpy(region, found);
	return true;
}

/* NULL: the name fits no cloud. */
static const struct catalog_cloud *recognise(const struct catalog_edition *edition,
					     const char *name, char region[REGION_SIZE])
{
	for (size_t i = 0; i < edition->cloud_count; i++) {
		const struct catalog_cloud *cloud = &edition->clouds[i];

		for (size_t j = 0; j < cloud->api_server_count; j++)
			if (fit(name, cloud->api_servers[j], region))
				return cloud;
	}
	return NULL;
}

static void add_lines(struct text *yaml, const struct catalog_cloud *cloud, const char *region,
		      const struct aks_cluster *cluster)
{
	const char *name = json_item_text(cluster->api_server);
	struct text line = TEXT_EMPTY;

	config_text_add_comment(yaml, "The catalogue knows more than this answer. The cluster's "
				      "profile, as far as its API server's name tells it");
	config_text_add_comment(yaml, "(to use it instead of the rules below, or with them, take "
				      "the '#' away):");
	config_text_add_comment(yaml, "cluster:");
	text_addf(&line, "  cloud: %s", cloud->name);
	config_text_add_comment(yaml, text_string(&line));
	text_clear(&line);
	text_addf(&line, "  region: %s", region);
	config_text_add_comment(yaml, text_string(&line));
	config_text_add_comment(yaml, cluster->has_tunnel
					      ? "  konnectivity: false  # there is a category for "
						"the tunnel"
					      : "  konnectivity: true  # there is no category for "
						"the tunnel");
	if (!strchr(name, '*')) {
		text_clear(&line);
		text_addf(&line, "  api_server: %s", name);
		config_text_add_comment(yaml, text_string(&line));
	}
	text_free(&line);
}

void aks_cluster_add_profile(struct text *yaml, const struct aks_cluster *cluster,
			     struct problems *problems)
{
	cleanup(drop_catalog) struct catalog *catalog =
		cluster->api_server ? catalog_load(NULL, problems) : NULL;
	const struct catalog_edition *edition = catalog ? catalog_edition_find(catalog, "") : NULL;
	char region[REGION_SIZE] = "";
	const struct catalog_cloud *cloud =
		edition ? recognise(edition, json_item_text(cluster->api_server), region) : NULL;

	if (cloud)
		add_lines(yaml, cloud, region, cluster);
	else
		config_text_add_comment(yaml, "Which cloud and region the cluster is in cannot be "
					      "told: no API server's name says so.");
}
