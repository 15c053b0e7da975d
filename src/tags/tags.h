/*
 * Microsoft's weekly service-tag files: names of Azure services and the address prefixes behind
 * them. Reference: learn.microsoft.com, "Azure service tags overview", the downloadable JSON files.
 */
#pragma once

#include "base/ip.h"
#include "base/problems.h"

struct service_tags;
struct service_tag;

/* NULL: one error is in `problems`; a file with one bad prefix gives nothing at all. */
struct service_tags *service_tags_load(const char *path, struct problems *problems);
/* From memory; `name` stands for the file in complaints. */
struct service_tags *service_tags_parse(const char *text, size_t length, const char *name,
					struct problems *problems);
void service_tags_free(struct service_tags *tags);

const char *service_tags_file(const struct service_tags *tags);
const char *service_tags_cloud(const struct service_tags *tags); /* "Public", "China", … */
uint64_t service_tags_change_number(const struct service_tags *tags);
size_t service_tags_count(const struct service_tags *tags);

/* "Storage", "storage.westeurope": in any case. NULL: there is none. Lives as long as `tags`. */
const struct service_tag *service_tags_find(const struct service_tags *tags, const char *name);

/*
 * The tag of a service in a region, by the region's usual name. AzureCloud names some regions by
 * older codes (AzureCloud.centralfrance for francecentral); the code is learned from the regional
 * tags of other services in the same file. NULL: there is none.
 */
const struct service_tag *service_tags_find_regional(const struct service_tags *tags,
						     const char *service, const char *region);

/* The tag whose name is nearest to what was written, for messages. NULL: none is near. */
const struct service_tag *service_tags_nearest(const struct service_tags *tags, const char *name);

const char *service_tag_name(const struct service_tag *tag); /* as the file spells it */

/* Both families, sorted, overlaps and neighbours merged. The caller frees. -ENOMEM. */
int service_tag_prefixes(const struct service_tags *tags, const struct service_tag *tag,
			 struct ip_prefix **ret_prefixes, size_t *ret_count);
