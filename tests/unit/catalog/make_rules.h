/* Profiles → rules, as the tests of the catalogue make and judge them. Include after cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "catalog/rules.h"
#include "tags/tags.h"

/* A profile in use: everything that a test needs and frees. */
struct fixture {
	struct cluster_profile profile;
	struct problems *problems;
	struct catalog *catalog;
	struct service_tags *tags;
	struct rule_set set;
	struct catalog_choices *choices;
	int result;
};

static inline struct fixture *new_fixture(void)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->problems = problems_new();
	fixture->choices = catalog_choices_new();
	fixture->catalog = catalog_load(NULL, fixture->problems);
	assert_non_null(fixture->catalog);
	fixture->profile.present = true;
	fixture->profile.konnectivity = true;
	fixture->profile.corrections = true;
	strcpy(fixture->profile.cloud, "public");
	strcpy(fixture->profile.region, "eastus");
	return fixture;
}

static inline void use_feature(struct fixture *fixture, const char *feature)
{
	fixture->profile.features[fixture->profile.feature_count++] = strdup(feature);
}

static inline void use_tags(struct fixture *fixture, const char *text)
{
	fixture->tags = service_tags_parse(text, strlen(text), "tags.json", fixture->problems);
	assert_non_null(fixture->tags);
}

static inline void use_api_server(struct fixture *fixture, const char *name)
{
	assert_int_equal(name_from_person(name, &fixture->profile.api_server), NAME_OK);
	fixture->profile.has_api_server = true;
}

static inline void use_catalog(struct fixture *fixture, const char *text)
{
	catalog_free(fixture->catalog);
	fixture->catalog = catalog_parse(text, strlen(text), "c.yaml", fixture->problems);
	char *said = problems_format(fixture->problems);
	assert_string_equal(said, "");
	free(said);
}

static inline void make(struct fixture *fixture)
{
	fixture->result = catalog_rules(fixture->catalog, &fixture->profile, fixture->tags,
					CATALOG_TAGS_BY_PREFIX, &fixture->set, fixture->choices,
					fixture->problems);
}

static inline void free_fixture(struct fixture *fixture)
{
	cluster_profile_done(&fixture->profile);
	problems_free(fixture->problems);
	catalog_choices_free(fixture->choices);
	catalog_free(fixture->catalog);
	service_tags_free(fixture->tags);
	rule_set_done(&fixture->set);
	free(fixture);
}

static inline void expect_problems(struct fixture *fixture, const char *expected)
{
	char *said;

	make(fixture);
	said = problems_format(fixture->problems);
	assert_string_equal(said, expected);
	assert_int_equal(fixture->result < 0, problems_has_errors(fixture->problems));
	free(said);
	free_fixture(fixture);
}

static inline const struct rule *find_rule(const struct fixture *fixture, const char *collection,
					   const char *name)
{
	for (size_t i = 0; i < fixture->set.collection_count; i++) {
		const struct rule_collection *candidate = &fixture->set.collections[i];

		for (size_t j = 0; j < candidate->rule_count; j++)
			if (!strcmp(candidate->name, collection) &&
			    !strcmp(candidate->rules[j].name, name))
				return &candidate->rules[j];
	}
	return NULL;
}

static inline const struct catalog_choice *find_choice(const struct fixture *fixture,
						       const char *entry)
{
	for (size_t i = 0; i < catalog_choices_count(fixture->choices); i++)
		if (!strcmp(catalog_choices_at(fixture->choices, i)->entry, entry))
			return catalog_choices_at(fixture->choices, i);
	fail_msg("no choice of %s", entry);
	return NULL;
}

/* "id id id": the rules of all collections. */
static inline void expect_rules(struct fixture *fixture, const char *expected)
{
	struct text text = TEXT_EMPTY;

	make(fixture);
	assert_int_equal(fixture->result, 0);
	for (size_t i = 0; i < fixture->set.collection_count; i++) {
		text_addf(&text, "%s%s:", i ? " " : "", fixture->set.collections[i].name);
		for (size_t j = 0; j < fixture->set.collections[i].rule_count; j++)
			text_addf(&text, " %s", fixture->set.collections[i].rules[j].name);
	}
	assert_string_equal(text_string(&text), expected);
	text_free(&text);
}
