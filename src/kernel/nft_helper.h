/*
 * A small process that runs nft for the gateway, so that the gateway itself, which reads what
 * strangers send, needs no right to execute anything.
 */
#pragma once

#include <sys/types.h>

#include "base/text.h"

struct nft_helper;

/*
 * Forks; call it before there are threads. `enter` runs in the new process, to give up what it does
 * not need; when it fails (negative), the process ends and so does every later request. It has no
 * descriptor of this process but its own and standard error. NULL: errno.
 */
struct nft_helper *nft_helper_start(int (*enter)(void *context), void *context);
void nft_helper_stop(struct nft_helper *helper);

/* As nft_apply(). -EPIPE: the process has ended. */
int nft_helper_apply(struct nft_helper *helper, const char *ruleset, struct text *ret_error);
