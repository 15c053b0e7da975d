/* The list itself: making it, filling it, freeing it. */
#include "catalog/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/list.h"
#include "catalog/listing_impl.h"
#include "catalog/parameter.h"

/* Stands for a region that is not known, where a pattern is made of a name. */
#define ANY_REGION "region"

static void entry_done(struct listing_entry *entry)
{
	for (size_t i = 0; i < entry->destination_count; i++)
		free(entry->destinations[i].text);
	free(entry->destinations);
	free(entry->ports);
	free(entry->label);
	free(entry->cloud);
	free(entry->feature);
	free(entry->section);
	free(entry->conditions);
	free(entry->purpose);
	free(entry->note);
}

struct listing *listing_new(const char *name)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return NULL;
	listing->name = strdup(name);
	if (!listing->name) {
		free(listing);
		return NULL;
	}
	return listing;
}

void listing_free(struct listing *listing)
{
	if (!listing)
		return;
	for (size_t i = 0; i < listing->entry_count; i++)
		entry_done(&listing->entries[i]);
	for (size_t i = 0; i < listing->feature_count; i++) {
		free(listing->features[i].name);
		free(listing->features[i].title);
	}
	for (size_t i = 0; i < listing->cloud_count; i++)
		free(listing->clouds[i]);
	free(listing->entries);
	free(listing->features);
	free(listing->clouds);
	free(listing->name);
	free(listing);
}

struct listing_entry *listing_add_entry(struct listing *listing, const char *label,
					const char *cloud)
{
	struct listing_entry *entry =
		list_add(&listing->entries, &listing->entry_count, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->label = strdup(label);
	entry->cloud = strdup(cloud);
	return entry->label && entry->cloud ? entry : NULL;
}

int listing_add_feature(struct listing *listing, const char *name, const char *title)
{
	struct listing_feature *feature;

	for (size_t i = 0; i < listing->feature_count; i++)
		if (!strcmp(listing->features[i].name, name))
			return 0;
	feature = list_add(&listing->features, &listing->feature_count, sizeof(*feature));
	if (!feature)
		return -ENOMEM;
	feature->name = strdup(name);
	feature->title = strdup(title);
	return feature->name && feature->title ? 0 : -ENOMEM;
}

int listing_add_cloud(struct listing *listing, const char *name)
{
	char **cloud;

	for (size_t i = 0; i < listing->cloud_count; i++)
		if (!strcmp(listing->clouds[i], name))
			return 0;
	cloud = list_add(&listing->clouds, &listing->cloud_count, sizeof(*cloud));
	if (!cloud)
		return -ENOMEM;
	*cloud = strdup(name);
	return *cloud ? 0 : -ENOMEM;
}

int listing_add_words(struct listing_entry *entry, enum listing_destination_kind kind,
		      const char *text)
{
	struct listing_destination *destination =
		list_add(&entry->destinations, &entry->destination_count, sizeof(*destination));

	if (!destination)
		return -ENOMEM;
	destination->kind = kind;
	destination->text = strdup(text);
	return destination->text ? 0 : -ENOMEM;
}

int listing_add_name(struct listing_entry *entry, const char *text)
{
	char filled[CATALOG_TEXT_SIZE], canonical[PATTERN_TEXT_SIZE];
	cleanup(text_free) struct text spelt = TEXT_EMPTY;
	struct pattern pattern;
	const char *message;
	int error;

	if (!catalog_text_fill(text, ANY_REGION, filled) ||
	    pattern_parse(filled, &pattern, &message) < 0)
		return listing_add_words(entry, LISTING_OTHER, text);
	if (catalog_text_has_region(text)) /* the pattern's spelling would show the stand-in */
		text_addf(&spelt, "%s%s", *text == '.' ? "*" : "", text);
	else
		text_add(&spelt, pattern_format(&pattern, canonical));
	if (text_failed(&spelt))
		return -ENOMEM;
	error = listing_add_words(entry, LISTING_NAME, text_string(&spelt));
	if (error == 0)
		entry->destinations[entry->destination_count - 1].pattern = pattern;
	return error;
}

int listing_add_port(struct listing_entry *entry, struct listing_port port)
{
	struct listing_port *added = list_add(&entry->ports, &entry->port_count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	*added = port;
	return 0;
}

static const char *protocol_word(enum rule_kind kind, const struct listing_port *port)
{
	if (kind == RULE_APPLICATION)
		return port->protocol == APPLICATION_HTTPS ? "https" : "http";
	return port->transports == TRANSPORT_TCP    ? "tcp"
	       : port->transports == TRANSPORT_UDP  ? "udp"
	       : port->transports == TRANSPORT_ICMP ? "icmp"
						    : "any";
}

void listing_write_port(struct text *out, enum rule_kind kind, const struct listing_port *port)
{
	const char *word = protocol_word(kind, port);

	if (kind == RULE_NETWORK && port->transports == TRANSPORT_ICMP)
		text_add(out, word);
	else if (port->first == 0 && port->last == UINT16_MAX)
		text_addf(out, "%s:*", word);
	else if (port->first == port->last)
		text_addf(out, "%s:%u", word, port->first);
	else
		text_addf(out, "%s:%u-%u", word, port->first, port->last);
}

const char *listing_need_word(enum catalog_need need)
{
	static const char *const words[] = {[CATALOG_REQUIRED] = "required",
					    [CATALOG_RECOMMENDED] = "recommended",
					    [CATALOG_OPTIONAL] = "optional"};

	return words[need];
}
