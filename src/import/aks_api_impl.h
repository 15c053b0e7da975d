/* The parts of reading AKS's answer. */
#pragma once

#include "base/text.h"
#include "import/json.h"
#include "import/labels_impl.h"
#include "import/losses_impl.h"
#include "policy/rules.h"

/* What of the answer tells of the cluster itself. */
struct aks_cluster {
	const struct json_item *api_server; /* a name in category apiserver; NULL: none */
	bool has_tunnel;                    /* nodes use the tunnel of before konnectivity */
};

enum { AKS_NETWORK, AKS_APPLICATION };

struct aks_category {
	const char *name;
	size_t first[2]; /* its first rule in each collection */
	void *seen;      /* tsearch(3): what its rules name already */
};

struct aks_reading {
	struct losses losses;
	struct rule_set set; /* two collections: AKS_NETWORK and AKS_APPLICATION */
	struct labels labels[2];
	struct aks_category category;
	struct aks_cluster cluster;
	size_t endpoints, details;
	bool no_memory;
	bool too_large; /* more than one configuration may hold */
};

/* May reading go on? */
static inline bool aks_goes_on(const struct aks_reading *reading)
{
	return !reading->no_memory && !reading->too_large;
}

/* Puts one detail of an endpoint into the category's rules, or tells why not. */
void aks_read_detail(struct aks_reading *reading, const struct json_item *endpoint,
		     const struct json_item *detail);
/* A string member; NULL: there is none, or it is empty. */
const char *aks_member_text(const struct json_item *item, const char *key);

/* The profile that such a cluster has, as far as it can be recognised, as comments. */
void aks_cluster_add_profile(struct text *yaml, const struct aks_cluster *cluster,
			     struct problems *problems);
