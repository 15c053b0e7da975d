/* Bytes as a catalogue file, applied to a cluster that uses all it can. */
#include <stdint.h>
#include <string.h>

#include "base/assertion.h"
#include "catalog/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_rules(const struct catalog *catalog, struct problems *problems)
{
	struct cluster_profile profile = {.present = true,
					  .cloud = "public",
					  .region = "eastus",
					  .recommended = true,
					  .corrections = true,
					  .pods_use_api_server_address = true,
					  .nodes_before_march_2021 = true,
					  .has_api_server = true};
	struct catalog_choices *choices = catalog_choices_new();
	struct rule_set set = {0};

	invariant(name_from_person("a.hcp.eastus.azmk8s.io", &profile.api_server) == NAME_OK);
	int error = catalog_rules(catalog, &profile, NULL, CATALOG_TAGS_BY_PREFIX, &set, choices,
				  problems);
	invariant((error < 0) == problems_has_errors(problems));
	rule_set_done(&set);
	catalog_choices_free(choices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems *problems = problems_new();
	struct catalog *catalog = catalog_parse((const char *)data, size, "fuzz.yaml", problems);

	invariant((catalog == NULL) == problems_has_errors(problems));
	if (catalog)
		make_rules(catalog, problems);
	catalog_free(catalog);
	problems_free(problems);
	return 0;
}
