/*
 * A gateway without its kernel: real policy, pins, admissions and log; the kernel's sets, the nft
 * program, the connection table and the packet log are played here and remember what they were
 * told. What a test does not use is not linked.
 */
#pragma once

#include "../policy/write_rules.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "gateway/gateway_impl.h"
#include "kernel/fingerprint.h"
#include "kernel/nft.h"
#include "kernel/queue.h"
#include "kernel/sequence_rules.h"

#define MINUTE_MS 60000u

struct world {
	struct gateway gateway;
	struct gateway_options options;
	struct learning learning;
	struct config config;
	char folder[64], log[128];
};

/* -------------------------------------------------------------------- the kernel */

static struct {
	struct kernel_element puts[1024];
	size_t put_count, batches;
	int put_error; /* from batch number `put_fails_at` (from 1) on */
	size_t put_fails_at;

	struct text ruleset; /* the last one */
	size_t applications;
	int nft_error;
	const char *nft_words;
	uint64_t fingerprint; /* 0: somebody took the ruleset away */
	int fingerprint_error;
	size_t rule_installations;
	int rule_error;
	void (*while_nft_runs)(void *context);
	void *context;

	struct conntrack_flow flows[16];
	size_t flow_count;
	uint32_t marks[16]; /* set by the gateway; 0: not */
	int mark_error, walk_error;
} s_kernel;

static inline struct kernel_sets *any_sets(void)
{
	return (struct kernel_sets *)(void *)&s_kernel;
}

struct kernel_sets *kernel_sets_open(void)
{
	return any_sets();
}

void kernel_sets_close(struct kernel_sets *sets)
{
	assert_ptr_equal(sets, any_sets());
}

int kernel_sets_put(struct kernel_sets *sets, const struct kernel_element *elements, size_t count)
{
	assert_ptr_equal(sets, any_sets());
	assert_in_range(count, 1, KERNEL_SETS_PUT_MAX);
	s_kernel.batches++;
	if (s_kernel.put_fails_at > 0 && s_kernel.batches >= s_kernel.put_fails_at)
		return s_kernel.put_error;
	assert_true(s_kernel.put_count + count <= 1024);
	for (size_t i = 0; i < count; i++) {
		assert_in_range(elements[i].timeout_ms, 1, UINT64_MAX / 2);
		s_kernel.puts[s_kernel.put_count++] = elements[i];
	}
	return 0;
}

int nft_helper_apply(struct nft_helper *helper, const char *ruleset, struct text *ret_error)
{
	(void)helper;
	s_kernel.applications++;
	if (s_kernel.while_nft_runs)
		s_kernel.while_nft_runs(s_kernel.context);
	if (s_kernel.nft_error) {
		text_add(ret_error, s_kernel.nft_words ? s_kernel.nft_words : "");
		return s_kernel.nft_error;
	}
	text_clear(&s_kernel.ruleset);
	text_add(&s_kernel.ruleset, ruleset);
	s_kernel.fingerprint = s_kernel.applications;
	return 0;
}

int ruleset_fingerprint(uint64_t *ret_fingerprint)
{
	if (s_kernel.fingerprint_error == 0)
		*ret_fingerprint = s_kernel.fingerprint;
	return s_kernel.fingerprint_error;
}

int sequence_rules_install(void)
{
	s_kernel.rule_installations++;
	return s_kernel.rule_error;
}

int queue_rule_install(uint16_t first, uint16_t count)
{
	(void)first;
	(void)count;
	s_kernel.rule_installations++;
	return s_kernel.rule_error;
}

int conntrack_walk(void (*visit)(void *context, const struct conntrack_flow *flow), void *context)
{
	for (size_t i = 0; i < s_kernel.flow_count && !s_kernel.walk_error; i++)
		visit(context, &s_kernel.flows[i]);
	return s_kernel.walk_error;
}

int conntrack_set_mark(const struct conntrack_flow *flow, uint32_t mark)
{
	for (size_t i = 0; i < s_kernel.flow_count; i++)
		if (memcmp(&s_kernel.flows[i], flow, sizeof(*flow)) == 0 && !s_kernel.mark_error)
			s_kernel.marks[i] = mark;
	return s_kernel.mark_error;
}

/* ------------------------------------------------------------------------- the world */

/* `write` adds the rules. */
static inline struct policy *make_policy(void (*write)(struct rule_set *set))
{
	struct rule_set set = {0};

	write(&set);
	return compile(&set);
}

static inline int make_world(void **state, void (*write)(struct rule_set *set))
{
	struct world *world = calloc(1, sizeof(*world));
	struct gateway *gateway;

	assert_non_null(world);
	text_free(&s_kernel.ruleset);
	memset(&s_kernel, 0, sizeof(s_kernel));
	gateway = &world->gateway;
	strcpy(world->folder, "/tmp/sallyport-gateway-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->log, sizeof(world->log), "%s/log", world->folder);
	policy_slot_register_thread();
	pthread_rwlock_init(&gateway->applied.lock, NULL);
	gateway->options = &world->options;
	gateway->config = &world->config;
	gateway->slot = policy_slot_new(make_policy(write));
	gateway->pins = pins_new(200);
	gateway->admissions = admissions_new(1000);
	gateway->budget = name_budget_new(16, &(struct name_budget_limits){300, 600});
	gateway->events = events_open(world->log);
	assert_true(gateway->slot && gateway->pins && gateway->admissions && gateway->events);
	gateway->applied.in_kernel = true;
	gateway->started_ms = clock_steady_ms();
	atomic_store(&gateway->lifetime_ms, 15 * MINUTE_MS);
	atomic_store(&gateway->grace_ms, MINUTE_MS);
	*state = world;
	return 0;
}

static inline int end_world(void **state)
{
	struct world *world = *state;
	struct gateway *gateway = &world->gateway;
	char command[128];

	policy_slot_free(gateway->slot);
	policy_slot_unregister_thread();
	pins_free(gateway->pins);
	admissions_free(gateway->admissions);
	name_budget_free(gateway->budget);
	events_close(gateway->events);
	free(gateway->applied.numbers);
	free(gateway->applied.named);
	pthread_rwlock_destroy(&gateway->applied.lock);
	text_free(&s_kernel.ruleset);
	snprintf(command, sizeof(command), "rm -r %s", world->folder);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

/* The policy's network rules get the numbers 1, 2, … in the kernel. */
static inline void number_rules(struct world *world)
{
	struct gateway *gateway = &world->gateway;
	const struct policy *policy = policy_slot_enter(gateway->slot);
	size_t count = policy_network_rule_count(policy);

	gateway->applied.numbers = calloc(count + 1, sizeof(uint32_t));
	gateway->applied.count = count;
	for (size_t i = 0; i < count; i++)
		assert_int_equal(admissions_number(gateway->admissions, ADMISSION_RULE,
						   policy_rule_at(policy, i)->label,
						   &gateway->applied.numbers[i]),
				 0);
	policy_slot_leave(gateway->slot);
}

static inline uint32_t number_of(struct world *world, enum admission_kind kind, const char *key)
{
	uint32_t number = 0;

	assert_int_equal(admissions_number(world->gateway.admissions, kind, key, &number), 0);
	return number;
}

static inline void pin_for(struct world *world, const char *name_text, const char *address_text,
			   uint64_t lasting_ms)
{
	struct name name = write_name(name_text);
	struct ip_address address = write_address(address_text);
	uint64_t now = clock_steady_ms(), previous;
	enum pin_news news;

	assert_int_equal(pins_learn(world->gateway.pins, &name, &address, now, now + lasting_ms,
				    &news, &previous),
			 0);
}

/* Milliseconds that the pin still lasts; 0: there is none. */
static inline uint64_t pin_lasts(struct world *world, const char *name_text,
				 const char *address_text)
{
	struct name name = write_name(name_text);
	struct ip_address address = write_address(address_text);
	uint64_t now = clock_steady_ms();
	uint64_t end = pins_expiry(world->gateway.pins, &name, &address, now);

	return end == 0 ? 0 : end - now;
}

/* A moment may pass in the test. */
static inline void assert_about(uint64_t milliseconds, uint64_t expected)
{
	assert_in_range(milliseconds, expected - 2000, expected);
}

/* The whole log; the caller frees. */
static inline char *read_log(const struct world *world)
{
	char *log = NULL;
	size_t length;

	assert_int_equal(file_read(world->log, 1u << 20, &log, &length), 0);
	return log;
}

static inline void assert_logged(const struct world *world, const char *words)
{
	char *log = read_log(world);

	if (!strstr(log, words))
		fail_msg("the log has no %s but:\n%s", words, log);
	free(log);
}

static inline void assert_nothing_logged(const struct world *world)
{
	char *log = read_log(world);

	assert_string_equal(log, "");
	free(log);
}

static inline struct conntrack_flow *add_flow(uint8_t protocol, const char *source,
					      const char *destination, uint16_t port, uint32_t mark)
{
	struct conntrack_flow *flow = &s_kernel.flows[s_kernel.flow_count++];

	assert_true(s_kernel.flow_count <= 16);
	memset(flow, 0, sizeof(*flow));
	flow->protocol = protocol;
	flow->source.address = write_address(source);
	flow->source.port = 40000;
	flow->destination.address = write_address(destination);
	flow->destination.port = port;
	flow->mark = mark;
	return flow;
}
