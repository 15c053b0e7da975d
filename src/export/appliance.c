#include "export/appliance_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "base/cleanup.h"

/* One name is used in several rules' lists: 31 characters are what PAN-OS takes. */
#define LIST_NAME_MOST 31

/* ----------------------------------------------------------------------- growing */

static void add_prefix(struct export_job *job, struct part_prefixes *list,
		       const struct ip_prefix *prefix)
{
	struct ip_prefix *grown = reallocarray(list->items, list->count + 1, sizeof(*grown));

	if (!grown) {
		job->failed = true;
		return;
	}
	grown[list->count++] = *prefix;
	list->items = grown;
}

/* Sorts what was collected; false: there was no memory. */
static bool finish(struct export_job *job, struct part_prefixes *collected,
		   struct part_prefixes *ret_list)
{
	return !job->failed &&
	       part_list_prefixes(job, collected->items, collected->count, false, ret_list);
}

/* ----------------------------------------------------------------------- sources */

static bool covers(const struct ip_prefix *outer, const struct ip_prefix *inner)
{
	return outer->length <= inner->length && ip_prefix_contains(outer, &inner->address);
}

/* Two prefixes meet only where one is inside the other. */
static void intersect(struct export_job *job, const struct rule *rule, struct part_prefixes *ret)
{
	const struct rule_set *set = job->request->set;

	for (size_t i = 0; i < rule->source_count; i++)
		for (size_t k = 0; k < set->protected_source_count; k++) {
			if (covers(&rule->sources[i], &set->protected_sources[k]))
				add_prefix(job, ret, &set->protected_sources[k]);
			else if (covers(&set->protected_sources[k], &rule->sources[i]))
				add_prefix(job, ret, &rule->sources[i]);
		}
}

bool appliance_list_sources(struct export_job *job, const struct rule *rule,
			    struct appliance_sources *ret_sources)
{
	const struct rule_set *set = job->request->set;
	cleanup(part_prefixes_done) struct part_prefixes met = {0};
	struct appliance_sources sources = {0};
	bool good;

	if (rule->any_source && !set->protected_source_count) {
		ret_sources->any = true;
		return true;
	}
	if (rule->any_source) {
		good = part_list_prefixes(job, set->protected_sources, set->protected_source_count,
					  false, &sources.list);
	} else if (!set->protected_source_count) {
		good = part_list_prefixes(job, rule->sources, rule->source_count, false,
					  &sources.list);
	} else {
		intersect(job, rule, &met);
		good = finish(job, &met, &sources.list);
	}
	if (good)
		*ret_sources = sources;
	return good;
}

void appliance_sources_done(struct appliance_sources *sources)
{
	part_prefixes_done(&sources->list);
}

/* ----------------------------------------------------------------------- the guard */

/* Inside IPv6 (NAT64, 6to4) they stay private; an exception for one is not one for the other. */
static const char *const s_private[] = {
	"10.0.0.0/8",
	"172.16.0.0/12",
	"192.168.0.0/16",
	"100.64.0.0/10",
	"fc00::/7",
	"2002:a00::/24",
	"2002:ac10::/28",
	"2002:c0a8::/32",
	"2002:6440::/26",
	"64:ff9b::a00:0/104",
	"64:ff9b::ac10:0/108",
	"64:ff9b::c0a8:0/112",
	"64:ff9b::6440:0/106",
};

struct exceptions {
	const struct ip_prefix *prefixes;
	size_t count;
};

/* Collects what is left of `prefix`: all, nothing, or what is left of its halves. */
static void subtract(struct export_job *job, const struct ip_prefix *prefix,
		     const struct exceptions *exceptions, struct part_prefixes *ret)
{
	bool inside = false;

	for (size_t i = 0; i < exceptions->count; i++) {
		if (covers(&exceptions->prefixes[i], prefix))
			return;
		inside |= covers(prefix, &exceptions->prefixes[i]);
	}
	if (!inside) {
		add_prefix(job, ret, prefix);
		return;
	}
	struct ip_prefix low = *prefix, high;

	low.length++;
	high = low;
	high.address.bytes[prefix->length / 8] |= (uint8_t)(0x80 >> (prefix->length % 8));
	subtract(job, &low, exceptions, ret);
	subtract(job, &high, exceptions, ret);
}

bool appliance_list_guarded(struct export_job *job, struct part_prefixes *ret_list)
{
	const struct rule_set *set = job->request->set;
	struct exceptions private = {set->private_destinations, set->private_destination_count};
	struct exceptions special = {set->special_exceptions, set->special_exception_count};
	cleanup(part_prefixes_done) struct part_prefixes left = {0};
	struct ip_prefix prefixes[IP_SPECIAL_MAX];
	size_t count = ip_special_prefixes(prefixes);

	for (size_t i = 0; i < count; i++)
		subtract(job, &prefixes[i], &special, &left);
	for (size_t i = 0; i < sizeof(s_private) / sizeof(*s_private); i++) {
		invariant(ip_prefix_parse(s_private[i], &prefixes[0]) == 0);
		subtract(job, &prefixes[0], &private, &left);
	}
	return finish(job, &left, ret_list);
}

bool appliance_take_out(struct export_job *job, const struct ip_prefix *from, size_t from_count,
			const struct part_prefixes *out, struct part_prefixes *ret_list)
{
	struct exceptions exceptions = {out->items, out->count};
	cleanup(part_prefixes_done) struct part_prefixes left = {0};

	for (size_t i = 0; i < from_count; i++)
		subtract(job, &from[i], &exceptions, &left);
	return finish(job, &left, ret_list);
}

bool appliance_join(struct export_job *job, const struct ip_prefix *one, size_t one_count,
		    const struct ip_prefix *other, size_t other_count,
		    struct part_prefixes *ret_list)
{
	cleanup(part_prefixes_done) struct part_prefixes joined = {0};

	for (size_t i = 0; i < one_count; i++)
		add_prefix(job, &joined, &one[i]);
	for (size_t i = 0; i < other_count; i++)
		add_prefix(job, &joined, &other[i]);
	return finish(job, &joined, ret_list);
}

/* ----------------------------------------------------------------------- lists */

bool appliance_has_list(const struct export_rule *rule)
{
	return rule->collection->action == RULE_ALLOW && rule->rule->tag_count > 0 &&
	       !rule->rule->any_destination && rule->rule->destination_count > 0;
}

void appliance_add_list_file(struct text *out, const struct export_rule *rule)
{
	part_add_rule_name(out, rule, LIST_NAME_MOST);
	text_add(out, ".txt");
}

static void write_list(struct export_job *job, const struct export_rule *rule)
{
	cleanup(part_prefixes_done) struct part_prefixes list = {0};
	cleanup(text_free) struct text name = TEXT_EMPTY;
	char prefix[IP_PREFIX_TEXT_SIZE];

	if (!part_list_destinations(job, rule->rule, &list))
		return;
	appliance_add_list_file(&name, rule);
	job->failed |= text_failed(&name);
	export_begin_file(job, text_string(&name));
	for (size_t i = 0; i < list.count; i++)
		text_addf(job->out, "%s\n", ip_prefix_format(&list.items[i], prefix));
}

void appliance_write_lists(struct export_job *job)
{
	for (size_t i = 0; i < job->network_count; i++)
		if (appliance_has_list(&job->rules[i]))
			write_list(job, &job->rules[i]);
}

/* Lists have none: not every product that fetches lists takes comments in them. */
void appliance_add_header(struct export_job *job)
{
	struct text whole = TEXT_EMPTY, *body;

	if (job->result->file_count == 0) /* no memory for it */
		return;
	body = &job->result->files[0].text;
	export_header_lines(job, &whole, "# ", "");
	text_add(&whole, text_string(body));
	whole.failed |= text_failed(body);
	text_free(body);
	*body = whole;
}
