/* What the proxies (squid, haproxy, envoy) share: they dial by name, so the addresses that nobody
   may be led to must be kept from them. */
#pragma once

#include "export/parts_impl.h"

/*
 * A network rule of the plan. A proxy carries HTTP and TLS alone: an allow rule is left out; a deny
 * rule stays where it denies by address, what `true` says.
 */
bool proxy_takes_network_rule(struct export_job *job, const struct export_rule *rule);

/* Can it match nothing, since one of its lists is empty? Products take an empty list for a fault,
   or for everything. */
bool proxy_is_dead(const struct export_rule *rule);

/* All https (or http) ports of the plan's application rules, ascending, each once. */
size_t proxy_ports(const struct export_job *job, enum application_protocol protocol,
		   uint16_t **ret_ports);

/* Does the application rule name this protocol and port? */
bool proxy_rule_has(const struct rule *rule, enum application_protocol protocol, uint16_t port);

/*
 * A list of words on lines that all begin with `start`, since products bound a line's length
 * (HAProxy: 64 words, 2,048 bytes) and take lines of one name for one list.
 */
struct proxy_list {
	struct text *out;
	const char *start;
	size_t count;
};

__attribute__((format(printf, 2, 3))) void proxy_list_add(struct proxy_list *list,
							  const char *format, ...);
void proxy_list_end(struct proxy_list *list);

/*
 * Lists of addresses for products that see IPv4 as ::ffff:0:0/96, so that ::/0 has it too. Clients
 * (`rule` NULL: the protected ones): where the rule allows, such a prefix is left out; what is then
 * empty is nobody. Destinations of a deny rule. And what no name may lead to.
 */
void proxy_add_clients(struct export_job *job, const struct export_rule *rule, const char *start,
		       const struct ip_prefix *prefixes, size_t count);
void proxy_add_denied(struct export_job *job, const struct export_rule *rule, const char *start,
		      const struct part_prefixes *prefixes);
void proxy_add_guarded(struct export_job *job, const char *start);
