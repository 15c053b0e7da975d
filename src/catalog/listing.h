/*
 * What must be let out, in the one form in which editions, answers of AKS and configurations are
 * compared (diff.h): a flat list, with an entry for each cloud.
 */
#pragma once

#include "catalog/catalog.h"
#include "catalog/profile.h"

struct service_tags;

enum listing_destination_kind {
	LISTING_NAME,  /* a name or a pattern */
	LISTING_ANY,   /* everywhere */
	LISTING_OTHER, /* "tag:AzureCloud.eastus", "api-server", "192.0.2.0/24": words */
};

struct listing_destination {
	enum listing_destination_kind kind;
	char *text;             /* in canonical form; <region> stays where none is known */
	struct pattern pattern; /* of a name, with a stand-in for <region> */
};

struct listing_port {
	unsigned int transports;            /* network: one TRANSPORT_* bit, or TRANSPORT_ANY */
	enum application_protocol protocol; /* application */
	uint16_t first, last;               /* any port: 0 to 65535 */
};

/* Network rules come before application rules, then the collection's priority counts. */
#define LISTING_ORDER(kind, priority) ((uint32_t)(kind) << 16 | (uint32_t)(priority))

struct listing_entry {
	char *label;    /* for people: the id, or "collection/rule" */
	bool bare;      /* of a rule: beside what follows here, nothing is told of it */
	bool own;       /* a rule of one's own: it admits, but nobody lists it elsewhere */
	bool denies;    /* an own one may */
	bool in_force;  /* what it admits counts */
	bool matters;   /* to the profile; without a profile all does */
	bool any_of;    /* one of the destinations is enough (network rules of an edition) */
	char *cloud;    /* "": not told */
	uint32_t order; /* of judging: lower is earlier; LISTING_ORDER() */
	enum rule_kind kind;
	enum catalog_need need;
	struct listing_destination *destinations;
	size_t destination_count;
	size_t taken; /* of these the one in force; destination_count: all */
	struct listing_port *ports;
	size_t port_count;
	/* What an edition tells besides. NULL: not told, or none. */
	char *feature; /* NULL: every cluster */
	char *section;
	char *conditions; /* in words; of an own rule: whom it is for */
	char *purpose, *note;
	bool correction; /* not in the article */
};

struct listing_feature {
	char *name, *title;
};

struct listing {
	char *name; /* for people: "2024-05-20", "sallyport.yaml" */
	struct listing_entry *entries;
	size_t entry_count;
	struct listing_feature *features; /* of its editions */
	size_t feature_count;
	char **clouds;
	size_t cloud_count;
	bool one_cluster; /* only what one cluster needs, not all there is to need */
	bool judged;      /* a profile said what matters */
	bool own_rules;   /* own rules are in it, if there are any */
	size_t unread;    /* parts of its document that an importer could not read */
};

/* NULL: out of memory. */
struct listing *listing_new(const char *name);
void listing_free(struct listing *listing);

/*
 * All of an edition. `profile` says what matters, and only that is in force; NULL: all matters, and
 * what is required is in force. -ENOMEM.
 */
int listing_add_edition(struct listing *listing, const struct catalog_edition *edition,
			const struct cluster_profile *profile);

/*
 * What an edition makes for one cluster today, all of it in force: `cluster` must fit the edition
 * (catalog_rules() takes it). `profile` says what matters, as above. -ENOMEM.
 */
int listing_add_cluster(struct listing *listing, const struct catalog_edition *edition,
			const struct cluster_profile *cluster, const struct service_tags *tags,
			const struct cluster_profile *profile);

/* Rules, all in force but for those of some sources only. They are required, or `own`: of
   one's own. -ENOMEM. */
int listing_add_rules(struct listing *listing, const struct rule_set *set, const char *cloud,
		      bool own);

struct text;
/* "https:443", "udp:1194", "tcp:8000-8010", "any:*". */
void listing_write_port(struct text *out, enum rule_kind kind, const struct listing_port *port);
/* "required" … */
const char *listing_need_word(enum catalog_need need);
