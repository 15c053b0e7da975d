/*
 * One query from message to answer.
 *
 *   message ─► parse ─► screen ─► judge the name ─► ask the resolver ─► judge again ─► answer
 *                │         │            │                   │
 *             FORMERR   REFUSED,    REFUSED or          SERVFAIL,
 *             NOTIMP    NOTIMP      NXDOMAIN            REFUSED
 *
 * Only allowed queries take a place in the table; the others are answered from the stack. The
 * second judgement asks the policy that is in force when the answer goes out: a reload in between
 * must not let an answer through, and it gives the event its rule without keeping a pointer into a
 * policy across a return to the loop.
 *
 * Every message makes one event. An allowed query does not count as a hit of its rule: the traffic
 * that follows does.
 */
#include <errno.h>
#include <string.h>

#include "resolve/dns_reply_impl.h"

#define HEADER_SIZE 12
#define CLASS_IN    1
#define TYPES_META_FIRST                                                                           \
	128 /* 128..255: questions and metadata, not data (RFC 6895 section 3.1)                   \
	     */
#define TYPES_META_LAST 255

/* ----------------------------------------------------------------- table of requests */

static struct dns_request *take_request(struct dns_proxy *proxy, const struct dns_route *route)
{
	struct dns_request *request = proxy->first_free_request;

	if (request)
		proxy->first_free_request = request->next_free;
	else if (proxy->requests_touched < proxy->settings.query_capacity)
		request = &proxy->requests[proxy->requests_touched++];
	else
		return NULL;
	request->proxy = proxy;
	request->route = *route;
	LIST_INSERT_HEAD(route->client ? dns_client_requests(route->client)
				       : &proxy->datagrams_under_way,
			 request, under_way);
	return request;
}

static void give_request_back(struct dns_request *request)
{
	LIST_REMOVE(request, under_way);
	request->next_free = request->proxy->first_free_request;
	request->proxy->first_free_request = request;
}

void dns_requests_cancel(struct dns_proxy *proxy, struct dns_request_list *list)
{
	struct dns_request *request;

	while ((request = LIST_FIRST(list))) {
		resolver_ask_cancel(proxy->resolver, &request->ask);
		give_request_back(request);
	}
}

/* ------------------------------------------------------------- from the resolver */

/* `length`: of the proxy's reply buffer. Over TCP the client may be gone afterwards. */
static void send_reply(struct dns_proxy *proxy, const struct dns_route *route, size_t length)
{
	if (length == 0)
		return;
	if (route->client)
		dns_client_send(route->client, proxy->reply, length);
	else
		dns_udp_send(route, proxy->reply, length);
}

static struct verdict judge(struct dns_proxy *proxy, const struct dns_route *route,
			    const struct name *name)
{
	return policy_judge_query(policy_slot_enter(proxy->slot), &route->ends.source.address,
				  name);
}

/* `resolve: any` answers for names that no rule allows, never for sources that are not protected.
 */
static bool may_answer(const struct dns_proxy *proxy, const struct verdict *verdict)
{
	return verdict->action == RULE_ALLOW ||
	       (proxy->settings.resolve_any && verdict->reason == REASON_DNS_NAME);
}

/* The place goes back before sending, which over TCP may close the client and all that it has. */
static void request_answered(struct resolver_ask *ask, const struct resolver_answer *answer)
{
	struct dns_request *request = loop_owner(ask, struct dns_request, ask);
	struct dns_proxy *proxy = request->proxy;
	struct dns_route route = request->route;
	struct dns_asked asked = {proxy, &route, request->head, &request->query};
	struct verdict verdict = judge(proxy, &route, &request->name);
	bool allowed = may_answer(proxy, &verdict);
	size_t length = allowed ? dns_reply_answer(&asked, answer, &verdict)
				: dns_reply_deny(&asked, &verdict);

	policy_slot_leave(proxy->slot);
	give_request_back(request);
	send_reply(proxy, &route, length);
}

/* -------------------------------------------------------------- from the client */

static void ask(const struct dns_asked *asked, const struct name *name, bool learn)
{
	static const struct dns_refusal full = {
		.code = DNS_CODE_SERVFAIL, .error = DNS_EDE_OTHER, .reason = REASON_INTERNAL};
	struct dns_proxy *proxy = asked->proxy;
	const struct dns_query *query = asked->query;
	struct dns_request *request = take_request(proxy, asked->route);
	unsigned int flags = (learn ? ASK_LEARN : 0u) | (query->dnssec_ok ? ASK_DNSSEC_OK : 0u);

	if (request) {
		request->ask.source = asked->route->ends.source.address;
		request->query = *query;
		request->name = *name;
		memcpy(request->head, asked->message, HEADER_SIZE + query->question.wire_length);
		if (resolver_ask(proxy->resolver, name, query->question.type, flags, &request->ask,
				 request_answered) == 0)
			return;
		give_request_back(request);
	}
	proxy->figures.full++;
	send_reply(proxy, asked->route,
		   dns_reply_refuse(asked, &full, "too many queries under way"));
}

static void judge_and_ask(const struct dns_asked *asked, const struct name *name)
{
	struct dns_proxy *proxy = asked->proxy;
	struct verdict verdict = judge(proxy, asked->route, name);
	bool allowed = verdict.action == RULE_ALLOW;
	bool denied = !may_answer(proxy, &verdict);
	size_t length = denied ? dns_reply_deny(asked, &verdict) : 0;

	policy_slot_leave(proxy->slot);
	if (denied)
		send_reply(proxy, asked->route, length);
	else
		ask(asked, name, allowed);
}

/* False: `ret_refusal` says why not. */
static bool screen(const struct dns_question *question, struct name *ret_name,
		   struct dns_refusal *ret_refusal)
{
	bool meta = question->type == 0 || question->type == DNS_TYPE_OPT ||
		    (question->type >= TYPES_META_FIRST && question->type <= TYPES_META_LAST);

	*ret_refusal = (struct dns_refusal){.code = DNS_CODE_REFUSED,
					    .error = DNS_EDE_PROHIBITED,
					    .reason = REASON_DNS_MALFORMED};
	if (question->type == DNS_TYPE_ANY)
		ret_refusal->code = DNS_CODE_NOTIMP;
	if (meta || question->class != CLASS_IN)
		return false;
	ret_refusal->reason = REASON_NAME_INVALID;
	return name_from_wire(question->name.text, question->name.length, ret_name) == NAME_OK;
}

void dns_request_take(struct dns_proxy *proxy, const struct dns_route *route,
		      const uint8_t *message, size_t length)
{
	struct dns_query query;
	struct dns_asked asked = {proxy, route, message, &query};
	struct dns_refusal refusal;
	struct name name;
	int error = dns_query_parse(message, length, &query);

	if (error < 0)
		send_reply(proxy, route,
			   dns_reply_reject(proxy, route, message, length,
					    error == -EOPNOTSUPP ? DNS_CODE_NOTIMP
								 : DNS_CODE_FORMERR));
	else if (screen(&query.question, &name, &refusal))
		judge_and_ask(&asked, &name);
	else
		send_reply(proxy, route, dns_reply_refuse(&asked, &refusal, NULL));
}
