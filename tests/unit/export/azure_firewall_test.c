/*
 * Rules in Azure Firewall's terms: each case's rules in words, the plan that is made of them in
 * words, and the remarks. The targets' notations are golden_test's and tests/exports'.
 */
#include "../policy/write_rules.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/problems.h"
#include "export/azure_firewall_impl.h"
#include "export/targets_impl.h"

static void dump_words(struct text *out, const char *start, const struct azure_words *words)
{
	AZURE_FOR_EACH(word, words)
	{
		text_addf(out, " %s%s", word == azure_words_first(words) ? start : "", word);
	}
}

static void dump_plan(struct export_job *job)
{
	cleanup(azure_plan_done) struct azure_plan plan = {0};

	azure_plan_make(job, &plan);
	for (size_t i = 0; i < plan.collection_count; i++) {
		const struct azure_collection *collection = &plan.collections[i];

		text_addf(job->out, "%s %s %u\n", azure_action(collection), collection->name,
			  collection->priority);
		for (size_t j = 0; j < collection->rule_count; j++) {
			const struct azure_rule *rule = &collection->rules[j];

			text_addf(job->out, " %s", rule->name);
			dump_words(job->out, "from ", &rule->sources);
			dump_words(job->out, "to ", &rule->addresses);
			dump_words(job->out, "name ", &rule->fqdns);
			dump_words(job->out, "by ", &rule->transports);
			dump_words(job->out, "port ", &rule->ports);
			for (size_t k = 0; k < rule->protocol_count; k++)
				text_addf(job->out, " %s:%u", azure_protocol(&rule->protocols[k]),
					  rule->protocols[k].port);
			text_add(job->out, "\n");
		}
	}
}

static const struct export_writer s_writer = {.file = "plan", .write = dump_plan};
static const struct export_target s_target = {"plan", "Plan", &s_writer};

static struct rule_set s_set;

static void protect(const char *text)
{
	size_t count = s_set.protected_source_count + 1;
	struct ip_prefix *grown =
		reallocarray(s_set.protected_sources, count, sizeof(struct ip_prefix));

	assert_non_null(grown);
	assert_int_equal(ip_prefix_parse(text, &grown[count - 1]), 0);
	s_set.protected_sources = grown;
	s_set.protected_source_count = count;
}

/* `losses`: what stderr hears, a line each, without the target's name; NULL: do not look. */
static void assert_plan(int error, const char *plan, const char *losses)
{
	struct export_request request = {.set = &s_set};
	struct problems *problems = problems_new();
	struct export_result result = {0};
	struct text heard = TEXT_EMPTY;

	assert_int_equal(export_write(&s_target, &request, &result, problems), error);
	if (error == 0)
		assert_string_equal(text_string(&result.files[0].text), plan);
	for (size_t i = 0; i < problems_count(problems); i++)
		text_addf(&heard, "%s\n", problems_at(problems, i)->text + strlen("plan: "));
	if (losses)
		assert_string_equal(text_string(&heard), losses);
	text_free(&heard);
	export_result_done(&result);
	problems_free(problems);
}

static void addresses_and_names_become_two_rules(void **state)
{
	(void)state;
	write_collection(&s_set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "both",
		   "from:* to:192.0.2.0/24 to:192.0.2.1/32 fqdn:a.example tcp port:1-2 port:9");
	write_rule(&s_set, "names", "from:* fqdn:a.example fqdn:b.example tcp udp port:*");
	write_rule(&s_set, "anywhere", "from:192.0.2.7/32 to:* any port:*");
	assert_plan(0,
		    "Allow c 200\n"
		    " both-addresses from * to 192.0.2.0/24 192.0.2.1 by TCP port 1-2 9\n"
		    " both-fqdns from * name a.example by TCP port 1-2 9\n"
		    " names from * name a.example b.example by TCP UDP port *\n"
		    " anywhere from 192.0.2.7 to * by Any port *\n",
		    "");
}

static void service_tags_go_by_name_without_their_prefixes(void **state)
{
	struct ip_prefix prefixes[2];
	struct rule *rule;

	(void)state;
	assert_int_equal(ip_prefix_parse("192.0.2.0/24", &prefixes[0]), 0);
	assert_int_equal(ip_prefix_parse("2001:db8::/32", &prefixes[1]), 0);
	write_collection(&s_set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "tag", "from:* to:198.51.100.0/24 udp port:1194");
	rule = &s_set.collections[0].rules[0];
	assert_int_equal(rule_add_tag(rule, "AzureCloud.eastus", prefixes, 2), 0);
	assert_plan(0,
		    "Allow c 200\n"
		    " tag from * to AzureCloud.eastus 198.51.100.0/24 by UDP port 1194\n",
		    "");
}

static void ipv6_is_lost_to_allow_rules_and_needs_no_denying(void **state)
{
	(void)state;
	write_collection(&s_set, "no", RULE_NETWORK, 100, RULE_DENY);
	write_rule(&s_set, "v6", "from:* to:2001:db8::/32 any port:*");
	write_rule(&s_set, "mixed", "from:fd00::/8 from:10.0.0.0/8 to:192.0.2.0/24 any port:*");
	write_collection(&s_set, "yes", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "v6", "from:* to:2001:db8::/32 tcp port:1");
	write_rule(&s_set, "mixed", "from:* to:2001:db8::/32 to:192.0.2.0/24 tcp port:1");
	assert_plan(0,
		    "Deny no 100\n"
		    " mixed from 10.0.0.0/8 to 192.0.2.0/24 by Any port *\n"
		    "Allow yes 200\n"
		    " mixed from * to 192.0.2.0/24 by TCP port 1\n",
		    "IPv6 is left out: it does not pass Azure Firewall (yes/v6, yes/mixed)\n");
}

static void stars_inside_a_label_are_left_out_or_denied_more_widely(void **state)
{
	(void)state;
	write_collection(&s_set, "no", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&s_set, "star", "from:* https:443 pattern:a-*.example pattern:*-z.example");
	write_collection(&s_set, "yes", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&s_set, "star", "from:* https:443 pattern:a-*.example pattern:*.b.example");
	write_rule(&s_set, "alone", "from:* https:443 pattern:*-z.example");
	write_rule(&s_set, "any", "from:* http:80 https:443 pattern:*");
	assert_plan(
		0,
		"Deny no 100\n"
		" star from * name *.example *-z.example Https:443\n"
		"Allow yes 200\n"
		" star from * name *.b.example Https:443\n"
		" any from * name * Http:80 Https:443\n",
		"a-*.example is denied as *.example: Azure takes '*' at the left end of a name "
		"only (no/star)\n"
		"*-z.example is denied as *-z.example: Azure takes '*' at the left end of a "
		"name only (no/star)\n"
		"a-*.example is left out: Azure takes '*' at the left end of a name only, where "
		"it spans any number of labels (yes/star)\n"
		"*-z.example is left out: Azure takes '*' at the left end of a name only, where "
		"it spans any number of labels (yes/alone)\n");
}

static void application_ports_end_at_64000(void **state)
{
	(void)state;
	write_collection(&s_set, "no", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&s_set, "high", "from:* https:65000 pattern:*");
	write_collection(&s_set, "yes", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&s_set, "high", "from:* https:64001 pattern:*");
	write_rule(&s_set, "edge", "from:* https:64000 http:64001 pattern:*");
	assert_plan(0,
		    "Allow yes 200\n"
		    " edge from * name * Https:64000\n",
		    "port 64001 is left out: Azure's application rules take ports up to 64000 "
		    "(yes/high, yes/edge)\n");
}

static void allow_rules_are_for_protected_sources_only(void **state)
{
	(void)state;
	protect("10.42.0.0/16");
	protect("fd42::/48");
	write_collection(&s_set, "no", RULE_NETWORK, 100, RULE_DENY);
	write_rule(&s_set, "all", "from:* to:192.0.2.0/24 tcp port:1");
	write_collection(&s_set, "yes", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "all", "from:* to:* tcp port:1");
	write_rule(&s_set, "wide", "from:10.0.0.0/8 to:* tcp port:1");
	write_rule(&s_set, "narrow", "from:10.42.1.0/24 from:192.0.2.0/24 to:* tcp port:1");
	write_rule(&s_set, "nobody", "from:192.0.2.0/24 to:* tcp port:1");
	assert_plan(0,
		    "Deny no 100\n"
		    " all from * to 192.0.2.0/24 by TCP port 1\n"
		    "Allow yes 200\n"
		    " all from 10.42.0.0/16 to * by TCP port 1\n"
		    " wide from 10.42.0.0/16 to * by TCP port 1\n"
		    " narrow from 10.42.1.0/24 to * by TCP port 1\n",
		    "");
}

static void where_only_ipv6_is_protected_the_loss_is_told(void **state)
{
	(void)state;
	protect("fd42::/48");
	write_collection(&s_set, "yes", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "all", "from:* to:* tcp port:1");
	assert_plan(0, "", "IPv6 is left out: it does not pass Azure Firewall (yes/all)\n");
}

static void rules_that_match_nothing_leave_no_trace(void **state)
{
	(void)state;
	write_collection(&s_set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "no-source", "to:* tcp port:1");
	write_rule(&s_set, "no-destination", "from:* tcp port:1");
	write_rule(&s_set, "no-protocol", "from:* to:* port:1");
	write_rule(&s_set, "no-port", "from:* to:* tcp");
	write_collection(&s_set, "d", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&s_set, "no-source", "https:443 pattern:*");
	write_rule(&s_set, "no-name", "from:* https:443");
	write_rule(&s_set, "no-port", "from:* pattern:*");
	assert_plan(0, "", "");
}

static void equal_priorities_move_apart_in_order(void **state)
{
	(void)state;
	write_collection(&s_set, "a", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* https:443 pattern:a.example");
	write_collection(&s_set, "b", RULE_APPLICATION, 200, RULE_DENY);
	write_rule(&s_set, "r", "from:* https:443 pattern:*.example");
	write_collection(&s_set, "c", RULE_APPLICATION, 201, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* https:443 pattern:*");
	write_collection(&s_set, "d", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* to:* tcp port:1");
	assert_plan(0,
		    "Allow d 200\n"
		    " r from * to * by TCP port 1\n"
		    "Allow a 201\n"
		    " r from * name a.example Https:443\n"
		    "Deny b 202\n"
		    " r from * name *.example Https:443\n"
		    "Allow c 203\n"
		    " r from * name * Https:443\n",
		    "");
}

static void priorities_without_room_at_the_end_are_spread(void **state)
{
	(void)state;
	write_collection(&s_set, "a", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* to:* tcp port:1");
	write_collection(&s_set, "b", RULE_NETWORK, 65000, RULE_DENY);
	write_rule(&s_set, "r", "from:* to:* tcp port:2");
	write_collection(&s_set, "c", RULE_NETWORK, 65000, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* to:* tcp port:2-3");
	assert_plan(0,
		    "Allow a 100\n"
		    " r from * to * by TCP port 1\n"
		    "Deny b 130\n"
		    " r from * to * by TCP port 2\n"
		    "Allow c 160\n"
		    " r from * to * by TCP port 2-3\n",
		    "");
}

#define LONG "a234567890123456789012345678901234567890123456789012345678901234567890123456789z"

static void names_are_what_azure_takes(void **state)
{
	(void)state;
	write_collection(&s_set, "..my rules-", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "_x.", "from:* to:* tcp port:1");
	write_rule(&s_set, "X", "from:* to:* tcp port:1");
	write_rule(&s_set, "x", "from:* to:* tcp port:1");
	write_rule(&s_set, "--", "from:* to:* tcp port:1");
	write_rule(&s_set, "f\xc3\xbcr_", "from:* to:* tcp port:1");
	write_rule(&s_set, LONG "0", "from:* to:192.0.2.1/32 fqdn:a.example tcp port:1");
	write_collection(&s_set, "my.rules", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&s_set, "x", "from:* to:* tcp port:1");
	write_collection(&s_set, "My-Rules", RULE_NETWORK, 400, RULE_ALLOW);
	write_rule(&s_set, "x", "from:* to:* tcp port:1");
	assert_plan(0,
		    "Allow my-rules 200\n"
		    " x from * to * by TCP port 1\n"
		    " X-2 from * to * by TCP port 1\n"
		    " x-3 from * to * by TCP port 1\n"
		    " rule from * to * by TCP port 1\n"
		    " f--r_ from * to * by TCP port 1\n"
		    " a234567890123456789012345678901234567890123456789012345678901234567890-"
		    "addresses from * "
		    "to 192.0.2.1 by TCP port 1\n"
		    " a2345678901234567890123456789012345678901234567890123456789012345678901234-"
		    "fqdns from "
		    "* name a.example by TCP port 1\n"
		    "Allow my.rules 300\n"
		    " x from * to * by TCP port 1\n"
		    "Allow My-Rules-2 400\n"
		    " x from * to * by TCP port 1\n",
		    "");
}

static void more_than_azure_serves_is_told(void **state)
{
	char word[64];
	struct text words = TEXT_EMPTY;

	(void)state;
	text_add(&words, "from:10.0.0.0/8 from:10.0.0.0/9 tcp port:1");
	for (int i = 0; i < 1001; i++) {
		snprintf(word, sizeof(word), " fqdn:n%d.example", i);
		text_add(&words, word);
	}
	for (int i = 0; i < 9000; i++) {
		snprintf(word, sizeof(word), " to:10.%d.%d.0/24", i / 256, i % 256);
		text_add(&words, word);
	}
	write_collection(&s_set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "r", text_string(&words));
	text_free(&words);

	struct export_request request = {.set = &s_set};
	struct problems *problems = problems_new();
	struct export_result result = {0};

	assert_int_equal(export_write(&s_target, &request, &result, problems), 0);
	assert_int_equal(problems_count(problems), 2);
	assert_string_equal(
		problems_at(problems, 0)->text,
		"plan: there are 1001 names in network rules, and Azure Firewall serves "
		"1000");
	assert_string_equal(
		problems_at(problems, 1)->text,
		"plan: there are 20002 pairs of source and destination in network rules, "
		"and Azure Firewall serves 20000");
	export_result_done(&result);
	problems_free(problems);
}

static void a_group_larger_than_azure_takes_is_told(void **state)
{
	char *purpose = malloc(2000001);

	(void)state;
	assert_non_null(purpose);
	memset(purpose, 'x', 2000000);
	purpose[2000000] = '\0';
	write_collection(&s_set, "c", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&s_set, "r", "from:* to:* tcp port:1");
	s_set.collections[0].rules[0].purpose = purpose;
	assert_plan(0,
		    "Allow c 200\n"
		    " r from * to * by TCP port 1\n",
		    "the rule collection group has about 2000 KB, and Azure takes 2000\n");
}

static void more_collections_than_azure_takes_are_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2001; i++) {
		char name[16];

		snprintf(name, sizeof(name), "c%u", i);
		write_collection(&s_set, name, RULE_NETWORK, 200 + i, RULE_ALLOW);
		write_rule(&s_set, "r", "from:* to:* tcp port:1");
	}
	assert_plan(-EPERM, NULL, "there are 2001 rule collections, and Azure takes 2000\n");
}

static int forget_rules(void **state)
{
	(void)state;
	rule_set_done(&s_set);
	return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, forget_rules)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_and_names_become_two_rules),
		TEST(service_tags_go_by_name_without_their_prefixes),
		TEST(ipv6_is_lost_to_allow_rules_and_needs_no_denying),
		TEST(stars_inside_a_label_are_left_out_or_denied_more_widely),
		TEST(application_ports_end_at_64000),
		TEST(allow_rules_are_for_protected_sources_only),
		TEST(where_only_ipv6_is_protected_the_loss_is_told),
		TEST(rules_that_match_nothing_leave_no_trace),
		TEST(equal_priorities_move_apart_in_order),
		TEST(priorities_without_room_at_the_end_are_spread),
		TEST(names_are_what_azure_takes),
		TEST(more_than_azure_serves_is_told),
		TEST(a_group_larger_than_azure_takes_is_told),
		TEST(more_collections_than_azure_takes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
