/* What a gateway takes at its start is all there or not at all; state files are whole or the old
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../policy/write_rules.h"
#include "failing_malloc.h"
#include "loop/loop.h"
#include "observe/event.h"
#include "pins/admissions.h"
#include "pins/pins.h"
#include "policy/slot.h"
#include "proxy/proxy.h"
#include "resolve/dns_proxy.h"
#include "resolve/resolver.h"

static char s_folder[] = "/tmp/sallyport-memory-XXXXXX", s_pins[64], s_admissions[64], s_log[64];

static struct ip_address numbered_address(unsigned int number)
{
	char text[32];

	snprintf(text, sizeof(text), "203.0.113.%u", number % 250);
	return write_address(text);
}

static int fill(struct pins *pins, struct admissions *admissions)
{
	for (unsigned int i = 0; i < 40; i++) {
		struct ip_address address = numbered_address(i);
		enum pin_news news;
		uint64_t previous;
		uint32_t number;
		char text[32];

		snprintf(text, sizeof(text), "n%u.example", i);
		struct name name = write_name(text);

		if (pins_learn(pins, &name, &address, 1000, 50000, &news, &previous) < 0 ||
		    admissions_number(admissions, ADMISSION_NAME, text, &number) < 0)
			fail_msg("filling takes no memory");
	}
	return 0;
}

static int save_and_load(struct pins *pins, struct admissions *admissions, struct harvest *harvest)
{
	struct pins *others = pins_new(64);
	struct admissions *other_admissions = others ? admissions_new(64) : NULL;
	int error = !other_admissions;

	if (!error)
		error = pins_save(pins, s_pins, 1000, 1700000000000) < 0 ||
			admissions_keep(admissions, s_admissions) < 0;
	if (!error)
		error = pins_load(others, s_pins, 10, 1700000000000, 60000) < 0 ||
			admissions_load(other_admissions, s_admissions) < 0;
	if (!error) {
		uint32_t held = admissions_held(other_admissions);

		harvest_bytes(harvest, &held, sizeof(held));
		held = (uint32_t)pins_figures(others).held;
		harvest_bytes(harvest, &held, sizeof(held));
	}
	if (other_admissions)
		admissions_free(other_admissions);
	if (others)
		pins_free(others);
	return error ? -1 : 0;
}

static int keep_state(void *context, struct harvest *harvest)
{
	struct pins *pins = pins_new(64);
	struct admissions *admissions = pins ? admissions_new(64) : NULL;
	int result = -1;

	(void)context;
	if (admissions) {
		fill(pins, admissions);
		result = save_and_load(pins, admissions, harvest);
	}
	if (admissions)
		admissions_free(admissions);
	if (pins)
		pins_free(pins);
	return result;
}

static void state_is_kept_and_read_as_a_whole(void **state)
{
	(void)state;
	memory_try_every_site("state files", keep_state, NULL);
}

/* -------------------------------------------------------------------- what a worker has */

static struct policy *s_policy_of_slot;

static struct policy_slot *make_slot(void)
{
	struct rule_set set = {0};
	struct policy_slot *slot;

	memory_fails(false);
	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "web", "from:* https:443 pattern:*.example");
	s_policy_of_slot = compile(&set);
	memory_fails(true);
	slot = policy_slot_new(s_policy_of_slot);
	if (!slot)
		policy_free(s_policy_of_slot);
	return slot;
}

static int learn_nothing(void *context, const struct name *name,
			 const struct learned_address *addresses, size_t count)
{
	(void)context, (void)name, (void)addresses, (void)count;
	return 0;
}

struct worker_parts {
	struct loop *loop;
	struct policy_slot *slot;
	struct events *events;
	struct resolver *resolver;
	struct dns_proxy *dns;
	struct proxy *proxy;
};

/* In the order of the gateway's start; false: one was not made. */
static bool open_parts(struct worker_parts *parts)
{
	struct resolver_settings upstreams = {.upstreams = {{write_address("127.0.0.1"), 9}},
					      .upstream_count = 1};
	struct dns_proxy_settings dns = {.listen = {{write_address("127.0.0.1"), 0}},
					 .listen_count = 1};
	struct proxy_settings proxy = {.explicit_listen = {{write_address("127.0.0.1"), 0}},
				       .explicit_count = 1};
	struct learner learner = {.learn = learn_nothing};

	return (parts->loop = loop_new()) && (parts->slot = make_slot()) &&
	       (parts->events = events_open(s_log)) &&
	       (parts->resolver = resolver_new(parts->loop, &upstreams, parts->slot, &learner)) &&
	       (parts->dns = dns_proxy_new(parts->loop, parts->resolver, parts->slot, parts->events,
					   &dns)) &&
	       (parts->proxy = proxy_new(parts->loop, &proxy, parts->slot, parts->resolver,
					 parts->events));
}

static int open_worker(void *context, struct harvest *harvest)
{
	struct worker_parts parts = {0};
	int result = open_parts(&parts) ? 0 : -1;

	(void)context;
	harvest_bytes(harvest, "made", result == 0 ? 4 : 0);
	if (parts.proxy)
		proxy_free(parts.proxy);
	if (parts.dns)
		dns_proxy_free(parts.dns);
	resolver_free(parts.resolver);
	if (parts.events)
		events_close(parts.events);
	if (parts.slot)
		policy_slot_free(parts.slot);
	if (parts.loop)
		loop_free(parts.loop);
	return result;
}

static void a_worker_has_all_its_parts_or_does_not_start(void **state)
{
	(void)state;
	memory_try_every_site("a worker's parts", open_worker, NULL);
}

static int make_folder(void **state)
{
	(void)state;
	policy_slot_register_thread();
	if (!mkdtemp(s_folder))
		return -1;
	snprintf(s_pins, sizeof(s_pins), "%s/pins", s_folder);
	snprintf(s_admissions, sizeof(s_admissions), "%s/admissions", s_folder);
	snprintf(s_log, sizeof(s_log), "%s/log", s_folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(s_pins);
	unlink(s_admissions);
	unlink(s_log);
	policy_slot_unregister_thread();
	return rmdir(s_folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_is_kept_and_read_as_a_whole),
		cmocka_unit_test(a_worker_has_all_its_parts_or_does_not_start),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
