/* sallyport reload: asks the running gateway, waits, and says what came of it. */
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "observe/admin.h"

#define RELOAD_TIMEOUT_MS 60000

int cli_reload(const struct cli_arguments *arguments)
{
	cleanup(free_memory) char *path = cli_socket_path(arguments);
	cleanup(text_free) struct text reply = TEXT_EMPTY;
	json_t *answer;
	int error;

	if (!path)
		return 2;
	error = admin_ask(path, "reload", RELOAD_TIMEOUT_MS, &reply);
	if (error < 0) {
		cli_print_no_answer(path, error);
		return 1;
	}
	answer = json_loads(text_string(&reply), 0, NULL);
	error = json_is_true(json_object_get(answer, "ok"));
	if (error)
		printf("reloaded\n");
	else
		fprintf(stderr, "sallyport: not reloaded, the old policy stays in force:\n%s\n",
			json_string_value(json_object_get(answer, "error"))
				? json_string_value(json_object_get(answer, "error"))
				: text_string(&reply));
	json_decref(answer);
	return error ? 0 : 1;
}
