/*
 * Alternatives. The article lets most network rules go to any of: everywhere, a service tag, the
 * region's prefixes, the API server's address. The order of enum catalog_destination_kind is from
 * narrow to wide; the narrowest that the profile can fill is taken, and for each narrower one it is
 * recorded what the profile lacks. Nothing is widened in silence: a service-tag file that does not
 * know the region is an error, not a reason to take `*`.
 */
#include "catalog/choose_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/choices_impl.h"
#include "catalog/parameter.h"
#include "tags/tags.h"

int making_fail(struct making *making, const char *format, ...)
{
	char line[700];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	problems_add(making->problems, PROBLEM_ERROR, (struct problem_place){0}, "%s", line);
	return -EINVAL;
}

static int fail_memory(struct making *making)
{
	making_fail(making, "out of memory");
	return -ENOMEM;
}

/* What the profile lacks to fill this destination; NULL: nothing. */
static const char *lacking(const struct making *making,
			   const struct catalog_destination *destination)
{
	const struct cluster_profile *profile = making->profile;
	bool wants_region = destination->text && catalog_text_has_region(destination->text);

	if (destination->kind == CATALOG_DESTINATION_API_SERVER && !profile->has_api_server)
		return "cluster.api_server";
	if (destination->kind == CATALOG_DESTINATION_CUSTOM_DNS && !profile->custom_dns_count)
		return "cluster.custom_dns";
	if (destination->kind == CATALOG_DESTINATION_REGION_PREFIXES &&
	    !profile->region_prefix_count)
		return "cluster.region_prefixes";
	if (destination->kind == CATALOG_DESTINATION_SERVICE_TAG && !making->tags &&
	    making->tag_use == CATALOG_TAGS_BY_PREFIX)
		return wants_region && !*profile->region ? "cluster.service_tags and cluster.region"
							 : "cluster.service_tags";
	return wants_region && !*profile->region ? "cluster.region" : NULL;
}

/* For people: what the destination is, without what it stands for. */
static void describe(const struct catalog_destination *destination, struct text *out)
{
	static const char *const words[CATALOG_DESTINATION_COUNT] = {
		[CATALOG_DESTINATION_NAME] = "",
		[CATALOG_DESTINATION_API_SERVER] = "the API server's addresses",
		[CATALOG_DESTINATION_CUSTOM_DNS] = "the custom DNS servers",
		[CATALOG_DESTINATION_REGION_PREFIXES] = "the region's prefixes",
		[CATALOG_DESTINATION_SERVICE_TAG] = "service tag ",
		[CATALOG_DESTINATION_ANY] = "*",
	};

	text_addf(out, "%s%s", words[destination->kind],
		  destination->text ? destination->text : "");
}

static int fill_name(struct making *making, const struct catalog_destination *destination,
		     struct rule *rule, struct text *taken)
{
	char filled[CATALOG_TEXT_SIZE];
	struct name name;

	if (!catalog_text_fill(destination->text, making->profile->region, filled) ||
	    name_from_person(filled, &name) != NAME_OK)
		return making_fail(making, "'%s' is no name", destination->text);
	text_addf(taken, "%s", name.text);
	return rule_add_fqdn(rule, &name) < 0 ? fail_memory(making) : 0;
}

static int fill_prefixes(struct making *making, const struct ip_prefix *prefixes, size_t count,
			 struct rule *rule)
{
	for (size_t i = 0; i < count; i++)
		if (rule_add_destination(rule, &prefixes[i]) < 0)
			return fail_memory(making);
	return 0;
}

static int fill_custom_dns(struct making *making, struct rule *rule, struct text *taken)
{
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < making->profile->custom_dns_count; i++) {
		const struct ip_address *server = &making->profile->custom_dns[i];
		struct ip_prefix prefix = {*server, (uint8_t)(ip_size(server) * 8)};

		text_addf(taken, "%s%s", i ? ", " : "", ip_format(server, address));
		if (rule_add_destination(rule, &prefix) < 0)
			return fail_memory(making);
	}
	return 0;
}

static const struct service_tag *find_tag(const struct making *making, const char *text)
{
	size_t length = strlen(text), end = strlen(".<region>");
	char service[CATALOG_TEXT_SIZE];

	if (length <= end || strcmp(text + length - end, ".<region>") != 0)
		return service_tags_find(making->tags, text);
	snprintf(service, sizeof(service), "%.*s", (int)(length - end), text);
	return service_tags_find_regional(making->tags, service, making->profile->region);
}

/* Without a file: the name alone, for who knows the prefixes by it. */
static int fill_tag_name(struct making *making, const struct catalog_destination *destination,
			 struct rule *rule, struct text *taken)
{
	const char *region = making->profile->region;
	char filled[CATALOG_TEXT_SIZE];

	if (!strncmp(destination->text, "AzureCloud.", strlen("AzureCloud.")))
		region = catalog_cloud_region_code(making->cloud, region);
	if (!catalog_text_fill(destination->text, region, filled))
		return making_fail(making, "service tag '%s' is too long", destination->text);
	text_addf(taken, "service tag %s", filled);
	return rule_add_tag(rule, filled, NULL, 0) < 0 ? fail_memory(making) : 0;
}

static int fill_service_tag(struct making *making, const struct catalog_destination *destination,
			    struct rule *rule, struct text *taken)
{
	cleanup(free_memory) struct ip_prefix *prefixes = NULL;
	size_t count = 0;

	if (!making->tags)
		return fill_tag_name(making, destination, rule, taken);
	const struct service_tag *tag = find_tag(making, destination->text);
	if (!tag)
		return making_fail(
			making,
			"%s has no service tag %s for cluster.region '%s'; is the region "
			"spelt right and the file of this cloud and recent?",
			service_tags_file(making->tags), destination->text,
			making->profile->region);
	if (service_tag_prefixes(making->tags, tag, &prefixes, &count) < 0)
		return fail_memory(making);
	text_addf(taken, "service tag %s (%zu prefixes)", service_tag_name(tag), count);
	return rule_add_tag(rule, service_tag_name(tag), prefixes, count) < 0 ? fail_memory(making)
									      : 0;
}

static int fill(struct making *making, const struct catalog_destination *destination,
		struct rule *rule, struct text *taken)
{
	const struct cluster_profile *profile = making->profile;

	switch (destination->kind) {
	case CATALOG_DESTINATION_NAME:
		return fill_name(making, destination, rule, taken);
	case CATALOG_DESTINATION_API_SERVER:
		text_addf(taken, "the addresses of %s", profile->api_server.text);
		return rule_add_fqdn(rule, &profile->api_server) < 0 ? fail_memory(making) : 0;
	case CATALOG_DESTINATION_CUSTOM_DNS:
		return fill_custom_dns(making, rule, taken);
	case CATALOG_DESTINATION_REGION_PREFIXES:
		text_addf(taken, "the region's prefixes (%zu)", profile->region_prefix_count);
		return fill_prefixes(making, profile->region_prefixes, profile->region_prefix_count,
				     rule);
	case CATALOG_DESTINATION_SERVICE_TAG:
		return fill_service_tag(making, destination, rule, taken);
	default:
		text_add(taken, "*");
		rule->any_destination = true;
		return 0;
	}
}

const struct catalog_destination *catalog_narrowest(const struct making *making,
						    const struct catalog_entry *entry)
{
	const struct catalog_destination *best = NULL;

	for (size_t i = 0; i < entry->destination_count; i++) {
		const struct catalog_destination *destination = &entry->destinations[i];

		if (!lacking(making, destination) && (!best || destination->kind < best->kind))
			best = destination;
	}
	return best;
}

static int record_narrower(struct making *making, const struct catalog_entry *entry,
			   const struct catalog_destination *taken)
{
	for (int kind = 0; kind < (int)taken->kind; kind++) {
		for (size_t i = 0; i < entry->destination_count; i++) {
			const struct catalog_destination *other = &entry->destinations[i];
			cleanup(text_free) struct text words = TEXT_EMPTY;

			if ((int)other->kind != kind)
				continue;
			describe(other, &words);
			if (catalog_choices_add_narrower(making->choices, text_string(&words),
							 lacking(making, other)) < 0)
				return fail_memory(making);
		}
	}
	return 0;
}

static const char *why_taken(const struct making *making, const struct catalog_entry *entry,
			     const struct catalog_destination *taken)
{
	if (entry->correction)
		return entry->note;
	if (entry->destination_count == 1)
		return "the only destination";
	for (size_t i = 0; i < entry->destination_count; i++)
		if (entry->destinations[i].kind < taken->kind)
			return "the narrowest that the profile can fill";
	(void)making;
	return "the narrowest of its alternatives";
}

static int fail_unfilled(struct making *making, const struct catalog_entry *entry)
{
	cleanup(text_free) struct text wanted = TEXT_EMPTY;

	for (size_t i = 0; i < entry->destination_count; i++)
		text_addf(&wanted, "%s%s", i ? " or " : "",
			  lacking(making, &entry->destinations[i]));
	return making_fail(making, "rule '%s' needs %s to be set (%s)", entry->id,
			   text_string(&wanted), entry->purpose);
}

int catalog_choose_destination(struct making *making, const struct catalog_entry *entry,
			       struct rule *rule)
{
	const struct catalog_destination *destination = catalog_narrowest(making, entry);
	cleanup(text_free) struct text taken = TEXT_EMPTY;
	int error;

	if (!destination)
		return fail_unfilled(making, entry);
	error = fill(making, destination, rule, &taken);
	if (error < 0)
		return error;
	if (catalog_choices_add(making->choices, entry->id, true, text_string(&taken),
				why_taken(making, entry, destination)) < 0)
		return fail_memory(making);
	return record_narrower(making, entry, destination);
}
