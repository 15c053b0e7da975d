/*
 * What each target writes: the built program run with each line of words below, in
 * tests/golden/export, and its standard output held against the file there; its standard error
 * instead when it is to fail. SALLYPORT_UPDATE_GOLDEN=1 writes the files anew: read the difference
 * before committing it. The products' own checks of the same files are tests/exports.
 */
#include "../golden.h"

struct run {
	const char *file, *words;
	int status;
};

#define EASTUS "--region=eastus --feature=monitor --konnectivity=no --recommended"
#define CHINA  "--cloud=china --region=chinaeast2 --konnectivity=no --edition=2024-05-20"

static const struct run s_azure[] = {
	{"azure-firewall-arm/eastus.json", "azure-firewall-arm " EASTUS, 0},
	{"azure-firewall-arm/china.json", "azure-firewall-arm " CHINA, 0},
	{"azure-firewall-arm/azure.json", "azure-firewall-arm -c azure.yaml", 0},
	{"azure-firewall-arm/everything.json", "azure-firewall-arm -c everything.yaml", 0},
	{"azure-firewall-arm/purposes.json", "azure-firewall-arm -c purposes.yaml", 0},
	{"azure-firewall-arm/strict.txt", "azure-firewall-arm -c azure.yaml --strict", 1},
	{"azure-firewall-bicep/eastus.bicep", "azure-firewall-bicep " EASTUS, 0},
	{"azure-firewall-bicep/china.bicep", "azure-firewall-bicep " CHINA, 0},
	{"azure-firewall-bicep/azure.bicep", "azure-firewall-bicep -c azure.yaml", 0},
	{"azure-firewall-bicep/everything.bicep", "azure-firewall-bicep -c everything.yaml", 0},
	{"azure-firewall-bicep/purposes.bicep", "azure-firewall-bicep -c purposes.yaml", 0},
	{"azure-firewall-terraform/eastus.tf", "azure-firewall-terraform " EASTUS, 0},
	{"azure-firewall-terraform/china.tf", "azure-firewall-terraform " CHINA, 0},
	{"azure-firewall-terraform/azure.tf", "azure-firewall-terraform -c azure.yaml", 0},
	{"azure-firewall-terraform/everything.tf", "azure-firewall-terraform -c everything.yaml",
	 0},
	{"azure-firewall-terraform/purposes.tf", "azure-firewall-terraform -c purposes.yaml", 0},
	{"azure-cli/eastus.sh", "azure-cli " EASTUS, 0},
	{"azure-cli/china.sh", "azure-cli " CHINA, 0},
	{"azure-cli/azure.sh", "azure-cli -c azure.yaml", 0},
	{"azure-cli/everything.sh", "azure-cli -c everything.yaml", 0},
	{"azure-cli/purposes.sh", "azure-cli -c purposes.yaml", 0},
};

/* Policies for the pods of a cluster. */
static const struct run s_cluster[] = {
	{"cilium/address-denials.yaml", "cilium -c address-denials.yaml", 0},
	{"cilium/purposes.yaml", "cilium -c purposes.yaml", 0},
	{"cilium/refused.txt", "cilium -c everything.yaml", 1},
	{"cilium/strict.txt", "cilium -c allow-only.yaml --strict", 1},
	{"calico/address-denials.yaml", "calico -c address-denials.yaml", 0},
	{"calico/purposes.yaml", "calico -c purposes.yaml", 0},
	{"calico/refused.txt", "calico -c everything.yaml", 1},
	{"gke-fqdn/allow-only.yaml", "gke-fqdn -c allow-only.yaml", 0},
	{"gke-fqdn/refused.txt", "gke-fqdn -c address-denials.yaml", 1},
	{"kubernetes/allow-only.yaml", "kubernetes -c allow-only.yaml", 0},
	{"kubernetes/refused.txt", "kubernetes -c address-denials.yaml", 1},
};

/* Firewalls of others, and lists for them. */
static const struct run s_appliances[] = {
	{"palo-alto/everything.set", "palo-alto -c everything.yaml", 0},
	{"palo-alto/address-denials.set", "palo-alto -c address-denials.yaml", 0},
	{"palo-alto/purposes.set", "palo-alto -c purposes.yaml", 0},
	{"fortigate/everything.conf", "fortigate -c everything.yaml", 0},
	{"fortigate/address-denials.conf", "fortigate -c address-denials.yaml", 0},
	{"fortigate/purposes.conf", "fortigate -c purposes.yaml", 0},
	{"edl/allow-only.txt", "edl -c allow-only.yaml", 0},
	{"edl/refused.txt", "edl -c address-denials.yaml", 1},
};

/* Packet filters, proxies and an inspector that stand where the gateway would. */
static const struct run s_proxies[] = {
	{"nftables/eastus.txt", "nftables " EASTUS, 0},
	{"nftables/everything.txt", "nftables -c everything.yaml", 0},
	{"nftables/address-denials.txt", "nftables -c address-denials.yaml", 0},
	{"nftables/purposes.txt", "nftables -c purposes.yaml", 0},
	{"squid/eastus.conf", "squid " EASTUS, 0},
	{"squid/everything.conf", "squid -c everything.yaml", 0},
	{"squid/address-denials.conf", "squid -c address-denials.yaml", 0},
	{"squid/purposes.conf", "squid -c purposes.yaml", 0},
	{"squid/strict.txt", "squid -c everything.yaml --strict", 1},
	{"haproxy/eastus.cfg", "haproxy " EASTUS, 0},
	{"haproxy/everything.cfg", "haproxy -c everything.yaml", 0},
	{"haproxy/address-denials.cfg", "haproxy -c address-denials.yaml", 0},
	{"haproxy/purposes.cfg", "haproxy -c purposes.yaml", 0},
	{"envoy/everything.txt", "envoy -c everything.yaml", 0},
	{"envoy/address-denials.txt", "envoy -c address-denials.yaml", 0},
	{"envoy/purposes.txt", "envoy -c purposes.yaml", 0},
	{"suricata/eastus.rules", "suricata " EASTUS, 0},
	{"suricata/everything.rules", "suricata -c everything.yaml", 0},
	{"suricata/address-denials.rules", "suricata -c address-denials.yaml", 0},
	{"suricata/purposes.rules", "suricata -c purposes.yaml", 0},
};

static bool check(const struct run *run)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY;
	char words[512];
	int status;

	snprintf(words, sizeof(words), "export %s", run->words);
	status = golden_run(words, run->status ? "2>&1 >/dev/null" : "2>/dev/null", &heard);
	golden_hide_version(&heard);
	if (status != run->status)
		print_message("# %s: exit status %d, not %d\n", run->file, status, run->status);
	return golden_holds(run->file, &heard) && status == run->status;
}

static void check_all(const struct run *runs, size_t count)
{
	size_t wrong = 0;

	for (size_t i = 0; i < count; i++)
		wrong += !check(&runs[i]);
	assert_int_equal(wrong, 0);
}

#define CHECK_ALL(runs) check_all(runs, sizeof(runs) / sizeof((runs)[0]))

static void azure_firewall_is_written(void **state)
{
	(void)state;
	CHECK_ALL(s_azure);
}

static void clusters_get_policies(void **state)
{
	(void)state;
	CHECK_ALL(s_cluster);
}

static void appliances_get_rules_and_lists(void **state)
{
	(void)state;
	CHECK_ALL(s_appliances);
}

static void proxies_and_packet_filters_get_configurations(void **state)
{
	(void)state;
	CHECK_ALL(s_proxies);
}

static int enter_folder(void **state)
{
	(void)state;
	return golden_enter("export");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(azure_firewall_is_written),
		cmocka_unit_test(clusters_get_policies),
		cmocka_unit_test(appliances_get_rules_and_lists),
		cmocka_unit_test(proxies_and_packet_filters_get_configurations),
	};

	return cmocka_run_group_tests(tests, enter_folder, NULL);
}
