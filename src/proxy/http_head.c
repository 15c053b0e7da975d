/*
 * Lines are copied towards the front of the head, over what was left out; the result is then moved
 * to the end of the room, so that the body behind it need not move. All bytes of a head were
 * checked by the parser: each line ends in CRLF, each field has its colon.
 */
#include "proxy/http_head_impl.h"

#include <string.h>
#include <strings.h>

#include "base/assertion.h"

struct edit {
	char *out;
	const char *in, *end;
};

static void copy(struct edit *edit, const char *bytes, size_t length)
{
	memmove(edit->out, bytes, length);
	edit->out += length;
}

/* Without the CRLF, which is skipped. */
static struct http_slice next_line(struct edit *edit)
{
	const char *end = memchr(edit->in, '\n', (size_t)(edit->end - edit->in));
	struct http_slice line = {.at = edit->in};

	invariant(end && end > edit->in);
	line.length = (size_t)(end - edit->in) - 1;
	edit->in = end + 1;
	return line;
}

/* Method and version stay. What is written is never longer than what was read. */
static void edit_start_line(struct edit *edit, const struct http_request *request, bool by_proxy)
{
	static const size_t version_length = sizeof(" HTTP/1.1") - 1;
	struct http_slice line = next_line(edit);

	if (!by_proxy) {
		edit->out += line.length + 2;
		return;
	}
	edit->out += request->method.length + 1;
	copy(edit, request->path.at, request->path.length);
	copy(edit, line.at + line.length - version_length, version_length + 2);
}

static bool is_field(const struct http_slice *line, const char *name)
{
	size_t length = strlen(name);

	return line->length > length && line->at[length] == ':' &&
	       strncasecmp(line->at, name, length) == 0;
}

/* Does a protocol in the list begin with `h2` or `HTTP/`? */
static bool offers_http2(const struct http_slice *line)
{
	bool at_start = true;

	for (size_t i = sizeof("Upgrade:") - 1; i < line->length; i++) {
		const char *at = line->at + i;
		size_t left = line->length - i;

		if (*at == ' ' || *at == '\t')
			continue;
		if (at_start && ((left >= 2 && strncasecmp(at, "h2", 2) == 0) ||
				 (left >= 5 && strncasecmp(at, "http/", 5) == 0)))
			return true;
		at_start = *at == ',';
	}
	return false;
}

static bool may_stay(const struct http_slice *line, bool by_proxy, bool *upgrade)
{
	if (is_field(line, "Upgrade")) {
		bool stays = !offers_http2(line);

		*upgrade |= stays;
		return stays;
	}
	return !by_proxy ||
	       (!is_field(line, "Proxy-Connection") && !is_field(line, "Proxy-Authorization"));
}

size_t http_head_edit(uint8_t *head, const struct http_request *request, bool by_proxy,
		      bool *ret_upgrade)
{
	char *first = (char *)head;
	struct edit edit = {.out = first, .in = first, .end = first + request->head_length};
	bool upgrade = false;

	edit_start_line(&edit, request, by_proxy);
	while (edit.in < edit.end) {
		struct http_slice line = next_line(&edit);

		if (may_stay(&line, by_proxy, &upgrade))
			copy(&edit, line.at, line.length + 2);
	}
	invariant(edit.out <= edit.in);

	size_t length = (size_t)(edit.out - first);

	memmove(first + request->head_length - length, first, length);
	*ret_upgrade = upgrade;
	return length;
}
