/*
 * Rules → files of other products (and tables for people): one file of this folder a target. What a
 * target cannot express becomes the nearest *stricter* thing, never a wider one, and is said in the
 * file's header; a deny rule that would be lost, so that more got out, is refused.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/colours.h"
#include "base/problems.h"
#include "base/text.h"
#include "policy/rules.h"

struct catalog_choices;
struct cluster_profile;
struct export_target;

struct export_request {
	const struct rule_set *set;            /* as config_rules() made it */
	const struct cluster_profile *profile; /* whose rules these are; may be not present */
	const char *edition;                   /* of the catalogue; NULL: no rule is from there */
	const struct catalog_choices *choices; /* what became of its entries; NULL: not told */
	const struct colours *colours;         /* for people; NULL: none */
	bool strict;                           /* refuse where something would be lost */
};

/* What a target consists of: most of one file, some of several that belong together. */
struct export_file {
	char *name; /* as the product's users would call it: "squid.conf" */
	struct text text;
};

struct export_result {
	struct export_file *files;
	size_t file_count;
	bool is_folder;    /* the target writes several files, though it be one this time */
	size_t loss_count; /* what was written stricter than the rules, or left out */
};

/* NULL-terminated, in the order of export_targets(); for lists of what is allowed. */
const char *const *export_target_names(void);
/* NULL: there is none of that name. */
const struct export_target *export_target_find(const char *name);
const char *export_target_title(const struct export_target *target);
/* Does the product know Azure's service tags by name, so that no file of prefixes is needed? */
bool export_target_knows_tags(const struct export_target *target);

/*
 * Writes. -EPERM: refused, because a deny rule would be lost or, with `strict`, anything; -ENOMEM;
 * both with errors in `problems`. Losses that are not refused are warnings there.
 */
int export_write(const struct export_target *target, const struct export_request *request,
		 struct export_result *ret_result, struct problems *problems);
void export_result_done(struct export_result *result); /* for cleanup() */
