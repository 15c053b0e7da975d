/* A cell of destinations, and one of ports: what they say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "catalog/catalog.h"
#include "import/article_markdown_impl.h"

struct article_item {
	enum catalog_destination_kind kind;
	char *text;       /* NAME: a pattern; SERVICE_TAG; <region> as a parameter; else NULL */
	uint16_t port;    /* written with it; 0: none */
	uint32_t clouds;  /* of its note; 0: it has none */
	bool alternative; /* to the item before it */
};

struct article_cell {
	struct article_item *items;
	size_t count;
	bool custom_dns;       /* noted: only with custom DNS servers */
	bool pods_use_address; /* noted: only for pods that use the API server's address */
	struct text note;      /* what else stands in brackets */
};

/*
 * Names and other destinations, in any of the forms of lists that the article has had. False: it
 * cannot be read (nothing is half read); ret_reason says which word is why.
 */
bool article_cell_read(const struct article_runs *runs, struct article_cell *ret_cell,
		       struct text *ret_reason);
void article_cell_done(struct article_cell *cell);

/* One word of a cell; false: it is no destination. `labelled`: something says that service tags are
   meant. `item` is zeroed before. */
bool article_item_read(const char *word, bool labelled, struct article_item *item,
		       struct text *ret_reason);

struct article_port {
	enum rule_kind kind;
	struct catalog_port port;
};

#define ARTICLE_PORTS_MAX 16

struct article_ports {
	struct article_port list[ARTICLE_PORTS_MAX];
	size_t count;
};

/*
 * The ports of a row. `protocols` is the cell beside them, NULL: there is no such column. `network`
 * says what a bare number without any protocol is not: HTTP or HTTPS. An empty cell has no ports.
 */
bool article_ports_read(const struct article_runs *ports, const struct article_runs *protocols,
			bool network, struct article_ports *ret_ports, struct text *ret_reason);

/* Adds a port of a protocol's name ("https", "TCP"; NULL: by the port's number). */
bool article_ports_add(struct article_ports *ports, const char *protocol, bool network,
		       unsigned long number, struct text *ret_reason);

/*
 * The next word of a cell: up to white space, a comma, a semicolon or a bracket. What stands in
 * round brackets is one word, with them. Words are joined where a colon ends the first and a digit
 * begins the next ("HTTPS: 443"). Quotes and stray marks around a word are gone; it may be empty.
 * False: there is none, or no memory (text_failed(word)).
 */
struct article_words {
	const char *at;
	bool comma, line_break; /* stood before the word taken last */
};
bool article_words_next(struct article_words *words, struct text *word);

/* A cell as one string for article_words_next(): breaks are '\n', and links that only name the kind
   of what follows ("ServiceTag") are gone; ret_labelled (may be NULL): there was one. NULL: out of
   memory. The caller frees. */
char *article_runs_flat(const struct article_runs *runs, bool *ret_labelled);
