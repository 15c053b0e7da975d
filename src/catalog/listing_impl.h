/* How listings are filled: shared by the files that turn editions and rules into entries. All copy
   their texts; NULL or negative: out of memory. */
#pragma once

#include "catalog/listing.h"

/* A fresh entry at the end, with a label and a cloud. Moves the others. */
struct listing_entry *listing_add_entry(struct listing *listing, const char *label,
					const char *cloud);
int listing_add_feature(struct listing *listing, const char *name, const char *title);
int listing_add_cloud(struct listing *listing, const char *name);

/* `text` as a pattern (its <region> may be unknown). What is none is kept as words. */
int listing_add_name(struct listing_entry *entry, const char *text);
int listing_add_words(struct listing_entry *entry, enum listing_destination_kind kind,
		      const char *text);
int listing_add_port(struct listing_entry *entry, struct listing_port port);
