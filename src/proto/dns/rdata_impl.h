/* Copies RDATA from one message into another. */
#pragma once

#include "proto/dns/writer_impl.h"

/*
 * Writes RDLENGTH and RDATA of `view` (a record of the message that starts at `message`). Names in
 * the types that may hold compressed ones are written anew; all else goes over byte for byte.
 * SVCB and HTTPS records lose `ech`. False: malformed.
 */
bool dns_rdata_copy(struct dns_writer *writer, const struct dns_record_view *view,
		    const uint8_t *message);
