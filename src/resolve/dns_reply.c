#include "resolve/dns_reply_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assertion.h"

#define HEADER_SIZE 12
#define DETAIL_SIZE 160

/* -------------------------------------------------------------------- events */

static const char *type_text(uint16_t type, char text[16])
{
	switch (type) {
	case DNS_TYPE_A:
		return "A";
	case DNS_TYPE_AAAA:
		return "AAAA";
	case DNS_TYPE_HTTPS:
		return "HTTPS";
	default:
		snprintf(text, 16, "TYPE%u", type); /* RFC 3597 section 5 */
		return text;
	}
}

static void emit(struct dns_proxy *proxy, const struct dns_route *route, struct event event)
{
	event.kind = EVENT_VERDICT;
	event.source = route->ends.source;
	event.destination = route->ends.destination;
	event.name_origin = event.name ? NAME_FROM_DNS : NAME_FROM_NOWHERE;
	event.protocol = EVENT_DNS;
	event.path = "dns";
	events_gather(proxy->events, &proxy->lines, &event);
	dns_proxy_send_at_end(proxy);
}

/* `event`: action, rule and reason. */
static void emit_asked(const struct dns_asked *asked, struct event event, const char *note)
{
	char type[16], detail[DETAIL_SIZE];

	event.name = asked->query->question.name.text;
	event.detail = type_text(asked->query->question.type, type);
	if (note) {
		snprintf(detail, sizeof(detail), "%s: %s", event.detail, note);
		event.detail = detail;
	}
	emit(asked->proxy, asked->route, event);
}

static const char *label_of(const struct verdict *verdict)
{
	return verdict->rule ? verdict->rule->label : NULL;
}

/* ------------------------------------------------------------------- refusing */

static size_t size_limit(const struct dns_route *route, const struct dns_query *query)
{
	if (route->client)
		return DNS_MESSAGE_MAX;
	if (!query->has_edns || query->edns_size < DNS_UDP_PLAIN)
		return DNS_UDP_PLAIN;
	return query->edns_size < DNS_UDP_OWN ? query->edns_size : DNS_UDP_OWN;
}

static size_t build(const struct dns_asked *asked, const struct dns_refusal *refusal,
		    const char *text)
{
	struct dns_proxy *proxy = asked->proxy;
	int length = dns_reply_build(asked->message, asked->query, refusal->code, refusal->error,
				     text, proxy->reply, size_limit(asked->route, asked->query));

	invariant(length > 0); /* header, question and a short text always fit */
	return (size_t)length;
}

size_t dns_reply_refuse(const struct dns_asked *asked, const struct dns_refusal *refusal,
			const char *note)
{
	struct dns_proxy_figures *figures = &asked->proxy->figures;

	if (refusal->code == DNS_CODE_SERVFAIL)
		figures->failed++;
	else
		figures->refused++;
	emit_asked(asked,
		   (struct event){
			   .action = RULE_DENY, .reason = refusal->reason, .rule = refusal->rule},
		   note);
	return build(asked, refusal, reason_sentence(refusal->reason));
}

size_t dns_reply_deny(const struct dns_asked *asked, const struct verdict *verdict)
{
	bool hide = asked->proxy->settings.denied_answer == DNS_DENIED_NXDOMAIN;
	struct dns_refusal refusal = {
		.code = hide ? DNS_CODE_NXDOMAIN : DNS_CODE_REFUSED,
		.error = verdict->reason == REASON_SOURCE_NOT_PROTECTED ? DNS_EDE_PROHIBITED
									: DNS_EDE_BLOCKED,
		.reason = verdict->reason,
		.rule = label_of(verdict),
	};

	return dns_reply_refuse(asked, &refusal, NULL);
}

size_t dns_reply_reject(struct dns_proxy *proxy, const struct dns_route *route,
			const uint8_t *message, size_t length, enum dns_code code)
{
	struct dns_query query = {.edns_size = DNS_UDP_PLAIN}; /* without a question */
	struct dns_refusal refusal = {.code = code, .error = DNS_EDE_NONE};

	proxy->figures.malformed++;
	emit(proxy, route, (struct event){.action = RULE_DENY, .reason = REASON_DNS_MALFORMED});
	if (length < HEADER_SIZE || message[2] & 0x80)
		return 0;
	query.id = (uint16_t)(message[0] << 8 | message[1]);
	query.flags = (uint16_t)(message[2] << 8 | message[3]);
	return build(&(struct dns_asked){proxy, route, message, &query}, &refusal, NULL);
}

/* ------------------------------------------------------------------- answering */

static size_t refuse_answer(const struct dns_asked *asked, const struct resolver_answer *answer)
{
	struct dns_refusal refusal = {
		.code = DNS_CODE_SERVFAIL, .error = DNS_EDE_OTHER, .reason = answer->reason};
	char note[DETAIL_SIZE / 2] = "";

	switch (answer->status) {
	case -EREMOTEIO:
		refusal.code = answer->code;
		refusal.error = DNS_EDE_NONE;
		snprintf(note, sizeof(note), "the upstream's code is %u",
			 (unsigned int)answer->code);
		break;
	case -ETIMEDOUT:
		refusal.error = DNS_EDE_NO_REACHABLE_AUTHORITY;
		break;
	case -EACCES:
		refusal.code = DNS_CODE_REFUSED;
		refusal.error = DNS_EDE_BLOCKED;
		ip_format(&answer->refused, note);
		break;
	case -EDQUOT: /* REFUSED whatever dns.answer is: of the name itself nothing is known */
		refusal.code = DNS_CODE_REFUSED;
		refusal.error = DNS_EDE_PROHIBITED;
		break;
	default:
		break;
	}
	return dns_reply_refuse(asked, &refusal, note[0] ? note : NULL);
}

/* Copies the answer into the reply buffer as this client is to see it; its length. */
static int adapt(const struct dns_asked *asked, const struct resolver_answer *answer)
{
	struct dns_proxy *proxy = asked->proxy;

	memcpy(proxy->reply, answer->message, answer->length);
	return dns_answer_adapt(proxy->reply, answer->length, sizeof(proxy->reply), asked->message,
				asked->query, answer->age, resolver_ttl_cap(proxy->resolver),
				size_limit(asked->route, asked->query));
}

size_t dns_reply_answer(const struct dns_asked *asked, const struct resolver_answer *answer,
			const struct verdict *verdict)
{
	static const struct dns_refusal broken = {
		.code = DNS_CODE_SERVFAIL, .error = DNS_EDE_OTHER, .reason = REASON_LOOKUP_FAILED};
	int length;

	if (answer->status < 0)
		return refuse_answer(asked, answer);
	length = adapt(asked, answer);
	if (length < 0)
		return dns_reply_refuse(asked, &broken, "the upstream's answer cannot be relayed");
	asked->proxy->figures.answered++;
	emit_asked(asked,
		   (struct event){.action = RULE_ALLOW,
				  .reason = verdict->reason,
				  .rule = label_of(verdict)},
		   verdict->action == RULE_DENY ? "answered but not learned" : NULL);
	return (size_t)length;
}
