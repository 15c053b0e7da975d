/* Bytes as an Azure Firewall's rules; what is written is a configuration. */
#include <stdint.h>
#include <string.h>

#include "base/assertion.h"
#include "config/config.h"
#include "import/azure_firewall.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One that names service tags is refused until the operator names a file of them. */
static void check_config(const struct text *yaml)
{
	struct problems *problems = problems_new();
	struct config *config;

	if (!strstr(yaml->data, "# This needs a service-tag file.")) {
		config = config_parse(yaml->data, yaml->length, "fuzz.yaml", problems);
		invariant(config && !problems_has_errors(problems));
		config_free(config);
	}
	problems_free(problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems *problems = problems_new();
	struct text yaml = TEXT_EMPTY;
	int result = import_azure_firewall((const char *)data, size, "fuzz.json", &yaml, problems);

	invariant((result < 0) == problems_has_errors(problems));
	invariant((result < 0) == (yaml.length == 0));
	if (result >= 0)
		check_config(&yaml);
	text_free(&yaml);
	problems_free(problems);
	return 0;
}
