/* Without memory no file is half read and no half file is written: it is said instead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "catalog/rules.h"
#include "config/config.h"
#include "export/export.h"
#include "failing_malloc.h"
#include "import/aks_api.h"
#include "import/article.h"
#include "import/azure_firewall.h"
#include "policy/policy.h"
#include "tags/tags.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);
DEFINE_CLEANUP(free_config, struct config *, config_free);
DEFINE_CLEANUP(free_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(free_policy, struct policy *, policy_free);
DEFINE_CLEANUP(free_tags, struct service_tags *, service_tags_free);

/* Who fails says so, or has no memory for a list of complaints at all. */
static int failed(const struct problems *problems)
{
	if (problems && !problems_has_errors(problems))
		memory_fault("it failed and complained of nothing");
	return -1;
}

static void harvest_problems(struct harvest *harvest, const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++)
		harvest_text(harvest, problems_at(problems, i)->text);
}

/* ------------------------------------------------------------- configuration, policy */

/* They come in another order each time. */
static void harvest_exact_names(struct harvest *harvest, const struct policy *policy)
{
	struct policy_name_walk walk = {0};
	struct name name;
	uint64_t sum = 0;

	while (policy_next_exact_name(policy, &walk, &name)) {
		uint64_t mixed = name.length;

		for (size_t i = 0; i < name.length; i++)
			mixed = mixed * 1000003 + (unsigned char)name.text[i];
		sum += mixed;
	}
	harvest_bytes(harvest, &sum, sizeof(sum));
}

static int compile_file(void *context, struct harvest *harvest)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_config) struct config *config = NULL;
	cleanup(free_policy) struct policy *policy = NULL;

	if (!problems)
		return -1;
	config = config_load(context, problems);
	if (!config)
		return failed(problems);
	policy = config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	if (!policy)
		return failed(problems);
	for (size_t i = 0; i < policy_network_rule_count(policy); i++) {
		const struct policy_rule *rule = policy_rule_at(policy, i);

		harvest_text(harvest, rule->label);
		harvest_bytes(harvest, &rule->rule->destination_count, sizeof(size_t));
		harvest_bytes(harvest, rule->rule->destinations,
			      rule->rule->destination_count * sizeof(struct ip_prefix));
	}
	harvest_exact_names(harvest, policy);
	if (problems_has_errors(problems)) /* a warning for which there was no memory */
		return -1;
	harvest_problems(harvest, problems);
	return 0;
}

static void a_configuration_is_compiled_or_refused(void **state)
{
	(void)state;
	memory_try_every_site("everything.yaml", compile_file, (char[]){"export/everything.yaml"});
	memory_try_every_site("every-key.yaml", compile_file, (char[]){"config/every-key.yaml"});
	memory_try_every_site("the embedded catalogue", compile_file, (char[]){"cli/gateway.yaml"});
}

static int refuse_file(void *context, struct harvest *harvest)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_config) struct config *config = NULL;

	if (!problems)
		return -1;
	config = config_load(context, problems);
	assert_null(config);
	(void)failed(problems);
	(void)harvest; /* without memory for all complaints some are told */
	return 0;
}

static void a_broken_configuration_is_refused_also_without_memory_for_the_complaints(void **state)
{
	(void)state;
	memory_try_every_site("collections.yaml", refuse_file, (char[]){"config/collections.yaml"});
	memory_try_every_site("spelling.yaml", refuse_file, (char[]){"config/spelling.yaml"});
	memory_try_every_site("syntax.yaml", refuse_file, (char[]){"config/syntax.yaml"});
}

/* ------------------------------------------------------------------- other files */

static int read_tags(void *context, struct harvest *harvest)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(free_tags) struct service_tags *tags = NULL;
	cleanup(free_memory) struct ip_prefix *prefixes = NULL;
	const struct service_tag *tag;
	size_t count;

	if (!problems)
		return -1;
	tags = service_tags_load(context, problems);
	if (!tags)
		return failed(problems);
	tag = service_tags_find(tags, "storage");
	assert_non_null(tag);
	if (service_tag_prefixes(tags, tag, &prefixes, &count) < 0)
		return -1;
	harvest_text(harvest, service_tag_name(tag));
	harvest_bytes(harvest, prefixes, count * sizeof(*prefixes));
	return 0;
}

static void service_tags_are_read_or_refused(void **state)
{
	(void)state;
	memory_try_every_site("tags.json", read_tags, (char[]){"config/tags.json"});
}

struct import_case {
	int (*import)(const char *text, size_t length, const char *file, struct text *yaml,
		      struct problems *problems);
	const char *path;
	char *text;
	size_t length;
};

static int import_file(void *context, struct harvest *harvest)
{
	const struct import_case *run = context;
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	int result;

	if (!problems)
		return -1;
	result = run->import(run->text, run->length, run->path, &yaml, problems);
	assert_true(result >= 0 || yaml.length == 0);
	if (result < 0)
		return failed(problems);
	if (text_failed(&yaml) || problems_has_errors(problems))
		return -1;
	harvest_text(harvest, text_string(&yaml));
	harvest_bytes(harvest, &result, sizeof(result));
	harvest_problems(harvest, problems);
	return 0;
}

static void try_import(struct import_case run)
{
	assert_int_equal(file_read(run.path, 1u << 20, &run.text, &run.length), 0);
	memory_try_every_site(run.path, import_file, &run);
	free(run.text);
}

static int import_markdown(const char *text, size_t length, const char *file, struct text *yaml,
			   struct problems *problems)
{
	cleanup(free_catalog) struct catalog *known = NULL;
	struct import_article_counts counts;

	memory_fails(false);
	known = catalog_load(NULL, problems);
	assert_non_null(known);
	memory_fails(true);
	return import_article(text, length, file, "2025-01-31", known, yaml, &counts, problems);
}

static void an_import_is_whole_or_nothing(void **state)
{
	(void)state;
	try_import((struct import_case){import_azure_firewall, "import/azure-policy.json", 0, 0});
	try_import((struct import_case){import_azure_firewall, "import/azure-losses.json", 0, 0});
	try_import((struct import_case){import_azure_firewall, "import/azure-classic.json", 0, 0});
	try_import((struct import_case){import_aks_api, "import/aks-answer.json", 0, 0});
	try_import((struct import_case){import_aks_api, "import/aks-odd-entries.json", 0, 0});
	try_import((struct import_case){import_markdown, "import/shapes.md", 0, 0});
	try_import((struct import_case){import_markdown, "import/unread.md", 0, 0});
}

/* ------------------------------------------------------------------------- exports */

struct export_case {
	const struct export_target *target;
	struct rule_set set;
	struct cluster_profile *profile;
};

static int export_file(void *context, struct harvest *harvest)
{
	const struct export_case *run = context;
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(export_result_done) struct export_result result = {0};
	struct export_request request = {
		.set = &run->set, .profile = run->profile, .edition = "2025-01-31"};
	int error;

	if (!problems)
		return -1;
	error = export_write(run->target, &request, &result, problems);
	if (error == -EPERM) { /* these rules are beyond this target, with memory or without */
		harvest_text(harvest, "refused");
		return 0;
	}
	if (error < 0)
		return failed(problems);
	if (problems_has_errors(problems))
		return -1;
	for (size_t i = 0; i < result.file_count; i++) {
		if (text_failed(&result.files[i].text))
			fail_msg("a file with a hole is called written");
		harvest_text(harvest, result.files[i].name);
		harvest_text(harvest, text_string(&result.files[i].text));
	}
	return 0;
}

static void try_exports(const char *path)
{
	struct problems *problems = problems_new();
	struct config *config = config_load(path, problems);

	assert_non_null(config);
	for (const char *const *name = export_target_names(); *name; name++) {
		struct export_case run = {.target = export_target_find(*name),
					  .profile = &config->cluster};
		enum catalog_tag_use tag_use = export_target_knows_tags(run.target)
						       ? CATALOG_TAGS_BY_NAME
						       : CATALOG_TAGS_BY_PREFIX;

		assert_int_equal(config_rules(config, tag_use, &run.set, NULL, problems), 0);
		memory_try_every_site(*name, export_file, &run);
		rule_set_done(&run.set);
	}
	config_free(config);
	problems_free(problems);
}

static void an_export_is_whole_or_nothing(void **state)
{
	(void)state;
	try_exports("export/everything.yaml");
	try_exports("export/address-denials.yaml");
	try_exports("export/allow-only.yaml");
}

static int enter_golden(void **state)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden", source ? source : ".");
	return chdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_compiled_or_refused),
		cmocka_unit_test(
			a_broken_configuration_is_refused_also_without_memory_for_the_complaints),
		cmocka_unit_test(service_tags_are_read_or_refused),
		cmocka_unit_test(an_import_is_whole_or_nothing),
		cmocka_unit_test(an_export_is_whole_or_nothing),
	};

	if (getenv("SALLYPORT_SLOW")) {
		printf("1..0 # SKIP AddressSanitizer looks at this; valgrind and ThreadSanitizer "
		       "take too long\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, enter_golden, NULL);
}
