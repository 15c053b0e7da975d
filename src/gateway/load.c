/* Configuration file and flags → a config and the policy compiled from it. Nothing is half-applied.
 */
#include "gateway/gateway_impl.h"

#include "base/cleanup.h"
#include "base/log.h"

DEFINE_CLEANUP(free_config, struct config *, config_free);

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
	config_check_runnable(config, options->config_path, problems);
	if (problems_has_errors(problems))
		return NULL;
	config->own_addresses = gateway->own_addresses;
	config->own_address_count = gateway->own_address_count;
	policy = config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	if (!policy)
		return NULL;
	/* From here on the rules are the policy's, and what only their makers need goes. */
	rule_set_drop_collections(&config->own);
	policy_forget_patterns(policy);
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

struct name_budget_limits gateway_budget_limits(const struct config *config)
{
	return (struct name_budget_limits){
		.new_names = (uint32_t)config->dns.budget.new_names,
		.burst = (uint32_t)config->dns.budget.burst,
	};
}
