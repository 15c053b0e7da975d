/* Whether a profile and the catalogue fit together. */
#pragma once

#include "catalog/choose_impl.h"

/* Finds the profile's edition and cloud, into `making`. Negative: errors were added. */
int catalog_check_profile(struct making *making, const struct catalog *catalog);
