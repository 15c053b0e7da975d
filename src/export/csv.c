/*
 * Rules for spreadsheets (RFC 4180): a heading, then a line a rule in judging order. Lists inside a
 * cell are separated by a comma and a blank, as people read them.
 *
 * A cell that starts with '=', '+', '-' or '@' would be a formula to a spreadsheet; names of one's
 * own could be such, so an apostrophe is put before them, which spreadsheets show as text.
 */
#include <string.h>

#include "base/cleanup.h"
#include "export/rule_text.h"
#include "export/targets_impl.h"

static void add_cell(struct text *out, const char *value)
{
	text_add(out, "\"");
	if (*value && strchr("=+-@\t\r", *value))
		text_add(out, "'");
	for (; *value; value++) {
		if (*value == '"')
			text_add(out, "\"");
		text_add_bytes(out, value, 1);
	}
	text_add(out, "\"");
}

/* Writes a list by `write` into a cell of its own. */
#define ADD_LIST(out, write)                                                                       \
	do {                                                                                       \
		cleanup(text_free) struct text cell_ = TEXT_EMPTY;                                 \
		write;                                                                             \
		text_add(out, ",");                                                                \
		add_cell(out, text_string(&cell_));                                                \
	} while (0)

static void add_line(struct text *out, const struct export_rule *rule)
{
	enum rule_kind kind = rule->collection->kind;

	add_cell(out, rule->collection->name);
	text_add(out, ",");
	add_cell(out, rule->rule->name);
	text_addf(out, ",%s,%u,%s", kind == RULE_APPLICATION ? "application" : "network",
		  rule->collection->priority,
		  rule->collection->action == RULE_ALLOW ? "allow" : "deny");
	ADD_LIST(out, rule_write_sources(&cell_, rule->rule));
	ADD_LIST(out, rule_write_destinations(&cell_, rule->rule, kind, 0));
	ADD_LIST(out, rule_write_ports(&cell_, rule->rule, kind));
	text_add(out, ",");
	add_cell(out, rule->rule->purpose ? rule->rule->purpose : "");
	text_add(out, ",");
	add_cell(out, rule->rule->origin ? rule->rule->origin : "");
	text_addf(out, ",%s,", rule->rule->correction ? "yes" : "no");
	add_cell(out, rule->rule->note ? rule->rule->note : "");
	ADD_LIST(out, rule_write_switches(&cell_, rule->rule));
	text_add(out, "\r\n");
}

static void write_csv(struct export_job *job)
{
	text_add(job->out, "collection,rule,kind,priority,action,sources,destinations,ports,"
			   "purpose,origin,correction,note,switches\r\n");
	for (size_t i = 0; i < job->rule_count; i++)
		add_line(job->out, &job->rules[i]);
}

const struct export_writer export_csv = {.file = "rules.csv", .lists = true, .write = write_csv};
