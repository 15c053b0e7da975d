/*
 * libyaml's events → tree.
 *
 * The parser walks the event stream with an explicit stack of open lists and maps (no recursion on
 * input). In a map, children alternate key, value; an even count means that the next item is a key.
 *
 * Invariants: every item is reachable from the root as soon as it exists, so that freeing the tree
 * frees all; a key is always a scalar; a closed map has no key twice. Reading stops at the first
 * fault: after a broken structure, further complaints would be guesses.
 *
 * Limits: YAML_SIZE_LIMIT bytes, YAML_DEPTH_LIMIT levels, YAML_ITEM_LIMIT nodes. The worst files
 * within them took 1 s of a core and 540 MiB, a list of a million names 0.5 s and 130 MiB.
 */
#include "yaml/tree.h"
#include "yaml/tree_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "yaml/read.h"

struct build {
	yaml_parser_t parser;
	struct yaml_tree *tree;
	struct problems *problems;
	struct yaml_item *open[YAML_DEPTH_LIMIT];
	size_t depth;
	size_t documents;
	bool ended;
};

static int fail(struct build *build, yaml_mark_t mark, const char *text)
{
	struct problem_place place = {build->tree->name, (unsigned int)mark.line + 1,
				      (unsigned int)mark.column + 1};

	problems_add(build->problems, PROBLEM_ERROR, place, "%s", text);
	return -EINVAL;
}

static int fail_memory(struct build *build)
{
	problems_add(build->problems, PROBLEM_ERROR,
		     (struct problem_place){build->tree->name, 0, 0}, "out of memory");
	return -ENOMEM;
}

static int append_child(struct yaml_item *parent, struct yaml_item *child)
{
	if (parent->count == parent->capacity) {
		size_t capacity = parent->capacity ? parent->capacity * 2 : 4;
		struct yaml_item **grown =
			realloc(parent->children, capacity * sizeof(*parent->children));

		if (!grown)
			return -ENOMEM;
		parent->children = grown;
		parent->capacity = capacity;
	}
	parent->children[parent->count++] = child;
	return 0;
}

static bool expects_key(const struct build *build)
{
	return build->depth > 0 && build->open[build->depth - 1]->kind == YAML_KIND_MAP &&
	       build->open[build->depth - 1]->count % 2 == 0;
}

/* The key that a new item stands under: of its map, or of the list that it belongs to. */
static const char *key_above(const struct yaml_item *parent)
{
	if (parent->kind == YAML_KIND_MAP && parent->count % 2 == 1)
		return parent->children[parent->count - 1]->text;
	return parent->key;
}

/* Makes an item and hangs it into the tree. NULL: the problem is told. */
static struct yaml_item *add_item(struct build *build, const yaml_event_t *event,
				  enum yaml_kind kind)
{
	struct yaml_item *item;
	struct yaml_item *parent = build->depth ? build->open[build->depth - 1] : NULL;

	if (++build->tree->item_count > YAML_ITEM_LIMIT) {
		fail(build, event->start_mark, "the file has too many values (at most 4000000)");
		return NULL;
	}
	item = calloc(1, sizeof(*item));
	if (!item) {
		fail_memory(build);
		return NULL;
	}
	*item = (struct yaml_item){.kind = kind,
				   .tree = build->tree,
				   .key = parent ? key_above(parent) : NULL,
				   .line = (unsigned int)event->start_mark.line + 1,
				   .column = (unsigned int)event->start_mark.column + 1};
	if (!parent) {
		build->tree->root = item;
	} else if (append_child(parent, item) < 0) {
		free(item);
		fail_memory(build);
		return NULL;
	}
	return item;
}

static int add_scalar(struct build *build, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct yaml_item *item;

	if (event->data.scalar.anchor)
		return fail(build, event->start_mark,
			    "anchors (&name) are not taken: write the value where it is used");
	if (event->data.scalar.tag)
		return fail(build, event->start_mark, "tags (!name) are not taken");
	if (memchr(value, '\0', length))
		return fail(build, event->start_mark, "a value contains a NUL byte");
	item = add_item(build, event, YAML_KIND_SCALAR);
	if (!item)
		return -EINVAL;
	item->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	item->text = malloc(length + 1);
	if (!item->text) {
		item->text = NULL;
		return fail_memory(build);
	}
	memcpy(item->text, value, length);
	item->text[length] = '\0';
	return 0;
}

static int open_collection(struct build *build, const yaml_event_t *event, enum yaml_kind kind,
			   bool has_anchor, bool has_tag)
{
	struct yaml_item *item;

	if (has_anchor)
		return fail(build, event->start_mark,
			    "anchors (&name) are not taken: write the value where it is used");
	if (has_tag)
		return fail(build, event->start_mark, "tags (!name) are not taken");
	if (expects_key(build))
		return fail(build, event->start_mark, "a key must be a word, not a list or a map");
	if (build->depth == YAML_DEPTH_LIMIT)
		return fail(build, event->start_mark,
			    "lists and maps are nested too deeply (at most 32 levels)");
	item = add_item(build, event, kind);
	if (!item)
		return -EINVAL;
	build->open[build->depth++] = item;
	return 0;
}

struct key_order {
	const struct yaml_item *key;
	size_t index;
};

static int compare_keys(const void *left, const void *right)
{
	const struct key_order *a = left, *b = right;
	int order = strcmp(a->key->text, b->key->text);

	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static int complain_duplicate(struct build *build, const struct yaml_item *first,
			      const struct yaml_item *second)
{
	char quoted[YAML_QUOTE_SIZE];

	problems_add(build->problems, PROBLEM_ERROR, yaml_item_place(second),
		     "key %s is there twice; first at line %u", yaml_quote(second->text, quoted),
		     first->line);
	return -EINVAL;
}

static int close_map(struct build *build, struct yaml_item *map)
{
	size_t count = map->count / 2;
	cleanup(free_memory) struct key_order *keys = calloc(count + 1, sizeof(*keys));

	if (!keys)
		return fail_memory(build);
	for (size_t i = 0; i < count; i++)
		keys[i] = (struct key_order){map->children[2 * i], i};
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(keys[i - 1].key->text, keys[i].key->text))
			return complain_duplicate(build, keys[i - 1].key, keys[i].key);
	return 0;
}

static int close_collection(struct build *build)
{
	struct yaml_item *item = build->open[--build->depth];

	return item->kind == YAML_KIND_MAP ? close_map(build, item) : 0;
}

/* One event, one step. */
static int take_event(struct build *build, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (build->documents++)
			return fail(build, event->start_mark,
				    "a second document ('---'): one file holds one document");
		return 0;
	case YAML_ALIAS_EVENT:
		return fail(build, event->start_mark,
			    "aliases (*name) are not taken: write the value out");
	case YAML_SCALAR_EVENT:
		return add_scalar(build, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(build, event, YAML_KIND_LIST,
				       event->data.sequence_start.anchor,
				       event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_collection(build, event, YAML_KIND_MAP,
				       event->data.mapping_start.anchor,
				       event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(build);
	case YAML_STREAM_END_EVENT:
		build->ended = true;
		return 0;
	default:
		return 0;
	}
}

/* libyaml gives only an offset for bytes that are not UTF-8: count the lines ourselves. */
static yaml_mark_t mark_of_offset(const char *text, size_t length, size_t offset)
{
	yaml_mark_t mark = {0, 0, 0};

	for (size_t i = 0; i < offset && i < length; i++) {
		mark.column = text[i] == '\n' ? 0 : mark.column + 1;
		mark.line += text[i] == '\n';
	}
	return mark;
}

static int complain_syntax(struct build *build, const char *text, size_t length)
{
	const yaml_parser_t *parser = &build->parser;
	const char *what = parser->problem ? parser->problem : "cannot be read";
	char message[300];

	if (parser->error == YAML_MEMORY_ERROR)
		return fail_memory(build);
	if (parser->error == YAML_READER_ERROR) {
		snprintf(message, sizeof(message), "not UTF-8 text: %s", what);
		return fail(build, mark_of_offset(text, length, parser->problem_offset), message);
	}
	if (parser->context)
		snprintf(message, sizeof(message), "not valid YAML: %s (%s)", what,
			 parser->context);
	else
		snprintf(message, sizeof(message), "not valid YAML: %s", what);
	return fail(build, parser->problem_mark, message);
}

static int read_events(struct build *build, const char *text, size_t length)
{
	int error = 0;

	while (!error && !build->ended) {
		yaml_event_t event;

		if (!yaml_parser_parse(&build->parser, &event))
			return complain_syntax(build, text, length);
		error = take_event(build, &event);
		yaml_event_delete(&event);
	}
	return error;
}

static struct yaml_tree *new_tree(const char *name)
{
	struct yaml_tree *tree = calloc(1, sizeof(*tree));

	if (tree)
		tree->name = strdup(name);
	if (tree && !tree->name) {
		free(tree);
		return NULL;
	}
	return tree;
}

struct yaml_tree *yaml_tree_parse(const char *text, size_t length, const char *name,
				  struct problems *problems)
{
	struct build build = {.problems = problems, .tree = new_tree(name)};
	int error;

	if (!build.tree || !yaml_parser_initialize(&build.parser)) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){name, 0, 0},
			     "out of memory");
		yaml_tree_free(build.tree);
		return NULL;
	}
	yaml_parser_set_encoding(&build.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&build.parser, (const unsigned char *)text, length);
	if (length > YAML_SIZE_LIMIT)
		error = fail(&build, (yaml_mark_t){0, 0, 0}, "the file is longer than 64 MiB");
	else
		error = read_events(&build, text, length);
	yaml_parser_delete(&build.parser);
	if (error < 0) {
		yaml_tree_free(build.tree);
		return NULL;
	}
	return build.tree;
}

struct yaml_tree *yaml_tree_load(const char *path, struct problems *problems)
{
	cleanup(free_memory) char *text = NULL;
	size_t length;
	int error = file_read(path, YAML_SIZE_LIMIT, &text, &length);

	if (error < 0) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){path, 0, 0},
			     "cannot be read: %s",
			     error == -EFBIG ? "it is longer than 64 MiB" : strerror(-error));
		return NULL;
	}
	return yaml_tree_parse(text, length, path, problems);
}
