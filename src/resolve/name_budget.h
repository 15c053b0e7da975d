/*
 * How many new names below a wildcard each source may have looked up: what keeps an allowed
 * wildcard from being a tunnel. Shared by all workers (one lock inside), fixed capacity from
 * start-up. The time is an argument.
 */
#pragma once

#include "base/ip.h"
#include "name/name.h"

struct name_budget_limits {
	uint32_t new_names; /* a minute, for each source; 0: no limit */
	uint32_t burst;     /* at once, by a source that was quiet */
};

struct name_budget;

/* `sources`: how many are told apart at once. NULL: out of memory. */
struct name_budget *name_budget_new(size_t sources, const struct name_budget_limits *limits);
void name_budget_free(struct name_budget *budget);

/* After a reload. Sources keep what they have left, up to the new burst. */
void name_budget_set(struct name_budget *budget, const struct name_budget_limits *limits);

struct name_budget_ask {
	const struct ip_address *source;
	const struct name *name;
	uint16_t type;      /* DNS type; addresses and HTTPS are one and the same question */
	size_t open_length; /* policy_open_length() of the name, not 0 */
};

/* May the question be asked? Pays for it when it is new. */
bool name_budget_pay(struct name_budget *budget, const struct name_budget_ask *ask,
		     uint64_t now_ms);

/* What a new name costs, in names: one for each 64 bits that its open labels may carry. */
uint32_t name_budget_price(const char *open, size_t length);

struct name_budget_figures {
	size_t sources, source_capacity;
	uint64_t new_names; /* paid for */
	uint64_t refused;   /* beyond the budget of their source */
	uint64_t full;      /* refused, as their source found no place in the table */
};
struct name_budget_figures name_budget_figures(struct name_budget *budget);
