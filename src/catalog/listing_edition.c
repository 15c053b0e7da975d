/*
 * Editions → listings. One entry of an edition becomes one of each of its clouds. Where the region
 * is known it is filled in, so that an edition and a cluster's own rules speak of the same names.
 */
#include "catalog/listing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/choose_impl.h"
#include "catalog/conditions.h"
#include "catalog/listing_impl.h"
#include "catalog/parameter.h"

/* What is known while an edition is listed. */
struct edition_listing {
	struct listing *listing;
	const struct catalog_edition *edition;
	const struct making *cluster;        /* only what it takes; NULL: all */
	const struct making *judge;          /* what matters to it; NULL: all */
	const struct cluster_profile *known; /* tells region and API server; NULL: none does */
};

static int add_text(char **ret_text, const char *text)
{
	if (!text)
		return 0;
	*ret_text = strdup(text);
	return *ret_text ? 0 : -ENOMEM;
}

static void add_facts(struct text *out, const struct catalog_entry *entry, bool wanted)
{
	bool first = true;

	for (size_t i = 0; i < entry->condition_count; i++) {
		const struct catalog_condition *condition = &entry->conditions[i];

		if (condition->wanted != wanted || condition->correction)
			continue;
		text_addf(out, "%s%s%s",
			  !first        ? ", "
			  : out->length ? "; "
					: "",
			  first ? wanted ? "when " : "unless " : "",
			  condition->feature ? "feature " : "");
		text_add(out, condition->feature ? condition->feature
						 : catalog_fact_words()[condition->fact]);
		first = false;
	}
}

/* "when custom-dns; unless private, konnectivity": those of the article. */
static int add_conditions(struct listing_entry *listed, const struct catalog_entry *entry)
{
	struct text words = TEXT_EMPTY;

	add_facts(&words, entry, true);
	add_facts(&words, entry, false);
	if (text_failed(&words)) {
		text_free(&words);
		return -ENOMEM;
	}
	listed->conditions = words.data;
	return 0;
}

/* "": not known */
static const char *region_of(const struct edition_listing *from)
{
	return from->known ? from->known->region : "";
}

/* <region>, where the region is known; else the text as it is. */
static const char *fill(const char *text, const char *region, char filled[CATALOG_TEXT_SIZE])
{
	return *region && catalog_text_fill(text, region, filled) ? filled : text;
}

/* Own rules name the tags as Azure does. */
static int add_tag(const struct edition_listing *from, struct listing_entry *listed,
		   const struct catalog_cloud *cloud, const char *tag)
{
	const char *region = region_of(from);
	bool coded = *region && !strncmp(tag, "AzureCloud.", strlen("AzureCloud."));
	char filled[CATALOG_TEXT_SIZE], words[CATALOG_TEXT_SIZE + 8];

	region = coded ? catalog_cloud_region_code(cloud, region) : region;
	snprintf(words, sizeof(words), "tag:%s", fill(tag, region, filled));
	return listing_add_words(listed, LISTING_OTHER, words);
}

static int add_destination(const struct edition_listing *from, struct listing_entry *listed,
			   const struct catalog_cloud *cloud,
			   const struct catalog_destination *destination)
{
	static const char *const words[CATALOG_DESTINATION_COUNT] = {
		[CATALOG_DESTINATION_API_SERVER] = "api-server",
		[CATALOG_DESTINATION_CUSTOM_DNS] = "custom-dns",
		[CATALOG_DESTINATION_REGION_PREFIXES] = "region-prefixes",
		[CATALOG_DESTINATION_ANY] = "*",
	};
	char filled[CATALOG_TEXT_SIZE];

	switch (destination->kind) {
	case CATALOG_DESTINATION_NAME:
		return listing_add_name(listed, fill(destination->text, region_of(from), filled));
	case CATALOG_DESTINATION_SERVICE_TAG:
		return add_tag(from, listed, cloud, destination->text);
	case CATALOG_DESTINATION_API_SERVER:
		return from->known && from->known->has_api_server
			       ? listing_add_name(listed, from->known->api_server.text)
			       : listing_add_words(listed, LISTING_OTHER, words[destination->kind]);
	case CATALOG_DESTINATION_ANY:
		return listing_add_words(listed, LISTING_ANY, words[destination->kind]);
	default:
		return listing_add_words(listed, LISTING_OTHER, words[destination->kind]);
	}
}

static int add_destinations(const struct edition_listing *from, struct listing_entry *listed,
			    const struct catalog_cloud *cloud, const struct catalog_entry *entry)
{
	char filled[CATALOG_TEXT_SIZE];

	for (size_t i = 0; i < entry->destination_count; i++)
		if (add_destination(from, listed, cloud, &entry->destinations[i]) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < entry->name_count; i++)
		if (listing_add_name(listed, fill(entry->names[i], region_of(from), filled)) < 0)
			return -ENOMEM;
	listed->any_of = entry->kind == RULE_NETWORK;
	listed->taken = listed->destination_count;
	if (from->cluster && listed->any_of) {
		const struct catalog_destination *taken = catalog_narrowest(from->cluster, entry);

		if (taken)
			listed->taken = (size_t)(taken - entry->destinations);
	}
	return 0;
}

static int add_ports(struct listing_entry *listed, const struct catalog_entry *entry)
{
	for (size_t i = 0; i < entry->port_count; i++) {
		const struct catalog_port *port = &entry->ports[i];

		struct listing_port added = {.first = port->port, .last = port->port};

		if (entry->kind == RULE_NETWORK)
			added.transports = port->transport;
		else
			added.protocol = port->protocol;
		if (listing_add_port(listed, added) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* An entry as it is in one cloud, of which `judged` tells whether the profile's cluster takes it.
 */
static int add_entry(const struct edition_listing *from, const struct catalog_entry *entry,
		     const struct catalog_cloud *cloud, bool judged)
{
	struct listing_entry *listed = listing_add_entry(from->listing, entry->id, cloud->name);

	if (!listed)
		return -ENOMEM;
	listed->kind = entry->kind;
	listed->need = entry->need;
	listed->correction = entry->correction;
	listed->order = LISTING_ORDER(entry->kind, entry->need == CATALOG_REQUIRED
							   ? CATALOG_PRIORITY_REQUIRED
							   : CATALOG_PRIORITY_RECOMMENDED);
	listed->matters = !from->judge || judged;
	listed->in_force =
		from->cluster || (from->judge ? judged : entry->need == CATALOG_REQUIRED);
	if (add_text(&listed->feature, entry->feature) < 0 ||
	    add_text(&listed->section, entry->section) < 0 ||
	    add_text(&listed->purpose, entry->purpose) < 0 ||
	    add_text(&listed->note, entry->note) < 0 || add_conditions(listed, entry) < 0 ||
	    add_destinations(from, listed, cloud, entry) < 0 || add_ports(listed, entry) < 0)
		return -ENOMEM;
	return 0;
}

static bool takes(const struct making *making, const struct catalog_entry *entry,
		  const struct catalog_cloud *cloud)
{
	return making && making->cloud == cloud && catalog_takes(making, entry);
}

static int add_all(const struct edition_listing *from)
{
	const struct catalog_edition *edition = from->edition;

	from->listing->judged |= from->judge != NULL;
	from->listing->unread += edition->unread_count;
	for (size_t i = 0; i < edition->feature_count; i++)
		if (listing_add_feature(from->listing, edition->features[i].name,
					edition->features[i].title) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < edition->cloud_count; i++)
		if (listing_add_cloud(from->listing, edition->clouds[i].name) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < edition->entry_count; i++) {
		const struct catalog_entry *entry = &edition->entries[i];

		for (size_t j = 0; j < edition->cloud_count; j++) {
			const struct catalog_cloud *cloud = &edition->clouds[j];

			if (!(entry->clouds & (1u << j)) ||
			    (from->cluster && !takes(from->cluster, entry, cloud)))
				continue;
			if (add_entry(from, entry, cloud, takes(from->judge, entry, cloud)) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

/* A profile of a cloud that the edition has not: nothing of it matters. */
static struct making judging(const struct catalog_edition *edition,
			     const struct cluster_profile *profile)
{
	return (struct making){.edition = edition,
			       .profile = profile,
			       .cloud = profile ? catalog_cloud_find(edition, profile->cloud)
						: NULL};
}

int listing_add_edition(struct listing *listing, const struct catalog_edition *edition,
			const struct cluster_profile *profile)
{
	struct making judge = judging(edition, profile);
	struct edition_listing from = {.listing = listing,
				       .edition = edition,
				       .judge = profile ? &judge : NULL,
				       .known = profile};

	return add_all(&from);
}

int listing_add_cluster(struct listing *listing, const struct catalog_edition *edition,
			const struct cluster_profile *cluster, const struct service_tags *tags,
			const struct cluster_profile *profile)
{
	struct making judge = judging(edition, profile), taking = judging(edition, cluster);
	struct edition_listing from = {.listing = listing,
				       .edition = edition,
				       .cluster = &taking,
				       .judge = profile ? &judge : NULL,
				       .known = cluster};

	taking.tags = tags;
	listing->one_cluster = true;
	return add_all(&from);
}
