/* The recorded hellos in hellos/ and what is in them. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/cursor.h"

#define HELLO_FILE_MAX 4096

struct recorded_hello {
	const char *file;
	const char *server_name; /* NULL: none */
	const char *alpn;        /* extension body or NULL */
	bool encrypted, early_data;
};

static const struct recorded_hello recorded_hellos[] = {
	{"openssl_tls13", "mcr.microsoft.com", NULL, false, false},
	{"openssl_tls12", "management.azure.com", NULL, false, false},
	{"openssl_no_name", NULL, NULL, false, false},
	{"openssl_early_data", "mcr.microsoft.com", NULL, false, true},
	{"gnutls", "packages.microsoft.com", NULL, false, false},
	{"curl_alpn", "eastus.data.mcr.microsoft.com", "\x00\x0c\x02h2\x08http/1.1", false, false},
	{"post_quantum", "eastus.data.mcr.microsoft.com", "\x00\x0c\x02h2\x08http/1.1", false,
	 false},
	{"grease_ech", "eastus.data.mcr.microsoft.com", "\x00\x0c\x02h2\x08http/1.1", true, false},
	{"gnutls_tls12", "vault.azure.net", NULL, false, false},
	{"go", "sts.windows.net", "\x00\x0c\x02h2\x08http/1.1", false, false},
	{"java", "login.microsoftonline.com", NULL, false, false},
	{"nss", "graph.microsoft.com", NULL, false, false},
	{"nss_ech", "graph.microsoft.com", NULL, true, false},
	{"chromium", "mcr.microsoft.com", "\x00\x0c\x02h2\x08http/1.1", true, false},
};
#define RECORDED_HELLOS (sizeof(recorded_hellos) / sizeof(recorded_hellos[0]))

/* The file's bytes: one record in all of recorded_hellos. */
static inline size_t load_hello(const char *file, uint8_t bytes[HELLO_FILE_MAX])
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/unit/proto/hellos/%s", source ? source : ".", file);
	FILE *stream = fopen(path, "rb");
	if (!stream)
		fail_msg("cannot open %s", path);
	size_t length = fread(bytes, 1, HELLO_FILE_MAX, stream);
	fclose(stream);
	assert_in_range(length, 6, HELLO_FILE_MAX - 1);
	return length;
}

static inline void assert_facts(const struct client_hello *hello,
				const struct recorded_hello *expected)
{
	assert_int_equal(hello->has_server_name, expected->server_name != NULL);
	if (expected->server_name) {
		assert_int_equal(hello->server_name_length, strlen(expected->server_name));
		assert_memory_equal(hello->server_name, expected->server_name,
				    hello->server_name_length);
	} else {
		assert_null(hello->server_name);
	}
	if (expected->alpn) {
		assert_int_equal(hello->alpn_length, 14);
		assert_memory_equal(hello->alpn, expected->alpn, 14);
	} else {
		assert_null(hello->alpn);
	}
	assert_int_equal(hello->has_encrypted_hello, expected->encrypted);
	assert_int_equal(hello->has_early_data, expected->early_data);
	assert_int_equal(hello->legacy_version, 0x0303);
}
