#include "../pattern_at.h"
#include "import/aks_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../inputs.h"
#include "../skip.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "config/config.h"

static const struct rule *find(const struct rule_set *set, const char *collection, const char *name)
{
	for (size_t i = 0; i < set->collection_count; i++) {
		const struct rule_collection *at = &set->collections[i];

		for (size_t j = 0; j < at->rule_count && !strcmp(at->name, collection); j++)
			if (!strcmp(at->rules[j].name, name))
				return &at->rules[j];
	}
	fail_msg("there is no rule %s/%s", collection, name);
	return NULL;
}

static void an_answer_is_rules_by_category(void **state)
{
	static const char json[] =
		"{\"value\":[{\"category\":\"images\",\"endpoints\":["
		"{\"domainName\":\"MCR.example.\",\"endpointDetails\":[{\"port\":443,\"protocol\":"
		"\"Https\"}]},"
		"{\"domainName\":\"*.mcr.example\",\"endpointDetails\":[{\"port\":443,"
		"\"protocol\":\"Https\"}]}]},"
		"{\"category\":\"time\",\"endpoints\":[{\"domainName\":\"ntp.example\","
		"\"endpointDetails\":[{\"port\":123,\"protocol\":\"UDP\"}]}]}]}";
	struct problems *problems = problems_new();
	cleanup(rule_set_done) struct rule_set set = {0};
	const struct rule *rule;

	(void)state;
	assert_int_equal(import_aks_api_rules(json, strlen(json), "x.json", &set, problems), 0);
	assert_int_equal(problems_count(problems), 0);
	assert_int_equal(set.collection_count, 2);
	assert_int_equal(set.collections[0].kind, RULE_NETWORK);
	assert_int_equal(set.collections[1].kind, RULE_APPLICATION);
	rule = find(&set, "endpoints-application", "images");
	assert_true(rule->any_source);
	assert_int_equal(rule->patterns.count, 2);
	assert_string_equal(pattern_at(&rule->patterns, 0)->name.text, "mcr.example");
	assert_int_equal(pattern_at(&rule->patterns, 1)->kind, PATTERN_BELOW);
	assert_int_equal(rule->protocol_count, 1);
	rule = find(&set, "endpoints-network", "time");
	assert_string_equal(rule->fqdns[0].text, "ntp.example");
	assert_int_equal(rule->transports, TRANSPORT_UDP);
	assert_int_equal(rule->ports[0].first, 123);
	problems_free(problems);
}

static void a_refused_answer_adds_nothing(void **state)
{
	struct problems *problems = problems_new();
	cleanup(rule_set_done) struct rule_set set = {0};
	cleanup(text_free) struct text yaml = TEXT_EMPTY;

	(void)state;
	assert_true(import_aks_api_rules("{}", 2, "x.json", &set, problems) < 0);
	assert_true(import_aks_api("{}", 2, "x.json", &yaml, problems) < 0);
	assert_int_equal(set.collection_count, 0);
	assert_null(yaml.data);
	problems_free(problems);
}

static void repeated_names_stand_once(void **state)
{
	cleanup(text_free) struct text json = TEXT_EMPTY;
	struct problems *problems = problems_new();
	cleanup(rule_set_done) struct rule_set set = {0};

	(void)state;
	text_add(&json, "[{\"category\":\"c\",\"endpoints\":[");
	for (int i = 0; i < 3; i++)
		text_addf(
			&json,
			"%s{\"domainName\":\"a.example\",\"endpointDetails\":["
			"{\"port\":443,\"protocol\":\"Https\"},{\"port\":443,\"protocol\":\"TCP\"},"
			"{\"port\":80,\"protocol\":\"Http\"}]}",
			i ? "," : "");
	text_add(&json, "]}]");
	assert_int_equal(import_aks_api_rules(json.data, json.length, "x.json", &set, problems), 0);
	assert_int_equal(find(&set, "endpoints-network", "c-tcp-443")->fqdn_count, 1);
	assert_int_equal(find(&set, "endpoints-application", "c-https-443")->patterns.count, 1);
	assert_int_equal(find(&set, "endpoints-application", "c-http-80")->patterns.count, 1);
	problems_free(problems);
}

static void an_answer_of_absurd_size_is_refused(void **state)
{
	cleanup(text_free) struct text json = TEXT_EMPTY;
	struct problems *problems = problems_new();
	cleanup(rule_set_done) struct rule_set set = {0};

	(void)state;
	text_add(&json, "[{\"category\":\"c\",\"endpoints\":[{\"domainName\":\"a.example\","
			"\"endpointDetails\":[");
	for (int i = 1; i <= 1001; i++)
		text_addf(&json, "%s{\"port\":%d,\"protocol\":\"TCP\"}", i > 1 ? "," : "", i);
	text_add(&json, "]}]}]");
	assert_true(import_aks_api_rules(json.data, json.length, "x.json", &set, problems) < 0);
	assert_int_equal(set.collection_count, 0);
	problems_free(problems);
}

/* Microsoft's example of an answer: all but the wildcard of the tunnel has a form. */
static void the_published_example_is_read(void **state)
{
	struct problems *problems = problems_new();
	cleanup(rule_set_done) struct rule_set set = {0};
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	cleanup(free_memory) char *text = NULL;
	char path[INPUTS_PATH_SIZE];
	struct config *config;
	size_t length;

	(void)state;
	if (!inputs_find("aks-outbound-api-example.json", path)) {
		problems_free(problems);
		skip_because("aks-outbound-api-example.json is not here");
	}
	assert_int_equal(file_read(path, 1u << 20, &text, &length), 0);
	assert_int_equal(import_aks_api_rules(text, length, "example.json", &set, problems), 1);
	assert_int_equal(problems_count(problems), 1);
	assert_non_null(strstr(problems_at(problems, 0)->text,
			       "category 'tunnel-classic', '*.azmk8s.io', TCP 9000"));
	assert_int_equal(find(&set, "endpoints-application", "images")->patterns.count, 2);
	assert_int_equal(find(&set, "endpoints-application", "windows-http-80")->patterns.count, 3);
	assert_int_equal(find(&set, "endpoints-application", "ubuntu-optional")->patterns.count, 3);
	assert_int_equal(find(&set, "endpoints-network", "time-sync")->fqdn_count, 1);
	assert_int_equal(import_aks_api(text, length, "example.json", &yaml, problems), 1);
	config = config_parse(yaml.data, yaml.length, "example.yaml", problems);
	assert_non_null(config);
	config_free(config);
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_rules_by_category),
		cmocka_unit_test(a_refused_answer_adds_nothing),
		cmocka_unit_test(repeated_names_stand_once),
		cmocka_unit_test(an_answer_of_absurd_size_is_refused),
		cmocka_unit_test(the_published_example_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
