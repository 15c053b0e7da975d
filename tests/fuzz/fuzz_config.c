/* Bytes as sallyport.yaml: a config or errors, never both; what is read compiles or says why. */
#include <stdint.h>

#include "base/assertion.h"
#include "config/config.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems *problems = problems_new();
	struct config *config = config_parse((const char *)data, size, "fuzz.yaml", problems);

	invariant((config == NULL) == problems_has_errors(problems));
	if (config) {
		struct policy *policy =
			config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);

		invariant((policy == NULL) == problems_has_errors(problems));
		policy_free(policy);
	}
	config_free(config);
	problems_free(problems);
	return 0;
}
