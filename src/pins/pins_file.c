/*
 * Pins on disk: "name address expiry" a line, the expiry in wall-clock milliseconds, since the
 * steady clock starts anew at a boot. A file is checked as a whole before anything of it is
 * learned. The wall clock may have been set back since: the file also says when it was written, and
 * no pin has more left than it had then, nor more than one that is learned now would. Set forward,
 * it costs the pins, which are learned again.
 */
#include "pins/pins.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "pins/state_file.h"

#define FIRST_LINE "sallyport pins 1"
#define SAVED      "saved " /* begins the second line; files of earlier versions have none */

struct saving {
	struct text text;
	uint64_t steady_ms, wall_ms;
};

static int add_line(void *context, const struct pin *pin)
{
	struct saving *saving = context;
	char address[IP_TEXT_SIZE];

	text_addf(&saving->text, "%s %s %" PRIu64 "\n", pin->name.text,
		  ip_format(&pin->address, address),
		  saving->wall_ms + (pin->expires_ms - saving->steady_ms));
	return text_failed(&saving->text) ? -ENOMEM : 0;
}

int pins_save(const struct pins *pins, const char *path, uint64_t steady_ms, uint64_t wall_ms)
{
	struct saving saving = {.steady_ms = steady_ms, .wall_ms = wall_ms};
	int error;

	text_addf(&saving.text, FIRST_LINE "\n" SAVED "%" PRIu64 "\n", wall_ms);
	error = pins_visit(pins, steady_ms, add_line, &saving);
	if (error == 0 && text_failed(&saving.text))
		error = -ENOMEM;
	if (error == 0)
		error = state_file_write(path, saving.text.data, saving.text.length);
	text_free(&saving.text);
	return error;
}

static int parse_number(const char *text, uint64_t *ret_number)
{
	char *end;

	errno = 0;
	if (*text < '0' || *text > '9')
		return -EBADMSG;
	*ret_number = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? -EBADMSG : 0;
}

static int parse_line(char *line, struct pin *ret_pin)
{
	char *rest = NULL;
	const char *name = strtok_r(line, " ", &rest);
	const char *address = strtok_r(NULL, " ", &rest);
	const char *expiry = strtok_r(NULL, " ", &rest);

	if (!name || !address || !expiry || strtok_r(NULL, " ", &rest))
		return -EBADMSG;
	if (name_from_wire(name, strlen(name), &ret_pin->name) != NAME_OK ||
	    ip_parse(address, &ret_pin->address) < 0)
		return -EBADMSG;
	return parse_number(expiry, &ret_pin->expires_ms);
}

/* One pass over a private copy; `learn_into` NULL: check only. */
static int read_lines(const char *body, struct pins *learn_into, uint64_t steady_ms,
		      uint64_t wall_ms, uint64_t longest_ms)
{
	cleanup(free_memory) char *copy = strdup(body);
	char *at = copy, *line;
	int torn = 0;

	if (!copy)
		return -ENOMEM;
	while ((line = state_file_line(&at, &torn))) {
		enum pin_news news;
		uint64_t previous, rest_ms;
		struct pin pin;
		int error = parse_line(line, &pin);

		if (error < 0)
			return error;
		if (!learn_into || pin.expires_ms <= wall_ms)
			continue;
		rest_ms = pin.expires_ms - wall_ms;
		error = pins_learn(learn_into, &pin.name, &pin.address, steady_ms,
				   steady_ms + (rest_ms < longest_ms ? rest_ms : longest_ms), &news,
				   &previous);
		if (error < 0)
			return error;
	}
	return torn ? -EBADMSG : 0;
}

/* When the file was written, as the wall clock said; 0: it does not tell. */
static int read_saved(char **body, uint64_t *ret_saved_ms)
{
	int torn = 0;
	char *line;

	*ret_saved_ms = 0;
	if (strncmp(*body, SAVED, strlen(SAVED)) != 0)
		return 0;
	line = state_file_line(body, &torn);
	return line ? parse_number(line + strlen(SAVED), ret_saved_ms) : -EBADMSG;
}

int pins_load(struct pins *pins, const char *path, uint64_t steady_ms, uint64_t wall_ms,
	      uint64_t longest_ms)
{
	cleanup(free_memory) char *content = NULL;
	uint64_t saved_ms = 0;
	char *body;
	int error = state_file_read(path, FIRST_LINE, &content, &body);

	if (error == 0)
		error = read_saved(&body, &saved_ms);
	if (saved_ms > wall_ms)
		wall_ms = saved_ms;
	if (error == 0)
		error = read_lines(body, NULL, steady_ms, wall_ms, longest_ms);
	if (error == 0)
		error = read_lines(body, pins, steady_ms, wall_ms, longest_ms);
	return error;
}
