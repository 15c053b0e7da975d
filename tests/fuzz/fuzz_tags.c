/* Bytes as a service-tag file; collapsed prefixes are sorted and disjoint. */
#include <stdint.h>
#include <stdlib.h>

#include "base/assertion.h"
#include "tags/tags.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tag(const struct service_tags *tags, const struct service_tag *tag)
{
	struct ip_prefix *prefixes = NULL;
	size_t count = 0;

	if (!tag)
		return;
	invariant(service_tag_prefixes(tags, tag, &prefixes, &count) == 0);
	for (size_t i = 1; i < count; i++) {
		invariant(ip_compare(&prefixes[i - 1].address, &prefixes[i].address) < 0);
		invariant(!ip_prefix_contains(&prefixes[i - 1], &prefixes[i].address));
	}
	free(prefixes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems *problems = problems_new();
	struct service_tags *tags =
		service_tags_parse((const char *)data, size, "fuzz.json", problems);

	invariant((tags == NULL) == problems_has_errors(problems));
	if (tags) {
		check_tag(tags, service_tags_find(tags, "Storage"));
		check_tag(tags, service_tags_find_regional(tags, "AzureCloud", "francecentral"));
		check_tag(tags, service_tags_nearest(tags, "AzureCloud"));
	}
	service_tags_free(tags);
	problems_free(problems);
	return 0;
}
