#include "export/proxy_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "export/appliance_impl.h"

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
		return !own->patterns.count || !own->protocol_count;
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

/* ----------------------------------------------------------------------- addresses */

static bool spans_ipv4(const struct ip_prefix *prefix)
{
	static const struct ip_address mapped = {.family = 6, .bytes = {[10] = 0xff, [11] = 0xff}};

	return prefix->address.family == 6 && ip_prefix_contains(prefix, &mapped);
}

static bool is_mapped(const struct ip_prefix *prefix)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return prefix->address.family == 6 && prefix->length >= 96 &&
	       !memcmp(prefix->address.bytes, mapped, sizeof(mapped));
}

static void add_prefix(struct proxy_list *list, const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_TEXT_SIZE];

	proxy_list_add(list, "%s", ip_prefix_format(prefix, text));
}

void proxy_add_clients(struct export_job *job, const struct export_rule *rule, const char *start,
		       const struct ip_prefix *prefixes, size_t count)
{
	bool allows = !rule || rule->collection->action == RULE_ALLOW;
	struct proxy_list list = {job->out, start, 0};

	for (size_t i = 0; i < count; i++) {
		if (!spans_ipv4(&prefixes[i]) || !allows)
			add_prefix(&list, &prefixes[i]);
		if (spans_ipv4(&prefixes[i]))
			export_loss(job, rule,
				    allows ? "clients of all IPv6 are left out: they would be "
					     "taken for those of IPv4 too"
					   : "denied for clients of IPv4 as of IPv6");
	}
	if (!list.count)
		proxy_list_add(&list, "0.0.0.0/32"); /* nobody */
	proxy_list_end(&list);
}

void proxy_add_denied(struct export_job *job, const struct export_rule *rule, const char *start,
		      const struct part_prefixes *prefixes)
{
	struct proxy_list list = {job->out, start, 0};

	for (size_t i = 0; i < prefixes->count; i++) {
		add_prefix(&list, &prefixes->items[i]);
		if (spans_ipv4(&prefixes->items[i]))
			export_loss(job, rule, "all of IPv4 is denied with all of IPv6");
	}
	proxy_list_end(&list);
}

void proxy_add_guarded(struct export_job *job, const char *start)
{
	cleanup(part_prefixes_done) struct part_prefixes guarded = {0};
	struct proxy_list list = {job->out, start, 0};

	if (!appliance_list_guarded(job, &guarded))
		return;
	for (size_t i = 0; i < guarded.count; i++)
		if (!is_mapped(&guarded.items[i]))
			add_prefix(&list, &guarded.items[i]);
	if (!list.count)
		proxy_list_add(&list, "0.0.0.0/32"); /* leads nowhere */
	proxy_list_end(&list);
}
