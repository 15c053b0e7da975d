/*
 * Plain lists for products that fetch lists: nothing but entries, one a line, each once.
 *
 * A list has no ports, so there is one for each protocol and port (or range) and kind of entry:
 *
 *   https-443.exact.txt     names as they are
 *   https-443.wildcard.txt  "*.example.com": any depth below, not the name itself
 *   https-443.url.txt       both, with a slash at the end (what PAN-OS wants for URLs)
 *   tcp-5432.ipv4.txt       addresses; tcp-5432.ipv6.txt, tcp-6432-6440.ipv4.txt, udp-any.ipv4.txt,
 *                           icmp.ipv4.txt, any.ipv4.txt
 *
 * index.txt says what each is for, and has the notes: lists carry no comments, as not every product
 * takes them. A list has no order and no sources either: it holds allow rules for everyone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/parts_impl.h"
#include "export/targets_impl.h"

struct entry {
	char file[40];
	char *text;
};

struct lists {
	struct export_job *job;
	struct entry *entries;
	size_t count, capacity;
};

/* ----------------------------------------------------------------------- collecting */

static struct entry *new_entry(struct lists *lists)
{
	if (lists->count == lists->capacity) {
		size_t capacity = lists->capacity ? lists->capacity * 2 : 64;
		struct entry *grown = reallocarray(lists->entries, capacity, sizeof(*grown));

		if (!grown)
			return NULL;
		lists->entries = grown;
		lists->capacity = capacity;
	}
	return &lists->entries[lists->count];
}

/* `purpose`: "https-443". `suffix`: "/" or nothing. */
static void add_entry(struct lists *lists, const char *purpose, const char *kind, const char *text,
		      const char *suffix)
{
	struct entry *entry = new_entry(lists);

	if (!entry || asprintf(&entry->text, "%s%s", text, suffix) < 0) {
		if (entry)
			entry->text = NULL; /* it is undefined then */
		lists->job->failed = true;
		return;
	}
	snprintf(entry->file, sizeof(entry->file), "%s.%s.txt", purpose, kind);
	lists->count++;
}

static void add_name(struct lists *lists, const char *purpose, const char *name)
{
	add_entry(lists, purpose, *name == '*' ? "wildcard" : "exact", name, "");
}

static void add_application_rule(struct lists *lists, const struct export_rule *rule)
{
	const struct rule *own = rule->rule;
	char text[PATTERN_TEXT_SIZE], purpose[16];
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&own->patterns, &at, &pattern)) {
		if (pattern.kind == PATTERN_LABEL || pattern.kind == PATTERN_ANY) {
			export_leave_out(lists->job, rule,
					 "left out: products disagree on a star inside a label or "
					 "alone");
			continue;
		}
		pattern_format(&pattern, text);
		for (size_t k = 0; k < own->protocol_count; k++) {
			snprintf(purpose, sizeof(purpose), "%s-%u",
				 own->protocols[k].protocol == APPLICATION_HTTPS ? "https" : "http",
				 own->protocols[k].port);
			add_name(lists, purpose, text);
			add_entry(lists, purpose, "url", text, "/");
		}
	}
}

static void add_destinations(struct lists *lists, const struct export_rule *rule,
			     const char *purpose)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < rule->rule->fqdn_count; i++)
		add_name(lists, purpose, rule->rule->fqdns[i].text);
	if (!part_list_destinations(lists->job, rule->rule, &list))
		return;
	for (size_t i = 0; i < list.count; i++)
		add_entry(lists, purpose, i < list.v4_count ? "ipv4" : "ipv6",
			  ip_prefix_format(&list.items[i], prefix), "");
}

static void add_ranges(struct lists *lists, const struct export_rule *rule, const char *transport)
{
	char purpose[24];

	if (rule->rule->any_port) {
		snprintf(purpose, sizeof(purpose), "%s-any", transport);
		add_destinations(lists, rule, purpose);
		return;
	}
	for (size_t i = 0; i < rule->rule->port_count; i++) {
		struct port_range range = rule->rule->ports[i];

		if (range.first == range.last)
			snprintf(purpose, sizeof(purpose), "%s-%u", transport, range.first);
		else
			snprintf(purpose, sizeof(purpose), "%s-%u-%u", transport, range.first,
				 range.last);
		add_destinations(lists, rule, purpose);
	}
}

static void add_network_rule(struct lists *lists, const struct export_rule *rule)
{
	if (part_is_all_traffic(rule->rule)) {
		add_destinations(lists, rule, "any");
		return;
	}
	if (rule->rule->transports & TRANSPORT_TCP)
		add_ranges(lists, rule, "tcp");
	if (rule->rule->transports & TRANSPORT_UDP)
		add_ranges(lists, rule, "udp");
	if (rule->rule->transports & TRANSPORT_ICMP && rule->rule->any_port)
		add_destinations(lists, rule, "icmp");
}

static bool takes_rule(struct export_job *job, const struct export_rule *rule)
{
	if (rule->collection->action == RULE_DENY)
		export_leave_out(job, rule, "a list has no denials");
	else if (!rule->rule->any_source)
		export_leave_out(job, rule, "left out: a list has no sources");
	else
		return true;
	return false;
}

/* ----------------------------------------------------------------------- writing */

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = strcmp(a->file, b->file);

	return order ? order : strcmp(a->text, b->text);
}

static bool starts_file(const struct lists *lists, size_t index)
{
	return index == 0 ||
	       strcmp(lists->entries[index - 1].file, lists->entries[index].file) != 0;
}

static bool repeats(const struct lists *lists, size_t index)
{
	return !starts_file(lists, index) &&
	       !strcmp(lists->entries[index - 1].text, lists->entries[index].text);
}

static const char *describe_kind(const char *file)
{
	static const struct {
		const char *end, *text;
	} kinds[] = {
		{".exact.txt", "names"},
		{".wildcard.txt", "names, '*' standing for one or more labels"},
		{".url.txt", "the names of both as URLs, closed by a slash"},
		{".ipv4.txt", "IPv4 addresses"},
		{".ipv6.txt", "IPv6 addresses"},
	};
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (length > strlen(kinds[i].end) &&
		    !strcmp(file + length - strlen(kinds[i].end), kinds[i].end))
			return kinds[i].text;
	return "";
}

/* "https-443.exact.txt  names, for https-443 alone" */
static void write_index(const struct lists *lists, struct text *out)
{
	for (size_t i = 0; i < lists->count; i++) {
		const char *file = lists->entries[i].file;

		if (starts_file(lists, i))
			text_addf(out, "%-28s %s, for %.*s alone\n", file, describe_kind(file),
				  (int)strcspn(file, "."), file);
	}
	if (!lists->count)
		text_add(out, "There is nothing to allow: no list.\n");
}

static void write_lists(const struct lists *lists)
{
	for (size_t i = 0; i < lists->count; i++) {
		if (starts_file(lists, i))
			export_begin_file(lists->job, lists->entries[i].file);
		if (!repeats(lists, i))
			text_addf(lists->job->out, "%s\n", lists->entries[i].text);
	}
}

static void add_notes(struct export_job *job)
{
	export_note(job, "a list has no ports: use each only in a rule for the protocol and port "
			 "in its name (any: all of them), and deny what no list allows");
	export_note(job, "a product that matches names by the addresses in DNS lets other names at "
			 "the same address pass too: use lists for https and http where SNI and "
			 "Host are looked at");
	export_note(job, "lists that stand beside this file and not in it are of an earlier "
			 "export: remove them");
	if (job->request->set->protected_source_count)
		export_note(job, "use them for the sources under network.inside.sources only");
}

static void write_edl(struct export_job *job)
{
	struct lists lists = {.job = job};

	add_notes(job);
	for (size_t i = 0; i < job->rule_count; i++) {
		if (!takes_rule(job, &job->rules[i]))
			continue;
		if (i < job->network_count)
			add_network_rule(&lists, &job->rules[i]);
		else
			add_application_rule(&lists, &job->rules[i]);
	}
	if (lists.count)
		qsort(lists.entries, lists.count, sizeof(*lists.entries), compare_entries);
	export_header_lines(job, job->out, "# ", "");
	write_index(&lists, job->out);
	write_lists(&lists);
	for (size_t i = 0; i < lists.count; i++)
		free(lists.entries[i].text);
	free(lists.entries);
}

const struct export_writer export_edl = {.file = "index.txt", .several = true, .write = write_edl};
