/*
 * The life of `sallyport run`.
 *
 * Start: read and compile everything first; open all that can fail (sockets, queues, listeners);
 * put the ruleset into the kernel; start the workers; last of all give the life sign, which is what
 * makes the ruleset admit new connections. A failure on the way undoes what was opened; a ruleset
 * that is in the kernel already stays (default drop), like after a crash.
 *
 * The main thread keeps the signals, the admin socket, the kernel's reports, the refresher and the
 * saving of state; workers have all that is fast.
 *
 * Stop: take the life sign back first (nothing new is admitted), then stop the workers, save the
 * state, and either keep the ruleset (on_stop: keep) or remove it with the routing (flush).
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "gateway/service.h"

#define SAVE_MS  2000
#define SWEEP_MS 60000
#define CHECK_MS 1000

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);
DEFINE_CLEANUP(free_policy, struct policy *, policy_free);

/* Every proxied session takes two descriptors and two pipes, every question to an upstream one. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("cannot raise the limit of open files to %lu",
			    (unsigned long)limit.rlim_max);
}

/* ------------------------------------------------------------------------ stop */

static void leave_kernel(struct gateway *gateway)
{
	if (!gateway->config->network.flush_on_stop) {
		log_info("stopped; the ruleset stays and denies new connections (network.on_stop: "
			 "keep)");
		return;
	}
	if (host_sysctl_restore(gateway->switched) < 0 || host_ruleset_flush() < 0 ||
	    host_routing_remove() < 0)
		log_warning("could not remove all of the ruleset and the routing rule");
	else
		log_info("stopped; the ruleset was removed (network.on_stop: flush)");
}

static void stop(struct gateway *gateway, bool was_running)
{
	if (gateway->life_sign)
		life_sign_stop(gateway->life_sign);
	for (unsigned int i = 0; gateway->workers && i < gateway->worker_count; i++)
		worker_close(&gateway->workers[i]);
	free(gateway->workers);
	refresher_close(&gateway->refresher);
	reporter_close(&gateway->reporter);
	admin_close(gateway->admin);
	loop_timer_stop(gateway->loop, &gateway->saving);
	loop_timer_stop(gateway->loop, &gateway->sweeping);
	loop_timer_stop(gateway->loop, &gateway->checking);
	if (was_running && gateway->applied.in_kernel) {
		state_save(gateway);
		leave_kernel(gateway);
	}
	nft_helper_stop(gateway->helper);
	if (gateway->events)
		events_close(gateway->events);
	pins_free(gateway->pins);
	admissions_free(gateway->admissions);
	name_budget_free(gateway->budget);
	free(gateway->applied.numbers);
	free(gateway->applied.named);
}

static void save(struct loop_timer *timer)
{
	struct gateway *gateway = loop_owner(timer, struct gateway, saving);

	pins_tidy(gateway->pins, clock_steady_ms());
	state_save(gateway);
	(void)loop_timer_start(gateway->loop, timer, SAVE_MS, save);
}

/* Numbers of admissions run out when nobody gives back those of flows that ended. */
static void sweep(struct loop_timer *timer)
{
	struct gateway *gateway = loop_owner(timer, struct gateway, sweeping);

	if (admissions_held(gateway->admissions) > admissions_capacity(gateway->admissions) / 2)
		gateway_sweep_admissions(gateway);
	(void)loop_timer_start(gateway->loop, timer, SWEEP_MS, sweep);
}

static void check(struct loop_timer *timer)
{
	struct gateway *gateway = loop_owner(timer, struct gateway, checking);

	gateway_check_ruleset(gateway);
	if (gateway->flows_are_unjudged)
		(void)gateway_judge_flows(gateway);
	(void)loop_timer_start(gateway->loop, timer, CHECK_MS, check);
}

static int start(struct gateway *gateway)
{
	int result = gateway_start(gateway);

	if (result < 0 || !gateway->applied.in_kernel)
		return result;
	if (loop_timer_start(gateway->loop, &gateway->sweeping, SWEEP_MS, sweep) == 0 &&
	    loop_timer_start(gateway->loop, &gateway->saving, SAVE_MS, save) == 0 &&
	    loop_timer_start(gateway->loop, &gateway->checking, CHECK_MS, check) == 0)
		return 0;
	log_error("not enough memory");
	return -ENOMEM;
}

static int run_loaded(struct gateway *gateway)
{
	bool running = start(gateway) == 0;

	if (running) {
		log_info("ready: %u worker%s", gateway->worker_count,
			 gateway->worker_count == 1 ? "" : "s");
		service_tell(gateway->service, "READY=1\nSTATUS=Enforcing");
		loop_run(gateway->loop);
		service_tell(gateway->service, "STOPPING=1");
	}
	stop(gateway, running);
	return running ? 0 : 1;
}

/* Loads the first configuration. 0, or the exit status. */
static int load_first(struct gateway *gateway)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_policy) struct policy *policy = NULL;
	int error;

	if (!problems)
		return 1;
	error = host_addresses(gateway->own_addresses, GATEWAY_OWN_ADDRESSES_MAX,
			       &gateway->own_address_count);
	if (error == -ENOSPC)
		log_error("this host has more than %d addresses", GATEWAY_OWN_ADDRESSES_MAX);
	else if (error < 0)
		log_error("cannot list this host's addresses: %s", strerror(-error));
	if (error < 0)
		return 1;
	gateway->config = gateway_load(gateway, &policy, problems);
	gateway_log_problems(problems);
	if (!gateway->config)
		return 2;
	gateway->slot = policy_slot_new(take_pointer(policy));
	return gateway->slot ? 0 : 1;
}

int gateway_run(const struct gateway_options *options)
{
	struct gateway gateway = {
		.options = options, .service = service_open(), .started_ms = clock_steady_ms()};
	int status;

	gateway.loop = loop_new();
	if (!gateway.loop || control_open_signals(&gateway) < 0) {
		log_error("cannot set up: %s", strerror(errno));
		return 1;
	}
	raise_descriptor_limit();
	policy_slot_register_thread();
	status = load_first(&gateway);
	if (status == 0)
		status = run_loaded(&gateway);
	policy_slot_unregister_thread();
	if (gateway.slot)
		policy_slot_free(gateway.slot);
	config_free(gateway.config);
	close(gateway.signals.descriptor);
	if (gateway.service >= 0)
		close(gateway.service);
	loop_free(gateway.loop);
	return status;
}
