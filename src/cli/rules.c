/* sallyport rules: what the profile needs, and the own rules beside it, in judging order. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/model.h"
#include "cli/rule_text.h"
#include "cli/verbs.h"

#define DESTINATIONS_SHOWN 4
#define COLUMN_MAX         40

/* Of the columns: as wide as the widest, but no wider than COLUMN_MAX. */
struct widths {
	int label, ports;
};

static void widen(int *width, size_t length)
{
	if (length <= COLUMN_MAX && (int)length > *width)
		*width = (int)length;
}

static struct widths measure(const struct policy *policy)
{
	cleanup(text_free) struct text ports = TEXT_EMPTY;
	struct widths widths = {0, 0};

	for (size_t i = 0; i < policy_rule_count(policy); i++) {
		const struct policy_rule *rule = policy_rule_at(policy, i);

		text_clear(&ports);
		rule_write_ports(&ports, rule->rule, rule->kind);
		widen(&widths.ports, ports.length);
		widen(&widths.label, strlen(rule->label));
	}
	return widths;
}

static void add_line(struct text *out, const struct policy_rule *rule, const struct widths *widths,
		     const struct cli_colours *colours)
{
	cleanup(text_free) struct text ports = TEXT_EMPTY;

	rule_write_ports(&ports, rule->rule, rule->kind);
	text_addf(out, "  %s%-5s%s  %-*s  %-*s  ", rule->action == RULE_ALLOW ? "" : colours->bad,
		  rule->action == RULE_ALLOW ? "allow" : "deny", colours->plain, widths->label,
		  rule->label, widths->ports, text_string(&ports));
	rule_write_destinations(out, rule->rule, rule->kind, DESTINATIONS_SHOWN);
	if (!rule->rule->any_source) {
		text_add(out, " from ");
		rule_write_sources(out, rule->rule);
	}
	text_add(out, "\n");
	if (rule->rule->purpose)
		text_addf(out, "         %s%s%s\n", colours->faint, rule->rule->purpose,
			  colours->plain);
}

static void add_all(struct text *out, const struct policy *policy)
{
	struct cli_colours colours = cli_colours();
	struct widths widths = measure(policy);
	size_t network = policy_network_rule_count(policy);

	for (size_t i = 0; i < policy_rule_count(policy); i++) {
		if (i == 0 && network > 0)
			text_addf(out, "%snetwork rules%s\n", colours.bold, colours.plain);
		if (i == network)
			text_addf(out, "%sapplication rules%s\n", colours.bold, colours.plain);
		add_line(out, policy_rule_at(policy, i), &widths, &colours);
	}
	text_add(out, policy_rule_count(policy) > 0 ? "everything else is denied\n"
						    : "no rules: everything is denied\n");
}

static void add_all_json(struct text *out, const struct policy *policy)
{
	text_add(out, "[");
	for (size_t i = 0; i < policy_rule_count(policy); i++) {
		text_add(out, i ? ",\n " : "");
		rule_write_json(out, policy_rule_at(policy, i));
	}
	text_add(out, "]\n");
}

int cli_rules(const struct cli_arguments *arguments)
{
	cleanup(cli_model_done) struct cli_model model = {0};
	cleanup(text_free) struct text out = TEXT_EMPTY;

	if (!cli_model_load(arguments, &model))
		return 2;
	if (arguments->json)
		add_all_json(&out, model.policy);
	else
		add_all(&out, model.policy);
	return cli_print(&out) ? 0 : 1;
}
