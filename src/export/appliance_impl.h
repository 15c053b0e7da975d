/* What firewalls at the edge share: they see source addresses, and stand where sallyport would. */
#pragma once

#include "export/parts_impl.h"

struct appliance_sources {
	bool any;
	struct part_prefixes list; /* neither any nor in the list: nobody */
};

/* Who the rule is for: its own sources, as far as they are protected ones. */
bool appliance_list_sources(struct export_job *job, const struct rule *rule,
			    struct appliance_sources *ret_sources);
void appliance_sources_done(struct appliance_sources *sources); /* for cleanup() */

/* The addresses that no name may lead to (policy.h, the guard), without the exceptions to it. */
bool appliance_list_guarded(struct export_job *job, struct part_prefixes *ret_list);

/* Both lists together, and one without what is in the other. False: no memory. */
bool appliance_join(struct export_job *job, const struct ip_prefix *one, size_t one_count,
		    const struct ip_prefix *other, size_t other_count,
		    struct part_prefixes *ret_list);
bool appliance_take_out(struct export_job *job, const struct ip_prefix *from, size_t from_count,
			const struct part_prefixes *out, struct part_prefixes *ret_list);

/*
 * Service tags change weekly: the addresses of an allow rule that names one stand in a list of
 * their own, which the firewall fetches from a web server. (Not those of a deny rule: a list that
 * cannot be fetched is empty.)
 */
#define APPLIANCE_LISTS "https://lists.example.com/sallyport"
bool appliance_has_list(const struct export_rule *rule);
/* "collection.rule.txt" */
void appliance_add_list_file(struct text *out, const struct export_rule *rule);
/* The lists as files of their own. Moves job->out. */
void appliance_write_lists(struct export_job *job);

/* Puts the header before the text of the first file. */
void appliance_add_header(struct export_job *job);
