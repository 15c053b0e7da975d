/* Whole-ruleset transactions through the nft program (a child; libnftables may exit the process).
 */
#pragma once

#include "base/text.h"

/* Feeds `ruleset` to `nft -f -`. 0, -ENOENT (no nft program), -EREMOTEIO (refused; its words are
 * added to `ret_error`). */
int nft_apply(const char *ruleset, struct text *ret_error);
