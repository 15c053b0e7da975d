/*
 * One handshake message. A hello that is taken is taken only whole (one byte less or more is
 * refused), and its facts lie inside it.
 */
#include "proto/tls/client_hello.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const uint8_t *data, size_t size, const uint8_t *fact, size_t length)
{
	invariant(!fact || (fact >= data && length <= (size_t)(data + size - fact)));
}

static void check_taken(const uint8_t *data, size_t size, const struct client_hello *hello)
{
	invariant(size <= CLIENT_HELLO_MAX);
	invariant(hello->random == data + 6);
	invariant(hello->has_server_name == (hello->server_name != NULL));
	invariant(hello->has_server_name == (hello->server_name_length > 0));
	check_inside(data, size, hello->server_name, hello->server_name_length);
	check_inside(data, size, hello->alpn, hello->alpn_length);
}

static void check_other_lengths(const uint8_t *data, size_t size)
{
	uint8_t *longer = malloc(size + 1);
	struct client_hello hello;

	if (!longer)
		abort();
	memcpy(longer, data, size);
	longer[size] = 0;
	invariant(client_hello_parse(data, size - 1, &hello) == CLIENT_HELLO_MALFORMED);
	invariant(client_hello_parse(longer, size + 1, &hello) == CLIENT_HELLO_MALFORMED);
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_hello hello;
	enum client_hello_error error = client_hello_parse(data, size, &hello);

	invariant(client_hello_error_text(error) != NULL);
	if (error == CLIENT_HELLO_OK) {
		check_taken(data, size, &hello);
		check_other_lengths(data, size);
	}
	return 0;
}
