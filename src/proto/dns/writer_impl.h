/*
 * Writes a message into a buffer. The first write that does not fit marks the writer failed; later
 * ones change nothing, so a builder asks once at its end.
 */
#pragma once

#include "proto/dns/reader_impl.h"

/* Places of names written so far, by hash; a later name takes an earlier one's slot. */
#define DNS_WRITER_SLOTS 256

struct dns_writer {
	uint8_t *bytes;
	size_t size;
	size_t length;
	bool failed;
	struct dns_writer_slot {
		uint32_t hash;
		uint16_t offset; /* 0: free (the header is there) */
	} slots[DNS_WRITER_SLOTS];
};

void dns_writer_init(struct dns_writer *writer, uint8_t *bytes, size_t size);
void dns_write_bytes(struct dns_writer *writer, const void *bytes, size_t length);
void dns_write_u8(struct dns_writer *writer, uint8_t value);
void dns_write_u16(struct dns_writer *writer, uint16_t value);
void dns_write_u32(struct dns_writer *writer, uint32_t value);

/* Uncompressed, and not offered for later pointers. */
void dns_write_name(struct dns_writer *writer, const struct dns_wire_name *name);
/* Ends in a pointer where its end was written before in the same spelling. */
void dns_write_compressed_name(struct dns_writer *writer, const struct dns_wire_name *name);

/* Overwrites two bytes written earlier. */
void dns_patch_u16(struct dns_writer *writer, size_t offset, uint16_t value);

/* Reserves a 16-bit length and, at the end, fills in how many bytes followed it. */
size_t dns_begin_vector16(struct dns_writer *writer);
void dns_end_vector16(struct dns_writer *writer, size_t begin);

/* A header with the given counts of question and additional records. */
void dns_write_header(struct dns_writer *writer, uint16_t id, uint16_t flags, uint16_t questions,
		      uint16_t additional);

/* Our OPT record with an empty, open list of options; to be closed by dns_end_vector16(). */
size_t dns_begin_opt(struct dns_writer *writer, bool dnssec_ok);
