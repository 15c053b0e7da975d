/* Editing a request head in place, where a proxy has to. */
#pragma once

#include "proto/http/head.h"

#include <stdint.h>

/*
 * `head` is the head that gave `request`. With `by_proxy` its target gets the origin form, and the
 * fields Proxy-Connection and Proxy-Authorization go; in any case fields Upgrade that offer HTTP/2
 * go. Returns the new length, not more than the old; the new head ENDS where the old one did.
 * ret_upgrade: an offer of another protocol is left. The request's slices are void afterwards.
 */
size_t http_head_edit(uint8_t *head, const struct http_request *request, bool by_proxy,
		      bool *ret_upgrade);
