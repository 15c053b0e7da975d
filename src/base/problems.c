#include "base/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define PROBLEMS_LIMIT_TEXT "1,000"

struct problems {
	struct problem *list;
	size_t count, capacity;
	bool has_errors;
};

struct problems *problems_new(void)
{
	return calloc(1, sizeof(struct problems));
}

void problems_free(struct problems *problems)
{
	if (!problems)
		return;
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->list[i].file);
		free(problems->list[i].text);
	}
	free(problems->list);
	free(problems);
}

static struct problem *add_slot(struct problems *problems)
{
	if (problems->count == problems->capacity) {
		size_t capacity = problems->capacity ? problems->capacity * 2 : 16;
		struct problem *grown = realloc(problems->list, capacity * sizeof(*grown));

		if (!grown)
			return NULL;
		problems->list = grown;
		problems->capacity = capacity;
	}
	return &problems->list[problems->count++];
}

/* For what the text quotes; NULL: none, or no memory. */
static char *make_printable(const char *text)
{
	struct text printable = TEXT_EMPTY;

	if (text)
		text_add_printable(&printable, text);
	if (text_failed(&printable))
		text_free(&printable);
	return printable.data;
}

static void keep(struct problems *problems, enum problem_severity severity,
		 struct problem_place place, const char *line)
{
	struct problem *problem = add_slot(problems);

	if (problem)
		*problem = (struct problem){
			.severity = severity,
			.file = make_printable(place.file),
			.line = place.line,
			.column = place.column,
			.text = make_printable(line),
		};
	/* A warning that nobody hears is worse than a refusal. */
	if (!problem || !problem->text || (place.file && !problem->file))
		problems->has_errors = true;
}

/* What is beyond the limit becomes one line; it is an error if one of them is. */
static void keep_no_more(struct problems *problems, enum problem_severity severity,
			 const char *file)
{
	if (problems->count == PROBLEMS_LIMIT)
		keep(problems, severity, (struct problem_place){file, 0, 0},
		     "there is more to say than these " PROBLEMS_LIMIT_TEXT " lines");
	else if (severity == PROBLEM_ERROR)
		problems->list[PROBLEMS_LIMIT].severity = PROBLEM_ERROR;
}

void problems_add(struct problems *problems, enum problem_severity severity,
		  struct problem_place place, const char *format, ...)
{
	char line[1024];
	va_list arguments;

	if (severity == PROBLEM_ERROR)
		problems->has_errors = true; /* also when there is no memory for the words */
	if (problems->count >= PROBLEMS_LIMIT) {
		keep_no_more(problems, severity, place.file);
		return;
	}
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	keep(problems, severity, place, line);
}

size_t problems_count(const struct problems *problems)
{
	return problems->count;
}

const struct problem *problems_at(const struct problems *problems, size_t index)
{
	return &problems->list[index];
}

bool problems_has_errors(const struct problems *problems)
{
	return problems->has_errors;
}

char *problems_format(const struct problems *problems)
{
	struct text text = TEXT_EMPTY;

	text_add(&text, "");
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		if (problem->file)
			text_addf(&text, "%s:", problem->file);
		if (problem->line)
			text_addf(&text, "%u:%u:", problem->line, problem->column);
		text_addf(&text, "%s%s: %s\n",
			  text.length && text.data[text.length - 1] == ':' ? " " : "",
			  problem->severity == PROBLEM_ERROR ? "error" : "warning",
			  problem->text ? problem->text : "(out of memory)");
	}
	if (text_failed(&text)) {
		text_free(&text);
		return NULL;
	}
	return text.data;
}
