/*
 * The compiled policy and its naive twin must agree on everything, over small alphabets where rules
 * often meet. The twin gets its own copy of the rules, made from the same seed: compilation may
 * rearrange what it takes over.
 */
#include "../pattern_at.h"
#include "write_rules.h"

#include "naive.h"

#define POLICIES          6000
#define FACTS_OF_POLICY   20
#define QUERIES_OF_POLICY 10

static const char *const s_labels[] = {"a", "b", "c", "ab", "ba"};
static const char *const s_prefixes[] = {"0.0.0.0/0",   "10.0.0.0/8",  "10.1.0.0/16",
					 "10.1.2.0/24", "10.1.2.3",    "10.1.2.4/30",
					 "fd00::/8",    "fd00:1::/32", "fd00:1::7"};
static const char *const s_addresses[] = {"10.1.2.3",  "10.1.2.5",    "10.1.9.9",
					  "10.9.9.9",  "192.0.2.1",   "fd00:1::7",
					  "fd00:2::1", "2001:db8::1", "169.254.1.2"};
/* Around the borders of 64-bit words and of the range. */
static const uint16_t s_ports[] = {1, 2, 62, 63, 64, 65, 127, 128, 443, 65534, 65535};
/* These and their neighbours: every port at which a verdict can change. */
static const uint16_t s_tried[] = {1,   2,   3,   61,  62,  63,  64,  65,    66,    126,
				   127, 128, 129, 442, 443, 444, 500, 65533, 65534, 65535};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* xorshift64*: the same cases on every machine. */
static uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed >> 12;
	*seed ^= *seed << 25;
	*seed ^= *seed >> 27;
	return *seed * UINT64_C(2685821657736338717) >> 16;
}

static size_t pick(uint64_t *seed, size_t count)
{
	return (size_t)(random_next(seed) % count);
}

static bool chance(uint64_t *seed, size_t percent)
{
	return pick(seed, 100) < percent;
}

/* How often rules meet: in a dense world sources and destinations are mostly "any", names few. */
struct world {
	size_t any_percent, label_count, depth;
};

static const struct world s_worlds[] = {{15, COUNT(s_labels), 3}, {60, 2, 1}, {80, 3, 2}};

static const struct world *world_of(uint64_t seed)
{
	return &s_worlds[seed % COUNT(s_worlds)];
}

static struct name random_name(uint64_t *seed, const struct world *world)
{
	char text[32] = "";

	for (size_t labels = 1 + pick(seed, world->depth); labels; labels--) {
		strcat(text, s_labels[pick(seed, world->label_count)]);
		strcat(text, labels > 1 ? "." : "");
	}
	return write_name(text);
}

static void random_pattern(uint64_t *seed, const struct world *world, struct rule *rule)
{
	struct name name = random_name(seed, world);
	char text[NAME_MAX_LENGTH + 8];

	switch (pick(seed, 8)) {
	case 0:
		strcpy(text, "*");
		break;
	case 1:
		snprintf(text, sizeof(text), "a*.%s", name.text);
		break;
	case 2:
		snprintf(text, sizeof(text), "*b.%s", name.text);
		break;
	case 3:
	case 4:
		snprintf(text, sizeof(text), "*.%s", name.text);
		break;
	default:
		snprintf(text, sizeof(text), "%s", name.text);
	}
	write_pattern(rule, text);
}

static void random_prefixes(uint64_t *seed, struct rule *rule, bool *any,
			    int (*add)(struct rule *, const struct ip_prefix *))
{
	for (size_t count = pick(seed, 4); count; count--)
		write_prefix(rule, s_prefixes[pick(seed, COUNT(s_prefixes))], any, add);
}

static void random_network_rule(uint64_t *seed, const struct world *world, struct rule *rule)
{
	rule->any_destination = chance(seed, world->any_percent);
	if (chance(seed, 50))
		random_prefixes(seed, rule, &rule->any_destination, rule_add_destination);
	for (size_t count = pick(seed, 4); count; count--) {
		struct name name = random_name(seed, world);

		assert_int_equal(rule_add_fqdn(rule, &name), 0);
	}
	rule->transports = chance(seed, 20) ? TRANSPORT_ANY : (unsigned int)pick(seed, 8);
	rule->any_port = chance(seed, 20);
	for (size_t count = pick(seed, 4); count; count--) {
		size_t first = pick(seed, COUNT(s_ports)), last = pick(seed, COUNT(s_ports));

		assert_int_equal(rule_add_ports(rule, s_ports[first < last ? first : last],
						s_ports[first < last ? last : first]),
				 0);
	}
}

static void random_application_rule(uint64_t *seed, const struct world *world, struct rule *rule)
{
	rule->inspects_quic = chance(seed, 50);
	rule->allows_no_sni = chance(seed, 50);
	rule->refuses_ech = chance(seed, 50);
	for (size_t count = pick(seed, 4); count; count--)
		random_pattern(seed, world, rule);
	for (size_t count = pick(seed, 4); count; count--) {
		enum application_protocol protocol =
			chance(seed, 40) ? APPLICATION_HTTP : APPLICATION_HTTPS;
		uint16_t port = chance(seed, 50) ? 443 : s_ports[pick(seed, COUNT(s_ports))];

		assert_int_equal(rule_add_protocol(rule, protocol, port), 0);
	}
}

static void random_rules(uint64_t seed, const struct world *world, struct rule_set *set)
{
	for (size_t count = 1 + pick(&seed, 5); count; count--) {
		enum rule_kind kind = chance(&seed, 50) ? RULE_NETWORK : RULE_APPLICATION;
		unsigned int priority = 100 + 100 * (unsigned int)pick(&seed, 3);

		write_collection(set, NULL, kind, priority,
				 chance(&seed, 40) ? RULE_DENY : RULE_ALLOW);
		for (size_t rules = pick(&seed, 4); rules; rules--) {
			struct rule *rule = rule_collection_add_rule(
				&set->collections[set->collection_count - 1]);

			assert_non_null(rule);
			rule->any_source = chance(&seed, 35 + world->any_percent);
			random_prefixes(&seed, rule, &rule->any_source, rule_add_source);
			if (kind == RULE_NETWORK)
				random_network_rule(&seed, world, rule);
			else
				random_application_rule(&seed, world, rule);
		}
	}
}

struct tally {
	size_t cases, allowed, denied;
};

/* Same rule, which unnamed rules tell by their numbers; and what follows from it. */
static void assert_agrees(struct verdict verdict, const struct naive_rule *expected,
			  enum reason without_rule, enum reason switched, uint64_t seed,
			  struct tally *tally)
{
	char label[64] = "none";
	enum reason reason = !expected                                    ? without_rule
			     : expected->collection->action == RULE_DENY  ? REASON_RULE_DENIES
			     : expected->collection->kind == RULE_NETWORK ? REASON_RULE_ALLOWS
									  : switched;
	enum rule_action action = reason == REASON_RULE_ALLOWS ? RULE_ALLOW : RULE_DENY;

	if (expected)
		snprintf(label, sizeof(label), "collection-%zu/%zu", expected->collection_index + 1,
			 expected->rule_index + 1);
	if (strcmp(label, verdict.rule ? verdict.rule->label : "none") != 0 ||
	    verdict.action != action || verdict.reason != reason)
		fail_msg("seed %llu: expected %s (%s), got %s (%s)", (unsigned long long)seed,
			 label, reason_text(reason), verdict.rule ? verdict.rule->label : "none",
			 reason_text(verdict.reason));
	tally->cases++;
	tally->allowed += action == RULE_ALLOW;
	tally->denied += action == RULE_DENY && expected;
}

/* What the switches of the rule that decides leave of its allowing. */
static enum reason ask_switches(const struct naive_rule *expected, const struct policy_facts *facts)
{
	bool exact = false;

	if (!expected || facts->protocol < FLOW_HTTPS)
		return REASON_RULE_ALLOWS;
	for (size_t i = 0; facts->name && i < expected->rule->patterns.count; i++)
		exact |= pattern_at(&expected->rule->patterns, i)->kind == PATTERN_EXACT &&
			 pattern_matches(pattern_at(&expected->rule->patterns, i), facts->name);
	if (facts->protocol == FLOW_QUIC && !expected->rule->inspects_quic)
		return REASON_QUIC;
	if (facts->name_left_out && (!exact || !expected->rule->allows_no_sni))
		return REASON_NO_NAME;
	if (facts->has_encrypted_hello && (facts->name_left_out || expected->rule->refuses_ech))
		return REASON_ENCRYPTED_HELLO;
	return REASON_RULE_ALLOWS;
}

static void check_facts(const struct policy *policy, const struct naive_policy *naive,
			uint64_t *random, uint64_t seed, struct tally *tally)
{
	struct name name = random_name(random, world_of(seed));
	struct name pinned[2] = {random_name(random, world_of(seed)),
				 random_name(random, world_of(seed))};
	struct policy_facts facts = {
		.source = write_address(s_addresses[pick(random, COUNT(s_addresses))]),
		.protocol = (enum flow_protocol)pick(random, FLOW_QUIC + 1),
		.port = chance(random, 50) ? 443 : s_ports[pick(random, COUNT(s_ports))],
		.name = chance(random, 85) ? &name : NULL,
		.pinned_names = pinned,
		.pinned_name_count = pick(random, 3),
	};

	if (chance(random, 60))
		facts.destination = write_address(s_addresses[pick(random, COUNT(s_addresses))]);
	if (facts.protocol == FLOW_ICMP)
		facts.port = 0;
	if (facts.protocol >= FLOW_HTTPS) {
		facts.name_left_out = facts.name && chance(random, 30);
		facts.has_encrypted_hello = chance(random, 30);
	}
	const struct naive_rule *expected = naive_judge(naive, &facts);

	assert_agrees(policy_judge(policy, &facts), expected,
		      naive_is_special(&facts.destination) ? REASON_SPECIAL_ADDRESS
		      : facts.has_encrypted_hello          ? REASON_ENCRYPTED_HELLO
		      : facts.protocol >= FLOW_HTTPS && (!facts.name || facts.name_left_out)
			      ? REASON_NO_NAME
			      : REASON_NO_RULE,
		      ask_switches(expected, &facts), seed, tally);
}

static void check_query(const struct policy *policy, const struct naive_policy *naive,
			uint64_t *random, uint64_t seed, struct tally *tally)
{
	struct name name = random_name(random, world_of(seed));
	struct ip_address source = write_address(s_addresses[pick(random, COUNT(s_addresses))]);

	assert_agrees(policy_judge_query(policy, &source, &name),
		      naive_query(naive, &source, &name, s_tried, COUNT(s_tried)), REASON_DNS_NAME,
		      REASON_RULE_ALLOWS, seed, tally);
}

typedef void check(const struct policy *policy, const struct naive_policy *naive, uint64_t *random,
		   uint64_t seed, struct tally *tally);

static struct tally run(check *check_one, size_t cases_of_policy)
{
	struct tally tally = {0};

	for (uint64_t seed = 1; seed <= POLICIES; seed++) {
		uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15);
		struct rule_set written = {0}, compiled = {0};

		random_rules(random, world_of(seed), &written);
		random_rules(random, world_of(seed), &compiled);
		struct naive_policy naive = naive_order(&written);
		struct policy *policy = compile(&compiled);

		for (size_t i = 0; i < cases_of_policy; i++)
			check_one(policy, &naive, &random, seed, &tally);
		policy_free(policy);
		rule_set_done(&written);
	}
	return tally;
}

/* The cases must not all be of one kind, else agreement says little. */
static void assert_varied(struct tally tally)
{
	print_message("# %zu cases: %zu allowed, %zu denied by a rule\n", tally.cases,
		      tally.allowed, tally.denied);
	assert_true(tally.cases >= 50000);
	assert_true(tally.allowed > tally.cases / 20);
}

static void the_compiled_policy_judges_as_its_naive_twin(void **state)
{
	struct tally tally = run(check_facts, FACTS_OF_POLICY);

	(void)state;
	assert_varied(tally);
	assert_true(tally.denied > tally.cases / 20);
}

static void a_name_may_be_asked_exactly_when_some_port_would_be_allowed(void **state)
{
	(void)state;
	assert_varied(run(check_query, QUERIES_OF_POLICY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_compiled_policy_judges_as_its_naive_twin),
		cmocka_unit_test(a_name_may_be_asked_exactly_when_some_port_would_be_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
