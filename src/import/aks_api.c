/*
 * AKS's answer → rules, category by category (aks_fact.c) → text. The file itself must have the
 * shape of an answer; beyond that, each entry stands for itself.
 */
#include "import/aks_api.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/aks_api_impl.h"
#include "import/config_text.h"

#define PRIORITY       500
#define CATEGORY_LIMIT 200

DEFINE_CLEANUP(drop_tree, struct json_tree *, json_tree_free);

static void reading_done(struct aks_reading *reading)
{
	rule_set_done(&reading->set);
	labels_done(&reading->labels[AKS_NETWORK]);
	labels_done(&reading->labels[AKS_APPLICATION]);
}

static void read_endpoint(struct aks_reading *reading, const struct json_item *endpoint)
{
	const struct json_item *details = json_item_find(endpoint, "endpointDetails");
	const struct json_item *name = json_item_find(endpoint, "domainName");

	reading->endpoints++;
	if (!strcmp(reading->category.name, "apiserver") && name && json_item_text(name) &&
	    (!reading->cluster.api_server || !strchr(json_item_text(name), '*')))
		reading->cluster.api_server = name; /* the name itself rather than a pattern */
	if (!details || json_item_kind(details) != JSON_KIND_LIST ||
	    json_item_count(details) == 0) {
		losses_add(&reading->losses, endpoint,
			   "an endpoint without a list 'endpointDetails' is not read");
		return;
	}
	for (size_t i = 0; i < json_item_count(details) && aks_goes_on(reading); i++)
		aks_read_detail(reading, endpoint, json_item_at(details, i));
}

/* A category with one rule gives it its name; of several, protocol and port tell them apart. */
static void spell_name(const struct rule *rule, int kind, const char *category, bool is_alone,
		       char written[2 * LABEL_SIZE])
{
	bool is_network = kind == AKS_NETWORK;
	const char *protocol = is_network ? rule->transports == TRANSPORT_TCP ? "tcp" : "udp"
			       : rule->protocols[0].protocol == APPLICATION_HTTPS ? "https"
										  : "http";
	unsigned int port = is_network ? rule->ports[0].first : rule->protocols[0].port;

	if (is_alone)
		snprintf(written, 2 * LABEL_SIZE, "%.64s", category);
	else
		snprintf(written, 2 * LABEL_SIZE, "%.48s-%s-%u", category, protocol, port);
}

/* False: out of memory. */
static bool name_rules(struct aks_reading *reading)
{
	const struct rule_collection *collections = reading->set.collections;
	const size_t *first = reading->category.first;
	size_t count = 0;

	for (int kind = 0; kind < 2; kind++)
		count += collections[kind].rule_count - first[kind];
	for (int kind = 0; kind < 2; kind++) {
		for (size_t i = first[kind]; i < collections[kind].rule_count; i++) {
			struct rule *rule = &collections[kind].rules[i];
			char written[2 * LABEL_SIZE], label[LABEL_SIZE];

			spell_name(rule, kind, reading->category.name, count == 1, written);
			if (!labels_make(&reading->labels[kind], written, label))
				return false;
			rule->name = strdup(label);
			if (!rule->name)
				return false;
		}
	}
	return true;
}

static void read_category(struct aks_reading *reading, const struct json_item *item)
{
	const struct json_item *endpoints = json_item_find(item, "endpoints");
	const char *name = aks_member_text(item, "category");

	if (!name || !endpoints || json_item_kind(endpoints) != JSON_KIND_LIST) {
		losses_add(&reading->losses, item,
			   "expected an object with 'category' and a list 'endpoints'; not read");
		return;
	}
	if (strlen(name) > CATEGORY_LIMIT) {
		losses_add(&reading->losses, item,
			   "the category's name is longer than %d bytes; not read", CATEGORY_LIMIT);
		return;
	}
	reading->category = (struct aks_category){
		.name = name,
		.first = {reading->set.collections[AKS_NETWORK].rule_count,
			  reading->set.collections[AKS_APPLICATION].rule_count}};
	reading->cluster.has_tunnel |=
		!strncmp(name, "tunnel", strlen("tunnel")) && json_item_count(endpoints) > 0;
	for (size_t i = 0; i < json_item_count(endpoints) && aks_goes_on(reading); i++)
		read_endpoint(reading, json_item_at(endpoints, i));
	if (!reading->no_memory) /* else a rule may be half made */
		reading->no_memory = !name_rules(reading);
	tdestroy(reading->category.seen, free);
	reading->category.seen = NULL;
}

static bool add_collections(struct rule_set *set)
{
	static const char *const names[] = {
		[AKS_NETWORK] = "endpoints-network", [AKS_APPLICATION] = "endpoints-application"};

	for (int kind = 0; kind < 2; kind++) {
		struct rule_collection *collection = rule_set_add_collection(set);

		if (!collection)
			return false;
		collection->priority = PRIORITY;
		collection->action = RULE_ALLOW;
		collection->kind = kind == AKS_NETWORK ? RULE_NETWORK : RULE_APPLICATION;
		collection->name = strdup(names[kind]);
		if (!collection->name)
			return false;
	}
	return true;
}

static int fail(const char *file, struct problems *problems, int error, const char *message)
{
	problems_add(problems, PROBLEM_ERROR,
		     (struct problem_place){file, error == -ENOMEM ? 0 : 1, 1}, "%s", message);
	return error;
}

static int read_answer(struct aks_reading *reading, const struct json_tree *tree, const char *file,
		       struct problems *problems)
{
	const struct json_item *root = json_tree_root(tree);
	const struct json_item *value = json_item_find(root, "value");
	const struct json_item *link = json_item_find(root, "nextLink");
	const struct json_item *list = json_item_kind(root) == JSON_KIND_LIST ? root : value;

	reading->losses.problems = problems;
	if (!list || json_item_kind(list) != JSON_KIND_LIST)
		return fail(file, problems, -EINVAL,
			    "not an answer of AKS: expected an object with a list 'value', or the "
			    "list of categories that `az aks egress-endpoints list` prints");
	if (!add_collections(&reading->set))
		return fail(file, problems, -ENOMEM, "out of memory");
	if (link && !json_item_is_empty(link))
		losses_add(&reading->losses, link,
			   "the answer has further pages (nextLink), which are not in this file");
	for (size_t i = 0; i < json_item_count(list) && aks_goes_on(reading); i++)
		read_category(reading, json_item_at(list, i));
	if (reading->no_memory)
		return fail(file, problems, -ENOMEM, "out of memory");
	if (reading->too_large)
		return fail(file, problems, -EINVAL,
			    "the answer is more than one import may take: 400,000 names, or 1,000 "
			    "ports of one category");
	if (reading->endpoints == 0)
		return fail(file, problems, -EINVAL, "the answer names no endpoint");
	return reading->losses.count > 0;
}

/* Moves the collections that have rules. False: out of memory. */
static bool move_collections(struct rule_set *from, struct rule_set *to)
{
	for (size_t i = 0; i < from->collection_count; i++) {
		struct rule_collection *collection;

		if (from->collections[i].rule_count == 0)
			continue;
		collection = rule_set_add_collection(to);
		if (!collection)
			return false;
		*collection = from->collections[i];
		from->collections[i] = (struct rule_collection){0};
	}
	return true;
}

int import_aks_api_rules(const char *text, size_t length, const char *file, struct rule_set *set,
			 struct problems *problems)
{
	cleanup(drop_tree) struct json_tree *tree = json_tree_parse(text, length, file, problems);
	cleanup(reading_done) struct aks_reading reading = {0};
	int result = tree ? read_answer(&reading, tree, file, problems) : -EINVAL;

	if (result >= 0 && !move_collections(&reading.set, set))
		return fail(file, problems, -ENOMEM, "out of memory");
	return result;
}

static void write_text(struct text *yaml, const struct aks_reading *reading,
		       const struct rule_set *set, const char *file, struct problems *problems)
{
	struct text title = TEXT_EMPTY;

	text_addf(&title, "What AKS says that a cluster must reach, from %s.", file);
	config_text_add_comment(yaml, text_string(&title));
	text_free(&title);
	if (problems_count(problems) > 0) {
		config_text_add_comment(yaml, "");
		config_text_add_comment(yaml, "Not carried over, or worth a look:");
		config_text_add_problems(yaml, problems);
	}
	config_text_add_comment(yaml, "");
	aks_cluster_add_profile(yaml, &reading->cluster, problems);
	text_add(yaml, "\n");
	config_text_add_collections(yaml, set, NULL);
}

int import_aks_api(const char *text, size_t length, const char *file, struct text *yaml,
		   struct problems *problems)
{
	cleanup(drop_tree) struct json_tree *tree = json_tree_parse(text, length, file, problems);
	cleanup(reading_done) struct aks_reading reading = {0};
	cleanup(rule_set_done) struct rule_set set = {0};
	cleanup(text_free) struct text written = TEXT_EMPTY;
	uint64_t failures = text_failures();
	int result = tree ? read_answer(&reading, tree, file, problems) : -EINVAL;

	if (result < 0)
		return result;
	if (!move_collections(&reading.set, &set))
		return fail(file, problems, -ENOMEM, "out of memory");
	write_text(&written, &reading, &set, file, problems);
	if (!config_text_fits(&written, file, problems))
		return text_failed(&written) ? -ENOMEM : -EINVAL;
	if (text_failures() != failures || problems_has_errors(problems))
		return fail(file, problems, -ENOMEM, "out of memory");
	text_add_bytes(yaml, written.data, written.length);
	return result;
}
