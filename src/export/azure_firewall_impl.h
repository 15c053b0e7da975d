/*
 * The rules in Azure Firewall's terms, for the targets that write them down: rule collections of
 * one group, with names and priorities that Azure takes, and rules that say what one rule there can
 * say. Whatever gets lost is recorded in the job while the plan is made, so that a target knows its
 * syntax and nothing else.
 */
#pragma once

#include "export/export_impl.h"

/* The resources' API version: one that every cloud has, and whose schema the tests hold. */
#define AZURE_API_VERSION "2020-11-01"

/* Azure's limit on the names of collections and rules, with a NUL. */
#define AZURE_NAME_SIZE 81

/* A list as Azure writes it, each word ended by a NUL: "10.42.0.0/16", "Storage", "*". */
struct azure_words {
	struct text bytes;
	size_t count;
};

__attribute__((format(printf, 2, 3))) void azure_words_add(struct azure_words *words,
							   const char *format, ...);
/* NULL: there is none, or no other. */
const char *azure_words_first(const struct azure_words *words);
const char *azure_words_next(const struct azure_words *words, const char *word);

/* NOLINTBEGIN(bugprone-macro-parentheses): what is declared cannot stand in parentheses */
#define AZURE_FOR_EACH(word, words)                                                                \
	for (const char *word = azure_words_first(words); word;                                    \
	     word = azure_words_next(words, word))
/* NOLINTEND(bugprone-macro-parentheses) */

/* A network rule has addresses or names, never both. */
struct azure_rule {
	const struct export_rule *from;
	char name[AZURE_NAME_SIZE];
	struct azure_words sources;
	struct azure_words fqdns;
	/* network rules */
	struct azure_words addresses; /* prefixes, service tags, "*" */
	struct azure_words transports;
	struct azure_words ports;
	/* application rules */
	struct application_port *protocols;
	size_t protocol_count;
};

struct azure_collection {
	const struct rule_collection *from; /* its kind and action */
	char name[AZURE_NAME_SIZE];
	unsigned int priority;
	struct azure_rule *rules;
	size_t rule_count; /* never 0: Azure refuses an empty collection */
};

/* In judging order. */
struct azure_plan {
	struct azure_collection *collections;
	size_t collection_count;
	struct azure_rule *rules;
	size_t rule_count;
};

/* Out of memory is remembered in the job. */
void azure_plan_make(struct export_job *job, struct azure_plan *plan);
void azure_plan_done(struct azure_plan *plan); /* for cleanup() */

/* What Azure can say of a rule: 0 to 2 rules, still without names of their own; records losses. */
size_t azure_rule_make(struct export_job *job, const struct export_rule *from,
		       struct azure_rule made[2]);
void azure_rule_done(struct azure_rule *rule);

/* Names for all collections and rules, and priorities that differ. */
void azure_plan_name(struct export_job *job, struct azure_plan *plan);

const char *azure_action(const struct azure_collection *collection); /* "Allow" */
const char *azure_protocol(const struct application_port *protocol); /* "Https" */
const char *azure_purpose(const struct azure_rule *rule);            /* NULL: none */
