/*
 * The catalogue: what an AKS cluster must reach, as data, per dated edition of Microsoft's article,
 * cloud and feature. The files' form is told in docs/catalogue.md.
 */
#pragma once

#include "base/problems.h"
#include "policy/rules.h"

enum catalog_need {
	CATALOG_REQUIRED,
	CATALOG_RECOMMENDED, /* not required, advised for every cluster */
	CATALOG_OPTIONAL,    /* taken with its feature; without one only listed */
};

/* What a condition asks of the cluster profile. */
enum catalog_fact {
	CATALOG_FACT_PRIVATE,
	CATALOG_FACT_KONNECTIVITY,
	CATALOG_FACT_CUSTOM_DNS,
	CATALOG_FACT_PODS_USE_API_SERVER_ADDRESS,
	CATALOG_FACT_NODES_BEFORE_MARCH_2021,
	CATALOG_FACT_FEATURE,
	CATALOG_FACT_COUNT,
};

struct catalog_condition {
	enum catalog_fact fact;
	bool wanted;     /* when: true; unless: false */
	char *feature;   /* of CATALOG_FACT_FEATURE */
	bool correction; /* not in the article: asked only while the profile wants corrections */
};

/* Alternatives of a network rule's destination, from the narrowest to the widest. */
enum catalog_destination_kind {
	CATALOG_DESTINATION_NAME,
	CATALOG_DESTINATION_API_SERVER,
	CATALOG_DESTINATION_CUSTOM_DNS,
	CATALOG_DESTINATION_REGION_PREFIXES,
	CATALOG_DESTINATION_SERVICE_TAG,
	CATALOG_DESTINATION_ANY,
	CATALOG_DESTINATION_COUNT,
};

struct catalog_destination {
	enum catalog_destination_kind kind;
	char *text; /* NAME, SERVICE_TAG: with <region> as a parameter; else NULL */
};

struct catalog_port {
	unsigned int transport;             /* network: TRANSPORT_TCP or TRANSPORT_UDP */
	enum application_protocol protocol; /* application */
	uint16_t port;
};

struct catalog_entry {
	char *id;
	enum rule_kind kind;
	enum catalog_need need;
	const char *feature; /* NULL: every cluster */
	const char *section; /* the article's heading */
	unsigned int row;    /* 0: told by the article's prose, or a correction */
	uint32_t clouds;     /* bit N: edition->clouds[N] */
	bool correction;     /* not in the article */
	struct catalog_destination *destinations;
	size_t destination_count;
	char **names; /* patterns with <region> as a parameter */
	size_t name_count;
	struct catalog_port *ports;
	size_t port_count;
	struct catalog_condition *conditions; /* all must hold */
	size_t condition_count;
	char *purpose;
	char *note; /* NULL: none */
};

/* A real edition has a tenth of it. What is compared with all others is bounded by these. */
#define CATALOG_CLOUDS_MAX   32
#define CATALOG_FEATURES_MAX 256
#define CATALOG_ENTRIES_MAX  10000

struct catalog_region_code {
	char *region, *code;
};

struct catalog_cloud {
	char *name;
	char *title;
	char *service_tags; /* the cloud's name in service-tag files */
	char **api_servers; /* patterns with <region> */
	size_t api_server_count;
	struct catalog_region_code *region_codes;
	size_t region_code_count;
};

struct catalog_feature {
	char *name;
	char *title;
	char *instead_of; /* the feature that it is another way to; NULL: none */
};

struct catalog_section {
	char *title;
	char *feature; /* NULL: every cluster */
};

/* A row of the article that the importer could not read: kept, so that nothing is lost. */
struct catalog_unread {
	const char *section;
	unsigned int row, line; /* of the table; of the article's file */
	char *text;             /* the row's words, or their beginning */
};

struct catalog_edition {
	char *name; /* "2024-05-20" */
	char *title;
	struct catalog_cloud *clouds;
	size_t cloud_count;
	struct catalog_feature *features;
	size_t feature_count;
	struct catalog_section *sections;
	size_t section_count;
	struct catalog_entry *entries;
	size_t entry_count;
	struct catalog_unread *unread;
	size_t unread_count;
	/* The same names, NULL-terminated, for lists of what is allowed. */
	const char **cloud_names;
	const char **feature_names;
};

struct catalog;

/* NULL as file: the editions inside the program; else one edition from a file. NULL: errors are in
   `problems`. */
struct catalog *catalog_load(const char *file, struct problems *problems);
/* One edition from memory. */
struct catalog *catalog_parse(const char *text, size_t length, const char *name,
			      struct problems *problems);
void catalog_free(struct catalog *catalog);

/* For who makes editions and entries by itself: free what they hold, not the structs. */
void catalog_edition_done(struct catalog_edition *edition);
void catalog_entry_done(struct catalog_entry *entry);

/* Oldest first, NULL-terminated names. */
const char *const *catalog_edition_names(const struct catalog *catalog);
/* "" or NULL: the newest. NULL: there is none of that name. Lives as long as the catalogue. */
const struct catalog_edition *catalog_edition_find(const struct catalog *catalog, const char *name);
/* NULL: there is none. */
const struct catalog_cloud *catalog_cloud_find(const struct catalog_edition *edition,
					       const char *name);

/*
 * What AzureCloud's regional tags call a region: AzureCloud.centralfrance is that of francecentral.
 * The region itself where the two are the same. For who writes tags without having their file; with
 * a file, service_tags_find_regional() learns it from there. Lives as long as either argument.
 */
const char *catalog_cloud_region_code(const struct catalog_cloud *cloud, const char *region);
