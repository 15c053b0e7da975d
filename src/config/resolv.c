#include "config/sections_impl.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

#define RESOLV_CONF_LIMIT (64u << 10)
#define DNS_PORT          53

static bool read_line(char *line, struct ip_endpoint *ret_upstream)
{
	char *rest = NULL;
	const char *keyword = strtok_r(line, " \t\r", &rest);
	const char *address = keyword ? strtok_r(NULL, " \t\r", &rest) : NULL;
	struct ip_address parsed;

	if (!address || strcmp(keyword, "nameserver") != 0 || ip_parse(address, &parsed) < 0)
		return false;
	*ret_upstream = (struct ip_endpoint){parsed, DNS_PORT};
	return true;
}

size_t config_read_resolv_conf(const char *path, struct ip_endpoint *upstreams, size_t capacity)
{
	cleanup(free_memory) char *text = NULL;
	size_t length, count = 0;
	char *rest = NULL;

	if (file_read(path, RESOLV_CONF_LIMIT, &text, &length) < 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line && count < capacity;
	     line = strtok_r(NULL, "\n", &rest))
		count += read_line(line, &upstreams[count]);
	return count;
}
