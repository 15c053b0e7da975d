/* Pieces of an nftables ruleset. */
#pragma once

#include "export/parts_impl.h"

/* "set NAME4 { … }": those of the list that are of `family`, 4 or 6; there may be none. */
void nftables_add_set(struct text *out, const char *name, int family,
		      const struct part_prefixes *list);
/* " 25, 465-587 }" */
void nftables_add_ports(struct text *out, const struct rule *rule);
