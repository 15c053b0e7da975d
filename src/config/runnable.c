/* What a configuration must say before a gateway can run with it. */
#include "config/config.h"

static void require(struct problems *problems, const char *file, bool condition, const char *what)
{
	if (!condition)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){.file = file}, "%s",
			     what);
}

void config_check_runnable(const struct config *config, const char *file, struct problems *problems)
{
	bool forwards = config->network.interface_count > 0;

	require(problems, file, forwards || config->explicit_proxy.listen_count > 0,
		"nothing to do: name network.inside.interfaces, or explicit.listen");
	require(problems, file, !forwards || config->network.source_count > 0,
		"network.inside.sources is empty: name the prefixes of the nodes and pods to "
		"protect");
	require(problems, file, config->dns.upstream_count > 0,
		"dns.upstreams is empty: name at least one DNS server that sallyport may ask");
	require(problems, file, !forwards || config->dns.listen_count > 0,
		"dns.listen is empty: name the addresses at which nodes ask sallyport for DNS");
}
