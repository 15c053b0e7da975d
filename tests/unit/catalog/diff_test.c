/*
 * Comparisons, as one line a change:
 *   added id [public]  https:443 +a.example!    "!" is missing, "=" kept, "-" removed, "(by)"
 * because
 */
#include "catalog/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "catalog/catalog.h"

/* Two sides, filled before they are compared. */
struct fixture {
	struct listing *before, *after;
	struct cluster_profile *profile; /* NULL: none */
	struct cluster_profile storage;
	struct problems *problems;
};

static struct fixture *new_fixture(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->before = listing_new("A");
	fixture->after = listing_new("B");
	fixture->problems = problems_new();
	return fixture;
}

static struct cluster_profile *use_profile(struct fixture *fixture)
{
	struct cluster_profile *profile = &fixture->storage;

	strcpy(profile->cloud, "public");
	strcpy(profile->region, "eastus");
	profile->present = profile->konnectivity = profile->corrections = true;
	fixture->profile = profile;
	return profile;
}

static void free_fixture(struct fixture *fixture)
{
	cluster_profile_done(&fixture->storage);
	listing_free(fixture->before);
	listing_free(fixture->after);
	problems_free(fixture->problems);
	free(fixture);
}

#define CLOUDS                                                                                     \
	"clouds:\n"                                                                                \
	"  - {name: public, title: P, service_tags: P, api_server: ['*.<region>.p.example']}\n"    \
	"  - {name: china, title: C, service_tags: C, api_server: ['*.<region>.c.example']}\n"
#define FEATURES "features: [{name: gpu, title: G}, {name: monitor, title: M}]\n"
#define HEAD     "edition: 2030-01-01\ntitle: t\n" CLOUDS FEATURES "sections:\n"

#define SECTION_OF(title, clouds, need, kind, more)                                                \
	"  - title: " title "\n    clouds: [" clouds "]\n    need: " need "\n    kind: " kind      \
	"\n" more "    entries:\n"
#define NAMES    SECTION_OF("S", "public", "required", "application", "")
#define NETWORK  SECTION_OF("N", "public", "required", "network", "")
#define OPTIONAL SECTION_OF("O", "public", "optional", "application", "")
#define OF(name)                                                                                   \
	SECTION_OF("F " name, "public", "required", "application", "    feature: " name "\n")
#define ENTRY(id, names, more)                                                                     \
	"      - {id: " id ", names: [" names "], ports: [https:443], purpose: p" more "}\n"
#define RULE(id, destinations)                                                                     \
	"      - {id: " id ", destinations: [" destinations "], ports: [tcp:9000], purpose: p}\n"

static struct catalog *parse(struct fixture *fixture, const char *text)
{
	struct catalog *catalog = catalog_parse(text, strlen(text), "c.yaml", fixture->problems);
	char *said = problems_format(fixture->problems);

	assert_string_equal(said, "");
	free(said);
	return catalog;
}

static void add(struct fixture *fixture, struct listing *listing, const char *text)
{
	struct catalog *catalog = parse(fixture, text);

	assert_int_equal(
		listing_add_edition(listing, catalog_edition_find(catalog, NULL), fixture->profile),
		0);
	catalog_free(catalog);
}

static void render_part(struct text *out, const struct diff_part *part)
{
	static const char *const marks[] = {
		[DIFF_MARK_ADDED] = "+", [DIFF_MARK_REMOVED] = "-", [DIFF_MARK_KEPT] = "="};

	text_add(out, " ");
	listing_write_port(out, part->kind, &part->port);
	for (size_t i = 0; i < part->destination_count; i++)
		text_addf(out, "%s%s%s", i ? part->any_of ? "|" : "," : " ", marks[part->mark],
			  part->destinations[i]);
	text_add(out, part->missing ? "!" : "");
	if (part->because)
		text_addf(out, "(%s)", part->because->label);
}

static void render(struct text *out, const struct diff_change *change)
{
	static const char *const kinds[] = {
		[DIFF_ADDED] = "added", [DIFF_REMOVED] = "removed", [DIFF_CHANGED] = "changed"};

	text_addf(out, "%s %s [", kinds[change->kind],
		  (change->after ? change->after : change->before)->label);
	for (size_t i = 0; i < change->cloud_count; i++)
		text_addf(out, "%s%s", i ? "," : "", change->clouds[i]);
	text_add(out, "]");
	for (size_t i = 0; i < change->part_count; i++)
		render_part(out, &change->parts[i]);
	for (size_t i = 0; i < change->attribute_count; i++) {
		const struct diff_attribute *attribute = &change->attributes[i];

		text_addf(out, " %s:%s>%s", attribute->name,
			  attribute->before ? attribute->before : "none",
			  attribute->after ? attribute->after : "none");
	}
	text_addf(out, "%s%s\n", change->words_only ? " words only" : "",
		  change->for_profile ? "" : " for others");
}

/* Also frees the fixture. */
static void expect(struct fixture *fixture, size_t missing, const char *expected)
{
	struct text out = TEXT_EMPTY;
	struct catalog_diff diff;

	assert_int_equal(catalog_diff_make(fixture->before, fixture->after, &diff), 0);
	for (size_t i = 0; i < diff.change_count; i++)
		render(&out, &diff.changes[i]);
	for (size_t i = 0; i < diff.renaming_count; i++)
		text_addf(&out, "renamed %s>%s\n", diff.renamings[i].before,
			  diff.renamings[i].after);
	assert_string_equal(text_string(&out), expected);
	assert_int_equal(diff.missing, missing);
	text_free(&out);
	catalog_diff_done(&diff);
	free_fixture(fixture);
}

static void expect_of(const char *before, const char *after, size_t missing, const char *expected)
{
	struct fixture *fixture = new_fixture();

	add(fixture, fixture->before, before);
	add(fixture, fixture->after, after);
	expect(fixture, missing, expected);
}

/* ------------------------------------------------------------------------ names */

static void the_same_list_does_not_differ(void **state)
{
	static const char text[] = HEAD NAMES ENTRY("one", "a.example, '*.b.example'", "")
		NETWORK RULE("net", "'*', 'tag:AzureCloud.<region>'");

	(void)state;
	expect_of(text, text, 0, "");
}

static void a_new_required_name_is_missing(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD NAMES ENTRY("one", "a.example, c.example", "") ENTRY("two", "b.example", ""),
		  2,
		  "changed one [public] https:443 +c.example!\n"
		  "added two [public] https:443 +b.example!\n");
}

static void what_is_only_optional_is_not_missing(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD NAMES ENTRY("one", "a.example", "") OPTIONAL ENTRY("two", "b.example", ""),
		  0, "added two [public] https:443 +b.example\n");
}

static void what_is_gone_is_told_and_harmless(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example, c.example", "") ENTRY("two", "b.example", ""),
		  HEAD NAMES ENTRY("one", "a.example", ""), 0,
		  "changed one [public] https:443 -c.example\n"
		  "removed two [public] https:443 -b.example\n");
}

static void a_wider_pattern_admits_what_is_new(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("wide", "'*.data.example'", ""),
		  HEAD NAMES ENTRY("wide", "'*.data.example'", "")
			  ENTRY("narrow", "eastus.data.example, '*.x.data.example'", ""),
		  0,
		  "added narrow [public] https:443 +eastus.data.example,+*.x.data.example(wide)\n");
	expect_of(HEAD NAMES ENTRY("narrow", "eastus.data.example", ""),
		  HEAD NAMES ENTRY("narrow", "'*.data.example'", ""), 1,
		  "changed narrow [public] https:443 +*.data.example! https:443 "
		  "-eastus.data.example\n");
}

static void another_way_to_group_names_is_no_difference(void **state)
{
	static const char whole[] = HEAD NAMES ENTRY("all", "a.example, b.example, c.example", "");
	static const char split[] = HEAD NAMES ENTRY("all", "a.example", "")
		ENTRY("b", "b.example", "") ENTRY("c", "c.example", "");
	static const char other[] = HEAD NAMES ENTRY("x", "c.example, a.example", "")
		ENTRY("y", "B.example., a.example", "");

	(void)state;
	expect_of(whole, split, 0, "");
	expect_of(split, whole, 0, "");
	expect_of(split, other, 0, "");
}

static void another_port_is_another_thing(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD NAMES "      - {id: one, names: [a.example], ports: [http:80, https:443], "
			     "purpose: p}\n",
		  1, "changed one [public] http:80 +a.example!\n");
}

/* ------------------------------------------------------------------------ attributes */

static void what_becomes_required_is_missing(void **state)
{
	(void)state;
	expect_of(HEAD OPTIONAL ENTRY("one", "a.example", ""),
		  HEAD SECTION_OF("O", "public", "required", "application", "")
			  ENTRY("one", "a.example", ""),
		  1, "changed one [public] https:443 =a.example! need:optional>required\n");
}

static void other_conditions_are_told(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ", unless: [private]"),
		  HEAD NAMES ENTRY("one", "a.example",
				   ", when: [custom-dns], unless: [konnectivity, private]"),
		  0,
		  "changed one [public] https:443 =a.example conditions:unless private>when "
		  "custom-dns; unless konnectivity, private\n");
	/* those that the catalogue adds are none of the article's */
	expect_of(HEAD NAMES ENTRY("one", "a.example", ", corrected_unless: [private], note: n"),
		  HEAD NAMES ENTRY("one", "a.example", ", note: n"), 0, "");
}

static void words_alone_change_no_rule(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD NAMES ENTRY("one", "a.example", ", note: n"), 0,
		  "changed one [public] note:none>n words only\n");
}

static void a_renamed_section_is_told_once(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", "") ENTRY("two", "b.example", ""),
		  HEAD SECTION_OF("T", "public", "required", "application", "")
			  ENTRY("one", "a.example", "") ENTRY("two", "b.example", ""),
		  0, "renamed S>T\n");
}

static void an_entry_in_another_section_has_moved(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", "") ENTRY("two", "b.example", ""),
		  HEAD NAMES ENTRY("one", "a.example", "")
			  SECTION_OF("T", "public", "required", "application", "")
				  ENTRY("two", "b.example", ""),
		  0, "changed two [public] https:443 =b.example section:S>T\n");
}

static void an_entry_of_another_feature_is_told_once(void **state)
{
	(void)state;
	expect_of(HEAD OF("gpu") ENTRY("one", "a.example", ""),
		  HEAD OF("monitor") ENTRY("one", "a.example", ""), 1,
		  "changed one [public] https:443 =a.example! feature:gpu>monitor\n"
		  "renamed F gpu>F monitor\n");
}

static void what_a_correction_added_may_stand_in_the_article_later(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ", correction: true, note: n"),
		  HEAD NAMES ENTRY("one", "a.example", ", note: n"), 0,
		  "changed one [public] https:443 =a.example in_article:no>yes\n");
}

static void a_list_without_corrections_lacks_none(void **state)
{
	static const char corrected[] = HEAD NAMES ENTRY("one", "a.example", "")
		ENTRY("two", "b.example", ", correction: true, note: n");

	(void)state;
	expect_of(corrected, HEAD NAMES ENTRY("one", "a.example", ""), 0, "");
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""), corrected, 1,
		  "added two [public] https:443 +b.example!\n");
}

/* ------------------------------------------------------------------------ clouds, features */

static void the_same_change_in_several_clouds_is_told_once(void **state)
{
	(void)state;
	expect_of(HEAD SECTION_OF("S", "public, china", "required", "application", "")
			  ENTRY("one", "a.example", ""),
		  HEAD SECTION_OF("S", "public, china", "required", "application", "")
			  ENTRY("one", "a.example, b.example", "")
				  ENTRY("two", "c.example", ", clouds: [china]"),
		  2,
		  "changed one [public,china] https:443 +b.example!\n"
		  "added two [china] https:443 +c.example!\n");
}

static void what_another_cloud_has_helps_nothing(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD NAMES ENTRY("one", "a.example", "")
			  SECTION_OF("C", "china", "required", "application", "")
				  ENTRY("one", "a.example", ""),
		  1, "added one [china] https:443 +a.example!\n");
}

static void core_comes_first_and_helps_all_features(void **state)
{
	(void)state;
	expect_of(HEAD NAMES ENTRY("one", "a.example", ""),
		  HEAD OF("monitor") ENTRY("m", "a.example", "") OF("gpu")
			  ENTRY("g", "a.example", "")
				  NAMES ENTRY("one", "a.example, b.example", ""),
		  1,
		  "changed one [public] https:443 +b.example!\n"
		  "added g [public] https:443 +a.example(one)\n"
		  "added m [public] https:443 +a.example(one)\n");
}

static void a_feature_helps_another_only_where_both_are_in_use(void **state)
{
	static const char before[] = HEAD OF("gpu") ENTRY("g", "a.example", "");
	static const char after[] = HEAD OF("gpu") ENTRY("g", "a.example", "") OF("monitor")
		ENTRY("m", "a.example", "");
	struct fixture *fixture = new_fixture();
	struct cluster_profile *profile = use_profile(fixture);

	(void)state;
	expect_of(before, after, 1, "added m [public] https:443 +a.example!\n");
	profile->features[profile->feature_count++] = strdup("gpu");
	profile->features[profile->feature_count++] = strdup("monitor");
	add(fixture, fixture->before, before);
	add(fixture, fixture->after, after);
	expect(fixture, 0, "added m [public] https:443 +a.example(g)\n");
}

static void what_is_not_for_the_profile_is_not_missing(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	use_profile(fixture)->private_cluster = true;
	add(fixture, fixture->before, HEAD NAMES ENTRY("one", "a.example", ""));
	add(fixture, fixture->after,
	    HEAD NAMES ENTRY("one", "a.example", "") ENTRY("p", "p.example", ", unless: [private]")
		    ENTRY("r", "'*.<region>.p.example'", "") OF("gpu") ENTRY("g", "g.example", ""));
	expect(fixture, 1,
	       "added p [public] https:443 +p.example for others\n"
	       "added r [public] https:443 +*.eastus.p.example!\n"
	       "added g [public] https:443 +g.example for others\n");
}

static void a_condition_that_falls_away_makes_its_names_missing(void **state)
{
	struct fixture *fixture = new_fixture();

	(void)state;
	use_profile(fixture)->private_cluster = true;
	add(fixture, fixture->before, HEAD NAMES ENTRY("one", "a.example", ", unless: [private]"));
	add(fixture, fixture->after, HEAD NAMES ENTRY("one", "a.example", ""));
	expect(fixture, 1,
	       "changed one [public] https:443 =a.example! conditions:unless private>none\n");
}

/* ------------------------------------------------------------------------ alternatives */

static void another_alternative_asks_for_nothing(void **state)
{
	(void)state;
	expect_of(HEAD NETWORK RULE("net", "'*', api-server"),
		  HEAD NETWORK RULE("net", "'*', 'tag:AzureCloud.<region>'"), 0,
		  "changed net [public] tcp:9000 +tag:AzureCloud.<region>(net) tcp:9000 "
		  "-api-server\n");
}

static void alternatives_are_missing_as_one(void **state)
{
	(void)state;
	expect_of(HEAD NETWORK RULE("net", "'*', api-server"),
		  HEAD NETWORK RULE("net", "name:a.example, name:b.example"), 1,
		  "changed net [public] tcp:9000 +a.example|+b.example! tcp:9000 "
		  "-*|-api-server\n");
}

static void of_a_cluster_the_alternative_in_use_counts(void **state)
{
	static const char before[] = HEAD NETWORK RULE("net", "'*', name:a.example");
	struct catalog *catalog;
	struct fixture *fixture = new_fixture();

	(void)state;
	use_profile(fixture);
	catalog = parse(fixture, before);
	assert_int_equal(listing_add_cluster(fixture->before, catalog_edition_find(catalog, NULL),
					     fixture->profile, NULL, fixture->profile),
			 0);
	catalog_free(catalog);
	add(fixture, fixture->after, HEAD NETWORK RULE("net", "'*'"));
	expect(fixture, 1, "changed net [public] tcp:9000 =*! tcp:9000 -a.example\n");
}

/* ------------------------------------------------------------------------ rules */

static struct rule *add_rule(struct rule_set *set, enum rule_action action, enum rule_kind kind,
			     unsigned int priority)
{
	struct rule_collection *collection = rule_set_add_collection(set);
	struct rule *rule;

	collection->name = strdup(action == RULE_DENY ? "never" : "team");
	collection->priority = priority;
	collection->action = action;
	collection->kind = kind;
	rule = rule_collection_add_rule(collection);
	rule->name = strdup("rule");
	rule->any_source = true;
	if (kind == RULE_APPLICATION) {
		rule_add_protocol(rule, APPLICATION_HTTPS, 443);
	} else {
		rule->transports = TRANSPORT_TCP;
		rule_add_ports(rule, 400, 9000);
	}
	return rule;
}

static void add_pattern(struct rule *rule, const char *text)
{
	struct pattern pattern;
	const char *message;

	assert_int_equal(pattern_parse(text, &pattern, &message), 0);
	assert_int_equal(rule_add_pattern(rule, &pattern), 0);
}

/* An edition against the rules; frees them. */
static void expect_against_rules(struct rule_set *set, bool own, const char *after, size_t missing,
				 const char *expected)
{
	struct fixture *fixture = new_fixture();

	use_profile(fixture);
	assert_int_equal(listing_add_rules(fixture->before, set, "public", own), 0);
	add(fixture, fixture->after, after);
	rule_set_done(set);
	*set = (struct rule_set){0};
	expect(fixture, missing, expected);
}

static void own_rules_admit_and_are_not_compared_with_editions(void **state)
{
	struct rule_set set = {0};

	(void)state;
	add_pattern(add_rule(&set, RULE_ALLOW, RULE_APPLICATION, 300), "*.example");
	expect_against_rules(&set, true, HEAD NAMES ENTRY("one", "a.example", ""), 0,
			     "added one [public] https:443 +a.example(team/rule)\n");
}

static void a_network_rule_to_everywhere_admits_names(void **state)
{
	struct rule_set set = {0};

	(void)state;
	add_rule(&set, RULE_ALLOW, RULE_NETWORK, 300)->any_destination = true;
	expect_against_rules(
		&set, true,
		HEAD NAMES ENTRY("one", "a.example", "") NETWORK RULE("net", "api-server"), 0,
		"added one [public] https:443 +a.example(team/rule)\n"
		"added net [public] tcp:9000 +api-server(team/rule)\n");
}

static void a_rule_for_some_sources_admits_nothing_for_all(void **state)
{
	struct rule_set set = {0};
	struct rule *rule = add_rule(&set, RULE_ALLOW, RULE_APPLICATION, 300);

	(void)state;
	add_pattern(rule, "*.example");
	rule->any_source = false;
	expect_against_rules(&set, true, HEAD NAMES ENTRY("one", "a.example", ""), 1,
			     "added one [public] https:443 +a.example!\n");
}

static void what_an_own_rule_denies_first_is_missing(void **state)
{
	struct rule_set set = {0};

	(void)state;
	add_pattern(add_rule(&set, RULE_ALLOW, RULE_APPLICATION, 300), "a.example");
	add_pattern(add_rule(&set, RULE_DENY, RULE_APPLICATION, 200), "*.example");
	expect_against_rules(&set, true, HEAD NAMES ENTRY("one", "a.example", ""), 1,
			     "added one [public] https:443 +a.example!(never/rule)\n");
	add_pattern(add_rule(&set, RULE_ALLOW, RULE_APPLICATION, 300), "a.example");
	add_pattern(add_rule(&set, RULE_DENY, RULE_APPLICATION, 400), "*.example");
	expect_against_rules(&set, true, HEAD NAMES ENTRY("one", "a.example", ""), 0,
			     "added one [public] https:443 +a.example(team/rule)\n");
}

static void own_rules_are_compared_with_own_rules(void **state)
{
	struct fixture *fixture = new_fixture();
	struct rule_set before = {0}, after = {0};

	(void)state;
	add_pattern(add_rule(&before, RULE_ALLOW, RULE_APPLICATION, 300), "a.example");
	add_pattern(add_rule(&after, RULE_ALLOW, RULE_APPLICATION, 400), "b.example");
	assert_int_equal(listing_add_rules(fixture->before, &before, "", true), 0);
	assert_int_equal(listing_add_rules(fixture->after, &after, "", true), 0);
	rule_set_done(&before);
	rule_set_done(&after);
	expect(fixture, 0,
	       "changed team/rule [] https:443 +b.example https:443 -a.example for:allow, priority "
	       "300>allow, priority 400\n");
}

/* An answer holds concrete names, and of alternatives the one it likes. */
static void an_answer_is_required_and_fits_any_region(void **state)
{
	struct fixture *fixture = new_fixture();
	struct rule_set set = {0};
	struct rule *rule = add_rule(&set, RULE_ALLOW, RULE_APPLICATION, 500);
	struct name name;

	(void)state;
	add_pattern(rule, "x-1.westus.p.example");
	add_pattern(rule, "new.example");
	rule = add_rule(&set, RULE_ALLOW, RULE_NETWORK, 500);
	rule->ports[0] = (struct port_range){9000, 9000};
	assert_int_equal(name_from_person("a.example", &name), NAME_OK);
	assert_int_equal(rule_add_fqdn(rule, &name), 0);
	add(fixture, fixture->before,
	    HEAD NAMES ENTRY("api-server", "'*.<region>.p.example'", "")
		    NETWORK RULE("net", "'*', name:a.example"));
	assert_int_equal(listing_add_rules(fixture->after, &set, "public", false), 0);
	rule_set_done(&set);
	expect(fixture, 1,
	       "added rule [public] https:443 +x-1.westus.p.example(api-server) https:443 "
	       "+new.example!\n"
	       "removed api-server [public] https:443 -*.<region>.p.example\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_list_does_not_differ),
		cmocka_unit_test(a_new_required_name_is_missing),
		cmocka_unit_test(what_is_only_optional_is_not_missing),
		cmocka_unit_test(what_is_gone_is_told_and_harmless),
		cmocka_unit_test(a_wider_pattern_admits_what_is_new),
		cmocka_unit_test(another_way_to_group_names_is_no_difference),
		cmocka_unit_test(another_port_is_another_thing),
		cmocka_unit_test(what_becomes_required_is_missing),
		cmocka_unit_test(other_conditions_are_told),
		cmocka_unit_test(words_alone_change_no_rule),
		cmocka_unit_test(a_renamed_section_is_told_once),
		cmocka_unit_test(an_entry_in_another_section_has_moved),
		cmocka_unit_test(an_entry_of_another_feature_is_told_once),
		cmocka_unit_test(what_a_correction_added_may_stand_in_the_article_later),
		cmocka_unit_test(a_list_without_corrections_lacks_none),
		cmocka_unit_test(the_same_change_in_several_clouds_is_told_once),
		cmocka_unit_test(what_another_cloud_has_helps_nothing),
		cmocka_unit_test(core_comes_first_and_helps_all_features),
		cmocka_unit_test(a_feature_helps_another_only_where_both_are_in_use),
		cmocka_unit_test(what_is_not_for_the_profile_is_not_missing),
		cmocka_unit_test(a_condition_that_falls_away_makes_its_names_missing),
		cmocka_unit_test(another_alternative_asks_for_nothing),
		cmocka_unit_test(alternatives_are_missing_as_one),
		cmocka_unit_test(of_a_cluster_the_alternative_in_use_counts),
		cmocka_unit_test(own_rules_admit_and_are_not_compared_with_editions),
		cmocka_unit_test(a_network_rule_to_everywhere_admits_names),
		cmocka_unit_test(a_rule_for_some_sources_admits_nothing_for_all),
		cmocka_unit_test(what_an_own_rule_denies_first_is_missing),
		cmocka_unit_test(own_rules_are_compared_with_own_rules),
		cmocka_unit_test(an_answer_is_required_and_fits_any_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
