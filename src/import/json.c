/*
 * JSON with places: jansson reads the document and is the judge of its grammar; it keeps no places,
 * so a second walk goes over the same text and over jansson's tree side by side and notes where
 * each value begins. jansson keeps the keys of an object in the order of the text, and refuses
 * duplicates, so the two agree step by step. The walk trusts the grammar and checks the counts.
 *
 * Items are an own tree beside jansson's, because jansson shares one value for all of true, false
 * and null. Recursion is bounded: json_text_check() has refused deep nesting.
 */
#include "import/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"

struct json_item {
	const struct json_tree *tree;
	const char *key; /* borrowed from jansson; NULL: in no object */
	json_t *value;   /* borrowed */
	struct json_item *children;
	size_t count;
	struct json_position position;
};

/* A string made by json_tree_add_string(). */
struct added {
	struct added *next;
	struct json_item item;
};

struct json_tree {
	char *file;
	json_t *document;
	struct json_item root;
	struct added *added;
};

struct walk {
	const struct json_tree *tree;
	const char *at, *end;
	struct json_position position;
};

DEFINE_CLEANUP(drop_tree, struct json_tree *, json_tree_free);

static void step(struct walk *walk)
{
	invariant(walk->at < walk->end);
	char byte = *walk->at++;

	if (byte == '\n')
		walk->position = (struct json_position){walk->position.line + 1, 1};
	else
		walk->position.column += ((unsigned char)byte & 0xc0) != 0x80;
}

/* White space, and what stands between values: the walk knows from jansson what comes. */
static void skip_between(struct walk *walk)
{
	while (walk->at < walk->end && strchr(" \t\r\n,:", *walk->at))
		step(walk);
}

static void skip_string(struct walk *walk)
{
	step(walk);
	while (*walk->at != '"') {
		if (*walk->at == '\\')
			step(walk);
		step(walk);
	}
	step(walk);
}

static void skip_scalar(struct walk *walk)
{
	if (*walk->at == '"') {
		skip_string(walk);
		return;
	}
	while (walk->at < walk->end && !strchr(" \t\r\n,:]}", *walk->at))
		step(walk);
}

static bool walk_value(struct walk *walk, json_t *value, struct json_item *item);

static bool walk_list(struct walk *walk, json_t *value, struct json_item *item)
{
	for (size_t i = 0; i < json_array_size(value); i++)
		if (!walk_value(walk, json_array_get(value, i), &item->children[item->count++]))
			return false;
	return true;
}

static bool walk_object(struct walk *walk, json_t *value, struct json_item *item)
{
	const char *key;
	json_t *member;

	json_object_foreach(value, key, member)
	{
		struct json_item *child = &item->children[item->count++];

		child->key = key;
		skip_between(walk);
		skip_string(walk);
		if (!walk_value(walk, member, child))
			return false;
	}
	return true;
}

/* False: out of memory. */
static bool walk_value(struct walk *walk, json_t *value, struct json_item *item)
{
	size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
	bool good;

	skip_between(walk);
	item->tree = walk->tree;
	item->value = value;
	item->position = walk->position;
	if (!json_is_object(value) && !json_is_array(value)) {
		skip_scalar(walk);
		return true;
	}
	item->children = calloc(count + 1, sizeof(*item->children));
	if (!item->children)
		return false;
	step(walk);
	good = json_is_object(value) ? walk_object(walk, value, item)
				     : walk_list(walk, value, item);
	if (!good)
		return false;
	skip_between(walk);
	invariant(item->count == count && walk->at < walk->end);
	step(walk);
	return true;
}

static void free_children(struct json_item *item)
{
	for (size_t i = 0; i < item->count; i++)
		free_children(&item->children[i]);
	free(item->children);
}

void json_tree_free(struct json_tree *tree)
{
	if (!tree)
		return;
	free_children(&tree->root);
	while (tree->added) {
		struct added *next = tree->added->next;

		json_decref(tree->added->item.value);
		free(tree->added);
		tree->added = next;
	}
	json_decref(tree->document);
	free(tree->file);
	free(tree);
}

/* The library's words, which may repeat bytes of the file. */
static void complain(const json_error_t *error, const char *file, struct problems *problems)
{
	char words[JSON_ERROR_TEXT_LENGTH];
	size_t length = 0;

	for (const char *at = error->text; *at && length + 1 < sizeof(words); at++)
		words[length++] = (unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at;
	words[length] = '\0';
	if (json_error_code(error) == json_error_null_character)
		strcpy(words, "no string may hold the character \\u0000");
	problems_add(problems, PROBLEM_ERROR,
		     (struct problem_place){file, error->line > 0 ? (unsigned int)error->line : 1,
					    error->column > 0 ? (unsigned int)error->column : 1},
		     "not valid JSON: %s%s", words,
		     json_error_code(error) == json_error_premature_end_of_input
			     ? " (is the file truncated?)"
			     : "");
}

static bool read_document(struct json_tree *tree, const char *text, size_t length,
			  struct problems *problems)
{
	size_t mark = json_text_mark(text, length);
	struct walk walk = {
		.tree = tree, .at = text + mark, .end = text + length, .position = {1, 1}};
	json_error_t error;

	tree->document = json_loadb(text + mark, length - mark,
				    JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!tree->document) {
		complain(&error, tree->file, problems);
		return false;
	}
	if (walk_value(&walk, tree->document, &tree->root))
		return true;
	problems_add(problems, PROBLEM_ERROR, (struct problem_place){tree->file, 0, 0},
		     "out of memory");
	return false;
}

struct json_tree *json_tree_parse(const char *text, size_t length, const char *file,
				  struct problems *problems)
{
	cleanup(drop_tree) struct json_tree *tree = calloc(1, sizeof(*tree));

	if (tree)
		tree->file = strdup(file);
	if (!tree || !tree->file) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, 0, 0},
			     "out of memory");
		return NULL;
	}
	if (!json_text_check(text, length, file, problems) ||
	    !read_document(tree, text, length, problems))
		return NULL;
	return take_pointer(tree);
}

const struct json_item *json_tree_root(const struct json_tree *tree)
{
	return &tree->root;
}

const struct json_item *json_tree_add_string(struct json_tree *tree, const struct json_item *model,
					     const char *text)
{
	struct added *added = calloc(1, sizeof(*added));

	if (!added)
		return NULL;
	added->item = (struct json_item){.tree = tree,
					 .key = model->key,
					 .value = json_string(text),
					 .position = model->position};
	if (!added->item.value) {
		free(added);
		return NULL;
	}
	added->next = tree->added;
	tree->added = added;
	return &added->item;
}

enum json_kind json_item_kind(const struct json_item *item)
{
	static const enum json_kind kinds[] = {
		[JSON_OBJECT] = JSON_KIND_OBJECT, [JSON_ARRAY] = JSON_KIND_LIST,
		[JSON_STRING] = JSON_KIND_STRING, [JSON_INTEGER] = JSON_KIND_INTEGER,
		[JSON_REAL] = JSON_KIND_REAL,     [JSON_TRUE] = JSON_KIND_BOOL,
		[JSON_FALSE] = JSON_KIND_BOOL,    [JSON_NULL] = JSON_KIND_NULL,
	};

	return kinds[json_typeof(item->value)];
}

struct problem_place json_item_place(const struct json_item *item)
{
	return (struct problem_place){item->tree->file, item->position.line, item->position.column};
}

const char *json_item_key(const struct json_item *item)
{
	return item->key ? item->key : "";
}

const char *json_item_text(const struct json_item *item)
{
	return json_string_value(item->value);
}

bool json_item_integer(const struct json_item *item, int64_t *ret_number)
{
	if (!json_is_integer(item->value))
		return false;
	*ret_number = json_integer_value(item->value);
	return true;
}

bool json_item_is_true(const struct json_item *item)
{
	return json_is_true(item->value);
}

size_t json_item_count(const struct json_item *item)
{
	return item->count;
}

const struct json_item *json_item_at(const struct json_item *item, size_t index)
{
	invariant(index < item->count);
	return &item->children[index];
}

const struct json_item *json_item_find(const struct json_item *item, const char *key)
{
	if (!item || !json_is_object(item->value))
		return NULL;
	for (size_t i = 0; i < item->count; i++)
		if (!strcmp(item->children[i].key, key))
			return json_is_null(item->children[i].value) ? NULL : &item->children[i];
	return NULL;
}

bool json_item_is_empty(const struct json_item *item)
{
	const char *text = json_string_value(item->value);

	switch (json_typeof(item->value)) {
	case JSON_OBJECT:
	case JSON_ARRAY:
		return item->count == 0;
	case JSON_NULL:
	case JSON_FALSE:
		return true;
	default:
		return text && !*text;
	}
}
