/* Could one flow, or one name, match both? "Yes" unless it is certain that not. */
#pragma once

#include "export/export_impl.h"

bool patterns_meet(const struct pattern *a, const struct pattern *b);
bool rules_meet(const struct export_rule *a, const struct export_rule *b);
