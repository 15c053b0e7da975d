/* The chains of the table, as text; see ruleset.c. */
#pragma once

#include "kernel/ruleset_impl.h"

#define RULESET_PREFIX_NO_RULE        "no-rule"
#define RULESET_PREFIX_SOURCE         "source"
#define RULESET_PREFIX_SPECIAL        "special"
#define RULESET_PREFIX_OTHER_RESOLVER "other-resolver"
#define RULESET_PREFIX_DNS_OVER_TLS   "dns-over-tls"
#define RULESET_PREFIX_QUIC           "quic"
#define RULESET_PREFIX_SYN_DATA       "syn-data"
#define RULESET_PREFIX_INVALID        "invalid"
#define RULESET_PREFIX_GATEWAY_DOWN   "gateway-down"

/* `define` lines for marks, interfaces, sources and ports. */
void ruleset_add_definitions(struct text *out, const struct ruleset_settings *settings);
/* All chains but RULESET_QUEUE_CHAIN. */
void ruleset_add_chains(struct text *out, const struct ruleset_settings *settings,
			const struct ruleset_rule *rules, size_t rule_count);
/* The name of the index-th of these chains; NULL behind the last. */
const char *ruleset_chain_name(size_t index);
