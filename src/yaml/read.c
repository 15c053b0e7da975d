#include "yaml/read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/text.h"

#define STRING_LIMIT 4096
#define FIELDS_LIMIT 64 /* keys in one table */

__attribute__((format(printf, 4, 0))) static void add_problem(const struct yaml_item *item,
							      struct problems *problems,
							      enum problem_severity severity,
							      const char *format, va_list arguments)
{
	const char *key = yaml_item_key(item);
	char line[1024];

	vsnprintf(line, sizeof(line), format, arguments);
	problems_add(problems, severity, yaml_item_place(item), "%s%s%s", key, *key ? ": " : "",
		     line);
}

void yaml_complain(const struct yaml_item *item, struct problems *problems, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_problem(item, problems, PROBLEM_ERROR, format, arguments);
	va_end(arguments);
}

void yaml_warn(const struct yaml_item *item, struct problems *problems, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_problem(item, problems, PROBLEM_WARNING, format, arguments);
	va_end(arguments);
}

const char *yaml_quote(const char *text, char quoted[YAML_QUOTE_SIZE])
{
	size_t length = 0;

	quoted[length++] = '\'';
	for (; *text && length < YAML_QUOTE_SIZE - 6; text++)
		quoted[length++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
	if (*text) {
		while ((quoted[length - 1] & 0xc0) == 0x80) /* not in the middle of a letter */
			length--;
		if (quoted[length - 1] & 0x80)
			length--;
		memcpy(quoted + length, "...", 3);
		length += 3;
	}
	quoted[length++] = '\'';
	quoted[length] = '\0';
	return quoted;
}

static const char *kind_text(const struct yaml_item *item)
{
	switch (yaml_item_kind(item)) {
	case YAML_KIND_LIST:
		return "a list";
	case YAML_KIND_MAP:
		return "a map (key: value)";
	default:
		return yaml_item_is_null(item) ? "nothing" : "a single value";
	}
}

bool yaml_expect_scalar(const struct yaml_item *item, struct problems *problems)
{
	if (yaml_item_kind(item) == YAML_KIND_SCALAR && !yaml_item_is_null(item))
		return true;
	yaml_complain(item, problems, "expected a single value, not %s", kind_text(item));
	return false;
}

bool yaml_expect_list(const struct yaml_item *item, struct problems *problems)
{
	if (yaml_item_kind(item) == YAML_KIND_LIST)
		return true;
	yaml_complain(item, problems, "expected a list ([a, b], or one '- a' a line), not %s",
		      kind_text(item));
	return false;
}

static const struct yaml_field *find_field(const struct yaml_field *fields, size_t count,
					   const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].key, key))
			return &fields[i];
	return NULL;
}

static void add_keys(struct text *text, const struct yaml_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_addf(text, "%s%s", i ? ", " : "", fields[i].key);
}

static void complain_unknown(const struct yaml_item *key, const struct yaml_field *fields,
			     size_t count, struct problems *problems)
{
	cleanup(text_free) struct text allowed = TEXT_EMPTY;
	const char *words[FIELDS_LIMIT + 1];
	char quoted[YAML_QUOTE_SIZE];

	if (problems_count(problems) > PROBLEMS_LIMIT) { /* it will not be told, only counted */
		problems_add(problems, PROBLEM_ERROR, yaml_item_place(key), "unknown key");
		return;
	}
	invariant(count <= FIELDS_LIMIT);
	for (size_t i = 0; i < count; i++)
		words[i] = fields[i].key;
	words[count] = NULL;
	add_keys(&allowed, fields, count);
	const char *meant = yaml_nearest_word(yaml_scalar_text(key), words);
	problems_add(problems, PROBLEM_ERROR, yaml_item_place(key),
		     "unknown key %s%s%s%s; allowed here: %s",
		     yaml_quote(yaml_scalar_text(key), quoted), meant ? "; did you mean '" : "",
		     meant ? meant : "", meant ? "'?" : "", text_string(&allowed));
}

static bool check_keys(const struct yaml_item *map, const struct yaml_field *fields, size_t count,
		       struct problems *problems)
{
	bool good = true;

	for (size_t i = 0; i < yaml_map_count(map); i++) {
		const struct yaml_item *key = yaml_map_key_at(map, i);

		if (!find_field(fields, count, yaml_scalar_text(key))) {
			complain_unknown(key, fields, count, problems);
			good = false;
		}
	}
	return good;
}

static bool read_field(const struct yaml_item *map, const struct yaml_field *field, void *context,
		       struct problems *problems)
{
	const struct yaml_item *value = yaml_map_find(map, field->key);

	if (!value && field->required) {
		yaml_complain(map, problems, "key '%s' is missing", field->key);
		return false;
	}
	if (!value)
		return true;
	if (yaml_item_is_null(value)) {
		yaml_complain(value, problems, "the key has no value; leave it out instead");
		return false;
	}
	return field->read(value, field, (char *)context + field->offset, problems);
}

bool yaml_read_map(const struct yaml_item *item, const struct yaml_field *fields, size_t count,
		   void *context, struct problems *problems)
{
	bool good;

	if (yaml_item_kind(item) != YAML_KIND_MAP) {
		cleanup(text_free) struct text allowed = TEXT_EMPTY;

		add_keys(&allowed, fields, count);
		yaml_complain(item, problems, "expected a map with some of these keys: %s; not %s",
			      text_string(&allowed), kind_text(item));
		return false;
	}
	good = check_keys(item, fields, count, problems);
	for (size_t i = 0; i < count; i++)
		good &= read_field(item, &fields[i], context, problems);
	return good;
}

bool yaml_read_bool(const struct yaml_item *value, const struct yaml_field *field, void *target,
		    struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	bool is_true;

	(void)field;
	if (!yaml_expect_scalar(value, problems))
		return false;
	is_true = !strcmp(yaml_scalar_text(value), "true");
	if (!yaml_scalar_is_plain(value) ||
	    (!is_true && strcmp(yaml_scalar_text(value), "false") != 0)) {
		yaml_complain(value, problems, "expected true or false%s, not %s",
			      yaml_scalar_is_plain(value) ? "" : " without quotes",
			      yaml_quote(yaml_scalar_text(value), quoted));
		return false;
	}
	*(bool *)target = is_true;
	return true;
}

bool yaml_read_string(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	char **string = target;
	char *copy;

	(void)field;
	if (!yaml_expect_scalar(value, problems))
		return false;
	if (!*yaml_scalar_text(value) || strlen(yaml_scalar_text(value)) > STRING_LIMIT) {
		yaml_complain(value, problems, "expected a text of 1 to 4096 bytes");
		return false;
	}
	copy = strdup(yaml_scalar_text(value));
	if (!copy) {
		yaml_complain(value, problems, "out of memory");
		return false;
	}
	free(*string);
	*string = copy;
	return true;
}

/* Digits only; -ERANGE when it does not fit. */
static int parse_digits(const char *text, size_t length, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (unsigned int)(text[i] - '0'), &number))
			return -ERANGE;
	}
	*ret_number = number;
	return 0;
}

bool yaml_read_integer(const struct yaml_item *value, const struct yaml_integer_limits *limits,
		       uint64_t *ret_number, struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	uint64_t number;

	if (!yaml_expect_scalar(value, problems))
		return false;
	const char *text = yaml_scalar_text(value);
	if (!yaml_scalar_is_plain(value) || parse_digits(text, strlen(text), &number) < 0 ||
	    number < limits->minimum || number > limits->maximum) {
		yaml_complain(value, problems, "expected a number from %llu to %llu%s, not %s",
			      (unsigned long long)limits->minimum,
			      (unsigned long long)limits->maximum,
			      yaml_scalar_is_plain(value) ? "" : " without quotes",
			      yaml_quote(text, quoted));
		return false;
	}
	*ret_number = number;
	return true;
}

bool yaml_read_size(const struct yaml_item *value, const struct yaml_field *field, void *target,
		    struct problems *problems)
{
	uint64_t number;

	if (!yaml_read_integer(value, field->limits, &number, problems))
		return false;
	*(size_t *)target = (size_t)number;
	return true;
}

static const struct {
	const char *suffix;
	uint64_t milliseconds;
} s_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

#define UNIT_COUNT (sizeof(s_units) / sizeof(*s_units))

static void format_duration(uint64_t milliseconds, char text[32])
{
	size_t unit = UNIT_COUNT - 1;

	while (unit > 0 && milliseconds % s_units[unit].milliseconds)
		unit--;
	if (milliseconds == 0)
		unit = 1;
	snprintf(text, 32, "%llu%s",
		 (unsigned long long)(milliseconds / s_units[unit].milliseconds),
		 s_units[unit].suffix);
}

static bool parse_duration(const char *text, uint64_t *ret_milliseconds)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t number;

	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (!strcmp(text + digits, s_units[i].suffix))
			return parse_digits(text, digits, &number) == 0 &&
			       !__builtin_mul_overflow(number, s_units[i].milliseconds,
						       ret_milliseconds);
	return false;
}

bool yaml_read_duration(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	const struct yaml_integer_limits *limits = field->limits;
	char least[32], most[32], quoted[YAML_QUOTE_SIZE];
	uint64_t milliseconds = 0;

	if (!yaml_expect_scalar(value, problems))
		return false;
	if (!parse_duration(yaml_scalar_text(value), &milliseconds) ||
	    milliseconds < limits->minimum || milliseconds > limits->maximum) {
		format_duration(limits->minimum, least);
		format_duration(limits->maximum, most);
		yaml_complain(value, problems,
			      "expected a time from %s to %s (500ms, 4s, 15m, 1h), not %s", least,
			      most, yaml_quote(yaml_scalar_text(value), quoted));
		return false;
	}
	*(uint64_t *)target = milliseconds;
	return true;
}

bool yaml_read_word(const struct yaml_item *value, const char *const *words, size_t *ret_index,
		    struct problems *problems)
{
	cleanup(text_free) struct text allowed = TEXT_EMPTY;
	char quoted[YAML_QUOTE_SIZE];
	const char *meant;

	if (!yaml_expect_scalar(value, problems))
		return false;
	for (size_t i = 0; words[i]; i++) {
		if (!strcmp(words[i], yaml_scalar_text(value))) {
			*ret_index = i;
			return true;
		}
		text_addf(&allowed, "%s%s", i ? ", " : "", words[i]);
	}
	meant = yaml_nearest_word(yaml_scalar_text(value), words);
	yaml_complain(value, problems, "unknown value %s%s%s%s; allowed: %s",
		      yaml_quote(yaml_scalar_text(value), quoted), meant ? "; did you mean '" : "",
		      meant ? meant : "", meant ? "'?" : "", text_string(&allowed));
	return false;
}
