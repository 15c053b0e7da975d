/*
 * Response heads (RFC 9112 sections 4 and 6.3). Strict as requests are, with one leniency that
 * nobody can read two ways: the space after the status may be missing when no reason follows it.
 */
#include "proto/http/fields_impl.h"

#define VERSION_LENGTH 8
#define STATUS_LENGTH  3

static bool read_status(const char *digits, uint16_t *ret_status)
{
	struct http_slice text = {.at = digits, .length = STATUS_LENGTH};
	uint64_t number;

	if (!http_number(&text, &number) || number < 100 || number > 599)
		return false;
	*ret_status = (uint16_t)number;
	return true;
}

static enum http_error read_line(const struct http_slice *line, struct http_response *response)
{
	struct http_slice rest = *line;
	struct http_slice version = http_split(&rest, ' ');

	if (!http_version_read(&version, &response->minor_version))
		return HTTP_BAD_VERSION;
	if (version.length == line->length || rest.length < STATUS_LENGTH ||
	    (rest.length > STATUS_LENGTH && rest.at[STATUS_LENGTH] != ' ') ||
	    !read_status(rest.at, &response->status))
		return HTTP_BAD_STATUS;
	return HTTP_OK;
}

/* Interim answers and 204 cannot even announce a body (RFC 9110 section 8.6, RFC 9112 section 6.1);
   a length of 0 is common and harmless. */
static enum http_error settle_framing(const struct http_fields *fields, bool head_request,
				      struct http_response *response)
{
	bool never = response->status < 200 || response->status == 204;
	enum http_error error = http_fields_check_framing(fields, response->minor_version);

	if (error != HTTP_OK)
		return error;
	if (never && fields->chunked)
		return HTTP_BAD_CODING;
	if (never && fields->content_length > 0)
		return HTTP_BAD_LENGTH;
	response->content_length = fields->content_length;
	if (never || head_request || response->status == 304)
		response->framing = HTTP_BODY_NONE;
	else if (fields->chunked)
		response->framing = HTTP_BODY_CHUNKED;
	else if (!fields->has_length)
		response->framing = HTTP_BODY_UNTIL_CLOSE;
	else if (fields->content_length > 0)
		response->framing = HTTP_BODY_LENGTH;
	return HTTP_OK;
}

static enum http_error conclude(const struct http_fields *fields, bool head_request,
				struct http_response *response)
{
	enum http_error error = settle_framing(fields, head_request, response);

	response->close = http_fields_close(fields, response->minor_version) ||
			  response->framing == HTTP_BODY_UNTIL_CLOSE;
	return error;
}

static enum http_progress read_head(struct http_scanner *scanner, bool head_request,
				    struct http_response *response, enum http_error *ret_error)
{
	struct http_fields fields = {.count = 0};
	struct http_slice line;
	enum http_progress progress = http_scanner_start_line(scanner, &line, ret_error);

	if (progress != HTTP_WHOLE)
		return progress;
	*ret_error = read_line(&line, response);
	if (*ret_error != HTTP_OK)
		return HTTP_REFUSED;
	progress = http_fields_read(scanner, &fields, ret_error);
	if (progress != HTTP_WHOLE)
		return progress;
	*ret_error = conclude(&fields, head_request, response);
	return *ret_error == HTTP_OK ? HTTP_WHOLE : HTTP_REFUSED;
}

enum http_progress http_response_parse(const char *bytes, size_t length, bool head_request,
				       struct http_response *ret_response,
				       enum http_error *ret_error)
{
	struct http_response response = {.framing = HTTP_BODY_NONE};
	struct http_scanner scanner;

	*ret_error = HTTP_OK;
	http_scanner_init(&scanner, bytes, length);
	enum http_progress progress = read_head(&scanner, head_request, &response, ret_error);

	if (progress == HTTP_WHOLE) {
		response.head_length = (size_t)(scanner.at - bytes);
		*ret_response = response;
	}
	return progress;
}
