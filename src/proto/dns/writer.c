/*
 * Compression: each label of a name that was written in full is remembered by the hash of the name
 * from there on, in a table with one slot a hash. A slot found is compared byte by byte with what
 * was written, so a clash costs compression, never correctness, and the work per name is bounded by
 * its own length. Offsets above 14 bits cannot be pointed to and are not remembered.
 */
#include "proto/dns/writer_impl.h"

#include <string.h>

#define POINTER_BITS 0xc000
#define POINTER_MAX  0x3fff
#define LABELS_MAX   127
#define HASH_BASIS   0x811c9dc5u /* FNV-1a */
#define HASH_PRIME   0x01000193u

void dns_writer_init(struct dns_writer *writer, uint8_t *bytes, size_t size)
{
	*writer = (struct dns_writer){.bytes = bytes, .size = size};
}

void dns_write_bytes(struct dns_writer *writer, const void *bytes, size_t length)
{
	if (writer->failed || writer->size - writer->length < length) {
		writer->failed = true;
		return;
	}
	memcpy(writer->bytes + writer->length, bytes, length);
	writer->length += length;
}

void dns_write_u8(struct dns_writer *writer, uint8_t value)
{
	dns_write_bytes(writer, &value, 1);
}

void dns_write_u16(struct dns_writer *writer, uint16_t value)
{
	dns_write_bytes(writer, (uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

void dns_write_u32(struct dns_writer *writer, uint32_t value)
{
	dns_write_u16(writer, (uint16_t)(value >> 16));
	dns_write_u16(writer, (uint16_t)value);
}

void dns_write_name(struct dns_writer *writer, const struct dns_wire_name *name)
{
	dns_write_bytes(writer, name->bytes, name->length);
}

void dns_patch_u16(struct dns_writer *writer, size_t offset, uint16_t value)
{
	if (writer->failed)
		return;
	writer->bytes[offset] = (uint8_t)(value >> 8);
	writer->bytes[offset + 1] = (uint8_t)value;
}

size_t dns_begin_vector16(struct dns_writer *writer)
{
	size_t begin = writer->length;

	dns_write_u16(writer, 0);
	return begin;
}

void dns_end_vector16(struct dns_writer *writer, size_t begin)
{
	dns_patch_u16(writer, begin, (uint16_t)(writer->length - begin - 2));
}

/* Where each label of a name starts, and the hash of the name from there on. */
struct suffixes {
	uint8_t starts[LABELS_MAX];
	uint32_t hashes[LABELS_MAX];
	size_t count; /* without the root */
};

static void find_suffixes(const struct dns_wire_name *name, struct suffixes *suffixes)
{
	uint32_t hash = HASH_BASIS;

	suffixes->count = 0;
	for (size_t at = 0; name->bytes[at] > 0; at += name->bytes[at] + 1u)
		suffixes->starts[suffixes->count++] = (uint8_t)at;
	for (size_t i = suffixes->count; i-- > 0;) {
		const uint8_t *label = name->bytes + suffixes->starts[i];

		for (size_t j = 0; j <= *label; j++)
			hash = (hash ^ label[j]) * HASH_PRIME;
		suffixes->hashes[i] = hash;
	}
}

/* Is the name that we wrote at `offset` exactly `suffix`? Our own pointers lead backwards. */
static bool written_there(const struct dns_writer *writer, size_t offset, const uint8_t *suffix)
{
	for (;;) {
		const uint8_t *label = writer->bytes + offset;

		if (label[0] > DNS_LABEL_MAX) {
			offset = (size_t)(label[0] << 8 | label[1]) & POINTER_MAX;
			continue;
		}
		if (memcmp(label, suffix, label[0] + 1u) != 0)
			return false;
		if (label[0] == 0)
			return true;
		offset += label[0] + 1u;
		suffix += label[0] + 1u;
	}
}

/* The place of an earlier equal suffix, or 0. */
static uint16_t recall(const struct dns_writer *writer, uint32_t hash, const uint8_t *suffix)
{
	const struct dns_writer_slot *slot = &writer->slots[hash % DNS_WRITER_SLOTS];

	if (slot->offset == 0 || slot->hash != hash || !written_there(writer, slot->offset, suffix))
		return 0;
	return slot->offset;
}

static void remember(struct dns_writer *writer, uint32_t hash, size_t offset)
{
	if (offset <= POINTER_MAX)
		writer->slots[hash % DNS_WRITER_SLOTS] =
			(struct dns_writer_slot){.hash = hash, .offset = (uint16_t)offset};
}

/* Remembers the labels written in full; only once all of the name is there to be compared with. */
static void remember_labels(struct dns_writer *writer, const struct suffixes *suffixes,
			    size_t count, size_t start)
{
	for (size_t i = 0; i < count && !writer->failed; i++)
		remember(writer, suffixes->hashes[i], start + suffixes->starts[i]);
}

void dns_write_compressed_name(struct dns_writer *writer, const struct dns_wire_name *name)
{
	size_t start = writer->length, plain = 0;
	struct suffixes suffixes;
	uint16_t earlier = 0;

	find_suffixes(name, &suffixes);
	for (; plain < suffixes.count; plain++) {
		earlier = recall(writer, suffixes.hashes[plain],
				 name->bytes + suffixes.starts[plain]);
		if (earlier > 0)
			break;
	}
	if (earlier > 0) {
		dns_write_bytes(writer, name->bytes, suffixes.starts[plain]);
		dns_write_u16(writer, (uint16_t)(POINTER_BITS | earlier));
	} else {
		dns_write_name(writer, name);
	}
	remember_labels(writer, &suffixes, plain, start);
}

void dns_write_header(struct dns_writer *writer, uint16_t id, uint16_t flags, uint16_t questions,
		      uint16_t additional)
{
	dns_write_u16(writer, id);
	dns_write_u16(writer, flags);
	dns_write_u16(writer, questions);
	dns_write_u16(writer, 0);
	dns_write_u16(writer, 0);
	dns_write_u16(writer, additional);
}

size_t dns_begin_opt(struct dns_writer *writer, bool dnssec_ok)
{
	dns_write_u8(writer, 0); /* the root */
	dns_write_u16(writer, DNS_TYPE_OPT);
	dns_write_u16(writer, DNS_UDP_OWN);
	dns_write_u32(writer, dnssec_ok ? DNS_OPT_DNSSEC_OK : 0);
	return dns_begin_vector16(writer);
}
