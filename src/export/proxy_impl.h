/* What the proxies (squid, haproxy, envoy) share: they dial by name, so the addresses that nobody
   may be led to must be kept from them. */
#pragma once

#include "export/export_impl.h"

/* Prefixes that no name may lead to: special addresses, and private ones; as text, with a blank
   before each. `with_mapped`: IPv4 addresses written as IPv6, for products that tell them apart
   (to Squid that is all of IPv4). */
void proxy_add_special(struct text *out, bool with_mapped);
void proxy_add_private(struct text *out);
/* What the configuration excepts from them. */
void proxy_add_exceptions(struct text *out, const struct rule_set *set);
bool proxy_has_exceptions(const struct rule_set *set);

/*
 * A network rule of the plan. A proxy carries HTTP and TLS alone: an allow rule is left out; a deny
 * rule stays where it denies by address, what `true` says.
 */
bool proxy_takes_network_rule(struct export_job *job, const struct export_rule *rule);

/* All https (or http) ports of the plan's application rules, ascending, each once. */
size_t proxy_ports(const struct export_job *job, enum application_protocol protocol,
		   uint16_t **ret_ports);

/* Does the application rule name this protocol and port? */
bool proxy_rule_has(const struct rule *rule, enum application_protocol protocol, uint16_t port);
