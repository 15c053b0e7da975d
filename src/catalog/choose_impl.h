/* Which of a network rule's destinations is taken. */
#pragma once

#include "catalog/rules.h"

struct text;

/* What is known while the rules of one profile are made. */
struct making {
	const struct catalog_edition *edition;
	const struct catalog_cloud *cloud;
	const struct cluster_profile *profile;
	const struct service_tags *tags;
	enum catalog_tag_use tag_use;
	struct rule_set *set;
	struct catalog_choices *choices;
	struct problems *problems;
	bool told_region; /* that cluster.region is missing: said once */
};

__attribute__((format(printf, 2, 3))) int making_fail(struct making *making, const char *format,
						      ...);

/* Fills the rule's destinations from the entry's alternatives and records the choice. */
int catalog_choose_destination(struct making *making, const struct catalog_entry *entry,
			       struct rule *rule);

/* The narrowest destination that the profile can fill; NULL: none. */
const struct catalog_destination *catalog_narrowest(const struct making *making,
						    const struct catalog_entry *entry);

/* Does the profile call for the entry, which is one of its cloud's? (rules.c) */
bool catalog_takes(const struct making *making, const struct catalog_entry *entry);
