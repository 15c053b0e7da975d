/*
 * Cluster profile → rules: the catalogue's entries that the profile calls for, as collections
 * `aks-network`, `aks-fqdn`, `aks-recommended-network` and `aks-recommended`. A rule's name is its
 * entry's id.
 */
#pragma once

#include "catalog/catalog.h"
#include "catalog/choices.h"
#include "catalog/profile.h"

struct service_tags;

/* Collections of these names are the catalogue's own. */
#define CATALOG_COLLECTION_START "aks-"

#define CATALOG_PRIORITY_REQUIRED    1000
#define CATALOG_PRIORITY_RECOMMENDED 1100

/* What becomes of a service tag when no service-tag file is given. */
enum catalog_tag_use {
	CATALOG_TAGS_BY_PREFIX, /* it cannot be filled: a wider alternative is taken */
	CATALOG_TAGS_BY_NAME,   /* its name is enough: for what is enforced where tags are known */
};

/*
 * Adds to `set`. Of a network rule's alternatives the narrowest that the profile can fill is taken;
 * a rule that the profile calls for and cannot fill at all is an error, as are unknown clouds,
 * editions and features. `tags` may be NULL (none given), `choices` too. -EINVAL or -ENOMEM: errors
 * are in `problems`, and the set may hold a part of the rules: throw it away.
 */
int catalog_rules(const struct catalog *catalog, const struct cluster_profile *profile,
		  const struct service_tags *tags, enum catalog_tag_use tag_use,
		  struct rule_set *set, struct catalog_choices *choices, struct problems *problems);

/* "edition 2024-05-20, public, Azure Global required network rules, row 1". The caller frees. */
char *catalog_entry_origin(const struct catalog_edition *edition, const struct catalog_entry *entry,
			   const char *cloud);
