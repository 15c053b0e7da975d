#include "export/azure_tree_impl.h"

#include <string.h>

#include "base/cleanup.h"

/* ------------------------------------------------------------------------- notation */

/* What would be taken for an expression, "[…]", gets a second bracket. */
static void add_json_string(struct text *out, const char *value)
{
	cleanup(text_free) struct text escaped = TEXT_EMPTY;
	bool expression = *value == '[' && value[strlen(value) - 1] == ']';

	text_addf(&escaped, "%s%s", expression ? "[" : "", value);
	text_add_json_string(out, text_string(&escaped), escaped.length);
	out->failed |= escaped.failed;
}

static void add_bicep_string(struct text *out, const char *value)
{
	text_add(out, "'");
	for (; *value; value++) {
		if ((unsigned char)*value < ' ' || *value == 0x7f) {
			text_addf(out, "\\u{%x}", (unsigned int)*value);
			continue;
		}
		if (*value == '\'' || *value == '\\' || (*value == '$' && value[1] == '{'))
			text_add(out, "\\");
		text_add_bytes(out, value, 1);
	}
	text_add(out, "'");
}

static void begin_item(struct azure_tree *tree, const char *key)
{
	if (tree->started && !tree->bicep)
		text_add(tree->out, ",");
	text_addf(tree->out, "\n%*s", (int)(2 * tree->depth), "");
	if (key)
		text_addf(tree->out, tree->bicep ? "%s: " : "\"%s\": ", key);
	tree->started = true;
}

void azure_tree_open(struct azure_tree *tree, const char *key, char bracket)
{
	begin_item(tree, key);
	text_add_bytes(tree->out, &bracket, 1);
	tree->depth++;
	tree->started = false;
}

void azure_tree_close(struct azure_tree *tree, char bracket)
{
	tree->depth--;
	if (tree->started)
		text_addf(tree->out, "\n%*s", (int)(2 * tree->depth), "");
	text_add_bytes(tree->out, &bracket, 1);
	tree->started = true;
}

void azure_tree_string(struct azure_tree *tree, const char *key, const char *value)
{
	begin_item(tree, key);
	if (tree->bicep)
		add_bicep_string(tree->out, value);
	else
		add_json_string(tree->out, value);
}

void azure_tree_number(struct azure_tree *tree, const char *key, unsigned int value)
{
	begin_item(tree, key);
	text_addf(tree->out, "%u", value);
}

/* ------------------------------------------------------------------------- rules */

static void add_words(struct azure_tree *tree, const char *key, const struct azure_words *words)
{
	if (!words->count)
		return;
	azure_tree_open(tree, key, '[');
	AZURE_FOR_EACH(word, words)
	azure_tree_string(tree, NULL, word);
	azure_tree_close(tree, ']');
}

static void add_protocols(struct azure_tree *tree, const struct azure_rule *rule)
{
	azure_tree_open(tree, "protocols", '[');
	for (size_t i = 0; i < rule->protocol_count; i++) {
		azure_tree_open(tree, NULL, '{');
		azure_tree_string(tree, "protocolType", azure_protocol(&rule->protocols[i]));
		azure_tree_number(tree, "port", rule->protocols[i].port);
		azure_tree_close(tree, '}');
	}
	azure_tree_close(tree, ']');
}

static void add_rule(struct azure_tree *tree, const struct azure_rule *rule)
{
	bool network = rule->from->collection->kind == RULE_NETWORK;

	azure_tree_open(tree, NULL, '{');
	azure_tree_string(tree, "ruleType", network ? "NetworkRule" : "ApplicationRule");
	azure_tree_string(tree, "name", rule->name);
	if (azure_purpose(rule))
		azure_tree_string(tree, "description", azure_purpose(rule));
	add_words(tree, "sourceAddresses", &rule->sources);
	if (network) {
		add_words(tree, "ipProtocols", &rule->transports);
		add_words(tree, "destinationAddresses", &rule->addresses);
		add_words(tree, "destinationFqdns", &rule->fqdns);
		add_words(tree, "destinationPorts", &rule->ports);
	} else {
		add_protocols(tree, rule);
		add_words(tree, "targetFqdns", &rule->fqdns);
	}
	azure_tree_close(tree, '}');
}

static void add_collection(struct azure_tree *tree, const struct azure_collection *collection)
{
	azure_tree_open(tree, NULL, '{');
	azure_tree_string(tree, "ruleCollectionType", "FirewallPolicyFilterRuleCollection");
	azure_tree_string(tree, "name", collection->name);
	azure_tree_number(tree, "priority", collection->priority);
	azure_tree_open(tree, "action", '{');
	azure_tree_string(tree, "type", azure_action(collection));
	azure_tree_close(tree, '}');
	azure_tree_open(tree, "rules", '[');
	for (size_t i = 0; i < collection->rule_count; i++)
		add_rule(tree, &collection->rules[i]);
	azure_tree_close(tree, ']');
	azure_tree_close(tree, '}');
}

void azure_tree_collections(struct azure_tree *tree, const struct azure_plan *plan)
{
	azure_tree_open(tree, "ruleCollections", '[');
	for (size_t i = 0; i < plan->collection_count; i++)
		add_collection(tree, &plan->collections[i]);
	azure_tree_close(tree, ']');
}
