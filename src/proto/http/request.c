/*
 * Request heads (RFC 9112 sections 2 to 6), read strictly: every request that two servers could
 * frame or route differently is refused, so that what was judged is what the server will see.
 * Besides the grammar: no empty line before the request line, Host always names somebody (in
 * HTTP/1.0 too: servers differ on whether an absolute target does), an absolute target is plain
 * http and agrees with Host, CONNECT's Host agrees with its target, GET, HEAD, TRACE and CONNECT
 * carry no body, and a query needs a path before it. tests/http holds real servers against it.
 */
#include "proto/http/fields_impl.h"

#include <string.h>

#define HTTP_PORT 80

static const char s_scheme[] = "http://";

struct request_line {
	struct http_slice method, target, version;
};

/* Method up to the first space, version from the last. */
static enum http_error cut_line(struct http_slice line, struct request_line *ret_cut)
{
	struct http_slice rest = line;
	struct http_slice method = http_split(&rest, ' ');

	if (method.length == line.length || !http_is_token(&method))
		return HTTP_BAD_START_LINE;
	const char *last = memrchr(rest.at, ' ', rest.length);

	if (!last)
		return HTTP_BAD_VERSION; /* HTTP/0.9 */
	size_t target_length = (size_t)(last - rest.at);

	ret_cut->method = method;
	ret_cut->target = (struct http_slice){.at = rest.at, .length = target_length};
	ret_cut->version =
		(struct http_slice){.at = last + 1, .length = rest.length - target_length - 1};
	return HTTP_OK;
}

/* Bytes that may stand in a target at all; a fragment never does. */
static bool target_bytes_are_sound(const struct http_slice *target)
{
	for (size_t i = 0; i < target->length; i++)
		if (target->at[i] <= ' ' || target->at[i] > '~' || target->at[i] == '#')
			return false;
	return target->length > 0;
}

/* CONNECT: host and port, both needed. */
static enum http_error read_authority_form(struct http_request *request,
					   struct http_authority *authority)
{
	request->form = HTTP_FORM_AUTHORITY;
	if (!http_authority_read(&request->target, authority) || authority->port == 0)
		return HTTP_BAD_TARGET;
	return HTTP_OK;
}

/* Methods are case-sensitive. */
static bool is_method(const struct http_request *request, const char *method)
{
	return request->method.length == strlen(method) &&
	       memcmp(request->method.at, method, request->method.length) == 0;
}

/* Without a path it means "/", but "*" in OPTIONS (RFC 9112 section 3.2.4). */
static enum http_error read_absolute_form(struct http_request *request,
					  struct http_authority *authority)
{
	const size_t scheme_length = sizeof(s_scheme) - 1;
	struct http_slice scheme = {.at = request->target.at, .length = scheme_length};
	struct http_slice text = request->target;

	if (text.length < scheme_length || !http_slice_is(&scheme, s_scheme))
		return HTTP_BAD_TARGET;
	text.at += scheme_length;
	text.length -= scheme_length;

	const char *slash = memchr(text.at, '/', text.length);

	if (slash) {
		request->path.at = slash;
		request->path.length = text.length - (size_t)(slash - text.at);
		text.length -= request->path.length;
	} else {
		request->path.at = is_method(request, "OPTIONS") ? "*" : "/";
		request->path.length = 1;
	}
	request->form = HTTP_FORM_ABSOLUTE;
	return http_authority_read(&text, authority) ? HTTP_OK : HTTP_BAD_TARGET;
}

static enum http_error read_target(struct http_request *request, struct http_authority *authority)
{
	const struct http_slice *target = &request->target;

	if (!target_bytes_are_sound(target))
		return HTTP_BAD_TARGET;
	if (is_method(request, "CONNECT"))
		return read_authority_form(request, authority);
	if (target->at[0] != '/' && !http_slice_is(target, "*"))
		return read_absolute_form(request, authority);
	request->path = *target;
	request->form = target->at[0] == '/' ? HTTP_FORM_ORIGIN : HTTP_FORM_ASTERISK;
	if (request->form == HTTP_FORM_ASTERISK && !is_method(request, "OPTIONS"))
		return HTTP_BAD_TARGET;
	return HTTP_OK;
}

static enum http_error read_line(const struct http_slice *line, struct http_request *request,
				 struct http_authority *authority)
{
	struct request_line cut;
	enum http_error error = cut_line(*line, &cut);

	if (error != HTTP_OK)
		return error;
	if (!http_version_read(&cut.version, &request->minor_version))
		return HTTP_BAD_VERSION;
	request->method = cut.method;
	request->target = cut.target;
	return read_target(request, authority);
}

/* Brings Host and the target's own authority together. A CONNECT's Host may leave the port out. */
static enum http_error settle_host(const struct http_fields *fields, struct http_request *request,
				   const struct http_authority *authority)
{
	bool has_authority = authority->host.length > 0;
	bool is_connect = request->form == HTTP_FORM_AUTHORITY;
	uint16_t default_port = is_connect ? authority->port : HTTP_PORT;

	if (!fields->has_host && !(is_connect && request->minor_version == 0))
		return HTTP_NO_HOST;
	if (fields->has_host && has_authority &&
	    !http_authority_equal(&fields->host, authority, default_port))
		return HTTP_AUTHORITY_MISMATCH;

	const struct http_authority *settled = is_connect ? authority : &fields->host;

	request->host = settled->host;
	request->port = settled->port;
	return HTTP_OK;
}

/* A body means nothing in these (RFC 9110 section 9.3), and common servers read it as the next
   request instead of skipping it. */
static bool may_have_body(const struct http_request *request)
{
	return !is_method(request, "GET") && !is_method(request, "HEAD") &&
	       !is_method(request, "TRACE") && !is_method(request, "CONNECT");
}

static enum http_error settle_framing(const struct http_fields *fields,
				      struct http_request *request)
{
	bool never = !may_have_body(request);
	enum http_error error = http_fields_check_framing(fields, request->minor_version);

	if (error != HTTP_OK)
		return error;
	if (never && fields->chunked)
		return HTTP_BAD_CODING;
	if (never && fields->content_length > 0)
		return HTTP_BAD_LENGTH;
	if (fields->chunked)
		request->framing = HTTP_BODY_CHUNKED;
	else if (fields->content_length > 0)
		request->framing = HTTP_BODY_LENGTH;
	request->content_length = fields->content_length;
	return HTTP_OK;
}

static enum http_error conclude(const struct http_fields *fields, struct http_request *request,
				const struct http_authority *authority)
{
	enum http_error error = settle_host(fields, request, authority);

	if (error != HTTP_OK)
		return error;
	request->close = http_fields_close(fields, request->minor_version);
	request->upgrade = fields->upgrade;
	request->expect_continue = fields->expect_continue && request->minor_version > 0;
	return settle_framing(fields, request);
}

static enum http_progress read_head(struct http_scanner *scanner, struct http_request *request,
				    enum http_error *ret_error)
{
	struct http_authority authority = {.port = 0};
	struct http_fields fields = {.exact = true};
	struct http_slice line;
	enum http_progress progress = http_scanner_start_line(scanner, &line, ret_error);

	if (progress != HTTP_WHOLE)
		return progress;
	*ret_error = read_line(&line, request, &authority);
	if (*ret_error != HTTP_OK)
		return HTTP_REFUSED;
	progress = http_fields_read(scanner, &fields, ret_error);
	if (progress != HTTP_WHOLE)
		return progress;
	*ret_error = conclude(&fields, request, &authority);
	return *ret_error == HTTP_OK ? HTTP_WHOLE : HTTP_REFUSED;
}

enum http_progress http_request_parse(const char *bytes, size_t length,
				      struct http_request *ret_request, enum http_error *ret_error)
{
	struct http_request request = {.framing = HTTP_BODY_NONE};
	struct http_scanner scanner;

	*ret_error = HTTP_OK;
	http_scanner_init(&scanner, bytes, length);
	enum http_progress progress = read_head(&scanner, &request, ret_error);

	if (progress == HTTP_WHOLE) {
		request.head_length = (size_t)(scanner.at - bytes);
		*ret_request = request;
	}
	return progress;
}
