#include "write_rules.h"

#include <pthread.h>
#include <stdatomic.h>

#include "policy/slot.h"

#define READERS 3
#define SWAPS   200

/* One rule that allows port `generation` only. */
static struct policy *policy_of(unsigned int generation)
{
	struct rule_set set = {0};
	char words[64];

	snprintf(words, sizeof(words), "from:* tcp port:%u to:*", generation);
	write_collection(&set, "c", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "r", words);
	return compile(&set);
}

struct shared {
	struct policy_slot *slot;
	atomic_bool stop;
	atomic_uint failures, reads, ready;
};

static bool allows_port(const struct policy *policy, unsigned int port)
{
	struct policy_facts facts = {.protocol = FLOW_TCP, .port = (uint16_t)port};

	return policy_judge(policy, &facts).action == RULE_ALLOW;
}

/* A policy that is in use must stay whole, and be no older than the generation read before. */
static void *read_on(void *argument)
{
	struct shared *shared = argument;

	policy_slot_register_thread();
	atomic_fetch_add(&shared->ready, 1);
	while (!atomic_load(&shared->stop)) {
		unsigned int generation = (unsigned int)policy_slot_generation(shared->slot);
		const struct policy *policy = policy_slot_enter(shared->slot);
		const struct policy_rule *rule = policy_rule_at(policy, 0);

		policy_count_hit(policy, rule);
		if (strcmp(rule->label, "c/r") != 0 ||
		    rule->rule->ports[0].first < generation + 1 ||
		    !allows_port(policy, rule->rule->ports[0].first))
			atomic_fetch_add(&shared->failures, 1);
		policy_slot_leave(shared->slot);
		atomic_fetch_add(&shared->reads, 1);
	}
	policy_slot_unregister_thread();
	return NULL;
}

static void readers_see_whole_policies_while_they_are_swapped(void **state)
{
	struct shared shared = {.slot = policy_slot_new(policy_of(1))};
	pthread_t readers[READERS];

	(void)state;
	assert_non_null(shared.slot);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_on, &shared), 0);
	while (atomic_load(&shared.ready) < READERS)
		;
	for (unsigned int i = 0; i < SWAPS; i++)
		policy_slot_swap(shared.slot, policy_of(i + 2));
	atomic_store(&shared.stop, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(atomic_load(&shared.failures), 0);
	assert_true(atomic_load(&shared.reads) > 0);
	assert_int_equal(policy_slot_generation(shared.slot), SWAPS);
	policy_slot_free(shared.slot);
}

static void a_swap_puts_the_next_policy_in_force(void **state)
{
	struct policy *first = policy_of(1), *second = policy_of(2);
	struct policy_slot *slot = policy_slot_new(first);

	(void)state;
	policy_slot_register_thread();
	assert_ptr_equal(policy_slot_enter(slot), first);
	policy_slot_leave(slot);
	assert_int_equal(policy_slot_generation(slot), 0);
	policy_slot_swap(slot, second);
	assert_ptr_equal(policy_slot_enter(slot), second);
	policy_slot_leave(slot);
	assert_int_equal(policy_slot_generation(slot), 1);
	policy_slot_unregister_thread();
	policy_slot_free(slot);
	policy_slot_free(NULL);
}

static void *hold(void *argument)
{
	struct shared *shared = argument;
	struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};

	policy_slot_register_thread();
	const struct policy *policy = policy_slot_enter(shared->slot);

	atomic_fetch_add(&shared->ready, 1);
	nanosleep(&pause, NULL);
	if (!allows_port(policy, 1)) /* the old policy, still whole */
		atomic_fetch_add(&shared->failures, 1);
	atomic_store(&shared->stop, true);
	policy_slot_leave(shared->slot);
	policy_slot_unregister_thread();
	return NULL;
}

static void a_swap_waits_for_the_reader_of_the_old_policy(void **state)
{
	struct shared shared = {.slot = policy_slot_new(policy_of(1))};
	pthread_t reader;

	(void)state;
	assert_int_equal(pthread_create(&reader, NULL, hold, &shared), 0);
	while (!atomic_load(&shared.ready))
		;
	policy_slot_swap(shared.slot, policy_of(2));
	assert_true(atomic_load(&shared.stop)); /* it came back after the reader was done */
	pthread_join(reader, NULL);
	assert_int_equal(atomic_load(&shared.failures), 0);
	policy_slot_free(shared.slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_swap_puts_the_next_policy_in_force),
		cmocka_unit_test(a_swap_waits_for_the_reader_of_the_old_policy),
		cmocka_unit_test(readers_see_whole_policies_while_they_are_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
