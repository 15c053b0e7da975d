/* The compiled form, and what compile.c, judge.c, query.c and explain.c share about matching. */
#pragma once

#include <stdatomic.h>

#include "name/table.h"
#include "policy/policy.h"

#define NO_POSITION UINT32_MAX

struct policy {
	struct rule_set set; /* taken over; lists of prefixes tidied (prefixes_impl.h) */
	struct policy_rule *rules;
	size_t rule_count, network_count;
	char *labels;         /* one after the other, each with its NUL */
	uint32_t *by_label;   /* positions, ascending by label */
	uint32_t *by_address; /* network rules that name addresses or any, ascending */
	size_t by_address_count;
	struct name_table *network_names;     /* FQDN → network rules */
	struct name_table *application_names; /* pattern → application rules */
	uint16_t *ports[2];                   /* by enum application_protocol */
	uint16_t *quic_ports;
	size_t quic_port_count;
	size_t port_counts[2];
	size_t exact_name_count;
	struct name *nameless; /* of rules with allows_no_sni: ascending, each once */
	size_t nameless_count;
	_Atomic uint64_t *hits; /* by position */
	size_t memory;
};

/* The transport a network rule sees: TRANSPORT_TCP, _UDP or _ICMP. */
unsigned int flow_transport(enum flow_protocol protocol);
/* Does an application rule apply to such a flow at all, and as which protocol? */
bool flow_application(enum flow_protocol protocol, enum application_protocol *ret_protocol);

bool rule_has_source(const struct rule *rule, const struct ip_address *source);
bool rule_has_address(const struct rule *rule, const struct ip_address *destination);
/* Linear, for explanations: does the rule name an FQDN that the facts carry? NULL: no. */
const struct name *rule_find_fqdn(const struct rule *rule, const struct policy_facts *facts);
/* Network rules. ICMP has no ports, so only "any port" matches it. */
bool rule_has_transport(const struct rule *rule, enum flow_protocol protocol);
bool rule_has_port(const struct rule *rule, enum flow_protocol protocol, uint16_t port);
/* Application rules: exactly this protocol and port. */
bool rule_has_application_port(const struct rule *rule, enum application_protocol protocol,
			       uint16_t port);
