/* Rules for documents and tickets: a Markdown table for each kind, in judging order. */
#include <string.h>

#include "base/cleanup.h"
#include "export/rule_text.h"
#include "export/targets_impl.h"

/* What would end a cell or be taken for markup is escaped. */
static void add_escaped(struct text *out, const char *value)
{
	for (; *value; value++) {
		if (strchr("|\\`*_<>[]", *value))
			text_add(out, "\\");
		text_add_bytes(out, *value == '\n' ? " " : value, 1);
	}
}

static void add_code(struct text *out, const char *value)
{
	text_addf(out, "`%s`", value);
}

static void add_line(struct text *out, const struct export_rule *rule)
{
	cleanup(text_free) struct text destinations = TEXT_EMPTY;
	cleanup(text_free) struct text ports = TEXT_EMPTY;
	cleanup(text_free) struct text sources = TEXT_EMPTY;
	cleanup(text_free) struct text switches = TEXT_EMPTY;

	rule_write_destinations(&destinations, rule->rule, rule->collection->kind, 0);
	rule_write_ports(&ports, rule->rule, rule->collection->kind);
	rule_write_sources(&sources, rule->rule);
	text_addf(out, "| %s | ", rule->collection->action == RULE_ALLOW ? "allow" : "**deny**");
	export_label(rule, out);
	text_add(out, " | ");
	add_code(out, text_string(&destinations));
	text_add(out, " | ");
	add_code(out, text_string(&ports));
	rule_write_switches(&switches, rule->rule);
	if (switches.length) {
		text_add(out, " ");
		add_code(out, text_string(&switches));
	}
	text_add(out, " | ");
	add_code(out, text_string(&sources));
	text_add(out, " | ");
	add_escaped(out, rule->rule->purpose ? rule->rule->purpose : "");
	if (rule->rule->correction) {
		text_add(out, " *Correction, not in the article:* ");
		add_escaped(out, rule->rule->note);
	}
	text_add(out, " |\n");
}

static void add_table(struct export_job *job, const char *heading, size_t first, size_t end)
{
	if (first == end)
		return;
	text_addf(job->out,
		  "## %s\n\n| | Rule | Destination | Port | From | Purpose |\n"
		  "|---|---|---|---|---|---|\n",
		  heading);
	for (size_t i = first; i < end; i++)
		add_line(job->out, &job->rules[i]);
	text_add(job->out, "\n");
}

static void write_markdown(struct export_job *job)
{
	add_table(job, "Network rules", 0, job->network_count);
	add_table(job, "Application rules", job->network_count, job->rule_count);
	text_add(job->out, job->rule_count > 0 ? "Everything else is denied.\n"
					       : "No rules: everything is denied.\n");
}

const struct export_writer export_markdown = {
	.file = "rules.md", .lists = true, .write = write_markdown};
