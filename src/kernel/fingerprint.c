/*
 * A dump of the table's chains. The kernel gives each its number of uses, which counts its rules
 * and the jumps to it, and a handle that no later chain of the same name gets again.
 *
 * Asking now and then costs less than listening: the kernel would tell a listener of every element
 * that a DNS answer puts into a set.
 */
#include "kernel/fingerprint.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "base/hash.h"
#include "kernel/listener_impl.h"
#include "kernel/ruleset.h"

#define MESSAGE_MAX    65536
#define RECEIVE_BUFFER (1 << 20)
#define REQUEST_SIZE   64

static int keep(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;

	if (mnl_attr_type_valid(attribute, NFTA_CHAIN_MAX) > 0)
		table[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static void add(uint64_t *fingerprint, const struct nlattr *attribute)
{
	struct hash_key so_far = {{*fingerprint, 0}};

	*fingerprint = hash_bytes(&so_far, mnl_attr_get_payload(attribute),
				  mnl_attr_get_payload_len(attribute));
}

static int add_chain(const struct nlmsghdr *message, void *data)
{
	static const enum nft_chain_attributes counted[] = {NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE,
							    NFTA_CHAIN_USE, NFTA_CHAIN_POLICY};
	const struct nlattr *table[NFTA_CHAIN_MAX + 1] = {NULL};

	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), keep, table) < 0 ||
	    !table[NFTA_CHAIN_TABLE] ||
	    mnl_attr_validate(table[NFTA_CHAIN_TABLE], MNL_TYPE_NUL_STRING) < 0 ||
	    strcmp(mnl_attr_get_str(table[NFTA_CHAIN_TABLE]), RULESET_TABLE) != 0)
		return MNL_CB_OK;
	for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++)
		if (table[counted[i]])
			add(data, table[counted[i]]);
	return MNL_CB_OK;
}

static int ask(struct listener *listener)
{
	char buffer[REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nfgen_family = NFPROTO_INET;
	header->version = NFNETLINK_V0;
	return listener_send(listener, message);
}

int ruleset_fingerprint(uint64_t *ret_fingerprint)
{
	struct listener listener;
	uint64_t fingerprint = 0;
	int r = listener_open(&listener, MESSAGE_MAX, RECEIVE_BUFFER, false);

	if (r)
		return r;
	r = ask(&listener);
	if (r == 0)
		r = listener_read_dump(&listener, add_chain, &fingerprint);
	listener_close(&listener);
	if (r == 0)
		*ret_fingerprint = fingerprint;
	return r;
}
