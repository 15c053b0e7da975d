#include "cli/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

/* With neither file nor flags the profile's defaults count; the catalogue tells which flags it
 * lacks. */
bool cli_model_load(const struct cli_arguments *arguments, enum catalog_tag_use tag_use,
		    struct cli_model *ret_model)
{
	cleanup(free_problems) struct problems *problems = cli_problems_new();
	cleanup(cli_model_done) struct cli_model model = {0};

	if (!problems)
		return false;
	model.config = cli_load_config(arguments);
	if (!model.config)
		return false;
	model.choices = catalog_choices_new();
	model.policy = model.choices
			       ? config_compile(model.config, tag_use, model.choices, problems)
			       : NULL;
	if (!model.choices)
		fprintf(stderr, "sallyport: not enough memory\n");
	cli_print_problems(problems);
	if (!model.policy)
		return false;
	ret_model->config = take_pointer(model.config);
	ret_model->policy = take_pointer(model.policy);
	ret_model->choices = take_pointer(model.choices);
	return true;
}

void cli_model_done(struct cli_model *model)
{
	if (model->policy)
		policy_free(model->policy);
	if (model->choices)
		catalog_choices_free(model->choices);
	if (model->config)
		config_free(model->config);
}

bool cli_print(const struct text *text)
{
	/* Also when only a part of it failed, which is then missing in the whole. */
	if (text_failed(text) || text_failures() > 0) {
		fprintf(stderr, "sallyport: not enough memory\n");
		return false;
	}
	return cli_printed(fputs(text_string(text), stdout) >= 0);
}

bool cli_printed(bool written)
{
	if (written && fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "sallyport: cannot write to standard output: %s\n", strerror(errno));
	return false;
}

struct colours cli_colours(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (!isatty(STDOUT_FILENO) || (no_color && *no_color) ||
	    (terminal && strcmp(terminal, "dumb") == 0))
		return COLOURS_NONE;
	return (struct colours){"\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m"};
}
