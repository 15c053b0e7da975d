#include "catalog/conditions.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_private(const struct cluster_profile *profile)
{
	return profile->private_cluster;
}

static bool has_konnectivity(const struct cluster_profile *profile)
{
	return profile->konnectivity;
}

static bool has_custom_dns(const struct cluster_profile *profile)
{
	return profile->custom_dns_count > 0;
}

static bool pods_use_address(const struct cluster_profile *profile)
{
	return profile->pods_use_api_server_address;
}

static bool has_old_nodes(const struct cluster_profile *profile)
{
	return profile->nodes_before_march_2021;
}

static const struct {
	bool (*test)(const struct cluster_profile *profile);
	const char *when_true, *when_false;
} s_facts[] = {
	[CATALOG_FACT_PRIVATE] = {is_private, "cluster.private is true",
				  "cluster.private is false"},
	[CATALOG_FACT_KONNECTIVITY] = {has_konnectivity, "cluster.konnectivity is true",
				       "cluster.konnectivity is false"},
	[CATALOG_FACT_CUSTOM_DNS] = {has_custom_dns, "cluster.custom_dns is set",
				     "cluster.custom_dns is empty"},
	[CATALOG_FACT_PODS_USE_API_SERVER_ADDRESS] = {pods_use_address,
						      "cluster.pods_use_api_server_address is true",
						      "cluster.pods_use_api_server_address is "
						      "false"},
	[CATALOG_FACT_NODES_BEFORE_MARCH_2021] = {has_old_nodes,
						  "cluster.nodes_before_march_2021 is true",
						  "cluster.nodes_before_march_2021 is false"},
};

static const char *const s_words[] = {
	"private",
	"konnectivity",
	"custom-dns",
	"pods-use-api-server-address",
	"nodes-before-march-2021",
	NULL,
};

static_assert(sizeof(s_facts) / sizeof(*s_facts) == CATALOG_FACT_FEATURE, "one row a fact");
static_assert(sizeof(s_words) / sizeof(*s_words) == CATALOG_FACT_FEATURE + 1, "one word a fact");

const char *const *catalog_fact_words(void)
{
	return s_words;
}

bool cluster_profile_has_feature(const struct cluster_profile *profile, const char *feature)
{
	for (size_t i = 0; i < profile->feature_count; i++)
		if (!strcmp(profile->features[i], feature))
			return true;
	return false;
}

bool catalog_condition_holds(const struct catalog_condition *condition,
			     const struct cluster_profile *profile)
{
	if (condition->fact == CATALOG_FACT_FEATURE)
		return cluster_profile_has_feature(profile, condition->feature) ==
		       condition->wanted;
	return s_facts[condition->fact].test(profile) == condition->wanted;
}

const char *catalog_condition_reason(const struct catalog_condition *condition,
				     char text[CATALOG_REASON_SIZE])
{
	if (condition->fact == CATALOG_FACT_FEATURE)
		snprintf(text, CATALOG_REASON_SIZE, "cluster.features %s %s",
			 condition->wanted ? "does not list" : "lists", condition->feature);
	else
		snprintf(text, CATALOG_REASON_SIZE, "%s",
			 condition->wanted ? s_facts[condition->fact].when_false
					   : s_facts[condition->fact].when_true);
	return text;
}
