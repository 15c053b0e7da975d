/* An ARM template: a firewall policy and its one rule collection group. Remarks are metadata. */
#include "base/cleanup.h"
#include "export/azure_tree_impl.h"
#include "export/targets_impl.h"

static const char s_parameters[] =
	"  \"parameters\": {\n"
	"    \"policyName\": {\n"
	"      \"type\": \"string\",\n"
	"      \"defaultValue\": \"sallyport\"\n"
	"    },\n"
	"    \"location\": {\n"
	"      \"type\": \"string\",\n"
	"      \"defaultValue\": \"[resourceGroup().location]\"\n"
	"    },\n"
	"    \"skuTier\": {\n"
	"      \"type\": \"string\",\n"
	"      \"defaultValue\": \"Standard\",\n"
	"      \"allowedValues\": [\"Standard\", \"Premium\"],\n"
	"      \"metadata\": {\"description\": \"Basic has no DNS proxy.\"}\n"
	"    },\n"
	"    \"enableDnsProxy\": {\n"
	"      \"type\": \"bool\",\n"
	"      \"defaultValue\": true,\n"
	"      \"metadata\": {\"description\": \"Names in network rules need it.\"}\n"
	"    },\n"
	"    \"dnsServers\": {\n"
	"      \"type\": \"array\",\n"
	"      \"defaultValue\": [],\n"
	"      \"metadata\": {\"description\": \"Whom the DNS proxy asks; empty: Azure's own "
	"DNS.\"}\n"
	"    },\n"
	"    \"groupName\": {\n"
	"      \"type\": \"string\",\n"
	"      \"defaultValue\": \"sallyport\"\n"
	"    },\n"
	"    \"groupPriority\": {\n"
	"      \"type\": \"int\",\n"
	"      \"defaultValue\": 500,\n"
	"      \"minValue\": 100,\n"
	"      \"maxValue\": 65000,\n"
	"      \"metadata\": {\"description\": \"Among the policy's rule collection groups; the "
	"lowest is judged first.\"}\n"
	"    }\n"
	"  },\n";

static const char s_policy[] = "    {\n"
			       "      \"type\": \"Microsoft.Network/firewallPolicies\",\n"
			       "      \"apiVersion\": \"" AZURE_API_VERSION "\",\n"
			       "      \"name\": \"[parameters('policyName')]\",\n"
			       "      \"location\": \"[parameters('location')]\",\n"
			       "      \"properties\": {\n"
			       "        \"sku\": {\"tier\": \"[parameters('skuTier')]\"},\n"
			       "        \"dnsSettings\": {\n"
			       "          \"enableProxy\": \"[parameters('enableDnsProxy')]\",\n"
			       "          \"servers\": \"[parameters('dnsServers')]\"\n"
			       "        }\n"
			       "      }\n"
			       "    },\n";

static const char s_group[] =
	"    {\n"
	"      \"type\": \"Microsoft.Network/firewallPolicies/ruleCollectionGroups\",\n"
	"      \"apiVersion\": \"" AZURE_API_VERSION "\",\n"
	"      \"name\": \"[concat(parameters('policyName'), '/', parameters('groupName'))]\",\n"
	"      \"dependsOn\": [\n"
	"        \"[resourceId('Microsoft.Network/firewallPolicies', parameters('policyName'))]\"\n"
	"      ],\n"
	"      \"properties\": {\n"
	"        \"priority\": \"[parameters('groupPriority')]\"";

static void write_template(struct export_job *job)
{
	cleanup(azure_plan_done) struct azure_plan plan = {0};
	struct azure_tree tree = {.out = job->out, .depth = 4, .started = true};

	azure_plan_make(job, &plan);
	text_add(job->out, "{\n"
			   "  \"$schema\": \"https://schema.management.azure.com/schemas/"
			   "2019-04-01/deploymentTemplate.json#\",\n"
			   "  \"contentVersion\": \"1.0.0.0\",\n"
			   "  \"metadata\": {\n"
			   "    \"remarks\": ");
	export_header_json(job, job->out, "\n      ");
	text_add(job->out, "\n  },\n");
	text_add(job->out, s_parameters);
	text_add(job->out, "  \"resources\": [\n");
	text_add(job->out, s_policy);
	text_add(job->out, s_group);
	azure_tree_collections(&tree, &plan);
	text_add(job->out, "\n"
			   "      }\n"
			   "    }\n"
			   "  ]\n"
			   "}\n");
}

const struct export_writer export_azure_firewall_arm = {
	.file = "azuredeploy.json", .knows_tags = true, .write = write_template};
