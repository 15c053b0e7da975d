/* The comments at the head of an imported configuration. */
#include <string.h>

#include "base/cleanup.h"
#include "catalog/parameter.h"
#include "import/azure_firewall_impl.h"
#include "import/config_text.h"

static void add_line(struct text *yaml, const char *first, const char *second, const char *third)
{
	cleanup(text_free) struct text line = TEXT_EMPTY;

	text_addf(&line, "%s%s%s", first, second, third);
	config_text_add_comment(yaml, text_string(&line));
	yaml->failed |= line.failed;
}

static void add_title(const struct azure_reading *reading, const char *file, struct text *yaml)
{
	add_line(yaml, "Rules of an Azure Firewall, from ", file, ".");
	config_text_add_comment(yaml, "");
	config_text_add_comment(
		yaml, reading->renumbered
			      ? "Collections stand in Azure's judging order (policy, group, "
				"collection) and are numbered in it;"
			      : "Collections stand in Azure's judging order and keep their "
				"priorities;");
	config_text_add_comment(yaml,
				"the comment over each tells what Azure has. Any source means "
				"every protected one here.");
	if (!reading->names_fqdns)
		return;
	config_text_add_comment(yaml, "Names that resolve to private addresses (private endpoints) "
				      "need network.private_destinations.");
}

/* The catalogue instead of the FQDN tag, the file behind service tags: both are the cluster's. */
static void add_cluster(const struct azure_reading *reading, struct text *yaml)
{
	bool has_region = reading->location && catalog_region_is_valid(reading->location);

	if (!reading->aks_rule && !reading->names_tags)
		return;
	config_text_add_comment(yaml, "");
	if (reading->names_tags)
		config_text_add_comment(yaml, "This needs a service-tag file. Rules below name "
					      "service tags; until cluster.service_tags names "
					      "Microsoft's file, this one is refused.");
	if (reading->aks_rule)
		config_text_add_comment(yaml,
					"The FQDN tag AzureKubernetesService is carried over by "
					"this section alone; its rules have priorities 1000 and "
					"1100.");
	config_text_add_comment(yaml, "Take the '#' away and say what is so:");
	config_text_add_comment(yaml, "cluster:");
	config_text_add_comment(yaml, "  cloud: public");
	add_line(yaml, "  region: ", has_region ? reading->location : "REGION",
		 has_region ? "  # where the policy is" : "");
	if (reading->names_tags)
		config_text_add_comment(yaml, "  service_tags: ServiceTags_Public.json");
	if (!reading->aks_rule)
		config_text_add_comment(yaml, "  tags_only: true  # without the catalogue's rules "
					      "for AKS");
}

static void add_dns(const struct azure_reading *reading, struct text *yaml)
{
	if (!reading->dns)
		return;
	config_text_add_comment(yaml, "");
	config_text_add_comment(yaml, "The DNS servers of the policy:");
	config_text_add_comment(yaml, "dns:");
	config_text_add_comment(yaml, "  upstreams:");
	for (size_t i = 0; i < json_item_count(reading->dns); i++) {
		const char *server = json_item_text(json_item_at(reading->dns, i));

		add_line(yaml, "    - ", server ? server : "?", "");
	}
}

void azure_write_head(const struct azure_reading *reading, const char *file, struct text *yaml)
{
	add_title(reading, file, yaml);
	if (problems_count(reading->losses.problems) > 0) {
		config_text_add_comment(yaml, "");
		config_text_add_comment(yaml, "Not carried over, or worth a look:");
		config_text_add_problems(yaml, reading->losses.problems);
	}
	add_cluster(reading, yaml);
	add_dns(reading, yaml);
	text_add(yaml, "\n");
}
