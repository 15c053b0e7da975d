/*
 * Reload: a new policy goes in force between two packets.
 *
 * Everything that can fail is done before anything changes: the file is read, the policy compiled.
 * Then, while no one learns, the kernel gets the new ruleset in one transaction and the slot the
 * new policy. Until that transaction the old policy is in force everywhere; a refused one leaves it
 * so. No worker waits for any of this: what must be learned meanwhile waits itself (learn.c), so
 * its pins come into the new ruleset.
 *
 * Running flows are judged again afterwards (flows.c).
 *
 * What a running process cannot change (listeners, workers, capacities, the state folder) is
 * refused with words, so that nobody believes it was taken.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"

DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_policy, struct policy *, policy_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

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
	if (strcmp(old->user, new->user) != 0)
		return "user";
	if (old->sandbox != new->sandbox)
		return "sandbox";
	if (strcmp(old->log_file, new->log_file) != 0)
		return "log.file";
	if (strcmp(old->state_directory, new->state_directory) != 0)
		return "state.directory";
	if (strcmp(old->admin_socket, new->admin_socket) != 0)
		return "state.socket";
	return NULL;
}

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
	struct policy *old = NULL;
	int result = 0;

	if (gateway->applied.in_kernel)
		gateway_check_ruleset(gateway); /* it is changed, not made */
	policy_inherit_hits(*policy, policy_slot_enter(gateway->slot));
	policy_slot_leave(gateway->slot);
	pthread_rwlock_wrlock(&gateway->applied.lock);
	if (gateway->applied.in_kernel)
		result = gateway_apply(gateway, config, *policy, false, error);
	if (result == 0)
		old = policy_slot_exchange(gateway->slot, take_pointer(*policy));
	pthread_rwlock_unlock(&gateway->applied.lock);
	if (result == 0 && gateway->applied.in_kernel)
		gateway_remember_ruleset(gateway);
	if (old)
		policy_slot_retire(gateway->slot, old);
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
	struct name_budget_limits limits;
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
	limits = gateway_budget_limits(gateway->config);
	name_budget_set(gateway->budget, &limits);
	tell_workers(gateway, gateway->config);
	if (refresher_renew(&gateway->refresher) < 0)
		log_error("not enough memory to refresh the new policy's names by itself");
	if (gateway->applied.in_kernel && gateway->config->network.cut_revoked)
		cut_count = gateway_judge_flows(gateway);
	log_info("reloaded; running flows that were cut: %zu", cut_count);
	return 0;
}
