/* Writes DNS messages by hand, sound or broken, for the tests of src/proto/dns/. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/dns/message.h"

#define RESPONSE 0x8000
#define TC       0x0200
#define RD       0x0100
#define RA       0x0080
#define AD       0x0020
#define CD       0x0010

struct builder {
	uint8_t bytes[140000];
	size_t length;
};

static inline void put(struct builder *builder, const void *bytes, size_t length)
{
	assert_true(sizeof(builder->bytes) - builder->length >= length);
	memcpy(builder->bytes + builder->length, bytes, length);
	builder->length += length;
}

static inline void put8(struct builder *builder, unsigned int value)
{
	put(builder, (uint8_t[]){(uint8_t)value}, 1);
}

static inline void put16(struct builder *builder, unsigned int value)
{
	put8(builder, value >> 8);
	put8(builder, value);
}

static inline void put32(struct builder *builder, uint32_t value)
{
	put16(builder, value >> 16);
	put16(builder, value);
}

/* Labels only, without the end. */
static inline void put_labels(struct builder *builder, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, ".");

		put8(builder, (unsigned int)length);
		put(builder, text, length);
		text += length + (text[length] == '.');
	}
}

static inline void put_name(struct builder *builder, const char *text)
{
	put_labels(builder, text);
	put8(builder, 0);
}

static inline void put_pointer(struct builder *builder, size_t offset)
{
	put16(builder, 0xc000 | (unsigned int)offset);
}

static inline void start(struct builder *builder, unsigned int flags, unsigned int answers,
			 unsigned int authority, unsigned int additional)
{
	builder->length = 0;
	put16(builder, 0x1234);
	put16(builder, flags);
	put16(builder, 1);
	put16(builder, answers);
	put16(builder, authority);
	put16(builder, additional);
}

static inline void question(struct builder *builder, const char *name, unsigned int type)
{
	put_name(builder, name);
	put16(builder, type);
	put16(builder, 1);
}

/* Type to RDLENGTH; returns where the RDATA begins. */
static inline size_t open_record(struct builder *builder, unsigned int type, uint32_t ttl)
{
	put16(builder, type);
	put16(builder, 1);
	put32(builder, ttl);
	put16(builder, 0);
	return builder->length;
}

static inline void close_record(struct builder *builder, size_t begin)
{
	size_t length = builder->length - begin;

	builder->bytes[begin - 2] = (uint8_t)(length >> 8);
	builder->bytes[begin - 1] = (uint8_t)length;
}

static inline void a_record(struct builder *builder, const char *owner, uint32_t ttl,
			    uint32_t address)
{
	put_name(builder, owner);
	size_t begin = open_record(builder, DNS_TYPE_A, ttl);
	put32(builder, address);
	close_record(builder, begin);
}

static inline void opt_record(struct builder *builder, unsigned int size, uint32_t ttl)
{
	put8(builder, 0);
	put16(builder, DNS_TYPE_OPT);
	put16(builder, size);
	put32(builder, ttl);
	put16(builder, 0);
}

static inline void parameter(struct builder *builder, unsigned int key, const void *value,
			     size_t length)
{
	put16(builder, key);
	put16(builder, (unsigned int)length);
	put(builder, value, length);
}

/* A copy that ends where its allocation does, so that a sanitizer sees an over-read. */
static inline uint8_t *exact(const struct builder *builder)
{
	uint8_t *copy = malloc(builder->length ? builder->length : 1);

	assert_non_null(copy);
	memcpy(copy, builder->bytes, builder->length);
	return copy;
}

static inline int parse_query(const struct builder *builder, struct dns_query *ret_query)
{
	uint8_t *copy = exact(builder);
	int result = dns_query_parse(copy, builder->length, ret_query);

	free(copy);
	return result;
}

static inline int parse_answer(const struct builder *builder, struct dns_record *records,
			       size_t capacity, struct dns_answer *ret_answer)
{
	uint8_t *copy = exact(builder);
	int result = dns_answer_parse(copy, builder->length, records, capacity, ret_answer);

	free(copy);
	return result;
}
