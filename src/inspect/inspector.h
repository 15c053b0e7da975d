/*
 * Inspected flows, one inspector a worker: holds the packets that carry a ClientHello, judges it,
 * and releases them with the mark that lets the kernel forward the rest by itself (DESIGN section
 * 3). The states are in flow.h.
 */
#pragma once

#include "observe/event.h"
#include "pins/admissions.h"
#include "pins/pins.h"
#include "resolve/resolver.h"

struct inspector_settings {
	uint16_t queue_number;
	size_t flow_capacity;      /* 0: 4,096 */
	uint32_t hello_timeout_ms; /* 0: 5,000 */
};

struct inspector;

/* NULL: errno. */
struct inspector *inspector_new(struct loop *loop, const struct inspector_settings *settings,
				struct policy_slot *slot, struct pins *pins,
				struct admissions *admissions, struct resolver *resolver,
				struct events *events);
void inspector_free(struct inspector *inspector);

struct inspector_figures {
	size_t flow_capacity, flows;
	uint64_t packets, allowed, denied, full;
};
struct inspector_figures inspector_figures(const struct inspector *inspector);
