/* The sections that are not rules: network, dns, explicit, capacity, workers. */
#include "config/sections_impl.h"

#include <string.h>

#include "config/values_impl.h"

#define EXPLICIT_PORT 3128 /* the usual port of an HTTP proxy */
#define DNS_PORT      53

static bool read_interface(const struct yaml_item *item, char name[16], struct problems *problems)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-";
	char quoted[YAML_QUOTE_SIZE];

	if (!yaml_expect_scalar(item, problems))
		return false;
	const char *text = yaml_scalar_text(item);
	if (!*text || strlen(text) > 15 || strspn(text, letters) != strlen(text) || *text == '.') {
		yaml_complain(item, problems,
			      "expected a network interface's name (1 to 15 letters, digits, '.', "
			      "'_', '@', '-'), not %s",
			      yaml_quote(text, quoted));
		return false;
	}
	strcpy(name, text);
	return true;
}

static bool read_interfaces(const struct yaml_item *value, const struct yaml_field *field,
			    void *target, struct problems *problems)
{
	struct config *config = target;
	bool good = true;

	(void)field;
	if (!yaml_expect_list(value, problems))
		return false;
	if (yaml_list_count(value) > CONFIG_INTERFACES_MAX) {
		yaml_complain(value, problems, "at most %d can stand here", CONFIG_INTERFACES_MAX);
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(value); i++)
		good &= read_interface(yaml_list_at(value, i), config->network.interfaces[i],
				       problems);
	config->network.interface_count = yaml_list_count(value);
	return good;
}

static bool read_sources(const struct yaml_item *value, const struct yaml_field *field,
			 void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return config_read_prefixes(value, &config->network.sources, &config->network.source_count,
				    problems);
}

static const struct yaml_field s_inside_fields[] = {
	{.key = "interfaces", .read = read_interfaces},
	{.key = "sources", .read = read_sources},
};

static bool read_inside(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	(void)field;
	return yaml_read_fields(value, s_inside_fields, target, problems);
}

static bool set_snat_address(const struct yaml_item *item, struct config *config,
			     struct problems *problems)
{
	struct ip_address address, *place;

	if (!config_read_address(item, &address, problems))
		return false;
	place = address.family == 4 ? &config->network.snat_v4 : &config->network.snat_v6;
	if (ip_classify(&address) == IP_CLASS_SPECIAL) {
		yaml_complain(item, problems, "this address cannot be a source of packets");
		return false;
	}
	if (place->family) {
		yaml_complain(item, problems,
			      "two addresses of one family; one IPv4 and one IPv6 "
			      "address can stand here");
		return false;
	}
	*place = address;
	config->network.snat = CONFIG_SNAT_ADDRESSES;
	return true;
}

static bool read_snat(const struct yaml_item *value, const struct yaml_field *field, void *target,
		      struct problems *problems)
{
	static const char *const words[] = {"masquerade", "none", "ADDRESS", "[IPV4, IPV6]", NULL};
	struct config *config = target;
	struct ip_address address;
	bool good = true;
	size_t index;

	(void)field;
	if (yaml_item_kind(value) == YAML_KIND_LIST && yaml_list_count(value) > 0) {
		for (size_t i = 0; i < yaml_list_count(value); i++)
			good &= set_snat_address(yaml_list_at(value, i), config, problems);
		return good;
	}
	if (!yaml_expect_scalar(value, problems))
		return false;
	if (ip_parse(yaml_scalar_text(value), &address) == 0)
		return set_snat_address(value, config, problems);
	if (!yaml_read_word(value, words, &index, problems))
		return false;
	if (index > 1) {
		yaml_complain(value, problems, "write the address itself");
		return false;
	}
	config->network.snat = index == 0 ? CONFIG_SNAT_MASQUERADE : CONFIG_SNAT_NONE;
	return true;
}

/* Prefixes that lift the guard from one class of addresses; others would do nothing. */
static bool read_exceptions(const struct yaml_item *value, enum ip_class class,
			    struct ip_prefix **ret_prefixes, size_t *ret_count,
			    struct problems *problems)
{
	if (!config_read_prefixes(value, ret_prefixes, ret_count, problems))
		return false;
	for (size_t i = 0; i < *ret_count; i++)
		if (ip_classify(&(*ret_prefixes)[i].address) != class)
			yaml_warn(yaml_list_at(value, i), problems,
				  "this is no %s address, so the exception has no effect",
				  class == IP_CLASS_PRIVATE ? "private" : "special");
	return true;
}

static bool read_private_destinations(const struct yaml_item *value, const struct yaml_field *field,
				      void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return read_exceptions(value, IP_CLASS_PRIVATE, &config->own.private_destinations,
			       &config->own.private_destination_count, problems);
}

static bool read_special_exceptions(const struct yaml_item *value, const struct yaml_field *field,
				    void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return read_exceptions(value, IP_CLASS_SPECIAL, &config->own.special_exceptions,
			       &config->own.special_exception_count, problems);
}

/* Two words for a bool: the first means false. */
static bool read_either(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	size_t index;

	if (!yaml_read_word(value, field->limits, &index, problems))
		return false;
	*(bool *)target = index == 1;
	return true;
}

static const char *const s_on_stop[] = {"keep", "flush", NULL};
static const char *const s_forwarding[] = {"leave", "set", NULL};
static const char *const s_revoked[] = {"keep", "cut", NULL};
static const char *const s_answer[] = {"refused", "nxdomain", NULL};
static const char *const s_resolve[] = {"allowed", "any", NULL};

static const struct yaml_field s_network_fields[] = {
	{.key = "inside", .read = read_inside},
	{.key = "snat", .read = read_snat},
	{.key = "private_destinations", .read = read_private_destinations},
	{.key = "special_exceptions", .read = read_special_exceptions},
	{.key = "on_stop",
	 .read = read_either,
	 .offset = YAML_MEMBER(struct config, network.flush_on_stop, bool),
	 .limits = s_on_stop},
	{.key = "forwarding",
	 .read = read_either,
	 .offset = YAML_MEMBER(struct config, network.set_forwarding, bool),
	 .limits = s_forwarding},
	{.key = "revoked_flows",
	 .read = read_either,
	 .offset = YAML_MEMBER(struct config, network.cut_revoked, bool),
	 .limits = s_revoked},
};

bool config_read_network(const struct yaml_item *item, struct config *config,
			 struct problems *problems)
{
	return yaml_read_fields(item, s_network_fields, config, problems);
}

static bool read_dns_listen(const struct yaml_item *value, const struct yaml_field *field,
			    void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return config_read_endpoints(value, DNS_PORT, config->dns.listen, CONFIG_LISTEN_MAX,
				     &config->dns.listen_count, problems);
}

static bool read_upstreams(const struct yaml_item *value, const struct yaml_field *field,
			   void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return config_read_endpoints(value, DNS_PORT, config->dns.upstreams, CONFIG_UPSTREAMS_MAX,
				     &config->dns.upstream_count, problems);
}

static const struct yaml_integer_limits s_new_names = {0, 1000000};
/* No name costs more than 21: one of any length can be asked. */
static const struct yaml_integer_limits s_burst = {32, 1000000};

static const struct yaml_field s_budget_fields[] = {
	{.key = "new_names",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct config, dns.budget.new_names, size_t),
	 .limits = &s_new_names},
	{.key = "burst",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct config, dns.budget.burst, size_t),
	 .limits = &s_burst},
};

static bool read_budget(const struct yaml_item *value, const struct yaml_field *field, void *target,
			struct problems *problems)
{
	(void)field;
	return yaml_read_fields(value, s_budget_fields, target, problems);
}

static const struct yaml_integer_limits s_grace = {0, 3600u * 1000};
static const struct yaml_integer_limits s_stale_after = {1000, 24u * 3600 * 1000};

static const struct yaml_field s_dns_fields[] = {
	{.key = "listen", .read = read_dns_listen},
	{.key = "upstreams", .read = read_upstreams},
	{.key = "intercept",
	 .read = yaml_read_bool,
	 .offset = YAML_MEMBER(struct config, dns.intercept, bool)},
	{.key = "answer",
	 .read = read_either,
	 .offset = YAML_MEMBER(struct config, dns.answer_nxdomain, bool),
	 .limits = s_answer},
	{.key = "resolve",
	 .read = read_either,
	 .offset = YAML_MEMBER(struct config, dns.resolve_any, bool),
	 .limits = s_resolve},
	{.key = "budget", .read = read_budget},
	{.key = "grace",
	 .read = yaml_read_duration,
	 .offset = YAML_MEMBER(struct config, dns.grace_ms, uint64_t),
	 .limits = &s_grace},
	{.key = "stale_after",
	 .read = yaml_read_duration,
	 .offset = YAML_MEMBER(struct config, dns.stale_after_ms, uint64_t),
	 .limits = &s_stale_after},
};

bool config_read_dns(const struct yaml_item *item, struct config *config, struct problems *problems)
{
	return yaml_read_fields(item, s_dns_fields, config, problems);
}

static bool read_explicit_listen(const struct yaml_item *value, const struct yaml_field *field,
				 void *target, struct problems *problems)
{
	struct config *config = target;

	(void)field;
	return config_read_endpoints(value, EXPLICIT_PORT, config->explicit_proxy.listen,
				     sizeof(config->explicit_proxy.listen) /
					     sizeof(*config->explicit_proxy.listen),
				     &config->explicit_proxy.listen_count, problems);
}

static const struct yaml_field s_explicit_fields[] = {
	{.key = "listen", .read = read_explicit_listen},
};

bool config_read_explicit(const struct yaml_item *item, struct config *config,
			  struct problems *problems)
{
	return yaml_read_fields(item, s_explicit_fields, config, problems);
}

static const struct yaml_integer_limits s_capacity = {64, 1u << 24};

#define CAPACITY(name)                                                                             \
	{                                                                                          \
		.key = #name, .read = yaml_read_size,                                              \
		.offset = YAML_MEMBER(struct config, capacity.name, size_t), .limits = &s_capacity \
	}

static const struct yaml_field s_capacity_fields[] = {
	CAPACITY(pins),
	CAPACITY(flows),
	CAPACITY(sessions),
	CAPACITY(admissions),
};

bool config_read_capacity(const struct yaml_item *item, struct config *config,
			  struct problems *problems)
{
	return yaml_read_fields(item, s_capacity_fields, config, problems);
}

bool config_read_workers(const struct yaml_item *item, struct config *config,
			 struct problems *problems)
{
	static const struct yaml_integer_limits limits = {1, 64};
	char quoted[YAML_QUOTE_SIZE];
	uint64_t number;

	if (!yaml_expect_scalar(item, problems))
		return false;
	if (!strcmp(yaml_scalar_text(item), "auto")) {
		config->workers = 0;
		return true;
	}
	if (yaml_scalar_is_plain(item) && *yaml_scalar_text(item) > '9') {
		yaml_complain(item, problems, "expected auto or a number from 1 to 64, not %s",
			      yaml_quote(yaml_scalar_text(item), quoted));
		return false;
	}
	if (!yaml_read_integer(item, &limits, &number, problems))
		return false;
	config->workers = (unsigned int)number;
	return true;
}
