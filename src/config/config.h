/*
 * sallyport.yaml → model. Every complaint has file:line:column, what is wrong and what is allowed;
 * a file with one error gives no model at all. The manual is man/sallyport.yaml.5; the commented
 * example is sallyport.example.yaml.
 */
#pragma once

#include "base/problems.h"
#include "catalog/profile.h"
#include "catalog/rules.h"
#include "policy/rules.h"

enum config_snat {
	CONFIG_SNAT_MASQUERADE,
	CONFIG_SNAT_ADDRESSES,
	CONFIG_SNAT_NONE,
};

#define CONFIG_INTERFACES_MAX 16
#define CONFIG_LISTEN_MAX     8
#define CONFIG_UPSTREAMS_MAX  15
#define CONFIG_DEFAULT_USER   "sallyport"

struct service_tags;

struct config {
	struct cluster_profile cluster;
	struct service_tags *service_tags; /* what cluster.service_tags_file holds; NULL: none */
	struct rule_set own; /* collections, private_destinations, special_exceptions */
	struct {
		char interfaces[CONFIG_INTERFACES_MAX][16];
		size_t interface_count;
		struct ip_prefix *sources; /* protected */
		size_t source_count;
		enum config_snat snat;
		struct ip_address snat_v4, snat_v6; /* family 0: none */
		bool flush_on_stop;
		bool set_forwarding;
		bool cut_revoked; /* running flows that a reload no longer allows: cut (default) or
				     let live */
	} network;
	struct {
		struct ip_endpoint listen[CONFIG_LISTEN_MAX];
		size_t listen_count;
		struct ip_endpoint upstreams[CONFIG_UPSTREAMS_MAX];
		size_t upstream_count;
		bool intercept;
		bool answer_nxdomain;
		bool resolve_any;
		struct {
			size_t new_names, burst; /* below wildcards, a minute for each source; 0: no
						    limit */
		} budget;
		uint64_t grace_ms, stale_after_ms;
	} dns;
	struct {
		struct ip_endpoint listen[4]; /* explicit proxy; empty: none */
		size_t listen_count;
	} explicit_proxy;
	char *log_file;        /* "-": standard output */
	char *state_directory; /* default /var/lib/sallyport */
	char *admin_socket;    /* default /run/sallyport/admin.sock */
	unsigned int workers;  /* 0: one a core */
	char *user;            /* whom `run` becomes when root starts it; "root": nobody else */
	bool sandbox;
	/* The host's own addresses, never pinned or dialled; the gateway sets them (borrowed). */
	const struct ip_address *own_addresses;
	size_t own_address_count;
	struct {
		size_t pins, flows, sessions, admissions;
	} capacity;
};

/* NULL: errors are in `problems`. */
struct config *config_load(const char *path, struct problems *problems);
/* From memory; `name` stands for the file in complaints. */
struct config *config_parse(const char *text, size_t length, const char *name,
			    struct problems *problems);
/* Defaults, for use without a file: profile from flags, upstreams from /etc/resolv.conf. */
struct config *config_default(void);
void config_free(struct config *config);

/* Adds an error for each thing without which `run` could not do its work (interfaces, sources,
   listeners, upstreams). `file` is named in them; NULL: none. */
void config_check_runnable(const struct config *config, const char *file,
			   struct problems *problems);

/* Catalogue rules for the profile plus the own collections, as written, and who is protected, added
   to `set`. Negative: errors are in `problems`, and `set` may hold a part: throw it away. */
int config_rules(const struct config *config, enum catalog_tag_use tag_use, struct rule_set *set,
		 struct catalog_choices *choices, struct problems *problems);

/* The same, compiled. NULL: errors are in `problems`. `choices` (may be NULL) hears which
   alternative was taken and why. `tag_use` is CATALOG_TAGS_BY_PREFIX for whatever is enforced. The
   config stays whole (its rules are copied). */
struct policy *config_compile(const struct config *config, enum catalog_tag_use tag_use,
			      struct catalog_choices *choices, struct problems *problems);
