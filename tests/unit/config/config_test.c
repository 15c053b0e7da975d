#include "../pattern_at.h"
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/choices.h"
#include "policy/policy.h"

DEFINE_CLEANUP(drop_config, struct config *, config_free);
DEFINE_CLEANUP(drop_policy, struct policy *, policy_free);

/* Parses; nothing may be complained of. */
static struct config *parse(const char *text)
{
	struct problems *problems = problems_new();
	struct config *config = config_parse(text, strlen(text), "t.yaml", problems);
	char *said = problems_format(problems);

	assert_string_equal(said, "");
	assert_non_null(config);
	free(said);
	problems_free(problems);
	return config;
}

static struct policy *compile(const struct config *config)
{
	struct problems *problems = problems_new();
	struct policy *policy = config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	char *said = problems_format(problems);

	assert_string_equal(said, "");
	assert_non_null(policy);
	free(said);
	problems_free(problems);
	return policy;
}

static void an_empty_map_gives_the_defaults(void **state)
{
	cleanup(drop_config) struct config *config = parse("{}");

	(void)state;
	assert_false(config->cluster.present);
	assert_string_equal(config->cluster.cloud, "public");
	assert_true(config->cluster.konnectivity);
	assert_true(config->cluster.corrections);
	assert_false(config->cluster.recommended);
	assert_int_equal(config->network.snat, CONFIG_SNAT_MASQUERADE);
	assert_false(config->network.flush_on_stop);
	assert_true(config->network.set_forwarding);
	assert_true(config->network.cut_revoked);
	assert_int_equal(config->dns.budget.new_names, 300);
	assert_int_equal(config->dns.budget.burst, 600);
	assert_int_equal(config->dns.grace_ms, 60000);
	assert_int_equal(config->dns.stale_after_ms, 900000);
	assert_int_equal(config->workers, 0);
	assert_int_equal(config->capacity.pins, 65536);
	assert_int_equal(config->capacity.flows, 4096);
	assert_string_equal(config->log_file, "-");
	assert_string_equal(config->state_directory, "/var/lib/sallyport");
	assert_string_equal(config->admin_socket, "/run/sallyport/admin.sock");
}

static void every_section_reaches_its_members(void **state)
{
	cleanup(drop_config) struct config *config = parse(
		"cluster: {region: eastus, private: true, konnectivity: false, recommended: true,\n"
		"  corrections: false, pods_use_api_server_address: true,\n"
		"  nodes_before_march_2021: true, api_server: A.hcp.eastus.azmk8s.io.,\n"
		"  custom_dns: [10.0.0.4, 'fd00::4'], region_prefixes: [20.0.0.0/8],\n"
		"  edition: 2024-05-20, cloud: public}\n"
		"network: {inside: {interfaces: [eth1, eth2], sources: [10.0.0.0/8]}, snat: none,\n"
		"  private_destinations: [10.9.0.0/16], special_exceptions: [169.254.1.0/24],\n"
		"  on_stop: flush, forwarding: leave, revoked_flows: keep}\n"
		"dns: {listen: [10.0.0.1, '[::1]:5353'], upstreams: [10.0.0.2], intercept: true,\n"
		"  answer: nxdomain, resolve: any, budget: {new_names: 0, burst: 32}, grace: 0s, "
		"stale_after: 2h}\n"
		"explicit: {listen: [127.0.0.1]}\n"
		"log: {file: /tmp/x}\nstate: {directory: /d, socket: /s}\nworkers: 3\n"
		"capacity: {pins: 64, flows: 65, sessions: 66, admissions: 67}\n");
	char text[IP_ENDPOINT_TEXT_SIZE];

	(void)state;
	assert_true(config->cluster.present && config->cluster.private_cluster);
	assert_false(config->cluster.konnectivity || config->cluster.corrections);
	assert_true(config->cluster.recommended && config->cluster.pods_use_api_server_address);
	assert_true(config->cluster.nodes_before_march_2021 && config->cluster.has_api_server);
	assert_string_equal(config->cluster.api_server.text, "a.hcp.eastus.azmk8s.io");
	assert_string_equal(config->cluster.edition, "2024-05-20");
	assert_int_equal(config->cluster.custom_dns_count, 2);
	assert_int_equal(config->cluster.region_prefix_count, 1);
	assert_string_equal(config->network.interfaces[1], "eth2");
	assert_int_equal(config->network.source_count, 1);
	assert_int_equal(config->network.snat, CONFIG_SNAT_NONE);
	assert_int_equal(config->own.private_destination_count, 1);
	assert_int_equal(config->own.special_exception_count, 1);
	assert_true(config->network.flush_on_stop);
	assert_false(config->network.set_forwarding || config->network.cut_revoked);
	assert_string_equal(ip_endpoint_format(&config->dns.listen[0], text), "10.0.0.1:53");
	assert_string_equal(ip_endpoint_format(&config->dns.listen[1], text), "[::1]:5353");
	assert_int_equal(config->dns.upstream_count, 1);
	assert_true(config->dns.intercept && config->dns.answer_nxdomain);
	assert_true(config->dns.resolve_any);
	assert_int_equal(config->dns.budget.new_names, 0);
	assert_int_equal(config->dns.budget.burst, 32);
	assert_int_equal(config->dns.grace_ms, 0);
	assert_int_equal(config->dns.stale_after_ms, 7200000);
	assert_string_equal(ip_endpoint_format(&config->explicit_proxy.listen[0], text),
			    "127.0.0.1:3128");
	assert_string_equal(config->log_file, "/tmp/x");
	assert_string_equal(config->admin_socket, "/s");
	assert_int_equal(config->workers, 3);
	assert_int_equal(config->capacity.admissions, 67);
}

static void snat_takes_one_address_of_each_family(void **state)
{
	cleanup(drop_config) struct config *one = parse("network: {snat: 192.0.2.1}");
	cleanup(drop_config) struct config *two =
		parse("network: {snat: ['2001:db8::1', 192.0.2.1]}");

	(void)state;
	assert_int_equal(one->network.snat, CONFIG_SNAT_ADDRESSES);
	assert_int_equal(one->network.snat_v4.family, 4);
	assert_int_equal(one->network.snat_v6.family, 0);
	assert_int_equal(two->network.snat_v6.family, 6);
	assert_int_equal(two->network.snat_v4.family, 4);
}

static void rules_keep_all_that_is_written(void **state)
{
	cleanup(drop_config) struct config *config = parse(
		"collections:\n"
		"- {name: n, priority: 150, action: deny, kind: network, rules: [\n"
		"   {name: a, purpose: why, sources: [10.1.0.0/16], destinations: [192.0.2.0/24],\n"
		"    fqdns: [ntp.example], protocols: [udp, tcp], ports: [123, '500-600']}]}\n"
		"- {name: p, priority: 65000, action: allow, kind: application, rules: [\n"
		"   {name: b, fqdns: ['*.x.example'], protocols: [https, 'http:8080']}]}\n");
	const struct rule *a = &config->own.collections[0].rules[0];
	const struct rule *b = &config->own.collections[1].rules[0];

	(void)state;
	assert_int_equal(config->own.collections[0].priority, 150);
	assert_int_equal(config->own.collections[0].action, RULE_DENY);
	assert_string_equal(a->purpose, "why");
	assert_string_equal(a->origin, "t.yaml:3");
	assert_false(a->any_source || a->any_destination || a->any_port);
	assert_int_equal(a->transports, TRANSPORT_UDP | TRANSPORT_TCP);
	assert_int_equal(a->ports[1].first, 500);
	assert_int_equal(a->ports[1].last, 600);
	assert_string_equal(a->fqdns[0].text, "ntp.example");
	assert_true(b->any_source);
	assert_int_equal(pattern_at(&b->patterns, 0)->kind, PATTERN_BELOW);
	assert_int_equal(b->protocols[0].port, 443);
	assert_int_equal(b->protocols[1].protocol, APPLICATION_HTTP);
	assert_int_equal(b->protocols[1].port, 8080);
}

static void icmp_and_any_have_every_port(void **state)
{
	cleanup(drop_config) struct config *config =
		parse("collections:\n"
		      "- {name: n, priority: 150, action: deny, kind: network, rules: [\n"
		      "   {name: a, destinations: ['*'], protocols: [icmp]},\n"
		      "   {name: b, destinations: ['*'], protocols: [any], ports: ['*']}]}\n");

	(void)state;
	assert_true(config->own.collections[0].rules[0].any_port);
	assert_int_equal(config->own.collections[0].rules[1].transports, TRANSPORT_ANY);
}

static void compiling_leaves_the_config_whole_and_repeats(void **state)
{
	cleanup(drop_config) struct config *config =
		parse("cluster: {region: eastus}\n"
		      "collections:\n"
		      "- {name: t, priority: 150, action: allow, kind: application, rules: [\n"
		      "   {name: a, fqdns: [a.example], protocols: [https]}]}\n");
	cleanup(drop_policy) struct policy *first = compile(config);
	cleanup(drop_policy) struct policy *second = compile(config);

	(void)state;
	assert_int_equal(policy_rule_count(first), policy_rule_count(second));
	assert_non_null(policy_rule_find(second, "t/a"));
	assert_non_null(policy_rule_find(second, "aks-fqdn/mcr"));
	assert_int_equal(config->own.collection_count, 1);
	assert_int_equal(config->own.collections[0].rules[0].patterns.count, 1);
}

static void without_a_cluster_there_are_no_catalogue_rules(void **state)
{
	cleanup(drop_config) struct config *config = parse("{}");
	cleanup(drop_policy) struct policy *policy = compile(config);

	(void)state;
	assert_int_equal(policy_rule_count(policy), 0);
}

static void the_hosts_own_addresses_are_guarded(void **state)
{
	cleanup(drop_config) struct config *config = parse("{}");
	struct ip_address own;

	(void)state;
	assert_int_equal(ip_parse("192.0.2.7", &own), 0);
	config->own_addresses = &own;
	config->own_address_count = 1;
	cleanup(drop_policy) struct policy *policy = compile(config);
	assert_int_not_equal(policy_check_address(policy, &own), REASON_RULE_ALLOWS);
}

static void a_cluster_that_cannot_be_served_does_not_compile(void **state)
{
	cleanup(drop_config) struct config *config = parse("cluster: {}\n");
	struct problems *problems = problems_new();
	char *said;

	(void)state;
	assert_null(config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems));
	said = problems_format(problems);
	assert_string_equal(said, "error: cluster.region (--region) is missing: rule 'api-server' "
				  "(*.hcp.<region>.azmk8s.io) needs it\n");
	free(said);
	problems_free(problems);
}

static void files_named_by_flags_are_loaded_when_compiling(void **state)
{
	cleanup(drop_config) struct config *config = config_default();
	struct problems *problems = problems_new();

	(void)state;
	config->cluster.present = true;
	strcpy(config->cluster.region, "eastus");
	config->cluster.service_tags_file = strdup("/nowhere.json");
	assert_null(config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems));
	assert_int_equal(problems_count(problems), 1);
	free(config->cluster.service_tags_file);
	config->cluster.service_tags_file = NULL;
	config->cluster.catalog_file = strdup("/nowhere.yaml");
	assert_null(config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems));
	assert_int_equal(problems_count(problems), 2);
	problems_free(problems);
}

static void tags_only_takes_no_rule_of_the_catalogue(void **state)
{
	struct problems *problems = problems_new();
	static const char text[] = "cluster: {tags_only: true}\n";

	(void)state;
	cleanup(drop_config) struct config *config =
		config_parse(text, strlen(text), "test.yaml", problems);
	assert_non_null(config);
	cleanup(drop_policy) struct policy *policy =
		config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	assert_non_null(policy);
	assert_int_equal(policy_rule_count(policy), 0);
	problems_free(problems);
}

static void the_example_is_valid_and_compiles(void **state)
{
	struct problems *problems = problems_new();
	const char *source = getenv("SALLYPORT_SOURCE");
	struct catalog_choices *choices = catalog_choices_new();
	char path[4096], *said;

	(void)state;
	snprintf(path, sizeof(path), "%s/sallyport.example.yaml", source ? source : ".");
	cleanup(drop_config) struct config *config = config_load(path, problems);
	said = problems_format(problems);
	assert_string_equal(said, "");
	assert_non_null(config);
	cleanup(drop_policy) struct policy *policy =
		config_compile(config, CATALOG_TAGS_BY_PREFIX, choices, problems);
	assert_int_equal(problems_count(problems), 0);
	assert_non_null(policy);
	assert_non_null(policy_rule_find(policy, "aks-network/api-server-address"));
	assert_non_null(policy_rule_find(policy, "aks-recommended/ubuntu-updates"));
	assert_true(catalog_choices_count(choices) > 10);
	free(said);
	catalog_choices_free(choices);
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_gives_the_defaults),
		cmocka_unit_test(every_section_reaches_its_members),
		cmocka_unit_test(snat_takes_one_address_of_each_family),
		cmocka_unit_test(rules_keep_all_that_is_written),
		cmocka_unit_test(icmp_and_any_have_every_port),
		cmocka_unit_test(compiling_leaves_the_config_whole_and_repeats),
		cmocka_unit_test(without_a_cluster_there_are_no_catalogue_rules),
		cmocka_unit_test(the_hosts_own_addresses_are_guarded),
		cmocka_unit_test(a_cluster_that_cannot_be_served_does_not_compile),
		cmocka_unit_test(files_named_by_flags_are_loaded_when_compiling),
		cmocka_unit_test(tags_only_takes_no_rule_of_the_catalogue),
		cmocka_unit_test(the_example_is_valid_and_compiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
