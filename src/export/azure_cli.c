/*
 * A shell script of `az network firewall policy` commands.
 *
 * Every word that is not ours stands in single quotes. Two conventions of az remain: a value that
 * starts with '@' is read from that file, and some first characters are syntax of its own; a value
 * for people that starts with anything but a letter or digit gets a blank before it.
 */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/azure_firewall_impl.h"
#include "export/targets_impl.h"

static const char s_head[] =
	"\n"
	"set -euo pipefail\n"
	"\n"
	": \"${RESOURCE_GROUP:?the resource group of the policy}\"\n"
	": \"${POLICY_NAME:=sallyport}\" \"${GROUP_NAME:=sallyport}\" \"${GROUP_PRIORITY:=500}\"\n"
	"\n"
	"policy=(--resource-group \"$RESOURCE_GROUP\" --name \"$POLICY_NAME\")\n"
	"group=(--resource-group \"$RESOURCE_GROUP\" --policy-name \"$POLICY_NAME\")\n"
	"quiet=(--output none --only-show-errors)\n"
	"\n"
	"add_collection() {\n"
	"	az network firewall policy rule-collection-group collection add-filter-collection "
	"\\\n"
	"		\"${group[@]}\" --rule-collection-group-name \"$GROUP_NAME\" "
	"\"${quiet[@]}\" \"$@\"\n"
	"}\n"
	"\n"
	"add_rule() {\n"
	"	az network firewall policy rule-collection-group collection rule add \\\n"
	"		\"${group[@]}\" --rule-collection-group-name \"$GROUP_NAME\" "
	"\"${quiet[@]}\" \"$@\"\n"
	"}\n"
	"\n"
	"az extension add --upgrade --name azure-firewall --only-show-errors\n"
	"\n"
	"if az network firewall policy show \"${policy[@]}\" \"${quiet[@]}\" 2>/dev/null; then\n"
	"	az network firewall policy update \"${policy[@]}\" --enable-dns-proxy true "
	"\"${quiet[@]}\"\n"
	"else\n"
	"	az network firewall policy create \"${policy[@]}\" --enable-dns-proxy true "
	"\"${quiet[@]}\"\n"
	"fi\n"
	"\n"
	"if az network firewall policy rule-collection-group show \\\n"
	"	\"${group[@]}\" --name \"$GROUP_NAME\" \"${quiet[@]}\" 2>/dev/null; then\n"
	"	az network firewall policy rule-collection-group delete \\\n"
	"		\"${group[@]}\" --name \"$GROUP_NAME\" --yes \"${quiet[@]}\"\n"
	"fi\n"
	"az network firewall policy rule-collection-group create \\\n"
	"	\"${group[@]}\" --name \"$GROUP_NAME\" --priority \"$GROUP_PRIORITY\" "
	"\"${quiet[@]}\"\n";

static void add_quoted(struct text *out, const char *value)
{
	text_add(out, "'");
	for (; *value; value++) {
		if (*value == '\'')
			text_add(out, "'\\'");
		text_add_bytes(out, value, 1);
	}
	text_add(out, "'");
}

static void add_purpose(struct text *out, const char *purpose)
{
	cleanup(text_free) struct text value = TEXT_EMPTY;

	if (!purpose)
		return;
	if (!isalnum((unsigned char)*purpose))
		text_add(&value, " ");
	for (; *purpose; purpose++)
		text_add_bytes(&value, iscntrl((unsigned char)*purpose) ? " " : purpose, 1);
	text_add(out, " \\\n	--description ");
	add_quoted(out, text_string(&value));
	out->failed |= value.failed;
}

static void add_words(struct text *out, const char *option, const struct azure_words *words)
{
	if (!words->count)
		return;
	text_addf(out, " \\\n	%s", option);
	AZURE_FOR_EACH(word, words)
	{
		text_add(out, " ");
		add_quoted(out, word);
	}
}

static void add_protocols(struct text *out, const struct azure_rule *rule)
{
	text_add(out, " \\\n	--protocols");
	for (size_t i = 0; i < rule->protocol_count; i++)
		text_addf(out, " %s=%u", azure_protocol(&rule->protocols[i]),
			  rule->protocols[i].port);
}

/* What the commands for a collection's first and its other rules have in common. */
static void add_rule(struct text *out, const struct azure_rule *rule)
{
	bool network = rule->from->collection->kind == RULE_NETWORK;

	text_addf(out, " \\\n	--rule-type %s", network ? "NetworkRule" : "ApplicationRule");
	add_purpose(out, azure_purpose(rule));
	add_words(out, "--source-addresses", &rule->sources);
	if (network) {
		add_words(out, "--ip-protocols", &rule->transports);
		add_words(out, "--destination-addresses", &rule->addresses);
		add_words(out, "--destination-fqdns", &rule->fqdns);
		add_words(out, "--destination-ports", &rule->ports);
	} else {
		add_protocols(out, rule);
		add_words(out, "--target-fqdns", &rule->fqdns);
	}
	text_add(out, "\n");
}

static void write_collection(struct text *out, const struct azure_collection *collection)
{
	text_addf(out,
		  "\n"
		  "add_collection --name '%s' --collection-priority %u --action %s \\\n"
		  "	--rule-name '%s'",
		  collection->name, collection->priority, azure_action(collection),
		  collection->rules[0].name);
	add_rule(out, &collection->rules[0]);
	for (size_t i = 1; i < collection->rule_count; i++) {
		text_addf(out, "add_rule --collection-name '%s' --name '%s'", collection->name,
			  collection->rules[i].name);
		add_rule(out, &collection->rules[i]);
	}
}

static void write_script(struct export_job *job)
{
	cleanup(azure_plan_done) struct azure_plan plan = {0};

	azure_plan_make(job, &plan);
	export_note(job, "run it again to replace the rule collection group $GROUP_NAME by this "
			 "one; meanwhile what the group allows is denied, and on a firewall in "
			 "use each command takes minutes: change such a policy by one of the "
			 "azure-firewall targets, at one stroke");
	text_add(job->out, "#!/bin/bash\n");
	export_header_lines(job, job->out, "# ", "");
	text_add(job->out, s_head);
	for (size_t i = 0; i < plan.collection_count; i++)
		write_collection(job->out, &plan.collections[i]);
}

const struct export_writer export_azure_cli = {
	.file = "azure-firewall.sh", .knows_tags = true, .write = write_script};
