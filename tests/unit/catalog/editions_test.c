/*
 * What the editions inside the program give a cluster: for each cloud and feature, and for the
 * facts that bring rules or take them away. That they are the article's is article_test's business.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../pattern_at.h"
#include "make_rules.h"

static const char *const s_editions[] = {"2024-05-20", "2026-07-02"};
static const char *const s_clouds[][2] = {
	{"public", "eastus"}, {"china", "chinaeast2"}, {"usgov", "usgovvirginia"}};

#define EDITIONS 2
#define CLOUDS   3

static struct fixture *new_cluster(const char *edition, const char *const cloud[2])
{
	struct fixture *fixture = new_fixture();

	snprintf(fixture->profile.edition, sizeof(fixture->profile.edition), "%s", edition);
	snprintf(fixture->profile.cloud, sizeof(fixture->profile.cloud), "%s", cloud[0]);
	snprintf(fixture->profile.region, sizeof(fixture->profile.region), "%s", cloud[1]);
	return fixture;
}

static const struct rule *any_rule(const struct fixture *fixture, const char *name)
{
	for (size_t i = 0; i < fixture->set.collection_count; i++) {
		const struct rule *rule =
			find_rule(fixture, fixture->set.collections[i].name, name);

		if (rule)
			return rule;
	}
	return NULL;
}

/* Does one of the rule's patterns admit the name? */
static bool admits(const struct rule *rule, const char *text)
{
	struct name name;

	assert_int_equal(name_from_person(text, &name), NAME_OK);
	for (size_t i = 0; i < rule->patterns.count; i++)
		if (pattern_matches(pattern_at(&rule->patterns, i), &name))
			return true;
	return false;
}

static bool knows_feature(const struct fixture *fixture, const char *feature)
{
	const struct catalog_edition *edition =
		catalog_edition_find(fixture->catalog, fixture->profile.edition);

	for (size_t i = 0; i < edition->feature_count; i++)
		if (!strcmp(edition->features[i].name, feature))
			return true;
	return false;
}

struct expected {
	const char *rule;
	const char *hosts[CLOUDS]; /* that the rule admits in each cloud; NULL: no such rule */
	bool only_new;             /* not in the oldest edition */
};

static void expect_hosts(const char *feature, const struct expected *expected, size_t count)
{
	for (size_t i = 0; i < EDITIONS * CLOUDS; i++) {
		struct fixture *fixture = new_cluster(s_editions[i / CLOUDS], s_clouds[i % CLOUDS]);

		if (feature && !knows_feature(fixture, feature)) {
			free_fixture(fixture);
			continue;
		}
		if (feature)
			use_feature(fixture, feature);
		make(fixture);
		assert_int_equal(fixture->result, 0);
		for (size_t j = 0; j < count; j++) {
			const char *host = expected[j].hosts[i % CLOUDS];
			const struct rule *rule = any_rule(fixture, expected[j].rule);
			bool wanted = host && !(expected[j].only_new && i / CLOUDS == 0);

			if (wanted != (rule != NULL) || (wanted && !admits(rule, host)))
				fail_msg("%s %s: %s %s %s", s_editions[i / CLOUDS],
					 s_clouds[i % CLOUDS][0], expected[j].rule,
					 wanted ? "must admit" : "must not be there",
					 host ? host : "");
		}
		free_fixture(fixture);
	}
}

#define EXPECT_HOSTS(feature, expected)                                                            \
	expect_hosts(feature, expected, sizeof(expected) / sizeof(*(expected)))

static void each_cloud_has_its_own_names(void **state)
{
	static const struct expected expected[] = {
		{"api-server",
		 {"a-1.hcp.eastus.azmk8s.io", "a-1.hcp.chinaeast2.cx.prod.service.azk8s.cn",
		  "a-1.hcp.usgovvirginia.cx.aks.containerservice.azure.us"},
		 false},
		{"api-server-tunnel",
		 {NULL, "a-1.tun.chinaeast2.cx.prod.service.azk8s.cn", NULL},
		 false},
		{"mcr", {"mcr.microsoft.com", "mcr.microsoft.com", "mcr.microsoft.com"}, false},
		{"mcr-data",
		 {"eastus.data.mcr.microsoft.com", "eastus.data.mcr.microsoft.com",
		  "eastus.data.mcr.microsoft.com"},
		 false},
		{"mcr-edge", {"mcr-0001.mcr-msedge.net", NULL, NULL}, true},
		{"mcr-cache", {NULL, "chinaeast2.data.mcr.azure.cn", NULL}, true},
		{"azure-management",
		 {"management.azure.com", "management.chinacloudapi.cn",
		  "management.usgovcloudapi.net"},
		 false},
		{"entra-login",
		 {"login.microsoftonline.com", "login.chinacloudapi.cn",
		  "login.microsoftonline.us"},
		 false},
		{"microsoft-packages",
		 {"packages.microsoft.com", "packages.microsoft.com", "packages.microsoft.com"},
		 false},
		{"acs-mirror",
		 {"acs-mirror.azureedge.net", NULL, "acs-mirror.azureedge.net"},
		 false},
		{"aks-packages", {"packages.aks.azure.com", NULL, "packages.aks.azure.com"}, false},
		{"azk8s-mirror", {NULL, "mirror.azk8s.cn", NULL}, false},
	};

	(void)state;
	EXPECT_HOSTS(NULL, expected);
}

static void add_ons_have_their_names_in_each_cloud(void **state)
{
	static const struct expected defender[] = {
		{"defender-login",
		 {"login.microsoftonline.com", "login.microsoftonline.cn",
		  "login.microsoftonline.us"},
		 false},
		{"defender-events",
		 {"w.ods.opinsights.azure.com", "w.ods.opinsights.azure.cn",
		  "w.ods.opinsights.azure.us"},
		 false},
		{"defender-cloud", {"eus.cloud.defender.microsoft.com", NULL, NULL}, true},
	};
	static const struct expected policy[] = {
		{"policy-data",
		 {"data.policy.core.windows.net", "data.policy.azure.cn", "data.policy.azure.us"},
		 false},
		{"policy-telemetry", {"dc.services.visualstudio.com", NULL, NULL}, false},
	};
	static const struct expected cost[] = {
		{"cost-management",
		 {"management.azure.com", "management.chinacloudapi.cn",
		  "management.usgovcloudapi.net"},
		 false},
	};
	static const struct expected extensions[] = {
		{"extensions-config",
		 {"eastus.dp.kubernetesconfiguration.azure.com",
		  "chinaeast2.dp.kubernetesconfiguration.azure.cn",
		  "usgovvirginia.dp.kubernetesconfiguration.azure.us"},
		 false},
		{"extensions-metrics", {"x.microsoftmetrics.com", NULL, NULL}, false},
	};
	static const struct expected identity[] = {
		{"workload-identity-login",
		 {"login.microsoftonline.com", "login.chinacloudapi.cn",
		  "login.microsoftonline.us"},
		 true},
	};

	(void)state;
	EXPECT_HOSTS("defender", defender);
	EXPECT_HOSTS("policy", policy);
	EXPECT_HOSTS("cost-analysis", cost);
	EXPECT_HOSTS("extensions", extensions);
	EXPECT_HOSTS("workload-identity", identity);
}

static void monitoring_has_its_names_in_each_cloud(void **state)
{
	static const struct expected expected[] = {
		{"monitor-logs",
		 {"w.ods.opinsights.azure.com", "w.ods.opinsights.azure.cn",
		  "w.ods.opinsights.azure.us"},
		 false},
		{"monitor-collection-rules",
		 {"eastus.handler.control.monitor.azure.com",
		  "chinaeast2.handler.control.monitor.azure.cn",
		  "usgovvirginia.handler.control.monitor.azure.us"},
		 false},
		{"monitor-metrics-ingest",
		 {"d.metrics.ingest.monitor.azure.com", "d.metrics.ingest.monitor.azure.cn",
		  "d.metrics.ingest.monitor.azure.us"},
		 true},
		{"monitor-app-insights-own",
		 {NULL, "chinaeast2-0.in.applicationinsights.azure.cn",
		  "usgovvirginia-0.in.applicationinsights.azure.us"},
		 true},
	};

	(void)state;
	EXPECT_HOSTS("monitor", expected);
}

static void node_pools_have_the_same_names_everywhere(void **state)
{
	static const struct expected gpu[] = {
		{"gpu-drivers",
		 {"us.download.nvidia.com", "us.download.nvidia.com", "us.download.nvidia.com"},
		 false},
		{"gpu-packages",
		 {"nvidia.github.io", "nvidia.github.io", "nvidia.github.io"},
		 false},
		{"gpu-docker",
		 {"download.docker.com", "download.docker.com", "download.docker.com"},
		 false},
	};
	static const struct expected windows[] = {
		{"windows-binaries",
		 {"go.microsoft.com", "go.microsoft.com", "go.microsoft.com"},
		 false},
		{"windows-updates",
		 {"dl.delivery.mp.microsoft.com", "www.msftconnecttest.com",
		  "ctldl.windowsupdate.com"},
		 false},
	};

	(void)state;
	EXPECT_HOSTS("gpu", gpu);
	EXPECT_HOSTS("windows", windows);
}

static void vaults_are_reached_by_names_of_their_own(void **state)
{
	static const struct expected expected[] = {
		{"key-vaults",
		 {"v.vault.azure.net", "v.vault.azure.cn", "v.vault.usgovcloudapi.net"},
		 false},
		{"key-vault", {"vault.azure.net", NULL, NULL}, false},
	};

	(void)state;
	EXPECT_HOSTS("secrets-store-csi", expected);
}

static void what_only_the_prose_names_is_taken_with_its_feature(void **state)
{
	static const struct expected disks[] = {
		{"managed-disks", {"md-abc.blob.storage.azure.net", NULL, NULL}, false}};
	static const struct expected agent[] = {
		{"vm-extensions", {"umsa1.blob.core.windows.net", NULL, NULL}, true}};
	static const struct expected none[] = {{"managed-disks", {NULL, NULL, NULL}, false},
					       {"vm-extensions", {NULL, NULL, NULL}, false}};
	struct fixture *fixture = new_cluster("2026-07-02", s_clouds[0]);

	(void)state;
	EXPECT_HOSTS("managed-disks", disks);
	EXPECT_HOSTS("vm-extensions", agent);
	EXPECT_HOSTS(NULL, none);
	use_feature(fixture, "vm-extensions");
	make(fixture);
	assert_non_null(find_rule(fixture, "aks-recommended", "vm-extensions"));
	assert_false(admits(any_rule(fixture, "vm-extensions"), "other.blob.core.windows.net"));
	free_fixture(fixture);
}

static void monitoring_by_service_tag_takes_its_prefixes(void **state)
{
	static const char tags[] = "{\"changeNumber\":1,\"cloud\":\"Public\",\"values\":[{\"name\":"
				   "\"AzureMonitor\",\"properties\":{\"region\":\"\","
				   "\"addressPrefixes\":[\"192.0.2.0/24\"]}}]}";
	struct fixture *fixture = new_cluster("2026-07-02", s_clouds[0]);

	(void)state;
	use_feature(fixture, "monitor-service-tag");
	use_tags(fixture, tags);
	make(fixture);
	const struct rule *rule = find_rule(fixture, "aks-network", "monitor-tag");
	assert_int_equal(rule->destination_count, 1);
	assert_int_equal(rule->ports[0].first, 443);
	assert_null(any_rule(fixture, "monitor-logs"));
	assert_int_equal(problems_count(fixture->problems), 0);
	free_fixture(fixture);

	fixture = new_cluster("2026-07-02", s_clouds[0]);
	use_feature(fixture, "monitor-service-tag");
	use_feature(fixture, "monitor");
	use_tags(fixture, tags);
	expect_problems(fixture, "warning: cluster.features lists both monitor and "
				 "monitor-service-tag, two ways to the same thing: either is "
				 "enough, and both together admit more than either\n");
}

static void a_feature_without_rules_in_a_cloud_is_warned_of(void **state)
{
	struct fixture *fixture = new_cluster("2026-07-02", s_clouds[1]);

	(void)state;
	use_feature(fixture, "vm-extensions");
	use_feature(fixture, "gpu");
	expect_problems(fixture, "warning: cluster.features lists vm-extensions, for which edition "
				 "2026-07-02 has no rules in cloud china\n");
}

/* "tunnel-udp tunnel-tcp": the network rules, in each cloud. */
static void expect_network_rules(const char *edition, void (*set)(struct cluster_profile *profile),
				 const char *const expected[CLOUDS])
{
	for (size_t i = 0; i < CLOUDS; i++) {
		struct fixture *fixture = new_cluster(edition, s_clouds[i]);
		struct text text = TEXT_EMPTY;

		use_api_server(fixture, "a.hcp.example");
		set(&fixture->profile);
		make(fixture);
		assert_int_equal(fixture->result, 0);
		for (size_t j = 0; j < fixture->set.collection_count; j++) {
			const struct rule_collection *collection = &fixture->set.collections[j];

			for (size_t k = 0; k < collection->rule_count; k++)
				if (collection->kind == RULE_NETWORK)
					text_addf(&text, "%s%s", text.length ? " " : "",
						  collection->rules[k].name);
		}
		assert_string_equal(text_string(&text), expected[i]);
		text_free(&text);
		free_fixture(fixture);
	}
}

static void current(struct cluster_profile *profile)
{
	(void)profile;
}

static void tunnelled(struct cluster_profile *profile)
{
	profile->konnectivity = false;
}

static void tunnelled_private(struct cluster_profile *profile)
{
	profile->konnectivity = false;
	profile->private_cluster = true;
}

static void old_nodes(struct cluster_profile *profile)
{
	profile->nodes_before_march_2021 = true;
}

static void by_address(struct cluster_profile *profile)
{
	profile->pods_use_api_server_address = true;
}

static void by_address_private(struct cluster_profile *profile)
{
	profile->pods_use_api_server_address = true;
	profile->private_cluster = true;
}

static void to_the_letter(struct cluster_profile *profile)
{
	profile->corrections = false;
}

static void to_the_letter_private(struct cluster_profile *profile)
{
	profile->corrections = false;
	profile->private_cluster = true;
	profile->pods_use_api_server_address = true;
}

static void conditions_hold_in_every_cloud_and_to_the_letter_without_corrections(void **state)
{
	static const struct {
		void (*set)(struct cluster_profile *profile);
		const char *rules[CLOUDS];
	} cases[] = {
		{current, {"", "", ""}},
		{tunnelled,
		 {"tunnel-udp tunnel-tcp", "tunnel-udp tunnel-tcp tunnel-ssh",
		  "tunnel-udp tunnel-tcp"}},
		{tunnelled_private, {"", "", ""}},
		{old_nodes, {"ntp", "ntp", "ntp"}},
		{by_address, {"api-server-address", "api-server-address", "api-server-address"}},
		{by_address_private, {"", "", ""}},
		/* In the public cloud alone the article makes exceptions. */
		{to_the_letter,
		 {"", "tunnel-udp tunnel-tcp tunnel-ssh ntp", "tunnel-udp tunnel-tcp ntp"}},
		{to_the_letter_private,
		 {"", "tunnel-udp tunnel-tcp tunnel-ssh ntp api-server-address",
		  "tunnel-udp tunnel-tcp ntp api-server-address"}},
	};

	(void)state;
	for (size_t i = 0; i < EDITIONS; i++)
		for (size_t j = 0; j < sizeof(cases) / sizeof(*cases); j++)
			expect_network_rules(s_editions[i], cases[j].set, cases[j].rules);
}

static void a_private_cluster_reaches_its_api_server_elsewhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < CLOUDS; i++) {
		struct fixture *fixture = new_cluster("2026-07-02", s_clouds[i]);

		fixture->profile.private_cluster = true;
		make(fixture);
		assert_null(any_rule(fixture, "api-server"));
		assert_false(find_choice(fixture, "api-server")->taken);
		assert_int_equal(find_choice(fixture, "api-server")->correction, i > 0);
		assert_string_equal(find_choice(fixture, "api-server")->why,
				    "cluster.private is true");
		free_fixture(fixture);
	}
}

static void corrections_are_marked_and_can_be_left_out(void **state)
{
	struct fixture *fixture = new_cluster("2024-05-20", s_clouds[0]);

	(void)state;
	use_feature(fixture, "secrets-store-csi");
	make(fixture);
	assert_true(any_rule(fixture, "aks-packages")->correction);
	assert_true(any_rule(fixture, "key-vaults")->correction);
	assert_non_null(any_rule(fixture, "key-vaults")->note);
	assert_false(any_rule(fixture, "key-vault")->correction);
	assert_non_null(any_rule(fixture, "key-vault")->note);
	assert_null(any_rule(fixture, "mcr-data")->note);
	free_fixture(fixture);

	fixture = new_cluster("2024-05-20", s_clouds[0]);
	use_feature(fixture, "secrets-store-csi");
	fixture->profile.corrections = false;
	make(fixture);
	assert_null(any_rule(fixture, "aks-packages"));
	assert_null(any_rule(fixture, "key-vaults"));
	assert_non_null(any_rule(fixture, "key-vault"));
	assert_string_equal(find_choice(fixture, "key-vaults")->why,
			    "cluster.corrections is false");
	free_fixture(fixture);
}

static bool has_id(const struct catalog_edition *edition, const char *id)
{
	for (size_t i = 0; i < edition->entry_count; i++)
		if (!strcmp(edition->entries[i].id, id))
			return true;
	return false;
}

static void ids_are_the_same_in_every_edition(void **state)
{
	static const char *const removed[] = {
		"managed-disks-storage", /* the service tag is no longer offered */
	};
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);
	const struct catalog_edition *old = catalog_edition_find(catalog, "2024-05-20");
	const struct catalog_edition *new = catalog_edition_find(catalog, "2026-07-02");
	size_t gone = 0;

	(void)state;
	for (size_t i = 0; i < old->entry_count; i++) {
		const char *id = old->entries[i].id;

		if (has_id(new, id))
			continue;
		assert_true(gone < sizeof(removed) / sizeof(*removed));
		assert_string_equal(id, removed[gone++]);
	}
	assert_int_equal(gone, sizeof(removed) / sizeof(*removed));
	catalog_free(catalog);
	problems_free(problems);
}

static void private_link_names_are_api_servers_too(void **state)
{
	static const char *const names[CLOUDS] = {
		"a.1b2c.privatelink.eastus.azmk8s.io",
		"a.1b2c.privatelink.chinaeast2.cx.prod.service.azk8s.cn",
		"a.1b2c.privatelink.usgovvirginia.cx.aks.containerservice.azure.us"};

	(void)state;
	for (size_t i = 0; i < CLOUDS * CLOUDS; i++) {
		struct fixture *fixture = new_cluster("2026-07-02", s_clouds[i % CLOUDS]);

		use_api_server(fixture, names[i / CLOUDS]);
		make(fixture);
		assert_int_equal(problems_count(fixture->problems), i % CLOUDS != i / CLOUDS);
		free_fixture(fixture);
	}
}

static void some_regions_have_codes_in_tags_of_azure_cloud(void **state)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_load(NULL, problems);

	(void)state;
	for (size_t i = 0; i < EDITIONS; i++) {
		const struct catalog_edition *edition =
			catalog_edition_find(catalog, s_editions[i]);
		const struct catalog_cloud *public = catalog_cloud_find(edition, "public");

		assert_string_equal(catalog_cloud_region_code(public, "francecentral"),
				    "centralfrance");
		assert_string_equal(catalog_cloud_region_code(public, "eastus"), "eastus");
		assert_string_equal(catalog_cloud_region_code(catalog_cloud_find(edition, "china"),
							      "chinaeast2"),
				    "chinaeast2");
	}
	catalog_free(catalog);
	problems_free(problems);
}

static void a_tag_by_name_has_the_code_of_its_region(void **state)
{
	static const char *const france[2] = {"public", "francecentral"};
	struct fixture *fixture = new_cluster("2026-07-02", france);

	(void)state;
	fixture->profile.konnectivity = false;
	assert_int_equal(catalog_rules(fixture->catalog, &fixture->profile, NULL,
				       CATALOG_TAGS_BY_NAME, &fixture->set, NULL,
				       fixture->problems),
			 0);
	const struct rule *rule = find_rule(fixture, "aks-network", "tunnel-udp");
	assert_int_equal(rule->tag_count, 1);
	assert_string_equal(rule->tags[0].name, "AzureCloud.centralfrance");
	free_fixture(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cloud_has_its_own_names),
		cmocka_unit_test(add_ons_have_their_names_in_each_cloud),
		cmocka_unit_test(monitoring_has_its_names_in_each_cloud),
		cmocka_unit_test(node_pools_have_the_same_names_everywhere),
		cmocka_unit_test(vaults_are_reached_by_names_of_their_own),
		cmocka_unit_test(what_only_the_prose_names_is_taken_with_its_feature),
		cmocka_unit_test(monitoring_by_service_tag_takes_its_prefixes),
		cmocka_unit_test(a_feature_without_rules_in_a_cloud_is_warned_of),
		cmocka_unit_test(
			conditions_hold_in_every_cloud_and_to_the_letter_without_corrections),
		cmocka_unit_test(a_private_cluster_reaches_its_api_server_elsewhere),
		cmocka_unit_test(corrections_are_marked_and_can_be_left_out),
		cmocka_unit_test(ids_are_the_same_in_every_edition),
		cmocka_unit_test(private_link_names_are_api_servers_too),
		cmocka_unit_test(some_regions_have_codes_in_tags_of_azure_cloud),
		cmocka_unit_test(a_tag_by_name_has_the_code_of_its_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
