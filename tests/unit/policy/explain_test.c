/*
 * Golden texts of explanations (tests/golden/policy/): read them by eye. To write them anew after a
 * change, run this program with SALLYPORT_WRITE_GOLDEN=1.
 */
#include "write_rules.h"

#include "base/cleanup.h"
#include "base/text.h"

/* One question; words as in write_rules.h: NULL is "not given". */
struct question {
	const char *source, *destination;
	enum flow_protocol protocol;
	uint16_t port;
	const char *name;
	const char *pinned; /* a name for which the destination was answered */
};

#define NODE "10.42.0.5"

static struct policy *example(void)
{
	struct rule_set set = {0};

	write_collection(&set, "aks", RULE_NETWORK, 500, RULE_ALLOW);
	write_rule(&set, "ntp",
		   "from:10.42.0.0/16 udp port:123 fqdn:ntp.ubuntu.com "
		   "purpose:clocks origin:edition-2024-05-20");
	write_rule(&set, "api-server",
		   "from:10.42.0.0/16 tcp port:443 port:9000-9010 "
		   "to:20.50.1.0/24 to:20.60.0.0/16 purpose:API");
	write_rule(&set, "icmp", "from:* icmp port:* to:20.50.1.0/24");
	write_rule(&set, "no-source", "any port:* to:203.0.113.7");
	write_rule(&set, "web", "from:* any port:80 to:203.0.113.8");
	write_rule(&set, "all-tcp", "from:* tcp port:* to:203.0.113.9");
	write_rule(&set, "no-port", "from:* tcp udp to:203.0.113.10");
	write_rule(&set, "no-protocol", "from:* port:* to:203.0.113.11");
	write_rule(&set, "everywhere", "from:10.42.0.0/16 tcp port:4317 to:*");
	write_collection(&set, "blocked", RULE_NETWORK, 300, RULE_DENY);
	write_rule(&set, "test-net", "from:* any port:* to:198.51.100.0/24 purpose:never");
	write_collection(&set, "aks-names", RULE_APPLICATION, 500, RULE_ALLOW);
	write_rule(&set, "mcr",
		   "from:10.42.0.0/16 https:443 pattern:mcr.microsoft.com "
		   "purpose:images origin:edition-2024-05-20");
	write_rule(&set, "mcr-data",
		   "from:10.42.0.0/16 https:443 "
		   "pattern:*.data.mcr.microsoft.com");
	write_rule(&set, "ubuntu",
		   "from:10.42.0.0/16 http:80 pattern:security.ubuntu.com "
		   "pattern:azure.archive.ubuntu.com");
	write_rule(&set, "disks",
		   "from:10.42.0.0/16 https:443 "
		   "pattern:md-*.blob.storage.example");
	write_collection(&set, "team", RULE_APPLICATION, 200, RULE_ALLOW);
	write_rule(&set, "github",
		   "from:10.42.7.0/24 https:443 pattern:*.github.com "
		   "purpose:builds origin:sallyport.yaml:12");
	write_rule(&set, "many-ports",
		   "from:* https:1 https:2 https:3 https:4 https:5 "
		   "pattern:ports.example");
	write_rule(&set, "many-sources",
		   "from:10.1.0.0/16 from:10.3.0.0/16 from:10.5.0.0/16 "
		   "from:10.7.0.0/16 from:10.9.0.0/16 https:443 "
		   "pattern:sources.example");
	write_rule(&set, "http3", "from:* https:443 quic pattern:h3.example");
	write_rule(&set, "bare",
		   "from:* https:443 no_sni pattern:bare.example pattern:*.bare.example");
	write_rule(&set, "clear", "from:* https:443 no_ech pattern:clear.example");
	write_rule(&set, "nothing", "from:* pattern:nothing.example");
	write_collection(&set, "team-deny", RULE_APPLICATION, 150, RULE_DENY);
	write_rule(&set, "gists", "from:* https:443 pattern:gist.github.com purpose:leaks");
	write_collection(&set, "same-deny", RULE_APPLICATION, 500, RULE_DENY);
	write_rule(&set, "late", "from:* https:443 pattern:mcr.microsoft.com");
	write_collection(&set, "late-allow", RULE_APPLICATION, 500, RULE_ALLOW);
	write_rule(&set, "bad", "from:* https:443 pattern:bad.example");
	write_collection(&set, "bad-deny", RULE_APPLICATION, 400, RULE_DENY);
	write_rule(&set, "bad", "from:* https:443 https:8443 pattern:bad.example");
	write_collection(&set, "twin-deny", RULE_APPLICATION, 600, RULE_DENY);
	write_rule(&set, "twin", "from:* https:443 pattern:twin.example");
	write_collection(&set, "twin-allow", RULE_APPLICATION, 600, RULE_ALLOW);
	write_rule(&set, "twin", "from:* https:443 pattern:twin.example");
	write_rule(&set, "test-net", "from:* https:443 pattern:test-net.example");
	return compile(&set);
}

static void add_answer(const struct policy *policy, const struct question *question,
		       struct text *out)
{
	struct name name, pinned;
	struct policy_facts facts = {
		.source = write_address(question->source),
		.destination = write_address(question->destination),
		.protocol = question->protocol,
		.port = question->port,
	};

	if (question->name) {
		name = write_name(question->name);
		facts.name = &name;
	}
	if (question->pinned) {
		pinned = write_name(question->pinned);
		facts.pinned_names = &pinned;
		facts.pinned_name_count = 1;
	}
	policy_explain(policy, &facts, out);
	text_add(out, "\n");
}

static void read_whole(const char *path, struct text *out)
{
	char buffer[4096];
	size_t got;
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0)
		text_add_bytes(out, buffer, got);
	fclose(file);
}

static void compare_golden(const char *golden, const struct text *made)
{
	cleanup(text_free) struct text wanted = TEXT_EMPTY;
	cleanup(free_memory) char *path = NULL;
	const char *root = getenv("SALLYPORT_SOURCE");

	assert_true(asprintf(&path, "%s/tests/golden/policy/%s.txt", root ? root : ".", golden) >
		    0);
	if (getenv("SALLYPORT_WRITE_GOLDEN")) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(text_string(made), file);
		assert_int_equal(fclose(file), 0);
	}
	read_whole(path, &wanted);
	assert_string_equal(text_string(made), text_string(&wanted));
}

static void check_golden(const char *golden, const struct question *questions, size_t count)
{
	cleanup(text_free) struct text made = TEXT_EMPTY;
	struct policy *policy = example();

	for (size_t i = 0; i < count; i++)
		add_answer(policy, &questions[i], &made);
	policy_free(policy);
	compare_golden(golden, &made);
}

#define CHECK_GOLDEN(golden, questions)                                                            \
	check_golden(golden, questions, sizeof(questions) / sizeof((questions)[0]))

static void an_allowed_flow_is_explained_by_its_rule(void **state)
{
	static const struct question questions[] = {
		{NODE, NULL, FLOW_HTTPS, 443, "mcr.microsoft.com", NULL},
		{"10.42.7.9", "140.82.112.3", FLOW_HTTPS, 443, "api.github.com", NULL},
		{NODE, NULL, FLOW_HTTP, 80, "azure.archive.ubuntu.com", NULL},
		{NODE, NULL, FLOW_UDP, 123, "ntp.ubuntu.com", NULL},
		{NODE, "91.189.91.157", FLOW_UDP, 123, NULL, "ntp.ubuntu.com"},
		{NODE, "20.60.1.2", FLOW_TCP, 9005, NULL, NULL},
		{NODE, "20.60.1.2", FLOW_HTTPS, 443, NULL, NULL},
		{NODE, "20.50.1.2", FLOW_ICMP, 0, NULL, NULL},
		{NODE, "10.0.0.4", FLOW_HTTPS, 443, "mcr.microsoft.com", NULL},
	};

	(void)state;
	CHECK_GOLDEN("allowed", questions);
}

static void a_denied_name_is_explained_by_the_rules_that_come_near(void **state)
{
	static const struct question questions[] = {
		{NODE, NULL, FLOW_HTTPS, 443, "evil.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "data.mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "x.mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "notmcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 8443, "mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTP, 80, "mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_TCP, 22, "mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "api.github.com", NULL},
		{NULL, NULL, FLOW_HTTPS, 443, "api.github.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "md-1.x.blob.storage.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "xx-1.blob.storage.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "blob.storage.example", NULL},
		{"10.99.0.1", NULL, FLOW_HTTP, 8080, "data.mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "ports.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "sources.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "nothing.example", NULL},
	};

	(void)state;
	CHECK_GOLDEN("names", questions);
}

static void a_denied_address_is_explained_by_the_rules_that_come_near(void **state)
{
	static const struct question questions[] = {
		{NODE, "192.0.2.1", FLOW_TCP, 22, NULL, NULL},
		{NODE, "192.0.2.1", FLOW_HTTPS, 443, NULL, NULL},
		{NODE, "20.60.1.2", FLOW_TCP, 8080, NULL, NULL},
		{NODE, "20.60.1.2", FLOW_UDP, 443, NULL, NULL},
		{"10.99.0.1", "20.60.1.2", FLOW_TCP, 443, NULL, NULL},
		{NODE, "203.0.113.7", FLOW_TCP, 443, NULL, NULL},
		{NODE, "192.0.2.1", FLOW_UDP, 123, "ntp.ubuntu.com", NULL},
		{NODE, "192.0.2.1", FLOW_UDP, 123, "x.ntp.ubuntu.com", NULL},
		{NODE, "192.0.2.1", FLOW_TCP, 123, NULL, "ntp.ubuntu.com"},
		{NODE, "192.0.2.1", FLOW_TCP, 443, "x.ntp.ubuntu.com", NULL},
		{NODE, "2001:db8::1", FLOW_ICMP, 0, NULL, NULL},
		{NODE, "169.254.169.254", FLOW_HTTPS, 443, "mcr.microsoft.com", NULL},
	};

	(void)state;
	CHECK_GOLDEN("addresses", questions);
}

static void what_a_rule_allows_instead_is_told(void **state)
{
	static const struct question questions[] = {
		{NODE, "203.0.113.8", FLOW_TCP, 81, NULL, NULL},
		{NODE, "203.0.113.9", FLOW_UDP, 81, NULL, NULL},
		{NODE, "203.0.113.10", FLOW_TCP, 81, NULL, NULL},
		{NODE, "203.0.113.11", FLOW_TCP, 81, NULL, NULL},
		{NODE, "203.0.113.12", FLOW_TCP, 4317, NULL, NULL},
		{"10.99.0.1", "203.0.113.12", FLOW_TCP, 4317, NULL, NULL},
	};

	(void)state;
	CHECK_GOLDEN("services", questions);
}

static void quic_is_explained_by_the_rule_that_inspects_it_or_not(void **state)
{
	static const struct question questions[] = {
		{NODE, NULL, FLOW_QUIC, 443, "h3.example", NULL},
		{NODE, NULL, FLOW_QUIC, 443, "mcr.microsoft.com", NULL},
		{NODE, NULL, FLOW_QUIC, 443, "evil.example", NULL},
		{NODE, NULL, FLOW_QUIC, 8443, "h3.example", NULL},
	};

	(void)state;
	CHECK_GOLDEN("quic", questions);
}

static void
hellos_without_a_name_and_encrypted_ones_are_explained_by_the_rule_s_switches(void **state)
{
	static const struct {
		const char *name;
		bool left_out, encrypted;
	} hellos[] = {
		{"bare.example", true, false},  {"x.bare.example", true, false},
		{"clear.example", true, false}, {"evil.example", true, false},
		{"bare.example", true, true},   {"bare.example", false, true},
		{"clear.example", false, true}, {"evil.example", false, true},
	};
	cleanup(text_free) struct text made = TEXT_EMPTY;
	struct policy *policy = example();

	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		struct name name = write_name(hellos[i].name);
		struct policy_facts facts = {.source = write_address(NODE),
					     .protocol = FLOW_HTTPS,
					     .port = 443,
					     .name = &name,
					     .name_left_out = hellos[i].left_out,
					     .has_encrypted_hello = hellos[i].encrypted};

		policy_explain(policy, &facts, &made);
		text_add(&made, "\n");
	}
	policy_free(policy);
	compare_golden("hellos", &made);
}

static void a_deny_rule_is_named_and_what_it_keeps_from_deciding(void **state)
{
	static const struct question questions[] = {
		{NODE, "198.51.100.1", FLOW_TCP, 443, NULL, NULL},
		{NODE, "198.51.100.1", FLOW_HTTPS, 443, "test-net.example", NULL},
		{"10.42.7.9", NULL, FLOW_HTTPS, 443, "gist.github.com", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "bad.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 8443, "bad.example", NULL},
		{NODE, NULL, FLOW_HTTPS, 443, "twin.example", NULL},
	};

	(void)state;
	CHECK_GOLDEN("deny_rules", questions);
}

static void at_most_five_rules_are_near_and_the_nearest_come_first(void **state)
{
	cleanup(text_free) struct text out = TEXT_EMPTY;
	struct rule_set set = {0};
	struct name name = write_name("a.example");
	struct policy_facts facts = {.protocol = FLOW_HTTPS, .port = 443, .name = &name};
	size_t lines = 0;

	(void)state;
	write_collection(&set, "c", RULE_APPLICATION, 200, RULE_ALLOW);
	for (size_t i = 0; i < 9; i++)
		write_rule(&set, NULL, "from:10.0.0.0/8 http:80 pattern:a.example");
	write_rule(&set, "near", "from:* https:8443 pattern:a.example");
	struct policy *policy = compile(&set);

	policy_explain(policy, &facts, &out);
	for (const char *byte = text_string(&out); *byte; byte++)
		lines += *byte == '\n';
	assert_int_equal(lines, 2 + 5);
	assert_non_null(strstr(text_string(&out), "  nearest  c/near  matches the name"));
	assert_non_null(strstr(text_string(&out), "c/4"));
	assert_null(strstr(text_string(&out), "c/5"));
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_allowed_flow_is_explained_by_its_rule),
		cmocka_unit_test(a_denied_name_is_explained_by_the_rules_that_come_near),
		cmocka_unit_test(a_denied_address_is_explained_by_the_rules_that_come_near),
		cmocka_unit_test(what_a_rule_allows_instead_is_told),
		cmocka_unit_test(quic_is_explained_by_the_rule_that_inspects_it_or_not),
		cmocka_unit_test(
			hellos_without_a_name_and_encrypted_ones_are_explained_by_the_rule_s_switches),
		cmocka_unit_test(a_deny_rule_is_named_and_what_it_keeps_from_deciding),
		cmocka_unit_test(at_most_five_rules_are_near_and_the_nearest_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
