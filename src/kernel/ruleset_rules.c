/*
 * A network rule as nft lines. One rule needs several lines when it speaks of both families, of
 * prefixes and names, or of ports and ICMP: a line is one combination (source, destination,
 * transport), and an empty list makes no line at all, because an empty set matches nothing.
 *
 * ICMP has no ports: a rule that lists ports says nothing about it.
 */
#include "kernel/ruleset_impl.h"

#include <stdio.h>
#include <string.h>

#define TRANSPORT_BIT_TCP  0x1u
#define TRANSPORT_BIT_UDP  0x2u
#define TRANSPORT_BIT_ICMP 0x4u
#define TRANSPORT_BITS_ANY 0xfu

/* nft keeps at most 128 bytes of a comment, its terminator included (NFTNL_UDATA_COMMENT_MAXLEN) */
#define COMMENT_MAX 127

/* A label has no way to leave its quotes, or to end in half a UTF-8 character. */
static void add_comment(struct text *text, const char *label)
{
	size_t length = strnlen(label, COMMENT_MAX);

	text_add(text, " comment \"");
	while (label[length] && length > 0 && ((unsigned char)label[length] & 0xc0) == 0x80)
		length--;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)label[i];
		bool plain = c >= 0x20 && c != 0x7f && c != '"' && c != '\\';

		text_add_bytes(text, plain ? &label[i] : "_", 1);
	}
	text_add(text, "\"");
}

/* A deny rule is two lines: the first only logs, and is limited; the second decides. */
static void add_lines(struct text *text, const struct ruleset_rule *rule, const char *match)
{
	if (rule->allow)
		text_addf(text,
			  "\t\t%slog prefix \"A%u\" group %u counter ct mark set 0x%08x accept",
			  match, rule->number, RULESET_LOG_GROUP,
			  mark_make(MARK_NETWORK, rule->number));
	else
		text_addf(text,
			  "\t\t%s" RULESET_LOG_LIMIT "log prefix \"D%u\" group %u\n"
			  "\t\t%scounter ct mark set 0x%08x accept",
			  match, rule->number, RULESET_LOG_GROUP, match,
			  mark_make(MARK_DENIED, rule->number));
	add_comment(text, rule->label);
	text_add(text, "\n");
}

static void add_with_match(struct text *text, const struct ruleset_rule *rule,
			   const struct text *ends, const char *transport)
{
	struct text match = TEXT_EMPTY;

	text_add(&match, text_string(ends));
	text_add(&match, transport);
	if (text_failed(&match))
		text->failed = true;
	else
		add_lines(text, rule, text_string(&match));
	text_free(&match);
}

static const char *transport_match(unsigned int transports)
{
	switch (transports & (TRANSPORT_BIT_TCP | TRANSPORT_BIT_UDP | TRANSPORT_BIT_ICMP)) {
	case TRANSPORT_BIT_TCP:
		return "meta l4proto tcp ";
	case TRANSPORT_BIT_UDP:
		return "meta l4proto udp ";
	case TRANSPORT_BIT_ICMP:
		return "meta l4proto { icmp, ipv6-icmp } ";
	case TRANSPORT_BIT_TCP | TRANSPORT_BIT_UDP:
		return "meta l4proto { tcp, udp } ";
	case TRANSPORT_BIT_TCP | TRANSPORT_BIT_ICMP:
		return "meta l4proto { tcp, icmp, ipv6-icmp } ";
	case TRANSPORT_BIT_UDP | TRANSPORT_BIT_ICMP:
		return "meta l4proto { udp, icmp, ipv6-icmp } ";
	case TRANSPORT_BIT_TCP | TRANSPORT_BIT_UDP | TRANSPORT_BIT_ICMP:
		return "meta l4proto { tcp, udp, icmp, ipv6-icmp } ";
	default:
		return NULL;
	}
}

static void add_with_ends(struct text *text, const struct ruleset_rule *rule,
			  const struct text *ends)
{
	const unsigned int ported = rule->transports & (TRANSPORT_BIT_TCP | TRANSPORT_BIT_UDP);
	struct text transport = TEXT_EMPTY;

	if (rule->any_port && rule->transports == TRANSPORT_BITS_ANY) {
		add_with_match(text, rule, ends, "");
	} else if (rule->any_port) {
		const char *match = transport_match(rule->transports);

		if (match)
			add_with_match(text, rule, ends, match);
	} else if (ported) {
		text_addf(&transport, "%sth dport ", transport_match(ported));
		if (ruleset_add_ports(&transport, rule->ports, rule->port_count)) {
			text_add(&transport, " ");
			add_with_match(text, rule, ends, text_string(&transport));
		}
	}
	text->failed |= text_failed(&transport);
	text_free(&transport);
}

static const char *family_word(uint8_t family)
{
	return family == 4 ? "ip" : "ip6";
}

/* False: the rule has no source of this family. */
static bool add_source(struct text *ends, const struct ruleset_rule *rule, uint8_t family)
{
	size_t start = ends->length;

	if (rule->any_source)
		return true;
	text_addf(ends, "%s saddr ", family_word(family));
	if (!ruleset_add_prefixes(ends, rule->sources, rule->source_count, family)) {
		ends->length = start;
		return false;
	}
	text_add(ends, " ");
	return true;
}

static void add_family(struct text *text, const struct ruleset_rule *rule, uint8_t family)
{
	char name[RULESET_SET_NAME_SIZE];
	struct text ends = TEXT_EMPTY;

	if (add_source(&ends, rule, family)) {
		const size_t source_end = ends.length;

		if (rule->any_destination) {
			add_with_ends(text, rule, &ends);
		} else {
			text_addf(&ends, "%s daddr ", family_word(family));
			if (ruleset_add_prefixes(&ends, rule->destinations, rule->destination_count,
						 family)) {
				text_add(&ends, " ");
				add_with_ends(text, rule, &ends);
			}
		}
		if (rule->by_name && !rule->any_destination && !text_failed(&ends)) {
			ruleset_set_name(name, rule->number, family);
			ends.length = source_end;
			text_addf(&ends, "%s daddr @%s ", family_word(family), name);
			add_with_ends(text, rule, &ends);
		}
	}
	text->failed |= text_failed(&ends);
	text_free(&ends);
}

void ruleset_add_rule(struct text *text, const struct ruleset_rule *rule)
{
	if (rule->any_source && rule->any_destination) {
		struct text ends = TEXT_EMPTY;

		add_with_ends(text, rule, &ends);
		text_free(&ends);
		return;
	}
	add_family(text, rule, 4);
	add_family(text, rule, 6);
}
