/*
 * Events: one JSON line a verdict, and one at the end of an allowed flow with its bytes and
 * duration. events_emit() may be called from any thread; a line is one write(). A line that cannot
 * be written (disk full, reader of a pipe too slow) is counted and lost; verdicts never wait for
 * the log. Lines are ASCII; a label or detail beyond its share of 4 KiB is cut and ends in "...".
 */
#pragma once

#include "base/ip.h"
#include "policy/policy.h"

enum event_kind {
	EVENT_VERDICT,
	EVENT_END,
};

enum name_origin {
	NAME_FROM_NOWHERE,
	NAME_FROM_SNI,
	NAME_FROM_HOST,
	NAME_FROM_CONNECT,
	NAME_FROM_DNS,
	NAME_FROM_PIN, /* a network rule by FQDN, or a hello without a name */
};

enum event_protocol {
	EVENT_TCP,
	EVENT_UDP,
	EVENT_ICMP,
	EVENT_HTTP,
	EVENT_HTTPS,
	EVENT_QUIC,
	EVENT_DNS,
	EVENT_OTHER,
};

struct event {
	enum event_kind kind;
	struct ip_endpoint source, destination; /* family 0: unknown */
	const char *name;                       /* NULL: none */
	enum name_origin name_origin;
	bool has_encrypted_hello; /* `name` is the outer name */
	enum event_protocol protocol;
	enum rule_action action;
	const char *rule; /* label or NULL */
	enum reason reason;
	const char *path;   /* how it was handled: "inspect", "proxy", "network", "explicit", "dns",
			       "kernel"; NULL: left out */
	const char *detail; /* more words for people, or NULL */
	/* EVENT_END */
	uint64_t bytes_out, bytes_in, duration_ms; /* from the client, to the client */
};

struct events;

/* `path`: a file (opened for appending, made 0640), or "-" for standard output. NULL: errno says
 * why. */
struct events *events_open(const char *path);
void events_close(struct events *events);
/* Opens the file anew, after it was moved away. Negative errno: the old one stays in use. */
int events_reopen(struct events *events);

void events_emit(struct events *events, const struct event *event);

/* Verdicts (not ends), and lines of either kind that could not be written. */
struct events_figures {
	uint64_t allowed, denied, lost;
	uint64_t by_reason[REASON_COUNT];
};
struct events_figures events_figures(const struct events *events);
