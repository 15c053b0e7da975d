/* The cluster profile: what the user says of a cluster. */
#pragma once

#include "base/ip.h"
#include "name/name.h"

#define PROFILE_FEATURES_MAX 32

struct cluster_profile {
	bool present;            /* false: no catalogue rules are wanted */
	char cloud[32];          /* "public" … as the catalogue lists them */
	char region[64];         /* "eastus"; empty: unknown */
	char edition[32];        /* "2024-05-20"; empty: the default edition */
	char *catalog_file;      /* replaces the embedded catalogue; NULL: embedded */
	char *service_tags_file; /* Microsoft's weekly JSON; NULL: none */
	bool tags_only; /* only service tags for rules of one's own: the catalogue adds nothing */
	bool private_cluster;
	bool konnectivity;
	bool recommended; /* also the optional recommended rules */
	bool corrections; /* also what the article lacks and the catalogue adds */
	bool pods_use_api_server_address;
	bool nodes_before_march_2021; /* NTP is needed */
	bool has_api_server;
	struct name api_server; /* FQDN, for rules by the API server's address */
	struct ip_address *custom_dns;
	size_t custom_dns_count;
	struct ip_prefix *region_prefixes; /* the region's own prefixes, written by the user */
	size_t region_prefix_count;
	char *features[PROFILE_FEATURES_MAX];
	size_t feature_count;
};

void cluster_profile_done(struct cluster_profile *profile);
