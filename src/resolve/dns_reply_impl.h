/*
 * Making the reply to one query, and its event. Every function writes into the proxy's reply buffer
 * and returns the length; the caller sends it, outside of the policy's read section.
 */
#pragma once

#include "resolve/dns_proxy_impl.h"

/* A query that was asked, in its parts. */
struct dns_asked {
	struct dns_proxy *proxy;
	const struct dns_route *route;
	const uint8_t *message; /* of the client: header and question at least */
	const struct dns_query *query;
};

/* What client and log are told about a query that is not answered. */
struct dns_refusal {
	enum dns_code code;
	enum dns_extended_error error;
	enum reason reason;
	const char *rule; /* label; NULL: none */
};

size_t dns_reply_refuse(const struct dns_asked *asked, const struct dns_refusal *refusal,
			const char *note); /* NULL: nothing to add */

/* By a verdict of policy_judge_query(); inside the read section. */
size_t dns_reply_deny(const struct dns_asked *asked, const struct verdict *verdict);

/* What the resolver found, or why it found nothing; inside the read section. A verdict that denies
   means that it is answered all the same (resolve_any). */
size_t dns_reply_answer(const struct dns_asked *asked, const struct resolver_answer *answer,
			const struct verdict *verdict);

/* FORMERR or NOTIMP to a message that could not be read. 0: not even that (a reply, no header). */
size_t dns_reply_reject(struct dns_proxy *proxy, const struct dns_route *route,
			const uint8_t *message, size_t length, enum dns_code code);
