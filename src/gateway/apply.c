/*
 * The policy → one nftables transaction. The caller holds the lock of `applied` for writing, so
 * nobody learns meanwhile: the pins that are written into the new sets are all there are.
 */
#include "gateway/gateway_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"
#include "base/clock.h"

/* Connections at once between their SYN-ACK and the first TLS record of their server. */
#define HANDSHAKES 65536

struct application {
	const struct config *config;
	const struct policy *policy;
	struct pins *pins;
	uint64_t now;
	struct ruleset_rule *rules;
	struct ruleset_ports **ports; /* of each rule */
	uint32_t *numbers;
	uint32_t *named;
	size_t named_count;
	size_t rule_count;
	struct ruleset_pin *elements;
	size_t element_count, element_capacity;
};

static void done(struct application *application)
{
	for (size_t i = 0; application->ports && i < application->rule_count; i++)
		free(application->ports[i]);
	free(application->ports);
	free(application->rules);
	free(application->numbers);
	free(application->named);
	free(application->elements);
}

static struct ruleset_ports *copy_ports(const struct rule *rule)
{
	struct ruleset_ports *ports = calloc(rule->port_count + 1, sizeof(*ports));

	for (size_t i = 0; ports && i < rule->port_count; i++)
		ports[i] = (struct ruleset_ports){rule->ports[i].first, rule->ports[i].last};
	return ports;
}

static int add_rule(struct application *application, struct admissions *admissions, size_t position)
{
	const struct policy_rule *from = policy_rule_at(application->policy, position);
	const struct rule *rule = from->rule;
	uint32_t *number = &application->numbers[position];
	int error = admissions_number(admissions, ADMISSION_RULE, from->label, number);

	if (error < 0)
		return error;
	application->ports[position] = copy_ports(rule);
	if (!application->ports[position])
		return -ENOMEM;
	application->rules[position] = (struct ruleset_rule){
		.number = *number,
		.allow = from->action == RULE_ALLOW,
		.label = from->label,
		.any_source = rule->any_source,
		.sources = rule->sources,
		.source_count = rule->source_count,
		.any_destination = rule->any_destination,
		.destinations = rule->destinations,
		.destination_count = rule->destination_count,
		.by_name = rule->fqdn_count > 0,
		.transports = rule->transports,
		.any_port = rule->any_port,
		.ports = application->ports[position],
		.port_count = rule->port_count,
	};
	if (rule->fqdn_count > 0)
		application->named[application->named_count++] = *number;
	return 0;
}

static int add_rules(struct application *application, struct admissions *admissions)
{
	size_t count = policy_network_rule_count(application->policy);
	int error = 0;

	application->rules = calloc(count + 1, sizeof(*application->rules));
	application->ports = calloc(count + 1, sizeof(struct ruleset_ports *));
	application->numbers = calloc(count + 1, sizeof(*application->numbers));
	application->named = calloc(count + 1, sizeof(*application->named));
	if (!application->rules || !application->ports || !application->numbers ||
	    !application->named)
		return -ENOMEM;
	application->rule_count = count;
	for (size_t i = 0; i < count && error == 0; i++)
		error = add_rule(application, admissions, i);
	return error;
}

/* ------------------------------------------------- the pins that are there already */

static int add_element(struct application *application, uint32_t number,
		       const struct ip_address *address, uint64_t end)
{
	if (application->element_count == application->element_capacity) {
		size_t capacity = application->element_capacity * 2 + 64;
		struct ruleset_pin *grown =
			realloc(application->elements, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		application->elements = grown;
		application->element_capacity = capacity;
	}
	application->elements[application->element_count++] =
		(struct ruleset_pin){*address, number, end - application->now};
	return 0;
}

static int add_pin(void *context, const struct pin *pin)
{
	struct application *application = context;
	uint32_t positions[GATEWAY_RULES_OF_A_NAME];
	size_t count = policy_network_rules_of_name(application->policy, &pin->name, positions,
						    GATEWAY_RULES_OF_A_NAME);
	int error = 0;

	/* Learned under another policy's guard, or before a restart. */
	if (policy_check_address(application->policy, &pin->address) != REASON_RULE_ALLOWS)
		return 0;
	invariant(count <= GATEWAY_RULES_OF_A_NAME);
	if (policy_inspects_name(application->policy, &pin->name))
		error = add_element(application, 0, &pin->address, pin->expires_ms);
	for (size_t i = 0; i < count && error == 0; i++)
		error = add_element(application, application->numbers[positions[i]], &pin->address,
				    pin->expires_ms);
	return error;
}

/* By set and address, the latest end first: the others of the same element are left out. */
static int compare_elements(const void *a, const void *b)
{
	const struct ruleset_pin *left = a, *right = b;
	int order;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	order = ip_compare(&left->address, &right->address);
	if (order != 0)
		return order;
	return left->timeout_ms > right->timeout_ms ? -1 : left->timeout_ms < right->timeout_ms;
}

static void drop_duplicates(struct application *application)
{
	struct ruleset_pin *elements = application->elements;
	size_t kept = 0;

	if (application->element_count == 0)
		return;
	qsort(elements, application->element_count, sizeof(*elements), compare_elements);
	for (size_t i = 1; i < application->element_count; i++)
		if (elements[i].number != elements[kept].number ||
		    !ip_equal(&elements[i].address, &elements[kept].address))
			elements[++kept] = elements[i];
	application->element_count = kept + 1;
}

/* ------------------------------------------------------------------- the text */

static struct ruleset_settings settings_of(const struct config *config, const struct policy *policy,
					   const char *interfaces[CONFIG_INTERFACES_MAX])
{
	struct ruleset_settings settings = {
		.interfaces = interfaces,
		.interface_count = config->network.interface_count,
		.sources = config->network.sources,
		.source_count = config->network.source_count,
		.special_exceptions = config->own.special_exceptions,
		.special_exception_count = config->own.special_exception_count,
		.proxy_port = GATEWAY_PROXY_PORT,
		.dns_intercept = config->dns.intercept,
		.dns_listen = config->dns.listen,
		.dns_listen_count = config->dns.listen_count,
		.snat_v4 = config->network.snat_v4,
		.snat_v6 = config->network.snat_v6,
		.pinned_capacity = config->capacity.pins,
		.handshake_capacity = HANDSHAKES,
	};

	for (size_t i = 0; i < config->network.interface_count; i++)
		interfaces[i] = config->network.interfaces[i];
	settings.https_ports = policy_ports(policy, APPLICATION_HTTPS, &settings.https_port_count);
	settings.http_ports = policy_ports(policy, APPLICATION_HTTP, &settings.http_port_count);
	settings.quic_ports = policy_quic_ports(policy, &settings.quic_port_count);
	switch (config->network.snat) {
	case CONFIG_SNAT_MASQUERADE:
		settings.snat = RULESET_SNAT_MASQUERADE;
		break;
	case CONFIG_SNAT_ADDRESSES:
		settings.snat = RULESET_SNAT_ADDRESSES;
		break;
	case CONFIG_SNAT_NONE:
		settings.snat = RULESET_SNAT_NONE;
		break;
	}
	return settings;
}

static int load_into_kernel(const struct gateway *gateway, const struct application *application,
			    bool first, struct text *error)
{
	const struct applied *previous = &gateway->applied;
	const char *interfaces[CONFIG_INTERFACES_MAX];
	struct ruleset_settings settings =
		settings_of(application->config, application->policy, interfaces);
	cleanup(text_free) struct text ruleset = TEXT_EMPTY, words = TEXT_EMPTY;
	int result = ruleset_write(&settings, application->rules, application->rule_count,
				   application->elements, application->element_count, first,
				   previous->named, previous->named_count, &ruleset);

	if (result < 0) {
		text_add(error, "not enough memory for the ruleset");
		return result;
	}
	result = nft_helper_apply(gateway->helper, text_string(&ruleset), &words);
	if (result == -ENOENT)
		text_add(error, "the program nft is missing: install the Debian package nftables");
	else if (result == -EREMOTEIO)
		text_addf(error, "the kernel refused the ruleset: %.*s",
			  (int)strcspn(text_string(&words), "\n"), text_string(&words));
	else if (result < 0)
		text_addf(error, "cannot run nft: %s", strerror(-result));
	return result;
}

/* Learners have no more room. */
static int check_names(const struct policy *policy, struct text *error)
{
	struct policy_name_walk walk = {0};
	struct name name;

	while (policy_next_exact_name(policy, &walk, &name)) {
		if (policy_network_rules_of_name(policy, &name, NULL, 0) <= GATEWAY_RULES_OF_A_NAME)
			continue;
		text_addf(error, "more than %d network rules name %s", GATEWAY_RULES_OF_A_NAME,
			  name.text);
		return -E2BIG;
	}
	return 0;
}

int gateway_apply(struct gateway *gateway, const struct config *config, const struct policy *policy,
		  bool first, struct text *error)
{
	struct application application = {
		.config = config,
		.policy = policy,
		.pins = gateway->pins,
		.now = clock_steady_ms(),
	};
	int result = check_names(policy, error);

	if (result < 0)
		return result;
	result = add_rules(&application, gateway->admissions);
	if (result == 0)
		result = pins_visit(gateway->pins, application.now, add_pin, &application);
	if (result < 0) {
		text_addf(error, "cannot prepare the ruleset: %s", strerror(-result));
	} else {
		drop_duplicates(&application);
		result = load_into_kernel(gateway, &application, first, error);
	}
	if (result == 0) {
		free(gateway->applied.numbers);
		gateway->applied.numbers = take_pointer(application.numbers);
		gateway->applied.count = application.rule_count;
		free(gateway->applied.named);
		gateway->applied.named = take_pointer(application.named);
		gateway->applied.named_count = application.named_count;
	}
	done(&application);
	return result;
}
