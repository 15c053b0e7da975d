/*
 * A row → entries. Its items are parted by cloud first (by their notes, or by the clouds to which
 * their names belong where the headings leave the cloud open); then ports over HTTP(S) make one
 * application entry with all names of the cloud, and ports of TCP and UDP network entries: one for
 * each list of alternatives and each of the two, because an entry's ports are all open over each of
 * its transports.
 *
 * Nothing is added to the edition before the whole row is understood.
 */
#include "import/article_row_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "import/article_cloud_impl.h"
#include "import/article_conditions_impl.h"
#include "base/list.h"

struct row {
	const struct article_facts *facts;
	struct article_cell cell;
	struct article_ports ports;
	struct catalog_entry *candidates;
	size_t candidate_count;
	struct text *reason;
};

static void row_done(struct row *row)
{
	for (size_t i = 0; i < row->candidate_count; i++)
		catalog_entry_done(&row->candidates[i]);
	free(row->candidates);
	article_cell_done(&row->cell);
}

static int refuse(struct row *row, const char *why)
{
	text_add(row->reason, why);
	return -EINVAL;
}

/* ------------------------------------------------------------------ ports */

/* "*:1194": the port beside a destination is one of the row's, or the only one there is. */
static int check_written_ports(struct row *row, bool network)
{
	uint16_t written = row->cell.items[0].port;
	bool found = row->ports.count == 0;

	for (size_t i = 1; i < row->cell.count; i++)
		if (row->cell.items[i].port != written && row->cell.items[i].port && written)
			return refuse(row, "its destinations have different ports");
	if (!row->ports.count && !written)
		return refuse(row, "it has no port");
	if (!row->ports.count)
		return article_ports_add(&row->ports, NULL, network, written, row->reason)
			       ? 0
			       : -EINVAL;
	for (size_t i = 0; i < row->ports.count; i++)
		found |= row->ports.list[i].port.port == written;
	return written && !found ? refuse(row, "the port beside its destination is another one")
				 : 0;
}

static bool has_names_only(const struct article_cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		if (cell->items[i].kind != CATALOG_DESTINATION_NAME)
			return false;
	return true;
}

/* Addresses and service tags have no names to look at: HTTP(S) to them is TCP. */
static int see_transports(struct row *row)
{
	if (has_names_only(&row->cell))
		return 0;
	for (size_t i = 0; i < row->ports.count; i++) {
		struct article_port *port = &row->ports.list[i];

		if (port->kind == RULE_NETWORK)
			continue;
		for (size_t j = 0; j < row->cell.count; j++)
			if (row->cell.items[j].kind == CATALOG_DESTINATION_ANY)
				return refuse(row, "a star alone, over HTTP(S)");
		*port = (struct article_port){
			RULE_NETWORK, {.transport = TRANSPORT_TCP, .port = port->port.port}};
	}
	return 0;
}

/* Does the entry take the port? Network entries: by transport. */
static int take_ports(struct catalog_entry *entry, const struct article_ports *ports,
		      unsigned int transport)
{
	for (size_t i = 0; i < ports->count; i++) {
		const struct article_port *port = &ports->list[i];
		struct catalog_port *taken;

		if (port->kind != entry->kind ||
		    (entry->kind == RULE_NETWORK && port->port.transport != transport))
			continue;
		taken = list_add(&entry->ports, &entry->port_count, sizeof(*taken));
		if (!taken)
			return -ENOMEM;
		*taken = port->port;
	}
	return 0;
}

/* ------------------------------------------------------------------ candidates */

static struct catalog_entry *add_candidate(struct row *row, enum rule_kind kind, uint32_t clouds)
{
	struct catalog_entry *entry =
		list_add(&row->candidates, &row->candidate_count, sizeof(*entry));

	if (entry) {
		entry->kind = kind;
		entry->clouds = clouds;
	}
	return entry;
}

static bool has_name(const struct catalog_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->name_count; i++)
		if (strcmp(entry->names[i], name) == 0)
			return true;
	return false;
}

static int add_application(struct row *row, uint32_t mark, uint32_t clouds)
{
	struct catalog_entry *entry = add_candidate(row, RULE_APPLICATION, clouds);

	if (!entry)
		return -ENOMEM;
	for (size_t i = 0; i < row->cell.count; i++) {
		const struct article_item *item = &row->cell.items[i];
		char **name;

		if (item->clouds != mark || has_name(entry, item->text))
			continue;
		name = list_add(&entry->names, &entry->name_count, sizeof(*name));
		if (!name || !(*name = strdup(item->text)))
			return -ENOMEM;
	}
	return take_ports(entry, &row->ports, 0);
}

/* No network rule is by a pattern. The API servers' can be said otherwise. */
static int take_destination(struct row *row, struct catalog_entry *entry,
			    const struct article_item *item)
{
	enum catalog_destination_kind kind = item->kind;
	struct catalog_destination *destination;
	struct name name;

	if (kind == CATALOG_DESTINATION_NAME && strchr(item->text, '*')) {
		if (strncmp(item->text, "*.hcp.", 6) != 0 && strncmp(item->text, "*.tun.", 6) != 0)
			return refuse(row, "a network rule cannot have a name with a star");
		kind = CATALOG_DESTINATION_API_SERVER;
	} else if (kind == CATALOG_DESTINATION_NAME && !strchr(item->text, '<') &&
		   name_from_person(item->text, &name) != NAME_OK) {
		return refuse(row, "a destination is no name");
	}
	for (size_t i = 0; i < entry->destination_count; i++)
		if (entry->destinations[i].kind == kind &&
		    (kind == CATALOG_DESTINATION_API_SERVER || !item->text ||
		     strcmp(entry->destinations[i].text, item->text) == 0))
			return 0;
	destination =
		list_add(&entry->destinations, &entry->destination_count, sizeof(*destination));
	if (!destination)
		return -ENOMEM;
	destination->kind = kind;
	if (item->text && kind != CATALOG_DESTINATION_API_SERVER)
		destination->text = strdup(item->text);
	return !destination->text && item->text && kind != CATALOG_DESTINATION_API_SERVER ? -ENOMEM
											  : 0;
}

/* The alternatives that begin at an item; of one cloud's mark. */
static int add_alternatives(struct row *row, size_t first, uint32_t mark, uint32_t clouds,
			    unsigned int transport)
{
	struct catalog_entry *entry = add_candidate(row, RULE_NETWORK, clouds);
	int error = entry ? 0 : -ENOMEM;

	for (size_t i = first; !error && i < row->cell.count; i++) {
		const struct article_item *item = &row->cell.items[i];

		if (i > first && !item->alternative)
			break;
		if (item->clouds == mark)
			error = take_destination(row, entry, item);
	}
	return error ? error : take_ports(entry, &row->ports, transport);
}

static int add_network(struct row *row, uint32_t mark, uint32_t clouds, unsigned int transport)
{
	bool open = false; /* alternatives of this mark were added, and go on */
	int error = 0;

	for (size_t i = 0; !error && i < row->cell.count; i++) {
		open &= row->cell.items[i].alternative;
		if (open || row->cell.items[i].clouds != mark)
			continue;
		open = true;
		error = add_alternatives(row, i, mark, clouds, transport);
	}
	return error;
}

static int add_part(struct row *row, uint32_t mark, uint32_t clouds)
{
	unsigned int transports = 0;
	bool application = false;
	int error = 0;

	for (size_t i = 0; i < row->ports.count; i++) {
		application |= row->ports.list[i].kind == RULE_APPLICATION;
		if (row->ports.list[i].kind == RULE_NETWORK)
			transports |= row->ports.list[i].port.transport;
	}
	if (application)
		error = add_application(row, mark, clouds);
	if (!error && (transports & TRANSPORT_TCP))
		error = add_network(row, mark, clouds, TRANSPORT_TCP);
	if (!error && (transports & TRANSPORT_UDP))
		error = add_network(row, mark, clouds, TRANSPORT_UDP);
	return error;
}

/* ------------------------------------------------------------------ clouds */

/* Where neither heading nor note tells the cloud, a name may. */
static void see_clouds(struct row *row)
{
	for (size_t i = 0; i < row->cell.count; i++)
		if (row->cell.items[i].clouds)
			return;
	for (size_t i = 0; row->facts->any_cloud && i < row->cell.count; i++)
		if (row->cell.items[i].kind == CATALOG_DESTINATION_NAME)
			row->cell.items[i].clouds = article_clouds_of_name(row->cell.items[i].text);
}

/* Each mark once, in the order of the cell; no mark stands for the clouds that no mark names. */
static int add_parts(struct row *row)
{
	uint32_t marked = 0;
	int error = 0;

	for (size_t i = 0; i < row->cell.count; i++)
		marked |= row->cell.items[i].clouds;
	for (size_t i = 0; !error && i < row->cell.count; i++) {
		uint32_t mark = row->cell.items[i].clouds, rest = row->facts->clouds & ~marked;
		bool first = true;

		for (size_t j = 0; j < i; j++)
			first &= row->cell.items[j].clouds != mark;
		if (first)
			error = add_part(row, mark, mark ? mark : rest ? rest : row->facts->clouds);
	}
	return error;
}

/* ------------------------------------------------------------------ all */

static int add_conditions(const struct row *row, struct catalog_entry *entry)
{
	bool custom_dns = row->cell.custom_dns;
	int error = 0;

	for (size_t i = 0; i < entry->destination_count; i++)
		custom_dns |= entry->destinations[i].kind == CATALOG_DESTINATION_CUSTOM_DNS;
	if (custom_dns)
		error = article_condition_add(entry, CATALOG_FACT_CUSTOM_DNS, true);
	if (!error && row->cell.pods_use_address)
		error = article_condition_add(entry, CATALOG_FACT_PODS_USE_API_SERVER_ADDRESS,
					      true);
	return error;
}

static int add_all(struct article_reading *reading, const struct row *row)
{
	struct article_facts facts = *row->facts;
	int error = 0;

	facts.note = row->cell.note.data;
	for (size_t i = 0; !error && i < row->candidate_count; i++) {
		struct catalog_entry *entry = &row->candidates[i];

		error = add_conditions(row, entry);
		if (!error)
			error = article_entry_add(reading, &facts, entry);
		if (!error && !facts.id)
			facts.id = reading->edition->entries[reading->edition->entry_count - 1].id;
	}
	return error;
}

int article_row_add(struct article_reading *reading, const struct article_facts *facts,
		    const struct article_row_cells *cells, struct text *ret_reason)
{
	cleanup(row_done) struct row row = {.facts = facts, .reason = ret_reason};
	int error;

	if (!article_cell_read(cells->destination, &row.cell, ret_reason) ||
	    (cells->ports && !article_ports_read(cells->ports, cells->protocol, cells->network,
						 &row.ports, ret_reason)))
		return -EINVAL;
	error = check_written_ports(&row, cells->network);
	if (!error)
		error = see_transports(&row);
	if (error)
		return error;
	see_clouds(&row);
	error = add_parts(&row);
	return error ? error : add_all(reading, &row);
}
