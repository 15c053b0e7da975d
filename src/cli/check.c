/*
 * sallyport check: is the configuration valid, and what would be enforced. For every entry of the
 * catalogue it says which alternative was taken and why, or why it was left out.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/model.h"
#include "cli/verbs.h"
#include "export/rule_text.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

static void add_choice(struct text *out, const struct catalog_choice *choice,
		       const struct colours *colours)
{
	if (!choice->taken) {
		text_addf(out, "  %sleft out%s  %-28s %s%s\n", colours->faint, colours->plain,
			  choice->entry, choice->why ? choice->why : "",
			  choice->correction ? ", a correction" : "");
		return;
	}
	text_addf(out, "  %staken%s     %-28s %s%s%s\n", colours->good, colours->plain,
		  choice->entry, choice->destination ? choice->destination : "",
		  choice->destination && choice->why ? ": " : "", choice->why ? choice->why : "");
	for (size_t i = 0; i < choice->narrower_count; i++)
		text_addf(out, "            %28s  narrower: %s, lacks %s\n", "",
			  choice->narrower[i].destination, choice->narrower[i].lacks);
}

static void add_places(struct text *out, const struct config *config)
{
	char endpoint[IP_ENDPOINT_TEXT_SIZE], prefix[IP_PREFIX_TEXT_SIZE];

	text_add(out, "protects: ");
	for (size_t i = 0; i < config->network.source_count; i++)
		text_addf(out, "%s%s", i ? ", " : "",
			  ip_prefix_format(&config->network.sources[i], prefix));
	text_addf(out, "%s behind ", config->network.source_count ? "" : "(no source)");
	for (size_t i = 0; i < config->network.interface_count; i++)
		text_addf(out, "%s%s", i ? ", " : "", config->network.interfaces[i]);
	text_addf(out, "%s\nDNS: listens on ",
		  config->network.interface_count ? "" : "(no interface)");
	for (size_t i = 0; i < config->dns.listen_count; i++)
		text_addf(out, "%s%s", i ? ", " : "",
			  ip_endpoint_format(&config->dns.listen[i], endpoint));
	text_addf(out, "%s; asks ", config->dns.listen_count ? "" : "nothing");
	for (size_t i = 0; i < config->dns.upstream_count; i++)
		text_addf(out, "%s%s", i ? ", " : "",
			  ip_endpoint_format(&config->dns.upstreams[i], endpoint));
	text_addf(out, "%s\n", config->dns.upstream_count ? "" : "nobody");
}

static void add_all(struct text *out, const struct cli_model *model)
{
	const struct cluster_profile *cluster = &model->config->cluster;
	struct colours colours = cli_colours();
	size_t rules = policy_rule_count(model->policy);

	text_addf(out, "%svalid%s\n", colours.good, colours.plain);
	if (cluster->present)
		text_addf(out, "cluster: cloud %s, region %s, edition %s\n", cluster->cloud,
			  *cluster->region ? cluster->region : "(unknown)",
			  *cluster->edition ? cluster->edition : "(the newest)");
	else
		text_add(out, "cluster: none, so no rule comes from the catalogue\n");
	add_places(out, model->config);
	text_addf(out, "rules: %zu network, %zu application; everything else is denied\n",
		  policy_network_rule_count(model->policy),
		  rules - policy_network_rule_count(model->policy));
	if (catalog_choices_count(model->choices) > 0)
		text_addf(out, "\n%sfrom the catalogue%s\n", colours.bold, colours.plain);
	for (size_t i = 0; i < catalog_choices_count(model->choices); i++)
		add_choice(out, catalog_choices_at(model->choices, i), &colours);
}

static void add_pair(struct text *out, const char *key, const char *value)
{
	text_addf(out, ",\"%s\":", key);
	if (value)
		text_add_json_string(out, value, strlen(value));
	else
		text_add(out, "null");
}

static void add_choice_json(struct text *out, const struct catalog_choice *choice)
{
	text_addf(out, "{\"taken\":%s", choice->taken ? "true" : "false");
	add_pair(out, "entry", choice->entry);
	add_pair(out, "destination", choice->destination);
	add_pair(out, "why", choice->why);
	if (choice->correction)
		text_add(out, ",\"correction\":true");
	text_add(out, ",\"narrower\":[");
	for (size_t i = 0; i < choice->narrower_count; i++) {
		text_addf(out, "%s{\"available\":false", i ? "," : "");
		add_pair(out, "destination", choice->narrower[i].destination);
		add_pair(out, "lacks", choice->narrower[i].lacks);
		text_add(out, "}");
	}
	text_add(out, "]}");
}

static void add_all_json(struct text *out, const struct cli_model *model)
{
	text_add(out, "{\"valid\":true,\"choices\":[");
	for (size_t i = 0; i < catalog_choices_count(model->choices); i++) {
		text_add(out, i ? ",\n " : "");
		add_choice_json(out, catalog_choices_at(model->choices, i));
	}
	text_add(out, "],\"rules\":[");
	for (size_t i = 0; i < policy_rule_count(model->policy); i++) {
		const struct policy_rule *rule = policy_rule_at(model->policy, i);

		text_add(out, i ? ",\n " : "");
		rule_write_json(out, rule->collection, rule->rule);
	}
	text_add(out, "]}\n");
}

/* A file is for `run`: what run would refuse is not valid. Flags alone only ask about a profile. */
static bool is_runnable(const struct cli_arguments *arguments, const struct config *config)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();

	if (!problems)
		return false;
	if (arguments->config_path)
		config_check_runnable(config, arguments->config_path, problems);
	cli_print_problems(problems);
	return !problems_has_errors(problems);
}

int cli_check(const struct cli_arguments *arguments)
{
	cleanup(cli_model_done) struct cli_model model = {0};
	cleanup(text_free) struct text out = TEXT_EMPTY;
	struct cli_arguments with_file = *arguments;

	if (!with_file.config_path && !cli_has_profile(arguments)) {
		if (!cli_has_default_config("check", "a profile (--region=REGION)"))
			return 2;
		with_file.config_path = CLI_DEFAULT_CONFIG;
	}
	if (!cli_model_load(&with_file, CATALOG_TAGS_BY_PREFIX, &model) ||
	    !is_runnable(&with_file, model.config))
		return 2;
	if (arguments->json)
		add_all_json(&out, &model);
	else
		add_all(&out, &model);
	return cli_print(&out) ? 0 : 1;
}
