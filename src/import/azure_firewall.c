/*
 * Azure Firewall → sallyport.yaml. Found (azure_resources.c), put in Azure's order (azure_order.c),
 * read collection by
 * collection (azure_collection.c), rule by rule (azure_network_rule.c, azure_application_rule.c),
 * written (config_text.c).
 *
 * The verdicts of the result are Azure's, as far as rules go: network before application rules, the
 * first match decides, else deny. Where they cannot be, the result is narrower and a loss says so;
 * where it would be wider, the loss says that in capitals.
 */
#include "import/azure_firewall_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/config_text.h"
#include "import/labels_impl.h"

#define STEP 100 /* between the numbers of renumbered collections */

static void reading_done(struct azure_reading *reading)
{
	for (size_t i = 0; i < reading->set.collection_count; i++)
		free(reading->notes ? reading->notes[i] : NULL);
	free(reading->notes);
	rule_set_done(&reading->set);
	free(reading->policies);
	free(reading->groups);
	free(reading->ip_groups);
	free(reading->collections);
	json_tree_free(reading->arm.tree);
}

/* Do the collections' own priorities put those of a kind in the order they stand in? */
static bool own_priorities_serve(const struct rule_set *set)
{
	unsigned int last[2] = {RULE_PRIORITY_BEST, RULE_PRIORITY_BEST};

	for (size_t i = 0; i < set->collection_count; i++) {
		const struct rule_collection *collection = &set->collections[i];

		if (collection->priority < last[collection->kind])
			return false;
		last[collection->kind] = collection->priority;
	}
	return true;
}

/* 100, 200, 300 … for each kind, or closer where there are many. False: there are too many. */
static bool renumber(struct rule_set *set)
{
	unsigned int next[2] = {RULE_PRIORITY_BEST, RULE_PRIORITY_BEST};
	size_t counts[2] = {0, 0}, most;
	unsigned int step = STEP;

	for (size_t i = 0; i < set->collection_count; i++)
		counts[set->collections[i].kind]++;
	most = counts[0] > counts[1] ? counts[0] : counts[1];
	if (most > RULE_PRIORITY_WORST - RULE_PRIORITY_BEST)
		return false;
	if (most > 1 && step > (RULE_PRIORITY_WORST - RULE_PRIORITY_BEST) / (most - 1))
		step = (unsigned int)((RULE_PRIORITY_WORST - RULE_PRIORITY_BEST) / (most - 1));
	for (size_t i = 0; i < set->collection_count; i++) {
		set->collections[i].priority = next[set->collections[i].kind];
		next[set->collections[i].kind] += step;
	}
	return true;
}

static void read_all(struct azure_reading *reading)
{
	static const enum rule_kind kinds[] = {RULE_NETWORK, RULE_APPLICATION};
	cleanup(labels_done) struct labels labels = {0};

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0;
		     i < reading->collection_count && !reading->no_memory && !reading->too_large;
		     i++)
			azure_read_collection(reading, &labels, &reading->collections[i], kinds[k]);
	reading->renumbered = !own_priorities_serve(&reading->set);
	if (reading->renumbered)
		reading->too_large |= !renumber(&reading->set);
}

static int fail(struct azure_reading *reading, const char *file, int error, const char *message)
{
	problems_add(reading->losses.problems, PROBLEM_ERROR, (struct problem_place){file, 0, 0},
		     "%s", message);
	return error;
}

/* 0 or an error, which was told. */
static int read_file(struct azure_reading *reading, const char *file)
{
	int error = azure_find_resources(reading, json_tree_root(reading->arm.tree));

	if (error == 0)
		error = azure_order_collections(reading);
	if (error < 0)
		return error;
	azure_read_settings(reading);
	read_all(reading);
	if (reading->no_memory || reading->arm.out_of_memory)
		return fail(reading, file, -ENOMEM, "out of memory");
	if (reading->too_large)
		return fail(reading, file, -EINVAL,
			    "the rules are more than one import may take (400,000 items): import a "
			    "part of them");
	return 0;
}

int import_azure_firewall(const char *text, size_t length, const char *file, struct text *yaml,
			  struct problems *problems)
{
	cleanup(reading_done) struct azure_reading reading = {.losses.problems = problems};
	cleanup(text_free) struct text written = TEXT_EMPTY;
	uint64_t failures = text_failures();
	int error;

	reading.arm.tree = json_tree_parse(text, length, file, problems);
	if (!reading.arm.tree)
		return -EINVAL;
	error = read_file(&reading, file);
	if (error < 0)
		return error;
	azure_write_head(&reading, file, &written);
	config_text_add_collections(&written, &reading.set, (const char *const *)reading.notes);
	if (!config_text_fits(&written, file, problems))
		return text_failed(&written) ? -ENOMEM : -EINVAL;
	if (text_failures() != failures || problems_has_errors(problems))
		return fail(&reading, file, -ENOMEM, "out of memory");
	text_add_bytes(yaml, written.data, written.length);
	return reading.losses.count > 0;
}
