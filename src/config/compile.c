/*
 * Config → policy: the catalogue's rules for the profile, then the own collections, then the
 * guard's exceptions and the host's own addresses, compiled together. A profile that came from
 * flags has its files loaded here; one from a file has brought its service tags along.
 */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/catalog.h"
#include "catalog/rules.h"
#include "config/copy_impl.h"
#include "policy/policy.h"
#include "tags/tags.h"

DEFINE_CLEANUP(drop_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(drop_tags, struct service_tags *, service_tags_free);

static int fail_memory(struct problems *problems)
{
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
	return -ENOMEM;
}

static int add_catalog_rules(const struct config *config, enum catalog_tag_use tag_use,
			     struct rule_set *set, struct catalog_choices *choices,
			     struct problems *problems)
{
	cleanup(drop_catalog) struct catalog *catalog = NULL;
	cleanup(drop_tags) struct service_tags *loaded = NULL;
	const struct service_tags *tags = config->service_tags;

	if (!config->cluster.present)
		return 0;
	catalog = catalog_load(config->cluster.catalog_file, problems);
	if (!catalog)
		return -EINVAL;
	if (!tags && config->cluster.service_tags_file) {
		loaded = service_tags_load(config->cluster.service_tags_file, problems);
		if (!loaded)
			return -EINVAL;
		tags = loaded;
	}
	return catalog_rules(catalog, &config->cluster, tags, tag_use, set, choices, problems);
}

static int add_own_addresses(const struct config *config, struct rule_set *set)
{
	struct ip_address *copy = calloc(config->own_address_count + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (config->own_address_count > 0)
		memcpy(copy, config->own_addresses, config->own_address_count * sizeof(*copy));
	set->own_addresses = copy;
	set->own_address_count = config->own_address_count;
	return 0;
}

static struct policy *compile(struct rule_set *set, struct problems *problems)
{
	cleanup(free_memory) char *detail = NULL;
	struct policy *policy = NULL;
	int error = policy_compile(set, &policy, &detail);

	if (error == 0)
		return policy;
	if (error == -EEXIST)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "two rules are called '%s'", detail ? detail : "?");
	else
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "the policy cannot be compiled: %s", strerror(-error));
	return NULL;
}

static int add_protected_sources(const struct config *config, struct rule_set *set)
{
	size_t count = config->network.source_count;
	struct ip_prefix *copy = calloc(count + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count > 0)
		memcpy(copy, config->network.sources, count * sizeof(*copy));
	set->protected_sources = copy;
	set->protected_source_count = count;
	return 0;
}

int config_rules(const struct config *config, enum catalog_tag_use tag_use, struct rule_set *set,
		 struct catalog_choices *choices, struct problems *problems)
{
	int error = add_catalog_rules(config, tag_use, set, choices, problems);

	if (error < 0)
		return error;
	if (config_copy_rules(&config->own, set) < 0 || add_protected_sources(config, set) < 0)
		return fail_memory(problems);
	return 0;
}

struct policy *config_compile(const struct config *config, enum catalog_tag_use tag_use,
			      struct catalog_choices *choices, struct problems *problems)
{
	cleanup(rule_set_done) struct rule_set set = {0};

	if (config_rules(config, tag_use, &set, choices, problems) < 0)
		return NULL;
	if (add_own_addresses(config, &set) < 0) {
		fail_memory(problems);
		return NULL;
	}
	return compile(&set, problems);
}
