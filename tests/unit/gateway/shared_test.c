/*
 * What all workers share, used by several threads at once while the main thread does to it what a
 * reload, a saving and a sweep do. The consequences are looked at here; ThreadSanitizer looks at
 * the rest (make sanitize-threads).
 */
#include "../policy/write_rules.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "observe/event.h"
#include "pins/admissions.h"
#include "pins/pins.h"
#include "policy/slot.h"
#include "resolve/name_budget.h"

#define WORKERS 4
#define ROUNDS  3000
#define NAMES   50  /* of each worker */
#define COMMON  500 /* of all */

struct shared {
	struct pins *pins;
	struct admissions *admissions;
	struct name_budget *budget;
	struct policy_slot *slot;
	struct events *events;
	char folder[64], pins_path[80], admissions_path[80], log_path[80];
	atomic_uint running, faults;
};

struct part {
	struct shared *shared;
	unsigned int number;
	pthread_t thread;
};

static void expect(struct shared *shared, bool holds)
{
	if (!holds) /* cmocka's assertions are for its own thread */
		atomic_fetch_add(&shared->faults, 1);
}

static struct ip_address address_of(unsigned int worker, unsigned int name)
{
	return (struct ip_address){.family = 4, .bytes = {10, (uint8_t)worker, 0, (uint8_t)name}};
}

static struct name name_of(unsigned int worker, unsigned int number)
{
	char text[64];
	struct name name = {0};

	snprintf(text, sizeof(text), "n%u.w%u.example", number, worker);
	(void)name_from_person(text, &name);
	return name;
}

/* ------------------------------------------------------------------------ the workers */

static void learn(const struct part *part, const struct name *name, unsigned int number,
		  uint64_t now)
{
	struct pins *pins = part->shared->pins;
	struct ip_address address = address_of(part->number, number);
	enum pin_news news;
	uint64_t previous;

	expect(part->shared,
	       pins_learn(pins, name, &address, now, now + 1000, &news, &previous) == 0);
	expect(part->shared, pins_holds(pins, name, &address, now));
	if (number % 3 == 0) {
		pins_forget(pins, name, &address);
		expect(part->shared, !pins_holds(pins, name, &address, now));
	}
}

static void judge_name(const struct part *part, const struct name *name, uint64_t now)
{
	struct shared *shared = part->shared;
	struct ip_address source = address_of(part->number, 0);
	struct policy_facts facts = {
		.source = source, .protocol = FLOW_HTTPS, .port = 443, .name = name};
	const struct policy *policy = policy_slot_enter(shared->slot);
	struct verdict verdict = policy_judge(policy, &facts);
	struct event event = {.kind = EVENT_VERDICT, .name = name->text, .protocol = EVENT_HTTPS};

	expect(shared, verdict.action == RULE_ALLOW);
	policy_count_hit(policy, verdict.rule);
	event.action = verdict.action;
	event.reason = verdict.reason;
	event.rule = verdict.rule->label;
	events_emit(shared->events, &event);
	policy_slot_leave(shared->slot);
	(void)name_budget_pay(shared->budget,
			      &(struct name_budget_ask){&source, name, 1, name->length}, now);
}

static void admit(struct shared *shared, const struct name *name)
{
	struct admission admission;
	uint32_t number;

	expect(shared,
	       admissions_number(shared->admissions, ADMISSION_NAME, name->text, &number) == 0);
	/* A sweep may have given the number to another name meanwhile. */
	if (admissions_find(shared->admissions, number, &admission))
		expect(shared, strstr(admission.key, ".example") != NULL);
}

static void *work(void *context)
{
	struct part *part = context;

	policy_slot_register_thread();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct name own = name_of(part->number, i % NAMES);
		struct name everybodys = name_of(0, i % COMMON);

		learn(part, &own, i % NAMES, i + 1);
		judge_name(part, &own, i + 1);
		admit(part->shared, &everybodys);
	}
	policy_slot_unregister_thread();
	atomic_fetch_sub(&part->shared->running, 1);
	return NULL;
}

/* -------------------------------------------------------------------- the main thread */

static struct policy *make_policy(unsigned int generation)
{
	struct rule_set set = {0};
	char words[64];

	snprintf(words, sizeof(words), "from:* https:443 https:%u pattern:*.example", generation);
	write_collection(&set, "c", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", words);
	return compile(&set);
}

static int check_pin(void *context, const struct pin *pin)
{
	struct ip_address address = pin->address;
	struct name name = name_of(address.bytes[1], address.bytes[3]);

	expect(context, name_equal(&name, &pin->name)); /* never half of one and half of another */
	return 0;
}

static bool nobody_uses_it(void *context, uint32_t number)
{
	(void)context;
	(void)number;
	return false;
}

static void reload(struct shared *shared, unsigned int generation)
{
	struct name_budget_limits limits = {.new_names = 60 + generation, .burst = 100};
	struct policy *next = make_policy(1000 + generation % 1000);

	policy_inherit_hits(next, policy_slot_enter(shared->slot));
	policy_slot_leave(shared->slot);
	policy_slot_swap(shared->slot, next);
	name_budget_set(shared->budget, &limits);
	assert_int_equal(events_reopen(shared->events), 0);
}

static void save_and_sweep(struct shared *shared)
{
	uint64_t begin = admissions_sweep_begin(shared->admissions);

	assert_int_equal(pins_visit(shared->pins, 1, check_pin, shared), 0);
	assert_int_equal(pins_save(shared->pins, shared->pins_path, 1, 1), 0);
	assert_int_equal(admissions_keep(shared->admissions, shared->admissions_path), 0);
	admissions_sweep_end(shared->admissions, begin, nobody_uses_it, NULL);
}

static void look(struct shared *shared)
{
	assert_true(pins_figures(shared->pins).held <= WORKERS * NAMES);
	assert_true(admissions_held(shared->admissions) <= COMMON);
	assert_true(admissions_unkept(shared->admissions) == 0);
	assert_true(name_budget_figures(shared->budget).sources <= WORKERS);
	assert_int_equal(events_figures(shared->events).denied, 0);
}

static void open_shared(struct shared *shared)
{
	const struct name_budget_limits limits = {.new_names = 60, .burst = 100};

	snprintf(shared->folder, sizeof(shared->folder), "/tmp/sallyport-shared-XXXXXX");
	assert_non_null(mkdtemp(shared->folder));
	snprintf(shared->pins_path, sizeof(shared->pins_path), "%s/pins", shared->folder);
	snprintf(shared->admissions_path, sizeof(shared->admissions_path), "%s/admissions",
		 shared->folder);
	snprintf(shared->log_path, sizeof(shared->log_path), "%s/log", shared->folder);
	shared->pins = pins_new(1000);
	shared->admissions = admissions_new(1000);
	shared->budget = name_budget_new(16, &limits);
	shared->slot = policy_slot_new(make_policy(1));
	shared->events = events_open(shared->log_path);
	assert_true(shared->pins && shared->admissions && shared->budget && shared->slot &&
		    shared->events);
}

static void close_shared(struct shared *shared)
{
	pins_free(shared->pins);
	admissions_free(shared->admissions);
	name_budget_free(shared->budget);
	policy_slot_free(shared->slot);
	events_close(shared->events);
	unlink(shared->pins_path);
	unlink(shared->admissions_path);
	unlink(shared->log_path);
	rmdir(shared->folder);
}

static void workers_and_the_main_thread_meet_in_all_that_they_share(void **state)
{
	struct shared shared = {.running = WORKERS};
	struct part parts[WORKERS];

	(void)state;
	open_shared(&shared);
	policy_slot_register_thread();
	for (unsigned int i = 0; i < WORKERS; i++) {
		parts[i] = (struct part){.shared = &shared, .number = i};
		assert_int_equal(pthread_create(&parts[i].thread, NULL, work, &parts[i]), 0);
	}
	for (unsigned int i = 0; atomic_load(&shared.running) > 0; i++) {
		reload(&shared, i);
		look(&shared);
		save_and_sweep(&shared);
		look(&shared);
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		pthread_join(parts[i].thread, NULL);
	policy_slot_unregister_thread();
	assert_int_equal(atomic_load(&shared.faults), 0);
	assert_int_equal(events_figures(shared.events).allowed, WORKERS * ROUNDS);
	assert_int_equal(events_figures(shared.events).lost, 0);
	close_shared(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_and_the_main_thread_meet_in_all_that_they_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
