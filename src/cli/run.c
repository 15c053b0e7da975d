/* sallyport run: the gateway, from a file or, with --explicit, from flags alone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"
#include "gateway/gateway.h"

/* --explicit: nothing in the packets' path, no DNS for others, one listener. */
static int make_explicit(const struct cli_arguments *arguments, struct config *config,
			 struct problems *problems)
{
	struct ip_endpoint listen;

	if (ip_endpoint_parse(arguments->explicit_listen, 3128, &listen) < 0) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){0},
			     "--explicit: '%s' is not ADDRESS:PORT, for instance 127.0.0.1:3128 or "
			     "[::1]:3128",
			     arguments->explicit_listen);
		return -EINVAL;
	}
	config->network.interface_count = 0;
	config->dns.listen_count = 0;
	config->explicit_proxy.listen[0] = listen;
	config->explicit_proxy.listen_count = 1;
	return 0;
}

static int prepare(void *context, struct config *config, struct problems *problems)
{
	const struct cli_arguments *arguments = context;

	if (arguments->explicit_listen && make_explicit(arguments, config, problems) < 0)
		return -EINVAL;
	if (arguments->log_file) {
		char *copy = strdup(arguments->log_file);

		if (!copy)
			return -ENOMEM;
		free(config->log_file);
		config->log_file = copy;
	}
	return cli_apply_profile(arguments, config, problems);
}

int cli_run(const struct cli_arguments *arguments)
{
	struct cli_arguments copy = *arguments;
	struct gateway_options options = {.prepare = prepare, .context = &copy};

	if (!arguments->config_path && !arguments->explicit_listen &&
	    !cli_has_default_config("run", "be an explicit proxy only (--explicit=ADDRESS:PORT)"))
		return 2;
	options.config_path = arguments->config_path       ? arguments->config_path
			      : arguments->explicit_listen ? NULL
							   : CLI_DEFAULT_CONFIG;
	return gateway_run(&options);
}
