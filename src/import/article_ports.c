/*
 * Ports of a row. They have been written "HTTPS:443", "HTTPS: 443", "443" beside a column of
 * protocols, "443" with no protocol at all, and "HTTPS:443, TCP:22, UDP:1194".
 */
#include "import/article_cell_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *name;
	enum rule_kind kind;
	struct catalog_port port;
} s_protocols[] = {
	{"https", RULE_APPLICATION, {.protocol = APPLICATION_HTTPS}},
	{"http", RULE_APPLICATION, {.protocol = APPLICATION_HTTP}},
	{"tcp", RULE_NETWORK, {.transport = TRANSPORT_TCP}},
	{"udp", RULE_NETWORK, {.transport = TRANSPORT_UDP}},
};

#define PROTOCOL_COUNT (sizeof(s_protocols) / sizeof(*s_protocols))

/* Protocols that were named and wait for their ports. */
struct pending {
	size_t list[PROTOCOL_COUNT];
	size_t count;
	bool used; /* a port had them; the next protocol begins anew */
};

static size_t find_protocol(const char *name, size_t length)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (strlen(s_protocols[i].name) == length &&
		    strncasecmp(name, s_protocols[i].name, length) == 0)
			return i;
	return PROTOCOL_COUNT;
}

static bool add(struct article_ports *ports, size_t protocol, unsigned long number,
		struct text *ret_reason)
{
	struct article_port port = {s_protocols[protocol].kind, s_protocols[protocol].port};

	port.port.port = (uint16_t)number;
	for (size_t i = 0; i < ports->count; i++)
		if (ports->list[i].kind == port.kind &&
		    ports->list[i].port.transport == port.port.transport &&
		    ports->list[i].port.protocol == port.port.protocol &&
		    ports->list[i].port.port == port.port.port)
			return true;
	if (ports->count == ARTICLE_PORTS_MAX) {
		text_addf(ret_reason, "more than %d ports", ARTICLE_PORTS_MAX);
		return false;
	}
	ports->list[ports->count++] = port;
	return true;
}

bool article_ports_add(struct article_ports *ports, const char *protocol, bool network,
		       unsigned long number, struct text *ret_reason)
{
	size_t found = PROTOCOL_COUNT;

	if (protocol)
		found = find_protocol(protocol, strlen(protocol));
	else if (!network && number == 443)
		found = find_protocol("https", 5);
	else if (!network && number == 80)
		found = find_protocol("http", 4);
	if (found != PROTOCOL_COUNT)
		return add(ports, found, number, ret_reason);
	text_addf(ret_reason, "port %lu has no protocol", number);
	return false;
}

static bool add_number(struct article_ports *ports, struct pending *pending, bool network,
		       const char *digits, struct text *ret_reason)
{
	char *end;
	unsigned long number = strtoul(digits, &end, 10);
	bool good = true;

	if (*digits < '0' || *digits > '9' || *end || number == 0 || number > UINT16_MAX) {
		text_addf(ret_reason, "'%.100s' is no port", digits);
		return false;
	}
	pending->used = true;
	if (pending->count == 0)
		return article_ports_add(ports, NULL, network, number, ret_reason);
	for (size_t i = 0; good && i < pending->count; i++)
		good = add(ports, pending->list[i], number, ret_reason);
	return good;
}

/* "TCP/UDP", "HTTPS"; false: something else. */
static bool take_protocols(struct pending *pending, const char *word, size_t length)
{
	while (length) {
		size_t part = strcspn(word, "/"), found;

		part = part < length ? part : length;
		found = find_protocol(word, part);
		if (found == PROTOCOL_COUNT)
			return false;
		if (pending->used || pending->count == PROTOCOL_COUNT)
			*pending = (struct pending){0};
		pending->list[pending->count++] = found;
		word += part + (part < length);
		length -= part + (part < length);
	}
	return true;
}

static bool take_word(struct article_ports *ports, struct pending *pending, bool network,
		      const char *word, struct text *ret_reason)
{
	const char *colon = strchr(word, ':');

	if (!*word || strcasecmp(word, "or") == 0 || strcasecmp(word, "and") == 0)
		return true;
	if (*word == '(' && find_protocol(word + 1, strcspn(word + 1, ")")) != PROTOCOL_COUNT)
		return true; /* "443 (HTTPS)" */
	if (take_protocols(pending, word, colon ? (size_t)(colon - word) : strlen(word)))
		return !colon || !colon[1] ||
		       add_number(ports, pending, network, colon + 1, ret_reason);
	return add_number(ports, pending, network, word, ret_reason);
}

static bool take_cell(const struct article_runs *runs, struct article_ports *ports,
		      struct pending *pending, bool network, struct text *ret_reason)
{
	cleanup(free_memory) char *flat = article_runs_flat(runs, NULL);
	cleanup(text_free) struct text word = TEXT_EMPTY;
	struct article_words words = {.at = flat};
	bool good = flat != NULL;

	if (!good)
		text_fail(ret_reason);
	while (good && article_words_next(&words, &word))
		good = take_word(ports, pending, network, word.data, ret_reason);
	if (good && text_failed(&word))
		text_fail(ret_reason);
	return good && !text_failed(&word);
}

bool article_ports_read(const struct article_runs *runs, const struct article_runs *protocols,
			bool network, struct article_ports *ret_ports, struct text *ret_reason)
{
	struct article_ports ports = {0};
	struct pending pending = {0};

	if (protocols && !take_cell(protocols, &ports, &pending, network, ret_reason))
		return false;
	if (!take_cell(runs, &ports, &pending, network, ret_reason))
		return false;
	*ret_ports = ports;
	return true;
}
