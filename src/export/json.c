/* Rules for machines: an array of objects in judging order. */
#include "export/rule_text.h"
#include "export/targets_impl.h"

static void write_json(struct export_job *job)
{
	text_add(job->out, "[");
	for (size_t i = 0; i < job->rule_count; i++) {
		text_add(job->out, i ? ",\n " : "");
		rule_write_json(job->out, job->rules[i].collection, job->rules[i].rule);
	}
	text_add(job->out, "]\n");
}

const struct export_writer export_json = {.file = "rules.json", .lists = true, .write = write_json};
