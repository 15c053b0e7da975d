/* What the proxy says in its own words: short HTTP responses and TLS alerts. */
#include "proxy/session_impl.h"

#include <stdio.h>
#include <string.h>

#include "base/assertion.h"

/* Of the statuses that the proxy gives; what has no better word is the gateway's fault. */
static const char *phrase(unsigned int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 408:
		return "Request Timeout";
	case 504:
		return "Gateway Timeout";
	default:
		return "Bad Gateway";
	}
}

void reply_http(struct session *session, unsigned int status, const char *text)
{
	static const char prefix[] = "sallyport: ";
	char reply[2048];
	int length = snprintf(reply, sizeof(reply),
			      "HTTP/1.1 %u %s\r\n"
			      "Connection: close\r\n"
			      "Content-Type: text/plain\r\n"
			      "Content-Length: %zu\r\n"
			      "\r\n",
			      status, phrase(status), strlen(prefix) + strlen(text) + 1);

	if (!session->exchange.is_head)
		length += snprintf(reply + length, sizeof(reply) - (size_t)length, "%s%s\n", prefix,
				   text);
	invariant((size_t)length < sizeof(reply));
	session_take_buffers(session);
	relay_say(&session->down, reply, (size_t)length);
}

/* Is it the name that is not served here? */
static bool is_about_name(enum reason reason)
{
	return reason == REASON_NO_RULE || reason == REASON_RULE_DENIES ||
	       reason == REASON_NO_NAME || reason == REASON_NAME_INVALID ||
	       reason == REASON_NAME_MISMATCH || reason == REASON_ENCRYPTED_HELLO;
}

void reply_alert(struct session *session, enum reason reason)
{
	uint8_t alert[TLS_ALERT_SIZE];

	if (reason == REASON_NOT_TLS) /* it would not understand */
		return;
	tls_build_alert(is_about_name(reason) ? TLS_ALERT_UNRECOGNIZED_NAME
					      : TLS_ALERT_ACCESS_DENIED,
			alert);
	session_take_buffers(session);
	relay_say(&session->down, alert, sizeof(alert));
}
