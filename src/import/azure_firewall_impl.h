/* The parts of reading an Azure Firewall's rules. */
#pragma once

#include "import/arm_template_impl.h"
#include "import/azure_firewall.h"
#include "import/json.h"
#include "import/labels_impl.h"
#include "import/losses_impl.h"
#include "policy/rules.h"

/* A firewall policy, or a classic firewall with rules of its own. */
struct azure_policy {
	const char *name; /* "" when the file does not tell it */
	const char *base; /* the name of the policy that it inherits from; NULL: none */
	const struct json_item *item, *properties;
};

/* A rule collection group, or one of the three lists of a classic firewall. */
struct azure_group {
	const char *name;        /* NULL: of a classic firewall */
	const char *policy;      /* "" when the file does not tell it */
	const char *policy_kind; /* of its rules where they do not tell it; NULL: they do */
	int64_t priority;
	const struct json_item *item, *collections;
};

struct azure_ip_group {
	const char *name, *id; /* NULL: not told */
	const struct json_item *addresses;
};

struct azure_collection {
	const struct azure_group *group;
	const char *name;
	int64_t priority;
	enum rule_action action;
	const struct json_item *item, *rules;
	size_t tier;  /* 0: of the policy that is no other's heir */
	size_t index; /* in the file */
};

struct azure_reading {
	struct arm_template arm;
	struct losses losses;
	size_t resources; /* of the kinds that are read */
	struct azure_policy *policies;
	size_t policy_count;
	struct azure_group *groups;
	size_t group_count;
	struct azure_ip_group *ip_groups;
	size_t ip_group_count;
	struct azure_collection *collections; /* in judging order within a kind of rule */
	size_t collection_count;
	struct rule_set set;
	char **notes;                     /* of the set's collections */
	bool renumbered;                  /* their priorities are not Azure's */
	size_t listed;                    /* items of the rules' lists so far */
	bool names_tags;                  /* some rule names a service tag */
	bool names_fqdns;                 /* some rule goes by name */
	const struct json_item *aks_rule; /* allows the FQDN tag AzureKubernetesService */
	const struct json_item *dns;      /* the servers of dnsSettings */
	const char *location;             /* of the first policy */
	bool no_memory;
	bool too_large; /* more than one configuration may hold */
};

/* Room for one more in a list that grows by this alone; NULL: out of memory, which is noted. */
void *azure_grow(struct azure_reading *reading, void **list, size_t *count, size_t size);
#define AZURE_GROW(reading, list, count)                                                           \
	((__typeof__(list))azure_grow(reading, (void **)&(list), &(count), sizeof(*(list))))

/*
 * Finds policies, groups and IP groups in the document, and complains of what looks like rules but
 * is not read. -EINVAL: there are none; an error was added.
 */
int azure_find_resources(struct azure_reading *reading, const struct json_item *root);
/* The group that a rule refers to; NULL: it is not in the file. */
const struct azure_ip_group *azure_find_ip_group(const struct azure_reading *reading,
						 const char *reference);

/* What policies say besides rules: losses, or facts for the text's head. */
void azure_read_settings(struct azure_reading *reading);

/*
 * Fills `collections` from the groups, in the order in which Azure judges them. -EINVAL: the file
 * holds unrelated policies; an error was added.
 */
int azure_order_collections(struct azure_reading *reading);

/* Everything above the collections: where it comes from, what was lost, what to add by hand. */
void azure_write_head(const struct azure_reading *reading, const char *file, struct text *yaml);

/* Adds ours of one kind to `set`, unless the collection has no rule of that kind. */
void azure_read_collection(struct azure_reading *reading, struct labels *labels,
			   const struct azure_collection *from, enum rule_kind kind);

/* One rule being read. */
struct azure_rule {
	struct azure_reading *reading;
	const struct azure_collection *collection;
	const struct json_item *item;
	const char *name;
	size_t lost; /* parts of it that are not in the result */
	struct rule *result;
};

/* Reads rules into `rule->result`. False: it is left out as a whole, and that was told. */
bool azure_read_network_rule(struct azure_rule *rule);
bool azure_read_application_rule(struct azure_rule *rule);

/* What rules of both kinds share. */
typedef void azure_take(struct azure_rule *rule, const struct json_item *item, const char *text);
/* Each string of a list of the rule; a list that is not there is empty. */
void azure_each(struct azure_rule *rule, const char *key, azure_take *take);
/* sourceAddresses and sourceIpGroups; false: none is left, and that was told. */
bool azure_read_sources(struct azure_rule *rule);
/* Is there a member that is not in the list and says something? Then the rule is left out. */
bool azure_has_unknown_key(struct azure_rule *rule, const char *const *known, size_t count);
/* The addresses of the IP group that `text` refers to, by `take`. */
void azure_take_ip_group(struct azure_rule *rule, const struct json_item *item, const char *text,
			 azure_take *take);
/* A part of a rule's list is left out. */
__attribute__((format(printf, 3, 4))) void
azure_lose_part(struct azure_rule *rule, const struct json_item *item, const char *format, ...);
/* The rule is left out; returns false. */
__attribute__((format(printf, 2, 3))) bool azure_lose_rule(struct azure_rule *rule,
							   const char *format, ...);
__attribute__((format(printf, 3, 4))) void
azure_note(struct azure_rule *rule, const struct json_item *item, const char *format, ...);

/*
 * "10.0.0.4", "10.0.0.0/8", "10.0.0.4-10.0.0.9" as prefixes. 0; 1: bits beyond a prefix's length
 * were cleared; -EINVAL: it is none of these; -ENOMEM.
 */
int azure_add_addresses(const char *text, struct rule *rule,
			int (*add)(struct rule *rule, const struct ip_prefix *prefix));
/* The same for one item of a rule's list. False: it is none of these. */
bool azure_take_addresses(struct azure_rule *rule, const struct json_item *item, const char *text,
			  int (*add)(struct rule *rule, const struct ip_prefix *prefix));
