/*
 * One collection of Azure → ours: one for each kind of rule that it has. A rule is read into a
 * scratch set first and moved when it is whole, so that what is left out leaves nothing behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/rules.h"
#include "import/azure_firewall_impl.h"
#include "import/config_text.h"
#include "import/labels_impl.h"

#define PURPOSE_LIMIT 4096 /* what the configuration takes */

/* "ApplicationRule", "NetworkRule" or NULL: neither. */
static const char *kind_of(struct azure_reading *reading, const struct azure_collection *collection,
			   const struct json_item *rule)
{
	const struct json_item *type = json_item_find(rule, "ruleType");

	if (collection->group->policy_kind)
		return collection->group->policy_kind;
	return type ? arm_text(&reading->arm, type) : NULL;
}

/* Sources and destinations of another rule. */
static int copy_ends(const struct rule *from, struct rule *to)
{
	int error = 0;

	to->any_source = from->any_source;
	to->any_destination = from->any_destination;
	for (size_t i = 0; i < from->source_count && !error; i++)
		error = rule_add_source(to, &from->sources[i]);
	for (size_t i = 0; i < from->tag_count && !error; i++)
		error = rule_add_tag(to, from->tags[i].name, NULL, 0);
	for (size_t i = 0; i < from->destination_count && !error; i++)
		error = rule_add_destination(to, &from->destinations[i]);
	for (size_t i = 0; i < from->fqdn_count && !error; i++)
		error = rule_add_fqdn(to, &from->fqdns[i]);
	return error;
}

/* What is being read: rules of one collection of ours. */
struct target {
	struct azure_reading *reading;
	const struct azure_collection *from;
	struct rule_collection *collection;
	struct labels labels;
};

/* The label, and where the rule comes from: its line, and its name where the label differs. */
static bool name_rule(struct target *target, const struct azure_rule *read, const char *ending,
		      struct rule *rule)
{
	cleanup(free_memory) char *written = NULL;
	char label[LABEL_SIZE];
	int length;

	if (asprintf(&written, "%.*s%s", *ending ? 59 : 300, read->name, ending) < 0)
		written = NULL; /* it is undefined then */
	if (!written || !labels_make(&target->labels, written, label))
		return false;
	rule->name = strdup(label);
	length = strcmp(label, read->name)
			 ? asprintf(&rule->origin, "line %u: %s", json_item_place(read->item).line,
				    read->name)
			 : asprintf(&rule->origin, "line %u", json_item_place(read->item).line);
	if (length < 0)
		rule->origin = NULL;
	return rule->name && rule->origin;
}

static bool set_purpose(const struct azure_rule *read, struct rule *rule)
{
	const struct json_item *member = json_item_find(read->item, "description");
	const char *text = member ? arm_text(&read->reading->arm, member) : NULL;

	if (!text || !*text)
		return true;
	if (strlen(text) > PURPOSE_LIMIT) {
		losses_note(&read->reading->losses, member,
			    "the description is left out: it is longer than %d bytes",
			    PURPOSE_LIMIT);
		return true;
	}
	rule->purpose = strdup(text);
	return rule->purpose != NULL;
}

/* Moves a rule that is complete but for its name into the collection. */
static bool put(struct target *target, const struct azure_rule *read, const char *ending,
		struct rule *rule)
{
	struct rule *place = rule_collection_add_rule(target->collection);

	if (!place)
		return false;
	*place = *rule;
	*rule = (struct rule){0};
	return name_rule(target, read, ending, place) && set_purpose(read, place);
}

/* icmp has no ports, so it is given a rule of its own beside tcp and udp. */
static bool put_network_rule(struct target *target, const struct azure_rule *read,
			     struct rule_collection *scratch)
{
	struct rule *rule = &scratch->rules[0];
	unsigned int with_ports = rule->transports & (TRANSPORT_TCP | TRANSPORT_UDP);

	if (rule->transports == TRANSPORT_ANY || !(rule->transports & TRANSPORT_ICMP) ||
	    !with_ports)
		return put(target, read, "", rule);
	struct rule *icmp = rule_collection_add_rule(scratch);
	if (!icmp || copy_ends(&scratch->rules[0], icmp) < 0)
		return false;
	rule = &scratch->rules[0];
	rule->transports = with_ports;
	icmp->transports = TRANSPORT_ICMP;
	return put(target, read, "", rule) && put(target, read, "-icmp", icmp);
}

static void read_rule(struct target *target, const struct json_item *item, enum rule_kind kind)
{
	struct azure_reading *reading = target->reading;
	const struct json_item *member = json_item_find(item, "name");
	const char *name = member ? arm_text(&reading->arm, member) : NULL;
	struct azure_rule read = {.reading = reading,
				  .collection = target->from,
				  .item = item,
				  .name = name ? name : ""};
	cleanup(rule_set_done) struct rule_set set = {0};
	struct rule_collection *scratch = rule_set_add_collection(&set);
	bool kept;

	read.result = scratch ? rule_collection_add_rule(scratch) : NULL;
	if (!read.result) {
		reading->no_memory = true;
		return;
	}
	kept = kind == RULE_NETWORK ? azure_read_network_rule(&read)
				    : azure_read_application_rule(&read);
	if (!kept || reading->no_memory || reading->too_large)
		return;
	if (kind == RULE_NETWORK)
		reading->no_memory |= !put_network_rule(target, &read, scratch);
	else
		reading->no_memory |= !put(target, &read, "", read.result);
}

/* A rule of neither kind is told once: with the network rules. */
static void read_rules(struct target *target, enum rule_kind kind)
{
	struct azure_reading *reading = target->reading;
	const struct json_item *rules = target->from->rules;
	bool may_go_on = true;

	for (size_t i = 0; i < json_item_count(rules) && may_go_on; i++) {
		const struct json_item *listed = json_item_at(rules, i);
		const struct json_item *item = arm_value(&reading->arm, listed);
		const char *type = item ? kind_of(reading, target->from, item) : NULL;

		if (type && !strcmp(type, kind == RULE_NETWORK ? "NetworkRule" : "ApplicationRule"))
			read_rule(target, item, kind);
		else if (kind == RULE_NETWORK && (!type || strcmp(type, "ApplicationRule") != 0))
			losses_add(
				&reading->losses, listed,
				"a rule that is neither a NetworkRule nor an ApplicationRule, or "
				"not known, is not read%s",
				target->from->action == RULE_DENY
					? "; the result is WIDER than the policy"
					: "");
		reading->too_large |= ++reading->listed > IMPORT_ITEM_LIMIT;
		may_go_on = !reading->no_memory && !reading->too_large;
	}
}

/* What Azure calls the collection and how it orders it, for the comment over ours. */
static char *make_note(const struct azure_collection *collection, const char *label)
{
	const struct azure_group *group = collection->group;
	struct text note = TEXT_EMPTY;

	if (strcmp(collection->name, label) != 0)
		text_addf(&note, "%s: ", collection->name);
	if (group->name && *group->policy)
		text_addf(&note, "policy %s, ", group->policy);
	if (group->name)
		text_addf(&note, "group %s of priority %lld, ", group->name,
			  (long long)group->priority);
	text_addf(&note, "priority %lld", (long long)collection->priority);
	if (text_failed(&note))
		text_free(&note);
	return note.data;
}

/* Labels that begin as the catalogue's own do are given another beginning. */
static bool name_collection(struct labels *labels, const struct azure_collection *from,
			    struct rule_collection *collection, char **ret_note)
{
	bool is_own =
		!strncmp(from->name, CATALOG_COLLECTION_START, strlen(CATALOG_COLLECTION_START));
	cleanup(free_memory) char *written = NULL;
	char label[LABEL_SIZE];

	if (asprintf(&written, "%s%.300s", is_own ? "azure-" : "", from->name) < 0)
		written = NULL; /* it is undefined then */
	if (!written || !labels_make(labels, written, label))
		return false;
	collection->name = strdup(label);
	*ret_note = make_note(from, label);
	return collection->name && *ret_note;
}

/* Adds a collection with its note and moves the other's rules into it. False: out of memory. */
static bool keep_collection(struct azure_reading *reading, struct labels *labels,
			    const struct azure_collection *from, struct rule_collection *read)
{
	struct rule_collection *collection = rule_set_add_collection(&reading->set);
	size_t count = reading->set.collection_count;
	char **notes = collection ? reallocarray(reading->notes, count, sizeof(*notes)) : NULL;

	if (!notes) {
		reading->set.collection_count -= collection != NULL; /* has no note to free */
		return false;
	}
	reading->notes = notes;
	notes[count - 1] = NULL;
	*collection = *read;
	*read = (struct rule_collection){0};
	if (from->priority >= RULE_PRIORITY_BEST && from->priority <= RULE_PRIORITY_WORST)
		collection->priority = (unsigned int)from->priority;
	return name_collection(labels, from, collection, &notes[count - 1]);
}

void azure_read_collection(struct azure_reading *reading, struct labels *labels,
			   const struct azure_collection *from, enum rule_kind kind)
{
	cleanup(rule_set_done) struct rule_set scratch = {0};
	struct target target = {
		.reading = reading, .from = from, .collection = rule_set_add_collection(&scratch)};

	if (!target.collection) {
		reading->no_memory = true;
		return;
	}
	target.collection->kind = kind;
	target.collection->action = from->action;
	read_rules(&target, kind);
	labels_done(&target.labels);
	if (target.collection->rule_count > 0 && !reading->no_memory)
		reading->no_memory |= !keep_collection(reading, labels, from, target.collection);
}
