/* The steps of a compilation (compile.c); all need policy->rules. -ENOMEM, and what else is said.
 */
#pragma once

#include "policy/policy_impl.h"

/* Zeroed room for `count` elements; of none too, so that NULL always means no memory. */
void *policy_make_list(struct policy *policy, size_t count, size_t size);

int policy_label_rules(struct policy *policy);
/* -EEXIST: two rules have one label, which *ret_entry has. */
int policy_index_labels(struct policy *policy, const struct policy_rule **ret_entry);

int policy_list_by_address(struct policy *policy);
int policy_list_ports(struct policy *policy, enum application_protocol protocol);
int policy_list_quic_ports(struct policy *policy);
int policy_list_nameless(struct policy *policy);

/* Adds what the rules themselves hold to what policy_make_list() counted. */
void policy_count_memory(struct policy *policy);
