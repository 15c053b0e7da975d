/* What several targets are made of: names of objects, lists of prefixes and ports, plain text. */
#pragma once

#include "export/export_impl.h"

/* ----------------------------------------------------------------------- names */

/*
 * A name for the rule's object in another product, of at most `most` characters (24 or more):
 * "collection.rule" where both are of a-z, 0-9 and '-'; else as much of that as fits and a number
 * made from the whole, "collection-rule-5f3a9c01". Fit for DNS-1123 (Kubernetes), PAN-OS, FortiOS.
 */
void part_add_rule_name(struct text *out, const struct export_rule *rule, size_t most);
/* `start` and `name`, cut to `most` characters in the same way. */
void part_add_short_name(struct text *out, const char *start, const char *name, size_t most);

/* Someone's own words for a comment or a quoted string of any product: on one line, and nothing in
   it that ends the line or the string. At most `most` bytes. */
void part_add_words(struct text *out, const char *words, size_t most);
/* "collection/rule: purpose" */
void part_add_title(struct text *out, const struct export_rule *rule);

/* A regular expression (RE2, PCRE and POSIX extended alike) for the whole of a name. */
void part_add_expression(struct text *out, const struct pattern *pattern);

/* ----------------------------------------------------------------------- lists */

struct part_prefixes {
	struct ip_prefix *items; /* IPv4 before IPv6, ascending, each once */
	size_t count, v4_count;
};

/* `any`: all addresses of both families. False (the job has failed): no memory. */
bool part_list_prefixes(struct export_job *job, const struct ip_prefix *prefixes, size_t count,
			bool any, struct part_prefixes *ret_list);
/* The destinations of a network rule that are addresses; tags are included. */
bool part_list_destinations(struct export_job *job, const struct rule *rule,
			    struct part_prefixes *ret_list);
void part_prefixes_done(struct part_prefixes *list); /* for cleanup() */

/* The destination ports of a network rule for a transport that has ports; "any port" is 1-65535. */
size_t part_range_count(const struct rule *rule);
struct port_range part_range_at(const struct rule *rule, size_t index);
/* Does it allow every protocol of IP there is? */
bool part_is_all_traffic(const struct rule *rule);

/* Is the pattern the first of its like in the rule? Some products refuse a list that repeats. */
bool part_is_first_pattern(const struct rule *rule, const struct pattern *pattern,
			   size_t at); /* `at`: as pattern_list_next() left it */
bool part_is_first_fqdn(const struct rule *rule, size_t index);
