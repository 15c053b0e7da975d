/*
 * Where the rules are. Azure hands out the same resources in several wrappings: a template with
 * resources (a list, or an object by symbolic names), children nested in their parents or beside
 * them as "policy/group", one resource, {"value": […]}, a bare list; and `az` leaves `properties`
 * out and puts its members one level up. A resource is known by its type, or, in a template's
 * absence, by the list that only it has.
 *
 * Other resources (networks, addresses …) are none of our business and passed over. What may hold
 * rules and is not read (nested deployments, copies, conditions, the rule groups of 2020) is a
 * loss.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "import/azure_firewall_impl.h"
#include "yaml/read.h"

#define RESOURCES_LIMIT 1000 /* one firewall has less than 300 */

enum resource {
	RESOURCE_OTHER,
	RESOURCE_POLICY,
	RESOURCE_GROUP,
	RESOURCE_OLD_GROUP,
	RESOURCE_IP_GROUP,
	RESOURCE_FIREWALL,
	RESOURCE_DEPLOYMENT,
};

static const struct {
	const char *type; /* its end */
	enum resource resource;
} s_types[] = {
	{"ruleCollectionGroups", RESOURCE_GROUP}, {"ruleGroups", RESOURCE_OLD_GROUP},
	{"firewallPolicies", RESOURCE_POLICY},    {"ipGroups", RESOURCE_IP_GROUP},
	{"azureFirewalls", RESOURCE_FIREWALL},    {"deployments", RESOURCE_DEPLOYMENT},
};

/* Lists that tell a resource without a type. */
static const struct {
	const char *member;
	enum resource resource;
} s_members[] = {
	{"ruleCollections", RESOURCE_GROUP},
	{"ipAddresses", RESOURCE_IP_GROUP},
	{"networkRuleCollections", RESOURCE_FIREWALL},
	{"applicationRuleCollections", RESOURCE_FIREWALL},
	{"ruleCollectionGroups", RESOURCE_POLICY},
};

void *azure_grow(struct azure_reading *reading, void **list, size_t *count, size_t size)
{
	bool full = (*count & (*count - 1)) == 0;

	if (full) {
		void *grown = reallocarray(*list, *count ? *count * 2 : 1, size);

		if (!grown) {
			reading->no_memory = true;
			return NULL;
		}
		*list = grown;
	}
	void *element = (char *)*list + *count * size;

	memset(element, 0, size);
	*count += 1;
	return element;
}

/* `az` has the members of `properties` one level up. */
static const struct json_item *properties_of(const struct json_item *item)
{
	const struct json_item *properties = json_item_find(item, "properties");

	return properties && json_item_kind(properties) == JSON_KIND_OBJECT ? properties : item;
}

static enum resource resource_of(const struct json_item *item)
{
	const struct json_item *type = json_item_find(item, "type");
	const char *text = type ? json_item_text(type) : NULL;
	const char *slash = text ? strrchr(text, '/') : NULL;

	for (size_t i = 0; text && i < sizeof(s_types) / sizeof(*s_types); i++)
		if (!strcasecmp(slash ? slash + 1 : text, s_types[i].type))
			return s_types[i].resource;
	for (size_t i = 0; !text && i < sizeof(s_members) / sizeof(*s_members); i++)
		if (json_item_find(properties_of(item), s_members[i].member))
			return s_members[i].resource;
	return RESOURCE_OTHER;
}

/* NULL: it is not there, or not known, which is told. */
static const char *member_text(struct azure_reading *reading, const struct json_item *item,
			       const char *key)
{
	const struct json_item *member = json_item_find(item, key);
	const char *text = member ? arm_text(&reading->arm, member) : NULL;

	if (member && !text)
		losses_add(&reading->losses, member, "%s is not known: %s", key,
			   reading->arm.reason);
	return text && *text ? text : NULL;
}

/* A list that may be an expression; NULL: there is none, or it is not known, which is told. */
static const struct json_item *member_list(struct azure_reading *reading,
					   const struct json_item *item, const char *key)
{
	const struct json_item *member = json_item_find(item, key);
	const struct json_item *list = member ? arm_value(&reading->arm, member) : NULL;

	if (member && !list)
		losses_add(&reading->losses, member, "%s is not read: %s", key,
			   reading->arm.reason);
	else if (list && json_item_kind(list) != JSON_KIND_LIST)
		losses_add(&reading->losses, member, "%s is not read: expected a list", key);
	return list && json_item_kind(list) == JSON_KIND_LIST ? list : NULL;
}

/* Own text that lives as long as the document. */
static const char *keep(struct azure_reading *reading, const struct json_item *model,
			const char *text, size_t length)
{
	char *copy = strndup(text, length);
	const struct json_item *item =
		copy ? json_tree_add_string(reading->arm.tree, model, copy) : NULL;

	free(copy);
	reading->no_memory |= !item;
	return item ? json_item_text(item) : "";
}

/* The name behind /TYPE/ in a resource's id; NULL: there is none. */
static const char *name_in_id(struct azure_reading *reading, const struct json_item *model,
			      const char *id, const char *type)
{
	const char *at = id ? strcasestr(id, type) : NULL;

	return at ? keep(reading, model, at + strlen(type), strcspn(at + strlen(type), "/")) : NULL;
}

static const char *base_of(struct azure_reading *reading, const struct json_item *properties)
{
	const struct json_item *base = json_item_find(properties, "basePolicy");
	const char *id = base ? member_text(reading, base, "id") : NULL;
	const char *name = name_in_id(reading, base, id, "/firewallPolicies/");

	return base && !name ? "" : name;
}

static void find(struct azure_reading *reading, const struct json_item *item, const char *policy);

static void find_all(struct azure_reading *reading, const struct json_item *list,
		     const char *policy)
{
	for (size_t i = 0; list && i < json_item_count(list) && !reading->no_memory; i++)
		find(reading, json_item_at(list, i), policy);
}

static void add_policy(struct azure_reading *reading, const struct json_item *item)
{
	const char *name = member_text(reading, item, "name");
	struct azure_policy *policy = AZURE_GROW(reading, reading->policies, reading->policy_count);

	if (!policy)
		return;
	policy->item = item;
	policy->properties = properties_of(item);
	policy->name = name ? name : "";
	policy->base = base_of(reading, policy->properties);
	if (!reading->location)
		reading->location =
			json_item_find(item, "location")
				? arm_text(&reading->arm, json_item_find(item, "location"))
				: NULL;
	find_all(reading, json_item_find(item, "resources"), name ? name : "");
}

static bool read_priority(struct azure_reading *reading, const struct json_item *properties,
			  int64_t *ret_priority)
{
	const struct json_item *member = json_item_find(properties, "priority");
	const struct json_item *value = member ? arm_value(&reading->arm, member) : NULL;

	return value && json_item_integer(value, ret_priority);
}

/* "policy/group", "group" inside its policy, or an id that tells. */
static void add_group(struct azure_reading *reading, const struct json_item *item,
		      const char *policy)
{
	const struct json_item *properties = properties_of(item);
	const struct json_item *collections = member_list(reading, properties, "ruleCollections");
	const char *name = member_text(reading, item, "name");
	const char *slash = name ? strrchr(name, '/') : NULL;
	const char *id = member_text(reading, item, "id");
	struct azure_group *group;
	int64_t priority = 0;

	if (!collections) {
		losses_add(&reading->losses, item,
			   "this rule collection group has no list 'ruleCollections' here");
		return;
	}
	if (!read_priority(reading, properties, &priority)) {
		losses_add(&reading->losses, item,
			   "the group's priority is not known, so its place among the others is "
			   "not: none of its rules is read");
		return;
	}
	if (!policy && slash)
		policy = keep(reading, item, name, (size_t)(slash - name));
	if (!policy)
		policy = name_in_id(reading, item, id, "/firewallPolicies/");
	group = AZURE_GROW(reading, reading->groups, reading->group_count);
	if (!group)
		return;
	*group = (struct azure_group){.name = slash  ? slash + 1
					      : name ? name
						     : "",
				      .policy = policy ? policy : "",
				      .priority = priority,
				      .item = item,
				      .collections = collections};
}

static void add_ip_group(struct azure_reading *reading, const struct json_item *item)
{
	const struct json_item *addresses =
		member_list(reading, properties_of(item), "ipAddresses");
	const char *name = member_text(reading, item, "name");
	const char *id = member_text(reading, item, "id");
	struct azure_ip_group *group;

	if (!addresses)
		return;
	group = AZURE_GROW(reading, reading->ip_groups, reading->ip_group_count);
	if (group)
		*group = (struct azure_ip_group){name, id, addresses};
}

/* A classic firewall's rules, if it has any, are like a policy's of its own. */
static void add_firewall(struct azure_reading *reading, const struct json_item *item)
{
	static const char *const kinds[][2] = {
		{"networkRuleCollections", "NetworkRule"},
		{"applicationRuleCollections", "ApplicationRule"},
		{"natRuleCollections", "NatRule"},
	};
	const struct json_item *properties = properties_of(item);
	const char *name = member_text(reading, item, "name");
	size_t before = reading->group_count;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const struct json_item *list = member_list(reading, properties, kinds[i][0]);
		struct azure_group *group;

		if (!list || json_item_count(list) == 0)
			continue;
		group = AZURE_GROW(reading, reading->groups, reading->group_count);
		if (!group)
			return;
		*group = (struct azure_group){.policy = name ? name : "",
					      .policy_kind = kinds[i][1],
					      .item = item,
					      .collections = list};
	}
	if (reading->group_count == before)
		return;
	struct azure_policy *policy = AZURE_GROW(reading, reading->policies, reading->policy_count);
	if (policy)
		*policy = (struct azure_policy){
			.name = name ? name : "", .item = item, .properties = properties};
}

/* A resource that is there only sometimes, or several times. True: it is left out. */
static bool is_uncertain(struct azure_reading *reading, const struct json_item *item)
{
	const struct json_item *condition = json_item_find(item, "condition");
	const struct json_item *known = condition ? arm_value(&reading->arm, condition) : NULL;

	if (json_item_find(item, "copy")) {
		losses_add(&reading->losses, json_item_find(item, "copy"),
			   "a resource that is copied is not read");
		return true;
	}
	if (!condition || (known && json_item_is_true(known)))
		return false;
	losses_add(&reading->losses, condition,
		   "a resource under a condition that is not plainly true is not read");
	return true;
}

static void find(struct azure_reading *reading, const struct json_item *item, const char *policy)
{
	enum resource resource = resource_of(item);

	reading->resources += resource != RESOURCE_OTHER;
	if (reading->resources > RESOURCES_LIMIT)
		return;
	if (resource != RESOURCE_OTHER && is_uncertain(reading, item))
		return;
	switch (resource) {
	case RESOURCE_POLICY:
		add_policy(reading, item);
		break;
	case RESOURCE_GROUP:
		add_group(reading, item, policy);
		break;
	case RESOURCE_OLD_GROUP:
		losses_add(&reading->losses, item,
			   "rule groups of the API of 2020-04-01 are not read: export the policy "
			   "with a newer one");
		break;
	case RESOURCE_IP_GROUP:
		add_ip_group(reading, item);
		break;
	case RESOURCE_FIREWALL:
		add_firewall(reading, item);
		break;
	case RESOURCE_DEPLOYMENT:
		losses_add(&reading->losses, item,
			   "a nested deployment is not read: import its template by itself");
		break;
	case RESOURCE_OTHER:
		break;
	}
}

static int fail(struct azure_reading *reading, const struct json_item *item, const char *message)
{
	problems_add(reading->losses.problems, PROBLEM_ERROR, json_item_place(item), "%s", message);
	return -EINVAL;
}

int azure_find_resources(struct azure_reading *reading, const struct json_item *root)
{
	const struct json_item *resources = json_item_find(root, "resources");
	const struct json_item *value = json_item_find(root, "value");

	if (resources && !json_item_find(root, "type")) {
		reading->arm.has_expressions = true;
		reading->arm.parameters = json_item_find(root, "parameters");
		reading->arm.variables = json_item_find(root, "variables");
		find_all(reading, resources, NULL);
	} else if (json_item_kind(root) == JSON_KIND_LIST) {
		find_all(reading, root, NULL);
	} else if (value && json_item_kind(value) == JSON_KIND_LIST) {
		find_all(reading, value, NULL);
	} else {
		find(reading, root, NULL);
	}
	if (reading->resources > RESOURCES_LIMIT)
		return fail(reading, root,
			    "the file has more than 1,000 policies, groups and IP groups");
	if (reading->no_memory || reading->group_count > 0)
		return 0;
	if (reading->policy_count > 0)
		return fail(reading, reading->policies[0].item,
			    "the policy is here, but none of its rule collection groups: export "
			    "them with it (the portal's \"Export template\"), or import what `az "
			    "network firewall policy rule-collection-group list` prints");
	return fail(reading, root,
		    "no Azure Firewall rules are here: expected an ARM template with "
		    "firewallPolicies/ruleCollectionGroups, such a group or a list of them, or a "
		    "classic azureFirewalls resource");
}

const struct azure_ip_group *azure_find_ip_group(const struct azure_reading *reading,
						 const char *reference)
{
	static const char local[] = "/providers/Microsoft.Network/ipGroups/";

	for (size_t i = 0; i < reading->ip_group_count; i++) {
		const struct azure_ip_group *group = &reading->ip_groups[i];

		if (group->id && !strcasecmp(group->id, reference))
			return group;
		/* resourceId() without a resource group: of the template's own deployment */
		if (group->name && !strncasecmp(reference, local, strlen(local)) &&
		    !strcasecmp(group->name, reference + strlen(local)))
			return group;
	}
	return NULL;
}
