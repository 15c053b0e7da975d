#include "config/copy_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int copy_text(const char *source, char **ret_copy)
{
	*ret_copy = source ? strdup(source) : NULL;
	return source && !*ret_copy ? -ENOMEM : 0;
}

static int copy_tag(const struct rule_tag *source, struct rule *target)
{
	struct rule_tag *added;
	int error = rule_add_tag(target, source->name, NULL, 0);

	if (error < 0)
		return error;
	added = &target->tags[target->tag_count - 1];
	added->first = source->first; /* the prefixes themselves are copied with all others */
	added->count = source->count;
	return 0;
}

static int copy_lists(const struct rule *source, struct rule *target)
{
	int error = 0;

	for (size_t i = 0; i < source->source_count && !error; i++)
		error = rule_add_source(target, &source->sources[i]);
	for (size_t i = 0; i < source->destination_count && !error; i++)
		error = rule_add_destination(target, &source->destinations[i]);
	for (size_t i = 0; i < source->tag_count && !error; i++)
		error = copy_tag(&source->tags[i], target);
	for (size_t i = 0; i < source->fqdn_count && !error; i++)
		error = rule_add_fqdn(target, &source->fqdns[i]);
	for (size_t i = 0; i < source->port_count && !error; i++)
		error = rule_add_ports(target, source->ports[i].first, source->ports[i].last);
	if (!error)
		error = pattern_list_copy(&source->patterns, &target->patterns);
	for (size_t i = 0; i < source->protocol_count && !error; i++)
		error = rule_add_protocol(target, source->protocols[i].protocol,
					  source->protocols[i].port);
	return error;
}

static int copy_rule(const struct rule *source, struct rule *target)
{
	target->any_source = source->any_source;
	target->any_destination = source->any_destination;
	target->any_port = source->any_port;
	target->transports = source->transports;
	target->correction = source->correction;
	target->inspects_quic = source->inspects_quic;
	target->allows_no_sni = source->allows_no_sni;
	target->refuses_ech = source->refuses_ech;
	if (copy_text(source->name, &target->name) < 0 ||
	    copy_text(source->origin, &target->origin) < 0 ||
	    copy_text(source->purpose, &target->purpose) < 0 ||
	    copy_text(source->note, &target->note) < 0)
		return -ENOMEM;
	return copy_lists(source, target);
}

static int copy_collection(const struct rule_collection *source, struct rule_collection *target)
{
	target->priority = source->priority;
	target->action = source->action;
	target->kind = source->kind;
	if (copy_text(source->name, &target->name) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < source->rule_count; i++) {
		struct rule *rule = rule_collection_add_rule(target);
		int error = rule ? copy_rule(&source->rules[i], rule) : -ENOMEM;

		if (error < 0)
			return error;
	}
	return 0;
}

static int copy_prefixes(const struct ip_prefix *source, size_t count, struct ip_prefix **ret_copy,
			 size_t *ret_count)
{
	struct ip_prefix *copy = calloc(count + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (count > 0)
		memcpy(copy, source, count * sizeof(*copy));
	free(*ret_copy);
	*ret_copy = copy;
	*ret_count = count;
	return 0;
}

int config_copy_rules(const struct rule_set *source, struct rule_set *target)
{
	int error =
		copy_prefixes(source->private_destinations, source->private_destination_count,
			      &target->private_destinations, &target->private_destination_count);

	if (!error)
		error = copy_prefixes(source->special_exceptions, source->special_exception_count,
				      &target->special_exceptions,
				      &target->special_exception_count);
	for (size_t i = 0; i < source->collection_count && !error; i++) {
		struct rule_collection *collection = rule_set_add_collection(target);

		error = collection ? copy_collection(&source->collections[i], collection) : -ENOMEM;
	}
	return error;
}
