/*
 * Events: one JSON line a verdict, and one at the end of an allowed flow with its bytes and
 * duration. Any thread may emit; a line is written as a whole. A line that cannot be written (disk
 * full, reader of a pipe too slow) is counted and lost; verdicts never wait for the log. Lines are
 * ASCII; a label or detail beyond its share of 4 KiB is cut and ends in "...".
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

/* The longest line with its end. PIPE_BUF on Linux: a write of at most this many bytes to a pipe is
   whole or not at all. */
#define EVENT_LINE_SIZE 4096

/* Lines of one thread that are written together, as many as EVENT_LINE_SIZE holds: a burst of
   verdicts then does not cost a write() each. Members are private; zeroed is empty. */
struct event_lines {
	size_t length;
	unsigned int count;
	char bytes[1 + 2 * EVENT_LINE_SIZE]; /* from the second on; room for one line too many */
};

/* Like events_emit(), but the line may wait for events_write(): before the thread sleeps. */
void events_gather(struct events *events, struct event_lines *lines, const struct event *event);
void events_write(struct events *events, struct event_lines *lines); /* fine when empty */

/* Verdicts (not ends), and lines of either kind that could not be written. */
struct events_figures {
	uint64_t allowed, denied, lost;
	uint64_t by_reason[REASON_COUNT];
};
struct events_figures events_figures(const struct events *events);
