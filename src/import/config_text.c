/*
 * A small YAML emitter for one shape: collections of rules. Strings are plain where that is safe,
 * else double-quoted with the escapes that YAML and JSON share, or \U for what needs eight digits.
 * libyaml ends a comment at the line breaks of Unicode too (NEL, LS, PS), so characters that are
 * not plainly visible are escaped there as well; those that turn the direction of text are, so that
 * a file shows what it says.
 */
#include "import/config_text.h"

#include <stdio.h>
#include <string.h>

#include "yaml/tree.h"

#define LINE_LIMIT 100

struct character_range {
	uint32_t first, last;
};

/* Not to be shown as they are: controls, breaks, marks of direction, of no width, no characters. */
static const struct character_range s_hidden[] = {
	{0x7f, 0xa0},     {0xad, 0xad},     {0x61c, 0x61c},      {0x180e, 0x180e},
	{0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},    {0xd800, 0xdfff},
	{0xfeff, 0xfeff}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff},
};

static bool is_visible(uint32_t character)
{
	for (size_t i = 0; i < sizeof(s_hidden) / sizeof(*s_hidden); i++)
		if (s_hidden[i].first <= character && character <= s_hidden[i].last)
			return false;
	return character >= 0x20;
}

/* `quoted`: quotes and backslashes are escaped too. */
static void add_characters(struct text *out, const char *string, bool quoted)
{
	const char *at = string, *end = string + strlen(string);

	while (at < end) {
		const char *before = at;
		uint32_t character = text_take_character(&at, end);

		if (quoted && (character == '"' || character == '\\'))
			text_addf(out, "\\%c", (int)character);
		else if (is_visible(character))
			text_add_bytes(out, before, (size_t)(at - before));
		else if (character == '\n')
			text_add(out, "\\n");
		else if (character < 0x10000)
			text_addf(out, "\\u%04x", character);
		else
			text_addf(out, "\\U%08x", character);
	}
}

/* Words that YAML readers take for something else than a string. */
static bool is_reserved(const char *string)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on",
					    "off",  "null",  "y",   "n"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(string, words[i]))
			return true;
	return false;
}

/* A letter, then letters, digits and what labels may have. */
static bool is_plain(const char *string)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strchr(letters, *string) && *string && strspn(string, all) == strlen(string) &&
	       !is_reserved(string);
}

void config_text_add_string(struct text *out, const char *string)
{
	if (is_plain(string)) {
		text_add(out, string);
		return;
	}
	text_add(out, "\"");
	add_characters(out, string, true);
	text_add(out, "\"");
}

void config_text_add_comment(struct text *out, const char *words)
{
	text_add(out, *words ? "# " : "#");
	add_characters(out, words, false);
	text_add(out, "\n");
}

void config_text_add_problems(struct text *out, const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *problem = problems_at(problems, i);

		text_add(out, "#   ");
		if (problem->file)
			add_characters(out, problem->file, false);
		text_addf(out, "%s%u:%u: ", problem->file ? ":" : "", problem->line,
			  problem->column);
		add_characters(out, problem->text ? problem->text : "(out of memory)", false);
		text_add(out, "\n");
	}
}

/* A list under a key: in one line, or an item a line when that would be long. */
struct list {
	const char *key;
	struct text flow, block;
	size_t count;
};

static void list_add_quoted(struct list *list, const char *written)
{
	text_addf(&list->flow, "%s%s", list->count ? ", " : "", written);
	text_addf(&list->block, "          - %s\n", written);
	list->count++;
}

static void list_add(struct list *list, const char *string)
{
	struct text written = TEXT_EMPTY;

	config_text_add_string(&written, string);
	list_add_quoted(list, text_string(&written));
	list->flow.failed |= written.failed;
	text_free(&written);
}

static void list_end(struct list *list, struct text *out)
{
	if (list->count > 0 && strlen(list->key) + list->flow.length + 12 <= LINE_LIMIT)
		text_addf(out, "        %s: [%s]\n", list->key, text_string(&list->flow));
	else if (list->count > 0)
		text_addf(out, "        %s:\n%s", list->key, text_string(&list->block));
	out->failed |= list->flow.failed || list->block.failed;
	text_free(&list->flow);
	text_free(&list->block);
}

/* A single address without its length. */
static void list_add_prefix(struct list *list, const struct ip_prefix *prefix)
{
	bool is_address = prefix->length == ip_size(&prefix->address) * 8;
	char text[IP_PREFIX_TEXT_SIZE];

	list_add(list,
		 is_address ? ip_format(&prefix->address, text) : ip_prefix_format(prefix, text));
}

static void add_sources(struct text *out, const struct rule *rule)
{
	struct list list = {.key = "sources"};

	for (size_t i = 0; i < rule->source_count && !rule->any_source; i++)
		list_add_prefix(&list, &rule->sources[i]);
	list_end(&list, out);
}

/* Do the prefixes at this index come from a service tag? */
static bool is_of_tag(const struct rule *rule, size_t index)
{
	for (size_t i = 0; i < rule->tag_count; i++)
		if (index >= rule->tags[i].first &&
		    index - rule->tags[i].first < rule->tags[i].count)
			return true;
	return false;
}

static void add_destinations(struct text *out, const struct rule *rule)
{
	struct list list = {.key = "destinations"}, fqdns = {.key = "fqdns"};

	if (rule->any_destination)
		list_add(&list, "*");
	for (size_t i = 0; i < rule->tag_count && !rule->any_destination; i++)
		list_add(&list, rule->tags[i].name);
	for (size_t i = 0; i < rule->destination_count && !rule->any_destination; i++)
		if (!is_of_tag(rule, i))
			list_add_prefix(&list, &rule->destinations[i]);
	list_end(&list, out);
	for (size_t i = 0; i < rule->fqdn_count; i++)
		list_add(&fqdns, rule->fqdns[i].text);
	list_end(&fqdns, out);
}

static void add_transports(struct text *out, const struct rule *rule)
{
	static const char *const words[] = {"tcp", "udp", "icmp"};
	struct list list = {.key = "protocols"};

	if (rule->transports == TRANSPORT_ANY)
		list_add(&list, "any");
	for (unsigned int i = 0; i < 3 && rule->transports != TRANSPORT_ANY; i++)
		if (rule->transports & 1u << i)
			list_add(&list, words[i]);
	list_end(&list, out);
}

/* Only tcp and udp have ports. */
static void add_ports(struct text *out, const struct rule *rule)
{
	struct list list = {.key = "ports"};
	char text[16];

	if (rule->transports & ~(unsigned int)(TRANSPORT_TCP | TRANSPORT_UDP))
		return;
	if (rule->any_port)
		list_add(&list, "*");
	for (size_t i = 0; i < rule->port_count && !rule->any_port; i++) {
		const struct port_range *range = &rule->ports[i];

		snprintf(text, sizeof(text), range->first == range->last ? "%u" : "\"%u-%u\"",
			 range->first, range->last);
		list_add_quoted(&list, text);
	}
	list_end(&list, out);
}

static void add_names(struct text *out, const struct rule *rule)
{
	struct list patterns = {.key = "fqdns"}, protocols = {.key = "protocols"};
	char text[PATTERN_TEXT_SIZE];
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern))
		list_add(&patterns, pattern_format(&pattern, text));
	list_end(&patterns, out);
	for (size_t i = 0; i < rule->protocol_count; i++) {
		const struct application_port *port = &rule->protocols[i];

		snprintf(text, sizeof(text), "%s:%u",
			 port->protocol == APPLICATION_HTTPS ? "https" : "http", port->port);
		list_add(&protocols, text);
	}
	list_end(&protocols, out);
	if (rule->inspects_quic)
		text_add(out, "        quic: inspect\n");
	if (rule->allows_no_sni)
		text_add(out, "        no_sni: allow\n");
	if (rule->refuses_ech)
		text_add(out, "        ech: deny\n");
}

static void add_rule(struct text *out, const struct rule *rule, enum rule_kind kind)
{
	text_add(out, "      - name: ");
	config_text_add_string(out, rule->name);
	if (rule->origin) {
		text_add(out, "  ");
		config_text_add_comment(out, rule->origin);
	} else {
		text_add(out, "\n");
	}
	if (rule->purpose) {
		text_add(out, "        purpose: ");
		config_text_add_string(out, rule->purpose);
		text_add(out, "\n");
	}
	add_sources(out, rule);
	if (kind == RULE_NETWORK) {
		add_destinations(out, rule);
		add_transports(out, rule);
		add_ports(out, rule);
	} else {
		add_names(out, rule);
	}
}

void config_text_add_collections(struct text *out, const struct rule_set *set,
				 const char *const *notes)
{
	text_add(out, set->collection_count ? "collections:\n" : "collections: []\n");
	for (size_t i = 0; i < set->collection_count; i++) {
		const struct rule_collection *collection = &set->collections[i];

		if (notes && notes[i]) {
			text_add(out, "  ");
			config_text_add_comment(out, notes[i]);
		}
		text_add(out, "  - name: ");
		config_text_add_string(out, collection->name);
		text_addf(out, "\n    priority: %u\n    action: %s\n    kind: %s\n    rules:%s\n",
			  collection->priority, collection->action == RULE_ALLOW ? "allow" : "deny",
			  collection->kind == RULE_NETWORK ? "network" : "application",
			  collection->rule_count ? "" : " []");
		for (size_t j = 0; j < collection->rule_count; j++)
			add_rule(out, &collection->rules[j], collection->kind);
	}
}

bool config_text_fits(const struct text *text, const char *file, struct problems *problems)
{
	struct yaml_tree *tree;

	if (text_failed(text)) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, 0, 0},
			     "out of memory");
		return false;
	}
	if (text->length > YAML_SIZE_LIMIT) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, 0, 0},
			     "the configuration would have %zu bytes; one file may have %u: import "
			     "a part of it",
			     text->length, YAML_SIZE_LIMIT);
		return false;
	}
	tree = yaml_tree_parse(text->data, text->length, file, problems);
	yaml_tree_free(tree);
	return tree != NULL;
}
