#include "catalog/choices.h"
#include "catalog/choices_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"

struct catalog_choices {
	struct catalog_choice *list;
	size_t count, capacity;
};

struct catalog_choices *catalog_choices_new(void)
{
	return calloc(1, sizeof(struct catalog_choices));
}

static void choice_done(struct catalog_choice *choice)
{
	free(choice->entry);
	free(choice->destination);
	free(choice->why);
	for (size_t i = 0; i < choice->narrower_count; i++) {
		free(choice->narrower[i].destination);
		free(choice->narrower[i].lacks);
	}
}

void catalog_choices_free(struct catalog_choices *choices)
{
	if (!choices)
		return;
	for (size_t i = 0; i < choices->count; i++)
		choice_done(&choices->list[i]);
	free(choices->list);
	free(choices);
}

size_t catalog_choices_count(const struct catalog_choices *choices)
{
	return choices->count;
}

const struct catalog_choice *catalog_choices_at(const struct catalog_choices *choices, size_t index)
{
	invariant(index < choices->count);
	return &choices->list[index];
}

int catalog_choices_add(struct catalog_choices *choices, const char *entry, bool taken,
			const char *destination, const char *why)
{
	struct catalog_choice choice = {.taken = taken};

	if (!choices)
		return 0;
	if (choices->count == choices->capacity) {
		size_t capacity = choices->capacity ? choices->capacity * 2 : 16;
		struct catalog_choice *grown =
			realloc(choices->list, capacity * sizeof(*choices->list));

		if (!grown)
			return -ENOMEM;
		choices->list = grown;
		choices->capacity = capacity;
	}
	choice.entry = strdup(entry);
	choice.why = strdup(why);
	choice.destination = destination ? strdup(destination) : NULL;
	if (!choice.entry || !choice.why || (destination && !choice.destination)) {
		choice_done(&choice);
		return -ENOMEM;
	}
	choices->list[choices->count++] = choice;
	return 0;
}

void catalog_choices_mark_correction(struct catalog_choices *choices)
{
	if (choices)
		choices->list[choices->count - 1].correction = true;
}

int catalog_choices_add_narrower(struct catalog_choices *choices, const char *destination,
				 const char *lacks)
{
	struct catalog_choice *choice;
	char *copy, *lacks_copy;

	if (!choices)
		return 0;
	choice = &choices->list[choices->count - 1];
	invariant(choice->narrower_count < CATALOG_NARROWER_MAX);
	copy = strdup(destination);
	lacks_copy = strdup(lacks);
	if (!copy || !lacks_copy) {
		free(copy);
		free(lacks_copy);
		return -ENOMEM;
	}
	choice->narrower[choice->narrower_count].destination = copy;
	choice->narrower[choice->narrower_count].lacks = lacks_copy;
	choice->narrower_count++;
	return 0;
}
