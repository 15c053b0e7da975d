/* NFLOG: the packets that the ruleset's log statements hand over, with their prefix. */
#pragma once

#include "loop/loop.h"

struct packet_log;

struct packet_log_entry {
	const char *prefix;
	const uint8_t *bytes; /* from the IP header, the whole packet */
	size_t length;
};

/* `received` must not close the log. NULL: errno. */
struct packet_log *packet_log_open(struct loop *loop, uint16_t group,
				   void (*function)(void *context,
						    const struct packet_log_entry *entry),
				   void *context);
void packet_log_close(struct packet_log *log);
uint64_t packet_log_lost(const struct packet_log *log);
