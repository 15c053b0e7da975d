/* A reload without memory is refused, and the old policy stays in force. */
#include "../gateway/world.h"

#include "base/cleanup.h"
#include "failing_malloc.h"

/* Time stands still: what a pin has left is in the ruleset. */

uint64_t clock_steady_ms(void)
{
	return 1000000;
}

uint64_t clock_wall_ms(void)
{
	return 1700000000000;
}

void clock_format_wall(uint64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
	(void)wall_ms;
	text[0] = '\0';
}

static const char s_start[] = "cluster: {region: eastus}\n"
			      "network:\n"
			      "  inside: {interfaces: [eth1], sources: [10.42.0.0/16]}\n"
			      "dns: {listen: [10.42.0.1], upstreams: [192.0.2.53]}\n";

static const char s_own_rules[] =
	"collections:\n"
	"  - {name: net, priority: 200, action: allow, kind: network, rules: [\n"
	"      {name: subnet, destinations: [203.0.113.0/24], protocols: [tcp], ports: [22]},\n"
	"      {name: time, fqdns: [time.example], protocols: [udp], ports: [123]}]}\n";

int refresher_renew(struct refresher *refresher)
{
	(void)refresher;
	return 0;
}

struct resolver_settings gateway_resolver_settings(const struct config *config)
{
	return (struct resolver_settings){.upstreams = {config->dns.upstreams[0]},
					  .upstream_count = 1};
}

void resolver_set_upstreams(struct resolver *resolver, const struct resolver_settings *settings)
{
	(void)resolver;
	(void)settings;
}

int resolver_lookup(struct resolver *resolver, const struct name *name,
		    struct resolver_lookup *lookup,
		    void (*done)(struct resolver_lookup *lookup,
				 const struct resolver_result *result))
{
	(void)resolver;
	(void)name;
	(void)lookup;
	(void)done;
	return -ENOSPC;
}

void resolver_cancel(struct resolver *resolver, struct resolver_lookup *lookup)
{
	(void)resolver;
	(void)lookup;
}

static void no_rules(struct rule_set *set)
{
	(void)set;
}

static char s_path[128], s_state[128];

static void write_config(const char *more)
{
	FILE *file = fopen(s_path, "w");

	assert_non_null(file);
	fprintf(file, "%s%sstate: {directory: %s}\n", s_start, more, s_state);
	fclose(file);
}

static int open_world(void **state)
{
	struct problems *problems = problems_new();
	struct text error = TEXT_EMPTY;
	struct policy *policy = NULL;
	struct world *world;

	make_world(state, no_rules);
	world = *state;
	snprintf(s_path, sizeof(s_path), "%s/sallyport.yaml", world->folder);
	snprintf(s_state, sizeof(s_state), "%s/state", world->folder);
	world->options.config_path = s_path;
	write_config("");
	world->gateway.config = gateway_load(&world->gateway, &policy, problems);
	assert_non_null(world->gateway.config);
	policy_slot_swap(world->gateway.slot, policy);
	assert_int_equal(state_load(&world->gateway), 0);
	assert_int_equal(gateway_put_ruleset(&world->gateway, &error), 0);
	pin_for(world, "time.example", "198.51.100.7", 60000);
	problems_free(problems);
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	config_free(world->gateway.config);
	return end_world(state);
}

/* How many lines of rules and sets: what is deleted before depends on the reload before, and the
   text on the rules' numbers. */
static size_t count_lines(const struct text *ruleset)
{
	size_t count = 0;

	for (const char *line = text_string(ruleset); line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += strncmp(line, "delete ", 7) != 0;
	}
	return count;
}

/* A change of the rules and back: each is whole, or refused with words and without a trace. */
static int reload(struct world *world, const char *rules, struct harvest *harvest)
{
	cleanup(text_free) struct text error = TEXT_EMPTY;
	struct gateway *gateway = &world->gateway;
	const struct config *config = gateway->config;
	uint64_t generation = policy_slot_generation(gateway->slot);
	int result;

	memory_fails(false);
	write_config(rules);
	memory_fails(true);
	result = gateway_reload(gateway, &error);
	memory_fails(false);
	if (result < 0 &&
	    (gateway->config != config || policy_slot_generation(gateway->slot) != generation))
		memory_fault("a refused reload has changed something");
	if (result == 0) {
		size_t lines = count_lines(&s_kernel.ruleset);

		harvest_bytes(harvest, &lines, sizeof(lines));
		if (policy_slot_generation(gateway->slot) == generation)
			memory_fault("a reload without a new policy");
	}
	memory_fails(true);
	return result;
}

static int reload_twice(void *context, struct harvest *harvest)
{
	int first = reload(context, s_own_rules, harvest);
	int second = reload(context, "", harvest);

	return first < 0 ? first : second;
}

static void a_reload_is_taken_as_a_whole_or_refused(void **state)
{
	memory_try_every_site("two reloads", reload_twice, *state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_reload_is_taken_as_a_whole_or_refused, open_world,
						close_world),
	};

	if (getenv("SALLYPORT_SLOW")) {
		printf("1..0 # SKIP AddressSanitizer looks at this; valgrind and ThreadSanitizer "
		       "take too long\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
