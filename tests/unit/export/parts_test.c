/* What the targets are made of: names that products take, words, prefixes. */
#include "../policy/write_rules.h"

#include "base/cleanup.h"
#include "export/appliance_impl.h"

static struct rule_collection s_collection;
static struct rule s_rule;

static const struct export_rule *name_rule(const char *collection, const char *rule)
{
	static struct export_rule both;

	free(s_collection.name);
	free(s_rule.name);
	s_collection.name = strdup(collection);
	s_rule.name = strdup(rule);
	both = (struct export_rule){&s_collection, &s_rule};
	return &both;
}

static void assert_rule_name(const char *collection, const char *rule, size_t most,
			     const char *expected)
{
	cleanup(text_free) struct text name = TEXT_EMPTY;

	part_add_rule_name(&name, name_rule(collection, rule), most);
	assert_string_equal(text_string(&name), expected);
	assert_true(name.length <= most);
}

static void a_plain_name_stays_and_any_other_gets_a_number(void **state)
{
	(void)state;
	assert_rule_name("aks-fqdn", "mcr", 31, "aks-fqdn.mcr");
	assert_rule_name("aks-fqdn", "azure-management", 31, "aks-fqdn.azure-management");
	assert_rule_name("aks-fqdn", "azure-management", 24, "aks-fqdn-azure-93d1d466");
	assert_rule_name("Team.Web", "exact", 63, "team-web-exact-7aee2acc");
	assert_rule_name("-", "_", 63, "r-32ea06de");
}

static void no_two_rules_have_one_name(void **state)
{
	static const char *const labels[][2] = {
		{"a-b", "c"}, {"a", "b-c"}, {"a.b", "c"}, {"a", "b.c"}, {"A", "b"}, {"a", "b"},
		{"a", "B"},   {"-a", "b"},  {"a", "b-"},  {"ra", "b"},  {"_", "a"}, {"-", "a"},
	};
	struct text names[sizeof(labels) / sizeof(*labels)] = {0};
	const size_t count = sizeof(labels) / sizeof(*labels);

	(void)state;
	for (size_t i = 0; i < count; i++)
		part_add_rule_name(&names[i], name_rule(labels[i][0], labels[i][1]), 24);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(text_string(&names[i]), text_string(&names[k]));
	for (size_t i = 0; i < count; i++)
		text_free(&names[i]);
}

static void assert_short_name(const char *start, const char *name, size_t most,
			      const char *expected)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	part_add_short_name(&text, start, name, most);
	assert_string_equal(text_string(&text), expected);
}

static void a_long_name_is_cut_before_a_number(void **state)
{
	(void)state;
	assert_short_name("x-", "a.example", 24, "x-a.example");
	assert_short_name("x-", "a.long.name.of.example", 24, "x-a.long.name.of.example");
	assert_short_name("x-", "a.longer.name.of.example", 24, "x-a-longer-name-1e4045e7");
}

static void assert_words(const char *words, size_t most, const char *expected)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;

	part_add_words(&text, words, most);
	assert_string_equal(text_string(&text), expected);
}

static void words_stay_on_one_line_and_inside_their_quotes(void **state)
{
	(void)state;
	assert_words("f\xc3\xbcr \"uns\" \\ so", 100, "f\xc3\xbcr 'uns' so");
	assert_words("a\nb\r\tc\x7f", 100, "a b c");
	assert_words("a\xc2\x85- b\xe2\x80\xa8- c\xe2\x80\xa9- d", 100, "a - b - c - d");
	assert_words("bad \xff utf-8", 100, "bad utf-8");
	assert_words("  ", 100, "");
	assert_words("one two three", 8, "one two");
	assert_words("\xc3\xbc\xc3\xbc", 3, "\xc3\xbc");
}

static void assert_expression(const char *pattern_text, const char *expected)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	struct pattern pattern;
	const char *message;

	assert_int_equal(pattern_parse(pattern_text, &pattern, &message), 0);
	part_add_expression(&text, &pattern);
	assert_string_equal(text_string(&text), expected);
}

static void patterns_are_expressions_for_a_whole_name(void **state)
{
	(void)state;
	assert_expression("a-b.example", "a-b\\.example");
	assert_expression("*.b.example", "([-a-z0-9_]+\\.)+b\\.example");
	assert_expression("md-*x.b.example", "md-[-a-z0-9_]*x\\.b\\.example");
	assert_expression("*", "([-a-z0-9_]+\\.)*[a-z_][-a-z0-9_]*");
}

/* ----------------------------------------------------------------------- prefixes */

static void assert_prefixes(const struct part_prefixes *list, const char *expected)
{
	cleanup(text_free) struct text text = TEXT_EMPTY;
	char prefix[IP_PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++)
		text_addf(&text, "%s%s", i ? " " : "", ip_prefix_format(&list->items[i], prefix));
	assert_string_equal(text_string(&text), expected);
}

static void write_prefixes(struct rule *rule, const char *words)
{
	char *copy = strdup(words), *rest = NULL;
	struct ip_prefix prefix;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		assert_int_equal(ip_prefix_parse(word, &prefix), 0);
		assert_int_equal(rule_add_source(rule, &prefix), 0);
	}
	free(copy);
}

static void prefixes_are_sorted_each_once(void **state)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0}, any = {0};
	struct export_job job = {0};
	struct rule rule = {0};

	(void)state;
	write_prefixes(&rule, "2001:db8::/32 192.0.2.0/24 10.0.0.0/8 192.0.2.0/24 192.0.2.0/25");
	assert_true(part_list_prefixes(&job, rule.sources, rule.source_count, false, &list));
	assert_prefixes(&list, "10.0.0.0/8 192.0.2.0/24 192.0.2.0/25 2001:db8::/32");
	assert_int_equal(list.v4_count, 3);
	assert_true(part_list_prefixes(&job, rule.sources, rule.source_count, true, &any));
	assert_prefixes(&any, "0.0.0.0/0 ::/0");
	free(rule.sources);
}

static void assert_sources(const char *own, const char *protected, const char *expected)
{
	cleanup(appliance_sources_done) struct appliance_sources sources = {0};
	struct rule rule = {.any_source = !own}, others = {0};
	struct rule_set set = {0};
	struct export_request request = {.set = &set};
	struct export_job job = {.request = &request};

	write_prefixes(&rule, own ? own : "");
	write_prefixes(&others, protected);
	set.protected_sources = others.sources;
	set.protected_source_count = others.source_count;
	assert_true(appliance_list_sources(&job, &rule, &sources));
	if (expected)
		assert_prefixes(&sources.list, expected);
	assert_int_equal(sources.any, !expected);
	free(rule.sources);
	free(others.sources);
}

static void a_rule_is_for_its_own_sources_as_far_as_they_are_protected(void **state)
{
	(void)state;
	assert_sources(NULL, "", NULL);
	assert_sources(NULL, "10.42.0.0/16 fd42::/48", "10.42.0.0/16 fd42::/48");
	assert_sources("10.42.1.0/24 10.43.0.0/16", "", "10.42.1.0/24 10.43.0.0/16");
	assert_sources("10.42.1.0/24 10.43.0.0/16", "10.42.0.0/16 10.43.7.0/24",
		       "10.42.1.0/24 10.43.7.0/24");
	assert_sources("192.0.2.0/24", "10.42.0.0/16", "");
}

static bool list_has(const struct part_prefixes *list, const char *address_text)
{
	struct ip_address address = write_address(address_text);

	for (size_t i = 0; i < list->count; i++)
		if (ip_prefix_contains(&list->items[i], &address))
			return true;
	return false;
}

/* The lists of the guard here, and the guard itself. */
static void the_guard_of_a_firewall_is_that_of_the_policy(void **state)
{
	static const char *const addresses[] = {
		"10.0.0.1",        "10.1.2.3",
		"10.1.2.4",        "10.255.255.255",
		"11.0.0.0",        "172.16.0.1",
		"172.32.0.1",      "192.168.9.9",
		"100.64.0.1",      "100.128.0.1",
		"169.254.169.254", "127.0.0.1",
		"168.63.129.16",   "168.63.129.17",
		"203.0.113.1",     "224.0.0.1",
		"fd00::1",         "fd42::1",
		"fe80::1",         "::1",
		"2001:db8::1",     "64:ff9b::a9fe:a9fe",
	};
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	struct rule private = {0}, special = {0};
	struct rule_set set = {0};
	struct export_request request = {.set = &set};
	struct export_job job = {.request = &request};
	struct policy *policy;

	(void)state;
	write_prefixes(&private, "10.1.2.3/32 192.168.0.0/16 fd42::/16");
	write_prefixes(&special, "169.254.169.254/32");
	set.private_destinations = private.sources;
	set.private_destination_count = private.source_count;
	set.special_exceptions = special.sources;
	set.special_exception_count = special.source_count;
	assert_true(appliance_list_guarded(&job, &list));
	policy = compile(&set);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct ip_address address = write_address(addresses[i]);
		bool guarded = policy_check_address(policy, &address) != REASON_RULE_ALLOWS;

		if (list_has(&list, addresses[i]) != guarded)
			fail_msg("%s is %sguarded", addresses[i], guarded ? "" : "not ");
	}
	policy_free(policy);
}

static int done(void **state)
{
	(void)state;
	free(s_collection.name);
	free(s_rule.name);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_name_stays_and_any_other_gets_a_number),
		cmocka_unit_test(no_two_rules_have_one_name),
		cmocka_unit_test(a_long_name_is_cut_before_a_number),
		cmocka_unit_test(words_stay_on_one_line_and_inside_their_quotes),
		cmocka_unit_test(patterns_are_expressions_for_a_whole_name),
		cmocka_unit_test(prefixes_are_sorted_each_once),
		cmocka_unit_test(a_rule_is_for_its_own_sources_as_far_as_they_are_protected),
		cmocka_unit_test(the_guard_of_a_firewall_is_that_of_the_policy),
	};

	return cmocka_run_group_tests(tests, NULL, done);
}
