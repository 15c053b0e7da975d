/*
 * One rule → Azure Firewall's rules.
 *
 * A rule there takes either addresses (service tags among them) or names, so a network rule with
 * both becomes two. IPv6 does not pass Azure Firewall at all: what an allow rule says of it is
 * lost, what a deny rule says of it needs no saying. A '*' stands at the left end of a name only
 * and spans any number of labels; a pattern with a star elsewhere is left out of an allow rule,
 * and denied more widely in a deny rule.
 *
 * Sources are narrowed to the protected ones (rule_set.protected_sources), outside of which
 * sallyport admits nobody. A rule that matches nothing leaves no trace.
 */
#include "export/azure_firewall_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the ports of application rules. */
#define APPLICATION_PORT_LIMIT 64000

struct making {
	struct export_job *job;
	const struct export_rule *from;
	bool met_v6;
};

/* ------------------------------------------------------------------------- words */

void azure_words_add(struct azure_words *words, const char *format, ...)
{
	char *word = NULL;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(&word, format, arguments);
	va_end(arguments);
	words->count++; /* also a word that is missing: else its rule could pass for an empty one */
	if (length < 0) {
		words->bytes.failed = true;
		return;
	}
	text_add_bytes(&words->bytes, word, (size_t)length + 1);
	free(word);
}

const char *azure_words_first(const struct azure_words *words)
{
	return words->bytes.length ? words->bytes.data : NULL;
}

const char *azure_words_next(const struct azure_words *words, const char *word)
{
	const char *next = word + strlen(word) + 1;

	return next < words->bytes.data + words->bytes.length ? next : NULL;
}

/* ------------------------------------------------------------------------- sources */

static bool denies(const struct making *making)
{
	return making->from->collection->action == RULE_DENY;
}

static void add_prefix(struct making *making, struct azure_words *words,
		       const struct ip_prefix *prefix)
{
	char text[IP_PREFIX_TEXT_SIZE];

	if (prefix->address.family != 4)
		making->met_v6 = true;
	else if (prefix->length == 32)
		azure_words_add(words, "%s", ip_format(&prefix->address, text));
	else
		azure_words_add(words, "%s", ip_prefix_format(prefix, text));
}

/* What two prefixes have in common, which is one of them; NULL: nothing. */
static const struct ip_prefix *common_prefix(const struct ip_prefix *a, const struct ip_prefix *b)
{
	const struct ip_prefix *narrow = a->length > b->length ? a : b;
	const struct ip_prefix *wide = narrow == a ? b : a;

	return ip_prefix_contains(wide, &narrow->address) ? narrow : NULL;
}

static void add_all_protected(struct making *making, struct azure_words *words)
{
	const struct rule_set *set = making->job->request->set;
	bool met_v6 = making->met_v6;

	for (size_t i = 0; i < set->protected_source_count; i++)
		add_prefix(making, words, &set->protected_sources[i]);
	/* As with "*", it is no loss of this rule that its IPv6 clients do not come this way. */
	making->met_v6 = met_v6 || !words->count;
}

static void add_protected(struct making *making, struct azure_words *words,
			  const struct ip_prefix *source)
{
	const struct rule_set *set = making->job->request->set;

	for (size_t i = 0; i < set->protected_source_count; i++) {
		const struct ip_prefix *common = common_prefix(source, &set->protected_sources[i]);

		if (common)
			add_prefix(making, words, common);
	}
}

static void add_sources(struct making *making, struct azure_words *words)
{
	const struct rule_set *set = making->job->request->set;
	const struct rule *rule = making->from->rule;
	/* Where every allow rule is narrowed, a deny rule need not be. */
	bool narrow = set->protected_source_count && !denies(making);

	if (rule->any_source && narrow)
		add_all_protected(making, words);
	else if (rule->any_source)
		azure_words_add(words, "*");
	for (size_t i = 0; i < rule->source_count; i++) {
		if (narrow)
			add_protected(making, words, &rule->sources[i]);
		else
			add_prefix(making, words, &rule->sources[i]);
	}
}

/* ------------------------------------------------------------------------- network rules */

static void add_addresses(struct making *making, struct azure_words *words)
{
	const struct rule *rule = making->from->rule;

	if (rule->any_destination)
		azure_words_add(words, "*");
	for (size_t i = 0; i < rule->tag_count; i++)
		azure_words_add(words, "%s", rule->tags[i].name);
	for (size_t i = 0; i < rule->destination_count; i++)
		if (!rule_is_of_tag(rule, i))
			add_prefix(making, words, &rule->destinations[i]);
}

static void add_transports(const struct rule *rule, struct azure_words *words)
{
	if (rule->transports == TRANSPORT_ANY) {
		azure_words_add(words, "Any");
		return;
	}
	if (rule->transports & TRANSPORT_TCP)
		azure_words_add(words, "TCP");
	if (rule->transports & TRANSPORT_UDP)
		azure_words_add(words, "UDP");
	if (rule->transports & TRANSPORT_ICMP)
		azure_words_add(words, "ICMP");
}

static void add_ports(const struct rule *rule, struct azure_words *words)
{
	if (rule->any_port)
		azure_words_add(words, "*");
	for (size_t i = 0; i < rule->port_count; i++) {
		if (rule->ports[i].first == rule->ports[i].last)
			azure_words_add(words, "%u", rule->ports[i].first);
		else
			azure_words_add(words, "%u-%u", rule->ports[i].first, rule->ports[i].last);
	}
}

/* All of a network rule but where it leads. */
static void begin_network_rule(struct making *making, struct azure_rule *made)
{
	*made = (struct azure_rule){.from = making->from};
	add_sources(making, &made->sources);
	add_transports(making->from->rule, &made->transports);
	add_ports(making->from->rule, &made->ports);
}

static bool is_network_rule(const struct azure_rule *made)
{
	return made->sources.count && made->transports.count && made->ports.count &&
	       (made->addresses.count || made->fqdns.count);
}

static size_t make_network_rules(struct making *making, struct azure_rule made[2])
{
	const struct rule *rule = making->from->rule;
	size_t count = 0;

	begin_network_rule(making, &made[0]);
	add_addresses(making, &made[0].addresses);
	if (is_network_rule(&made[0]))
		count++;
	else
		azure_rule_done(&made[0]);
	begin_network_rule(making, &made[count]);
	for (size_t i = 0; i < rule->fqdn_count; i++)
		azure_words_add(&made[count].fqdns, "%s", rule->fqdns[i].text);
	if (is_network_rule(&made[count]))
		return count + 1;
	azure_rule_done(&made[count]);
	return count;
}

/* ------------------------------------------------------------------------- application rules */

static void add_pattern(struct making *making, struct azure_words *words,
			const struct pattern *pattern)
{
	char text[PATTERN_TEXT_SIZE];

	pattern_format(pattern, text);
	if (pattern->kind != PATTERN_LABEL) {
		azure_words_add(words, "%s", text);
	} else if (!denies(making)) {
		export_loss(making->job, making->from,
			    "%s is left out: Azure takes '*' at the left end of a name only, where "
			    "it spans any number of labels",
			    text);
	} else {
		azure_words_add(words, "*%s.%s", pattern->postfix, pattern->name.text);
		export_loss(making->job, making->from,
			    "%s is denied as *%s.%s: Azure takes '*' at the left end of a name "
			    "only",
			    text, pattern->postfix, pattern->name.text);
	}
}

/* No application rule can allow what is beyond the limit, so none need deny it. */
static void refuse_port(struct making *making, uint16_t port)
{
	if (!denies(making))
		export_loss(making->job, making->from,
			    "port %u is left out: Azure's application rules take ports up to %d",
			    port, APPLICATION_PORT_LIMIT);
}

static void add_protocols(struct making *making, struct azure_rule *made)
{
	const struct rule *rule = making->from->rule;

	made->protocols = calloc(rule->protocol_count + 1, sizeof(*made->protocols));
	if (!made->protocols) {
		making->job->failed = true;
		return;
	}
	for (size_t i = 0; i < rule->protocol_count; i++) {
		if (rule->protocols[i].port > APPLICATION_PORT_LIMIT)
			refuse_port(making, rule->protocols[i].port);
		else
			made->protocols[made->protocol_count++] = rule->protocols[i];
	}
}

static size_t make_application_rule(struct making *making, struct azure_rule *made)
{
	const struct rule *rule = making->from->rule;
	struct pattern pattern;
	size_t at = 0;

	*made = (struct azure_rule){.from = making->from};
	add_sources(making, &made->sources);
	while (pattern_list_next(&rule->patterns, &at, &pattern))
		add_pattern(making, &made->fqdns, &pattern);
	add_protocols(making, made);
	if (made->sources.count && made->fqdns.count && made->protocol_count)
		return 1;
	azure_rule_done(made);
	return 0;
}

/* ------------------------------------------------------------------------- rules */

size_t azure_rule_make(struct export_job *job, const struct export_rule *from,
		       struct azure_rule made[2])
{
	struct making making = {.job = job, .from = from};
	size_t count = from->collection->kind == RULE_NETWORK
			       ? make_network_rules(&making, made)
			       : make_application_rule(&making, &made[0]);

	if (making.met_v6 && denies(&making))
		export_note(job, "IPv6 prefixes of deny rules are left out: IPv6 does not pass "
				 "Azure Firewall, and needs a way out of its own or none");
	else if (making.met_v6)
		export_loss(job, from, "IPv6 is left out: it does not pass Azure Firewall");
	return count;
}

void azure_rule_done(struct azure_rule *rule)
{
	text_free(&rule->sources.bytes);
	text_free(&rule->fqdns.bytes);
	text_free(&rule->addresses.bytes);
	text_free(&rule->transports.bytes);
	text_free(&rule->ports.bytes);
	free(rule->protocols);
	*rule = (struct azure_rule){0};
}
