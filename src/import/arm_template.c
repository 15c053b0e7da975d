/*
 * A small evaluator: recursive descent over the expression, calling itself for the parameters and
 * variables that it meets. An expression may ask for others that ask for others: depth, steps and
 * the bytes of the strings made are bounded, so that a hostile template costs little. What is not
 * known stays unknown, with the reason; nothing is guessed.
 */
#include "import/arm_template_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "yaml/read.h"

#define DEPTH_LIMIT     24
#define STEP_LIMIT      10000
#define ARGUMENTS_LIMIT 16
#define TEXT_LIMIT      4096
#define MADE_LIMIT      (64u << 20)

/* One of both; neither: unknown. */
struct value {
	const struct json_item *item; /* borrowed */
	char *text;                   /* owned */
};

struct evaluation {
	struct arm_template *arm;
	const char *at;
	unsigned int depth;
	size_t *steps;
};

static void value_done(struct value *value)
{
	free(value->text);
}

__attribute__((format(printf, 2, 3))) static bool unknown(struct arm_template *arm,
							  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(arm->reason, sizeof(arm->reason), format, arguments);
	va_end(arguments);
	return false;
}

static bool ran_out(struct arm_template *arm)
{
	arm->out_of_memory = true;
	return unknown(arm, "out of memory");
}

static bool evaluate_item(struct arm_template *arm, const struct json_item *item,
			  unsigned int depth, size_t *steps, struct value *ret_value);
static bool evaluate(struct evaluation *evaluation, struct value *ret_value);

static void skip_space(struct evaluation *evaluation)
{
	evaluation->at += strspn(evaluation->at, " \t\r\n");
}

static bool set_text(struct arm_template *arm, const struct text *text, struct value *ret_value)
{
	if (text_failed(text))
		return ran_out(arm);
	if (text->length > TEXT_LIMIT)
		return unknown(arm, "its value is longer than %d bytes", TEXT_LIMIT);
	ret_value->item = NULL;
	ret_value->text = strdup(text_string(text));
	return ret_value->text || ran_out(arm);
}

/* 'it''s' */
static bool evaluate_string(struct evaluation *evaluation, struct value *ret_value)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	const char *at = evaluation->at + 1;

	for (;; at++) {
		if (!*at)
			return unknown(evaluation->arm, "a quote is not closed in it");
		if (*at == '\'' && *++at != '\'')
			break;
		text_add_bytes(&text, at, 1);
	}
	evaluation->at = at;
	return set_text(evaluation->arm, &text, ret_value);
}

/* Adds a string or an integer as text. False: it is neither. */
static bool add_value(struct arm_template *arm, const struct value *value, struct text *text)
{
	const char *string = value->text ? value->text : json_item_text(value->item);
	int64_t number;

	if (string)
		text_add(text, string);
	else if (json_item_integer(value->item, &number))
		text_addf(text, "%lld", (long long)number);
	else
		return unknown(arm, "a list or an object stands where a string is needed");
	return text->length <= TEXT_LIMIT ||
	       unknown(arm, "its value is longer than %d bytes", TEXT_LIMIT);
}

struct call {
	struct evaluation *evaluation;
	struct value arguments[ARGUMENTS_LIMIT];
	size_t count;
};

static void call_done(struct call *call)
{
	for (size_t i = 0; i < call->count; i++)
		value_done(&call->arguments[i]);
}

static bool call_concat(const struct call *call, struct value *ret_value)
{
	struct arm_template *arm = call->evaluation->arm;
	cleanup(text_free) struct text text = TEXT_EMPTY;

	for (size_t i = 0; i < call->count; i++)
		if (!add_value(arm, &call->arguments[i], &text))
			return false;
	return set_text(arm, &text, ret_value);
}

/* format('{0}/{1}', …), as Bicep writes it: plain places only. */
static bool call_format(const struct call *call, struct value *ret_value)
{
	struct arm_template *arm = call->evaluation->arm;
	cleanup(text_free) struct text text = TEXT_EMPTY;
	const char *at = call->count > 0 ? call->arguments[0].text : NULL;

	if (!at)
		return unknown(arm, "format() needs a string first");
	for (; *at; at++) {
		size_t digits = strspn(at + 1, "0123456789");
		size_t index = *at == '{' ? strtoul(at + 1, NULL, 10) + 1 : 0;

		if (*at != '{' && *at != '}') {
			text_add_bytes(&text, at, 1);
			continue;
		}
		if (*at == '}' || digits < 1 || digits > 2 || at[1 + digits] != '}' ||
		    index >= call->count)
			return unknown(arm, "its format() is not a plain one");
		if (!add_value(arm, &call->arguments[index], &text))
			return false;
		at += 1 + digits;
	}
	return set_text(arm, &text, ret_value);
}

static bool call_to_lower(const struct call *call, struct value *ret_value)
{
	if (call->count != 1 || !call_concat(call, ret_value))
		return unknown(call->evaluation->arm, "toLower() needs one string");
	for (char *at = ret_value->text; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return true;
}

static size_t count_slashes(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '/';
	return count;
}

/* Namespace/type/subtype and as many names: /providers/Namespace/type/name/subtype/name. */
static bool add_id(const struct call *call, size_t type, struct text *text)
{
	struct arm_template *arm = call->evaluation->arm;
	char *words = call->arguments[type].text, *next = NULL;
	const char *word = strtok_r(words, "/", &next);

	text_addf(text, "/providers/%s", word ? word : "");
	for (size_t i = type + 1; i < call->count; i++) {
		word = strtok_r(NULL, "/", &next);
		text_addf(text, "/%s/", word ? word : "");
		if (!add_value(arm, &call->arguments[i], text))
			return false;
	}
	return true;
}

/* resourceId([subscription], [group], 'Namespace/type', 'name', …) */
static bool call_resource_id(const struct call *call, struct value *ret_value)
{
	struct arm_template *arm = call->evaluation->arm;
	cleanup(text_free) struct text text = TEXT_EMPTY;
	size_t type = 0;

	while (type < call->count && type < 3 &&
	       (!call->arguments[type].text || !strchr(call->arguments[type].text, '/')))
		type++;
	if (type >= call->count || type == 3 ||
	    count_slashes(call->arguments[type].text) != call->count - type - 1)
		return unknown(arm, "its resourceId() is not a plain one");
	if (type > 0) {
		text_add(&text, "/resourceGroups/");
		if (!add_value(arm, &call->arguments[type - 1], &text))
			return false;
	}
	return add_id(call, type, &text) && set_text(arm, &text, ret_value);
}

static bool call_lookup(const struct call *call, const struct json_item *all, const char *kind,
			struct value *ret_value)
{
	struct evaluation *evaluation = call->evaluation;
	struct arm_template *arm = evaluation->arm;
	const char *name = call->count == 1 ? call->arguments[0].text : NULL;
	const struct json_item *item = name ? json_item_find(all, name) : NULL;
	char quoted[YAML_QUOTE_SIZE];

	if (!name)
		return unknown(arm, "%ss are read by their names only", kind);
	if (!item)
		return unknown(arm, "%s %s is not in the file", kind, yaml_quote(name, quoted));
	if (all == arm->parameters)
		item = json_item_find(item, "defaultValue");
	if (!item)
		return unknown(arm, "parameter %s has no default value in the file",
			       yaml_quote(name, quoted));
	return evaluate_item(arm, item, evaluation->depth + 1, evaluation->steps, ret_value);
}

static bool call_parameters(const struct call *call, struct value *ret_value)
{
	return call_lookup(call, call->evaluation->arm->parameters, "parameter", ret_value);
}

static bool call_variables(const struct call *call, struct value *ret_value)
{
	return call_lookup(call, call->evaluation->arm->variables, "variable", ret_value);
}

static const struct {
	const char *name;
	bool (*call)(const struct call *call, struct value *ret_value);
} s_functions[] = {
	{"parameters", call_parameters}, {"variables", call_variables},
	{"concat", call_concat},         {"format", call_format},
	{"toLower", call_to_lower},      {"resourceId", call_resource_id},
};

static bool call_function(const struct call *call, const char *name, size_t length,
			  struct value *ret_value)
{
	for (size_t i = 0; i < sizeof(s_functions) / sizeof(*s_functions); i++)
		if (strlen(s_functions[i].name) == length &&
		    !strncasecmp(s_functions[i].name, name, length))
			return s_functions[i].call(call, ret_value);
	return unknown(call->evaluation->arm, "the function %.*s() is not evaluated",
		       length < 60 ? (int)length : 60, name);
}

/* "(a, b)" */
static bool evaluate_arguments(struct evaluation *evaluation, struct call *call)
{
	evaluation->at++;
	skip_space(evaluation);
	while (*evaluation->at != ')') {
		if (call->count == ARGUMENTS_LIMIT)
			return unknown(evaluation->arm, "a function has more than %d arguments",
				       ARGUMENTS_LIMIT);
		if (!evaluate(evaluation, &call->arguments[call->count]))
			return false;
		call->count++;
		skip_space(evaluation);
		if (*evaluation->at == ',')
			evaluation->at++;
		else if (*evaluation->at != ')')
			return unknown(evaluation->arm, "it is not a plain expression");
	}
	evaluation->at++;
	return true;
}

static bool evaluate_call(struct evaluation *evaluation, struct value *ret_value)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.";
	cleanup(call_done) struct call call = {.evaluation = evaluation};
	const char *name = evaluation->at;
	size_t length = strspn(name, letters);

	evaluation->at += length;
	skip_space(evaluation);
	if (length == 0 || *evaluation->at != '(')
		return unknown(evaluation->arm, "it is not a plain expression");
	return evaluate_arguments(evaluation, &call) &&
	       call_function(&call, name, length, ret_value);
}

/* variables('x').a.b: a member of what is known so far. */
static bool take_member(struct evaluation *evaluation, struct value *value)
{
	size_t length = strcspn(++evaluation->at, ".[]() \t\r\n,'");
	cleanup(free_memory) char *name = strndup(evaluation->at, length);
	const struct json_item *member =
		value->item && name ? json_item_find(value->item, name) : NULL;

	evaluation->at += length;
	if (!name)
		return ran_out(evaluation->arm);
	if (!member)
		return unknown(evaluation->arm, "there is no member of that name");
	value->item = NULL;
	return evaluate_item(evaluation->arm, member, evaluation->depth + 1, evaluation->steps,
			     value);
}

static bool evaluate_members(struct evaluation *evaluation, struct value *ret_value)
{
	cleanup(value_done) struct value value = {0};

	evaluation->depth++;
	if (!evaluate_call(evaluation, &value))
		return false;
	while (*evaluation->at == '.')
		if (!take_member(evaluation, &value))
			return false;
	evaluation->depth--;
	ret_value->item = value.item;
	ret_value->text = take_pointer(value.text);
	return true;
}

static bool evaluate(struct evaluation *evaluation, struct value *ret_value)
{
	if (++*evaluation->steps > STEP_LIMIT || evaluation->depth > DEPTH_LIMIT)
		return unknown(evaluation->arm, "it leads to too many others");
	skip_space(evaluation);
	return *evaluation->at == '\'' ? evaluate_string(evaluation, ret_value)
				       : evaluate_members(evaluation, ret_value);
}

static bool is_expression(const char *text)
{
	return text && text[0] == '[' && text[1] != '[' && text[strlen(text) - 1] == ']';
}

static bool evaluate_item(struct arm_template *arm, const struct json_item *item,
			  unsigned int depth, size_t *steps, struct value *ret_value)
{
	const char *text = json_item_text(item);
	struct evaluation evaluation = {
		.arm = arm, .at = text ? text + 1 : "", .depth = depth, .steps = steps};
	cleanup(value_done) struct value value = {0};

	if (!is_expression(text)) {
		ret_value->item = item;
		return true;
	}
	if (!evaluate(&evaluation, &value))
		return false;
	skip_space(&evaluation);
	if (strcmp(evaluation.at, "]") != 0)
		return unknown(arm, "it is not a plain expression");
	ret_value->item = value.item;
	ret_value->text = take_pointer(value.text);
	return true;
}

static const struct json_item *make_item(struct arm_template *arm, const struct json_item *model,
					 const char *text)
{
	const struct json_item *item;

	arm->made += strlen(text) + 1;
	if (arm->made > MADE_LIMIT) {
		unknown(arm, "the expressions of the file make more than 64 MiB of text");
		return NULL;
	}
	item = json_tree_add_string(arm->tree, model, text);
	if (!item)
		ran_out(arm);
	return item;
}

const struct json_item *arm_value(struct arm_template *arm, const struct json_item *item)
{
	cleanup(value_done) struct value value = {0};
	const char *text = json_item_text(item);
	size_t steps = 0;

	if (!arm->has_expressions || !text || text[0] != '[')
		return item;
	if (text[1] == '[')
		return make_item(arm, item, text + 1); /* "[[" stands for "[" */
	if (!evaluate_item(arm, item, 0, &steps, &value))
		return NULL;
	return value.text ? make_item(arm, item, value.text) : value.item;
}

const char *arm_text(struct arm_template *arm, const struct json_item *item)
{
	const struct json_item *value = arm_value(arm, item);
	struct value known = {.item = value};
	cleanup(text_free) struct text text = TEXT_EMPTY;

	if (!value || json_item_text(value))
		return value ? json_item_text(value) : NULL;
	if (!add_value(arm, &known, &text))
		return NULL;
	value = make_item(arm, item, text_string(&text));
	return value ? json_item_text(value) : NULL;
}
