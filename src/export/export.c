/*
 * The engine around the targets: rules in judging order, remarks, headers, refusal.
 *
 * Judging order is the policy's (DESIGN section 2): network rules before application rules, within
 * each by the collection's priority, then as written. A target writes its body first, so that all
 * remarks are known when the header is made.
 */
#include "export/export.h"
#include "export/export_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/profile.h"
#include "export/meet_impl.h"
#include "export/switches_impl.h"
#include "export/targets_impl.h"

enum remark_kind {
	REMARK_NOTE,
	REMARK_LOSS,
	REMARK_REFUSAL,
};

struct export_remark {
	enum remark_kind kind;
	char *text;
	struct text rules; /* labels, with commas; empty: none */
	size_t rule_count;
	const struct export_rule *last_rule; /* so that several losses of one rule name it once */
};

/* ----------------------------------------------------------------------- targets */

const struct export_target *export_target_find(const char *name)
{
	for (const struct export_target *one = export_targets; one->name; one++)
		if (!strcmp(one->name, name))
			return one;
	return NULL;
}

const char *export_target_title(const struct export_target *target)
{
	return target->title;
}

bool export_target_knows_tags(const struct export_target *target)
{
	return target->writer->knows_tags;
}

/* ----------------------------------------------------------------------- the plan */

static size_t count_rules(const struct rule_set *set)
{
	size_t count = 0;

	for (size_t i = 0; i < set->collection_count; i++)
		count += set->collections[i].rule_count;
	return count;
}

static void add_collection(struct export_job *job, const struct rule_collection *collection)
{
	for (size_t i = 0; i < collection->rule_count; i++)
		job->rules[job->rule_count++] =
			(struct export_rule){collection, &collection->rules[i]};
}

/* The next collection of a kind behind `last`, by priority and then as written; NULL: no more. */
static const struct rule_collection *
next_collection(const struct rule_set *set, enum rule_kind kind, const struct rule_collection *last)
{
	const struct rule_collection *best = NULL;

	for (size_t i = 0; i < set->collection_count; i++) {
		const struct rule_collection *one = &set->collections[i];
		bool later = !last || one->priority > last->priority ||
			     (one->priority == last->priority && one > last);

		if (one->kind == kind && later && (!best || one->priority < best->priority))
			best = one;
	}
	return best;
}

static int make_plan(struct export_job *job)
{
	const struct rule_set *set = job->request->set;

	job->rules = calloc(count_rules(set) + 1, sizeof(*job->rules));
	if (!job->rules)
		return -ENOMEM;
	for (int kind = RULE_NETWORK; kind <= RULE_APPLICATION; kind++) {
		const struct rule_collection *one = NULL;

		while ((one = next_collection(set, (enum rule_kind)kind, one)))
			add_collection(job, one);
		if (kind == RULE_NETWORK)
			job->network_count = job->rule_count;
	}
	return 0;
}

void export_label(const struct export_rule *rule, struct text *out)
{
	text_addf(out, "%s/%s", rule->collection->name, rule->rule->name);
}

size_t export_ports_of(const struct rule *rule, enum application_protocol protocol, uint16_t *ports,
		       size_t capacity)
{
	size_t count = 0;

	for (size_t i = 0; i < rule->protocol_count; i++) {
		if (rule->protocols[i].protocol != protocol)
			continue;
		if (count < capacity)
			ports[count] = rule->protocols[i].port;
		count++;
	}
	return count;
}

/* ----------------------------------------------------------------------- remarks */

static struct export_remark *find_remark(struct export_job *job, enum remark_kind kind,
					 const char *text)
{
	for (size_t i = 0; i < job->remark_count; i++)
		if (job->remarks[i].kind == kind && !strcmp(job->remarks[i].text, text))
			return &job->remarks[i];
	return NULL;
}

static struct export_remark *new_remark(struct export_job *job, enum remark_kind kind, char *text)
{
	struct export_remark *grown =
		reallocarray(job->remarks, job->remark_count + 1, sizeof(*grown));

	if (!grown) {
		free(text);
		return NULL;
	}
	job->remarks = grown;
	grown[job->remark_count] = (struct export_remark){.kind = kind, .text = text};
	return &grown[job->remark_count++];
}

__attribute__((format(printf, 4, 0))) static void remark(struct export_job *job,
							 enum remark_kind kind,
							 const struct export_rule *rule,
							 const char *format, va_list arguments)
{
	struct export_remark *found = NULL;
	char *text = NULL;

	if (vasprintf(&text, format, arguments) < 0) {
		job->failed = true;
		return;
	}
	found = find_remark(job, kind, text);
	if (found)
		free(text);
	else
		found = new_remark(job, kind, text);
	if (!found) {
		job->failed = true;
		return;
	}
	if (rule && rule != found->last_rule) {
		found->last_rule = rule;
		text_add(&found->rules, found->rule_count++ ? ", " : "");
		export_label(rule, &found->rules);
	}
}

void export_note(struct export_job *job, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	remark(job, REMARK_NOTE, NULL, format, arguments);
	va_end(arguments);
}

void export_loss(struct export_job *job, const struct export_rule *rule, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	remark(job, REMARK_LOSS, rule, format, arguments);
	va_end(arguments);
	job->result->loss_count++;
}

void export_refuse(struct export_job *job, const struct export_rule *rule, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	remark(job, REMARK_REFUSAL, rule, format, arguments);
	va_end(arguments);
	job->refused = true;
}

bool export_denial_matters(const struct export_job *job, const struct export_rule *rule)
{
	for (size_t i = (size_t)(rule - job->rules) + 1; i < job->rule_count; i++)
		if (job->rules[i].collection->action == RULE_ALLOW &&
		    rules_meet(rule, &job->rules[i]))
			return true;
	return false;
}

void export_leave_out(struct export_job *job, const struct export_rule *rule, const char *format,
		      ...)
{
	bool denies = rule->collection->action == RULE_DENY;
	bool matters = !denies || export_denial_matters(job, rule);
	enum remark_kind kind = denies && matters ? REMARK_REFUSAL
				: matters         ? REMARK_LOSS
						  : REMARK_NOTE;
	va_list arguments;

	va_start(arguments, format);
	remark(job, kind, rule, format, arguments);
	va_end(arguments);
	job->refused |= kind == REMARK_REFUSAL;
	job->result->loss_count += kind == REMARK_LOSS;
}

/* ----------------------------------------------------------------------- header */

typedef void emit_line(struct text *out, const char *line, const void *context);

static void add_origin_line(const struct export_job *job, struct text *line)
{
	const struct cluster_profile *profile = job->request->profile;

	text_addf(line, "%s, made by sallyport %s", job->target->title, SALLYPORT_VERSION);
	if (!profile || !profile->present)
		return;
	text_addf(line, " for cloud %s", profile->cloud);
	if (*profile->region)
		text_addf(line, ", region %s", profile->region);
	for (size_t i = 0; i < profile->feature_count; i++)
		text_addf(line, "%s%s", i ? ", " : ", features ", profile->features[i]);
	if (job->request->edition)
		text_addf(line, "; edition %s", job->request->edition);
}

static void emit_remarks(const struct export_job *job, enum remark_kind kind, emit_line *emit,
			 struct text *out, const void *context)
{
	for (size_t i = 0; i < job->remark_count; i++) {
		const struct export_remark *one = &job->remarks[i];
		cleanup(text_free) struct text line = TEXT_EMPTY;

		if (one->kind != kind)
			continue;
		text_addf(&line, "%s: %s", kind == REMARK_NOTE ? "note" : "stricter", one->text);
		if (one->rule_count)
			text_addf(&line, " (%s)", text_string(&one->rules));
		emit(out, text_string(&line), context);
	}
}

static void emit_header(const struct export_job *job, emit_line *emit, struct text *out,
			const void *context)
{
	cleanup(text_free) struct text line = TEXT_EMPTY;

	add_origin_line(job, &line);
	emit(out, text_string(&line), context);
	emit_remarks(job, REMARK_NOTE, emit, out, context);
	emit_remarks(job, REMARK_LOSS, emit, out, context);
}

struct line_form {
	const char *start, *end;
};

static void emit_comment(struct text *out, const char *line, const void *context)
{
	const struct line_form *form = context;

	text_addf(out, "%s%s%s\n", form->start, line, form->end);
}

void export_header_lines(struct export_job *job, struct text *out, const char *start,
			 const char *end)
{
	struct line_form form = {start, end};

	emit_header(job, emit_comment, out, &form);
}

static void emit_json(struct text *out, const char *line, const void *context)
{
	if (out->length > 0 && text_string(out)[out->length - 1] != '[')
		text_add(out, ",");
	text_add(out, context);
	text_add_json_string(out, line, strlen(line));
}

void export_header_json(struct export_job *job, struct text *out, const char *start)
{
	cleanup(text_free) struct text list = TEXT_EMPTY;

	text_add(&list, "[");
	emit_header(job, emit_json, &list, start);
	text_add(&list, "]");
	text_add(out, text_string(&list));
}

/* ----------------------------------------------------------------------- writing */

void export_begin_file(struct export_job *job, const char *name)
{
	struct export_result *result = job->result;
	struct export_file *grown =
		reallocarray(result->files, result->file_count + 1, sizeof(*grown));
	char *copy = strdup(name);

	if (grown)
		result->files = grown;
	if (!grown || !copy) {
		free(copy);
		job->failed = true;
		job->out = &job->discarded;
		return;
	}
	grown[result->file_count] = (struct export_file){.name = copy};
	job->out = &grown[result->file_count++].text;
}

static void add_headers(struct export_job *job)
{
	for (size_t i = 0; i < job->result->file_count; i++) {
		struct text *body = &job->result->files[i].text;
		struct text whole = TEXT_EMPTY;

		export_header_lines(job, &whole, job->target->writer->comment, "");
		text_add_bytes(&whole, text_string(body), body->length);
		whole.failed |= body->failed;
		text_free(body);
		*body = whole;
	}
}

static void report(struct export_job *job)
{
	for (size_t i = 0; i < job->remark_count; i++) {
		const struct export_remark *one = &job->remarks[i];
		bool error = one->kind == REMARK_REFUSAL ||
			     (one->kind == REMARK_LOSS && job->request->strict);

		if (one->kind != REMARK_NOTE)
			problems_add(job->problems, error ? PROBLEM_ERROR : PROBLEM_WARNING,
				     (struct problem_place){0}, "%s: %s%s%s%s", job->target->name,
				     one->text, one->rule_count ? " (" : "",
				     one->rule_count ? text_string(&one->rules) : "",
				     one->rule_count ? ")" : "");
	}
}

static bool has_failed(const struct export_job *job)
{
	bool failed = job->failed;

	for (size_t i = 0; i < job->result->file_count; i++)
		failed |= text_failed(&job->result->files[i].text);
	return failed;
}

static int run(struct export_job *job)
{
	if (make_plan(job) < 0)
		return -ENOMEM;
	export_settle_switches(job);
	export_begin_file(job, job->target->writer->file);
	job->target->writer->write(job);
	if (job->target->writer->comment)
		add_headers(job);
	if (has_failed(job))
		return -ENOMEM;
	report(job);
	return job->refused || (job->request->strict && job->result->loss_count) ? -EPERM : 0;
}

static void job_done(struct export_job *job)
{
	for (size_t i = 0; i < job->remark_count; i++) {
		free(job->remarks[i].text);
		text_free(&job->remarks[i].rules);
	}
	text_free(&job->discarded);
	free(job->remarks);
	free(job->rules);
}

int export_write(const struct export_target *target, const struct export_request *request,
		 struct export_result *ret_result, struct problems *problems)
{
	cleanup(export_result_done) struct export_result result = {.is_folder =
									   target->writer->several};
	struct export_job job = {
		.request = request, .target = target, .result = &result, .problems = problems};
	uint64_t failures = text_failures();
	int error = run(&job);

	if (text_failures() != failures) /* a part, perhaps long since in the whole */
		error = -ENOMEM;
	job_done(&job);
	if (error == -ENOMEM)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0}, "out of memory");
	if (error < 0)
		return error;
	*ret_result = result;
	result = (struct export_result){0};
	return 0;
}

void export_result_done(struct export_result *result)
{
	for (size_t i = 0; i < result->file_count; i++) {
		free(result->files[i].name);
		text_free(&result->files[i].text);
	}
	free(result->files);
	*result = (struct export_result){0};
}
