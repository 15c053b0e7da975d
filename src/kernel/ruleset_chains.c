/* The chains of `inet sallyport`. Why they are as they are is told at the top of ruleset.c. */
#include "kernel/ruleset_chains_impl.h"

#include <string.h>

#include "kernel/sequence_rules.h"

#define HANDSHAKE_MARKS "$HELLO, $CONFIRM, $INSPECTED, $NETWORK"
/* nft: a TCP packet that asks for a connection, and a packet with transport payload */
#define IS_SYN      "tcp flags & (fin | syn | rst | ack) == syn "
#define HAS_SYN     "tcp flags & syn == syn "
#define HAS_PAYLOAD "@ih,0,8 0x00-0xff "
/* The ends of a connection, of which the server's may be gone behind them: ruleset.c */
#define IS_LAST_OF_SERVER "tcp flags fin,rst "
#define IS_LAST_OF_CLIENT "tcp flags rst "
#define NOTE_END          "ct mark set ct mark | $ENDED"
#define HAS_ENDED         "meta l4proto tcp ct mark & $ENDED != 0 "
/* Where connection tracking has seen both ends close; else the client may still be reading. */
#define IS_CLOSED "ct expiration <= 30s "
/* a handshake record (22, version 3.x) that begins with a ServerHello (2, below 64 KiB, of TLS 1.0
 * to 1.3): RFC 8446 sections 5.1 and 4.1.3. More than the first byte, since a client can choose
 * with its window where the segments of an answer begin. */
#define IS_SERVER_HELLO "@ih,0,16 0x1603 @ih,40,16 0x0200 @ih,72,16 0x0301-0x0303 "
/* first half of the HelloRetryRequest's random (RFC 8446 section 4.1.3), behind the record header,
 * handshake header and version of a TLS record that starts the payload */
#define IS_NOT_RETRY_REQUEST "@ih,88,128 != 0xcf21ad74e59a6111be1d8c021e65b891 "

/* The inside could send a forged answer: it must come from where the server's address is routed to.
 */
#define COMES_FROM_SERVER "fib saddr . iif oif exists "
#define IS_FORGED         "fib saddr . iif oif missing "
/* a connection that a conntrack helper expected begins with the mark of the one that announced it
 */
#define IS_EXPECTED "ct status expected ct state related meta l4proto != { icmp, ipv6-icmp } "
#define IS_SYN_ACK  "tcp flags & (syn | ack) == (syn | ack) "
/* A client's packet whose connection's mark is its own; its server has answered. */
#define IS_UNDER_WAY "ct state established ct direction original "
/* The inspector gives what was queued other marks. */
#define WAS_NOT_QUEUED "meta mark & $STATE == $PASSED "
/* QUIC, RFC 9000 section 17: a header that names its version; only such packets begin connections
 */
#define HAS_LONG_HEADER "@ih,0,8 0x80-0xff "
/* DTLS, RFC 9147 section 4.1: a handshake record. QUIC's short headers may look so by chance, since
 * RFC 9287 sets their second bit free: once in 2^10 packets, which the client then sends again. */
#define IS_DTLS_HANDSHAKE "@ih,0,16 0x16fe "
/* Two datagrams or more in one packet, one of them an Initial: each has 1,200 bytes at least. */
#define MAY_BE_SEVERAL "meta length > 2400 "

static const char *const s_chains[] = {
	"prerouting",
	"proxied",
	"proxy",
	"pinned_or_proxy",
	"network_rules",
	"forward",
	"answers",
	"cut",
	"ended",
	"handshake",
	"answered",
	"remember_anew",
	"confirm",
	"from_inside",
	"allowed",
	"inspected",
	"inspected_quic",
	"hold",
	"hold_datagram",
	"queue_with_sequence",
	"queue_with_mark",
	"released",
	"released_payload",
	"released_datagram",
	"released_quic",
	"refused",
	"confirmed",
	"postrouting",
	"output",
	"refuse",
	"deny_no_rule",
	"deny_source",
	"deny_special",
	"deny_unsolicited",
	"deny_other_resolver",
	"deny_dns_over_tls",
	"deny_quic",
	"deny_syn_data",
	"deny_invalid",
	"deny_gateway_down",
	NULL,
};

const char *ruleset_chain_name(size_t index)
{
	return s_chains[index];
}

static void add_mark_definitions(struct text *out)
{
	static const struct {
		const char *name;
		uint32_t value;
	} marks[] = {
		{"STATE", MARK_STATE_MASK},    {"BESIDE", ~MARK_STATE_MASK},
		{"NUMBER", MARK_NUMBER_MASK},  {"HELLO", MARK_HELLO},
		{"CONFIRM", MARK_CONFIRM},     {"INSPECTED", MARK_INSPECTED},
		{"NETWORK", MARK_NETWORK},     {"DENIED", MARK_DENIED},
		{"PROXIED", MARK_PROXIED},     {"REPEAT", MARK_REPEAT},
		{"ALIVE", MARK_ALIVE},         {"PASSED", MARK_PASSED},
		{"UNTRACKED", MARK_UNTRACKED}, {"TPROXY", MARK_TPROXY},
		{"TOLD", MARK_TOLD},           {"ENDED", MARK_ENDED},
		{"ANSWERED", MARK_ANSWERED},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		text_addf(out, "define %s = 0x%08x\n", marks[i].name, marks[i].value);
}

static bool has_sources(const struct ruleset_settings *settings, uint8_t family)
{
	for (size_t i = 0; i < settings->source_count; i++)
		if (settings->sources[i].address.family == family)
			return true;
	return false;
}

void ruleset_add_definitions(struct text *out, const struct ruleset_settings *settings)
{
	add_mark_definitions(out);
	text_add(out, "define inside = { ");
	for (size_t i = 0; i < settings->interface_count; i++)
		text_addf(out, "%s\"%s\"", i ? ", " : "", settings->interfaces[i]);
	text_add(out, " }\n");
	for (uint8_t family = 4; family <= 6; family += 2) {
		if (!has_sources(settings, family))
			continue;
		text_addf(out, "define sources_v%u = ", family);
		ruleset_add_prefixes(out, settings->sources, settings->source_count, family);
		text_add(out, "\n");
	}
	for (uint8_t family = 4; family <= 6; family += 2) {
		struct ip_prefix special[IP_SPECIAL_MAX];

		text_addf(out, "define special_v%u = ", family);
		ruleset_add_prefixes(out, special, ip_special_prefixes(special), family);
		text_add(out, "\n");
	}
	if (settings->http_port_count) {
		text_add(out, "define http_ports = ");
		ruleset_add_port_numbers(out, settings->http_ports, settings->http_port_count);
		text_add(out, "\n");
	}
	if (settings->https_port_count) {
		text_add(out, "define https_ports = ");
		ruleset_add_port_numbers(out, settings->https_ports, settings->https_port_count);
		text_add(out, "\n");
	}
	if (settings->quic_port_count) {
		text_add(out, "define quic_ports = ");
		ruleset_add_port_numbers(out, settings->quic_ports, settings->quic_port_count);
		text_add(out, "\n");
	}
	text_add(out, "\n");
}

/* A line for each family that says what happens to the sources which are not protected. */
static void add_source_check(struct text *out, const struct ruleset_settings *settings,
			     const char *verdict)
{
	if (has_sources(settings, 4))
		text_addf(out, "\t\tip saddr != $sources_v4 %s\n", verdict);
	else
		text_addf(out, "\t\tmeta nfproto ipv4 %s\n", verdict);
	if (has_sources(settings, 6))
		text_addf(out, "\t\tip6 saddr != $sources_v6 %s\n", verdict);
	else
		text_addf(out, "\t\tmeta nfproto ipv6 %s\n", verdict);
}

/* A line for each family that says what happens on the way to special addresses, rule or no rule.
 */
static void add_special_check(struct text *out, const struct ruleset_settings *settings,
			      const char *verdict)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		const char *ip = family == 4 ? "ip" : "ip6";
		struct text exceptions = TEXT_EMPTY;

		text_addf(out, "\t\t%s daddr $special_v%u ", ip, family);
		if (ruleset_add_prefixes(&exceptions, settings->special_exceptions,
					 settings->special_exception_count, family))
			text_addf(out, "%s daddr != %s ", ip, text_string(&exceptions));
		out->failed |= text_failed(&exceptions);
		text_free(&exceptions);
		text_addf(out, "%s\n", verdict);
	}
}

static bool is_unspecified(const struct ip_address *address)
{
	static const uint8_t zero[16];

	return memcmp(address->bytes, zero, ip_size(address)) == 0;
}

/* TPROXY does not match while nobody listens, so it stands before the marks. A listener on all
 * addresses is found through the address of the interface. */
static void add_tproxy(struct text *out, const char *match, const struct ip_endpoint *to)
{
	char address[IP_TEXT_SIZE];

	text_addf(out, "\t\tmeta nfproto %s %stproxy %s to ",
		  to->address.family == 4 ? "ipv4" : "ipv6", match,
		  to->address.family == 4 ? "ip" : "ip6");
	if (is_unspecified(&to->address))
		text_addf(out, ":%u", to->port);
	else if (to->address.family == 4)
		text_addf(out, "%s:%u", ip_format(&to->address, address), to->port);
	else
		text_addf(out, "[%s]:%u", ip_format(&to->address, address), to->port);
	text_add(out, " meta mark set $TPROXY ct mark set $PROXIED accept\n");
}

static void add_dns_intercept(struct text *out, const struct ruleset_settings *settings)
{
	bool done[7] = {false};

	if (!settings->dns_intercept)
		return;
	for (size_t i = 0; i < settings->dns_listen_count; i++) {
		uint8_t family = settings->dns_listen[i].address.family;

		if (done[family])
			continue;
		done[family] = true;
		add_tproxy(out, "meta l4proto { tcp, udp } th dport 53 ", &settings->dns_listen[i]);
	}
}

static void add_prerouting(struct text *out, const struct ruleset_settings *settings)
{
	text_add(out, "\tchain prerouting {\n"
		      "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
		      "\t\tiifname != $inside accept\n"
		      "\t\t" IS_UNDER_WAY
		      "ct mark & $STATE vmap { $INSPECTED : accept, $NETWORK : accept }\n"
		      "\t\ticmp type redirect counter drop\n"
		      "\t\ticmpv6 type nd-redirect counter drop\n"
		      "\t\tct direction reply " IS_FORGED "counter drop\n"
		      "\t\t" IS_EXPECTED "ct mark set 0\n"
		      "\t\tct mark & $STATE vmap { $HELLO : accept, $CONFIRM : accept, "
		      "$INSPECTED : accept, $NETWORK : accept, $DENIED : accept, "
		      "$PROXIED : jump proxied }\n"
		      "\t\tct direction reply accept\n"
		      "\t\tct state invalid accept\n"
		      "\t\tfib daddr type { local, broadcast, anycast, multicast } accept\n");
	add_source_check(out, settings, "accept");
	text_add(out, "\t\tmeta mark & $STATE != $ALIVE accept\n"
		      "\t\tmeta l4proto tcp tcp flags & (fin | syn | rst | ack) != syn accept\n");
	add_dns_intercept(out, settings);
	add_special_check(out, settings, "accept");
	text_add(out, "\t\tjump network_rules\n");
	if (settings->quic_port_count)
		text_add(out, "\t\tudp dport $quic_ports ip daddr @" RULESET_PINNED_V4
			      " ct mark set $HELLO accept\n"
			      "\t\tudp dport $quic_ports ip6 daddr @" RULESET_PINNED_V6
			      " ct mark set $HELLO accept\n");
	text_add(out, "\t\tmeta l4proto != tcp accept\n"
		      "\t\t" HAS_PAYLOAD "accept\n");
	if (settings->http_port_count)
		text_add(out, "\t\ttcp dport $http_ports goto proxy\n");
	if (settings->https_port_count)
		text_add(out, "\t\ttcp dport $https_ports goto pinned_or_proxy\n");
	text_add(out, "\t}\n\n");
}

/* The ways into a local socket. Packets of a connection that is there find it by their addresses.
 */
static void add_proxying(struct text *out, const struct ruleset_settings *settings)
{
	const struct ip_endpoint proxy_v4 = {ip_from_v4(INADDR_LOOPBACK), settings->proxy_port};
	const struct ip_endpoint proxy_v6 = {ip_from_bytes(6, &in6addr_loopback),
					     settings->proxy_port};

	text_add(out, "\tchain proxied {\n"
		      "\t\tmeta l4proto udp return\n"
		      "\t\ttcp dport 53 " IS_SYN "return\n"
		      "\t\t" IS_SYN "meta mark & $STATE == $ALIVE goto proxy\n"
		      "\t\tmeta mark set $TPROXY accept\n"
		      "\t}\n\n"
		      "\tchain proxy {\n");
	add_tproxy(out, "meta l4proto tcp ", &proxy_v4);
	add_tproxy(out, "meta l4proto tcp ", &proxy_v6);
	text_add(out, "\t}\n\n"
		      "\tchain pinned_or_proxy {\n"
		      "\t\tip daddr @" RULESET_PINNED_V4 " ct mark set $HELLO accept\n"
		      "\t\tip6 daddr @" RULESET_PINNED_V6 " ct mark set $HELLO accept\n"
		      "\t\tgoto proxy\n"
		      "\t}\n\n");
}

static void add_network_rules(struct text *out, const struct ruleset_rule *rules, size_t count)
{
	text_add(out, "\tchain network_rules {\n");
	for (size_t i = 0; i < count; i++)
		ruleset_add_rule(out, &rules[i]);
	text_add(out, "\t}\n\n");
}

static void add_forward(struct text *out)
{
	text_add(out, "\tchain forward {\n"
		      "\t\ttype filter hook forward priority filter; policy accept;\n"
		      "\t\tct direction reply oifname $inside goto answers\n"
		      "\t\tct direction reply iifname $inside counter drop\n"
		      "\t\tiifname $inside goto from_inside\n"
		      "\t\toifname $inside goto deny_unsolicited\n"
		      "\t}\n\n"
		      "\tchain answers {\n"
		      "\t\tmeta mark & $STATE == $ALIVE meta mark set 0\n"
		      "\t\t" IS_LAST_OF_SERVER
		      "ct mark & $STATE { $HELLO, $CONFIRM, $INSPECTED } " NOTE_END "\n"
		      "\t\tct mark & $STATE vmap { $INSPECTED : accept, $NETWORK : accept, "
		      "$HELLO : goto handshake, $CONFIRM : goto confirm, $DENIED : goto cut }\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain cut {\n"
		      "\t\tmeta l4proto tcp ct mark & $TOLD == 0 ct mark set ct mark | $TOLD "
		      "tcp flags set rst | ack counter accept\n"
		      "\t\tgoto refuse\n"
		      "\t}\n\n"
		      "\tchain handshake {\n"
		      "\t\tmeta l4proto tcp " IS_SYN_ACK COMES_FROM_SERVER "goto answered\n"
		      "\t\tmeta l4proto udp counter drop\n"
		      "\t\taccept\n"
		      "\t}\n\n"
		      "\tchain answered {\n"
		      "\t\tct mark & $ANSWERED == 0 goto remember_anew\n"
		      "\t\tjump " SEQUENCE_COMPARE_CHAIN "\n"
		      "\t\tcounter ct mark set ct mark & $NUMBER | $DENIED goto cut\n"
		      "\t}\n\n"
		      "\tchain remember_anew {\n"
		      "\t\tct mark set ct mark | $ANSWERED\n"
		      "\t\tjump " SEQUENCE_FORGET_CHAIN "\n"
		      "\t\tjump " SEQUENCE_REMEMBER_CHAIN "\n"
		      "\t\taccept\n"
		      "\t}\n\n"
		      "\tchain confirm {\n"
		      "\t\tmeta l4proto tcp " IS_SYN_ACK "counter drop\n"
		      "\t\tmeta l4proto tcp " IS_SERVER_HELLO IS_NOT_RETRY_REQUEST COMES_FROM_SERVER
		      "ct mark set ct mark & $BESIDE | $INSPECTED jump " SEQUENCE_FORGET_CHAIN "\n"
		      "\t\taccept\n"
		      "\t}\n\n");
}

static void add_from_inside(struct text *out, const struct ruleset_settings *settings)
{
	text_add(
		out,
		"\tchain from_inside {\n"
		"\t\tct mark & $STATE vmap { $INSPECTED : goto inspected, $NETWORK : goto allowed, "
		"$HELLO : goto hold, $CONFIRM : goto hold, $DENIED : goto refuse }\n"
		"\t\tct state invalid goto deny_invalid\n");
	add_source_check(out, settings, "goto deny_source");
	add_special_check(out, settings, "goto deny_special");
	text_add(out, "\t\tmeta mark & $STATE != $ALIVE goto deny_gateway_down\n"
		      "\t\tmeta l4proto { tcp, udp } th dport 53 goto deny_other_resolver\n"
		      "\t\tmeta l4proto { tcp, udp } th dport 853 goto deny_dns_over_tls\n");
	if (settings->https_port_count)
		text_add(out, "\t\tudp dport $https_ports goto deny_quic\n");
	if (settings->http_port_count)
		text_add(out,
			 "\t\ttcp dport $http_ports " HAS_SYN HAS_PAYLOAD "goto deny_syn_data\n");
	if (settings->https_port_count)
		text_add(out,
			 "\t\ttcp dport $https_ports " HAS_SYN HAS_PAYLOAD "goto deny_syn_data\n");
	text_add(out, "\t\tgoto deny_no_rule\n"
		      "\t}\n\n");
}

static void add_inspection(struct text *out)
{
	text_add(out, "\tchain allowed {\n"
		      "\t\tmeta mark set $PASSED accept\n"
		      "\t}\n\n"
		      "\tchain inspected {\n"
		      "\t\tmeta l4proto udp goto inspected_quic\n"
		      "\t\t" IS_SYN "ct mark set $HELLO goto hold\n"
		      "\t\t" HAS_ENDED HAS_PAYLOAD "goto ended\n"
		      "\t\t" IS_LAST_OF_CLIENT NOTE_END "\n"
		      "\t\tgoto allowed\n"
		      "\t}\n\n"
		      "\tchain ended {\n"
		      "\t\t" IS_CLOSED "goto refuse\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain hold {\n"
		      "\t\tmeta l4proto udp goto hold_datagram\n"
		      "\t\tmeta l4proto != tcp counter drop\n"
		      "\t\t" HAS_SYN HAS_PAYLOAD "goto deny_syn_data\n"
		      "\t\t" HAS_SYN "reset tcp option mptcp\n"
		      "\t\t" HAS_ENDED HAS_PAYLOAD "goto ended\n"
		      "\t\t" IS_LAST_OF_CLIENT NOTE_END "\n"
		      "\t\tip ttl set 64\n"
		      "\t\tip6 hoplimit set 64\n"
		      "\t\t" HAS_PAYLOAD "goto queue_with_sequence\n"
		      "\t\tgoto allowed\n"
		      "\t}\n\n"
		      "\tchain queue_with_sequence {\n"
		      "\t\tmeta mark set 0\n"
		      "\t\tmeta mark set ip saddr . tcp sport . ip daddr . tcp dport "
		      "map @" RULESET_FIRST_V4 "\n"
		      "\t\tmeta mark set ip6 saddr . tcp sport . ip6 daddr . tcp dport "
		      "map @" RULESET_FIRST_V6 "\n"
		      "\t\tjump " RULESET_QUEUE_CHAIN "\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain released {\n"
		      "\t\ttype filter hook forward priority 1; policy accept;\n"
		      "\t\tiifname != $inside accept\n"
		      "\t\t" WAS_NOT_QUEUED "accept\n"
		      "\t\tct mark & $STATE != { $HELLO, $CONFIRM, $INSPECTED, $DENIED } accept\n"
		      "\t\tct mark & $STATE == $DENIED goto refuse\n"
		      "\t\tmeta l4proto udp goto released_datagram\n"
		      "\t\tmeta l4proto tcp " HAS_PAYLOAD "goto released_payload\n"
		      "\t}\n\n"
		      "\tchain released_payload {\n"
		      "\t\tct status dying counter drop\n"
		      "\t\tmeta mark & $STATE == $DENIED ct mark set meta mark goto refuse\n"
		      "\t\tct mark & $STATE == $INSPECTED accept\n"
		      "\t\tct mark & $STATE . meta mark & $STATE vmap { $HELLO . $HELLO : accept, "
		      "$HELLO . $CONFIRM : goto confirmed, $CONFIRM . $REPEAT : accept, "
		      "$CONFIRM . $HELLO : goto refused, $CONFIRM . $CONFIRM : goto refused }\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain refused {\n"
		      "\t\tct mark set ct mark & $NUMBER | $DENIED\n"
		      "\t\tgoto refuse\n"
		      "\t}\n\n"
		      "\tchain confirmed {\n"
		      "\t\tct mark set meta mark\n"
		      "\t\taccept\n"
		      "\t}\n\n");
}

static void add_quic_inspection(struct text *out)
{
	text_add(out, "\tchain inspected_quic {\n"
		      "\t\t" MAY_BE_SEVERAL "goto hold_datagram\n"
		      "\t\t" HAS_LONG_HEADER "goto hold_datagram\n"
		      "\t\t" IS_DTLS_HANDSHAKE "counter drop\n"
		      "\t\tgoto allowed\n"
		      "\t}\n\n"
		      "\tchain hold_datagram {\n"
		      "\t\tip ttl set 64\n"
		      "\t\tip6 hoplimit set 64\n"
		      "\t\t" HAS_PAYLOAD "goto queue_with_mark\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain queue_with_mark {\n"
		      "\t\tmeta mark set ct mark\n"
		      "\t\tjump " RULESET_QUEUE_CHAIN "\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain released_datagram {\n"
		      "\t\tct status dying counter drop\n"
		      "\t\tmeta mark & $STATE == $DENIED ct mark set meta mark goto refuse\n"
		      "\t\t" IS_DTLS_HANDSHAKE "counter drop\n"
		      "\t\tct mark & $STATE . meta mark & $STATE vmap { $HELLO . $CONFIRM : goto "
		      "released_quic, $INSPECTED . $REPEAT : accept }\n"
		      "\t\t" HAS_LONG_HEADER "counter drop\n"
		      "\t\tct mark & $STATE == $INSPECTED accept\n"
		      "\t\tcounter drop\n"
		      "\t}\n\n"
		      "\tchain released_quic {\n"
		      "\t\tct mark set meta mark & $NUMBER | $INSPECTED accept\n"
		      "\t}\n\n");
}

/* NAT is chosen with the first packet, so only states that it can have matter here. */
static void add_postrouting(struct text *out, const struct ruleset_settings *settings)
{
	char address[IP_TEXT_SIZE];

	text_add(out, "\tchain postrouting {\n"
		      "\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
	if (settings->snat != RULESET_SNAT_NONE) {
		text_add(out, "\t\tct mark & $STATE != { " HANDSHAKE_MARKS " } accept\n");
		if (has_sources(settings, 4))
			text_add(out, "\t\tip daddr $sources_v4 accept\n");
		if (has_sources(settings, 6))
			text_add(out, "\t\tip6 daddr $sources_v6 accept\n");
	}
	if (settings->snat == RULESET_SNAT_MASQUERADE)
		text_add(out, "\t\tmasquerade\n");
	if (settings->snat == RULESET_SNAT_ADDRESSES && settings->snat_v4.family == 4)
		text_addf(out, "\t\tmeta nfproto ipv4 snat ip to %s\n",
			  ip_format(&settings->snat_v4, address));
	if (settings->snat == RULESET_SNAT_ADDRESSES && settings->snat_v6.family == 6)
		text_addf(out, "\t\tmeta nfproto ipv6 snat ip6 to %s\n",
			  ip_format(&settings->snat_v6, address));
	text_add(out, "\t}\n\n");
}

/* Segments that the inspector sends to a client in the server's name (packet_sender.c). */
static void add_output(struct text *out)
{
	text_add(out, "\tchain output {\n"
		      "\t\ttype filter hook output priority raw; policy accept;\n"
		      "\t\tmeta mark & $STATE == $UNTRACKED notrack\n"
		      "\t}\n\n");
}

static void add_denials(struct text *out, const struct ruleset_settings *settings)
{
	static const struct {
		const char *chain, *prefix, *verdict;
	} denials[] = {
		{"deny_no_rule", RULESET_PREFIX_NO_RULE, "goto refuse"},
		{"deny_source", RULESET_PREFIX_SOURCE, "goto refuse"},
		{"deny_special", RULESET_PREFIX_SPECIAL, "goto refuse"},
		{"deny_unsolicited", RULESET_PREFIX_SOURCE, "counter drop"},
		{"deny_other_resolver", RULESET_PREFIX_OTHER_RESOLVER, "goto refuse"},
		{"deny_dns_over_tls", RULESET_PREFIX_DNS_OVER_TLS, "goto refuse"},
		{"deny_quic", RULESET_PREFIX_QUIC,
		 "counter reject with icmpx type port-unreachable"},
		{"deny_syn_data", RULESET_PREFIX_SYN_DATA, "counter drop"},
		{"deny_invalid", RULESET_PREFIX_INVALID, "counter drop"},
		{"deny_gateway_down", RULESET_PREFIX_GATEWAY_DOWN, "counter drop"},
	};

	text_add(out, "\tchain refuse {\n"
		      "\t\tmeta l4proto tcp counter reject with tcp reset\n");
	if (settings->quic_port_count)
		text_add(out, "\t\tudp dport $quic_ports counter reject with icmpx type "
			      "port-unreachable\n");
	text_add(out, "\t\tcounter reject with icmpx type admin-prohibited\n"
		      "\t}\n");
	for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++)
		text_addf(out,
			  "\n\tchain %s {\n\t\t" RULESET_LOG_LIMIT
			  "log prefix \"%s\" group %u\n\t\t%s\n\t}\n",
			  denials[i].chain, denials[i].prefix, RULESET_LOG_GROUP,
			  denials[i].verdict);
}

void ruleset_add_chains(struct text *out, const struct ruleset_settings *settings,
			const struct ruleset_rule *rules, size_t rule_count)
{
	add_prerouting(out, settings);
	add_proxying(out, settings);
	add_network_rules(out, rules, rule_count);
	add_forward(out);
	add_from_inside(out, settings);
	add_inspection(out);
	add_quic_inspection(out);
	add_postrouting(out, settings);
	add_output(out);
	add_denials(out, settings);
}
