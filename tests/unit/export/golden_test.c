/*
 * What each target writes: the built program run with each line of words below, in
 * tests/golden/export, and its standard output held against the file there; its standard error
 * instead when it is to fail. SALLYPORT_UPDATE_GOLDEN=1 writes the files anew: read the difference
 * before committing it. The products' own checks of the same files are tests/exports.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

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

/* What the program says on one of its two outputs; returns the exit status. */
static int run_program(const char *words, bool errors, struct text *heard)
{
	const char *program = getenv("SALLYPORT_PROGRAM");
	char command[1024], bytes[4096];
	size_t got;
	FILE *pipe;
	int status;

	snprintf(command, sizeof(command), "exec %s; exec '%s' export %s",
		 errors ? "2>&1 >/dev/null" : "2>/dev/null",
		 program ? program : "../../../build/sallyport", words);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while ((got = fread(bytes, 1, sizeof(bytes), pipe)) > 0)
		text_add_bytes(heard, bytes, got);
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The version moves on without this being news. */
static void hide_version(struct text *text)
{
	static const char shown[] = "sallyport " SALLYPORT_VERSION;
	char *rest = text->data, *at;
	struct text changed = TEXT_EMPTY;

	while (rest && (at = strstr(rest, shown))) {
		text_add_bytes(&changed, rest, (size_t)(at - rest));
		text_add(&changed, "sallyport VERSION");
		rest = at + strlen(shown);
	}
	text_add(&changed, rest ? rest : "");
	text_free(text);
	*text = changed;
}

static void update(const char *path, const struct text *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text_string(text), file);
	fclose(file);
}

static bool check(const struct run *run)
{
	cleanup(text_free) struct text heard = TEXT_EMPTY;
	cleanup(free_memory) char *expected = NULL;
	int status = run_program(run->words, run->status != 0, &heard);
	size_t length;

	hide_version(&heard);
	if (getenv("SALLYPORT_UPDATE_GOLDEN"))
		update(run->file, &heard);
	if (status != run->status)
		print_message("# %s: exit status %d, not %d\n", run->file, status, run->status);
	else if (file_read(run->file, 1u << 20, &expected, &length) < 0 ||
		 strcmp(expected, text_string(&heard)) != 0)
		print_message("# export %s differs from %s; now:\n%s", run->words, run->file,
			      text_string(&heard));
	else
		return true;
	return false;
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
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/export", source ? source : ".");
	return chdir(path);
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
