/*
 * A file's section has one kind and one need; a section in memory only has a title. So each section
 * is written once for each kind and need that its entries have, under the same title. What differs
 * from entry to entry of such a part is written with the entry.
 */
#include "import/catalog_text.h"

#include <ctype.h>
#include <string.h>

#include "catalog/conditions.h"

/* ------------------------------------------------------------------ scalars and lists */

/* In double quotes: as in JSON, but that characters beyond ASCII stay. */
static void add_quoted(struct text *out, const char *string)
{
	text_add(out, "\"");
	for (const char *at = string, *end = string + strlen(string); at < end;) {
		const char *start = at;
		uint32_t character = text_take_character(&at, end);

		if (character == '"' || character == '\\')
			text_addf(out, "\\%c", (char)character);
		else if (character < 0x20 || (character >= 0x7f && character < 0xa0) ||
			 character == 0x2028 || character == 0x2029 || character == 0xfeff ||
			 (character >= 0xfffe && character <= 0xffff))
			text_addf(out, "\\u%04x", (unsigned int)character);
		else
			text_add_bytes(out, start, (size_t)(at - start));
	}
	text_add(out, "\"");
}

/* May it stand without quotes, also within a list in brackets? */
static bool is_plain(const char *string)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .-/()<>'";
	static const char *const others[] = {"null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n",   NULL};

	for (const char *const *other = others; *other; other++)
		if (strcasecmp(string, *other) == 0)
			return false;
	return isalpha((unsigned char)*string) && strspn(string, letters) == strlen(string) &&
	       string[strlen(string) - 1] != ' ';
}

static void add_scalar(struct text *out, const char *string)
{
	if (is_plain(string))
		text_add(out, string);
	else
		add_quoted(out, string);
}

static void add_line(struct text *out, const char *key, const char *string)
{
	text_add(out, key);
	add_scalar(out, string);
	text_add(out, "\n");
}

static void add_strings(struct text *out, const char *key, char *const *strings, size_t count)
{
	text_addf(out, "%s[", key);
	for (size_t i = 0; i < count; i++) {
		text_add(out, i ? ", " : "");
		add_scalar(out, strings[i]);
	}
	text_add(out, "]\n");
}

static void add_clouds(struct text *out, const char *key, const struct catalog_edition *edition,
		       uint32_t clouds)
{
	const char *comma = "";

	text_addf(out, "%s[", key);
	for (size_t i = 0; i < edition->cloud_count; i++) {
		if (!(clouds & (1u << i)))
			continue;
		text_addf(out, "%s%s", comma, edition->clouds[i].name);
		comma = ", ";
	}
	text_add(out, "]\n");
}

/* ------------------------------------------------------------------ entries */

static void add_destinations(struct text *out, const struct catalog_entry *entry)
{
	static const char *const words[CATALOG_DESTINATION_COUNT] = {
		[CATALOG_DESTINATION_NAME] = "name:",
		[CATALOG_DESTINATION_API_SERVER] = "api-server",
		[CATALOG_DESTINATION_CUSTOM_DNS] = "custom-dns",
		[CATALOG_DESTINATION_REGION_PREFIXES] = "region-prefixes",
		[CATALOG_DESTINATION_SERVICE_TAG] = "tag:",
		[CATALOG_DESTINATION_ANY] = "*",
	};

	text_add(out, "        destinations: [");
	for (size_t i = 0; i < entry->destination_count; i++) {
		const struct catalog_destination *destination = &entry->destinations[i];

		text_add(out, i ? ", " : "");
		if (destination->kind == CATALOG_DESTINATION_ANY)
			add_quoted(out, words[destination->kind]);
		else
			text_addf(out, "%s%s", words[destination->kind],
				  destination->text ? destination->text : "");
	}
	text_add(out, "]\n");
}

static void add_ports(struct text *out, const struct catalog_entry *entry)
{
	text_add(out, "        ports: [");
	for (size_t i = 0; i < entry->port_count; i++) {
		const struct catalog_port *port = &entry->ports[i];
		const char *word =
			entry->kind == RULE_NETWORK
				? (port->transport == TRANSPORT_TCP ? "tcp" : "udp")
				: (port->protocol == APPLICATION_HTTPS ? "https" : "http");

		text_addf(out, "%s%s:%u", i ? ", " : "", word, port->port);
	}
	text_add(out, "]\n");
}

static void add_conditions(struct text *out, const char *key, const struct catalog_entry *entry,
			   bool wanted, bool correction)
{
	size_t count = 0;

	for (size_t i = 0; i < entry->condition_count; i++) {
		const struct catalog_condition *condition = &entry->conditions[i];

		if (condition->wanted != wanted || condition->correction != correction)
			continue;
		text_addf(out, "%s%s%s", count++ ? ", " : key, condition->feature ? "feature:" : "",
			  condition->feature ? condition->feature
					     : catalog_fact_words()[condition->fact]);
	}
	text_add(out, count ? "]\n" : "");
}

static void add_entry(struct text *out, const struct catalog_edition *edition,
		      const struct catalog_entry *entry, uint32_t section_clouds)
{
	add_line(out, "      - id: ", entry->id);
	if (entry->row)
		text_addf(out, "        row: %u\n", entry->row);
	if (entry->clouds != section_clouds)
		add_clouds(out, "        clouds: ", edition, entry->clouds);
	if (entry->kind == RULE_NETWORK)
		add_destinations(out, entry);
	else
		add_strings(out, "        names: ", entry->names, entry->name_count);
	add_ports(out, entry);
	add_conditions(out, "        when: [", entry, true, false);
	add_conditions(out, "        unless: [", entry, false, false);
	add_conditions(out, "        corrected_when: [", entry, true, true);
	add_conditions(out, "        corrected_unless: [", entry, false, true);
	if (entry->correction)
		text_add(out, "        correction: true\n");
	add_line(out, "        purpose: ", entry->purpose);
	if (entry->note)
		add_line(out, "        note: ", entry->note);
}

/* ------------------------------------------------------------------ sections */

static bool is_of(const struct catalog_entry *entry, const struct catalog_section *section,
		  enum rule_kind kind, enum catalog_need need)
{
	return entry->section == section->title && entry->kind == kind && entry->need == need;
}

static void add_unread(struct text *out, const struct catalog_edition *edition,
		       const struct catalog_section *section)
{
	bool first = true;

	for (size_t i = 0; i < edition->unread_count; i++) {
		const struct catalog_unread *unread = &edition->unread[i];

		if (unread->section != section->title)
			continue;
		text_addf(out, "%s      - row: %u\n        line: %u\n",
			  first ? "    unread:\n" : "", unread->row, unread->line);
		add_line(out, "        text: ", unread->text);
		first = false;
	}
}

static void add_section_head(struct text *out, const struct catalog_edition *edition,
			     const struct catalog_section *section, enum rule_kind kind,
			     enum catalog_need need, uint32_t clouds)
{
	static const char *const needs[] = {[CATALOG_REQUIRED] = "required",
					    [CATALOG_RECOMMENDED] = "recommended",
					    [CATALOG_OPTIONAL] = "optional"};

	text_add(out, "\n");
	add_line(out, "  - title: ", section->title);
	add_clouds(out, "    clouds: ", edition, clouds);
	if (section->feature)
		add_line(out, "    feature: ", section->feature);
	text_addf(out, "    need: %s\n    kind: %s\n", needs[need],
		  kind == RULE_NETWORK ? "network" : "application");
}

/* False: the section has no entries of the kind and need. */
static bool add_part(struct text *out, const struct catalog_edition *edition,
		     const struct catalog_section *section, enum rule_kind kind,
		     enum catalog_need need)
{
	uint32_t clouds = 0;

	for (size_t i = 0; i < edition->entry_count; i++)
		if (is_of(&edition->entries[i], section, kind, need))
			clouds |= edition->entries[i].clouds;
	if (!clouds)
		return false;
	add_section_head(out, edition, section, kind, need, clouds);
	text_add(out, "    entries:\n");
	for (size_t i = 0; i < edition->entry_count; i++)
		if (is_of(&edition->entries[i], section, kind, need))
			add_entry(out, edition, &edition->entries[i], clouds);
	return true;
}

/* What stayed unread stands in the section's last part, or in an empty one. */
static void add_section(struct text *out, const struct catalog_edition *edition,
			const struct catalog_section *section)
{
	bool any = false, unread = false;

	for (unsigned int kind = RULE_NETWORK; kind <= RULE_APPLICATION; kind++)
		for (unsigned int need = CATALOG_REQUIRED; need <= CATALOG_OPTIONAL; need++)
			any |= add_part(out, edition, section, kind, need);
	for (size_t i = 0; i < edition->unread_count; i++)
		unread |= edition->unread[i].section == section->title;
	if (!any && unread) {
		add_section_head(out, edition, section, RULE_APPLICATION, CATALOG_REQUIRED,
				 (uint32_t)((1ull << edition->cloud_count) - 1));
		text_add(out, "    entries: []\n");
	}
	add_unread(out, edition, section);
}

static void add_cloud(struct text *out, const struct catalog_cloud *cloud)
{
	text_addf(out, "  - name: %s\n", cloud->name);
	add_line(out, "    title: ", cloud->title);
	add_line(out, "    service_tags: ", cloud->service_tags);
	add_strings(out, "    api_server: ", cloud->api_servers, cloud->api_server_count);
	text_add(out, cloud->region_code_count ? "    region_codes:\n" : "");
	for (size_t i = 0; i < cloud->region_code_count; i++)
		text_addf(out, "      %s: %s\n", cloud->region_codes[i].region,
			  cloud->region_codes[i].code);
}

void catalog_text_write(const struct catalog_edition *edition, struct text *out)
{
	add_line(out, "edition: ", edition->name);
	add_line(out, "title: ", edition->title);
	text_add(out, "\nclouds:\n");
	for (size_t i = 0; i < edition->cloud_count; i++)
		add_cloud(out, &edition->clouds[i]);
	if (edition->feature_count)
		text_add(out, "\nfeatures:\n");
	for (size_t i = 0; i < edition->feature_count; i++) {
		add_line(out, "  - name: ", edition->features[i].name);
		add_line(out, "    title: ", edition->features[i].title);
		if (edition->features[i].instead_of)
			add_line(out, "    instead_of: ", edition->features[i].instead_of);
	}
	text_add(out, "\nsections:");
	for (size_t i = 0; i < edition->section_count; i++)
		add_section(out, edition, &edition->sections[i]);
}
