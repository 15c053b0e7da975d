/* The two halves of nft_apply(), which may be in two processes (nft_helper.c). */
#pragma once

#include "base/text.h"

/* Enough for any complaint that a person reads; the rest is read and dropped. */
#define NFT_WORDS_MAX 8192

/* A memory file with the ruleset, read from its start; the caller closes it. Negative errno. */
int nft_make_input(const char *ruleset);
/* Runs nft with the file as its input. As nft_apply(). */
int nft_run(int input, struct text *ret_error);
