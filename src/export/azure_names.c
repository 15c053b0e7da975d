/*
 * Names and priorities that Azure takes.
 *
 * A name there has up to 80 letters, digits, '_', '.' and '-', starts with a letter or digit, ends
 * with one or '_', and differs from the others around it, whatever its case. Collections of one
 * group differ in their priorities too; where ours are equal, the later one moves on by one, which
 * keeps the order.
 */
#include "export/azure_firewall_impl.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* As many collections as Azure takes find room by it. */
#define PRIORITY_STEP 30

static const char s_letters_and_digits[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* ------------------------------------------------------------------------- names */

static void copy_allowed(char name[AZURE_NAME_SIZE], const char *wanted)
{
	size_t length = 0;

	wanted += strcspn(wanted, s_letters_and_digits);
	for (; *wanted && length < AZURE_NAME_SIZE - 1; wanted++)
		name[length++] =
			(char)(strchr(s_letters_and_digits, *wanted) || strchr("_.-", *wanted)
				       ? *wanted
				       : '-');
	while (length && strchr(".-", name[length - 1]))
		length--;
	name[length] = '\0';
	if (!length)
		snprintf(name, AZURE_NAME_SIZE, "rule");
}

/* What is cut off to make room is the end of `name`, never of `ending`. */
static void append(char name[AZURE_NAME_SIZE], const char *ending)
{
	size_t length = strlen(name), room = AZURE_NAME_SIZE - 1 - strlen(ending);

	if (length > room)
		length = room;
	snprintf(name + length, AZURE_NAME_SIZE - length, "%s", ending);
}

static bool is_rule_taken(const struct azure_rule *first, const struct azure_rule *rule)
{
	for (const struct azure_rule *other = first; other < rule; other++)
		if (!strcasecmp(other->name, rule->name))
			return true;
	return false;
}

static bool is_half(const struct azure_collection *collection, const struct azure_rule *rule)
{
	const struct azure_rule *end = collection->rules + collection->rule_count;

	return (rule > collection->rules && rule[-1].from == rule->from) ||
	       (rule + 1 < end && rule[1].from == rule->from);
}

static void name_rule(const struct azure_collection *collection, struct azure_rule *rule)
{
	char plain[AZURE_NAME_SIZE], ending[16];

	copy_allowed(plain, rule->from->rule->name);
	if (is_half(collection, rule))
		append(plain, rule->fqdns.count ? "-fqdns" : "-addresses");
	memcpy(rule->name, plain, sizeof(plain));
	for (unsigned int number = 2; is_rule_taken(collection->rules, rule); number++) {
		snprintf(ending, sizeof(ending), "-%u", number);
		memcpy(rule->name, plain, sizeof(plain));
		append(rule->name, ending);
	}
}

static bool is_collection_taken(const struct azure_plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (!strcasecmp(plan->collections[i].name, plan->collections[index].name))
			return true;
	return false;
}

static void name_collection(struct azure_plan *plan, size_t index)
{
	struct azure_collection *collection = &plan->collections[index];
	char plain[AZURE_NAME_SIZE], ending[16];

	copy_allowed(plain, collection->from->name);
	memcpy(collection->name, plain, sizeof(plain));
	for (unsigned int number = 2; is_collection_taken(plan, index); number++) {
		snprintf(ending, sizeof(ending), "-%u", number);
		memcpy(collection->name, plain, sizeof(plain));
		append(collection->name, ending);
	}
}

/* ------------------------------------------------------------------------- priorities */

static bool is_priority_taken(const struct azure_plan *plan, size_t index, unsigned int priority)
{
	for (size_t i = 0; i < index; i++)
		if (plan->collections[i].priority == priority)
			return true;
	return false;
}

/* The next free one that keeps the order among collections of a kind. */
static unsigned int choose_priority(const struct azure_plan *plan, size_t index)
{
	const struct rule_collection *from = plan->collections[index].from;
	unsigned int priority = from->priority;

	if (index && plan->collections[index - 1].from->kind == from->kind &&
	    priority <= plan->collections[index - 1].priority)
		priority = plan->collections[index - 1].priority + 1;
	while (is_priority_taken(plan, index, priority))
		priority++;
	return priority;
}

/* Evenly, when there was no room at the end of the range. */
static void spread_priorities(struct azure_plan *plan)
{
	for (size_t i = 0; i < plan->collection_count; i++)
		plan->collections[i].priority =
			(unsigned int)(RULE_PRIORITY_BEST + i * PRIORITY_STEP);
}

static void set_priorities(struct export_job *job, struct azure_plan *plan)
{
	bool past_end = false;

	for (size_t i = 0; i < plan->collection_count; i++) {
		plan->collections[i].priority = choose_priority(plan, i);
		past_end |= plan->collections[i].priority > RULE_PRIORITY_WORST;
	}
	if (!past_end)
		return;
	spread_priorities(plan);
	export_note(job, "the collections have new priorities, in the same order: equal ones at "
			 "the end of the range left no room");
}

void azure_plan_name(struct export_job *job, struct azure_plan *plan)
{
	for (size_t i = 0; i < plan->collection_count; i++) {
		struct azure_collection *collection = &plan->collections[i];

		name_collection(plan, i);
		for (size_t j = 0; j < collection->rule_count; j++)
			name_rule(collection, &collection->rules[j]);
	}
	set_priorities(job, plan);
}
