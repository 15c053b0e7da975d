/*
 * Changes in the order in which they are told: by feature (every cluster first, then as the later
 * list has them), by cloud, then as they were found. What is the same in several clouds
 * is told once, with all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "catalog/diff_impl.h"

/* A change and where it belongs. */
struct place {
	struct diff_change *change;
	size_t feature, cloud, index;
	bool merged; /* into an earlier one */
};

/* ------------------------------------------------------------------------ merging */

static bool same_part(const struct diff_part *left, const struct diff_part *right)
{
	if (left->mark != right->mark || left->missing != right->missing ||
	    left->any_of != right->any_of || left->destination_count != right->destination_count ||
	    left->port.transports != right->port.transports ||
	    left->port.protocol != right->port.protocol || left->port.first != right->port.first ||
	    left->port.last != right->port.last || !left->because != !right->because ||
	    (left->because && strcmp(left->because->label, right->because->label) != 0))
		return false;
	for (size_t i = 0; i < left->destination_count; i++)
		if (strcmp(left->destinations[i], right->destinations[i]) != 0)
			return false;
	return true;
}

static bool same_change(const struct diff_change *left, const struct diff_change *right)
{
	const struct listing_entry *entry = diff_entry(left), *other = diff_entry(right);

	if (left->kind != right->kind || left->for_profile != right->for_profile ||
	    left->words_only != right->words_only || left->part_count != right->part_count ||
	    left->attribute_count != right->attribute_count || entry->kind != other->kind ||
	    entry->need != other->need || !diff_same_text(entry->feature, other->feature))
		return false;
	for (size_t i = 0; i < left->part_count; i++)
		if (!same_part(&left->parts[i], &right->parts[i]))
			return false;
	for (size_t i = 0; i < left->attribute_count; i++) {
		const struct diff_attribute *a = &left->attributes[i], *b = &right->attributes[i];

		if (strcmp(a->name, b->name) != 0 || !diff_same_text(a->before, b->before) ||
		    !diff_same_text(a->after, b->after))
			return false;
	}
	return true;
}

static int add_clouds(struct diff_change *to, const struct diff_change *from)
{
	const char **grown =
		reallocarray(to->clouds, to->cloud_count + from->cloud_count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	to->clouds = grown;
	memcpy(&grown[to->cloud_count], from->clouds, from->cloud_count * sizeof(*grown));
	to->cloud_count += from->cloud_count;
	return 0;
}

/* Of places with one label, in the order of their clouds: into the first that says the same in
   other clouds. */
static int merge(struct place *places, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t j = 0; j < i && !places[i].merged; j++) {
			if (places[j].merged || places[j].cloud == places[i].cloud ||
			    !same_change(places[j].change, places[i].change))
				continue;
			if (add_clouds(places[j].change, places[i].change) < 0)
				return -ENOMEM;
			places[i].merged = true;
		}
	}
	return 0;
}

/* ------------------------------------------------------------------------ order */

static size_t rank_of_feature(const struct listing *before, const struct listing *after,
			      const struct listing_entry *entry)
{
	if (entry->own)
		return SIZE_MAX;
	if (!entry->feature)
		return 0;
	for (size_t i = 0; i < after->feature_count; i++)
		if (!strcmp(after->features[i].name, entry->feature))
			return 1 + i;
	for (size_t i = 0; i < before->feature_count; i++)
		if (!strcmp(before->features[i].name, entry->feature))
			return 1 + after->feature_count + i;
	return SIZE_MAX - 1;
}

static size_t rank_of_cloud(const struct listing *before, const struct listing *after,
			    const char *cloud)
{
	for (size_t i = 0; i < after->cloud_count; i++)
		if (!strcmp(after->clouds[i], cloud))
			return i;
	for (size_t i = 0; i < before->cloud_count; i++)
		if (!strcmp(before->clouds[i], cloud))
			return after->cloud_count + i;
	return SIZE_MAX;
}

static int compare_numbers(size_t left, size_t right)
{
	return (left > right) - (left < right);
}

static int compare_labels(const void *left_pointer, const void *right_pointer)
{
	const struct place *left = left_pointer, *right = right_pointer;
	int order = strcmp(diff_entry(left->change)->label, diff_entry(right->change)->label);

	order = order ? order : compare_numbers(left->cloud, right->cloud);
	return order ? order : compare_numbers(left->index, right->index);
}

/* With the same first one: those in more clouds first. */
static int compare_clouds(const struct diff_change *left, const struct diff_change *right)
{
	int order = compare_numbers(right->cloud_count, left->cloud_count);

	for (size_t i = 0; i < left->cloud_count && !order; i++)
		order = strcmp(left->clouds[i], right->clouds[i]);
	return order;
}

static int compare_places(const void *left_pointer, const void *right_pointer)
{
	const struct place *left = left_pointer, *right = right_pointer;
	int order = compare_numbers(left->feature, right->feature);

	order = order ? order : compare_numbers(left->cloud, right->cloud);
	order = order ? order : compare_clouds(left->change, right->change);
	return order ? order : compare_numbers(left->index, right->index);
}

static int merge_all(struct place *places, size_t count)
{
	size_t start = 0;

	qsort(places, count, sizeof(*places), compare_labels);
	for (size_t i = 1; i <= count; i++) {
		if (i < count && !strcmp(diff_entry(places[start].change)->label,
					 diff_entry(places[i].change)->label))
			continue;
		if (merge(&places[start], i - start) < 0)
			return -ENOMEM;
		start = i;
	}
	return 0;
}

static void find_places(const struct listing *before, const struct listing *after,
			struct catalog_diff *diff, struct place *places)
{
	for (size_t i = 0; i < diff->change_count; i++) {
		struct diff_change *change = &diff->changes[i];

		places[i] = (struct place){
			.change = change,
			.feature = rank_of_feature(before, after, diff_entry(change)),
			.cloud = rank_of_cloud(before, after, change->clouds[0]),
			.index = i,
		};
	}
}

/* The changes as their places are; what was merged goes. */
static void arrange(struct catalog_diff *diff, const struct place *places,
		    struct diff_change *ordered)
{
	size_t kept = 0;

	for (size_t i = 0; i < diff->change_count; i++) {
		if (places[i].merged)
			diff_change_done(places[i].change);
		else
			ordered[kept++] = *places[i].change;
	}
	memcpy(diff->changes, ordered, kept * sizeof(*ordered));
	diff->change_count = kept;
}

int diff_order(const struct listing *before, const struct listing *after, struct catalog_diff *diff)
{
	size_t count = diff->change_count;
	cleanup(free_memory) struct place *places = calloc(count + 1, sizeof(*places));
	cleanup(free_memory) struct diff_change *ordered = calloc(count + 1, sizeof(*ordered));

	if (!places || !ordered)
		return -ENOMEM;
	if (count == 0)
		return 0;
	find_places(before, after, diff, places);
	if (merge_all(places, count) < 0)
		return -ENOMEM;
	qsort(places, count, sizeof(*places), compare_places);
	arrange(diff, places, ordered);
	return 0;
}
