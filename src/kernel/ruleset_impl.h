/* Pieces of the ruleset's text; see ruleset.c. */
#pragma once

#include "kernel/ruleset.h"

/* A rule logs at most so much; what it does with the packet never depends on it. */
#define RULESET_LOG_LIMIT "limit rate 2000/second burst 4000 packets "

/* The writers below set text->failed when they run out of memory. */

/*
 * "{ 10.0.0.0/8, 192.168.0.0/16 }": the prefixes of one family (4 or 6), ordered, with what
 * overlaps or adjoins merged, so that nft finds no conflict. False: none of that family, nothing is
 * written.
 */
bool ruleset_add_prefixes(struct text *text, const struct ip_prefix *prefixes, size_t count,
			  uint8_t family);

/* "{ 80, 443, 9000-9010 }", likewise. False: no ports. */
bool ruleset_add_ports(struct text *text, const struct ruleset_ports *ports, size_t count);
bool ruleset_add_port_numbers(struct text *text, const uint16_t *ports, size_t count);

/* The lines of one network rule for the chain network_rules. */
void ruleset_add_rule(struct text *text, const struct ruleset_rule *rule);

/* "names_<number>_v4", or the pinned set for number 0. */
#define RULESET_SET_NAME_SIZE 32
void ruleset_set_name(char name[RULESET_SET_NAME_SIZE], uint32_t number, uint8_t family);
