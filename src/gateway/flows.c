/*
 * Running flows that the kernel forwards, judged again by the policy in force: after a reload, and
 * at the start for what an earlier process admitted.
 *
 * The conntrack mark leads to the name or rule that admitted a flow. One that is no longer allowed
 * gets the mark DENIED, which resets both of its sides at their next packet.
 *
 * Walking the kernel's table and changing marks take system calls; the policy is only held while
 * one flow is judged, so that nothing else that waits for its readers waits for the kernel.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define NAMES_LOOKED_AT 32

struct flows {
	struct conntrack_flow *list;
	size_t count, capacity;
	bool failed;
};

static void collect(void *context, const struct conntrack_flow *flow)
{
	struct flows *flows = context;

	if (flows->count == flows->capacity) {
		size_t capacity = flows->capacity * 2 + 256;
		struct conntrack_flow *grown = realloc(flows->list, capacity * sizeof(*grown));

		if (!grown) {
			flows->failed = true;
			return;
		}
		flows->list = grown;
		flows->capacity = capacity;
	}
	flows->list[flows->count++] = *flow;
}

static enum flow_protocol transport_of(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return FLOW_TCP;
	case IPPROTO_UDP:
		return FLOW_UDP;
	default:
		return FLOW_ICMP;
	}
}

/* What policy says of one flow, without pointers into the policy. */
struct finding {
	enum rule_action action;
	enum reason reason;
	char rule[sizeof(((struct admission *)NULL)->key)]; /* "": none */
};

static struct verdict judge_name(const struct policy *policy, const struct policy_facts *facts,
				 const struct admission *admission)
{
	struct policy_facts by_name = *facts;
	const char *key = admission->key;
	struct name name;

	if (name_from_wire(key, strlen(key), &name) != NAME_OK)
		return (struct verdict){RULE_DENY, REASON_NAME_INVALID, NULL};
	by_name.protocol = facts->protocol == FLOW_UDP ? FLOW_QUIC : FLOW_HTTPS;
	by_name.name = &name;
	by_name.name_left_out = admission->kind == ADMISSION_NAMELESS;
	by_name.has_encrypted_hello = admission->kind == ADMISSION_OUTER;
	return policy_judge_and_guard(policy, &by_name);
}

/* A flow that a rule by FQDN admitted outlives the pin: its rule's own names count as the
 * address's. */
static struct verdict judge_network(const struct policy *policy, struct policy_facts *facts,
				    const char *label)
{
	const struct policy_rule *rule = policy_rule_find(policy, label);
	struct verdict verdict = policy_judge(policy, facts);

	if (verdict.action == RULE_DENY && rule && rule->kind == RULE_NETWORK &&
	    rule->rule->fqdn_count > 0) {
		facts->pinned_names = rule->rule->fqdns;
		facts->pinned_name_count = rule->rule->fqdn_count;
		verdict = policy_judge(policy, facts);
	}
	return verdict;
}

static struct finding judge(const struct gateway *gateway, const struct conntrack_flow *flow,
			    const struct admission *admission)
{
	struct policy_facts facts = {
		.source = flow->source.address,
		.destination = flow->destination.address,
		.protocol = transport_of(flow->protocol),
		.port = flow->destination.port,
	};
	struct name names[NAMES_LOOKED_AT];
	size_t count = pins_names_of(gateway->pins, &facts.destination, clock_steady_ms(), names,
				     NAMES_LOOKED_AT);
	const struct policy *policy = policy_slot_enter(gateway->slot);
	struct finding finding = {.rule = ""};
	struct verdict verdict;

	facts.pinned_names = names;
	facts.pinned_name_count = count < NAMES_LOOKED_AT ? count : NAMES_LOOKED_AT;
	verdict = admission_has_name(admission->kind)
			  ? judge_name(policy, &facts, admission)
			  : judge_network(policy, &facts, admission->key);
	finding.action = verdict.action;
	finding.reason = verdict.reason;
	if (verdict.rule)
		snprintf(finding.rule, sizeof(finding.rule), "%s", verdict.rule->label);
	policy_slot_leave(gateway->slot);
	return finding;
}

static enum event_protocol protocol_of(const struct conntrack_flow *flow, bool by_name)
{
	switch (flow->protocol) {
	case IPPROTO_TCP:
		return by_name ? EVENT_HTTPS : EVENT_TCP;
	case IPPROTO_UDP:
		return by_name ? EVENT_QUIC : EVENT_UDP;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return EVENT_ICMP;
	default:
		return EVENT_OTHER;
	}
}

/* `admission` NULL: nobody knows what admitted the flow. */
static void tell(struct gateway *gateway, const struct conntrack_flow *flow,
		 const struct admission *admission, const struct finding *finding)
{
	bool by_name = admission && admission_has_name(admission->kind);
	struct event event = {
		.kind = EVENT_VERDICT,
		.source = flow->source,
		.destination = flow->destination,
		.protocol = protocol_of(flow, by_name),
		.action = RULE_DENY,
		.reason = REASON_REVOKED,
		.path = by_name ? "inspect" : "network",
		.detail = reason_sentence(finding->reason),
	};

	if (admission && by_name) {
		event.name = admission->key;
		event.name_origin =
			admission->kind == ADMISSION_NAMELESS ? NAME_FROM_PIN : NAME_FROM_SNI;
		event.has_encrypted_hello = admission->kind == ADMISSION_OUTER;
	} else if (admission) {
		event.rule = admission->key;
	}
	if (*finding->rule)
		event.rule = finding->rule;
	events_emit(gateway->events, &event);
}

enum outcome {
	FLOW_STAYS, /* allowed, or ended meanwhile */
	FLOW_CUT,
	FLOW_ESCAPED, /* no longer allowed, but the kernel did not take the mark */
};

static enum outcome judge_flow(struct gateway *gateway, const struct conntrack_flow *flow)
{
	enum mark_state state = mark_state(flow->mark);
	struct finding finding = {RULE_DENY, REASON_INTERNAL, ""};
	struct admission admission;
	bool known;
	int error;

	if (state != MARK_INSPECTED && state != MARK_CONFIRM && state != MARK_NETWORK)
		return FLOW_STAYS;
	known = admissions_find(gateway->admissions, mark_number(flow->mark), &admission);
	if (known)
		finding = judge(gateway, flow, &admission);
	if (finding.action == RULE_ALLOW)
		return FLOW_STAYS;
	error = conntrack_set_mark(flow, mark_make(MARK_DENIED, mark_number(flow->mark)));
	if (error < 0)
		return error == -ENOENT ? FLOW_STAYS : FLOW_ESCAPED;
	tell(gateway, flow, known ? &admission : NULL, &finding);
	return FLOW_CUT;
}

/* ------------------------------------------------------------- numbers of admissions */

static bool number_is_in_use(void *context, uint32_t number)
{
	const struct gateway *gateway = context;

	for (size_t i = 0; i < gateway->applied.count; i++)
		if (gateway->applied.numbers[i] == number)
			return true;
	return gateway->numbers_in_use && (gateway->numbers_in_use[number / 8] >> (number % 8) & 1);
}

/* Numbers that no flow and no rule carries can be given to others. */
static void sweep_numbers(struct gateway *gateway, const struct flows *flows, uint64_t begin)
{
	uint32_t capacity = admissions_capacity(gateway->admissions);
	cleanup(free_memory) uint8_t *in_use = calloc(capacity / 8 + 1, 1);

	if (!in_use || flows->failed)
		return;
	for (size_t i = 0; i < flows->count; i++) {
		uint32_t number = mark_number(flows->list[i].mark);

		if (number <= capacity)
			in_use[number / 8] |= (uint8_t)(1u << (number % 8));
	}
	gateway->numbers_in_use = in_use;
	admissions_sweep_end(gateway->admissions, begin, number_is_in_use, gateway);
	(void)state_keep_admissions(gateway);
	gateway->numbers_in_use = NULL;
}

void gateway_sweep_admissions(struct gateway *gateway)
{
	uint64_t begin = admissions_sweep_begin(gateway->admissions);
	struct flows flows = {0};

	if (conntrack_walk(collect, &flows) < 0)
		flows.failed = true;
	sweep_numbers(gateway, &flows, begin);
	free(flows.list);
}

static bool is_known(const struct gateway *gateway, const struct conntrack_flow *flow)
{
	struct admission admission;

	return admissions_find(gateway->admissions, mark_number(flow->mark), &admission);
}

int gateway_cut_unknown_flows(struct gateway *gateway)
{
	struct flows flows = {0};
	int result = conntrack_walk(collect, &flows);

	if (result == 0 && flows.failed)
		result = -ENOMEM;
	for (size_t i = 0; i < flows.count && result == 0; i++)
		if (!is_known(gateway, &flows.list[i]) &&
		    judge_flow(gateway, &flows.list[i]) == FLOW_ESCAPED)
			result = -EIO;
	free(flows.list);
	return result;
}

size_t gateway_judge_flows(struct gateway *gateway)
{
	uint64_t begin = admissions_sweep_begin(gateway->admissions);
	struct flows flows = {0};
	size_t cut = 0, escaped = 0;

	if (conntrack_walk(collect, &flows) < 0)
		flows.failed = true;
	for (size_t i = 0; i < flows.count; i++) {
		enum outcome outcome = judge_flow(gateway, &flows.list[i]);

		cut += outcome == FLOW_CUT;
		escaped += outcome == FLOW_ESCAPED;
	}
	sweep_numbers(gateway, &flows, begin);
	if (flows.failed && !gateway->flows_are_unjudged)
		log_error("could not walk all running flows: they are judged once more in a "
			  "moment");
	if (escaped > 0 && !gateway->flows_are_unjudged)
		log_error("%zu running flows are no longer allowed, but the kernel did not cut "
			  "them: it is tried again",
			  escaped);
	gateway->flows_are_unjudged = flows.failed || escaped > 0;
	free(flows.list);
	return cut;
}
