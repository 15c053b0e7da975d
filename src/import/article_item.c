/*
 * One word → one destination: a name or pattern, a service tag, or one of the article's own words
 * for an address that only the reader knows. A region's placeholder becomes <region>; any other
 * placeholder is a star where a pattern may have one.
 */
#include "import/article_cell_impl.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/parameter.h"

#define TAG_LENGTH 100 /* the longest so far has 47 */

static void refuse(struct text *reason, const char *word, const char *why)
{
	text_addf(reason, "'%.100s' %s", word, why);
}

/* Takes ":443" off the end of a word. */
static bool take_port(struct text *word, uint16_t *ret_port)
{
	char *colon = strrchr(word->data, ':');
	unsigned long number;
	char *end;

	if (!colon || !isdigit((unsigned char)colon[1]))
		return true;
	number = strtoul(colon + 1, &end, 10);
	if (*end || number == 0 || number > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)number;
	*colon = '\0';
	word->length = (size_t)(colon - word->data);
	return true;
}

/* "https://x/" → "x". */
static void strip_url(struct text *word)
{
	char *scheme = strstr(word->data, "://");

	if (scheme)
		memmove(word->data, scheme + 3, strlen(scheme + 3) + 1);
	word->length = strlen(word->data);
	if (scheme && word->length && word->data[word->length - 1] == '/')
		word->data[--word->length] = '\0';
}

/* The article's words for addresses; COUNT: it is none of them. */
static enum catalog_destination_kind own_word(const char *word)
{
	if (strcmp(word, "*") == 0)
		return CATALOG_DESTINATION_ANY;
	if (strchr(word, '.'))
		return CATALOG_DESTINATION_COUNT;
	if (strcasestr(word, "APIServer"))
		return CATALOG_DESTINATION_API_SERVER;
	if (strcasestr(word, "CustomDNS"))
		return CATALOG_DESTINATION_CUSTOM_DNS;
	if (strcasestr(word, "CIDR"))
		return CATALOG_DESTINATION_REGION_PREFIXES;
	return CATALOG_DESTINATION_COUNT;
}

static bool is_region(const char *word, size_t length)
{
	char copy[64] = "";

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, word, length);
	return strcasestr(copy, "region") || strcasestr(copy, "location");
}

static size_t letters_of(const char *word)
{
	return strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
}

/* "AzureMonitor", "AzureCloud.<Region>", "AzureFrontDoor.FirstParty": names of hosts are written in
   small letters. */
static bool is_service_tag(const char *word)
{
	const char *rest = word + letters_of(word);

	if (!isupper((unsigned char)*word) || !*rest)
		return isupper((unsigned char)*word);
	if (*rest++ != '.')
		return false;
	return (isupper((unsigned char)*rest) && !rest[letters_of(rest)]) ||
	       (*rest == '<' && strchr(rest, '>') == rest + strlen(rest) - 1 &&
		is_region(rest, strlen(rest)));
}

static void write_tag(struct text *text, const char *word)
{
	const char *dot = strchr(word, '.');

	if (dot && is_region(dot + 1, strlen(dot + 1)))
		text_addf(text, "%.*s.<region>", (int)(dot - word), word);
	else
		text_add(text, word);
}

/* Placeholders and letters of a name; false: a placeholder stands where nothing may. */
static bool write_pattern(struct text *text, const char *word)
{
	bool first_label = true;

	if (*word == '.')
		text_add(text, "*");
	for (const char *at = word; *at; at++) {
		const char *end = *at == '<' ? strchr(at, '>') : NULL;

		first_label &= *at != '.' || at == word;
		if (!end) {
			char letter = (char)tolower((unsigned char)*at);

			text_add_bytes(text, &letter, 1);
		} else if (is_region(at + 1, (size_t)(end - at - 1))) {
			text_add(text, "<region>");
		} else if (first_label) {
			text_add(text, "*");
		} else {
			return false;
		}
		at = end ? end : at;
	}
	return true;
}

/* Is it one by the catalogue's rules? */
static bool check_pattern(const char *text, const char *word, struct text *ret_reason)
{
	char filled[CATALOG_TEXT_SIZE];
	struct pattern pattern;
	const char *message = "is too long";

	if (!strchr(text, '.')) {
		refuse(ret_reason, word, "is no name");
		return false;
	}
	if (catalog_text_fill(text, "region", filled) && !strchr(filled, '<') &&
	    pattern_parse(filled, &pattern, &message) == 0)
		return true;
	text_addf(ret_reason, "'%.100s': %s", word, message);
	return false;
}

static bool read_text(const char *word, bool labelled, struct article_item *item,
		      struct text *ret_reason)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	labelled |= strncmp(word, "Azure", 5) == 0;
	item->kind = labelled && is_service_tag(word) ? CATALOG_DESTINATION_SERVICE_TAG
						      : CATALOG_DESTINATION_NAME;
	if (item->kind == CATALOG_DESTINATION_SERVICE_TAG && strlen(word) > TAG_LENGTH) {
		refuse(ret_reason, word, "is too long for a service tag");
		return false;
	}
	if (item->kind == CATALOG_DESTINATION_SERVICE_TAG) {
		write_tag(&text, word);
	} else if (!write_pattern(&text, word)) {
		refuse(ret_reason, word, "has a placeholder in the middle");
		return false;
	} else if (!check_pattern(text_string(&text), word, ret_reason)) {
		return false;
	}
	item->text = text_failed(&text) ? NULL : take_pointer(text.data);
	if (!item->text)
		text_fail(ret_reason);
	return item->text != NULL;
}

bool article_item_read(const char *original, bool labelled, struct article_item *item,
		       struct text *ret_reason)
{
	cleanup(text_free) struct text word = TEXT_EMPTY;

	text_add(&word, original);
	if (text_failed(&word)) {
		text_fail(ret_reason);
		return false;
	}
	strip_url(&word);
	if (!take_port(&word, &item->port)) {
		refuse(ret_reason, original, "ends in no port");
		return false;
	}
	item->kind = own_word(word.data);
	return item->kind != CATALOG_DESTINATION_COUNT ||
	       read_text(word.data, labelled, item, ret_reason);
}
