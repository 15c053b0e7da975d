/* The rows of an imported section that its importer could not read. */
#include <stdlib.h>

#include "catalog/read_impl.h"

struct unread_reading {
	size_t row, line;
	char *text;
};

static const struct yaml_integer_limits s_row_limits = {1, 1000};
static const struct yaml_integer_limits s_line_limits = {1, 10000000};

static const struct yaml_field s_unread_fields[] = {
	{.key = "row",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct unread_reading, row, size_t),
	 .limits = &s_row_limits,
	 .required = true},
	{.key = "line",
	 .read = yaml_read_size,
	 .offset = YAML_MEMBER(struct unread_reading, line, size_t),
	 .limits = &s_line_limits,
	 .required = true},
	{.key = "text",
	 .read = yaml_read_string,
	 .offset = YAML_MEMBER(struct unread_reading, text, char *),
	 .required = true},
};

bool catalog_read_unread(const struct yaml_item *list, const struct yaml_field *field, void *target,
			 struct problems *problems)
{
	const struct section_reading *section = target;
	struct catalog_edition *edition = section->edition;
	struct catalog_unread *grown;
	bool good = true;

	(void)field;
	if (!yaml_expect_list(list, problems))
		return false;
	grown = reallocarray(edition->unread, edition->unread_count + yaml_list_count(list) + 1,
			     sizeof(*grown));
	if (!grown) {
		yaml_complain(list, problems, "out of memory");
		return false;
	}
	edition->unread = grown;
	for (size_t i = 0; i < yaml_list_count(list); i++) {
		struct unread_reading reading = {0};

		good &= yaml_read_fields(yaml_list_at(list, i), s_unread_fields, &reading,
					 problems);
		edition->unread[edition->unread_count++] =
			(struct catalog_unread){section->section->title, (unsigned int)reading.row,
						(unsigned int)reading.line, reading.text};
	}
	return good;
}
