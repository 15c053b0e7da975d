/* What the embedded editions know of a row: its id, conditions, purpose and note. */
#pragma once

#include "catalog/catalog.h"

/*
 * The entry of the embedded editions that is the same as `entry` (kind, a cloud, ports, and names
 * or destinations) and whose id `edition` does not use in its clouds; of the editions the one
 * nearest in date to edition->name wins. NULL: there is none.
 * `subset`: also one with only some of the entry's names. ret_edition: of what was found.
 */
const struct catalog_entry *article_known_find(const struct catalog *known,
					       const struct catalog_edition *edition,
					       const struct catalog_entry *entry, bool subset,
					       const struct catalog_edition **ret_edition);

/* All clouds, as bits of `edition`'s, in which the edition `from` has the entry `known` with the
   same content under the same id. */
uint32_t article_known_clouds_of(const struct catalog_edition *from,
				 const struct catalog_entry *known,
				 const struct catalog_edition *edition);

/* A feature of that name in any edition; NULL: there is none. */
const struct catalog_feature *article_known_feature(const struct catalog *known, const char *name);

/* Is the id taken in one of the clouds? */
bool article_id_is_taken(const struct catalog_edition *edition, const char *id, uint32_t clouds);
