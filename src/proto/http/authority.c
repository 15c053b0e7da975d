#include "proto/http/authority_impl.h"

#include <string.h>

#include "base/ip.h"
#include "proto/http/scanner_impl.h"

#define PORT_DIGITS_MAX 5

static bool read_port(const struct http_slice *text, uint16_t *ret_port)
{
	uint64_t number;

	if (text->length > PORT_DIGITS_MAX || !http_number(text, &number) || text->at[0] == '0' ||
	    number > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)number;
	return true;
}

static bool is_host_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       http_is_digit(byte) || byte == '.' || byte == '_' || byte == '-';
}

/* How many bytes the unbracketed host at the start takes. */
static size_t plain_host_length(const struct http_slice *text)
{
	size_t length = 0;

	while (length < text->length && is_host_byte(text->at[length]))
		length++;
	return length;
}

/* How many bytes the literal at the start takes with its brackets, 0: it is none. */
static size_t literal_length(const struct http_slice *text)
{
	const char *close = memchr(text->at, ']', text->length);
	char address[IP_TEXT_SIZE];
	struct ip_address parsed;

	if (!close)
		return 0;
	size_t length = (size_t)(close - text->at) + 1;

	if (length - 2 >= sizeof(address))
		return 0;
	memcpy(address, text->at + 1, length - 2);
	address[length - 2] = '\0';
	if (ip_parse(address, &parsed) < 0 || parsed.family != 6)
		return 0;
	return length;
}

bool http_authority_read(const struct http_slice *text, struct http_authority *ret_authority)
{
	struct http_authority authority = {.host.at = text->at};
	struct http_slice port;

	if (text->length == 0)
		return false;
	authority.host.length = text->at[0] == '[' ? literal_length(text) : plain_host_length(text);
	if (authority.host.length == 0)
		return false;
	if (authority.host.length < text->length) {
		port.at = text->at + authority.host.length + 1;
		port.length = text->length - authority.host.length - 1;
		if (port.at[-1] != ':' || !read_port(&port, &authority.port))
			return false;
	}
	*ret_authority = authority;
	return true;
}

bool http_authority_equal(const struct http_authority *a, const struct http_authority *b,
			  uint16_t default_port)
{
	uint16_t port_a = a->port > 0 ? a->port : default_port;
	uint16_t port_b = b->port > 0 ? b->port : default_port;

	return port_a == port_b && http_slices_match(&a->host, &b->host);
}
