/*
 * The proxy of one worker. All of it runs in the loop's thread.
 *
 * A connection becomes a session (session_impl.h has its states). What it says first is held and
 * judged; the destination address that a client chose is never used: the name is looked up by us
 * and dialled, which also pins it. Everything a session needs is there from the start, so a flood
 * of connections can exhaust sessions (reset, SESSIONS_FULL) and nothing else.
 *
 * A reload judges all sessions again by the subject they were allowed with.
 */
#include "proxy/proxy_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assertion.h"

#define DEFAULT_SESSIONS           4096
#define DEFAULT_HEAD_TIMEOUT_MS    5000
#define DEFAULT_CONNECT_TIMEOUT_MS 10000
#define DEFAULT_IDLE_TIMEOUT_MS    240000

static void fill_in_defaults(struct proxy_settings *settings)
{
	if (settings->session_capacity == 0)
		settings->session_capacity = DEFAULT_SESSIONS;
	if (settings->head_timeout_ms == 0)
		settings->head_timeout_ms = DEFAULT_HEAD_TIMEOUT_MS;
	if (settings->connect_timeout_ms == 0)
		settings->connect_timeout_ms = DEFAULT_CONNECT_TIMEOUT_MS;
	if (settings->idle_timeout_ms == 0)
		settings->idle_timeout_ms = DEFAULT_IDLE_TIMEOUT_MS;
}

static int listen_at(struct proxy *proxy, const struct ip_endpoint *endpoint, bool is_transparent)
{
	int error = proxy_listener_open(&proxy->listeners[proxy->listener_count], proxy, endpoint,
					is_transparent);

	if (error == 0)
		proxy->listener_count++;
	return error;
}

static int listen_transparently(struct proxy *proxy)
{
	struct ip_endpoint loopback_v4 = {.address = ip_from_v4(INADDR_LOOPBACK),
					  .port = proxy->settings.transparent_port};
	struct ip_endpoint loopback_v6 = {.address = ip_from_bytes(6, &in6addr_loopback),
					  .port = proxy->settings.transparent_port};
	int error = listen_at(proxy, &loopback_v4, true);

	return error < 0 ? error : listen_at(proxy, &loopback_v6, true);
}

static int open_parts(struct proxy *proxy)
{
	const struct proxy_settings *settings = &proxy->settings;
	int error = 0;

	proxy->table = session_table_new(settings->session_capacity);
	proxy->pipes = proxy->table ? pipe_pool_new(2 * settings->session_capacity) : NULL;
	if (!proxy->pipes)
		return -ENOMEM;
	proxy->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (proxy->reserve < 0)
		return -errno;
	if (settings->transparent)
		error = listen_transparently(proxy);
	for (size_t i = 0; error == 0 && i < settings->explicit_count; i++)
		error = listen_at(proxy, &settings->explicit_listen[i], false);
	return error;
}

struct proxy *proxy_new(struct loop *loop, const struct proxy_settings *settings,
			struct policy_slot *slot, struct resolver *resolver, struct events *events)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	int error;

	if (!proxy)
		return NULL;
	invariant(settings->explicit_count <=
		  sizeof(settings->explicit_listen) / sizeof(settings->explicit_listen[0]));
	proxy->loop = loop;
	proxy->settings = *settings;
	fill_in_defaults(&proxy->settings);
	proxy->slot = slot;
	proxy->resolver = resolver;
	proxy->events = events;
	proxy->reserve = -1;
	error = open_parts(proxy);
	if (error < 0) {
		proxy_free(proxy);
		errno = -error;
		return NULL;
	}
	return proxy;
}

static void cut(struct session *session)
{
	session_over(session, CLOSE_RESET);
	session_run(session);
}

void proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return;
	for (size_t i = 0; i < proxy->listener_count; i++)
		proxy_listener_close(&proxy->listeners[i]);
	if (proxy->table)
		while (session_table_first(proxy->table))
			cut(session_table_first(proxy->table));
	pipe_pool_free(proxy->pipes);
	session_table_free(proxy->table);
	if (proxy->reserve >= 0)
		close(proxy->reserve);
	free(proxy);
}

void proxy_judge_again(struct proxy *proxy)
{
	struct session *next;

	for (struct session *at = session_table_first(proxy->table); at; at = next) {
		next = at->newer;
		if (!at->judged || session_judge_again(at) == REASON_RULE_ALLOWS)
			continue;
		session_emit_deny(at, REASON_REVOKED, NULL);
		cut(at);
	}
}

struct proxy_figures proxy_figures(const struct proxy *proxy)
{
	struct proxy_figures figures = proxy->figures;

	figures.session_capacity = proxy->settings.session_capacity;
	figures.sessions = session_table_count(proxy->table);
	return figures;
}
