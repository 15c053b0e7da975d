/* sallyport status: the gateway's figures, as they come (json) or one a line. */
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/model.h"
#include "cli/verbs.h"
#include "observe/admin.h"

#define STATUS_TIMEOUT_MS 5000

static void print_value(const char *path, const json_t *value)
{
	if (json_is_integer(value))
		printf("%-36s %" JSON_INTEGER_FORMAT "\n", path, json_integer_value(value));
	else if (json_is_string(value))
		printf("%-36s %s\n", path, json_string_value(value));
}

static void print_tree(const char *prefix, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		char path[512];

		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (json_is_object(value))
			print_tree(path, value);
		else
			print_value(path, value);
	}
}

int cli_status(const struct cli_arguments *arguments)
{
	cleanup(free_memory) char *path = cli_socket_path(arguments);
	cleanup(text_free) struct text reply = TEXT_EMPTY;
	json_t *answer;
	int error;

	if (!path)
		return 2;
	error = admin_ask(path, "status", STATUS_TIMEOUT_MS, &reply);
	if (error < 0) {
		cli_print_no_answer(path, error);
		return 1;
	}
	if (arguments->json)
		return cli_print(&reply) ? 0 : 1;
	answer = json_loads(text_string(&reply), 0, NULL);
	if (!answer) {
		fprintf(stderr, "sallyport: the answer from %s is not JSON\n", path);
		return 1;
	}
	print_tree("", answer);
	json_decref(answer);
	return cli_printed(true) ? 0 : 1;
}
