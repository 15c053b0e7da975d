/* Rules for people, one beside the other, with what each is for. */
#include <string.h>

#include "base/cleanup.h"
#include "catalog/choices.h"
#include "export/rule_text.h"
#include "export/targets_impl.h"

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

static struct widths measure(const struct export_job *job)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	struct widths widths = {0, 0};

	for (size_t i = 0; i < job->rule_count; i++) {
		const struct export_rule *rule = &job->rules[i];

		text_clear(&text);
		rule_write_ports(&text, rule->rule, rule->collection->kind);
		widen(&widths.ports, text.length);
		text_clear(&text);
		export_label(rule, &text);
		widen(&widths.label, text.length);
	}
	return widths;
}

static void add_line(struct text *out, const struct export_rule *rule, const struct widths *widths,
		     const struct colours *colours)
{
	cleanup(text_free) struct text label = TEXT_EMPTY;
	cleanup(text_free) struct text ports = TEXT_EMPTY;
	cleanup(text_free) struct text switches = TEXT_EMPTY;
	bool allow = rule->collection->action == RULE_ALLOW;

	export_label(rule, &label);
	rule_write_ports(&ports, rule->rule, rule->collection->kind);
	text_addf(out, "  %s%-5s%s  %-*s  %-*s  ", allow ? "" : colours->bad,
		  allow ? "allow" : "deny", colours->plain, widths->label, text_string(&label),
		  widths->ports, text_string(&ports));
	rule_write_destinations(out, rule->rule, rule->collection->kind, DESTINATIONS_SHOWN);
	if (!rule->rule->any_source) {
		text_add(out, " from ");
		rule_write_sources(out, rule->rule);
	}
	rule_write_switches(&switches, rule->rule);
	if (switches.length)
		text_addf(out, " (%s)", text_string(&switches));
	text_add(out, "\n");
	if (rule->rule->purpose) {
		text_addf(out, "         %s", colours->faint);
		text_add_printable(out, rule->rule->purpose);
		text_addf(out, "%s\n", colours->plain);
	}
	if (rule->rule->correction)
		text_addf(out, "         %scorrection: %s%s\n", colours->faint, rule->rule->note,
			  colours->plain);
}

/* What the article asks for and a correction takes away must be seen as well. */
static void add_left_out(const struct export_job *job, const struct colours *colours)
{
	const struct catalog_choices *choices = job->request->choices;
	bool first = true;

	for (size_t i = 0; choices && i < catalog_choices_count(choices); i++) {
		const struct catalog_choice *choice = catalog_choices_at(choices, i);

		if (!choice->correction)
			continue;
		if (first)
			text_addf(job->out, "%sleft out by corrections%s\n", colours->bold,
				  colours->plain);
		first = false;
		text_addf(job->out, "  %s: %s; the article makes no exception\n", choice->entry,
			  choice->why);
	}
}

static void write_table(struct export_job *job)
{
	const struct colours none = COLOURS_NONE;
	const struct colours *colours = job->request->colours ? job->request->colours : &none;
	struct widths widths = measure(job);

	for (size_t i = 0; i < job->rule_count; i++) {
		if (i == 0 && job->network_count > 0)
			text_addf(job->out, "%snetwork rules%s\n", colours->bold, colours->plain);
		if (i == job->network_count)
			text_addf(job->out, "%sapplication rules%s\n", colours->bold,
				  colours->plain);
		add_line(job->out, &job->rules[i], &widths, colours);
	}
	add_left_out(job, colours);
	text_add(job->out, job->rule_count > 0 ? "everything else is denied\n"
					       : "no rules: everything is denied\n");
}

const struct export_writer export_table = {
	.file = "rules.txt", .lists = true, .write = write_table};
