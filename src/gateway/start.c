/*
 * The start of `sallyport run`, behind the configuration: everything that can fail is opened in
 * turn, each failure is told in one line of its own. What was opened stays for gateway.c to close.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static int prepare_host(struct gateway *gateway)
{
	const char *path = NULL;

	int result = host_sysctl_prepare(gateway->config->network.set_forwarding,
					 &gateway->switched, &path);

	if (result < 0) {
		log_error("cannot switch on %s: %s", path, strerror(-result));
		return result;
	}
	result = host_routing_install();
	if (result < 0)
		log_error("cannot install the routing rule for the transparent proxy: %s",
			  strerror(-result));
	return result;
}

static int put_ruleset(struct gateway *gateway)
{
	cleanup(text_free) struct text error = TEXT_EMPTY;
	int result = gateway_put_ruleset(gateway, &error);

	if (result < 0)
		log_error("%s", text_string(&error));
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
	if (!gateway->workers) {
		log_error("not enough memory for %u workers", gateway->worker_count);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < gateway->worker_count; i++)
		if (worker_open(&gateway->workers[i], gateway, i) < 0)
			return -1;
	return 0;
}

/* May this process change the network? (Root may, and who was given CAP_NET_ADMIN.) */
static bool is_network_administrator(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

/* Listeners share their ports (SO_REUSEPORT), also with those of another sallyport of the same
 * user, which would then get a part of the clients. So it is tried first without sharing. */
static int check_free(const char *key, const struct ip_endpoint *endpoint, int type)
{
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(endpoint, &address);
	cleanup(close_descriptor) int descriptor =
		socket(address.ss_family, type | SOCK_CLOEXEC, 0);
	char text[IP_ENDPOINT_TEXT_SIZE];
	int on = 1;

	if (descriptor < 0)
		return 0;
	if (type == SOCK_STREAM) /* connections that ended a moment ago do not count */
		(void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(descriptor, (const struct sockaddr *)&address, length) == 0 || errno != EADDRINUSE)
		return 0; /* other errors are told by those who open it */
	log_error("cannot listen at %s %s: another program listens there already (%s)", key,
		  ip_endpoint_format(endpoint, text), type == SOCK_STREAM ? "TCP" : "UDP");
	return -EADDRINUSE;
}

static int check_listeners(const struct config *config)
{
	for (size_t i = 0; i < config->explicit_proxy.listen_count; i++)
		if (check_free("explicit.listen", &config->explicit_proxy.listen[i], SOCK_STREAM) <
		    0)
			return -1;
	for (size_t i = 0; i < config->dns.listen_count; i++)
		if (check_free("dns.listen", &config->dns.listen[i], SOCK_DGRAM) < 0 ||
		    check_free("dns.listen", &config->dns.listen[i], SOCK_STREAM) < 0)
			return -1;
	return 0;
}

/* The admin socket comes first: it also tells that another gateway has this place, before anything
 * is taken from it. */
static int open_place(struct gateway *gateway)
{
	gateway->applied.in_kernel = gateway->config->network.interface_count > 0;
	if (!gateway->applied.in_kernel)
		return gateway_start_helper(gateway);
	if (!is_network_administrator()) {
		log_error("sallyport run needs root (CAP_NET_ADMIN); only with --explicit it does "
			  "not");
		return -EPERM;
	}
	if (gateway_start_helper(gateway) < 0)
		return -1;
	return control_open_admin(gateway);
}

static int open_shared(struct gateway *gateway)
{
	const struct config *config = gateway->config;
	struct name_budget_limits limits = gateway_budget_limits(config);
	pthread_rwlockattr_t attributes;

	pthread_rwlockattr_init(&attributes);
	/* A reload must not starve behind learners. */
	pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&gateway->applied.lock, &attributes);
	pthread_rwlockattr_destroy(&attributes);
	atomic_store(&gateway->lifetime_ms, config->dns.stale_after_ms);
	atomic_store(&gateway->grace_ms, config->dns.grace_ms);
	gateway->pins = pins_new(config->capacity.pins);
	gateway->admissions = admissions_new((uint32_t)config->capacity.admissions);
	gateway->budget = name_budget_new(GATEWAY_BUDGET_SOURCES, &limits);
	if (!gateway->pins || !gateway->admissions || !gateway->budget) {
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
	int error;

	if (!gateway->applied.in_kernel)
		return 0;
	if (state_load(gateway) < 0)
		return -1;
	error = gateway_cut_unknown_flows(gateway);
	if (error < 0) {
		log_error("cannot judge the flows of an earlier run: %s", strerror(-error));
		return -1;
	}
	if (put_ruleset(gateway) < 0 || prepare_host(gateway) < 0)
		return -1;
	if (reporter_open(&gateway->reporter, gateway) < 0) {
		log_error("cannot listen to the kernel's reports: %s", strerror(errno));
		return -1;
	}
	return 0;
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
static int open_all(struct gateway *gateway)
{
	if (open_place(gateway) < 0 || check_listeners(gateway->config) < 0 ||
	    open_shared(gateway) < 0 || open_workers(gateway) < 0 || open_kernel_side(gateway) < 0)
		return -1;
	if (refresher_open(&gateway->refresher, gateway) < 0) {
		log_error("cannot start the refresher of names");
		return -1;
	}
	return 0;
}

int gateway_start(struct gateway *gateway)
{
	if (open_all(gateway) < 0 || gateway_confine(gateway) < 0 || start_workers(gateway) < 0)
		return -1;
	return give_life_sign(gateway);
}
