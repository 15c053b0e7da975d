/* A Bicep file: a firewall policy and its one rule collection group. */
#include "base/cleanup.h"
#include "export/azure_tree_impl.h"
#include "export/targets_impl.h"

static const char s_head[] =
	"\n"
	"param policyName string = 'sallyport'\n"
	"\n"
	"param location string = resourceGroup().location\n"
	"\n"
	"@description('Basic has no DNS proxy.')\n"
	"@allowed([\n"
	"  'Standard'\n"
	"  'Premium'\n"
	"])\n"
	"param skuTier string = 'Standard'\n"
	"\n"
	"@description('Names in network rules need it.')\n"
	"param enableDnsProxy bool = true\n"
	"\n"
	"@description('Whom the DNS proxy asks; empty: Azure\\'s own DNS.')\n"
	"param dnsServers array = []\n"
	"\n"
	"param groupName string = 'sallyport'\n"
	"\n"
	"@description('Among the policy\\'s rule collection groups; the lowest is judged first.')\n"
	"@minValue(100)\n"
	"@maxValue(65000)\n"
	"param groupPriority int = 500\n"
	"\n"
	"resource policy 'Microsoft.Network/firewallPolicies@" AZURE_API_VERSION "' = {\n"
	"  name: policyName\n"
	"  location: location\n"
	"  properties: {\n"
	"    sku: {\n"
	"      tier: skuTier\n"
	"    }\n"
	"    dnsSettings: {\n"
	"      enableProxy: enableDnsProxy\n"
	"      servers: dnsServers\n"
	"    }\n"
	"  }\n"
	"}\n"
	"\n"
	"resource group 'Microsoft.Network/firewallPolicies/ruleCollectionGroups@" AZURE_API_VERSION
	"' = {\n"
	"  parent: policy\n"
	"  name: groupName\n"
	"  properties: {\n"
	"    priority: groupPriority";

static void write_bicep(struct export_job *job)
{
	cleanup(azure_plan_done) struct azure_plan plan = {0};
	struct azure_tree tree = {.out = job->out, .bicep = true, .depth = 2, .started = true};

	azure_plan_make(job, &plan);
	text_add(job->out, s_head);
	azure_tree_collections(&tree, &plan);
	text_add(job->out, "\n"
			   "  }\n"
			   "}\n");
}

const struct export_writer export_azure_firewall_bicep = {
	.file = "main.bicep", .comment = "// ", .knows_tags = true, .write = write_bicep};
