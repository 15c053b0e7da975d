/*
 * Lists of rules as they grow while a configuration is read. No list keeps its capacity: a list of
 * `count` elements has room for the next power of two, so it is full exactly when `count` is zero
 * or a power of two. That holds as long as a list is grown by these helpers alone.
 */
#include "policy/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more element of `size` bytes, zeroed and counted; NULL when there is no memory. */
static void *grow(void **list, size_t *count, size_t size)
{
	bool full = (*count & (*count - 1)) == 0;

	if (full) {
		size_t capacity = *count ? *count * 2 : 1;
		void *grown = reallocarray(*list, capacity, size);

		if (!grown)
			return NULL;
		*list = grown;
	}
	void *element = (char *)*list + *count * size;

	memset(element, 0, size);
	*count += 1;
	return element;
}

#define GROW(list, count) ((__typeof__(list))grow((void **)&(list), &(count), sizeof(*(list))))

struct rule_collection *rule_set_add_collection(struct rule_set *set)
{
	return GROW(set->collections, set->collection_count);
}

struct rule *rule_collection_add_rule(struct rule_collection *collection)
{
	return GROW(collection->rules, collection->rule_count);
}

int rule_add_source(struct rule *rule, const struct ip_prefix *prefix)
{
	struct ip_prefix *added = GROW(rule->sources, rule->source_count);

	if (!added)
		return -ENOMEM;
	*added = *prefix;
	return 0;
}

int rule_add_destination(struct rule *rule, const struct ip_prefix *prefix)
{
	struct ip_prefix *added = GROW(rule->destinations, rule->destination_count);

	if (!added)
		return -ENOMEM;
	*added = *prefix;
	return 0;
}

int rule_add_tag(struct rule *rule, const char *name, const struct ip_prefix *prefixes,
		 size_t count)
{
	struct rule_tag *added = GROW(rule->tags, rule->tag_count);

	if (!added)
		return -ENOMEM;
	added->name = strdup(name);
	added->first = rule->destination_count;
	added->count = count;
	if (!added->name)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (rule_add_destination(rule, &prefixes[i]) < 0)
			return -ENOMEM;
	return 0;
}

int rule_add_fqdn(struct rule *rule, const struct name *name)
{
	struct name *added = GROW(rule->fqdns, rule->fqdn_count);

	if (!added)
		return -ENOMEM;
	*added = *name;
	return 0;
}

int rule_add_ports(struct rule *rule, uint16_t first, uint16_t last)
{
	struct port_range *added = GROW(rule->ports, rule->port_count);

	if (!added)
		return -ENOMEM;
	*added = (struct port_range){.first = first, .last = last};
	return 0;
}

int rule_add_pattern(struct rule *rule, const struct pattern *pattern)
{
	return pattern_list_add(&rule->patterns, pattern);
}

int rule_add_protocol(struct rule *rule, enum application_protocol protocol, uint16_t port)
{
	struct application_port *added = GROW(rule->protocols, rule->protocol_count);

	if (!added)
		return -ENOMEM;
	*added = (struct application_port){.protocol = protocol, .port = port};
	return 0;
}

bool rule_is_of_tag(const struct rule *rule, size_t index)
{
	for (size_t i = 0; i < rule->tag_count; i++)
		if (index >= rule->tags[i].first &&
		    index - rule->tags[i].first < rule->tags[i].count)
			return true;
	return false;
}

static void rule_done(struct rule *rule)
{
	free(rule->name);
	free(rule->origin);
	free(rule->purpose);
	free(rule->note);
	free(rule->sources);
	free(rule->destinations);
	for (size_t i = 0; i < rule->tag_count; i++)
		free(rule->tags[i].name);
	free(rule->tags);
	free(rule->fqdns);
	free(rule->ports);
	pattern_list_free(&rule->patterns);
	free(rule->protocols);
}

void rule_set_drop_collections(struct rule_set *set)
{
	for (size_t i = 0; i < set->collection_count; i++) {
		struct rule_collection *collection = &set->collections[i];

		for (size_t j = 0; j < collection->rule_count; j++)
			rule_done(&collection->rules[j]);
		free(collection->rules);
		free(collection->name);
	}
	free(set->collections);
	set->collections = NULL;
	set->collection_count = 0;
}

void rule_set_done(struct rule_set *set)
{
	rule_set_drop_collections(set);
	free(set->protected_sources);
	free(set->private_destinations);
	free(set->special_exceptions);
	free(set->own_addresses);
	*set = (struct rule_set){0};
}
