/*
 * A condition is told by a sentence that says for whom a rule is not required: "This isn't required
 * for private clusters, or for clusters with the konnectivity-agent enabled." Sentences that say
 * for whom it is ("required for clusters with konnectivity-agent enabled") leave nobody out.
 */
#include "import/article_conditions_impl.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/list.h"

int article_condition_add(struct catalog_entry *entry, enum catalog_fact fact, bool wanted)
{
	struct catalog_condition *condition;

	for (size_t i = 0; i < entry->condition_count; i++)
		if (entry->conditions[i].fact == fact && entry->conditions[i].wanted == wanted)
			return 0;
	condition = list_add(&entry->conditions, &entry->condition_count, sizeof(*condition));
	if (!condition)
		return -ENOMEM;
	condition->fact = fact;
	condition->wanted = wanted;
	return 0;
}

static bool says_not_required(const char *sentence)
{
	static const char *const words[] = {"isn't required",  "is not required",  "isn’t required",
					    "aren't required", "are not required", "not required",
					    "isn't needed",    "not needed",       NULL};

	for (const char *const *word = words; *word; word++)
		if (strcasestr(sentence, *word))
			return true;
	return false;
}

/* `subject` also has the sentence before, which "However, this rule is not required …" speaks of.
 */
static int read_sentence(struct catalog_entry *entry, const char *sentence, const char *subject)
{
	static const struct {
		const char *words;
		enum catalog_fact fact;
		bool wanted;
	} conditions[] = {
		{"private cluster", CATALOG_FACT_PRIVATE, false},
		{"konnectivity-agent", CATALOG_FACT_KONNECTIVITY, false},
		{"konnectivity agent", CATALOG_FACT_KONNECTIVITY, false},
		{"after March 2021", CATALOG_FACT_NODES_BEFORE_MARCH_2021, true},
	};
	int error = 0;

	if (!says_not_required(sentence))
		return 0;
	for (size_t i = 0; !error && i < sizeof(conditions) / sizeof(*conditions); i++)
		if (strcasestr(subject, conditions[i].words))
			error = article_condition_add(entry, conditions[i].fact,
						      conditions[i].wanted);
	return error;
}

static const char *end_of_sentence(const char *at)
{
	while (*at && !((*at == '.' || *at == '!') && (at[1] == ' ' || !at[1])))
		at++;
	return *at ? at + 1 : at;
}

int article_conditions_read(struct catalog_entry *entry, const char *purpose)
{
	const char *previous = purpose;
	int error = 0;

	for (const char *at = purpose; *at && !error;) {
		cleanup(text_free) struct text sentence = TEXT_EMPTY, subject = TEXT_EMPTY;
		const char *start = at + strspn(at, " ");
		const char *end = end_of_sentence(start);
		bool however = strncasecmp(start, "However", 7) == 0;

		text_add_bytes(&sentence, start, (size_t)(end - start));
		text_add_bytes(&subject, however ? previous : start,
			       (size_t)(end - (however ? previous : start)));
		error = text_failed(&sentence) || text_failed(&subject)
				? -ENOMEM
				: read_sentence(entry, sentence.data, subject.data);
		previous = start;
		at = end;
	}
	return error;
}
