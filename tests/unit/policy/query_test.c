#include "write_rules.h"

#define NODE "10.42.0.5"

static struct verdict ask(const struct policy *policy, const char *source, const char *name_text)
{
	struct ip_address address = write_address(source);
	struct name name = write_name(name_text);

	return policy_judge_query(policy, &address, &name);
}

static void a_name_that_a_rule_could_allow_may_be_asked(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "data", "from:10.42.0.0/16 https:443 pattern:*.data.example");
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "ntp", "from:* udp port:123 fqdn:ntp.ubuntu.com");
	struct policy *policy = compile(&set);

	assert_allowed(ask(policy, NODE, "x.data.example"), "app/data");
	assert_allowed(ask(policy, NODE, "ntp.ubuntu.com"), "net/ntp");
	assert_denied(ask(policy, NODE, "data.example"), REASON_DNS_NAME);
	assert_denied(ask(policy, NODE, "x.ntp.ubuntu.com"), REASON_DNS_NAME);
	assert_denied(ask(policy, "10.43.0.1", "x.data.example"), REASON_DNS_NAME);
	assert_null(ask(policy, NODE, "data.example").rule);
	policy_free(policy);
}

static void a_rule_for_any_destination_makes_no_name_askable(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "net", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "all", "from:* any port:* to:*");
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 pattern:a.example");
	struct policy *policy = compile(&set);

	assert_denied(ask(policy, NODE, "b.example"), REASON_DNS_NAME);
	/* The flow would be allowed, if by another rule; its client needs the address. */
	assert_allowed(ask(policy, NODE, "a.example"), "app/r");
	policy_free(policy);
}

static void a_deny_rule_that_covers_every_port_closes_the_name(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 http:80 pattern:*.example");
	write_collection(&set, "deny", RULE_APPLICATION, 100, RULE_DENY);
	write_rule(&set, "half", "from:* https:443 pattern:*.example");
	write_rule(&set, "rest", "from:10.42.0.0/16 http:80 pattern:b.example");
	struct policy *policy = compile(&set);

	assert_allowed(ask(policy, NODE, "a.example"), "app/r"); /* http:80 is left */
	assert_denied(ask(policy, NODE, "b.example"), REASON_DNS_NAME);
	assert_allowed(ask(policy, "10.43.0.1", "b.example"), "app/r");
	policy_free(policy);
}

static void a_network_deny_rule_closes_names_of_application_rules_too(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 pattern:*.example");
	write_collection(&set, "deny", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "name", "from:* tcp port:* fqdn:b.example");
	write_rule(&set, "source", "from:10.9.0.0/16 tcp port:443 to:*");
	write_rule(&set, "address", "from:* tcp port:443 to:192.0.2.0/24");
	struct policy *policy = compile(&set);

	assert_allowed(ask(policy, NODE, "a.example"), "app/r");
	assert_denied(ask(policy, NODE, "b.example"), REASON_DNS_NAME);
	assert_denied(ask(policy, "10.9.0.1", "a.example"), REASON_DNS_NAME);
	policy_free(policy);
}

static void one_port_left_open_is_enough_for_a_network_rule(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "early", RULE_NETWORK, 100, RULE_ALLOW);
	write_rule(&set, "not-named", "from:* udp port:500 to:*");
	write_collection(&set, "deny", RULE_NETWORK, 200, RULE_DENY);
	write_rule(&set, "low", "from:* tcp udp icmp port:1-1000 to:*");
	write_rule(&set, "high", "from:* tcp udp port:1002-65535 to:*");
	write_collection(&set, "net", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&set, "closed", "from:* tcp port:64-128 fqdn:a.example");
	write_rule(&set, "zero", "from:* tcp port:0 fqdn:a.example"); /* port 0 is no port */
	write_rule(&set, "early", "from:* tcp udp port:500 fqdn:b.example");
	write_rule(&set, "gap", "from:* tcp port:900-1100 fqdn:c.example");
	write_rule(&set, "any", "from:* tcp port:* fqdn:d.example");
	write_rule(&set, "icmp", "from:* icmp port:* fqdn:e.example");
	write_rule(&set, "no-icmp", "from:* icmp port:1-65535 fqdn:f.example");
	struct policy *policy = compile(&set);

	assert_denied(ask(policy, NODE, "a.example"), REASON_DNS_NAME);
	assert_allowed(ask(policy, NODE, "b.example"), "net/early");
	assert_allowed(ask(policy, NODE, "c.example"), "net/gap");
	assert_allowed(ask(policy, NODE, "d.example"), "net/any");
	assert_allowed(ask(policy, NODE, "e.example"), "net/icmp");
	assert_denied(ask(policy, NODE, "f.example"), REASON_DNS_NAME);
	policy_free(policy);
}

static void the_first_rule_that_could_allow_is_named(void **state)
{
	struct rule_set set = {0};

	(void)state;
	write_collection(&set, "app", RULE_APPLICATION, 100, RULE_ALLOW);
	write_rule(&set, "r", "from:* https:443 pattern:a.example");
	write_collection(&set, "net", RULE_NETWORK, 300, RULE_ALLOW);
	write_rule(&set, "worse", "from:* tcp port:22 fqdn:a.example to:*");
	write_collection(&set, "better", RULE_NETWORK, 200, RULE_ALLOW);
	write_rule(&set, "r", "from:* tcp port:22 fqdn:a.example");
	struct policy *policy = compile(&set);

	assert_allowed(ask(policy, NODE, "a.example"), "better/r");
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_a_rule_could_allow_may_be_asked),
		cmocka_unit_test(a_rule_for_any_destination_makes_no_name_askable),
		cmocka_unit_test(a_deny_rule_that_covers_every_port_closes_the_name),
		cmocka_unit_test(a_network_deny_rule_closes_names_of_application_rules_too),
		cmocka_unit_test(one_port_left_open_is_enough_for_a_network_rule),
		cmocka_unit_test(the_first_rule_that_could_allow_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
