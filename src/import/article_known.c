#include "import/article_known_impl.h"

#include <string.h>

/* The bits of `from`'s clouds as bits of `to`'s, by name. */
static uint32_t translate_clouds(const struct catalog_edition *from, uint32_t clouds,
				 const struct catalog_edition *to)
{
	uint32_t result = 0;

	for (size_t i = 0; i < from->cloud_count; i++) {
		const struct catalog_cloud *cloud = catalog_cloud_find(to, from->clouds[i].name);

		if ((clouds & (1u << i)) && cloud)
			result |= 1u << (cloud - to->clouds);
	}
	return result;
}

bool article_id_is_taken(const struct catalog_edition *edition, const char *id, uint32_t clouds)
{
	for (size_t i = 0; i < edition->entry_count; i++)
		if (edition->entries[i].id && (edition->entries[i].clouds & clouds) &&
		    strcmp(edition->entries[i].id, id) == 0)
			return true;
	return false;
}

static bool same_feature(const char *left, const char *right)
{
	return left == right || (left && right && strcmp(left, right) == 0);
}

static bool has_port(const struct catalog_entry *entry, const struct catalog_port *port)
{
	for (size_t i = 0; i < entry->port_count; i++) {
		const struct catalog_port *other = &entry->ports[i];

		if (other->port != port->port)
			continue;
		if (entry->kind == RULE_NETWORK ? other->transport == port->transport
						: other->protocol == port->protocol)
			return true;
	}
	return false;
}

static bool has_name(const struct catalog_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->name_count; i++)
		if (strcmp(entry->names[i], name) == 0)
			return true;
	return false;
}

static bool has_destination(const struct catalog_entry *entry,
			    const struct catalog_destination *destination)
{
	for (size_t i = 0; i < entry->destination_count; i++) {
		const struct catalog_destination *other = &entry->destinations[i];

		if (other->kind == destination->kind &&
		    same_feature(other->text, destination->text))
			return true;
	}
	return false;
}

/* The lists hold nothing twice, so that equal counts and one way make them equal. */
static bool same_lists(const struct catalog_entry *known, const struct catalog_entry *entry,
		       bool subset)
{
	if (known->port_count != entry->port_count ||
	    known->destination_count != entry->destination_count ||
	    (subset ? known->name_count > entry->name_count
		    : known->name_count != entry->name_count))
		return false;
	for (size_t i = 0; i < known->port_count; i++)
		if (!has_port(entry, &known->ports[i]))
			return false;
	for (size_t i = 0; i < known->destination_count; i++)
		if (!has_destination(entry, &known->destinations[i]))
			return false;
	for (size_t i = 0; i < known->name_count; i++)
		if (!has_name(entry, known->names[i]))
			return false;
	return true;
}

static const struct catalog_entry *find_in(const struct catalog_edition *known,
					   const struct catalog_edition *edition,
					   const struct catalog_entry *entry, bool subset)
{
	for (size_t i = 0; i < known->entry_count; i++) {
		const struct catalog_entry *other = &known->entries[i];
		/* The article's prose does not say of which feature it speaks. */
		bool fits = entry->row ? same_feature(other->feature, entry->feature) && other->row
				       : !other->row;

		if (fits && !other->correction && other->kind == entry->kind &&
		    (translate_clouds(known, other->clouds, edition) & entry->clouds) &&
		    same_lists(other, entry, subset) &&
		    !article_id_is_taken(edition, other->id, entry->clouds))
			return other;
	}
	return NULL;
}

const struct catalog_entry *article_known_find(const struct catalog *known,
					       const struct catalog_edition *edition,
					       const struct catalog_entry *entry, bool subset,
					       const struct catalog_edition **ret_edition)
{
	const char *const *names = catalog_edition_names(known);
	const struct catalog_entry *found = NULL;
	size_t count = 0, later = 0;

	for (; names[count]; count++)
		later += strcmp(names[count], edition->name) < 0;
	for (size_t i = 0; i < count && !found; i++) {
		/* its own date, later ones, then earlier ones from the newest on */
		size_t next = i < count - later ? later + i : count - 1 - i;

		*ret_edition = catalog_edition_find(known, names[next]);
		found = find_in(*ret_edition, edition, entry, subset);
	}
	return found;
}

uint32_t article_known_clouds_of(const struct catalog_edition *from,
				 const struct catalog_entry *known,
				 const struct catalog_edition *edition)
{
	uint32_t clouds = 0;

	for (size_t i = 0; i < from->entry_count; i++) {
		const struct catalog_entry *other = &from->entries[i];

		if (!other->correction && other->kind == known->kind &&
		    strcmp(other->id, known->id) == 0 && same_lists(other, known, false))
			clouds |= other->clouds;
	}
	return translate_clouds(from, clouds, edition);
}

const struct catalog_feature *article_known_feature(const struct catalog *known, const char *name)
{
	const char *const *names = catalog_edition_names(known);

	for (; *names; names++) {
		const struct catalog_edition *edition = catalog_edition_find(known, *names);

		for (size_t i = 0; i < edition->feature_count; i++)
			if (strcmp(edition->features[i].name, name) == 0)
				return &edition->features[i];
	}
	return NULL;
}
