/*
 * Typed reading of a tree: a table of fields says what a map may hold; each complaint has its
 * place, what is wrong and what is allowed. Readers write their target only when the value is good
 * and return whether it was; all of a file's faults are told, not only the first.
 */
#pragma once

#include <stdint.h>
#include <stddef.h>

#include "yaml/tree.h"

struct yaml_field;
typedef bool yaml_read_function(const struct yaml_item *value, const struct yaml_field *field,
				void *target, struct problems *problems);

/* One key of a map. Tables are static const arrays. */
struct yaml_field {
	const char *key;
	yaml_read_function *read;
	size_t offset;      /* of the target within the context given to yaml_read_map() */
	const void *limits; /* what the reader wants to know of what is allowed */
	bool required;
};

/* The offset of a member, checked at compile time to be of the type that the reader writes. */
#define YAML_MEMBER(structure, member, type)                                                       \
	(offsetof(structure, member) +                                                             \
	 0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((structure *)0)->member), type)  \
				 ? 1                                                               \
				 : -1]))

/*
 * Reads a map by its table, in the table's order. Unknown keys list the allowed ones; a key without
 * a value and a missing required key are errors.
 */
bool yaml_read_map(const struct yaml_item *item, const struct yaml_field *fields, size_t count,
		   void *context, struct problems *problems);

#define yaml_read_fields(item, fields, context, problems)                                          \
	yaml_read_map(item, fields, sizeof(fields) / sizeof(*(fields)), context, problems)

yaml_read_function yaml_read_bool;   /* bool: true or false, unquoted */
yaml_read_function yaml_read_string; /* char *: not empty, ≤ 4,096 bytes; replaces (frees) */

struct yaml_integer_limits {
	uint64_t minimum, maximum;
};
bool yaml_read_integer(const struct yaml_item *value, const struct yaml_integer_limits *limits,
		       uint64_t *ret_number, struct problems *problems);
yaml_read_function yaml_read_size; /* size_t; limits: struct yaml_integer_limits */

/* uint64_t milliseconds from "500ms", "4s", "15m", "1h"; limits in milliseconds. */
yaml_read_function yaml_read_duration;

/* One of some words, NULL-terminated; ret_index is its position. */
bool yaml_read_word(const struct yaml_item *value, const char *const *words, size_t *ret_index,
		    struct problems *problems);

/* Is it of the kind? Complains otherwise. */
bool yaml_expect_scalar(const struct yaml_item *item, struct problems *problems);
bool yaml_expect_list(const struct yaml_item *item, struct problems *problems);

/* Adds an error at the item, led by its key: "private: …". */
__attribute__((format(printf, 3, 4))) void
yaml_complain(const struct yaml_item *item, struct problems *problems, const char *format, ...);
__attribute__((format(printf, 3, 4))) void
yaml_warn(const struct yaml_item *item, struct problems *problems, const char *format, ...);

/* The text in quotes, control bytes replaced, shortened: safe and short enough for a message. */
#define YAML_QUOTE_SIZE 80
const char *yaml_quote(const char *text, char quoted[YAML_QUOTE_SIZE]);

/*
 * The word of a NULL-terminated list that was probably meant; NULL: none is near. Two letters
 * swapped, missing, added or wrong count as near; one in words of up to four letters.
 */
const char *yaml_nearest_word(const char *text, const char *const *words);
