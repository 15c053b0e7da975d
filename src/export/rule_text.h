/* Rules in words: tables, JSON, `check`. */
#pragma once

#include "base/text.h"
#include "policy/rules.h"

/* "*.hcp.eastus.azmk8s.io, mcr.microsoft.com", "203.0.113.0/24, ntp.ubuntu.com", "*",
   "AzureCloud.eastus (312 prefixes)"; after `most`
   items "… 12 more" (0: all). */
void rule_write_destinations(struct text *out, const struct rule *rule, enum rule_kind kind,
			     size_t most);
/* "https:443, http:80", "udp:123, udp:8000-8010", "tcp:*". */
void rule_write_ports(struct text *out, const struct rule *rule, enum rule_kind kind);
/* "*", "10.42.0.0/16". */
void rule_write_sources(struct text *out, const struct rule *rule);
/* "quic: inspect, ech: deny": the switches that are not at their default; "": all are. */
void rule_write_switches(struct text *out, const struct rule *rule);
/* One rule as a JSON object, whole. */
void rule_write_json(struct text *out, const struct rule_collection *collection,
		     const struct rule *rule);
