/*
 * Golden texts of the ruleset (tests/golden/kernel/): read them by eye. To write them anew after a
 * change, run this program with SALLYPORT_WRITE_GOLDEN=1.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/nft.h"
#include "kernel/ruleset.h"
#include "namespace.h"
#include "settings.h"

static const char *const s_inside[] = {"eth1"};
static const uint16_t s_https[] = {443, 8443, 443};
static const uint16_t s_http[] = {80};
static struct ip_prefix s_sources[3];
static struct ip_endpoint s_listen[4];

static struct ruleset_settings plain_settings(void)
{
	return (struct ruleset_settings){
		.interfaces = s_inside,
		.interface_count = 1,
		.sources = s_sources,
		.source_count = 1,
		.https_ports = s_https,
		.https_port_count = COUNT(s_https),
		.http_ports = s_http,
		.http_port_count = COUNT(s_http),
		.proxy_port = 15001,
		.snat = RULESET_SNAT_MASQUERADE,
		.pinned_capacity = 65536,
		.handshake_capacity = 65536,
	};
}

struct example {
	const char *name;
	struct ruleset_settings settings;
	const struct ruleset_rule *rules;
	size_t rule_count;
	const struct ruleset_pin *pins;
	size_t pin_count;
	bool later; /* replaces the rules of another one */
	const uint32_t *previous;
	size_t previous_count;
};

static int write_example(const struct example *example, struct text *out)
{
	return ruleset_write(&example->settings, example->rules, example->rule_count, example->pins,
			     example->pin_count, !example->later, example->previous,
			     example->previous_count, out);
}

static char *golden_path(const char *name)
{
	const char *root = getenv("SALLYPORT_SOURCE");
	char *path;

	assert_true(asprintf(&path, "%s/tests/golden/kernel/%s.nft", root ? root : ".", name) > 0);
	return path;
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

static void check_golden(const struct example *example)
{
	cleanup(text_free) struct text made = TEXT_EMPTY;
	cleanup(text_free) struct text wanted = TEXT_EMPTY;
	cleanup(free_memory) char *path = golden_path(example->name);

	assert_int_equal(write_example(example, &made), 0);
	if (getenv("SALLYPORT_WRITE_GOLDEN")) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(text_string(&made), file);
		assert_int_equal(fclose(file), 0);
	}
	read_whole(path, &wanted);
	assert_string_equal(text_string(&made), text_string(&wanted));
}

/* Both the kernel and nft take it: applied for real, in a namespace that goes with this process. */
static void check_applies(const struct example *example)
{
	cleanup(text_free) struct text made = TEXT_EMPTY;
	cleanup(text_free) struct text complaint = TEXT_EMPTY;

	assert_int_equal(write_example(example, &made), 0);
	if (nft_apply(text_string(&made), &complaint) != 0)
		fail_msg("%s: %s", example->name, text_string(&complaint));
}

static struct example masquerade(void)
{
	return (struct example){.name = "masquerade", .settings = plain_settings()};
}

static struct example fixed_snat(void)
{
	struct example example = {.name = "snat", .settings = plain_settings()};

	example.settings.source_count = 3;
	example.settings.snat = RULESET_SNAT_ADDRESSES;
	example.settings.snat_v4 = address("203.0.113.9");
	example.settings.snat_v6 = address("2001:db8:f::9");
	return example;
}

static struct example intercept(void)
{
	struct example example = {.name = "intercept", .settings = plain_settings()};

	example.settings.source_count = 3;
	example.settings.dns_intercept = true;
	example.settings.dns_listen = s_listen;
	example.settings.dns_listen_count = COUNT(s_listen);
	example.settings.snat = RULESET_SNAT_NONE;
	return example;
}

static struct example v6_only(void)
{
	static const char *const inside[] = {"eth0", "vlan.10"};
	struct example example = {.name = "v6-only", .settings = plain_settings()};

	example.settings.interfaces = inside;
	example.settings.interface_count = 2;
	example.settings.sources = &s_sources[2];
	example.settings.http_port_count = 0;
	return example;
}

static struct example quic(void)
{
	static const uint16_t ports[] = {443};
	struct example example = {.name = "quic", .settings = plain_settings()};

	example.settings.source_count = 3;
	example.settings.quic_ports = ports;
	example.settings.quic_port_count = 1;
	return example;
}

/* No application rule, no network rule: nothing gets out. */
static struct example closed(void)
{
	struct example example = {.name = "closed", .settings = plain_settings()};

	example.settings.https_port_count = 0;
	example.settings.http_port_count = 0;
	example.settings.snat = RULESET_SNAT_NONE;
	return example;
}

static struct example network_rules(void)
{
	static struct ip_prefix destinations[6], sources[2];
	static const struct ruleset_ports api_ports[] = {{443, 443}, {9000, 9000}},
					  spread[] = {{1000, 2000},
						      {1500, 3000},
						      {3001, 3001},
						      {53, 53},
						      {0, 0}};
	static struct ruleset_rule rules[9];
	struct example example = {.name = "rules", .settings = plain_settings()};

	destinations[0] = prefix("10.2.0.0/16");
	destinations[1] = prefix("20.0.0.0/9");
	destinations[2] = prefix("20.128.0.0/9");
	destinations[3] = prefix("20.4.0.0/16");
	destinations[4] = prefix("2001:db8:a::/48");
	destinations[5] = prefix("10.2.7.0/24");
	sources[0] = prefix("10.224.0.0/16");
	sources[1] = prefix("fd00:1::/64");
	rules[0] = (struct ruleset_rule){.number = 1,
					 .allow = true,
					 .label = "aks/api server",
					 .any_source = true,
					 .destinations = destinations,
					 .destination_count = 6,
					 .transports = 1,
					 .ports = api_ports,
					 .port_count = 2};
	rules[1] = (struct ruleset_rule){.number = 2,
					 .allow = true,
					 .label = "aks/ntp",
					 .sources = sources,
					 .source_count = 2,
					 .by_name = true,
					 .transports = 2,
					 .any_port = true};
	rules[2] = (struct ruleset_rule){.number = 3,
					 .label = "own/not \"there\"\n",
					 .any_source = true,
					 .destinations = destinations,
					 .destination_count = 1,
					 .transports = 0xf,
					 .any_port = true};
	rules[3] = (struct ruleset_rule){.number = 4,
					 .allow = true,
					 .label = "own/all ports",
					 .any_source = true,
					 .any_destination = true,
					 .transports = 0xf,
					 .ports = spread,
					 .port_count = 5};
	rules[4] = (struct ruleset_rule){.number = 5,
					 .allow = true,
					 .label = "own/ping",
					 .sources = sources,
					 .source_count = 1,
					 .any_destination = true,
					 .transports = 4,
					 .any_port = true};
	rules[5] = (struct ruleset_rule){.number = 6,
					 .allow = true,
					 .label = "own/both",
					 .sources = &sources[1],
					 .source_count = 1,
					 .destinations = &destinations[4],
					 .destination_count = 1,
					 .by_name = true,
					 .transports = 5,
					 .any_port = true};
	/* these match nothing and leave no line */
	rules[6] = (struct ruleset_rule){.number = 7,
					 .allow = true,
					 .label = "own/no ports",
					 .any_source = true,
					 .any_destination = true,
					 .transports = 3};
	rules[7] = (struct ruleset_rule){.number = 8,
					 .allow = true,
					 .label = "own/no destination",
					 .any_source = true,
					 .transports = 3,
					 .any_port = true};
	rules[8] = (struct ruleset_rule){.number = 9,
					 .allow = true,
					 .label = "own/ports of ping",
					 .any_source = true,
					 .any_destination = true,
					 .transports = 4,
					 .ports = spread,
					 .port_count = 1};
	example.rules = rules;
	example.rule_count = 9;
	return example;
}

static struct example with_pins(void)
{
	static struct ruleset_pin pins[4];
	struct example example = network_rules();

	example.name = "pins";
	example.rules = &example.rules[1];
	example.rule_count = 1;
	pins[0] = (struct ruleset_pin){address("198.51.100.7"), 0, 300000};
	pins[1] = (struct ruleset_pin){address("2001:db8::7"), 0, 1};
	pins[2] = (struct ruleset_pin){address("198.51.100.123"), 2, 900123};
	pins[3] = (struct ruleset_pin){address("198.51.100.8"), 0, 0}; /* expired: left out */
	example.pins = pins;
	example.pin_count = 4;
	return example;
}

/* Applied behind network_rules(): number 2 goes, 6 is made anew, 12 comes. */
static struct example replaced(void)
{
	static struct ruleset_rule rules[2];
	static const uint32_t previous[] = {2, 6};
	struct example example = network_rules();

	rules[0] = example.rules[5];
	rules[1] = (struct ruleset_rule){.number = 12,
					 .allow = true,
					 .label = "own/new",
					 .any_source = true,
					 .by_name = true,
					 .transports = 3,
					 .any_port = true};
	example.name = "replaced";
	example.rules = rules;
	example.rule_count = 2;
	example.later = true;
	example.previous = previous;
	example.previous_count = 2;
	return example;
}

static void masquerade_reads_as_before(void **state)
{
	struct example example = masquerade();

	(void)state;
	check_golden(&example);
}

static void fixed_source_addresses_read_as_before(void **state)
{
	struct example example = fixed_snat();

	(void)state;
	check_golden(&example);
}

static void interception_takes_the_first_listener_of_each_family(void **state)
{
	struct example example = intercept();

	(void)state;
	check_golden(&example);
}

static void quic_is_inspected_where_a_rule_says_so(void **state)
{
	struct example example = quic();

	(void)state;
	check_golden(&example);
}

static void without_v4_sources_all_v4_is_denied(void **state)
{
	struct example example = v6_only();

	(void)state;
	check_golden(&example);
}

static void without_any_rule_nothing_gets_out(void **state)
{
	struct example example = closed();

	(void)state;
	check_golden(&example);
}

static void network_rules_become_lines_for_each_family_and_kind(void **state)
{
	struct example example = network_rules();

	(void)state;
	check_golden(&example);
}

static void pins_are_loaded_with_what_is_left_of_their_time(void **state)
{
	struct example example = with_pins();

	(void)state;
	check_golden(&example);
}

static void a_later_ruleset_keeps_pins_and_queue_and_drops_unused_names(void **state)
{
	struct example example = replaced();

	(void)state;
	check_golden(&example);
}

static void the_kernel_takes_every_golden_ruleset(void **state)
{
	struct example examples[] = {masquerade(), fixed_snat(),    intercept(),
				     quic(),       v6_only(),       closed(),
				     with_pins(),  network_rules(), replaced()};
	struct example again = masquerade();

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	for (size_t i = 0; i < COUNT(examples); i++)
		check_applies(&examples[i]);
	check_applies(&again);
}

static void settings_that_nft_would_read_otherwise_are_refused(void **state)
{
	static const char *const names[] = {"", "eth*", "a\"b", "a b", "sixteen-letters-"};
	struct ruleset_settings settings = plain_settings();
	struct text out = TEXT_EMPTY;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		settings.interfaces = &names[i];
		assert_int_equal(ruleset_write(&settings, NULL, 0, NULL, 0, true, NULL, 0, &out),
				 -EINVAL);
	}
	settings = plain_settings();
	settings.interface_count = 0;
	assert_int_equal(ruleset_write(&settings, NULL, 0, NULL, 0, true, NULL, 0, &out), -EINVAL);
	settings = plain_settings();
	settings.proxy_port = 0;
	assert_int_equal(ruleset_write(&settings, NULL, 0, NULL, 0, true, NULL, 0, &out), -EINVAL);
	settings = plain_settings();
	settings.pinned_capacity = 0;
	assert_int_equal(ruleset_write(&settings, NULL, 0, NULL, 0, true, NULL, 0, &out), -EINVAL);
	assert_null(out.data);
}

static void any_address_is_a_prefix_like_others(void **state)
{
	struct ip_prefix all[] = {prefix("0.0.0.0/0"), prefix("::/0"), prefix("10.0.0.0/8")};
	struct example example = {.name = "all", .settings = plain_settings()};

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	example.settings.sources = all;
	example.settings.source_count = 3;
	check_applies(&example);
}

static void a_long_label_is_cut_between_characters(void **state)
{
	char label[200];
	struct ruleset_rule rule = {.number = 1,
				    .allow = true,
				    .label = label,
				    .any_source = true,
				    .any_destination = true,
				    .transports = 1,
				    .any_port = true};
	struct example example = {
		.name = "label", .settings = plain_settings(), .rules = &rule, .rule_count = 1};

	(void)state;
	memset(label, 'x', sizeof(label));
	memcpy(label + 126, "\xc3\xa9", 2); /* é over the edge */
	label[199] = '\0';
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	check_applies(&example);
	label[125] = '\0';
	check_applies(&example);
	memcpy(label + 125, "\xc3\xa9", 3); /* é just before it */
	check_applies(&example);
}

static void prefixes_of_logs_are_read_back(void **state)
{
	static const struct {
		const char *prefix;
		enum ruleset_log log;
	} cases[] = {
		{"no-rule", RULESET_LOG_NO_RULE},
		{"source", RULESET_LOG_SOURCE},
		{"other-resolver", RULESET_LOG_OTHER_RESOLVER},
		{"dns-over-tls", RULESET_LOG_DNS_OVER_TLS},
		{"quic", RULESET_LOG_QUIC},
		{"syn-data", RULESET_LOG_SYN_DATA},
		{"invalid", RULESET_LOG_INVALID},
		{"gateway-down", RULESET_LOG_GATEWAY_DOWN},
		{"", RULESET_LOG_UNKNOWN},
		{"A", RULESET_LOG_UNKNOWN},
		{"A1x", RULESET_LOG_UNKNOWN},
		{"A-1", RULESET_LOG_UNKNOWN},
		{"D16777216", RULESET_LOG_UNKNOWN},
		{"A000000001", RULESET_LOG_UNKNOWN},
		{"E1", RULESET_LOG_UNKNOWN},
	};
	uint32_t number = 77;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(ruleset_log_parse(cases[i].prefix, &number), cases[i].log);
	assert_int_equal(number, 77);
	assert_int_equal(ruleset_log_parse("A16777215", &number), RULESET_LOG_RULE_ALLOWS);
	assert_int_equal(number, 16777215);
	assert_int_equal(ruleset_log_parse("D4", &number), RULESET_LOG_RULE_DENIES);
	assert_int_equal(number, 4);
}

static void a_refused_ruleset_changes_nothing_and_says_why(void **state)
{
	cleanup(text_free) struct text words = TEXT_EMPTY;
	struct example example = masquerade();

	(void)state;
	if (!enter_own_namespace())
		skip_because("needs root, for a network namespace of its own");
	check_applies(&example);
	assert_int_equal(
		nft_apply("flush ruleset\nadd rule inet sallyport nowhere accept\n", &words),
		-EREMOTEIO);
	assert_non_null(strstr(text_string(&words), "nowhere"));
	assert_int_equal(nft_apply("flush chain inet sallyport forward\n", &words), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masquerade_reads_as_before),
		cmocka_unit_test(fixed_source_addresses_read_as_before),
		cmocka_unit_test(interception_takes_the_first_listener_of_each_family),
		cmocka_unit_test(quic_is_inspected_where_a_rule_says_so),
		cmocka_unit_test(without_v4_sources_all_v4_is_denied),
		cmocka_unit_test(without_any_rule_nothing_gets_out),
		cmocka_unit_test(network_rules_become_lines_for_each_family_and_kind),
		cmocka_unit_test(pins_are_loaded_with_what_is_left_of_their_time),
		cmocka_unit_test(a_later_ruleset_keeps_pins_and_queue_and_drops_unused_names),
		cmocka_unit_test(the_kernel_takes_every_golden_ruleset),
		cmocka_unit_test(settings_that_nft_would_read_otherwise_are_refused),
		cmocka_unit_test(any_address_is_a_prefix_like_others),
		cmocka_unit_test(a_long_label_is_cut_between_characters),
		cmocka_unit_test(prefixes_of_logs_are_read_back),
		cmocka_unit_test(a_refused_ruleset_changes_nothing_and_says_why),
	};

	s_sources[0] = prefix("10.224.0.0/12");
	s_sources[1] = prefix("10.0.0.0/16");
	s_sources[2] = prefix("fd00:1::/48");
	s_listen[0] = endpoint("10.0.0.4:53");
	s_listen[1] = endpoint("127.0.0.1:53");
	s_listen[2] = endpoint("[::]:5353");
	s_listen[3] = endpoint("[::1]:53");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
