/*
 * Verdicts without a network: how long one takes and how many bytes a rule costs, as the number of
 * rules grows.
 *
 * usage: verdicts names|prefixes COUNT [QUERIES]
 *
 * Names: of ten rules seven are exact, two "*.x" and one has a star inside its first label; each is
 * a pattern of an application rule that has up to PATTERNS_A_RULE of them. Asked for are names that
 * a rule matches: one again and again (hot), any with the same chance (uniform), and some far more
 * often than others (zipf, exponent 1); and names that none matches (miss). The queries are laid
 * out before the clock runs, and what walking over them costs is taken off.
 *
 * `table_ns` and `table_bytes` are the name table's alone, `policy_*` the whole policy's, as a
 * running gateway holds it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load/clock.h"
#include "load/die.h"
#include "name/table.h"
#include "policy/policy.h"

#define PATTERNS_A_RULE 1000
#define QUERIES         (1u << 17)
#define ROUNDS          3 /* the best of them: what else runs only makes it slower */

enum shape {
	SHAPE_HOT,
	SHAPE_UNIFORM,
	SHAPE_ZIPF,
	SHAPE_MISS,
	SHAPES,
};

static const char *const s_shapes[SHAPES] = {"hot", "uniform", "zipf", "miss"};

static uint64_t s_state = 0x9e3779b97f4a7c15ull; /* the same numbers in every run */

static uint64_t random_number(void)
{
	s_state ^= s_state << 13;
	s_state ^= s_state >> 7;
	s_state ^= s_state << 17;
	return s_state;
}

/* A number scattered over 32 bits, so that neighbours in the list are no neighbours in spelling. */
static uint32_t scatter(uint32_t number)
{
	number *= 0x9e3779b1u;
	return number ^ number >> 15;
}

static const char *const s_zones[] = {"blob.core.example", "azurewebsites.example",
				      "eu-west.compute.example", "svc.example", "data.mcr.example"};

static const char *zone_of(uint32_t number)
{
	return s_zones[number % (sizeof(s_zones) / sizeof(s_zones[0]))];
}

static void write_pattern(uint32_t number, char text[128])
{
	uint32_t word = scatter(number);

	if (number % 10 < 7)
		snprintf(text, 128, "host-%x.%s", word, zone_of(number));
	else if (number % 10 < 9)
		snprintf(text, 128, "*.team-%x.%s", word, zone_of(number));
	else
		snprintf(text, 128, "md-*.z%x.%s", word, zone_of(number));
}

static void write_query(uint32_t number, bool misses, struct name *name)
{
	uint32_t word = scatter(number);
	char text[128];

	if (misses)
		snprintf(text, sizeof(text), "other-%x.%s", word, zone_of(number));
	else if (number % 10 < 7)
		snprintf(text, sizeof(text), "host-%x.%s", word, zone_of(number));
	else if (number % 10 < 9)
		snprintf(text, sizeof(text), "api.team-%x.%s", word, zone_of(number));
	else
		snprintf(text, sizeof(text), "md-17.z%x.%s", word, zone_of(number));
	if (name_from_wire(text, strlen(text), name) != NAME_OK)
		die("'%s' is no name", text);
}

static uint32_t choose(enum shape shape, uint32_t count)
{
	double share = (double)(random_number() >> 11) / 9007199254740992.0;

	if (shape == SHAPE_HOT)
		return count / 2;
	if (shape == SHAPE_ZIPF) /* chance of rank r falls as 1/r */
		return (uint32_t)exp(share * log(count)) - 1;
	return (uint32_t)(share * count);
}

static void lay_out(struct name *queries, uint32_t query_count, enum shape shape, uint32_t count)
{
	for (uint32_t i = 0; i < query_count; i++)
		write_query(choose(shape, count), shape == SHAPE_MISS, &queries[i]);
}

static struct pattern parse_pattern(uint32_t number)
{
	struct pattern pattern;
	const char *message;
	char text[128];

	write_pattern(number, text);
	if (pattern_parse(text, &pattern, &message) < 0)
		die("'%s': %s", text, message);
	return pattern;
}

static struct name_table *build_table(uint32_t count)
{
	struct name_table_builder *builder = name_table_builder_new();

	for (uint32_t i = 0; i < count; i++) {
		struct pattern pattern = parse_pattern(i);

		if (!builder || name_table_builder_add(builder, &pattern, i / PATTERNS_A_RULE) < 0)
			die("no memory");
	}
	struct name_table *table = name_table_build(builder);

	if (!table)
		die("no memory");
	return table;
}

static struct rule *add_rule(struct rule_collection *collection, uint32_t number)
{
	struct rule *rule = rule_collection_add_rule(collection);
	char name[32];

	snprintf(name, sizeof(name), "r%u", number);
	if (!rule || !(rule->name = strdup(name)))
		die("no memory");
	rule->any_source = true;
	return rule;
}

static struct rule_collection *add_collection(struct rule_set *set, enum rule_kind kind)
{
	struct rule_collection *collection = rule_set_add_collection(set);

	if (!collection || !(collection->name = strdup("bench")))
		die("no memory");
	collection->priority = 200;
	collection->action = RULE_ALLOW;
	collection->kind = kind;
	return collection;
}

static struct policy *compile(struct rule_set *set, double *ret_ms)
{
	struct policy *policy;
	char *detail = NULL;
	uint64_t began = clock_ns();
	int error = policy_compile(set, &policy, &detail);

	if (error < 0)
		die("policy_compile: %s (%s)", strerror(-error), detail ? detail : "");
	policy_forget_patterns(policy);
	*ret_ms = (double)(clock_ns() - began) / 1e6;
	return policy;
}

static struct policy *compile_names(uint32_t count, double *ret_ms)
{
	struct rule_set set = {0};
	struct rule_collection *collection = add_collection(&set, RULE_APPLICATION);
	struct rule *rule = NULL;

	for (uint32_t i = 0; i < count; i++) {
		struct pattern pattern = parse_pattern(i);

		if (i % PATTERNS_A_RULE == 0) {
			rule = add_rule(collection, i / PATTERNS_A_RULE);
			if (rule_add_protocol(rule, APPLICATION_HTTPS, 443) < 0)
				die("no memory");
		}
		if (rule_add_pattern(rule, &pattern) < 0)
			die("no memory");
	}
	return compile(&set, ret_ms);
}

struct subject {
	const struct name_table *table;
	const struct policy *policy; /* one of the two, or neither: walking alone */
	uint64_t sum;                /* keeps the compiler from leaving the work out */
};

static void look_up(struct subject *subject, const struct name *name)
{
	struct name_table_cursor cursor;
	uint32_t value;

	if (subject->table) {
		name_table_find(subject->table, name, &cursor);
		subject->sum += name_table_next(&cursor, &value);
	} else if (subject->policy) {
		struct policy_facts facts = {.source = ip_from_v4(0x0a2a0104),
					     .destination = ip_from_v4(0xcb00710a),
					     .protocol = FLOW_HTTPS,
					     .port = 443,
					     .name = name};

		subject->sum += policy_judge(subject->policy, &facts).action == RULE_ALLOW;
	} else {
		subject->sum += (uint64_t)name->text[name->length - 1];
	}
}

/* Nanoseconds for one query, the best of some rounds. */
static double time_queries(struct subject *subject, const struct name *queries, uint32_t count)
{
	double best = 1e30;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t began = clock_ns();

		for (uint32_t i = 0; i < count; i++)
			look_up(subject, &queries[i]);
		double each = (double)(clock_ns() - began) / count;

		best = each < best ? each : best;
	}
	return best;
}

static void check_sum(const struct subject *subject, enum shape shape, uint32_t queries)
{
	uint64_t expected = shape == SHAPE_MISS ? 0 : (uint64_t)queries * ROUNDS;

	if (subject->sum != expected)
		die("%s: %llu of %llu found", s_shapes[shape], (unsigned long long)subject->sum,
		    (unsigned long long)expected);
}

static void measure_names(uint32_t count, uint32_t query_count)
{
	struct name_table *table = build_table(count);
	double compile_ms;
	struct policy *policy = compile_names(count, &compile_ms);
	struct name *queries = calloc(query_count, sizeof(*queries));

	if (!queries)
		die("no memory");
	printf("{\"names\": %u, \"table_bytes\": %zu, \"policy_bytes\": %zu, \"compile_ms\": %.1f",
	       count, name_table_memory(table), policy_memory(policy), compile_ms);
	for (enum shape shape = 0; shape < SHAPES; shape++) {
		struct subject walk = {0}, names = {.table = table}, verdicts = {.policy = policy};

		lay_out(queries, query_count, shape, count);
		double bare = time_queries(&walk, queries, query_count);
		double found = time_queries(&names, queries, query_count) - bare;
		double judged = time_queries(&verdicts, queries, query_count) - bare;

		check_sum(&names, shape, query_count);
		check_sum(&verdicts, shape, query_count);
		printf(", \"table_%s_ns\": %.1f, \"policy_%s_ns\": %.1f", s_shapes[shape], found,
		       s_shapes[shape], judged);
	}
	puts("}");
	free(queries);
	policy_free(policy);
	name_table_free(table);
}

/* The number-th /28, at even places only: between two there is always one that no rule names. */
static struct ip_prefix prefix_of(uint32_t number)
{
	return (struct ip_prefix){ip_from_v4(0x14000000u + (number << 5)), 28};
}

static void measure_prefixes(uint32_t count, uint32_t query_count)
{
	struct rule_set set = {0};
	struct rule *rule = add_rule(add_collection(&set, RULE_NETWORK), 0);
	uint64_t allowed = 0, expected = 0;
	double compile_ms;

	rule->transports = TRANSPORT_TCP;
	if (rule_add_ports(rule, 443, 443) < 0)
		die("no memory");
	for (uint32_t i = 0; i < count; i++) {
		struct ip_prefix prefix = prefix_of(i);

		if (rule_add_destination(rule, &prefix) < 0)
			die("no memory");
	}
	struct policy *policy = compile(&set, &compile_ms);
	uint64_t began = clock_ns();

	for (uint32_t i = 0; i < query_count; i++) {
		uint32_t chosen = (uint32_t)(random_number() % (count * 2ull));
		struct policy_facts facts = {.source = ip_from_v4(0x0a2a0104),
					     .destination = ip_from_v4(0x14000003u + (chosen << 4)),
					     .protocol = FLOW_TCP,
					     .port = 443};

		allowed += policy_judge(policy, &facts).action == RULE_ALLOW;
		expected += chosen % 2 == 0;
	}
	double each = (double)(clock_ns() - began) / query_count;

	if (allowed != expected)
		die("%llu allowed, not %llu", (unsigned long long)allowed,
		    (unsigned long long)expected);
	printf("{\"prefixes\": %u, \"policy_bytes\": %zu, \"compile_ms\": %.1f, "
	       "\"policy_uniform_ns\": %.1f}\n",
	       count, policy_memory(policy), compile_ms, each);
	policy_free(policy);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	uint32_t queries = argc > 3 ? (uint32_t)atoi(argv[3]) : QUERIES;

	if (argc < 3 || !count || !queries)
		die("usage: verdicts names|prefixes COUNT [QUERIES]");
	if (strcmp(argv[1], "names") == 0)
		measure_names(count, queries);
	else if (strcmp(argv[1], "prefixes") == 0)
		measure_prefixes(count, queries);
	else
		die("usage: verdicts names|prefixes COUNT [QUERIES]");
	return 0;
}
