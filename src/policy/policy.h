/*
 * The compiled policy: immutable facts → verdict. No I/O, no clock, no globals; the same function
 * serves DNS, SNI, Host, CONNECT, explain and the tests (DESIGN section 2).
 */
#pragma once

#include "policy/reason.h"
#include "policy/rules.h"

struct text;
struct policy;

/* One rule of a compiled policy. */
struct policy_rule {
	uint32_t position; /* in judging order, over network and application rules together */
	enum rule_kind kind;
	enum rule_action action;
	const char *label; /* "collection/rule", unique within the policy */
	const struct rule *rule;
	const struct rule_collection *collection;
};

/*
 * Compiles; takes over the contents of `set` (leaves it empty), also on failure.
 * Problems that the makers of rules could not see: two rules with one label (-EEXIST, label in
 * ret_detail, which the caller frees), -ENOMEM, -EINVAL (kind and fields disagree).
 */
int policy_compile(struct rule_set *set, struct policy **ret_policy, char **ret_detail);
void policy_free(struct policy *policy);

enum flow_protocol {
	FLOW_TCP,
	FLOW_UDP,
	FLOW_ICMP,
	FLOW_HTTP,  /* network rules see it as TCP */
	FLOW_HTTPS, /* likewise */
	FLOW_QUIC,  /* network rules see it as UDP, application rules as https */
};

struct policy_facts {
	struct ip_address source;
	struct ip_address destination; /* family 0: none (explicit proxy, explain by name) */
	enum flow_protocol protocol;
	uint16_t port;
	const struct name *name; /* from SNI, Host, CONNECT; NULL: none */
	/* Names for which `destination` was answered: network rules by FQDN match these, and, when
	   there is no destination, `name`. */
	const struct name *pinned_names;
	size_t pinned_name_count;
	/* Of FLOW_HTTPS and FLOW_QUIC, what the hello says besides its name: */
	bool name_left_out; /* it has none; `name` is one that the destination was answered for */
	bool has_encrypted_hello; /* it carries an encrypted one; `name` is the outer name */
};

struct verdict {
	enum rule_action action;
	enum reason reason;
	const struct policy_rule *rule; /* NULL when no rule decided; lives as long as the policy */
};

struct verdict policy_judge(const struct policy *policy, const struct policy_facts *facts);

/* Is `source` one of the protected ones, or the host itself? Both judges deny all others with
   SOURCE_NOT_PROTECTED. */
bool policy_protects(const struct policy *policy, const struct ip_address *source);

/* May `source` ask DNS for `name`: could any rule allow anything for it? (DNS_NAME when not.) */
struct verdict policy_judge_query(const struct policy *policy, const struct ip_address *source,
				  const struct name *name);

/* How many of the name's first bytes the rules leave open, as name_table_open_length(): what an
   asker could choose. 0: some rule names it exactly. */
size_t policy_open_length(const struct policy *policy, const struct name *name);

/* The guard: REASON_SPECIAL_ADDRESS or REASON_PRIVATE_ADDRESS, or REASON_RULE_ALLOWS when the
   address may be pinned and dialled. */
enum reason policy_check_address(const struct policy *policy, const struct ip_address *address);

/* Both together, as a flow meets them: what an application rule allows by name is still not dialled
   at an address that the guard refuses. */
struct verdict policy_judge_and_guard(const struct policy *policy,
				      const struct policy_facts *facts);

/* Rules in judging order: network rules first. */
size_t policy_rule_count(const struct policy *policy);
size_t policy_network_rule_count(const struct policy *policy);
const struct policy_rule *policy_rule_at(const struct policy *policy, size_t position);
const struct policy_rule *policy_rule_find(const struct policy *policy, const char *label);

/* Ports named by allow rules for this protocol, ascending, each once. */
const uint16_t *policy_ports(const struct policy *policy, enum application_protocol protocol,
			     size_t *ret_count);

/* Of the https ports, those of rules that inspect QUIC. */
const uint16_t *policy_quic_ports(const struct policy *policy, size_t *ret_count);

/* The exact names of https allow rules that let the server name be left out, ascending, each once.
 * A hello without one is to be judged by those that its destination was answered for. */
size_t policy_nameless_count(const struct policy *policy);
const struct name *policy_nameless_at(const struct policy *policy, size_t index);

/* Is there an https allow rule for the name, so that its addresses belong into the pinned set? */
bool policy_inspects_name(const struct policy *policy, const struct name *name);
/* Positions of the network rules that name this FQDN; at most `capacity` are written, all are
 * counted. */
size_t policy_network_rules_of_name(const struct policy *policy, const struct name *name,
				    uint32_t *positions, size_t capacity);
/* The exact names that the gateway keeps resolved by itself (network FQDNs, exact names of
 * application allow rules), each once, in no order. */
size_t policy_exact_name_count(const struct policy *policy);
struct policy_name_walk {
	size_t in_network_rules,
		in_application_rules; /* zero at the beginning, then the policy's */
};
/* False: there are no more. */
bool policy_next_exact_name(const struct policy *policy, struct policy_name_walk *walk,
			    struct name *ret_name);

/* Hits: the only thing in a policy that moves; relaxed atomics. */
void policy_count_hit(const struct policy *policy, const struct policy_rule *rule);
uint64_t policy_hits(const struct policy *policy, const struct policy_rule *rule);
/* Takes over the counters of rules with the same label from the policy that is being replaced. */
void policy_inherit_hits(struct policy *policy, const struct policy *previous);

/*
 * Writes for a person how the verdict comes about: the rule that decides, or for a deny the rules
 * that come nearest and what differs (source, port, protocol, apex of a wildcard …).
 */
void policy_explain(const struct policy *policy, const struct policy_facts *facts,
		    struct text *out);

/*
 * Gives up the patterns of its application rules as they were written: the tables have what
 * verdicts need, and a running gateway explains nothing. policy_explain() is of no use afterwards.
 */
void policy_forget_patterns(struct policy *policy);

size_t policy_memory(const struct policy *policy);
