#include "base/ip.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

int ip_parse(const char *text, struct ip_address *ret_address)
{
	struct ip_address address = {0};

	if (inet_pton(AF_INET, text, address.bytes) == 1)
		address.family = 4;
	else if (inet_pton(AF_INET6, text, address.bytes) == 1)
		address.family = 6;
	else
		return -EINVAL;
	*ret_address = address;
	return 0;
}

static int parse_number(const char *text, unsigned int max, unsigned int *ret_number)
{
	unsigned int number = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		number = number * 10 + (unsigned int)(*text - '0');
		if (number > max)
			return -EINVAL;
	}
	*ret_number = number;
	return 0;
}

static bool host_bits_are_zero(const struct ip_prefix *prefix)
{
	for (size_t bit = prefix->length; bit < ip_size(&prefix->address) * 8; bit++)
		if (prefix->address.bytes[bit / 8] & (0x80 >> (bit % 8)))
			return false;
	return true;
}

int ip_prefix_parse(const char *text, struct ip_prefix *ret_prefix)
{
	char address_text[IP_TEXT_SIZE];
	const char *slash = strchr(text, '/');
	size_t address_length = slash ? (size_t)(slash - text) : strlen(text);
	struct ip_prefix prefix;
	unsigned int length;

	if (address_length >= sizeof(address_text))
		return -EINVAL;
	memcpy(address_text, text, address_length);
	address_text[address_length] = '\0';
	if (ip_parse(address_text, &prefix.address) < 0)
		return -EINVAL;
	length = (unsigned int)ip_size(&prefix.address) * 8;
	if (slash && parse_number(slash + 1, length, &length) < 0)
		return -EINVAL;
	prefix.length = (uint8_t)length;
	if (!host_bits_are_zero(&prefix))
		return -EDOM;
	*ret_prefix = prefix;
	return 0;
}

/* Where the address part ends, and where the port text starts (NULL: none). */
static int split_endpoint(const char *text, const char **ret_address, size_t *ret_length,
			  const char **ret_port)
{
	const char *end;

	*ret_address = text;
	*ret_port = NULL;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return -EINVAL;
		*ret_address = text + 1;
		if (end[1])
			*ret_port = end + 2;
	} else {
		const char *colon = strchr(text, ':');

		end = text + strlen(text);
		if (colon && !strchr(colon + 1, ':')) {
			end = colon;
			*ret_port = colon + 1;
		}
	}
	*ret_length = (size_t)(end - *ret_address);
	return 0;
}

int ip_endpoint_parse(const char *text, uint16_t default_port, struct ip_endpoint *ret_endpoint)
{
	char address_text[IP_TEXT_SIZE];
	const char *address, *port_text;
	struct ip_endpoint endpoint;
	unsigned int port = default_port;
	size_t length;

	if (split_endpoint(text, &address, &length, &port_text) < 0 ||
	    length >= sizeof(address_text))
		return -EINVAL;
	memcpy(address_text, address, length);
	address_text[length] = '\0';
	if (ip_parse(address_text, &endpoint.address) < 0)
		return -EINVAL;
	if ((*text == '[') != (endpoint.address.family == 6) && (port_text || *text == '['))
		return -EINVAL;
	if (port_text && parse_number(port_text, 65535, &port) < 0)
		return -EINVAL;
	if (port == 0)
		return -EINVAL;
	endpoint.port = (uint16_t)port;
	*ret_endpoint = endpoint;
	return 0;
}

/* Returns the place behind. printf() would be most of the cost of a line of the log. */
static char *put_decimal(char *at, unsigned int number)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

static void format_v4(const uint8_t *bytes, char *at)
{
	for (int i = 0; i < 4; i++) {
		at = put_decimal(at, bytes[i]);
		*at++ = i < 3 ? '.' : '\0';
	}
}

const char *ip_format(const struct ip_address *address, char text[IP_TEXT_SIZE])
{
	if (address->family == 0)
		strcpy(text, "-");
	else if (address->family == 4)
		format_v4(address->bytes, text);
	else
		inet_ntop(AF_INET6, address->bytes, text, IP_TEXT_SIZE);
	return text;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char text[IP_PREFIX_TEXT_SIZE])
{
	char address[IP_TEXT_SIZE];

	snprintf(text, IP_PREFIX_TEXT_SIZE, "%s/%u", ip_format(&prefix->address, address),
		 prefix->length);
	return text;
}

const char *ip_endpoint_format(const struct ip_endpoint *endpoint, char text[IP_ENDPOINT_TEXT_SIZE])
{
	bool bracketed = endpoint->address.family == 6;
	char *at = text;

	if (bracketed)
		*at++ = '[';
	ip_format(&endpoint->address, at);
	at += strlen(at);
	if (bracketed)
		*at++ = ']';
	*at++ = ':';
	*put_decimal(at, endpoint->port) = '\0';
	return text;
}

struct ip_address ip_from_v4(uint32_t host_order)
{
	uint32_t network_order = htonl(host_order);

	return ip_from_bytes(4, &network_order);
}

struct ip_address ip_from_bytes(uint8_t family, const void *bytes)
{
	struct ip_address address = {.family = family};

	invariant(family == 4 || family == 6);
	memcpy(address.bytes, bytes, family == 4 ? 4 : 16);
	return address;
}

size_t ip_size(const struct ip_address *address)
{
	return address->family == 4 ? 4 : 16;
}

bool ip_equal(const struct ip_address *a, const struct ip_address *b)
{
	return ip_compare(a, b) == 0;
}

int ip_compare(const struct ip_address *a, const struct ip_address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, ip_size(a));
}

bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
	return a->port == b->port && ip_equal(&a->address, &b->address);
}

/* Eight bytes of an address as a number. */
static uint64_t load_half(const uint8_t *bytes)
{
	uint64_t number;

	memcpy(&number, bytes, sizeof(number));
	return be64toh(number);
}

/* Both families alike: what an IPv4 address does not use is zero. No memcmp(): every verdict asks
   this some twenty times. */
bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_address *address)
{
	const uint8_t *ours = prefix->address.bytes, *theirs = address->bytes;
	unsigned int length = prefix->length;
	uint64_t differ = load_half(ours) ^ load_half(theirs);

	if (prefix->address.family != address->family)
		return false;
	if (length <= 64)
		return length == 0 || differ >> (64 - length) == 0;
	return differ == 0 && (load_half(ours + 8) ^ load_half(theirs + 8)) >> (128 - length) == 0;
}

socklen_t ip_to_sockaddr(const struct ip_endpoint *endpoint, struct sockaddr_storage *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (endpoint->address.family == 4) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(endpoint->port);
		memcpy(&v4->sin_addr, endpoint->address.bytes, 4);
		return sizeof(*v4);
	}
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;

	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(endpoint->port);
	memcpy(&v6->sin6_addr, endpoint->address.bytes, 16);
	return sizeof(*v6);
}

int ip_from_sockaddr(const struct sockaddr_storage *address, struct ip_endpoint *ret_endpoint)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;

		ret_endpoint->address = ip_from_bytes(4, &v4->sin_addr);
		ret_endpoint->port = ntohs(v4->sin_port);
		return 0;
	}
	if (address->ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	const uint8_t *bytes = (const uint8_t *)&v6->sin6_addr;

	if (memcmp(bytes, mapped, 12) == 0)
		ret_endpoint->address = ip_from_bytes(4, bytes + 12);
	else
		ret_endpoint->address = ip_from_bytes(6, bytes);
	ret_endpoint->port = ntohs(v6->sin6_port);
	return 0;
}
