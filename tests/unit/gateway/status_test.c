#include "world.h"

#include <jansson.h>

static void write_rules(struct rule_set *set)
{
	write_collection(set, "by-name", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(set, "time", "from:* fqdn:time.example udp port:123");
	write_collection(set, "by-hello", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(set, "web", "from:* https:443 pattern:*.example");
	write_rule(set, "other", "from:* https:443 pattern:other.test");
}

struct worker_figures worker_figures(struct worker *worker)
{
	return worker->figures;
}

uint64_t packet_log_lost(const struct packet_log *log)
{
	assert_non_null(log);
	return 5;
}

uint64_t conntrack_events_lost(const struct conntrack_events *events)
{
	assert_non_null(events);
	return 6;
}

static int open_world(void **state)
{
	return make_world(state, write_rules);
}

static json_t *ask_status(struct world *world)
{
	struct text reply = TEXT_EMPTY;
	json_error_t error;
	json_t *status;

	gateway_status(&world->gateway, &reply);
	assert_false(text_failed(&reply));
	status = json_loads(text_string(&reply), JSON_REJECT_DUPLICATES, &error);
	if (!status)
		fail_msg("%s: %s", error.text, text_string(&reply));
	text_free(&reply);
	return status;
}

/* By a path like "pins.held". */
static json_int_t figure(const json_t *status, const char *path)
{
	char words[128], *rest = NULL;

	snprintf(words, sizeof(words), "%s", path);
	for (char *word = strtok_r(words, ".", &rest); word; word = strtok_r(NULL, ".", &rest))
		status = json_object_get(status, word);
	if (!json_is_integer(status))
		fail_msg("%s is no figure", path);
	return json_integer_value(status);
}

static void every_figure_is_there_before_anything_has_happened(void **state)
{
	static const char *const paths[] = {
		"uptime_s",
		"workers",
		"reloads",
		"failed_reloads",
		"restored_rulesets",
		"pins.held",
		"pins.refused",
		"name_budget.sources",
		"name_budget.source_capacity",
		"name_budget.new_names",
		"name_budget.refused",
		"name_budget.full",
		"admissions.held",
		"kernel_reports_lost",
		"verdicts.allowed",
		"verdicts.denied",
		"verdicts.log_lines_lost",
		"policy.memory",
		"inspector.queued_packets",
		"inspector.allowed",
		"inspector.denied",
		"inspector.flows",
		"inspector.flow_capacity",
		"inspector.full",
		"proxy.accepted",
		"proxy.allowed",
		"proxy.denied",
		"proxy.sessions",
		"proxy.session_capacity",
		"proxy.full",
		"proxy.bytes_out",
		"proxy.bytes_in",
		"dns.queries_udp",
		"dns.queries_tcp",
		"dns.answered",
		"dns.refused",
		"dns.failed",
		"dns.asked_upstream",
		"dns.cache_hits",
		"dns.upstream_timeouts",
		"dns.refused_answers",
		"dns.malformed_answers",
	};
	struct world *world = *state;
	json_t *status = ask_status(world);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		(void)figure(status, paths[i]);
	assert_string_equal(json_string_value(json_object_get(status, "version")),
			    SALLYPORT_VERSION);
	assert_int_equal(figure(status, "pins.capacity"), 200);
	assert_int_equal(figure(status, "admissions.capacity"), 1000);
	assert_int_equal(figure(status, "policy.rules"), 3);
	assert_int_equal(figure(status, "policy.network_rules"), 1);
	assert_int_equal(
		json_object_size(json_object_get(json_object_get(status, "policy"), "hits")), 0);
	json_decref(status);
}

static void what_happened_is_counted(void **state)
{
	struct world *world = *state;
	struct event allowed = {.action = RULE_ALLOW, .reason = REASON_RULE_ALLOWS};
	struct event denied = {.action = RULE_DENY, .reason = REASON_NO_RULE};
	const struct policy *policy = policy_slot_enter(world->gateway.slot);
	json_t *status;

	policy_count_hit(policy, policy_rule_at(policy, 2));
	policy_count_hit(policy, policy_rule_at(policy, 0));
	policy_count_hit(policy, policy_rule_at(policy, 0));
	policy_slot_leave(world->gateway.slot);
	events_emit(world->gateway.events, &allowed);
	events_emit(world->gateway.events, &denied);
	events_emit(world->gateway.events, &denied);
	pin_for(world, "x.example", "198.51.100.7", MINUTE_MS);
	number_of(world, ADMISSION_NAME, "x.example");
	world->gateway.reporter.log = (struct packet_log *)(void *)world;
	world->gateway.reporter.ends = (struct conntrack_events *)(void *)world;
	world->gateway.reloads = 3;
	world->gateway.failed_reloads = 4;
	world->gateway.restored_rulesets = 5;
	status = ask_status(world);
	assert_int_equal(figure(status, "verdicts.allowed"), 1);
	assert_int_equal(figure(status, "verdicts.denied"), 2);
	assert_int_equal(figure(status, "verdicts.reasons.no_rule"), 2);
	assert_int_equal(figure(status, "verdicts.reasons.rule_allows"), 1);
	assert_int_equal(figure(status, "policy.hits.by-name/time"), 2);
	assert_int_equal(figure(status, "policy.hits.by-hello/other"), 1);
	assert_int_equal(figure(status, "pins.held"), 1);
	assert_int_equal(figure(status, "admissions.held"), 1);
	assert_int_equal(figure(status, "kernel_reports_lost"), 11);
	assert_int_equal(figure(status, "reloads"), 3);
	assert_int_equal(figure(status, "failed_reloads"), 4);
	assert_int_equal(figure(status, "restored_rulesets"), 5);
	json_decref(status);
}

static void workers_are_summed_up(void **state)
{
	struct world *world = *state;
	struct worker workers[2] = {0};
	json_t *status;

	for (size_t i = 0; i < 2; i++) {
		workers[i].figures.dns.answered = 10 + i;
		workers[i].figures.proxy.bytes_in = (uint64_t)1 << 40;
		workers[i].figures.inspector.flow_capacity = 500;
		workers[i].figures.resolver.timeouts = i;
	}
	world->gateway.workers = workers;
	world->gateway.worker_count = 2;
	status = ask_status(world);
	assert_int_equal(figure(status, "workers"), 2);
	assert_int_equal(figure(status, "dns.answered"), 21);
	assert_int_equal(figure(status, "proxy.bytes_in"), (json_int_t)1 << 41);
	assert_int_equal(figure(status, "inspector.flow_capacity"), 1000);
	assert_int_equal(figure(status, "dns.upstream_timeouts"), 1);
	json_decref(status);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, end_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_figure_is_there_before_anything_has_happened),
		TEST(what_happened_is_counted),
		TEST(workers_are_summed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
