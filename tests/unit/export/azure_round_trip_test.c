/*
 * What is exported to Azure Firewall and imported again allows nothing more than before, and the
 * same but for what the export calls lost: the golden ARM templates against the configurations that
 * they are of, asked every question that can be made of the words below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "import/azure_firewall.h"
#include "policy/policy.h"

static const char *const s_sources[] = {"10.42.1.7", "10.42.1.53", "10.42.7.7", "10.43.0.1",
					"10.1.1.1",  "192.0.2.9",  NULL};
static const char *const s_names[] = {"shop.example",
				      "a.b.shop.example",
				      "build-1.example.net",
				      "x-cache.example.net",
				      "builds.example.net",
				      "paste.example",
				      "x.paste.example",
				      "other.example",
				      "a.example.org",
				      "old-1-eu.example.org",
				      "x-1.example.org",
				      "some.example.org",
				      "wide.example.org",
				      "others.example.org",
				      "x-1.example.net",
				      "a.example",
				      "b.example",
				      "a.hcp.eastus.example",
				      "db.example.com",
				      "time.example.com",
				      NULL};
static const char *const s_addresses[] = {
	"198.51.100.17", "198.51.100.1", "203.0.113.7", "192.0.2.53",
	"192.0.2.200",   "8.8.8.8",      NULL};
static const uint16_t s_ports[] = {25,   53,   80,   123,   443,   445, 1194,
				   5432, 6435, 8443, 64443, 65000, 0};

static char *read_text(const char *path, size_t *ret_length)
{
	char *text = NULL;

	assert_int_equal(file_read(path, 1u << 20, &text, ret_length), 0);
	return text;
}

static struct policy *compile_text(const char *text, size_t length, const char *file)
{
	struct problems *problems = problems_new();
	struct config *config = config_parse(text, length, file, problems);
	struct policy *policy;

	if (!config)
		fail_msg("%s: %s", file, problems_at(problems, 0)->text);
	policy = config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	assert_non_null(policy);
	config_free(config);
	problems_free(problems);
	return policy;
}

/* Service tags stay names until a file tells them; the catalogue that comes along with it allows
   but one port, which is never asked for. */
static const char s_cluster[] = "cluster: {region: eastus, catalog: ../catalog/good.yaml, "
				"service_tags: ../config/tags.json}\n";

static struct policy *compile_imported(const char *path)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	cleanup(free_memory) char *text = NULL;
	size_t length;

	text = read_text(path, &length);
	assert_true(import_azure_firewall(text, length, path, &yaml, problems) >= 0);
	problems_free(problems);
	text_add(&yaml, s_cluster);
	return compile_text(text_string(&yaml), yaml.length, "imported.yaml");
}

struct comparison {
	const struct policy *before, *after;
	size_t asked, allowed, lost;
};

static void compare(struct comparison *comparison, const struct policy_facts *facts,
		    const char *words)
{
	enum rule_action before = policy_judge(comparison->before, facts).action;
	enum rule_action after = policy_judge(comparison->after, facts).action;

	if (after == RULE_ALLOW && before != RULE_ALLOW)
		fail_msg("only Azure would allow %s", words);
	comparison->asked++;
	comparison->allowed += before == RULE_ALLOW;
	comparison->lost += before != after;
}

static void ask_by_name(struct comparison *comparison, const char *source, uint16_t port)
{
	for (const char *const *text = s_names; *text; text++) {
		struct policy_facts facts = {.port = port};
		char words[256];
		struct name name;

		assert_int_equal(ip_parse(source, &facts.source), 0);
		assert_int_equal(name_from_person(*text, &name), NAME_OK);
		facts.name = &name;
		snprintf(words, sizeof(words), "%s to %s:%u", source, *text, port);
		facts.protocol = FLOW_HTTP;
		compare(comparison, &facts, words);
		facts.protocol = FLOW_HTTPS;
		compare(comparison, &facts, words);
	}
}

static void ask_by_address(struct comparison *comparison, const char *source, uint16_t port)
{
	for (const char *const *text = s_addresses; *text; text++) {
		struct policy_facts facts = {.port = port};
		char words[256];

		assert_int_equal(ip_parse(source, &facts.source), 0);
		assert_int_equal(ip_parse(*text, &facts.destination), 0);
		snprintf(words, sizeof(words), "%s to %s:%u", source, *text, port);
		facts.protocol = FLOW_TCP;
		compare(comparison, &facts, words);
		facts.protocol = FLOW_UDP;
		compare(comparison, &facts, words);
	}
}

static void assert_lost(size_t lost, const char *config, const char *template)
{
	struct comparison comparison = {0};
	cleanup(free_memory) char *text = NULL;
	struct policy *before, *after;
	size_t length;

	text = read_text(config, &length);
	comparison.before = before = compile_text(text, length, config);
	comparison.after = after = compile_imported(template);
	for (const char *const *source = s_sources; *source; source++) {
		for (const uint16_t *port = s_ports; *port; port++) {
			ask_by_name(&comparison, *source, *port);
			ask_by_address(&comparison, *source, *port);
		}
	}
	assert_true(comparison.allowed > lost);
	assert_int_equal(comparison.lost, lost);
	policy_free(before);
	policy_free(after);
}

/* Two names that a star admits, at one port; three names at a port beyond the limit; from six
 * sources.
 */
static void what_azure_cannot_say_is_all_that_is_lost(void **state)
{
	(void)state;
	assert_lost(2 * 6 + 3 * 6, "everything.yaml", "azure-firewall-arm/everything.json");
}

/* Two names that a star admits, from the four sources that are protected. */
static void protected_sources_stay_protected(void **state)
{
	(void)state;
	assert_lost(2 * 4, "azure.yaml", "azure-firewall-arm/azure.json");
}

static void nothing_is_lost_where_azure_can_say_it_all(void **state)
{
	(void)state;
	assert_lost(0, "purposes.yaml", "azure-firewall-arm/purposes.json");
}

static int enter_folder(void **state)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/golden/export", source ? source : ".");
	return chdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_azure_cannot_say_is_all_that_is_lost),
		cmocka_unit_test(protected_sources_stay_protected),
		cmocka_unit_test(nothing_is_lost_where_azure_can_say_it_all),
	};

	return cmocka_run_group_tests(tests, enter_folder, NULL);
}
