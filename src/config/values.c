#include "config/values_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

#define LABEL_LIMIT 64

bool config_read_address(const struct yaml_item *item, struct ip_address *ret_address,
			 struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (ip_parse(yaml_scalar_text(item), ret_address) == 0)
		return true;
	yaml_complain(item, problems, "expected an address such as 10.0.0.4 or fd00::4, not %s",
		      yaml_quote(yaml_scalar_text(item), quoted));
	return false;
}

/* The prefix that was probably meant by one with host bits. */
static void mask_prefix(const char *text, char masked[IP_PREFIX_TEXT_SIZE])
{
	const char *slash = strchr(text, '/');
	char address_text[IP_TEXT_SIZE] = "";
	struct ip_prefix prefix = {0};

	memcpy(address_text, text, (size_t)(slash - text));
	int error = ip_parse(address_text, &prefix.address);
	invariant(error == 0); /* ip_prefix_parse() has taken it */
	prefix.length = (uint8_t)strtoul(slash + 1, NULL, 10);
	for (size_t bit = prefix.length; bit < ip_size(&prefix.address) * 8; bit++)
		prefix.address.bytes[bit / 8] &= (uint8_t) ~(1u << (7 - bit % 8));
	ip_prefix_format(&prefix, masked);
}

bool config_read_prefix(const struct yaml_item *item, struct ip_prefix *ret_prefix,
			struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE], masked[IP_PREFIX_TEXT_SIZE];
	int error;

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	error = ip_prefix_parse(text, ret_prefix);
	if (error == -EDOM) {
		mask_prefix(text, masked);
		yaml_complain(item, problems, "%s has bits set beyond its length; did you mean %s?",
			      yaml_quote(text, quoted), masked);
	} else if (error < 0) {
		yaml_complain(item, problems,
			      "expected an address or prefix such as 10.0.0.4, 10.0.0.0/16 or "
			      "fd00::/8, not %s",
			      yaml_quote(text, quoted));
	}
	return error == 0;
}

static void *new_array(const struct yaml_item *list, size_t size, struct problems *problems)
{
	void *array;

	if (!yaml_expect_list(list, problems))
		return NULL;
	array = calloc(yaml_list_count(list) + 1, size);
	if (!array)
		yaml_complain(list, problems, "out of memory");
	return array;
}

bool config_read_addresses(const struct yaml_item *list, struct ip_address **ret_addresses,
			   size_t *ret_count, struct problems *problems)
{
	struct ip_address *addresses = new_array(list, sizeof(*addresses), problems);
	bool good = true;

	if (!addresses)
		return false;
	for (size_t i = 0; i < yaml_list_count(list); i++)
		good &= config_read_address(yaml_list_at(list, i), &addresses[i], problems);
	*ret_addresses = addresses;
	*ret_count = yaml_list_count(list);
	return good;
}

bool config_read_prefixes(const struct yaml_item *list, struct ip_prefix **ret_prefixes,
			  size_t *ret_count, struct problems *problems)
{
	struct ip_prefix *prefixes = new_array(list, sizeof(*prefixes), problems);
	bool good = true;

	if (!prefixes)
		return false;
	for (size_t i = 0; i < yaml_list_count(list); i++)
		good &= config_read_prefix(yaml_list_at(list, i), &prefixes[i], problems);
	*ret_prefixes = prefixes;
	*ret_count = yaml_list_count(list);
	return good;
}

bool config_read_endpoints(const struct yaml_item *list, uint16_t default_port,
			   struct ip_endpoint *endpoints, size_t capacity, size_t *ret_count,
			   struct problems *problems)
{
	char quoted[YAML_QUOTE_SIZE];
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	if (yaml_list_count(list) > capacity) {
		yaml_complain(list, problems, "at most %zu can stand here", capacity);
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		const struct yaml_item *item = yaml_list_at(list, i);

		if (!yaml_expect_scalar(item, problems)) {
			good = false;
		} else if (ip_endpoint_parse(yaml_scalar_text(item), default_port, &endpoints[i]) <
			   0) {
			yaml_complain(item, problems,
				      "expected an address with or without a port, such as "
				      "10.0.0.4, 10.0.0.4:%u or [fd00::4]:%u, not %s",
				      default_port, default_port,
				      yaml_quote(yaml_scalar_text(item), quoted));
			good = false;
		}
	}
	*ret_count = yaml_list_count(list);
	return good;
}

bool config_read_label(const struct yaml_item *item, char **ret_label, struct problems *problems)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	char quoted[YAML_QUOTE_SIZE];

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (!*text || strlen(text) > LABEL_LIMIT || strspn(text, letters) != strlen(text)) {
		yaml_complain(item, problems,
			      "expected 1 to 64 letters, digits, '.', '-' or '_', not %s",
			      yaml_quote(text, quoted));
		return false;
	}
	return yaml_read_string(item, NULL, ret_label, problems);
}

bool config_parse_port(const char *text, size_t length, uint16_t *ret_port)
{
	unsigned int port = 0;

	if (length == 0 || length > 5 || (*text == '0' && length > 1))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (unsigned int)(text[i] - '0');
	}
	if (port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}
