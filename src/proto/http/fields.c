#include "proto/http/fields_impl.h"

#include <string.h>

static enum http_error take_host(struct http_fields *fields, const struct http_slice *value)
{
	if (fields->has_host)
		return HTTP_DUPLICATE_HOST;
	if (!http_authority_read(value, &fields->host))
		return HTTP_BAD_HOST;
	fields->has_host = true;
	return HTTP_OK;
}

static enum http_error take_length(struct http_fields *fields, const struct http_slice *value)
{
	if (fields->has_length || !http_number(value, &fields->content_length))
		return HTTP_BAD_LENGTH;
	fields->has_length = true;
	return HTTP_OK;
}

static enum http_error take_coding(struct http_fields *fields, const struct http_slice *value)
{
	if (fields->chunked || !http_slice_is(value, "chunked"))
		return HTTP_BAD_CODING;
	fields->chunked = true;
	return HTTP_OK;
}

/* Who lists a field here asks the next hop to remove it; the ones that frame a message or say whom
   it is for must reach everybody (RFC 9110 section 7.6.1). */
static bool may_be_removed(const struct http_slice *option)
{
	return !http_slice_is(option, "host") && !http_slice_is(option, "content-length") &&
	       !http_slice_is(option, "transfer-encoding");
}

static enum http_error take_connection(struct http_fields *fields, const struct http_slice *value)
{
	struct http_slice rest = *value;

	while (rest.length > 0) {
		struct http_slice option = http_trim(http_split(&rest, ','));

		if (!may_be_removed(&option))
			return HTTP_BAD_FIELD;
		fields->close |= http_slice_is(&option, "close");
		fields->keep_alive |= http_slice_is(&option, "keep-alive");
	}
	return HTTP_OK;
}

static enum http_error take_upgrade(struct http_fields *fields, const struct http_slice *value)
{
	fields->upgrade |= value->length > 0;
	return HTTP_OK;
}

static enum http_error take_expect(struct http_fields *fields, const struct http_slice *value)
{
	fields->expect_continue |= http_slice_is(value, "100-continue");
	return HTTP_OK;
}

static const struct {
	const char *name;
	enum http_error (*take)(struct http_fields *fields, const struct http_slice *value);
	bool exact;
} s_takers[] = {
	{"host", take_host, true},
	{"content-length", take_length, true},
	{"connection", take_connection, false},
	{"transfer-encoding", take_coding, true},
	{"upgrade", take_upgrade, false},
	{"expect", take_expect, false},
};

/* Some servers take a tab, or a space behind, for a part of the value, and then know neither the
   host nor the coding. `value` is all behind the colon. */
static bool is_exact(const struct http_slice *value)
{
	struct http_slice trimmed = http_trim(*value);

	return trimmed.at + trimmed.length == value->at + value->length &&
	       memchr(value->at, '\t', value->length) == NULL;
}

static enum http_error take_value(struct http_fields *fields, const struct http_slice *name,
				  const struct http_slice *value)
{
	const struct http_slice trimmed = http_trim(*value);

	for (size_t i = 0; i < sizeof(s_takers) / sizeof(s_takers[0]); i++) {
		if (!http_slice_is(name, s_takers[i].name))
			continue;
		if (fields->exact && s_takers[i].exact && !is_exact(value))
			return HTTP_BAD_FIELD;
		return s_takers[i].take(fields, &trimmed);
	}
	return HTTP_OK;
}

/* A line that starts with a blank (obs-fold) has no token before its colon either. */
static enum http_error take_line(struct http_fields *fields, const struct http_slice *line)
{
	struct http_slice value = *line;
	struct http_slice name = http_split(&value, ':');

	if (name.length == line->length || !http_is_token(&name))
		return HTTP_BAD_FIELD;
	if (++fields->count > HTTP_FIELDS_MAX)
		return HTTP_TOO_LONG;
	return take_value(fields, &name, &value);
}

enum http_progress http_fields_read(struct http_scanner *scanner, struct http_fields *fields,
				    enum http_error *ret_error)
{
	for (;;) {
		struct http_slice line;
		enum http_progress progress = http_scanner_line(scanner, &line, ret_error);

		if (progress != HTTP_WHOLE || line.length == 0)
			return progress;
		enum http_error error = take_line(fields, &line);

		if (error != HTTP_OK) {
			*ret_error = error;
			return HTTP_REFUSED;
		}
	}
}

bool http_version_read(const struct http_slice *text, uint8_t *ret_minor)
{
	static const char prefix[] = "HTTP/1.";
	const size_t length = sizeof(prefix) - 1;

	if (text->length != length + 1)
		return false;
	for (size_t i = 0; i < length; i++)
		if (text->at[i] != prefix[i])
			return false;
	if (text->at[length] != '0' && text->at[length] != '1')
		return false;
	*ret_minor = (uint8_t)(text->at[length] - '0');
	return true;
}

enum http_error http_fields_check_framing(const struct http_fields *fields, uint8_t minor_version)
{
	if (fields->chunked && fields->has_length)
		return HTTP_BAD_LENGTH;
	if (fields->chunked && minor_version == 0)
		return HTTP_BAD_CODING;
	return HTTP_OK;
}
