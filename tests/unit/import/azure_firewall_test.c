/* What an imported firewall decides is what Azure decides; the parts of reading one. */
#include "import/azure_firewall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "config/config.h"
#include "policy/policy.h"

static struct policy *import_text(const char *text, size_t length, int expected)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	struct config *config;
	struct policy *policy;

	assert_int_equal(import_azure_firewall(text, length, "x.json", &yaml, problems), expected);
	config = config_parse(yaml.data, yaml.length, "x.yaml", problems);
	assert_non_null(config);
	policy = config_compile(config, CATALOG_TAGS_BY_PREFIX, NULL, problems);
	assert_non_null(policy);
	config_free(config);
	problems_free(problems);
	return policy;
}

static struct policy *import_golden(const char *name)
{
	const char *source = getenv("SALLYPORT_SOURCE");
	cleanup(free_memory) char *text = NULL;
	char path[4096];
	size_t length;

	snprintf(path, sizeof(path), "%s/tests/golden/import/%s", source ? source : ".", name);
	assert_int_equal(file_read(path, 1u << 20, &text, &length), 0);
	return import_text(text, length, 0);
}

/* A question as Azure would be asked it, and what Azure's documented order answers. */
struct question {
	const char *source;
	enum flow_protocol protocol;
	const char *name, *address; /* NULL: none */
	uint16_t port;
	const char *rule; /* that decides; NULL: none, so deny */
	enum rule_action action;
};

static void ask(const struct policy *policy, const struct question *question)
{
	struct policy_facts facts = {.protocol = question->protocol, .port = question->port};
	struct name name;

	assert_int_equal(ip_parse(question->source, &facts.source), 0);
	if (question->address)
		assert_int_equal(ip_parse(question->address, &facts.destination), 0);
	if (question->name) {
		assert_int_equal(name_from_person(question->name, &name), NAME_OK);
		facts.name = &name;
	}
	struct verdict verdict = policy_judge(policy, &facts);

	if (verdict.action != question->action || strcmp(verdict.rule ? verdict.rule->label : "",
							 question->rule ? question->rule : "") != 0)
		fail_msg("%s to %s %s:%u: %s by %s, not by %s", question->source,
			 question->name ? question->name : "",
			 question->address ? question->address : "", question->port,
			 verdict.action == RULE_ALLOW ? "allowed" : "denied",
			 verdict.rule ? verdict.rule->label : "no rule",
			 question->rule ? question->rule : "no rule");
}

/* Groups 150, 200, 300, whose collections' own priorities run against them. */
static void groups_come_before_collections_and_network_rules_before_all(void **state)
{
	static const struct question questions[] = {
		/* early (150) denies the upper half before late (300) allows all of it */
		{"10.1.0.1", FLOW_TCP, NULL, "192.0.2.1", 443, "late-net/web", RULE_ALLOW},
		{"10.1.0.1", FLOW_TCP, NULL, "192.0.2.128", 443, "early-net/half", RULE_DENY},
		{"10.1.0.1", FLOW_TCP, NULL, "192.0.2.255", 443, "early-net/half", RULE_DENY},
		{"10.1.0.1", FLOW_TCP, NULL, "192.0.2.127", 443, "late-net/web", RULE_ALLOW},
		{"10.1.0.1", FLOW_TCP, NULL, "192.0.3.0", 443, NULL, RULE_DENY},
		/* within early: 900 before 60000; then early's 60000 before late's 100 and 150 */
		{"10.9.0.5", FLOW_HTTPS, "x.blocked.example.com", NULL, 443, "early-deny/blocked",
		 RULE_DENY},
		{"10.9.0.5", FLOW_HTTPS, "secret.example.com", NULL, 443, "early-any/admin",
		 RULE_ALLOW},
		{"10.9.0.5", FLOW_HTTPS, "anything.example", NULL, 443, "early-any/admin",
		 RULE_ALLOW},
		{"10.9.0.6", FLOW_HTTPS, "anything.example", NULL, 443, NULL, RULE_DENY},
		/* within late: 100 before 150 */
		{"10.1.0.1", FLOW_HTTPS, "secret.example.com", NULL, 443, "late-names/team",
		 RULE_ALLOW},
		{"10.2.0.1", FLOW_HTTPS, "secret.example.com", NULL, 443, "late-deny/secret",
		 RULE_DENY},
		{"10.1.0.1", FLOW_HTTPS, "a.b.example.com", NULL, 443, "late-names/team",
		 RULE_ALLOW},
		{"10.1.0.1", FLOW_HTTPS, "example.com", NULL, 443, NULL, RULE_DENY},
		{"10.1.0.1", FLOW_HTTPS, "x.blocked.example.com", NULL, 443, "early-deny/blocked",
		 RULE_DENY},
		{"10.1.0.1", FLOW_HTTP, "a.example.com", NULL, 80, NULL, RULE_DENY},
		/* a network rule of the last group before an application rule of the first */
		{"10.1.0.1", FLOW_HTTPS, "x.blocked.example.com", "192.0.2.1", 443, "late-net/web",
		 RULE_ALLOW},
		{"10.1.0.1", FLOW_UDP, "ntp.example.com", NULL, 123, "middle-net/time", RULE_ALLOW},
		{"11.1.0.1", FLOW_UDP, "ntp.example.com", NULL, 123, NULL, RULE_DENY},
		/* icmp without ports, tcp with them */
		{"10.3.2.255", FLOW_ICMP, NULL, "203.0.113.9", 0, "middle-net/ping-icmp",
		 RULE_ALLOW},
		{"10.3.3.0", FLOW_ICMP, NULL, "203.0.113.9", 0, NULL, RULE_DENY},
		{"10.3.0.0", FLOW_TCP, NULL, "203.0.113.9", 8090, "middle-net/ping", RULE_ALLOW},
		{"10.3.0.0", FLOW_TCP, NULL, "203.0.113.9", 8091, NULL, RULE_DENY},
	};
	struct policy *policy = import_golden("azure-order.json");

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		ask(policy, &questions[i]);
	policy_free(policy);
}

static void the_base_policy_is_judged_before_its_heir(void **state)
{
	static const struct question questions[] = {
		{"10.0.0.1", FLOW_TCP, NULL, "192.0.2.200", 22, "same-name/r", RULE_DENY},
		{"10.0.0.1", FLOW_TCP, NULL, "192.0.2.20", 22, "same-name-2/r-2", RULE_ALLOW},
		{"10.0.0.1", FLOW_ICMP, NULL, "192.0.2.200", 0, "same-name-2/r", RULE_ALLOW},
	};
	struct policy *policy = import_golden("azure-base.json");

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		ask(policy, &questions[i]);
	policy_free(policy);
}

#define GROUP(parameters, rule)                                                                    \
	"{\"resources\":[{\"type\":\"Microsoft.Network/firewallPolicies/ruleCollectionGroups\","   \
	"\"name\":\"p/g\",\"properties\":{\"priority\":100,\"ruleCollections\":[{"                 \
	"\"ruleCollectionType\":\"FirewallPolicyFilterRuleCollection\",\"name\":\"c\","            \
	"\"priority\":100,\"action\":{\"type\":\"Allow\"},\"rules\":[{\"name\":\"r\"," rule        \
	"}]}]}}]," parameters "}"
#define NETWORK(sources)                                                                           \
	"\"ruleType\":\"NetworkRule\",\"ipProtocols\":[\"TCP\"],"                                  \
	"\"destinationAddresses\":[\"192.0.2.1\"],\"destinationPorts\":[\"22\"],"                  \
	"\"sourceAddresses\":[" sources "]"

/* The sources of the one rule as they are written. */
static void expect_sources(const char *json, int result, const char *expected)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text yaml = TEXT_EMPTY;

	assert_int_equal(import_azure_firewall(json, strlen(json), "x.json", &yaml, problems),
			 result);
	if (!strstr(text_string(&yaml), expected))
		fail_msg("no %s in\n%s", expected, text_string(&yaml));
	problems_free(problems);
}

static void a_range_becomes_the_fewest_prefixes(void **state)
{
	(void)state;
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"10.0.0.0-10.0.0.255\"")), 0,
		       "sources: [\"10.0.0.0/24\"]\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"10.0.0.1-10.0.0.6\"")), 0,
		       "sources: [\"10.0.0.1\", \"10.0.0.2/31\", \"10.0.0.4/31\", \"10.0.0.6\"]\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"0.0.0.0-255.255.255.255\"")), 0,
		       "sources: [\"0.0.0.0/0\"]\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"255.255.255.254-255.255.255.255\"")),
		       0, "sources: [\"255.255.255.254/31\"]\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"fd00::ffff-fd00::1:1\"")), 0,
		       "sources: [\"fd00::ffff\", \"fd00::1:0/127\"]\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"10.0.0.4-fd00::1\"")), 1,
		       "source '10.0.0.4-fd00::1' is no address, prefix or range; left out\n");
}

static void a_rule_never_widens_when_its_sources_are_lost(void **state)
{
	(void)state;
	expect_sources(GROUP("\"parameters\":{}", NETWORK("")), 1, "collections: []\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("\"[parameters('x')]\"")), 1,
		       "collections: []\n");
	expect_sources(GROUP("\"parameters\":{}", NETWORK("null")), 1, "collections: []\n");
}

#define DEFAULT(value)                                                                             \
	"\"parameters\":{\"x\":{\"defaultValue\":" value "}},"                                     \
	"\"variables\":{\"ten\":\"10\",\"o\":{\"a\":{\"b\":\"10.1.2.3\"}},\"l\":[\"[variables('"   \
	"ten')]\"]}"

static void plain_expressions_are_resolved(void **state)
{
	(void)state;
	expect_sources(GROUP(DEFAULT("\"10.0.0.4\""), NETWORK("\"[parameters('x')]\"")), 0,
		       "sources: [\"10.0.0.4\"]\n");
	expect_sources(GROUP(DEFAULT("5"), NETWORK("\"[ concat( variables('ten') , '.0.0.', "
						   "parameters('x') ) ]\"")),
		       0, "sources: [\"10.0.0.5\"]\n");
	expect_sources(GROUP(DEFAULT("\"[format('{0}.{1}.0.0/{1}6', variables('ten'), 1)]\""),
			     NETWORK("\"[parameters('x')]\"")),
		       1, "it is not a plain expression");
	expect_sources(GROUP(DEFAULT("\"[format('{0}.{1}.0.0/{1}6', variables('ten'), '1')]\""),
			     NETWORK("\"[parameters('x')]\"")),
		       0, "sources: [\"10.1.0.0/16\"]\n");
	expect_sources(GROUP(DEFAULT("\"\""), NETWORK("\"[variables('o').a.b]\"")), 0,
		       "sources: [\"10.1.2.3\"]\n");
	expect_sources(GROUP(DEFAULT("\"\""), NETWORK("\"[toLower('FD00::A')]\"")), 0,
		       "sources: [\"fd00::a\"]\n");
}

static void other_expressions_are_told_as_unknown(void **state)
{
	(void)state;
	expect_sources(GROUP(DEFAULT("null"), NETWORK("\"[parameters('x')]\"")), 1,
		       "parameter 'x' has no default value in the file");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[parameters('y')]\"")), 1,
		       "parameter 'y' is not in the file");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[variables('l')]\"")), 1,
		       "expected a string");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[reference('a').b]\"")), 1,
		       "the function reference() is not evaluated");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[concat('a]\"")), 1,
		       "a quote is not closed in it");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[concat('a').b]\"")), 1,
		       "there is no member of that name");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[concat(variables('o'))]\"")), 1,
		       "a list or an object stands where a string is needed");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[format('{7}', 'a')]\"")), 1,
		       "its format() is not a plain one");
	expect_sources(GROUP(DEFAULT("1"), NETWORK("\"[]\"")), 1, "it is not a plain expression");
}

/* Each variable is the one before it, twice: 2^30 bytes, were nothing bounded. */
static void expressions_that_explode_are_bounded(void **state)
{
	cleanup(text_free) struct text variables = TEXT_EMPTY, json = TEXT_EMPTY;

	(void)state;
	text_add(&variables, "\"variables\":{\"v0\":\"xx\"");
	for (int i = 1; i < 30; i++)
		text_addf(&variables, ",\"v%d\":\"[concat(variables('v%d'),variables('v%d'))]\"", i,
			  i - 1, i - 1);
	text_addf(&json, GROUP("%s}", NETWORK("\"[variables('v29')]\"")), variables.data);
	expect_sources(json.data, 1, "it leads to too many others");
}

static void names_that_are_no_labels_stay_apart(void **state)
{
	static const char rule[] = "\"ruleType\":\"NetworkRule\",\"ipProtocols\":[\"TCP\"],"
				   "\"destinationAddresses\":[\"192.0.2.1\"],"
				   "\"destinationPorts\":[\"22\"],\"sourceAddresses\":[\"*\"]";
	cleanup(text_free) struct text json = TEXT_EMPTY;

	(void)state;
	text_addf(&json,
		  GROUP("\"parameters\":{}", "%s},{\"name\":\"a b\",%s},{\"name\":\"a/b\",%s},"
					     "{\"name\":\"\",%s},{\"name\":\"-\",%s},"
					     "{\"name\":\"null\",%s"),
		  rule, rule, rule, rule, rule, rule);
	expect_sources(json.data, 0, "- name: a-b  # line 1: a b\n");
	expect_sources(json.data, 0, "- name: a-b-3  # line 1: a/b\n");
	expect_sources(json.data, 0, "- name: unnamed  # line 1: \n");
	expect_sources(json.data, 0, "- name: \"-\"  # line 1\n");
	expect_sources(json.data, 0, "- name: \"null\"  # line 1\n");
	policy_free(import_text(json.data, json.length, 0));
}

static void more_rules_than_one_import_takes_are_refused(void **state)
{
	struct problems *problems = problems_new();
	cleanup(text_free) struct text json = TEXT_EMPTY, yaml = TEXT_EMPTY, sources = TEXT_EMPTY;

	(void)state;
	for (int i = 0; i < 400001; i++)
		text_addf(&sources, "%s\"10.%d.%d.%d\"", i ? "," : "", i >> 16, i >> 8 & 255,
			  i & 255);
	text_addf(&json, GROUP("\"parameters\":{}", NETWORK("%s")), sources.data);
	assert_true(import_azure_firewall(json.data, json.length, "x.json", &yaml, problems) < 0);
	assert_null(yaml.data);
	assert_non_null(strstr(problems_at(problems, problems_count(problems) - 1)->text,
			       "more than one import may take"));
	problems_free(problems);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_come_before_collections_and_network_rules_before_all),
		cmocka_unit_test(the_base_policy_is_judged_before_its_heir),
		cmocka_unit_test(a_range_becomes_the_fewest_prefixes),
		cmocka_unit_test(a_rule_never_widens_when_its_sources_are_lost),
		cmocka_unit_test(plain_expressions_are_resolved),
		cmocka_unit_test(other_expressions_are_told_as_unknown),
		cmocka_unit_test(expressions_that_explode_are_bounded),
		cmocka_unit_test(names_that_are_no_labels_stay_apart),
		cmocka_unit_test(more_rules_than_one_import_takes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
