/* Reading one rule: what rules of both kinds share. */
#pragma once

#include "config/config.h"
#include "yaml/read.h"

struct rule_reading {
	const struct config *config;
	const struct rule_collection *collection;
	struct rule *rule;
};

bool config_read_application_rule(const struct yaml_item *item, struct rule_reading *reading,
				  struct problems *problems);
bool config_read_network_rule(const struct yaml_item *item, struct rule_reading *reading,
			      struct problems *problems);

/* Each item of a list; an empty one is refused, because it matches nothing. */
typedef bool rule_read_item(const struct yaml_item *item, struct rule_reading *reading,
			    struct problems *problems);
bool rule_read_each(const struct yaml_item *list, struct rule_reading *reading,
		    rule_read_item *read, struct problems *problems);

/* Is it "*"? It must be alone in its list, or it makes the rest pointless. */
bool rule_is_star(const struct yaml_item *item);
bool rule_check_star_alone(const struct yaml_item *list, struct problems *problems);

/* Complains; returns false. */
bool rule_fail_memory(const struct yaml_item *item, struct problems *problems);

/* Fields of both kinds; the target is a struct rule_reading. */
yaml_read_function rule_read_name;
yaml_read_function rule_read_purpose;
yaml_read_function rule_read_sources;
