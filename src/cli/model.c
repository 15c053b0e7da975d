#include "cli/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

DEFINE_CLEANUP(free_problems, struct problems *, problems_free);

static void print_problems(const struct problems *problems)
{
	cleanup(free_memory) char *words = problems_format(problems);

	fputs(words ? words : "sallyport: not enough memory\n", stderr);
}

/* With neither file nor flags: the default profile's rules are what a newcomer wants to see. */
bool cli_model_load(const struct cli_arguments *arguments, struct cli_model *ret_model)
{
	cleanup(free_problems) struct problems *problems = problems_new();
	cleanup(cli_model_done) struct cli_model model = {0};

	if (!problems)
		return false;
	model.config = cli_load_config(arguments);
	if (!model.config)
		return false;
	model.choices = catalog_choices_new();
	model.policy = model.choices ? config_compile(model.config, model.choices, problems) : NULL;
	print_problems(problems);
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
	if (text_failed(text)) {
		fprintf(stderr, "sallyport: not enough memory\n");
		return false;
	}
	fputs(text_string(text), stdout);
	return true;
}

struct cli_colours cli_colours(void)
{
	const char *no_color = getenv("NO_COLOR");

	if (!isatty(STDOUT_FILENO) || (no_color && *no_color))
		return (struct cli_colours){"", "", "", "", ""};
	return (struct cli_colours){"\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m"};
}
