/*
 * PAN-OS: `set` commands for objects and security rules in judging order, and a list of addresses
 * for each allow rule with a service tag (external dynamic lists).
 *
 *   network rule       addresses as they are, names as address objects, ports as services
 *   application rule   a custom URL category beside the ports: PAN-OS holds it against SNI (without
 *                      decryption) and Host, and goes on to the next rule where it does not fit
 *   the guard          a deny rule between the two, for what names may not lead to
 *
 * In a URL category '*' stands for one or more labels, which is what "*.x" means here, and only for
 * whole ones. An entry without a slash at its end would also match longer names.
 */
#include <string.h>

#include "base/cleanup.h"
#include "export/appliance_impl.h"
#include "export/targets_impl.h"

#define RULE_NAME_MOST     58 /* of 63: a suffix has room */
#define CATEGORY_NAME_MOST 31
#define OBJECT_NAME_MOST   63
#define ICMP_APPLICATIONS  "[ icmp ipv6-icmp ping ping6 ]"

struct commands {
	struct export_job *job;
	struct text objects, rules;
};

/* Objects are shared by rules: each stands once. */
static void add_object(struct text *objects, const struct text *line)
{
	objects->failed |= text_failed(line);
	if (!strstr(text_string(objects), text_string(line)))
		text_add(objects, text_string(line));
}

/* ----------------------------------------------------------------------- rules */

/* The fields of a rule as PAN-OS takes them. */
struct fields {
	const struct export_rule *rule; /* NULL: none of the user's */
	const char *name, *suffix;
	const struct text *destination, *service, *application, *category;
	bool allow;
};

static void add_field(struct text *out, const struct fields *fields, const char *key,
		      const char *value)
{
	text_addf(out, "set rulebase security rules %s%s %s %s\n", fields->name, fields->suffix,
		  key, value);
}

static void add_prefixes(struct text *out, const struct part_prefixes *list)
{
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		text_addf(out, " %s", ip_prefix_format(&list->items[i], prefix));
}

/* False: the rule is for nobody. */
static bool add_source(struct commands *commands, const struct fields *fields)
{
	static const struct rule everyone = {.any_source = true};
	cleanup(appliance_sources_done) struct appliance_sources sources = {0};
	cleanup(text_free) struct text value = TEXT_EMPTY;

	if (!appliance_list_sources(commands->job, fields->rule ? fields->rule->rule : &everyone,
				    &sources) ||
	    (!sources.any && !sources.list.count))
		return false;
	add_prefixes(&value, &sources.list);
	add_field(&commands->rules, fields, "from", "inside");
	add_field(&commands->rules, fields, "to", "outside");
	if (sources.any)
		text_add(&value, "any");
	else
		text_add(&value, " ]");
	commands->rules.failed |= text_failed(&value);
	text_addf(&commands->rules, "set rulebase security rules %s%s source %s%s\n", fields->name,
		  fields->suffix, sources.any ? "" : "[", text_string(&value));
	return true;
}

static void add_description(struct text *out, const struct fields *fields)
{
	cleanup(text_free) struct text title = TEXT_EMPTY;

	if (!fields->rule)
		return;
	text_add(&title, "\"");
	part_add_title(&title, fields->rule);
	text_add(&title, "\"");
	out->failed |= text_failed(&title);
	add_field(out, fields, "description", text_string(&title));
}

static const char *value_or_any(const struct text *value)
{
	return value && value->length ? text_string(value) : "any";
}

static void add_rule(struct commands *commands, const struct fields *fields)
{
	struct text *out = &commands->rules;

	if (!add_source(commands, fields))
		return;
	add_field(out, fields, "destination", value_or_any(fields->destination));
	add_field(out, fields, "application", value_or_any(fields->application));
	add_field(out, fields, "service", value_or_any(fields->service));
	add_field(out, fields, "category", value_or_any(fields->category));
	add_field(out, fields, "action", fields->allow ? "allow" : "deny");
	add_field(out, fields, "log-end", "yes");
	add_description(out, fields);
}

/* ----------------------------------------------------------------------- services */

static void add_service(struct commands *commands, struct text *service, const char *transport,
			struct port_range range)
{
	cleanup(text_free) struct text line = TEXT_EMPTY, ports = TEXT_EMPTY, member = TEXT_EMPTY;

	text_addf(&ports, "%u", range.first);
	if (range.last != range.first)
		text_addf(&ports, "-%u", range.last);
	text_addf(&member, " sallyport-%s-%s", transport, text_string(&ports));
	text_addf(&line, "set service%s protocol %s port %s\n", text_string(&member), transport,
		  text_string(&ports));
	add_object(&commands->objects, &line);
	service->failed |= text_failed(&ports) || text_failed(&member);
	/* Each ends before a blank or the list does. */
	const char *found = strstr(text_string(service), text_string(&member));

	if (!found || (found[member.length] != ' ' && found[member.length]))
		text_add(service, text_string(&member));
}

static void end_list(struct text *list)
{
	if (list->length)
		text_add(list, " ]");
}

/* ----------------------------------------------------------------------- network rules */

static void add_fqdns(struct commands *commands, const struct rule *rule, struct text *destination)
{
	for (size_t i = 0; i < rule->fqdn_count; i++) {
		cleanup(text_free) struct text name = TEXT_EMPTY, line = TEXT_EMPTY;

		if (!part_is_first_fqdn(rule, i))
			continue;
		part_add_short_name(&name, "sallyport-", rule->fqdns[i].text, OBJECT_NAME_MOST);
		text_addf(&line, "set address %s fqdn %s\n", text_string(&name),
			  rule->fqdns[i].text);
		add_object(&commands->objects, &line);
		text_addf(destination, " %s", text_string(&name));
		destination->failed |= text_failed(&name);
	}
}

static void add_external_list(struct commands *commands, const struct export_rule *rule,
			      struct text *destination)
{
	cleanup(text_free) struct text name = TEXT_EMPTY, file = TEXT_EMPTY;

	part_add_rule_name(&name, rule, CATEGORY_NAME_MOST);
	appliance_add_list_file(&file, rule);
	text_addf(&commands->objects,
		  "set external-list %s type ip url " APPLIANCE_LISTS "/%s\n"
		  "set external-list %s type ip recurring hourly\n",
		  text_string(&name), text_string(&file), text_string(&name));
	text_addf(destination, " %s", text_string(&name));
	destination->failed |= text_failed(&name) || text_failed(&file);
}

/* "[ … ]"; empty: it has none. "any" stands for all. */
static void add_destination(struct commands *commands, const struct export_rule *rule,
			    struct text *destination)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};

	if (rule->rule->any_destination) {
		text_add(destination, "any");
		return;
	}
	if (appliance_has_list(rule))
		add_external_list(commands, rule, destination);
	else if (part_list_destinations(commands->job, rule->rule, &list))
		add_prefixes(destination, &list);
	add_fqdns(commands, rule->rule, destination);
	if (destination->length) {
		cleanup(text_free) struct text whole = TEXT_EMPTY;

		text_addf(&whole, "[%s ]", text_string(destination));
		text_clear(destination);
		text_add(destination, text_string(&whole));
		destination->failed |= text_failed(&whole);
	}
}

static void add_transports(struct commands *commands, const struct rule *rule, struct text *service)
{
	static const struct {
		unsigned int bit;
		const char *word;
	} transports[] = {{TRANSPORT_TCP, "tcp"}, {TRANSPORT_UDP, "udp"}};

	for (size_t t = 0; t < 2; t++)
		for (size_t i = 0;
		     rule->transports & transports[t].bit && i < part_range_count(rule); i++) {
			text_add(service, service->length ? "" : "[");
			add_service(commands, service, transports[t].word, part_range_at(rule, i));
		}
	end_list(service);
}

static void add_network_rule(struct commands *commands, const struct export_rule *rule,
			     const char *name)
{
	cleanup(text_free) struct text destination = TEXT_EMPTY, service = TEXT_EMPTY,
				       icmp = TEXT_EMPTY, defaults = TEXT_EMPTY;
	struct fields fields = {.rule = rule,
				.name = name,
				.suffix = "",
				.destination = &destination,
				.service = &service,
				.allow = rule->collection->action == RULE_ALLOW};

	add_destination(commands, rule, &destination);
	commands->rules.failed |= text_failed(&destination);
	if (!destination.length)
		return;
	if (!part_is_all_traffic(rule->rule))
		add_transports(commands, rule->rule, &service);
	commands->rules.failed |= text_failed(&service);
	if (part_is_all_traffic(rule->rule) || service.length)
		add_rule(commands, &fields);
	if (part_is_all_traffic(rule->rule) || !(rule->rule->transports & TRANSPORT_ICMP) ||
	    !rule->rule->any_port)
		return;
	text_add(&icmp, ICMP_APPLICATIONS);
	text_add(&defaults, "application-default");
	fields.suffix = "-icmp";
	fields.application = &icmp;
	fields.service = &defaults;
	add_rule(commands, &fields);
}

/* ----------------------------------------------------------------------- application rules */

/* Adds what PAN-OS can say of a pattern: for an allow rule no more than it, for a deny rule no
   less. */
static void add_entry(struct export_job *job, const struct export_rule *rule,
		      const struct pattern *pattern, struct text *entries)
{
	char text[PATTERN_TEXT_SIZE];

	if (pattern->kind != PATTERN_LABEL) {
		text_addf(entries, " %s/", pattern_format(pattern, text));
	} else if (rule->collection->action == RULE_ALLOW) {
		export_leave_out(job, rule, "left out: a star inside a label has no counterpart");
	} else {
		export_loss(job, rule, "denied: all names below, for a star inside a label");
		text_addf(entries, " *.%s/", pattern->name.text);
	}
}

static bool has_any(const struct rule *rule)
{
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->patterns, &at, &pattern))
		if (pattern.kind == PATTERN_ANY)
			return true;
	return false;
}

static void add_category(struct commands *commands, const struct export_rule *rule,
			 struct text *category)
{
	cleanup(text_free) struct text entries = TEXT_EMPTY;
	struct pattern pattern;
	size_t at = 0;

	while (pattern_list_next(&rule->rule->patterns, &at, &pattern))
		if (part_is_first_pattern(rule->rule, &pattern, at))
			add_entry(commands->job, rule, &pattern, &entries);
	category->failed |= text_failed(&entries);
	if (!entries.length)
		return;
	part_add_rule_name(category, rule, CATEGORY_NAME_MOST);
	text_addf(&commands->objects,
		  "set profiles custom-url-category %s type \"URL List\"\n"
		  "set profiles custom-url-category %s list [%s ]\n",
		  text_string(category), text_string(category), text_string(&entries));
}

/* Every name: an allow rule is held to the two protocols, a deny rule takes all. */
static void add_every_name(struct export_job *job, const struct export_rule *rule,
			   struct text *application)
{
	if (rule->collection->action == RULE_DENY)
		return;
	export_loss(job, rule, "only what PAN-OS calls ssl or web-browsing, for '*'");
	text_add(application, "[");
	if (export_ports_of(rule->rule, APPLICATION_HTTPS, NULL, 0))
		text_add(application, " ssl");
	if (export_ports_of(rule->rule, APPLICATION_HTTP, NULL, 0))
		text_add(application, " web-browsing");
	text_add(application, " ]");
}

static void add_application_rule(struct commands *commands, const struct export_rule *rule,
				 const char *name)
{
	cleanup(text_free) struct text service = TEXT_EMPTY, category = TEXT_EMPTY,
				       application = TEXT_EMPTY;
	struct fields fields = {.rule = rule,
				.name = name,
				.suffix = "",
				.service = &service,
				.application = &application,
				.category = &category,
				.allow = rule->collection->action == RULE_ALLOW};

	if (has_any(rule->rule))
		add_every_name(commands->job, rule, &application);
	else
		add_category(commands, rule, &category);
	for (size_t i = 0; i < rule->rule->protocol_count; i++) {
		uint16_t port = rule->rule->protocols[i].port;

		text_add(&service, i ? "" : "[");
		add_service(commands, &service, "tcp", (struct port_range){port, port});
	}
	end_list(&service);
	commands->rules.failed |=
		text_failed(&service) || text_failed(&category) || text_failed(&application);
	if (service.length && (category.length || has_any(rule->rule)))
		add_rule(commands, &fields);
}

/* ----------------------------------------------------------------------- all */

static void add_guard(struct commands *commands)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	cleanup(text_free) struct text destination = TEXT_EMPTY;
	struct fields fields = {
		.name = "sallyport-guard", .suffix = "", .destination = &destination};

	if (!appliance_list_guarded(commands->job, &list) || !list.count)
		return;
	text_add(&destination, "[");
	add_prefixes(&destination, &list);
	text_add(&destination, " ]");
	commands->rules.failed |= text_failed(&destination);
	add_rule(commands, &fields);
}

static void add_notes(struct export_job *job)
{
	export_note(job, "paste it in configuration mode, then commit; PAN-OS does not know lines "
			 "that start with '#'. `set` adds to lists that are there: delete older "
			 "objects and rules of these names first");
	export_note(job, "the zones are called inside and outside, and the rules stand behind "
			 "those that are there: put in your zones, move the rules");
	export_note(job, "lists of addresses (.txt) are to be served by you: put in your address "
			 "for " APPLIANCE_LISTS);
	export_note(job, "URL categories are held against SNI and Host, whichever of TLS and HTTP "
			 "is spoken on a rule's ports, and not against the server's address");
	export_note(job, "names of network rules are resolved by the firewall: let nodes ask the "
			 "same DNS servers; what address a name has is not looked at there");
}

static void write_palo_alto(struct export_job *job)
{
	struct commands commands = {.job = job};

	add_notes(job);
	for (size_t i = 0; i < job->rule_count; i++) {
		cleanup(text_free) struct text name = TEXT_EMPTY;

		part_add_rule_name(&name, &job->rules[i], RULE_NAME_MOST);
		job->failed |= text_failed(&name);
		if (i == job->network_count)
			add_guard(&commands);
		if (i < job->network_count)
			add_network_rule(&commands, &job->rules[i], text_string(&name));
		else
			add_application_rule(&commands, &job->rules[i], text_string(&name));
	}
	add_rule(&commands, &(struct fields){.name = "sallyport-deny-all", .suffix = ""});
	text_add(job->out, text_string(&commands.objects));
	text_add(job->out, text_string(&commands.rules));
	job->failed |= text_failed(&commands.objects) || text_failed(&commands.rules);
	text_free(&commands.objects);
	text_free(&commands.rules);
	appliance_write_lists(job);
	appliance_add_header(job);
}

const struct export_writer export_palo_alto = {
	.file = "palo-alto.set", .several = true, .write = write_palo_alto};
