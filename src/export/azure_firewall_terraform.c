/*
 * Terraform's azurerm provider: a firewall policy and its one rule collection group, laid out as
 * `terraform fmt` does: the '=' of neighbouring lines stand below each other, and lists of several
 * words take a line a word.
 */
#include <string.h>

#include "base/cleanup.h"
#include "export/azure_firewall_impl.h"
#include "export/targets_impl.h"

static const char s_head[] =
	"\n"
	"terraform {\n"
	"  required_providers {\n"
	"    azurerm = {\n"
	"      source  = \"hashicorp/azurerm\"\n"
	"      version = \">= 3.0\"\n"
	"    }\n"
	"  }\n"
	"}\n"
	"\n"
	"variable \"resource_group_name\" {\n"
	"  type = string\n"
	"}\n"
	"\n"
	"variable \"location\" {\n"
	"  type = string\n"
	"}\n"
	"\n"
	"variable \"policy_name\" {\n"
	"  type    = string\n"
	"  default = \"sallyport\"\n"
	"}\n"
	"\n"
	"variable \"sku\" {\n"
	"  type        = string\n"
	"  default     = \"Standard\"\n"
	"  description = \"Standard or Premium; Basic has no DNS proxy.\"\n"
	"}\n"
	"\n"
	"variable \"dns_proxy_enabled\" {\n"
	"  type        = bool\n"
	"  default     = true\n"
	"  description = \"Names in network rules need it.\"\n"
	"}\n"
	"\n"
	"variable \"dns_servers\" {\n"
	"  type        = list(string)\n"
	"  default     = []\n"
	"  description = \"Whom the DNS proxy asks; empty: Azure's own DNS.\"\n"
	"}\n"
	"\n"
	"variable \"group_name\" {\n"
	"  type    = string\n"
	"  default = \"sallyport\"\n"
	"}\n"
	"\n"
	"variable \"group_priority\" {\n"
	"  type        = number\n"
	"  default     = 500\n"
	"  description = \"Among the policy's rule collection groups, 100 to 65000; the lowest is "
	"judged first.\"\n"
	"}\n"
	"\n"
	"resource \"azurerm_firewall_policy\" \"sallyport\" {\n"
	"  name                = var.policy_name\n"
	"  resource_group_name = var.resource_group_name\n"
	"  location            = var.location\n"
	"  sku                 = var.sku\n"
	"\n"
	"  dns {\n"
	"    proxy_enabled = var.dns_proxy_enabled\n"
	"    servers       = var.dns_servers\n"
	"  }\n"
	"}\n"
	"\n"
	"resource \"azurerm_firewall_policy_rule_collection_group\" \"sallyport\" {\n"
	"  name               = var.group_name\n"
	"  firewall_policy_id = azurerm_firewall_policy.sallyport.id\n"
	"  priority           = var.group_priority\n";

/* ------------------------------------------------------------------------- notation */

static void add_string(struct text *out, const char *value)
{
	text_add(out, "\"");
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f) {
			text_addf(out, "\\u%04x", (unsigned int)*value);
			continue;
		}
		if (*value == '"' || *value == '\\')
			text_add(out, "\\");
		if ((*value == '$' || *value == '%') && value[1] == '{')
			text_add_bytes(out, value, 1); /* else a template begins */
		text_add_bytes(out, value, 1);
	}
	text_add(out, "\"");
}

/* A line of its own or of one width with its neighbours. */
struct attribute {
	const char *key;
	struct text value; /* as it is written */
};

static void add_list(struct text *value, const struct azure_words *words)
{
	bool many = words->count > 1;

	text_add(value, many ? "[\n" : "[");
	AZURE_FOR_EACH(word, words)
	{
		text_add(value, many ? "        " : "");
		add_string(value, word);
		text_add(value, many ? ",\n" : "");
	}
	text_add(value, many ? "      ]" : "]");
}

static bool is_one_line(const struct attribute *attribute)
{
	return !strchr(text_string(&attribute->value), '\n');
}

/* The widest key among the neighbours of one line each, from the first of them. */
static int width_of_block(const struct attribute *attributes, size_t count)
{
	size_t width = 0;

	for (size_t i = 0; i < count && is_one_line(&attributes[i]); i++)
		if (strlen(attributes[i].key) > width)
			width = strlen(attributes[i].key);
	return (int)width;
}

/* Writes the attributes of a rule and frees them. */
static void write_attributes(struct text *out, struct attribute *attributes, size_t count)
{
	int width = 0;

	for (size_t i = 0; i < count; i++) {
		if (i == 0 || !is_one_line(&attributes[i - 1]))
			width = width_of_block(&attributes[i], count - i);
		text_addf(out, "      %-*s = %s\n", is_one_line(&attributes[i]) ? width : 0,
			  attributes[i].key, text_string(&attributes[i].value));
	}
	for (size_t i = 0; i < count; i++) {
		out->failed |= attributes[i].value.failed;
		text_free(&attributes[i].value);
	}
}

/* ------------------------------------------------------------------------- rules */

#define ATTRIBUTES_MAX 8

struct attributes {
	struct attribute list[ATTRIBUTES_MAX];
	size_t count;
};

static void take_string(struct attributes *attributes, const char *key, const char *value)
{
	if (!value)
		return;
	attributes->list[attributes->count] = (struct attribute){.key = key};
	add_string(&attributes->list[attributes->count++].value, value);
}

static void take_list(struct attributes *attributes, const char *key,
		      const struct azure_words *words)
{
	if (!words->count)
		return;
	attributes->list[attributes->count] = (struct attribute){.key = key};
	add_list(&attributes->list[attributes->count++].value, words);
}

static void write_protocols(struct text *out, const struct azure_rule *rule)
{
	for (size_t i = 0; i < rule->protocol_count; i++)
		text_addf(out,
			  "\n"
			  "      protocols {\n"
			  "        type = \"%s\"\n"
			  "        port = %u\n"
			  "      }\n",
			  azure_protocol(&rule->protocols[i]), rule->protocols[i].port);
}

static void write_rule(struct text *out, const struct azure_rule *rule)
{
	struct attributes attributes = {0};

	take_string(&attributes, "name", rule->name);
	take_string(&attributes, "description", azure_purpose(rule));
	take_list(&attributes, "source_addresses", &rule->sources);
	take_list(&attributes, "protocols", &rule->transports);
	take_list(&attributes, "destination_addresses", &rule->addresses);
	take_list(&attributes, "destination_fqdns", &rule->fqdns);
	take_list(&attributes, "destination_ports", &rule->ports);
	text_add(out, "\n    rule {\n");
	write_attributes(out, attributes.list, attributes.count);
	write_protocols(out, rule);
	text_add(out, "    }\n");
}

/* The provider keeps its blocks apart by kind, so ours come in judging order by themselves. */
static void write_collection(struct text *out, const struct azure_collection *collection)
{
	text_addf(out,
		  "\n"
		  "  %s_rule_collection {\n"
		  "    name     = \"%s\"\n"
		  "    priority = %u\n"
		  "    action   = \"%s\"\n",
		  collection->from->kind == RULE_NETWORK ? "network" : "application",
		  collection->name, collection->priority, azure_action(collection));
	for (size_t i = 0; i < collection->rule_count; i++)
		write_rule(out, &collection->rules[i]);
	text_add(out, "  }\n");
}

static void write_terraform(struct export_job *job)
{
	cleanup(azure_plan_done) struct azure_plan plan = {0};

	azure_plan_make(job, &plan);
	text_add(job->out, s_head);
	for (size_t i = 0; i < plan.collection_count; i++)
		write_collection(job->out, &plan.collections[i]);
	text_add(job->out, "}\n");
}

const struct export_writer export_azure_firewall_terraform = {
	.file = "main.tf", .comment = "# ", .knows_tags = true, .write = write_terraform};
