/*
 * What a real TLS stack reads: an OpenSSL server is given the bytes that a client sent and says
 * which names it found in the hellos. It prefers a group that few clients offer a share of, so that
 * it asks TLS 1.3 clients for a second hello and reads that too.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ORACLE_HELLOS_MAX 4
#define ORACLE_NAME_SIZE  256

struct oracle_reading {
	size_t count;                                    /* hellos that it took for such */
	char names[ORACLE_HELLOS_MAX][ORACLE_NAME_SIZE]; /* "": without a server name */
};

struct oracle_reading oracle_read(const uint8_t *bytes, size_t length);
