/*
 * Two kinds of bullets are rules: one that quotes a name with a star ('traffic towards
 * "md-*.blob.storage.azure.net"'), over HTTPS, perhaps with a tag in its place ("the Storage
 * service tag"); and, in 2020, one that begins with a transport ("TCP port 9000, TCP port 22 and
 * UDP port 1194 for the tunnel …"), whose destination is told by what it is for.
 *
 * Prose does not say "required" in a way that a program could tell, so these entries are optional:
 * nothing is opened by them unless somebody asks for it.
 */
#include "import/article_prose_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "import/article_cell_impl.h"
#include "import/article_conditions_impl.h"
#include "base/list.h"

#define PURPOSE_LENGTH 1000 /* bytes of a bullet that are kept */

/* Takes the next quoted text that is a name with a star; *at moves behind it. NULL: none is left.
 */
static char *next_quoted_name(const char **at)
{
	while ((*at = strchr(*at, '"'))) {
		const char *end = strchr(*at + 1, '"');
		cleanup(text_free) struct text quoted = TEXT_EMPTY, reason = TEXT_EMPTY;
		struct article_item item = {0};

		if (!end)
			return NULL;
		text_add_bytes(&quoted, *at + 1, (size_t)(end - *at - 1));
		*at = end + 1;
		if (!text_failed(&quoted) && strchr(quoted.data, '*') &&
		    article_item_read(quoted.data, false, &item, &reason) &&
		    item.kind == CATALOG_DESTINATION_NAME)
			return item.text;
		free(item.text);
		*at = end; /* it may begin a quotation */
	}
	return NULL;
}

/* Straight quotes for curly ones, so that there is one kind. */
static char *bullet_words(const struct article_block *bullet)
{
	cleanup(free_memory) char *words = article_runs_words(&bullet->text);
	cleanup(text_free) struct text text = TEXT_EMPTY;

	text_add(&text, "");
	for (const char *at = words; at && *at;) {
		bool curly = strncmp(at, "“", 3) == 0 || strncmp(at, "”", 3) == 0;

		text_add_bytes(&text, curly ? "\"" : at, 1);
		at += curly ? 3 : 1;
	}
	return !words || text_failed(&text) ? NULL : take_pointer(text.data);
}

/* Takes the name or tag over. */
static int add_item(struct article_reading *reading, const struct article_facts *facts,
		    enum catalog_destination_kind kind, char *taken)
{
	cleanup(free_memory) char *text = taken;
	cleanup(catalog_entry_done) struct catalog_entry entry = {.clouds = facts->clouds};
	struct catalog_port *port = list_add(&entry.ports, &entry.port_count, sizeof(*port));

	if (!port)
		return -ENOMEM;
	port->port = 443;
	if (kind == CATALOG_DESTINATION_NAME) {
		char **name = list_add(&entry.names, &entry.name_count, sizeof(*name));

		entry.kind = RULE_APPLICATION;
		port->protocol = APPLICATION_HTTPS;
		if (!name)
			return -ENOMEM;
		*name = take_pointer(text);
	} else {
		struct catalog_destination *tag =
			list_add(&entry.destinations, &entry.destination_count, sizeof(*tag));

		entry.kind = RULE_NETWORK;
		port->transport = TRANSPORT_TCP;
		if (!tag)
			return -ENOMEM;
		*tag = (struct catalog_destination){kind, take_pointer(text)};
	}
	return article_entry_add(reading, facts, &entry);
}

/* "… use the Storage service tag": the tag; NULL: there is none. */
static char *find_tag(const char *words)
{
	const char *end = strcasestr(words, " service tag"), *start = end;
	cleanup(text_free) struct text word = TEXT_EMPTY, reason = TEXT_EMPTY;
	struct article_item item = {0};

	if (!end)
		return NULL;
	while (start > words && start[-1] != ' ')
		start--;
	text_add_bytes(&word, start, (size_t)(end - start));
	if (!text_failed(&word) && article_item_read(word.data, true, &item, &reason) &&
	    item.kind == CATALOG_DESTINATION_SERVICE_TAG)
		return item.text;
	free(item.text);
	return NULL;
}

static int add_quoted(struct article_reading *reading, const struct article_facts *facts,
		      const char *words)
{
	const char *at = words;
	bool any = false;
	int error = 0;
	char *text;

	while (!error && (text = next_quoted_name(&at))) {
		error = add_item(reading, facts, CATALOG_DESTINATION_NAME, text);
		any = true;
	}
	text = any && !error ? find_tag(words) : NULL;
	return text ? add_item(reading, facts, CATALOG_DESTINATION_SERVICE_TAG, text) : error;
}

/* ------------------------------------------------------------------ "TCP port 9000, …" */

static bool is_transport(const char *word, unsigned int *ret_transport)
{
	if (strcmp(word, "TCP") != 0 && strcmp(word, "UDP") != 0)
		return false;
	*ret_transport = *word == 'T' ? TRANSPORT_TCP : TRANSPORT_UDP;
	return true;
}

/* The number of "9000" or "[IPAddrOfYourAPIServer]:443"; 0: it has none. */
static unsigned long port_of(const char *word)
{
	const char *colon = strrchr(word, ':');
	const char *digits = colon ? colon + 1 : word;
	char *end;
	unsigned long number = strtoul(digits, &end, 10);

	return *digits >= '1' && *digits <= '9' && !*end && number <= UINT16_MAX ? number : 0;
}

/* One transport's ports: a transport is followed by "port" and a number, or by a destination. */
static int take_ports(struct catalog_entry *entry, const char *words, unsigned int transport)
{
	cleanup(text_free) struct text word = TEXT_EMPTY;
	struct article_words reader = {.at = words};
	unsigned int current = 0;

	while (article_words_next(&reader, &word)) {
		unsigned long number = port_of(word.data);
		struct catalog_port *port;

		if (is_transport(word.data, &current) || strcmp(word.data, "port") == 0)
			continue;
		if (number && current == transport) {
			port = list_add(&entry->ports, &entry->port_count, sizeof(*port));
			if (!port)
				return -ENOMEM;
			port->transport = transport;
			port->port = (uint16_t)number;
		}
		current = 0;
	}
	return text_failed(&word) ? -ENOMEM : 0;
}

static enum catalog_destination_kind destination_of(const char *words)
{
	if (strcasestr(words, "DNS"))
		return CATALOG_DESTINATION_CUSTOM_DNS;
	if (strcasestr(words, "API server"))
		return CATALOG_DESTINATION_API_SERVER;
	return CATALOG_DESTINATION_ANY;
}

static int add_transport(struct article_reading *reading, const struct article_facts *facts,
			 const char *words, unsigned int transport)
{
	cleanup(catalog_entry_done) struct catalog_entry entry = {.kind = RULE_NETWORK,
								  .clouds = facts->clouds};
	struct catalog_destination *destination;

	if (take_ports(&entry, words, transport) < 0)
		return -ENOMEM;
	if (!entry.port_count)
		return 0;
	destination = list_add(&entry.destinations, &entry.destination_count, sizeof(*destination));
	if (!destination)
		return -ENOMEM;
	destination->kind = destination_of(words);
	if (destination->kind == CATALOG_DESTINATION_CUSTOM_DNS &&
	    article_condition_add(&entry, CATALOG_FACT_CUSTOM_DNS, true) < 0)
		return -ENOMEM;
	return article_entry_add(reading, facts, &entry);
}

static bool begins_with_transport(const char *words)
{
	return strncmp(words, "TCP ", 4) == 0 || strncmp(words, "UDP ", 4) == 0;
}

bool article_prose_has_rule(const struct article_block *bullet)
{
	cleanup(free_memory) char *words = bullet_words(bullet);
	cleanup(free_memory) char *name = NULL;
	const char *at = words;

	name = words ? next_quoted_name(&at) : NULL;
	return name || (words && begins_with_transport(words));
}

int article_prose_add(struct article_reading *reading, const struct article_block *bullet,
		      const struct article_place *place, uint32_t clouds)
{
	cleanup(free_memory) char *words = bullet_words(bullet);
	cleanup(free_memory) char *purpose = words ? article_shorten(words, PURPOSE_LENGTH) : NULL;
	struct article_section section = {place->title, place->feature, place->feature_title};
	struct article_facts facts = {
		.need = CATALOG_OPTIONAL, .clouds = clouds, .any_cloud = true, .purpose = purpose};
	int error;

	if (!purpose || article_section_add(reading, &section, false) < 0)
		return -ENOMEM;
	facts.section = section.title;
	facts.feature = section.feature;
	error = add_quoted(reading, &facts, words);
	if (!error && begins_with_transport(words))
		error = add_transport(reading, &facts, words, TRANSPORT_TCP);
	if (!error && begins_with_transport(words))
		error = add_transport(reading, &facts, words, TRANSPORT_UDP);
	return error;
}
