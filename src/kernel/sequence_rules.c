/*
 * Each rule loads the client's four-tuple, as a packet of the answer shows it, into the 32-bit
 * registers one after the other, in the order of the map's key: client address, client port, server
 * address, server port. Ports fill a register each; the kernel clears its other half. Behind the
 * key comes the acknowledged sequence number, as it stands in the packet.
 *
 * Comparing. nftables compares a field with a constant, not with what a map gives. But it can look
 * for a pair in a set: the remembered number is put there beside itself, and then the remembered
 * and the packet's number are looked for. Whatever else stands in the set are other equal pairs.
 * The remembered number goes through the packet's mark: nft 1.0.6 ends with a failed assertion,
 * whatever it was to list, when it reads a rule in which a map's answer is part of a key.
 */
#include "kernel/sequence_rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "base/cleanup.h"
#include "kernel/ruleset.h"
#include "kernel/transaction_impl.h"

#define TCP_SOURCE_PORT      0 /* offsets in the TCP header, RFC 9293 section 3.1 */
#define TCP_DESTINATION_PORT 2
#define TCP_ACKNOWLEDGEMENT  8

DEFINE_CLEANUP(free_rule, struct nftnl_rule *, nftnl_rule_free);
DEFINE_CLEANUP(close_transaction, struct transaction *, transaction_close);

struct family {
	uint8_t protocol;                           /* NFPROTO_… */
	uint32_t source, destination, address_size; /* offsets in the IP header */
	const char *map;
};

static const struct family s_families[] = {
	{NFPROTO_IPV4, 12, 16, 4, RULESET_FIRST_V4},
	{NFPROTO_IPV6, 8, 24, 16, RULESET_FIRST_V6},
};

static struct nftnl_expr *add_expression(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expression = nftnl_expr_alloc(name);

	if (expression)
		nftnl_rule_add_expr(rule, expression);
	return expression;
}

static int add_family_match(struct nftnl_rule *rule, uint8_t protocol)
{
	struct nftnl_expr *expression = add_expression(rule, "meta");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, NFT_META_NFPROTO);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG32_00);
	expression = add_expression(rule, "cmp");
	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, &protocol, sizeof(protocol));
	return 0;
}

/* Loads a field into the register and moves on behind it. */
static int add_load(struct nftnl_rule *rule, uint32_t base, uint32_t offset, uint32_t size,
		    uint32_t *next_register)
{
	struct nftnl_expr *expression = add_expression(rule, "payload");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, size);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, *next_register);
	*next_register += (size + 3) / 4;
	return 0;
}

static int add_map_step(struct nftnl_rule *rule, const char *map, uint32_t operation,
			uint32_t data_register)
{
	struct nftnl_expr *expression = add_expression(rule, "dynset");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_str(expression, NFTNL_EXPR_DYNSET_SET_NAME, map);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_OP, operation);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG32_00);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SREG_DATA, data_register);
	return 0;
}

/* Moves on behind the key. */
static int add_key(struct nftnl_rule *rule, const struct family *family, uint32_t *next_register)
{
	if (add_family_match(rule, family->protocol) < 0 ||
	    add_load(rule, NFT_PAYLOAD_NETWORK_HEADER, family->destination, family->address_size,
		     next_register) < 0 ||
	    add_load(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_DESTINATION_PORT, 2, next_register) <
		    0 ||
	    add_load(rule, NFT_PAYLOAD_NETWORK_HEADER, family->source, family->address_size,
		     next_register) < 0 ||
	    add_load(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_SOURCE_PORT, 2, next_register) < 0)
		return -ENOMEM;
	return 0;
}

static int fill_step(struct nftnl_rule *rule, const struct family *family, uint32_t operation)
{
	uint32_t at = NFT_REG32_00, data;

	if (add_key(rule, family, &at) < 0)
		return -ENOMEM;
	data = at;
	if (add_load(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_ACKNOWLEDGEMENT, 4, &at) < 0)
		return -ENOMEM;
	return add_map_step(rule, family->map, operation, data);
}

static int fill_remember(struct nftnl_rule *rule, const struct family *family)
{
	return fill_step(rule, family, NFT_DYNSET_OP_ADD);
}

static int fill_forget(struct nftnl_rule *rule, const struct family *family)
{
	return fill_step(rule, family, NFT_DYNSET_OP_DELETE);
}

/* What `map` has for the key; the rule ends where it has nothing. */
static int add_lookup(struct nftnl_rule *rule, const char *map, uint32_t to)
{
	struct nftnl_expr *expression = add_expression(rule, "lookup");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, map);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG32_00);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_DREG, to);
	return 0;
}

static int add_pair(struct nftnl_rule *rule, uint32_t from)
{
	struct nftnl_expr *expression = add_expression(rule, "dynset");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_str(expression, NFTNL_EXPR_DYNSET_SET_NAME, RULESET_EQUAL);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_ADD);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_DYNSET_SREG_KEY, from);
	return 0;
}

static int add_pair_match(struct nftnl_rule *rule, uint32_t from)
{
	struct nftnl_expr *expression = add_expression(rule, "lookup");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, RULESET_EQUAL);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, from);
	return 0;
}

static int add_mark(struct nftnl_rule *rule, uint16_t attribute, uint32_t at)
{
	struct nftnl_expr *expression = add_expression(rule, "meta");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(expression, attribute, at);
	return 0;
}

/* No other chain may take the number for a mark. */
static int add_clearing_of_mark(struct nftnl_rule *rule, uint32_t at)
{
	static const uint32_t none;
	struct nftnl_expr *expression = add_expression(rule, "immediate");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, at);
	nftnl_expr_set(expression, NFTNL_EXPR_IMM_DATA, &none, sizeof(none));
	return add_mark(rule, NFTNL_EXPR_META_SREG, at);
}

static int add_accept(struct nftnl_rule *rule)
{
	struct nftnl_expr *expression = add_expression(rule, "immediate");

	if (!expression)
		return -ENOMEM;
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, NF_ACCEPT);
	return 0;
}

static int fill_compare(struct nftnl_rule *rule, const struct family *family)
{
	uint32_t left = NFT_REG32_00, right;

	if (add_key(rule, family, &left) < 0)
		return -ENOMEM;
	right = left + 1;
	if (add_lookup(rule, family->map, left) < 0 ||
	    add_mark(rule, NFTNL_EXPR_META_SREG, left) < 0 ||
	    add_mark(rule, NFTNL_EXPR_META_DREG, left) < 0 ||
	    add_mark(rule, NFTNL_EXPR_META_DREG, right) < 0 || add_pair(rule, left) < 0 ||
	    add_clearing_of_mark(rule, right) < 0 ||
	    add_load(rule, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_ACKNOWLEDGEMENT, 4, &right) < 0 ||
	    add_pair_match(rule, left) < 0)
		return -ENOMEM;
	return add_accept(rule);
}

static struct nftnl_rule *make_rule(const char *chain)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return NULL;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	return rule;
}

static void add_message(struct transaction *transaction, uint16_t type, uint16_t flags,
			struct nftnl_rule *rule)
{
	struct nlmsghdr *message = transaction_message(transaction, type, flags);

	nftnl_rule_nlmsg_build_payload(message, rule);
	transaction_message_end(transaction, message);
}

static int refill_chain(struct transaction *transaction, const char *chain,
			int (*fill)(struct nftnl_rule *rule, const struct family *family))
{
	cleanup(free_rule) struct nftnl_rule *all = make_rule(chain);

	if (!all)
		return -ENOMEM;
	add_message(transaction, NFT_MSG_DELRULE, 0, all);
	for (size_t i = 0; i < sizeof(s_families) / sizeof(s_families[0]); i++) {
		cleanup(free_rule) struct nftnl_rule *rule = make_rule(chain);

		if (!rule || fill(rule, &s_families[i]) < 0)
			return -ENOMEM;
		add_message(transaction, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, rule);
	}
	return 0;
}

int sequence_rules_install(void)
{
	cleanup(close_transaction) struct transaction *transaction = transaction_open(9);
	int error;

	if (!transaction)
		return -errno;
	transaction_begin(transaction);
	error = refill_chain(transaction, SEQUENCE_REMEMBER_CHAIN, fill_remember);
	if (error == 0)
		error = refill_chain(transaction, SEQUENCE_FORGET_CHAIN, fill_forget);
	if (error == 0)
		error = refill_chain(transaction, SEQUENCE_COMPARE_CHAIN, fill_compare);
	return error < 0 ? error : transaction_commit(transaction);
}
