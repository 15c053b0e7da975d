/*
 * The rules as written, before compilation: what the configuration and the catalogue produce. Plain
 * data that its makers fill and policy_compile() takes over.
 */
#pragma once

#include "base/ip.h"
#include "name/pattern_list.h"

enum rule_kind {
	RULE_NETWORK,
	RULE_APPLICATION,
};

enum rule_action {
	RULE_ALLOW,
	RULE_DENY,
};

#define TRANSPORT_TCP  0x1
#define TRANSPORT_UDP  0x2
#define TRANSPORT_ICMP 0x4
#define TRANSPORT_ANY  0xf

enum application_protocol {
	APPLICATION_HTTP,
	APPLICATION_HTTPS,
};

struct port_range {
	uint16_t first, last;
};

struct application_port {
	enum application_protocol protocol;
	uint16_t port;
};

/* A service tag as a rule names it. Its prefixes stand among the rule's destinations, `count` from
   `first` on, as long as the rule is as written (policy_compile() tidies them). */
struct rule_tag {
	char *name;
	size_t first, count;
};

/* An empty list matches nothing; "any" is its own flag. */
struct rule {
	char *name;
	char *origin; /* where it comes from: "edition 2024-05-20: …", "sallyport.yaml:12"; may be
			 NULL */
	char *purpose;   /* may be NULL */
	char *note;      /* where the source is wrong, dated or easily misread; may be NULL */
	bool correction; /* not in the article: the catalogue adds it, for the reason in `note` */
	bool any_source;
	struct ip_prefix *sources;
	size_t source_count;
	/* network rules */
	bool any_destination;
	struct ip_prefix *destinations; /* service tags already expanded */
	size_t destination_count;
	struct rule_tag *tags;
	size_t tag_count;
	struct name *fqdns; /* destinations by name */
	size_t fqdn_count;
	unsigned int transports; /* TRANSPORT_* bits */
	bool any_port;
	struct port_range *ports;
	size_t port_count;
	/* application rules */
	struct pattern_list patterns;
	struct application_port *protocols;
	size_t protocol_count;
	bool inspects_quic; /* https also as QUIC, its hello inspected; else QUIC is denied */
	bool allows_no_sni; /* https also without a server name, at addresses of its exact names */
	bool refuses_ech;   /* a hello that carries an encrypted one is denied */
};

#define RULE_PRIORITY_BEST  100
#define RULE_PRIORITY_WORST 65000

struct rule_collection {
	char *name;
	unsigned int priority;
	enum rule_action action;
	enum rule_kind kind;
	struct rule *rules;
	size_t rule_count;
};

struct rule_set {
	struct rule_collection *collections;
	size_t collection_count;
	/* Who may ask for anything at all, besides the host itself (loopback); empty: everyone. */
	struct ip_prefix *protected_sources;
	size_t protected_source_count;
	/* Exceptions to the guard on addresses (policy.h). */
	struct ip_prefix *private_destinations;
	size_t private_destination_count;
	struct ip_prefix *special_exceptions;
	size_t special_exception_count;
	struct ip_address *own_addresses; /* the gateway's: never pinned, never dialled */
	size_t own_address_count;
};

/*
 * Growing helpers: return the new zeroed element, or NULL when there is no memory. A list must be
 * grown by these alone (its capacity follows from its count); growing it moves its elements.
 */
struct rule_collection *rule_set_add_collection(struct rule_set *set);
struct rule *rule_collection_add_rule(struct rule_collection *collection);
int rule_add_source(struct rule *rule, const struct ip_prefix *prefix);      /* -ENOMEM */
int rule_add_destination(struct rule *rule, const struct ip_prefix *prefix); /* -ENOMEM */
int rule_add_tag(struct rule *rule, const char *name, const struct ip_prefix *prefixes,
		 size_t count);                                                     /* -ENOMEM */
int rule_add_fqdn(struct rule *rule, const struct name *name);                      /* -ENOMEM */
int rule_add_ports(struct rule *rule, uint16_t first, uint16_t last);               /* -ENOMEM */
int rule_add_pattern(struct rule *rule, const struct pattern *pattern);             /* -ENOMEM */
int rule_add_protocol(struct rule *rule, enum application_protocol, uint16_t port); /* -ENOMEM */

/* Is the destination at `index` one of a service tag's? */
bool rule_is_of_tag(const struct rule *rule, size_t index);

/* Frees the rules; what else stands in the set stays. */
void rule_set_drop_collections(struct rule_set *set);
/* Frees everything inside, not the struct itself. */
void rule_set_done(struct rule_set *set);
