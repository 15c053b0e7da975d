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
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "kernel/queue.h"
#include "kernel/sequence_rules.h"

#define SAVE_MS  2000
#define SWEEP_MS 60000

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);
DEFINE_CLEANUP(free_policy, struct policy *, policy_free);

/* -------------------------------------------------------------------- signals */

static void reload(struct gateway *gateway)
{
	cleanup(text_free) struct text error = TEXT_EMPTY;

	if (gateway_reload(gateway, &error) < 0)
		log_error("the reload failed, the old policy stays in force: %s",
			  text_string(&error));
}

static void reopen_log(struct gateway *gateway)
{
	int error = events_reopen(gateway->events);

	if (error < 0)
		log_error("cannot open %s anew, the old file stays in use: %s",
			  gateway->config->log_file, strerror(-error));
}

static void signal_came(struct loop_watch *watch, uint32_t events)
{
	struct gateway *gateway = loop_owner(watch, struct gateway, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(watch->descriptor, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(gateway);
		else if (info.ssi_signo == SIGUSR1)
			reopen_log(gateway);
		else
			loop_stop(gateway->loop);
	}
}

static int open_signals(struct gateway *gateway)
{
	sigset_t set;
	int descriptor;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	/* Before any thread starts: all inherit the mask. */
	if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (descriptor < 0)
		return -1;
	return loop_watch_add(gateway->loop, &gateway->signals, descriptor, EPOLLIN, signal_came);
}

/* ----------------------------------------------------------------- admin socket */

static void add_result(struct text *reply, int result, const struct text *error)
{
	text_addf(reply, "{\"ok\":%s", result == 0 ? "true" : "false");
	if (result < 0) {
		text_add(reply, ",\"error\":");
		text_add_json_string(reply, text_string(error), error->length);
	}
	text_add(reply, "}");
}

static void admin_request(void *context, const char *request, struct text *reply)
{
	struct gateway *gateway = context;
	cleanup(text_free) struct text error = TEXT_EMPTY;

	if (strcmp(request, "status") == 0) {
		gateway_status(gateway, reply);
	} else if (strcmp(request, "reload") == 0) {
		int result = gateway_reload(gateway, &error);

		if (result < 0)
			log_error("the reload failed, the old policy stays in force: %s",
				  text_string(&error));
		add_result(reply, result, &error);
	} else {
		text_add(&error, "unknown request; there are: status, reload");
		add_result(reply, -EINVAL, &error);
	}
}

/* ----------------------------------------------------------------------- start */

static void save(struct loop_timer *timer)
{
	struct gateway *gateway = loop_owner(timer, struct gateway, saving);

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

/* The folder of the admin socket, usually below /run, which is empty after a boot. */
static int make_socket_folder(const char *path)
{
	char folder[PATH_MAX];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash || slash == folder)
		return 0;
	*slash = '\0';
	if (mkdir(folder, 0755) == 0 || errno == EEXIST)
		return 0;
	log_error("cannot make the folder %s of the admin socket: %s", folder, strerror(errno));
	return -1;
}

static int prepare_host(struct gateway *gateway)
{
	const char *path = NULL;

	if (host_sysctl_prepare(gateway->config->network.set_forwarding, &gateway->switched,
				&path) < 0) {
		log_error("cannot write %s: %s (sallyport run needs root)", path, strerror(errno));
		return -1;
	}
	if (host_routing_install() < 0) {
		log_error("cannot install the routing rule for the transparent proxy: %s",
			  strerror(errno));
		return -1;
	}
	return 0;
}

static int put_ruleset(struct gateway *gateway)
{
	cleanup(text_free) struct text error = TEXT_EMPTY;
	const struct policy *policy = policy_slot_enter(gateway->slot);
	int result = gateway_apply(gateway, gateway->config, policy, true, &error);

	policy_slot_leave(gateway->slot);
	if (result == -ENOENT)
		log_error("the program nft is missing: install the Debian package nftables");
	else if (result < 0)
		log_error("the kernel refused the ruleset: %s", text_string(&error));
	if (result < 0)
		return result;
	result = sequence_rules_install();
	if (result < 0) {
		log_error("cannot install the rules that watch handshakes: %s", strerror(-result));
		return result;
	}
	result = queue_rule_install(GATEWAY_QUEUE_FIRST, (uint16_t)gateway->worker_count);
	if (result < 0)
		log_error("cannot install the packet queue's rule: %s", strerror(-result));
	return result;
}

static int open_workers(struct gateway *gateway)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	gateway->worker_count = gateway->config->workers ? gateway->config->workers
				: cores > 0              ? (unsigned int)cores
							 : 1;
	if (gateway->worker_count > GATEWAY_WORKERS_MAX)
		gateway->worker_count = GATEWAY_WORKERS_MAX;
	gateway->workers = calloc(gateway->worker_count, sizeof(*gateway->workers));
	if (!gateway->workers)
		return -ENOMEM;
	for (unsigned int i = 0; i < gateway->worker_count; i++)
		if (worker_open(&gateway->workers[i], gateway, i) < 0)
			return -1;
	return 0;
}

static int open_shared(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	/* A reload must not starve behind learners. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&gateway->applied.lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	gateway->applied.in_kernel = config->network.interface_count > 0;
	atomic_store(&gateway->lifetime_ms, config->dns.stale_after_ms);
	atomic_store(&gateway->grace_ms, config->dns.grace_ms);
	gateway->pins = pins_new(config->capacity.pins);
	gateway->admissions = admissions_new((uint32_t)config->capacity.admissions);
	if (!gateway->pins || !gateway->admissions) {
		log_error("not enough memory for the tables (capacity)");
		return -1;
	}
	gateway->events = events_open(config->log_file);
	if (!gateway->events) {
		log_error("cannot open the log %s: %s", config->log_file, strerror(errno));
		return -1;
	}
	return 0;
}

/* What only a gateway in the packets' path has. */
static int open_kernel_side(struct gateway *gateway)
{
	if (!gateway->applied.in_kernel)
		return 0;
	if (state_load(gateway) < 0 || put_ruleset(gateway) < 0 || prepare_host(gateway) < 0)
		return -1;
	if (reporter_open(&gateway->reporter, gateway) < 0) {
		log_error("cannot listen to the kernel's reports: %s", strerror(errno));
		return -1;
	}
	if (make_socket_folder(gateway->config->admin_socket) < 0)
		return -1;
	gateway->admin =
		admin_open(gateway->loop, gateway->config->admin_socket, admin_request, gateway);
	if (!gateway->admin) {
		log_error("cannot open the admin socket %s: %s", gateway->config->admin_socket,
			  strerror(errno));
		return -1;
	}
	if (loop_timer_start(gateway->loop, &gateway->sweeping, SWEEP_MS, sweep) < 0)
		return -1;
	return loop_timer_start(gateway->loop, &gateway->saving, SAVE_MS, save);
}

static int start_workers(struct gateway *gateway)
{
	for (unsigned int i = 0; i < gateway->worker_count; i++)
		if (worker_start(&gateway->workers[i]) < 0)
			return -1;
	return 0;
}

static int give_life_sign(struct gateway *gateway)
{
	const char *interfaces[CONFIG_INTERFACES_MAX];

	if (!gateway->applied.in_kernel)
		return 0;
	(void)gateway_judge_flows(gateway); /* what an earlier process admitted */
	for (size_t i = 0; i < gateway->config->network.interface_count; i++)
		interfaces[i] = gateway->config->network.interfaces[i];
	gateway->life_sign = life_sign_start(interfaces, gateway->config->network.interface_count);
	if (!gateway->life_sign)
		log_error("cannot give the life sign: %s", strerror(errno));
	return gateway->life_sign ? 0 : -1;
}

/* Queue numbers are part of the ruleset, so workers are counted, and their queues bound, before it.
 */
static int start(struct gateway *gateway)
{
	if (open_shared(gateway) < 0 || open_workers(gateway) < 0 || open_kernel_side(gateway) < 0)
		return -1;
	if (refresher_open(&gateway->refresher, gateway) < 0) {
		log_error("cannot start the refresher of names");
		return -1;
	}
	return start_workers(gateway) < 0 || give_life_sign(gateway) < 0 ? -1 : 0;
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
	if (was_running && gateway->applied.in_kernel) {
		state_save(gateway);
		leave_kernel(gateway);
	}
	if (gateway->events)
		events_close(gateway->events);
	pins_free(gateway->pins);
	admissions_free(gateway->admissions);
	free(gateway->applied.numbers);
	free(gateway->applied.named);
}

static int run_loaded(struct gateway *gateway)
{
	bool running = start(gateway) == 0;

	if (running) {
		log_info("ready: %u worker%s", gateway->worker_count,
			 gateway->worker_count == 1 ? "" : "s");
		loop_run(gateway->loop);
	}
	stop(gateway, running);
	return running ? 0 : 1;
}

/* Loads the first configuration. 0, or the exit status. */
static int load_first(struct gateway *gateway)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_policy) struct policy *policy = NULL;

	if (!problems)
		return 1;
	if (host_addresses(gateway->own_addresses, 64, &gateway->own_address_count) < 0) {
		log_error("cannot list this host's addresses: %s", strerror(errno));
		return 1;
	}
	gateway->config = gateway_load(gateway, &policy, problems);
	gateway_log_problems(problems);
	if (!gateway->config)
		return 2;
	gateway->slot = policy_slot_new(take_pointer(policy));
	return gateway->slot ? 0 : 1;
}

int gateway_run(const struct gateway_options *options)
{
	struct gateway gateway = {.options = options, .started_wall_ms = clock_wall_ms()};
	int status;

	gateway.loop = loop_new();
	if (!gateway.loop || open_signals(&gateway) < 0) {
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
	loop_free(gateway.loop);
	return status;
}
