/*
 * Entries → collections. Each collection is filled in one pass over the edition's entries, in the
 * article's order. For every entry of the profile's cloud and features it is recorded what became
 * of it: taken (and in which form) or left out (and by which condition).
 */
#include "catalog/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/check_impl.h"
#include "catalog/choices_impl.h"
#include "catalog/conditions.h"
#include "catalog/parameter.h"

static const struct {
	const char *name;
	unsigned int priority;
	enum rule_kind kind;
	bool required;
} s_collections[] = {
	{"aks-network", CATALOG_PRIORITY_REQUIRED, RULE_NETWORK, true},
	{"aks-fqdn", CATALOG_PRIORITY_REQUIRED, RULE_APPLICATION, true},
	{"aks-recommended-network", CATALOG_PRIORITY_RECOMMENDED, RULE_NETWORK, false},
	{"aks-recommended", CATALOG_PRIORITY_RECOMMENDED, RULE_APPLICATION, false},
};

#define COLLECTION_COUNT (sizeof(s_collections) / sizeof(*s_collections))

char *catalog_entry_origin(const struct catalog_edition *edition, const struct catalog_entry *entry,
			   const char *cloud)
{
	struct text text = TEXT_EMPTY;

	text_addf(&text, "edition %s, %s, %s", edition->name, cloud, entry->section);
	if (entry->row)
		text_addf(&text, ", row %u", entry->row);
	else
		text_add(&text, entry->correction ? ", correction" : ", prose");
	if (text_failed(&text))
		text_free(&text);
	return text.data;
}

static int fail_memory(struct making *making)
{
	making_fail(making, "out of memory");
	return -ENOMEM;
}

/* Is it one of the profile's cloud, and of every cluster or a feature of the profile? */
static bool concerns(const struct making *making, const struct catalog_entry *entry)
{
	uint32_t cloud = 1u << (making->cloud - making->edition->clouds);

	return (entry->clouds & cloud) &&
	       (!entry->feature || cluster_profile_has_feature(making->profile, entry->feature));
}

static bool belongs(const struct making *making, const struct catalog_entry *entry,
		    size_t collection)
{
	return entry->kind == s_collections[collection].kind &&
	       (entry->need == CATALOG_REQUIRED) == s_collections[collection].required &&
	       concerns(making, entry);
}

/* The first condition that does not hold, of the article's or of the catalogue's own; NULL: none.
 */
static const struct catalog_condition *failing(const struct making *making,
					       const struct catalog_entry *entry, bool correction)
{
	for (size_t i = 0; i < entry->condition_count; i++)
		if (entry->conditions[i].correction == correction &&
		    !catalog_condition_holds(&entry->conditions[i], making->profile))
			return &entry->conditions[i];
	return NULL;
}

/* Why the profile leaves an entry out; NULL: it does not. */
static const char *left_out(const struct making *making, const struct catalog_entry *entry,
			    char reason[CATALOG_REASON_SIZE], bool *ret_correction)
{
	const struct catalog_condition *condition = failing(making, entry, false);

	*ret_correction = false;
	if (entry->need == CATALOG_OPTIONAL && !entry->feature)
		return "optional: add a rule of your own if you want it";
	if (entry->need == CATALOG_RECOMMENDED && !making->profile->recommended)
		return "cluster.recommended is false";
	if (entry->correction && !making->profile->corrections)
		return "cluster.corrections is false";
	if (!condition && making->profile->corrections) {
		condition = failing(making, entry, true);
		*ret_correction = condition != NULL;
	}
	return condition ? catalog_condition_reason(condition, reason) : NULL;
}

bool catalog_takes(const struct making *making, const struct catalog_entry *entry)
{
	char reason[CATALOG_REASON_SIZE];
	bool correction;

	return concerns(making, entry) && !left_out(making, entry, reason, &correction);
}

static int add_patterns(struct making *making, const struct catalog_entry *entry, struct rule *rule)
{
	for (size_t i = 0; i < entry->name_count; i++) {
		char filled[CATALOG_TEXT_SIZE];
		struct pattern pattern;
		const char *message = "it is too long";

		if (catalog_text_has_region(entry->names[i]) && !*making->profile->region) {
			if (!making->told_region)
				making_fail(making,
					    "cluster.region (--region) is missing: rule '%s' (%s) "
					    "needs it",
					    entry->id, entry->names[i]);
			making->told_region = true;
			return -EINVAL;
		}
		if (!catalog_text_fill(entry->names[i], making->profile->region, filled) ||
		    pattern_parse(filled, &pattern, &message) < 0)
			return making_fail(making, "rule '%s', name '%s': %s", entry->id,
					   entry->names[i], message);
		if (rule_add_pattern(rule, &pattern) < 0)
			return fail_memory(making);
	}
	return 0;
}

static int add_ports(const struct catalog_entry *entry, struct rule *rule)
{
	for (size_t i = 0; i < entry->port_count; i++) {
		const struct catalog_port *port = &entry->ports[i];
		int error = entry->kind == RULE_NETWORK
				    ? rule_add_ports(rule, port->port, port->port)
				    : rule_add_protocol(rule, port->protocol, port->port);

		if (error < 0)
			return error;
		if (entry->kind == RULE_NETWORK)
			rule->transports |= port->transport;
	}
	return 0;
}

static int fill_rule(struct making *making, const struct catalog_entry *entry, struct rule *rule)
{
	const char *why = entry->correction                    ? entry->note
			  : entry->need == CATALOG_RECOMMENDED ? "cluster.recommended is true"
			  : entry->feature ? "cluster.features lists its feature"
					   : "required";
	int error;

	rule->name = strdup(entry->id);
	rule->purpose = strdup(entry->purpose);
	rule->origin = catalog_entry_origin(making->edition, entry, making->cloud->name);
	rule->note = entry->note ? strdup(entry->note) : NULL;
	rule->correction = entry->correction;
	rule->any_source = true;
	if (!rule->name || !rule->purpose || !rule->origin || (entry->note && !rule->note) ||
	    add_ports(entry, rule) < 0)
		return fail_memory(making);
	if (entry->kind == RULE_NETWORK)
		return catalog_choose_destination(making, entry, rule);
	error = add_patterns(making, entry, rule);
	if (error == 0 && catalog_choices_add(making->choices, entry->id, true, NULL, why) < 0)
		return fail_memory(making);
	return error;
}

/* Fills one of s_collections; it is only made when it has a rule. */
static int fill_collection(struct making *making, size_t index)
{
	struct rule_collection *collection = NULL;
	int result = 0;

	for (size_t i = 0; i < making->edition->entry_count; i++) {
		const struct catalog_entry *entry = &making->edition->entries[i];
		char reason[CATALOG_REASON_SIZE];
		struct rule *rule;

		if (!belongs(making, entry, index))
			continue;
		bool correction;
		const char *why = left_out(making, entry, reason, &correction);
		if (why) {
			if (catalog_choices_add(making->choices, entry->id, false, NULL, why) < 0)
				return fail_memory(making);
			if (correction)
				catalog_choices_mark_correction(making->choices);
			continue;
		}
		if (!collection) {
			collection = rule_set_add_collection(making->set);
			if (!collection)
				return fail_memory(making);
			collection->name = strdup(s_collections[index].name);
			collection->priority = s_collections[index].priority;
			collection->action = RULE_ALLOW;
			collection->kind = s_collections[index].kind;
		}
		rule = collection->name ? rule_collection_add_rule(collection) : NULL;
		if (!rule)
			return fail_memory(making);
		int error = fill_rule(making, entry, rule);
		result = result ? result : error;
	}
	return result;
}

int catalog_rules(const struct catalog *catalog, const struct cluster_profile *profile,
		  const struct service_tags *tags, enum catalog_tag_use tag_use,
		  struct rule_set *set, struct catalog_choices *choices, struct problems *problems)
{
	struct making making = {.profile = profile,
				.tags = tags,
				.tag_use = tag_use,
				.set = set,
				.choices = choices,
				.problems = problems};
	int result;

	if (!profile->present || profile->tags_only)
		return 0;
	result = catalog_check_profile(&making, catalog);
	if (result < 0)
		return result;
	for (size_t i = 0; i < COLLECTION_COUNT; i++) {
		int error = fill_collection(&making, i);

		result = result ? result : error;
	}
	return result;
}
