/* How one rule compares with one flow: what explain.c says about it. */
#pragma once

#include "policy/policy_impl.h"

/* Ordered: the later, the nearer. */
enum target_relation {
	TARGET_UNRELATED,
	TARGET_OUTSIDE,      /* network rule: the destination is in none of its prefixes */
	TARGET_FIRST_LABEL,  /* under the suffix of a pattern whose star the label does not fit */
	TARGET_ONE_LABEL,    /* likewise, but the star would have to cover a dot */
	TARGET_BELOW,        /* below a name that the rule names alone */
	TARGET_APEX,         /* the name above a wildcard */
	TARGET_NEVER_PINNED, /* an FQDN of the rule, but the destination was not answered for it */
	TARGET_ANY,          /* matches, but only because the rule is for any destination */
	TARGET_MATCHES,
};

struct comparison {
	const struct policy_rule *entry;
	const struct name *fqdn; /* network rules: the one that is meant, or NULL */
	struct pattern pattern;  /* application rules: likewise, if there is one */
	enum target_relation target;
	unsigned int rank; /* 0: everything matches; the higher, the farther */
	bool has_pattern, source_matches, protocol_matches, port_matches;
};

struct comparison policy_compare(const struct policy_rule *entry, const struct policy_facts *facts);

/* The allow rules that come nearest, nearest first; returns their count (at most `capacity`). */
size_t policy_find_nearest(const struct policy *policy, const struct policy_facts *facts,
			   struct comparison *nearest, size_t capacity);

/*
 * "matches the name but not the port: rule allows https:443". `decider` is the deny rule that
 * decided, needed when the comparison is of rank 0.
 */
void policy_explain_differences(struct text *out, const struct comparison *comparison,
				const struct policy_facts *facts,
				const struct policy_rule *decider);
