/* Reloads from real files. Workers and the resolver are left out; the kernel is the world's. */
#include "world.h"

#include <netinet/in.h>

#include "kernel/mark.h"

static const char s_start[] = "cluster: {region: eastus}\n"
			      "network:\n"
			      "  inside: {interfaces: [eth1], sources: [10.42.0.0/16]}\n"
			      "dns: {listen: [10.42.0.1], upstreams: [192.0.2.53]}\n";

/* Over s_start: what one's own rules add. */
static const char s_own_rules[] =
	"collections:\n"
	"  - {name: net, priority: 200, action: allow, kind: network, rules: [\n"
	"      {name: subnet, destinations: [203.0.113.0/24], protocols: [tcp], ports: [22]},\n"
	"      {name: time, fqdns: [time.example], protocols: [udp], ports: [123]}]}\n";

static size_t s_renewals;
static struct resolver_settings s_upstreams;

int refresher_renew(struct refresher *refresher)
{
	(void)refresher;
	s_renewals++;
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
	s_upstreams = *settings;
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

static void write_config(const char *first, const char *second)
{
	FILE *file = fopen(s_path, "w");

	assert_non_null(file);
	fprintf(file, "%s%sstate: {directory: %s}\n", first, second, s_state);
	fclose(file);
}

/* Starts with s_start and the own rules, already in force. */
static int open_world(void **state)
{
	struct problems *problems = problems_new();
	struct text error = TEXT_EMPTY;
	struct policy *policy = NULL;
	struct world *world;

	make_world(state, no_rules);
	world = *state;
	s_renewals = 0;
	snprintf(s_path, sizeof(s_path), "%s/sallyport.yaml", world->folder);
	snprintf(s_state, sizeof(s_state), "%s/state", world->folder);
	world->options.config_path = s_path;
	write_config(s_start, s_own_rules);
	world->gateway.config = gateway_load(&world->gateway, &policy, problems);
	assert_non_null(world->gateway.config);
	policy_slot_swap(world->gateway.slot, policy);
	assert_int_equal(state_load(&world->gateway), 0);
	assert_int_equal(gateway_put_ruleset(&world->gateway, &error), 0);
	problems_free(problems);
	return 0;
}

static int close_world(void **state)
{
	struct world *world = *state;

	config_free(world->gateway.config);
	return end_world(state);
}

static bool has_rule(struct world *world, const char *label)
{
	const struct policy *policy = policy_slot_enter(world->gateway.slot);
	bool has = policy_rule_find(policy, label) != NULL;

	policy_slot_leave(world->gateway.slot);
	return has;
}

static void assert_reloads(struct world *world)
{
	struct text error = TEXT_EMPTY;
	uint64_t before = world->gateway.reloads;

	if (gateway_reload(&world->gateway, &error) < 0)
		fail_msg("%s", text_string(&error));
	assert_int_equal(world->gateway.reloads, before + 1);
	assert_int_equal(world->gateway.failed_reloads, 0);
	text_free(&error);
}

/* Refused with these words, and nothing has changed. */
static void assert_refused(struct world *world, const char *words)
{
	uint64_t generation = policy_slot_generation(world->gateway.slot);
	uint64_t failed = world->gateway.failed_reloads;
	struct config *config = world->gateway.config;
	struct text error = TEXT_EMPTY;

	assert_true(gateway_reload(&world->gateway, &error) < 0);
	if (!strstr(text_string(&error), words))
		fail_msg("expected '%s', heard '%s'", words, text_string(&error));
	assert_int_equal(world->gateway.failed_reloads, failed + 1);
	assert_int_equal(world->gateway.reloads, 0);
	assert_int_equal(policy_slot_generation(world->gateway.slot), generation);
	assert_ptr_equal(world->gateway.config, config);
	assert_true(has_rule(world, "net/subnet"));
	assert_int_equal(s_renewals, 0);
	text_free(&error);
}

/* ------------------------------------------------------------------ the new policy */

/* How many a fresh source may ask for. */
static size_t new_names_at_once(struct world *world)
{
	struct ip_address source = ip_from_v4(0x0a2a0001);
	size_t count = 0;

	for (;; count++) {
		struct name name;
		char text[32];

		snprintf(text, sizeof(text), "n%zu.example", count);
		assert_int_equal(name_from_wire(text, strlen(text), &name), NAME_OK);
		if (!name_budget_pay(world->gateway.budget,
				     &(struct name_budget_ask){&source, &name, 1, 2}, 1))
			return count;
	}
}

static void a_changed_file_goes_in_force(void **state)
{
	struct world *world = *state;

	write_config("cluster: {region: westus}\n"
		     "network:\n"
		     "  inside: {interfaces: [eth1], sources: [10.43.0.0/16]}\n"
		     "dns: {listen: [10.42.0.1], upstreams: [192.0.2.54], grace: 5s,"
		     " stale_after: 7m, budget: {burst: 40}}\n",
		     "");
	assert_reloads(world);
	assert_false(has_rule(world, "net/subnet"));
	assert_non_null(strstr(text_string(&s_kernel.ruleset), "10.43.0.0/16"));
	assert_null(strstr(text_string(&s_kernel.ruleset), "203.0.113.0/24"));
	assert_int_equal(s_kernel.applications, 2);
	assert_int_equal(s_renewals, 1);
	assert_int_equal(s_upstreams.upstreams[0].address.bytes[3], 54);
	assert_int_equal(new_names_at_once(world), 40);
	assert_int_equal(atomic_load(&world->gateway.grace_ms), 5000);
	assert_int_equal(atomic_load(&world->gateway.lifetime_ms), 7 * MINUTE_MS);
}

static void hits_of_a_rule_that_stays_go_on(void **state)
{
	struct world *world = *state;
	const struct policy *policy = policy_slot_enter(world->gateway.slot);

	policy_count_hit(policy, policy_rule_find(policy, "net/subnet"));
	policy_slot_leave(world->gateway.slot);
	assert_reloads(world);
	policy = policy_slot_enter(world->gateway.slot);
	assert_int_equal(policy_hits(policy, policy_rule_find(policy, "net/subnet")), 1);
	policy_slot_leave(world->gateway.slot);
}

static int learn_here(struct world *world, const char *name_text, const char *address)
{
	struct learned_address learned = {write_address(address), 60};
	struct learner learner = learning_learner(&world->learning);
	struct name name = write_name(name_text);

	return learner.learn(learner.context, &name, &learned, 1);
}

/* `new.example` has a rule of its own after the reload, `time.example` had one before. */
static void learn_during_the_transaction(void *context)
{
	struct world *world = context;

	assert_int_equal(learn_here(world, "time.example", "198.51.100.1"), 0);
	assert_int_equal(learn_here(world, "new.example", "198.51.100.2"), -EAGAIN);
	assert_int_equal(pin_lasts(world, "new.example", "198.51.100.2"), 0);
}

static void what_is_learned_around_a_reload_is_in_the_new_sets(void **state)
{
	struct world *world = *state;

	assert_int_equal(learning_open(&world->learning, &world->gateway), 0);
	assert_int_equal(learn_here(world, "time.example", "198.51.100.1"), 0);
	write_config(s_start,
		     "collections:\n"
		     "  - {name: new, priority: 200, action: allow, kind: network, rules: [\n"
		     "      {name: new, fqdns: [new.example], protocols: [udp], ports: [9]},\n"
		     "      {name: time, fqdns: [time.example], protocols: [udp], ports: [9]}]}\n");
	s_kernel.while_nft_runs = learn_during_the_transaction;
	s_kernel.context = world;
	assert_reloads(world);
	assert_non_null(strstr(text_string(&s_kernel.ruleset), "{ 198.51.100.1 timeout"));
	s_kernel.put_count = 0;
	assert_int_equal(learn_here(world, "new.example", "198.51.100.2"), 0);
	assert_int_equal(s_kernel.put_count, 1);
	assert_int_equal(s_kernel.puts[0].number, number_of(world, ADMISSION_RULE, "new/new"));
	learning_close(&world->learning);
}

static void a_bad_file_keeps_the_old_policy(void **state)
{
	struct world *world = *state;

	write_config("cluster: {region: eastus\n", "");
	assert_refused(world, "sallyport.yaml:");
	write_config(s_start, "collectoins: []\n");
	assert_refused(world, "collectoins");
	write_config("cluster: {region: eastus}\n", "");
	assert_refused(world, "nothing to do");
	write_config("cluster: {region: eastus, edition: '1999-01-01'}\n"
		     "network: {inside: {interfaces: [eth1], sources: [10.42.0.0/16]}}\n"
		     "dns: {listen: [10.42.0.1], upstreams: [192.0.2.53]}\n",
		     "");
	assert_refused(world, "1999-01-01");
	unlink(s_path);
	assert_refused(world, "No such file");
	assert_int_equal(s_kernel.applications, 1);
}

static void a_ruleset_that_the_kernel_refuses_keeps_the_old_policy(void **state)
{
	struct world *world = *state;

	write_config(s_start, "");
	s_kernel.nft_error = -EREMOTEIO;
	s_kernel.nft_words = "Error: no";
	assert_refused(world, "the kernel refused the ruleset: Error: no");
	s_kernel.nft_error = -ENOENT;
	assert_refused(world, "install the Debian package nftables");
}

static void a_reload_makes_anew_what_somebody_flushed(void **state)
{
	struct world *world = *state;

	s_kernel.fingerprint = 0;
	assert_reloads(world);
	assert_int_equal(world->gateway.restored_rulesets, 1);
	assert_reloads(world);
	gateway_check_ruleset(&world->gateway);
	assert_int_equal(world->gateway.restored_rulesets, 1);
}

static void a_key_that_takes_a_restart_is_refused_by_its_name(void **state)
{
	static const struct {
		const char *key, *inside, *network, *dns, *rest;
	} cases[] = {
		{"network.inside.interfaces", "interfaces: [eth2]", "", "", ""},
		{"network.inside.interfaces", "interfaces: [eth1, eth2]", "", "", ""},
		{"network.forwarding", "interfaces: [eth1]", ", forwarding: leave", "", ""},
		{"dns.listen", "interfaces: [eth1]", "", ", listen: ['10.42.0.1:54']", ""},
		{"dns.listen", "interfaces: [eth1]", "", ", listen: [10.42.0.1, 10.42.0.2]", ""},
		{"dns.intercept", "interfaces: [eth1]", "", ", intercept: true", ""},
		{"dns.answer", "interfaces: [eth1]", "", ", answer: nxdomain", ""},
		{"dns.resolve", "interfaces: [eth1]", "", ", resolve: any", ""},
		{"explicit.listen", "interfaces: [eth1]", "", "",
		 "explicit: {listen: ['127.0.0.1:3128']}\n"},
		{"workers", "interfaces: [eth1]", "", "", "workers: 7\n"},
		{"capacity", "interfaces: [eth1]", "", "", "capacity: {pins: 777}\n"},
		{"log.file", "interfaces: [eth1]", "", "", "log: {file: /tmp/other}\n"},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512], words[128];

		snprintf(text, sizeof(text),
			 "cluster: {region: eastus}\n"
			 "network: {inside: {%s, sources: [10.42.0.0/16]}%s}\n"
			 "dns: {upstreams: [192.0.2.53]%s%s}\n%s",
			 cases[i].inside, cases[i].network,
			 strstr(cases[i].dns, "listen") ? "" : ", listen: [10.42.0.1]",
			 cases[i].dns, cases[i].rest);
		write_config(text, s_own_rules);
		snprintf(words, sizeof(words), "%s changed: that takes a restart", cases[i].key);
		assert_refused(world, words);
	}
}

static void the_places_of_the_state_take_a_restart_too(void **state)
{
	struct world *world = *state;

	write_config(s_start, s_own_rules);
	strcat(s_state, "2");
	write_config(s_start, s_own_rules);
	assert_refused(world, "state.directory changed");
	s_state[strlen(s_state) - 1] = '\0';
	strcat(s_state, ", socket: /tmp/other.sock");
	write_config(s_start, s_own_rules);
	assert_refused(world, "state.socket changed");
}

/* ------------------------------------------------------------- flows judged again */

static void a_flow_whose_rule_is_gone_is_cut_and_told(void **state)
{
	struct world *world = *state;
	uint32_t rule = number_of(world, ADMISSION_RULE, "net/subnet");

	add_flow(IPPROTO_TCP, "10.42.0.5", "203.0.113.9", 22, mark_make(MARK_NETWORK, rule));
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], 0);
	write_config(s_start, "");
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, rule));
	assert_logged(world, "\"destination\":\"203.0.113.9:22\",\"protocol\":\"tcp\",\"action\":"
			     "\"deny\",\"rule\":\"net/subnet\",\"reason\":\"revoked\",\"path\":"
			     "\"network\",\"detail\":\"no rule matches; the default is deny\"");
}

static void a_flow_whose_name_is_gone_is_cut_and_told(void **state)
{
	struct world *world = *state;
	uint32_t gone = number_of(world, ADMISSION_NAME, "x.hcp.eastus.azmk8s.io");
	uint32_t stays = number_of(world, ADMISSION_NAME, "mcr.microsoft.com");

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, gone));
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_CONFIRM, gone));
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.8", 443, mark_make(MARK_INSPECTED, stays));
	write_config("cluster: {region: westus}\n"
		     "network:\n"
		     "  inside: {interfaces: [eth1], sources: [10.42.0.0/16]}\n"
		     "dns: {listen: [10.42.0.1], upstreams: [192.0.2.53]}\n",
		     s_own_rules);
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, gone));
	assert_int_equal(s_kernel.marks[1], mark_make(MARK_DENIED, gone));
	assert_int_equal(s_kernel.marks[2], 0);
	assert_logged(world, "\"name\":\"x.hcp.eastus.azmk8s.io\",\"name_from\":\"sni\","
			     "\"protocol\":\"https\",\"action\":\"deny\",\"reason\":\"revoked\","
			     "\"path\":\"inspect\"");
}

static void a_flow_whose_switch_was_turned_off_is_cut(void **state)
{
	struct world *world = *state;
	uint32_t named = number_of(world, ADMISSION_NAME, "mcr.microsoft.com");
	uint32_t nameless = number_of(world, ADMISSION_NAMELESS, "mcr.microsoft.com");
	uint32_t outer = number_of(world, ADMISSION_OUTER, "switches.example");

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, named));
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443,
		 mark_make(MARK_INSPECTED, nameless));
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, outer));
	write_config(s_start,
		     "collections:\n"
		     "  - {name: own, priority: 300, action: allow, kind: application, rules: "
		     "[{name: r, fqdns: [switches.example], protocols: [https], ech: deny}]}\n");
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], 0);
	assert_int_equal(s_kernel.marks[1], mark_make(MARK_DENIED, nameless));
	assert_int_equal(s_kernel.marks[2], mark_make(MARK_DENIED, outer));
	assert_logged(world, "\"name_from\":\"pin\",\"protocol\":\"https\",\"action\":\"deny\"");
	assert_logged(world, "\"ech\":true,\"protocol\":\"https\",\"action\":\"deny\"");
}

static void a_source_that_is_no_longer_protected_is_cut(void **state)
{
	struct world *world = *state;
	uint32_t name = number_of(world, ADMISSION_NAME, "mcr.microsoft.com");

	add_flow(IPPROTO_TCP, "10.43.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, name));
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, name));
}

static void a_flow_to_an_address_that_the_guard_now_refuses_is_cut(void **state)
{
	struct world *world = *state;
	uint32_t name = number_of(world, ADMISSION_NAME, "mcr.microsoft.com");

	add_flow(IPPROTO_TCP, "10.42.0.5", "10.60.0.9", 443, mark_make(MARK_INSPECTED, name));
	assert_reloads(world); /* no private_destinations */
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, name));
	assert_logged(world, "private address");
}

static void a_flow_of_a_rule_by_name_outlives_the_pin(void **state)
{
	struct world *world = *state;
	uint32_t rule = number_of(world, ADMISSION_RULE, "net/time");

	add_flow(IPPROTO_UDP, "10.42.0.5", "198.51.100.123", 123, mark_make(MARK_NETWORK, rule));
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], 0);
}

static void a_flow_that_nobody_admitted_any_more_is_cut(void **state)
{
	struct world *world = *state;

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, 777));
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, 777));
	assert_logged(world, "\"reason\":\"revoked\"");
}

static void a_number_that_the_registry_lost_is_cut_before_it_means_something_else(void **state)
{
	struct world *world = *state;
	struct gateway *gateway = &world->gateway;
	uint32_t lost = number_of(world, ADMISSION_NAME, "evil.example");

	add_flow(IPPROTO_TCP, "10.42.0.5", "203.0.113.9", 22, mark_make(MARK_INSPECTED, lost));
	add_flow(IPPROTO_TCP, "10.42.0.5", "203.0.113.9", 22,
		 mark_make(MARK_NETWORK, number_of(world, ADMISSION_RULE, "net/subnet")));
	assert_int_equal(gateway_cut_unknown_flows(gateway), 0);
	assert_int_equal(s_kernel.marks[0], 0);
	admissions_free(gateway->admissions);
	gateway->admissions = admissions_new(1000);
	assert_int_equal(number_of(world, ADMISSION_RULE, "net/subnet"), 1);
	assert_true(lost > 1);
	assert_int_equal(gateway_cut_unknown_flows(gateway), 0);
	assert_int_equal(s_kernel.marks[0], mark_make(MARK_DENIED, lost));
	assert_logged(world, "\"reason\":\"revoked\"");
	s_kernel.walk_error = -ENOBUFS;
	assert_int_equal(gateway_cut_unknown_flows(gateway), -ENOBUFS);
	s_kernel.walk_error = 0;
	s_kernel.mark_error = -EPERM;
	assert_int_equal(gateway_cut_unknown_flows(gateway), -EIO);
}

static void flows_of_other_states_are_left_alone(void **state)
{
	struct world *world = *state;

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, MARK_HELLO);
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 80, MARK_PROXIED);
	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 81, mark_make(MARK_DENIED, 777));
	assert_int_equal(gateway_judge_flows(&world->gateway), 0);
	assert_nothing_logged(world);
}

static void a_flow_that_ended_meanwhile_is_not_told_as_cut(void **state)
{
	struct world *world = *state;

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, 777));
	s_kernel.mark_error = -ENOENT;
	assert_int_equal(gateway_judge_flows(&world->gateway), 0);
	s_kernel.mark_error = -EPERM; /* escaped: an error message, no event */
	assert_int_equal(gateway_judge_flows(&world->gateway), 0);
	assert_nothing_logged(world);
}

static void flows_that_the_kernel_did_not_show_or_cut_are_judged_once_more(void **state)
{
	struct world *world = *state;
	struct gateway *gateway = &world->gateway;

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, 777));
	s_kernel.walk_error = -ENOBUFS;
	assert_int_equal(gateway_judge_flows(gateway), 0);
	assert_true(gateway->flows_are_unjudged);
	s_kernel.walk_error = 0;
	s_kernel.mark_error = -ENOBUFS;
	assert_int_equal(gateway_judge_flows(gateway), 0);
	assert_true(gateway->flows_are_unjudged);
	s_kernel.mark_error = 0;
	assert_int_equal(gateway_judge_flows(gateway), 1);
	assert_false(gateway->flows_are_unjudged);
	assert_logged(world, "\"reason\":\"revoked\"");
}

static void revoked_flows_may_be_kept(void **state)
{
	struct world *world = *state;
	uint32_t rule = number_of(world, ADMISSION_RULE, "net/subnet");

	add_flow(IPPROTO_TCP, "10.42.0.5", "203.0.113.9", 22, mark_make(MARK_NETWORK, rule));
	write_config("cluster: {region: eastus}\n"
		     "network:\n"
		     "  inside: {interfaces: [eth1], sources: [10.42.0.0/16]}\n"
		     "  revoked_flows: keep\n"
		     "dns: {listen: [10.42.0.1], upstreams: [192.0.2.53]}\n",
		     "");
	assert_reloads(world);
	assert_int_equal(s_kernel.marks[0], 0);
	assert_nothing_logged(world);
}

static void numbers_without_rule_or_flow_are_given_back(void **state)
{
	struct world *world = *state;
	uint32_t idle = number_of(world, ADMISSION_NAME, "idle.example");
	uint32_t busy = number_of(world, ADMISSION_NAME, "mcr.microsoft.com");
	uint32_t rule = number_of(world, ADMISSION_RULE, "net/subnet");
	struct admission admission;

	add_flow(IPPROTO_TCP, "10.42.0.5", "198.51.100.9", 443, mark_make(MARK_INSPECTED, busy));
	gateway_sweep_admissions(&world->gateway);
	assert_false(admissions_find(world->gateway.admissions, idle, &admission));
	assert_true(admissions_find(world->gateway.admissions, busy, &admission));
	assert_true(admissions_find(world->gateway.admissions, rule, &admission));
	s_kernel.flow_count = 0;
	gateway_sweep_admissions(&world->gateway);
	assert_false(admissions_find(world->gateway.admissions, busy, &admission));
	assert_true(admissions_find(world->gateway.admissions, rule, &admission));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_changed_file_goes_in_force),
		TEST(hits_of_a_rule_that_stays_go_on),
		TEST(what_is_learned_around_a_reload_is_in_the_new_sets),
		TEST(a_bad_file_keeps_the_old_policy),
		TEST(a_ruleset_that_the_kernel_refuses_keeps_the_old_policy),
		TEST(a_reload_makes_anew_what_somebody_flushed),
		TEST(a_key_that_takes_a_restart_is_refused_by_its_name),
		TEST(the_places_of_the_state_take_a_restart_too),
		TEST(a_flow_whose_rule_is_gone_is_cut_and_told),
		TEST(a_flow_whose_name_is_gone_is_cut_and_told),
		TEST(a_flow_whose_switch_was_turned_off_is_cut),
		TEST(a_source_that_is_no_longer_protected_is_cut),
		TEST(a_flow_to_an_address_that_the_guard_now_refuses_is_cut),
		TEST(a_flow_of_a_rule_by_name_outlives_the_pin),
		TEST(a_flow_that_nobody_admitted_any_more_is_cut),
		TEST(a_number_that_the_registry_lost_is_cut_before_it_means_something_else),
		TEST(flows_of_other_states_are_left_alone),
		TEST(a_flow_that_ended_meanwhile_is_not_told_as_cut),
		TEST(flows_that_the_kernel_did_not_show_or_cut_are_judged_once_more),
		TEST(revoked_flows_may_be_kept),
		TEST(numbers_without_rule_or_flow_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
