/*
 * Rules → listings: an answer of AKS, or the rules of one's own in a configuration. A rule for some
 * sources only is listed, but admits nothing for the cluster as a whole.
 */
#include "catalog/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/listing_impl.h"

static int add_tag(struct listing_entry *entry, const char *name)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;

	text_addf(&words, "tag:%s", name);
	return text_failed(&words) ? -ENOMEM
				   : listing_add_words(entry, LISTING_OTHER, text_string(&words));
}

static int add_network_destinations(struct listing_entry *entry, const struct rule *rule)
{
	char prefix[IP_PREFIX_TEXT_SIZE];
	int error = rule->any_destination ? listing_add_words(entry, LISTING_ANY, "*") : 0;

	for (size_t i = 0; i < rule->tag_count && !error; i++)
		error = add_tag(entry, rule->tags[i].name);
	for (size_t i = 0; i < rule->fqdn_count && !error; i++)
		error = listing_add_name(entry, rule->fqdns[i].text);
	for (size_t i = 0; i < rule->destination_count && !error; i++)
		if (!rule_is_of_tag(rule, i))
			error = listing_add_words(entry, LISTING_OTHER,
						  ip_prefix_format(&rule->destinations[i], prefix));
	return error;
}

static int add_patterns(struct listing_entry *entry, const struct rule *rule)
{
	char text[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern))
		if (listing_add_name(entry, pattern_format(&pattern, text)) < 0)
			return -ENOMEM;
	return 0;
}

static int add_transport_ports(struct listing_entry *entry, const struct rule *rule,
			       unsigned int transports)
{
	if (rule->any_port || transports == TRANSPORT_ICMP)
		return listing_add_port(
			entry, (struct listing_port){.transports = transports, .last = UINT16_MAX});
	for (size_t i = 0; i < rule->port_count; i++)
		if (listing_add_port(entry, (struct listing_port){.transports = transports,
								  .first = rule->ports[i].first,
								  .last = rule->ports[i].last}) < 0)
			return -ENOMEM;
	return 0;
}

static int add_network_ports(struct listing_entry *entry, const struct rule *rule)
{
	static const unsigned int bits[] = {TRANSPORT_TCP, TRANSPORT_UDP, TRANSPORT_ICMP};

	if (rule->transports == TRANSPORT_ANY)
		return add_transport_ports(entry, rule, TRANSPORT_ANY);
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if ((rule->transports & bits[i]) && add_transport_ports(entry, rule, bits[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int add_protocols(struct listing_entry *entry, const struct rule *rule)
{
	for (size_t i = 0; i < rule->protocol_count; i++) {
		const struct application_port *port = &rule->protocols[i];

		if (listing_add_port(entry, (struct listing_port){.protocol = port->protocol,
								  .first = port->port,
								  .last = port->port}) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* "deny, from 10.42.1.0/24, priority 300": what people compare of their own rules. */
static int add_circumstances(struct listing_entry *entry, const struct rule_collection *collection,
			     const struct rule *rule)
{
	struct text words = TEXT_EMPTY;
	char prefix[IP_PREFIX_TEXT_SIZE];

	text_addf(&words, "%s, priority %u", collection->action == RULE_DENY ? "deny" : "allow",
		  collection->priority);
	for (size_t i = 0; i < rule->source_count && !rule->any_source; i++)
		text_addf(&words, "%s%s", i ? ", " : ", from ",
			  ip_prefix_format(&rule->sources[i], prefix));
	if (text_failed(&words)) {
		text_free(&words);
		return -ENOMEM;
	}
	entry->conditions = words.data;
	return 0;
}

static int add_rule(struct listing *listing, const struct rule_collection *collection,
		    const struct rule *rule, const char *cloud, bool own)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;
	struct listing_entry *entry;

	text_addf(&label, own ? "%s/%s" : "%.0s%s", collection->name, rule->name);
	if (text_failed(&label))
		return -ENOMEM;
	entry = listing_add_entry(listing, text_string(&label), cloud);
	if (!entry)
		return -ENOMEM;
	entry->bare = true;
	entry->own = own;
	entry->denies = collection->action == RULE_DENY;
	entry->in_force = rule->any_source;
	entry->matters = true;
	entry->order = LISTING_ORDER(collection->kind, collection->priority);
	entry->kind = collection->kind;
	entry->need = own ? CATALOG_OPTIONAL : CATALOG_REQUIRED;
	if (own && add_circumstances(entry, collection, rule) < 0)
		return -ENOMEM;
	if (rule->purpose && !(entry->purpose = strdup(rule->purpose)))
		return -ENOMEM;
	int error = entry->kind == RULE_NETWORK ? add_network_destinations(entry, rule)
						: add_patterns(entry, rule);
	entry->taken = entry->destination_count;
	if (error)
		return error;
	return entry->kind == RULE_NETWORK ? add_network_ports(entry, rule)
					   : add_protocols(entry, rule);
}

int listing_add_rules(struct listing *listing, const struct rule_set *set, const char *cloud,
		      bool own)
{
	listing->one_cluster = true;
	listing->own_rules |= own;
	for (size_t i = 0; i < set->collection_count; i++)
		for (size_t j = 0; j < set->collections[i].rule_count; j++)
			if (add_rule(listing, &set->collections[i], &set->collections[i].rules[j],
				     cloud, own) < 0)
				return -ENOMEM;
	return 0;
}
