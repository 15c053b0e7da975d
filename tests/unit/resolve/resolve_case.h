/*
 * A small world for the tests of src/resolve/: a fake upstream in the test's own loop, on loopback,
 * that answers by the first label of the name; a policy that allows *.test.example; a learner that
 * takes notes. Everything runs in one thread, so the order of things is what the test sees.
 */
#pragma once

#include "../proto/dns_builder.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "resolve/name_budget.h"
#include "resolve/resolver_impl.h"

#define NXDOMAIN 3
#define SERVFAIL 2
#define REFUSED  5

#define FAKE_CONNECTIONS 16
#define FAKE_NOTES       64

/* ------------------------------------------------------------------ the upstream */

struct fake_connection {
	struct loop_watch watch;
	struct fake_upstream *upstream;
};

struct fake_upstream {
	struct loop *loop;
	struct loop_watch udp, tcp;
	struct fake_connection connections[FAKE_CONNECTIONS];
	size_t connection_count;
	struct ip_endpoint endpoint;
	unsigned int by_udp, by_tcp;
	uint16_t ids[FAKE_NOTES], ports[FAKE_NOTES];
	bool silent;       /* to everything */
	bool hangs_up;     /* closes TCP connections without an answer */
	unsigned int code; /* instead of any answer, when not 0 */
	/* Instead of all the rest, when set. False: no answer. */
	bool (*script)(struct fake_upstream *upstream, const uint8_t *query, size_t length,
		       struct builder *reply);
	struct sockaddr_in asked_from; /* whom a script may answer by itself */
};

static inline struct ip_endpoint local_endpoint(int descriptor)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	struct ip_endpoint endpoint;

	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(ip_from_sockaddr(&address, &endpoint), 0);
	return endpoint;
}

/* A non-blocking socket on 127.0.0.1. */
static inline int open_local(int type, uint16_t port)
{
	struct ip_endpoint endpoint = {.address = ip_from_v4(INADDR_LOOPBACK), .port = port};
	struct sockaddr_storage address;
	socklen_t length = ip_to_sockaddr(&endpoint, &address);
	int descriptor = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(descriptor >= 0);
	if (bind(descriptor, (struct sockaddr *)&address, length) < 0) {
		close(descriptor);
		return -1;
	}
	return descriptor;
}

/* One port that is free for both; the descriptors are open. */
static inline uint16_t open_pair(int *ret_udp, int *ret_tcp)
{
	for (int i = 0; i < 100; i++) {
		uint16_t port;

		*ret_udp = open_local(SOCK_DGRAM, 0);
		port = local_endpoint(*ret_udp).port;
		*ret_tcp = open_local(SOCK_STREAM, port);
		if (*ret_tcp >= 0)
			return port;
		close(*ret_udp);
	}
	fail_msg("no port is free for UDP and TCP");
	return 0;
}

static inline void reply_start(struct builder *reply, const uint8_t *query, unsigned int flags,
			       unsigned int answers, unsigned int authority)
{
	size_t end = 12;

	while (query[end] != 0)
		end += query[end] + 1u;
	end += 1 + 4;
	reply->length = 0;
	put(reply, query, 2);
	put16(reply, RESPONSE | RD | RA | flags);
	put16(reply, 1);
	put16(reply, answers);
	put16(reply, authority);
	put16(reply, 0);
	put(reply, query + 12, end - 12);
}

static inline void put_a(struct builder *reply, const char *owner, uint32_t ttl, uint32_t address)
{
	a_record(reply, owner, ttl, address);
}

static inline void put_aaaa(struct builder *reply, const char *owner, uint32_t ttl,
			    const char *address)
{
	struct ip_address parsed;

	assert_int_equal(ip_parse(address, &parsed), 0);
	put_name(reply, owner);
	size_t begin = open_record(reply, DNS_TYPE_AAAA, ttl);
	put(reply, parsed.bytes, 16);
	close_record(reply, begin);
}

static inline void put_cname(struct builder *reply, const char *owner, uint32_t ttl,
			     const char *target)
{
	put_name(reply, owner);
	size_t begin = open_record(reply, DNS_TYPE_CNAME, ttl);
	put_name(reply, target);
	close_record(reply, begin);
}

static inline void put_soa(struct builder *reply, uint32_t ttl, uint32_t minimum)
{
	put_name(reply, "test.example");
	size_t begin = open_record(reply, DNS_TYPE_SOA, ttl);
	put_name(reply, "ns.test.example");
	put_name(reply, "admin.test.example");
	for (int i = 0; i < 4; i++)
		put32(reply, 1);
	put32(reply, minimum);
	close_record(reply, begin);
}

static inline void put_https(struct builder *reply, const char *owner, uint32_t ttl, uint32_t hint)
{
	uint32_t network_order = htonl(hint);

	put_name(reply, owner);
	size_t begin = open_record(reply, DNS_TYPE_HTTPS, ttl);
	put16(reply, 1);
	put8(reply, 0);
	parameter(reply, 4, &network_order, 4);
	parameter(reply, 5, "ech-config", 10);
	close_record(reply, begin);
}

#define MANY_ADDRESSES 100 /* do not fit into a datagram of ours */

static inline void reply_with_many(struct builder *reply, const uint8_t *query, const char *name,
				   bool tcp)
{
	if (!tcp) {
		reply_start(reply, query, TC, 0, 0);
		return;
	}
	reply_start(reply, query, 0, MANY_ADDRESSES, 0);
	for (uint32_t i = 0; i < MANY_ADDRESSES; i++)
		put_a(reply, name, 60, 0x14000001 + i);
}

static inline void reply_to_a(struct builder *reply, const uint8_t *query, const char *name,
			      const char *label, bool tcp)
{
	if (strcmp(label, "special") == 0) {
		reply_start(reply, query, 0, 2, 0);
		put_a(reply, name, 60, 0x14000001);
		put_a(reply, name, 60, 0xa9fea9fe); /* 169.254.169.254 */
	} else if (strcmp(label, "private") == 0) {
		reply_start(reply, query, 0, 1, 0);
		put_a(reply, name, 60, 0x0a010203);
	} else if (strcmp(label, "chain") == 0) {
		reply_start(reply, query, 0, 4, 0);
		put_cname(reply, name, 300, "x.cdn.example");
		put_cname(reply, "x.cdn.example", 20, "y.cdn.example");
		put_a(reply, "y.cdn.example", 60, 0x14000001);
		put_a(reply, "stranger.example", 60, 0x14000009);
	} else if (strcmp(label, "loop") == 0) {
		reply_start(reply, query, 0, 1, 0);
		put_cname(reply, name, 300, name);
	} else if (strcmp(label, "zero") == 0) {
		reply_start(reply, query, 0, 1, 0);
		put_a(reply, name, 0, 0x14000001);
	} else if (strcmp(label, "long") == 0) {
		reply_start(reply, query, 0, 1, 0);
		put_a(reply, name, 90000, 0x14000001);
	} else if (strcmp(label, "big") == 0) { /* just fits into the cache */
		reply_start(reply, query, 0, 36, 0);
		for (uint32_t i = 0; i < 36; i++)
			put_a(reply, name, 60, 0x14000001 + i);
	} else if (strcmp(label, "many") == 0) {
		reply_with_many(reply, query, name, tcp);
	} else {
		reply_start(reply, query, 0, 1, 0);
		put_a(reply, name, 60, 0x14000001);
	}
}

static inline void reply_by_type(struct builder *reply, const uint8_t *query,
				 const struct dns_question *asked, const char *label, bool tcp)
{
	const char *name = asked->name.text;
	bool v4_only = strcmp(label, "plain") != 0;

	if (asked->type == DNS_TYPE_A) {
		reply_to_a(reply, query, name, label, tcp);
	} else if (asked->type == DNS_TYPE_AAAA && !v4_only) {
		reply_start(reply, query, 0, 1, 0);
		put_aaaa(reply, name, 60, "2600::1");
	} else if (asked->type == DNS_TYPE_HTTPS) {
		reply_start(reply, query, 0, 1, 0);
		put_https(reply, name, 60, 0x14000005);
	} else {
		reply_start(reply, query, 0, 0, 1);
		put_soa(reply, 100, 30);
	}
}

/* False: no answer. */
static inline bool fake_answer(struct fake_upstream *upstream, const uint8_t *query, size_t length,
			       bool tcp, struct builder *reply)
{
	struct dns_query parsed;
	char label[64] = "";

	assert_int_equal(dns_query_parse(query, length, &parsed), 0);
	assert_true(parsed.has_edns && parsed.flags & RD);
	strncat(label, parsed.question.name.text, strcspn(parsed.question.name.text, "."));
	if (upstream->script)
		return upstream->script(upstream, query, length, reply);
	if (upstream->silent || strcmp(label, "silent") == 0)
		return false;
	if (upstream->code) {
		reply_start(reply, query, upstream->code, 0, 0);
	} else if (strcmp(label, "none") == 0) {
		reply_start(reply, query, NXDOMAIN, 0, 1);
		put_soa(reply, 100, 30);
	} else if (strcmp(label, "nosoa") == 0) {
		reply_start(reply, query, NXDOMAIN, 0, 0);
	} else {
		reply_by_type(reply, query, &parsed.question, label, tcp);
	}
	return true;
}

static inline void fake_note(struct fake_upstream *upstream, const uint8_t *query, uint16_t port)
{
	unsigned int index = (upstream->by_udp + upstream->by_tcp) % FAKE_NOTES;

	upstream->ids[index] = (uint16_t)(query[0] << 8 | query[1]);
	upstream->ports[index] = port;
}

/* What a forger or a broken server might send before the right answer; false: instead of it. */
static inline bool fake_forge(int descriptor, const struct sockaddr_in *to, const char *label,
			      const struct builder *reply)
{
	static struct builder forged;

	forged = *reply;
	if (strcmp(label, "wrongid") == 0)
		forged.bytes[0] ^= 0xff;
	else if (strcmp(label, "wrongquestion") == 0)
		forged.bytes[13] = 'x';
	else if (strncmp(label, "broken", 6) == 0)
		forged.length -= 3;
	else
		return true;
	for (int i = 0; i < 3; i++)
		(void)!sendto(descriptor, forged.bytes, forged.length, 0,
			      (const struct sockaddr *)to, sizeof(*to));
	return strcmp(label, "brokenonly") != 0;
}

static inline void fake_udp_ready(struct loop_watch *watch, uint32_t events)
{
	static struct builder reply;
	struct fake_upstream *upstream = loop_owner(watch, struct fake_upstream, udp);
	struct sockaddr_in from;
	socklen_t from_length = sizeof(from);
	uint8_t query[600] = {0};
	char label[64] = "";
	ssize_t length = recvfrom(watch->descriptor, query, sizeof(query), 0,
				  (struct sockaddr *)&from, &from_length);

	(void)events;
	if (length < 0)
		return;
	fake_note(upstream, query, ntohs(from.sin_port));
	upstream->asked_from = from;
	upstream->by_udp++;
	if (!fake_answer(upstream, query, (size_t)length, false, &reply))
		return;
	memcpy(label, query + 13, query[12]);
	if (fake_forge(watch->descriptor, &from, label, &reply))
		(void)!sendto(watch->descriptor, reply.bytes, reply.length, 0,
			      (struct sockaddr *)&from, from_length);
}

static inline void send_all(int descriptor, const void *bytes, size_t length)
{
	assert_int_equal(send(descriptor, bytes, length, MSG_NOSIGNAL), length);
}

/* Our questions come in one piece on loopback; the answer goes out in three. */
static inline void fake_connection_ready(struct loop_watch *watch, uint32_t events)
{
	static struct builder reply;
	struct fake_connection *connection = loop_owner(watch, struct fake_connection, watch);
	struct fake_upstream *upstream = connection->upstream;
	uint8_t framed[600], size[2];
	ssize_t length = recv(watch->descriptor, framed, sizeof(framed), 0);

	(void)events;
	if (length > 2 && !upstream->hangs_up &&
	    fake_answer(upstream, framed + 2, (size_t)length - 2, true, &reply)) {
		upstream->by_tcp++;
		size[0] = (uint8_t)(reply.length >> 8);
		size[1] = (uint8_t)reply.length;
		send_all(watch->descriptor, size, 1);
		send_all(watch->descriptor, size + 1, 1);
		send_all(watch->descriptor, reply.bytes, reply.length);
		return;
	}
	loop_watch_remove(upstream->loop, watch);
	close(watch->descriptor);
}

static inline void fake_tcp_ready(struct loop_watch *watch, uint32_t events)
{
	struct fake_upstream *upstream = loop_owner(watch, struct fake_upstream, tcp);
	int descriptor = accept4(watch->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct fake_connection *connection = &upstream->connections[upstream->connection_count++];

	(void)events;
	assert_true(descriptor >= 0 && upstream->connection_count <= FAKE_CONNECTIONS);
	connection->upstream = upstream;
	assert_int_equal(loop_watch_add(upstream->loop, &connection->watch, descriptor, EPOLLIN,
					fake_connection_ready),
			 0);
}

static inline void fake_upstream_start(struct fake_upstream *upstream, struct loop *loop)
{
	int udp, tcp;

	memset(upstream, 0, sizeof(*upstream));
	upstream->loop = loop;
	open_pair(&udp, &tcp);
	upstream->endpoint = local_endpoint(udp);
	assert_int_equal(listen(tcp, 16), 0);
	assert_int_equal(loop_watch_add(loop, &upstream->udp, udp, EPOLLIN, fake_udp_ready), 0);
	assert_int_equal(loop_watch_add(loop, &upstream->tcp, tcp, EPOLLIN, fake_tcp_ready), 0);
}

static inline void fake_upstream_stop(struct fake_upstream *upstream)
{
	for (size_t i = 0; i < upstream->connection_count; i++)
		if (upstream->connections[i].watch.active) {
			loop_watch_remove(upstream->loop, &upstream->connections[i].watch);
			close(upstream->connections[i].watch.descriptor);
		}
	loop_watch_remove(upstream->loop, &upstream->udp);
	loop_watch_remove(upstream->loop, &upstream->tcp);
	close(upstream->udp.descriptor);
	close(upstream->tcp.descriptor);
}

/* -------------------------------------------------------------------- the world */

struct world {
	struct loop *loop;
	struct loop_timer guard; /* a test that hangs fails */
	struct policy_slot *slot;
	struct fake_upstream upstreams[2];
	struct resolver *resolver;
	/* what the learner heard */
	unsigned int learnings;
	struct name learned_name;
	struct learned_address learned[RESOLVER_ADDRESSES_MAX];
	size_t learned_count;
	int learn_error;
	struct name_budget *budget;
	void (*on_learn)(struct world *world);
};

static inline struct name named(const char *text)
{
	struct name name;

	assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
	return name;
}

static inline int world_learn(void *context, const struct name *name,
			      const struct learned_address *addresses, size_t count)
{
	struct world *world = context;

	world->learnings++;
	world->learned_name = *name;
	world->learned_count = count;
	memcpy(world->learned, addresses, count * sizeof(*addresses));
	if (world->on_learn)
		world->on_learn(world);
	return world->learn_error;
}

/* Allows https to `pattern`; 10.9.0.0/16 is a listed private destination. */
static inline struct policy *make_policy(const char *text)
{
	struct rule_set set = {0};
	struct rule_collection *collection = rule_set_add_collection(&set);
	struct rule *rule;
	struct pattern pattern;
	struct policy *policy = NULL;
	const char *message;
	char *detail = NULL;

	assert_non_null(collection);
	collection->name = strdup("names");
	collection->priority = 200;
	collection->action = RULE_ALLOW;
	collection->kind = RULE_APPLICATION;
	rule = rule_collection_add_rule(collection);
	assert_non_null(rule);
	rule->name = strdup("test");
	rule->any_source = true;
	assert_int_equal(pattern_parse(text, &pattern, &message), 0);
	assert_int_equal(rule_add_pattern(rule, &pattern), 0);
	assert_int_equal(rule_add_protocol(rule, APPLICATION_HTTPS, 443), 0);
	assert_int_equal(policy_compile(&set, &policy, &detail), 0);
	return policy;
}

static inline void world_hangs(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("nothing happened for five seconds");
}

static inline struct resolver_settings quick_settings(const struct world *world)
{
	return (struct resolver_settings){
		.upstreams = {world->upstreams[0].endpoint, world->upstreams[1].endpoint},
		.upstream_count = 2,
		.timeout_ms = 60,
		.pending_capacity = 8,
		.cache_capacity = 16,
		.budget = world->budget,
	};
}

static inline void world_make_resolver(struct world *world,
				       const struct resolver_settings *settings)
{
	struct learner learner = {.context = world, .learn = world_learn};

	resolver_free(world->resolver);
	world->resolver = resolver_new(world->loop, settings, world->slot, &learner);
	assert_non_null(world->resolver);
}

static inline struct world *world_new(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct resolver_settings settings;

	assert_non_null(world);
	policy_slot_register_thread();
	world->loop = loop_new();
	world->slot = policy_slot_new(make_policy("*.test.example"));
	assert_true(world->loop && world->slot);
	world->budget = name_budget_new(4, &(struct name_budget_limits){60, 32});
	assert_non_null(world->budget);
	fake_upstream_start(&world->upstreams[0], world->loop);
	fake_upstream_start(&world->upstreams[1], world->loop);
	settings = quick_settings(world);
	world_make_resolver(world, &settings);
	return world;
}

static inline void world_free(struct world *world)
{
	resolver_free(world->resolver);
	fake_upstream_stop(&world->upstreams[0]);
	fake_upstream_stop(&world->upstreams[1]);
	loop_timer_stop(world->loop, &world->guard);
	loop_free(world->loop);
	name_budget_free(world->budget);
	policy_slot_free(world->slot);
	policy_slot_unregister_thread();
	free(world);
}

/* Until something calls loop_stop(). */
static inline void world_run(struct world *world)
{
	assert_int_equal(loop_timer_start(world->loop, &world->guard, 5000, world_hangs), 0);
	loop_run(world->loop);
	loop_timer_stop(world->loop, &world->guard);
}
