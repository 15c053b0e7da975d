/*
 * sallyport export TARGET: the rules in the language of another product.
 *
 * The rules are compiled too, though nothing is enforced: what `run` would refuse is not exported.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "cli/model.h"
#include "cli/verbs.h"
#include "export/export.h"

DEFINE_CLEANUP(free_catalog, struct catalog *, catalog_free);
DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

void cli_print_targets(FILE *out)
{
	fprintf(out, "\ntargets:\n");
	for (const char *const *name = export_target_names(); *name; name++)
		fprintf(out, "  %-24s %s\n", *name, export_target_title(export_target_find(*name)));
}

bool cli_write_file(const char *path, const struct text *text)
{
	int error = file_write(path, text_string(text), text->length, 0666);

	if (error == 0)
		return true;
	fprintf(stderr, "sallyport: cannot write %s: %s\n", path,
		error == -EINVAL ? "it is there and no regular file" : strerror(-error));
	return false;
}

static bool is_folder(const struct export_result *result)
{
	return result->is_folder || result->file_count > 1;
}

static bool write_folder(const char *folder, const struct export_result *result)
{
	if (mkdir(folder, 0777) < 0 && errno != EEXIST) {
		fprintf(stderr, "sallyport: cannot make folder %s: %s\n", folder, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < result->file_count; i++) {
		cleanup(text_free) struct text path = TEXT_EMPTY;

		text_addf(&path, "%s/%s", folder, result->files[i].name);
		if (text_failed(&path) ||
		    !cli_write_file(text_string(&path), &result->files[i].text))
			return false;
	}
	return true;
}

/* Several files on standard output are told apart as by head(1). */
static bool print_files(const struct export_result *result)
{
	bool written = true;

	for (size_t i = 0; i < result->file_count && written; i++) {
		const struct text *text = &result->files[i].text;

		if (is_folder(result))
			written =
				printf("%s==> %s <==\n", i ? "\n" : "", result->files[i].name) > 0;
		written = written &&
			  fwrite(text_string(text), 1, text->length, stdout) == text->length;
	}
	return cli_printed(written);
}

static bool put(const struct cli_arguments *arguments, const struct export_result *result)
{
	if (!arguments->write_path)
		return print_files(result);
	return is_folder(result) ? write_folder(arguments->write_path, result)
				 : cli_write_file(arguments->write_path, &result->files[0].text);
}

/* The edition whose rules these are, by name also where the profile leaves it to the program. NULL:
   none. The catalogue is the caller's to free. */
static const char *find_edition(const struct cluster_profile *profile, struct catalog **ret_catalog,
				struct problems *problems)
{
	if (!profile->present)
		return NULL;
	*ret_catalog = catalog_load(profile->catalog_file, problems);
	const struct catalog_edition *edition =
		*ret_catalog ? catalog_edition_find(*ret_catalog, profile->edition) : NULL;
	return edition ? edition->name : NULL;
}

static int write_rules(const struct cli_arguments *arguments, const struct cli_model *model,
		       const struct export_target *target, const struct rule_set *set)
{
	cleanup(free_catalog) struct catalog *catalog = NULL;
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(export_result_done) struct export_result result = {0};
	struct colours colours = cli_colours();
	struct export_request request = {.set = set,
					 .profile = &model->config->cluster,
					 .choices = model->choices,
					 .colours = arguments->write_path ? NULL : &colours,
					 .strict = arguments->strict};
	int error;

	if (!problems)
		return 1;
	request.edition = find_edition(&model->config->cluster, &catalog, problems);
	error = export_write(target, &request, &result, problems);
	cli_print_problems(problems);
	return error == 0 && put(arguments, &result) ? 0 : 1;
}

int cli_export_rules(const struct cli_arguments *arguments, const char *name)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(cli_model_done) struct cli_model model = {0};
	cleanup(rule_set_done) struct rule_set set = {0};
	const struct export_target *target = export_target_find(name);
	enum catalog_tag_use tag_use;

	if (!problems)
		return 1;
	if (!target) {
		fprintf(stderr, "sallyport export: there is no target '%s'\n", name);
		cli_print_targets(stderr);
		return 2;
	}
	tag_use = export_target_knows_tags(target) ? CATALOG_TAGS_BY_NAME : CATALOG_TAGS_BY_PREFIX;
	if (!cli_model_load(arguments, tag_use, &model))
		return 2;
	if (config_rules(model.config, tag_use, &set, NULL, problems) < 0) {
		cli_print_problems(problems);
		return 2;
	}
	return write_rules(arguments, &model, target, &set);
}

int cli_export(const struct cli_arguments *arguments)
{
	return cli_export_rules(arguments, arguments->operands[0]);
}
