/*
 * Timed elements by netlink. Kernels before 6.12 keep the old timeout when an element is added
 * again, so each element is written three times in one transaction: added (there it is, whether or
 * not it was), deleted, added with its timeout. The kernel makes the result visible in one step: no
 * packet sees the element missing. A set holds both forms of an element until then, which is why
 * the ruleset makes the sets a little larger than their capacity.
 *
 * The messages are built straight into a buffer that is made once: this runs for every DNS answer.
 */
#include "kernel/sets.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "kernel/ruleset_impl.h"
#include "kernel/transaction_impl.h"

struct kernel_sets {
	struct transaction *transaction;
};

struct kernel_sets *kernel_sets_open(void)
{
	cleanup(free_memory) struct kernel_sets *sets = calloc(1, sizeof(*sets));

	if (!sets)
		return NULL;
	sets->transaction = transaction_open(3 * (size_t)KERNEL_SETS_PUT_MAX);
	if (!sets->transaction)
		return NULL;
	return take_pointer(sets);
}

void kernel_sets_close(struct kernel_sets *sets)
{
	if (!sets)
		return;
	transaction_close(sets->transaction);
	free(sets);
}

/* timeout_ms 0: none is written. */
static void put_message(struct transaction *transaction, uint16_t type, uint16_t flags,
			const struct kernel_element *element, uint64_t timeout_ms)
{
	struct nlmsghdr *message = transaction_message(transaction, type, flags);
	char name[RULESET_SET_NAME_SIZE];

	ruleset_set_name(name, element->number, element->address.family);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, RULESET_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name);
	struct nlattr *list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *item = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
	mnl_attr_put(message, NFTA_DATA_VALUE, ip_size(&element->address), element->address.bytes);
	mnl_attr_nest_end(message, key);
	if (timeout_ms)
		mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
	mnl_attr_nest_end(message, item);
	mnl_attr_nest_end(message, list);
	transaction_message_end(transaction, message);
}

static int put_all(struct transaction *transaction, const struct kernel_element *elements,
		   size_t count)
{
	transaction_begin(transaction);
	for (size_t i = 0; i < count; i++) {
		const struct kernel_element *element = &elements[i];

		put_message(transaction, NFT_MSG_NEWSETELEM, NLM_F_CREATE, element,
			    element->timeout_ms);
		put_message(transaction, NFT_MSG_DELSETELEM, 0, element, 0);
		put_message(transaction, NFT_MSG_NEWSETELEM, NLM_F_CREATE, element,
			    element->timeout_ms);
	}
	return transaction_commit(transaction);
}

int kernel_sets_put(struct kernel_sets *sets, const struct kernel_element *elements, size_t count)
{
	int result;

	if (count == 0)
		return 0;
	if (count > KERNEL_SETS_PUT_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++)
		if (elements[i].timeout_ms == 0 ||
		    (elements[i].address.family != 4 && elements[i].address.family != 6))
			return -EINVAL;
	result = put_all(sets->transaction, elements, count);
	/* It may be done or not, and nobody knows: once more does no harm. */
	return result == -ENOBUFS ? put_all(sets->transaction, elements, count) : result;
}
