/*
 * The kernel judges network rules and denies the rest by itself; what it did comes back as copies
 * of packets (NFLOG, with a prefix that says why) and as ends of flows (conntrack). Here both
 * become events.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/clock.h"
#include "proto/packet/packet.h"

#define NAMES_LOOKED_AT 32

static enum event_protocol protocol_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return EVENT_TCP;
	case IPPROTO_UDP:
		return EVENT_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return EVENT_ICMP;
	default:
		return EVENT_OTHER;
	}
}

static const char *words_of(enum ruleset_log log, enum reason *ret_reason)
{
	switch (log) {
	case RULESET_LOG_RULE_ALLOWS:
		*ret_reason = REASON_RULE_ALLOWS;
		return "network";
	case RULESET_LOG_RULE_DENIES:
		*ret_reason = REASON_RULE_DENIES;
		return "network";
	case RULESET_LOG_NO_RULE:
		*ret_reason = REASON_NO_RULE;
		break;
	case RULESET_LOG_SOURCE:
		*ret_reason = REASON_SOURCE_NOT_PROTECTED;
		break;
	case RULESET_LOG_SPECIAL:
		*ret_reason = REASON_SPECIAL_ADDRESS;
		break;
	case RULESET_LOG_OTHER_RESOLVER:
		*ret_reason = REASON_DNS_OTHER_RESOLVER;
		break;
	case RULESET_LOG_DNS_OVER_TLS:
		*ret_reason = REASON_DNS_OVER_TLS;
		break;
	case RULESET_LOG_QUIC:
		*ret_reason = REASON_QUIC;
		break;
	case RULESET_LOG_SYN_DATA:
		*ret_reason = REASON_SYN_DATA;
		break;
	case RULESET_LOG_INVALID:
		*ret_reason = REASON_INVALID_PACKET;
		break;
	case RULESET_LOG_GATEWAY_DOWN:
		*ret_reason = REASON_GATEWAY_DOWN;
		break;
	case RULESET_LOG_UNKNOWN:
		*ret_reason = REASON_INTERNAL;
		break;
	}
	return "kernel";
}

static bool rule_names(const struct policy_rule *rule, const struct name *name)
{
	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		if (name_equal(&rule->rule->fqdns[i], name))
			return true;
	return false;
}

/* The name of the rule that was answered with this address, if the rule goes by names. */
static bool name_behind(const struct gateway *gateway, const struct policy_rule *rule,
			const struct ip_address *address, struct name *ret_name)
{
	struct name names[NAMES_LOOKED_AT];
	size_t count =
		pins_names_of(gateway->pins, address, clock_steady_ms(), names, NAMES_LOOKED_AT);

	for (size_t i = 0; i < count && i < NAMES_LOOKED_AT; i++)
		if (rule_names(rule, &names[i])) {
			*ret_name = names[i];
			return true;
		}
	return false;
}

static void packet_logged(void *context, const struct packet_log_entry *entry)
{
	struct reporter *reporter = context;
	struct gateway *gateway = reporter->gateway;
	struct event event = {.kind = EVENT_VERDICT};
	struct admission admission;
	struct packet packet;
	struct name name;
	uint32_t number = 0;
	enum ruleset_log log = ruleset_log_parse(entry->prefix, &number);
	const struct policy *policy;
	const struct policy_rule *rule = NULL;

	if (packet_parse(entry->bytes, entry->length, &packet) < 0)
		packet = (struct packet){.protocol = IPPROTO_RAW}; /* told without its ends */
	event.path = words_of(log, &event.reason);
	event.action = log == RULESET_LOG_RULE_ALLOWS ? RULE_ALLOW : RULE_DENY;
	event.protocol = protocol_of(packet.protocol);
	event.source = (struct ip_endpoint){packet.source, packet.source_port};
	event.destination = (struct ip_endpoint){packet.destination, packet.destination_port};
	policy = policy_slot_enter(gateway->slot);
	if (number != 0 && admissions_find(gateway->admissions, number, &admission) &&
	    admission.kind == ADMISSION_RULE) {
		event.rule = admission.key;
		rule = policy_rule_find(policy, admission.key);
	}
	if (rule) {
		policy_count_hit(policy, rule);
		if (name_behind(gateway, rule, &packet.destination, &name)) {
			event.name = name.text;
			event.name_origin = NAME_FROM_PIN;
		}
	}
	policy_slot_leave(gateway->slot);
	events_emit(gateway->events, &event);
}

/* The rule that allows an inspected flow's name today, for the line about its end; NULL: none does
 * any more. */
static const struct policy_rule *rule_of(const struct policy *policy,
					 const struct conntrack_flow *flow,
					 enum admission_kind kind, const struct name *name)
{
	struct policy_facts facts = {
		.source = flow->source.address,
		.destination = flow->destination.address,
		.protocol = flow->protocol == IPPROTO_UDP ? FLOW_QUIC : FLOW_HTTPS,
		.port = flow->destination.port,
		.name = name,
		.name_left_out = kind == ADMISSION_NAMELESS,
		.has_encrypted_hello = kind == ADMISSION_OUTER,
	};
	struct verdict verdict = policy_judge(policy, &facts);

	return verdict.action == RULE_ALLOW ? verdict.rule : NULL;
}

static void flow_ended(void *context, const struct conntrack_flow *flow)
{
	struct reporter *reporter = context;
	struct gateway *gateway = reporter->gateway;
	enum mark_state state = mark_state(flow->mark);
	struct event event = {
		.kind = EVENT_END,
		.source = flow->source,
		.destination = flow->destination,
		.action = RULE_ALLOW,
		.reason = REASON_RULE_ALLOWS,
		.bytes_out = flow->bytes_out,
		.bytes_in = flow->bytes_in,
		.duration_ms = flow->duration_ms,
	};
	struct admission admission;
	struct name name;
	const struct policy *policy;

	if (state != MARK_INSPECTED && state != MARK_CONFIRM && state != MARK_NETWORK)
		return;
	if (!admissions_find(gateway->admissions, mark_number(flow->mark), &admission))
		return;
	event.path = admission_has_name(admission.kind) ? "inspect" : "network";
	event.protocol = protocol_of(flow->protocol);
	if (admission_has_name(admission.kind))
		event.protocol = flow->protocol == IPPROTO_UDP ? EVENT_QUIC : EVENT_HTTPS;
	policy = policy_slot_enter(gateway->slot);
	if (admission.kind == ADMISSION_RULE) {
		event.rule = admission.key;
	} else if (name_from_wire(admission.key, strlen(admission.key), &name) == NAME_OK) {
		const struct policy_rule *rule = rule_of(policy, flow, admission.kind, &name);

		event.name = admission.key;
		event.name_origin =
			admission.kind == ADMISSION_NAMELESS ? NAME_FROM_PIN : NAME_FROM_SNI;
		event.has_encrypted_hello = admission.kind == ADMISSION_OUTER;
		event.rule = rule ? rule->label : NULL;
	}
	events_emit(gateway->events, &event);
	policy_slot_leave(gateway->slot);
}

int reporter_open(struct reporter *reporter, struct gateway *gateway)
{
	reporter->gateway = gateway;
	reporter->log = packet_log_open(gateway->loop, RULESET_LOG_GROUP, packet_logged, reporter);
	if (!reporter->log)
		return -errno;
	reporter->ends = conntrack_events_open(gateway->loop, flow_ended, reporter);
	return reporter->ends ? 0 : -errno;
}

void reporter_close(struct reporter *reporter)
{
	if (reporter->log)
		packet_log_close(reporter->log);
	if (reporter->ends)
		conntrack_events_close(reporter->ends);
}
