#include "write_rules.h"

#define NODE "10.42.0.5"

static void no_rule_means_deny(void **state)
{
	struct rule_set set = {0};
	struct policy *policy = compile(&set);

	(void)state;
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 22, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_HTTP, 80, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_HTTPS, 443, NULL), REASON_NO_NAME);
	assert_denied(judge(policy, NODE, NULL, FLOW_HTTPS, 443, "a.example"), REASON_NO_RULE);
	policy_free(policy);
}

static void no_rule_leads_to_special_addresses(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "everywhere", "from:* tcp udp icmp port:* to:*");
	write_rule(&set, "by-address", "from:* tcp port:80 to:169.254.169.254/32");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 80, NULL), "net/everywhere");
	assert_denied(judge(policy, NODE, "169.254.169.254", FLOW_TCP, 80, NULL),
		      REASON_SPECIAL_ADDRESS);
	assert_denied(judge(policy, NODE, "168.63.129.16", FLOW_UDP, 53, NULL),
		      REASON_SPECIAL_ADDRESS);
	policy_free(policy);
}

static void network_rules_come_before_application_rules_whatever_their_priority(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 pattern:*");
	write_collection(&set, "net", RULE_NETWORK, 65000, RULE_DENY);
	write_rule(&set, "r", "from:* tcp port:443 to:192.0.2.0/24");
	struct policy *policy = compile(&set);
	struct verdict verdict = judge(policy, NODE, "192.0.2.1", FLOW_HTTPS, 443, "a.example");

	assert_denied(verdict, REASON_RULE_DENIES);
	assert_string_equal(verdict.rule->label, "net/r");
	assert_allowed(judge(policy, NODE, "192.0.3.1", FLOW_HTTPS, 443, "a.example"), "app/r");
	policy_free(policy);
}

static void collections_are_judged_by_priority_then_as_written(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "worse", RULE_NETWORK, 300, RULE_DENY);
	write_rule(&set, "r", "from:* any port:* to:*");
	write_collection(&set, "first", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&set, "one", "from:* tcp port:80 to:*");
	write_rule(&set, "two", "from:* tcp port:80-81 to:*");
	write_collection(&set, "second", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "r", "from:* tcp port:80-82 to:*");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 80, NULL), "first/one");
	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 81, NULL), "first/two");
	assert_string_equal(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 82, NULL).rule->label,
			    "second/r");
	assert_string_equal(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 83, NULL).rule->label,
			    "worse/r");
	policy_free(policy);
}

static void a_rule_matches_only_when_everything_does(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:10.42.0.0/16 udp port:100-200 to:192.0.2.0/24");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_UDP, 100, NULL), "net/r");
	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_UDP, 200, NULL), "net/r");
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_UDP, 99, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_UDP, 201, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 100, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "192.0.3.1", FLOW_UDP, 100, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, "10.43.0.1", "192.0.2.1", FLOW_UDP, 100, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NULL, "192.0.2.1", FLOW_UDP, 100, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_UDP, 100, NULL), REASON_NO_RULE);
	policy_free(policy);
}

static void an_empty_set_matches_nothing(void **state)
{
	static const char *const network[] = {"udp port:* to:*", "from:* port:* to:*",
					      "from:* udp to:*", "from:* udp port:*"};
	static const char *const application[] = {"https:443 pattern:*", "from:* pattern:*",
						  "from:* https:443"};

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct rule_set set = {0};

		write_collection(&set, "c", i < 4 ? RULE_NETWORK : RULE_APPLICATION, 100,
				 RULE_ALLOW);
		write_rule(&set, "r", i < 4 ? network[i] : application[i - 4]);
		struct policy *policy = compile(&set);

		assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_UDP, 53, "a.example"),
			      REASON_NO_RULE);
		assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_HTTPS, 443, "a.example"),
			      REASON_NO_RULE);
		policy_free(policy);
	}
}

static void application_rules_want_exactly_their_protocol_and_port_and_a_name(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 http:80 pattern:a.example");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, NULL, FLOW_HTTPS, 443, "a.example"), "app/r");
	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_HTTP, 80, "A.Example."), "app/r");
	assert_denied(judge(policy, NODE, NULL, FLOW_HTTP, 443, "a.example"), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_HTTPS, 80, "a.example"), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_TCP, 443, "a.example"), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_HTTPS, 443, "b.a.example"), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_HTTPS, 443, NULL), REASON_NO_NAME);
	policy_free(policy);
}

static void tls_without_a_name_may_pass_by_a_network_rule(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "api", "from:* tcp port:443 to:20.50.1.0/24");
	write_collection(&set, "deny", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "r", "from:* tcp port:443 to:20.50.2.0/24");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "20.50.1.9", FLOW_HTTPS, 443, NULL), "net/api");
	assert_denied(judge(policy, NODE, "20.50.2.9", FLOW_HTTPS, 443, NULL), REASON_RULE_DENIES);
	assert_denied(judge(policy, NODE, "20.50.3.9", FLOW_HTTPS, 443, NULL), REASON_NO_NAME);
	policy_free(policy);
}

static void a_network_rule_by_fqdn_wants_the_destination_answered_for_the_name(void **state)
{
	struct rule_set set = {0};
	struct name pinned[] = {write_name("other.example"), write_name("ntp.ubuntu.com")};
	struct name name = write_name("ntp.ubuntu.com");
	struct policy_facts facts = {
		.source = write_address(NODE),
		.destination = write_address("192.0.2.1"),
		.protocol = FLOW_UDP,
		.port = 123,
		.name = &name,
		.pinned_names = pinned,
		.pinned_name_count = 2,
	};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "ntp", "from:* udp port:123 fqdn:ntp.ubuntu.com");
	struct policy *policy = compile(&set);

	assert_allowed(policy_judge(policy, &facts), "net/ntp");
	facts.pinned_name_count = 1; /* the client's word alone is worth nothing */
	assert_denied(policy_judge(policy, &facts), REASON_NO_RULE);
	facts.destination = (struct ip_address){0};
	assert_allowed(policy_judge(policy, &facts), "net/ntp");
	facts.name = NULL;
	assert_denied(policy_judge(policy, &facts), REASON_NO_RULE);
	policy_free(policy);
}

static void addresses_and_fqdns_of_one_rule_are_alternatives(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* tcp port:* to:192.0.2.0/24 fqdn:a.example");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_TCP, 1, NULL), "net/r");
	assert_allowed(judge(policy, NODE, NULL, FLOW_TCP, 1, "a.example"), "net/r");
	assert_denied(judge(policy, NODE, "192.0.3.1", FLOW_TCP, 1, "a.example"), REASON_NO_RULE);
	policy_free(policy);
}

static void the_better_of_a_rule_by_name_and_one_by_address_decides(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "one", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "name", "from:* tcp port:1 fqdn:a.example");
	write_collection(&set, "two", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "any", "from:* tcp port:1-2 to:*");
	write_collection(&set, "three", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&set, "name", "from:* tcp port:2 fqdn:a.example");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, NULL, FLOW_TCP, 1, "a.example"), "one/name");
	assert_denied(judge(policy, NODE, NULL, FLOW_TCP, 2, "a.example"), REASON_RULE_DENIES);
	policy_free(policy);
}

static void icmp_has_no_ports_so_only_any_port_matches_it(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "ranges", "from:* icmp port:0-65535 to:192.0.2.1");
	write_rule(&set, "any", "from:* icmp port:* to:192.0.2.2");
	struct policy *policy = compile(&set);

	assert_denied(judge(policy, NODE, "192.0.2.1", FLOW_ICMP, 0, NULL), REASON_NO_RULE);
	assert_allowed(judge(policy, NODE, "192.0.2.2", FLOW_ICMP, 0, NULL), "net/any");
	policy_free(policy);
}

static void large_lists_of_nested_prefixes_keep_their_meaning(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "tag",
		   "from:10.0.0.0/8 from:10.0.0.0/16 from:fd00::/8 tcp port:* to:20.0.0.0/24 "
		   "to:20.0.0.0/16 to:20.0.128.0/17 to:20.2.0.0/16 to:2001:db8::/32 "
		   "to:20.0.0.0/24 to:48.0.0.0/32");
	struct policy *policy = compile(&set);

	assert_allowed(judge(policy, NODE, "20.0.0.0", FLOW_TCP, 1, NULL), "net/tag");
	assert_allowed(judge(policy, NODE, "20.0.255.255", FLOW_TCP, 1, NULL), "net/tag");
	assert_denied(judge(policy, NODE, "20.1.0.0", FLOW_TCP, 1, NULL), REASON_NO_RULE);
	assert_allowed(judge(policy, NODE, "20.2.0.1", FLOW_TCP, 1, NULL), "net/tag");
	assert_denied(judge(policy, NODE, "20.3.0.0", FLOW_TCP, 1, NULL), REASON_NO_RULE);
	assert_allowed(judge(policy, "fd12::1", "2001:db8::5", FLOW_TCP, 1, NULL), "net/tag");
	assert_denied(judge(policy, "fe00::1", "2001:db8::5", FLOW_TCP, 1, NULL), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, "3000::", FLOW_TCP, 1, NULL), REASON_NO_RULE);
	policy_free(policy);
}

static void quic_is_https_over_udp_for_rules_that_inspect_it(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "quic", "from:* https:443 https:8443 http:80 quic pattern:quic.example");
	write_rule(&set, "plain", "from:* https:443 https:9443 pattern:*.example");
	write_collection(&set, "never", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&set, "r", "from:* https:443 pattern:bad.example");
	write_collection(&set, "net", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&set, "r", "from:* to:192.0.2.0/24 udp port:443");
	struct policy *policy = compile(&set);
	size_t count;
	const uint16_t *ports = policy_quic_ports(policy, &count);

	assert_int_equal(count, 2);
	assert_int_equal(ports[0], 443);
	assert_int_equal(ports[1], 8443);
	assert_allowed(judge(policy, NODE, NULL, FLOW_QUIC, 443, "quic.example"), "app/quic");
	assert_denied(judge(policy, NODE, NULL, FLOW_QUIC, 80, "quic.example"), REASON_NO_RULE);
	assert_denied(judge(policy, NODE, NULL, FLOW_QUIC, 443, "a.example"), REASON_QUIC);
	assert_string_equal(judge(policy, NODE, NULL, FLOW_QUIC, 443, "a.example").rule->label,
			    "app/plain");
	assert_denied(judge(policy, NODE, NULL, FLOW_QUIC, 443, "bad.example"), REASON_RULE_DENIES);
	assert_denied(judge(policy, NODE, NULL, FLOW_QUIC, 443, NULL), REASON_NO_NAME);
	assert_allowed(judge(policy, NODE, "192.0.2.1", FLOW_QUIC, 443, "a.example"), "net/r");
	policy_free(policy);
}

static struct verdict judge_hello(const struct policy *policy, const char *name, bool left_out,
				  bool encrypted)
{
	struct name read = write_name(name);
	struct policy_facts facts = {.source = write_address(NODE),
				     .protocol = FLOW_HTTPS,
				     .port = 443,
				     .name = &read,
				     .name_left_out = left_out,
				     .has_encrypted_hello = encrypted};

	return policy_judge(policy, &facts);
}

static struct policy *with_switches(void)
{
	struct rule_set set = {0};

	write_collection(&set, "app", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "bare",
		   "from:* https:443 no_sni pattern:b.example pattern:a.example "
		   "pattern:*.bare.example");
	write_rule(&set, "again", "from:* https:8443 no_sni pattern:a.example");
	write_rule(&set, "plain", "from:* https:443 no_ech pattern:*.example");
	write_collection(&set, "never", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&set, "r", "from:* https:443 no_sni pattern:bad.example");
	return compile(&set);
}

static void a_name_is_left_out_only_where_a_rule_lets_and_names_it_exactly(void **state)
{
	(void)state;
	struct policy *policy = with_switches();
	struct verdict verdict;

	assert_allowed(judge_hello(policy, "a.example", true, false), "app/bare");
	verdict = judge_hello(policy, "x.bare.example", true, false);
	assert_denied(verdict, REASON_NO_NAME);
	assert_string_equal(verdict.rule->label, "app/bare");
	assert_denied(judge_hello(policy, "c.example", true, false), REASON_NO_NAME);
	assert_denied(judge_hello(policy, "bad.example", true, false), REASON_RULE_DENIES);
	assert_denied(judge_hello(policy, "other.test", true, false), REASON_NO_NAME);
	assert_int_equal(policy_nameless_count(policy), 2);
	assert_string_equal(policy_nameless_at(policy, 0)->text, "a.example");
	assert_string_equal(policy_nameless_at(policy, 1)->text, "b.example");
	policy_free(policy);
}

static void an_encrypted_hello_is_judged_by_its_outer_name_unless_the_rule_refuses_it(void **state)
{
	(void)state;
	struct policy *policy = with_switches();
	struct verdict verdict;

	assert_allowed(judge_hello(policy, "a.example", false, true), "app/bare");
	verdict = judge_hello(policy, "c.example", false, true);
	assert_denied(verdict, REASON_ENCRYPTED_HELLO);
	assert_string_equal(verdict.rule->label, "app/plain");
	assert_denied(judge_hello(policy, "other.test", false, true), REASON_ENCRYPTED_HELLO);
	/* without an outer name there is nothing to judge it by */
	assert_denied(judge_hello(policy, "a.example", true, true), REASON_ENCRYPTED_HELLO);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rule_means_deny),
		cmocka_unit_test(no_rule_leads_to_special_addresses),
		cmocka_unit_test(
			network_rules_come_before_application_rules_whatever_their_priority),
		cmocka_unit_test(collections_are_judged_by_priority_then_as_written),
		cmocka_unit_test(a_rule_matches_only_when_everything_does),
		cmocka_unit_test(an_empty_set_matches_nothing),
		cmocka_unit_test(application_rules_want_exactly_their_protocol_and_port_and_a_name),
		cmocka_unit_test(tls_without_a_name_may_pass_by_a_network_rule),
		cmocka_unit_test(
			a_network_rule_by_fqdn_wants_the_destination_answered_for_the_name),
		cmocka_unit_test(addresses_and_fqdns_of_one_rule_are_alternatives),
		cmocka_unit_test(the_better_of_a_rule_by_name_and_one_by_address_decides),
		cmocka_unit_test(icmp_has_no_ports_so_only_any_port_matches_it),
		cmocka_unit_test(large_lists_of_nested_prefixes_keep_their_meaning),
		cmocka_unit_test(quic_is_https_over_udp_for_rules_that_inspect_it),
		cmocka_unit_test(a_name_is_left_out_only_where_a_rule_lets_and_names_it_exactly),
		cmocka_unit_test(
			an_encrypted_hello_is_judged_by_its_outer_name_unless_the_rule_refuses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
