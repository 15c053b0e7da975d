#include "export/proxy_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "base/cleanup.h"

bool proxy_takes_network_rule(struct export_job *job, const struct export_rule *rule)
{
	bool denies = rule->collection->action == RULE_DENY;

	if (proxy_is_dead(rule))
		return false;
	if (denies && !(rule->rule->transports & TRANSPORT_TCP))
		return false; /* nothing of it ever comes here */
	if (denies && !rule->rule->fqdn_count)
		return true;
	export_leave_out(job, rule,
			 denies ? "left out: a name's addresses cannot be denied here"
				: "left out: a proxy carries HTTP and TLS alone; let these pass "
				  "beside it, by a packet filter");
	return false;
}

bool proxy_is_dead(const struct export_rule *rule)
{
	const struct rule *own = rule->rule;

	if (!own->any_source && !own->source_count)
		return true;
	if (rule->collection->kind == RULE_APPLICATION)
		return !own->pattern_count || !own->protocol_count;
	return (!own->any_destination && !own->destination_count && !own->fqdn_count) ||
	       !own->transports || (!own->any_port && !own->port_count);
}

/* ----------------------------------------------------------------------- ports */

static int compare_ports(const void *left, const void *right)
{
	return *(const uint16_t *)left - *(const uint16_t *)right;
}

bool proxy_rule_has(const struct rule *rule, enum application_protocol protocol, uint16_t port)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		if (rule->protocols[i].protocol == protocol && rule->protocols[i].port == port)
			return true;
	return false;
}

static size_t unique(uint16_t *ports, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (i == 0 || ports[i] != ports[kept - 1])
			ports[kept++] = ports[i];
	return kept;
}

size_t proxy_ports(const struct export_job *job, enum application_protocol protocol,
		   uint16_t **ret_ports)
{
	size_t count = 0;
	uint16_t *ports;

	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += export_ports_of(job->rules[i].rule, protocol, NULL, 0);
	ports = calloc(count + 1, sizeof(*ports));
	*ret_ports = ports;
	if (!ports)
		return 0;
	count = 0;
	for (size_t i = job->network_count; i < job->rule_count; i++)
		count += export_ports_of(job->rules[i].rule, protocol, ports + count, SIZE_MAX);
	qsort(ports, count, sizeof(*ports), compare_ports);
	return unique(ports, count);
}

/* ----------------------------------------------------------------------- lists */

#define WORDS_A_LINE 6 /* six of the longest names fit */

void proxy_list_add(struct proxy_list *list, const char *format, ...)
{
	va_list arguments;
	char word[512];
	int length;

	va_start(arguments, format);
	length = vsnprintf(word, sizeof(word), format, arguments);
	va_end(arguments);
	invariant(length >= 0 && (size_t)length < sizeof(word));
	if (list->count % WORDS_A_LINE == 0)
		text_addf(list->out, "%s%s", list->count ? "\n" : "", list->start);
	text_addf(list->out, " %s", word);
	list->count++;
}

void proxy_list_end(struct proxy_list *list)
{
	text_add(list->out, list->count ? "\n" : "");
}

void proxy_add_prefixes(struct text *out, const char *start, const struct ip_prefix *prefixes,
			size_t count)
{
	struct proxy_list list = {out, start, 0};
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		proxy_list_add(&list, "%s", ip_prefix_format(&prefixes[i], prefix));
	proxy_list_end(&list);
}
