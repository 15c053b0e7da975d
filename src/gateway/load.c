/* Configuration file and flags → a config and the policy compiled from it. Nothing is half-applied.
 */
#include "gateway/gateway_impl.h"

#include "base/cleanup.h"
#include "base/log.h"

DEFINE_CLEANUP(free_config, struct config *, config_free);

static void require(struct problems *problems, const char *file, bool condition, const char *what)
{
	if (!condition)
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){.file = file}, "%s",
			     what);
}

/* What a file must say before it can be run with; `check` shows the rest without it. */
static void check_runnable(const struct config *config, const char *file, struct problems *problems)
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

struct config *gateway_load(struct gateway *gateway, struct policy **ret_policy,
			    struct problems *problems)
{
	const struct gateway_options *options = gateway->options;
	cleanup(free_config) struct config *config =
		options->config_path ? config_load(options->config_path, problems)
				     : config_default();
	struct policy *policy;

	if (!config)
		return NULL;
	if (options->prepare && options->prepare(options->context, config, problems) < 0)
		return NULL;
	check_runnable(config, options->config_path, problems);
	if (problems_has_errors(problems))
		return NULL;
	config->own_addresses = gateway->own_addresses;
	config->own_address_count = gateway->own_address_count;
	policy = config_compile(config, NULL, problems);
	if (!policy)
		return NULL;
	*ret_policy = policy;
	return take_pointer(config);
}

void gateway_log_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++) {
		const struct problem *problem = problems_at(problems, i);
		enum log_level level =
			problem->severity == PROBLEM_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;

		if (problem->line)
			log_message(level, "%s:%u:%u: %s", problem->file, problem->line,
				    problem->column, problem->text);
		else if (problem->file)
			log_message(level, "%s: %s", problem->file, problem->text);
		else
			log_message(level, "%s", problem->text);
	}
}
