/* A FortiOS configuration in the making: its sections, and what goes into a policy. */
#pragma once

#include "export/appliance_impl.h"

#define FORTIGATE_FIRST_TABLE 64001
#define FORTIGATE_TABLES      "from 64001 on"

struct fortigate {
	struct export_job *job;
	struct text lists, addresses, addresses6, services, profiles, policies;
	size_t table_count; /* of URL filters */
};

/* Names of address objects, each after a blank and in quotes, for either family. */
struct fortigate_addresses {
	struct text v4, v6;
};

struct fortigate_policy {
	const char *name;
	const struct export_rule *rule; /* for the comment; may be NULL */
	bool allow;
	const struct fortigate_addresses *sources, *destinations;
	const struct text *services;
	const char *profiles; /* further lines; may be NULL */
};

/* Adds the lines of an object unless they are there. */
void fortigate_add_object(struct text *objects, const struct text *lines);
void fortigate_add_prefixes(struct fortigate *config, const struct part_prefixes *list,
			    struct fortigate_addresses *addresses);
/* A name or "*.name", for both families; each once. */
void fortigate_add_fqdn(struct fortigate *config, const char *fqdn,
			struct fortigate_addresses *addresses);
/* False: no memory. */
bool fortigate_add_sources(struct fortigate *config, const struct rule *rule,
			   struct fortigate_addresses *addresses);
void fortigate_add_service(struct fortigate *config, const char *transport, struct port_range range,
			   struct text *services);
/* Nothing is written where no family has both ends, or nothing a service. */
void fortigate_add_policy(struct fortigate *config, const struct fortigate_policy *policy);
void fortigate_addresses_done(struct fortigate_addresses *addresses); /* for cleanup() */

/* The application rules. */
void fortigate_add_web(struct fortigate *config);
