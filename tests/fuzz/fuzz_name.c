/* A name that is made canonical twice is the same as once; what is refused leaves no trace. */
#include <stdlib.h>
#include <string.h>

#include "base/assertion.h"
#include "name/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_canonical(const struct name *name)
{
	struct name again;

	invariant(name->length >= 1 && name->length <= NAME_MAX_LENGTH);
	invariant(strlen(name->text) == name->length);
	for (size_t i = 0; i < name->length; i++)
		invariant(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", name->text[i]));
	invariant(name_from_wire(name->text, name->length, &again) == NAME_OK);
	invariant(name_equal(name, &again));
	invariant(name_from_person(name->text, &again) == NAME_OK);
	invariant(name_equal(name, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct name wire = {.length = 0}, person = {.length = 0};
	enum name_error error = name_from_wire(data, size, &wire);

	if (error == NAME_OK)
		check_canonical(&wire);
	invariant((error == NAME_OK) == (wire.length > 0));
	invariant(name_error_text(error) != NULL);

	char *text = malloc(size + 1);
	invariant(text);
	memcpy(text, data, size);
	text[size] = '\0';
	error = name_from_person(text, &person);
	if (error == NAME_OK)
		check_canonical(&person);
	invariant((error == NAME_OK) == (person.length > 0));
	if (wire.length > 0) /* what the wire may say, a person may write */
		invariant(error == NAME_OK && name_equal(&wire, &person));
	free(text);
	return 0;
}
