/*
 * A worker: one thread with its own loop, resolver, DNS sockets, queue and listeners. All of it is
 * opened by the main thread, where a failure can be told, and then used by the worker's thread
 * alone.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/log.h"

#define PUBLISH_MS 250

struct resolver_settings gateway_resolver_settings(const struct config *config)
{
	struct resolver_settings settings = {.upstream_count = config->dns.upstream_count};

	invariant(config->dns.upstream_count <= RESOLVER_UPSTREAMS_MAX);
	for (size_t i = 0; i < config->dns.upstream_count; i++)
		settings.upstreams[i] = config->dns.upstreams[i];
	return settings;
}

/* Which of the listeners it was is not known here. */
static void log_listeners(const char *what, const struct ip_endpoint *endpoints, size_t count,
			  int error)
{
	const char *hint = error == EADDRINUSE      ? " (does another program listen there?)"
			   : error == EADDRNOTAVAIL ? " (is the address on an interface?)"
						    : "";
	cleanup(text_free) struct text list = TEXT_EMPTY;
	char endpoint[IP_ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < count; i++)
		text_addf(&list, " %s", ip_endpoint_format(&endpoints[i], endpoint));
	log_error("cannot listen at %s%s: %s%s", what, text_string(&list), strerror(error), hint);
}

static int open_dns(struct worker *worker, const struct config *config)
{
	struct dns_proxy_settings settings = {
		.listen_count = config->dns.listen_count,
		.transparent = config->dns.intercept && worker->gateway->applied.in_kernel,
		.denied_answer =
			config->dns.answer_nxdomain ? DNS_DENIED_NXDOMAIN : DNS_DENIED_REFUSED,
		.resolve_any = config->dns.resolve_any,
	};

	if (config->dns.listen_count == 0)
		return 0;
	for (size_t i = 0; i < config->dns.listen_count; i++)
		settings.listen[i] = config->dns.listen[i];
	worker->dns = dns_proxy_new(worker->loop, worker->resolver, worker->gateway->slot,
				    worker->gateway->events, &settings);
	if (worker->dns)
		return 0;
	log_listeners("dns.listen", config->dns.listen, config->dns.listen_count, errno);
	return -1;
}

static int open_inspector(struct worker *worker, const struct config *config)
{
	struct gateway *gateway = worker->gateway;
	struct inspector_settings settings = {
		.queue_number = (uint16_t)(GATEWAY_QUEUE_FIRST + worker->number),
		.flow_capacity = config->capacity.flows,
	};

	if (!gateway->applied.in_kernel)
		return 0;
	worker->inspector = inspector_new(worker->loop, &settings, gateway->slot, gateway->pins,
					  gateway->admissions, worker->resolver, gateway->events);
	if (worker->inspector)
		return 0;
	log_error("cannot bind packet queue %u: %s%s", settings.queue_number, strerror(errno),
		  errno == EPERM ? " (does another sallyport run here?)" : "");
	return -1;
}

static int open_proxy(struct worker *worker, const struct config *config)
{
	struct gateway *gateway = worker->gateway;
	struct proxy_settings settings = {
		.transparent = gateway->applied.in_kernel,
		.transparent_port = GATEWAY_PROXY_PORT,
		.explicit_count = config->explicit_proxy.listen_count,
		.session_capacity = config->capacity.sessions,
	};

	for (size_t i = 0; i < config->explicit_proxy.listen_count; i++)
		settings.explicit_listen[i] = config->explicit_proxy.listen[i];
	worker->proxy = proxy_new(worker->loop, &settings, gateway->slot, worker->resolver,
				  gateway->events);
	if (worker->proxy)
		return 0;
	log_listeners(settings.transparent ? "127.0.0.1:7053 [::1]:7053" : "explicit.listen",
		      settings.explicit_listen, settings.explicit_count, errno);
	return -1;
}

int worker_open(struct worker *worker, struct gateway *gateway, unsigned int number)
{
	const struct config *config = gateway->config;
	struct resolver_settings resolver = gateway_resolver_settings(config);
	struct learner learner = learning_learner(&worker->learning);

	resolver.budget = gateway->budget;
	worker->gateway = gateway;
	worker->number = number;
	pthread_mutex_init(&worker->figures_lock, NULL);
	worker->loop = loop_new();
	if (!worker->loop || learning_open(&worker->learning, gateway) < 0) {
		log_error("cannot set up worker %u: %s", number, strerror(errno));
		return -1;
	}
	worker->resolver = resolver_new(worker->loop, &resolver, gateway->slot, &learner);
	if (!worker->resolver) {
		log_error("cannot set up the resolver of worker %u: %s", number, strerror(errno));
		return -1;
	}
	if (open_dns(worker, config) < 0 || open_inspector(worker, config) < 0 ||
	    open_proxy(worker, config) < 0)
		return -1;
	return 0;
}

static void publish(struct loop_timer *timer)
{
	struct worker *worker = loop_owner(timer, struct worker, publishing);
	struct worker_figures figures = {
		.resolver = resolver_figures(worker->resolver),
		.proxy = proxy_figures(worker->proxy),
	};

	if (worker->dns)
		figures.dns = dns_proxy_figures(worker->dns);
	if (worker->inspector)
		figures.inspector = inspector_figures(worker->inspector);
	pthread_mutex_lock(&worker->figures_lock);
	worker->figures = figures;
	pthread_mutex_unlock(&worker->figures_lock);
	(void)loop_timer_start(worker->loop, timer, PUBLISH_MS, publish);
}

static void *work(void *context)
{
	struct worker *worker = context;

	policy_slot_register_thread();
	publish(&worker->publishing);
	loop_run(worker->loop);
	policy_slot_unregister_thread();
	return NULL;
}

int worker_start(struct worker *worker)
{
	int error = pthread_create(&worker->thread, NULL, work, worker);

	worker->started = error == 0;
	if (error != 0)
		log_error("cannot start worker %u: %s", worker->number, strerror(error));
	return -error;
}

void worker_close(struct worker *worker)
{
	if (!worker->gateway)
		return;
	if (worker->started) {
		loop_stop(worker->loop);
		pthread_join(worker->thread, NULL);
	}
	proxy_free(worker->proxy);
	inspector_free(worker->inspector);
	dns_proxy_free(worker->dns);
	resolver_free(worker->resolver);
	learning_close(&worker->learning);
	loop_free(worker->loop);
	pthread_mutex_destroy(&worker->figures_lock);
}

struct worker_figures worker_figures(struct worker *worker)
{
	struct worker_figures figures;

	pthread_mutex_lock(&worker->figures_lock);
	figures = worker->figures;
	pthread_mutex_unlock(&worker->figures_lock);
	return figures;
}
