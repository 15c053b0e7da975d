/* Reading an edition's file: the parts that catalog.c and entry.c share. */
#pragma once

#include "catalog/catalog.h"
#include "yaml/read.h"

/* What a section says for all of its entries. */
struct section_reading {
	struct catalog_edition *edition;
	struct catalog_section *section;
	uint32_t clouds;
	enum catalog_need need;
	enum rule_kind kind;
};

/* Reads one entry into a zeroed `entry`; what it allocated stays in there also on failure. */
bool catalog_read_entry(const struct yaml_item *item, const struct section_reading *section,
			struct catalog_entry *entry, struct problems *problems);

/* A section's `unread` list, into a struct section_reading. */
yaml_read_function catalog_read_unread;

/* The edition's own list of clouds, into struct catalog_edition. */
yaml_read_function catalog_read_edition_clouds;
void catalog_cloud_done(struct catalog_cloud *cloud);

/* A list of cloud names → bits of edition->clouds. */
bool catalog_read_clouds(const struct yaml_item *list, const struct catalog_edition *edition,
			 uint32_t *ret_clouds, struct problems *problems);
/* A list of patterns with <region>; each must parse with a region filled in. */
bool catalog_read_patterns(const struct yaml_item *list, char ***ret_texts, size_t *ret_count,
			   struct problems *problems);
void catalog_texts_free(char **texts, size_t count);

/* Calls `read` for each item of a list, into a fresh zeroed array (which may be partly filled on
   failure). An empty list is an error. */
typedef bool catalog_read_element(const struct yaml_item *item, void *element, const void *context,
				  struct problems *problems);
bool catalog_read_list(const struct yaml_item *list, size_t element_size,
		       catalog_read_element *read, const void *context, void **ret_array,
		       size_t *ret_count, struct problems *problems);
