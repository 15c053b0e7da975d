/*
 * Service-tag files: JSON → one flat array of prefixes and a list of tags sorted by name.
 *
 * The whole file is checked while it is read (every prefix of every tag), then the JSON is thrown
 * away; a file with a single fault gives nothing. Prefixes stay as the file has them, nested and
 * repeated; only those of a tag that is asked for are collapsed, into the caller's copy.
 *
 * Limits: those of base/json_text.h, TAG_LIMIT tags, NAME_LIMIT bytes of a name. Names are compared
 * without case: the file spells regions of one service in capitals (Storage.FranceCentral) and of
 * another without.
 */
#include "tags/tags.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json_text.h"
#include "tags/collapse.h"

#define NAME_LIMIT 100
#define TAG_LIMIT  50000 /* real files have 3,000 */

struct service_tag {
	char name[NAME_LIMIT + 1];
	char region[NAME_LIMIT + 1]; /* "": not of one region */
	size_t first, count;         /* in service_tags.prefixes */
};

struct service_tags {
	char *file;
	char cloud[NAME_LIMIT + 1];
	uint64_t change_number;
	struct service_tag *list; /* sorted by name, without case */
	size_t count;
	struct ip_prefix *prefixes;
	size_t prefix_count;
};

struct reading {
	struct service_tags *tags;
	struct problems *problems;
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reading *reading,
						      const char *format, ...)
{
	va_list arguments;
	char line[600];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	problems_add(reading->problems, PROBLEM_ERROR,
		     (struct problem_place){reading->tags->file, 0, 0}, "%s", line);
	return -EINVAL;
}

void service_tags_free(struct service_tags *tags)
{
	if (!tags)
		return;
	free(tags->file);
	free(tags->list);
	free(tags->prefixes);
	free(tags);
}

DEFINE_CLEANUP(free_tags, struct service_tags *, service_tags_free);
DEFINE_CLEANUP(drop_json, json_t *, json_decref);

static bool is_tag_letter(char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || byte == '.' || byte == '-' || byte == '_';
}

/* A string member made of letters, digits, '.', '-', '_'. */
static bool copy_word(const json_t *object, const char *key, bool may_be_empty,
		      char word[NAME_LIMIT + 1])
{
	const char *text = json_string_value(json_object_get(object, key));
	size_t length = text ? strlen(text) : 0;

	if (!text || length > NAME_LIMIT || (length == 0 && !may_be_empty))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_tag_letter(text[i]))
			return false;
	memcpy(word, text, length + 1);
	return true;
}

static int read_prefix(const struct reading *reading, const struct service_tag *tag, size_t index,
		       const json_t *value)
{
	struct service_tags *tags = reading->tags;
	const char *text = json_string_value(value);
	int error = text ? ip_prefix_parse(text, &tags->prefixes[tags->prefix_count]) : -EINVAL;

	if (error == -EDOM)
		return fail(reading, "tag %s, addressPrefixes[%zu]: '%.60s' has host bits set",
			    tag->name, index, text);
	if (error < 0)
		return fail(reading,
			    "tag %s, addressPrefixes[%zu]: expected an address prefix such as "
			    "\"20.0.0.0/8\"",
			    tag->name, index);
	tags->prefix_count++;
	return 0;
}

static int read_tag(const struct reading *reading, size_t index, const json_t *value)
{
	struct service_tag *tag = &reading->tags->list[index];
	const json_t *properties = json_object_get(value, "properties");
	const json_t *prefixes = json_object_get(properties, "addressPrefixes");

	if (!copy_word(value, "name", false, tag->name))
		return fail(reading,
			    "values[%zu]: expected a 'name' of 1 to %d letters, digits, "
			    "'.', '-' or '_'",
			    index, NAME_LIMIT);
	if (!copy_word(properties, "region", true, tag->region))
		return fail(reading, "tag %s: expected 'properties' with a 'region' (may be empty)",
			    tag->name);
	if (!json_is_array(prefixes))
		return fail(reading, "tag %s: expected a list 'addressPrefixes'", tag->name);
	tag->first = reading->tags->prefix_count;
	for (size_t i = 0; i < json_array_size(prefixes); i++) {
		int error = read_prefix(reading, tag, i, json_array_get(prefixes, i));

		if (error < 0)
			return error;
	}
	tag->count = reading->tags->prefix_count - tag->first;
	return 0;
}

static int compare_tags(const void *left, const void *right)
{
	const struct service_tag *a = left, *b = right;

	return strcasecmp(a->name, b->name);
}

static size_t count_prefixes(const json_t *values)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *properties = json_object_get(json_array_get(values, i), "properties");

		count += json_array_size(json_object_get(properties, "addressPrefixes"));
	}
	return count;
}

static int read_values(const struct reading *reading, const json_t *values)
{
	struct service_tags *tags = reading->tags;

	if (json_array_size(values) > TAG_LIMIT)
		return fail(reading, "the file has more than %d tags", TAG_LIMIT);
	tags->count = json_array_size(values);
	tags->list = calloc(tags->count + 1, sizeof(*tags->list));
	tags->prefixes = calloc(count_prefixes(values) + 1, sizeof(*tags->prefixes));
	if (!tags->list || !tags->prefixes)
		return fail(reading, "out of memory");
	for (size_t i = 0; i < tags->count; i++) {
		int error = read_tag(reading, i, json_array_get(values, i));

		if (error < 0)
			return error;
	}
	qsort(tags->list, tags->count, sizeof(*tags->list), compare_tags);
	for (size_t i = 1; i < tags->count; i++)
		if (compare_tags(&tags->list[i - 1], &tags->list[i]) == 0)
			return fail(reading, "tag %s is there twice", tags->list[i].name);
	return 0;
}

static int read_file(const struct reading *reading, const json_t *root)
{
	const json_t *number = json_object_get(root, "changeNumber");
	const json_t *values = json_object_get(root, "values");

	if (!json_is_integer(number) || json_integer_value(number) < 0 ||
	    !copy_word(root, "cloud", false, reading->tags->cloud) || !json_is_array(values))
		return fail(reading, "not a service-tag file: expected an object with "
				     "'changeNumber', 'cloud' and a list 'values'");
	reading->tags->change_number = (uint64_t)json_integer_value(number);
	return read_values(reading, values);
}

static json_t *parse_document(const char *text, size_t length, const char *file,
			      struct problems *problems)
{
	size_t mark = json_text_mark(text, length);
	json_error_t error;
	json_t *root;

	if (!json_text_check(text, length, file, problems))
		return NULL;
	root = json_loadb(text + mark, length - mark, JSON_REJECT_DUPLICATES, &error);
	if (root)
		return root;
	problems_add(problems, PROBLEM_ERROR,
		     (struct problem_place){file, error.line > 0 ? (unsigned int)error.line : 1,
					    error.column > 0 ? (unsigned int)error.column : 1},
		     "not valid JSON: %s%s", *error.text ? error.text : "out of memory",
		     json_error_code(&error) == json_error_premature_end_of_input
			     ? " (is the file truncated?)"
			     : "");
	return NULL;
}

struct service_tags *service_tags_parse(const char *text, size_t length, const char *name,
					struct problems *problems)
{
	cleanup(free_tags) struct service_tags *tags = calloc(1, sizeof(*tags));
	cleanup(drop_json) json_t *root = NULL;

	if (tags)
		tags->file = strdup(name);
	if (!tags || !tags->file) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){name, 0, 0},
			     "out of memory");
		return NULL;
	}
	root = parse_document(text, length, name, problems);
	if (!root)
		return NULL;
	const struct reading reading = {tags, problems};
	return read_file(&reading, root) < 0 ? NULL : take_pointer(tags);
}

struct service_tags *service_tags_load(const char *path, struct problems *problems)
{
	cleanup(free_memory) char *text = NULL;
	size_t length;
	int error = file_read(path, JSON_SIZE_LIMIT, &text, &length);

	if (error < 0) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){path, 0, 0},
			     "service tags cannot be read: %s",
			     error == -EFBIG ? "the file is longer than 64 MiB" : strerror(-error));
		return NULL;
	}
	return service_tags_parse(text, length, path, problems);
}

const char *service_tags_file(const struct service_tags *tags)
{
	return tags->file;
}

const char *service_tags_cloud(const struct service_tags *tags)
{
	return tags->cloud;
}

uint64_t service_tags_change_number(const struct service_tags *tags)
{
	return tags->change_number;
}

size_t service_tags_count(const struct service_tags *tags)
{
	return tags->count;
}

const char *service_tag_name(const struct service_tag *tag)
{
	return tag->name;
}

static int compare_name(const void *key, const void *element)
{
	const struct service_tag *tag = element;

	return strcasecmp(key, tag->name);
}

const struct service_tag *service_tags_find(const struct service_tags *tags, const char *name)
{
	return bsearch(name, tags->list, tags->count, sizeof(*tags->list), compare_name);
}

/* The region code that the file uses for a region's usual name; NULL: none differs. */
static const char *region_code(const struct service_tags *tags, const char *region)
{
	for (size_t i = 0; i < tags->count; i++) {
		const struct service_tag *tag = &tags->list[i];
		const char *dot = strrchr(tag->name, '.');

		if (dot && !strcasecmp(dot + 1, region) && *tag->region &&
		    strcasecmp(tag->region, region) != 0)
			return tag->region;
	}
	return NULL;
}

static const struct service_tag *find_joined(const struct service_tags *tags, const char *service,
					     const char *region)
{
	char name[2 * NAME_LIMIT + 2];
	int length = snprintf(name, sizeof(name), "%s.%s", service, region);

	return length < 0 || (size_t)length >= sizeof(name) ? NULL : service_tags_find(tags, name);
}

const struct service_tag *service_tags_find_regional(const struct service_tags *tags,
						     const char *service, const char *region)
{
	const struct service_tag *tag = find_joined(tags, service, region);
	const char *code = tag ? NULL : region_code(tags, region);

	return code ? find_joined(tags, service, code) : tag;
}

/* How many letters two names share at their start, without case. */
static size_t common_start(const char *a, const char *b)
{
	size_t length = 0;

	while (a[length] && tolower((unsigned char)a[length]) == tolower((unsigned char)b[length]))
		length++;
	return length;
}

/* The first that shares the longest start (without case), at least about half of what was written.
 */
const struct service_tag *service_tags_nearest(const struct service_tags *tags, const char *name)
{
	size_t best_length = *name ? (strlen(name) - 1) / 2 : 0;
	const struct service_tag *best = NULL;

	for (size_t i = 0; i < tags->count; i++) {
		size_t same = common_start(tags->list[i].name, name);

		if (same > best_length) {
			best_length = same;
			best = &tags->list[i];
		}
	}
	return best;
}

int service_tag_prefixes(const struct service_tags *tags, const struct service_tag *tag,
			 struct ip_prefix **ret_prefixes, size_t *ret_count)
{
	struct ip_prefix *copy = calloc(tag->count + 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	invariant(tag->first + tag->count <= tags->prefix_count);
	memcpy(copy, &tags->prefixes[tag->first], tag->count * sizeof(*copy));
	*ret_count = ip_prefixes_collapse(copy, tag->count);
	*ret_prefixes = copy;
	return 0;
}
