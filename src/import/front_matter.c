#include "import/front_matter_impl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "yaml/tree.h"

DEFINE_CLEANUP(drop_tree, struct yaml_tree *, yaml_tree_free);

static const char *next_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline + 1 : end;
}

static bool is_ruler(const char *line, const char *next)
{
	size_t length = (size_t)(next - line);

	while (length > 3 && strchr(" \t\r\n", line[length - 1]))
		length--;
	return length == 3 && strncmp(line, "---", 3) == 0;
}

/* "06/13/2023" or "2024-05-20" → "2024-05-20". */
static bool read_date(const char *text, char date[FRONT_MATTER_DATE_SIZE])
{
	struct tm day = {0};
	const char *end = strptime(text, "%m/%d/%Y", &day);

	if (!end)
		end = strptime(text, "%Y-%m-%d", &day);
	return end && !*end &&
	       strftime(date, FRONT_MATTER_DATE_SIZE, "%Y-%m-%d", &day) ==
		       FRONT_MATTER_DATE_SIZE - 1;
}

static int find_date(const char *text, size_t length, const char *file, struct front_matter *matter,
		     struct problems *problems)
{
	cleanup(drop_tree) struct yaml_tree *tree = yaml_tree_parse(text, length, file, problems);
	const struct yaml_item *root = tree ? yaml_tree_root(tree) : NULL, *date;

	if (!tree)
		return -EINVAL;
	date = root && yaml_item_kind(root) == YAML_KIND_MAP ? yaml_map_find(root, "ms.date")
							     : NULL;
	if (!date)
		return 0;
	if (yaml_item_kind(date) == YAML_KIND_SCALAR &&
	    read_date(yaml_scalar_text(date), matter->date))
		return 0;
	problems_add(problems, PROBLEM_ERROR, yaml_item_place(date),
		     "ms.date: expected a date, as in 05/20/2024; or give the edition with "
		     "--edition");
	return -EINVAL;
}

int front_matter_read(const char *text, size_t length, const char *file, bool date_wanted,
		      struct front_matter *ret_matter, struct problems *problems)
{
	const char *end = text + length, *first = next_line(text, end), *line = first;
	struct front_matter matter = {.lines = 1};

	if (!is_ruler(text, first)) {
		*ret_matter = (struct front_matter){0};
		return 0;
	}
	while (line < end && !is_ruler(line, next_line(line, end))) {
		line = next_line(line, end);
		matter.lines++;
	}
	if (line == end) {
		problems_add(problems, PROBLEM_ERROR, (struct problem_place){file, 1, 1},
			     "the front matter has no end: a line of three dashes is missing");
		return -EINVAL;
	}
	matter.lines++;
	matter.length = (size_t)(next_line(line, end) - text);
	/* The first ruler begins a document in YAML, too. */
	if (date_wanted && find_date(text, (size_t)(line - text), file, &matter, problems) < 0)
		return -EINVAL;
	*ret_matter = matter;
	return 0;
}
