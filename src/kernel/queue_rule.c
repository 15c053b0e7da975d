/*
 * The one rule of chain RULESET_QUEUE_CHAIN. nftables' `queue` is a kernel option of its own and
 * not everywhere; the xt target NFQUEUE, wrapped by nft_compat, does the same. Both spread by a
 * hash of the two addresses, both directions alike, and without their bypass flag they drop when
 * nobody listens.
 */
#include "kernel/queue.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "base/cleanup.h"
#include "kernel/ruleset.h"
#include "kernel/transaction_impl.h"

DEFINE_CLEANUP(free_rule, struct nftnl_rule *, nftnl_rule_free);
DEFINE_CLEANUP(close_transaction, struct transaction *, transaction_close);

static struct nftnl_expr *make_queue(uint16_t first, uint16_t count)
{
	struct nftnl_expr *expression = nftnl_expr_alloc("queue");

	if (!expression)
		return NULL;
	nftnl_expr_set_u16(expression, NFTNL_EXPR_QUEUE_NUM, first);
	nftnl_expr_set_u16(expression, NFTNL_EXPR_QUEUE_TOTAL, count);
	nftnl_expr_set_u16(expression, NFTNL_EXPR_QUEUE_FLAGS, 0);
	return expression;
}

static struct nftnl_expr *make_target(uint16_t first, uint16_t count)
{
	const uint32_t size = (sizeof(struct xt_NFQ_info_v3) + 7) & ~7u; /* XT_ALIGN */
	struct nftnl_expr *expression = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info = calloc(1, size);

	if (!expression || !info) {
		free(info);
		if (expression)
			nftnl_expr_free(expression);
		return NULL;
	}
	info->queuenum = first;
	info->queues_total = count;
	nftnl_expr_set_str(expression, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(expression, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(expression, NFTNL_EXPR_TG_INFO, info, size); /* takes it over */
	return expression; /* NOLINT(clang-analyzer-unix.Malloc): as said above */
}

static struct nftnl_rule *make_rule(void)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return NULL;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, RULESET_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, RULESET_QUEUE_CHAIN);
	return rule;
}

/* Empties the chain and puts the rule, in one step. Takes the expression over. */
static int replace_rule(struct transaction *transaction, struct nftnl_expr *expression)
{
	struct nlmsghdr *message;
	cleanup(free_rule) struct nftnl_rule *rule = make_rule();

	if (!rule || !expression) {
		if (expression)
			nftnl_expr_free(expression);
		return -ENOMEM;
	}
	transaction_begin(transaction);
	message = transaction_message(transaction, NFT_MSG_DELRULE, 0);
	nftnl_rule_nlmsg_build_payload(message, rule);
	transaction_message_end(transaction, message);
	nftnl_rule_add_expr(rule, expression);
	message = transaction_message(transaction, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nftnl_rule_nlmsg_build_payload(message, rule);
	transaction_message_end(transaction, message);
	return transaction_commit(transaction);
}

int queue_rule_install(uint16_t first, uint16_t count)
{
	cleanup(close_transaction) struct transaction *transaction = NULL;
	int r;

	if (count == 0 || (unsigned int)first + count > UINT16_MAX + 1u)
		return -EINVAL;
	transaction = transaction_open(2);
	if (!transaction)
		return -errno;
	r = replace_rule(transaction, make_queue(first, count));
	if (r == -ENOENT || r == -EOPNOTSUPP)
		r = replace_rule(transaction, make_target(first, count));
	return r;
}
