/*
 * One nftables transaction over netlink: messages between a batch's begin and end, taken by the
 * kernel as a whole or not at all (linux/netfilter/nfnetlink.h). The buffer is made once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* No message that we write is longer. */
#define TRANSACTION_MESSAGE_MAX 1024

struct transaction;

struct transaction *transaction_open(size_t messages); /* room for so many; NULL: errno */
void transaction_close(struct transaction *transaction);

void transaction_begin(struct transaction *transaction);
/* A message of `type` (NFT_MSG_…) for the inet family, to be filled and then ended. */
struct nlmsghdr *transaction_message(struct transaction *transaction, uint16_t type,
				     uint16_t flags);
void transaction_message_end(struct transaction *transaction, const struct nlmsghdr *message);
/* 0, or the kernel's first complaint: then nothing has changed. -ENOBUFS, -EPROTO: it may have. */
int transaction_commit(struct transaction *transaction);
