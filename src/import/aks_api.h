/*
 * AKS's own answer to what one cluster must reach: outboundNetworkDependenciesEndpoints of the REST
 * API, or the list that `az aks egress-endpoints list` prints of it.
 */
#pragma once

#include "base/problems.h"
#include "base/text.h"
#include "policy/rules.h"

/*
 * The answer as a sallyport.yaml, added to `yaml`. `file` stands for the file in complaints. 0: all
 * of it; 1: a part has no form in it or could not be read (warnings say what, and the text repeats
 * them); -EINVAL or -ENOMEM: errors are in `problems`, nothing was added.
 */
int import_aks_api(const char *text, size_t length, const char *file, struct text *yaml,
		   struct problems *problems);

/*
 * The same as rules, added to `set`: the collections `endpoints-network` and
 * `endpoints-application`, if not empty; a rule's name begins with its category.
 */
int import_aks_api_rules(const char *text, size_t length, const char *file, struct rule_set *set,
			 struct problems *problems);
