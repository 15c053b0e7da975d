/* Copies of rules: compiling a policy consumes them, the configuration stays. */
#pragma once

#include "policy/rules.h"

/* Adds copies of all collections and exceptions to `target`. -ENOMEM: it may hold a part. */
int config_copy_rules(const struct rule_set *source, struct rule_set *target);
