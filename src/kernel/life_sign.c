/*
 * The life sign: a table that belongs to our netlink socket (NFT_TABLE_F_OWNER). Its first chain
 * stands just before the ruleset's prerouting chain and marks what arrives on the inside. When the
 * process ends, the kernel closes the socket and the table goes with it; no other process can
 * change it meanwhile, and a second gateway on the same host fails to make it.
 *
 * Its second chain stands behind all of the ruleset's. The ruleset takes the mark from every packet
 * that it lets pass, so one that still carries it was judged by nobody: the ruleset is not there.
 * Anybody may take that away (`nft flush ruleset`, which a restart of nftables.service begins with,
 * leaves owned tables alone), and a host that forwards would be open until it is put back.
 *
 * The kernel tracks and translates connections only while some rule or chain needs it. Were the
 * ruleset's the last ones, the answers of running flows would meanwhile reach the host itself,
 * which resets them. So the guard names `ct`, and an empty chain of type nat stands beside it.
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

struct base_chain {
	const char *name, *type;
	uint32_t hook;
	int32_t priority;
};

/* one before the ruleset's (NF_IP_PRI_MANGLE, -150), behind connection tracking (-200) */
static const struct base_chain s_sign = {"prerouting", "filter", NF_INET_PRE_ROUTING, -151};
/* one behind the ruleset's last (chain `released`) */
static const struct base_chain s_guard = {"guard", "filter", NF_INET_FORWARD, 2};
static const struct base_chain s_translation = {"translation", "nat", NF_INET_POST_ROUTING, 101};

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

static int put_chain(struct transaction *transaction, const struct base_chain *base)
{
	cleanup(free_chain) struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain)
		return -ENOMEM;
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, ALIVE_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, base->name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, base->type);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, base->hook);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, base->priority);
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

/* meta mark & MARK_STATE_MASK == MARK_ALIVE, load ct state, drop */
static int add_dropping(struct nftnl_rule *rule)
{
	static const uint32_t mask = MARK_STATE_MASK, none = 0, alive = MARK_ALIVE;
	struct nftnl_expr *meta = nftnl_expr_alloc("meta");
	struct nftnl_expr *bitwise = nftnl_expr_alloc("bitwise");
	struct nftnl_expr *compare = nftnl_expr_alloc("cmp");
	struct nftnl_expr *tracking = nftnl_expr_alloc("ct");
	struct nftnl_expr *verdict = nftnl_expr_alloc("immediate");
	int r;

	if (meta) {
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, NFT_REG_1);
	}
	if (bitwise) {
		nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
		nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
		nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
		nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
		nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &none, sizeof(none));
	}
	if (compare) {
		nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
		nftnl_expr_set_u32(compare, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
		nftnl_expr_set(compare, NFTNL_EXPR_CMP_DATA, &alive, sizeof(alive));
	}
	if (tracking) {
		nftnl_expr_set_u32(tracking, NFTNL_EXPR_CT_KEY, NFT_CT_STATE);
		nftnl_expr_set_u32(tracking, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	}
	if (verdict) {
		nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(verdict, NFTNL_EXPR_IMM_VERDICT, NF_DROP);
	}
	r = add_expression(rule, meta);
	r |= add_expression(rule, bitwise);
	r |= add_expression(rule, compare);
	r |= add_expression(rule, tracking);
	return r | add_expression(rule, verdict) ? -ENOMEM : 0;
}

/* Of the sign for an interface; of the guard without one. */
static int put_rule(struct transaction *transaction, const struct base_chain *base,
		    const char *interface)
{
	cleanup(free_rule) struct nftnl_rule *rule = nftnl_rule_alloc();
	int r;

	if (!rule)
		return -ENOMEM;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, ALIVE_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, base->name);
	r = interface ? add_interface_match(rule, interface) : add_dropping(rule);
	if (r == 0 && interface)
		r = add_marking(rule);
	if (r)
		return r;
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
		r = put_chain(transaction, &s_guard);
	if (r == 0)
		r = put_rule(transaction, &s_guard, NULL);
	if (r == 0)
		r = put_chain(transaction, &s_translation);
	if (r == 0)
		r = put_chain(transaction, &s_sign);
	for (size_t i = 0; i < count && r == 0; i++)
		r = put_rule(transaction, &s_sign, interfaces[i]);
	return r ? r : transaction_commit(transaction);
}

struct life_sign *life_sign_start(const char *const *interfaces, size_t count)
{
	cleanup(free_memory) struct life_sign *sign = calloc(1, sizeof(*sign));
	cleanup(close_transaction) struct transaction *transaction = transaction_open(5 + count);
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
