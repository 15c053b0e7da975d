/*
 * sallyport import KIND FILE: other people's files → ours. A kind is one row of the table below: a
 * function from bytes to text; reading, complaining and writing are the same for all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "cli/model.h"
#include "cli/verbs.h"
#include "import/aks_api.h"
#include "import/article.h"
#include "import/azure_firewall.h"

#define FILE_LIMIT (64u << 20) /* bytes */

DEFINE_CLEANUP(free_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

struct input {
	const struct cli_arguments *arguments;
	const char *file; /* for complaints */
	const char *data;
	size_t length;
};

/* What FILE becomes, into `out`. ret_complete: nothing of it had to be left aside. Negative: it
   cannot be had; errors are in `problems`. */
typedef int import_function(const struct input *input, struct text *out, bool *ret_complete,
			    struct problems *problems);

static int import_aks_article(const struct input *input, struct text *out, bool *ret_complete,
			      struct problems *problems)
{
	cleanup(free_catalog) struct catalog *known = catalog_load(NULL, problems);
	cleanup(text_free) struct text yaml = TEXT_EMPTY;
	struct import_article_counts counts;
	int error =
		known ? import_article(input->data, input->length, input->file,
				       input->arguments->edition, known, &yaml, &counts, problems)
		      : -1;

	if (error)
		return error;
	text_addf(out,
		  "# What `sallyport import aks-article` made of Microsoft's article: %zu tables, "
		  "%zu "
		  "rows,\n# %zu entries; %zu rows could not be read.\n",
		  counts.tables, counts.rows, counts.entries, counts.unread);
	text_add_bytes(out, yaml.data, yaml.length);
	*ret_complete = counts.unread == 0;
	return 0;
}

static int import_aks_api_answer(const struct input *input, struct text *out, bool *ret_complete,
				 struct problems *problems)
{
	int result = import_aks_api(input->data, input->length, input->file, out, problems);

	*ret_complete = result == 0;
	return result < 0 ? result : 0;
}

static int import_azure_firewall_rules(const struct input *input, struct text *out,
				       bool *ret_complete, struct problems *problems)
{
	int result = import_azure_firewall(input->data, input->length, input->file, out, problems);

	*ret_complete = result == 0;
	return result < 0 ? result : 0;
}

struct kind {
	const char *name;
	import_function *import;
	const char *title;
};

static const struct kind s_kinds[] = {
	{"aks-article", import_aks_article,
	 "Microsoft's article of outbound rules (Markdown) as a catalogue file"},
	{"aks-api", import_aks_api_answer,
	 "what AKS says that one cluster must reach (JSON) as a sallyport.yaml"},
	{"azure-firewall", import_azure_firewall_rules,
	 "an Azure Firewall's rules (ARM JSON) as a sallyport.yaml"},
};

#define KIND_COUNT (sizeof(s_kinds) / sizeof(*s_kinds))

void cli_print_import_kinds(FILE *out)
{
	fprintf(out, "\nkinds:\n");
	for (size_t i = 0; i < KIND_COUNT; i++)
		fprintf(out, "  %-24s %s\n", s_kinds[i].name, s_kinds[i].title);
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (strcmp(s_kinds[i].name, name) == 0)
			return &s_kinds[i];
	fprintf(stderr, "sallyport import: there is no kind '%s'\n", name);
	cli_print_import_kinds(stderr);
	return NULL;
}

static bool read_input(const char *path, char **ret_data, size_t *ret_length)
{
	int error = file_read(path, FILE_LIMIT, ret_data, ret_length);

	if (error == 0)
		return true;
	fprintf(stderr, "sallyport: cannot read %s: %s\n", path,
		error == -EFBIG    ? "it is longer than 64 MiB"
		: error == -EINVAL ? "it is no regular file"
				   : strerror(-error));
	return false;
}

static bool put(const char *path, const struct text *out)
{
	return path && !text_failed(out) ? cli_write_file(path, out) : cli_print(out);
}

int cli_import(const struct cli_arguments *arguments)
{
	const struct kind *kind = find_kind(arguments->operands[0]);
	struct input input = {.arguments = arguments, .file = arguments->operands[1]};
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(free_memory) char *data = NULL;
	cleanup(text_free) struct text out = TEXT_EMPTY;
	bool complete = true;
	int error;

	if (!kind)
		return 2;
	if (!problems)
		return 1;
	if (!read_input(input.file, &data, &input.length))
		return 2;
	input.data = data;
	error = kind->import(&input, &out, &complete, problems);
	cli_print_problems(problems);
	if (error)
		return 2;
	return put(arguments->write_path, &out) && complete ? 0 : 1;
}
