/* What rules of both kinds share: lists, sources, names. */
#include "config/rule_impl.h"

#include <string.h>

#include "config/values_impl.h"

bool rule_fail_memory(const struct yaml_item *item, struct problems *problems)
{
	yaml_complain(item, problems, "out of memory");
	return false;
}

/* Each item of a list that must not be empty. */
bool rule_read_each(const struct yaml_item *list, struct rule_reading *reading,
		    rule_read_item *read, struct problems *problems)
{
	bool good = true;

	if (!yaml_expect_list(list, problems))
		return false;
	if (yaml_list_count(list) == 0) {
		yaml_complain(list, problems,
			      "an empty list matches nothing; name something, or \"*\" for any");
		return false;
	}
	for (size_t i = 0; i < yaml_list_count(list); i++)
		good &= read(yaml_list_at(list, i), reading, problems);
	return good;
}

/* Is it "*"? Alone in its list, or it makes the rest pointless. */
bool rule_is_star(const struct yaml_item *item)
{
	return yaml_item_kind(item) == YAML_KIND_SCALAR && !strcmp(yaml_scalar_text(item), "*");
}

bool rule_check_star_alone(const struct yaml_item *list, struct problems *problems)
{
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		if (yaml_list_count(list) > 1 && rule_is_star(yaml_list_at(list, i))) {
			yaml_complain(yaml_list_at(list, i), problems,
				      "\"*\" means any: nothing else can stand beside it");
			return false;
		}
	}
	return true;
}

static bool read_source(const struct yaml_item *item, struct rule_reading *reading,
			struct problems *problems)
{
	struct ip_prefix prefix;

	if (rule_is_star(item)) {
		reading->rule->any_source = true;
		return true;
	}
	if (!config_read_prefix(item, &prefix, problems))
		return false;
	return rule_add_source(reading->rule, &prefix) == 0 || rule_fail_memory(item, problems);
}

bool rule_read_sources(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	struct rule_reading *reading = target;

	(void)field;
	reading->rule->any_source = false;
	return rule_read_each(value, reading, read_source, problems) &&
	       rule_check_star_alone(value, problems);
}

bool rule_read_name(const struct yaml_item *value, const struct yaml_field *field, void *target,
		    struct problems *problems)
{
	(void)field;
	return config_read_label(value, &((struct rule_reading *)target)->rule->name, problems);
}

bool rule_read_purpose(const struct yaml_item *value, const struct yaml_field *field, void *target,
		       struct problems *problems)
{
	return yaml_read_string(value, field, &((struct rule_reading *)target)->rule->purpose,
				problems);
}
