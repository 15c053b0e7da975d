/*
 * The table `inet sallyport`: theory of operation.
 *
 * Goal. Nothing passes between the inside interfaces and the rest unless a rule allowed its
 * connection; what is allowed is forwarded by the kernel alone. The table needs no process to stay
 * closed: it denies by itself, and only *admits* new connections while the gateway's life sign
 * (host.h) marks the packets of the inside as ALIVE. What it lets pass, it takes that mark from: a
 * packet that still has it behind the last chain has met no ruleset, and the life sign's guard
 * drops it.
 *
 * One connection is classified once, by its first packet, in `prerouting` (priority -150, behind
 * connection tracking, before NAT). The result is the state in the top four bits of its conntrack
 * mark (mark.h). `forward` knows no rules; it only carries out the state:
 *
 *   state      set by                            original direction        reply direction
 *   (none)     -                                 denied, with its log      dropped
 *   NETWORK    prerouting, a network rule        accepted                  accepted
 *   HELLO      prerouting, destination pinned    payload queued            accepted; UDP: dropped
 *   CONFIRM    the inspector (packet mark)       payload queued            handshake: INSPECTED
 *   INSPECTED  the server's first handshake;     accepted; a SYN: HELLO;   accepted
 *              QUIC: the inspector               ENDED: payload dropped
 *                                                QUIC: long headers queued
 *   PROXIED    prerouting, TPROXY                never forwarded           never forwarded
 *   DENIED     a deny rule, the inspector,       rejected                  `cut`
 *              a reload that cuts the flow
 *
 * The first packet of a connection meets, in this order: destination is the host itself (left
 * alone: INPUT is not ours); source not protected; gateway not alive; intercepted DNS; special
 * addresses (base/ip.h), where no rule leads; the network rules as written; application ports
 * (http: proxy; https: inspector when the destination is pinned, else proxy). What none of them
 * takes stays unmarked, and `from_inside` tells why. TCP is classified by a bare SYN only: a packet
 * from the middle of a connection that conntrack has lost must not become "new" somewhere behind
 * its hello.
 *
 * What the inside can forge. Answers to the gateway itself (of its resolvers, of the servers that
 * it dials) count only from where their source is routed to, or whoever has a raw socket inside
 * could pin an address of his own; likewise redirects, which would turn the gateway's routes. A
 * connection that a conntrack helper expected inherits the mark of the one that announced it: it
 * loses it and is classified like any other. An answer of an inside host goes to the inside only: a
 * source that is protected, but routed outside, asks nobody. Before the hello is judged, only TCP
 * and UDP come near the queue: an ICMP error about the connection could carry anything.
 *
 * INSPECTED is the server's to give: its ServerHello that is not a HelloRetryRequest proves that it
 * has read the hello we judged. The packet must come from where the server's address is routed to
 * (fib), since the inside could send a forged one. A SYN in the original direction sends an
 * inspected flow back to HELLO: whatever the two ends mean by it, the next bytes are a hello again.
 *
 * ENDED. A flooded server makes connections out of SYN cookies (RFC 4987 section 3.6): a bare
 * acknowledgement that counts from an earlier SYN is enough, there is no SYN to see. So once the
 * server's end may be gone (it has sent a FIN, or either side a reset; whether connection tracking
 * believes the reset does not matter), the client's payload passes no more. What an honest client
 * sends then, a TLS alert before its own FIN, is of no use to anybody; it is reset when the client
 * has closed, too, and dropped before, since a reset could cost it what it has not yet read.
 *
 * Multipath TCP (RFC 8684) puts a stream together in the order of numbers of its own. The option is
 * taken out of the SYN, so the two ends fall back to TCP.
 *
 * The queue rule sits alone in chain RULESET_QUEUE_CHAIN, because nft cannot always write it
 * (queue.h), and because a reload must not take it away. While the chain is empty, the drop behind
 * the jump holds. A packet that the inspector accepts goes on at the next hook (`released`,
 * priority 1) and brings what it is as packet mark: of a hello (HELLO), a hello's last packet
 * (CONFIRM: the connection now is), one of a connection whose hello has left (REPEAT), or DENIED.
 * A connection in CONFIRM takes none but REPEAT: the inspector forgets flows, the kernel does not,
 * so no second hello can be put together with a piece of the first. A packet that waited while its
 * connection died (a new SYN took its addresses and ports) is dropped: its bytes would go into
 * another stream.
 *
 * A flow that is cut while it only receives: rejecting the server's packet tells the server, and
 * the client would wait for ever. So the first packet that comes for a DENIED flow goes on as a
 * reset
 * (`cut`; receivers ignore what data a reset carries), and the next one, which the server must send
 * as nobody acknowledges the first, is rejected. A reset that is out of place makes the client ask
 * (RFC 5961 section 3.2), and that packet is rejected with the right number.
 *
 * In HELLO and CONFIRM the hop limit is set to 64 on the way out, so that no packet we saw can die
 * between us and the server, and a SYN with data is dropped (its bytes would be before any hello).
 *
 * QUIC (UDP to a port where a rule inspects it, to a pinned destination). Every datagram is queued
 * until the hello is judged; the one that the inspector then accepts (packet mark CONFIRM) makes
 * the flow INSPECTED, and no other can. The other datagrams of a hello cannot follow it: none of
 * them had a confirmed connection when it came, so each brought its own, and NAT would give it
 * another port. The inspector drops them and sends their content itself, in the confirmed flow.
 *
 * No answer of a server proves anything about later datagrams, as a sequence number does for TCP: a
 * client may begin another connection on the same ports at any time, with an Initial packet. Its
 * header is long, and so are those that may stand before it in one datagram. So long headers go to
 * the inspector for as long as the flow lives (a handshake has few); short ones pass, since they
 * begin nothing and reach to the end of their datagram.
 *
 * Where the offload of segmentation makes several datagrams look like one packet (UDP_SEGMENT of a
 * sender on the same host, USO of a virtual machine's link, rx-udp-gro-forwarding, which is off by
 * default), a long header could hide behind a short one. All of them but the last have one length,
 * and an Initial's has 1,200 bytes at least, so a packet that hides one is longer than two of
 * these. Such a packet is queued too, whatever it begins with: the queue takes it apart (queue.c).
 * A datagram that a browser sends is shorter, so no upload without that offload is slowed down. A
 * handshake of DTLS, which a server might speak on the same port, has no business in such a flow,
 * nor in the parts of such a packet.
 *
 * A QUIC flow that is denied at its first hello leaves no trace, as its connection was never
 * confirmed: each further datagram is judged anew, and rejected.
 *
 * The first sequence number. Bytes before the hello would be a hello that nobody judged, so the
 * inspector must know where a client's stream begins. The server's SYN-ACK says it (what it
 * acknowledges), and `answers` keeps that in the maps first_v4/first_v6 by the four-tuple; a queued
 * packet carries it as its packet mark (mark_to_sequence()), or 0 when it is not known: then there
 * is no judgement. The element goes when the flow is INSPECTED, or after a while. The acknowledged
 * number is the server's own view; a client may forge what it likes. A server that makes
 * connections out of SYN cookies has several views, one for each SYN that it answered; so all
 * answers to one connection must say the same number, or it is denied.
 *
 * Denying answers fast where a client can use the answer (TCP reset; port unreachable for QUIC, so
 * that it falls back to TCP at once) and is silent where it should try again (no life sign, SYN
 * with data) or where an answer would help nobody (invalid). Log statements stand in rules of their
 * own, limited; the counters beside the verdicts count what a limit swallows.
 *
 * Most packets are of flows that are INSPECTED or NETWORK; they pass few rules. A client's leaves
 * `prerouting` by its mark at once, when conntrack says that its connection is established: an
 * expected connection, whose mark is not its own, and a redirect are RELATED; a SYN is NEW. And
 * `forward` replaces the life sign of what it lets pass by PASSED, which what was queued never has:
 * every verdict of the inspector sets another mark. `released` has nothing to ask about it.
 *
 * Direction comes from conntrack and the marks, never from pairs of interfaces, so one interface
 * may be inside and outside at once.
 *
 * Transactions. The first one replaces the table; later ones replace the rules of all chains but
 * the queue's and the sets of names (or the addresses of a name that a rule lost would stay), and
 * leave the pinned sets and their elements alone. Each is one commit of the kernel:
 * a packet sees the old rules or the new, never a mixture. Interfaces, sources and prefixes are
 * anonymous sets, so they change with their rules.
 *
 * Limits. Flows that existed before the table and carry no mark are cut (TCP) or classified afresh
 * (the rest). Names in set elements live as long as their timeout; a running flow does not end
 * with it.
 *
 * Log prefixes (group RULESET_LOG_GROUP): "A<number>" and "D<number>" for network rules, and those
 * of s_prefixes below.
 */
#include "kernel/ruleset_impl.h"

#include <errno.h>
#include <string.h>

#include "kernel/ruleset_chains_impl.h"
#include "kernel/sequence_rules.h"

/* Each putting of an element holds its old and new form for a moment (sets.c). */
#define SET_SLACK 1024

/* A client that has connected but says nothing may do so for this long. */
#define SEQUENCE_TIMEOUT "120s"

/* Named longer than any digit string: parsing needs no order. */
static const struct {
	const char *prefix;
	enum ruleset_log log;
} s_prefixes[] = {
	{RULESET_PREFIX_NO_RULE, RULESET_LOG_NO_RULE},
	{RULESET_PREFIX_SOURCE, RULESET_LOG_SOURCE},
	{RULESET_PREFIX_SPECIAL, RULESET_LOG_SPECIAL},
	{RULESET_PREFIX_OTHER_RESOLVER, RULESET_LOG_OTHER_RESOLVER},
	{RULESET_PREFIX_DNS_OVER_TLS, RULESET_LOG_DNS_OVER_TLS},
	{RULESET_PREFIX_QUIC, RULESET_LOG_QUIC},
	{RULESET_PREFIX_SYN_DATA, RULESET_LOG_SYN_DATA},
	{RULESET_PREFIX_INVALID, RULESET_LOG_INVALID},
	{RULESET_PREFIX_GATEWAY_DOWN, RULESET_LOG_GATEWAY_DOWN},
};

static bool parse_number(const char *text, uint32_t *ret_number)
{
	uint32_t number = 0;
	size_t digits = 0;

	for (; text[digits]; digits++) {
		if (text[digits] < '0' || text[digits] > '9' || digits == 8)
			return false;
		number = number * 10 + (uint32_t)(text[digits] - '0');
	}
	if (digits == 0 || number > MARK_NUMBER_MASK)
		return false;
	*ret_number = number;
	return true;
}

enum ruleset_log ruleset_log_parse(const char *prefix, uint32_t *ret_number)
{
	if (prefix[0] == 'A' && parse_number(prefix + 1, ret_number))
		return RULESET_LOG_RULE_ALLOWS;
	if (prefix[0] == 'D' && parse_number(prefix + 1, ret_number))
		return RULESET_LOG_RULE_DENIES;
	for (size_t i = 0; i < sizeof(s_prefixes) / sizeof(s_prefixes[0]); i++)
		if (strcmp(prefix, s_prefixes[i].prefix) == 0)
			return s_prefixes[i].log;
	return RULESET_LOG_UNKNOWN;
}

/* Names that nft would read as something else than a name have no place in the text. */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length < 16 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@") ==
		       length;
}

static bool are_settings_valid(const struct ruleset_settings *settings)
{
	for (size_t i = 0; i < settings->interface_count; i++)
		if (!is_interface_name(settings->interfaces[i]))
			return false;
	return settings->interface_count > 0 && settings->proxy_port > 0 &&
	       settings->handshake_capacity > 0 && settings->pinned_capacity > 0 &&
	       settings->pinned_capacity <= UINT32_MAX - SET_SLACK;
}

static void add_timeout_set(struct text *out, const struct ruleset_settings *settings,
			    uint32_t number, uint8_t family)
{
	char name[RULESET_SET_NAME_SIZE];

	ruleset_set_name(name, number, family);
	text_addf(out, "\tset %s {\n\t\ttype %s\n\t\tsize %zu\n\t\tflags timeout\n\t}\n\n", name,
		  family == 4 ? "ipv4_addr" : "ipv6_addr", settings->pinned_capacity + SET_SLACK);
}

/* From the handshake to the server's first TLS record; see "The first sequence number" above. */
static void add_sequence_map(struct text *out, const struct ruleset_settings *settings,
			     uint8_t family)
{
	const char *ip = family == 4 ? "ip" : "ip6";

	text_addf(out,
		  "\tmap %s {\n"
		  "\t\ttypeof %s saddr . tcp sport . %s daddr . tcp dport : meta mark\n"
		  "\t\tsize %zu\n\t\tflags dynamic, timeout\n\t\ttimeout " SEQUENCE_TIMEOUT
		  "\n\t}\n\n",
		  family == 4 ? RULESET_FIRST_V4 : RULESET_FIRST_V6, ip, ip,
		  settings->handshake_capacity);
}

static bool has_names_before(const struct ruleset_rule *rules, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i].by_name && rules[i].number == number)
			return true;
	return false;
}

static void add_name_sets(struct text *out, const struct ruleset_settings *settings,
			  const struct ruleset_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!rules[i].by_name || has_names_before(rules, i, rules[i].number))
			continue;
		add_timeout_set(out, settings, rules[i].number, 4);
		add_timeout_set(out, settings, rules[i].number, 6);
	}
}

static void add_pins(struct text *out, const struct ruleset_pin *pins, size_t count)
{
	char name[RULESET_SET_NAME_SIZE];
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (pins[i].timeout_ms == 0)
			continue; /* expired while the text was being made */
		ruleset_set_name(name, pins[i].number, pins[i].address.family);
		text_addf(out, "add element inet " RULESET_TABLE " %s { %s timeout %llums }\n",
			  name, ip_format(&pins[i].address, address),
			  (unsigned long long)pins[i].timeout_ms);
	}
}

static void add_first(struct text *out)
{
	text_add(out, "table inet " RULESET_TABLE "\n"
		      "delete table inet " RULESET_TABLE "\n\n");
}

static void add_replacement(struct text *out, const uint32_t *previous, size_t previous_count)
{
	char name[RULESET_SET_NAME_SIZE];

	for (size_t i = 0; ruleset_chain_name(i); i++)
		text_addf(out, "flush chain inet " RULESET_TABLE " %s\n", ruleset_chain_name(i));
	for (size_t i = 0; i < previous_count; i++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			ruleset_set_name(name, previous[i], family);
			text_addf(out, "delete set inet " RULESET_TABLE " %s\n", name);
		}
	}
	text_add(out, "\n");
}

static void add_table(struct text *out, const struct ruleset_settings *settings,
		      const struct ruleset_rule *rules, size_t rule_count, bool first)
{
	text_add(out, "table inet " RULESET_TABLE " {\n");
	if (first) {
		add_timeout_set(out, settings, 0, 4);
		add_timeout_set(out, settings, 0, 6);
		add_sequence_map(out, settings, 4);
		add_sequence_map(out, settings, 6);
		text_addf(out,
			  "\tset " RULESET_EQUAL
			  " {\n\t\ttypeof meta mark . meta mark\n\t\tsize %zu\n"
			  "\t\tflags dynamic, timeout\n\t\ttimeout 1s\n\t}\n\n",
			  settings->handshake_capacity);
		text_add(out, "\tchain " RULESET_QUEUE_CHAIN " {\n\t}\n\n"
			      "\tchain " SEQUENCE_REMEMBER_CHAIN " {\n\t}\n\n"
			      "\tchain " SEQUENCE_FORGET_CHAIN " {\n\t}\n\n"
			      "\tchain " SEQUENCE_COMPARE_CHAIN " {\n\t}\n\n");
	}
	add_name_sets(out, settings, rules, rule_count);
	ruleset_add_chains(out, settings, rules, rule_count);
	text_add(out, "}\n");
}

int ruleset_write(const struct ruleset_settings *settings, const struct ruleset_rule *rules,
		  size_t rule_count, const struct ruleset_pin *pins, size_t pin_count, bool first,
		  const uint32_t *previous, size_t previous_count, struct text *out)
{
	struct text whole = TEXT_EMPTY;
	bool failed;

	if (!are_settings_valid(settings))
		return -EINVAL;
	ruleset_add_definitions(&whole, settings);
	if (first)
		add_first(&whole);
	else
		add_replacement(&whole, previous, previous_count);
	add_table(&whole, settings, rules, rule_count, first);
	add_pins(&whole, pins, pin_count);
	if (!text_failed(&whole))
		text_add_bytes(out, text_string(&whole), whole.length);
	failed = text_failed(&whole) || text_failed(out);
	text_free(&whole);
	return failed ? -ENOMEM : 0;
}
