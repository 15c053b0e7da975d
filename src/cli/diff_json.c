/* A comparison for machines; man/sallyport.8 tells each field. */
#include <string.h>

#include "base/cleanup.h"
#include "catalog/profile.h"
#include "cli/diff_write.h"

static void add_value(struct text *out, const char *value)
{
	if (value)
		text_add_json_string(out, value, strlen(value));
	else
		text_add(out, "null");
}

/* ,"key":"value" */
static void add_pair(struct text *out, const char *key, const char *value)
{
	text_addf(out, ",\"%s\":", key);
	add_value(out, value);
}

static void add_list(struct text *out, const char *key, const char *const *values, size_t count)
{
	text_addf(out, ",\"%s\":[", key);
	for (size_t i = 0; i < count; i++) {
		text_add(out, i ? "," : "");
		add_value(out, values[i]);
	}
	text_add(out, "]");
}

static void add_part(struct text *out, const struct diff_part *part)
{
	cleanup(text_free) struct text port = TEXT_EMPTY;

	listing_write_port(&port, part->kind, &part->port);
	text_addf(out, "{\"change\":\"%s\",\"kind\":\"%s\"", diff_mark_word(part->mark),
		  part->kind == RULE_NETWORK ? "network" : "application");
	add_pair(out, "port", text_string(&port));
	add_list(out, "destinations", part->destinations, part->destination_count);
	text_addf(out, ",\"any_is_enough\":%s,\"missing\":%s", part->any_of ? "true" : "false",
		  part->missing ? "true" : "false");
	add_pair(out, part->missing ? "denied_by" : "admitted_by",
		 part->because ? part->because->label : NULL);
	text_add(out, "}");
}

static void add_attribute(struct text *out, const struct diff_attribute *attribute)
{
	text_addf(out, "{\"what\":\"%s\"", attribute->name);
	add_pair(out, "before", attribute->before);
	add_pair(out, "after", attribute->after);
	text_add(out, "}");
}

static void add_change(struct text *out, const struct diff_change *change)
{
	const struct listing_entry *entry = diff_change_entry(change);

	text_addf(out, "{\"change\":\"%s\"", diff_kind_word(change->kind));
	add_pair(out, "entry", entry->label);
	add_pair(out, "entry_before", change->before ? change->before->label : NULL);
	text_addf(out, ",\"own\":%s", entry->own ? "true" : "false");
	add_pair(out, "feature", entry->feature);
	add_list(out, "clouds", change->clouds, change->cloud_count);
	add_pair(out, "need", entry->bare ? NULL : listing_need_word(entry->need));
	add_pair(out, "section", entry->section);
	add_pair(out, "purpose", entry->purpose);
	add_pair(out, "note", entry->note);
	text_addf(out, ",\"for_profile\":%s,\"destinations\":[",
		  change->for_profile ? "true" : "false");
	for (size_t i = 0; i < change->part_count; i++) {
		text_add(out, i ? ",\n   " : "");
		add_part(out, &change->parts[i]);
	}
	text_add(out, "],\"attributes\":[");
	for (size_t i = 0; i < change->attribute_count; i++) {
		text_add(out, i ? ",\n   " : "");
		add_attribute(out, &change->attributes[i]);
	}
	text_add(out, "]}");
}

static void add_profile(struct text *out, const struct cluster_profile *profile)
{
	if (!profile) {
		text_add(out, ",\"profile\":null");
		return;
	}
	text_add(out, ",\"profile\":{\"cloud\":");
	add_value(out, profile->cloud);
	add_pair(out, "region", *profile->region ? profile->region : NULL);
	add_list(out, "features", (const char *const *)profile->features, profile->feature_count);
	text_add(out, "}");
}

static void add_renaming(struct text *out, const struct diff_renaming *renaming)
{
	text_add(out, "{\"feature\":");
	add_value(out, renaming->feature);
	add_pair(out, "before", renaming->before);
	add_pair(out, "after", renaming->after);
	text_addf(out, ",\"for_profile\":%s}", renaming->for_profile ? "true" : "false");
}

void diff_write_json(struct text *out, const struct diff_view *view)
{
	const struct catalog_diff *diff = view->diff;

	text_add(out, "{\"before\":");
	add_value(out, view->before->name);
	add_pair(out, "after", view->after->name);
	add_profile(out, view->profile);
	text_addf(out, ",\"missing\":%zu,\"unread\":%zu,\"not_compared\":%zu,\"changes\":[",
		  diff->missing, view->after->unread, diff->set_aside);
	for (size_t i = 0; i < diff->change_count; i++) {
		text_add(out, i ? ",\n " : "\n ");
		add_change(out, &diff->changes[i]);
	}
	text_add(out, "],\"renamed_sections\":[");
	for (size_t i = 0; i < diff->renaming_count; i++) {
		text_add(out, i ? ",\n " : "\n ");
		add_renaming(out, &diff->renamings[i]);
	}
	text_add(out, "]}\n");
}
