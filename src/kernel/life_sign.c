/*
 * The life sign: a table that belongs to our netlink socket (NFT_TABLE_F_OWNER). Its one chain
 * stands just before the ruleset's prerouting chain and marks what arrives on the inside. When the
 * process ends, the kernel closes the socket and the table goes with it; no other process can
 * change it meanwhile, and a second gateway on the same host fails to make it.
 */
#include "kernel/host.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>

#include "base/cleanup.h"
#include "kernel/mark.h"
#include "kernel/ruleset.h"
#include "kernel/transaction_impl.h"

#define ALIVE_TABLE "sallyport_alive"
#define ALIVE_CHAIN "prerouting"
/* one before the ruleset's (NF_IP_PRI_MANGLE, -150), behind connection tracking (-200) */
#define ALIVE_PRIORITY (-151)

struct life_sign {
	struct transaction *transaction; /* owns the table */
};

DEFINE_CLEANUP(free_table, struct nftnl_table *, nftnl_table_free);
DEFINE_CLEANUP(free_chain, struct nftnl_chain *, nftnl_chain_free);
DEFINE_CLEANUP(free_rule, struct nftnl_rule *, nftnl_rule_free);
DEFINE_CLEANUP(close_transaction, struct transaction *, transaction_close);

static int put_table(struct transaction *transaction)
{
	cleanup(free_table) struct nftnl_table *table = nftnl_table_alloc();

	if (!table)
		return -ENOMEM;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, ALIVE_TABLE);
	nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	struct nlmsghdr *message =
		transaction_message(transaction, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	nftnl_table_nlmsg_build_payload(message, table);
	transaction_message_end(transaction, message);
	return 0;
}

static int put_chain(struct transaction *transaction)
{
	cleanup(free_chain) struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, ALIVE_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, ALIVE_CHAIN);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_PRE_ROUTING);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, ALIVE_PRIORITY);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	struct nlmsghdr *message = transaction_message(transaction, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nftnl_chain_nlmsg_build_payload(message, chain);
	transaction_message_end(transaction, message);
	return 0;
}

static int add_expression(struct nftnl_rule *rule, struct nftnl_expr *expression)
{
	if (!expression)
		return -ENOMEM;
	nftnl_rule_add_expr(rule, expression);
	return 0;
}

/* meta iifname "…" */
static int add_interface_match(struct nftnl_rule *rule, const char *interface)
{
	char name[IFNAMSIZ] = {0};
	struct nftnl_expr *meta = nftnl_expr_alloc("meta");
	struct nftnl_expr *compare = nftnl_expr_alloc("cmp");
	int r;

	memcpy(name, interface, strnlen(interface, sizeof(name) - 1));
	if (meta) {
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_IIFNAME);
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
	}
	if (compare) {
		nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
		nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
		nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, name, sizeof(name));
	}
	r = add_expression(rule, meta);
	return add_expression(rule, compare) ? -ENOMEM : r;
}

/* meta mark set MARK_ALIVE */
static int add_marking(struct nftnl_rule *rule)
{
	struct nftnl_expr *immediate = nftnl_expr_alloc("immediate");
	struct nftnl_expr *meta = nftnl_expr_alloc("meta");
	int r;

	if (immediate) {
		nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DATA, MARK_ALIVE);
	}
	if (meta) {
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, NFT_REG_1);
	}
	r = add_expression(rule, immediate);
	return add_expression(rule, meta) ? -ENOMEM : r;
}

static int put_rule(struct transaction *transaction, const char *interface)
{
	cleanup(free_rule) struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return -ENOMEM;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, ALIVE_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, ALIVE_CHAIN);
	if (add_interface_match(rule, interface) || add_marking(rule))
		return -ENOMEM;
	struct nlmsghdr *message =
		transaction_message(transaction, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nftnl_rule_nlmsg_build_payload(message, rule);
	transaction_message_end(transaction, message);
	return 0;
}

static int put_all(struct transaction *transaction, const char *const *interfaces, size_t count)
{
	int r;

	transaction_begin(transaction);
	r = put_table(transaction);
	if (r == 0)
		r = put_chain(transaction);
	for (size_t i = 0; i < count && r == 0; i++)
		r = put_rule(transaction, interfaces[i]);
	return r ? r : transaction_commit(transaction);
}

struct life_sign *life_sign_start(const char *const *interfaces, size_t count)
{
	cleanup(free_memory) struct life_sign *sign = calloc(1, sizeof(*sign));
	cleanup(close_transaction) struct transaction *transaction = transaction_open(2 + count);
	int r;

	if (!sign || !transaction)
		return NULL;
	r = put_all(transaction, interfaces, count);
	if (r) {
		errno = -r;
		return NULL;
	}
	sign->transaction = take_pointer(transaction);
	return take_pointer(sign);
}

void life_sign_stop(struct life_sign *sign)
{
	if (!sign)
		return;
	transaction_close(sign->transaction);
	free(sign);
}

int host_ruleset_flush(void)
{
	cleanup(free_table) struct nftnl_table *table = nftnl_table_alloc();
	cleanup(close_transaction) struct transaction *transaction = transaction_open(1);
	int r;

	if (!table || !transaction)
		return -errno;
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, RULESET_TABLE);
	transaction_begin(transaction);
	struct nlmsghdr *message = transaction_message(transaction, NFT_MSG_DELTABLE, 0);
	nftnl_table_nlmsg_build_payload(message, table);
	transaction_message_end(transaction, message);
	r = transaction_commit(transaction);
	return r == -ENOENT ? 0 : r;
}
