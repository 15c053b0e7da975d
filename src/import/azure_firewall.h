/*
 * An Azure Firewall's rules, as Azure writes them in JSON: an ARM template with policies, rule
 * collection groups and IP groups (nested or not), the same resources alone or in lists as the REST
 * API and `az` print them, or a classic firewall with rules of its own.
 */
#pragma once

#include "base/problems.h"
#include "base/text.h"

/*
 * The rules as a sallyport.yaml, added to `yaml`. `file` stands for the file in complaints. 0: all
 * of them; 1: something has no counterpart or could not be read (warnings say what, and the text
 * repeats them); -EINVAL or -ENOMEM: errors are in `problems`, nothing was added.
 */
int import_azure_firewall(const char *text, size_t length, const char *file, struct text *yaml,
			  struct problems *problems);
