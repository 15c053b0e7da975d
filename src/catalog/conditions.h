/* The conditions under which an entry of the catalogue applies to a cluster. */
#pragma once

#include "catalog/catalog.h"
#include "catalog/profile.h"

/* The facts' words, in the enum's order without `feature:`, NULL-terminated. */
const char *const *catalog_fact_words(void);

bool catalog_condition_holds(const struct catalog_condition *condition,
			     const struct cluster_profile *profile);

/* Why a condition that does not hold leaves an entry out: "cluster.private is true". */
#define CATALOG_REASON_SIZE 128
const char *catalog_condition_reason(const struct catalog_condition *condition,
				     char text[CATALOG_REASON_SIZE]);

bool cluster_profile_has_feature(const struct cluster_profile *profile, const char *feature);
