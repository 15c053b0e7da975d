/*
 * Questions to upstreams take no memory: what they need is there since the start. So there is
 * nothing that could fail.
 */
#include "../resolve/resolve_case.h"

#include "failing_malloc.h"

struct asking {
	struct world *world;
	struct resolver_lookup lookup;
	int status;
	size_t count;
};

static void answered(struct resolver_lookup *lookup, const struct resolver_result *result)
{
	struct asking *asking = loop_owner(lookup, struct asking, lookup);

	asking->status = result->status;
	asking->count = result->count;
	loop_stop(asking->world->loop);
}

/* The number of addresses, or negative. */
static int ask(struct world *world, const char *text)
{
	struct asking asking = {.world = world};
	struct name name = named(text);
	int error = resolver_lookup(world->resolver, &name, &asking.lookup, answered);

	if (error < 0)
		return error;
	loop_run(world->loop);
	return asking.status < 0 ? asking.status : (int)asking.count;
}

static int ask_thrice(void *context, struct harvest *harvest)
{
	/* by UDP; over names that lead to names; by TCP, since it is cut */
	static const char *const names[] = {"plain.test.example", "chain.test.example",
					    "many.test.example"};
	struct world *world;
	int result = 0, count;

	(void)context;
	memory_fails(false);
	world = world_new();
	assert_int_equal(loop_timer_start(world->loop, &world->guard, 5000, world_hangs), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memory_fails(true);
		count = ask(world, names[i]);
		memory_fails(false);
		if (count < 0)
			result = count;
		harvest_bytes(harvest, &count, sizeof(count));
	}
	world_free(world);
	memory_fails(true);
	return result;
}

static void a_question_takes_no_memory_from_the_asking_to_the_answer(void **state)
{
	(void)state;
	assert_int_equal(memory_count(ask_thrice, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_takes_no_memory_from_the_asking_to_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
