/*
 * Headings → title, cloud, feature and need of a table.
 *
 * The headings have been renamed, repeated and moved between levels, so each question is asked of
 * the nearest heading first and then of those above it, by the words that stayed. What is left of a
 * heading after the words that every heading has is a feature, also when it is a new one: a rule
 * filed under an unknown feature is seen, one filed under "every cluster" would open too much.
 *
 * In 2020 the clouds were bullets ("- Azure Global") between one heading and its tables: such a
 * bullet right above a table is its innermost heading.
 */
#include "import/article_place_impl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "import/article_cloud_impl.h"

#define NO_HEADING   SIZE_MAX
#define LABEL_LENGTH 60 /* bytes that a bullet may have to be a label */

void article_place_done(struct article_place *place)
{
	free(place->title);
	free(place->feature);
	free(place->feature_title);
	*place = (struct article_place){0};
}

/* The heading that governs a block: the nearest above it, of a smaller level for a heading. */
static size_t heading_above(const struct article_blocks *blocks, size_t index)
{
	const struct article_block *from = &blocks->list[index];
	unsigned int level = from->kind == ARTICLE_HEADING ? from->level : 7;

	while (index-- > 0)
		if (blocks->list[index].kind == ARTICLE_HEADING &&
		    blocks->list[index].level < level)
			return index;
	return NO_HEADING;
}

/* ------------------------------------------------------------------ title */

static bool is_unique(const struct article_blocks *blocks, size_t heading, const char *words,
		      bool *ret_failed)
{
	for (size_t i = 0; i < blocks->count; i++) {
		cleanup(free_memory) char *other = NULL;

		if (i == heading || blocks->list[i].kind != ARTICLE_HEADING)
			continue;
		other = article_runs_words(&blocks->list[i].text);
		*ret_failed |= !other;
		if (!other || strcmp(other, words) == 0)
			return false;
	}
	return true;
}

/* The heading's text; behind that of the nearest heading above it that is unique, when it is not.
 */
static char *title_of(const struct article_blocks *blocks, size_t heading)
{
	cleanup(free_memory) char *own = article_runs_words(&blocks->list[heading].text);
	cleanup(text_free) struct text title = TEXT_EMPTY;
	bool failed = !own;

	if (own && !is_unique(blocks, heading, own, &failed)) {
		for (size_t above = heading_above(blocks, heading); above != NO_HEADING && !failed;
		     above = heading_above(blocks, above)) {
			cleanup(free_memory) char *words =
				article_runs_words(&blocks->list[above].text);

			failed |= !words;
			if (!words || !is_unique(blocks, above, words, &failed))
				continue;
			text_addf(&title, "%s: ", words);
			break;
		}
	}
	text_add(&title, own ? own : "");
	return failed || text_failed(&title) ? NULL : take_pointer(title.data);
}

/* ------------------------------------------------------------------ feature and need */

/* Words that say nothing of a feature. */
static bool is_common(const char *word, size_t length)
{
	static const char *const common[] = {"a",
					     "all",
					     "are",
					     "needed",
					     "ons",
					     "some",
					     "that",
					     "these",
					     "nodes",
					     "add-on",
					     "add-ons",
					     "addon",
					     "addons",
					     "address",
					     "addresses",
					     "aks",
					     "an",
					     "and",
					     "application",
					     "applications",
					     "azure",
					     "based",
					     "by",
					     "china",
					     "cloud",
					     "cluster",
					     "clusters",
					     "dependencies",
					     "egress",
					     "enabled",
					     "endpoint",
					     "endpoints",
					     "feature",
					     "features",
					     "for",
					     "fqdn",
					     "fqdns",
					     "global",
					     "government",
					     "in",
					     "integrations",
					     "kubernetes",
					     "microsoft",
					     "network",
					     "of",
					     "operated",
					     "optional",
					     "or",
					     "outbound",
					     "port",
					     "ports",
					     "preview",
					     "public",
					     "recommended",
					     "required",
					     "rule",
					     "rules",
					     "service",
					     "the",
					     "to",
					     "traffic",
					     "us",
					     "using",
					     "with",
					     "21vianet",
					     "mooncake",
					     "fairfax",
					     NULL};

	for (const char *const *other = common; *other; other++)
		if (strlen(*other) == length && strncasecmp(word, *other, length) == 0)
			return true;
	return false;
}

/* "Istio-based service mesh add-on" → "istio-based-mesh"; empty: no feature. */
static char *slug_of(const char *words)
{
	cleanup(text_free) struct text slug = TEXT_EMPTY;

	text_add(&slug, "");
	while (*words) {
		size_t skip = strcspn(words, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789");
		size_t length = 0;

		words += skip;
		while (isalnum((unsigned char)words[length]) ||
		       (words[length] == '-' && length > 0 &&
			isalnum((unsigned char)words[length + 1])))
			length++;
		if (length && !is_common(words, length) && slug.length + length < 60) {
			text_add(&slug, slug.length ? "-" : "");
			for (size_t i = 0; i < length; i++) {
				char letter = (char)tolower((unsigned char)words[i]);

				text_add_bytes(&slug, &letter, 1);
			}
		}
		words += length;
	}
	return text_failed(&slug) ? NULL : take_pointer(slug.data);
}

/* The features that the catalogue knows, by words of their headings. */
static const char *known_feature(const char *words)
{
	static const char *const known[][2] = {
		{"workload identit", "workload-identity"},
		{"defender", "defender"},
		{"secrets store", "secrets-store-csi"},
		{"secret store", "secrets-store-csi"},
		{"key vault", "secrets-store-csi"},
		{"azure monitor", "monitor"},
		{"azure policy", "policy"},
		{"cost analysis", "cost-analysis"},
		{"cluster extension", "extensions"},
		{"gpu", "gpu"},
		{"windows", "windows"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcasestr(words, known[i][0]))
			return known[i][1];
	return NULL;
}

static bool find_feature(const char *words, struct article_place *place)
{
	const char *known = known_feature(words);
	cleanup(free_memory) char *name = known ? strdup(known) : slug_of(words);

	if (!name)
		return false;
	if (!*name)
		return true;
	/* The one thing that may be had in two ways, and the table that is the other one. */
	if (place->network && strcmp(name, "monitor") == 0) {
		free(name);
		name = strdup("monitor-service-tag");
	}
	place->feature = take_pointer(name);
	place->feature_title = strdup(words);
	return place->feature && place->feature_title;
}

static bool find_need(const char *words, enum catalog_need *ret_need)
{
	if (strcasestr(words, "recommended"))
		*ret_need = CATALOG_RECOMMENDED;
	else if (strcasestr(words, "required"))
		*ret_need = CATALOG_REQUIRED;
	else if (strcasestr(words, "optional"))
		*ret_need = CATALOG_OPTIONAL;
	else
		return false;
	return true;
}

/* ------------------------------------------------------------------ all of them */

/* A bullet right above that names a cloud and little else; NULL: there is none. */
static char *label_of(const struct article_blocks *blocks, size_t index)
{
	cleanup(free_memory) char *words = NULL;

	if (index == 0 || blocks->list[index - 1].kind != ARTICLE_BULLET)
		return NULL;
	words = article_runs_words(&blocks->list[index - 1].text);
	if (!words || strlen(words) > LABEL_LENGTH || !article_clouds_in(words))
		return NULL;
	return take_pointer(words);
}

static bool add_label(struct article_place *place, const char *label)
{
	cleanup(text_free) struct text title = TEXT_EMPTY;

	text_addf(&title, "%s: %s", place->title, label);
	free(place->title);
	place->title = take_pointer(title.data);
	place->clouds = article_clouds_in(label);
	return place->title != NULL;
}

/* The article's own title, of level 1, is of no section. */
static bool ask_headings(const struct article_blocks *blocks, size_t heading,
			 struct article_place *place)
{
	bool need_found = false;

	for (size_t at = heading; at != NO_HEADING && blocks->list[at].level > 1;
	     at = heading_above(blocks, at)) {
		cleanup(free_memory) char *words = article_runs_english(&blocks->list[at].text);

		if (!words)
			return false;
		if (at == heading)
			place->network = strcasestr(words, "network rule") &&
					 !strcasestr(words, "FQDN") &&
					 !strcasestr(words, "application");
		if (!place->clouds)
			place->clouds = article_clouds_in(words);
		if (!place->feature && !find_feature(words, place))
			return false;
		need_found = need_found || find_need(words, &place->need);
	}
	return true;
}

int article_place_find(const struct article_blocks *blocks, size_t index,
		       struct article_place *ret_place)
{
	cleanup(article_place_done) struct article_place place = {.need = CATALOG_REQUIRED};
	size_t heading = heading_above(blocks, index);
	cleanup(free_memory) char *label = label_of(blocks, index);

	place.title = heading == NO_HEADING ? strdup("Before the first heading")
					    : title_of(blocks, heading);
	if (!place.title || (label && !add_label(&place, label)) ||
	    !ask_headings(blocks, heading, &place))
		return -ENOMEM;
	*ret_place = place;
	place = (struct article_place){0};
	return 0;
}
