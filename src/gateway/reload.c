/*
 * Reload: a new policy goes in force between two packets.
 *
 * Everything that can fail is done before anything changes: the file is read, the policy compiled.
 * Then, while no one learns, the kernel gets the new ruleset in one transaction and the slot the
 * new policy. Until that transaction the old policy is in force everywhere; a refused one leaves it
 * so.
 *
 * Running flows are judged again afterwards: the conntrack mark leads to the name or rule that
 * admitted a flow. One that is no longer allowed gets the mark DENIED, which resets both of its
 * sides at their next packet.
 *
 * What a running process cannot change (listeners, workers, capacities, the state folder) is
 * refused with words, so that nobody believes it was taken.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#define NAMES_LOOKED_AT 32

DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_policy, struct policy *, policy_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

/* ----------------------------------------------------------- what may not change */

static bool same_endpoints(const struct ip_endpoint *a, size_t a_count, const struct ip_endpoint *b,
			   size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!ip_endpoint_equal(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_interfaces(const struct config *a, const struct config *b)
{
	if (a->network.interface_count != b->network.interface_count)
		return false;
	for (size_t i = 0; i < a->network.interface_count; i++)
		if (strcmp(a->network.interfaces[i], b->network.interfaces[i]) != 0)
			return false;
	return true;
}

/* The key that needs a restart, or NULL. */
static const char *fixed_key_that_changed(const struct config *old, const struct config *new)
{
	if (!same_interfaces(old, new))
		return "network.inside.interfaces";
	if (!same_endpoints(old->dns.listen, old->dns.listen_count, new->dns.listen,
			    new->dns.listen_count))
		return "dns.listen";
	if (old->dns.intercept != new->dns.intercept)
		return "dns.intercept";
	if (old->dns.answer_nxdomain != new->dns.answer_nxdomain)
		return "dns.answer";
	if (old->dns.resolve_any != new->dns.resolve_any)
		return "dns.resolve";
	if (!same_endpoints(old->explicit_proxy.listen, old->explicit_proxy.listen_count,
			    new->explicit_proxy.listen, new->explicit_proxy.listen_count))
		return "explicit.listen";
	if (old->workers != new->workers)
		return "workers";
	if (memcmp(&old->capacity, &new->capacity, sizeof(old->capacity)) != 0)
		return "capacity";
	if (old->network.set_forwarding != new->network.set_forwarding)
		return "network.forwarding";
	if (strcmp(old->log_file, new->log_file) != 0)
		return "log.file";
	if (strcmp(old->state_directory, new->state_directory) != 0)
		return "state.directory";
	if (strcmp(old->admin_socket, new->admin_socket) != 0)
		return "state.socket";
	return NULL;
}

/* -------------------------------------------------------------- judging flows again */

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

static struct policy_facts facts_of(const struct conntrack_flow *flow)
{
	return (struct policy_facts){
		.source = flow->source.address,
		.destination = flow->destination.address,
		.protocol = transport_of(flow->protocol),
		.port = flow->destination.port,
	};
}

static struct verdict judge_name(const struct policy *policy, const struct conntrack_flow *flow,
				 const char *key)
{
	struct policy_facts facts = facts_of(flow);
	struct name name;

	if (name_from_wire(key, strlen(key), &name) != NAME_OK)
		return (struct verdict){RULE_DENY, REASON_NAME_INVALID, NULL};
	facts.protocol = FLOW_HTTPS;
	facts.name = &name;
	return policy_judge(policy, &facts);
}

/* A flow that a rule by FQDN admitted outlives the pin: its rule's own names count as the
 * address's. */
static struct verdict judge_network(const struct gateway *gateway, const struct policy *policy,
				    const struct conntrack_flow *flow, const char *label)
{
	struct policy_facts facts = facts_of(flow);
	struct name names[NAMES_LOOKED_AT];
	size_t count = pins_names_of(gateway->pins, &facts.destination, clock_steady_ms(), names,
				     NAMES_LOOKED_AT);
	const struct policy_rule *rule = policy_rule_find(policy, label);
	struct verdict verdict;

	facts.pinned_names = names;
	facts.pinned_name_count = count < NAMES_LOOKED_AT ? count : NAMES_LOOKED_AT;
	verdict = policy_judge(policy, &facts);
	if (verdict.action == RULE_DENY && rule && rule->kind == RULE_NETWORK &&
	    rule->rule->fqdn_count > 0) {
		facts.pinned_names = rule->rule->fqdns;
		facts.pinned_name_count = rule->rule->fqdn_count;
		verdict = policy_judge(policy, &facts);
	}
	return verdict;
}

static void cut(struct gateway *gateway, const struct conntrack_flow *flow,
		const struct admission *admission, const struct verdict *verdict)
{
	bool by_name = admission && admission->kind == ADMISSION_NAME;
	struct event event = {
		.kind = EVENT_VERDICT,
		.source = flow->source,
		.destination = flow->destination,
		.name = by_name ? admission->key : NULL,
		.name_origin = by_name ? NAME_FROM_SNI : NAME_FROM_NOWHERE,
		.protocol = by_name                         ? EVENT_HTTPS
			    : flow->protocol == IPPROTO_TCP ? EVENT_TCP
			    : flow->protocol == IPPROTO_UDP ? EVENT_UDP
							    : EVENT_ICMP,
		.action = RULE_DENY,
		.rule = verdict->rule           ? verdict->rule->label
			: admission && !by_name ? admission->key
						: NULL,
		.reason = REASON_REVOKED,
		.path = by_name ? "inspect" : "network",
		.detail = reason_sentence(verdict->reason),
	};

	if (conntrack_set_mark(flow, mark_make(MARK_DENIED, mark_number(flow->mark))) == 0)
		events_emit(gateway->events, &event);
}

/* True: the flow was cut. */
static bool judge_flow(struct gateway *gateway, const struct policy *policy,
		       const struct conntrack_flow *flow)
{
	enum mark_state state = mark_state(flow->mark);
	struct verdict verdict = {RULE_DENY, REASON_INTERNAL, NULL};
	struct admission admission;
	bool known;

	if (state != MARK_INSPECTED && state != MARK_CONFIRM && state != MARK_NETWORK)
		return false;
	known = admissions_find(gateway->admissions, mark_number(flow->mark), &admission);
	if (known)
		verdict = admission.kind == ADMISSION_NAME
				  ? judge_name(policy, flow, admission.key)
				  : judge_network(gateway, policy, flow, admission.key);
	if (verdict.action == RULE_ALLOW)
		return false;
	cut(gateway, flow, known ? &admission : NULL, &verdict);
	return true;
}

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

size_t gateway_judge_flows(struct gateway *gateway)
{
	uint64_t begin = admissions_sweep_begin(gateway->admissions);
	struct flows flows = {0};
	const struct policy *policy;
	size_t cut_count = 0;

	if (conntrack_walk(collect, &flows) < 0)
		flows.failed = true;
	policy = policy_slot_enter(gateway->slot);
	for (size_t i = 0; i < flows.count; i++)
		cut_count += judge_flow(gateway, policy, &flows.list[i]);
	policy_slot_leave(gateway->slot);
	sweep_numbers(gateway, &flows, begin);
	if (flows.failed)
		log_error("could not walk all running flows; some may not have been judged again");
	free(flows.list);
	return cut_count;
}

/* ------------------------------------------------------------------------ reload */

static void judge_sessions_again(void *context)
{
	struct worker *worker = context;

	proxy_judge_again(worker->proxy);
}

struct new_upstreams {
	struct worker *worker;
	struct resolver_settings settings;
};

static void set_upstreams(void *context)
{
	struct new_upstreams *message = context;

	resolver_set_upstreams(message->worker->resolver, &message->settings);
	free(message);
}

static void tell_workers(struct gateway *gateway, const struct config *config)
{
	struct resolver_settings settings = gateway_resolver_settings(config);

	for (unsigned int i = 0; i < gateway->worker_count; i++) {
		struct new_upstreams *message = malloc(sizeof(*message));

		if (message) {
			*message = (struct new_upstreams){&gateway->workers[i], settings};
			if (loop_call(gateway->workers[i].loop, set_upstreams, message) < 0)
				free(message);
		}
		if (config->network.cut_revoked)
			(void)loop_call(gateway->workers[i].loop, judge_sessions_again,
					&gateway->workers[i]);
	}
	resolver_set_upstreams(gateway->refresher.resolver, &settings);
}

/* Kernel and slot together, while nobody learns. */
static int put_in_force(struct gateway *gateway, const struct config *config,
			struct policy **policy, struct text *error)
{
	int result = 0;

	policy_inherit_hits(*policy, policy_slot_enter(gateway->slot));
	policy_slot_leave(gateway->slot);
	pthread_rwlock_wrlock(&gateway->applied.lock);
	if (gateway->applied.in_kernel)
		result = gateway_apply(gateway, config, *policy, false, error);
	if (result == 0)
		policy_slot_swap(gateway->slot, take_pointer(*policy));
	pthread_rwlock_unlock(&gateway->applied.lock);
	return result;
}

static int load_new(struct gateway *gateway, struct config **ret_config, struct policy **ret_policy,
		    struct text *error)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_config) struct config *config = NULL;
	cleanup(free_memory) char *words = NULL;
	const char *changed;

	if (!problems)
		return -ENOMEM;
	config = gateway_load(gateway, ret_policy, problems);
	if (!config) {
		words = problems_format(problems);
		text_add(error, words ? words : "not enough memory");
		return -EINVAL;
	}
	changed = fixed_key_that_changed(gateway->config, config);
	if (changed) {
		text_addf(error, "%s changed: that takes a restart, a reload cannot do it",
			  changed);
		policy_free(*ret_policy);
		*ret_policy = NULL;
		return -EINVAL;
	}
	gateway_log_problems(problems);
	*ret_config = take_pointer(config);
	return 0;
}

int gateway_reload(struct gateway *gateway, struct text *error)
{
	cleanup(free_config) struct config *config = NULL;
	cleanup(free_policy) struct policy *policy = NULL;
	struct config *old;
	size_t cut_count = 0;
	int result = load_new(gateway, &config, &policy, error);

	if (result == 0)
		result = put_in_force(gateway, config, &policy, error);
	if (result < 0) {
		gateway->failed_reloads++;
		return result;
	}
	old = gateway->config;
	gateway->config = take_pointer(config);
	config = old;
	gateway->reloads++;
	atomic_store(&gateway->lifetime_ms, gateway->config->dns.stale_after_ms);
	atomic_store(&gateway->grace_ms, gateway->config->dns.grace_ms);
	tell_workers(gateway, gateway->config);
	refresher_renew(&gateway->refresher);
	if (gateway->applied.in_kernel && gateway->config->network.cut_revoked)
		cut_count = gateway_judge_flows(gateway);
	log_info("reloaded: %zu running flows cut", cut_count);
	return 0;
}
