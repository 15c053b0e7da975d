#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pattern_at.h"
#include "make_rules.h"

static const char s_tags[] =
	"{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":["
	"{\"name\":\"AzureCloud.eastus\",\"properties\":{\"region\":\"eastus\","
	"\"addressPrefixes\":[\"203.0.113.0/25\",\"203.0.113.128/25\",\"2001:db8::/32\"]}}]}";

#define OTHER_FQDN_RULES                                                                           \
	"mcr mcr-data mcr-edge azure-management entra-login microsoft-packages acs-mirror "        \
	"aks-packages"
#define FQDN_RULES         "aks-fqdn: api-server " OTHER_FQDN_RULES
#define FQDN_RULES_PRIVATE "aks-fqdn: " OTHER_FQDN_RULES

static void a_current_cluster_needs_only_names(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	expect_rules(fixture, FQDN_RULES);
	assert_string_equal(find_choice(fixture, "tunnel-udp")->why,
			    "cluster.konnectivity is true");
	assert_false(find_choice(fixture, "tunnel-udp")->taken);
	assert_string_equal(find_choice(fixture, "ntp")->why,
			    "cluster.nodes_before_march_2021 is false");
	assert_string_equal(find_choice(fixture, "custom-dns")->why, "cluster.custom_dns is empty");
	assert_string_equal(find_choice(fixture, "ubuntu-updates")->why,
			    "cluster.recommended is false");
	assert_string_equal(find_choice(fixture, "mcr")->why, "required");
	free_fixture(fixture);
}

static void every_condition_brings_or_takes_its_rules(void **state)
{
	static const struct {
		bool private, konnectivity, pods, old_nodes, dns, recommended, corrections;
		const char *rules;
	} cases[] = {
		{0, 0, 0, 0, 0, 0, 1, "aks-network: tunnel-udp tunnel-tcp " FQDN_RULES},
		{1, 0, 0, 0, 0, 0, 1, FQDN_RULES_PRIVATE},
		{0, 1, 1, 0, 0, 0, 1, "aks-network: api-server-address " FQDN_RULES},
		{1, 1, 1, 0, 0, 0, 1, FQDN_RULES_PRIVATE},
		{0, 1, 0, 1, 0, 0, 1, "aks-network: ntp " FQDN_RULES},
		{1, 1, 0, 1, 0, 0, 1, "aks-network: ntp " FQDN_RULES_PRIVATE},
		{0, 1, 0, 0, 1, 0, 1, "aks-network: custom-dns custom-dns-tcp " FQDN_RULES},
		{0, 1, 0, 0, 1, 0, 0, "aks-network: custom-dns " FQDN_RULES},
		{0, 1, 0, 0, 0, 1, 1,
		 FQDN_RULES " aks-recommended: ubuntu-updates ubuntu-snapshots"},
		{0, 0, 1, 1, 1, 1, 1,
		 "aks-network: tunnel-udp tunnel-tcp ntp custom-dns custom-dns-tcp "
		 "api-server-address " FQDN_RULES
		 " aks-recommended: ubuntu-updates ubuntu-snapshots"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture *fixture = new_fixture();
		struct cluster_profile *profile = &fixture->profile;

		profile->private_cluster = cases[i].private;
		profile->konnectivity = cases[i].konnectivity;
		profile->pods_use_api_server_address = cases[i].pods;
		profile->nodes_before_march_2021 = cases[i].old_nodes;
		profile->recommended = cases[i].recommended;
		profile->corrections = cases[i].corrections;
		use_api_server(fixture, "a.hcp.eastus.azmk8s.io");
		if (cases[i].dns) {
			profile->custom_dns = calloc(1, sizeof(*profile->custom_dns));
			profile->custom_dns[0] = ip_from_v4(0x0a000004);
			profile->custom_dns_count = 1;
		}
		expect_rules(fixture, cases[i].rules);
		free_fixture(fixture);
	}
}

static void a_rule_says_where_it_comes_from(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.recommended = true;
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-fqdn", "api-server");
	char text[PATTERN_TEXT_SIZE];

	assert_string_equal(rule->origin, "edition 2026-07-02, public, Azure Global required FQDN "
					  "/ application rules, row 1");
	assert_string_equal(pattern_format(pattern_at(&rule->patterns, 0), text),
			    "*.hcp.eastus.azmk8s.io");
	assert_int_equal(rule->protocols[0].protocol, APPLICATION_HTTPS);
	assert_int_equal(rule->protocols[0].port, 443);
	assert_true(rule->any_source);
	assert_non_null(rule->purpose);
	const struct rule *updates = find_rule(fixture, "aks-recommended", "ubuntu-updates");
	assert_int_equal(updates->patterns.count, 3);
	assert_int_equal(updates->protocols[0].protocol, APPLICATION_HTTP);
	assert_int_equal(updates->protocols[0].port, 80);
	assert_int_equal(fixture->set.collections[0].priority, CATALOG_PRIORITY_REQUIRED);
	assert_int_equal(fixture->set.collections[1].priority, CATALOG_PRIORITY_RECOMMENDED);
	free_fixture(fixture);
}

static void the_widest_alternative_is_the_last_resort(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.konnectivity = false;
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "tunnel-tcp");
	const struct catalog_choice *choice = find_choice(fixture, "tunnel-tcp");

	assert_true(rule->any_destination);
	assert_int_equal(rule->transports, TRANSPORT_TCP);
	assert_int_equal(rule->ports[0].first, 9000);
	assert_true(choice->taken);
	assert_string_equal(choice->destination, "*");
	assert_string_equal(choice->why, "the narrowest that the profile can fill");
	assert_int_equal(choice->narrower_count, 3);
	assert_string_equal(choice->narrower[0].destination, "the API server's addresses");
	assert_string_equal(choice->narrower[0].lacks, "cluster.api_server");
	assert_string_equal(choice->narrower[1].destination, "the region's prefixes");
	assert_string_equal(choice->narrower[1].lacks, "cluster.region_prefixes");
	assert_string_equal(choice->narrower[2].destination, "service tag AzureCloud.<region>");
	assert_string_equal(choice->narrower[2].lacks, "cluster.service_tags");
	free_fixture(fixture);
}

static void a_service_tag_is_narrower_than_everywhere(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.konnectivity = false;
	use_tags(fixture, s_tags);
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "tunnel-udp");
	const struct catalog_choice *choice = find_choice(fixture, "tunnel-udp");

	assert_false(rule->any_destination);
	assert_int_equal(rule->destination_count, 2);
	assert_string_equal(choice->destination, "service tag AzureCloud.eastus (2 prefixes)");
	assert_int_equal(choice->narrower_count, 2);
	free_fixture(fixture);
}

static void written_prefixes_are_narrower_than_a_service_tag(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.konnectivity = false;
	use_tags(fixture, s_tags);
	fixture->profile.region_prefixes = calloc(1, sizeof(struct ip_prefix));
	assert_int_equal(ip_prefix_parse("203.0.113.0/28", fixture->profile.region_prefixes), 0);
	fixture->profile.region_prefix_count = 1;
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "tunnel-udp");

	assert_int_equal(rule->destination_count, 1);
	assert_int_equal(rule->destinations[0].length, 28);
	assert_string_equal(find_choice(fixture, "tunnel-udp")->destination,
			    "the region's prefixes (1)");
	free_fixture(fixture);
}

static void the_api_servers_addresses_are_narrowest(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.konnectivity = false;
	use_tags(fixture, s_tags);
	use_api_server(fixture, "a.hcp.eastus.azmk8s.io");
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "tunnel-udp");
	const struct catalog_choice *choice = find_choice(fixture, "tunnel-udp");

	assert_int_equal(rule->destination_count, 0);
	assert_string_equal(rule->fqdns[0].text, "a.hcp.eastus.azmk8s.io");
	assert_string_equal(choice->why, "the narrowest of its alternatives");
	assert_int_equal(choice->narrower_count, 0);
	assert_int_equal(problems_count(fixture->problems), 0);
	assert_non_null(find_rule(fixture, "aks-fqdn", "api-server"));
	free_fixture(fixture);
}

static void ntp_goes_to_its_name(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.nodes_before_march_2021 = true;
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "ntp");

	assert_string_equal(rule->fqdns[0].text, "ntp.ubuntu.com");
	assert_false(rule->any_destination);
	assert_int_equal(rule->transports, TRANSPORT_UDP);
	free_fixture(fixture);
}

static void custom_dns_gets_tcp_by_a_marked_correction(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.custom_dns = calloc(2, sizeof(struct ip_address));
	fixture->profile.custom_dns[0] = ip_from_v4(0x0a000004);
	assert_int_equal(ip_parse("fd00::4", &fixture->profile.custom_dns[1]), 0);
	fixture->profile.custom_dns_count = 2;
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "custom-dns-tcp");

	assert_int_equal(rule->destination_count, 2);
	assert_int_equal(rule->destinations[0].length, 32);
	assert_int_equal(rule->destinations[1].length, 128);
	assert_int_equal(rule->transports, TRANSPORT_TCP);
	assert_string_equal(rule->origin, "edition 2026-07-02, public, Azure Global required "
					  "network rules, correction");
	assert_string_equal(find_choice(fixture, "custom-dns")->destination, "10.0.0.4, fd00::4");
	free_fixture(fixture);
}

static void pods_need_the_api_server_to_be_named(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.pods_use_api_server_address = true;
	expect_problems(fixture,
			"error: rule 'api-server-address' needs cluster.api_server to be set (The "
			"API server by its address, for pods that use the in-cluster service, such "
			"as ingress controllers.)\n");
}

static void a_missing_region_is_told_once(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	*fixture->profile.region = '\0';
	expect_problems(fixture, "error: cluster.region (--region) is missing: rule 'api-server' "
				 "(*.hcp.<region>.azmk8s.io) needs it\n");
}

static void unknown_words_are_refused_with_the_allowed(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	strcpy(fixture->profile.cloud, "moon");
	expect_problems(fixture, "error: unknown cloud 'moon'; allowed: public, china, usgov\n");
	fixture = new_fixture();
	strcpy(fixture->profile.edition, "1999-01-01");
	expect_problems(fixture,
			"error: unknown edition '1999-01-01'; allowed: 2024-05-20, 2026-07-02\n");
	fixture = new_fixture();
	use_feature(fixture, "gpus");
	expect_problems(fixture, "error: unknown feature 'gpus'; allowed: gpu, windows, "
				 "workload-identity, defender, secrets-store-csi, monitor, "
				 "monitor-service-tag, policy, cost-analysis, extensions, "
				 "managed-disks, vm-extensions\n");
	fixture = new_fixture();
	strcpy(fixture->profile.region, "East US");
	expect_problems(fixture,
			"error: cluster.region (--region) 'East US': expected a region's name of "
			"lower-case letters and digits, as in eastus\n");
}

static void service_tags_of_another_cloud_or_without_the_region_are_refused(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	use_tags(fixture, "{\"changeNumber\":1,\"cloud\":\"China\",\"values\":[]}");
	expect_problems(fixture, "error: tags.json is of cloud 'China'; cluster.cloud public needs "
				 "the file of 'Public'\n");
	fixture = new_fixture();
	use_tags(fixture, "{\"changeNumber\":1,\"cloud\":\"public\",\"values\":[]}");
	fixture->profile.konnectivity = false;
	make(fixture);
	assert_int_equal(problems_count(fixture->problems), 2);
	assert_string_equal(problems_at(fixture->problems, 0)->text,
			    "tags.json has no service tag AzureCloud.<region> for cluster.region "
			    "'eastus'; is the region spelt right and the file of this cloud and "
			    "recent?");
	free_fixture(fixture);
}

static void an_api_server_of_another_region_is_warned_of(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	use_api_server(fixture, "a.hcp.westus.azmk8s.io");
	expect_problems(fixture,
			"warning: cluster.api_server (--api-server) a.hcp.westus.azmk8s.io is no "
			"API server of "
			"cloud public in region eastus, whose names are *.hcp.eastus.azmk8s.io or "
			"*.privatelink.eastus.azmk8s.io or *.private.eastus.azmk8s.io\n");
	fixture = new_fixture();
	use_api_server(fixture, "a.1b2c.privatelink.eastus.azmk8s.io");
	expect_problems(fixture, "");
}

static void an_absent_profile_adds_nothing(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	fixture->profile.present = false;
	make(fixture);
	assert_int_equal(fixture->result, 0);
	assert_int_equal(fixture->set.collection_count, 0);
	free_fixture(fixture);
}

static const char s_wide[] =
	"edition: 2030-01-01\n"
	"title: features, clouds, tags without a region\n"
	"clouds:\n"
	"  - {name: public, title: A, service_tags: Public, api_server: ['*.a.<region>.example']}\n"
	"  - {name: moon, title: B, service_tags: Moon, api_server: ['*.b.<region>.example']}\n"
	"features:\n"
	"  - {name: gpu, title: GPU nodes}\n"
	"  - {name: monitor, title: Monitoring by names}\n"
	"sections:\n"
	"  - {title: All, clouds: [public, moon], need: required, kind: application, entries: [\n"
	"     {id: login, row: 1, clouds: [public], names: [a.example], ports: ['https:443'],\n"
	"      purpose: p},\n"
	"     {id: login, row: 1, clouds: [moon], names: [b.example], ports: ['https:443'],\n"
	"      purpose: p},\n"
	"     {id: mixed, row: 2, names: ['<region>.dp.example', 'umsa*.blob.example'],\n"
	"      ports: ['https:443', 'http:80'], when: ['feature:gpu'], unless: "
	"['feature:monitor'],\n"
	"      purpose: p}]}\n"
	"  - {title: GPU, clouds: [public], feature: gpu, need: required, kind: application,\n"
	"     entries: [{id: driver, names: [d.example], ports: ['https:443'], purpose: p}]}\n"
	"  - {title: Net, clouds: [public], need: recommended, kind: network, entries: [\n"
	"     {id: monitor-tag, row: 1, destinations: ['tag:AzureMonitor'], ports: ['tcp:443'],\n"
	"      when: ['feature:monitor'], purpose: p}]}\n"
	"  - {title: Opt, clouds: [public], need: optional, kind: application, entries: [\n"
	"     {id: extra, row: 1, names: [e.example], ports: ['https:443'], purpose: p}]}\n";

static void clouds_and_features_select_their_entries(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	use_catalog(fixture, s_wide);
	use_feature(fixture, "gpu");
	expect_rules(fixture, "aks-fqdn: login mixed driver");
	const struct rule *mixed = find_rule(fixture, "aks-fqdn", "mixed");
	assert_int_equal(mixed->protocol_count, 2);
	assert_int_equal(pattern_at(&mixed->patterns, 1)->kind, PATTERN_LABEL);
	assert_string_equal(pattern_at(&mixed->patterns, 0)->name.text, "eastus.dp.example");
	assert_string_equal(find_rule(fixture, "aks-fqdn", "driver")->origin,
			    "edition 2030-01-01, public, GPU, prose");
	assert_string_equal(find_choice(fixture, "driver")->why,
			    "cluster.features lists its feature");
	assert_string_equal(find_choice(fixture, "extra")->why,
			    "optional: add a rule of your own if you want it");
	free_fixture(fixture);

	fixture = new_fixture();
	use_catalog(fixture, s_wide);
	strcpy(fixture->profile.cloud, "moon");
	expect_rules(fixture, "aks-fqdn: login");
	assert_string_equal(
		pattern_at(&find_rule(fixture, "aks-fqdn", "login")->patterns, 0)->name.text,
		"b.example");
	assert_string_equal(find_choice(fixture, "mixed")->why,
			    "cluster.features does not list gpu");
	free_fixture(fixture);
}

static void a_tag_without_region_needs_only_the_file(void **state)
{
	static const char tags[] = "{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":[{\"name\":"
				   "\"AzureMonitor\",\"properties\":{\"region\":\"\","
				   "\"addressPrefixes\":[\"192.0.2.0/24\"]}}]}";
	struct fixture *fixture = new_fixture();

	(void)state;
	use_catalog(fixture, s_wide);
	use_feature(fixture, "gpu");
	use_feature(fixture, "monitor");
	fixture->profile.recommended = true;
	use_tags(fixture, tags);
	expect_rules(fixture, "aks-fqdn: login driver aks-recommended-network: monitor-tag");
	assert_string_equal(find_choice(fixture, "mixed")->why, "cluster.features lists monitor");
	assert_string_equal(find_choice(fixture, "monitor-tag")->why, "the only destination");
	free_fixture(fixture);
}

static void editions_are_listed_and_the_newest_is_the_default(void **state)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);
	const char *const *names = catalog_edition_names(catalog);
	size_t count = 0;

	(void)state;
	while (names[count])
		count++;
	assert_true(count >= 1);
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
	assert_string_equal(catalog_edition_find(catalog, NULL)->name, names[count - 1]);
	assert_string_equal(catalog_edition_find(catalog, "2024-05-20")->name, "2024-05-20");
	assert_null(catalog_edition_find(catalog, "2024"));
	assert_null(catalog_cloud_find(catalog_edition_find(catalog, ""), "moon"));
	catalog_free(catalog);
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_current_cluster_needs_only_names),
		cmocka_unit_test(every_condition_brings_or_takes_its_rules),
		cmocka_unit_test(a_rule_says_where_it_comes_from),
		cmocka_unit_test(the_widest_alternative_is_the_last_resort),
		cmocka_unit_test(a_service_tag_is_narrower_than_everywhere),
		cmocka_unit_test(written_prefixes_are_narrower_than_a_service_tag),
		cmocka_unit_test(the_api_servers_addresses_are_narrowest),
		cmocka_unit_test(ntp_goes_to_its_name),
		cmocka_unit_test(custom_dns_gets_tcp_by_a_marked_correction),
		cmocka_unit_test(pods_need_the_api_server_to_be_named),
		cmocka_unit_test(a_missing_region_is_told_once),
		cmocka_unit_test(unknown_words_are_refused_with_the_allowed),
		cmocka_unit_test(service_tags_of_another_cloud_or_without_the_region_are_refused),
		cmocka_unit_test(an_api_server_of_another_region_is_warned_of),
		cmocka_unit_test(an_absent_profile_adds_nothing),
		cmocka_unit_test(clouds_and_features_select_their_entries),
		cmocka_unit_test(a_tag_without_region_needs_only_the_file),
		cmocka_unit_test(editions_are_listed_and_the_newest_is_the_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
