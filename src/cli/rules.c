/* sallyport rules: what the profile needs, and the own rules beside it, in judging order. */
#include "cli/model.h"
#include "cli/verbs.h"

int cli_rules(const struct cli_arguments *arguments)
{
	static const char *const targets[] = {[CLI_OUTPUT_TEXT] = "table",
					      [CLI_OUTPUT_JSON] = "json",
					      [CLI_OUTPUT_CSV] = "csv",
					      [CLI_OUTPUT_MARKDOWN] = "markdown"};

	return cli_export_rules(arguments, targets[arguments->output]);
}
