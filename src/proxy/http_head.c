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

/* What the tunnel behind an upgrade must not be: HTTP, whose requests would be judged no more, or
   TLS (RFC 2817 section 3.1), whose hello would not. */
static const char *const s_refused_offers[] = {"h2", "http/", "tls/"};

static bool begins_with(const char *at, size_t left, const char *word)
{
	size_t length = strlen(word);

	return left >= length && strncasecmp(at, word, length) == 0;
}

static bool is_refused_offer(const char *at, size_t left)
{
	for (size_t i = 0; i < sizeof(s_refused_offers) / sizeof(s_refused_offers[0]); i++)
		if (begins_with(at, left, s_refused_offers[i]))
			return true;
	return false;
}

/* Does a protocol in the list begin like one of those? */
static bool offers_refused(const struct http_slice *line)
{
	bool at_start = true;

	for (size_t i = sizeof("Upgrade:") - 1; i < line->length; i++) {
		const char *at = line->at + i;
		size_t left = line->length - i;

		if (*at == ' ' || *at == '\t')
			continue;
		if (at_start && is_refused_offer(at, left))
			return true;
		at_start = *at == ',';
	}
	return false;
}

static bool offers_something(const struct http_slice *line)
{
	size_t length = sizeof("Upgrade:") - 1;

	while (length < line->length && (line->at[length] == ' ' || line->at[length] == '\t'))
		length++;
	return length < line->length;
}

static bool may_stay(const struct http_slice *line, bool by_proxy, bool *upgrade)
{
	if (is_field(line, "Upgrade")) {
		bool stays = !offers_refused(line);

		*upgrade |= stays && offers_something(line);
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
